/* Values of Thrift binary. */
#include "wire/thrift.h"

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
