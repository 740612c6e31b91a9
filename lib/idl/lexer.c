/* Cuts IDL text into tokens. Every token lies inside the text, so that every error has a place in the file. */
#include "idl/lexer.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return gw__lower((unsigned char)c) - (unsigned)'a' < 26 || c == '_';
}

static int hex_digit(char c)
{
    int letter = gw__lower((unsigned char)c) - 'a';
    return is_digit(c) ? c - '0' : letter >= 0 && letter < 6 ? letter + 10 : 99;
}

void gw__lexer_init(struct gw__lexer *lexer, const char *data, size_t size)
{
    *lexer = (struct gw__lexer){.at = data, .end = data + size, .line_start = data, .line = 1};
    if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
        lexer->at += 3;
}

static char peek(const struct gw__lexer *lexer, size_t ahead)
{
    return (size_t)(lexer->end - lexer->at) > ahead ? lexer->at[ahead] : '\0';
}

static struct gw__idl_pos position(const struct gw__lexer *lexer)
{
    return (struct gw__idl_pos){lexer->line, (uint32_t)(lexer->at - lexer->line_start) + 1};
}

static void newline(struct gw__lexer *lexer)
{
    lexer->at++;
    lexer->line++;
    lexer->line_start = lexer->at;
}

static void skip_line(struct gw__lexer *lexer)
{
    while (lexer->at < lexer->end && *lexer->at != '\n')
        lexer->at++;
}

/* The end of a comment that begins here; false if it has none. Keeps the inside of a doc comment. */
static bool skip_comment(struct gw__lexer *lexer, struct gw__token *token)
{
    const char *begin = lexer->at + 2;
    const char *end = memmem(begin, (size_t)(lexer->end - begin), "*/", 2);
    if (!end) {
        token->kind = GW__TOKEN_BAD;
        token->pos = position(lexer);
        token->wrong = "a comment that does not end";
        return false;
    }
    if (end > begin && *begin == '*' && begin[1] != '<') /* a comment with < belongs to what stands before it */
        token->doc = (struct gw__str){begin + 1, (size_t)(end - begin - 1)};
    while (lexer->at < end) {
        if (*lexer->at == '\n')
            newline(lexer);
        else
            lexer->at++;
    }
    lexer->at = end + 2;
    return true;
}

static bool skip_space(struct gw__lexer *lexer, struct gw__token *token)
{
    token->opens_line = lexer->at == lexer->line_start;
    uint32_t line = lexer->line;
    for (; lexer->at < lexer->end;) {
        char c = *lexer->at;
        if (c == '\n')
            newline(lexer);
        else if (c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v')
            lexer->at++;
        else if (c == '#' || (c == '/' && peek(lexer, 1) == '/'))
            skip_line(lexer);
        else if (c == '/' && peek(lexer, 1) == '*') {
            if (!skip_comment(lexer, token))
                return false;
        } else
            break;
    }
    token->opens_line = token->opens_line || lexer->line != line;
    return true;
}

static void bad(struct gw__lexer *lexer, struct gw__token *token, const char *wrong)
{
    token->kind = GW__TOKEN_BAD;
    token->wrong = wrong;
    if (lexer->at < lexer->end && *lexer->at != '\n')
        lexer->at++;
}

static void literal(struct gw__lexer *lexer, struct gw__token *token)
{
    char quote = *lexer->at;
    const char *begin = lexer->at + 1, *at = begin;
    while (at < lexer->end && *at != quote && *at != '\n')
        at += *at == '\\' && lexer->end - at > 1 && at[1] != '\n' ? 2 : 1;
    if (at >= lexer->end || *at != quote) {
        bad(lexer, token, "a literal that does not end on its line");
        lexer->at = at;
        return;
    }
    token->kind = GW__TOKEN_TEXT;
    token->text = (struct gw__str){begin, (size_t)(at - begin)};
    lexer->at = at + 1;
}

/* Digits of a base, from `at`; false if the number leaves 64 bits. A negative number may be one further from zero. */
static bool integer(const char **at, const char *end, unsigned base, bool negative, int64_t *out)
{
    uint64_t value = 0, limit = (uint64_t)INT64_MAX + negative;
    bool fits = true;
    for (; *at < end && (unsigned)hex_digit(**at) < base; (*at)++) {
        uint64_t digit = (uint64_t)hex_digit(**at);
        fits = fits && value <= (limit - digit) / base;
        value = value * base + digit;
    }
    *out = (int64_t)(negative ? 0 - value : value);
    return fits;
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && is_digit(*at))
        at++;
    return at;
}

/* The end of a fraction and an exponent, as far as there are any. */
static const char *skip_fraction(const char *at, const char *end)
{
    if (end - at > 1 && *at == '.' && is_digit(at[1]))
        at = skip_digits(at + 1, end);
    const char *exponent = at + 1;
    if (at < end && (*at == 'e' || *at == 'E')) {
        if (exponent < end && (*exponent == '+' || *exponent == '-'))
            exponent++;
        if (exponent < end && is_digit(*exponent))
            at = skip_digits(exponent, end);
    }
    return at;
}

static void number(struct gw__lexer *lexer, struct gw__token *token)
{
    const char *begin = lexer->at, *at = begin, *end = lexer->end;
    bool negative = *at == '-';
    at += *at == '-' || *at == '+';
    unsigned base = 10;
    if (end - at > 2 && *at == '0' && (at[1] == 'x' || at[1] == 'X') && hex_digit(at[2]) < 16)
        base = 16;
    else if (end - at > 2 && *at == '0' && at[1] == 'o' && hex_digit(at[2]) < 8)
        base = 8;
    at += base == 10 ? 0 : 2;
    bool fits = integer(&at, end, base, negative, &token->integer);
    const char *fraction = base == 10 ? skip_fraction(at, end) : at;
    token->kind = fraction == at ? GW__TOKEN_INT : GW__TOKEN_DOUBLE;
    lexer->at = fraction;
    token->text = (struct gw__str){begin, (size_t)(fraction - begin)};
    if (token->kind == GW__TOKEN_INT && !fits) {
        token->kind = GW__TOKEN_BAD;
        token->wrong = "an integer of more than 64 bits";
    } else if (fraction < end && is_letter(*fraction)) {
        token->kind = GW__TOKEN_BAD;
        token->wrong = "letters at the end of a number";
    }
}

static void name(struct gw__lexer *lexer, struct gw__token *token)
{
    const char *at = lexer->at;
    while (at < lexer->end && (is_letter(*at) || is_digit(*at) || (*at == '.' && lexer->end - at > 1 &&
                                                                   (is_letter(at[1]) || is_digit(at[1])))))
        at++;
    token->kind = GW__TOKEN_NAME;
    token->text = (struct gw__str){lexer->at, (size_t)(at - lexer->at)};
    lexer->at = at;
}

static bool begins_number(const struct gw__lexer *lexer)
{
    size_t sign = peek(lexer, 0) == '-' || peek(lexer, 0) == '+';
    return is_digit(peek(lexer, sign)) || (peek(lexer, sign) == '.' && is_digit(peek(lexer, sign + 1)));
}

void gw__lexer_next(struct gw__lexer *lexer, struct gw__token *token)
{
    *token = (struct gw__token){0};
    if (!skip_space(lexer, token)) {
        lexer->at = lexer->end;
        return;
    }
    token->pos = position(lexer);
    if (lexer->at == lexer->end)
        return; /* GW__TOKEN_END */
    char c = *lexer->at;
    if (is_letter(c))
        name(lexer, token);
    else if (begins_number(lexer))
        number(lexer, token);
    else if (c == '"' || c == '\'')
        literal(lexer, token);
    else if (c && strchr(":;,{}()=<>[]*&", c)) {
        token->kind = GW__TOKEN_MARK;
        token->text = (struct gw__str){lexer->at++, 1};
    } else
        bad(lexer, token, "a character that has no meaning here");
}
