/* What all RPC endpoints share: which service and method a request calls, how its JSON becomes a message and the
 * result becomes JSON again, in which form that is answered, and how what goes wrong is told. How messages travel is
 * each endpoint's own. */
#ifndef GW_ENDPOINTS_RPC_H
#define GW_ENDPOINTS_RPC_H

#include "exchange/exchange.h"
#include "transcode/decode.h"
#include "transcode/encode.h"
#include "upstream/callee.h"

/* What the options of an endpoint say; begins its instance data. */
struct gw__rpc_target {
    const char *service, *method;    /* names, maybe with {variables} */
    const struct gw__callee *callee; /* NULL: known once the variables are */
    const struct gw__method *known;  /* the method, likewise */
    struct gw__rpc_options options;
    bool enum_names;
};

/* Large; kept by the worker from call to call with the memory of both buffers. */
struct gw__rpc_converter {
    struct gw__spare spare;
    struct gw__wire wire;    /* the request, until the call is over: it may have to be sent again */
    struct gw__json_out out; /* of the answer: what has not been sent */
    enum { GW__RPC_IDLE, GW__RPC_ENCODES, GW__RPC_DECODES, GW__RPC_TAKES_FAULT } use;
    union { /* one after the other: a request is sent when all of it has been encoded */
        struct gw__encode encode;
        struct gw__decode decode;
        struct gw__thrift_fault fault;
    };
};

enum gw__rpc_wrap { GW__RPC_PLAIN, GW__RPC_MERGED, GW__RPC_DATA }; /* a result in the envelope: merged, or its data */

/* One call; begins the scratch of an endpoint. */
struct gw__rpc_call {
    struct gw_exchange *ex;
    const struct gw__callee *callee;
    const struct gw__method *method;
    struct gw__rpc_options options;
    struct gw__rpc_converter *converter;
    uint32_t prefix; /* bytes of `out` that stand in front of the result */
    uint8_t wrap;    /* enum gw__rpc_wrap */
    bool enum_names;
    bool begun;      /* the response's head has been handed over */
};

/* The options `service`, `method`, `encoding`, `transport`, `json`, `enums` of every RPC endpoint; see create() of an
 * endpoint type. Reports [GW1021, GW1026, GW1027]. */
int gw__rpc_target_create(struct gw_endpoint *self, struct gw__rpc_target *target, const struct gw_option *options);

/* Finds what is called and gets a converter, whose `wire` is empty; else the exchange has failed, as returned. */
enum gw_flow gw__rpc_begin(struct gw__rpc_call *call, struct gw_exchange *ex, const struct gw__rpc_target *target);
/* Lets go of the converter; may come twice, and without a beginning. */
void gw__rpc_end(struct gw__rpc_call *call);

/* The request's JSON goes to `wire`, behind what stands there. */
void gw__rpc_begin_request(struct gw__rpc_call *call);
/* True: complete, and to be sent. Else *flow is what on_request_data returns: more is to come, or it has failed. */
bool gw__rpc_take_request(struct gw__rpc_call *call, const char *data, size_t size, bool last, enum gw_flow *flow);

/* The result that now comes is read by converter->decode. */
void gw__rpc_begin_result(struct gw__rpc_call *call);
/* A TApplicationException comes, which is read by converter->fault. */
void gw__rpc_begin_fault(struct gw__rpc_call *call);
/* Behind every piece of a result: sends JSON that is more than an answer with a known length shall have. True: the
 * client is full. */
bool gw__rpc_send_some(struct gw__rpc_call *call);
/* It is a declared exception, which is collected, and longer than limits.body_buffer. */
bool gw__rpc_is_too_long(const struct gw__rpc_call *call);
/* It is complete: the answer, or the failure that a declared exception is. */
void gw__rpc_send_result(struct gw__rpc_call *call);
/* An answer without result. status: where there is no envelope. */
void gw__rpc_send_nothing(struct gw__rpc_call *call, int status);

/* Failures; once the response's head has gone, it is cut. */
void gw__rpc_fail_memory(struct gw__rpc_call *call);
/* The answer could not be read, for the reason given (static). */
void gw__rpc_fail_unreadable(struct gw__rpc_call *call, const char *why);
/* The connection was closed before the answer was complete. */
void gw__rpc_fail_closed(struct gw__rpc_call *call);
/* The service says, or the IDL, that there is no such method. */
enum gw_flow gw__rpc_fail_method(struct gw_exchange *ex, const struct gw__rpc *service, const char *method);

#endif
