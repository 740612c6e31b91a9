/* Trailer fields into an arena, without those that come too late to be believed. */
#include "http/parse.h"

bool gw__fields_from_trailers(struct gw__fields *fields, const struct gw__raw_head *raw, const char *data,
                              struct gw__arena *arena)
{
    *fields = (struct gw__fields){0};
    if (raw->count == 0)
        return true;
    char *copy = gw__arena_alloc(arena, raw->size);
    struct gw__header *items = gw__arena_alloc(arena, raw->count * sizeof *items);
    if (!copy || !items)
        return false;
    memcpy(copy, data, raw->size);
    fields->items = items;
    fields->capacity = raw->count;
    fields->ids = raw->ids;
    fields->bytes = raw->size + raw->count;
    for (const struct gw__raw_field *from = raw->fields, *end = from + raw->count; from < end; from++) {
        if (from->hop)
            continue;
        items[fields->count++] = (struct gw__header){
            .name = copy + from->name,
            .value = copy + from->value,
            .value_size = from->value_size,
            .name_size = from->name_size,
            .id = from->id,
        };
    }
    return true;
}
