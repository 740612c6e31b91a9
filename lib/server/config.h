/* Config: the record of what was said through <gateway/config.h>, in the order said, nothing judged. The compiler
 * of tables and the check read it; everything in it belongs to it. */
#ifndef GW_SERVER_CONFIG_H
#define GW_SERVER_CONFIG_H

#include "base/option.h"
#include "base/report.h"

#include <gateway/config.h>

/* A key with its value; the last value given wins. */
struct gw__setting {
    char *key, *origin;
    struct gw_option *value; /* NULL if NULL was given */
};

struct gw__settings {
    struct gw__setting *items;
    size_t count, capacity;
};

/* A type by name with its options: a filter, a decorator, a predicate, an endpoint. */
struct gw__stage {
    char *type, *origin;
    struct gw_option *options; /* NULL: nothing was written */
};

struct gw__stages {
    struct gw__stage *items;
    size_t count, capacity;
};

struct gw_listener {
    struct gw_config *config;
    char *address, *origin;
    struct gw__settings settings;
};

struct gw__config_instance {
    char *address, *origin;
    struct gw_option *options;
};

struct gw_service {
    struct gw_config *config;
    char *name, *origin;
    struct gw__config_instance *instances;
    size_t instance_count, instance_capacity;
    struct gw__settings settings;
};

struct gw_route {
    struct gw_config *config;
    char *id, *origin;
    struct gw__stages predicates, filters;
    struct gw__stage endpoint; /* type NULL: none was set */
    struct gw__settings settings;
};

struct gw_config {
    char *origin; /* of what is added next, or NULL */
    struct gw__settings settings;
    struct gw_listener **listeners;
    struct gw_service **services;
    struct gw_route **routes;
    size_t listener_count, service_count, route_count;
    size_t listener_capacity, service_capacity, route_capacity;
    struct gw__stages decorators, filters;
    struct gw__report report; /* errors so far; lost when memory was out anywhere */
    char *error;              /* what gw_config_error() returned last */
};

/* The setting of that key, or NULL. */
const struct gw__setting *gw__settings_find(const struct gw__settings *settings, const char *key);

#endif
