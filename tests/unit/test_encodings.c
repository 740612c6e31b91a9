/* Compact and JSON: every type byte for byte as Apache's libraries have it, both ways and cut anywhere; what is
 * hostile; and that buffers which were used before are not allocated again. */
#include "wire_types.h"
#include "unit.h"

#define TEXT_100 "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
#define TEXT_500 TEXT_100 TEXT_100 TEXT_100 TEXT_100 TEXT_100
#define LONG_TEXT TEXT_500 TEXT_500 TEXT_500 TEXT_500 TEXT_500 TEXT_500
static const char idl[] =
    "enum Color { RED = 1, BLUE = 300 }\n"
    "struct Sub { 1: bool on; 20: i32 n }\n"
    "struct Inner { 1: required map<Sub, i32> keys = {{\"n\": 1}: 2} }\n"
    "struct Outer { 1: list<Inner> inner = [{}], 2: i32 n }\n"
    "struct Node { 1: Node node; 2: list<Node> nodes }\n"
    "struct Preset { 1: list<i64> numbers; 2: string text = \"" LONG_TEXT "\" }\n"
    "service Types {\n"
    "  Node call(1: bool truth, 2: bool lie, 3: i8 tiny, 4: i16 small, 5: i32 medium, 6: i64 large, 7: double ratio,\n"
    "    8: string text, 9: binary bytes, 10: Color color, 11: uuid id, 12: list<bool> truths, 13: set<i16> smalls,\n"
    "    14: list<i32> many, 15: map<string, i64> counts, 16: map<i64, double> ratios, 17: map<bool, string> flags,\n"
    "    18: map<i32, Sub> none, 19: Sub sub, 20: list<Sub> subs, 21: list<string> empty, 300: i16 far)\n"
    "  void doubles(1: double one, 2: list<double> many)\n"
    "  void presets(1: list<Preset> presets)\n"
    "  void defaults(1: Outer outer, 2: map<list<i8>, i8> none = {}, 3: i32 n)\n"
    "  string keys(1: map<Sub, i32> keys, 2: map<i32, i32> plain)\n"
    "}\n";

static const char json[] =
    "{\"truth\":true,\"lie\":false,\"tiny\":-128,\"small\":-32768,\"medium\":2147483647,"
    "\"large\":-9223372036854775808,\"ratio\":-0.1,\"text\":\"a\\\"\\\\\\n\\u0001\xe2\x82\xac\xf0\x9f\x98\x80/\","
    "\"bytes\":\"AAECA/8=\",\"color\":300,\"id\":\"00112233-4455-6677-8899-aabbccddeeff\",\"truths\":[true,false],"
    "\"smalls\":[0,-1],\"many\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15],\"counts\":{\"k\":1,\"\\\"\":64},"
    "\"ratios\":{\"-5\":1,\"6\":1e+300},\"flags\":{\"true\":\"y\",\"false\":\"\"},\"none\":{},"
    "\"sub\":{\"on\":true,\"n\":-64},\"subs\":[{\"on\":false},{}],\"empty\":[],\"far\":1}";

static const char in_compact[] =
    "\x11\x12\x13\x80\x14\xff\xff\x03\x15\xfe\xff\xff\xff\x0f\x16\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x17\x9a\x99"
    "\x99\x99\x99\x99\xb9\xbf\x18\x0d\x61\"\\\x0a\x01\xe2\x82\xac\xf0\x9f\x98\x80/\x18\x05\x00\x01\x02\x03\xff\x15\xd8"
    "\x04\x1d\x00\x11\"3DUfw\x88\x99\xaa\xbb\xcc\xdd\xee\xff\x19!\x01\x02\x1a$\x00\x01\x19\xf5\x0f\x02\x04\x06\x08\x0a"
    "\x0c\x0e\x10\x12\x14\x16\x18\x1a\x1c\x1e\x1b\x02\x86\x01k\x02\x01\"\x80\x01\x1b\x02g\x09\x00\x00\x00\x00\x00\x00"
    "\xf0?\x0c\x9cu\x00\x88<\xe4\x37~\x1b\x02\x18\x01\x01y\x02\x00\x1b\x00\x1c\x11\x05(\x7f\x00\x19,\x12\x00\x00\x19"
    "\x08\x04\xd8\x04\x02";

static const char in_json[] =
    "{\"1\":{\"tf\":1},\"2\":{\"tf\":0},\"3\":{\"i8\":-128},\"4\":{\"i16\":-32768},\"5\":{\"i32\":2147483647},"
    "\"6\":{\"i64\":-9223372036854775808},\"7\":{\"dbl\":-0.10000000000000001},"
    "\"8\":{\"str\":\"a\\\"\\\\\\n\\u0001\xe2\x82\xac\xf0\x9f\x98\x80/\"},\"9\":{\"str\":\"AAECA/8=\"},"
    "\"10\":{\"i32\":300},\"11\":{\"uid\":\"00112233-4455-6677-8899-aabbccddeeff\"},\"12\":{\"lst\":[\"tf\",2,1,0]},"
    "\"13\":{\"set\":[\"i16\",2,0,-1]},\"14\":{\"lst\":[\"i32\",15,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]},"
    "\"15\":{\"map\":[\"str\",\"i64\",2,{\"k\":1,\"\\\"\":64}]},"
    "\"16\":{\"map\":[\"i64\",\"dbl\",2,{\"-5\":1,\"6\":1.0000000000000001e+300}]},"
    "\"17\":{\"map\":[\"tf\",\"str\",2,{\"1\":\"y\",\"0\":\"\"}]},\"18\":{\"map\":[\"i32\",\"rec\",0,{}]},"
    "\"19\":{\"rec\":{\"1\":{\"tf\":1},\"20\":{\"i32\":-64}}},\"20\":{\"lst\":[\"rec\",2,{\"1\":{\"tf\":0}},{}]},"
    "\"21\":{\"lst\":[\"str\",0]},\"300\":{\"i16\":1}}";

struct form {
    const char *bytes;
    size_t size;
    uint8_t encoding;
};
static const struct form forms[] = {
    {in_compact, sizeof in_compact, GW__ENCODING_COMPACT}, /* its last byte is the literal's */
    {in_json, sizeof in_json - 1, GW__ENCODING_JSON},
};
enum { FORMS = sizeof forms / sizeof *forms };

static struct gw__schema *schema;
static struct gw__encode encode;
static struct gw__decode decode;

static void set_up(void)
{
    struct idl_text source = {idl, NULL};
    schema = idl_schema("types.thrift", &source);
    ck_assert_ptr_nonnull(schema);
}

static void tear_down(void)
{
    gw__schema_destroy(schema);
}

static enum gw__wire_status run_encode(uint8_t encoding, const char *body, const struct cut *cut,
                                       struct gw__wire *plain, struct gw__wire *wire)
{
    struct gw__encode_options options = {.encoding = encoding, .plain = plain};
    gw__encode_init(&encode, idl_method(schema, "call"), &options, wire);
    enum gw__wire_status status = encode_all(&encode, body, strlen(body), cut);
    gw__encode_finish(&encode);
    return status;
}

START_TEST(every_type_is_written)
{
    const struct form *form = &forms[_i];
    for (size_t i = 0; i < sizeof json; i++) {
        struct gw__wire wire = {0}, plain = {0};
        struct cut cut = {i, i % 5 == 0};
        size_t size;
        ck_assert_int_eq(run_encode(form->encoding, json, &cut, &plain, &wire), GW__WIRE_DONE);
        char *bytes = wire_bytes(&wire, &size);
        ck_assert_uint_eq(size, form->size);
        ck_assert_mem_eq(bytes, form->bytes, size);
        free(bytes);
        gw__wire_finish(&wire);
        gw__wire_finish(&plain);
    }
}
END_TEST

/* As a value, whose JSON is `out`; it is given back by the caller. */
static enum gw__wire_status run_decode(const struct gw__type *type, uint8_t encoding, const char *bytes, size_t size,
                                       const struct cut *cut, struct gw__json_out *out)
{
    struct gw__decode_options options = {.encoding = encoding};
    size_t taken;
    gw__decode_init_value(&decode, type, &options, out);
    enum gw__wire_status status = decode_all(&decode, bytes, size, cut, &taken);
    ck_assert(status != GW__WIRE_DONE || taken == size);
    ck_assert(status != GW__WIRE_BAD || (decode.why && !decode.no_memory));
    gw__decode_finish(&decode);
    return status;
}

START_TEST(every_type_is_read)
{
    const struct form *form = &forms[_i];
    const struct gw__type *type = &idl_method(schema, "call")->arguments->type;
    for (size_t i = 0; i <= form->size; i++) {
        struct gw__json_out out = {0};
        struct cut cut = {i, i % 5 == 0};
        ck_assert_int_eq(run_decode(type, form->encoding, form->bytes, form->size, &cut, &out), GW__WIRE_DONE);
        ck_assert_uint_eq((size_t)(out.at - out.begin), sizeof json - 1);
        ck_assert_mem_eq(out.begin, json, sizeof json - 1);
        gw__json_out_finish(&out);
    }
    for (size_t i = 0; i < form->size; i++) {
        struct gw__json_out out = {0};
        ck_assert_int_eq(run_decode(type, form->encoding, form->bytes, i, &(struct cut){0}, &out), GW__WIRE_MORE);
        gw__json_out_finish(&out);
    }
}
END_TEST

/* A key with an escape is, by the reader of the body. */
START_TEST(nothing_is_allocated_again)
{
    static const char body[] = "{\"text\":\"\\n\",\"many\":[1,2],\"counts\":{\"a\":1},\"truth\":true,\"ratio\":0.3}";
    const struct form *form = &forms[_i];
    const struct gw__type *type = &idl_method(schema, "call")->arguments->type;
    struct gw__wire wire = {0}, plain = {0};
    struct gw__json_out out = {0};
    for (int i = 0; i < 2; i++) {
        if (i)
            fail_allocation(0);
        gw__wire_reset(&wire);
        ck_assert_int_eq(run_encode(form->encoding, body, &(struct cut){0}, &plain, &wire), GW__WIRE_DONE);
        out.at = out.begin;
        out.comma = false;
        ck_assert_int_eq(run_decode(type, form->encoding, form->bytes, form->size, &(struct cut){0}, &out),
                         GW__WIRE_DONE);
        ck_assert(!i || !allocation_failed());
    }
    allocate_normally();
    gw__wire_finish(&wire);
    gw__wire_finish(&plain);
    gw__json_out_finish(&out);
}
END_TEST

/* Long ones come in many segments, whose bytes are written as they were, and are given back on the way. */
START_TEST(long_strings_pass_through)
{
    enum { SIZE = 5 << 20 };
    char *body = malloc(SIZE + 64);
    ck_assert_ptr_nonnull(body);
    size_t size, begin = (size_t)sprintf(body, "{\"bytes\":\"\",\"text\":\"");
    memset(body + begin, 'x', SIZE);
    strcpy(body + begin + SIZE, "\",\"far\":1}");
    struct gw__wire wire = {0}, plain = {0};
    ck_assert_int_eq(run_encode(forms[_i].encoding, body, &(struct cut){0}, &plain, &wire), GW__WIRE_DONE);
    size_t kept = 0;
    for (struct gw__wire_segment *segment = plain.first; segment; segment = segment->next)
        kept += segment->capacity;
    ck_assert_uint_lt(kept, 2 << 20);
    char *bytes = wire_bytes(&wire, &size);
    ck_assert_uint_lt(size, SIZE + 100);
    const struct gw__type *type = &idl_method(schema, "call")->arguments->type;
    for (size_t step = 1; step <= 10007; step += 10006) {
        struct gw__json_out out = {0};
        struct cut cut = {0, step};
        ck_assert_int_eq(run_decode(type, forms[_i].encoding, bytes, size, &cut, &out), GW__WIRE_DONE);
        ck_assert_uint_eq((size_t)(out.at - out.begin), begin + SIZE + 10);
        ck_assert_mem_eq(out.begin, body, begin + SIZE + 10);
        gw__json_out_finish(&out);
    }
    gw__wire_finish(&wire);
    gw__wire_finish(&plain);
    free(bytes);
    free(body);
}
END_TEST

/* The limit holds for what is sent, and for binary on the way to it. */
START_TEST(a_limit_holds)
{
    struct gw__wire wire = {.limit_bytes = 60}, plain = {.limit_bytes = 4000};
    ck_assert_int_eq(run_encode(forms[_i].encoding, json, &(struct cut){0}, &plain, &wire), GW__WIRE_BAD);
    ck_assert(wire.full && !encode.no_memory && !encode.error_count);
    gw__wire_finish(&wire);
    wire = (struct gw__wire){.limit_bytes = 4000};
    plain.limit_bytes = 60;
    ck_assert_int_eq(run_encode(forms[_i].encoding, json, &(struct cut){0}, &plain, &wire), GW__WIRE_BAD);
    ck_assert(wire.full && !encode.no_memory);
    gw__wire_finish(&wire);
    gw__wire_finish(&plain);
}
END_TEST

/* What there is of binary would go over to the target just when a default had no room any more. */
START_TEST(a_limit_is_met_by_a_default)
{
    char body[8000], *at = body;
    struct gw__wire wire = {.limit_bytes = 10000}, plain = {.limit_bytes = 10000};
    struct gw__encode_options options = {.encoding = GW__ENCODING_COMPACT, .plain = &plain};
    at += sprintf(at, "{\"presets\":[{\"numbers\":[0");
    for (int i = 1; i < 1700; i++)
        at += sprintf(at, ",0");
    at += sprintf(at, "]},{\"text\":\"\"}]}");
    gw__encode_init(&encode, idl_method(schema, "presets"), &options, &wire);
    enum gw__wire_status status = gw__encode_feed(&encode, body, strlen(body), true);
    ck_assert_int_eq(status, GW__WIRE_BAD);
    ck_assert(wire.full && !encode.no_memory);
    gw__encode_finish(&encode);
    gw__wire_finish(&wire);
    gw__wire_finish(&plain);
}
END_TEST

START_TEST(memory_runs_out)
{
    const struct form *form = &forms[_i];
    const struct gw__type *type = &idl_method(schema, "call")->arguments->type;
    bool failed = true;
    for (int i = 0; failed; i++) {
        struct gw__wire wire = {0}, plain = {0};
        struct gw__json_out out = {0};
        size_t taken;
        struct gw__decode_options options = {.encoding = form->encoding};
        fail_allocation(i);
        bool good = run_encode(form->encoding, json, &(struct cut){0, 1}, &plain, &wire) == GW__WIRE_DONE;
        failed = allocation_failed();
        ck_assert(good == !failed && encode.no_memory == failed);
        gw__decode_init_value(&decode, type, &options, &out);
        enum gw__wire_status status = decode_all(&decode, form->bytes, form->size, &(struct cut){0, 1}, &taken);
        ck_assert(allocation_failed() == failed ? status == GW__WIRE_DONE : status == GW__WIRE_BAD && decode.no_memory);
        failed = allocation_failed();
        allocate_normally();
        gw__decode_finish(&decode);
        gw__json_out_finish(&out);
        gw__wire_finish(&wire);
        gw__wire_finish(&plain);
    }
}
END_TEST

/* Of other encodings than JSON, which has no such keys. */
START_TEST(keys_that_json_can_not_have)
{
    static const char body[] = "{\"keys\":[[{\"on\":true,\"n\":1},5]],\"plain\":{\"1\":2}}";
    const struct gw__method *method = idl_method(schema, "keys");
    for (uint8_t encoding = GW__ENCODING_BINARY; encoding <= GW__ENCODING_JSON; encoding++) {
        struct gw__wire wire = {0}, plain = {0};
        struct gw__encode_options options = {.encoding = encoding, .plain = &plain};
        gw__encode_init(&encode, method, &options, &wire);
        enum gw__wire_status status = gw__encode_feed(&encode, body, strlen(body), true);
        ck_assert_int_eq(status, encoding == GW__ENCODING_JSON ? GW__WIRE_BAD : GW__WIRE_DONE);
        if (status == GW__WIRE_BAD)
            ck_assert_str_eq(encode.first.data, "/keys: expected nothing, since Thrift's JSON has no map with such keys, "
                                                "got array");
        gw__encode_finish(&encode);
        if (status == GW__WIRE_DONE) {
            struct gw__json_out out = {0};
            size_t size;
            char *bytes = wire_bytes(&wire, &size);
            ck_assert_int_eq(run_decode(&method->arguments->type, encoding, bytes, size, &(struct cut){0, 1}, &out),
                             GW__WIRE_DONE);
            ck_assert_mem_eq(out.begin, body, sizeof body - 1);
            gw__json_out_finish(&out);
            free(bytes);
        }
        gw__wire_finish(&wire);
        gw__wire_finish(&plain);
    }
}
END_TEST

/* Inside a default of the IDL, which binary and compact can send. An empty map has no keys. */
START_TEST(defaults_that_json_can_not_have)
{
    static const char *const bodies[] = {"{\"outer\":{\"n\":1}}", "{\"outer\":{\"inner\":[]}}", "{\"n\":1}"};
    for (uint8_t encoding = GW__ENCODING_BINARY; encoding <= GW__ENCODING_JSON; encoding++) {
        struct gw__wire wire = {0}, plain = {0};
        struct gw__encode_options options = {.encoding = encoding, .plain = &plain};
        gw__encode_init(&encode, idl_method(schema, "defaults"), &options, &wire);
        enum gw__wire_status status = gw__encode_feed(&encode, bodies[_i], strlen(bodies[_i]), true);
        bool bad = encoding == GW__ENCODING_JSON && _i == 0;
        ck_assert_int_eq(status, bad ? GW__WIRE_BAD : GW__WIRE_DONE);
        if (bad)
            ck_assert_str_eq(encode.first.data, "/outer/inner: expected a value, since Thrift's JSON has no map with "
                                                "the keys of its default, got nothing");
        gw__encode_finish(&encode);
        gw__wire_finish(&wire);
        gw__wire_finish(&plain);
    }
}
END_TEST

#define TEXT(text) (text), sizeof(text) - 1

/* What is bad as soon as it has come, as a method's arguments. */
static const struct form wrong[] = {
    {TEXT("\x0e"), GW__ENCODING_COMPACT},                                           /* no type */
    {TEXT("\x0f\x02"), GW__ENCODING_COMPACT},
    {TEXT("\x05\x80\x80\x80\x80\x80"), GW__ENCODING_COMPACT},                       /* an id of more than 5 bytes */
    {TEXT("\x05\x80\x80\x04"), GW__ENCODING_COMPACT},                               /* of more than 16 bits */
    {TEXT("\x05\xfe\xff\x03\x00\x11"), GW__ENCODING_COMPACT},                       /* 32767 and one more */
    {TEXT("\x54\x80\x80\x04"), GW__ENCODING_COMPACT},                               /* an i16 of 17 bits */
    {TEXT("\x55\xff\xff\xff\xff\x1f"), GW__ENCODING_COMPACT},                       /* an i32 of 33 */
    {TEXT("\x55\xff\xff\xff\xff\xff"), GW__ENCODING_COMPACT},
    {TEXT("\x66\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), GW__ENCODING_COMPACT},   /* an i64 of 65 */
    {TEXT("\x66\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), GW__ENCODING_COMPACT},
    {TEXT("\x88\x80\x80\x80\x80\x08"), GW__ENCODING_COMPACT},                       /* a string of 2 GiB */
    {TEXT("\xc9\xf1\x80\x80\x80\x80\x08"), GW__ENCODING_COMPACT},                   /* a list of 2^31 */
    {TEXT("\xc9\x11\x03"), GW__ENCODING_COMPACT},                                   /* a bool that is none */
    {TEXT("\xc9\x1e"), GW__ENCODING_COMPACT},                                       /* a list of what is no type */
    {TEXT("\xc9\x15"), GW__ENCODING_COMPACT},                                       /* a list of another one */
    {TEXT("\xfb\x80\x80\x80\x80\x08"), GW__ENCODING_COMPACT},                       /* a map of 2^31 */
    {TEXT("\xfb\x01\xe6"), GW__ENCODING_COMPACT},                                   /* of what is no type */
    {TEXT("\xfb\x01\x66"), GW__ENCODING_COMPACT},                                   /* of another one */
    {TEXT("\x11\x01\x02"), GW__ENCODING_COMPACT},                                   /* a field twice */
    {TEXT("["), GW__ENCODING_JSON},
    {TEXT("{\"32768\""), GW__ENCODING_JSON},
    {TEXT("{\"a\""), GW__ENCODING_JSON},
    {TEXT("{\"1.0\""), GW__ENCODING_JSON},
    {TEXT("{\"1\":["), GW__ENCODING_JSON},
    {TEXT("{\"1\":{}"), GW__ENCODING_JSON},
    {TEXT("{\"1\":{\"bool\""), GW__ENCODING_JSON},
    {TEXT("{\"1\":{\"tf\":2}"), GW__ENCODING_JSON},
    {TEXT("{\"1\":{\"tf\":true}"), GW__ENCODING_JSON},
    {TEXT("{\"1\":{\"tf\":1,\""), GW__ENCODING_JSON},
    {TEXT("{\"1\":{\"tf\":1},\"1\":{\"tf\":0}}"), GW__ENCODING_JSON},
    {TEXT("{\"3\":{\"i8\":128}"), GW__ENCODING_JSON},
    {TEXT("{\"4\":{\"i16\":1.5}"), GW__ENCODING_JSON},
    {TEXT("{\"5\":{\"i32\":-2147483649}"), GW__ENCODING_JSON},
    {TEXT("{\"6\":{\"i64\":9223372036854775808}"), GW__ENCODING_JSON},
    {TEXT("{\"6\":{\"i64\":\"1\""), GW__ENCODING_JSON},
    {TEXT("{\"7\":{\"dbl\":1e999}"), GW__ENCODING_JSON},
    {TEXT("{\"7\":{\"dbl\":nam}"), GW__ENCODING_JSON},
    {TEXT("{\"7\":{\"dbl\":-nan}"), GW__ENCODING_JSON},
    {TEXT("{\"7\":{\"dbl\":null}"), GW__ENCODING_JSON},
    {TEXT("{\"7\":{\"dbl\":--inf"), GW__ENCODING_JSON},
    {TEXT("{\"7\":{\"dbl\":-inf1"), GW__ENCODING_JSON},
    {TEXT("{\"7\":{\"dbl\":\"Inf\""), GW__ENCODING_JSON},
    {TEXT("{\"5\":{\"i32\":nan}"), GW__ENCODING_JSON},
    {TEXT("{\"8\":{\"str\":nan}"), GW__ENCODING_JSON},
    {TEXT("{nan"), GW__ENCODING_JSON},
    {TEXT("{\"8\":{\"str\":\"\xff\""), GW__ENCODING_JSON},
    {TEXT("{\"9\":{\"str\":\"A\""), GW__ENCODING_JSON},
    {TEXT("{\"9\":{\"str\":\"*\""), GW__ENCODING_JSON},
    {TEXT("{\"11\":{\"uid\":\"0\""), GW__ENCODING_JSON},
    {TEXT("{\"12\":{\"lst\":[\"tf\",-1,"), GW__ENCODING_JSON},
    {TEXT("{\"12\":{\"lst\":[\"tf\",2147483648,"), GW__ENCODING_JSON},
    {TEXT("{\"12\":{\"lst\":[\"tf\",1,1,1,"), GW__ENCODING_JSON},
    {TEXT("{\"12\":{\"lst\":[\"tf\",2,1]"), GW__ENCODING_JSON},
    {TEXT("{\"12\":{\"lst\":[\"i8\",2,1"), GW__ENCODING_JSON},
    {TEXT("{\"15\":{\"map\":[\"str\",\"i64\",1,{}]"), GW__ENCODING_JSON},
    {TEXT("{\"15\":{\"map\":[\"str\",\"i64\",0,{\"a\":"), GW__ENCODING_JSON},
    {TEXT("{\"15\":{\"map\":[\"str\",\"i64\",1,{\"a\":1},0,"), GW__ENCODING_JSON},
    {TEXT("{\"99\":{\"map\":[\"rec\",\"i64\",1,"), GW__ENCODING_JSON},
};

START_TEST(what_is_wrong_is_bad)
{
    const struct gw__type *type = &idl_method(schema, "call")->arguments->type;
    const struct form *form = &wrong[_i];
    for (size_t step = 0; step < 2; step++) {
        struct gw__json_out out = {0};
        ck_assert_int_eq(run_decode(type, form->encoding, form->bytes, form->size, &(struct cut){0, step}, &out),
                         GW__WIRE_BAD);
        ck_assert_uint_le((size_t)(out.end - out.begin), 4096);
        gw__json_out_finish(&out);
    }
}
END_TEST

static const char *const doubles[][2] = {
    {"nan", "\"NaN\""},       {"NaN", "\"NaN\""},
    {"inf", "\"Infinity\""},  {"Infinity", "\"Infinity\""},
    {"-inf", "\"-Infinity\""}, {"-Infinity", "\"-Infinity\""},
};

/* With quotes and without, alone and in a list, cut anywhere. */
START_TEST(doubles_that_no_number_is)
{
    const struct gw__type *type = &idl_method(schema, "doubles")->arguments->type;
    const char *word = doubles[_i / 2][0], *quote = _i % 2 ? "\"" : "", *read = doubles[_i / 2][1];
    char text[200], expected[200];
    snprintf(text, sizeof text, "{\"1\":{\"dbl\": %s%s%s },\"2\":{\"lst\":[\"dbl\",3,%s%s%s,-1.5,%s%s%s]}}", quote, word,
             quote, quote, word, quote, quote, word, quote);
    snprintf(expected, sizeof expected, "{\"one\":%s,\"many\":[%s,-1.5,%s]}", read, read, read);
    for (size_t i = 0; i <= strlen(text); i++) {
        struct gw__json_out out = {0};
        struct gw__decode_options options = {.encoding = GW__ENCODING_JSON, .rules.nan = GW__NAN_STRING};
        struct cut cut = {i, i % 5 == 0};
        size_t taken;
        gw__decode_init_value(&decode, type, &options, &out);
        ck_assert_int_eq(decode_all(&decode, text, strlen(text), &cut, &taken), GW__WIRE_DONE);
        ck_assert_uint_eq((size_t)(out.at - out.begin), strlen(expected));
        ck_assert_mem_eq(out.begin, expected, strlen(expected));
        gw__decode_finish(&decode);
        gw__json_out_finish(&out);
    }
}
END_TEST

/* So many elements are announced that only what has come of them may cost anything. */
static const struct form large[] = {
    {TEXT("\xc9\xf1\xff\xff\xff\xff\x07\x01\x01"), GW__ENCODING_COMPACT},
    {TEXT("\xe9\xf5\xff\xff\xff\xff\x07\x01\x01"), GW__ENCODING_COMPACT},
    {TEXT("\xfb\xff\xff\xff\xff\x07\x86\x01k\x01\x01k\x01"), GW__ENCODING_COMPACT},
    {TEXT("\x88\xff\xff\xff\xff\x07hello"), GW__ENCODING_COMPACT},
    {TEXT("\x98\xff\xff\xff\xff\x07hello"), GW__ENCODING_COMPACT},
    {TEXT("\x09\xf0\x07\xfc\xff\xff\xff\xff\x07\0\0\0"), GW__ENCODING_COMPACT}, /* unknown: passed over */
    {TEXT("\x09\xf0\x07\xfb\xff\xff\xff\xff\x07\0\0\0"), GW__ENCODING_COMPACT},
    {TEXT("{\"12\":{\"lst\":[\"tf\",2147483647,1,0,"), GW__ENCODING_JSON},
    {TEXT("{\"15\":{\"map\":[\"str\",\"i64\",2147483647,{\"a\":1,"), GW__ENCODING_JSON},
    {TEXT("{\"99\":{\"lst\":[\"rec\",2147483647,{},{}"), GW__ENCODING_JSON},
    {TEXT("{\"99\":{\"str\":\"hello"), GW__ENCODING_JSON},
};

START_TEST(what_is_announced_costs_nothing)
{
    const struct gw__type *type = &idl_method(schema, "call")->arguments->type;
    const struct form *form = &large[_i];
    for (size_t step = 0; step < 2; step++) {
        struct gw__json_out out = {0};
        ck_assert_int_eq(run_decode(type, form->encoding, form->bytes, form->size, &(struct cut){0, step}, &out),
                         GW__WIRE_MORE);
        ck_assert_uint_le((size_t)(out.end - out.begin), 4096);
        gw__json_out_finish(&out);
    }
}
END_TEST

/* Nested as deep as may be, and one level deeper: by fields that are known, and by those that are passed over. */
static const struct {
    uint8_t encoding;
    const char *open, *middle, *close;
} nests[] = {
    {GW__ENCODING_COMPACT, "\x1c", "\x18\x01x", ""},
    {GW__ENCODING_COMPACT, "\x29\x1c", "", ""},
    {GW__ENCODING_COMPACT, "\x3c", "", ""},
    {GW__ENCODING_JSON, "{\"1\":{\"rec\":", "{}", "}}"},
    {GW__ENCODING_JSON, "{\"2\":{\"lst\":[\"rec\",1,", "{}", "]}}"},
    {GW__ENCODING_JSON, "{\"3\":{\"rec\":", "{}", "}}"},
};

START_TEST(depth_has_a_limit)
{
    const struct gw__type *type = &schema->records[0]->type;
    for (uint32_t i = 0; i < schema->record_count; i++)
        if (strcmp(schema->records[i]->type.name, "Node") == 0)
            type = &schema->records[i]->type;
    for (unsigned deep = 0; deep < 2; deep++) {
        struct gw__text text = {0};
        unsigned count = deep ? 200 : 30;
        bool compact = nests[_i].encoding == GW__ENCODING_COMPACT;
        for (unsigned i = 0; i < count; i++)
            gw__text_puts(&text, nests[_i].open);
        gw__text_puts(&text, nests[_i].middle);
        for (unsigned i = 0; i <= count; i++)
            compact ? gw__text_print(&text, "%c", '\0') : gw__text_puts(&text, i ? nests[_i].close : "");
        struct gw__json_out out = {0};
        struct gw__decode_options options = {.encoding = nests[_i].encoding};
        size_t taken;
        gw__decode_init_value(&decode, type, &options, &out);
        ck_assert_int_eq(gw__decode_feed(&decode, text.data, text.size, &taken),
                         deep ? GW__WIRE_BAD : GW__WIRE_DONE);
        gw__decode_finish(&decode);
        gw__text_finish(&text);
        gw__json_out_finish(&out);
    }
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("encodings");
    TCase *tcase = tcase_create("encodings");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, every_type_is_written, 0, FORMS);
    tcase_add_loop_test(tcase, every_type_is_read, 0, FORMS);
    tcase_add_loop_test(tcase, nothing_is_allocated_again, 0, FORMS);
    tcase_add_loop_test(tcase, long_strings_pass_through, 0, FORMS);
    tcase_add_test(tcase, keys_that_json_can_not_have);
    tcase_add_test(tcase, a_limit_is_met_by_a_default);
    tcase_add_loop_test(tcase, a_limit_holds, 0, FORMS);
    tcase_add_loop_test(tcase, memory_runs_out, 0, FORMS);
    tcase_add_loop_test(tcase, defaults_that_json_can_not_have, 0, 3);
    tcase_add_loop_test(tcase, doubles_that_no_number_is, 0, 2 * sizeof doubles / sizeof *doubles);
    tcase_add_loop_test(tcase, what_is_wrong_is_bad, 0, sizeof wrong / sizeof *wrong);
    tcase_add_loop_test(tcase, what_is_announced_costs_nothing, 0, sizeof large / sizeof *large);
    tcase_add_loop_test(tcase, depth_has_a_limit, 0, sizeof nests / sizeof *nests);
    suite_add_tcase(suite, tcase);
    return suite;
}
