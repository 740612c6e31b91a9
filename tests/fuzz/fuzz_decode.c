/* ENCODING to a client's JSON: where the bytes are cut does not matter, what comes out is JSON, and no more memory is
 * taken than the bytes are worth. The same bytes as a fault and as a message's header. */
#include "fuzz_types.h"
#include "wire/fault.h"

enum { MOST_PER_BYTE = 128 }; /* of JSON: a name and a value, the name of an enum */

static struct gw__decode pass;

/* What does not fit is told as JSON, wherever the bytes were cut. */
static void check_told(const struct gw__json_out *out)
{
    struct gw__json_out errors = {0};
    struct gw__text sentence = {0};
    CHECK(gw__decode_tell(&pass, out->begin, (size_t)(out->at - out->begin), &errors, &sentence));
    fuzz_check_json(errors.begin, (size_t)(errors.at - errors.begin));
    CHECK(sentence.size > 0);
    gw__json_out_finish(&errors);
    gw__text_finish(&sentence);
}

static enum gw__wire_status run(const struct fuzz_input *input, const struct cut *cut, struct gw__json_out *out,
                                size_t *taken)
{
    struct gw__decode_options options = {
        .encoding = ENCODING, .in_message = true, .enum_names = input->option, .rules = input->rules};
    gw__decode_init_result(&pass, input->method->result, &options, out);
    enum gw__wire_status status = decode_all(&pass, input->bytes, input->size, cut, taken);
    CHECK(!pass.no_memory && (status != GW__WIRE_BAD || pass.why));
    if (status == GW__WIRE_BAD)
        check_told(out);
    CHECK((size_t)(out->end - out->begin) <= 65536 + MOST_PER_BYTE * input->size);
    gw__decode_finish(&pass);
    return status;
}

static enum gw__wire_status feed_fault(struct gw__thrift_fault *fault, const struct fuzz_input *input,
                                       const struct cut *cut)
{
    enum gw__wire_status status = GW__WIRE_MORE;
    gw__thrift_fault_init(fault, ENCODING);
    for (size_t done = 0; status == GW__WIRE_MORE && done < input->size;) {
        size_t count = cut_size(cut, done, input->size - done), taken;
        char *block = cut_block(input->bytes + done, count);
        status = gw__thrift_fault_feed(fault, block, count, &taken);
        CHECK(taken <= count && (status != GW__WIRE_MORE || taken == count));
        done += count;
        free(block);
    }
    gw__thrift_fault_finish(fault);
    return status;
}

static void check_fault(const struct fuzz_input *input)
{
    static struct gw__thrift_fault fault, other;
    enum gw__wire_status status = feed_fault(&fault, input, &(struct cut){0});
    CHECK(feed_fault(&other, input, &input->cut) == status);
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
    enum gw__wire_status status = run(&input, &(struct cut){0}, &out, &taken);
    CHECK(run(&input, &input.cut, &other, &other_taken) == status);
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
