/* A client's JSON to ENCODING: where it is cut does not matter, it is refused if binary refuses it (Thrift's JSON
 * refuses maps by key, too), and what was written is read as the same JSON as binary. */
#include "fuzz_types.h"

static struct gw__encode pass;

/* The wire's bytes, or the errors; the caller frees. */
static char *run(const struct fuzz_input *input, uint8_t encoding, const struct cut *cut, bool *good, size_t *size)
{
    struct gw__wire wire = {.limit_bytes = 1 << 20}, plain = {.limit_bytes = 1 << 20};
    struct gw__encode_options options = {
        .encoding = encoding, .lenient = input->option, .rules = input->rules, .plain = &plain};
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
    gw__wire_finish(&plain);
    return result;
}

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
    char *once = run(&input, ENCODING, &(struct cut){0}, &good, &once_size);
    char *again = run(&input, ENCODING, &input.cut, &again_good, &again_size);
    char *binary = run(&input, GW__ENCODING_BINARY, &(struct cut){0}, &binary_good, &binary_size);
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
