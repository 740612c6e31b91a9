/* Reads types, values and lists of fields. */
#include "base/alloc.h"
#include "idl/read.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>

static const struct {
    const char *name;
    enum gw__kind kind;
} words[] = {
    {"bool", GW__BOOL},     {"byte", GW__I8},       {"i8", GW__I8},         {"i16", GW__I16}, {"i32", GW__I32},
    {"i64", GW__I64},       {"double", GW__DOUBLE}, {"string", GW__STRING}, {"slist", GW__STRING},
    {"binary", GW__BINARY}, {"uuid", GW__UUID},     {"list", GW__LIST},     {"set", GW__SET}, {"map", GW__MAP},
};

static enum gw__kind kind_of(struct gw__str word)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (gw__str_equal(word, gw__str(words[i].name)))
            return words[i].kind;
    return GW__STRUCT;
}

static bool cpp_type(struct gw__parser *parser)
{
    struct gw__str ignored;
    return !gw__parse_word(parser, "cpp_type") || gw__parse_literal(parser, "a C++ type, a literal", &ignored);
}

static bool too_deep(struct gw__parser *parser, unsigned depth, const char *what)
{
    if (depth <= GW__IDL_DEPTH)
        return false;
    gw__idl_error(parser->file, parser->token.pos, "GW1103", "%s nested deeper than %d", what, GW__IDL_DEPTH);
    return true;
}

static bool parse_container(struct gw__parser *parser, struct gw__ast_type *type, unsigned depth)
{
    if (!cpp_type(parser) || !gw__parse_expect(parser, '<'))
        return false;
    if (type->kind == GW__MAP &&
        (!(type->key = gw__parse_type(parser, depth + 1)) || !gw__parse_expect(parser, ',')))
        return false;
    return (type->value = gw__parse_type(parser, depth + 1)) && gw__parse_expect(parser, '>') && cpp_type(parser);
}

struct gw__ast_type *gw__parse_type(struct gw__parser *parser, unsigned depth)
{
    if (parser->token.kind != GW__TOKEN_NAME || gw__parse_is_word(parser, "void")) {
        gw__parse_fail(parser, "a type");
        return NULL;
    }
    struct gw__ast_type *type = too_deep(parser, depth, "types") ? NULL : gw__parse_alloc(parser, sizeof *type);
    if (!type)
        return NULL;
    type->pos = parser->token.pos;
    type->name = parser->token.text;
    type->kind = kind_of(type->name);
    gw__parse_next(parser);
    if (type->kind >= GW__LIST && type->kind <= GW__MAP && !parse_container(parser, type, depth))
        return NULL;
    return gw__parse_notes(parser, &type->notes) ? type : NULL;
}

/* The C locale's meaning, whatever the host has set; that locale takes no memory. */
static double read_double(const char *text)
{
    locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double number = locale ? strtod_l(text, NULL, locale) : strtod(text, NULL);
    if (locale)
        freelocale(locale);
    return number;
}

static bool parse_double(struct gw__parser *parser, struct gw__ast_value *value)
{
    struct gw__str text = parser->token.text;
    char *copy = gw__parse_alloc(parser, text.size + 1);
    if (!copy)
        return false;
    memcpy(copy, text.data, text.size);
    value->number = read_double(copy);
    if (isinf(value->number))
        gw__idl_error(parser->file, value->pos, "GW1102", "a number beyond what a double holds");
    gw__parse_next(parser);
    return true;
}

static bool parse_item(struct gw__parser *parser, struct gw__ast_value ***last, unsigned depth, size_t *count)
{
    struct gw__ast_value *item = gw__parse_value(parser, depth + 1);
    if (!item)
        return false;
    **last = item;
    *last = &item->next;
    ++*count;
    return true;
}

static bool parse_items(struct gw__parser *parser, struct gw__ast_value *value, unsigned depth)
{
    struct gw__ast_value **last = &value->first;
    bool map = value->form == GW__AST_MAP;
    gw__parse_next(parser);
    while (!gw__parse_mark(parser, map ? '}' : ']')) {
        if (!parse_item(parser, &last, depth, &value->count))
            return false;
        if (map && (!gw__parse_expect(parser, ':') || !parse_item(parser, &last, depth, &value->count)))
            return false;
        gw__parse_separator(parser);
    }
    return true;
}

struct gw__ast_value *gw__parse_value(struct gw__parser *parser, unsigned depth)
{
    struct gw__ast_value *value = too_deep(parser, depth, "values") ? NULL : gw__parse_alloc(parser, sizeof *value);
    if (!value)
        return NULL;
    value->pos = parser->token.pos;
    value->text = parser->token.text;
    value->integer = parser->token.integer;
    bool ok = true;
    if (parser->token.kind == GW__TOKEN_TEXT) {
        value->form = GW__AST_TEXT;
        ok = gw__parse_literal(parser, "a value", &value->text);
    } else if (parser->token.kind == GW__TOKEN_DOUBLE) {
        value->form = GW__AST_DOUBLE;
        ok = parse_double(parser, value);
    } else if (gw__parse_is_mark(parser, '[') || gw__parse_is_mark(parser, '{')) {
        value->form = gw__parse_is_mark(parser, '[') ? GW__AST_LIST : GW__AST_MAP;
        ok = parse_items(parser, value, depth);
    } else if (parser->token.kind == GW__TOKEN_INT || parser->token.kind == GW__TOKEN_NAME) {
        value->form = parser->token.kind == GW__TOKEN_INT ? GW__AST_INT : GW__AST_NAME;
        gw__parse_next(parser);
    } else {
        ok = gw__parse_fail(parser, "a value");
    }
    return ok ? value : NULL;
}

/* Where none is given, -1, -2 and so on. One that is none is reported, and replaced likewise. */
static bool parse_id(struct gw__parser *parser, struct gw__ast_fields *fields, struct gw__ast_field *field)
{
    if (parser->token.kind != GW__TOKEN_INT) {
        field->id = --fields->last_given;
        return true;
    }
    int64_t id = parser->token.integer;
    bool good = id >= 1 && id <= INT16_MAX;
    field->id = good ? (int32_t)id : --fields->last_given;
    if (!good)
        gw__idl_error(parser->file, parser->token.pos, "GW1105", "expected a field id from 1 to 32767, found %lld",
                      (long long)id);
    gw__parse_next(parser);
    return gw__parse_expect(parser, ':');
}

/* What old IDLs say to XML generators. */
static bool parse_xsd(struct gw__parser *parser, unsigned depth)
{
    struct gw__ast_fields ignored = {.last = &ignored.first};
    gw__parse_word(parser, "xsd_optional");
    gw__parse_word(parser, "xsd_nillable");
    return !gw__parse_word(parser, "xsd_attrs") ||
        (!too_deep(parser, depth, "xsd_attrs") && gw__parse_expect(parser, '{') &&
         gw__parse_fields(parser, &ignored, '}', depth + 1));
}

static bool parse_field(struct gw__parser *parser, struct gw__ast_fields *fields, unsigned depth)
{
    struct gw__ast_field *field = gw__parse_alloc(parser, sizeof *field);
    if (!field)
        return false;
    field->doc = parser->token.doc;
    if (!parse_id(parser, fields, field))
        return false;
    if (gw__parse_word(parser, "required"))
        field->need = GW__NEED_REQUIRED;
    else if (gw__parse_word(parser, "optional"))
        field->need = GW__NEED_OPTIONAL;
    if (!(field->type = gw__parse_type(parser, 0)))
        return false;
    gw__parse_mark(parser, '&');
    field->pos = parser->token.pos;
    if (!gw__parse_name(parser, "the field's name", &field->name))
        return false;
    if (gw__parse_mark(parser, '=') && !(field->fallback = gw__parse_value(parser, 0)))
        return false;
    if (!parse_xsd(parser, depth) || !gw__parse_notes(parser, &field->notes))
        return false;
    gw__parse_separator(parser);
    *fields->last = field;
    fields->last = &field->next;
    fields->count++;
    return true;
}

bool gw__parse_fields(struct gw__parser *parser, struct gw__ast_fields *fields, char close, unsigned depth)
{
    while (!gw__parse_mark(parser, close)) {
        if (fields->count == GW__IDL_FIELDS) {
            gw__idl_error(parser->file, parser->token.pos, "GW1103", "more than %d fields", GW__IDL_FIELDS);
            return false;
        }
        if (!gw__parse_is_word(parser, "void") && parser->token.kind != GW__TOKEN_INT &&
            parser->token.kind != GW__TOKEN_NAME)
            return gw__parse_fail(parser, close == '}' ? "a field or \"}\"" : "a field or \")\"");
        if (!parse_field(parser, fields, depth))
            return false;
    }
    return true;
}
