/* JSON to Thrift to JSON: the first bytes say which method's arguments it is, which mode, and where to cut, which must
 * not matter. What was taken is well-formed on the wire, and its JSON is taken again, strictly, for the same bytes. */
#include "fuzz_types.h"

/* Infinite doubles become null, which is no double: such texts are not taken again. */
static void check_again(const struct fuzz_input *input, const char *bytes, size_t size)
{
    bool lenient = input->option;
    struct gw__json_out once = {0}, twice = {0};
    bool good;
    size_t again_size;
    bool read = fuzz_to_json(input, GW__ENCODING_BINARY, bytes, size, &once);
    CHECK(read || lenient); /* a lenient list of lists of what is no list may be too deep */
    if (read) {
        fuzz_check_json(once.begin, (size_t)(once.at - once.begin));
        struct fuzz_input other = *input;
        other.bytes = once.begin;
        other.size = (size_t)(once.at - once.begin);
        char *again = fuzz_encode(&other, GW__ENCODING_BINARY, false, &(struct cut){0}, &good, &again_size);
        CHECK(good || lenient);
        if (good && !lenient) {
            CHECK(again_size == size && memcmp(again, bytes, size) == 0);
            CHECK(fuzz_to_json(input, GW__ENCODING_BINARY, again, again_size, &twice) && fuzz_same(&once, &twice));
        }
        free(again);
    }
    gw__json_out_finish(&once);
    gw__json_out_finish(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    if (!fuzz_take_input(&input, data, size))
        return 0;
    size_t wire_size, other_size;
    bool good, other_good;
    char *bytes = fuzz_encode(&input, GW__ENCODING_BINARY, input.option, &(struct cut){0}, &good, &wire_size);
    char *other = fuzz_encode(&input, GW__ENCODING_BINARY, input.option, &input.cut, &other_good, &other_size);
    CHECK(good == other_good && wire_size == other_size && memcmp(bytes, other, wire_size) == 0);
    if (good)
        check_again(&input, bytes, wire_size);
    else
        fuzz_check_json(bytes, wire_size);
    free(bytes);
    free(other);
    return 0;
}
