/* Head: the start line and fields of a message, as the rest of the gateway sees them, whatever version
 * carried them. Names and values point into the arena the head was copied to; the byte behind a value
 * is writable, so that it can be terminated on demand. */
#ifndef GW_HTTP_HEAD_H
#define GW_HTTP_HEAD_H

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define GW__MAX_FIELDS 256 /* what the parser has room for; limits.headers is lower */
#define GW__MOST_FIELDS 512 /* with what is added */

/* Fields the gateway itself looks at, and very common ones. The rest is GW__FIELD_OTHER. */
enum gw__field_id {
    GW__FIELD_OTHER,
    GW__FIELD_HOST,
    GW__FIELD_CONTENT_LENGTH,
    GW__FIELD_TRANSFER_ENCODING,
    GW__FIELD_CONNECTION,
    GW__FIELD_KEEP_ALIVE,
    GW__FIELD_PROXY_CONNECTION,
    GW__FIELD_TE,
    GW__FIELD_TRAILER,
    GW__FIELD_UPGRADE,
    GW__FIELD_EXPECT,
    GW__FIELD_VIA,
    GW__FIELD_DATE,
    GW__FIELD_SERVER,
    GW__FIELD_CONTENT_TYPE,
    GW__FIELD_FORWARDED,
    GW__FIELD_X_FORWARDED_FOR,
    GW__FIELD_X_FORWARDED_PROTO,
    GW__FIELD_X_FORWARDED_HOST,
    GW__FIELD_MAX_FORWARDS,
    GW__FIELD_ACCEPT,
    GW__FIELD_ACCEPT_ENCODING,
    GW__FIELD_ACCEPT_LANGUAGE,
    GW__FIELD_ACCEPT_RANGES,
    GW__FIELD_AUTHORIZATION,
    GW__FIELD_CACHE_CONTROL,
    GW__FIELD_COOKIE,
    GW__FIELD_ETAG,
    GW__FIELD_LAST_MODIFIED,
    GW__FIELD_SET_COOKIE,
    GW__FIELD_USER_AGENT,
    GW__FIELD_LAST,
};

/* The id of a name in any case. */
enum gw__field_id gw__field_id(const char *name, size_t size);

struct gw__header {
    const char *name, *value;
    uint32_t value_size;
    uint16_t name_size;
    uint8_t id;
    bool hop; /* hop-by-hop: framing, Connection and what it names; not passed on */
};

struct gw__fields {
    struct gw__header *items;
    uint16_t count, capacity;
    uint32_t ids; /* a bit for each id that may be among them; none that is there lacks its bit */
    size_t bytes; /* at least what they take as lines */
};
_Static_assert(GW__FIELD_LAST <= 32, "ids have bits");

enum gw__method_id {
    GW__METHOD_OTHER,
    GW__METHOD_GET,
    GW__METHOD_HEAD,
    GW__METHOD_POST,
    GW__METHOD_PUT,
    GW__METHOD_DELETE,
    GW__METHOD_PATCH,
    GW__METHOD_CONNECT,
    GW__METHOD_OPTIONS, /* from here on: those that Max-Forwards is for */
    GW__METHOD_TRACE,
};

/* Twice does the same as once: RFC 9110 section 9.2.2. */
static inline bool gw__method_is_idempotent(unsigned id)
{
    return (1u << GW__METHOD_GET | 1u << GW__METHOD_HEAD | 1u << GW__METHOD_OPTIONS | 1u << GW__METHOD_PUT |
            1u << GW__METHOD_DELETE | 1u << GW__METHOD_TRACE) >> id & 1u;
}

/* A request's or a response's head; each uses its half of the start line. */
struct gw__head {
    struct gw__fields fields;
    struct gw__str method, path, query, host; /* path normalised; host: the authority, as sent, with port */
    struct gw__str reason;
    struct gw__str own; /* lines of the gateway's that go out behind the fields, as they are */
    int64_t content_length; /* of the body to come; -1: unknown (chunked, or until the connection closes) */
    uint16_t status;
    uint8_t method_id;      /* enum gw__method_id */
    uint8_t minor;          /* HTTP/1.minor as received */
    bool chunked;
    bool keep_alive;        /* what the message says of its connection (RFC 9112 section 9.3) */
    bool expect_continue;
    bool has_body;          /* a request: content_length > 0 or chunked. A response: set by the codec */
    bool has_query;         /* there was a '?', also with nothing behind */
};

/* First field of that id or name, from index on; NULL if there is none. */
const struct gw__header *gw__fields_search_id(const struct gw__fields *fields, enum gw__field_id id);
static inline const struct gw__header *gw__fields_find_id(const struct gw__fields *fields, enum gw__field_id id)
{
    return fields->ids & 1u << id ? gw__fields_search_id(fields, id) : NULL;
}
struct gw__header *gw__fields_find(const struct gw__fields *fields, const char *name, size_t size, size_t from);
/* Appends; the strings are kept as they are (they must live in the arena). False when out of memory or
 * over GW__MOST_FIELDS. The new field's value must be followed by a writable byte. Sets .hop for the names
 * that always are: see gw__parse_request(). */
bool gw__fields_add(struct gw__fields *fields, struct gw__arena *arena, const char *name, size_t name_size,
                    const char *value, size_t value_size);
bool gw__fields_grow(struct gw__fields *fields, struct gw__arena *arena);
/* Appends a field whose id and .hop are known. False as above. */
static inline bool gw__fields_append(struct gw__fields *fields, struct gw__arena *arena, const struct gw__header *field)
{
    if (fields->count >= fields->capacity && !gw__fields_grow(fields, arena))
        return false;
    fields->items[fields->count++] = *field;
    fields->ids |= 1u << field->id;
    fields->bytes += field->name_size + field->value_size + 4u;
    return true;
}
static inline void gw__fields_set_value(struct gw__fields *fields, struct gw__header *field, struct gw__str value)
{
    field->value = value.data;
    field->value_size = (uint32_t)value.size;
    fields->bytes += value.size;
}
/* Removes all fields of that name; returns how many. */
size_t gw__fields_remove(struct gw__fields *fields, const char *name, size_t size);

/* Character classes of RFC 9110 section 5: token, and field value without control bytes but tab. */
bool gw__is_token(const char *text, size_t size);
bool gw__is_field_value(const char *text, size_t size);
const char *gw__reason(int status); /* "Not Found"; "Unknown" for others */

#endif
