/* Heads from bytes: one pass of 64-byte bitmaps that cuts lines and names at once, then what Host, Connection and
 * framing mean. Nothing is copied; all offsets lie within the input. A head that is refused is refused for
 * every continuation of it, and no head is taken before its last byte: where the input was cut never matters. */
#include "http/parse.h"

#include "http/chars.h"
#include "http/hop.h"
#include "http/names.h"
#include "http/scan.h"
#include "http/uri.h"

#define NONE SIZE_MAX

enum {
    MOST_OPTIONS = 32, /* in Connection; each is looked for among all fields */
    STEP = 512         /* bytes of a line that has not ended */
};

enum kind { REQUEST, RESPONSE, TRAILERS };

static const bool is_special[GW__FIELD_LAST] = {
    [GW__FIELD_HOST] = true,       [GW__FIELD_CONTENT_LENGTH] = true, [GW__FIELD_TRANSFER_ENCODING] = true,
    [GW__FIELD_CONNECTION] = true, [GW__FIELD_EXPECT] = true,
};

struct parser {
    const char *data;
    uint32_t size; /* to be looked at: at most limits->head_bytes and 64 KiB, which all offsets and sizes fit */
    enum kind kind;
    const struct gw__parse_limits *limits;
    struct gw__raw_head *out;
    struct gw__parse_error *error;
    const struct gw__raw_field *last;  /* behind those that may be filled in */
    bool host, coding, coding_unknown; /* a Host, a Transfer-Encoding, one that is not chunked was there */
    bool close, stay;                  /* Connection: close, keep-alive */
    unsigned names;                    /* what else is in Connection: names of fields */
};

typedef void scan_function(const char *data, size_t base, size_t size, struct gw__bits *out);

static __attribute__((cold, noinline)) bool fail(struct parser *parser, int status, const char *reason)
{
    *parser->error = (struct gw__parse_error){parser->kind == RESPONSE ? 502 : status, reason};
    return false;
}

static __attribute__((cold, noinline)) enum gw__parse_result refuse(struct parser *parser, int status,
                                                                    const char *reason)
{
    fail(parser, status, reason);
    return GW__PARSE_BAD;
}

enum gw__method_id gw__method_id(const char *name, size_t size)
{
    static const struct {
        char name[8];
        uint8_t size, id;
    } methods[] = {
        {"GET", 3, GW__METHOD_GET},     {"POST", 4, GW__METHOD_POST},       {"HEAD", 4, GW__METHOD_HEAD},
        {"PUT", 3, GW__METHOD_PUT},     {"DELETE", 6, GW__METHOD_DELETE},   {"OPTIONS", 7, GW__METHOD_OPTIONS},
        {"PATCH", 5, GW__METHOD_PATCH}, {"CONNECT", 7, GW__METHOD_CONNECT}, {"TRACE", 5, GW__METHOD_TRACE},
    };
    for (unsigned i = 0; i < sizeof methods / sizeof *methods; i++)
        if (methods[i].size == size && memcmp(methods[i].name, name, size) == 0)
            return methods[i].id;
    return GW__METHOD_OTHER;
}

/* "HTTP/1.0" or "HTTP/1.1"; 505 for other versions of that form. */
static inline bool take_version(struct parser *parser, const char *text)
{
    uint64_t word = gw__load64(text);
    parser->out->minor = word == gw__load64("HTTP/1.1");
    if (parser->out->minor || word == gw__load64("HTTP/1.0"))
        return true;
    if (memcmp(text, "HTTP/", 5) == 0 && (unsigned)(text[5] - '0') < 10 && text[6] == '.' &&
        (unsigned)(text[7] - '0') < 10)
        return fail(parser, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    return fail(parser, 400, "the start line has no valid HTTP version");
}

/* What is in the target is left to gw__target_split(): between the first and the last space there is one at least. */
static bool take_request_line(struct parser *parser, uint32_t start, uint32_t end)
{
    struct gw__raw_head *out = parser->out;
    const char *line = parser->data + start;
    uint32_t size = end - start, method = 0;
    if (size > 4 && gw__load32(line) == gw__load32("GET ")) {
        method = 3;
        out->method_id = GW__METHOD_GET;
    } else {
        while (method < size && gw__char_is(line[method], GW__CHAR_TOKEN))
            method++;
        if (method == 0 || method == size || line[method] != ' ')
            return fail(parser, 400, "the request line has no valid method");
        out->method_id = (uint8_t)gw__method_id(line, method);
    }
    if (size < method + sizeof "  HTTP/1.1" || line[size - 9] != ' ')
        return fail(parser, 400, "the request line is not: method, target, version");
    out->method = start;
    out->method_size = method;
    out->target = start + method + 1;
    out->target_size = size - method - 10;
    return take_version(parser, line + size - 8);
}

static bool take_status_line(struct parser *parser, uint32_t start, uint32_t end)
{
    struct gw__raw_head *out = parser->out;
    const char *line = parser->data + start;
    uint32_t size = end - start;
    if (size < sizeof "HTTP/1.1 200" - 1 || line[8] != ' ')
        return fail(parser, 502, "the status line is not: version, status, reason");
    unsigned a = (unsigned)(line[9] - '0'), b = (unsigned)(line[10] - '0'), c = (unsigned)(line[11] - '0');
    if (a < 1 || a > 5 || b > 9 || c > 9 || (size > 12 && line[12] != ' '))
        return fail(parser, 502, "the status is not a number from 100 to 599");
    out->status = (uint16_t)(a * 100 + b * 10 + c);
    out->reason = size > 12 ? start + 13 : end;
    out->reason_size = size > 12 ? size - 13 : 0;
    return take_version(parser, line);
}

static inline bool take_content_length(struct parser *parser, const char *value, uint32_t size)
{
    if (parser->out->content_length >= 0)
        return fail(parser, 400, "more than one Content-Length");
    int64_t length = 0;
    for (uint32_t i = 0; i < size; i++) {
        unsigned digit = (unsigned char)value[i] - (unsigned)'0';
        if (digit > 9)
            return fail(parser, 400, "Content-Length is not a number");
        if (length > (INT64_MAX - 9) / 10)
            return fail(parser, 400, "Content-Length is too large");
        length = length * 10 + digit;
    }
    if (size == 0)
        return fail(parser, 400, "Content-Length is empty");
    parser->out->content_length = length;
    return true;
}

static bool take_coding(struct parser *parser, const char *value, uint32_t size)
{
    const char *end = value + size;
    parser->coding = true;
    do {
        struct gw__str coding = gw__next_element(&value, end);
        if (value == end && end[-1] == ',')
            return fail(parser, 400, "Transfer-Encoding is malformed");
        if (parser->out->chunked)
            return fail(parser, 400, "chunked is not the last transfer coding");
        if (gw__str_case_equal(coding, GW__STR("chunked")))
            parser->out->chunked = true;
        else if (gw__is_token(coding.data, coding.size))
            parser->coding_unknown = true;
        else
            return fail(parser, 400, "Transfer-Encoding is malformed");
    } while (value < end);
    return true;
}

static bool take_connection(struct parser *parser, const char *value, uint32_t size)
{
    if (size == 10 && gw__name_is(value, "keep-alive", 10))
        return parser->stay = true;
    for (const char *end = value + size; value < end;) {
        struct gw__str option = gw__next_element(&value, end);
        if (gw__str_case_equal(option, GW__STR("close")))
            parser->close = true;
        else if (gw__str_case_equal(option, GW__STR("keep-alive")))
            parser->stay = true;
        else if (gw__is_token(option.data, option.size))
            parser->names++;
    }
    if (parser->names > MOST_OPTIONS)
        return fail(parser, 400, "too many options in Connection");
    return true;
}

/* A field that says something to the parser itself. */
static inline __attribute__((always_inline)) bool take_special(struct parser *parser, const struct gw__raw_field *field)
{
    const char *value = parser->data + field->value;
    if (parser->kind == TRAILERS)
        return true;
    switch (field->id) {
    case GW__FIELD_HOST:
        if (parser->kind == RESPONSE)
            return true;
        if (parser->host)
            return fail(parser, 400, "more than one Host");
        parser->host = true;
        return gw__host_valid((struct gw__str){value, field->value_size}) || fail(parser, 400, "Host is invalid");
    case GW__FIELD_CONTENT_LENGTH: return take_content_length(parser, value, field->value_size);
    case GW__FIELD_TRANSFER_ENCODING: return take_coding(parser, value, field->value_size);
    case GW__FIELD_CONNECTION: return take_connection(parser, value, field->value_size);
    default: /* Expect */
        if (parser->kind == RESPONSE || parser->out->minor == 0)
            return true;
        if (field->value_size != 12 || !gw__name_is(value, "100-continue", 12))
            return fail(parser, 417, "only 100-continue may be expected");
        return parser->out->expect_continue = true;
    }
}

/* One "name: value" in data[start…end), its first colon at `colon`, or that not within the line. What trims blanks
 * takes control bytes for some too: such a head is refused anyway. */
static inline __attribute__((always_inline)) bool take_field(struct parser *parser, struct gw__raw_field *field,
                                                             size_t start, size_t colon, size_t end)
{
    const char *data = parser->data;
    if (colon == start || colon >= end)
        return fail(parser, 400, "a field line has no name");
    if (field == parser->last)
        return fail(parser, 431, "too many fields");
    enum gw__field_id id = gw__field_id_inline(data + start, colon - start);
    if (id == GW__FIELD_OTHER && !gw__chars_are(data + start, colon - start, GW__CHAR_TOKEN))
        return fail(parser, 400, "a field name is not a token");
    while ((unsigned char)data[end - 1] <= ' ') /* the colon at least is more */
        end--;
    size_t value = colon + 1;
    if (value < end)
        while ((unsigned char)data[value] <= ' ')
            value++;
    field->name = (uint32_t)start;
    field->name_size = (uint16_t)(colon - start);
    field->value = (uint32_t)value;
    field->value_size = (uint32_t)(end - value);
    field->id = (uint8_t)id;
    field->hop = gw__field_id_is_hop(id);
    parser->out->ids |= 1u << id;
    return !is_special[id] || take_special(parser, field);
}

/* Odd bytes (bits of them, from base on) may be tabs, obs-text, and CR in front of LF or of the input's end. */
static bool odd_allowed(struct parser *parser, uint32_t base, uint64_t bits)
{
    for (; bits; bits &= bits - 1) {
        uint32_t at = base + (uint32_t)__builtin_ctzll(bits);
        unsigned char c = (unsigned char)parser->data[at];
        if (c == '\t' || c >= 0x80)
            continue;
        if (c != '\r')
            return fail(parser, 400, "a control byte in the head");
        if (at + 1 < parser->size && parser->data[at + 1] != '\n')
            return fail(parser, 400, "a CR that no LF follows");
    }
    return true;
}

static inline bool take_start_line(struct parser *parser, uint32_t start, uint32_t end)
{
    if (end - start > parser->limits->line_bytes)
        return fail(parser, 414, "the start line is too long");
    return parser->kind == REQUEST ? take_request_line(parser, start, end) : take_status_line(parser, start, end);
}

static enum gw__parse_result not_ended(struct parser *parser, bool first, uint32_t line)
{
    if (first && parser->size > line + 1 && parser->size - line - 1 > parser->limits->line_bytes)
        return refuse(parser, 414, "the start line is too long");
    if (parser->size >= parser->limits->head_bytes || parser->size == UINT16_MAX)
        return refuse(parser, first ? 414 : 431, "the head is too large");
    return GW__PARSE_MORE;
}

/* The empty line: the head has ended. Odd bytes are in its last block. */
static inline enum gw__parse_result ended(struct parser *parser, const struct gw__raw_field *field, size_t size,
                                          size_t base, uint64_t odd)
{
    parser->out->size = (uint32_t)size;
    parser->out->count = (uint16_t)(field - parser->out->fields);
    return !odd || odd_allowed(parser, (uint32_t)base, odd) ? GW__PARSE_OK : GW__PARSE_BAD;
}

/* Lines from `start` up to the empty one. */
static inline __attribute__((always_inline)) enum gw__parse_result take_lines(struct parser *parser, size_t start,
                                                                              scan_function *scan)
{
    const char *data = parser->data;
    struct gw__raw_field *field = parser->out->fields;
    bool first = parser->kind != TRAILERS;
    size_t line = start, earlier = NONE; /* the line's colon, if in an earlier block */
    if (parser->size > start && data[start] == '\n')
        return refuse(parser, 400, "a line that does not end with CR LF");
    for (size_t base = start; base < parser->size; base += 64) {
        struct gw__bits bits;
        scan(data, base, parser->size, &bits);
        uint64_t odd = bits.odd & ~(bits.lf | bits.lf >> 1); /* what stands in front of LF is checked there */
        while (bits.lf) {
            size_t end = base + (size_t)__builtin_ctzll(bits.lf) - 1;
            uint64_t passed = bits.lf ^ (bits.lf - 1);
            if (data[end] != '\r') /* also if the line is empty: the LF of the one before */
                return refuse(parser, 400, "a line that does not end with CR LF");
            if (first) {
                if (!take_start_line(parser, (uint32_t)line, (uint32_t)end))
                    return GW__PARSE_BAD;
                first = false;
            } else if (end == line) {
                return ended(parser, field, end + 2, base, odd & passed);
            } else {
                size_t colon = earlier;
                if (colon == NONE && bits.colon)
                    colon = base + (size_t)__builtin_ctzll(bits.colon);
                if (!take_field(parser, field++, line, colon, end))
                    return GW__PARSE_BAD;
            }
            line = end + 2;
            earlier = NONE;
            bits.colon &= ~passed;
            bits.lf &= ~passed;
        }
        if (earlier == NONE && bits.colon)
            earlier = base + (size_t)__builtin_ctzll(bits.colon);
        if (odd && !odd_allowed(parser, (uint32_t)base, odd))
            return GW__PARSE_BAD;
    }
    return not_ended(parser, first, (uint32_t)line);
}

static enum gw__parse_result take_lines_sse2(struct parser *parser, size_t start)
{
    return take_lines(parser, start, gw__scan_sse2);
}

static enum gw__parse_result take_lines_scalar(struct parser *parser, size_t start)
{
    return take_lines(parser, start, gw__scan_scalar);
}

static __attribute__((noinline)) bool settle_coding(struct parser *parser)
{
    if (parser->out->content_length >= 0)
        return fail(parser, 400, "both Transfer-Encoding and Content-Length");
    if (parser->out->minor == 0)
        return fail(parser, 400, "Transfer-Encoding in HTTP/1.0");
    return !parser->coding_unknown || fail(parser, 501, "a transfer coding that is not chunked");
}

/* What the fields together say. */
static inline bool settle(struct parser *parser)
{
    struct gw__raw_head *out = parser->out;
    if (parser->coding && !settle_coding(parser))
        return false;
    if (parser->names)
        gw__raw_mark_named(out, parser->data);
    out->keep_alive = !parser->close && (out->minor == 1 || parser->stay);
    if (parser->kind == REQUEST)
        return parser->host || out->minor == 0 || fail(parser, 400, "no Host");
    if (out->status < 200 || out->status == 204)
        out->content_length = 0;
    if (out->status < 200 || out->status == 204 || out->status == 304) /* a 304's length is that of a 200 */
        out->chunked = false;
    return true;
}

static inline __attribute__((always_inline)) enum gw__parse_result parse(
    enum kind kind, const char *data, size_t size, const struct gw__parse_limits *limits, struct gw__raw_head *out,
    struct gw__parse_error *error, enum gw__parse_result (*lines)(struct parser *, size_t))
{
    uint32_t most = limits->head_bytes < UINT16_MAX ? limits->head_bytes : UINT16_MAX;
    struct parser parser = {
        .data = data,
        .size = size < most ? (uint32_t)size : most,
        .kind = kind,
        .limits = limits,
        .out = out,
        .error = error,
        .last = out->fields + (limits->fields < GW__MAX_FIELDS ? limits->fields : GW__MAX_FIELDS),
    };
    memset(out, 0, offsetof(struct gw__raw_head, fields));
    out->content_length = -1;
    uint32_t start = 0;
    if (kind == REQUEST)
        while (start < 4 && parser.size - start >= 2 && data[start] == '\r' && data[start + 1] == '\n')
            start += 2;
    enum gw__parse_result result = lines(&parser, start);
    if (result != GW__PARSE_OK || kind == TRAILERS)
        return result;
    return settle(&parser) ? GW__PARSE_OK : GW__PARSE_BAD;
}

bool gw__parse_again(const char *data, size_t size, size_t seen, const struct gw__parse_limits *limits)
{
    return size - seen >= STEP || size >= limits->head_bytes || memchr(data + seen, '\n', size - seen);
}

enum gw__parse_result gw__parse_request(const char *data, size_t size, const struct gw__parse_limits *limits,
                                        struct gw__raw_head *out, struct gw__parse_error *error)
{
    return parse(REQUEST, data, size, limits, out, error, take_lines_sse2);
}

enum gw__parse_result gw__parse_response(const char *data, size_t size, const struct gw__parse_limits *limits,
                                         struct gw__raw_head *out, struct gw__parse_error *error)
{
    return parse(RESPONSE, data, size, limits, out, error, take_lines_sse2);
}

enum gw__parse_result gw__parse_request_scalar(const char *data, size_t size, const struct gw__parse_limits *limits,
                                               struct gw__raw_head *out, struct gw__parse_error *error)
{
    return parse(REQUEST, data, size, limits, out, error, take_lines_scalar);
}

enum gw__parse_result gw__parse_response_scalar(const char *data, size_t size, const struct gw__parse_limits *limits,
                                                struct gw__raw_head *out, struct gw__parse_error *error)
{
    return parse(RESPONSE, data, size, limits, out, error, take_lines_scalar);
}

enum gw__parse_result gw__parse_trailers(const char *data, size_t size, const struct gw__parse_limits *limits,
                                         struct gw__raw_head *raw, struct gw__parse_error *error)
{
    enum gw__parse_result result = parse(TRAILERS, data, size, limits, raw, error, take_lines_sse2);
    if (result == GW__PARSE_OK)
        gw__raw_mark_trailers(raw, data);
    return result;
}
