/* A client's JSON to ENCODING: where it is cut does not matter, it is refused if binary refuses it (Thrift's JSON
 * refuses maps by key, too), and what was written is read as the same JSON as binary. */
#include "fuzz_types.h"

/* A list around what is no list, around another, may be too deep for a reader. */
static void check_same(const struct fuzz_input *input, const char *bytes, size_t size, const char *binary,
                       size_t binary_size)
{
    struct gw__json_out out = {0}, other = {0};
    bool read = fuzz_to_json(input, ENCODING, bytes, size, &out);
    CHECK(read == fuzz_to_json(input, GW__ENCODING_BINARY, binary, binary_size, &other));
    CHECK(!read || fuzz_same(&out, &other));
    gw__json_out_finish(&out);
    gw__json_out_finish(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    if (!fuzz_take_input(&input, data, size))
        return 0;
    size_t once_size, again_size, binary_size;
    bool good, again_good, binary_good;
    char *once = fuzz_encode(&input, ENCODING, input.option, &(struct cut){0}, &good, &once_size);
    char *again = fuzz_encode(&input, ENCODING, input.option, &input.cut, &again_good, &again_size);
    char *binary = fuzz_encode(&input, GW__ENCODING_BINARY, input.option, &(struct cut){0}, &binary_good, &binary_size);
    CHECK(good == again_good && once_size == again_size && memcmp(once, again, once_size) == 0);
    CHECK(good == binary_good || (binary_good && ENCODING == GW__ENCODING_JSON));
    if (good)
        check_same(&input, once, once_size, binary, binary_size);
    else
        fuzz_check_json(once, once_size);
    free(once);
    free(again);
    free(binary);
    return 0;
}
