/* Defaults and constants, checked against the type they are for. References are followed; a constant of the same type
 * is shared, of another type made anew. What all values of a schema may consist of is bounded. */
#include "base/alloc.h"
#include "idl/link.h"

static const struct gw__value *wrong(struct gw__linker *linker, struct gw__ast_file *file,
                                     const struct gw__ast_value *value, const struct gw__type *type)
{
    static const char *const forms[] = {
        [GW__AST_INT] = "",  [GW__AST_DOUBLE] = "",      [GW__AST_TEXT] = "a literal",
        [GW__AST_NAME] = "", [GW__AST_LIST] = "a list", [GW__AST_MAP] = "a map",
    };
    int size = value->text.size > 40 ? 40 : (int)value->text.size;
    bool shown = value->form == GW__AST_INT || value->form == GW__AST_DOUBLE || value->form == GW__AST_NAME;
    gw__link_error(linker, file, value->pos, "GW1109", "expected a value of %s, found %s%.*s", type->name,
                   forms[value->form], shown ? size : 0, value->text.data);
    return NULL;
}

static struct gw__value *create(struct gw__linker *linker, const struct gw__type *type)
{
    struct gw__value *value = gw__link_alloc(linker, sizeof *value);
    if (value)
        value->type = type;
    return value;
}

static bool fits(int64_t number, enum gw__kind kind)
{
    switch (kind) {
    case GW__BOOL: return number == 0 || number == 1;
    case GW__I8: return number == (int8_t)number;
    case GW__I16: return number == (int16_t)number;
    case GW__I32: return number == (int32_t)number;
    default: return kind == GW__I64;
    }
}

static const struct gw__value *from_integer(struct gw__linker *linker, struct gw__ast_file *file,
                                            const struct gw__ast_value *value, int64_t number,
                                            const struct gw__type *type)
{
    bool ok = type->kind == GW__DOUBLE || fits(number, type->kind) ||
        (type->kind == GW__ENUM && gw__enum_by_number(type->enumeration, number));
    struct gw__value *out = ok ? create(linker, type) : NULL;
    if (!ok)
        return wrong(linker, file, value, type);
    if (out && type->kind == GW__DOUBLE)
        out->number = (double)number;
    else if (out)
        out->integer = number;
    return out;
}

static int hex_digit(char c)
{
    int letter = gw__lower((unsigned char)c) - 'a';
    return c >= '0' && c <= '9' ? c - '0' : letter >= 0 && letter < 6 ? letter + 10 : -1;
}

/* 32 hexadecimal digits with hyphens where they belong, or nowhere; braces around them. */
static bool read_uuid(struct gw__str text, unsigned char *out)
{
    size_t digits = 0;
    if (text.size > 2 && text.data[0] == '{' && text.data[text.size - 1] == '}')
        text = (struct gw__str){text.data + 1, text.size - 2};
    for (size_t i = 0; i < text.size; i++) {
        if (text.size == 36 && (i == 8 || i == 13 || i == 18 || i == 23)) {
            if (text.data[i] != '-')
                return false;
            continue;
        }
        int digit = hex_digit(text.data[i]);
        if (digit < 0 || digits == 32)
            return false;
        out[digits / 2] = (unsigned char)(out[digits / 2] << 4 | digit);
        digits++;
    }
    return digits == 32;
}

static const struct gw__value *from_text(struct gw__linker *linker, struct gw__ast_file *file,
                                         const struct gw__ast_value *value, const struct gw__type *type)
{
    unsigned char uuid[16] = {0};
    struct gw__str text = value->text;
    bool ok = type->kind == GW__STRING || type->kind == GW__BINARY;
    if (type->kind == GW__UUID) {
        ok = read_uuid(text, uuid);
        text = (struct gw__str){(const char *)uuid, sizeof uuid};
    }
    if (!ok)
        return wrong(linker, file, value, type);
    struct gw__value *out = create(linker, type);
    if (out)
        out->text = (struct gw__str){gw__link_text(linker, text), text.size};
    return out;
}

/* Whether the enum may stand behind a prefix that does not lead to it: its name, or that of an included file. */
static bool is_loose_prefix(const struct gw__ast_file *file, struct gw__str prefix, const struct gw__enum *enumeration)
{
    if (gw__str_equal(prefix, gw__str(enumeration->name)))
        return true;
    for (const struct gw__ast_include *include = file->includes; include; include = include->next)
        if (gw__str_equal(include->prefix, prefix))
            return true;
    return false;
}

/* "Enum.MEMBER", "include.Enum.MEMBER"; where the type is that enum, also the member alone, "include.MEMBER", and
 * "Enum.MEMBER" of another file: what Apache's compiler lets pass. */
static const struct gw__enum_value *find_member(struct gw__linker *linker, const struct gw__ast_file *file,
                                                struct gw__str name, const struct gw__type *type,
                                                const struct gw__enum **enumeration)
{
    bool silent;
    const char *dot = memrchr(name.data, '.', name.size);
    if (!dot) {
        *enumeration = type->kind == GW__ENUM ? type->enumeration : NULL;
        return *enumeration ? gw__enum_by_name(*enumeration, name.data, name.size) : NULL;
    }
    struct gw__str prefix = {name.data, (size_t)(dot - name.data)};
    struct gw__ast_def *def = gw__link_find(file, GW__AST_ENUM, prefix, &silent);
    const struct gw__type *found = def ? gw__link_definition(linker, def) : NULL;
    *enumeration = found && found->kind == GW__ENUM ? found->enumeration : NULL;
    if (!def && !gw__link_find(file, GW__AST_CONST, name, &silent) && type->kind == GW__ENUM &&
        is_loose_prefix(file, prefix, type->enumeration))
        *enumeration = type->enumeration;
    return *enumeration ? gw__enum_by_name(*enumeration, dot + 1, name.size - prefix.size - 1) : NULL;
}

/* A constant again, as a value of another type. */
static const struct gw__value *from_constant(struct gw__linker *linker, struct gw__ast_file *file,
                                             const struct gw__ast_value *value, struct gw__ast_def *def,
                                             const struct gw__type *type, size_t *items)
{
    const struct gw__value *made = gw__link_constant(linker, def);
    if (!made)
        return NULL;
    *items += def->items;
    if (made->type == type)
        return made;
    enum gw__kind kind = made->type->kind;
    bool same_enum = kind != GW__ENUM || type->kind != GW__ENUM || made->type->enumeration == type->enumeration;
    if (kind == GW__ENUM || (kind >= GW__BOOL && kind <= GW__I64))
        return same_enum ? from_integer(linker, file, value, made->integer, type) : wrong(linker, file, value, type);
    bool texts = (kind == GW__STRING || kind == GW__BINARY) && type->kind >= GW__STRING && type->kind <= GW__UUID;
    if (linker->depth >= GW__IDL_CHAIN || (kind != type->kind && !texts))
        return wrong(linker, file, value, type);
    linker->depth++;
    size_t again = 0;
    const struct gw__value *other = gw__link_value(linker, def->file, def->value, type, &again);
    linker->depth--;
    return other;
}

static const struct gw__value *from_name(struct gw__linker *linker, struct gw__ast_file *file,
                                         const struct gw__ast_value *value, const struct gw__type *type, size_t *items)
{
    bool truth = gw__str_equal(value->text, GW__STR("true")), silent;
    if (type->kind == GW__BOOL && (truth || gw__str_equal(value->text, GW__STR("false"))))
        return from_integer(linker, file, value, truth, type);
    const struct gw__enum *enumeration;
    const struct gw__enum_value *member = find_member(linker, file, value->text, type, &enumeration);
    if (member && (type->kind != GW__ENUM || type->enumeration == enumeration))
        return from_integer(linker, file, value, member->number, type);
    if (member)
        return wrong(linker, file, value, type);
    struct gw__ast_def *def = gw__link_find(file, GW__AST_CONST, value->text, &silent);
    if (def)
        return from_constant(linker, file, value, def, type, items);
    gw__link_unknown(linker, file, value->pos, GW__AST_CONST, value->text, silent);
    return NULL;
}

/* Whose value an entry of a struct is: its key names the field. */
static const struct gw__field *find_field(struct gw__linker *linker, struct gw__ast_file *file,
                                          const struct gw__ast_value *key, const struct gw__type *type)
{
    const struct gw__record *record = type->record;
    if (linker->budget <= record->count)
        linker->budget = 1; /* the next value reports it */
    else
        linker->budget -= record->count;
    for (uint32_t i = 0; key->form == GW__AST_TEXT && i < record->count; i++)
        if (gw__str_equal(gw__field_name(&record->fields[i]), key->text))
            return &record->fields[i];
    gw__link_error(linker, file, key->pos, "GW1109", "expected the name of a field of %s%s%.*s", type->name,
                   key->form == GW__AST_TEXT ? ", found " : "", (int)(key->form == GW__AST_TEXT ? key->text.size : 0),
                   key->text.data);
    return NULL;
}

static const struct gw__value *from_fields(struct gw__linker *linker, struct gw__ast_file *file,
                                           const struct gw__ast_value *from, const struct gw__type *type, size_t *items)
{
    gw__link_fill(linker);
    struct gw__value *out = create(linker, type);
    const struct gw__value **list = gw__link_alloc(linker, from->count / 2 * sizeof *list);
    if (!out || !list)
        return NULL;
    if (type->kind == GW__UNION && from->count > 2) {
        gw__link_error(linker, file, from->pos, "GW1109", "expected one field of the union %s, found %zu", type->name,
                       from->count / 2);
        return NULL;
    }
    for (const struct gw__ast_value *key = from->first; key; key = key->next->next) {
        const struct gw__field *field = find_field(linker, file, key, type);
        const struct gw__value *value =
            field && field->type ? gw__link_value(linker, file, key->next, field->type, items) : NULL;
        struct gw__value *item = value ? gw__link_alloc(linker, sizeof *item) : NULL;
        if (!item)
            return NULL;
        *item = *value; /* a shared one belongs to several fields */
        item->field = field;
        list[out->count++] = item;
    }
    out->items = list;
    return out;
}

static const struct gw__value *from_items(struct gw__linker *linker, struct gw__ast_file *file,
                                          const struct gw__ast_value *from, const struct gw__type *type, size_t *items)
{
    struct gw__value *out = create(linker, type);
    const struct gw__value **list = gw__link_alloc(linker, from->count * sizeof *list);
    if (!out || !list)
        return NULL;
    bool map = type->kind == GW__MAP;
    for (const struct gw__ast_value *item = from->first; item; item = item->next) {
        const struct gw__type *wanted = map && out->count % 2 == 0 ? type->key : type->value;
        if (!(list[out->count] = gw__link_value(linker, file, item, wanted, items)))
            return NULL;
        out->count++;
    }
    out->items = list;
    return out;
}

static const struct gw__value *from_container(struct gw__linker *linker, struct gw__ast_file *file,
                                              const struct gw__ast_value *value, const struct gw__type *type,
                                              size_t *items)
{
    bool list = type->kind == GW__LIST || type->kind == GW__SET, record = gw__kind_is_record(type->kind);
    bool ok = value->form == GW__AST_LIST ? list : type->kind == GW__MAP || record;
    if (!ok && (value->count || !(list || record || type->kind == GW__MAP))) /* empty ones may have either form */
        return wrong(linker, file, value, type);
    return record ? from_fields(linker, file, value, type, items) : from_items(linker, file, value, type, items);
}

const struct gw__value *gw__link_value(struct gw__linker *linker, struct gw__ast_file *file,
                                       const struct gw__ast_value *value, const struct gw__type *type, size_t *items)
{
    if (linker->lost || linker->budget == 0)
        return NULL;
    if (--linker->budget == 0 || ++*items > GW__IDL_CONST_ITEMS) {
        linker->budget = 0;
        gw__link_error(linker, file, value->pos, "GW1103", "defaults and constants of too many values");
        return NULL;
    }
    switch (value->form) {
    case GW__AST_INT: return from_integer(linker, file, value, value->integer, type);
    case GW__AST_TEXT: return from_text(linker, file, value, type);
    case GW__AST_NAME: return from_name(linker, file, value, type, items);
    case GW__AST_DOUBLE: break;
    default: return from_container(linker, file, value, type, items);
    }
    if (type->kind != GW__DOUBLE)
        return wrong(linker, file, value, type);
    struct gw__value *out = create(linker, type);
    if (out)
        out->number = value->number;
    return out;
}

const struct gw__value *gw__link_constant(struct gw__linker *linker, struct gw__ast_def *def)
{
    if (gw__link_is_made(linker, def))
        return def->made;
    if (!gw__link_enter(linker, def, "constant"))
        return NULL;
    const struct gw__type *type = gw__link_type(linker, def->file, def->type);
    gw__link_fill(linker);
    size_t items = 0;
    const struct gw__value *value = type ? gw__link_value(linker, def->file, def->value, type, &items) : NULL;
    def->items = items;
    gw__link_leave(linker, def, value);
    return value;
}
