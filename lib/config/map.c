/* A parsed file to calls of <gateway/config.h>: lists of groups to objects, all else to settings. What a
 * value means is judged later, by the tables; here only what the calls could not say. */
#include "config/reader.h"

#include "base/alloc.h"
#include "base/text.h"

#include <string.h>

/* "file:line" of a setting, for gw_option_*(); valid until the text is finished. */
static const char *origin_of(struct gw__reader *reader, const config_setting_t *setting, struct gw__text *out)
{
    gw__text_print(out, "%s:%u", reader->name, config_setting_source_line(setting));
    reader->lost = reader->lost || out->lost;
    return out->lost ? "" : out->data;
}

static void set_origin(struct gw__reader *reader, const config_setting_t *setting)
{
    struct gw__text origin = {0};
    gw_config_set_origin(reader->config, origin_of(reader, setting, &origin));
    gw__text_finish(&origin);
}

static const char *string_of(const config_setting_t *setting)
{
    const char *value = config_setting_get_string(setting);
    return value ? value : "";
}

static struct gw_option *leaf(const config_setting_t *setting, const char *origin)
{
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64: return gw_option_create_int(config_setting_get_int64(setting), origin);
    case CONFIG_TYPE_FLOAT: return gw_option_create_number(config_setting_get_float(setting), origin);
    case CONFIG_TYPE_BOOL: return gw_option_create_bool(config_setting_get_bool(setting), origin);
    case CONFIG_TYPE_STRING: return gw_option_create_string(string_of(setting), origin);
    case CONFIG_TYPE_GROUP: return gw_option_create_group(origin);
    default: return gw_option_create_list(origin);
    }
}

/* A setting and what is below it; without the member `but` (NULL: with all). NULL when memory is out. */
static struct gw_option *tree(struct gw__reader *reader, const config_setting_t *setting, const char *but)
{
    struct gw__text origin = {0};
    struct gw_option *option = leaf(setting, origin_of(reader, setting, &origin));
    gw__text_finish(&origin);
    unsigned count = config_setting_is_aggregate(setting) ? (unsigned)config_setting_length(setting) : 0;
    for (unsigned i = 0; option && i < count; i++) {
        const config_setting_t *item = config_setting_get_elem(setting, i);
        const char *name = config_setting_name(item);
        if (name && but && strcmp(name, but) == 0)
            continue;
        if (!gw_option_add_take(option, name, tree(reader, item, NULL))) {
            gw_option_destroy(option);
            option = NULL;
        }
    }
    reader->lost = reader->lost || !option;
    return option;
}

/* The tree, whose paths are relative to this file; the caller destroys it. */
static struct gw_option *option_of(struct gw__reader *reader, const config_setting_t *setting, const char *but)
{
    struct gw_option *option = tree(reader, setting, but);
    gw_option_set_relative(option);
    return option;
}

static const char *found(const config_setting_t *setting)
{
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_STRING: return "a string";
    case CONFIG_TYPE_GROUP: return "a group";
    case CONFIG_TYPE_ARRAY:
    case CONFIG_TYPE_LIST: return "a list";
    default: return "a single value";
    }
}

static void wrong(struct gw__reader *reader, const config_setting_t *setting, const char *what, const char *expected)
{
    gw__reader_error(reader, config_setting_source_line(setting), "GW1005", "%s expects %s, found %s", what, expected,
                     found(setting));
}

static bool is_list(const config_setting_t *setting)
{
    return config_setting_is_list(setting) || config_setting_is_array(setting);
}

static bool is_string(const config_setting_t *setting)
{
    return config_setting_type(setting) == CONFIG_TYPE_STRING;
}

/* A string member of a group, "" if it is absent (the check says so), NULL if it is none (said here). */
static const char *text_of(struct gw__reader *reader, const config_setting_t *group, const char *key, const char *what)
{
    const config_setting_t *member = config_setting_get_member(group, key);
    if (!member)
        return "";
    if (is_string(member))
        return string_of(member);
    wrong(reader, member, what, "a string");
    return NULL;
}

/* "unix:gw.sock" is relative to the file, as any path. The caller frees. */
static char *address_of(struct gw__reader *reader, const char *text)
{
    bool relative = strncmp(text, "unix:", 5) == 0 && text[5] && text[5] != '/';
    char *path = relative ? gw__reader_path(reader, text + 5) : NULL;
    struct gw__text address = {0};
    gw__text_print(&address, "%s%s", path ? "unix:" : "", path ? path : text);
    gw__free(path);
    char *result = gw__text_take(&address);
    reader->lost = reader->lost || !result;
    return result;
}

static bool is_one_of(const char *key, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(key, *names) == 0)
            return true;
    return false;
}

typedef void (*set_fn)(void *object, const char *key, const struct gw_option *value);

/* All members of a group but the named ones, as settings of an object. */
static void map_settings(struct gw__reader *reader, const config_setting_t *group, const char *const *but, set_fn set,
                         void *object)
{
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *member = config_setting_get_elem(group, (unsigned)i);
        if (is_one_of(config_setting_name(member), but))
            continue;
        struct gw_option *value = option_of(reader, member, NULL);
        set_origin(reader, member);
        set(object, config_setting_name(member), value);
        gw_option_destroy(value);
    }
}

static void set_listener(void *object, const char *key, const struct gw_option *value)
{
    gw_listener_set(object, key, value);
}

static void set_service(void *object, const char *key, const struct gw_option *value)
{
    gw_service_set(object, key, value);
}

static void set_route(void *object, const char *key, const struct gw_option *value)
{
    gw_route_set(object, key, value);
}

static void map_listener(struct gw__reader *reader, const config_setting_t *setting)
{
    static const char *const own[] = {"address", NULL};
    if (!config_setting_is_group(setting) && !is_string(setting)) {
        wrong(reader, setting, "listener", "a group { address = \"host:port\"; }");
        return;
    }
    const char *text =
        is_string(setting) ? string_of(setting) : text_of(reader, setting, "address", "listener: 'address'");
    if (!text)
        return;
    char *address = address_of(reader, text);
    set_origin(reader, setting);
    struct gw_listener *listener = gw_config_listen(reader->config, address);
    if (config_setting_is_group(setting))
        map_settings(reader, setting, own, set_listener, listener);
    gw__free(address);
}

static void map_instance(struct gw__reader *reader, const config_setting_t *setting, struct gw_service *service)
{
    bool is_group = config_setting_is_group(setting);
    if (!is_group && !is_string(setting)) {
        wrong(reader, setting, "instance", "\"host:port\" or { address = \"host:port\"; }");
        return;
    }
    const char *text = is_group ? text_of(reader, setting, "address", "instance: 'address'") : string_of(setting);
    if (!text)
        return;
    struct gw_option *options = is_group ? option_of(reader, setting, "address") : NULL;
    char *address = address_of(reader, text);
    set_origin(reader, setting);
    gw_service_add_instance(service, address, options);
    gw__free(address);
    gw_option_destroy(options);
}

static void map_service(struct gw__reader *reader, const config_setting_t *setting)
{
    static const char *const own[] = {"name", "instances", NULL};
    if (!config_setting_is_group(setting)) {
        wrong(reader, setting, "service", "a group { name = \"…\"; instances = ( \"host:port\" ); }");
        return;
    }
    const char *name = text_of(reader, setting, "name", "service: 'name'");
    set_origin(reader, setting);
    struct gw_service *service = gw_config_add_service(reader->config, name ? name : "?");
    map_settings(reader, setting, own, set_service, service);
    const config_setting_t *instances = config_setting_get_member(setting, "instances");
    if (instances && !is_list(instances))
        wrong(reader, instances, "service: 'instances'", "a list ( \"host:port\", … )");
    for (int i = 0; instances && is_list(instances) && i < config_setting_length(instances); i++)
        map_instance(reader, config_setting_get_elem(instances, (unsigned)i), service);
}

typedef void (*stage_fn)(struct gw__reader *reader, void *object, const char *type, const struct gw_option *options);

static void add_decorator(struct gw__reader *reader, void *object, const char *type, const struct gw_option *options)
{
    gw_config_add_decorator(reader->config, type, options);
}

static void add_filter(struct gw__reader *reader, void *object, const char *type, const struct gw_option *options)
{
    gw_config_add_filter(reader->config, type, options);
}

static void add_route_filter(struct gw__reader *reader, void *object, const char *type, const struct gw_option *options)
{
    gw_route_add_filter(object, type, options);
}

static void add_predicate(struct gw__reader *reader, void *object, const char *type, const struct gw_option *options)
{
    gw_route_add_predicate(object, type, options);
}

static void set_endpoint(struct gw__reader *reader, void *object, const char *type, const struct gw_option *options)
{
    gw_route_set_endpoint(object, type, options);
}

/* The members of a group, each `name = options`. */
static void map_stages(struct gw__reader *reader, const config_setting_t *group, stage_fn add, void *object)
{
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *member = config_setting_get_elem(group, (unsigned)i);
        struct gw_option *options = option_of(reader, member, NULL);
        set_origin(reader, member);
        add(reader, object, config_setting_name(member), options);
        gw_option_destroy(options);
    }
}

/* A list of such groups, of one member each, so that their order is plain. */
static void map_stage_list(struct gw__reader *reader, const config_setting_t *list, const char *what, stage_fn add,
                           void *object)
{
    static const char expected[] = "a list of groups ( { name = options; }, … )";
    if (!is_list(list))
        wrong(reader, list, what, expected);
    for (int i = 0; is_list(list) && i < config_setting_length(list); i++) {
        const config_setting_t *item = config_setting_get_elem(list, (unsigned)i);
        if (!config_setting_is_group(item))
            wrong(reader, item, what, expected);
        else if (config_setting_length(item) != 1)
            gw__reader_error(reader, config_setting_source_line(item), "GW1005",
                             "%s expects one name in each group, found %d", what, config_setting_length(item));
        else
            map_stages(reader, item, add, object);
    }
}

static void map_endpoint(struct gw__reader *reader, const config_setting_t *endpoint, struct gw_route *route)
{
    bool is_group = config_setting_is_group(endpoint);
    if (!is_group)
        wrong(reader, endpoint, "route: 'endpoint'", "a group { name = options; }");
    else if (config_setting_length(endpoint) != 1)
        gw__reader_error(reader, config_setting_source_line(endpoint), "GW1005",
                         "route: 'endpoint' expects one name in its group, found %d", config_setting_length(endpoint));
    if (is_group && config_setting_length(endpoint) > 0)
        map_stages(reader, endpoint, set_endpoint, route);
}

static void map_route(struct gw__reader *reader, const config_setting_t *setting)
{
    static const char *const own[] = {"id", "predicates", "filters", "endpoint", NULL};
    if (!config_setting_is_group(setting)) {
        wrong(reader, setting, "route", "a group { id = \"…\"; predicates = { … }; endpoint = { … }; }");
        return;
    }
    const char *id = text_of(reader, setting, "id", "route: 'id'");
    set_origin(reader, setting);
    struct gw_route *route = gw_config_add_route(reader->config, id ? id : "?");
    map_settings(reader, setting, own, set_route, route);
    const config_setting_t *predicates = config_setting_get_member(setting, "predicates");
    const config_setting_t *filters = config_setting_get_member(setting, "filters");
    const config_setting_t *endpoint = config_setting_get_member(setting, "endpoint");
    if (predicates && !config_setting_is_group(predicates))
        wrong(reader, predicates, "route: 'predicates'", "a group { name = options; … }");
    else if (predicates)
        map_stages(reader, predicates, add_predicate, route);
    if (filters)
        map_stage_list(reader, filters, "route: 'filters'", add_route_filter, route);
    if (endpoint)
        map_endpoint(reader, endpoint, route);
}

static void map_list(struct gw__reader *reader, const config_setting_t *list, const char *what,
                     void (*map)(struct gw__reader *, const config_setting_t *))
{
    if (!is_list(list))
        wrong(reader, list, what, "a list of groups ( { … }, … )");
    for (int i = 0; is_list(list) && i < config_setting_length(list); i++)
        map(reader, config_setting_get_elem(list, (unsigned)i));
}

/* A path with a '/' is relative to this file; a bare name is looked for in the plugin folder. */
static struct gw_option *plugin_of(struct gw__reader *reader, const config_setting_t *setting)
{
    struct gw__text origin = {0};
    const char *name = string_of(setting);
    char *path = strchr(name, '/') ? gw__reader_path(reader, name) : gw__strdup(name);
    struct gw_option *option = NULL;
    if (path)
        option = gw_option_create_string(path, origin_of(reader, setting, &origin));
    gw__text_finish(&origin);
    gw__free(path);
    return option;
}

static void map_plugins(struct gw__reader *reader, const config_setting_t *setting)
{
    struct gw_option *list = gw_option_create_list(NULL);
    reader->lost = reader->lost || !list;
    if (is_string(setting) && !gw_option_add_take(list, NULL, plugin_of(reader, setting)))
        reader->lost = true;
    else if (!is_string(setting) && !is_list(setting))
        wrong(reader, setting, "'plugins'", "a list of paths ( \"./guard.so\", … )");
    for (int i = 0; is_list(setting) && i < config_setting_length(setting); i++) {
        const config_setting_t *item = config_setting_get_elem(setting, (unsigned)i);
        if (!is_string(item))
            wrong(reader, item, "'plugins'", "paths");
        else if (!gw_option_add_take(list, NULL, plugin_of(reader, item)))
            reader->lost = true;
    }
    set_origin(reader, setting);
    gw_config_set(reader->config, "plugins", list);
    gw_option_destroy(list);
}

/* Lists of objects add up over all files; any other key belongs into one of them. */
static void map_setting(struct gw__reader *reader, const config_setting_t *setting)
{
    const char *key = config_setting_name(setting);
    const char *first = gw_option_string(reader->seen, key);
    if (first) {
        gw__reader_error(reader, config_setting_source_line(setting), "GW1015", "'%s' is given twice, first at %s", key,
                         first);
        return;
    }
    struct gw__text origin = {0};
    struct gw_option *place = gw_option_create_string(origin_of(reader, setting, &origin), NULL);
    reader->lost = !gw_option_add_take(reader->seen, key, place) || reader->lost;
    gw__text_finish(&origin);
    if (strcmp(key, "plugins") == 0) {
        map_plugins(reader, setting);
        return;
    }
    struct gw_option *value = option_of(reader, setting, NULL);
    set_origin(reader, setting);
    gw_config_set(reader->config, key, value);
    gw_option_destroy(value);
}

static void map_top(struct gw__reader *reader, const config_setting_t *setting)
{
    const char *key = config_setting_name(setting);
    if (strcmp(key, "include") == 0)
        gw__reader_include(reader, setting);
    else if (strcmp(key, "listeners") == 0)
        map_list(reader, setting, "'listeners'", map_listener);
    else if (strcmp(key, "services") == 0)
        map_list(reader, setting, "'services'", map_service);
    else if (strcmp(key, "routes") == 0)
        map_list(reader, setting, "'routes'", map_route);
    else if (strcmp(key, "decorators") == 0)
        map_stage_list(reader, setting, "'decorators'", add_decorator, NULL);
    else if (strcmp(key, "filters") == 0)
        map_stage_list(reader, setting, "'filters'", add_filter, NULL);
    else if (strcmp(key, "version") != 0)
        map_setting(reader, setting);
}

void gw__reader_map(struct gw__reader *reader, const config_setting_t *root)
{
    if (!reader->seen)
        reader->seen = gw_option_create_group(NULL);
    reader->lost = reader->lost || !reader->seen;
    for (int i = 0; !reader->lost && i < config_setting_length(root); i++)
        map_top(reader, config_setting_get_elem(root, (unsigned)i));
}
