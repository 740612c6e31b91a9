/* The check of an option tree against a table. It builds a new, completed tree and leaves the given one
 * alone; it goes on after an error, so that all are found at once. NULL from a convert function means
 * that something was added to the report. */
#include "base/option.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/text.h"

#include <string.h>

enum { MAX_KEYS = 64 };

/* Where in a tree the check is, for messages. */
struct place {
    const struct place *up;
    const char *key; /* NULL: element `index` of a list */
    size_t index;
    const char *origin;
    const char *what;
    struct gw__report *report;
};

static struct gw_option *convert(const struct place *place, const struct gw_option *node,
                                 const struct gw_option_spec *spec);

static const char *origin_of(const struct place *place, const struct gw_option *node)
{
    return node && node->origin && *node->origin ? node->origin : place->origin;
}

static struct place below(const struct place *up, const struct gw_option *node, const char *key, size_t index)
{
    return (struct place){
        .up = up, .key = key, .index = index, .origin = origin_of(up, node), .what = up->what, .report = up->report};
}

/* "limits.body", "instances[2].weight"; the root has no name. */
static void print_path(struct gw__text *out, const struct place *place)
{
    if (!place->up)
        return;
    print_path(out, place->up);
    if (!place->key)
        gw__text_print(out, "[%zu]", place->index);
    else
        gw__text_print(out, "%s%s", place->up->up ? "." : "", place->key);
}

/* Adds "WHAT: 'PATH' MESSAGE" to the report. */
static void complain(const struct place *place, const struct gw_option *node, const char *code, const char *message)
{
    struct gw__text path = {0};
    print_path(&path, place);
    const char *name = path.size ? path.data : "";
    const char *quote = path.size ? "'" : "";
    gw__report_add(place->report, origin_of(place, node), code, "%s%s%s%s%s%s%s", place->what, *place->what ? ": " : "",
                   quote, name, quote, path.size ? " " : "", message);
    gw__text_finish(&path);
}

static struct gw_option *kept(const struct place *place, struct gw_option *option)
{
    if (!option)
        place->report->lost = true;
    return option;
}

static void print_found(struct gw__text *out, const struct gw_option *node)
{
    switch (node->type) {
    case GW__OPTION_NOTHING: gw__text_puts(out, "nothing"); break;
    case GW__OPTION_STRING: gw__text_json(out, node->value.text); break;
    case GW__OPTION_INT: gw__text_print(out, "%lld", (long long)node->value.integer); break;
    case GW__OPTION_BOOL: gw__text_puts(out, node->value.boolean ? "true" : "false"); break;
    case GW__OPTION_NUMBER: gw__text_print(out, "%g", node->value.number); break;
    case GW__OPTION_LIST: gw__text_puts(out, "a list"); break;
    case GW__OPTION_GROUP: gw__text_puts(out, "a group"); break;
    }
}

static void print_choices(struct gw__text *out, const char *choices)
{
    gw__text_puts(out, "one of");
    for (const char *at = choices; *at; at += *at == '|') {
        size_t size = strcspn(at, "|");
        gw__text_print(out, "%s \"%.*s\"", at == choices ? "" : ",", (int)size, at);
        at += size;
    }
}

void gw__option_expects(struct gw__text *out, const struct gw_option_spec *spec)
{
    static const char *const names[] = {
        [GW_KIND_STRING] = "a string",
        [GW_KIND_INT] = "an integer",
        [GW_KIND_BOOL] = "true or false",
        [GW_KIND_NUMBER] = "a number",
        [GW_KIND_DURATION] = "a duration (\"500ms\", \"2s\", \"1m\", \"1h\")",
        [GW_KIND_SIZE] = "a size (\"512\", \"64KiB\", \"1MiB\", \"1GiB\")",
        [GW_KIND_CHOICE] = "",
        [GW_KIND_NAME] = "a header name",
        [GW_KIND_VALUE] = "a header value (no control characters)",
        [GW_KIND_LIST] = "a list",
        [GW_KIND_GROUP] = "a group",
        [GW_KIND_ANY] = "a value",
        [GW_KIND_STRINGS] = "a string or a list of strings",
        [GW_KIND_MAP] = "a group",
        [GW_KIND_PATH] = "the path of a file",
    };
    gw__text_puts(out, names[spec->kind]);
    if (spec->kind == GW_KIND_CHOICE)
        print_choices(out, spec->choices);
    bool ranged = spec->kind == GW_KIND_INT || spec->kind == GW_KIND_DURATION || spec->kind == GW_KIND_SIZE;
    if (!ranged || spec->max <= spec->min)
        return;
    gw__text_puts(out, " from ");
    gw__text_quantity(out, spec->kind, spec->min);
    gw__text_puts(out, " to ");
    gw__text_quantity(out, spec->kind, spec->max);
}

/* Says what the spec expects and what was found; returns NULL. */
static struct gw_option *wrong(const struct place *place, const struct gw_option *node,
                               const struct gw_option_spec *spec, const char *code)
{
    struct gw__text message = {0};
    gw__text_puts(&message, "expects ");
    gw__option_expects(&message, spec);
    gw__text_puts(&message, ", found ");
    print_found(&message, node);
    complain(place, node, code, message.lost ? "is wrong" : message.data);
    gw__text_finish(&message);
    return NULL;
}

static struct gw_option *convert_string(const struct place *place, const struct gw_option *node,
                                        const struct gw_option_spec *spec)
{
    if (node->type != GW__OPTION_STRING)
        return wrong(place, node, spec, "GW1011");
    return kept(place, gw_option_create_string(node->value.text, origin_of(place, node)));
}

static bool is_name(const char *text)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return *text && strspn(text, token) == strlen(text);
}

static bool is_value(const char *text)
{
    for (; *text; text++)
        if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7F)
            return false;
    return true;
}

static struct gw_option *convert_field(const struct place *place, const struct gw_option *node,
                                       const struct gw_option_spec *spec)
{
    bool (*fits)(const char *) = spec->kind == GW_KIND_NAME ? is_name : is_value;
    if (node->type == GW__OPTION_STRING && !fits(node->value.text))
        return wrong(place, node, spec, "GW1011");
    return convert_string(place, node, spec);
}

/* "conf/gateway.cfg:3" and "x.log" make "conf/x.log". */
static struct gw_option *convert_path(const struct place *place, const struct gw_option *node,
                                      const struct gw_option_spec *spec)
{
    if (node->type != GW__OPTION_STRING || !*node->value.text)
        return wrong(place, node, spec, "GW1011");
    const char *text = node->value.text, *origin = origin_of(place, node);
    const char *slash = origin ? strrchr(origin, '/') : NULL;
    if (!node->relative || !slash || *text == '/' || strcmp(text, "-") == 0)
        return convert_string(place, node, spec);
    struct gw__text path = {0};
    gw__text_add(&path, origin, (size_t)(slash + 1 - origin));
    gw__text_puts(&path, text);
    struct gw_option *option = path.lost ? NULL : gw_option_create_string(path.data, origin);
    gw__text_finish(&path);
    return kept(place, option);
}

static struct gw_option *convert_integer(const struct place *place, const struct gw_option *node,
                                         const struct gw_option_spec *spec)
{
    bool (*parse)(const char *, int64_t *) = spec->kind == GW_KIND_DURATION ? gw__parse_duration_ms
                                             : spec->kind == GW_KIND_SIZE   ? gw__parse_size_bytes
                                                                            : gw__parse_int;
    int64_t value = node->type == GW__OPTION_INT ? node->value.integer : 0;
    if (node->type == GW__OPTION_STRING) {
        if (!parse(node->value.text, &value))
            return wrong(place, node, spec, spec->kind == GW_KIND_INT ? "GW1011" : "GW1012");
    } else if (node->type != GW__OPTION_INT || spec->kind == GW_KIND_DURATION) {
        return wrong(place, node, spec, node->type == GW__OPTION_INT ? "GW1012" : "GW1011");
    }
    bool out_of_range = spec->max > spec->min && (value < spec->min || value > spec->max);
    if (out_of_range || (spec->kind == GW_KIND_SIZE && value < 0))
        return wrong(place, node, spec, "GW1012");
    return kept(place, gw_option_create_int(value, origin_of(place, node)));
}

static struct gw_option *convert_bool(const struct place *place, const struct gw_option *node,
                                      const struct gw_option_spec *spec)
{
    const char *text = gw_option_text(node);
    bool yes = text ? strcmp(text, "true") == 0 : node->value.boolean;
    if (text ? !yes && strcmp(text, "false") != 0 : node->type != GW__OPTION_BOOL)
        return wrong(place, node, spec, "GW1011");
    return kept(place, gw_option_create_bool(yes, origin_of(place, node)));
}

static struct gw_option *convert_number(const struct place *place, const struct gw_option *node,
                                        const struct gw_option_spec *spec)
{
    const char *text = gw_option_text(node);
    double value = gw_option_number(node, NULL);
    bool good = text ? gw__parse_number(text, &value) : node->type == GW__OPTION_INT || node->type == GW__OPTION_NUMBER;
    if (!good || value - value != 0) /* an infinity is none */
        return wrong(place, node, spec, "GW1011");
    return kept(place, gw_option_create_number(value, origin_of(place, node)));
}

static struct gw_option *convert_choice(const struct place *place, const struct gw_option *node,
                                        const struct gw_option_spec *spec)
{
    if (node->type != GW__OPTION_STRING)
        return wrong(place, node, spec, "GW1011");
    size_t size = strlen(node->value.text);
    for (const char *at = spec->choices; *at; at += *at == '|') {
        size_t word = strcspn(at, "|");
        if (word == size && memcmp(at, node->value.text, size) == 0)
            return convert_string(place, node, spec);
        at += word;
    }
    return wrong(place, node, spec, "GW1014");
}

/* Elements of a list, values of a map: all against members[0]. */
static struct gw_option *convert_items(const struct place *place, const struct gw_option *node,
                                       const struct gw_option_spec *member)
{
    struct place here = *place;
    here.origin = origin_of(place, node);
    struct gw_option *result = kept(place, gw__option_create(node->type, here.origin));
    for (size_t i = 0; i < node->count; i++) {
        const struct gw_option *item = node->items[i];
        struct place at = below(&here, item, item->key, i);
        struct gw_option *value = convert(&at, item, member);
        if (value && !gw_option_add_take(result, item->key, value))
            place->report->lost = true;
    }
    return result;
}

static struct gw_option *convert_list(const struct place *place, const struct gw_option *node,
                                      const struct gw_option_spec *spec)
{
    static const struct gw_option_spec any = {.kind = GW_KIND_ANY};
    enum gw__option_type type = spec->kind == GW_KIND_LIST ? GW__OPTION_LIST : GW__OPTION_GROUP;
    if (node->type != type)
        return wrong(place, node, spec, "GW1011");
    return convert_items(place, node, spec->members ? spec->members : &any);
}

static struct gw_option *convert_strings(const struct place *place, const struct gw_option *node,
                                         const struct gw_option_spec *spec)
{
    static const struct gw_option_spec string = {.kind = GW_KIND_STRING};
    if (node->type == GW__OPTION_LIST)
        return convert_items(place, node, spec->members ? spec->members : &string);
    if (node->type != GW__OPTION_STRING)
        return wrong(place, node, spec, "GW1011");
    struct gw_option item = *node;
    item.key = NULL;
    struct gw_option *items[] = {&item};
    struct gw_option one = {.type = GW__OPTION_LIST, .origin = node->origin, .items = items, .count = 1};
    return convert_items(place, &one, spec->members ? spec->members : &string);
}

static struct gw_option *convert_any(const struct place *place, const struct gw_option *node,
                                     const struct gw_option_spec *spec)
{
    return kept(place, gw__option_copy(node));
}

static void unknown_key(const struct place *place, const struct gw_option *node, const struct gw_option_spec *specs)
{
    const char *names[MAX_KEYS] = {0};
    size_t count = 0;
    struct gw__text message = {0};
    for (; specs[count].key && count < MAX_KEYS; count++)
        names[count] = specs[count].key;
    const char *nearest = gw__nearest(node->key, names, count);
    if (nearest)
        gw__text_print(&message, "is no known key, did you mean '%s'?", nearest);
    else
        gw__text_puts(&message, "is no known key; known are");
    for (size_t i = 0; !nearest && i < count; i++)
        gw__text_print(&message, "%s '%s'", i ? "," : "", names[i]);
    complain(place, node, "GW1010", message.lost ? "is no known key" : message.data);
    gw__text_finish(&message);
}

static void check_key(const struct place *group, const struct gw_option *node, const struct gw_option *first,
                      const struct gw_option_spec *specs)
{
    struct place place = below(group, node, node->key, 0);
    const struct gw_option_spec *spec = specs;
    while (spec->key && strcmp(spec->key, node->key) != 0)
        spec++;
    if (!spec->key)
        unknown_key(&place, node, specs);
    else if (first != node)
        complain(&place, node, "GW1015", "is given twice");
}

static struct gw_option *convert_fallback(const struct place *place, const struct gw_option_spec *spec)
{
    bool list = strcmp(spec->fallback, "()") == 0, group = strcmp(spec->fallback, "{}") == 0;
    struct gw_option node = {.type = list    ? GW__OPTION_LIST
                                     : group ? GW__OPTION_GROUP
                                             : GW__OPTION_STRING,
                             .value.text = (char *)spec->fallback};
    return convert(place, &node, spec);
}

/* The completed group of what is in `node`, a group, or NULL for an empty one. */
static struct gw_option *complete(const struct place *place, const struct gw_option *node,
                                  const struct gw_option_spec *specs)
{
    struct place here = *place;
    here.origin = origin_of(place, node);
    struct gw_option *result = kept(place, gw_option_create_group(here.origin));
    for (size_t i = 0; i < gw_option_count(node); i++)
        check_key(&here, node->items[i], gw_option_get(node, node->items[i]->key), specs);
    for (const struct gw_option_spec *spec = specs; spec->key; spec++) {
        const struct gw_option *item = node ? gw_option_get(node, spec->key) : NULL;
        struct place at = below(&here, item, spec->key, 0);
        struct gw_option *value = NULL;
        if (item)
            value = convert(&at, item, spec);
        else if (spec->fallback)
            value = convert_fallback(&at, spec);
        else if (spec->required)
            complain(&at, NULL, "GW1013", "is required but missing");
        if (value && !gw_option_add_take(result, spec->key, value))
            place->report->lost = true;
    }
    return result;
}

static const struct gw_option_spec *find_shorthand(const struct gw_option_spec *specs)
{
    for (; specs->key; specs++)
        if (specs->shorthand)
            return specs;
    return NULL;
}

/* As complete(), for a value that may be written in short. */
static struct gw_option *unfold(const struct place *place, const struct gw_option *node,
                                const struct gw_option_spec *specs)
{
    const struct gw_option_spec *shorthand = find_shorthand(specs);
    bool is_group = !node || node->type == GW__OPTION_GROUP;
    if (node && shorthand && (!is_group || shorthand->kind == GW_KIND_ANY)) {
        struct gw_option item = *node;
        item.key = (char *)shorthand->key;
        struct gw_option *items[] = {&item};
        struct gw_option group = {.type = GW__OPTION_GROUP, .origin = node->origin, .items = items, .count = 1};
        return complete(place, &group, specs);
    }
    if (is_group)
        return complete(place, node, specs);
    return wrong(place, node, &(struct gw_option_spec){.kind = GW_KIND_GROUP}, "GW1011");
}

static struct gw_option *convert_group(const struct place *place, const struct gw_option *node,
                                       const struct gw_option_spec *spec)
{
    if (spec->members)
        return unfold(place, node, spec->members);
    if (node->type != GW__OPTION_GROUP)
        return wrong(place, node, spec, "GW1011");
    return convert_any(place, node, spec);
}

static struct gw_option *convert(const struct place *place, const struct gw_option *node,
                                 const struct gw_option_spec *spec)
{
    static struct gw_option *(*const converters[])(const struct place *, const struct gw_option *,
                                                   const struct gw_option_spec *) = {
        [GW_KIND_STRING] = convert_string,   [GW_KIND_INT] = convert_integer,      [GW_KIND_BOOL] = convert_bool,
        [GW_KIND_NUMBER] = convert_number,   [GW_KIND_DURATION] = convert_integer, [GW_KIND_SIZE] = convert_integer,
        [GW_KIND_CHOICE] = convert_choice,   [GW_KIND_NAME] = convert_field,       [GW_KIND_VALUE] = convert_field,
        [GW_KIND_LIST] = convert_list,       [GW_KIND_GROUP] = convert_group,      [GW_KIND_ANY] = convert_any,
        [GW_KIND_STRINGS] = convert_strings, [GW_KIND_MAP] = convert_list,         [GW_KIND_PATH] = convert_path,
    };
    return converters[spec->kind](place, node, spec);
}

/* For a type without a table: `name = {}` and `name = true` say nothing more than the name. */
static struct gw_option *check_empty(const struct place *place, const struct gw_option *value)
{
    bool empty = !value || (value->type == GW__OPTION_GROUP && value->count == 0) ||
                 (value->type == GW__OPTION_BOOL && value->value.boolean);
    if (empty)
        return kept(place, gw_option_create_group(origin_of(place, value)));
    complain(place, value, "GW1010", "takes no options: write {}");
    return NULL;
}

struct gw_option *gw__option_check(const struct gw_option *value, const struct gw_option_spec *specs, const char *what,
                                   const char *origin, struct gw__report *report)
{
    size_t errors = report->count;
    bool lost = report->lost;
    struct place root = {.origin = origin ? origin : "", .what = what, .report = report};
    if (gw__option_lost(value)) {
        report->lost = true;
        return NULL;
    }
    report->lost = false;
    struct gw_option *result = specs ? unfold(&root, value, specs) : check_empty(&root, value);
    if (report->count > errors || report->lost) {
        gw_option_destroy(result);
        result = NULL;
    }
    report->lost = report->lost || lost;
    return result;
}
