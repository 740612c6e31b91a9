/* JSON to Thrift binary and back over the schemas of idl/: values, misfits, every cut, hostile bytes, memory that is
 * out. */
#include "wire_types.h"
#include "unit.h"

static const struct cut whole = {0};
static const struct gw__decode_options by_name = {.enum_names = true}, as_kitex = {.lenient = true};
static struct gw__schema *echo, *sum, *types, *uuid;

static void setup(void)
{
    struct idl_text files = {NULL, SOURCE_ROOT};
    echo = idl_schema("echo.thrift", &files);
    sum = idl_schema("sum.thrift", &files);
    types = idl_schema("types.thrift", &files);
    uuid = idl_schema("uuid.thrift", &files);
    ck_assert(echo && sum && types && uuid);
}

static void teardown(void)
{
    gw__schema_destroy(echo);
    gw__schema_destroy(sum);
    gw__schema_destroy(types);
    gw__schema_destroy(uuid);
}

static const struct gw__method *find(const char *name)
{
    struct gw__schema *const schemas[] = {echo, sum, types, uuid};
    for (unsigned i = 0; i < 4; i++)
        if (idl_method(schemas[i], name))
            return idl_method(schemas[i], name);
    ck_abort_msg("no method %s", name);
    return NULL;
}

/* The wire's bytes, or the errors after a "!"; the caller frees. */
static char *encode(const struct gw__method *method, bool lenient, const char *text, size_t text_size,
                    const struct cut *cut, size_t *size)
{
    struct gw__wire wire = {0};
    static struct gw__encode pass;
    char *result;
    gw__encode_init(&pass, method, &(struct gw__encode_options){.lenient = lenient}, &wire);
    if (encode_all(&pass, text, text_size, cut) == GW__WIRE_DONE) {
        result = wire_bytes(&wire, size);
    } else {
        *size = 1 + (size_t)(pass.errors.at - pass.errors.begin);
        ck_assert(*size > 1 && pass.error_count && !pass.no_memory);
        result = malloc(*size + 1);
        *result = '!';
        memcpy(result + 1, pass.errors.begin, *size - 1);
        result[*size] = '\0';
    }
    gw__encode_finish(&pass);
    gw__wire_finish(&wire);
    return result;
}

/* JSON, or "!" and what is wrong; "?" if the bytes end too early. `rest`: bytes left over. */
static char *decode(const struct gw__record *result, const struct gw__type *type,
                    const struct gw__decode_options *options, const char *data, size_t size, const struct cut *cut,
                    size_t *rest)
{
    static struct gw__decode pass;
    struct gw__json_out out = {0};
    if (result)
        gw__decode_init_result(&pass, result, options, &out);
    else
        gw__decode_init_value(&pass, type, options, &out);
    size_t taken;
    enum gw__wire_status status = decode_all(&pass, data, size, cut, &taken);
    *rest = size - taken;
    char *text = NULL;
    if (status == GW__WIRE_DONE)
        text = strndup(out.begin ? out.begin : "", (size_t)(out.at - out.begin));
    else if (status == GW__WIRE_MORE)
        text = strdup("?");
    else
        ck_assert(asprintf(&text, "!%s", pass.why) > 0);
    gw__decode_finish(&pass);
    gw__json_out_finish(&out);
    return text;
}

/* What the body means to the server: the arguments as JSON again, or "!" and the errors. */
static char *meaning(const struct gw__method *method, bool lenient, const char *body, const struct cut *cut)
{
    size_t size, rest;
    char *bytes = encode(method, lenient, body, strlen(body), cut, &size);
    if (*bytes == '!')
        return bytes;
    const struct gw__record *single = method->body_is_argument ? method->arguments : NULL;
    char *json = decode(single, &method->arguments->type, lenient ? &as_kitex : NULL, bytes, size, &whole, &rest);
    ck_assert(*json == '!' || rest == 0);
    free(bytes);
    return json;
}

struct row {
    const char *method, *body, *strict, *lenient; /* NULL: the body again; lenient "=": as strict */
};

static const char *const full_scalars = "{\"truth\":true,\"tiny\":-128,\"small\":-32768,\"medium\":-2147483648,"
    "\"large\":-9223372036854775808,\"ratio\":0.1,\"text\":\"h\\u0000\\\"\xc3\xa9\",\"bytes\":\"AP9/\",\"color\":2,"
    "\"id\":9223372036854775807}";

#define ERROR(at, want, got, idl) "{\"pointer\":\"" at "\",\"expected\":\"" want "\"," GOT(got) ",\"idl\":\"" idl "\"}"
#define GOT(got) "\"got\":\"" got "\""
#define ONE(pointer, expected, got, idl) "![" ERROR(pointer, expected, got, idl) "]"
#define SYNTAX(at, want, got) "![{\"pointer\":\"" at "\",\"expected\":\"" want "\"," GOT(got) "}]"

static const struct row rows[] = {
    {"EchoMethod", "{\"msg\":\"hello\"}", NULL, "="},
    {"EchoMethod", "{}", NULL, "{\"msg\":\"\"}"},
    {"EchoMethod", "{\"msg\":null}", "{}", "{\"msg\":\"\"}"},
    {"EchoMethod", "{\"msg\":5}", ONE("/msg", "string", "number 5", "echo.thrift:5"), "{\"msg\":\"5\"}"},
    {"EchoMethod", "{\"msg\":5.40e1}", ONE("/msg", "string", "number 5.40e1", "echo.thrift:5"), "{\"msg\":\"5.40e1\"}"},
    {"EchoMethod", "{\"msg\":true}", ONE("/msg", "string", "true", "echo.thrift:5"), "{\"msg\":\"true\"}"},
    {"EchoMethod", "{\"msg\":{\"a\":1}}", ONE("/msg", "string", "object", "echo.thrift:5"),
     "{\"msg\":\"{\\\"a\\\":1}\"}"},
    {"EchoMethod", "{\"msg\":[ 1,\"x\"]}", ONE("/msg", "string", "array", "echo.thrift:5"),
     "{\"msg\":\"[ 1,\\\"x\\\"]\"}"},
    {"EchoMethod", "{\"msg\":\"hel", SYNTAX("/msg", "the end of a string", "the end of the text at byte 11"), "="},
    {"EchoMethod", "", SYNTAX("", "a value", "the end of the text at byte 0"), "="},
    {"EchoMethod", "{\"msg\":\"a\",\"msg\":\"b\"}", ONE("/msg", "one value", "another one", "echo.thrift:5"),
     "!a field is given twice"},
    {"EchoMethod", "[1]", ONE("", "EchoReq", "array", "echo.thrift:13"), "{\"msg\":\"\"}"},
    {"EchoMethod", "{\"mgs\":\"a\",\"other/~\":[{}]}",
     "![" ERROR("/mgs", "a field of EchoReq (nearest: msg)", "an unknown name", "echo.thrift:4") ","
     ERROR("/other~1~0", "a field of EchoReq", "an unknown name", "echo.thrift:4") "]", "{\"msg\":\"\"}"},
    {"EchoMethod", "{\"\\u006dsg\":\"\\ud83d\\ude00\\n\"}", "{\"msg\":\"\xf0\x9f\x98\x80\\n\"}", "="},
    {"EchoMethod", "{\"msg\":\"\xff\"}", SYNTAX("/msg", "UTF-8", "bytes that are no UTF-8 at byte 8"), "="},

    {"SumMethod", "{\"firstNum\":2,\"secondNum\":9223372036854775807}", NULL, "="},
    {"SumMethod", "{\"secondNum\":-9223372036854775808,\"firstNum\":1e3}",
     "{\"secondNum\":-9223372036854775808,\"firstNum\":1000}", "="},
    {"SumMethod", "{\"firstNum\":5.4,\"secondNum\":9}", ONE("/firstNum", "i64", "number 5.4", "sum.thrift:5"),
     "{\"firstNum\":5,\"secondNum\":9}"},
    {"SumMethod", "{\"firstNum\":-2.8,\"secondNum\":4.3}",
     "![" ERROR("/firstNum", "i64", "number -2.8", "sum.thrift:5") ","
     ERROR("/secondNum", "i64", "number 4.3", "sum.thrift:6") "]", "{\"firstNum\":-2,\"secondNum\":4}"},
    {"SumMethod", "{\"firstNum\": -2.8, \"secondNum\": 4.3\"}",
     "![" ERROR("/firstNum", "i64", "number -2.8", "sum.thrift:5") ","
     ERROR("/secondNum", "i64", "number 4.3", "sum.thrift:6")
     ",{\"pointer\":\"/secondNum\",\"expected\":\"',' or '}'\",\"got\":\"'\\\"' at byte 35\"}]",
     SYNTAX("/secondNum", "',' or '}'", "'\\\"' at byte 35")},
    {"SumMethod", "{\"firstNum\":\"12\",\"secondNum\":\"abc\"}",
     "![" ERROR("/firstNum", "i64", "string", "sum.thrift:5") ","
     ERROR("/secondNum", "i64", "string", "sum.thrift:6") "]", "{\"firstNum\":12,\"secondNum\":0}"},
    {"SumMethod", "{\"firstNum\":9223372036854775808}",
     ONE("/firstNum", "i64", "number 9223372036854775808", "sum.thrift:5"),
     "{\"firstNum\":9223372036854775807,\"secondNum\":0}"},
    {"SumMethod", "{\"firstNum\":true,\"secondNum\":{\"a\":[1]}}",
     "![" ERROR("/firstNum", "i64", "true", "sum.thrift:5") ","
     ERROR("/secondNum", "i64", "object", "sum.thrift:6") "]", "{\"firstNum\":1,\"secondNum\":0}"},
    {"SumMethod", "{} x", SYNTAX("", "nothing more", "'x' at byte 3"), "="},
    {"SumMethod", "\xef\xbb\xbf{}", SYNTAX("", "a value", "the byte 0xef at byte 0"), "="},

    {"echo_scalars", "{\"color\":\"BLUE\"}", "{\"color\":4}",
     "{\"color\":4,\"truth\":false,\"tiny\":0,\"small\":0,\"medium\":0,\"large\":0,\"ratio\":0,\"text\":\"\","
     "\"bytes\":\"\",\"id\":0}"},
    {"echo_scalars", "{\"color\":77,\"ratio\":-0.0}", "{\"color\":77,\"ratio\":-0}",
     "{\"color\":77,\"ratio\":-0,\"truth\":false,\"tiny\":0,\"small\":0,\"medium\":0,\"large\":0,\"text\":\"\","
     "\"bytes\":\"\",\"id\":0}"},
    {"echo_scalars", "{\"truth\":1,\"tiny\":128,\"ratio\":1e999,\"bytes\":\"A\",\"color\":\"PINK\"}",
     "![" ERROR("/truth", "bool", "number 1", "types.thrift:27") "," ERROR("/tiny", "i8", "number 128", "types.thrift:28")
     "," ERROR("/ratio", "double", "number 1e999", "types.thrift:32") ","
     ERROR("/bytes", "binary, as base64", "string that is no base64", "types.thrift:34") ","
     ERROR("/color", "Color", "string PINK", "types.thrift:35") "]",
     "![" ERROR("/ratio", "double", "number 1e999", "types.thrift:32") ","
     ERROR("/bytes", "binary, as base64", "string that is no base64", "types.thrift:34") "]"},

    {"echo_presence", "{}", ONE("/needed", "i32", "nothing", "types.thrift:41"),
     "{\"needed\":0,\"plain\":0,\"limit\":0,\"half\":0,\"color\":0,\"on\":false,\"primes\":[],\"far\":0,\"ages\":{}}"},
    {"echo_presence", "{\"needed\":1,\"maybe\":null,\"half\":null,\"primes\":[]}",
     "{\"needed\":1,\"primes\":[],\"chosen\":\"none\",\"limit\":100,\"half\":0.5,\"color\":2,\"on\":true,"
     "\"far\":9007199254740993,\"ages\":{\"ann\":41,\"bob\":7}}",
     "{\"needed\":1,\"primes\":[],\"plain\":0,\"limit\":0,\"half\":0,\"color\":0,\"on\":false,\"far\":0,\"ages\":{}}"},

    {"echo_shape", "{\"circle\":1.5}", NULL, "="},
    {"echo_shape", "{}", ONE("", "exactly one of the union's fields", "none", "types.thrift:101"), "{}"},
    {"echo_shape", "{\"circle\":1.5,\"square\":2}",
     ONE("/square", "no second field of Shape", "one besides circle", "types.thrift:103"),
     "{\"circle\":1.5,\"square\":2}"},
    {"echo_shape", "{\"circle\":null,\"square\":2,\"name\":null}", "{\"square\":2}", "="},
    {"echo_sparse", "{\"last\":1,\"first\":2,\"middle\":\"\",\"over\":3}", NULL, "="},
    {"echo_sparse", "{\"over\":3,\"middle\":\"\",\"first\":2,\"last\":1}", NULL, "="},
    {"echo_empty", "{}", NULL, "="},
    {"echo_maps",
     "{\"by_truth\":{\"true\":\"a\",\"false\":\"b\"},\"by_tiny\":{\"-5\":\"\"},\"by_small\":{\"300\":\"\"},"
     "\"by_medium\":{\"-70000\":\"\"},\"by_large\":{\"9223372036854775807\":\"x\"},\"by_ratio\":{\"0.5\":\"h\"},"
     "\"by_text\":{\"\\\"k\":\"v\"},\"by_color\":{\"4\":\"b\"},\"numbers\":{},\"ratios\":{},\"truths\":{\"t\":true},"
     "\"blobs\":{\"b\":\"AA==\"},\"records\":{},\"rows\":{\"r\":[1,2]},\"deep\":{\"1\":{\"k\":[1,2]}},"
     "\"bags\":{\"s\":[1]}}", NULL, "="},
    {"echo_maps", "{\"by_color\":{\"BLUE\":\"b\"},\"by_tiny\":{\"200\":\"\"},\"by_truth\":{\"1\":\"\"}}",
     "![" ERROR("/by_tiny/200", "a key of i8", "a key that is none", "types.thrift:83") ","
     ERROR("/by_truth/1", "a key of bool", "a key that is none", "types.thrift:82") "]", "="},
    {"echo_maps", "{\"deep\":{\"1\":{\"k\":[1,\"RED\",{}]}},\"rows\":{\"a/b\":[0,null]}}",
     "![" ERROR("/deep/1/k/2", "Color", "object", "types.thrift:96") ","
     ERROR("/rows/a~1b/1", "i32", "null", "types.thrift:95") "]",
     "{\"deep\":{\"1\":{\"k\":[1,1,0]}},\"rows\":{\"a/b\":[0,0]},\"by_truth\":{},\"by_tiny\":{},\"by_small\":{},"
     "\"by_medium\":{},\"by_large\":{},\"by_ratio\":{},\"by_text\":{},\"by_color\":{},\"numbers\":{},\"ratios\":{},"
     "\"truths\":{},\"blobs\":{},\"records\":{},\"bags\":{}}"},
    {"echo_tree", "{\"name\":\"a\",\"children\":[{\"name\":\"b\",\"children\":[],\"named\":{}}],\"named\":{}}", NULL, "="},
    {"echo_tree", "{\"name\":7,\"children\":{\"name\":\"b\"},\"named\":3}",
     "![" ERROR("/name", "string", "number 7", "types.thrift:111") ","
     ERROR("/children", "list<Tree>", "object", "types.thrift:112") ","
     ERROR("/named", "map<string,Tree>", "number 3", "types.thrift:114") "]",
     "{\"name\":\"7\",\"children\":[{\"name\":\"b\",\"children\":[],\"named\":{}}],\"named\":{}}"},

    {"echo_i64", "{\"value\":-9223372036854775808}", NULL, "="},
    {"echo_list", "{\"value\":[1,2,3]}", NULL, "="},
    {"echo_list", "{\"value\":[1,2.5]}", ONE("/value/1", "i32", "number 2.5", "types.thrift:177"), "{\"value\":[1,2]}"},
    {"echo_list", "{\"value\":[!", SYNTAX("/value", "a value", "'!' at byte 10"), "="},
    {"echo_list", "{\"value\":[1,!", SYNTAX("/value/0", "a value", "'!' at byte 12"), "="},
    {"echo_list", "{\"value\":7}", ONE("/value", "list<i32>", "number 7", "types.thrift:177"), "{\"value\":[7]}"},
    {"join", "{\"second\":\"b\",\"first\":\"a\"}", "{\"second\":\"b\",\"first\":\"a\",\"times\":1}",
     "{\"second\":\"b\",\"first\":\"a\",\"times\":0}"},
    {"add", "{\"a\":1,\"c\":2}", ONE("/c", "an argument of add", "an unknown name", "types.thrift:182"),
     "{\"a\":1,\"b\":0}"},
    {"nothing", "", "{}", "="},
    {"nothing", " \n", "{}", "="},
    {"nothing", "{}", "{}", "="},
    {"nothing", "nul", SYNTAX("", "null", "the end of the text at byte 3"), "="},
    {"nothing", "{", SYNTAX("", "a name in quotes or '}'", "the end of the text at byte 1"), "="},
    {"echo_i64", "", SYNTAX("", "a value", "the end of the text at byte 0"), "="},
    {"nothing", "null", ONE("", "nothing_args", "null", "types.thrift:185"), "{}"},
    {"ping", "{\"a\":1}", ONE("/a", "an argument of ping", "an unknown name", "types.thrift:152"), "{}"},
    {"echo_uuid", "{\"value\":\"00112233-4455-6677-8899-AABBCCDDEEFF\"}",
     "{\"value\":\"00112233-4455-6677-8899-aabbccddeeff\"}", "="},
    {"echo_tagged", "{\"others\":[null]}", ONE("/others/0", "uuid", "null", "uuid.thrift:7"),
     "{\"others\":[\"00000000-0000-0000-0000-000000000000\"],\"id\":\"00000000-0000-0000-0000-000000000000\","
     "\"named\":{}}"},
    {"echo_uuid", "{\"value\":\"00112233445566778899AABBCCDDEEFF\"}",
     ONE("/value", "uuid", "string 00112233445566778899AABBCCDDEEFF", "uuid.thrift:13"), "="},
};

START_TEST(bodies)
{
    const struct row *row = &rows[_i];
    const char *strict = row->strict ? row->strict : row->body;
    const char *lenient = strcmp(row->lenient, "=") == 0 ? strict : row->lenient;
    const struct gw__method *method = find(row->method);
    for (size_t first = 0; first <= strlen(row->body); first++) {
        struct cut cut = {first, first % 3};
        char *got = meaning(method, false, row->body, &cut);
        ck_assert_str_eq(got, strict);
        free(got);
        got = meaning(method, true, row->body, &cut);
        ck_assert_str_eq(got, lenient);
        free(got);
    }
}
END_TEST

/* No body is whole before its last bracket. */
START_TEST(bodies_cut_off)
{
    const struct row *row = &rows[_i];
    const char *end = strrchr(row->body, '}');
    for (size_t size = 0; end && size < (size_t)(end - row->body); size++) {
        char *body = strndup(row->body, size), *got = meaning(find(row->method), true, body, &whole);
        bool empty_call = strspn(body, " ") == size && find(row->method)->arguments->count == 0;
        ck_assert(empty_call || *got == '!');
        free(got);
        free(body);
    }
}
END_TEST

/* `value` for a field of Scalars, strictly: it comes back as `want`, or, if that is NULL, is refused. */
static void check_scalar(const char *field, const char *value, const char *want)
{
    char body[200], expected[200];
    snprintf(body, sizeof body, "{\"%s\":%s}", field, value);
    snprintf(expected, sizeof expected, "{\"%s\":%s}", field, want ? want : "");
    char *got = meaning(find("echo_scalars"), false, body, &whole);
    if (want)
        ck_assert_str_eq(got, expected);
    else
        ck_assert_int_eq(*got, '!');
    free(got);
}

START_TEST(integer_edges)
{
    static const struct {
        const char *field, *least, *most, *less, *more;
    } kinds[] = {
        {"tiny", "-128", "127", "-129", "128"},
        {"small", "-32768", "32767", "-32769", "32768"},
        {"medium", "-2147483648", "2147483647", "-2147483649", "2147483648"},
        {"color", "-2147483648", "2147483647", "-2147483649", "2147483648"},
        {"large", "-9223372036854775808", "9223372036854775807", "-9223372036854775809", "9223372036854775808"},
    };
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        check_scalar(kinds[i].field, kinds[i].least, kinds[i].least);
        check_scalar(kinds[i].field, kinds[i].most, kinds[i].most);
        check_scalar(kinds[i].field, kinds[i].less, NULL);
        check_scalar(kinds[i].field, kinds[i].more, NULL);
        check_scalar(kinds[i].field, "1.20e1", "12");
        check_scalar(kinds[i].field, "1.25e1", NULL);
    }
    check_scalar("large", "9007199254740993", "9007199254740993");
    check_scalar("large", "9223372036854775807.0", "9223372036854775807");
}
END_TEST

/* Kitex: what each scalar is made of by what is none. */
START_TEST(lenient_scalars)
{
    static const struct {
        const char *member, *want;
    } cases[] = {
        {"\"truth\":2", "\"truth\":true"},         {"\"truth\":0.0", "\"truth\":false"},
        {"\"truth\":\"t\"", "\"truth\":true"},     {"\"truth\":\"yes\"", "\"truth\":false"},
        {"\"truth\":[true]", "\"truth\":false"},   {"\"tiny\":128", "\"tiny\":-128"},
        {"\"tiny\":-1.9e0", "\"tiny\":-1"},        {"\"small\":65537", "\"small\":1"},
        {"\"medium\":5000000000", "\"medium\":705032704"},
        {"\"medium\":\"-12\"", "\"medium\":-12"},  {"\"medium\":\" 12\"", "\"medium\":0"},
        {"\"medium\":true", "\"medium\":1"},
        {"\"large\":\"9223372036854775807\"", "\"large\":9223372036854775807"},
        {"\"large\":{\"a\":1}", "\"large\":0"},    {"\"ratio\":\"1.5\"", "\"ratio\":1.5"},
        {"\"ratio\":true", "\"ratio\":1"},         {"\"ratio\":\"x\"", "\"ratio\":0"},
        {"\"text\":1.50", "\"text\":\"1.50\""},    {"\"text\":false", "\"text\":\"false\""},
        {"\"text\":null", "\"text\":\"\""},        {"\"bytes\":null", "\"bytes\":\"\""},
        {"\"color\":7", "\"color\":7"},            {"\"color\":\"BLUE\"", "\"color\":4"},
        {"\"color\":\"PINK\"", "\"color\":0"},     {"\"color\":false", "\"color\":0"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        char body[100];
        snprintf(body, sizeof body, "{%s}", cases[i].member);
        char *got = meaning(find("echo_scalars"), true, body, &whole);
        ck_assert_msg(strstr(got, cases[i].want), "%s gave %s", body, got);
        free(got);
    }
}
END_TEST

/* Readers take the last. */
START_TEST(lenient_twice)
{
    static const char want[] = "\x0c\0\1\x0b\0\1\0\0\0\1a\x0b\0\1\0\0\0\1b\0\0";
    static const char body[] = "{\"msg\":\"a\",\"msg\":\"b\"}";
    for (size_t first = 0; first < sizeof body; first++) {
        struct cut cut = {first, 0};
        size_t size;
        char *bytes = encode(find("EchoMethod"), true, body, sizeof body - 1, &cut, &size);
        ck_assert_uint_eq(size, sizeof want - 1);
        ck_assert_mem_eq(bytes, want, size);
        free(bytes);
    }
}
END_TEST

START_TEST(shortest_doubles)
{
    static const char *const texts[] = {"0", "-0", "0.1", "4.35", "5e-324", "2.2250738585072014e-308", "0.000001",
        "1e-7", "100000000000000000000", "1e+21", "1.7976931348623157e+308", "9007199254740992"};
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
        check_scalar("ratio", texts[i], texts[i]);
    check_scalar("ratio", "9007199254740993", "9007199254740992");
    check_scalar("ratio", "0.1000000000000000055511151231257827", "0.1");
    check_scalar("ratio", "1.7976931348623159e308", NULL);
    check_scalar("ratio", "1e-400", "0");
}
END_TEST

/* A key comes back, and stands in pointers, as the gateway writes it, whatever its type. */
START_TEST(keys_of_every_type)
{
    static const struct {
        const char *type, *key, *shown;
    } keys[] = {
        {"bool", "true", "true"}, {"i8", "-128", "-128"}, {"i16", "-0", "0"}, {"i32", "7", "7"},
        {"i64", "-9223372036854775808", "-9223372036854775808"}, {"double", "1.50", "1.5"}, {"string", "a/~", "a~1~0"},
        {"binary", "AP8=", "AP8="}, {"E", "B", "2"},
        {"uuid", "00112233-4455-6677-8899-AABBCCDDEEFF", "00112233-4455-6677-8899-aabbccddeeff"},
    };
    for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++) {
        char idl[200], body[200], want[300];
        snprintf(idl, sizeof idl, "enum E { A = 1, B } service S { void f(1: i32 a, 2: map<%s, i32> m) }",
                 keys[i].type);
        snprintf(body, sizeof body, "{\"m\":{\"%s\":[]}}", keys[i].key);
        snprintf(want, sizeof want, ONE("/m/%s", "i32", "array", "m.thrift:1"), keys[i].shown);
        struct idl_text text = {idl, NULL};
        struct gw__schema *schema = idl_schema("m.thrift", &text);
        ck_assert_ptr_nonnull(schema);
        char *got = meaning(idl_method(schema, "f"), false, body, &whole);
        ck_assert_str_eq(got, want);
        free(got);
        bool same = strchr(keys[i].shown, '~') != NULL; /* escaped in pointers only */
        snprintf(body, sizeof body, "{\"m\":{\"%s\":1}}", keys[i].key);
        snprintf(want, sizeof want, "{\"m\":{\"%s\":1}}", same ? keys[i].key : keys[i].shown);
        got = meaning(idl_method(schema, "f"), false, body, &whole);
        ck_assert_str_eq(got, want);
        free(got);
        gw__schema_destroy(schema);
    }
}
END_TEST

START_TEST(all_scalars_there_and_back)
{
    char *got = meaning(find("echo_scalars"), false, full_scalars, &whole);
    ck_assert_str_eq(got, full_scalars);
    free(got);
    got = meaning(find("echo_scalars"), true, full_scalars, &whole);
    ck_assert_str_eq(got, full_scalars);
    free(got);
}
END_TEST

START_TEST(bytes_on_the_wire)
{
    static const char want[] = "\x0c\0\1\x0a\0\1\0\0\0\0\0\0\0\2\x0a\0\2\x7f\xff\xff\xff\xff\xff\xff\xff\0\0";
    static const char body[] = "{\"firstNum\":2,\"secondNum\":9223372036854775807}";
    size_t size;
    char *bytes = encode(find("SumMethod"), false, body, sizeof body - 1, &whole, &size);
    ck_assert_uint_eq(size, sizeof want - 1);
    ck_assert_mem_eq(bytes, want, size);
    free(bytes);
}
END_TEST

/* Over many segments: the length stands in the first of them. */
START_TEST(long_strings)
{
    size_t size = 300000, wire_size, rest;
    char *body = malloc(size + 16);
    ck_assert_ptr_nonnull(body);
    size_t head = (size_t)sprintf(body, "{\"msg\":\"");
    memset(body + head, 'x', size);
    strcpy(body + head + size, "\"}");
    for (unsigned step = 0; step < 3; step++) {
        struct cut cut = {step, step * 1021};
        char *bytes = encode(find("EchoMethod"), false, body, strlen(body), &cut, &wire_size);
        ck_assert_uint_eq(wire_size, size + 12);
        char *json = decode(find("EchoMethod")->arguments, NULL, NULL, bytes, wire_size, &cut, &rest);
        ck_assert_str_eq(json, body);
        free(json);
        free(bytes);
    }
    free(body);
}
END_TEST

/* As many structs as may be, there and back; one more is too many, either way. */
START_TEST(nesting_is_bounded)
{
    for (unsigned depth = GW__ENCODE_DEPTH; depth <= GW__ENCODE_DEPTH + 1; depth++) {
        char body[1024] = "", bytes[4 * GW__ENCODE_DEPTH + 8] = {0};
        for (unsigned i = 1; i < depth; i++)
            strcat(body, "{\"left\":");
        strcat(body, "{}");
        memset(body + strlen(body), '}', depth - 1);
        char *got = meaning(find("echo_tree"), false, body, &whole);
        if (depth == GW__ENCODE_DEPTH)
            ck_assert_str_eq(got, body);
        else
            ck_assert_ptr_nonnull(strstr(got, "nesting too deep"));
        free(got);
        size_t rest;
        for (unsigned i = 0; i < depth; i++)
            memcpy(bytes + 3 * i, i ? "\x0c\0\3" : "\x0c\0\0", 3);
        got = decode(find("echo_tree")->result, NULL, NULL, bytes, 4 * depth + 1, &whole, &rest);
        ck_assert_str_eq(got, depth == GW__ENCODE_DEPTH ? body : "!nesting is too deep");
        free(got);
    }
}
END_TEST

START_TEST(errors_are_counted)
{
    char body[2048] = "{";
    for (unsigned i = 0; i < 40; i++)
        sprintf(body + strlen(body), "%s\"x%u\":1", i ? "," : "", i);
    strcat(body, "}");
    char *got = meaning(find("EchoMethod"), false, body, &whole);
    ck_assert_ptr_nonnull(strstr(got, "/x19\""));
    ck_assert_ptr_null(strstr(got, "/x20\""));
    free(got);
    body[strlen(body) - 1] = '!'; /* told at any rate */
    got = meaning(find("EchoMethod"), false, body, &whole);
    ck_assert_ptr_nonnull(strstr(got, "/x18\""));
    ck_assert_ptr_null(strstr(got, "/x19\""));
    ck_assert_ptr_nonnull(strstr(got, "},{\"pointer\":\"\",\"expected\":\"',' or '}'\","));
    free(got);
}
END_TEST

/* Little text must not become much: many zeroed structs, a small limit. */
START_TEST(output_is_bounded)
{
    struct gw__wire wire = {.limit_bytes = 4096};
    static struct gw__encode pass;
    char body[2048] = "{\"records\":[{}";
    for (unsigned i = 0; i < 300; i++)
        strcat(body, ",{}");
    strcat(body, "]}");
    gw__encode_init(&pass, find("echo_lists"), &(struct gw__encode_options){.lenient = true}, &wire);
    ck_assert_int_eq(encode_all(&pass, body, strlen(body), &whole), GW__WIRE_BAD);
    ck_assert(wire.full && !pass.no_memory && pass.error_count == 0);
    gw__encode_finish(&pass);
    gw__wire_finish(&wire);
}
END_TEST

/* ---- from the wire */

struct answer {
    const char *method;
    const char *bytes;
    size_t size;
    const char *json; /* of the result, with names of enums */
};

#define BYTES(text) text, sizeof(text) - 1

static const struct answer answers[] = {
    {"EchoMethod", BYTES("\x0c\0\0\x0b\0\1\0\0\0\2hi\0\0"), "{\"msg\":\"hi\"}"},
    {"EchoMethod", BYTES("\x0c\0\0\0\0"), "{}"},
    {"EchoMethod", BYTES("\x0c\0\0\x0b\0\1\0\0\0\3h\xc3\xa9\0\0"), "{\"msg\":\"h\xc3\xa9\"}"},
    {"EchoMethod", BYTES("\x0c\0\0\x0b\0\1\0\0\0\3h\xff\xc3\0\0"), "{\"msg\":\"h\xef\xbf\xbd\xef\xbf\xbd\"}"},
    {"EchoMethod", BYTES("\0"), "!the result is missing"},
    {"nothing", BYTES("\0"), ""},
    {"nothing", BYTES("\x08\0\0\0\0\0\1\0"), ""},
    {"ping", BYTES("\x0b\0\0\0\0\0\1\"\0"), "\"\\\"\""},
    {"echo_bool", BYTES("\x02\0\0\1\0"), "true"},
    {"echo_i8", BYTES("\x03\0\0\xff\0"), "-1"},
    {"echo_i64", BYTES("\x0a\0\0\x7f\xff\xff\xff\xff\xff\xff\xff\0"), "9223372036854775807"},
    {"echo_double", BYTES("\x04\0\0\x7f\xf0\0\0\0\0\0\0\0"), "null"},
    {"echo_double", BYTES("\x04\0\0\xff\xf0\0\0\0\0\0\0\0"), "null"},
    {"echo_double", BYTES("\x04\0\0\x7f\xf8\0\0\0\0\0\1\0"), "null"},
    {"echo_double", BYTES("\x04\0\0\x80\0\0\0\0\0\0\0\0"), "-0"},
    {"echo_i64", BYTES("\x0a\0\0\x80\0\0\0\0\0\0\0\0"), "-9223372036854775808"},
    {"echo_double", BYTES("\x04\0\0\x3f\xb9\x99\x99\x99\x99\x99\x9a\0"), "0.1"},
    {"echo_color", BYTES("\x08\0\0\0\0\0\4\0"), "\"BLUE\""},
    {"echo_color", BYTES("\x08\0\0\0\0\0\3\0"), "3"},
    {"echo_binary", BYTES("\x0b\0\0\0\0\0\4\0\xff\x7f\1\0"), "\"AP9/AQ==\""},
    {"echo_list", BYTES("\x0f\0\0\x08\0\0\0\2\0\0\0\1\xff\xff\xff\xff\0"), "[1,-1]"},
    {"echo_list", BYTES("\x0f\0\0\0\0\0\0\0\0"), "[]"},
    {"echo_list", BYTES("\x0f\0\0\x0a\0\0\0\1\0\0\0\0\0\0\0\1\0"), "!a container holds another type"},
    {"echo_list", BYTES("\x0f\0\0\x08\xff\xff\xff\xff"), "!a container has a negative size"},
    {"echo_list", BYTES("\x0f\0\0\x08\x7f\xff\xff\xff\0\0\0\1"), "?"},
    {"echo_list", BYTES("\x0e\0\0\x08\0\0\0\0\0"), "!the result is missing"},
    {"echo_map", BYTES("\x0d\0\0\x0b\x0a\0\0\0\1\0\0\0\1k\0\0\0\0\0\0\0\7\0"), "{\"k\":7}"},
    {"echo_map", BYTES("\x0d\0\0\0\0\0\0\0\0\0"), "{}"},
    {"echo_map", BYTES("\x0d\0\0\x0b\x0b\0\0\0\1"), "!a container holds another type"},
    {"echo_maps", BYTES("\x0c\0\0\x0d\0\x08\x08\x0b\0\0\0\2\0\0\0\4\0\0\0\1x\0\0\0\7\0\0\0\0\0\0"),
     "{\"by_color\":{\"BLUE\":\"x\",\"7\":\"\"}}"},
    {"echo_string", BYTES("\x0b\0\0\xff\xff\xff\xff"), "!a string has a negative length"},
    {"echo_string", BYTES("\x0b\0\0\x7f\xff\xff\xffsome"), "?"},
    {"echo_string", BYTES("\x0b\0\0\0\0\0\0\x0b\0\0\0\0\0\0\0"), "!more than one result"},
    {"echo_string", BYTES("\x11\0\0"), "!a field has no type"},
    {"echo_string", BYTES("\x01\0\0"), "!a field has no type"},
    {"echo_string", BYTES("\x0f\0\7\x0c\0\0\0\2\x02\0\1\1\0\x0d\0\2\x0b\x0c\0\0\0\1\0\0\0\1k\0\0\x0b\0\0\0\0\0\1a\0"),
     "\"a\""},
    {"echo_string", BYTES("\x0f\0\7\x11\0\0\0\1"), "!an unknown field can't be passed over"},
    {"echo_string", BYTES("\x0f\0\7\x0a\xff\0\0\0"), "!an unknown field can't be passed over"},
    {"echo_string", BYTES("\x0b\0\7\xff\xff\xff\xff"), "!an unknown field can't be passed over"},
    {"echo_presence", BYTES("\x0c\0\0\0\0"), "!a required field is missing"},
    {"echo_presence", BYTES("\x0c\0\0\x08\0\1\0\0\0\1\0\0"), "{\"needed\":1}"},
    {"echo_presence", BYTES("\x0c\0\0\x08\0\1\0\0\0\1\x08\0\1\0\0\0\1\0\0"), "!a field is given twice"},
    {"find", BYTES("\x0c\0\1\x0b\0\1\0\0\0\1w\x08\0\2\0\0\1\x94\0\0"), "{\"what\":\"w\",\"code\":404}"},
    {"echo_uuid", BYTES("\x10\0\0\0\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff\0"),
     "\"00112233-4455-6677-8899-aabbccddeeff\""},
};

START_TEST(results)
{
    const struct answer *answer = &answers[_i];
    const struct gw__record *result = find(answer->method)->result;
    for (size_t first = 0; first <= answer->size; first++) {
        struct cut cut = {first, first % 4};
        size_t rest;
        char *got = decode(result, NULL, &by_name, answer->bytes, answer->size, &cut, &rest);
        ck_assert_str_eq(got, answer->json);
        if (*got != '!')
            ck_assert_uint_eq(rest, 0);
        free(got);
    }
}
END_TEST

/* Cut off anywhere, a result is not complete. */
START_TEST(results_cut_off)
{
    const struct answer *answer = &answers[_i];
    if (*answer->json == '!' || *answer->json == '?')
        return;
    for (size_t size = 0; size < answer->size; size++) {
        size_t rest;
        char *got = decode(find(answer->method)->result, NULL, &by_name, answer->bytes, size, &whole, &rest);
        ck_assert_str_eq(got, "?");
        free(got);
    }
}
END_TEST

START_TEST(outcome_and_what_follows)
{
    static struct gw__decode pass;
    struct gw__json_out out = {0};
    static const char bytes[] = "\x0c\0\2\x0b\0\1\0\0\0\2no\0\0after";
    size_t taken;
    gw__decode_init_result(&pass, find("find")->result, NULL, &out);
    ck_assert_int_eq(gw__decode_feed(&pass, bytes, 3, &taken), GW__WIRE_MORE);
    ck_assert_str_eq(pass.outcome->type->name, "Refused");
    ck_assert_int_eq(gw__decode_feed(&pass, bytes + 3, sizeof bytes - 4, &taken), GW__WIRE_DONE);
    ck_assert_uint_eq(sizeof bytes - 4 - taken, 5);
    gw__decode_finish(&pass);
    gw__json_out_finish(&out);
}
END_TEST

/* Structs in structs without end: known ones, and unknown ones. */
START_TEST(deep_answers)
{
    static const char unknown[] = "\x0c\0\x63", known[] = "\x0c\0\3";
    const char *const steps[] = {unknown, known};
    for (unsigned i = 0; i < 2; i++) {
        char bytes[3 * 80] = "\x0c\0\0";
        for (unsigned j = 1; j < 80; j++)
            memcpy(bytes + 3 * j, steps[i], 3);
        size_t rest;
        char *got = decode(find("echo_tree")->result, NULL, NULL, bytes, sizeof bytes, &whole, &rest);
        ck_assert_int_eq(*got, '!');
        free(got);
    }
}
END_TEST

/* ---- memory */

/* A body with misfits, and one whose struct has more fields than bits stand ready. */
static bool encode_once(const struct gw__method *method, bool lenient, const char *body, const struct cut *cut)
{
    struct gw__wire wire = {0};
    static struct gw__encode pass;
    gw__encode_init(&pass, method, &(struct gw__encode_options){.lenient = lenient}, &wire);
    enum gw__wire_status status = encode_all(&pass, body, strlen(body), cut);
    bool lost = pass.no_memory;
    ck_assert(!lost || status == GW__WIRE_BAD);
    gw__encode_finish(&pass);
    gw__wire_finish(&wire);
    return !lost;
}

static const struct cut torn = {3, 7};

START_TEST(memory_out_while_encoding)
{
    static const char *const texts[] = {
        "{\"name\":\"a\",\"children\":[{\"nam\\u0065\":\"a string that a cut tears\"}],\"named\":{\"a key, torn\":{}}}",
        "{\"nmae\":\"a\",\"children\":[{\"name\":3}],\"named\":{\"x\":4}}",
    };
    for (unsigned i = 0; i < 2; i++)
        for (int index = 0;; index++) {
            ck_assert_int_lt(index, 200);
            fail_allocation(index);
            bool good = encode_once(find("echo_tree"), i == 1 && index % 2, texts[i], &torn);
            bool failed = allocation_failed();
            allocate_normally();
            ck_assert(good || failed);
            if (!failed)
                break;
        }
}
END_TEST

START_TEST(memory_out_while_decoding)
{
    const struct answer *answer = &answers[0];
    for (int index = 0;; index++) {
        static struct gw__decode pass;
        struct gw__json_out out = {0};
        size_t taken;
        fail_allocation(index);
        gw__decode_init_result(&pass, find(answer->method)->result, NULL, &out);
        enum gw__wire_status status = gw__decode_feed(&pass, answer->bytes, answer->size, &taken);
        bool failed = allocation_failed();
        allocate_normally();
        ck_assert_int_eq(status, failed ? GW__WIRE_BAD : GW__WIRE_DONE);
        ck_assert(pass.no_memory == failed);
        gw__decode_finish(&pass);
        gw__json_out_finish(&out);
        if (!failed)
            break;
        ck_assert_int_lt(index, 50);
    }
}
END_TEST

/* The output has so much room, and can't get more: nothing is written behind it. */
static void decode_in_room(const struct gw__type *type, const char *bytes, size_t size, size_t room)
{
    enum { BEHIND = 64 };
    static struct gw__decode pass;
    char expected[BEHIND];
    size_t taken;
    struct gw__json_out out = {.begin = malloc(room + BEHIND)};
    out.at = out.begin;
    out.end = out.begin + room;
    memset(out.end, '!', BEHIND);
    memset(expected, '!', BEHIND);
    fail_allocation(0);
    gw__decode_init_value(&pass, type, NULL, &out);
    enum gw__wire_status status = gw__decode_feed(&pass, bytes, size, &taken);
    bool failed = allocation_failed();
    allocate_normally();
    ck_assert_int_eq(status, failed ? GW__WIRE_BAD : GW__WIRE_DONE);
    ck_assert_mem_eq(out.begin + room, expected, BEHIND);
    gw__decode_finish(&pass);
    free(out.begin);
}

enum { FIRST_ROOM = 120, MOST_ROOM = 1000 };

/* The text of a map's key fills the last of the memory, however much that is. */
START_TEST(memory_out_behind_a_key)
{
    enum { KEY = 80 };
    const struct gw__field *named = gw__record_by_name(find("echo_tree")->arguments->fields[0].type->record, "named", 5);
    for (size_t plain = 0; plain <= KEY; plain += 8) {
        char bytes[10 + KEY + 1] = {GW__THRIFT_STRING, GW__THRIFT_STRUCT}; /* the entry's struct is empty */
        gw__wire_set32(bytes + 2, 1);
        gw__wire_set32(bytes + 6, KEY);
        memset(bytes + 10, 1, KEY - plain);
        memset(bytes + 10 + KEY - plain, 'k', plain);
        for (size_t room = FIRST_ROOM; room < MOST_ROOM; room++)
            decode_in_room(named->type, bytes, sizeof bytes, room);
    }
}
END_TEST

/* A long key leaves less room for the string behind it than an entry had, however much memory there is. */
START_TEST(memory_out_behind_a_long_key)
{
    enum { TEXT = 20 };
    struct idl_text text = {"struct Long { 1: string a_name_of_as_many_characters_as_the_fast_path_takes_at_once_1 }\n"
                            "service S { Long echo(1: Long l) }\n", NULL};
    struct gw__schema *schema = idl_schema("long.thrift", &text);
    ck_assert(schema);
    const struct gw__type *type = idl_method(schema, "echo")->arguments->fields[0].type;
    ck_assert_int_eq(type->record->fields[0].key_size, 64);
    char bytes[7 + TEXT + 1] = {GW__THRIFT_STRING, 0, 1};
    gw__wire_set32(bytes + 3, TEXT);
    memset(bytes + 7, 1, TEXT); /* each is six of JSON */
    for (size_t room = FIRST_ROOM; room < MOST_ROOM; room++)
        decode_in_room(type, bytes, sizeof bytes, room);
    gw__schema_destroy(schema);
}
END_TEST

/* More fields than one word of bits, in more nesting than bits stand ready. */
START_TEST(wide_structs)
{
    struct gw__text idl = {0}, body = {0};
    gw__text_puts(&idl, "struct Wide { 900: optional Wide next\n");
    for (unsigned i = 1; i <= 200; i++)
        gw__text_print(&idl, "%u: i32 f%u\n", i, i);
    gw__text_puts(&idl, "}\nservice S { Wide echo(1: Wide w) }\n");
    for (unsigned i = 0; i < 40; i++)
        gw__text_print(&body, "{\"f%u\":1,\"f199\":2,\"next\":", i + 1);
    gw__text_puts(&body, "{}");
    for (unsigned i = 0; i < 40; i++)
        gw__text_puts(&body, "}");
    struct idl_text text = {idl.data, NULL};
    struct gw__schema *schema = idl_schema("wide.thrift", &text);
    ck_assert(schema);
    char *got = meaning(idl_method(schema, "echo"), false, body.data, &whole);
    ck_assert_str_eq(got, body.data);
    free(got);
    for (int index = 0; index < 24; index++) {
        fail_allocation(index / 2);
        bool good = encode_once(idl_method(schema, "echo"), false, body.data, index % 2 ? &torn : &whole);
        bool failed = allocation_failed();
        allocate_normally();
        ck_assert(good == !failed);
    }
    gw__schema_destroy(schema);
    gw__text_finish(&idl);
    gw__text_finish(&body);
}
END_TEST

/* The struct for whose bits memory lacks is the innermost, and all ends in the same piece. */
START_TEST(memory_out_at_the_innermost_struct)
{
    struct gw__text idl = {0}, body = {0};
    gw__text_puts(&idl, "struct Wide { 1: optional Wide next\n");
    for (unsigned i = 2; i < 2 + GW__BIT_WORDS; i++) /* two words */
        gw__text_print(&idl, "%u: i32 f%u\n", i, i);
    gw__text_puts(&idl, "}\nservice S { Wide echo(1: Wide w) }\n");
    for (unsigned i = 0; i < GW__BIT_WORDS / 2; i++)
        gw__text_puts(&body, "{\"next\":");
    gw__text_puts(&body, "{}");
    for (unsigned i = 0; i < GW__BIT_WORDS / 2; i++)
        gw__text_puts(&body, "}");
    struct idl_text text = {idl.data, NULL};
    struct gw__schema *schema = idl_schema("wide.thrift", &text);
    ck_assert(schema);
    for (int index = 0;; index++) {
        ck_assert_int_lt(index, 20);
        fail_allocation(index);
        bool good = encode_once(idl_method(schema, "echo"), false, body.data, &whole);
        bool failed = allocation_failed();
        allocate_normally();
        ck_assert(good == !failed);
        if (!failed)
            break;
    }
    gw__schema_destroy(schema);
    gw__text_finish(&idl);
    gw__text_finish(&body);
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("transcode");
    TCase *tcase = tcase_create("transcode");
    tcase_add_unchecked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, bodies, 0, sizeof rows / sizeof *rows);
    tcase_add_loop_test(tcase, bodies_cut_off, 0, sizeof rows / sizeof *rows);
    tcase_add_test(tcase, integer_edges);
    tcase_add_test(tcase, lenient_scalars);
    tcase_add_test(tcase, lenient_twice);
    tcase_add_test(tcase, shortest_doubles);
    tcase_add_test(tcase, keys_of_every_type);
    tcase_add_test(tcase, all_scalars_there_and_back);
    tcase_add_test(tcase, bytes_on_the_wire);
    tcase_add_test(tcase, long_strings);
    tcase_add_test(tcase, nesting_is_bounded);
    tcase_add_test(tcase, errors_are_counted);
    tcase_add_test(tcase, output_is_bounded);
    tcase_add_loop_test(tcase, results, 0, sizeof answers / sizeof *answers);
    tcase_add_loop_test(tcase, results_cut_off, 0, sizeof answers / sizeof *answers);
    tcase_add_test(tcase, outcome_and_what_follows);
    tcase_add_test(tcase, deep_answers);
    tcase_add_test(tcase, memory_out_while_encoding);
    tcase_add_test(tcase, memory_out_while_decoding);
    tcase_add_test(tcase, memory_out_behind_a_key);
    tcase_add_test(tcase, memory_out_behind_a_long_key);
    tcase_add_test(tcase, wide_structs);
    tcase_add_test(tcase, memory_out_at_the_innermost_struct);
    suite_add_tcase(suite, tcase);
    return suite;
}
