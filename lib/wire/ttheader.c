/* Fixed part: u32 length of all behind it, u16 magic, u16 flags, u32 sequence id, u16 a quarter of the size of what
 * comes up to the payload: u8 protocol, u8 number of transforms, blocks of entries, zeros up to a multiple of 4. */
#include "wire/ttheader.h"

enum { MAGIC = 0x1000, PADDING = 0, STRINGS = 1, NUMBERS = 0x10, TOKEN = 0x11, LIMIT = 65535 };

void gw__ttheader_begin(struct gw__ttheader_writer *writer, uint32_t sequence, uint8_t protocol)
{
    writer->fixed = gw__wire_take(writer->wire, GW__TTHEADER_FIXED_BYTES + 2);
    if (!writer->fixed)
        return;
    memset(writer->fixed, 0, GW__TTHEADER_FIXED_BYTES + 2);
    gw__wire_set16(writer->fixed + 4, MAGIC);
    gw__wire_set32(writer->fixed + 8, sequence);
    writer->fixed[GW__TTHEADER_FIXED_BYTES] = (char)protocol;
}

static void close_block(struct gw__ttheader_writer *writer)
{
    if (writer->count)
        gw__wire_set16(writer->count, writer->entries);
    writer->count = NULL;
    writer->entries = 0;
}

/* Room for one more entry, in a block of its kind; NULL: lost, or too long. */
static char *open_entry(struct gw__ttheader_writer *writer, uint8_t block, size_t size)
{
    if (!writer->count || writer->block != block) {
        char *begin = gw__wire_take(writer->wire, 3);
        if (!begin)
            return NULL;
        close_block(writer);
        *begin = (char)block;
        writer->block = block;
        writer->count = begin + 1;
    }
    writer->too_long = writer->too_long || writer->entries == LIMIT;
    if (writer->too_long)
        return NULL;
    writer->entries++;
    return gw__wire_take(writer->wire, size);
}

static char *put_text(char *out, struct gw__str text)
{
    gw__wire_set16(out, (uint16_t)text.size);
    if (text.size)
        memcpy(out + 2, text.data, text.size);
    return out + 2 + text.size;
}

void gw__ttheader_put(struct gw__ttheader_writer *writer, enum gw__ttheader_number number, struct gw__str value)
{
    writer->too_long = writer->too_long || value.size > LIMIT;
    char *out = writer->too_long ? NULL : open_entry(writer, NUMBERS, 4 + value.size);
    if (!out)
        return;
    gw__wire_set16(out, (uint16_t)number);
    put_text(out + 2, value);
}

void gw__ttheader_put_string(struct gw__ttheader_writer *writer, struct gw__str prefix, struct gw__str name,
                             struct gw__str value)
{
    writer->too_long = writer->too_long || value.size > LIMIT || prefix.size + name.size > LIMIT;
    char *out = writer->too_long ? NULL : open_entry(writer, STRINGS, 4 + prefix.size + name.size + value.size);
    if (!out)
        return;
    char *at = put_text(out, prefix);
    gw__wire_set16(out, (uint16_t)(prefix.size + name.size));
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        *at++ = c == '-' ? '_' : (char)(c - ((unsigned char)(c - 'a') < 26 ? 'a' - 'A' : 0));
    }
    put_text(at, value);
}

void gw__ttheader_end(struct gw__ttheader_writer *writer, uint64_t payload)
{
    if (writer->wire->lost)
        return;
    close_block(writer);
    size_t size = gw__wire_settle(writer->wire), padding = (size_t)(GW__TTHEADER_FIXED_BYTES - size) & 3;
    char *zeros = gw__wire_take(writer->wire, padding);
    size_t header = size + padding - GW__TTHEADER_FIXED_BYTES;
    writer->too_long = writer->too_long || header > GW__TTHEADER_MOST_BYTES;
    if (writer->too_long || !zeros)
        return;
    memset(zeros, 0, padding);
    gw__wire_set32(writer->fixed, (uint32_t)(GW__TTHEADER_FIXED_BYTES - 4 + header + payload));
    gw__wire_set16(writer->fixed + 12, (uint16_t)(header / 4));
    gw__wire_settle(writer->wire);
}

/* ---- entries that have come ---- */

static bool take16(struct gw__ttheader_walk *walk, uint16_t *value)
{
    if (walk->end - walk->at < 2)
        return false;
    *value = gw__wire_get16(walk->at);
    walk->at += 2;
    return true;
}

static bool take_text(struct gw__ttheader_walk *walk, struct gw__str *text)
{
    uint16_t size;
    if (!take16(walk, &size) || walk->end - walk->at < size)
        return false;
    *text = (struct gw__str){walk->at, size};
    walk->at += size;
    return true;
}

/* Goes to the next block that has entries; false: there is none. */
static bool next_block(struct gw__ttheader_walk *walk, bool *bad)
{
    while (!walk->left) {
        if (walk->at == walk->end)
            return false;
        walk->block = (uint8_t)*walk->at++;
        if (walk->block == TOKEN)
            walk->left = 1;
        else if (walk->block != PADDING)
            *bad = (walk->block != STRINGS && walk->block != NUMBERS) || !take16(walk, &walk->left);
        if (*bad)
            return false;
    }
    return true;
}

bool gw__ttheader_next(struct gw__ttheader_walk *walk, struct gw__ttheader_entry *entry, bool *bad)
{
    static const char token[] = "gdpr-token";
    *bad = false;
    if (!next_block(walk, bad))
        return false;
    walk->left--;
    *entry = (struct gw__ttheader_entry){0};
    bool good = true;
    if (walk->block == NUMBERS)
        good = take16(walk, &entry->number);
    else if (walk->block == STRINGS)
        good = take_text(walk, &entry->key);
    else
        entry->key = (struct gw__str){token, sizeof token - 1};
    *bad = !good || !take_text(walk, &entry->value);
    return !*bad;
}
