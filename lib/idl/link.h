/* What the parts of the linker share. It makes what the file itself defines, and of other files what that uses. A
 * function that returns NULL or false has reported why, or the fault was reported elsewhere, or memory was lost. */
#ifndef GW_IDL_LINK_H
#define GW_IDL_LINK_H

#include "idl/ast.h"
#include "schema/build.h"

/* A record whose fields are to be filled, then their defaults. */
struct gw__link_work {
    struct gw__record *record;
    struct gw__field *fields;
    const struct gw__ast_fields *from;
    struct gw__ast_file *file;
    uint32_t first; /* of the fields that come from `from` */
};

struct gw__linker {
    struct gw__ast_file *main;
    struct gw__schema *schema;
    struct gw__arena *arena;
    unsigned depth; /* of definitions that lead to each other */
    size_t budget;  /* values that may still be made */
    bool failed, lost;
    struct gw__link_work *work;
    size_t work_count, work_capacity, filled;
    const struct gw__record **records; /* named ones */
    const struct gw__enum **enums;
    const char **files;
    size_t record_count, record_capacity, enum_count, enum_capacity, file_count, file_capacity;
};

void gw__link_error(struct gw__linker *linker, struct gw__ast_file *file, struct gw__idl_pos pos, const char *code,
                    const char *format, ...) GW_PRINTF(5, 6);
void *gw__link_alloc(struct gw__linker *linker, size_t size); /* zeroed */
const char *gw__link_text(struct gw__linker *linker, struct gw__str text); /* one copy of equal ones */
const char *gw__link_doc(struct gw__linker *linker, struct gw__str doc); /* NULL if there is none */
const struct gw__note *gw__link_notes(struct gw__linker *linker, const struct gw__ast_note *notes);
struct gw__origin gw__link_origin(const struct gw__ast_file *file, struct gw__idl_pos pos);

/* The definition a name stands for, with an include's name in front or not. *silent: it may be in a file or a
 * definition that has errors of its own. */
struct gw__ast_def *gw__link_find(const struct gw__ast_file *file, enum gw__ast_kind sort, struct gw__str name,
                                  bool *silent);
/* Reports that a name stands for nothing of that sort, with the nearest one that does, unless `silent`. */
void gw__link_unknown(struct gw__linker *linker, struct gw__ast_file *file, struct gw__idl_pos pos,
                      enum gw__ast_kind sort, struct gw__str name, bool silent);
/* Begins to make a definition which is not made yet; false: it can't be. End with gw__link_leave(). */
bool gw__link_enter(struct gw__linker *linker, struct gw__ast_def *def, const char *what);
void gw__link_leave(struct gw__linker *linker, struct gw__ast_def *def, const void *made);
/* Whether it was made, for this schema or one before it in the set; what could not be made counts, too. */
bool gw__link_is_made(struct gw__linker *linker, const struct gw__ast_def *def);

const struct gw__type *gw__link_type(struct gw__linker *linker, struct gw__ast_file *file,
                                     const struct gw__ast_type *type);
const struct gw__type *gw__link_definition(struct gw__linker *linker, struct gw__ast_def *def); /* of a type */
/* A definition of the file itself, which is in the schema's lists even if a schema before it has it, too. */
void gw__link_own(struct gw__linker *linker, struct gw__ast_def *def);
struct gw__record *gw__link_record(struct gw__linker *linker, struct gw__ast_file *file,
                                   const struct gw__ast_fields *fields, enum gw__kind kind, uint32_t more);
void gw__link_set_fallback(struct gw__linker *linker, struct gw__field *field, const struct gw__value *fallback);
void gw__link_fill(struct gw__linker *linker); /* fields of all records begun */
const struct gw__rpc *gw__link_service(struct gw__linker *linker, struct gw__ast_def *def);

/* A value for that type. *items: counts what it consists of. */
const struct gw__value *gw__link_value(struct gw__linker *linker, struct gw__ast_file *file,
                                       const struct gw__ast_value *value, const struct gw__type *type, size_t *items);
const struct gw__value *gw__link_constant(struct gw__linker *linker, struct gw__ast_def *def);

#endif
