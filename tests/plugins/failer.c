/* failer: fails or replies in a hook of choice; a body hook does so once `after` bytes have passed. With `code` it
 * fails as the endpoints do: with that code, `message` and `members` of the error. */
#include <event2/buffer.h>
#include <gateway/gateway.h>
#include <string.h>

enum where { AT_REQUEST, AT_REQUEST_BODY, AT_RESPONSE, AT_RESPONSE_BODY };

struct failer {
    enum where where;
    bool reply;
    int status;
    size_t after;
    const char *code, *message;
    const struct gw_option *members;
};

struct seen {
    size_t bytes[2];
};

static int create(struct gw_filter *self, const struct gw_option *options)
{
    static const char *const names[] = {"request", "request_body", "response", "response_body"};
    struct failer *failer = gw_filter_data(self);
    for (int i = 0; i < 4; i++)
        if (!strcmp(names[i], gw_option_string(options, "where")))
            failer->where = (enum where)i;
    failer->reply = !strcmp(gw_option_string(options, "how"), "reply");
    failer->status = (int)gw_option_int(options, "status");
    failer->after = (size_t)gw_option_int(options, "after");
    failer->code = gw_option_string(options, "code");
    failer->message = gw_option_string(options, "message");
    failer->members = gw_option_get(options, "members");
    return 0;
}

static enum gw_flow fail_with_code(struct gw_exchange *ex, const struct failer *failer)
{
    for (size_t i = 0; i < gw_option_count(failer->members); i++) {
        const struct gw_option *member = gw_option_at(failer->members, i);
        gw_exchange_set_error_member(ex, gw_option_key(member), gw_option_text(member));
    }
    return gw_exchange_fail_code(ex, failer->status, failer->code, NULL, "%s", failer->message);
}

static enum gw_flow act(struct gw_exchange *ex, struct gw_filter *self)
{
    struct failer *failer = gw_filter_data(self);
    if (failer->code)
        return fail_with_code(ex, failer);
    return failer->reply ? gw_exchange_reply(ex, failer->status, "failer replies %d", failer->status)
                         : gw_exchange_fail(ex, failer->status, "failer fails with %d", failer->status);
}

static enum gw_flow head(struct gw_exchange *ex, struct gw_filter *self, enum where where)
{
    struct failer *failer = gw_filter_data(self);
    return failer->where == where ? act(ex, self) : GW_CONTINUE;
}

static enum gw_flow body(struct gw_exchange *ex, struct gw_filter *self, struct gw_body *body, enum where where)
{
    struct failer *failer = gw_filter_data(self);
    struct seen *seen = gw_exchange_scratch(ex, self);
    size_t *bytes = &seen->bytes[where == AT_RESPONSE_BODY];
    *bytes += evbuffer_get_length(body->in);
    if (failer->where == where && *bytes >= failer->after)
        return act(ex, self);
    evbuffer_add_buffer(body->out, body->in);
    return GW_CONTINUE;
}

static enum gw_flow on_request(struct gw_exchange *ex, struct gw_filter *self)
{
    return head(ex, self, AT_REQUEST);
}

static enum gw_flow on_response(struct gw_exchange *ex, struct gw_filter *self)
{
    return head(ex, self, AT_RESPONSE);
}

static enum gw_flow on_request_body(struct gw_exchange *ex, struct gw_filter *self, struct gw_body *piece)
{
    return body(ex, self, piece, AT_REQUEST_BODY);
}

static enum gw_flow on_response_body(struct gw_exchange *ex, struct gw_filter *self, struct gw_body *piece)
{
    return body(ex, self, piece, AT_RESPONSE_BODY);
}

static const struct gw_option_spec member[] = {{.key = "json", .kind = GW_KIND_STRING}, {.key = NULL}};

static const struct gw_option_spec options[] = {
    {.key = "where",
     .kind = GW_KIND_CHOICE,
     .fallback = "request",
     .choices = "request|request_body|response|response_body",
     .doc = "The hook."},
    {.key = "how", .kind = GW_KIND_CHOICE, .fallback = "fail", .choices = "fail|reply", .doc = "The verdict."},
    {.key = "status", .kind = GW_KIND_INT, .fallback = "503", .min = 200, .max = 599, .doc = "The status."},
    {.key = "after", .kind = GW_KIND_SIZE, .fallback = "1", .doc = "Bytes of a body that pass first."},
    {.key = "code", .kind = GW_KIND_STRING, .doc = "The failure's code."},
    {.key = "message", .kind = GW_KIND_STRING, .fallback = "coded", .doc = "Its message."},
    {.key = "members", .kind = GW_KIND_MAP, .members = member, .doc = "Its members, as JSON texts."},
    {.key = NULL},
};

static const struct gw_filter_type failer = {
    .size = sizeof failer,
    .name = "failer",
    .doc = "Fails or replies.",
    .options = options,
    .instance_size = sizeof(struct failer),
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
    .name = "failer",
    .filters = (const struct gw_filter_type *const[]){&failer, NULL},
};
