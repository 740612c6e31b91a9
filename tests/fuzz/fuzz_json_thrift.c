/* JSON to Thrift to JSON: the first bytes say which method's arguments it is, which mode, and where to cut, which must
 * not matter. What was taken is well-formed on the wire, and its JSON is taken again, strictly, for the same bytes. */
#include "fuzz_types.h"

static struct gw__encode pass;

/* The wire's bytes or the errors; the caller frees. */
static char *run(const struct fuzz_input *input, bool lenient, const struct cut *cut, bool *good, size_t *size)
{
    struct gw__wire wire = {.limit_bytes = 1 << 20};
    struct gw__encode_options options = {.lenient = lenient, .rules = input->rules};
    gw__encode_init(&pass, input->method, &options, &wire);
    *good = encode_all(&pass, input->bytes, input->size, cut) == GW__WIRE_DONE;
    char *result;
    CHECK(!pass.no_memory && *good == (!pass.error_count && !wire.full));
    if (*good) {
        result = wire_bytes(&wire, size);
    } else {
        *size = (size_t)(pass.errors.at - pass.errors.begin);
        result = fuzz_copy(pass.errors.begin, *size);
    }
    gw__encode_finish(&pass);
    gw__wire_finish(&wire);
    return result;
}

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
        char *again = run(&other, false, &(struct cut){0}, &good, &again_size);
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
    char *bytes = run(&input, input.option, &(struct cut){0}, &good, &wire_size);
    char *other = run(&input, input.option, &input.cut, &other_good, &other_size);
    CHECK(good == other_good && wire_size == other_size && memcmp(bytes, other, wire_size) == 0);
    if (good)
        check_again(&input, bytes, wire_size);
    else
        fuzz_check_json(bytes, wire_size);
    free(bytes);
    free(other);
    return 0;
}
