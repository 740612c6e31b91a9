/* whole: collects a request's body, turns it into capitals and puts `suffix` behind it; the size it saw in
 * on_request goes upstream as X-Whole-Size. */
#include <ctype.h>
#include <event2/buffer.h>
#include <gateway/gateway.h>
#include <string.h>

struct whole {
    const char *suffix;
};

static int create(struct gw_filter *self, const struct gw_option *options)
{
    struct whole *whole = gw_filter_data(self);
    whole->suffix = gw_option_string(options, "suffix");
    return 0;
}

static enum gw_flow on_request(struct gw_exchange *ex, struct gw_filter *self)
{
    size_t size = 0;
    gw_exchange_request_body(ex, &size);
    gw_exchange_set_request_header(ex, "X-Whole-Size", gw_exchange_print(ex, "%zu", size));
    return GW_CONTINUE;
}

static enum gw_flow on_request_body(struct gw_exchange *ex, struct gw_filter *self, struct gw_body *body)
{
    struct whole *whole = gw_filter_data(self);
    if (!body->last)
        return gw_exchange_fail(ex, 500, "whole: the body came in pieces");
    char piece[4096];
    int size;
    while ((size = evbuffer_remove(body->in, piece, sizeof piece)) > 0) {
        for (int i = 0; i < size; i++)
            piece[i] = (char)toupper((unsigned char)piece[i]);
        evbuffer_add(body->out, piece, (size_t)size);
    }
    evbuffer_add(body->out, whole->suffix, strlen(whole->suffix));
    return GW_CONTINUE;
}

static const struct gw_option_spec options[] = {
    {.key = "suffix", .kind = GW_KIND_STRING, .fallback = "!", .doc = "What is put behind the body."},
    {.key = NULL},
};

static const struct gw_filter_type whole = {
    .size = sizeof whole,
    .name = "whole",
    .doc = "Changes a whole body.",
    .options = options,
    .instance_size = sizeof(struct whole),
    .whole_request_body = true,
    .create = create,
    .on_request = on_request,
    .on_request_body = on_request_body,
};

GW_API const struct gw_plugin gw_plugin = {
    .size = sizeof gw_plugin,
    .abi = GW_PLUGIN_ABI,
    .name = "whole",
    .filters = (const struct gw_filter_type *const[]){&whole, NULL},
};
