/* Callee: a service as an RPC endpoint calls it - its instances, its methods, and how they are called. Part of a table,
 * immutable. */
#ifndef GW_UPSTREAM_CALLEE_H
#define GW_UPSTREAM_CALLEE_H

#include <gateway/option.h>
#include <stdint.h>

struct gw__rpc;
struct gw__service;

/* 0: not configured. What the service has configured wins over the endpoint. The words of a config are in the order of
 * the values, those of encodings in the order of enum gw__encoding (wire/message.h). */
#define GW__ENCODING_WORDS "binary|binary_old"
#define GW__TRANSPORT_WORDS "unframed|framed"
#define GW__JSON_WORDS "strict|kitex"
#define GW__INT64_WORDS "number|string|auto"
#define GW__NAN_WORDS "null|string|refuse"
#define GW__BINARY_WORDS "base64|base64url"
enum gw__transport { GW__TRANSPORT_UNFRAMED = 1, GW__TRANSPORT_FRAMED };
enum gw__json_form { GW__JSON_STRICT = 1, GW__JSON_KITEX };

struct gw__rpc_options {
    uint8_t encoding, transport, json; /* of the enums above, and enum gw__encoding */
    uint8_t int64, nan, binary;        /* as in struct gw__json_rules */
};

struct gw__callee {
    struct gw__service *service;
    const struct gw__rpc *rpc; /* NULL: no IDL describes it */
    struct gw__rpc_options options;
};

/* Sets those that are 0 from the options of their names in a checked group; NULL has none. */
void gw__rpc_options_fill(struct gw__rpc_options *options, const struct gw_option *group);

#endif
