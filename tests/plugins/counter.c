/* counter: counts how often each hook of an exchange runs; the endpoint `counts` answers with the sums as JSON.
 * on_request and on_end must come out equal, on_end once for each exchange and never without on_request; the
 * checks of order (a body before its head, anything after the end) count as `wrong`. Two filters in one row,
 * `counter` and `counter_inner`, also show that on_end comes innermost first. */
#include <event2/buffer.h>
#include <gateway/gateway.h>
#include <stdatomic.h>

static struct {
    atomic_long requests, responses, ends, inner_ends, request_bytes, response_bytes, wrong, deferred, cut, instances;
} counts;

struct seen {
    bool request, response, request_last, response_last;
    int ends;
};

/* Of the exchange as a whole, as text: each filter type has its own scratch. */
#define INNER_ENDED "counter-inner-ended"

static int create(struct gw_filter *self, const struct gw_option *options)
{
    atomic_fetch_add(&counts.instances, 1);
    return 0;
}

static void destroy(struct gw_filter *self)
{
    atomic_fetch_sub(&counts.instances, 1);
}

static void count_deferred(void *arg)
{
    atomic_fetch_add((atomic_long *)arg, 1);
}

static void expect(bool good)
{
    if (!good)
        atomic_fetch_add(&counts.wrong, 1);
}

static enum gw_flow on_request(struct gw_exchange *ex, struct gw_filter *self)
{
    struct seen *seen = gw_exchange_scratch(ex, self);
    expect(!seen->request && !seen->response && !seen->ends);
    seen->request = true;
    atomic_fetch_add(&counts.requests, 1);
    gw_exchange_defer(ex, count_deferred, &counts.deferred);
    return GW_CONTINUE;
}

static enum gw_flow on_response(struct gw_exchange *ex, struct gw_filter *self)
{
    struct seen *seen = gw_exchange_scratch(ex, self);
    expect(seen->request && !seen->response && !seen->ends);
    expect(gw_exchange_status(ex) >= 200);
    seen->response = true;
    atomic_fetch_add(&counts.responses, 1);
    return GW_CONTINUE;
}

static enum gw_flow on_request_body(struct gw_exchange *ex, struct gw_filter *self, struct gw_body *body)
{
    struct seen *seen = gw_exchange_scratch(ex, self);
    expect(seen->request && !seen->request_last && !seen->ends);
    expect(evbuffer_get_length(body->in) <= 65536);
    seen->request_last = body->last;
    atomic_fetch_add(&counts.request_bytes, (long)evbuffer_get_length(body->in));
    evbuffer_add_buffer(body->out, body->in);
    return GW_CONTINUE;
}

static enum gw_flow on_response_body(struct gw_exchange *ex, struct gw_filter *self, struct gw_body *body)
{
    struct seen *seen = gw_exchange_scratch(ex, self);
    expect(seen->request && seen->response && !seen->response_last && !seen->ends);
    expect(evbuffer_get_length(body->in) <= 65536);
    seen->response_last = body->last;
    atomic_fetch_add(&counts.response_bytes, (long)evbuffer_get_length(body->in));
    evbuffer_add_buffer(body->out, body->in);
    return GW_CONTINUE;
}

static void on_end(struct gw_exchange *ex, struct gw_filter *self)
{
    struct seen *seen = gw_exchange_scratch(ex, self);
    expect(seen->request && seen->ends++ == 0);
    atomic_fetch_add(&counts.ends, 1);
    if (gw_exchange_cut_reason(ex))
        atomic_fetch_add(&counts.cut, 1);
}

static void inner_end(struct gw_exchange *ex, struct gw_filter *self)
{
    expect(!gw_exchange_attribute(ex, INNER_ENDED));
    gw_exchange_set_attribute(ex, INNER_ENDED, "1");
    atomic_fetch_add(&counts.inner_ends, 1);
}

/* In front of counter_inner: its end comes second. */
static void outer_end(struct gw_exchange *ex, struct gw_filter *self)
{
    expect(gw_exchange_attribute(ex, INNER_ENDED));
    on_end(ex, self);
}

static enum gw_flow answer(struct gw_exchange *ex, struct gw_endpoint *self)
{
    gw_exchange_set_response_header(ex, "Content-Type", "application/json");
    return gw_exchange_reply(ex, 200,
                             "{\"requests\":%ld,\"responses\":%ld,\"ends\":%ld,\"inner_ends\":%ld,\"request_bytes\":%ld,"
                             "\"response_bytes\":%ld,\"wrong\":%ld,\"deferred\":%ld,\"cut\":%ld,\"instances\":%ld}\n",
                             atomic_load(&counts.requests), atomic_load(&counts.responses), atomic_load(&counts.ends),
                             atomic_load(&counts.inner_ends), atomic_load(&counts.request_bytes),
                             atomic_load(&counts.response_bytes), atomic_load(&counts.wrong),
                             atomic_load(&counts.deferred), atomic_load(&counts.cut), atomic_load(&counts.instances));
}

static const struct gw_filter_type counter = {
    .size = sizeof counter,
    .name = "counter",
    .doc = "Counts its hooks.",
    .scratch_size = sizeof(struct seen),
    .create = create,
    .destroy = destroy,
    .on_request = on_request,
    .on_request_body = on_request_body,
    .on_response = on_response,
    .on_response_body = on_response_body,
    .on_end = on_end,
};
/* Without body hooks: bytes may pass it unqueued. */
static const struct gw_filter_type counter_heads = {
    .size = sizeof counter_heads,
    .name = "counter_heads",
    .doc = "Counts its hooks, but looks at no body.",
    .scratch_size = sizeof(struct seen),
    .create = create,
    .destroy = destroy,
    .on_request = on_request,
    .on_response = on_response,
    .on_end = on_end,
};
static const struct gw_filter_type counter_outer = {
    .size = sizeof counter_outer,
    .name = "counter_outer",
    .doc = "Counts, and expects that counter_inner ended before it.",
    .scratch_size = sizeof(struct seen),
    .on_request = on_request,
    .on_end = outer_end,
};
static const struct gw_filter_type counter_inner = {
    .size = sizeof counter_inner,
    .name = "counter_inner",
    .doc = "Counts ends.",
    .on_end = inner_end,
};
static const struct gw_endpoint_type endpoint = {
    .size = sizeof endpoint,
    .name = "counts",
    .doc = "Answers what the counters counted.",
    .on_request = answer,
};

GW_API const struct gw_plugin gw_plugin = {
    .size = sizeof gw_plugin,
    .abi = GW_PLUGIN_ABI,
    .name = "counter",
    .filters = (const struct gw_filter_type *const[]){&counter, &counter_heads, &counter_outer, &counter_inner, NULL},
    .endpoints = (const struct gw_endpoint_type *const[]){&endpoint, NULL},
};
