/* Makes a schema of a parsed file: definitions become descriptors on first use, records are filled from a list of work
 * (so that they may be recursive and long chains take no stack), defaults come last, when all fields are known. */
#include "idl/link.h"

#include "base/alloc.h"
#include "base/option.h"
#include "base/text.h"
#include "idl/idl.h"

#include <stdarg.h>

enum { MAX_VALUES = 1 << 20 };

void gw__link_error(struct gw__linker *linker, struct gw__ast_file *file, struct gw__idl_pos pos, const char *code,
                    const char *format, ...)
{
    linker->failed = true;
    struct gw__text text = {0};
    va_list args;
    va_start(args, format);
    gw__text_vprint(&text, format, args);
    va_end(args);
    linker->lost = linker->lost || text.lost;
    if (text.data && !text.lost)
        gw__idl_error(file, pos, code, "%s", text.data);
    gw__text_finish(&text);
}

void *gw__link_alloc(struct gw__linker *linker, size_t size)
{
    void *memory = gw__idl_pool_alloc(&linker->main->idl->pool, linker->arena, size);
    linker->lost = linker->lost || !memory;
    return memory;
}

const char *gw__link_text(struct gw__linker *linker, struct gw__str text)
{
    const char *copy = gw__idl_pool_text(&linker->main->idl->pool, linker->arena, text);
    linker->lost = linker->lost || !copy;
    return copy;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Lines without what makes the comment's left edge, and without empty lines around them. */
const char *gw__link_doc(struct gw__linker *linker, struct gw__str doc)
{
    char *text = doc.size ? gw__link_alloc(linker, doc.size + 1) : NULL, *out = text;
    if (!text)
        return NULL;
    const char *at = doc.data, *end = doc.data + doc.size;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const char *next = stop ? stop + 1 : end, *last = stop ? stop : end;
        while (at < last && (*at == ' ' || *at == '\t'))
            at++;
        if (at < last && *at == '*')
            at += at + 1 < last && at[1] == ' ' ? 2 : 1;
        while (last > at && is_space(last[-1]))
            last--;
        memcpy(out, at, (size_t)(last - at));
        out += last - at;
        if (stop && out > text)
            *out++ = '\n';
        at = next;
    }
    while (out > text && is_space(out[-1]))
        *--out = '\0';
    return *text ? text : NULL;
}

const struct gw__note *gw__link_notes(struct gw__linker *linker, const struct gw__ast_note *notes)
{
    size_t count = 0;
    for (const struct gw__ast_note *note = notes; note; note = note->next)
        count++;
    struct gw__note *items = count ? gw__link_alloc(linker, (count + 1) * sizeof *items) : NULL;
    if (!items)
        return NULL;
    for (size_t i = 0; i < count; i++, notes = notes->next)
        items[i] = (struct gw__note){gw__link_text(linker, notes->key), gw__link_text(linker, notes->value)};
    return items;
}

struct gw__origin gw__link_origin(const struct gw__ast_file *file, struct gw__idl_pos pos)
{
    return (struct gw__origin){file->name, pos.line, pos.column};
}

struct gw__ast_def *gw__link_find(const struct gw__ast_file *file, enum gw__ast_kind sort, struct gw__str name,
                                  bool *silent)
{
    const char *dot = memrchr(name.data, '.', name.size);
    *silent = false;
    if (!dot) {
        struct gw__ast_def *def = gw__idl_find(file, sort, name);
        *silent = def && def->broken;
        return *silent ? NULL : def;
    }
    struct gw__str prefix = {name.data, (size_t)(dot - name.data)};
    struct gw__str rest = {dot + 1, name.size - prefix.size - 1};
    for (const struct gw__ast_include *include = file->includes; include; include = include->next) {
        if (!gw__str_equal(include->prefix, prefix))
            continue;
        struct gw__ast_def *def = include->file ? gw__idl_find(include->file, sort, rest) : NULL;
        if (def && !def->broken)
            return def;
        *silent = *silent || !include->file || def;
    }
    return NULL;
}

enum { MAX_NEAR = 200 };

/* The nearest name of a definition of the file itself; NULL if none is near. */
static const char *nearest(struct gw__linker *linker, const struct gw__ast_file *file, enum gw__ast_kind sort,
                           const char *name)
{
    const char *names[MAX_NEAR];
    size_t count = 0;
    for (const struct gw__ast_def *def = file->defs; def && count < MAX_NEAR && !linker->lost; def = def->next)
        if (gw__idl_find(file, sort, def->name) == def)
            names[count++] = gw__link_text(linker, def->name);
    return linker->lost ? NULL : gw__nearest(name, names, count);
}

void gw__link_unknown(struct gw__linker *linker, struct gw__ast_file *file, struct gw__idl_pos pos,
                      enum gw__ast_kind sort, struct gw__str name, bool silent)
{
    linker->failed = true;
    if (silent)
        return;
    const char *what = sort == GW__AST_SERVICE ? "service" : sort == GW__AST_CONST ? "constant" : "type";
    const char *text = gw__link_text(linker, name), *near = text ? nearest(linker, file, sort, text) : NULL;
    if (linker->lost)
        return;
    gw__link_error(linker, file, pos, "GW1106", "expected a %s, found \"%.200s\", which is not known%s%s%s", what, text,
                   near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

bool gw__link_is_made(struct gw__linker *linker, const struct gw__ast_def *def)
{
    bool made = def->begun && !def->busy;
    linker->failed = linker->failed || (made && !def->made);
    return made;
}

bool gw__link_enter(struct gw__linker *linker, struct gw__ast_def *def, const char *what)
{
    bool cycle = def->begun && def->busy;
    if (cycle || linker->depth == GW__IDL_CHAIN) {
        gw__link_error(linker, def->file, def->pos, "GW1108", cycle ? "%s \"%.*s\" leads back to itself" :
                       "%s \"%.*s\" is at the end of too long a chain", what, (int)def->name.size, def->name.data);
        return false;
    }
    def->begun = true;
    def->busy = true;
    linker->depth++;
    return true;
}

void gw__link_leave(struct gw__linker *linker, struct gw__ast_def *def, const void *made)
{
    def->made = made;
    def->busy = false;
    linker->depth--;
}

/* A list of pointers that becomes the schema's. */
static const void *keep(struct gw__linker *linker, const void *list, size_t count)
{
    void *copy = gw__link_alloc(linker, count * sizeof(void *));
    if (copy && count)
        memcpy(copy, list, count * sizeof(void *));
    return copy;
}

static bool link_constants(struct gw__linker *linker)
{
    size_t count = 0;
    for (struct gw__ast_def *def = linker->main->defs; def; def = def->next)
        count += def->kind == GW__AST_CONST && !def->broken;
    struct gw__constant *constants = gw__link_alloc(linker, count * sizeof *constants);
    if (!constants)
        return false;
    uint32_t made = 0;
    for (struct gw__ast_def *def = linker->main->defs; def; def = def->next) {
        if (def->kind != GW__AST_CONST || def->broken)
            continue;
        const struct gw__value *value = gw__link_constant(linker, def);
        if (value)
            constants[made++] = (struct gw__constant){
                .name = gw__link_text(linker, def->name), .value = value, .doc = gw__link_doc(linker, def->doc),
                .origin = gw__link_origin(def->file, def->pos)};
    }
    linker->schema->constants = constants;
    linker->schema->constant_count = made;
    return true;
}

static bool link_services(struct gw__linker *linker)
{
    size_t count = 0, made = 0;
    for (struct gw__ast_def *def = linker->main->defs; def; def = def->next)
        count += def->kind == GW__AST_SERVICE;
    const struct gw__rpc **services = gw__link_alloc(linker, count * sizeof *services);
    if (!services)
        return false;
    for (struct gw__ast_def *def = linker->main->defs; def; def = def->next)
        if (def->kind == GW__AST_SERVICE && !def->broken) {
            const struct gw__rpc *service = gw__link_service(linker, def);
            if (service)
                services[made++] = service;
        }
    linker->schema->services = services;
    linker->schema->service_count = (uint32_t)made;
    linker->schema->main = made ? services[made - 1] : NULL;
    return true;
}

/* Defaults may lead to constants, and those to further records, which then have defaults, too. */
static void link_defaults(struct gw__linker *linker)
{
    for (size_t i = 0; i < linker->work_count && !linker->lost; i++) {
        gw__link_fill(linker);
        struct gw__link_work work = linker->work[i];
        const struct gw__ast_field *from = work.from->first;
        for (uint32_t at = work.first; at < work.record->count && !linker->lost; at++, from = from->next) {
            size_t items = 0;
            if (from->fallback && work.fields[at].type)
                gw__link_set_fallback(
                    linker, &work.fields[at],
                    gw__link_value(linker, work.file, from->fallback, work.fields[at].type, &items));
        }
    }
    gw__link_fill(linker);
}

/* Origins name the schema's own copies of paths, which outlive the files read. */
static void list_files(struct gw__linker *linker, struct gw__ast_file *file)
{
    if (file->name || linker->lost)
        return;
    const char **files = gw__grow(linker->files, linker->file_count, &linker->file_capacity, sizeof *files);
    linker->lost = !files;
    if (!files)
        return;
    linker->files = files;
    file->name = files[linker->file_count++] = gw__link_text(linker, gw__str(file->path));
    for (const struct gw__ast_include *include = file->includes; include; include = include->next)
        if (include->file)
            list_files(linker, include->file);
}

static bool name_files(struct gw__linker *linker)
{
    struct gw__schema *schema = linker->schema;
    list_files(linker, linker->main);
    schema->files = keep(linker, linker->files, linker->file_count);
    schema->file_count = (uint32_t)linker->file_count;
    schema->file = linker->main->name;
    struct gw__str stem = gw__idl_stem(gw__str(linker->main->path));
    schema->name = gw__link_text(linker, stem);
    return !linker->lost;
}

static bool seal(struct gw__linker *linker)
{
    for (size_t i = 0; i < linker->work_count; i++)
        if (!gw__record_seal(linker->arena, linker->work[i].record))
            return false;
    struct gw__schema *schema = linker->schema;
    schema->record_count = (uint32_t)linker->record_count;
    schema->enum_count = (uint32_t)linker->enum_count;
    schema->records = keep(linker, linker->records, linker->record_count);
    schema->enums = keep(linker, linker->enums, linker->enum_count);
    return schema->records && schema->enums;
}

static void link_all(struct gw__linker *linker)
{
    if (!name_files(linker))
        return;
    for (struct gw__ast_def *def = linker->main->defs; def && !linker->lost; def = def->next)
        if (def->kind < GW__AST_CONST && !def->broken)
            gw__link_own(linker, def);
    gw__link_fill(linker);
    if (linker->lost || !link_services(linker))
        return;
    gw__link_fill(linker);
    if (linker->lost || !link_constants(linker))
        return;
    link_defaults(linker);
    if (!linker->failed && !linker->lost)
        linker->lost = !seal(linker);
}

struct gw__schema *gw__idl_link(struct gw__ast_file *file, struct gw__arena *arena)
{
    struct gw__linker linker = {.main = file, .budget = MAX_VALUES};
    linker.schema = gw__schema_create();
    linker.lost = !linker.schema;
    if (linker.schema) {
        linker.arena = arena ? arena : &linker.schema->arena;
        link_all(&linker);
    }
    gw__free(linker.work);
    gw__free(linker.records);
    gw__free(linker.enums);
    gw__free(linker.files);
    if (linker.lost)
        file->idl->report->lost = true;
    if (!linker.lost && !linker.failed && !file->bad)
        return linker.schema;
    gw__schema_destroy(linker.schema);
    return NULL;
}
