/* Callee: a service as an RPC endpoint calls it - its instances, its methods, and how they are called. Part of a table,
 * immutable. */
#ifndef GW_UPSTREAM_CALLEE_H
#define GW_UPSTREAM_CALLEE_H

#include <gateway/option.h>
#include <stdint.h>

/* The most calls that one connection carries at a time. */
enum { GW__IN_FLIGHT_MOST = 64 };

struct gw__rpc;
struct gw__service;

/* 0: not configured. What the service has configured wins over the endpoint. The words of a config are in the order of
 * the values, those of encodings in the order of enum gw__encoding (wire/message.h). */
#define GW__ENCODING_WORDS "binary|binary_old|compact|json"
#define GW__TRANSPORT_WORDS "unframed|framed|theader|ttheader|ttheader_framed|http"
#define GW__JSON_WORDS "strict|kitex"
#define GW__INT64_WORDS "number|string|auto"
#define GW__NAN_WORDS "null|string|refuse"
#define GW__BINARY_WORDS "base64|base64url"
enum gw__transport {
    GW__TRANSPORT_UNFRAMED = 1,
    GW__TRANSPORT_FRAMED,
    GW__TRANSPORT_THEADER,
    GW__TRANSPORT_TTHEADER,
    GW__TRANSPORT_TTHEADER_FRAMED,
    GW__TRANSPORT_HTTP,
};
enum gw__json_form { GW__JSON_STRICT = 1, GW__JSON_KITEX };

struct gw__rpc_options {
    uint8_t encoding, transport, json; /* of the enums above, and enum gw__encoding */
    uint8_t int64, nan, binary;        /* as in struct gw__json_rules */
    uint8_t zlib;            /* 1: no, 2: yes */
    uint8_t in_flight;       /* calls at a time on one connection */
    const char *multiplexed; /* name of the service in messages */
    const char *caller;      /* name of this gateway in headers */
    const char *path;        /* of HTTP requests */
    const struct gw_option *biz_status; /* list of groups with `code` and `status` */
};

struct gw__callee {
    struct gw__service *service;
    const struct gw__rpc *rpc; /* NULL: no IDL describes it */
    struct gw__rpc_options options;
};

/* The place of a word among "a|b|c", counted from 1; 0: it is none of them. */
uint8_t gw__word_place(const char *word, const char *words);

/* Sets those that are 0 from the keys of their names in a checked group, which has to live as long; NULL has none. */
void gw__rpc_options_fill(struct gw__rpc_options *options, const struct gw_option *group);
/* Sets those that are 0 from others. */
void gw__rpc_options_complete(struct gw__rpc_options *options, const struct gw__rpc_options *others);
/* Its frames tell which call they belong to. */
static inline bool gw__rpc_transport_has_id(uint8_t transport)
{
    return transport >= GW__TRANSPORT_THEADER && transport <= GW__TRANSPORT_TTHEADER_FRAMED;
}
/* What does not go together, for a message; NULL: nothing. */
const char *gw__rpc_options_conflict(const struct gw__rpc_options *options);

/* Members of `biz_status`. */
extern const struct gw_option_spec gw__biz_status_specs[];

#endif
