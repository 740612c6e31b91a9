/* Limits, timeouts, options of HTTP, as checked values: bytes, counts, milliseconds. Each may be said at the top, at a
 * listener or at a route; what is not said inherits. */
#ifndef GW_BASE_SETTINGS_H
#define GW_BASE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

struct gw__networks;

struct gw__limits {
    int64_t line_bytes;        /* start line: 414 */
    int64_t head_bytes;        /* 431 */
    int64_t headers;           /* number of fields: 431 */
    int64_t body_bytes;        /* body of a request: 413 */
    int64_t call_bytes;        /* a request as an RPC service gets it: 413 */
    int64_t body_buffer_bytes; /* what whole_request_body collects: 413 */
    int64_t connections;       /* per worker: closed */
    int64_t client_connections; /* per worker and client address: 429 */
    int64_t requests;          /* of a connection: closed behind the last */
    int64_t in_flight;         /* exchanges of a worker: 503 */
    int64_t replay_bytes;      /* of a request's body, kept until the first byte of the answer */
    int64_t body_rate;         /* of a request, bytes a second: 408 */
};

struct gw__timeouts {
    int64_t head_ms;       /* first byte of a head to its last: 408 */
    int64_t keep_alive_ms; /* between requests */
    int64_t connect_ms;    /* to an instance: next one, then 502 */
    int64_t response_ms;   /* end of the request (or its last piece so far) to the response's head: 504 */
    int64_t stall_ms;      /* between two pieces of a body in either direction */
    int64_t slow_ms;       /* how long a request's body may come slower than body_rate: 408 */
    int64_t total_ms;      /* of an exchange, from its head to the last byte: 504, 408, or cut */
};

/* Which fields tell instances the client's address; others of this kind are dropped. */
enum gw__forwarded {
    GW__FORWARDED_X,        /* X-Forwarded-For, -Proto, -Host */
    GW__FORWARDED_STANDARD, /* Forwarded, RFC 7239 */
    GW__FORWARDED_BOTH,
    GW__FORWARDED_NONE,
    GW__FORWARDED_PASS, /* all as they came */
};

/* HTTP options of a listener. Every copy holds a reference to `trusted`. */
struct gw__http_options {
    struct gw__networks *trusted; /* proxies; NULL: none */
    uint8_t forwarded;  /* enum gw__forwarded */
    bool trace;         /* TRACE is routed like any method */
    bool server;        /* own answers have `Server: gateway`, instances' keep theirs; false: none has it */
    bool merge_slashes; /* "//" in a path is "/" */
};

#endif
