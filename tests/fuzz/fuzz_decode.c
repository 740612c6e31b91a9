/* ENCODING to a client's JSON: where the bytes are cut does not matter, what comes out is JSON, and no more memory is
 * taken than the bytes are worth. The same bytes as a fault and as a message's header. */
#include "fuzz_types.h"

enum { MOST_PER_BYTE = 128 }; /* of JSON: a name and a value, the name of an enum */

static void check_fault(const struct fuzz_input *input)
{
    static struct gw__thrift_fault fault, other;
    enum gw__wire_status status = fuzz_feed_fault(&fault, input, ENCODING, &(struct cut){0});
    CHECK(fuzz_feed_fault(&other, input, ENCODING, &input->cut) == status);
    if (status == GW__WIRE_DONE)
        CHECK(other.type == fault.type && other.size == fault.size
              && memcmp(other.message, fault.message, fault.size) == 0);
}

/* Byte by byte: it is wanted whole, and what is bad stays bad. */
static void check_header(const char *data, size_t size)
{
    struct gw__message message;
    enum gw__wire_status status = GW__WIRE_MORE;
    size_t taken = 0;
    for (size_t have = 0; status == GW__WIRE_MORE && have <= size; have++) {
        char *block = cut_block(data, have);
        status = gw__message_get(block, have, &message, &taken);
        CHECK(status != GW__WIRE_DONE || taken <= have);
        free(block);
    }
    CHECK(gw__message_get(data, size, &message, &taken) == status);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    if (!fuzz_take_input(&input, data, size))
        return 0;
    struct gw__json_out out = {0}, other = {0};
    size_t taken = 0, other_taken = 0;
    enum gw__wire_status status = fuzz_decode(&input, ENCODING, &(struct cut){0}, &out, &taken);
    CHECK(fuzz_decode(&input, ENCODING, &input.cut, &other, &other_taken) == status);
    CHECK((size_t)(out.end - out.begin) <= 65536 + MOST_PER_BYTE * input.size);
    CHECK((size_t)(other.end - other.begin) <= 65536 + MOST_PER_BYTE * input.size);
    if (status == GW__WIRE_DONE) {
        CHECK(taken == other_taken && fuzz_same(&out, &other));
        if (out.at > out.begin)
            fuzz_check_json(out.begin, (size_t)(out.at - out.begin));
    }
    check_fault(&input);
    check_header(input.bytes, input.size);
    gw__json_out_finish(&out);
    gw__json_out_finish(&other);
    return 0;
}
