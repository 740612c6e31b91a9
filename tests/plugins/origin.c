/* origin: endpoints that answer by themselves. `origin` streams `bytes` of a pattern, stopping at every
 * GW_WAIT until on_room; `collect` takes a body piece by piece and answers with its size and a checksum;
 * `whole_origin` answers with the body it got whole. */
#include <gateway/gateway.h>

enum { PIECE = 10000 };

struct origin {
    int64_t bytes;
    bool known;
};

struct sent {
    int64_t bytes;
    uint64_t taken;
};

static int create(struct gw_endpoint *self, const struct gw_option *options)
{
    struct origin *origin = gw_endpoint_data(self);
    origin->bytes = gw_option_int(options, "bytes");
    origin->known = gw_option_bool(options, "known");
    return 0;
}

/* Byte i is i * 7 + i / 256: no period that a buffer has. */
static enum gw_flow pour(struct gw_exchange *ex, struct gw_endpoint *self)
{
    struct origin *origin = gw_endpoint_data(self);
    struct sent *sent = gw_exchange_scratch(ex, self);
    unsigned char piece[PIECE];
    enum gw_flow flow = GW_CONTINUE;
    while (flow == GW_CONTINUE && sent->bytes < origin->bytes) {
        int64_t left = origin->bytes - sent->bytes;
        size_t size = left < PIECE ? (size_t)left : PIECE;
        for (size_t i = 0; i < size; i++) {
            uint64_t at = (uint64_t)sent->bytes + i;
            piece[i] = (unsigned char)(at * 7 + at / 256);
        }
        sent->bytes += (int64_t)size;
        flow = gw_exchange_write(ex, piece, size, sent->bytes == origin->bytes);
    }
    return flow;
}

static enum gw_flow origin_request(struct gw_exchange *ex, struct gw_endpoint *self)
{
    struct origin *origin = gw_endpoint_data(self);
    gw_exchange_set_response_header(ex, "Content-Type", "application/octet-stream");
    enum gw_flow flow = gw_exchange_respond(ex, 200, origin->known ? origin->bytes : -1);
    if (flow == GW_FAIL)
        return flow;
    if (!origin->bytes)
        return gw_exchange_write(ex, NULL, 0, true);
    return flow == GW_WAIT ? flow : pour(ex, self);
}

static enum gw_flow collect_request(struct gw_exchange *ex, struct gw_endpoint *self)
{
    return GW_WAIT;
}

static enum gw_flow collect_data(struct gw_exchange *ex, struct gw_endpoint *self, const void *data, size_t size,
                                 bool last)
{
    struct sent *sent = gw_exchange_scratch(ex, self);
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++)
        sent->taken = sent->taken * 31 + bytes[i];
    sent->bytes += (int64_t)size;
    if (!last)
        return GW_CONTINUE;
    return gw_exchange_reply(ex, 200, "%lld %llx", (long long)sent->bytes, (unsigned long long)sent->taken);
}

static enum gw_flow whole_request(struct gw_exchange *ex, struct gw_endpoint *self)
{
    size_t size = 0;
    const void *body = gw_exchange_request_body(ex, &size);
    return gw_exchange_reply_data(ex, 200, "application/octet-stream", body, size);
}

static const struct gw_option_spec options[] = {
    {.key = "bytes", .kind = GW_KIND_SIZE, .fallback = "10", .doc = "Size of the body."},
    {.key = "known", .kind = GW_KIND_BOOL, .fallback = "true", .doc = "Whether its size is told in advance."},
    {.key = NULL},
};

static const struct gw_endpoint_type origin = {
    .size = sizeof origin,
    .name = "origin",
    .doc = "Streams a body.",
    .options = options,
    .instance_size = sizeof(struct origin),
    .scratch_size = sizeof(struct sent),
    .create = create,
    .on_request = origin_request,
    .on_room = pour,
};
static const struct gw_endpoint_type collect = {
    .size = sizeof collect,
    .name = "collect",
    .doc = "Takes a body.",
    .scratch_size = sizeof(struct sent),
    .on_request = collect_request,
    .on_request_data = collect_data,
};
static const struct gw_endpoint_type whole_origin = {
    .size = sizeof whole_origin,
    .name = "whole_origin",
    .doc = "Answers with the body it got.",
    .whole_request_body = true,
    .on_request = whole_request,
};

GW_API const struct gw_plugin gw_plugin = {
    .size = sizeof gw_plugin,
    .abi = GW_PLUGIN_ABI,
    .name = "origin",
    .endpoints = (const struct gw_endpoint_type *const[]){&origin, &collect, &whole_origin, NULL},
};
