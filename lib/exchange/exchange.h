/* The exchange, as the files of this folder (and the built-in proxying endpoints) see it. */
#ifndef GW_EXCHANGE_EXCHANGE_H
#define GW_EXCHANGE_EXCHANGE_H

#include "exchange/context.h"

#include <event2/buffer.h>
#include <gateway/exchange.h>

#define GW__MARK_BYTES 65536 /* a stage's queue is full above it */

enum gw__phase { GW__PHASE_HEAD, GW__PHASE_BODY, GW__PHASE_DONE };

/* A filter with a body hook, in the order bodies run. */
struct gw__body_stage {
    struct gw_filter *filter;
    struct evbuffer *queue;
    uint16_t index; /* of the filter in the chain */
    bool ended;     /* nothing comes behind the queue */
    bool passed;    /* its last piece has gone on */
    bool parked;    /* its hook said GW_WAIT */
};

struct gw__body_row {
    uint16_t count, open; /* stages below `open` may run: their head has passed */
    struct evbuffer *shown, *out;
    struct gw__body_stage stages[];
};

/* One direction of an exchange. The request lane counts `at` up through the filters to the endpoint, the
 * response lane counts it down to the client. */
struct gw__lane {
    struct gw__body_row *row;        /* NULL: no body hook; bytes go from source to sink unqueued */
    struct evbuffer *tail;           /* what waits for the sink */
    const struct gw__fields *trailers;
    uint64_t bytes, passed_bytes;    /* from the source; to the sink */
    uint16_t at;
    uint8_t phase;
    bool request;                    /* which of the two it is */
    bool parked;                     /* a head hook said GW_WAIT */
    bool running, again;             /* the body pump: no recursion */
    bool ended;                      /* the source has given its last piece */
    bool sink_open, sink_full, source_full;
};

struct gw__hook { /* the one that is running */
    struct gw__lane *lane;
    uint16_t index; /* of the filter, or filter_count: the endpoint */
    bool body;
    bool waits;     /* it has held, or sent a call */
};

struct gw__attribute {
    struct gw__attribute *next;
    const char *name, *value;
};

struct gw__answer { /* a reply or failure made by the gateway */
    const char *data;
    size_t size;
    const char *code, *message, *proxy_error;
    struct gw__attribute *members, *next_members; /* of this failure; of the one to come. The last one first */
    bool pending; /* made by the hook that runs */
    bool active;  /* it is the response's source */
    bool failed;
};

struct gw__defer {
    struct gw__defer *next;
    void (*release)(void *arg);
    void *arg;
};

struct gw__times {
    uint64_t begun_us;    /* the loop's clock */
    uint64_t active_ms;   /* last progress of a body */
    uint64_t upstream_begun_us;
    int64_t upstream_us;  /* until its head; -1: none */
    int64_t timeout_ms, stall_ms;
    uint64_t end_ms;      /* of all of it */
    uint64_t rate_ms;     /* since when the client's body_rate is measured */
    uint64_t rate_bytes;  /* that had come by then */
};

/* A variable of the route's path: decoded, and as it stands in the path. */
struct gw__variable {
    const char *name, *value, *raw;
};

struct gw__texts {
    const char *client;     /* its address: the peer's, or what trusted proxies say */
    const char *host, *id;  /* made when asked for */
    const char *upstream;         /* the instance last tried */
    const char *cut;              /* why the response is not whole */
};

struct gw__state {
    bool routed, endpoint_started, responded, head_sent;
    bool secure, out_of_memory;
    bool peer_trusted; /* to tell the client's address */
    bool envelope;
    bool broken; /* by its endpoint, while a thread had it */
    bool endpoint_late;  /* it did not respond in time */
    bool endpoint_ended; /* its on_end was called */
    bool over;  /* nothing more is to happen; ends when the outermost entry is left */
    bool ended; /* on_end was called */
};

struct gw_exchange {
    struct gw__arena arena;
    struct gw__context *context;
    struct gw__view *view;
    const struct gw__chain *chain;
    struct gw__server_stream *stream;
    struct gw__head request, response;
    struct gw__lane in, out;
    struct gw__hook hook;
    struct gw__answer answer;
    struct gw__times times;
    struct gw__timer timer;
    struct gw__task free_task;
    struct gw__link link;
    uintptr_t scratch[2];          /* address where an offset of 0 would be: of decorators, of the rest; 0: none */
    const struct gw__variable *variables; /* up to one without name; NULL: none */
    struct gw__defer *defers;
    struct gw__attribute *attributes;
    struct gw_call *calls;           /* under way */
    struct gw__slot *holds;          /* outstanding */
    struct gw__mail *postponed;      /* until a thread gives the exchange back */
    struct gw__thread_job *job;
    struct gw__texts text;
    struct gw__state state;
    int64_t response_length;       /* of the body the endpoint announced; -1 unknown */
    uint16_t reached;              /* filters whose request hook has started */
    uint16_t depth;                /* entries into this exchange that are under way */
};

/* Framing of every entry from outside; the outermost leave ends an exchange that is over. */
static inline void gw__exchange_enter(struct gw_exchange *ex)
{
    ex->depth++;
}
void gw__exchange_leave(struct gw_exchange *ex);

/* pump.c */
void gw__pump_request(struct gw_exchange *ex);
void gw__pump_response(struct gw_exchange *ex);
/* The verdict (checked) for a hook that said GW_WAIT; nothing if it does not wait. */
void gw__pump_resume(struct gw_exchange *ex, const struct gw__hook *hook, enum gw_flow flow);
/* Acts on the answer made in hook `index` of a lane: it becomes the response for the stages outside. */
void gw__pump_answer(struct gw_exchange *ex, uint16_t index);
/* Answers that the request's body is too large. */
void gw__pump_too_large(struct gw_exchange *ex);
/* Ends the exchange at the outermost leave; cut: why the response is not whole, or NULL. */
void gw__exchange_over(struct gw_exchange *ex, const char *cut);
/* Calls the endpoint's on_end, once: at the end, or when another answer takes the place of its own. */
void gw__exchange_end_endpoint(struct gw_exchange *ex);
/* Moves the timer where it would fire after the deadline of now. */
void gw__exchange_arm(struct gw_exchange *ex);
/* Measures the rate of the request's body from now on: the client may have been kept waiting. */
void gw__exchange_restart_rate(struct gw_exchange *ex);
bool gw__exchange_is_late(const struct gw_exchange *ex);
/* Fails what is waited for with 504 or 408. */
void gw__exchange_expire(struct gw_exchange *ex);
/* A body hook's or the sink's verdict that is not CONTINUE or WAIT. */
void gw__pump_body_verdict(struct gw_exchange *ex, struct gw__lane *lane, uint16_t index, enum gw_flow flow);
/* Brings the verdict of the running hook into agreement with what the hook did. */
enum gw_flow gw__check_hook(struct gw_exchange *ex, enum gw_flow flow, const char *name);

/* body.c */
/* Makes the row of body stages of a lane once its chain is known; false when out of memory. */
bool gw__body_prepare(struct gw_exchange *ex, struct gw__lane *lane);
/* Bytes from the source, all taken. True: it is to give no more for now. */
bool gw__body_push(struct gw_exchange *ex, struct gw__lane *lane, const char *data, size_t size, bool last);
/* Runs what can run; resumes the source if there is room again. */
void gw__body_run(struct gw_exchange *ex, struct gw__lane *lane);
void gw__body_open_sink(struct gw_exchange *ex, struct gw__lane *lane);
/* Nothing more of this lane is wanted. */
void gw__body_discard(struct gw_exchange *ex, struct gw__lane *lane);
void gw__body_finish(struct gw__lane *lane);
struct gw__body_stage *gw__body_stage(const struct gw__lane *lane, uint16_t index);

/* answer.c */
/* Notes a failure for the pump to act on. */
void gw__answer_fail(struct gw_exchange *ex, int status, const char *code, const char *proxy_error, const char *format,
                     ...) GW_PRINTF(5, 6);

/* api.c */
/* First field of that name as a terminated string, or NULL. */
const char *gw__field_text(const struct gw__fields *fields, const char *name);
/* The host of the request without port, as sent. */
struct gw__str gw__exchange_host(const struct gw_exchange *ex);

/* Named texts, copied to the arena; the newest of a name counts. */
void gw__attribute_set(struct gw_exchange *ex, struct gw__attribute **list, const char *name, const char *value);
const char *gw__attribute_get(const struct gw__attribute *list, const char *name);

/* hold.c, call.c, thread.c: what can be waited for. cancel lets go of it. */
void gw__holds_cancel(struct gw_exchange *ex);
void gw__calls_cancel(struct gw_exchange *ex);
/* While a thread has the exchange nothing may come in; behind it, what was sent from there is begun. */
void gw__calls_pause(struct gw_exchange *ex);
void gw__calls_go_on(struct gw_exchange *ex);

/* Runs a head hook on a thread of the pool, once the callback that leads here is done; false when out of memory. */
bool gw__thread_start(struct gw_exchange *ex, struct gw__lane *lane, uint16_t index);
/* A thread has the exchange; the loop may only mark it. */
bool gw__thread_has(const struct gw_exchange *ex);
/* The caller is that thread. */
bool gw__thread_is_here(const struct gw_exchange *ex);
/* True, and has mail delivered when the thread gives the exchange back. */
bool gw__thread_postpone(struct gw_exchange *ex, struct gw__mail *mail);
/* Now: of the loop's callback, or of the clock on a thread. */
uint64_t gw__exchange_now_us(const struct gw_exchange *ex);

#endif
