/* waits: the less usual ways to wait, which other stages of the same exchange may take at the same time. */
#include <event2/buffer.h>
#include <gateway/gateway.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *release(void *hold)
{
    usleep(300);
    gw_hold_release(hold, GW_CONTINUE);
    return NULL;
}

static enum gw_flow hold(struct gw_exchange *ex, bool at_once)
{
    struct gw_hold *ticket = gw_exchange_hold(ex);
    pthread_t thread;
    if (at_once)
        gw_hold_release(ticket, GW_CONTINUE);
    else if (pthread_create(&thread, NULL, release, ticket) == 0)
        pthread_detach(thread);
    return GW_WAIT;
}

/* hold_each: every other call of a body hook holds. */
struct turns {
    bool request, response;
};

static enum gw_flow pass(struct gw_exchange *ex, bool *held, struct gw_body *body)
{
    *held = !*held;
    if (*held)
        return hold(ex, false);
    evbuffer_add_buffer(body->out, body->in);
    return GW_CONTINUE;
}

static enum gw_flow each_request(struct gw_exchange *ex, struct gw_filter *self, struct gw_body *body)
{
    return pass(ex, &((struct turns *)gw_exchange_scratch(ex, self))->request, body);
}

static enum gw_flow each_response(struct gw_exchange *ex, struct gw_filter *self, struct gw_body *body)
{
    return pass(ex, &((struct turns *)gw_exchange_scratch(ex, self))->response, body);
}

static const struct gw_filter_type hold_each = {
    .size = sizeof hold_each,
    .name = "hold_each",
    .doc = "Holds at every other call of its body hooks.",
    .scratch_size = sizeof(struct turns),
    .on_request_body = each_request,
    .on_response_body = each_response,
};

/* ask_twice: its body hook calls /check, and the callback calls once more before the body goes on. */
static enum gw_flow ask(struct gw_exchange *ex, struct gw_filter *self, gw_reply_fn then, const char *target)
{
    struct gw_call *call = gw_exchange_call(ex, self, "up", "GET", target, then);
    gw_call_header(call, "Authorization", "let me in");
    return gw_call_send(call);
}

static enum gw_flow second(struct gw_exchange *ex, struct gw_filter *self, const struct gw_reply *reply)
{
    int *asked = gw_exchange_scratch(ex, self);
    *asked = gw_reply_status(reply);
    return *asked ? GW_CONTINUE : gw_exchange_fail(ex, 503, "%s", gw_reply_error(reply));
}

static enum gw_flow first(struct gw_exchange *ex, struct gw_filter *self, const struct gw_reply *reply)
{
    return ask(ex, self, second, "/check?2");
}

static enum gw_flow ask_body(struct gw_exchange *ex, struct gw_filter *self, struct gw_body *body)
{
    if (!*(int *)gw_exchange_scratch(ex, self))
        return ask(ex, self, first, "/check?1");
    evbuffer_add_buffer(body->out, body->in);
    return GW_CONTINUE;
}

static const struct gw_filter_type ask_twice = {
    .size = sizeof ask_twice,
    .name = "ask_twice",
    .doc = "Calls twice before a body may pass.",
    .scratch_size = sizeof(int),
    .on_request_body = ask_body,
};

/* split: calls with a target that would be two requests. */
static enum gw_flow split_request(struct gw_exchange *ex, struct gw_filter *self)
{
    return ask(ex, self, second, "/check HTTP/1.1\r\nHost: a\r\n\r\nGET /evil");
}

static const struct gw_filter_type split = {
    .size = sizeof split,
    .name = "split",
    .doc = "Calls with a bad target.",
    .scratch_size = sizeof(int),
    .on_request = split_request,
};

/* busy: a blocking filter that uses the exchange as much as it may, and in on_request waits behind it. */
struct busy {
    const char *then;
};

static int busy_create(struct gw_filter *self, const struct gw_option *options)
{
    ((struct busy *)gw_filter_data(self))->then = gw_option_string(options, "then");
    return 0;
}

static void use(struct gw_exchange *ex)
{
    for (int i = 0; i < 300; i++)
        memset(gw_exchange_alloc(ex, 500), i, 500);
    gw_exchange_set_timeout_ms(ex, 5000);
    gw_exchange_set_attribute(ex, "id", gw_exchange_id(ex));
    gw_exchange_set_attribute(ex, "took", gw_exchange_print(ex, "%lld", (long long)gw_exchange_elapsed_us(ex)));
    usleep(2000);
}

static enum gw_flow busy_request(struct gw_exchange *ex, struct gw_filter *self)
{
    const struct busy *busy = gw_filter_data(self);
    use(ex);
    gw_exchange_set_request_header(ex, "X-Id", gw_exchange_id(ex));
    if (!strcmp(busy->then, "hold"))
        return hold(ex, true);
    if (!strcmp(busy->then, "call"))
        return ask(ex, self, second, "/check?busy");
    return GW_CONTINUE;
}

static enum gw_flow busy_response(struct gw_exchange *ex, struct gw_filter *self)
{
    const struct busy *busy = gw_filter_data(self);
    use(ex);
    gw_exchange_set_response_header(ex, "X-Busy", "1");
    return !strcmp(busy->then, "fail") ? gw_exchange_fail(ex, 503, "busy") : GW_CONTINUE;
}

static const struct gw_option_spec busy_options[] = {
    {.key = "then", .kind = GW_KIND_CHOICE, .choices = "nothing|hold|call|fail", .fallback = "nothing", .doc = "Next."},
    {.key = NULL},
};

static const struct gw_filter_type busy = {
    .size = sizeof busy,
    .name = "busy",
    .doc = "Blocks and works.",
    .options = busy_options,
    .instance_size = sizeof(struct busy),
    .scratch_size = sizeof(int),
    .blocking = true,
    .create = busy_create,
    .on_request = busy_request,
    .on_response = busy_response,
};

/* replace: an answer of its own in on_response, and the address the request was sent to. */
static enum gw_flow replace_response(struct gw_exchange *ex, struct gw_filter *self)
{
    const char *host = gw_exchange_request_header(ex, "Host");
    return gw_exchange_reply(ex, 203, "%s%s", host ? host : "", gw_exchange_path(ex));
}

static const struct gw_filter_type replace = {
    .size = sizeof replace,
    .name = "replace",
    .doc = "Answers in place of what came.",
    .on_response = replace_response,
};

/* host_first: looks at the Host before the request goes on. */
static enum gw_flow look(struct gw_exchange *ex, struct gw_filter *self)
{
    gw_exchange_set_request_header(ex, "X-Host", gw_exchange_request_header(ex, "Host"));
    return GW_CONTINUE;
}

static const struct gw_filter_type host_first = {
    .size = sizeof host_first,
    .name = "host_first",
    .doc = "Passes the Host on.",
    .on_request = look,
};

/* late_header: with the first piece of a body a long header comes to the request, whose head may not have left yet. */
enum { LATE_BYTES = 60000 };

static enum gw_flow late_body(struct gw_exchange *ex, struct gw_filter *self, struct gw_body *body)
{
    char *value = gw_exchange_alloc(ex, LATE_BYTES + 1);
    if (value)
        gw_exchange_set_request_header(ex, "X-Late", memset(value, 'x', LATE_BYTES));
    evbuffer_add_buffer(body->out, body->in);
    return GW_CONTINUE;
}

static const struct gw_filter_type late_header = {
    .size = sizeof late_header,
    .name = "late_header",
    .doc = "Sets a header while the body passes.",
    .on_request_body = late_body,
};

GW_API const struct gw_plugin gw_plugin = {
    .size = sizeof gw_plugin,
    .abi = GW_PLUGIN_ABI,
    .name = "waits",
    .filters = (const struct gw_filter_type *const[]){&hold_each, &ask_twice, &split, &busy, &replace, &host_first,
                                                      &late_header, NULL},
};
