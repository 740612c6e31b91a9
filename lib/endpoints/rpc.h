/* What all RPC endpoints share: finding the service and method a request calls, converting its JSON to a message and
 * the result back to JSON, the form of the response, and failures. How messages are sent is up to each endpoint. */
#ifndef GW_ENDPOINTS_RPC_H
#define GW_ENDPOINTS_RPC_H

#include "exchange/exchange.h"
#include "transcode/decode.h"
#include "transcode/encode.h"
#include "upstream/callee.h"
#include "wire/fault.h"
#include "wire/frame.h"

/* An endpoint's options; first member of its instance data. */
struct gw__rpc_target {
    const char *service, *method;    /* names, which may have {variables} of the route */
    const struct gw__callee *callee; /* NULL: the service's name has variables */
    const struct gw__method *known;  /* NULL: the method's or the service's name has variables */
    struct gw__rpc_options options;
    bool enum_names;
};

/* The state of one call's conversions. It is large: the worker keeps it for later calls, with the memory of both
 * buffers. */
struct gw__rpc_converter {
    struct gw__spare spare;
    struct gw__wire wire;    /* the request, until the call is over: it may have to be sent again */
    struct gw__wire plain;   /* its values in binary, while it is encoded otherwise; then, it compressed */
    struct gw__wire front;   /* what a transport puts in front of it */
    struct gw__frame_reader frame; /* what the answer is in */
    struct gw__json_out out; /* of the answer: what has not been sent */
    enum { GW__RPC_IDLE, GW__RPC_ENCODES, GW__RPC_DECODES, GW__RPC_TAKES_FAULT } use;
    union { /* by `use`: the request is encoded completely before an answer can come */
        struct gw__encode encode;
        struct gw__decode decode;
        struct gw__thrift_fault fault;
    };
};

enum gw__rpc_wrap { GW__RPC_PLAIN, GW__RPC_MERGED, GW__RPC_DATA }; /* in the envelope: merged, or as `data` */

/* One call; first member of the endpoint's scratch. */
struct gw__rpc_call {
    struct gw_exchange *ex;
    const struct gw__callee *callee;
    const struct gw__method *method;
    struct gw__rpc_options options;
    struct gw__rpc_converter *converter;
    uint32_t prefix; /* bytes of `out` that stand in front of the result */
    uint8_t wrap;    /* enum gw__rpc_wrap */
    bool enum_names;
    bool begun;      /* gw_exchange_respond() was called */
};

/* The options of every RPC endpoint; see create() of an endpoint type. Reports [GW1021, GW1026 to GW1029]. */
int gw__rpc_target_create(struct gw_endpoint *self, struct gw__rpc_target *target, const struct gw_option *options);

/* Finds service and method and gets a converter, whose `wire` is empty. If that is not GW_CONTINUE the exchange has
 * failed, and on_request returns the same. */
enum gw_flow gw__rpc_begin(struct gw__rpc_call *call, struct gw_exchange *ex, const struct gw__rpc_target *target);
/* Gives the converter back. May be called twice, and without gw__rpc_begin(). */
void gw__rpc_end(struct gw__rpc_call *call);

/* From now on the request's JSON is encoded to `wire`, behind what was written there before. */
void gw__rpc_begin_request(struct gw__rpc_call *call);
/* A piece of the request's body. True: the request is complete and `wire` can be sent. Else *flow is what
 * on_request_data returns: GW_CONTINUE (more is to come) or GW_FAIL. */
bool gw__rpc_take_request(struct gw__rpc_call *call, const char *data, size_t size, bool last, enum gw_flow *flow);

/* A result comes in that encoding: converter->decode is ready for its bytes. */
void gw__rpc_begin_result(struct gw__rpc_call *call, uint8_t encoding);
/* A TApplicationException comes: converter->fault is ready for its bytes. */
void gw__rpc_begin_fault(struct gw__rpc_call *call, uint8_t encoding);
/* To be called after every piece of an incomplete result: sends its JSON on once there is enough of it. True: the
 * client takes no more for now; pause the connection until on_room. */
bool gw__rpc_send_some(struct gw__rpc_call *call);
/* The answer is a declared exception, which is collected before it is answered, and exceeds limits.body_buffer. */
bool gw__rpc_is_too_long(const struct gw__rpc_call *call);
/* The result is complete: sends the rest of it, or fails the exchange if it is a declared exception. */
void gw__rpc_send_result(struct gw__rpc_call *call);
/* Answers a call that has no result, with that status unless the envelope is asked for. */
void gw__rpc_send_nothing(struct gw__rpc_call *call, int status);

/* Failures of the exchange; where the response's head has been sent already, the response is cut. */
void gw__rpc_fail_memory(struct gw__rpc_call *call);
/* The answer could not be read; `why` is a static text. */
void gw__rpc_fail_unreadable(struct gw__rpc_call *call, const char *why);
/* The connection was closed before the answer was complete. */
void gw__rpc_fail_closed(struct gw__rpc_call *call);
/* Sets a member of the next failure to a JSON string of that text. */
void gw__rpc_set_text_member(struct gw_exchange *ex, const char *name, const char *text);
/* There is no such method, by the IDL or as the server says. */
enum gw_flow gw__rpc_fail_method(struct gw_exchange *ex, const struct gw__rpc *service, const char *method);

#endif
