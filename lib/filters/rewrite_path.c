/* rewrite_path: a new path from a template, with the variables of the route's own. They go in as they
 * stand in the request's path, percent-encoded: decoding would let "..%2F" in a segment climb out. The
 * template is taken apart when the config is loaded. */
#include "builtin.h"

#include <ctype.h>
#include <gateway/error.h>
#include <gateway/filter.h>
#include <string.h>

enum { MAX_PARTS = 17, NAME_BYTES = 40, MAX_TEMPLATE = 1024 };

/* Text of the template, then the variable behind it ("" for none). */
struct part {
    const char *text;
    size_t size;
    char variable[NAME_BYTES];
};

struct rewrite {
    struct part parts[MAX_PARTS];
    size_t count;
};

static bool hex_pair(const char *text)
{
    return isxdigit((unsigned char)text[0]) && isxdigit((unsigned char)text[1]);
}

/* NULL, or what is wrong with the literal bytes of a path. */
static const char *literal_fault(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte == '?' || byte == '#')
            return "a path without query and fragment";
        if (byte == '}')
            return "a '{' before every '}'";
        if (byte <= ' ' || byte >= 0x7f || strchr("\"<>\\^`|", byte))
            return "a path whose other bytes are percent-encoded";
        if (byte == '%' && (i + 2 >= size || !hex_pair(text + i + 1)))
            return "two hex digits after '%'";
    }
    return NULL;
}

static bool dot_segments(const char *path)
{
    for (const char *at = path; (at = strchr(at, '/')); at++) {
        size_t size = strcspn(at + 1, "/");
        if ((size == 1 && at[1] == '.') || (size == 2 && at[1] == '.' && at[2] == '.'))
            return true;
    }
    return false;
}

/* Fills the parts from the template; NULL, or what was expected instead. */
static const char *split_template(struct rewrite *rewrite, const char *text)
{
    if (*text != '/')
        return "a path that begins with '/'";
    if (strlen(text) > MAX_TEMPLATE)
        return "a path of at most 1024 bytes";
    if (dot_segments(text))
        return "a path without '.' and '..' segments";
    while (*text) {
        if (rewrite->count == MAX_PARTS)
            return "at most 16 variables";
        struct part *part = &rewrite->parts[rewrite->count++];
        part->text = text;
        part->size = strcspn(text, "{");
        const char *fault = literal_fault(text, part->size);
        if (fault)
            return fault;
        text += part->size;
        if (*text != '{')
            break;
        size_t size = strspn(++text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
        if (!strchr(text, '}'))
            return "a '}' after every '{'";
        if (size == 0 || text[size] != '}' || size >= NAME_BYTES)
            return "the name of a path variable between the braces";
        memcpy(part->variable, text, size);
        text += size + 1;
    }
    return NULL;
}

static int rewrite_create(struct gw_filter *self, const struct gw_option *options)
{
    struct rewrite *rewrite = gw_filter_data(self);
    const char *text = gw_option_string(options, "path");
    const char *expected = split_template(rewrite, text);
    if (!expected)
        return 0;
    gw_filter_error(self, gw_option_get(options, "path"), "expected %s, found '%s'", expected, text);
    return GW_ERROR_CONFIG;
}

static enum gw_flow rewrite_request(struct gw_exchange *ex, struct gw_filter *self)
{
    const struct rewrite *rewrite = gw_filter_data(self);
    const char *values[MAX_PARTS];
    size_t size = 1;
    for (size_t i = 0; i < rewrite->count; i++) {
        const struct part *part = &rewrite->parts[i];
        values[i] = *part->variable ? gw_exchange_raw_variable(ex, part->variable) : "";
        if (!values[i])
            return gw_exchange_fail(ex, 500, "rewrite_path: the route's path has no variable '%s'", part->variable);
        size += part->size + strlen(values[i]);
    }
    char *path = gw_exchange_alloc(ex, size), *out = path;
    if (!path)
        return GW_CONTINUE; /* the exchange fails by itself */
    for (size_t i = 0; i < rewrite->count; i++) {
        out = mempcpy(out, rewrite->parts[i].text, rewrite->parts[i].size);
        out = stpcpy(out, values[i]);
    }
    while (path[0] == '/' && path[1] == '/') /* a backend could read "//" as an authority */
        path++;
    gw_exchange_set_path(ex, path);
    return GW_CONTINUE;
}

static const struct gw_option_spec rewrite_options[] = {
    {.key = "path",
     .kind = GW_KIND_STRING,
     .required = true,
     .shorthand = true,
     .doc = "The new path, from `/` on; `{var}` is replaced by that variable of the route's path, as it was sent."},
    {0},
};

const struct gw_filter_type gw__filter_rewrite_path = {
    .size = sizeof(struct gw_filter_type),
    .name = "rewrite_path",
    .doc = "Replaces the request's path; the query stays.",
    .options = rewrite_options,
    .instance_size = sizeof(struct rewrite),
    .create = rewrite_create,
    .on_request = rewrite_request,
};
