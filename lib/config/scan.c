/* The pass over a config's text before libconfig sees it. libconfig 1.5 exits the process on an @include of a
 * folder, wraps integers beyond 32 bits silently and loses the memory of a string without end; they are refused
 * here, with their line. The tokens are told apart
 * as its own scanner does, so that nothing slips through as the inside of a string or comment. */
#include "config/reader.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct scan {
    struct gw__reader *reader;
    const char *at, *end;
    unsigned line;
};

static void skip(struct scan *scan, size_t size)
{
    for (; size && scan->at < scan->end; size--)
        scan->line += *scan->at++ == '\n';
}

static bool starts(const struct scan *scan, const char *token)
{
    return strncmp(scan->at, token, strlen(token)) == 0;
}

static void skip_until(struct scan *scan, const char *token)
{
    while (scan->at < scan->end && !starts(scan, token))
        skip(scan, 1);
}

/* Of a string or comment that began at `line`. */
static void skip_end(struct scan *scan, const char *token, const char *what, unsigned line)
{
    if (scan->at == scan->end)
        gw__reader_error(scan->reader, line, "GW1002", "expected an end of the %s that begins here", what);
    skip(scan, strlen(token));
}

static void skip_comment(struct scan *scan)
{
    unsigned line = scan->line;
    skip(scan, 2);
    skip_until(scan, "*/");
    skip_end(scan, "*/", "comment", line);
}

static void skip_string(struct scan *scan)
{
    unsigned line = scan->line;
    skip(scan, 1);
    while (scan->at < scan->end && *scan->at != '"')
        skip(scan, starts(scan, "\\\"") || starts(scan, "\\\\") ? 2 : 1);
    skip_end(scan, "\"", "string", line);
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '*';
}

/* An integer without L must fit 32 bits, one with L 64. */
static void check_integer(struct scan *scan, const char *text, size_t size, bool hex, bool wide)
{
    char *end;
    errno = 0;
    bool fits;
    if (hex)
        fits = strtoull(text, &end, 16) <= (wide ? ULLONG_MAX : INT_MAX) && errno == 0;
    else
        fits = (strtoll(text, &end, 10) == (int)strtoll(text, &end, 10) || wide) && errno == 0;
    if (fits)
        return;
    bool helps = !wide && errno == 0;
    gw__reader_error(scan->reader, scan->line, "GW1003", "expected an integer of %s bits, found %.*s%s%.*s%s",
                     wide ? "64" : "32", (int)(size < 40 ? size : 40), text, helps ? "; write " : "",
                     helps ? (int)size : 0, text, helps ? "L" : "");
}

static void scan_number(struct scan *scan)
{
    const char *text = scan->at, *at = text + (*text == '-' || *text == '+');
    bool hex = at == text && at[0] == '0' && (at[1] == 'x' || at[1] == 'X');
    size_t digits = strspn(hex ? at + 2 : at, hex ? "0123456789abcdefABCDEF" : "0123456789");
    at += digits + (hex ? 2 : 0);
    size_t size = (size_t)(at - text);
    bool wide = *at == 'L', fraction = !hex && (*at == '.' || *at == 'e' || *at == 'E');
    if (digits && !fraction)
        check_integer(scan, text, size, hex, wide);
    if (fraction)
        size += strspn(at, "0123456789.eE+-");
    skip(scan, size + (wide ? 1 : 0));
}

static void scan_token(struct scan *scan)
{
    char c = *scan->at, next = scan->at[1];
    if (c == '"') {
        skip_string(scan);
    } else if (starts(scan, "/*")) {
        skip_comment(scan);
    } else if (c == '#' || starts(scan, "//")) {
        skip_until(scan, "\n");
    } else if ((c >= '0' && c <= '9') || ((c == '-' || c == '+' || c == '.') && next >= '0' && next <= '9')) {
        scan_number(scan);
    } else if (is_name_byte(c)) {
        while (is_name_byte(*scan->at))
            skip(scan, 1);
    } else {
        if (starts(scan, "@include"))
            gw__reader_error(
                scan->reader, scan->line, "GW1003",
                "expected no '@include'; write include = \"FOLDER\"; (each *.cfg in it is read by itself)");
        skip(scan, 1);
    }
}

bool gw__reader_scan(struct gw__reader *reader, const char *text, size_t size)
{
    size_t errors = reader->errors;
    const char *zero = memchr(text, '\0', size);
    struct scan scan = {.reader = reader, .at = text, .end = zero ? zero : text + size, .line = 1};
    while (scan.at < scan.end)
        scan_token(&scan);
    if (zero)
        gw__reader_error(reader, scan.line, "GW1003", "expected text, found a zero byte");
    return reader->errors == errors;
}
