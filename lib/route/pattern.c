/* Patterns are split into segments once, when they are parsed. Literals are brought to the form that a
 * request's path has after its normalisation, so that they can be compared byte by byte. */
#include "route/pattern.h"

struct parser {
    struct gw__arena *arena;
    struct gw__path_pattern *out;
    char *text; /* end of the normal form so far */
    const char *why;
};

static bool bad(struct parser *parser, const char *why)
{
    parser->why = why;
    return false;
}

static bool is_word(char c)
{
    return (unsigned)(gw__lower((unsigned char)c) - 'a') < 26 || (unsigned)(c - '0') < 10 || c == '_' || c == '-';
}

static int hex(char c)
{
    if ((unsigned)(c - '0') < 10)
        return c - '0';
    unsigned letter = gw__lower((unsigned char)c) - 'a';
    return letter < 6 ? (int)letter + 10 : -1;
}

static bool is_unreserved(int c)
{
    return c < 128 && (is_word((char)c) || c == '.' || c == '~');
}

static char *put_escaped(char *out, int c)
{
    static const char digits[] = "0123456789ABCDEF";
    *out++ = '%';
    *out++ = digits[c >> 4];
    *out++ = digits[c & 15];
    return out;
}

/* One byte or %XX of a literal, at *at, into its normal form. */
static bool take_byte(struct parser *parser, const char **at)
{
    unsigned char c = (unsigned char)*(*at)++;
    if (c == '%') {
        int high = hex(**at), low = high < 0 ? -1 : hex((*at)[1]);
        if (low < 0)
            return bad(parser, "'%' must be followed by two hexadecimal digits");
        *at += 2;
        c = (unsigned char)(high << 4 | low);
        if (c == 0)
            return bad(parser, "%00 is in no path");
        if (is_unreserved(c))
            *parser->text++ = (char)c;
        else
            parser->text = put_escaped(parser->text, c);
    } else if (c == '?' || c == '#') {
        return bad(parser, "a path has no '?' and no '#'; the query is the predicate 'query'");
    } else if (c == '*') {
        return bad(parser, "'*' stands only as '**', the last segment; one segment is {name}");
    } else if (c == '{' || c == '}') {
        return bad(parser, "a variable is a whole segment: /{name}/");
    } else if (c < 0x20 || c == 0x7f) {
        return bad(parser, "a path has no control bytes");
    } else if (is_unreserved(c) || strchr("!$&'()+,;=:@", c)) {
        *parser->text++ = (char)c;
    } else { /* what a request must send encoded */
        parser->text = put_escaped(parser->text, c);
    }
    return true;
}

static bool take_literal(struct parser *parser, const char *at, const char *end)
{
    char *begin = parser->text;
    while (at < end)
        if (!take_byte(parser, &at))
            return false;
    size_t size = (size_t)(parser->text - begin);
    if ((size == 1 && begin[0] == '.') || (size == 2 && begin[0] == '.' && begin[1] == '.'))
        return bad(parser, "a path has no '.' and no '..' segments");
    parser->out->segments[parser->out->segment_count++] = (struct gw__str){begin, size};
    return true;
}

static bool take_name(struct parser *parser, const char *name, size_t size)
{
    struct gw__path_pattern *out = parser->out;
    if (size == 0)
        return bad(parser, "a variable needs a name");
    for (size_t i = 0; i < size; i++)
        if (!is_word(name[i]))
            return bad(parser, "a variable is a whole segment, {name}, with a name of letters, digits, '_' and '-'");
    for (unsigned i = 0; i < out->name_count; i++)
        if (gw__str_equal(out->names[i], (struct gw__str){name, size}))
            return bad(parser, "a variable's name stands twice");
    if (out->name_count == GW__MAX_VARIABLES)
        return bad(parser, "there are more than 16 variables");
    out->names[out->name_count++] = (struct gw__str){gw__arena_copy(parser->arena, name, size), size};
    return true;
}

static bool ends_with(const char *at, const char *end, const char *with)
{
    size_t size = strlen(with);
    return (size_t)(end - at) >= size && memcmp(end - size, with, size) == 0;
}

/* One segment, without its '/'. */
static bool take_segment(struct parser *parser, const char *at, const char *end)
{
    struct gw__path_pattern *out = parser->out;
    bool tail = *at == '{' && ends_with(at, end, ":**}");
    if (tail || (end - at == 2 && at[0] == '*' && at[1] == '*')) {
        if (*end)
            return bad(parser, "'**' must be the last segment");
        out->class = GW__PATH_WILD;
        out->tail = tail;
        *parser->text++ = '*';
        *parser->text++ = '*';
        return !tail || take_name(parser, at + 1, (size_t)(end - at) - 5);
    }
    if (out->segment_count == GW__MAX_SEGMENTS)
        return bad(parser, "there are more than 64 segments");
    if (*at != '{' || at[end - at - 1] != '}')
        return take_literal(parser, at, end);
    out->class = GW__PATH_VARIABLE;
    out->segments[out->segment_count++] = (struct gw__str){NULL, 0};
    *parser->text++ = '{';
    *parser->text++ = '}';
    return take_name(parser, at + 1, (size_t)(end - at) - 2);
}

enum gw__pattern_result gw__path_parse(const char *text, struct gw__arena *arena, struct gw__path_pattern *out,
                                       const char **why)
{
    *why = "a path begins with '/'";
    if (text[0] != '/')
        return GW__PATTERN_BAD;
    size_t size = strlen(text), slashes = 0;
    for (size_t i = 0; i < size; i++)
        slashes += text[i] == '/';
    size_t segments = slashes < GW__MAX_SEGMENTS ? slashes : GW__MAX_SEGMENTS;
    char *normal = gw__arena_alloc(arena, 3 * size + 1);
    *out = (struct gw__path_pattern){.segments = gw__arena_alloc(arena, segments * sizeof *out->segments),
                                     .names = gw__arena_alloc(arena, segments * sizeof *out->names)};
    if (!normal || !out->segments || !out->names)
        return GW__PATTERN_MEMORY;
    struct parser parser = {.arena = arena, .out = out, .text = normal};
    for (const char *at = text, *end; *at; at = end) {
        *parser.text++ = '/';
        end = strchrnul(++at, '/');
        if (!take_segment(&parser, at, end)) {
            *why = parser.why;
            return GW__PATTERN_BAD;
        }
    }
    *parser.text = '\0';
    out->text = (struct gw__str){normal, (size_t)(parser.text - normal)};
    for (unsigned i = 0; i < out->name_count; i++)
        if (!out->names[i].data)
            return GW__PATTERN_MEMORY;
    return GW__PATTERN_OK;
}

bool gw__path_contains(const struct gw__path_pattern *wide, const struct gw__path_pattern *narrow)
{
    if (wide->class != GW__PATH_WILD
        && (narrow->class == GW__PATH_WILD || narrow->segment_count != wide->segment_count))
        return false;
    if (narrow->segment_count < wide->segment_count)
        return false;
    for (unsigned i = 0; i < wide->segment_count; i++) {
        struct gw__str w = wide->segments[i], n = narrow->segments[i];
        if (w.data ? !n.data || !gw__str_equal(w, n) : n.data && n.size == 0)
            return false;
    }
    return true;
}

bool gw__path_disjoint(const struct gw__path_pattern *a, const struct gw__path_pattern *b)
{
    if ((a->class != GW__PATH_WILD && a->segment_count < b->segment_count)
        || (b->class != GW__PATH_WILD && b->segment_count < a->segment_count))
        return true;
    for (unsigned i = 0; i < a->segment_count && i < b->segment_count; i++) {
        struct gw__str x = a->segments[i], y = b->segments[i];
        if (x.data && y.data ? !gw__str_equal(x, y) : (x.data && x.size == 0) || (y.data && y.size == 0))
            return true;
    }
    return false;
}

bool gw__path_matches(const struct gw__path_pattern *pattern, struct gw__str path)
{
    const char *at = path.data, *end = path.data + path.size;
    if (path.size == 0 || *at != '/')
        return pattern->any;
    for (unsigned i = 0; i < pattern->segment_count; i++) {
        if (at == end)
            return false;
        const char *begin = at + 1;
        at = memchr(begin, '/', (size_t)(end - begin));
        at = at ? at : end;
        struct gw__str segment = pattern->segments[i], found = {begin, (size_t)(at - begin)};
        if (segment.data ? !gw__str_equal(segment, found) : found.size == 0)
            return false;
    }
    return at == end || pattern->class == GW__PATH_WILD;
}

int gw__path_compare(const struct gw__path_pattern *a, const struct gw__path_pattern *b)
{
    if (a->class != b->class)
        return (int)a->class - (int)b->class;
    for (unsigned i = 0; i < a->segment_count && i < b->segment_count; i++)
        if (!a->segments[i].data != !b->segments[i].data)
            return a->segments[i].data ? -1 : 1;
    return (int)b->segment_count - (int)a->segment_count;
}

enum gw__pattern_result gw__host_parse(const char *text, struct gw__arena *arena, struct gw__host_pattern *out,
                                       const char **why)
{
    out->wild = text[0] == '*' && text[1] == '.';
    const char *name = text + out->wild;
    size_t size = strlen(name);
    *why = size == out->wild ? "a host needs a name" : "a host is at most 253 bytes";
    if (size == out->wild || size > 253)
        return GW__PATTERN_BAD;
    char *lower = gw__arena_copy(arena, name, size);
    if (!lower)
        return GW__PATTERN_MEMORY;
    bool address = name[0] == '[' && name[size - 1] == ']';
    for (size_t i = 0; i < size; i++) {
        lower[i] = (char)gw__lower((unsigned char)lower[i]);
        *why = name[i] == ':' ? "a host is without its port" : "a host is a name, or '*.' and a name";
        bool inside = address && (i == 0 || i == size - 1 || name[i] == ':');
        if (!is_word(name[i]) && name[i] != '.' && !inside)
            return GW__PATTERN_BAD;
        *why = "a label of a host is not empty";
        if (name[i] == '.' && (i + 1 == size || name[i + 1] == '.' || (i == 0 && !out->wild)))
            return GW__PATTERN_BAD;
    }
    out->text = (struct gw__str){lower, size};
    return GW__PATTERN_OK;
}

static bool is_suffix(struct gw__str suffix, struct gw__str text)
{
    return text.size > suffix.size && memcmp(text.data + text.size - suffix.size, suffix.data, suffix.size) == 0;
}

bool gw__host_contains(struct gw__host_pattern wide, struct gw__host_pattern narrow)
{
    if (wide.text.size == 0)
        return true;
    if (wide.wild == narrow.wild && gw__str_equal(wide.text, narrow.text))
        return true;
    return wide.wild && is_suffix(wide.text, narrow.text);
}

bool gw__host_disjoint(struct gw__host_pattern a, struct gw__host_pattern b)
{
    return !gw__host_contains(a, b) && !gw__host_contains(b, a);
}

bool gw__host_matches(struct gw__host_pattern pattern, struct gw__str host)
{
    return pattern.wild ? is_suffix(pattern.text, host) : pattern.text.size == 0 || gw__str_equal(pattern.text, host);
}

int gw__host_compare(struct gw__host_pattern a, struct gw__host_pattern b)
{
    if (!a.text.size != !b.text.size)
        return a.text.size ? -1 : 1;
    if (a.wild != b.wild)
        return a.wild ? 1 : -1;
    return (int)b.text.size - (int)a.text.size;
}
