/* Lookups in a sealed schema. Tables are at most half full, so that a probe ends soon. */
#include "schema/schema.h"

#include "base/alloc.h"

void gw__schema_destroy(struct gw__schema *schema)
{
    if (!schema)
        return;
    gw__arena_finish(&schema->arena);
    gw__free(schema);
}

static bool same(struct gw__str a, const char *name, size_t size)
{
    return a.size == size && memcmp(a.data, name, size) == 0;
}

const struct gw__field *gw__record_by_name(const struct gw__record *record, const char *name, size_t size)
{
    uint32_t at = gw__hash(name, size, 0);
    for (uint16_t index; (index = record->by_name[at & record->name_mask]) != 0; at++)
        if (same(gw__field_name(&record->fields[index - 1]), name, size))
            return &record->fields[index - 1];
    return NULL;
}

const struct gw__field *gw__record_search_id(const struct gw__record *record, int32_t id)
{
    size_t low = 0, high = record->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct gw__field *field = &record->fields[record->by_id[middle]];
        if (field->id == id)
            return field;
        if (field->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct gw__enum_value *gw__enum_by_name(const struct gw__enum *enumeration, const char *name, size_t size)
{
    uint32_t at = gw__hash(name, size, 0);
    for (uint32_t index; (index = enumeration->by_name[at & enumeration->name_mask]) != 0; at++)
        if (same(enumeration->values[index - 1].name, name, size))
            return &enumeration->values[index - 1];
    return NULL;
}

const struct gw__enum_value *gw__enum_by_number(const struct gw__enum *enumeration, int64_t number)
{
    size_t low = 0, high = enumeration->count;
    while (low < high) { /* ends at the first that is not less */
        size_t middle = (low + high) / 2;
        if (enumeration->values[enumeration->by_number[middle]].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == enumeration->count)
        return NULL;
    const struct gw__enum_value *value = &enumeration->values[enumeration->by_number[low]];
    return value->number == number ? value : NULL;
}

const struct gw__method *gw__rpc_method(const struct gw__rpc *service, const char *name, size_t size)
{
    uint32_t at = gw__hash(name, size, 0);
    for (uint32_t index; (index = service->by_name[at & service->name_mask]) != 0; at++)
        if (same(service->methods[index - 1]->name, name, size))
            return service->methods[index - 1];
    return NULL;
}
