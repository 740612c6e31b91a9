/* Field names to ids: a switch over the length, then words compared, letters in any case. */
#ifndef GW_HTTP_NAMES_H
#define GW_HTTP_NAMES_H

#include "http/chars.h"
#include "http/head.h"

/* `want` in lower case: letters differ in 0x20 at most, other characters not at all. Folds to constants. */
static inline bool gw__name_is64(const char *name, const char *want)
{
    uint64_t word = gw__load64(want);
    return ((gw__load64(name) ^ word) & ~((word & 0x4040404040404040u) >> 1)) == 0;
}

static inline bool gw__name_is32(const char *name, const char *want)
{
    uint32_t word = gw__load32(want);
    return ((gw__load32(name) ^ word) & ~((word & 0x40404040u) >> 1)) == 0;
}

/* For constant sizes of 4 and above. */
static inline __attribute__((always_inline)) bool gw__name_is(const char *name, const char *want, size_t size)
{
    if (size < 8)
        return gw__name_is32(name, want) && (size == 4 || gw__name_is32(name + size - 4, want + size - 4));
    if (size > 16 && !gw__name_is64(name + 8, want + 8))
        return false;
    return gw__name_is64(name + size - 8, want + size - 8) && gw__name_is64(name, want);
}

static inline __attribute__((always_inline)) enum gw__field_id gw__field_id_inline(const char *name, size_t size)
{
    char first = size ? name[0] | 0x20 : 0;
    switch (size) {
    case 2: return first == 't' && (name[1] | 0x20) == 'e' ? GW__FIELD_TE : GW__FIELD_OTHER;
    case 3: return first == 'v' && (name[1] | 0x20) == 'i' && (name[2] | 0x20) == 'a' ? GW__FIELD_VIA : GW__FIELD_OTHER;
    case 4:
        if (gw__name_is(name, "host", 4))
            return GW__FIELD_HOST;
        if (gw__name_is(name, "date", 4))
            return GW__FIELD_DATE;
        return gw__name_is(name, "etag", 4) ? GW__FIELD_ETAG : GW__FIELD_OTHER;
    case 6:
        if (first == 'a')
            return gw__name_is(name, "accept", 6) ? GW__FIELD_ACCEPT : GW__FIELD_OTHER;
        if (first == 's')
            return gw__name_is(name, "server", 6) ? GW__FIELD_SERVER : GW__FIELD_OTHER;
        if (first == 'c')
            return gw__name_is(name, "cookie", 6) ? GW__FIELD_COOKIE : GW__FIELD_OTHER;
        return gw__name_is(name, "expect", 6) ? GW__FIELD_EXPECT : GW__FIELD_OTHER;
    case 7:
        if (first == 'u')
            return gw__name_is(name, "upgrade", 7) ? GW__FIELD_UPGRADE : GW__FIELD_OTHER;
        return gw__name_is(name, "trailer", 7) ? GW__FIELD_TRAILER : GW__FIELD_OTHER;
    case 9: return gw__name_is(name, "forwarded", 9) ? GW__FIELD_FORWARDED : GW__FIELD_OTHER;
    case 10:
        if (first == 'c')
            return gw__name_is(name, "connection", 10) ? GW__FIELD_CONNECTION : GW__FIELD_OTHER;
        if (first == 'u')
            return gw__name_is(name, "user-agent", 10) ? GW__FIELD_USER_AGENT : GW__FIELD_OTHER;
        if (first == 's')
            return gw__name_is(name, "set-cookie", 10) ? GW__FIELD_SET_COOKIE : GW__FIELD_OTHER;
        return gw__name_is(name, "keep-alive", 10) ? GW__FIELD_KEEP_ALIVE : GW__FIELD_OTHER;
    case 12:
        if (first == 'c')
            return gw__name_is(name, "content-type", 12) ? GW__FIELD_CONTENT_TYPE : GW__FIELD_OTHER;
        return gw__name_is(name, "max-forwards", 12) ? GW__FIELD_MAX_FORWARDS : GW__FIELD_OTHER;
    case 13:
        if (first == 'c')
            return gw__name_is(name, "cache-control", 13) ? GW__FIELD_CACHE_CONTROL : GW__FIELD_OTHER;
        if (first == 'l')
            return gw__name_is(name, "last-modified", 13) ? GW__FIELD_LAST_MODIFIED : GW__FIELD_OTHER;
        if (gw__name_is(name, "authorization", 13))
            return GW__FIELD_AUTHORIZATION;
        return gw__name_is(name, "accept-ranges", 13) ? GW__FIELD_ACCEPT_RANGES : GW__FIELD_OTHER;
    case 14: return gw__name_is(name, "content-length", 14) ? GW__FIELD_CONTENT_LENGTH : GW__FIELD_OTHER;
    case 15:
        if (first == 'x')
            return gw__name_is(name, "x-forwarded-for", 15) ? GW__FIELD_X_FORWARDED_FOR : GW__FIELD_OTHER;
        if (gw__name_is(name, "accept-encoding", 15))
            return GW__FIELD_ACCEPT_ENCODING;
        return gw__name_is(name, "accept-language", 15) ? GW__FIELD_ACCEPT_LANGUAGE : GW__FIELD_OTHER;
    case 16:
        if (first == 'x')
            return gw__name_is(name, "x-forwarded-host", 16) ? GW__FIELD_X_FORWARDED_HOST : GW__FIELD_OTHER;
        return gw__name_is(name, "proxy-connection", 16) ? GW__FIELD_PROXY_CONNECTION : GW__FIELD_OTHER;
    case 17:
        if (first == 't')
            return gw__name_is(name, "transfer-encoding", 17) ? GW__FIELD_TRANSFER_ENCODING : GW__FIELD_OTHER;
        return gw__name_is(name, "x-forwarded-proto", 17) ? GW__FIELD_X_FORWARDED_PROTO : GW__FIELD_OTHER;
    default: return GW__FIELD_OTHER;
    }
}

/* True for the ids that are never passed on: the codec writes framing and Connection itself. */
static inline bool gw__field_id_is_hop(enum gw__field_id id)
{
    static const bool hop[GW__FIELD_LAST] = {
        [GW__FIELD_CONNECTION] = true, [GW__FIELD_KEEP_ALIVE] = true, [GW__FIELD_PROXY_CONNECTION] = true,
        [GW__FIELD_TE] = true,         [GW__FIELD_TRAILER] = true,    [GW__FIELD_TRANSFER_ENCODING] = true,
        [GW__FIELD_UPGRADE] = true,    [GW__FIELD_EXPECT] = true,     [GW__FIELD_CONTENT_LENGTH] = true,
    };
    return hop[id];
}

#endif
