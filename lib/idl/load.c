/* Reads files with what they include, each once, and makes schemas and the names of services of them. */
#include "base/alloc.h"
#include "base/option.h"
#include "base/text.h"
#include "idl/ast.h"
#include "idl/idl.h"

#include <stdarg.h>
#include <stdlib.h>

void gw__idl_error(struct gw__ast_file *file, struct gw__idl_pos pos, const char *code, const char *format, ...)
{
    struct gw__text origin = {0};
    file->bad = true;
    if (file->errors++ > GW__IDL_ERRORS)
        return;
    gw__text_print(&origin, "%s%s:%u:%u", file->idl->prefix, file->path, pos.line, pos.column);
    va_list args;
    va_start(args, format);
    if (file->errors > GW__IDL_ERRORS)
        gw__report_add(file->idl->report, origin.data, "GW1103", "more than %d errors in this file", GW__IDL_ERRORS);
    else
        gw__report_vadd(file->idl->report, origin.data, code, format, args);
    va_end(args);
    gw__text_finish(&origin);
}

void *gw__idl_alloc(struct gw__ast_file *file, size_t size)
{
    void *memory = gw__arena_zalloc(&file->arena, size ? size : 1);
    if (!memory)
        file->idl->report->lost = file->bad = true;
    return memory;
}

struct gw__str gw__idl_stem(struct gw__str path)
{
    const char *slash = memrchr(path.data, '/', path.size), *end = path.data + path.size;
    const char *begin = slash ? slash + 1 : path.data;
    const char *dot = memrchr(begin, '.', (size_t)(end - begin));
    return (struct gw__str){begin, (size_t)((dot ? dot : end) - begin)};
}

static void finish(struct gw__idl *idl)
{
    for (struct gw__ast_file *file = idl->files, *next; file; file = next) {
        next = file->next;
        gw__arena_finish(&file->arena);
        gw__free(file->data);
        gw__free(file);
    }
    gw__idl_pool_finish(&idl->pool);
}

void gw__idl_join(struct gw__text *out, struct gw__str path)
{
    const char *at = path.data, *end = path.data + path.size;
    if (!out->size && path.size && *at == '/')
        gw__text_puts(out, "/");
    while (at < end) {
        const char *slash = memchr(at, '/', (size_t)(end - at)), *stop = slash ? slash : end;
        struct gw__str part = {at, (size_t)(stop - at)};
        at = slash ? slash + 1 : end;
        if (part.size == 0 || gw__str_equal(part, GW__STR(".")))
            continue;
        const char *last = out->size ? memrchr(out->data, '/', out->size) : NULL;
        struct gw__str top = {last ? last + 1 : out->data, 0};
        top.size = out->size ? (size_t)(out->data + out->size - top.data) : 0;
        if (gw__str_equal(part, GW__STR("..")) && top.size && !gw__str_equal(top, GW__STR(".."))) {
            out->size = last ? (size_t)(last - out->data) + (last == out->data) : 0; /* "/" stays */
            out->data[out->size] = '\0';
            continue;
        }
        if (out->size && out->data[out->size - 1] != '/')
            gw__text_puts(out, "/");
        gw__text_add(out, part.data, part.size);
    }
}

static struct gw__ast_file *known(const struct gw__idl *idl, const char *path)
{
    struct gw__ast_file *file = idl->files;
    while (file && strcmp(file->path, path) != 0)
        file = file->next;
    return file;
}

static struct gw__ast_file *create(struct gw__idl *idl, const char *path)
{
    struct gw__ast_file *file = gw__calloc(1, sizeof *file);
    if (file) {
        gw__arena_init(&file->arena, NULL);
        file->idl = idl;
        file->path = gw__arena_copy(&file->arena, path, strlen(path));
    }
    if (file && file->path) {
        file->next = idl->files;
        idl->files = file;
        idl->file_count++;
        return file;
    }
    idl->report->lost = true;
    if (file)
        gw__arena_finish(&file->arena);
    gw__free(file);
    return NULL;
}

static void follow(struct gw__ast_file *file, unsigned depth);

/* The file with that path, read now or before; else *why says why not, and a path that was wrong once is asked for
 * again, each time with the same answer. */
static struct gw__ast_file *get(struct gw__idl *idl, const char *path, unsigned depth, const char **why)
{
    struct gw__ast_file *file = known(idl, path);
    char *data = NULL;
    size_t size = 0;
    *why = NULL;
    if (file) {
        *why = file->busy ? "its includes lead back to it" : NULL;
        return file->busy ? NULL : file;
    }
    if (idl->file_count >= GW__IDL_FILES)
        *why = "too many files";
    else
        *why = idl->reader->read(idl->reader->user, path, &data, &size);
    if (*why && strcmp(*why, "out of memory") == 0)
        idl->report->lost = true;
    if (!*why && size > GW__IDL_FILE_BYTES)
        *why = "the file is too large";
    file = *why ? NULL : create(idl, path);
    if (!file) {
        *why = *why ? *why : "out of memory";
        gw__free(data);
        return NULL;
    }
    file->data = data;
    file->size = size;
    file->busy = true;
    gw__idl_parse(file);
    follow(file, depth);
    file->busy = false;
    return file;
}

static bool is_missing(const char *why)
{
    return why && strcmp(why, "no such file") == 0;
}

static struct gw__ast_file *find_in(struct gw__idl *idl, const char *folder, struct gw__str path, unsigned depth,
                                    const char **why)
{
    struct gw__text text = {0};
    gw__idl_join(&text, gw__str(folder));
    gw__idl_join(&text, path);
    *why = "out of memory";
    struct gw__ast_file *found = text.lost || !text.size ? NULL : get(idl, text.data, depth, why);
    idl->report->lost = idl->report->lost || text.lost;
    gw__text_finish(&text);
    return found;
}

/* Beside the including file, then at the top, then in the reader's folders. */
static struct gw__ast_file *find(struct gw__ast_file *file, struct gw__str path, unsigned depth, const char **why)
{
    struct gw__text beside = {0}, top = {0};
    const char *slash = strrchr(file->path, '/'), *second;
    if (slash)
        gw__idl_join(&beside, (struct gw__str){file->path, (size_t)(slash - file->path)});
    gw__idl_join(&beside, path);
    gw__idl_join(&top, path);
    struct gw__ast_file *found = NULL;
    *why = "no path";
    if (beside.lost || top.lost)
        file->idl->report->lost = true;
    else if (beside.size && top.size) {
        found = get(file->idl, beside.data, depth, why);
        if (!found && strcmp(beside.data, top.data) != 0 && is_missing(*why))
            found = get(file->idl, top.data, depth, &second);
        if (!found && strcmp(beside.data, top.data) != 0 && is_missing(*why))
            *why = second;
    }
    const char *const *folder = file->idl->reader->folders;
    for (; !found && is_missing(*why) && folder && *folder; folder++)
        found = find_in(file->idl, *folder, path, depth, why);
    gw__text_finish(&beside);
    gw__text_finish(&top);
    return found;
}

static void follow(struct gw__ast_file *file, unsigned depth)
{
    for (struct gw__ast_include *include = file->includes; include; include = include->next) {
        const char *why = NULL;
        if (include->path.size && *include->path.data == '/')
            why = "the path is not relative";
        else if (memchr(include->path.data, '\0', include->path.size))
            why = "a zero byte in the path";
        else if (depth >= GW__IDL_INCLUDE_DEPTH)
            why = "includes are nested too deep";
        else
            include->file = find(file, include->path, depth + 1, &why);
        int size = include->path.size > 200 ? 200 : (int)include->path.size;
        if (!include->file)
            gw__idl_error(file, include->pos, "GW1107", "can't include \"%.*s\": %s", size, include->path.data, why);
    }
}

/* A file that nobody includes; its errors have no line of their own. */
static struct gw__ast_file *get_first(struct gw__idl *idl, const char *path)
{
    const char *why;
    struct gw__ast_file *file = get(idl, path, 0, &why);
    struct gw__text origin = {0};
    if (file)
        return file;
    gw__text_print(&origin, "%s%s", idl->prefix, path);
    gw__report_add(idl->report, origin.data, "GW1100", "%s", why);
    gw__text_finish(&origin);
    return NULL;
}

struct gw__schema *gw__idl_compile(const char *path, const struct gw__idl_reader *reader, const char *prefix,
                                   struct gw__report *report)
{
    struct gw__idl idl = {.reader = reader, .report = report, .prefix = prefix ? prefix : ""};
    struct gw__ast_file *file = get_first(&idl, path);
    struct gw__schema *schema = file ? gw__idl_link(file, NULL) : NULL;
    bool bad = report->lost;
    for (file = idl.files; file; file = file->next)
        bad = bad || file->bad; /* though nothing that is wrong may be used */
    finish(&idl);
    if (!bad)
        return schema;
    gw__schema_destroy(schema);
    return NULL;
}

/* ---- sets */

static bool add_name(struct gw__idl_set *set, const struct gw__schema *schema, const struct gw__rpc *service,
                     const char *block)
{
    struct gw__text text = {0};
    struct gw__idl_name *names = gw__grow(set->names, set->name_count, &set->name_capacity, sizeof *names);
    set->names = names ? names : set->names;
    gw__text_print(&text, "%s%s%s", schema->name, block ? "." : "", block ? block : "");
    char *name = gw__text_take(&text);
    if (names && name)
        names[set->name_count++] = (struct gw__idl_name){name, schema, service};
    else
        gw__free(name);
    return names && name;
}

static bool add_names(struct gw__idl_set *set, const struct gw__schema *schema)
{
    if (schema->main && !add_name(set, schema, schema->main, NULL))
        return false;
    for (uint32_t i = 0; i < schema->service_count; i++)
        if (!add_name(set, schema, schema->services[i], schema->services[i]->name))
            return false;
    return true;
}

static int compare_names(const void *a, const void *b)
{
    const struct gw__idl_name *one = a, *two = b;
    int order = strcmp(one->name, two->name);
    return order ? order : strcmp(one->schema->file, two->schema->file);
}

/* The same file name in two folders, and "a.b" of a file with a dot in its name. What is told of the files' own names
 * is not told of each block, too. */
static void check_names(const struct gw__idl_set *set, const char *prefix, struct gw__report *report)
{
    for (size_t i = 1; i < set->name_count; i++) {
        const struct gw__idl_name *a = &set->names[i - 1], *b = &set->names[i];
        struct gw__text origin = {0};
        bool whole = strcmp(a->name, a->schema->name) == 0 || strcmp(b->name, b->schema->name) == 0;
        if (strcmp(a->name, b->name) != 0 || !whole)
            continue;
        gw__text_print(&origin, "%s%s:%u:%u", prefix, b->schema->file, b->service->origin.line,
                       b->service->origin.column);
        gw__report_add(report, origin.data, "GW1112", "\"%s\" is also a service of \"%s%s\"", b->name, prefix,
                       a->schema->file);
        gw__text_finish(&origin);
    }
}

static void make_schemas(struct gw__idl_set *set, struct gw__idl *idl, const char *const *paths, size_t count)
{
    for (size_t i = 0; i < count; i++)
        get_first(idl, paths[i]);
    for (size_t i = 0; i < count && !idl->report->lost; i++) {
        struct gw__ast_file *file = known(idl, paths[i]);
        struct gw__schema *schema = file ? gw__idl_link(file, &set->arena) : NULL;
        if (!schema)
            continue;
        set->schemas[set->count++] = schema;
        if (!add_names(set, schema))
            idl->report->lost = true;
    }
}

int gw__idl_load(struct gw__idl_set *set, const char *const *paths, size_t count, const struct gw__idl_reader *reader,
                 const char *prefix, struct gw__report *report)
{
    struct gw__report own = {0};
    struct gw__idl idl = {.reader = reader, .report = &own, .prefix = prefix ? prefix : ""};
    *set = (struct gw__idl_set){.schemas = gw__calloc(count + 1, sizeof *set->schemas)};
    gw__arena_init(&set->arena, NULL);
    if (set->schemas) {
        make_schemas(set, &idl, paths, count);
        if (set->name_count)
            qsort(set->names, set->name_count, sizeof *set->names, compare_names);
        check_names(set, idl.prefix, &own);
    } else {
        own.lost = true;
    }
    finish(&idl);
    bool bad = gw__report_bad(&own);
    gw__report_copy(report, &own);
    gw__report_finish(&own);
    if (bad)
        gw__idl_set_finish(set);
    return bad ? -1 : 0;
}

const struct gw__idl_name *gw__idl_set_find(const struct gw__idl_set *set, const char *name, size_t size)
{
    size_t low = 0, high = set->name_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const char *other = set->names[middle].name;
        int order = strncmp(name, other, size);
        if (order == 0 && other[size] == '\0')
            return &set->names[middle];
        if (order <= 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const char *gw__idl_set_nearest(const struct gw__idl_set *set, const char *name)
{
    enum { MAX_NAMES = 256 };
    const char *names[MAX_NAMES];
    size_t count = 0;
    for (; count < set->name_count && count < MAX_NAMES; count++)
        names[count] = set->names[count].name;
    return gw__nearest(name, names, count);
}

void gw__idl_set_finish(struct gw__idl_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        gw__schema_destroy(set->schemas[i]);
    for (size_t i = 0; i < set->name_count; i++)
        gw__free((char *)(uintptr_t)set->names[i].name);
    gw__arena_finish(&set->arena);
    gw__free(set->schemas);
    gw__free(set->names);
    *set = (struct gw__idl_set){0};
}
