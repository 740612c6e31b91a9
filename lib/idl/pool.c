/* Two open hashes, at most half full, and room that is handed out piece by piece. */
#include "idl/pool.h"

#include "base/alloc.h"
#include "schema/build.h"

enum { FIRST_SLOTS = 64, FIRST_BYTES = 512, MOST_BYTES = 32 << 10 };

/* A piece that doubles, so that neither a small schema nor the rest of a large one's last piece wastes much. */
static char *take(struct gw__idl_room *room, struct gw__arena *arena, size_t size, size_t slack)
{
    if ((size_t)(room->end - room->at) < size) {
        size_t piece = room->bytes ? room->bytes : FIRST_BYTES;
        if (size + slack > piece / 4)
            return gw__arena_zalloc(arena, size + slack);
        char *bytes = gw__arena_zalloc(arena, piece);
        if (!bytes)
            return NULL;
        room->at = bytes;
        room->end = bytes + piece - slack;
        room->bytes = piece < MOST_BYTES ? 2 * piece : piece;
    }
    char *bytes = room->at;
    room->at += size;
    return bytes;
}

void *gw__idl_pool_alloc(struct gw__idl_pool *pool, struct gw__arena *arena, size_t size)
{
    return size > SIZE_MAX / 2 ? NULL : take(&pool->structs, arena, ((size ? size : 1) + 7) & ~(size_t)7, 0);
}

static struct gw__idl_text *find_text(struct gw__idl_text *texts, size_t slots, uint32_t hash, struct gw__str text)
{
    size_t at = hash & (slots - 1);
    while (texts[at].data && (texts[at].hash != hash || texts[at].size != text.size ||
                              memcmp(texts[at].data, text.data, text.size) != 0))
        at = (at + 1) & (slots - 1);
    return &texts[at];
}

static bool grow_texts(struct gw__idl_pool *pool)
{
    size_t slots = pool->text_slots ? 2 * pool->text_slots : FIRST_SLOTS;
    struct gw__idl_text *texts = gw__calloc(slots, sizeof *texts);
    if (!texts)
        return false;
    for (size_t i = 0; i < pool->text_slots; i++) {
        const struct gw__idl_text *old = &pool->texts[i];
        if (old->data)
            *find_text(texts, slots, old->hash, (struct gw__str){old->data, old->size}) = *old;
    }
    gw__free(pool->texts);
    pool->texts = texts;
    pool->text_slots = slots;
    return true;
}

const char *gw__idl_pool_text(struct gw__idl_pool *pool, struct gw__arena *arena, struct gw__str text)
{
    if (2 * pool->text_count >= pool->text_slots && !grow_texts(pool))
        return NULL;
    uint32_t hash = gw__hash(text.data, text.size, 0);
    struct gw__idl_text *found = find_text(pool->texts, pool->text_slots, hash, text);
    if (found->data)
        return found->data;
    char *copy = take(&pool->chars, arena, text.size + 1, GW__IDL_SLACK_BYTES);
    if (!copy)
        return NULL;
    if (text.size)
        memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    *found = (struct gw__idl_text){copy, text.size, hash};
    pool->text_count++;
    return copy;
}

static uint32_t hash_type(const struct gw__type *type)
{
    const void *parts[] = {type->key, type->value};
    return gw__hash((const char *)parts, sizeof parts, type->kind);
}

static const struct gw__type **find_type(const struct gw__type **types, size_t slots, const struct gw__type *type)
{
    size_t at = hash_type(type) & (slots - 1);
    while (types[at] &&
           (types[at]->kind != type->kind || types[at]->key != type->key || types[at]->value != type->value))
        at = (at + 1) & (slots - 1);
    return &types[at];
}

static bool grow_types(struct gw__idl_pool *pool)
{
    size_t slots = pool->type_slots ? 2 * pool->type_slots : FIRST_SLOTS;
    const struct gw__type **types = gw__calloc(slots, sizeof *types);
    if (!types)
        return false;
    for (size_t i = 0; i < pool->type_slots; i++)
        if (pool->types[i])
            *find_type(types, slots, pool->types[i]) = pool->types[i];
    gw__free(pool->types);
    pool->types = types;
    pool->type_slots = slots;
    return true;
}

const struct gw__type *gw__idl_pool_type(struct gw__idl_pool *pool, struct gw__arena *arena, struct gw__type type)
{
    if (2 * pool->type_count >= pool->type_slots && !grow_types(pool))
        return NULL;
    const struct gw__type **found = find_type(pool->types, pool->type_slots, &type);
    if (*found)
        return *found;
    struct gw__text name = {0};
    gw__type_name(&type, &name);
    type.name = name.lost ? NULL : gw__idl_pool_text(pool, arena, (struct gw__str){name.data, name.size});
    gw__text_finish(&name);
    struct gw__type *made = type.name ? gw__idl_pool_alloc(pool, arena, sizeof *made) : NULL;
    if (!made)
        return NULL;
    *made = type;
    *found = made;
    pool->type_count++;
    return made;
}

void gw__idl_pool_finish(struct gw__idl_pool *pool)
{
    gw__free(pool->texts);
    gw__free(pool->types);
    *pool = (struct gw__idl_pool){0};
}
