/* Recursive descent over the Thrift grammar, lenient where compilers differ. A syntax error ends a definition: reading
 * goes on at the next line that begins one. Depth is bounded, so that no text can exhaust the stack. */
#include "base/alloc.h"
#include "idl/lexer.h"
#include "idl/read.h"

bool gw__parse_fail(struct gw__parser *parser, const char *expected)
{
    const struct gw__token *token = &parser->token;
    if (parser->lost)
        return false;
    int size = token->text.size > 40 ? 40 : (int)token->text.size;
    if (token->kind == GW__TOKEN_BAD)
        gw__idl_error(parser->file, token->pos, "GW1102", "expected %s, found %s", expected, token->wrong);
    else if (token->kind == GW__TOKEN_END)
        gw__idl_error(parser->file, token->pos, "GW1101", "expected %s, found the end of the file", expected);
    else if (token->kind == GW__TOKEN_TEXT)
        gw__idl_error(parser->file, token->pos, "GW1101", "expected %s, found a literal", expected);
    else
        gw__idl_error(parser->file, token->pos, "GW1101", "expected %s, found \"%.*s\"", expected, size,
                      token->text.data);
    return false;
}

void *gw__parse_alloc(struct gw__parser *parser, size_t size)
{
    void *memory = gw__idl_alloc(parser->file, size);
    parser->lost = parser->lost || !memory;
    return memory;
}

void gw__parse_next(struct gw__parser *parser)
{
    gw__lexer_next(&parser->lexer, &parser->token);
}

bool gw__parse_is_mark(const struct gw__parser *parser, char mark)
{
    return parser->token.kind == GW__TOKEN_MARK && *parser->token.text.data == mark;
}

bool gw__parse_mark(struct gw__parser *parser, char mark)
{
    bool is = gw__parse_is_mark(parser, mark);
    if (is)
        gw__parse_next(parser);
    return is;
}

bool gw__parse_expect(struct gw__parser *parser, char mark)
{
    return gw__parse_mark(parser, mark) || gw__parse_fail(parser, (const char[]){'"', mark, '"', '\0'});
}

bool gw__parse_is_word(const struct gw__parser *parser, const char *word)
{
    return parser->token.kind == GW__TOKEN_NAME && gw__str_equal(parser->token.text, gw__str(word));
}

bool gw__parse_word(struct gw__parser *parser, const char *word)
{
    bool is = gw__parse_is_word(parser, word);
    if (is)
        gw__parse_next(parser);
    return is;
}

void gw__parse_separator(struct gw__parser *parser)
{
    if (!gw__parse_mark(parser, ','))
        gw__parse_mark(parser, ';');
}

bool gw__parse_name(struct gw__parser *parser, const char *expected, struct gw__str *name)
{
    if (parser->token.kind != GW__TOKEN_NAME || memchr(parser->token.text.data, '.', parser->token.text.size))
        return gw__parse_fail(parser, expected);
    *name = parser->token.text;
    gw__parse_next(parser);
    return true;
}

/* What stands behind a backslash; 0 for what is no escape. */
static char unescape(char c)
{
    const char *at = c ? strchr("rnt\"'\\", c) : NULL;
    return at ? "\r\n\t\"'\\"[at - "rnt\"'\\"] : '\0';
}

bool gw__parse_literal(struct gw__parser *parser, const char *expected, struct gw__str *out)
{
    struct gw__str raw = parser->token.text;
    if (parser->token.kind != GW__TOKEN_TEXT)
        return gw__parse_fail(parser, expected);
    char *text = gw__parse_alloc(parser, raw.size + 1);
    if (!text)
        return false;
    size_t size = 0;
    for (size_t i = 0; i < raw.size; i++) {
        char c = raw.data[i] == '\\' && i + 1 < raw.size ? unescape(raw.data[i + 1]) : '\0';
        i += c != '\0';
        text[size++] = c ? c : raw.data[i];
    }
    *out = (struct gw__str){text, size};
    gw__parse_next(parser);
    return true;
}

bool gw__parse_notes(struct gw__parser *parser, struct gw__ast_note **notes)
{
    struct gw__ast_note **last = notes;
    while (*last)
        last = &(*last)->next;
    if (!gw__parse_mark(parser, '('))
        return true;
    while (!gw__parse_mark(parser, ')')) {
        if (parser->token.kind != GW__TOKEN_NAME)
            return gw__parse_fail(parser, "an annotation or \")\"");
        struct gw__ast_note *note = gw__parse_alloc(parser, sizeof *note);
        if (!note)
            return false;
        *note = (struct gw__ast_note){.key = parser->token.text, .value = GW__STR("1")};
        gw__parse_next(parser);
        if (gw__parse_mark(parser, '=') &&
            !gw__parse_literal(parser, "the annotation's value, a literal", &note->value))
            return false;
        gw__parse_separator(parser);
        *last = note;
        last = &note->next;
    }
    return true;
}

static bool begin_definition(struct gw__parser *parser, enum gw__ast_kind kind, struct gw__ast_def **out)
{
    static const char *const expected[] = {
        [GW__AST_TYPEDEF] = "the typedef's name", [GW__AST_ENUM] = "the enum's name",
        [GW__AST_STRUCT] = "the struct's name",   [GW__AST_UNION] = "the union's name",
        [GW__AST_EXCEPTION] = "the exception's name", [GW__AST_CONST] = "the constant's name",
        [GW__AST_SERVICE] = "the service's name",
    };
    struct gw__ast_file *file = parser->file;
    struct gw__ast_def *def = gw__parse_alloc(parser, sizeof *def);
    if (!def)
        return false;
    def->kind = kind;
    def->pos = parser->token.pos;
    def->doc = parser->doc;
    def->file = file;
    def->fields.last = &def->fields.first;
    def->broken = true; /* until its end is reached */
    if (!gw__parse_name(parser, expected[kind], &def->name))
        return false;
    if (file->last_def)
        file->last_def->next = def;
    else
        file->defs = def;
    file->last_def = def;
    file->def_count++;
    *out = def;
    return true;
}

static bool parse_typedef(struct gw__parser *parser, struct gw__ast_def **out)
{
    struct gw__ast_type *type = gw__parse_type(parser, 0);
    if (!type || !begin_definition(parser, GW__AST_TYPEDEF, out))
        return false;
    (*out)->type = type;
    return true;
}

static bool parse_const(struct gw__parser *parser, struct gw__ast_def **out)
{
    struct gw__ast_type *type = gw__parse_type(parser, 0);
    if (!type || !begin_definition(parser, GW__AST_CONST, out))
        return false;
    (*out)->type = type;
    return gw__parse_expect(parser, '=') && ((*out)->value = gw__parse_value(parser, 0));
}

/* `senum` of old files: a string. */
static bool parse_senum(struct gw__parser *parser, struct gw__ast_def **out)
{
    struct gw__str ignored;
    struct gw__ast_type *type = gw__parse_alloc(parser, sizeof *type);
    if (!type || !begin_definition(parser, GW__AST_TYPEDEF, out))
        return false;
    type->kind = GW__STRING;
    type->pos = (*out)->pos;
    (*out)->type = type;
    if (!gw__parse_expect(parser, '{'))
        return false;
    while (!gw__parse_mark(parser, '}')) {
        if (!gw__parse_literal(parser, "a literal or \"}\"", &ignored))
            return false;
        gw__parse_separator(parser);
    }
    return true;
}

static bool parse_member(struct gw__parser *parser, struct gw__ast_def *def, struct gw__ast_member ***last,
                         int64_t *next)
{
    struct gw__ast_member *member = gw__parse_alloc(parser, sizeof *member);
    if (!member)
        return false;
    member->pos = parser->token.pos;
    member->doc = parser->token.doc;
    if (!gw__parse_name(parser, "an enum member or \"}\"", &member->name))
        return false;
    struct gw__idl_pos pos = member->pos;
    if (gw__parse_mark(parser, '=')) {
        pos = parser->token.pos;
        *next = parser->token.integer;
        if (parser->token.kind != GW__TOKEN_INT)
            return gw__parse_fail(parser, "the member's number");
        gw__parse_next(parser);
    }
    if (*next < INT32_MIN || *next > INT32_MAX)
        gw__idl_error(parser->file, pos, "GW1110", "expected a number of 32 bits for \"%.*s\", found %lld",
                      (int)member->name.size, member->name.data, (long long)*next);
    member->number = (int32_t)*next;
    *next = *next < INT64_MAX ? *next + 1 : *next;
    if (!gw__parse_notes(parser, &member->notes))
        return false;
    gw__parse_separator(parser);
    **last = member;
    *last = &member->next;
    if (++def->count <= GW__IDL_FIELDS)
        return true;
    gw__idl_error(parser->file, member->pos, "GW1103", "an enum has at most %d members", GW__IDL_FIELDS);
    return false;
}

static bool parse_enum(struct gw__parser *parser, struct gw__ast_def **out)
{
    if (!begin_definition(parser, GW__AST_ENUM, out) || !gw__parse_expect(parser, '{'))
        return false;
    struct gw__ast_member **last = &(*out)->members;
    int64_t next = 0;
    while (!gw__parse_mark(parser, '}'))
        if (!parse_member(parser, *out, &last, &next))
            return false;
    return true;
}

static bool parse_record(struct gw__parser *parser, enum gw__ast_kind kind, struct gw__ast_def **out)
{
    if (!begin_definition(parser, kind, out))
        return false;
    gw__parse_word(parser, "xsd_all");
    return gw__parse_expect(parser, '{') && gw__parse_fields(parser, &(*out)->fields, '}', 0);
}

static bool parse_throws(struct gw__parser *parser, struct gw__ast_function *function)
{
    function->throws.last = &function->throws.first;
    if (!gw__parse_word(parser, "throws"))
        return true;
    return gw__parse_expect(parser, '(') && gw__parse_fields(parser, &function->throws, ')', 0);
}

static bool parse_function(struct gw__parser *parser, struct gw__ast_def *def, struct gw__ast_function ***last)
{
    struct gw__ast_function *function = gw__parse_alloc(parser, sizeof *function);
    if (!function)
        return false;
    function->doc = parser->token.doc;
    function->oneway = gw__parse_word(parser, "oneway") || gw__parse_word(parser, "async");
    if (!gw__parse_word(parser, "void") && !(function->result = gw__parse_type(parser, 0)))
        return false;
    function->pos = parser->token.pos;
    function->arguments.last = &function->arguments.first;
    if (!gw__parse_name(parser, "the method's name", &function->name) || !gw__parse_expect(parser, '(') ||
        !gw__parse_fields(parser, &function->arguments, ')', 0) || !parse_throws(parser, function) ||
        !gw__parse_notes(parser, &function->notes))
        return false;
    gw__parse_separator(parser);
    if (function->oneway && (function->result || function->throws.count))
        gw__idl_error(parser->file, function->pos, "GW1111", "a oneway method is void and throws nothing: \"%.*s\"",
                      (int)function->name.size, function->name.data);
    **last = function;
    *last = &function->next;
    def->count++;
    return true;
}

static bool parse_service(struct gw__parser *parser, struct gw__ast_def **out)
{
    if (!begin_definition(parser, GW__AST_SERVICE, out))
        return false;
    if (gw__parse_word(parser, "extends")) {
        (*out)->extends_pos = parser->token.pos;
        (*out)->extends = parser->token.text;
        if (parser->token.kind != GW__TOKEN_NAME)
            return gw__parse_fail(parser, "the name of the service it extends");
        gw__parse_next(parser);
    }
    if (!gw__parse_expect(parser, '{'))
        return false;
    struct gw__ast_function **last = &(*out)->functions;
    while (!gw__parse_mark(parser, '}'))
        if (!parse_function(parser, *out, &last))
            return false;
    return true;
}

static bool parse_include(struct gw__parser *parser)
{
    struct gw__ast_include *include = gw__parse_alloc(parser, sizeof *include), **last = &parser->file->includes;
    if (!include)
        return false;
    include->pos = parser->token.pos;
    if (!gw__parse_literal(parser, "the included file's path, a literal", &include->path))
        return false;
    include->prefix = gw__idl_stem(include->path);
    while (*last)
        last = &(*last)->next;
    *last = include;
    gw__parse_separator(parser);
    return true;
}

/* What the gateway has no use for: namespaces of generators, in all their spellings. */
static bool parse_namespace(struct gw__parser *parser)
{
    struct gw__ast_note *ignored = NULL;
    if (!gw__parse_mark(parser, '*')) {
        if (parser->token.kind != GW__TOKEN_NAME)
            return gw__parse_fail(parser, "a language or \"*\"");
        gw__parse_next(parser);
    }
    if (parser->token.kind != GW__TOKEN_NAME && parser->token.kind != GW__TOKEN_TEXT)
        return gw__parse_fail(parser, "the namespace");
    gw__parse_next(parser);
    return gw__parse_notes(parser, &ignored);
}

static bool parse_cpp_include(struct gw__parser *parser)
{
    struct gw__str ignored;
    return gw__parse_literal(parser, "a path, a literal", &ignored);
}

static bool is_old_namespace(struct gw__str word)
{
    return word.size > 10 && memcmp(word.data + word.size - 10, "_namespace", 10) == 0;
}

static const char *const openers[] = {"typedef", "enum",  "struct",    "union",   "exception",  "const",
                                      "service", "senum", "namespace", "include", "cpp_include"};

/* The body of what the keyword, already read, opens; *out stays NULL where nothing is defined. */
static bool parse_body(struct gw__parser *parser, struct gw__str keyword, struct gw__ast_def **out)
{
    size_t index = 0;
    while (index < sizeof openers / sizeof *openers && !gw__str_equal(keyword, gw__str(openers[index])))
        index++;
    switch (index) {
    case 0: return parse_typedef(parser, out);
    case 1: return parse_enum(parser, out);
    case 2: return parse_record(parser, GW__AST_STRUCT, out);
    case 3: return parse_record(parser, GW__AST_UNION, out);
    case 4: return parse_record(parser, GW__AST_EXCEPTION, out);
    case 5: return parse_const(parser, out);
    case 6: return parse_service(parser, out);
    case 7: return parse_senum(parser, out);
    case 8: return parse_namespace(parser);
    case 9: return parse_include(parser);
    case 10: return parse_cpp_include(parser);
    default: break;
    }
    if (parser->token.kind != GW__TOKEN_NAME && parser->token.kind != GW__TOKEN_TEXT) /* php_namespace and the like */
        return gw__parse_fail(parser, "the namespace");
    gw__parse_next(parser);
    return true;
}

static bool opens_definition(const struct gw__token *token)
{
    if (token->kind != GW__TOKEN_NAME)
        return false;
    for (size_t i = 0; i < sizeof openers / sizeof *openers; i++)
        if (gw__str_equal(token->text, gw__str(openers[i])))
            return true;
    return is_old_namespace(token->text);
}

static bool parse_definition(struct gw__parser *parser)
{
    struct gw__ast_def *def = NULL;
    struct gw__str keyword = parser->token.text;
    if (!opens_definition(&parser->token)) {
        bool ok = gw__parse_fail(parser, "a definition");
        gw__parse_next(parser);
        return ok;
    }
    parser->doc = parser->token.doc;
    gw__parse_next(parser);
    if (!parse_body(parser, keyword, &def))
        return false;
    if (def) {
        if (!gw__parse_notes(parser, &def->notes))
            return false;
        def->broken = false;
    }
    gw__parse_separator(parser);
    return true;
}

/* To the next definition: a word that opens one, first on its line, with a name or path behind it. */
static void recover(struct gw__parser *parser)
{
    for (; parser->token.kind != GW__TOKEN_END; gw__parse_next(parser)) {
        if (!parser->token.opens_line || !opens_definition(&parser->token))
            continue;
        struct gw__lexer lexer = parser->lexer;
        struct gw__token behind;
        gw__lexer_next(&lexer, &behind);
        if (behind.kind == GW__TOKEN_NAME || behind.kind == GW__TOKEN_TEXT)
            return;
    }
}

void gw__idl_parse(struct gw__ast_file *file)
{
    struct gw__parser parser = {.file = file};
    gw__lexer_init(&parser.lexer, file->data, file->size);
    gw__parse_next(&parser);
    while (parser.token.kind != GW__TOKEN_END && !parser.lost)
        if (!parse_definition(&parser))
            recover(&parser);
    if (!parser.lost)
        gw__idl_check(file);
}
