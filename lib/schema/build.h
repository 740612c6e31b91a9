/* What compilers of IDLs share: they fill descriptors in the schema's arena, then have the lookup tables made. A
 * function that returns false or NULL was out of memory. */
#ifndef GW_SCHEMA_BUILD_H
#define GW_SCHEMA_BUILD_H

#include "base/text.h"
#include "schema/schema.h"

struct gw__schema *gw__schema_create(void);

extern const struct gw__type gw__base_types[GW__UUID + 1]; /* by kind, without annotations */

/* A zeroed type of that kind with wire types, min_bytes and, for base kinds, the name. */
struct gw__type *gw__type_create(struct gw__arena *arena, enum gw__kind kind);
/* `list<…>` and so on, from `key` and `value`. */
bool gw__type_name(struct gw__arena *arena, struct gw__type *type);

/* Sets the JSON name of a field, and what stands in front of its value, from its type and id. */
bool gw__field_set_json_name(struct gw__arena *arena, struct gw__field *field, const char *name);

/* Tables and bitmaps of what has its `fields`, `values`, `methods` and `count` in place; JSON names, ids and enum
 * names are unique. At most 65,535 fields. */
bool gw__record_seal(struct gw__arena *arena, struct gw__record *record);
bool gw__enum_seal(struct gw__arena *arena, struct gw__enum *enumeration);
bool gw__rpc_seal(struct gw__arena *arena, struct gw__rpc *service);

/* The whole schema as text, one item a line, for tests and people. Positions only if asked for. */
void gw__schema_dump(const struct gw__schema *schema, bool origins, struct gw__text *text);
void gw__value_dump(const struct gw__value *value, struct gw__text *text);

#endif
