/* header: a condition on the first field of a name. */
#include "builtin.h"

#include <string.h>

struct header {
    const char *name, *value, *prefix; /* value and prefix NULL: presence */
    size_t prefix_size;
    bool present;
};

static int header_create(struct gw_predicate *self, const struct gw_option *options)
{
    struct header *header = gw_predicate_data(self);
    header->name = gw_option_string(options, "name");
    header->value = gw_option_string(options, "value");
    header->prefix = gw_option_string(options, "prefix");
    header->prefix_size = header->prefix ? strlen(header->prefix) : 0;
    header->present = gw_option_bool(options, "present");
    bool presence = gw_option_get(options, "present") != NULL;
    if (!!header->value + !!header->prefix + presence != 1) {
        gw_predicate_error(self, NULL, "expected one of 'value', 'prefix' and 'present'");
        return -1;
    }
    return 0;
}

static bool header_matches(const struct gw_exchange *ex, const struct gw_predicate *self)
{
    const struct header *header = gw_predicate_data(self);
    const char *sent = gw_exchange_request_header(ex, header->name);
    if (header->value)
        return sent && strcmp(sent, header->value) == 0;
    if (header->prefix)
        return sent && strncmp(sent, header->prefix, header->prefix_size) == 0;
    return (sent != NULL) == header->present;
}

static const struct gw_option_spec header_options[] = {
    {.key = "name", .kind = GW_KIND_NAME, .required = true, .doc = "Name of the field; its first counts."},
    {.key = "value", .kind = GW_KIND_VALUE, .doc = "Its whole value."},
    {.key = "prefix", .kind = GW_KIND_VALUE, .doc = "What its value begins with."},
    {.key = "present", .kind = GW_KIND_BOOL, .doc = "Whether there is such a field."},
    {0},
};

const struct gw_predicate_type gw__predicate_header = {
    .size = sizeof(struct gw_predicate_type),
    .name = "header",
    .doc = "A field of the request's head has a value, or is there: one of `value`, `prefix`, `present`.",
    .options = header_options,
    .instance_size = sizeof(struct header),
    .create = header_create,
    .matches = header_matches,
};
