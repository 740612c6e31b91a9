/* What compilers of IDLs share: they fill descriptors in the schema's arena, then have the lookup tables made. A
 * function that returns false or NULL was out of memory. */
#ifndef GW_SCHEMA_BUILD_H
#define GW_SCHEMA_BUILD_H

#include "base/text.h"
#include "schema/schema.h"

struct gw__schema *gw__schema_create(void);

extern const struct gw__type gw__base_types[GW__UUID + 1]; /* by kind, without annotations */

/* A type of that kind with wire types, min_bytes and, for base kinds, the name. */
struct gw__type gw__type_of(enum gw__kind kind);
/* `list<…>` and so on, from `key` and `value`; appended to the text. */
void gw__type_name(const struct gw__type *type, struct gw__text *text);

/* Sets what stands in front of a field's value: its name in JSON (`"name":`, kept by the caller), and from its type and
 * id what Thrift has there. */
void gw__field_set_key(struct gw__field *field, const char *key, uint32_t size);

/* Tables and bitmaps of what has its `fields`, `values`, `methods` and `count` in place; JSON names, ids and enum
 * names are unique. At most 65,535 fields. */
bool gw__record_seal(struct gw__arena *arena, struct gw__record *record);
bool gw__enum_seal(struct gw__arena *arena, struct gw__enum *enumeration);
bool gw__rpc_seal(struct gw__arena *arena, struct gw__rpc *service);

/* The whole schema as text, one item a line, for tests and people. Positions only if asked for. */
void gw__schema_dump(const struct gw__schema *schema, bool origins, struct gw__text *text);
void gw__value_dump(const struct gw__value *value, struct gw__text *text);

#endif
