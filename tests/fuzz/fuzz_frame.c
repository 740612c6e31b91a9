/* Frames of answers: the first byte says where to cut, which must not matter; entries of a TTHeader lie within their
 * header, and no more is allocated than came. */
#include "fuzz.h"
#include "wire/frame.h"
#include "wire/ttheader.h"

enum { MOST_MESSAGE = 1 << 16 };

struct result {
    enum gw__frame_event event;
    size_t taken, size, entries;
    char *message;
};

static size_t walk(const struct gw__frame_reader *reader)
{
    struct gw__ttheader_walk walk = {.at = reader->entries.data, .end = reader->entries.data + reader->entries.size};
    struct gw__ttheader_entry entry;
    size_t sum = 0;
    bool bad;
    while (gw__ttheader_next(&walk, &entry, &bad))
        sum += 1 + entry.key.size * 3 + entry.value.size;
    CHECK(walk.at <= walk.end);
    return sum << 1 | bad;
}

static struct result read_frame(const char *data, size_t size, size_t step)
{
    struct gw__frame_reader reader = {0};
    struct result out = {.event = GW__FRAME_MORE, .message = malloc(MOST_MESSAGE)};
    while (out.event == GW__FRAME_MORE && out.taken < size) {
        size_t count = size - out.taken < step ? size - out.taken : step;
        char *block = fuzz_copy(data + out.taken, count);
        const char *at = block;
        struct gw__str piece;
        do {
            out.event = gw__frame_next(&reader, &at, block + count, &piece);
            CHECK(at >= block && at <= block + count);
            if (out.event == GW__FRAME_ENTRIES)
                out.entries = walk(&reader);
            size_t room = MOST_MESSAGE - out.size;
            size_t kept = out.event != GW__FRAME_PIECE ? 0 : piece.size < room ? piece.size : room;
            CHECK(out.event != GW__FRAME_PIECE || piece.size);
            if (kept)
                memcpy(out.message + out.size, piece.data, kept);
            out.size += kept;
        } while (out.event == GW__FRAME_PIECE || out.event == GW__FRAME_ENTRIES);
        CHECK(out.event != GW__FRAME_MORE || at == block + count);
        CHECK(out.event != GW__FRAME_BAD || reader.why);
        CHECK(reader.capacity <= 2 * (out.taken + count) + 512);
        out.taken += (size_t)(at - block);
        free(block);
    }
    gw__frame_finish(&reader);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 4096)
        return 0;
    size_t step = 1 + data[0] % 40, length = size - 1;
    const char *bytes = (const char *)data + 1;
    struct result whole = read_frame(bytes, length, length), cut = read_frame(bytes, length, step);
    CHECK(whole.event == cut.event && whole.entries == cut.entries);
    CHECK(whole.event == GW__FRAME_BAD || (whole.size == cut.size && whole.taken == cut.taken));
    CHECK(memcmp(whole.message, cut.message, whole.size < cut.size ? whole.size : cut.size) == 0);
    uint64_t frame;
    uint32_t id;
    if (gw__frame_id(bytes, length, &frame, &id) == GW__FRAME_END && whole.event == GW__FRAME_END)
        CHECK(whole.taken == frame);
    free(whole.message);
    free(cut.message);
    return 0;
}
