/* Makes the lookup tables of a schema. A table of ids is dense where that costs little, else a sorted list. */
#include "schema/build.h"

#include "base/alloc.h"

enum { MAX_NAME = 200 };

struct gw__schema *gw__schema_create(void)
{
    struct gw__schema *schema = gw__calloc(1, sizeof *schema);
    if (schema)
        gw__arena_init(&schema->arena, NULL);
    return schema;
}

const struct gw__type gw__base_types[GW__UUID + 1] = {
    [GW__VOID] = {.kind = GW__VOID, .thrift = 1, .name = "void"},
    [GW__BOOL] = {.kind = GW__BOOL, .thrift = 2, .compact = 1, .min_bytes = 1, .name = "bool"},
    [GW__I8] = {.kind = GW__I8, .thrift = 3, .compact = 3, .min_bytes = 1, .name = "i8"},
    [GW__I16] = {.kind = GW__I16, .thrift = 6, .compact = 4, .min_bytes = 2, .name = "i16"},
    [GW__I32] = {.kind = GW__I32, .thrift = 8, .compact = 5, .min_bytes = 4, .name = "i32"},
    [GW__I64] = {.kind = GW__I64, .thrift = 10, .compact = 6, .min_bytes = 8, .name = "i64"},
    [GW__DOUBLE] = {.kind = GW__DOUBLE, .thrift = 4, .compact = 7, .min_bytes = 8, .name = "double"},
    [GW__STRING] = {.kind = GW__STRING, .thrift = 11, .compact = 8, .min_bytes = 4, .name = "string"},
    [GW__BINARY] = {.kind = GW__BINARY, .thrift = 11, .compact = 8, .min_bytes = 4, .name = "binary"},
    [GW__UUID] = {.kind = GW__UUID, .thrift = 16, .compact = 13, .min_bytes = 16, .name = "uuid"},
};

static const struct gw__type composed[] = {
    [GW__ENUM] = {.kind = GW__ENUM, .thrift = 8, .compact = 5, .min_bytes = 4},
    [GW__LIST] = {.kind = GW__LIST, .thrift = 15, .compact = 9, .min_bytes = 5},
    [GW__SET] = {.kind = GW__SET, .thrift = 14, .compact = 10, .min_bytes = 5},
    [GW__MAP] = {.kind = GW__MAP, .thrift = 13, .compact = 11, .min_bytes = 6},
    [GW__STRUCT] = {.kind = GW__STRUCT, .thrift = 12, .compact = 12, .min_bytes = 1},
    [GW__UNION] = {.kind = GW__UNION, .thrift = 12, .compact = 12, .min_bytes = 1},
    [GW__EXCEPTION] = {.kind = GW__EXCEPTION, .thrift = 12, .compact = 12, .min_bytes = 1},
};

struct gw__type gw__type_of(enum gw__kind kind)
{
    return kind <= GW__UUID ? gw__base_types[kind] : composed[kind];
}

/* A name grows with every typedef it contains, and doubles in a map: a long one loses what is inside. */
void gw__type_name(const struct gw__type *type, struct gw__text *text)
{
    const char *key = type->key ? type->key->name : "", *value = type->value->name;
    bool fits = strlen(key) + strlen(value) <= MAX_NAME;
    gw__text_print(text, "%s<%s%s%s>", type->kind == GW__MAP ? "map" : type->kind == GW__SET ? "set" : "list",
                   fits ? key : "", fits && type->key ? "," : "", fits ? value : "...");
}

void gw__field_set_key(struct gw__field *field, const char *key, uint32_t size)
{
    field->key = key;
    field->key_size = size;
    field->key_shift = (uint8_t)(size < 16 ? 32 - size : 16);
    field->head[0] = (char)(field->type ? field->type->thrift : 0); /* none: the IDL is wrong */
    field->head[1] = (char)(field->id >> 8);
    field->head[2] = (char)field->id;
}

/* A fourth of the slots at least stays free, so that a search ends. */
static uint32_t mask_for(size_t count)
{
    uint32_t size = 2;
    while (size - (size + 3) / 4 < count)
        size *= 2;
    return size - 1;
}

static void fill_names(struct gw__record *record, uint16_t *table)
{
    for (uint32_t i = 0; i < record->count; i++) {
        struct gw__str name = gw__field_name(&record->fields[i]);
        uint32_t at = gw__hash(name.data, name.size, 0);
        while (table[at & record->name_mask])
            at++;
        table[at & record->name_mask] = (uint16_t)(i + 1);
    }
    record->by_name = table;
}

/* Shell sort: in place, no recursion, and fast enough for ids that are nearly in order. */
static void sort_by_id(uint16_t *order, const struct gw__record *record)
{
    for (uint32_t gap = record->count / 2; gap > 0; gap /= 2)
        for (uint32_t i = gap; i < record->count; i++) {
            uint16_t moved = order[i];
            uint32_t at = i;
            for (; at >= gap && record->fields[order[at - gap]].id > record->fields[moved].id; at -= gap)
                order[at] = order[at - gap];
            order[at] = moved;
        }
}

/* Sets the range of ids; returns how many entries their table has. */
static size_t measure_ids(struct gw__record *record)
{
    int64_t low = INT32_MAX, high = INT32_MIN;
    for (uint32_t i = 0; i < record->count; i++) {
        low = record->fields[i].id < low ? record->fields[i].id : low;
        high = record->fields[i].id > high ? record->fields[i].id : high;
    }
    bool dense = record->count && high - low < 64 + 4 * (int64_t)record->count;
    record->first_id = dense ? (int32_t)low : 0;
    record->id_span = dense ? (uint32_t)(high - low + 1) : 0;
    return dense ? record->id_span : record->count;
}

static void fill_ids(struct gw__record *record, uint16_t *table)
{
    for (uint32_t i = 0; i < record->count; i++) {
        if (record->id_span)
            table[record->fields[i].id - record->first_id] = (uint16_t)(i + 1);
        else
            table[i] = (uint16_t)i;
    }
    if (!record->id_span)
        sort_by_id(table, record);
    record->by_id = table;
}

static void fill_bits(struct gw__record *record, uint64_t *bits)
{
    record->required_bits = bits;
    for (uint32_t i = 0; i < record->count; i++) {
        uint64_t bit = (uint64_t)1 << i % 64;
        if (record->fields[i].need == GW__NEED_REQUIRED)
            bits[i / 64] |= bit;
        if (gw__field_fallback(&record->fields[i]))
            bits[record->bit_words + i / 64] |= bit;
    }
}

/* All tables in one block: small ones would waste what they are rounded up by. */
bool gw__record_seal(struct gw__arena *arena, struct gw__record *record)
{
    size_t ids = measure_ids(record);
    record->name_mask = mask_for(record->count);
    record->bit_words = record->count / 64 + 1;
    size_t names = (size_t)record->name_mask + 1;
    uint64_t *bits =
        gw__arena_zalloc(arena, 2 * record->bit_words * sizeof *bits + (names + ids) * sizeof(uint16_t));
    if (!bits)
        return false;
    fill_bits(record, bits);
    fill_names(record, (uint16_t *)(bits + 2 * record->bit_words));
    fill_ids(record, (uint16_t *)(bits + 2 * record->bit_words) + names);
    return true;
}

static bool seal_numbers(struct gw__arena *arena, struct gw__enum *enumeration)
{
    uint32_t *order = gw__arena_alloc(arena, (enumeration->count + 1) * sizeof *order);
    if (!order)
        return false;
    for (uint32_t i = 0; i < enumeration->count; i++)
        order[i] = i;
    const struct gw__enum_value *values = enumeration->values;
    for (uint32_t gap = enumeration->count / 2; gap > 0; gap /= 2)
        for (uint32_t i = gap; i < enumeration->count; i++) {
            uint32_t moved = order[i], at = i;
            for (; at >= gap; at -= gap) {
                uint32_t other = order[at - gap];
                int64_t difference = (int64_t)values[other].number - values[moved].number;
                if (difference < 0 || (difference == 0 && other < moved))
                    break;
                order[at] = other;
            }
            order[at] = moved;
        }
    enumeration->by_number = order;
    return true;
}

bool gw__enum_seal(struct gw__arena *arena, struct gw__enum *enumeration)
{
    enumeration->name_mask = mask_for(enumeration->count);
    uint32_t *table = gw__arena_zalloc(arena, (enumeration->name_mask + 1) * sizeof *table);
    if (!table)
        return false;
    for (uint32_t i = 0; i < enumeration->count; i++) {
        uint32_t at = gw__hash(enumeration->values[i].name.data, enumeration->values[i].name.size, 0);
        while (table[at & enumeration->name_mask])
            at++;
        table[at & enumeration->name_mask] = i + 1;
    }
    enumeration->by_name = table;
    return seal_numbers(arena, enumeration);
}

bool gw__rpc_seal(struct gw__arena *arena, struct gw__rpc *service)
{
    service->name_mask = mask_for(service->count);
    uint32_t *table = gw__arena_zalloc(arena, (service->name_mask + 1) * sizeof *table);
    if (!table)
        return false;
    for (uint32_t i = 0; i < service->count; i++) {
        uint32_t at = gw__hash(service->methods[i]->name.data, service->methods[i]->name.size, 0);
        while (table[at & service->name_mask])
            at++;
        table[at & service->name_mask] = i + 1;
    }
    service->by_name = table;
    return true;
}
