/* Bodies of many entries, each way: whole, where entries are taken without looking at each token alone, and cut at
 * every byte, where they are not. The same comes out. */
#include "wire_types.h"
#include "unit.h"

static char *encode(const struct gw__method *method, bool lenient, const char *body, const struct cut *cut,
                    size_t *size)
{
    struct gw__wire wire = {0};
    static struct gw__encode pass;
    gw__encode_init(&pass, method, &(struct gw__encode_options){.lenient = lenient}, &wire);
    ck_assert_int_eq(encode_all(&pass, body, strlen(body), cut), GW__WIRE_DONE);
    char *bytes = wire_bytes(&wire, size);
    gw__encode_finish(&pass);
    gw__wire_finish(&wire);
    return bytes;
}

static char *decode(const struct gw__method *method, const char *data, size_t size, const struct cut *cut)
{
    static struct gw__decode pass;
    struct gw__json_out out = {0};
    size_t taken;
    gw__decode_init_result(&pass, method->arguments, &(struct gw__decode_options){.any = true}, &out);
    ck_assert_int_eq(decode_all(&pass, data, size, cut, &taken), GW__WIRE_DONE);
    ck_assert_uint_eq(taken, size);
    gw__decode_finish(&pass);
    char *json = strndup(out.begin, (size_t)(out.at - out.begin));
    gw__json_out_finish(&out);
    return json;
}

static void check_cuts(const struct gw__method *method, const char *body)
{
    static const struct cut whole = {0};
    size_t size, got_size;
    char *bytes = encode(method, false, body, &whole, &size), *json = decode(method, bytes, size, &whole);
    for (size_t i = 0; i <= strlen(body); i++) {
        struct cut cut = {i, i % 7 == 0};
        char *got = encode(method, i % 2, body, &cut, &got_size);
        ck_assert_uint_eq(got_size, size);
        ck_assert_mem_eq(got, bytes, size);
        free(got);
    }
    for (size_t i = 0; i <= size; i++) {
        struct cut cut = {i, i % 7 == 0};
        char *got = decode(method, bytes, size, &cut);
        ck_assert_str_eq(got, json);
        free(got);
    }
    free(json);
    free(bytes);
}

START_TEST(long_bodies_cut_anywhere)
{
    static const char *const texts[] = {"", "short", "fifteen bytes..", "sixteen bytes...", "J\xc3\xb6rg \xe2\x82\xac",
        "one that is longer than two blocks of bytes", "a \\\"quoted\\\" word\\n and \\u20ac, then more", "\xf0\x9f\x98\x80"};
    static const char *const numbers[] = {"0", "-1", "12345678", "123456789", "-1234567890123456", "12345678901234567",
        "9223372036854775807", "-9223372036854775808"};
    static const char *const ratios[] = {"0", "-0.5", "123.45", "1e3", "0.12345678901234567", "12345678.1234567", "1e-7",
        "1234567890.5"};
    struct gw__text tree = {0}, lists = {0};
    gw__text_puts(&tree, "{\"name\":\"\", \"children\": [");
    gw__text_puts(&lists, "{\"records\":[");
    for (unsigned i = 0; i < 8; i++) {
        gw__text_print(&tree, "%s{\"name\":\"%s\",\"children\":[],\"named\":{\"%s\":{\"name\":\"x\",\"children\":[],"
                       "\"named\":{}}}}", i ? "," : "", texts[i], texts[7 - i]);
        gw__text_print(&lists, "%s{\"truth\":%s,\"tiny\":%u,\"small\":-%u, \"medium\": %u,\"large\":%s,\"ratio\":%s,"
                       "\"text\":\"%s\",\"bytes\":\"AAE=\",\"color\":%u,\"id\":%s}", i ? ", " : "",
                       i % 2 ? "true" : "false", i, i * 1000, i * 1000000, numbers[i], ratios[i], texts[i], 1 << i % 3,
                       numbers[7 - i]);
    }
    gw__text_puts(&tree, "],\"named\":{}}");
    gw__text_puts(&lists, "],\"truths\":[true,false],\"tinies\":[1,-2],\"smalls\":[],\"mediums\":[ ],\"larges\":[1,2],"
                  "\"ratios\":[ 0.5 , 1,1234567890123456.5,-123456789012345.5,1234567890123456],\"texts\":[\"a\"],"
                  "\"blobs\":[  ],\"colors\":[1],\"rows\":[[ ],[ 1],[]],"
                  "\"bags\":[[\"b\"]],\"tables\":[{ \"k\" : 1 },{ }]}");
    struct idl_text files = {NULL, SOURCE_ROOT};
    struct gw__schema *types = idl_schema("types.thrift", &files);
    ck_assert_ptr_nonnull(types);
    check_cuts(idl_method(types, "echo_tree"), tree.data);
    check_cuts(idl_method(types, "echo_lists"), lists.data);
    gw__schema_destroy(types);
    gw__text_finish(&tree);
    gw__text_finish(&lists);
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("cuts");
    TCase *tcase = tcase_create("cuts");
    tcase_add_test(tcase, long_bodies_cut_anywhere);
    suite_add_tcase(suite, tcase);
    return suite;
}
