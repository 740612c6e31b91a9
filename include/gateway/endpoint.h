/* Endpoints: what makes the response of a route. (A backend's address is an *instance*.) */
#ifndef GATEWAY_ENDPOINT_H
#define GATEWAY_ENDPOINT_H

#include <gateway/exchange.h>
#include <gateway/option.h>

GW_BEGIN_DECLS

struct gw_endpoint;
struct gw_server;

struct gw_endpoint_type {
    size_t size; /* sizeof(struct gw_endpoint_type) */
    const char *name;
    const char *doc;
    const struct gw_option_spec *options;
    size_t instance_size; /* zeroed memory per worker: gw_endpoint_data() */
    size_t scratch_size;  /* zeroed memory per exchange: gw_exchange_scratch() */
    /* on_request waits until the whole body is there: gw_exchange_request_body(). */
    bool whole_request_body;
    bool blocking; /* on_request runs on a thread of a bounded pool and may block */
    int (*create)(struct gw_endpoint *self, const struct gw_option *options);
    void (*destroy)(struct gw_endpoint *self);
    /* The request's head has arrived. Reply, fail, respond and write, or return GW_WAIT and do so later
     * (on the worker's thread, or after a hold: gw_exchange_hold()). */
    enum gw_flow (*on_request)(struct gw_exchange *ex, struct gw_endpoint *self);
    /* A piece of the request's body, in order, after on_request; it must be taken whole. Return GW_WAIT
     * when full: no more comes until gw_exchange_resume_request(). NULL: the body is discarded. */
    enum gw_flow (*on_request_data)(struct gw_exchange *ex, struct gw_endpoint *self, const void *data, size_t size,
                                    bool last);
    /* There is room again after gw_exchange_write() returned GW_WAIT; also, a hold was released with GW_CONTINUE. */
    enum gw_flow (*on_room)(struct gw_exchange *ex, struct gw_endpoint *self);
    /* Exactly once if on_request was called; also when the client has left, and as soon as something else (a
     * deadline, a reply) answers in its place. Nothing may be written any more. */
    void (*on_end)(struct gw_exchange *ex, struct gw_endpoint *self);
};

GW_API void *gw_endpoint_data(const struct gw_endpoint *self);
GW_API void *gw_endpoint_user(const struct gw_endpoint *self);
GW_API const char *gw_endpoint_name(const struct gw_endpoint *self);
GW_API struct gw_server *gw_endpoint_server(const struct gw_endpoint *self);
GW_API void gw_endpoint_error(struct gw_endpoint *self, const struct gw_option *option, const char *format, ...)
    GW_PRINTF(3, 4);
/* Ends the GW_WAIT of on_request_data. */
GW_API void gw_exchange_resume_request(struct gw_exchange *ex);

GW_END_DECLS
#endif
