/* The tree of options: every node owns its key, its origin, its value and its children. A tree that
 * lost a part for want of memory says so at the node above, and is refused by the check. */
#include "base/option.h"

#include "base/alloc.h"

#include <stdarg.h>
#include <string.h>

/* What gw_option_once() returns when memory is out; shared, never freed. */
static const struct gw_option lost_option = {.type = GW__OPTION_NOTHING, .lost = true};

struct gw_option *gw__option_create(enum gw__option_type type, const char *origin)
{
    struct gw_option *option = gw__calloc(1, sizeof *option);
    if (!option)
        return NULL;
    option->type = type;
    option->origin = gw__strdup(origin);
    if (origin && !option->origin) {
        gw__free(option);
        return NULL;
    }
    return option;
}

struct gw_option *gw_option_create_group(const char *origin)
{
    return gw__option_create(GW__OPTION_GROUP, origin);
}

struct gw_option *gw_option_create_list(const char *origin)
{
    return gw__option_create(GW__OPTION_LIST, origin);
}

struct gw_option *gw_option_create_string(const char *value, const char *origin)
{
    if (!value)
        return gw__option_create(GW__OPTION_NOTHING, origin);
    struct gw_option *option = gw__option_create(GW__OPTION_STRING, origin);
    if (option && !(option->value.text = gw__strdup(value))) {
        gw_option_destroy(option);
        return NULL;
    }
    return option;
}

struct gw_option *gw_option_create_int(int64_t value, const char *origin)
{
    struct gw_option *option = gw__option_create(GW__OPTION_INT, origin);
    if (option)
        option->value.integer = value;
    return option;
}

struct gw_option *gw_option_create_bool(bool value, const char *origin)
{
    struct gw_option *option = gw__option_create(GW__OPTION_BOOL, origin);
    if (option)
        option->value.boolean = value;
    return option;
}

struct gw_option *gw_option_create_number(double value, const char *origin)
{
    struct gw_option *option = gw__option_create(GW__OPTION_NUMBER, origin);
    if (option)
        option->value.number = value;
    return option;
}

/* False when out of memory; then nothing has changed. */
static bool append(struct gw_option *parent, const char *key, struct gw_option *child)
{
    char *name = parent->type == GW__OPTION_GROUP ? gw__strdup(key) : NULL;
    struct gw_option **items = gw__grow(parent->items, parent->count, &parent->capacity, sizeof *items);
    if (items)
        parent->items = items;
    if (!items || (parent->type == GW__OPTION_GROUP && !name)) {
        gw__free(name);
        return false;
    }
    gw__free(child->key);
    child->key = name;
    items[parent->count++] = child;
    return true;
}

struct gw_option *gw_option_add_take(struct gw_option *parent, const char *key, struct gw_option *take)
{
    bool fits = parent && (parent->type == GW__OPTION_LIST || (parent->type == GW__OPTION_GROUP && key));
    if (fits && take && append(parent, key, take))
        return take;
    if (fits)
        parent->lost = true;
    gw_option_destroy(take);
    return NULL;
}

void gw_option_set_relative(struct gw_option *option)
{
    if (!option)
        return;
    option->relative = true;
    for (size_t i = 0; i < option->count; i++)
        gw_option_set_relative(option->items[i]);
}

void gw_option_destroy(struct gw_option *option)
{
    if (!option || option == &lost_option)
        return;
    for (size_t i = 0; i < option->count; i++)
        gw_option_destroy(option->items[i]);
    if (option->type == GW__OPTION_STRING)
        gw__free(option->value.text);
    gw__free(option->items);
    gw__free(option->key);
    gw__free(option->origin);
    gw__free(option);
}

static struct gw_option *once_group(const char *origin, va_list args)
{
    struct gw_option *group = gw_option_create_group(origin);
    const char *key;
    while (group && (key = va_arg(args, const char *))) {
        const char *value = va_arg(args, const char *);
        gw_option_add_take(group, key, gw_option_create_string(value, origin));
        if (!value) /* it may have been the end of the arguments: read no further */
            break;
    }
    return group;
}

const struct gw_option *gw_option_once(const char *origin, const char *value, ...)
{
    va_list args;
    va_start(args, value);
    struct gw_option *option = value ? gw_option_create_string(value, origin) : once_group(origin, args);
    va_end(args);
    if (!option)
        return &lost_option;
    option->once = true;
    return option;
}

struct gw_option *gw__option_copy(const struct gw_option *option)
{
    if (!option || option->lost)
        return NULL;
    struct gw_option *copy = option->type == GW__OPTION_STRING
                                 ? gw_option_create_string(option->value.text, option->origin)
                                 : gw__option_create(option->type, option->origin);
    if (!copy)
        return NULL;
    if (option->type != GW__OPTION_STRING)
        copy->value = option->value;
    copy->relative = option->relative;
    for (size_t i = 0; i < option->count; i++) {
        const struct gw_option *item = option->items[i];
        if (!gw_option_add_take(copy, item->key, gw__option_copy(item))) {
            gw_option_destroy(copy);
            return NULL;
        }
    }
    return copy;
}

void gw__option_done(const struct gw_option *option)
{
    if (option && option->once)
        gw_option_destroy((struct gw_option *)option);
}

bool gw__option_lost(const struct gw_option *option)
{
    if (!option || option->lost)
        return option != NULL;
    for (size_t i = 0; i < option->count; i++)
        if (gw__option_lost(option->items[i]))
            return true;
    return false;
}

const struct gw_option *gw_option_get(const struct gw_option *group, const char *key)
{
    if (!group || !key)
        return group;
    for (size_t i = 0; group->type == GW__OPTION_GROUP && i < group->count; i++)
        if (strcmp(group->items[i]->key, key) == 0)
            return group->items[i];
    return NULL;
}

const char *gw_option_string(const struct gw_option *group, const char *key)
{
    return gw_option_text(gw_option_get(group, key));
}

int64_t gw_option_int(const struct gw_option *group, const char *key)
{
    const struct gw_option *option = gw_option_get(group, key);
    return option && option->type == GW__OPTION_INT ? option->value.integer : 0;
}

bool gw_option_bool(const struct gw_option *group, const char *key)
{
    const struct gw_option *option = gw_option_get(group, key);
    return option && option->type == GW__OPTION_BOOL && option->value.boolean;
}

double gw_option_number(const struct gw_option *group, const char *key)
{
    const struct gw_option *option = gw_option_get(group, key);
    if (option && option->type == GW__OPTION_INT)
        return (double)option->value.integer;
    return option && option->type == GW__OPTION_NUMBER ? option->value.number : 0;
}

const char *gw_option_text(const struct gw_option *option)
{
    return option && option->type == GW__OPTION_STRING ? option->value.text : NULL;
}

size_t gw_option_count(const struct gw_option *option)
{
    return option ? option->count : 0;
}

const struct gw_option *gw_option_at(const struct gw_option *option, size_t index)
{
    return option && index < option->count ? option->items[index] : NULL;
}

const char *gw_option_key(const struct gw_option *option)
{
    return option ? option->key : NULL;
}

const char *gw_option_origin(const struct gw_option *option)
{
    return option && option->origin ? option->origin : "";
}
