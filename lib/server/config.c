/* The store behind <gateway/config.h>. Every call copies what it is given and frees one-use options,
 * also when it can do nothing else; memory that is out marks the config, which is then refused. */
#include "server/config.h"

#include "base/alloc.h"

#include <string.h>

static const char out_of_memory[] = "out of memory";

/* A copy of a text, "" for NULL; NULL, and the config marked, when memory is out. */
static char *copy_text(struct gw_config *config, const char *text)
{
    char *copy = gw__strdup(text ? text : "");
    config->report.lost = config->report.lost || !copy;
    return copy;
}

static struct gw_option *copy_option(struct gw_config *config, const struct gw_option *option)
{
    struct gw_option *copy = gw__option_copy(option);
    config->report.lost = config->report.lost || (option && !copy);
    return copy;
}

/* The config's origin, or where that is not set the option's own. */
static char *copy_origin(struct gw_config *config, const struct gw_option *option)
{
    return copy_text(config, config->origin ? config->origin : gw_option_origin(option));
}

struct gw_config *gw_config_create(void)
{
    return gw__calloc(1, sizeof(struct gw_config));
}

static void finish_settings(struct gw__settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        gw__free(settings->items[i].key);
        gw__free(settings->items[i].origin);
        gw_option_destroy(settings->items[i].value);
    }
    gw__free(settings->items);
}

static void finish_stage(struct gw__stage *stage)
{
    gw__free(stage->type);
    gw__free(stage->origin);
    gw_option_destroy(stage->options);
    *stage = (struct gw__stage){0};
}

static void finish_stages(struct gw__stages *stages)
{
    for (size_t i = 0; i < stages->count; i++)
        finish_stage(&stages->items[i]);
    gw__free(stages->items);
}

static void destroy_listener(struct gw_listener *listener)
{
    finish_settings(&listener->settings);
    gw__free(listener->address);
    gw__free(listener->origin);
    gw__free(listener);
}

static void finish_instance(struct gw__config_instance *instance)
{
    gw__free(instance->address);
    gw__free(instance->origin);
    gw_option_destroy(instance->options);
}

static void destroy_service(struct gw_service *service)
{
    for (size_t i = 0; i < service->instance_count; i++)
        finish_instance(&service->instances[i]);
    gw__free(service->instances);
    finish_settings(&service->settings);
    gw__free(service->name);
    gw__free(service->origin);
    gw__free(service);
}

static void destroy_route(struct gw_route *route)
{
    finish_stages(&route->predicates);
    finish_stages(&route->filters);
    finish_stage(&route->endpoint);
    finish_settings(&route->settings);
    gw__free(route->id);
    gw__free(route->origin);
    gw__free(route);
}

void gw_config_destroy(struct gw_config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config->listener_count; i++)
        destroy_listener(config->listeners[i]);
    for (size_t i = 0; i < config->service_count; i++)
        destroy_service(config->services[i]);
    for (size_t i = 0; i < config->route_count; i++)
        destroy_route(config->routes[i]);
    gw__free(config->listeners);
    gw__free(config->services);
    gw__free(config->routes);
    finish_stages(&config->decorators);
    finish_stages(&config->filters);
    finish_settings(&config->settings);
    gw__report_finish(&config->report);
    gw__free(config->origin);
    gw__free(config->error);
    gw__free(config);
}

void gw_config_set_origin(struct gw_config *config, const char *origin)
{
    if (!config)
        return;
    gw__free(config->origin);
    config->origin = origin ? copy_text(config, origin) : NULL;
}

void gw_config_add_error(struct gw_config *config, const char *origin, const char *code, const char *format, ...)
{
    if (!config)
        return;
    va_list args;
    va_start(args, format);
    gw__report_vadd(&config->report, origin, code, format, args);
    va_end(args);
}

const char *gw_config_error(struct gw_config *config)
{
    if (!config)
        return out_of_memory;
    gw__free(config->error);
    config->error = gw__report_text(&config->report);
    return config->error ? config->error : out_of_memory;
}

const struct gw__setting *gw__settings_find(const struct gw__settings *settings, const char *key)
{
    for (size_t i = 0; i < settings->count; i++)
        if (strcmp(settings->items[i].key, key) == 0)
            return &settings->items[i];
    return NULL;
}

/* The entry of a key, made if there is none; NULL when out of memory. */
static struct gw__setting *setting_of(struct gw_config *config, struct gw__settings *settings, const char *key)
{
    struct gw__setting *found = (struct gw__setting *)gw__settings_find(settings, key);
    if (found)
        return found;
    struct gw__setting *items = gw__grow(settings->items, settings->count, &settings->capacity, sizeof *items);
    char *name = copy_text(config, key);
    if (items)
        settings->items = items;
    if (!items || !name) {
        config->report.lost = true;
        gw__free(name);
        return NULL;
    }
    items[settings->count] = (struct gw__setting){.key = name};
    return &items[settings->count++];
}

static void set(struct gw_config *config, struct gw__settings *settings, const char *key, const struct gw_option *value)
{
    struct gw__setting *setting = setting_of(config, settings, key ? key : "");
    if (!setting)
        return;
    gw__free(setting->origin);
    gw_option_destroy(setting->value);
    setting->origin = copy_origin(config, value);
    setting->value = copy_option(config, value);
}

void gw_config_set(struct gw_config *config, const char *key, const struct gw_option *value)
{
    if (config)
        set(config, &config->settings, key, value);
    gw__option_done(value);
}

void gw_config_set_idl_folder(struct gw_config *config, const char *folder)
{
    gw_config_set(config, "idl", gw_option_once("", NULL, "folder", folder, (const char *)0));
}

const struct gw_option *gw_config_get(const struct gw_config *config, const char *key)
{
    const struct gw__setting *setting = config && key ? gw__settings_find(&config->settings, key) : NULL;
    return setting ? setting->value : NULL;
}

void gw_listener_set(struct gw_listener *listener, const char *key, const struct gw_option *value)
{
    if (listener)
        set(listener->config, &listener->settings, key, value);
    gw__option_done(value);
}

void gw_service_set(struct gw_service *service, const char *key, const struct gw_option *value)
{
    if (service)
        set(service->config, &service->settings, key, value);
    gw__option_done(value);
}

void gw_route_set(struct gw_route *route, const char *key, const struct gw_option *value)
{
    if (route)
        set(route->config, &route->settings, key, value);
    gw__option_done(value);
}

/* A zeroed object put behind the last of a list of pointers; NULL when out of memory. */
static void *add_object(struct gw_config *config, void ***list, size_t *count, size_t *capacity, size_t size)
{
    void **items = gw__grow(*list, *count, capacity, sizeof *items);
    void *object = items ? gw__calloc(1, size) : NULL;
    if (items)
        *list = items;
    if (!object) {
        config->report.lost = true;
        return NULL;
    }
    return items[(*count)++] = object;
}

struct gw_listener *gw_config_listen(struct gw_config *config, const char *address)
{
    struct gw_listener *listener = NULL;
    if (config)
        listener = add_object(config, (void ***)&config->listeners, &config->listener_count, &config->listener_capacity,
                              sizeof *listener);
    if (listener)
        *listener = (struct gw_listener){
            .config = config, .address = copy_text(config, address), .origin = copy_origin(config, NULL)};
    return listener;
}

struct gw_service *gw_config_add_service(struct gw_config *config, const char *name)
{
    struct gw_service *service = NULL;
    if (config)
        service = add_object(config, (void ***)&config->services, &config->service_count, &config->service_capacity,
                             sizeof *service);
    if (service)
        *service =
            (struct gw_service){.config = config, .name = copy_text(config, name), .origin = copy_origin(config, NULL)};
    return service;
}

void gw_service_add_instance(struct gw_service *service, const char *address, const struct gw_option *options)
{
    struct gw__config_instance *instances = NULL;
    if (service)
        instances =
            gw__grow(service->instances, service->instance_count, &service->instance_capacity, sizeof *instances);
    if (instances) {
        struct gw_config *config = service->config;
        service->instances = instances;
        instances[service->instance_count++] = (struct gw__config_instance){.address = copy_text(config, address),
                                                                     .origin = copy_origin(config, options),
                                                                     .options = copy_option(config, options)};
    } else if (service) {
        service->config->report.lost = true;
    }
    gw__option_done(options);
}

static struct gw__stage new_stage(struct gw_config *config, const char *type, const struct gw_option *options)
{
    return (struct gw__stage){.type = copy_text(config, type),
                              .origin = copy_origin(config, options),
                              .options = copy_option(config, options)};
}

static void add_stage(struct gw_config *config, struct gw__stages *stages, const char *type,
                      const struct gw_option *options)
{
    struct gw__stage *items = gw__grow(stages->items, stages->count, &stages->capacity, sizeof *items);
    if (!items) {
        config->report.lost = true;
        return;
    }
    stages->items = items;
    items[stages->count++] = new_stage(config, type, options);
}

void gw_config_add_decorator(struct gw_config *config, const char *type, const struct gw_option *options)
{
    if (config)
        add_stage(config, &config->decorators, type, options);
    gw__option_done(options);
}

void gw_config_add_filter(struct gw_config *config, const char *type, const struct gw_option *options)
{
    if (config)
        add_stage(config, &config->filters, type, options);
    gw__option_done(options);
}

struct gw_route *gw_config_add_route(struct gw_config *config, const char *id)
{
    struct gw_route *route = NULL;
    if (config)
        route =
            add_object(config, (void ***)&config->routes, &config->route_count, &config->route_capacity, sizeof *route);
    if (route)
        *route = (struct gw_route){.config = config, .id = copy_text(config, id), .origin = copy_origin(config, NULL)};
    return route;
}

void gw_route_add_predicate(struct gw_route *route, const char *type, const struct gw_option *options)
{
    if (route)
        add_stage(route->config, &route->predicates, type, options);
    gw__option_done(options);
}

void gw_route_add_filter(struct gw_route *route, const char *type, const struct gw_option *options)
{
    if (route)
        add_stage(route->config, &route->filters, type, options);
    gw__option_done(options);
}

void gw_route_set_endpoint(struct gw_route *route, const char *type, const struct gw_option *options)
{
    if (route) {
        finish_stage(&route->endpoint);
        route->endpoint = new_stage(route->config, type, options);
    }
    gw__option_done(options);
}
