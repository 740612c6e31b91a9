/* A schema as text, in the order of its tables: what tests compare and people read. */
#include "schema/build.h"

#include <inttypes.h>

static void dump_bytes(struct gw__str bytes, struct gw__text *text)
{
    gw__text_puts(text, "\"");
    for (size_t i = 0; i < bytes.size; i++) {
        unsigned char c = (unsigned char)bytes.data[i];
        gw__text_print(text, c < 0x20 || c == '"' || c == '\\' || c == 0x7f ? "\\x%02x" : "%c", c);
    }
    gw__text_puts(text, "\"");
}

static void dump_field_name(const struct gw__field *field, const char *behind, struct gw__text *text)
{
    struct gw__str name = gw__field_name(field);
    gw__text_print(text, "%.*s%s", (int)name.size, name.data, behind);
}

static void dump_items(const struct gw__value *value, struct gw__text *text)
{
    bool map = value->type->kind == GW__MAP, record = gw__kind_is_record(value->type->kind);
    gw__text_puts(text, map || record ? "{" : "[");
    for (size_t i = 0; i < value->count; i++) {
        if (i)
            gw__text_puts(text, map && i % 2 ? ": " : ", ");
        if (record)
            dump_field_name(value->items[i]->field, ": ", text);
        gw__value_dump(value->items[i], text);
    }
    gw__text_puts(text, map || record ? "}" : "]");
}

void gw__value_dump(const struct gw__value *value, struct gw__text *text)
{
    switch (value->type->kind) {
    case GW__DOUBLE: gw__text_print(text, "%.17g", value->number); break;
    case GW__STRING:
    case GW__BINARY:
    case GW__UUID: dump_bytes(value->text, text); break;
    case GW__BOOL: gw__text_puts(text, value->integer ? "true" : "false"); break;
    case GW__I8:
    case GW__I16:
    case GW__I32:
    case GW__I64:
    case GW__ENUM: gw__text_print(text, "%" PRId64, value->integer); break;
    default: dump_items(value, text); break;
    }
}

static void dump_notes(const struct gw__note *notes, struct gw__text *text)
{
    for (const struct gw__note *note = notes; note && note->key; note++) {
        gw__text_print(text, "%s%s = ", note > notes ? ", " : " (", note->key);
        dump_bytes(gw__str(note->value), text);
    }
    if (notes)
        gw__text_puts(text, ")");
}

/* What stands behind a name: annotations, position, doc. */
static void dump_rest(const struct gw__note *notes, const struct gw__origin *origin, const char *doc,
                      struct gw__text *text)
{
    dump_notes(notes, text);
    if (origin)
        gw__text_print(text, " @%s:%u:%u", origin->file, origin->line, origin->column);
    if (doc) {
        gw__text_puts(text, " # ");
        gw__text_json(text, doc);
    }
    gw__text_puts(text, "\n");
}

static void dump_record(const struct gw__record *record, bool origins, struct gw__text *text)
{
    static const char *const kinds[] = {[GW__STRUCT] = "struct", [GW__UNION] = "union", [GW__EXCEPTION] = "exception"};
    static const char *const needs[] = {"", "required ", "optional "};
    gw__text_print(text, "%s %s", kinds[record->type.kind], record->type.name);
    dump_rest(record->notes, origins ? &record->origin : NULL, record->doc, text);
    for (uint32_t i = 0; i < record->count; i++) {
        const struct gw__field *field = &record->fields[i];
        gw__text_print(text, "    %d: %s%s", (int)field->id, needs[field->need], field->type->name);
        dump_notes(field->type->notes, text);
        gw__text_puts(text, " ");
        dump_field_name(field, "", text);
        if (gw__field_fallback(field)) {
            gw__text_puts(text, " = ");
            gw__value_dump(gw__field_fallback(field), text);
        }
        struct gw__origin origin = gw__field_origin(record, field);
        dump_rest(field->more ? field->more->notes : NULL, origins ? &origin : NULL,
                  field->more ? field->more->doc : NULL, text);
    }
}

static void dump_enum(const struct gw__enum *enumeration, bool origins, struct gw__text *text)
{
    gw__text_print(text, "enum %s", enumeration->name);
    dump_rest(enumeration->notes, origins ? &enumeration->origin : NULL, enumeration->doc, text);
    for (uint32_t i = 0; i < enumeration->count; i++) {
        const struct gw__enum_value *value = &enumeration->values[i];
        gw__text_print(text, "    %s = %d", value->name.data, (int)value->number);
        dump_rest(value->notes, origins ? &value->origin : NULL, value->doc, text);
    }
}

static void dump_fields(const struct gw__record *record, uint32_t from, struct gw__text *text)
{
    gw__text_puts(text, "(");
    for (uint32_t i = from; i < record->count; i++) {
        const struct gw__field *field = &record->fields[i];
        gw__text_print(text, "%s%d: %s ", i > from ? ", " : "", (int)field->id, field->type->name);
        dump_field_name(field, "", text);
    }
    gw__text_puts(text, ")");
}

static void dump_service(const struct gw__rpc *service, bool origins, struct gw__text *text)
{
    gw__text_print(text, "service %s", service->name);
    if (service->parent)
        gw__text_print(text, " extends %s", service->parent->name);
    dump_rest(service->notes, origins ? &service->origin : NULL, service->doc, text);
    for (uint32_t i = 0; i < service->count; i++) {
        const struct gw__method *method = service->methods[i];
        gw__text_print(text, "    %s%s %s", method->oneway ? "oneway " : "", method->success->name, method->name.data);
        dump_fields(method->arguments, 0, text);
        uint32_t thrown = method->success->kind != GW__VOID;
        if (method->result->count > thrown) {
            gw__text_puts(text, " throws ");
            dump_fields(method->result, thrown, text);
        }
        if (method->service != service)
            gw__text_print(text, " from %s", method->service->name);
        dump_rest(method->notes, origins ? &method->origin : NULL, method->doc, text);
    }
}

void gw__schema_dump(const struct gw__schema *schema, bool origins, struct gw__text *text)
{
    gw__text_print(text, "schema %s\n", schema->name);
    for (uint32_t i = 0; i < schema->file_count; i++)
        gw__text_print(text, "file %s\n", schema->files[i]);
    for (uint32_t i = 0; i < schema->constant_count; i++) {
        const struct gw__constant *constant = &schema->constants[i];
        gw__text_print(text, "const %s %s = ", constant->value->type->name, constant->name);
        gw__value_dump(constant->value, text);
        dump_rest(NULL, origins ? &constant->origin : NULL, constant->doc, text);
    }
    for (uint32_t i = 0; i < schema->enum_count; i++)
        dump_enum(schema->enums[i], origins, text);
    for (uint32_t i = 0; i < schema->record_count; i++)
        dump_record(schema->records[i], origins, text);
    for (uint32_t i = 0; i < schema->service_count; i++)
        dump_service(schema->services[i], origins, text);
}
