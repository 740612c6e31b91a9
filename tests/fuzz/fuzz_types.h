/* What the targets of the transcoder share: the first three bytes of an input say which method's arguments or result
 * the rest is, where to cut it, and an option. */
#ifndef GW_TEST_FUZZ_TYPES_H
#define GW_TEST_FUZZ_TYPES_H

#include "../unit/wire_types.h"
#include "fuzz.h"
#include "wire/fault.h"

/* What idl/ has not: sets and keys of any type, i64 as text, values in a struct of themselves. */
static inline struct gw__schema *fuzz_values(void)
{
    static const struct idl_text text = {
        "struct Key { 1: i32 x, 2: string y }\n"
        "union Either { 1: double left, 2: list<Values> right }\n"
        "struct Values {\n"
        "    1: set<i32> numbers, 2: set<string> words, 3: set<Key> keys, 4: set<set<bool>> bags\n"
        "    5: map<Key, i32> by_key, 6: map<list<i8>, Values> by_row, 7: map<double, string> by_ratio\n"
        "    8: i64 large (api.js_conv), 9: list<i64> larges, 10: double ratio, 11: binary bytes, 12: Either either\n"
        "    13: map<map<string, i8>, set<binary>> deep, 14: required i16 needed = 3\n"
        "}\n"
        "service S { Values Put(1: Values v) set<i64> Set(1: set<i64> v) Either Choose(1: Either v) }\n", NULL};
    return idl_schema("values.thrift", &text);
}

/* Of two bits. */
static inline struct gw__json_rules fuzz_rules(unsigned bits)
{
    uint8_t rule = bits & 3;
    return (struct gw__json_rules){.int64 = rule, .nan = rule, .binary = rule % 3};
}

struct fuzz_input {
    const struct gw__method *method;
    struct cut cut;
    bool option; /* lenient, or names of enums */
    struct gw__json_rules rules;
    const char *bytes;
    size_t size;
};

/* False: there is too little of it, or too much. */
static inline bool fuzz_take_input(struct fuzz_input *input, const uint8_t *data, size_t size)
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
        return false;
    const struct gw__rpc *service = schemas[data[0] < 128 ? 0 : data[0] < 160 ? 1 : 2]->main;
    *input = (struct fuzz_input){
        .method = service->methods[data[0] % service->count],
        .cut = {data[1], 1 + data[2] % 32},
        .option = data[2] >= 128,
        .rules = fuzz_rules(data[2] >> 5),
        .bytes = (const char *)data + 3,
        .size = size - 3,
    };
    return true;
}

static inline void fuzz_check_json(const char *text, size_t size)
{
    struct gw__json json;
    enum gw__json_event event;
    char *copy = fuzz_copy(text, size);
    gw__json_init(&json, GW__JSON_DEPTH_MAX);
    gw__json_feed(&json, copy, size, true);
    while ((event = gw__json_next(&json)) != GW__JSON_END)
        CHECK(event != GW__JSON_ERROR && event != GW__JSON_MORE);
    gw__json_finish(&json);
    free(copy);
}

static inline bool fuzz_same(const struct gw__json_out *a, const struct gw__json_out *b)
{
    size_t size = (size_t)(a->at - a->begin);
    return (size_t)(b->at - b->begin) == size && (size == 0 || memcmp(a->begin, b->begin, size) == 0);
}

/* Arguments as JSON; false if they are not read to their end. */
static inline bool fuzz_to_json(const struct fuzz_input *input, uint8_t encoding, const char *bytes, size_t size,
                                struct gw__json_out *out)
{
    static struct gw__decode decode;
    const struct gw__method *method = input->method;
    size_t taken;
    struct gw__decode_options options = {.encoding = encoding, .any = true, .rules = input->rules};
    if (method->body_is_argument)
        gw__decode_init_result(&decode, method->arguments, &options, out);
    else
        gw__decode_init_value(&decode, &method->arguments->type, &options, out);
    enum gw__wire_status status = gw__decode_feed(&decode, bytes, size, &taken);
    bool good = status == GW__WIRE_DONE && taken == size && !out->repaired;
    gw__decode_finish(&decode);
    return good;
}

/* The wire's bytes, or the errors; the caller frees. */
static inline char *fuzz_encode(const struct fuzz_input *input, uint8_t encoding, bool lenient, const struct cut *cut,
                                bool *good, size_t *size)
{
    static struct gw__encode encode;
    struct gw__wire wire = {.limit_bytes = 1 << 20}, plain = {.limit_bytes = 1 << 20};
    struct gw__encode_options options = {
        .encoding = encoding, .lenient = lenient, .rules = input->rules, .plain = &plain};
    gw__encode_init(&encode, input->method, &options, &wire);
    *good = encode_all(&encode, input->bytes, input->size, cut) == GW__WIRE_DONE;
    char *result;
    CHECK(!encode.no_memory && *good == (!encode.error_count && !wire.full));
    if (*good) {
        result = wire_bytes(&wire, size);
    } else {
        *size = (size_t)(encode.errors.at - encode.errors.begin);
        result = fuzz_copy(encode.errors.begin, *size);
    }
    gw__encode_finish(&encode);
    gw__wire_finish(&wire);
    gw__wire_finish(&plain);
    return result;
}

/* What does not fit is told as JSON, wherever the bytes were cut. */
static inline void fuzz_check_told(struct gw__decode *decode, const struct gw__json_out *out)
{
    struct gw__json_out errors = {0};
    struct gw__text sentence = {0};
    CHECK(gw__decode_tell(decode, out->begin, (size_t)(out->at - out->begin), &errors, &sentence));
    fuzz_check_json(errors.begin, (size_t)(errors.at - errors.begin));
    CHECK(sentence.size > 0);
    gw__json_out_finish(&errors);
    gw__text_finish(&sentence);
}

/* A result as JSON. */
static inline enum gw__wire_status fuzz_decode(const struct fuzz_input *input, uint8_t encoding, const struct cut *cut,
                                               struct gw__json_out *out, size_t *taken)
{
    static struct gw__decode decode;
    struct gw__decode_options options = {
        .encoding = encoding, .in_message = true, .enum_names = input->option, .rules = input->rules};
    gw__decode_init_result(&decode, input->method->result, &options, out);
    enum gw__wire_status status = decode_all(&decode, input->bytes, input->size, cut, taken);
    CHECK(!decode.no_memory && (status != GW__WIRE_BAD || decode.why));
    if (status == GW__WIRE_BAD)
        fuzz_check_told(&decode, out);
    gw__decode_finish(&decode);
    return status;
}

static inline enum gw__wire_status fuzz_feed_fault(struct gw__thrift_fault *fault, const struct fuzz_input *input,
                                                   uint8_t encoding, const struct cut *cut)
{
    enum gw__wire_status status = GW__WIRE_MORE;
    gw__thrift_fault_init(fault, encoding);
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

#endif
