/* gw_transcode_…, every way, by the public calls: where what is read is cut changes neither the outcome nor what is
 * written; what was converted to Thrift converts back; a limit is kept.
 * Input: way, number of the method, options, cut; then what is read. */
#include "fuzz.h"

#include <gateway/gateway.h>

struct written {
    size_t size, capacity;
    char *data;
};

static int keep(void *user, const void *data, size_t size)
{
    struct written *written = user;
    if (written->size + size > written->capacity) {
        written->capacity = 2 * written->capacity + size;
        written->data = realloc(written->data, written->capacity);
        CHECK(written->data);
    }
    CHECK(size > 0);
    memcpy(written->data + written->size, data, size);
    written->size += size;
    return 0;
}

/* *taken: bytes that belonged to it. */
static int run(struct gw_transcode *transcode, const struct gw_schema_method *method, enum gw_transcode_way way,
               const char *data, size_t size, size_t step, struct written *out, size_t *taken)
{
    int result = gw_transcode_begin(transcode, method, way, 1, keep, out);
    out->size = *taken = 0;
    for (size_t at = 0; result == 0;) {
        size_t count = step && step < size - at ? step : size - at, own;
        char *block = fuzz_copy(data + at, count);
        at += count;
        result = gw_transcode_feed(transcode, block, count, at == size, &own);
        CHECK(own <= count && (result != 0 || own == count));
        CHECK(result != 0 || at < size);
        *taken += own;
        free(block);
    }
    CHECK((result < 0) == (*gw_transcode_error(transcode) != '\0') || result == GW_ERROR_INPUT);
    CHECK(result != GW_ERROR_MEMORY && result != GW_ERROR_SINK);
    return result;
}

static struct gw_schema *schema(void)
{
    static struct gw_schema *made;
    if (!made) {
        made = gw_schema_create();
        CHECK(gw_schema_compile_folder(made, SOURCE_ROOT "/idl") == 0);
    }
    return made;
}

static const struct gw_schema_method *choose(uint8_t number)
{
    size_t count = 0;
    while (gw_schema_method_at(schema(), "derived", count))
        count++;
    return gw_schema_method_at(schema(), "derived", number % count);
}

static struct gw_transcode *create(uint8_t bits, uint64_t limit)
{
    static const char *const encodings[] = {"binary", "binary_old", "compact", "json"};
    struct gw_transcode_options options = {sizeof options,
                                           .encoding = encodings[bits & 3],
                                           .json = bits & 4 ? "kitex" : "strict",
                                           .enums = bits & 8 ? "name" : "number",
                                           .int64 = bits & 16 ? "auto" : "number",
                                           .nan = bits & 32 ? "string" : "null",
                                           .framed = bits & 64,
                                           .limit_bytes = limit};
    return gw_transcode_create(&options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct written whole, parts, back;
    if (size < 4 || size > 4096)
        return 0;
    enum gw_transcode_way way = data[0] % (GW_TRANSCODE_TO_ANSWER + 1);
    const struct gw_schema_method *method = choose(data[1]);
    struct gw_transcode *one = create(data[2], 0), *other = create(data[2], data[3] & 128 ? 64 : 0);
    size_t taken, other_taken;
    const char *bytes = (const char *)data + 4;
    size -= 4;
    int result = run(one, method, way, bytes, size, 0, &whole, &taken);
    int again = run(other, method, way, bytes, size, 1 + data[3] % 32, &parts, &other_taken);
    if (data[3] & 128) {
        CHECK(parts.size <= 64 && (again == result || again == GW_ERROR_LIMIT));
    } else {
        CHECK(again == result && (result != 1 || taken == other_taken));
        CHECK(result != 1 || whole.size == parts.size);
        CHECK(result != 1 || !whole.size || memcmp(whole.data, parts.data, whole.size) == 0);
        CHECK(gw_transcode_outcome(one) == gw_transcode_outcome(other) || result < 0);
    }
    if (result == 1 && (way == GW_TRANSCODE_TO_ARGUMENTS || way == GW_TRANSCODE_TO_CALL))
        CHECK(run(one, method, way == GW_TRANSCODE_TO_CALL ? GW_TRANSCODE_FROM_CALL : GW_TRANSCODE_FROM_ARGUMENTS,
                  whole.data, whole.size, 0, &back, &taken) == 1);
    gw_transcode_destroy(one);
    gw_transcode_destroy(other);
    return 0;
}
