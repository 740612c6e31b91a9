/* Thrift binary to JSON: the first bytes say which method's result it is and where to cut, which must not matter. What
 * comes out is JSON. The same bytes as a message's header, as a fault, and as what is passed over. */
#include "fuzz_types.h"

/* Passing over the same bytes never reads beyond them. */
static void check_skip(const char *data, size_t size, const struct cut *cut)
{
    static struct gw__thrift_skip skip;
    struct gw__thrift_in in = {0}, other = {0};
    gw__thrift_skip_init(&skip, GW__THRIFT_STRUCT);
    gw__thrift_in_feed(&in, data, size);
    enum gw__wire_status want = gw__thrift_skip(&skip, &in), got = GW__WIRE_MORE;
    gw__thrift_skip_init(&skip, GW__THRIFT_STRUCT);
    for (size_t done = 0; got == GW__WIRE_MORE && done < size;) {
        size_t count = cut_size(cut, done, size - done);
        char *block = cut_block(data + done, count);
        done += count;
        gw__thrift_in_feed(&other, block, count);
        got = gw__thrift_skip(&skip, &other);
        free(block);
    }
    CHECK(got == want);
}

/* A fault is a struct like any other to who passes over it; where it is cut does not matter. */
static void check_fault(const struct fuzz_input *input)
{
    const char *data = input->bytes;
    static struct gw__thrift_skip skip;
    struct gw__thrift_in in = {0};
    struct gw__thrift_fault fault, other;
    size_t size = input->size, taken;
    gw__thrift_fault_init(&fault, GW__ENCODING_BINARY);
    gw__thrift_skip_init(&skip, GW__THRIFT_STRUCT);
    gw__thrift_in_feed(&in, data, size);
    enum gw__wire_status want = gw__thrift_skip(&skip, &in), got = gw__thrift_fault_feed(&fault, data, size, &taken);
    if (got == GW__WIRE_DONE && want != GW__WIRE_BAD) /* BAD: one level too deep, with the fault's own */
        CHECK(want == got && taken == size - (size_t)(in.end - in.at));
    CHECK(fuzz_feed_fault(&other, input, GW__ENCODING_BINARY, &input->cut) == got);
    CHECK(got != GW__WIRE_DONE || (other.type == fault.type && other.size == fault.size));
    CHECK(got != GW__WIRE_DONE || memcmp(other.message, fault.message, fault.size) == 0);
}

/* Byte by byte: it is wanted whole, what is bad stays bad, and what was read is written as the same bytes. */
static void check_header(const char *data, size_t size)
{
    struct gw__message message;
    enum gw__wire_status status = GW__WIRE_MORE;
    size_t taken = 0, written;
    for (size_t have = 0; status == GW__WIRE_MORE && have <= size; have++) {
        char *block = cut_block(data, have);
        status = gw__message_get(block, have, &message, &taken);
        CHECK(status != GW__WIRE_DONE || taken == have);
        free(block);
    }
    CHECK(gw__message_get(data, size, &message, &taken) == status);
    if (status != GW__WIRE_DONE || !gw__encoding_is_binary(message.encoding))
        return; /* bad, or one that may be written in several ways */
    struct gw__wire wire = {0};
    gw__message_put(&wire, &message);
    char *bytes = wire_bytes(&wire, &written);
    CHECK(written == taken && memcmp(bytes, data, taken) == 0);
    free(bytes);
    gw__wire_finish(&wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    if (!fuzz_take_input(&input, data, size))
        return 0;
    struct gw__json_out out = {0}, other = {0};
    size_t taken = 0, other_taken = 0;
    enum gw__wire_status status = fuzz_decode(&input, GW__ENCODING_BINARY, &(struct cut){0}, &out, &taken);
    CHECK(fuzz_decode(&input, GW__ENCODING_BINARY, &input.cut, &other, &other_taken) == status);
    if (status == GW__WIRE_DONE) {
        CHECK(fuzz_same(&out, &other));
        if (out.at > out.begin)
            fuzz_check_json(out.begin, (size_t)(out.at - out.begin));
    }
    check_skip(input.bytes, input.size, &input.cut);
    check_fault(&input);
    check_header(input.bytes, input.size);
    gw__json_out_finish(&out);
    gw__json_out_finish(&other);
    return 0;
}
