/* The check of settings, names and addresses. It never stops at an error: defaults stand in for what is
 * wrong, so that later errors are found too. */
#include "server/check.h"

#include "base/alloc.h"
#include "base/networks.h"
#include "server/overload.h"
#include "server/settings.h"

#include <stdio.h>
#include <string.h>

enum { MAX_WHAT = 160 };

static bool is_structure(const struct gw_option_spec *specs, const char *key)
{
    for (; specs->key; specs++)
        if (specs->kind == GW_KIND_ANY && strcmp(specs->key, key) == 0)
            return true;
    return false;
}

/* A copy of the value, which knows where it was said even if nothing but the call did. */
static struct gw_option *copy_value(const struct gw__setting *setting)
{
    struct gw_option *copy =
        setting->value ? gw__option_copy(setting->value) : gw_option_create_string(NULL, setting->origin);
    if (copy && !*gw_option_origin(copy)) {
        gw__free(copy->origin);
        copy->origin = gw__strdup(setting->origin);
    }
    return copy;
}

/* The settings as one group, checked; NULL if something is wrong. */
static struct gw_option *check_settings(const struct gw__settings *settings, const struct gw_option_spec *specs,
                                        const char *what, const char *origin, struct gw__report *report)
{
    struct gw_option *group = gw_option_create_group(origin);
    for (size_t i = 0; i < settings->count; i++) {
        const struct gw__setting *setting = &settings->items[i];
        if (is_structure(specs, setting->key))
            gw__report_add(report, setting->origin, "GW1019", "%s%s'%s' is no setting: it has calls of its own", what,
                           *what ? ": " : "", setting->key);
        if (!gw_option_add_take(group, setting->key, copy_value(setting)))
            report->lost = true;
    }
    struct gw_option *result = group ? gw__option_check(group, specs, what, origin, report) : NULL;
    report->lost = report->lost || !group;
    gw_option_destroy(group);
    return result;
}

static enum gw_log_level log_level(const char *name)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    for (size_t i = 0; name && i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return (enum gw_log_level)i;
    return GW_LOG_INFO;
}

/* A setting by itself, so that a mistake elsewhere does not make all unknown that it brings. NULL: absent or wrong. */
static struct gw_option *check_alone(const struct gw__settings *settings, const struct gw_option_spec *all,
                                     const char *key, const char *what, struct gw__report *report)
{
    struct gw__setting *setting = (struct gw__setting *)gw__settings_find(settings, key);
    struct gw_option_spec specs[2] = {0};
    for (const struct gw_option_spec *spec = all; spec->key; spec++)
        if (strcmp(spec->key, key) == 0)
            specs[0] = *spec;
    const struct gw__settings alone = {.items = setting, .count = 1};
    return setting ? check_settings(&alone, specs, what, setting->origin, report) : NULL;
}

static void check_what_others_need(struct gw__checked *out, const struct gw_config *config, struct gw__report *report)
{
    out->plugin_group = check_alone(&config->settings, gw__top_specs, "plugins", "", report);
    out->plugins = gw_option_get(out->plugin_group, "plugins");
    out->idl_group = check_alone(&config->settings, gw__top_specs, "idl", "", report);
    out->has_idl = gw__settings_find(&config->settings, "idl") != NULL;
    const struct gw_option *idl = gw_option_get(out->idl_group, "idl");
    out->idl_folder = gw_option_string(idl, "folder");
    out->idl_origin = gw_option_origin(gw_option_get(idl, "folder"));
}

/* In place of what is inherited. */
static void check_trusted(struct gw__http_options *out, const struct gw__settings *settings,
                          const struct gw_option_spec *specs, const char *what, struct gw__report *report)
{
    struct gw_option *group = check_alone(settings, specs, "trusted_proxies", what, report);
    const struct gw_option *list = gw_option_get(group, "trusted_proxies");
    if (!list) {
        gw_option_destroy(group);
        return;
    }
    struct gw__networks *networks = gw__networks_create(gw_option_count(list));
    report->lost = report->lost || !networks;
    for (size_t i = 0; networks && i < gw_option_count(list); i++) {
        const struct gw_option *item = gw_option_at(list, i);
        const char *wrong = gw__networks_add(networks, gw_option_text(item));
        if (wrong)
            gw__report_add(report, gw_option_origin(item), "GW1016",
                           "%s%s'trusted_proxies[%zu]' expects a network (\"10.0.0.0/8\", \"2001:db8::/32\", "
                           "\"unix\"), found \"%s\": %s", what, *what ? ": " : "", i, gw_option_text(item), wrong);
    }
    gw__networks_release(out->trusted);
    out->trusted = networks;
    gw_option_destroy(group);
}

static void check_top(struct gw__checked *out, const struct gw_config *config, struct gw__report *report)
{
    out->top = check_settings(&config->settings, gw__top_specs, "", "", report);
    const struct gw_option *top = out->top;
    out->workers = (int)gw_option_int(top, "workers");
    out->log_level = log_level(gw_option_string(gw_option_get(top, "log"), "level"));
    out->admin_socket = gw_option_string(gw_option_get(top, "admin"), "socket");
    const struct gw_option *limits = gw_option_get(top, "limits");
    bool says_memory = gw_option_get(limits, "memory") != NULL;
    out->memory_bytes = says_memory ? gw_option_int(limits, "memory") : gw__overload_default_memory();
    check_what_others_need(out, config, report);
    gw__limits_fill(&out->limits, limits);
    gw__timeouts_fill(&out->timeouts, gw_option_get(top, "timeouts"));
    gw__http_options_fill(&out->http, gw_option_get(top, "http"));
    check_trusted(&out->http, &config->settings, gw__top_specs, "", report);
}

static bool check_address(struct gw__address *out, const char *text, const char *origin, const char *what,
                          struct gw__report *report)
{
    const char *wrong = gw__address_parse(text, out);
    if (wrong)
        gw__report_add(
            report, origin, "GW1016",
            "%s expects an address (\"host:port\", \"[v6]:port\", \":port\", \"unix:/path\"), found \"%s\": %s", what,
            text, wrong);
    return !wrong;
}

/* Port 0 is another one each time. */
static bool same_listener(const struct gw__address *a, const struct gw__address *b)
{
    return (a->is_unix || a->port != 0) && gw__address_equal(a, b);
}

static void check_listener(struct gw__checked *out, const struct gw_config *config, size_t index,
                           struct gw__report *report)
{
    const struct gw_listener *listener = config->listeners[index];
    struct gw__checked_listener *checked = &out->listeners[index];
    *checked = (struct gw__checked_listener){.limits = out->limits, .timeouts = out->timeouts, .http = out->http};
    gw__networks_hold(checked->http.trusted);
    out->listener_count++;
    struct gw_option *settings =
        check_settings(&listener->settings, gw__listener_specs, "listener", listener->origin, report);
    gw__limits_fill(&checked->limits, gw_option_get(settings, "limits"));
    checked->says_connections = gw_option_get(gw_option_get(settings, "limits"), "connections") ||
                                gw_option_get(gw_config_get(config, "limits"), "connections");
    gw__timeouts_fill(&checked->timeouts, gw_option_get(settings, "timeouts"));
    gw__http_options_fill(&checked->http, gw_option_get(settings, "http"));
    check_trusted(&checked->http, &listener->settings, gw__listener_specs, "listener", report);
    gw_option_destroy(settings);
    if (!check_address(&checked->address, listener->address, listener->origin, "listener", report))
        return;
    for (size_t i = 0; i < index; i++) {
        if (!same_listener(&out->listeners[i].address, &checked->address))
            continue;
        gw__report_add(report, listener->origin, "GW1017", "listener \"%s\" is given twice, first at %s",
                       listener->address, config->listeners[i]->origin);
        return;
    }
}

static void check_instance(struct gw__checked_instance *out, const struct gw__config_instance *instance,
                           const char *service, struct gw__report *report)
{
    char what[MAX_WHAT];
    snprintf(what, sizeof what, "instance of service '%s'", service);
    bool valid = check_address(&out->address, instance->address, instance->origin, what, report);
    if (valid && !out->address.is_unix && (!out->address.port || !*out->address.host))
        gw__report_add(report, instance->origin, "GW1016", "%s needs a host and a port, found \"%s\"", what,
                       instance->address);
    struct gw_option *options = gw__option_check(instance->options, gw__instance_specs, what, instance->origin, report);
    out->weight = (int)gw_option_int(options, "weight");
    gw_option_destroy(options);
}

/* An empty name, or one that an earlier object has. */
static void check_name(const char *kind, const char *name, const char *origin, const char *first_origin,
                       struct gw__report *report)
{
    if (!*name)
        gw__report_add(report, origin, "GW1018", "a %s needs %s", kind,
                       strcmp(kind, "route") == 0 ? "an id" : "a name");
    else if (first_origin)
        gw__report_add(report, origin, "GW1017", "%s '%s' is given twice, first at %s", kind, name, first_origin);
}

static void check_service(struct gw__checked *out, const struct gw_config *config, size_t index,
                          struct gw__report *report)
{
    const struct gw_service *service = config->services[index];
    struct gw__checked_service *checked = &out->services[index];
    const char *first = NULL;
    for (size_t i = 0; i < index && !first; i++)
        if (strcmp(config->services[i]->name, service->name) == 0)
            first = config->services[i]->origin;
    check_name("service", service->name, service->origin, first, report);
    char what[MAX_WHAT];
    snprintf(what, sizeof what, "service '%s'", service->name);
    struct gw_option *settings = check_settings(&service->settings, gw__service_specs, what, service->origin, report);
    struct gw__timeouts timeouts = out->timeouts;
    gw__timeouts_fill(&timeouts, gw_option_get(settings, "timeouts"));
    checked->pool_idle = (int)gw_option_int(gw_option_get(settings, "pool"), "idle");
    checked->pool_keep_alive_ms = gw_option_int(gw_option_get(settings, "pool"), "keep_alive");
    checked->connect_ms = timeouts.connect_ms;
    checked->settings = settings;
    checked->instances = gw__calloc(service->instance_count, sizeof *checked->instances);
    report->lost = report->lost || !checked->instances;
    for (size_t i = 0; checked->instances && i < service->instance_count; i++)
        check_instance(&checked->instances[i], &service->instances[i], service->name, report);
}

static void check_route(struct gw__checked *out, const struct gw_config *config, size_t index,
                        struct gw__report *report)
{
    const struct gw_route *route = config->routes[index];
    struct gw__checked_route *checked = &out->routes[index];
    *checked = (struct gw__checked_route){.limits = out->limits, .timeouts = out->timeouts};
    const char *first = NULL;
    for (size_t i = 0; i < index && !first; i++)
        if (strcmp(config->routes[i]->id, route->id) == 0)
            first = config->routes[i]->origin;
    check_name("route", route->id, route->origin, first, report);
    char what[MAX_WHAT];
    snprintf(what, sizeof what, "route '%s'", route->id);
    struct gw_option *settings = check_settings(&route->settings, gw__route_specs, what, route->origin, report);
    checked->priority = (int)gw_option_int(settings, "priority");
    gw__limits_fill(&checked->limits, gw_option_get(settings, "limits"));
    gw__timeouts_fill(&checked->timeouts, gw_option_get(settings, "timeouts"));
    gw_option_destroy(settings);
    if (!route->endpoint.type)
        gw__report_add(report, route->origin, "GW1018", "%s needs an endpoint", what);
}

static bool allocate(struct gw__checked *out, const struct gw_config *config)
{
    out->listeners = gw__calloc(config->listener_count, sizeof *out->listeners);
    out->services = gw__calloc(config->service_count, sizeof *out->services);
    out->routes = gw__calloc(config->route_count, sizeof *out->routes);
    out->service_count = out->services ? config->service_count : 0;
    return out->listeners && out->services && out->routes;
}

void gw__config_check(struct gw__checked *out, const struct gw_config *config, struct gw__report *report)
{
    *out = (struct gw__checked){.log_level = GW_LOG_INFO};
    gw__report_copy(report, &config->report);
    if (!report->lost && !allocate(out, config))
        report->lost = true;
    if (report->lost)
        return;
    check_top(out, config, report);
    for (size_t i = 0; i < config->listener_count; i++)
        check_listener(out, config, i, report);
    for (size_t i = 0; i < config->service_count; i++)
        check_service(out, config, i, report);
    for (size_t i = 0; i < config->route_count; i++)
        check_route(out, config, i, report);
}

void gw__checked_finish(struct gw__checked *checked)
{
    for (size_t i = 0; i < checked->service_count; i++) {
        gw__free(checked->services[i].instances);
        gw_option_destroy(checked->services[i].settings);
    }
    for (size_t i = 0; i < checked->listener_count; i++)
        gw__networks_release(checked->listeners[i].http.trusted);
    gw__networks_release(checked->http.trusted);
    gw__free(checked->listeners);
    gw__free(checked->services);
    gw__free(checked->routes);
    gw_option_destroy(checked->top);
    gw_option_destroy(checked->plugin_group);
    gw_option_destroy(checked->idl_group);
    *checked = (struct gw__checked){0};
}
