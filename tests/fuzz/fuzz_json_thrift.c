/* JSON to Thrift to JSON: the first bytes say which method's arguments it is, which mode, and where to cut, which must
 * not matter. What was taken is well-formed on the wire, and its JSON is taken again, strictly, for the same bytes. */
#include "../unit/wire_types.h"
#include "fuzz.h"
#include "fuzz_values.h"

static struct gw__encode pass;
static struct gw__json_rules rules;

/* The wire's bytes or the errors; the caller frees. */
static char *run(const struct gw__method *method, bool lenient, const char *text, size_t text_size,
                 const struct cut *cut, bool *good, size_t *size)
{
    struct gw__wire wire = {.limit_bytes = 1 << 20};
    gw__encode_init(&pass, method, &(struct gw__encode_options){.lenient = lenient, .rules = rules}, &wire);
    *good = encode_all(&pass, text, text_size, cut) == GW__WIRE_DONE;
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

static void check_json(const char *text, size_t size)
{
    struct gw__json json;
    enum gw__json_event event;
    gw__json_init(&json, GW__JSON_DEPTH_MAX);
    gw__json_feed(&json, text, size, true);
    while ((event = gw__json_next(&json)) != GW__JSON_END)
        CHECK(event != GW__JSON_ERROR && event != GW__JSON_MORE);
    gw__json_finish(&json);
}

static bool same(const struct gw__json_out *a, const struct gw__json_out *b)
{
    size_t size = (size_t)(a->at - a->begin);
    return (size_t)(b->at - b->begin) == size && (size == 0 || memcmp(a->begin, b->begin, size) == 0);
}

static bool to_json(const struct gw__method *method, const char *bytes, size_t size, struct gw__json_out *out)
{
    static struct gw__decode decode;
    size_t taken;
    struct gw__decode_options options = {.any = true, .rules = rules};
    if (method->body_is_argument)
        gw__decode_init_result(&decode, method->arguments, &options, out);
    else
        gw__decode_init_value(&decode, &method->arguments->type, &options, out);
    enum gw__wire_status status = gw__decode_feed(&decode, bytes, size, &taken);
    bool good = status == GW__WIRE_DONE && taken == size && !out->repaired;
    gw__decode_finish(&decode);
    return good;
}

/* Infinite doubles become null, which is no double: such texts are not taken again. */
static void check_again(const struct gw__method *method, const char *bytes, size_t size, bool lenient)
{
    struct gw__json_out once = {0}, twice = {0};
    bool good;
    size_t again_size;
    struct cut whole = {0};
    bool read = to_json(method, bytes, size, &once);
    CHECK(read || lenient); /* a lenient list of lists of what is no list may be too deep */
    if (read) {
        check_json(once.begin, (size_t)(once.at - once.begin));
        char *again = run(method, false, once.begin, (size_t)(once.at - once.begin), &whole, &good, &again_size);
        CHECK(good || lenient);
        if (good && !lenient) {
            CHECK(again_size == size && memcmp(again, bytes, size) == 0);
            CHECK(to_json(method, again, again_size, &twice) && same(&once, &twice));
        }
        free(again);
    }
    gw__json_out_finish(&once);
    gw__json_out_finish(&twice);
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
    const char *text = (const char *)data + 3;
    size_t wire_size, other_size;
    bool lenient = data[2] >= 128, good, other_good;
    size -= 3;
    rules = fuzz_rules(data[2] >> 5);
    char *bytes = run(method, lenient, text, size, &whole, &good, &wire_size);
    char *other = run(method, lenient, text, size, &cut, &other_good, &other_size);
    CHECK(good == other_good && wire_size == other_size && memcmp(bytes, other, wire_size) == 0);
    if (good)
        check_again(method, bytes, wire_size, lenient);
    else
        check_json(bytes, wire_size);
    free(bytes);
    free(other);
    return 0;
}
