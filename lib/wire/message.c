/* Message headers. Reading one looks at all its bytes again each time more have come: they are few. */
#include "wire/message.h"

#include "wire/varint.h"

#include <stdio.h>

enum { VERSION_1 = 0x8001, COMPACT_ID = 0x82, COMPACT_VERSION = 1, TYPE_SHIFT = 5, JSON_BYTES = 40 };

/* ---- writing */

static char *put_name(char *out, const struct gw__str *name)
{
    if (name->size)
        memcpy(out, name->data, name->size);
    return out + name->size;
}

static void put_strict(struct gw__wire *wire, const struct gw__message *message)
{
    char *out = gw__wire_take(wire, 12 + message->name.size);
    if (!out)
        return;
    gw__wire_set32(out, (uint32_t)VERSION_1 << 16 | message->type);
    gw__wire_set32(out + 4, (uint32_t)message->name.size);
    gw__wire_set32(put_name(out + 8, &message->name), (uint32_t)message->sequence);
}

static void put_old(struct gw__wire *wire, const struct gw__message *message)
{
    char *out = gw__wire_take(wire, 9 + message->name.size);
    if (!out)
        return;
    gw__wire_set32(out, (uint32_t)message->name.size);
    out = put_name(out + 4, &message->name);
    *out = (char)message->type;
    gw__wire_set32(out + 1, (uint32_t)message->sequence);
}

static void put_compact(struct gw__wire *wire, const struct gw__message *message)
{
    if (!gw__wire_room(wire, 2 + 2 * GW__VARINT32_BYTES + message->name.size))
        return;
    *wire->at++ = (char)COMPACT_ID;
    *wire->at++ = (char)(message->type << TYPE_SHIFT | COMPACT_VERSION);
    wire->at = gw__varint_put(wire->at, (uint32_t)message->sequence);
    wire->at = put_name(gw__varint_put(wire->at, message->name.size), &message->name);
}

static void put_json(struct gw__wire *wire, const struct gw__message *message)
{
    if (!gw__wire_room(wire, message->name.size + JSON_BYTES))
        return;
    memcpy(wire->at, "[1,\"", 4);
    wire->at = put_name(wire->at + 4, &message->name);
    wire->at += snprintf(wire->at, JSON_BYTES - 4, "\",%u,%d,", message->type, (int)message->sequence);
}

void gw__message_put(struct gw__wire *wire, const struct gw__message *message)
{
    switch (message->encoding) {
    case GW__ENCODING_COMPACT: put_compact(wire, message); break;
    case GW__ENCODING_JSON: put_json(wire, message); break;
    case GW__ENCODING_BINARY_OLD: put_old(wire, message); break;
    default: put_strict(wire, message); break;
    }
}

/* ---- reading */

static bool is_type(uint8_t type)
{
    return type >= GW__MESSAGE_CALL && type <= GW__MESSAGE_ONEWAY;
}

static enum gw__wire_status get_strict(const char *bytes, size_t size, struct gw__message *message, size_t *taken)
{
    static const char version[3] = {'\x80', '\x01', '\0'};
    if (memcmp(bytes, version, size < sizeof version ? size : sizeof version) != 0)
        return GW__WIRE_BAD;
    if (size >= 4 && !is_type((uint8_t)bytes[3]))
        return GW__WIRE_BAD;
    if (size < 8)
        return GW__WIRE_MORE;
    uint32_t name_size = gw__wire_get32(bytes + 4);
    if (name_size > GW__MESSAGE_NAME_BYTES)
        return GW__WIRE_BAD;
    if (size - 8 < name_size + 4u)
        return GW__WIRE_MORE;
    message->type = (uint8_t)bytes[3];
    message->name = (struct gw__str){bytes + 8, name_size};
    message->sequence = (int32_t)gw__wire_get32(bytes + 8 + name_size);
    *taken = 12 + (size_t)name_size;
    return GW__WIRE_DONE;
}

static enum gw__wire_status get_old(const char *bytes, size_t size, struct gw__message *message, size_t *taken)
{
    if (size < 4)
        return *bytes ? GW__WIRE_BAD : GW__WIRE_MORE;
    uint32_t name_size = gw__wire_get32(bytes);
    if (name_size > GW__MESSAGE_NAME_BYTES)
        return GW__WIRE_BAD;
    size_t type_at = 4 + (size_t)name_size;
    if (size > type_at && !is_type((uint8_t)bytes[type_at]))
        return GW__WIRE_BAD;
    if (size < type_at + 5)
        return GW__WIRE_MORE;
    message->type = (uint8_t)bytes[type_at];
    message->name = (struct gw__str){bytes + 4, name_size};
    message->sequence = (int32_t)gw__wire_get32(bytes + type_at + 1);
    *taken = type_at + 5;
    return GW__WIRE_DONE;
}

/* *at moves behind the varint. */
static enum gw__wire_status get_varint32(const char *bytes, size_t size, size_t *at, uint32_t *value)
{
    uint64_t wide;
    int taken = gw__varint_get(bytes + *at, size - *at, GW__VARINT32_BYTES, &wide);
    if (taken <= 0)
        return taken ? GW__WIRE_BAD : GW__WIRE_MORE;
    *value = (uint32_t)wide;
    *at += (size_t)taken;
    return wide > UINT32_MAX ? GW__WIRE_BAD : GW__WIRE_DONE;
}

static enum gw__wire_status get_compact(const char *bytes, size_t size, struct gw__message *message, size_t *taken)
{
    if (size < 2)
        return GW__WIRE_MORE;
    uint8_t second = (uint8_t)bytes[1];
    uint32_t sequence, name_size;
    size_t at = 2;
    message->type = second >> TYPE_SHIFT;
    if (!is_type(message->type) || (second & 0x1f) != COMPACT_VERSION)
        return GW__WIRE_BAD;
    enum gw__wire_status status = get_varint32(bytes, size, &at, &sequence);
    if (status == GW__WIRE_DONE)
        status = get_varint32(bytes, size, &at, &name_size);
    if (status != GW__WIRE_DONE)
        return status;
    if (name_size > GW__MESSAGE_NAME_BYTES)
        return GW__WIRE_BAD;
    if (size - at < name_size)
        return GW__WIRE_MORE;
    message->name = (struct gw__str){bytes + at, name_size};
    message->sequence = (int32_t)sequence;
    *taken = at + name_size;
    return GW__WIRE_DONE;
}

/* ---- reading JSON: each of these moves *at behind what it reads; *at is `end` where more must come */

static const char *pass_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

static enum gw__wire_status pass_char(const char **at, const char *end, char c)
{
    *at = pass_blanks(*at, end);
    if (*at == end)
        return GW__WIRE_MORE;
    return *(*at)++ == c ? GW__WIRE_DONE : GW__WIRE_BAD;
}

/* Up to the comma behind it. */
static enum gw__wire_status pass_integer(const char **at, const char *end, int64_t *value)
{
    const char *from = *at = pass_blanks(*at, end);
    bool negative = from < end && *from == '-';
    *value = 0;
    for (from = *at += negative; *at < end && **at >= '0' && **at <= '9' && *value <= INT32_MAX; ++*at)
        *value = *value * 10 + (**at - '0');
    if (*at == end)
        return GW__WIRE_MORE;
    *value = negative ? -*value : *value;
    return *at > from && *value >= INT32_MIN && *value <= INT32_MAX ? pass_char(at, end, ',') : GW__WIRE_BAD;
}

static enum gw__wire_status pass_name(const char **at, const char *end, struct gw__str *name)
{
    enum gw__wire_status status = pass_char(at, end, '"');
    if (status != GW__WIRE_DONE)
        return status;
    const char *from = *at;
    while (*at < end && **at != '"' && **at != '\\' && *at - from <= GW__MESSAGE_NAME_BYTES)
        ++*at;
    *name = (struct gw__str){from, (size_t)(*at - from)};
    if (name->size > GW__MESSAGE_NAME_BYTES)
        return GW__WIRE_BAD;
    if (*at == end)
        return GW__WIRE_MORE;
    status = pass_char(at, end, '"');
    return status == GW__WIRE_DONE ? pass_char(at, end, ',') : status;
}

static enum gw__wire_status get_json(const char *bytes, size_t size, struct gw__message *message, size_t *taken)
{
    const char *at = bytes + 1, *end = bytes + size;
    int64_t version, type, sequence;
    enum gw__wire_status status = pass_integer(&at, end, &version);
    if (status == GW__WIRE_DONE)
        status = version == 1 ? pass_name(&at, end, &message->name) : GW__WIRE_BAD;
    if (status == GW__WIRE_DONE)
        status = pass_integer(&at, end, &type);
    if (status == GW__WIRE_DONE)
        status = type >= 0 && type <= UINT8_MAX && is_type((uint8_t)type) ? pass_integer(&at, end, &sequence)
                                                                          : GW__WIRE_BAD;
    if (status != GW__WIRE_DONE)
        return status;
    message->type = (uint8_t)type;
    message->sequence = (int32_t)sequence;
    *taken = (size_t)(at - bytes);
    return GW__WIRE_DONE;
}

enum gw__wire_status gw__message_get(const char *bytes, size_t size, struct gw__message *message, size_t *taken)
{
    if (!size)
        return GW__WIRE_MORE;
    switch ((uint8_t)*bytes) {
    case VERSION_1 >> 8:
        message->encoding = GW__ENCODING_BINARY;
        return get_strict(bytes, size, message, taken);
    case COMPACT_ID:
        message->encoding = GW__ENCODING_COMPACT;
        return get_compact(bytes, size, message, taken);
    case '[':
        message->encoding = GW__ENCODING_JSON;
        return get_json(bytes, size, message, taken);
    default:
        message->encoding = GW__ENCODING_BINARY_OLD;
        return get_old(bytes, size, message, taken);
    }
}

size_t gw__message_most_bytes(size_t name_size)
{
    return JSON_BYTES + name_size;
}
