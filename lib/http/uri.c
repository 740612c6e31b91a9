/* Targets and paths: one pass over the bytes tells their form and whether the path is normal already; only
 * what is not gets copied and rewritten. */
#include "http/uri.h"

#include "http/chars.h"

#include <arpa/inet.h>

static const char root[] = "/";

/* Every '%' is followed by two digits, not both 0. */
static bool escapes_valid(const char *at, const char *end)
{
    for (; (at = memchr(at, '%', (size_t)(end - at))); at += 3) {
        int high = end - at > 2 ? gw__hex_digit(at[1]) : -1;
        int low = high < 0 ? -1 : gw__hex_digit(at[2]);
        if (low < 0 || high + low == 0)
            return false;
    }
    return true;
}

/* A path of allowed characters, '%' or '.' among them: can it stay? */
static bool is_plain(const char *path, size_t size)
{
    if (memchr(path, '%', size))
        return false;
    for (const char *at = path, *end = path + size; (at = memchr(at, '.', (size_t)(end - at))); at++)
        if (at > path && at[-1] == '/')
            return false;
    return true;
}

static bool split_path(const char *at, const char *end, struct gw__target *out)
{
    const char *from = at;
    at += gw__chars_span(at, (size_t)(end - at), GW__CHAR_PLAIN);
    if (at < end && (*at == '%' || *at == '.')) {
        at += gw__chars_span(at, (size_t)(end - at), GW__CHAR_PATH);
        if (!escapes_valid(from, at))
            return false;
        out->plain = is_plain(from, (size_t)(at - from));
    }
    out->path = (struct gw__str){from, (size_t)(at - from)};
    if (at == end)
        return true;
    if (*at != '?')
        return false;
    out->has_query = true;
    out->query = (struct gw__str){at + 1, (size_t)(end - at - 1)};
    return gw__chars_are(out->query.data, out->query.size, GW__CHAR_QUERY);
}

static size_t scheme_size(struct gw__str target)
{
    if (target.size >= 7 && gw__case_equal(target.data, "http://", 7))
        return 7;
    return target.size >= 8 && gw__case_equal(target.data, "https://", 8) ? 8 : 0;
}

bool gw__target_split(struct gw__str target, struct gw__target *out)
{
    const char *at = target.data, *end = at + target.size;
    *out = (struct gw__target){.plain = true};
    if (target.size == 0)
        return false;
    if (*at == '/')
        return split_path(at, end, out);
    if (target.size == 1 && *at == '*') {
        out->path = target;
        return true;
    }
    size_t scheme = scheme_size(target);
    if (!scheme)
        return false;
    at += scheme;
    const char *authority = at;
    while (at < end && *at != '/' && *at != '?')
        at++;
    out->authority = (struct gw__str){authority, (size_t)(at - authority)};
    if (!gw__host_valid(out->authority) || !split_path(at, end, out))
        return false;
    if (out->path.size == 0)
        out->path = (struct gw__str){root, 1};
    return true;
}

/* Writes one %XX, or what it stands for where that is unreserved. */
static char *copy_escape(char *to, const char *from)
{
    int high = gw__hex_digit(from[1]), low = gw__hex_digit(from[2]);
    char c = (char)(high << 4 | low);
    if (gw__char_is(c, GW__CHAR_HOST)) {
        *to++ = c;
        return to;
    }
    *to++ = '%';
    *to++ = "0123456789ABCDEF"[high];
    *to++ = "0123456789ABCDEF"[low];
    return to;
}

/* Writes one "/segment" to its end, decoded. Returns the end of what was written. */
static char *copy_segment(char *to, const char **from, const char *end)
{
    const char *at = *from;
    for (*to++ = *at++; at < end && *at != '/';) {
        if (*at != '%') {
            *to++ = *at++;
            continue;
        }
        to = copy_escape(to, at);
        at += 3;
    }
    *from = at;
    return to;
}

/* Where to write on after the segment in [segment, to): its own end, or for "." and ".." what is left without it. */
static char *drop_dots(const char *start, char *segment, char *to)
{
    size_t size = (size_t)(to - segment);
    if (size == 2 && segment[1] == '.')
        return segment;
    if (size != 3 || segment[1] != '.' || segment[2] != '.')
        return to;
    while (segment > start && *--segment != '/')
        ;
    return segment;
}

struct gw__str gw__path_normalise(struct gw__str path, struct gw__arena *arena)
{
    static const struct gw__str none = {NULL, 0};
    const char *from = path.data, *end = from + path.size;
    if (path.size == 1 && *from == '*')
        return path;
    if (path.size == 0 || *from != '/' || !gw__chars_are(from, path.size, GW__CHAR_PATH) || !escapes_valid(from, end))
        return none;
    if (is_plain(from, path.size))
        return path;
    char *start = gw__arena_alloc(arena, path.size + 1), *to = start;
    if (!start)
        return none;
    while (from < end) {
        char *segment = to;
        to = copy_segment(segment, &from, end);
        char *kept = drop_dots(start, segment, to);
        if (kept != to && from == end)
            *kept++ = '/'; /* "/a/." and "/a/b/.." are "/a/" */
        to = kept;
    }
    *to = '\0';
    struct gw__str normal = {start, (size_t)(to - start)};
    return gw__str_equal(normal, path) ? path : normal;
}

size_t gw__path_merge_slashes(char *path, size_t size)
{
    size_t kept = 0;
    for (size_t i = 0; i < size; i++) {
        if (path[i] == '/' && i > 0 && path[i - 1] == '/')
            continue;
        if (kept != i)
            path[kept] = path[i];
        kept++;
    }
    return kept;
}

char *gw__percent_decode(struct gw__str text, struct gw__arena *arena)
{
    char *start = gw__arena_alloc(arena, text.size + 1), *to = start;
    if (!start)
        return NULL;
    for (const char *from = text.data, *end = from + text.size; from < end;) {
        int high = *from == '%' && end - from > 2 ? gw__hex_digit(from[1]) : -1;
        int low = high < 0 ? -1 : gw__hex_digit(from[2]);
        if (low < 0) {
            *to++ = *from++;
            continue;
        }
        *to++ = (char)(high << 4 | low);
        from += 3;
    }
    *to = '\0';
    return start;
}

static bool port_valid(const char *at, const char *end)
{
    size_t size = (size_t)(end - at);
    if (size == 0 || size > 5 || !gw__chars_are(at, size, GW__CHAR_DIGIT))
        return false;
    return size < 5 || *at < '6' || memcmp(at, "65535", 5) <= 0;
}

static bool ipv6_valid(const char *at, size_t size)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (size >= sizeof text || memchr(at, '\0', size))
        return false;
    memcpy(text, at, size);
    text[size] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1;
}

bool gw__host_valid(struct gw__str host)
{
    const char *at = host.data, *end = at + host.size;
    if (host.size == 0)
        return false;
    if (*at == '[') {
        const char *close = memchr(at, ']', host.size);
        if (!close || !ipv6_valid(at + 1, (size_t)(close - at - 1)))
            return false;
        at = close + 1;
    } else {
        at += gw__chars_span(at, host.size, GW__CHAR_HOST);
        if (at == host.data)
            return false;
    }
    return at == end || (*at == ':' && port_valid(at + 1, end));
}
