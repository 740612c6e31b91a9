/* query: a condition on the first parameter of a name. Names and values are compared as they are read after
 * decoding (%XX, and '+' for a blank, as forms send them), byte by byte, without making a copy. */
#include "builtin.h"

#include <string.h>

struct query {
    const char *name, *value; /* value NULL: presence */
    bool present;
};

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Is the encoded text that one? A '%' without two digits stands for itself. */
static bool is_text(const char *at, const char *end, const char *text)
{
    for (; at < end; at++, text++) {
        char c = *at == '+' ? ' ' : *at;
        if (c == '%' && end - at > 2 && hex(at[1]) >= 0 && hex(at[2]) >= 0) {
            c = (char)(hex(at[1]) << 4 | hex(at[2]));
            at += 2;
        }
        if (c != *text || !c)
            return false;
    }
    return *text == '\0';
}

static int query_create(struct gw_predicate *self, const struct gw_option *options)
{
    struct query *query = gw_predicate_data(self);
    query->name = gw_option_string(options, "name");
    query->value = gw_option_string(options, "value");
    query->present = gw_option_bool(options, "present");
    if (!query->value == !gw_option_get(options, "present")) {
        gw_predicate_error(self, NULL, "expected one of 'value' and 'present'");
        return -1;
    }
    return 0;
}

static bool query_matches(const struct gw_exchange *ex, const struct gw_predicate *self)
{
    const struct query *query = gw_predicate_data(self);
    for (const char *at = gw_exchange_query(ex), *end; *at; at = end + (*end == '&')) {
        end = strchrnul(at, '&');
        const char *equals = memchr(at, '=', (size_t)(end - at));
        if (!is_text(at, equals ? equals : end, query->name))
            continue;
        return query->value ? is_text(equals ? equals + 1 : end, end, query->value) : query->present;
    }
    return !query->value && !query->present;
}

static const struct gw_option_spec query_options[] = {
    {.key = "name",
     .kind = GW_KIND_STRING,
     .required = true,
     .doc = "Name of the parameter, decoded; its first counts."},
    {.key = "value", .kind = GW_KIND_STRING, .doc = "Its whole value, decoded; \"\" where it has none."},
    {.key = "present", .kind = GW_KIND_BOOL, .doc = "Whether there is such a parameter."},
    {0},
};

const struct gw_predicate_type gw__predicate_query = {
    .size = sizeof(struct gw_predicate_type),
    .name = "query",
    .doc = "A parameter of the request's query has a value, or is there: one of `value`, `present`.",
    .options = query_options,
    .instance_size = sizeof(struct query),
    .create = query_create,
    .matches = query_matches,
};
