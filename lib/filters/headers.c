/* The six header filters: add, set and remove, for requests and responses. A value may name path
 * variables ("{id}"). A field that belongs to the gateway (framing, hop-by-hop) is refused when the
 * config is loaded, because changing it at run time would silently do nothing. */
#include "builtin.h"

#include <gateway/error.h>
#include <gateway/filter.h>
#include <string.h>
#include <strings.h>

struct header {
    const char *name, *value; /* of the options */
    bool variables;           /* value has a '{' */
};

static const char *const own_fields[] = {
    "connection", "content-length", "expect",            "keep-alive", "proxy-connection",
    "te",         "trailer",        "transfer-encoding", "upgrade",
};

bool gw__is_own_field(const char *name)
{
    for (size_t i = 0; i < sizeof own_fields / sizeof *own_fields; i++)
        if (strcasecmp(name, own_fields[i]) == 0)
            return true;
    return false;
}

static int header_create(struct gw_filter *self, const struct gw_option *options)
{
    struct header *header = gw_filter_data(self);
    header->name = gw_option_string(options, "name");
    header->value = gw_option_string(options, "value");
    header->variables = header->value && strchr(header->value, '{');
    if (!gw__is_own_field(header->name))
        return 0;
    gw_filter_error(self, gw_option_get(options, "name"),
                    "expected a field that filters may change, found '%s', which the gateway sets itself",
                    header->name);
    return GW_ERROR_CONFIG;
}

static const char *header_value(struct gw_exchange *ex, const struct header *header)
{
    return header->variables ? gw_exchange_expand(ex, header->value) : header->value;
}

static enum gw_flow add_request(struct gw_exchange *ex, struct gw_filter *self)
{
    const struct header *header = gw_filter_data(self);
    gw_exchange_add_request_header(ex, header->name, header_value(ex, header));
    return GW_CONTINUE;
}

static enum gw_flow set_request(struct gw_exchange *ex, struct gw_filter *self)
{
    const struct header *header = gw_filter_data(self);
    gw_exchange_set_request_header(ex, header->name, header_value(ex, header));
    return GW_CONTINUE;
}

static enum gw_flow remove_request(struct gw_exchange *ex, struct gw_filter *self)
{
    const struct header *header = gw_filter_data(self);
    gw_exchange_remove_request_header(ex, header->name);
    return GW_CONTINUE;
}

static enum gw_flow add_response(struct gw_exchange *ex, struct gw_filter *self)
{
    const struct header *header = gw_filter_data(self);
    gw_exchange_add_response_header(ex, header->name, header_value(ex, header));
    return GW_CONTINUE;
}

static enum gw_flow set_response(struct gw_exchange *ex, struct gw_filter *self)
{
    const struct header *header = gw_filter_data(self);
    gw_exchange_set_response_header(ex, header->name, header_value(ex, header));
    return GW_CONTINUE;
}

static enum gw_flow remove_response(struct gw_exchange *ex, struct gw_filter *self)
{
    const struct header *header = gw_filter_data(self);
    gw_exchange_remove_response_header(ex, header->name);
    return GW_CONTINUE;
}

static const struct gw_option_spec pair_options[] = {
    {.key = "name", .kind = GW_KIND_NAME, .required = true, .doc = "Name of the field."},
    {.key = "value",
     .kind = GW_KIND_VALUE,
     .required = true,
     .doc = "Its value; `{var}` is replaced by that variable of the route's path, decoded."},
    {0},
};

static const struct gw_option_spec name_options[] = {
    {.key = "name", .kind = GW_KIND_NAME, .required = true, .shorthand = true, .doc = "Name of the field."},
    {0},
};

const struct gw_filter_type gw__filter_add_request_header = {
    .size = sizeof(struct gw_filter_type),
    .name = "add_request_header",
    .doc = "Appends a field to the request; fields of the same name stay.",
    .options = pair_options,
    .instance_size = sizeof(struct header),
    .create = header_create,
    .on_request = add_request,
};

const struct gw_filter_type gw__filter_set_request_header = {
    .size = sizeof(struct gw_filter_type),
    .name = "set_request_header",
    .doc = "Sets a field of the request, in place of all of that name.",
    .options = pair_options,
    .instance_size = sizeof(struct header),
    .create = header_create,
    .on_request = set_request,
};

const struct gw_filter_type gw__filter_remove_request_header = {
    .size = sizeof(struct gw_filter_type),
    .name = "remove_request_header",
    .doc = "Removes all fields of a name from the request.",
    .options = name_options,
    .instance_size = sizeof(struct header),
    .create = header_create,
    .on_request = remove_request,
};

const struct gw_filter_type gw__filter_add_response_header = {
    .size = sizeof(struct gw_filter_type),
    .name = "add_response_header",
    .doc = "Appends a field to the response; fields of the same name stay.",
    .options = pair_options,
    .instance_size = sizeof(struct header),
    .create = header_create,
    .on_response = add_response,
};

const struct gw_filter_type gw__filter_set_response_header = {
    .size = sizeof(struct gw_filter_type),
    .name = "set_response_header",
    .doc = "Sets a field of the response, in place of all of that name.",
    .options = pair_options,
    .instance_size = sizeof(struct header),
    .create = header_create,
    .on_response = set_response,
};

const struct gw_filter_type gw__filter_remove_response_header = {
    .size = sizeof(struct gw_filter_type),
    .name = "remove_response_header",
    .doc = "Removes all fields of a name from the response.",
    .options = name_options,
    .instance_size = sizeof(struct header),
    .create = header_create,
    .on_response = remove_response,
};
