/* Pool: memory for the schemas of one load, without what allocations are rounded up by; and names and container types,
 * which they have once, however often files say them. What it gives lives in the arena of the schemas; the pool itself
 * may go when the last schema is made. */
#ifndef GW_IDL_POOL_H
#define GW_IDL_POOL_H

#include "base/arena.h"
#include "schema/schema.h"

enum { GW__IDL_SLACK_BYTES = 16 }; /* behind a text of the pool, which may be read */

/* Zero it to begin with; of one load, so always with the same arena. */
struct gw__idl_pool {
    struct gw__idl_text {
        const char *data; /* NULL: free */
        size_t size;
        uint32_t hash;
    } *texts;
    const struct gw__type **types;
    size_t text_count, text_slots, type_count, type_slots; /* slots are powers of 2 */
    struct gw__idl_room {
        char *at, *end;
        size_t bytes; /* of the next piece */
    } structs, chars;
};

/* Zeroed memory of the arena, aligned to 8. */
void *gw__idl_pool_alloc(struct gw__idl_pool *pool, struct gw__arena *arena, size_t size);

/* A copy of the text, terminated. NULL when out of memory, as above and below. */
const char *gw__idl_pool_text(struct gw__idl_pool *pool, struct gw__arena *arena, struct gw__str text);
/* The one list, set or map without annotations of that `kind`, `key` and `value`. */
const struct gw__type *gw__idl_pool_type(struct gw__idl_pool *pool, struct gw__arena *arena, struct gw__type type);
void gw__idl_pool_finish(struct gw__idl_pool *pool);

#endif
