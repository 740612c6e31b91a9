/* Types, records, enums and services of a schema. */
#include "base/alloc.h"
#include "base/text.h"
#include "idl/idl.h"
#include "idl/link.h"

/* The type with annotations, which another use of it does not have. */
static const struct gw__type *with_notes(struct gw__linker *linker, const struct gw__type *type,
                                         const struct gw__ast_note *notes)
{
    if (!notes || !type)
        return type;
    struct gw__type *copy = gw__link_alloc(linker, sizeof *copy);
    if (!copy)
        return NULL;
    *copy = *type;
    copy->notes = gw__link_notes(linker, notes);
    return copy;
}

static const struct gw__type *container(struct gw__linker *linker, struct gw__ast_file *file,
                                        const struct gw__ast_type *from)
{
    const struct gw__type *key = from->key ? gw__link_type(linker, file, from->key) : NULL;
    const struct gw__type *value = gw__link_type(linker, file, from->value);
    if (!value || (from->key && !key))
        return NULL;
    struct gw__type type = gw__type_of(from->kind);
    type.key = key;
    type.value = value;
    const struct gw__type *made = gw__idl_pool_type(&linker->main->idl->pool, linker->arena, type);
    linker->lost = linker->lost || !made;
    return with_notes(linker, made, from->notes);
}

const struct gw__type *gw__link_type(struct gw__linker *linker, struct gw__ast_file *file,
                                     const struct gw__ast_type *type)
{
    bool silent;
    if (linker->lost)
        return NULL;
    if (type->kind >= GW__LIST && type->kind <= GW__MAP)
        return container(linker, file, type);
    if (type->kind != GW__STRUCT)
        return with_notes(linker, &gw__base_types[type->kind], type->notes);
    struct gw__ast_def *def = gw__link_find(file, GW__AST_STRUCT, type->name, &silent);
    if (def)
        return with_notes(linker, gw__link_definition(linker, def), type->notes);
    gw__link_unknown(linker, file, type->pos, GW__AST_STRUCT, type->name, silent);
    return NULL;
}

static const struct gw__type *link_typedef(struct gw__linker *linker, struct gw__ast_def *def)
{
    if (!gw__link_enter(linker, def, "typedef"))
        return NULL;
    const struct gw__type *type = gw__link_type(linker, def->file, def->type);
    type = with_notes(linker, type, def->notes);
    gw__link_leave(linker, def, type);
    return type;
}

static bool link_members(struct gw__linker *linker, struct gw__ast_def *def, struct gw__enum *enumeration)
{
    struct gw__enum_value *values = gw__link_alloc(linker, def->count * sizeof *values);
    if (!values)
        return false;
    size_t i = 0;
    for (const struct gw__ast_member *member = def->members; member; member = member->next, i++) {
        values[i].name = (struct gw__str){gw__link_text(linker, member->name), member->name.size};
        values[i].number = member->number;
        values[i].doc = gw__link_doc(linker, member->doc);
        values[i].notes = gw__link_notes(linker, member->notes);
        values[i].origin = gw__link_origin(def->file, member->pos);
    }
    enumeration->values = values;
    enumeration->count = (uint32_t)def->count;
    return !linker->lost && gw__enum_seal(linker->arena, enumeration);
}

static void list_enum(struct gw__linker *linker, const struct gw__enum *enumeration)
{
    const struct gw__enum **enums =
        gw__grow(linker->enums, linker->enum_count, &linker->enum_capacity, sizeof *linker->enums);
    linker->lost = linker->lost || !enums;
    if (!enums)
        return;
    linker->enums = enums;
    enums[linker->enum_count++] = enumeration;
}

static void list_record(struct gw__linker *linker, const struct gw__record *record)
{
    const struct gw__record **records =
        gw__grow(linker->records, linker->record_count, &linker->record_capacity, sizeof *linker->records);
    linker->lost = linker->lost || !records;
    if (!records)
        return;
    linker->records = records;
    records[linker->record_count++] = record;
}

static const struct gw__type *link_enum(struct gw__linker *linker, struct gw__ast_def *def)
{
    struct gw__enum *enumeration = gw__link_alloc(linker, sizeof *enumeration);
    struct gw__type *type = gw__link_alloc(linker, sizeof *type);
    if (linker->lost)
        return NULL;
    *type = gw__type_of(GW__ENUM);
    enumeration->name = type->name = gw__link_text(linker, def->name);
    enumeration->doc = gw__link_doc(linker, def->doc);
    enumeration->notes = gw__link_notes(linker, def->notes);
    enumeration->origin = gw__link_origin(def->file, def->pos);
    enumeration->type = type;
    type->enumeration = enumeration;
    linker->lost = !link_members(linker, def, enumeration) || linker->lost;
    list_enum(linker, enumeration);
    return type;
}

struct gw__record *gw__link_record(struct gw__linker *linker, struct gw__ast_file *file,
                                   const struct gw__ast_fields *fields, enum gw__kind kind, uint32_t more)
{
    struct gw__link_work *work = gw__grow(linker->work, linker->work_count, &linker->work_capacity, sizeof *work);
    struct gw__record *record = gw__link_alloc(linker, sizeof *record);
    linker->work = work ? work : linker->work;
    struct gw__field *items = gw__link_alloc(linker, (fields->count + more) * sizeof *items);
    linker->lost = linker->lost || !work;
    if (linker->lost)
        return NULL;
    record->type = gw__type_of(kind);
    record->type.record = record;
    record->fields = items;
    record->count = (uint32_t)fields->count + more;
    work[linker->work_count++] =
        (struct gw__link_work){.record = record, .fields = items, .from = fields, .file = file, .first = more};
    return record;
}

static const struct gw__type *link_named_record(struct gw__linker *linker, struct gw__ast_def *def)
{
    enum gw__kind kind = def->kind == GW__AST_UNION ? GW__UNION :
        def->kind == GW__AST_EXCEPTION ? GW__EXCEPTION : GW__STRUCT;
    struct gw__record *record = gw__link_record(linker, def->file, &def->fields, kind, 0);
    if (record)
        list_record(linker, record);
    if (linker->lost)
        return NULL;
    record->type.name = gw__link_text(linker, def->name);
    record->doc = gw__link_doc(linker, def->doc);
    record->notes = gw__link_notes(linker, def->notes);
    record->origin = gw__link_origin(def->file, def->pos);
    return &record->type;
}

const struct gw__type *gw__link_definition(struct gw__linker *linker, struct gw__ast_def *def)
{
    if (gw__link_is_made(linker, def))
        return def->made;
    if (def->kind == GW__AST_TYPEDEF)
        return link_typedef(linker, def);
    const struct gw__type *type = def->kind == GW__AST_ENUM ? link_enum(linker, def) : link_named_record(linker, def);
    def->begun = true;
    def->made = type;
    def->made_for = linker->main;
    return type;
}

void gw__link_own(struct gw__linker *linker, struct gw__ast_def *def)
{
    const struct gw__type *type = gw__link_definition(linker, def);
    if (!type || def->kind == GW__AST_TYPEDEF || def->made_for == linker->main)
        return;
    if (type->kind == GW__ENUM)
        list_enum(linker, type->enumeration);
    else
        list_record(linker, type->record);
}

/* The type with i64 in it, but for keys and fields of structs, as strings in JSON. */
static const struct gw__type *with_text(struct gw__linker *linker, const struct gw__type *type)
{
    bool holds = type->kind >= GW__LIST && type->kind <= GW__MAP;
    const struct gw__type *value = holds ? with_text(linker, type->value) : NULL;
    if (type->kind != GW__I64 && (!holds || value == type->value))
        return type;
    struct gw__type *copy = gw__link_alloc(linker, sizeof *copy);
    if (!copy)
        return type;
    *copy = *type;
    if (holds)
        copy->value = value;
    copy->as_text = type->kind == GW__I64;
    return copy;
}

static bool has_note(const struct gw__field *field, const char *key)
{
    const struct gw__note *note = field->more ? field->more->notes : NULL;
    for (; note && note->key; note++)
        if (strcmp(note->key, key) == 0)
            return true;
    return false;
}

static struct gw__field_more *more_of(struct gw__linker *linker, struct gw__field *field)
{
    if (!field->more)
        field->more = gw__link_alloc(linker, sizeof *field->more);
    return (struct gw__field_more *)(uintptr_t)field->more;
}

void gw__link_set_fallback(struct gw__linker *linker, struct gw__field *field, const struct gw__value *fallback)
{
    struct gw__field_more *more = fallback ? more_of(linker, field) : NULL;
    if (more)
        more->fallback = fallback;
}

/* The field has its type and id. */
static void set_key(struct gw__linker *linker, struct gw__field *field, struct gw__str name)
{
    struct gw__text key = {0};
    gw__text_print(&key, "\"%.*s\":", (int)name.size, name.data);
    linker->lost = linker->lost || key.lost;
    if (!linker->lost)
        gw__field_set_key(field, gw__link_text(linker, (struct gw__str){key.data, key.size}), (uint32_t)key.size);
    gw__text_finish(&key);
}

static void fill_field(struct gw__linker *linker, const struct gw__link_work *work, uint32_t index,
                       const struct gw__ast_field *from)
{
    struct gw__field *field = &work->fields[index];
    if (from->doc.size || from->notes) {
        struct gw__field_more *more = more_of(linker, field);
        if (!more)
            return;
        more->doc = gw__link_doc(linker, from->doc);
        more->notes = gw__link_notes(linker, from->notes);
    }
    field->line = from->pos.line;
    field->column = from->pos.column;
    field->id = from->id;
    field->index = (uint16_t)index;
    field->need = (uint8_t)(work->record->type.kind == GW__UNION ? GW__NEED_OPTIONAL : from->need);
    field->type = gw__link_type(linker, work->file, from->type);
    if (field->type && has_note(field, "api.js_conv"))
        field->type = with_text(linker, field->type);
    set_key(linker, field, from->name);
}

void gw__link_fill(struct gw__linker *linker)
{
    while (linker->filled < linker->work_count && !linker->lost) {
        struct gw__link_work work = linker->work[linker->filled++]; /* the list may move */
        uint32_t index = work.first;
        for (const struct gw__ast_field *from = work.from->first; from && !linker->lost; from = from->next)
            fill_field(linker, &work, index++, from);
    }
}

/* "Method" and "_args" to the name of a record that no IDL names. */
static void name_record(struct gw__linker *linker, struct gw__record *record, const struct gw__method *method,
                        const char *suffix)
{
    struct gw__text name = {0};
    gw__text_print(&name, "%.*s%s", (int)method->name.size, method->name.data, suffix);
    linker->lost = linker->lost || name.lost;
    if (!linker->lost)
        record->type.name = gw__link_text(linker, (struct gw__str){name.data, name.size});
    gw__text_finish(&name);
    record->origin = method->origin;
}

/* Field 0 of a result. */
static void set_success(struct gw__linker *linker, struct gw__record *record, const struct gw__method *method)
{
    struct gw__field *field = (struct gw__field *)(uintptr_t)record->fields;
    *field = (struct gw__field){.type = method->success, .need = GW__NEED_OPTIONAL, .line = method->origin.line,
                                .column = method->origin.column};
    set_key(linker, field, GW__STR("success"));
}

static bool link_result(struct gw__linker *linker, struct gw__ast_file *file, const struct gw__ast_function *from,
                        struct gw__method *method)
{
    method->success = from->result ? gw__link_type(linker, file, from->result) : &gw__base_types[GW__VOID];
    bool returns = from->result != NULL;
    struct gw__record *result = gw__link_record(linker, file, &from->throws, GW__STRUCT, returns);
    if (!result || !method->success)
        return false;
    method->result = result;
    name_record(linker, result, method, "_result");
    if (returns)
        set_success(linker, result, method);
    gw__link_fill(linker);
    const struct gw__ast_field *thrown = from->throws.first;
    for (uint32_t i = returns; i < result->count && !linker->lost; i++, thrown = thrown->next)
        if (result->fields[i].type && result->fields[i].type->kind != GW__EXCEPTION)
            gw__link_error(linker, file, thrown->type->pos, "GW1111", "expected an exception to throw, found %s",
                           result->fields[i].type->name);
    return !linker->lost;
}

/* Words in front of arguments mean nothing but "required". */
static void link_arguments(struct gw__linker *linker, struct gw__record *record)
{
    gw__link_fill(linker);
    struct gw__field *fields = (struct gw__field *)(uintptr_t)record->fields;
    for (uint32_t i = 0; i < record->count; i++)
        if (fields[i].need == GW__NEED_OPTIONAL)
            fields[i].need = GW__NEED_DEFAULT;
}

static struct gw__method *link_method(struct gw__linker *linker, struct gw__ast_file *file,
                                      const struct gw__ast_function *from)
{
    struct gw__method *method = gw__link_alloc(linker, sizeof *method);
    if (!method)
        return NULL;
    method->name = (struct gw__str){gw__link_text(linker, from->name), from->name.size};
    method->oneway = from->oneway;
    method->doc = gw__link_doc(linker, from->doc);
    method->notes = gw__link_notes(linker, from->notes);
    method->origin = gw__link_origin(file, from->pos);
    struct gw__record *arguments = linker->lost ? NULL :
        gw__link_record(linker, file, &from->arguments, GW__STRUCT, 0);
    if (!arguments)
        return NULL;
    method->arguments = arguments;
    name_record(linker, arguments, method, "_args");
    link_arguments(linker, arguments);
    const struct gw__type *first = arguments->count == 1 ? arguments->fields[0].type : NULL;
    method->body_is_argument = first && gw__kind_is_record(first->kind);
    return link_result(linker, file, from, method) ? method : NULL;
}

static const struct gw__rpc *link_parent(struct gw__linker *linker, struct gw__ast_def *def)
{
    bool silent;
    struct gw__ast_def *parent = gw__link_find(def->file, GW__AST_SERVICE, def->extends, &silent);
    if (parent)
        return gw__link_service(linker, parent);
    gw__link_unknown(linker, def->file, def->extends_pos, GW__AST_SERVICE, def->extends, silent);
    return NULL;
}

static void link_methods(struct gw__linker *linker, struct gw__ast_def *def, struct gw__rpc *service)
{
    const struct gw__rpc *parent = service->parent;
    const struct gw__method **methods =
        gw__link_alloc(linker, (def->count + (parent ? parent->count : 0)) * sizeof *methods);
    const struct gw__ast_function *from = def->functions;
    for (; from && !linker->lost; from = from->next) {
        struct gw__method *method = link_method(linker, def->file, from);
        if (!method)
            continue;
        method->service = service;
        methods[service->count++] = method;
        if (parent && gw__rpc_method(parent, from->name.data, from->name.size))
            gw__link_error(linker, def->file, from->pos, "GW1104", "method \"%.*s\" is also one of %s",
                           (int)from->name.size, from->name.data, parent->name);
    }
    if (linker->lost)
        return;
    for (uint32_t i = 0; parent && i < parent->count; i++)
        methods[service->count++] = parent->methods[i];
    service->methods = methods;
    linker->lost = !gw__rpc_seal(linker->arena, service);
}

const struct gw__rpc *gw__link_service(struct gw__linker *linker, struct gw__ast_def *def)
{
    if (gw__link_is_made(linker, def))
        return def->made;
    if (!gw__link_enter(linker, def, "service"))
        return NULL;
    struct gw__rpc *service = gw__link_alloc(linker, sizeof *service);
    if (service) {
        service->parent = def->extends.size ? link_parent(linker, def) : NULL;
        service->name = gw__link_text(linker, def->name);
        service->doc = gw__link_doc(linker, def->doc);
        service->notes = gw__link_notes(linker, def->notes);
        service->origin = gw__link_origin(def->file, def->pos);
        link_methods(linker, def, service);
    }
    gw__link_leave(linker, def, linker->lost ? NULL : service);
    return linker->lost ? NULL : service;
}
