/* respond: a fixed response out of the config. The body is taken literally: braces in it are no
 * variables, JSON is full of them. */
#include "builtin.h"

#include <gateway/endpoint.h>
#include <gateway/error.h>
#include <string.h>
#include <strings.h>

struct respond {
    int status;
    const char *content_type, *body; /* of the options */
    size_t size;
    const struct gw_option *headers;
};

/* At run time they would silently do nothing. */
static int check_headers(struct gw_endpoint *self, const struct respond *respond)
{
    int result = 0;
    for (size_t i = 0; i < gw_option_count(respond->headers); i++) {
        const struct gw_option *given = gw_option_get(gw_option_at(respond->headers, i), "name");
        const char *name = gw_option_string(gw_option_at(respond->headers, i), "name");
        bool type = respond->size && strcasecmp(name, "content-type") == 0;
        if (!type && !gw__is_own_field(name))
            continue;
        gw_endpoint_error(self, given, type ? "expected no '%s' in 'headers': 'content_type' says it"
                                            : "expected no '%s' in 'headers': the gateway sets it itself", name);
        result = GW_ERROR_CONFIG;
    }
    return result;
}

static int respond_create(struct gw_endpoint *self, const struct gw_option *options)
{
    struct respond *respond = gw_endpoint_data(self);
    respond->status = (int)gw_option_int(options, "status");
    respond->content_type = gw_option_string(options, "content_type");
    respond->body = gw_option_string(options, "body");
    respond->size = strlen(respond->body);
    respond->headers = gw_option_get(options, "headers");
    if (respond->size && (respond->status == 204 || respond->status == 304)) {
        gw_endpoint_error(self, gw_option_get(options, "body"), "expected no body with status %d, found %zu bytes",
                          respond->status, respond->size);
        return GW_ERROR_CONFIG;
    }
    return check_headers(self, respond);
}

static enum gw_flow respond_request(struct gw_exchange *ex, struct gw_endpoint *self)
{
    const struct respond *respond = gw_endpoint_data(self);
    for (size_t i = 0; i < gw_option_count(respond->headers); i++) {
        const struct gw_option *header = gw_option_at(respond->headers, i);
        gw_exchange_add_response_header(ex, gw_option_string(header, "name"), gw_option_string(header, "value"));
    }
    return gw_exchange_reply_data(ex, respond->status, respond->size ? respond->content_type : NULL, respond->body,
                                  respond->size);
}

static const struct gw_option_spec header_options[] = {
    {.key = "name", .kind = GW_KIND_NAME, .required = true, .doc = "Name of the field."},
    {.key = "value", .kind = GW_KIND_VALUE, .required = true, .doc = "Its value."},
    {0},
};

static const struct gw_option_spec headers_element[] = {
    {.key = "header", .kind = GW_KIND_GROUP, .members = header_options},
    {0},
};

static const struct gw_option_spec respond_options[] = {
    {.key = "status", .kind = GW_KIND_INT, .fallback = "200", .min = 200, .max = 599, .doc = "Status of the response."},
    {.key = "content_type",
     .kind = GW_KIND_VALUE,
     .fallback = "text/plain; charset=utf-8",
     .doc = "Type of the body; left out where there is none."},
    {.key = "body", .kind = GW_KIND_STRING, .shorthand = true, .fallback = "", .doc = "The body, taken literally."},
    {.key = "headers", .kind = GW_KIND_LIST, .members = headers_element, .doc = "More fields of the response."},
    {0},
};

const struct gw_endpoint_type gw__endpoint_respond = {
    .size = sizeof(struct gw_endpoint_type),
    .name = "respond",
    .doc = "Answers with what the config says.",
    .options = respond_options,
    .instance_size = sizeof(struct respond),
    .create = respond_create,
    .on_request = respond_request,
};
