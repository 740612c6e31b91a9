/* holder: holds an exchange in a hook of choice and releases it from another thread after some time, with
 * a verdict, once or several times; "never" lets the deadline do it. What came of a release after the client
 * had left is for the sanitizers to say. */
#include <event2/buffer.h>
#include <gateway/gateway.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum where { AT_REQUEST, AT_REQUEST_BODY, AT_RESPONSE, AT_RESPONSE_BODY };

struct holder {
    enum where where;
    int64_t after_ms, times;
    bool never, fail;
};

struct seen {
    bool held;
};

struct ticket {
    struct gw_hold *hold;
    struct holder holder;
};

static void *release(void *arg)
{
    struct ticket *ticket = arg;
    struct timespec pause = {ticket->holder.after_ms / 1000, ticket->holder.after_ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
    for (int64_t i = 0; i < ticket->holder.times; i++)
        gw_hold_release(ticket->hold, ticket->holder.fail ? GW_FAIL : GW_CONTINUE);
    free(ticket);
    return NULL;
}

static enum gw_flow hold(struct gw_exchange *ex, struct gw_filter *self, enum where where)
{
    struct holder *holder = gw_filter_data(self);
    struct seen *seen = gw_exchange_scratch(ex, self);
    if (holder->where != where || seen->held)
        return GW_CONTINUE;
    seen->held = true;
    struct gw_hold *hold = gw_exchange_hold(ex);
    if (holder->never)
        return GW_WAIT;
    struct ticket *ticket = malloc(sizeof *ticket);
    pthread_t thread;
    *ticket = (struct ticket){hold, *holder};
    if (pthread_create(&thread, NULL, release, ticket)) {
        free(ticket);
        return gw_exchange_fail(ex, 500, "holder: no thread");
    }
    pthread_detach(thread);
    return GW_WAIT;
}

static enum gw_flow on_request(struct gw_exchange *ex, struct gw_filter *self)
{
    return hold(ex, self, AT_REQUEST);
}

static enum gw_flow on_response(struct gw_exchange *ex, struct gw_filter *self)
{
    return hold(ex, self, AT_RESPONSE);
}

/* The rest is moved when the hook is called again. */
static enum gw_flow body(struct gw_exchange *ex, struct gw_filter *self, struct gw_body *body, enum where where)
{
    enum gw_flow flow = hold(ex, self, where);
    if (flow == GW_CONTINUE)
        evbuffer_add_buffer(body->out, body->in);
    return flow;
}

static enum gw_flow on_request_body(struct gw_exchange *ex, struct gw_filter *self, struct gw_body *piece)
{
    return body(ex, self, piece, AT_REQUEST_BODY);
}

static enum gw_flow on_response_body(struct gw_exchange *ex, struct gw_filter *self, struct gw_body *piece)
{
    return body(ex, self, piece, AT_RESPONSE_BODY);
}

static int create(struct gw_filter *self, const struct gw_option *options)
{
    static const char *const names[] = {"request", "request_body", "response", "response_body"};
    struct holder *holder = gw_filter_data(self);
    const char *where = gw_option_string(options, "where");
    for (int i = 0; i < 4; i++)
        if (!strcmp(names[i], where))
            holder->where = (enum where)i;
    holder->after_ms = gw_option_int(options, "after");
    holder->times = gw_option_int(options, "times");
    holder->never = gw_option_bool(options, "never");
    holder->fail = !strcmp(gw_option_string(options, "verdict"), "fail");
    return 0;
}

static const struct gw_option_spec options[] = {
    {.key = "where",
     .kind = GW_KIND_CHOICE,
     .fallback = "request",
     .choices = "request|request_body|response|response_body",
     .doc = "The hook that waits."},
    {.key = "after", .kind = GW_KIND_DURATION, .fallback = "20ms", .doc = "When it is released."},
    {.key = "times", .kind = GW_KIND_INT, .fallback = "1", .doc = "How often it is released."},
    {.key = "never", .kind = GW_KIND_BOOL, .fallback = "false", .doc = "It is not released at all."},
    {.key = "verdict", .kind = GW_KIND_CHOICE, .fallback = "continue", .choices = "continue|fail", .doc = "With what."},
    {.key = NULL},
};

static const struct gw_filter_type holder = {
    .size = sizeof holder,
    .name = "holder",
    .doc = "Holds exchanges for a while.",
    .options = options,
    .instance_size = sizeof(struct holder),
    .scratch_size = sizeof(struct seen),
    .create = create,
    .on_request = on_request,
    .on_request_body = on_request_body,
    .on_response = on_response,
    .on_response_body = on_response_body,
};

GW_API const struct gw_plugin gw_plugin = {
    .size = sizeof gw_plugin,
    .abi = GW_PLUGIN_ABI,
    .name = "holder",
    .filters = (const struct gw_filter_type *const[]){&holder, NULL},
};
