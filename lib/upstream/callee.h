/* Callee: a service as an RPC endpoint calls it - which instances, which methods, and how they are spoken to. Part of
 * a table, immutable. */
#ifndef GW_UPSTREAM_CALLEE_H
#define GW_UPSTREAM_CALLEE_H

#include <gateway/option.h>
#include <stdint.h>

struct gw__rpc;
struct gw__service;

/* 0: not said. The service's own word wins over the endpoint's. */
enum gw__encoding { GW__ENCODING_BINARY = 1 };
enum gw__transport { GW__TRANSPORT_UNFRAMED = 1, GW__TRANSPORT_FRAMED };
enum gw__json_form { GW__JSON_STRICT = 1, GW__JSON_KITEX };

struct gw__speech {
    uint8_t encoding, transport, json;
};

struct gw__callee {
    struct gw__service *service;
    const struct gw__rpc *rpc; /* NULL: no IDL describes it */
    struct gw__speech speech;
};

/* Takes from a checked group's `encoding`, `transport` and `json` what is not said yet. */
void gw__speech_fill(struct gw__speech *speech, const struct gw_option *group);

#endif
