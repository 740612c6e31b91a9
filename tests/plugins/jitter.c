/* jitter: a body filter that moves random amounts, by copy or by reference, in both directions, and
 * sometimes nothing. Bytes must come through whole and in order whatever it does. */
#include <event2/buffer.h>
#include <gateway/gateway.h>

struct jitter {
    uint64_t state;
};

static uint32_t draw(struct gw_filter *self)
{
    struct jitter *jitter = gw_filter_data(self);
    jitter->state = jitter->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(jitter->state >> 33);
}

static int jitter_create(struct gw_filter *self, const struct gw_option *options)
{
    struct jitter *jitter = gw_filter_data(self);
    jitter->state = (uint64_t)gw_option_int(options, "seed") * 2654435761u + 1;
    return 0;
}

static enum gw_flow move(struct gw_exchange *ex, struct gw_filter *self, struct gw_body *body)
{
    size_t there = evbuffer_get_length(body->in);
    if (there == 0)
        return GW_CONTINUE;
    if (!body->last && there < 4096 && draw(self) % 4 == 0)
        return GW_CONTINUE; /* wait for more */
    size_t size = 1 + draw(self) % there;
    char copy[1000];
    if (size > sizeof copy) {
        evbuffer_remove_buffer(body->in, body->out, size);
    } else {
        evbuffer_remove(body->in, copy, size);
        evbuffer_add(body->out, copy, size);
    }
    return GW_CONTINUE;
}

static const struct gw_option_spec options[] = {
    {.key = "seed", .kind = GW_KIND_INT, .fallback = "1", .doc = "Where the random numbers begin."},
    {.key = NULL},
};

static const struct gw_filter_type jitter = {
    .size = sizeof jitter,
    .name = "jitter",
    .doc = "Moves bodies in random amounts.",
    .options = options,
    .instance_size = sizeof(struct jitter),
    .create = jitter_create,
    .on_request_body = move,
    .on_response_body = move,
};

GW_API const struct gw_plugin gw_plugin = {
    .size = sizeof gw_plugin,
    .abi = GW_PLUGIN_ABI,
    .name = "jitter",
    .filters = (const struct gw_filter_type *const[]){&jitter, NULL},
};
