/* Exchange: one request and its response, as hooks see it.
 *
 * All functions are called on the exchange's own worker, from a hook or a callback of that exchange
 * (a blocking hook: from its thread, during the hook), unless they say otherwise. Strings returned live
 * until on_end. Strings given are copied. Where memory runs out the exchange fails with 503 after the
 * hook has returned, so setters return nothing. */
#ifndef GATEWAY_EXCHANGE_H
#define GATEWAY_EXCHANGE_H

#include <gateway/export.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

GW_BEGIN_DECLS

struct gw_exchange;
struct gw_filter;
struct gw_hold;
struct gw_call;
struct gw_reply;

/* What a hook tells the pump to do next. */
enum gw_flow {
    GW_CONTINUE, /* go on to the next stage */
    GW_WAIT,     /* a call or hold is under way; it brings the verdict */
    GW_REPLY,    /* answer now: returned by gw_exchange_reply() */
    GW_FAIL,     /* it went wrong: returned by gw_exchange_fail() */
};

/* Request. Changes take effect for the stages after the caller's; those of a body hook may come too late: the head may
 * have gone. The path is normalised (RFC 3986 section 6.2.2) and has no query; the query is without '?', "" if there is
 * none. */
GW_API const char *gw_exchange_method(const struct gw_exchange *ex);
GW_API const char *gw_exchange_path(const struct gw_exchange *ex);
GW_API const char *gw_exchange_query(const struct gw_exchange *ex);
GW_API const char *gw_exchange_host(const struct gw_exchange *ex); /* without port, lower case */
/* "ip:port", "[v6]:port" or "unix"; as trusted proxies tell it, then without a port unless they told one. */
GW_API const char *gw_exchange_client_address(const struct gw_exchange *ex);
GW_API const char *gw_exchange_scheme(const struct gw_exchange *ex); /* "http" or "https", as the address */
/* A path must begin with '/' and have no '?', '#', blank or control byte: else the exchange fails. */
GW_API void gw_exchange_set_path(struct gw_exchange *ex, const char *path);
GW_API void gw_exchange_set_query(struct gw_exchange *ex, const char *query);
/* Value of the first field of that name (any case), or NULL. */
GW_API const char *gw_exchange_request_header(const struct gw_exchange *ex, const char *name);
/* set replaces all fields of the name, add appends one, remove removes all. Framing and hop-by-hop
 * fields (Content-Length, Transfer-Encoding, Connection, …) belong to the gateway: ignored here. Bytes
 * that RFC 9110 section 5.5 does not allow make the exchange fail. */
GW_API void gw_exchange_set_request_header(struct gw_exchange *ex, const char *name, const char *value);
GW_API void gw_exchange_add_request_header(struct gw_exchange *ex, const char *name, const char *value);
GW_API void gw_exchange_remove_request_header(struct gw_exchange *ex, const char *name);
/* Body of the request, whole: for endpoints and filters with whole_request_body, from on_request on.
 * NULL with size 0 if there is none. */
GW_API const void *gw_exchange_request_body(struct gw_exchange *ex, size_t *size);

/* Response. Status is 0 until there is one; what is set, here and below, has three digits and is none of 1xx (else it
 * becomes 500). */
GW_API int gw_exchange_status(const struct gw_exchange *ex);
GW_API void gw_exchange_set_status(struct gw_exchange *ex, int status);
GW_API const char *gw_exchange_response_header(const struct gw_exchange *ex, const char *name);
GW_API void gw_exchange_set_response_header(struct gw_exchange *ex, const char *name, const char *value);
GW_API void gw_exchange_add_response_header(struct gw_exchange *ex, const char *name, const char *value);
GW_API void gw_exchange_remove_response_header(struct gw_exchange *ex, const char *name);

/* Answers at once with text/plain (unless a Content-Type response header was set before); the stages
 * outside the caller's see the response. Use as `return gw_exchange_reply(…)`. */
GW_API enum gw_flow gw_exchange_reply(struct gw_exchange *ex, int status, const char *format, ...) GW_PRINTF(3, 4);
/* The same with bytes (copied) of a type; type NULL keeps the header as it is. In on_response it
 * replaces the body that was to come, and removes the fields that described it (ETag, Content-Encoding, …). */
GW_API enum gw_flow gw_exchange_reply_data(struct gw_exchange *ex, int status, const char *content_type,
                                           const void *data, size_t size);
/* Fails the exchange with a status and a message for the client; the decorator `errors` gives it its
 * form. After the response head has gone out the connection is cut instead. */
GW_API enum gw_flow gw_exchange_fail(struct gw_exchange *ex, int status, const char *format, ...) GW_PRINTF(3, 4);
/* The same with an error code ("GW4041") and the Proxy-Status error type (RFC 9209 section 2.3) of it;
 * both are static strings, proxy_error may be NULL. */
GW_API enum gw_flow gw_exchange_fail_code(struct gw_exchange *ex, int status, const char *code, const char *proxy_error,
                                          const char *format, ...) GW_PRINTF(5, 6);
/* Of a failure: its code and message; NULL if the exchange did not fail. */
GW_API const char *gw_exchange_error_code(const struct gw_exchange *ex);
GW_API const char *gw_exchange_error_message(const struct gw_exchange *ex);
/* More about the failure that is made next, as a member of its problem (RFC 9457 section 3.2): `json` is the text of
 * one JSON value. Both are copied; a name set twice has its last value. Call it before gw_exchange_fail_code(). */
GW_API void gw_exchange_set_error_member(struct gw_exchange *ex, const char *name, const char *json);
/* A member of the failure, NULL if it has none of that name. */
GW_API const char *gw_exchange_error_member(const struct gw_exchange *ex, const char *name);
/* The name of one member after the other, in the order they were set, with its value in *json; NULL behind the last. */
GW_API const char *gw_exchange_error_member_at(const struct gw_exchange *ex, size_t index, const char **json);

/* RPC endpoints answer in an envelope: status 200, `err_code` 0 and `err_message` "success" merged into a result that
 * is an object, any other result as `data` beside them. For decorators, which set it in on_request. */
GW_API void gw_exchange_set_envelope(struct gw_exchange *ex, bool envelope);
GW_API bool gw_exchange_envelope(const struct gw_exchange *ex);

/* Streaming responses, for endpoints: the head with a status and the length of the body to come (-1:
 * unknown), then the body in pieces. write takes all of `data` in any case and returns GW_WAIT when the
 * client side is full: write no more until on_room. `last` ends the body. Both may be called after
 * on_request has returned GW_WAIT, on the worker's thread. Return their result from a hook. */
GW_API enum gw_flow gw_exchange_respond(struct gw_exchange *ex, int status, int64_t length);
GW_API enum gw_flow gw_exchange_write(struct gw_exchange *ex, const void *data, size_t size, bool last);

/* Memory of the exchange: zeroed, aligned for anything, freed after on_end. NULL when out of memory;
 * the exchange then fails by itself after the hook. */
GW_API void *gw_exchange_alloc(struct gw_exchange *ex, size_t size);
GW_API char *gw_exchange_print(struct gw_exchange *ex, const char *format, ...) GW_PRINTF(2, 3);
/* The stage's zeroed scratch of scratch_size bytes; self is the filter or endpoint of the hook. */
GW_API void *gw_exchange_scratch(struct gw_exchange *ex, const void *self);
/* Runs release(arg) when the exchange is freed, last registered first. If it can't be kept it runs at
 * once and the exchange fails with 503. */
GW_API void gw_exchange_defer(struct gw_exchange *ex, void (*release)(void *arg), void *arg);

/* Variables bound by the route's path pattern ("{id}"), percent-decoded; NULL if there is none. */
GW_API const char *gw_exchange_variable(const struct gw_exchange *ex, const char *name);
/* The same as it stands in the request's path, not decoded: for building paths. */
GW_API const char *gw_exchange_raw_variable(const struct gw_exchange *ex, const char *name);
/* Replaces "{name}" in a text by that variable; other braces stay. Returns text itself if there is
 * nothing to replace. */
GW_API const char *gw_exchange_expand(struct gw_exchange *ex, const char *text);
/* Free text by name, from stage to stage. get returns NULL if unset. */
GW_API void gw_exchange_set_attribute(struct gw_exchange *ex, const char *name, const char *value);
GW_API const char *gw_exchange_attribute(const struct gw_exchange *ex, const char *name);

/* Waiting. hold: a ticket to end this hook's GW_WAIT from outside; one for each hook that runs or waits.
 * A NULL result (out of memory, a second one, outside of hooks) fails the exchange by itself. */
GW_API struct gw_hold *gw_exchange_hold(struct gw_exchange *ex);
/* Any thread, any time, any number of times: the first call before the exchange is gone resumes it on
 * its worker with the verdict (GW_CONTINUE, or GW_FAIL for 500); all others do nothing. For a body hook
 * GW_CONTINUE calls the hook again. */
GW_API void gw_hold_release(struct gw_hold *hold, enum gw_flow verdict);

/* A request of a filter's own to a service. The reply is collected (up to 1 MiB) and given to
 * `on_reply`, whose verdict is the hook's; a failure (no instance, timeout) is a reply of status 0.
 * The call dies with the exchange. `return gw_call_send(call)`. Any of them accepts NULL (then send
 * fails the exchange). */
typedef enum gw_flow (*gw_reply_fn)(struct gw_exchange *ex, struct gw_filter *self, const struct gw_reply *reply);
GW_API struct gw_call *gw_exchange_call(struct gw_exchange *ex, struct gw_filter *self, const char *service,
                                        const char *method, const char *target, gw_reply_fn on_reply);
GW_API void gw_call_header(struct gw_call *call, const char *name, const char *value); /* NULL value: none */
GW_API void gw_call_body(struct gw_call *call, const void *data, size_t size);
GW_API enum gw_flow gw_call_send(struct gw_call *call);
/* Of a reply, valid until on_reply returns. header as gw_exchange_response_header(). */
GW_API int gw_reply_status(const struct gw_reply *reply);
GW_API const char *gw_reply_header(const struct gw_reply *reply, const char *name);
GW_API const void *gw_reply_body(const struct gw_reply *reply, size_t *size);
GW_API const char *gw_reply_error(const struct gw_reply *reply); /* why status is 0, else NULL */

/* The deadline of every wait: the response head must be there this long after the request's head, or
 * after the last piece of its body. Counted from now. */
GW_API void gw_exchange_set_timeout_ms(struct gw_exchange *ex, int64_t timeout_ms);

/* For logs and metrics. Times: Unix time in µs when the request's head was complete, and µs since
 * then. Bytes: of bodies. upstream: "host:port" of the instance that was asked, or NULL; connect…first
 * byte µs of it, -1 if none. */
GW_API const char *gw_exchange_route(const struct gw_exchange *ex); /* id, NULL before routing */
GW_API int64_t gw_exchange_started_us(const struct gw_exchange *ex);
GW_API int64_t gw_exchange_elapsed_us(const struct gw_exchange *ex);
GW_API uint64_t gw_exchange_request_bytes(const struct gw_exchange *ex);
GW_API uint64_t gw_exchange_response_bytes(const struct gw_exchange *ex);
GW_API const char *gw_exchange_upstream(const struct gw_exchange *ex);
GW_API int64_t gw_exchange_upstream_us(const struct gw_exchange *ex);
GW_API const char *gw_exchange_protocol(const struct gw_exchange *ex); /* "HTTP/1.1" */
/* How it ended, in on_end: NULL complete, else "client gone", "upstream gone", "deadline", "cut", "bad answer: …". */
GW_API const char *gw_exchange_cut_reason(const struct gw_exchange *ex);
/* An id unique in this process and improbable elsewhere, 32 hex digits; the same at each call. */
GW_API const char *gw_exchange_id(struct gw_exchange *ex);

GW_END_DECLS
#endif
