/* What the parser makes of one file: a tree that still holds names, not what they mean. It lives in the file's arena,
 * and its texts are slices of the file's bytes, or decoded literals in the arena. */
#ifndef GW_IDL_AST_H
#define GW_IDL_AST_H

#include "base/arena.h"
#include "base/report.h"
#include "schema/schema.h"

#include <gateway/export.h>

enum {
    GW__IDL_DEPTH = 32,            /* of nested types and constants */
    GW__IDL_CHAIN = 64,            /* typedefs, constants, services that lead to each other */
    GW__IDL_INCLUDE_DEPTH = 64,
    GW__IDL_FILE_BYTES = 8 << 20,
    GW__IDL_FILES = 10000,
    GW__IDL_ERRORS = 50,           /* reported per file */
    GW__IDL_FIELDS = 32767,        /* per struct, and members of an enum */
    GW__IDL_CONST_ITEMS = 1 << 16, /* of one constant, references followed */
};

struct gw__idl_pos {
    uint32_t line, column; /* from 1; columns are bytes */
};

struct gw__ast_note {
    struct gw__str key, value;
    struct gw__ast_note *next;
};

struct gw__ast_type {
    struct gw__idl_pos pos;
    enum gw__kind kind;  /* a base type, a container; GW__STRUCT: what `name` stands for */
    struct gw__str name; /* with the include's name in front, where there is one */
    struct gw__ast_type *key, *value;
    struct gw__ast_note *notes;
};

enum gw__ast_form { GW__AST_INT, GW__AST_DOUBLE, GW__AST_TEXT, GW__AST_NAME, GW__AST_LIST, GW__AST_MAP };

struct gw__ast_value {
    struct gw__idl_pos pos;
    enum gw__ast_form form;
    int64_t integer;
    double number;
    struct gw__str text;               /* literal, decoded; name */
    struct gw__ast_value *first, *next; /* items; of a map keys and values in turn */
    size_t count;
};

struct gw__ast_field {
    struct gw__idl_pos pos; /* of the name */
    int32_t id;
    enum gw__need need;
    struct gw__ast_type *type;
    struct gw__str name, doc;
    struct gw__ast_value *fallback;
    struct gw__ast_note *notes;
    struct gw__ast_field *next;
};

struct gw__ast_fields {
    struct gw__ast_field *first, **last;
    size_t count;
    int32_t last_given; /* id to a field without one */
};

struct gw__ast_member {
    struct gw__idl_pos pos;
    int32_t number;
    struct gw__str name, doc;
    struct gw__ast_note *notes;
    struct gw__ast_member *next;
};

struct gw__ast_function {
    struct gw__idl_pos pos;
    bool oneway;
    struct gw__ast_type *result; /* NULL: void */
    struct gw__str name, doc;
    struct gw__ast_fields arguments, throws;
    struct gw__ast_note *notes;
    struct gw__ast_function *next;
};

enum gw__ast_kind {
    GW__AST_TYPEDEF,
    GW__AST_ENUM,
    GW__AST_STRUCT,
    GW__AST_UNION,
    GW__AST_EXCEPTION,
    GW__AST_CONST, /* types stand before it */
    GW__AST_SERVICE,
};

struct gw__ast_file;

struct gw__ast_def {
    enum gw__ast_kind kind;
    struct gw__idl_pos pos; /* of the name */
    struct gw__str name, doc;
    struct gw__ast_file *file;
    struct gw__ast_note *notes;
    struct gw__ast_type *type;   /* typedef, const */
    struct gw__ast_value *value; /* const */
    struct gw__ast_fields fields; /* struct, union, exception */
    struct gw__ast_member *members;
    struct gw__ast_function *functions;
    size_t count; /* of members or functions */
    struct gw__str extends;
    struct gw__idl_pos extends_pos;
    struct gw__ast_def *next, *next_in_bucket;
    bool broken; /* ended in a syntax error: what is said of it is not repeated where it is used */
    /* of the schemas being made, which share it: */
    bool begun;
    bool busy;        /* being resolved: who comes here again has found a cycle */
    const void *made; /* gw__type, gw__rpc or gw__value */
    const struct gw__ast_file *made_for; /* of a record or enum: whose schema has it in its lists */
    size_t items;     /* of a constant, references followed */
};

struct gw__ast_include {
    struct gw__idl_pos pos;
    struct gw__str path;
    struct gw__str prefix;     /* by which the file's names are reached */
    struct gw__ast_file *file; /* NULL: could not be had */
    struct gw__ast_include *next;
};

struct gw__idl; /* idl.h */

struct gw__ast_file {
    struct gw__arena arena;
    struct gw__idl *idl;
    const char *path;
    const char *name; /* the path as the schemas keep it; NULL: in none of their lists of files so far */
    char *data;
    size_t size;
    unsigned errors;
    bool bad;  /* an error was found in it, said or not */
    bool busy; /* being read, with what it includes */
    struct gw__ast_include *includes; /* in order */
    struct gw__ast_def *defs, *last_def;
    struct gw__ast_def **buckets; /* by name and sort (type, constant, service) */
    size_t bucket_mask, def_count;
    struct gw__ast_file *next;
};

/* Reports, up to GW__IDL_ERRORS for one file, and marks the file bad. */
void gw__idl_error(struct gw__ast_file *file, struct gw__idl_pos pos, const char *code, const char *format, ...)
    GW_PRINTF(4, 5);
void *gw__idl_alloc(struct gw__ast_file *file, size_t size); /* zeroed, of the file's arena; lost memory is reported */

/* File name of a path without folders and extension. */
struct gw__str gw__idl_stem(struct gw__str path);

/* Reads definitions and includes (without following them). Errors are in the report; memory lost is there, too. */
void gw__idl_parse(struct gw__ast_file *file);

/* Names, ids and numbers that stand twice, in all definitions of a parsed file; makes its index. */
void gw__idl_check(struct gw__ast_file *file);

/* The definition with that name in that file, no prefix. sort: any kind of the same sort. NULL where there is none. */
struct gw__ast_def *gw__idl_find(const struct gw__ast_file *file, enum gw__ast_kind sort, struct gw__str name);

/* Makes the schema of a file whose includes have been read. `arena`: where schemas that share definitions have them,
 * all those of one load; NULL: in the schema's own. NULL: errors are in the report. */
struct gw__schema *gw__idl_link(struct gw__ast_file *file, struct gw__arena *arena);

#endif
