/* Schema: the types and services of one IDL file and all it includes, compiled once to flat tables and immutable from
 * then on: any thread may read it. Everything lives in the schema's arena, or in that of a set of schemas, which share
 * what they use, and dies with it; who shares a schema counts its users outside. Order is that of the file everywhere.
 * Numbers of other IDLs (protobuf's field numbers) fit.
 *
 * For a streaming transcoder: expect the field after the one just seen, compare its key by one memcmp (`key`), else
 * gw__record_by_name(); for wire bytes gw__record_by_id(). Required and defaulted fields are bitmaps over field
 * indexes, so that what is absent is `bits & ~seen`. */
#ifndef GW_SCHEMA_SCHEMA_H
#define GW_SCHEMA_SCHEMA_H

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum gw__kind {
    GW__VOID, /* a method's result only */
    GW__BOOL,
    GW__I8,
    GW__I16,
    GW__I32,
    GW__I64,
    GW__DOUBLE,
    GW__STRING, /* UTF-8 */
    GW__BINARY,
    GW__UUID,
    GW__ENUM,
    GW__LIST,
    GW__SET,
    GW__MAP,
    GW__STRUCT,
    GW__UNION,
    GW__EXCEPTION,
};

enum gw__need {
    GW__NEED_DEFAULT, /* neither word: written if there is a value, may be absent */
    GW__NEED_REQUIRED,
    GW__NEED_OPTIONAL, /* every field of a union, too */
};

/* Where something stands: the file's path as the loader knows it (relative to the IDL folder); line and column from
 * 1. */
struct gw__origin {
    const char *file;
    uint32_t line, column;
};

/* Annotations in the order written; a key may repeat. An annotation without a value has "1". A list ends with one whose
 * key is NULL; it is NULL itself where there are none. */
struct gw__note {
    const char *key, *value;
};

/* Compare types by what they consist of, not by address. A typedef is gone: its target stands here. */
struct gw__type {
    uint8_t kind;      /* enum gw__kind */
    uint8_t thrift;    /* type byte of Thrift binary: an enum's is I32's, binary's STRING's */
    uint8_t compact;   /* type nibble of Thrift compact; of a bool BOOL_TRUE, as writers have it of items */
    uint8_t min_bytes; /* the least a value takes in Thrift binary: checks a count against what is left */
    bool as_text;      /* i64: a string in JSON, whatever is configured */
    const struct gw__type *key; /* map */
    union {
        const struct gw__type *value;    /* map, list, set */
        const struct gw__record *record; /* struct, union, exception */
        const struct gw__enum *enumeration;
    };
    const char *name;             /* as in the IDL and in errors: "i64", "list<Item>", "Item" */
    const struct gw__note *notes; /* of this use of the type */
};

/* A default or constant, of exactly the type it is for. */
struct gw__value {
    const struct gw__type *type;
    size_t count; /* list, set: items; map: keys and values in turn; struct, union, exception: fields given */
    union {
        int64_t integer; /* bool, i8 to i64, enum */
        double number;
        struct gw__str text;  /* string, binary; uuid: 16 bytes */
        const struct gw__value *const *items;
    };
    const struct gw__field *field; /* as an item of a struct: whose value it is */
};

struct gw__field {
    const char *key; /* `"name":`, with 16 bytes behind it that may be read */
    const struct gw__type *type;
    const struct gw__field_more *more; /* NULL: has none of that */
    uint32_t line, column;             /* where it stands in the record's file */
    int32_t id;                        /* negative where the IDL gives none */
    uint32_t key_size;
    char head[4];   /* as Thrift binary has it in front of the value: type, id; a zero byte behind it */
    uint16_t index; /* in the record */
    uint8_t need;   /* enum gw__need */
    uint8_t key_shift; /* 32 minus how many of the first 16 bytes are the key's: shifts a bitmap of these */
};

struct gw__field_more {
    const struct gw__value *fallback; /* default value, or NULL */
    const char *doc;                  /* comment in front of it without stars, or NULL */
    const struct gw__note *notes;
};

/* The name in JSON and in the IDL: an identifier, so that JSON escapes nothing of it. */
static inline struct gw__str gw__field_name(const struct gw__field *field)
{
    return (struct gw__str){field->key + 1, field->key_size - 3};
}

static inline const struct gw__value *gw__field_fallback(const struct gw__field *field)
{
    return field->more ? field->more->fallback : NULL;
}

/* A struct, union or exception; a method's arguments; a method's result (field 0 is success). */
struct gw__record {
    struct gw__type type; /* this record as a type: with its name and kind */
    const struct gw__field *fields;
    uint32_t count;
    uint32_t bit_words; /* of both bitmaps: 64 fields each */
    const uint64_t *required_bits; /* behind it, the fields with a default */
    int32_t first_id; /* with id_span: the range of ids that by_id covers; 0 where ids are too far apart */
    uint32_t id_span;
    const uint16_t *by_id;   /* index + 1 of id first_id + i, 0: none; where id_span is 0: all indexes, by id */
    const uint16_t *by_name; /* open hash of index + 1 over the JSON names; 0: free */
    uint32_t name_mask;      /* size of by_name - 1 */
    struct gw__origin origin;
    const char *doc;
    const struct gw__note *notes;
};

static inline const uint64_t *gw__record_fallback_bits(const struct gw__record *record)
{
    return record->required_bits + record->bit_words;
}

static inline struct gw__origin gw__field_origin(const struct gw__record *record, const struct gw__field *field)
{
    return (struct gw__origin){record->origin.file, field->line, field->column};
}

struct gw__enum_value {
    struct gw__str name;
    int32_t number;
    const char *doc;
    const struct gw__note *notes;
    struct gw__origin origin;
};

struct gw__enum {
    const char *name;
    uint32_t count;
    const struct gw__enum_value *values;
    const uint32_t *by_number; /* all indexes, by number; several names may share one: the file's first is found */
    uint32_t name_mask;
    const uint32_t *by_name; /* as in gw__record */
    const struct gw__type *type;
    const char *doc;
    const struct gw__note *notes;
    struct gw__origin origin;
};

struct gw__method {
    struct gw__str name;
    bool oneway;
    bool body_is_argument; /* exactly one argument and it is a struct (or union): the body is that */
    const struct gw__record *arguments; /* "NAME_args" */
    const struct gw__record *result;    /* "NAME_result": success, if not void, as field 0, then what it throws */
    const struct gw__type *success;     /* kind GW__VOID where nothing is returned */
    const struct gw__rpc *service;      /* that declares it: the parent, where inherited */
    const char *doc;
    const struct gw__note *notes;
    struct gw__origin origin;
};

/* A service block ("service" in the IDL; the word means a named backend elsewhere). */
struct gw__rpc {
    const char *name;
    const struct gw__rpc *parent;
    uint32_t count;
    const struct gw__method *const *methods; /* its own, then the parent's, then the grandparent's */
    uint32_t name_mask;
    const uint32_t *by_name; /* as in gw__record */
    const char *doc;
    const struct gw__note *notes;
    struct gw__origin origin;
};

struct gw__constant {
    const char *name;
    const struct gw__value *value;
    const char *doc;
    struct gw__origin origin;
};

struct gw__schema {
    struct gw__arena arena;
    const char *name; /* "echo" of echo.thrift */
    const char *file; /* path as in origins */
    const struct gw__rpc *main; /* the file's last service block, NULL where it has none */
    const struct gw__rpc *const *services; /* of the file itself; parents elsewhere are reached through `parent` */
    /* Of the file itself, and what it uses of others, in order of first use; without what of others a schema before it
     * in the same set has. */
    const struct gw__record *const *records;
    const struct gw__enum *const *enums;     /* likewise */
    const struct gw__constant *constants;    /* of the file itself */
    const char *const *files;                /* the file, then all that it includes, directly or not; likewise */
    uint32_t service_count, record_count, enum_count, constant_count, file_count;
};

void gw__schema_destroy(struct gw__schema *schema); /* NULL is allowed */

/* NULL where there is none. */
const struct gw__field *gw__record_by_name(const struct gw__record *record, const char *name, size_t size);
const struct gw__enum_value *gw__enum_by_name(const struct gw__enum *enumeration, const char *name, size_t size);
const struct gw__enum_value *gw__enum_by_number(const struct gw__enum *enumeration, int64_t number);
const struct gw__method *gw__rpc_method(const struct gw__rpc *service, const char *name, size_t size);
const struct gw__field *gw__record_search_id(const struct gw__record *record, int32_t id);

static inline const struct gw__field *gw__record_by_id(const struct gw__record *record, int32_t id)
{
    if (!record->id_span)
        return gw__record_search_id(record, id);
    uint32_t offset = (uint32_t)id - (uint32_t)record->first_id;
    uint16_t index = offset < record->id_span ? record->by_id[offset] : 0;
    return index ? &record->fields[index - 1] : NULL;
}

static inline bool gw__kind_is_record(uint8_t kind)
{
    return kind >= GW__STRUCT;
}

#endif
