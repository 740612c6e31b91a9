/* gw_schema_…: a counted set of compiled IDL files, with descriptions of its methods beside it that stay as public
 * structs are. All of it is made by one compilation and immutable from then on. */
#include "base/alloc.h"
#include "convert/inside.h"
#include "idl/idl.h"

#include <fcntl.h>
#include <stdatomic.h>

struct methods { /* of one service block */
    const struct gw__rpc *service;
    struct gw__schema_method *items;
};

struct gw_schema {
    atomic_uint users;
    bool used; /* compiled, or tried to */
    struct gw__idl_set set;
    struct methods *methods; /* in the order of the set's names; a block with two names has them twice */
    char *error;
};

struct gw_schema *gw_schema_create(void)
{
    struct gw_schema *schema = gw__calloc(1, sizeof *schema);
    if (schema)
        atomic_init(&schema->users, 1);
    return schema;
}

struct gw_schema *gw_schema_hold(struct gw_schema *schema)
{
    if (schema)
        atomic_fetch_add_explicit(&schema->users, 1, memory_order_relaxed);
    return schema;
}

static void empty(struct gw_schema *schema)
{
    gw__free(schema->methods);
    schema->methods = NULL;
    gw__idl_set_finish(&schema->set); /* with the descriptions in its arena */
}

void gw_schema_release(struct gw_schema *schema)
{
    if (!schema || atomic_fetch_sub_explicit(&schema->users, 1, memory_order_acq_rel) != 1)
        return;
    empty(schema);
    gw__free(schema->error);
    gw__free(schema);
}

const char *gw_schema_error(const struct gw_schema *schema)
{
    return schema && schema->error ? schema->error : "";
}

/* ---- descriptions */

static bool describe_fields(struct gw__arena *arena, const struct gw__record *record, uint32_t first,
                            const struct gw_schema_field **out, size_t *count)
{
    *count = record->count - first;
    struct gw_schema_field *fields = gw__arena_zalloc(arena, *count * sizeof *fields);
    for (uint32_t i = first; fields && i < record->count; i++) {
        struct gw__str name = gw__field_name(&record->fields[i]);
        fields[i - first] = (struct gw_schema_field){
            .name = gw__arena_copy(arena, name.data, name.size),
            .type = record->fields[i].type->name,
            .id = record->fields[i].id,
            .required = record->fields[i].need == GW__NEED_REQUIRED,
        };
        if (!fields[i - first].name)
            return false;
    }
    *out = fields;
    return fields != NULL;
}

static bool describe_method(struct gw__arena *arena, const struct gw__method *method, struct gw__schema_method *out)
{
    bool returns = method->success->kind != GW__VOID;
    *out = (struct gw__schema_method){
        .method = method,
        .shown = {.name = method->name.data,
                  .service = method->service->name,
                  .result = method->success->name,
                  .doc = method->doc,
                  .oneway = method->oneway,
                  .body_is_argument = method->body_is_argument},
    };
    return describe_fields(arena, method->arguments, 0, &out->shown.arguments, &out->shown.argument_count) &&
           describe_fields(arena, method->result, returns, &out->shown.exceptions, &out->shown.exception_count);
}

static bool describe_service(struct gw_schema *schema, size_t index)
{
    const struct gw__rpc *service = schema->set.names[index].service;
    struct methods *methods = &schema->methods[index];
    methods->service = service;
    for (size_t i = index; i-- > 0 && !methods->items;) /* "echo" stands in front of "echo.Echo", with others between */
        if (schema->methods[i].service == service)
            methods->items = schema->methods[i].items;
    if (methods->items)
        return true;
    methods->items = gw__arena_zalloc(&schema->set.arena, service->count * sizeof *methods->items);
    bool good = methods->items;
    for (uint32_t i = 0; good && i < service->count; i++)
        good = describe_method(&schema->set.arena, service->methods[i], &methods->items[i]);
    return good;
}

static bool describe(struct gw_schema *schema)
{
    schema->methods = gw__calloc(schema->set.name_count + 1, sizeof *schema->methods);
    for (size_t i = 0; schema->methods && i < schema->set.name_count; i++)
        if (!describe_service(schema, i))
            return false;
    return schema->methods != NULL;
}

/* ---- compiling */

static int begin(struct gw_schema *schema)
{
    if (!schema)
        return GW_ERROR_MEMORY;
    if (schema->used)
        return GW_ERROR_STATE;
    schema->used = true;
    return 0;
}

/* loaded: 0, or the report says why not. */
static int end(struct gw_schema *schema, int loaded, struct gw__report *report)
{
    int result = loaded == 0 && describe(schema) ? 0 : GW_ERROR_MEMORY;
    if (loaded != 0 && !report->lost)
        result = GW_ERROR_CONFIG;
    if (result != 0) {
        empty(schema);
        schema->error = gw__report_text(report);
    }
    gw__report_finish(report);
    return result;
}

static int compile(struct gw_schema *schema, const char *const *paths, size_t count,
                   const struct gw__idl_reader *reader)
{
    struct gw__report report = {0};
    int loaded = gw__idl_load(&schema->set, paths, count, reader, NULL, &report);
    return end(schema, loaded, &report);
}

int gw_schema_compile_folder(struct gw_schema *schema, const char *folder)
{
    struct gw__report report = {0};
    int result = begin(schema);
    if (result != 0)
        return result;
    return end(schema, gw__idl_load_folder(&schema->set, folder, "", &report), &report);
}

/* The path as the loader wants it. */
static int compile_path(struct gw_schema *schema, const char *path, const struct gw__idl_reader *reader)
{
    struct gw__text clean = {0};
    int result = begin(schema);
    if (result != 0)
        return result;
    gw__idl_join(&clean, gw__str(path));
    const char *first = clean.size ? clean.data : path;
    result = clean.lost ? GW_ERROR_MEMORY : compile(schema, &first, 1, reader);
    gw__text_finish(&clean);
    return result;
}

int gw_schema_compile_file(struct gw_schema *schema, const char *path, const char *const *folders)
{
    int root = AT_FDCWD;
    struct gw__idl_reader reader = {.read = gw__idl_read_disk, .user = &root, .folders = folders};
    return compile_path(schema, path, &reader);
}

struct texts {
    const struct gw_schema_text *items;
    size_t count;
};

static const char *give(const char *text, size_t size, char **data, size_t *out)
{
    *data = text ? gw__malloc(size ? size : 1) : NULL;
    if (!*data)
        return text ? "out of memory" : "no such file";
    memcpy(*data, text, size);
    *out = size;
    return NULL;
}

static const char *read_text(void *user, const char *path, char **data, size_t *size)
{
    const struct texts *texts = user;
    for (size_t i = 0; i < texts->count; i++)
        if (strcmp(texts->items[i].path, path) == 0)
            return give(texts->items[i].text, texts->items[i].size, data, size);
    return "no such file";
}

int gw_schema_compile_texts(struct gw_schema *schema, const struct gw_schema_text *texts, size_t count)
{
    struct texts all = {texts, count};
    struct gw__idl_reader reader = {.read = read_text, .user = &all};
    int result = begin(schema);
    if (result != 0)
        return result;
    const char **paths = gw__calloc(count + 1, sizeof *paths);
    for (size_t i = 0; paths && i < count; i++)
        paths[i] = texts[i].path;
    result = paths ? compile(schema, paths, count, &reader) : GW_ERROR_MEMORY;
    gw__free(paths);
    return result;
}

struct asked {
    gw_schema_read_fn read;
    void *user;
};

static const char *read_asked(void *user, const char *path, char **data, size_t *size)
{
    const struct asked *asked = user;
    size_t given = 0;
    const char *text = asked->read(asked->user, path, &given);
    return give(text, given, data, size);
}

int gw_schema_compile_with(struct gw_schema *schema, const char *path, gw_schema_read_fn read, void *user)
{
    struct asked asked = {read, user};
    struct gw__idl_reader reader = {.read = read_asked, .user = &asked};
    return compile_path(schema, path, &reader);
}

/* ---- looking up */

const char *gw_schema_service_at(const struct gw_schema *schema, size_t index)
{
    return schema && index < schema->set.name_count ? schema->set.names[index].name : NULL;
}

static const struct methods *find(const struct gw_schema *schema, const char *service)
{
    const struct gw__idl_name *name = schema ? gw__idl_set_find(&schema->set, service, strlen(service)) : NULL;
    return name ? &schema->methods[name - schema->set.names] : NULL;
}

const struct gw_schema_method *gw_schema_method_at(const struct gw_schema *schema, const char *service, size_t index)
{
    const struct methods *methods = find(schema, service);
    return methods && index < methods->service->count ? &methods->items[index].shown : NULL;
}

const struct gw_schema_method *gw_schema_method(const struct gw_schema *schema, const char *service,
                                                const char *method)
{
    const struct methods *methods = find(schema, service);
    const struct gw__method *found = methods ? gw__rpc_method(methods->service, method, strlen(method)) : NULL;
    for (uint32_t i = 0; found && i < methods->service->count; i++)
        if (methods->service->methods[i] == found)
            return &methods->items[i].shown;
    return NULL;
}
