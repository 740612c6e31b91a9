/* An IDL text, with "common.thrift" that it may include, and, behind a line of three dashes, "second.thrift", which may
 * include any of them. What is refused has a reason with a place inside its text; what compiles finds again all that it
 * describes. A folder of both compiles if each of them does. */
#include "base/alloc.h"
#include "fuzz.h"
#include "idl/idl.h"
#include "schema/build.h"

struct text {
    const char *path, *data;
    size_t size;
};

static const char common[] = "enum Color { RED, BLUE = 7 }\nstruct Item { 1: i32 id = 4, 2: optional Item next }\n"
                             "const i32 LIMIT = 5\ntypedef list<Item> Items\nexception Missing { 1: string what }\n"
                             "service Base { Item get(1: i32 id) throws (1: Missing m) }\n";

/* Of the texts, up to one without a path. */
static const struct text *find_text(const struct text *texts, const char *path, size_t size)
{
    while (texts->path && (strlen(texts->path) != size || memcmp(texts->path, path, size) != 0))
        texts++;
    return texts->path ? texts : NULL;
}

static const char *read_text(void *user, const char *path, char **data, size_t *size)
{
    const struct text *text = find_text(user, path, strlen(path));
    CHECK(*path && *path != '/');
    if (!text)
        return "no such file";
    *size = text->size;
    *data = gw__malloc(*size ? *size : 1);
    CHECK(*data);
    memcpy(*data, text->data, *size);
    return NULL;
}

/* Length of a line, counted from 1; -1 if there is no such line. */
static long line_size(const char *data, size_t size, unsigned long line)
{
    const char *at = data, *end = data + size;
    for (; line > 1; line--) {
        at = memchr(at, '\n', (size_t)(end - at));
        if (!at++)
            return -1;
    }
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    return (stop ? stop : end) - at;
}

static void check_report(const struct gw__report *report, const struct text *texts)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct gw__report_entry *entry = &report->entries[i];
        const char *colon = strchr(entry->origin, ':');
        CHECK(*entry->text && strncmp(entry->code, "GW11", 4) == 0 && colon);
        const struct text *text = find_text(texts, entry->origin, (size_t)(colon - entry->origin));
        char *end;
        unsigned long line = strtoul(colon + 1, &end, 10);
        CHECK(line >= 1 && *end == ':');
        unsigned long column = strtoul(end + 1, &end, 10);
        CHECK(!*end && column >= 1 && text);
        CHECK((long)column - 1 <= line_size(text->data, text->size, line));
    }
}

static void check_record(const struct gw__record *record)
{
    for (uint32_t i = 0; i < record->count; i++) {
        const struct gw__field *field = &record->fields[i];
        CHECK(gw__record_by_id(record, field->id) == field);
        struct gw__str name = gw__field_name(field);
        CHECK(gw__record_by_name(record, name.data, name.size) == field);
        CHECK(field->type && field->type->name && field->key[field->key_size - 1] == ':');
        CHECK(!gw__field_fallback(field) || gw__field_fallback(field)->type == field->type);
    }
    CHECK(!gw__record_by_name(record, "no such name", 12));
    CHECK(!gw__record_by_id(record, 40000));
}

static void check_service(const struct gw__rpc *service)
{
    for (uint32_t i = 0; i < service->count; i++) {
        const struct gw__method *method = service->methods[i];
        CHECK(gw__rpc_method(service, method->name.data, method->name.size) == method);
        check_record(method->arguments);
        check_record(method->result);
    }
}

static void check_schema(const struct gw__schema *schema)
{
    for (uint32_t i = 0; i < schema->record_count; i++)
        check_record(schema->records[i]);
    for (uint32_t i = 0; i < schema->service_count; i++)
        check_service(schema->services[i]);
    for (uint32_t i = 0; i < schema->enum_count; i++)
        for (uint32_t j = 0; j < schema->enums[i]->count; j++) {
            const struct gw__enum_value *value = &schema->enums[i]->values[j];
            CHECK(gw__enum_by_name(schema->enums[i], value->name.data, value->name.size) == value);
            CHECK(gw__enum_by_number(schema->enums[i], value->number)->number == value->number);
        }
}

/* False if it does not compile. */
static bool check_file(const char *path, const struct text *texts)
{
    struct gw__idl_reader reader = {read_text, (void *)(uintptr_t)texts};
    struct gw__report report = {0};
    struct gw__schema *schema = gw__idl_compile(path, &reader, NULL, &report);
    bool good = schema != NULL;
    CHECK(!report.lost && good == !gw__report_bad(&report));
    check_report(&report, texts);
    if (good) {
        struct gw__text dumped = {0};
        check_schema(schema);
        gw__schema_dump(schema, true, &dumped);
        gw__text_finish(&dumped);
    }
    gw__schema_destroy(schema);
    gw__report_finish(&report);
    return good;
}

static void check_folder(const char *const *paths, bool good, const struct text *texts)
{
    struct gw__idl_reader reader = {read_text, (void *)(uintptr_t)texts};
    struct gw__report report = {0};
    struct gw__idl_set set;
    CHECK((gw__idl_load(&set, paths, 2, &reader, NULL, &report) == 0) == good);
    CHECK(!report.lost && gw__report_bad(&report) == !good && set.count == (good ? 2 : 0));
    check_report(&report, texts);
    for (size_t i = 0; i < set.name_count; i++)
        CHECK(gw__idl_set_find(&set, set.names[i].name, strlen(set.names[i].name)) == &set.names[i]);
    gw__idl_set_finish(&set);
    gw__report_finish(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const paths[] = {"fuzz.thrift", "second.thrift"};
    const char *begin = (const char *)data, *dashes = size ? memmem(begin, size, "\n---\n", 5) : NULL;
    const char *second = dashes ? dashes + 5 : NULL;
    struct text texts[] = {
        {paths[0], begin, second ? (size_t)(dashes + 1 - begin) : size},
        {"common.thrift", common, sizeof common - 1},
        {second ? paths[1] : NULL, second, second ? size - (size_t)(second - begin) : 0},
        {NULL, NULL, 0},
    };
    bool good = check_file(paths[0], texts);
    if (second)
        check_folder(paths, check_file(paths[1], texts) && good, texts);
    return 0;
}
