/* Filters, decorators and predicates: what their authors implement.
 *
 * The structs are append-only and begin with their size; hooks left NULL cost nothing. A decorator is
 * a filter listed under `decorators`: it wraps routing and everything after it. */
#ifndef GATEWAY_FILTER_H
#define GATEWAY_FILTER_H

#include <gateway/exchange.h>
#include <gateway/option.h>

GW_BEGIN_DECLS

struct evbuffer;
struct gw_server;

/* A body on its way through a stage. Move what you like from `in` to `out` (any evbuffer call); what
 * you leave in `in` is shown again, with more behind it. `last`: nothing comes behind `in`. A hook is
 * shown at most what the next stage has room for, up to 64 KiB. One that takes nothing from 64 KiB,
 * or from a last piece, fails the exchange with its name. */
struct gw_body {
    struct evbuffer *in, *out;
    bool last;
};

struct gw_filter_type {
    size_t size; /* sizeof(struct gw_filter_type) */
    const char *name;
    const char *doc;                      /* one sentence for help and manual */
    const struct gw_option_spec *options; /* NULL: takes none */
    size_t instance_size;                 /* zeroed memory per worker: gw_filter_data() */
    size_t scratch_size;                  /* zeroed memory per exchange: gw_exchange_scratch() */
    /* on_request waits until the whole body is there (else 413 above limits.body_buffer), then
     * on_request_body is called once with all of it. Not for decorators. */
    bool whole_request_body;
    /* on_request and on_response run on a thread of a bounded pool and may block. Until they return nothing else
     * touches the exchange; they may do all but stream a response. */
    bool blocking;
    /* An instance for one worker, made on the thread that applies the config (the keeper's, while threads
     * run); options are checked and live as long as the instance. Returns 0, or negative after gw_filter_error(). */
    int (*create)(struct gw_filter *self, const struct gw_option *options);
    void (*destroy)(struct gw_filter *self); /* also after a failed create */
    /* Head of the request on its way in, of the response on its way out. */
    enum gw_flow (*on_request)(struct gw_exchange *ex, struct gw_filter *self);
    enum gw_flow (*on_request_body)(struct gw_exchange *ex, struct gw_filter *self, struct gw_body *body);
    enum gw_flow (*on_response)(struct gw_exchange *ex, struct gw_filter *self);
    enum gw_flow (*on_response_body)(struct gw_exchange *ex, struct gw_filter *self, struct gw_body *body);
    /* Exactly once for each exchange whose request reached this stage, innermost stage first. Does not
     * wait, reply or fail. */
    void (*on_end)(struct gw_exchange *ex, struct gw_filter *self);
};

GW_API void *gw_filter_data(const struct gw_filter *self);
GW_API void *gw_filter_user(const struct gw_filter *self); /* as given to gw_server_add_filter_type() */
GW_API const char *gw_filter_name(const struct gw_filter *self);
GW_API struct gw_server *gw_filter_server(const struct gw_filter *self);
/* Says in create() why it fails; `option` (NULL: the whole) is what the message points at. */
GW_API void gw_filter_error(struct gw_filter *self, const struct gw_option *option, const char *format, ...)
    GW_PRINTF(3, 4);

struct gw_predicate;

/* A condition of a route. Its instance belongs to the table and is shared by all workers: matches()
 * only reads. */
struct gw_predicate_type {
    size_t size; /* sizeof(struct gw_predicate_type) */
    const char *name;
    const char *doc;
    const struct gw_option_spec *options;
    size_t instance_size;
    int (*create)(struct gw_predicate *self, const struct gw_option *options);
    void (*destroy)(struct gw_predicate *self);
    bool (*matches)(const struct gw_exchange *ex, const struct gw_predicate *self);
};

GW_API void *gw_predicate_data(const struct gw_predicate *self);
GW_API void *gw_predicate_user(const struct gw_predicate *self);
GW_API void gw_predicate_error(struct gw_predicate *self, const struct gw_option *option, const char *format, ...)
    GW_PRINTF(3, 4);

GW_END_DECLS
#endif
