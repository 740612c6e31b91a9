/* What must be unique in a file, found by one table per list; and the file's index of definitions. */
#include "base/alloc.h"
#include "idl/idl.h"
#include "idl/ast.h"

/* What stood first; slots are free where `name` is. */
struct first {
    struct gw__str name;
    uint32_t line;
};

struct names {
    struct first *slots;
    size_t mask;
};

static size_t mask_for(size_t count)
{
    size_t size = 2;
    while (size < count * 2)
        size *= 2;
    return size - 1;
}

static bool begin(struct gw__ast_file *file, struct names *names, size_t count)
{
    names->mask = mask_for(count);
    names->slots = gw__calloc(names->mask + 1, sizeof *names->slots);
    if (!names->slots)
        file->idl->report->lost = file->bad = true;
    return names->slots != NULL;
}

/* Reports a name that is there already. */
static void add(struct gw__ast_file *file, struct names *names, const char *what, struct gw__str name,
                struct gw__idl_pos pos)
{
    size_t at = gw__hash(name.data, name.size, 0);
    for (; names->slots[at & names->mask].name.data; at++) {
        struct first *first = &names->slots[at & names->mask];
        if (!gw__str_equal(first->name, name))
            continue;
        gw__idl_error(file, pos, "GW1104", "%s \"%.*s\" stands twice, first in line %u", what, (int)name.size,
                      name.data, first->line);
        return;
    }
    names->slots[at & names->mask] = (struct first){name, pos.line};
}

static void check_ids(struct gw__ast_file *file, const struct gw__ast_fields *fields)
{
    uint64_t seen[512] = {0}; /* ids of fields are 1 to 32767; those below 1 were given out here */
    for (const struct gw__ast_field *field = fields->first; field; field = field->next) {
        if (field->id < 1)
            continue;
        uint64_t bit = (uint64_t)1 << field->id % 64;
        if (seen[field->id / 64] & bit) {
            const struct gw__ast_field *first = fields->first;
            while (first->id != field->id)
                first = first->next;
            gw__idl_error(file, field->pos, "GW1105", "field id %d of \"%.*s\" is also that of \"%.*s\" in line %u",
                          (int)field->id, (int)field->name.size, field->name.data, (int)first->name.size,
                          first->name.data, first->pos.line);
        }
        seen[field->id / 64] |= bit;
    }
}

static void check_fields(struct gw__ast_file *file, const struct gw__ast_fields *fields, const char *what)
{
    struct names names;
    if (!fields->count || !begin(file, &names, fields->count))
        return;
    for (const struct gw__ast_field *field = fields->first; field; field = field->next)
        add(file, &names, what, field->name, field->pos);
    gw__free(names.slots);
    check_ids(file, fields);
}

static void check_functions(struct gw__ast_file *file, const struct gw__ast_def *def)
{
    struct names names;
    if (!def->count || !begin(file, &names, def->count))
        return;
    for (const struct gw__ast_function *function = def->functions; function; function = function->next) {
        add(file, &names, "method", function->name, function->pos);
        check_fields(file, &function->arguments, "argument");
        check_fields(file, &function->throws, "exception");
    }
    gw__free(names.slots);
}

/* Two names may share a number, as in Apache's own files: the first is the one that is shown. */
static void check_members(struct gw__ast_file *file, const struct gw__ast_def *def)
{
    struct names names;
    if (!def->count || !begin(file, &names, def->count))
        return;
    for (const struct gw__ast_member *member = def->members; member; member = member->next)
        add(file, &names, "enum member", member->name, member->pos);
    gw__free(names.slots);
}

/* Types, constants and services are looked up apart. */
static uint32_t sort_of(enum gw__ast_kind kind)
{
    return kind == GW__AST_SERVICE ? 2 : kind == GW__AST_CONST;
}

struct gw__ast_def *gw__idl_find(const struct gw__ast_file *file, enum gw__ast_kind sort, struct gw__str name)
{
    if (!file->buckets)
        return NULL;
    struct gw__ast_def *def = file->buckets[gw__hash(name.data, name.size, 0) & file->bucket_mask];
    while (def && !(sort_of(def->kind) == sort_of(sort) && gw__str_equal(def->name, name)))
        def = def->next_in_bucket;
    return def;
}

static void check_definition(struct gw__ast_file *file, const struct gw__ast_def *def)
{
    if (def->kind == GW__AST_ENUM)
        check_members(file, def);
    else if (def->kind == GW__AST_SERVICE)
        check_functions(file, def);
    else
        check_fields(file, &def->fields, "field");
}

void gw__idl_check(struct gw__ast_file *file)
{
    file->bucket_mask = mask_for(file->def_count);
    file->buckets = gw__idl_alloc(file, (file->bucket_mask + 1) * sizeof *file->buckets);
    if (!file->buckets)
        return;
    for (struct gw__ast_def *def = file->defs; def; def = def->next) {
        struct gw__ast_def *first = gw__idl_find(file, def->kind, def->name);
        if (first)
            gw__idl_error(file, def->pos, "GW1104", "\"%.*s\" is defined twice, first in line %u", (int)def->name.size,
                          def->name.data, first->pos.line);
        struct gw__ast_def **bucket = &file->buckets[gw__hash(def->name.data, def->name.size, 0) & file->bucket_mask];
        if (!first) {
            def->next_in_bucket = *bucket;
            *bucket = def;
        }
        check_definition(file, def);
    }
}
