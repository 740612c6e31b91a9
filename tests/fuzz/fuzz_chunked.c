/* Chunked bodies and their trailers: the first byte says where to cut, which must not matter; what was decoded,
 * encoded again, decodes to the same. */
#include "fuzz.h"
#include "http/parse.h"
#include "http/write.h"

struct decoded {
    enum gw__chunked_result result;
    size_t taken, size;
    char *body;
};

static struct decoded decode(const void *input, size_t size, size_t step)
{
    struct gw__chunked decoder = {0};
    struct decoded out = {.result = GW__CHUNKED_MORE, .body = malloc(size + 1)};
    while (out.result == GW__CHUNKED_MORE && out.taken < size) {
        size_t count = size - out.taken < step ? size - out.taken : step;
        char *block = fuzz_copy((const char *)input + out.taken, count);
        const char *at = block, *end = block + count;
        do {
            struct gw__str piece;
            out.result = gw__chunked_next(&decoder, &at, end, &piece);
            CHECK(at >= block && at <= end && out.result != GW__CHUNKED_END);
            if (out.result == GW__CHUNKED_DATA) {
                CHECK(piece.size > 0 && piece.data >= block && piece.data + piece.size == at);
                memcpy(out.body + out.size, piece.data, piece.size);
                out.size += piece.size;
            }
        } while (out.result == GW__CHUNKED_DATA);
        CHECK(out.result != GW__CHUNKED_MORE || at == end);
        out.taken += (size_t)(at - block);
        free(block);
    }
    return out;
}

static void encode_and_decode(const struct decoded *decoded, size_t step)
{
    size_t first = decoded->size / 2, rest = decoded->size - first;
    char *text = malloc(decoded->size + 100), *at = text;
    if (first) {
        at = gw__write_chunk_size(at, first);
        at = (char *)memcpy(at, decoded->body, first) + first;
        at = (char *)memcpy(at, "\r\n", 2) + 2;
    }
    if (rest) {
        at = gw__write_chunk_size(at, rest);
        at = (char *)memcpy(at, decoded->body + first, rest) + rest;
        at = (char *)memcpy(at, "\r\n", 2) + 2;
    }
    at = gw__write_chunk_size(at, 0);
    struct decoded again = decode(text, (size_t)(at - text), step);
    CHECK(again.result == GW__CHUNKED_TRAILERS && again.taken == (size_t)(at - text));
    CHECK(again.size == decoded->size && memcmp(again.body, decoded->body, again.size) == 0);
    free(again.body);
    free(text);
}

static void parse_trailers(const char *input, size_t size)
{
    static const struct gw__parse_limits limits = {300, 1000, 20};
    static struct gw__raw_head raw;
    struct gw__parse_error error;
    enum gw__parse_result last = GW__PARSE_MORE;
    for (size_t cut = 0; cut <= size; cut++) {
        char *data = fuzz_copy(input, cut);
        enum gw__parse_result result = gw__parse_trailers(data, cut, &limits, &raw, &error);
        CHECK(last == GW__PARSE_MORE || last == result);
        if (result == GW__PARSE_OK) {
            CHECK(raw.size <= cut && (last == GW__PARSE_OK || raw.size == cut));
            struct gw__arena arena;
            struct gw__fields fields;
            gw__arena_init(&arena, NULL);
            CHECK(gw__fields_from_trailers(&fields, &raw, data, &arena));
            CHECK(fields.count <= raw.count);
            CHECK(!gw__fields_find(&fields, "content-length", 14, 0) && !gw__fields_find(&fields, "Host", 4, 0));
            gw__arena_finish(&arena);
        }
        free(data);
        last = result;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 4096)
        return 0;
    size_t step = 1 + data[0] % 40;
    data++;
    size--;
    struct decoded whole = decode(data, size, size), cut = decode(data, size, step);
    CHECK(whole.result == cut.result && whole.size == cut.size && whole.taken == cut.taken);
    CHECK(memcmp(whole.body, cut.body, whole.size) == 0);
    if (whole.result == GW__CHUNKED_TRAILERS) {
        encode_and_decode(&whole, step);
        parse_trailers((const char *)data + whole.taken, size - whole.taken);
    }
    free(whole.body);
    free(cut.body);
    return 0;
}
