/* An IDL text, with one more file that it may include, and itself. What is refused has a reason with a place inside the
 * text; what compiles finds again all that it describes. */
#include "base/alloc.h"
#include "fuzz.h"
#include "idl/idl.h"
#include "schema/build.h"

struct text {
    const uint8_t *data;
    size_t size;
};

/* "common.thrift" is there, too. */
static const char common[] = "enum Color { RED, BLUE = 7 }\nstruct Item { 1: i32 id = 4, 2: optional Item next }\n"
                             "const i32 LIMIT = 5\ntypedef list<Item> Items\nexception Missing { 1: string what }\n"
                             "service Base { Item get(1: i32 id) throws (1: Missing m) }\n";

static const char *read_text(void *user, const char *path, char **data, size_t *size)
{
    const struct text *text = user;
    bool shared = strcmp(path, "common.thrift") == 0;
    CHECK(*path && *path != '/');
    if (!shared && strcmp(path, "fuzz.thrift") != 0)
        return "no such file";
    *size = shared ? sizeof common - 1 : text->size;
    *data = gw__malloc(*size ? *size : 1);
    CHECK(*data);
    memcpy(*data, shared ? common : (const char *)text->data, *size);
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

static void check_report(const struct gw__report *report, const struct text *text)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct gw__report_entry *entry = &report->entries[i];
        const char *colon = strchr(entry->origin, ':');
        CHECK(*entry->text && strncmp(entry->code, "GW11", 4) == 0 && colon);
        bool shared = strncmp(entry->origin, "common", 6) == 0;
        char *end;
        unsigned long line = strtoul(colon + 1, &end, 10);
        CHECK(line >= 1 && *end == ':');
        unsigned long column = strtoul(end + 1, &end, 10);
        const char *data = shared ? common : (const char *)text->data;
        CHECK(!*end && column >= 1);
        CHECK((long)column - 1 <= line_size(data, shared ? sizeof common - 1 : text->size, line));
    }
}

static void check_record(const struct gw__record *record)
{
    for (uint32_t i = 0; i < record->count; i++) {
        const struct gw__field *field = &record->fields[i];
        CHECK(gw__record_by_id(record, field->id) == field);
        CHECK(gw__record_by_name(record, field->json_name.data, field->json_name.size) == field);
        CHECK(field->type && field->type->name && field->key[field->key_size - 1] == ':');
        CHECK(!field->fallback || field->fallback->type == field->type);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text text = {data, size};
    struct gw__idl_reader reader = {read_text, &text};
    struct gw__report report = {0};
    struct gw__schema *schema = gw__idl_compile("fuzz.thrift", &reader, NULL, &report);
    CHECK(!report.lost && !schema == gw__report_bad(&report));
    check_report(&report, &text);
    if (schema) {
        struct gw__text dumped = {0};
        check_schema(schema);
        gw__schema_dump(schema, true, &dumped);
        gw__text_finish(&dumped);
    }
    gw__schema_destroy(schema);
    gw__report_finish(&report);
    return 0;
}
