/* Message headers and values of Thrift binary. */
#include "wire/thrift.h"

enum { VERSION_1 = 0x8001 };

void gw__thrift_put_message(struct gw__wire *wire, const struct gw__thrift_message *message)
{
    char *out = gw__wire_take(wire, 12 + message->name.size);
    if (!out)
        return;
    gw__wire_set32(out, (uint32_t)VERSION_1 << 16 | message->type);
    gw__wire_set32(out + 4, (uint32_t)message->name.size);
    if (message->name.size)
        memcpy(out + 8, message->name.data, message->name.size);
    gw__wire_set32(out + 8 + message->name.size, (uint32_t)message->sequence);
}

/* As soon as what is there can't become a header any more, it is bad. */
enum gw__wire_status gw__thrift_get_message(const char *bytes, size_t size, struct gw__thrift_message *message,
                                            size_t *taken)
{
    static const char version[3] = {'\x80', '\x01', '\0'};
    size_t seen = size < sizeof version ? size : sizeof version;
    if (seen && memcmp(bytes, version, seen) != 0)
        return GW__WIRE_BAD;
    if (size >= 4 && (bytes[3] < GW__THRIFT_CALL || bytes[3] > GW__THRIFT_ONEWAY))
        return GW__WIRE_BAD;
    if (size < 8)
        return GW__WIRE_MORE;
    uint32_t name_size = gw__wire_get32(bytes + 4);
    if (name_size > GW__THRIFT_NAME_BYTES)
        return GW__WIRE_BAD;
    if (size - 8 < name_size + 4u)
        return GW__WIRE_MORE;
    message->type = (uint8_t)bytes[3];
    message->name = (struct gw__str){bytes + 8, name_size};
    message->sequence = (int32_t)gw__wire_get32(bytes + 8 + name_size);
    *taken = 12 + (size_t)name_size;
    return GW__WIRE_DONE;
}

void gw__thrift_put_integer(struct gw__wire *wire, unsigned bytes, int64_t value)
{
    char *out = gw__wire_take(wire, bytes);
    if (!out)
        return;
    if (bytes == 8)
        gw__wire_set64(out, (uint64_t)value);
    else if (bytes == 4)
        gw__wire_set32(out, (uint32_t)value);
    else if (bytes == 2)
        gw__wire_set16(out, (uint16_t)value);
    else
        *out = (char)value;
}

void gw__thrift_put_double(struct gw__wire *wire, double value)
{
    int64_t bits;
    memcpy(&bits, &value, sizeof bits);
    gw__thrift_put_integer(wire, 8, bits);
}

char *gw__thrift_put_string(struct gw__wire *wire, const char *data, size_t size)
{
    char *out = gw__wire_take(wire, size + 4);
    if (!out)
        return NULL;
    gw__wire_set32(out, (uint32_t)size);
    if (size)
        memcpy(out + 4, data, size);
    return out;
}

const char *gw__thrift_in_gather(struct gw__thrift_in *in, size_t size)
{
    size_t want = size - in->held_size, left = (size_t)(in->end - in->at), count = want < left ? want : left;
    if (count)
        memcpy(in->held + in->held_size, in->at, count);
    in->at += count;
    in->held_size = (uint8_t)(in->held_size + count);
    if (in->held_size < size)
        return NULL;
    in->held_size = 0;
    return in->held;
}
