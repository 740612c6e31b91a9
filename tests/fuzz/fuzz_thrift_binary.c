/* Thrift binary to JSON: the first bytes say which method's result it is and where to cut, which must not matter. What
 * comes out is JSON. The same bytes as a message's header, as a fault, and as what is passed over. */
#include "../unit/wire_types.h"
#include "fuzz.h"
#include "fuzz_values.h"
#include "wire/fault.h"

static struct gw__decode pass;
static struct gw__json_rules rules;

static void check_json(const struct gw__json_out *out)
{
    struct gw__json json;
    enum gw__json_event event;
    gw__json_init(&json, GW__JSON_DEPTH_MAX);
    char *text = fuzz_copy(out->begin, (size_t)(out->at - out->begin));
    gw__json_feed(&json, text, (size_t)(out->at - out->begin), true);
    while ((event = gw__json_next(&json)) != GW__JSON_END)
        CHECK(event != GW__JSON_ERROR && event != GW__JSON_MORE);
    gw__json_finish(&json);
    free(text);
}

/* What does not fit is told as JSON, wherever the bytes were cut. */
static void check_told(const struct gw__json_out *out)
{
    struct gw__json_out errors = {0};
    struct gw__text sentence = {0};
    CHECK(gw__decode_tell(&pass, out->begin, (size_t)(out->at - out->begin), &errors, &sentence));
    check_json(&errors);
    CHECK(sentence.size > 0);
    gw__json_out_finish(&errors);
    gw__text_finish(&sentence);
}

static enum gw__wire_status run(const struct gw__record *result, const char *data, size_t size, const struct cut *cut,
                                bool names, struct gw__json_out *out, size_t *taken)
{
    struct gw__decode_options options = {.enum_names = names, .rules = rules};
    gw__decode_init_result(&pass, result, &options, out);
    enum gw__wire_status status = decode_all(&pass, data, size, cut, taken);
    CHECK(!pass.no_memory && (status != GW__WIRE_BAD || pass.why));
    if (status == GW__WIRE_BAD)
        check_told(out);
    gw__decode_finish(&pass);
    return status;
}

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

static enum gw__wire_status feed_fault(struct gw__thrift_fault *fault, const char *data, size_t size,
                                       const struct cut *cut)
{
    enum gw__wire_status status = GW__WIRE_MORE;
    for (size_t done = 0; status == GW__WIRE_MORE && done < size;) {
        size_t count = cut_size(cut, done, size - done), taken;
        char *block = cut_block(data + done, count);
        status = gw__thrift_fault_feed(fault, block, count, &taken);
        CHECK(taken <= count && (status != GW__WIRE_MORE || taken == count));
        done += count;
        free(block);
    }
    return status;
}

/* A fault is a struct like any other to who passes over it; where it is cut does not matter. */
static void check_fault(const char *data, size_t size, const struct cut *cut)
{
    static struct gw__thrift_skip skip;
    struct gw__thrift_in in = {0};
    struct gw__thrift_fault fault, other;
    size_t taken;
    gw__thrift_fault_init(&fault, GW__ENCODING_BINARY);
    gw__thrift_fault_init(&other, GW__ENCODING_BINARY);
    gw__thrift_skip_init(&skip, GW__THRIFT_STRUCT);
    gw__thrift_in_feed(&in, data, size);
    enum gw__wire_status want = gw__thrift_skip(&skip, &in), got = gw__thrift_fault_feed(&fault, data, size, &taken);
    if (got == GW__WIRE_DONE && want != GW__WIRE_BAD) /* BAD: one level too deep, with the fault's own */
        CHECK(want == got && taken == size - (size_t)(in.end - in.at));
    CHECK(feed_fault(&other, data, size, cut) == got);
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
    static struct gw__schema *schemas[3];
    static const struct idl_text files = {NULL, SOURCE_ROOT};
    if (!schemas[0]) {
        schemas[0] = idl_schema("types.thrift", &files);
        schemas[1] = idl_schema("uuid.thrift", &files);
        schemas[2] = fuzz_values();
    }
    CHECK(schemas[0] && schemas[1] && schemas[2]);
    if (size < 3 || size > 4096)
        return 0;
    const struct gw__rpc *service = schemas[data[0] < 128 ? 0 : data[0] < 160 ? 1 : 2]->main;
    const struct gw__method *method = service->methods[data[0] % service->count];
    struct cut cut = {data[1], 1 + data[2] % 32}, whole = {0};
    struct gw__json_out out = {0}, other = {0};
    const char *bytes = (const char *)data + 3;
    size_t taken = 0, other_taken = 0;
    size -= 3;
    rules = fuzz_rules(data[2] >> 5);
    enum gw__wire_status status = run(method->result, bytes, size, &whole, data[2] >= 128, &out, &taken);
    CHECK(run(method->result, bytes, size, &cut, data[2] >= 128, &other, &other_taken) == status);
    if (status == GW__WIRE_DONE) {
        size_t length = (size_t)(out.at - out.begin);
        CHECK((size_t)(other.at - other.begin) == length);
        CHECK(length == 0 || memcmp(out.begin, other.begin, length) == 0);
        if (length)
            check_json(&out);
    }
    check_skip(bytes, size, &cut);
    check_fault(bytes, size, &cut);
    check_header(bytes, size);
    gw__json_out_finish(&out);
    gw__json_out_finish(&other);
    return 0;
}
