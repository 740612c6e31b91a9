/* The writer of JSON: commas, escapes, broken UTF-8, the same in pieces and in one go; base64 both ways; out of
 * memory. */
#include "base/base64.h"
#include "json/writer.h"
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void check_written(struct gw__json_out *out, const char *want)
{
    ck_assert(!out->lost);
    size_t size = (size_t)(out->at - out->begin);
    ck_assert_msg(size == strlen(want) && memcmp(out->begin, want, size) == 0, "got  %.*s\nwant %s", (int)size,
                  out->begin, want);
    gw__json_out_finish(out);
}

static void write_document(struct gw__json_out *out)
{
    gw__json_put_open(out, '{');
    gw__json_put_raw_key(out, "\"a\":", 4);
    gw__json_put_int64(out, INT64_MIN);
    gw__json_put_key(out, "b\n", 2);
    gw__json_put_open(out, '[');
    gw__json_put_open(out, '[');
    gw__json_put_close(out, ']');
    gw__json_put_open(out, '{');
    gw__json_put_close(out, '}');
    gw__json_put_null(out);
    gw__json_put_bool(out, true);
    gw__json_put_bool(out, false);
    gw__json_put_string(out, "x", 1);
    gw__json_put_double(out, -0.5);
    gw__json_put_uint64(out, UINT64_MAX);
    gw__json_put_raw(out, "{ }", 3);
    gw__json_put_base64(out, "\xff\xfe\xfd\xfc", 4);
    gw__json_put_close(out, ']');
    gw__json_put_key_open(out);
    gw__json_put_int64(out, -7);
    gw__json_put_key_close(out);
    gw__json_put_int64(out, 0);
    gw__json_put_string_begin(out);
    gw__json_put_string_piece(out, "k\"", 2);
    gw__json_put_string_piece(out, "ey", 2);
    gw__json_put_string_end(out);
    gw__json_put_colon(out);
    gw__json_put_int64(out, INT64_MAX);
    gw__json_put_close(out, '}');
}

START_TEST(document)
{
    struct gw__json_out out = {0};
    write_document(&out);
    check_written(&out, "{\"a\":-9223372036854775808,\"b\\n\":[[],{},null,true,false,\"x\",-0.5,18446744073709551615,"
                        "{ },\"//79/A==\"],\"-7\":0,\"k\\\"ey\":9223372036854775807}");
}
END_TEST

START_TEST(not_finite)
{
    struct gw__json_out out = {0};
    gw__json_put_open(&out, '[');
    ck_assert(!gw__json_put_double(&out, NAN));
    ck_assert(!gw__json_put_double(&out, -INFINITY));
    ck_assert(gw__json_put_double(&out, 1e300));
    gw__json_put_close(&out, ']');
    check_written(&out, "[null,null,1e+300]");
}
END_TEST

#define FFFD "\xef\xbf\xbd"

static const struct {
    const char *text, *json;
    bool repaired;
} strings[] = {
    {"", "\"\"", false},
    {"a", "\"a\"", false},
    {"abcdefg", "\"abcdefg\"", false},
    {"0123456789abcde", "\"0123456789abcde\"", false},
    {"0123456789abcdef", "\"0123456789abcdef\"", false},
    {"0123456789abcdef0123456789abcdefXYZ", "\"0123456789abcdef0123456789abcdefXYZ\"", false},
    {"\"\\/\b\f\n\r\t\v\x01\x1f\x7f", "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u000b\\u0001\\u001f\x7f\"", false},
    {"0123456789abcde\n0123456789abcdef\"", "\"0123456789abcde\\n0123456789abcdef\\\"\"", false},
    {"\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n", "\"\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\"", false},
    {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"", false},
    {"a\xff" "b", "\"a" FFFD "b\"", true},
    {"\xc3", "\"" FFFD "\"", true},
    {"\xc3\xc3\xa9", "\"" FFFD "\xc3\xa9\"", true},
    {"\xe2\x82", "\"" FFFD FFFD "\"", true},
    {"\xe2\x82z", "\"" FFFD FFFD "z\"", true},
    {"\xf0\x9f\x98", "\"" FFFD FFFD FFFD "\"", true},
    {"\xf0\x9f\x98\"", "\"" FFFD FFFD FFFD "\\\"\"", true},
    {"\xf0\x9f\xf0\x9f\x98\x80", "\"" FFFD FFFD "\xf0\x9f\x98\x80\"", true},
    {"\xed\xa0\x80", "\"" FFFD FFFD FFFD "\"", true},
    {"\xc0\x80", "\"" FFFD FFFD "\"", true},
    {"\xf4\x90\x80\x80", "\"" FFFD FFFD FFFD FFFD "\"", true},
    {"0123456789abcdef\xe2\x82", "\"0123456789abcdef" FFFD FFFD "\"", true},
};

/* A block of its own, so that a sanitizer sees what is read behind it. */
static void put_piece(struct gw__json_out *out, const char *text, size_t size)
{
    char *block = malloc(size ? size : 1);
    memcpy(block, text, size);
    gw__json_put_string_piece(out, block, size);
    free(block);
}

START_TEST(string)
{
    const char *text = strings[_i].text;
    size_t size = strlen(text);
    struct gw__json_out out = {0};
    gw__json_put_string(&out, text, size);
    ck_assert_int_eq(out.repaired, strings[_i].repaired);
    check_written(&out, strings[_i].json);
    for (size_t step = 1; step <= size; step++) {
        out = (struct gw__json_out){0};
        gw__json_put_string_begin(&out);
        for (size_t at = 0; at < size; at += step)
            put_piece(&out, text + at, at + step < size ? step : size - at);
        gw__json_put_string_end(&out);
        ck_assert_int_eq(out.repaired, strings[_i].repaired);
        check_written(&out, strings[_i].json);
    }
}
END_TEST

START_TEST(long_strings)
{
    for (size_t size = 400; size < 2000; size += 7) {
        char *text = malloc(size), *want = malloc(6 * size + 3), *at = want;
        *at++ = '"';
        for (size_t i = 0; i < size; i++) {
            text[i] = i % 3 ? '\x01' : 'x';
            at = memcpy(at, i % 3 ? "\\u0001" : "x", i % 3 ? 6 : 1);
            at += i % 3 ? 6 : 1;
        }
        memcpy(at, "\"", 2);
        struct gw__json_out out = {0};
        gw__json_put_string(&out, text, size);
        check_written(&out, want);
        free(text);
        free(want);
    }
}
END_TEST

/* Up to `limit` bytes of characters of all lengths, of bytes that need an escape and, if `broken`, of some that are no
 * UTF-8; returns how many. Behind them are 32 that may be read, as what prints whole strings wants. */
static size_t make_mixture(char *text, size_t limit, bool broken)
{
    static const char *const parts[] = {
        "a", "plain", "0123456789abcdef", "\n", "\"", "\\", "\x1f", "\x7f", "\xc3\xa9", "\xdf\xbf", "\xe0\xa0\x80",
        "\xe2\x82\xac", "\xed\x9f\xbf", "\xef\xbf\xbd", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf",
        "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xff", "\xc0\x80", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80",
    };
    enum { GOOD = 16, ALL = sizeof parts / sizeof *parts };
    size_t size = 0;
    for (;;) {
        const char *part = parts[broken && rand() % 16 == 0 ? GOOD + rand() % (ALL - GOOD) : rand() % GOOD];
        size_t part_size = strlen(part);
        if (size + part_size > limit)
            break;
        memcpy(text + size, part, part_size);
        size += part_size;
    }
    for (size_t i = 0; i < 32; i++)
        text[size + i] = (char)rand();
    return size;
}

/* In one go or with a look at each character: it is the same, and nothing beyond what may be is touched. */
START_TEST(whole_strings)
{
    srand(1);
    for (unsigned round = 0; round < 40000; round++) {
        char made[256];
        size_t size = make_mixture(made, round % 130, round % 4 == 0), room = 8 * size + 64;
        char *text = malloc(size + 32), *printed = malloc(room);
        memcpy(text, made, size + 32);
        struct gw__json_out out = {0};
        gw__json_put_string(&out, text, size);
        char *end = gw__json_print_string(printed, printed + room, text, size, text + size + 32);
        ck_assert_int_eq(end == NULL, out.repaired);
        ck_assert(!end || end - printed == out.at - out.begin);
        ck_assert(!end || memcmp(printed, out.begin, (size_t)(end - printed)) == 0);
        ck_assert_ptr_null(gw__json_print_string(printed, printed + room, text, size, text + size + 31));
        ck_assert_ptr_null(gw__json_print_string(printed, printed + room - 1, text, size, text + size + 32));
        gw__json_out_finish(&out);
        free(text);
        free(printed);
    }
}
END_TEST

START_TEST(sent_and_used_again)
{
    struct gw__json_out out = {0};
    gw__json_put_open(&out, '[');
    gw__json_put_int64(&out, 1);
    out.at = out.begin;
    gw__json_put_int64(&out, 2);
    gw__json_put_close(&out, ']');
    check_written(&out, ",2]");
}
END_TEST

START_TEST(memory_runs_out)
{
    int failures = 0;
    for (int index = 0;; index++) {
        struct gw__json_out out = {0};
        fail_allocation(index);
        for (int i = 0; i < 20; i++)
            write_document(&out);
        bool failed = allocation_failed();
        allocate_normally();
        ck_assert_int_eq(out.lost, failed);
        gw__json_out_finish(&out);
        if (!failed)
            break;
        failures++;
    }
    ck_assert_int_ge(failures, 3);
}
END_TEST

static const struct {
    const char *bytes, *text;
} encoded[] = {
    {"", ""},           {"f", "Zg=="},         {"fo", "Zm8="},         {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}, {"\xff\xfb\xf0\x10\x83", "//vwEIM="},
};

enum { BARE = GW__BASE64_BARE, URL = GW__BASE64_URL };

static bool decode_as(unsigned form, const char *text, size_t step, char *out, size_t *size)
{
    struct gw__base64 decoder = {.form = (uint8_t)form};
    *size = 0;
    for (size_t at = 0, all = strlen(text); at < all; at += step)
        *size += gw__base64_decode(&decoder, out + *size, text + at, at + step < all ? step : all - at);
    *size += gw__base64_end(&decoder, out + *size);
    return !decoder.bad;
}

static bool decode(const char *text, size_t step, char *out, size_t *size)
{
    return decode_as(GW__BASE64_PADDED, text, step, out, size);
}

START_TEST(base64)
{
    for (size_t i = 0; i < sizeof encoded / sizeof *encoded; i++) {
        char out[64], room[64];
        size_t size = strlen(encoded[i].bytes), length = strlen(encoded[i].text), got;
        ck_assert_uint_eq(gw__base64_encode(out, encoded[i].bytes, size, 0), length);
        ck_assert_int_eq(memcmp(out, encoded[i].text, length), 0);
        for (size_t step = 1; step <= 9; step++) {
            ck_assert(decode(encoded[i].text, step, out, &got));
            ck_assert_uint_eq(got, size);
            ck_assert_int_eq(memcmp(out, encoded[i].bytes, size), 0);
            struct gw__json_out json = {0};
            gw__json_put_string_begin(&json);
            for (size_t at = 0; at < size; at += step)
                gw__json_put_base64_piece(&json, encoded[i].bytes + at, at + step < size ? step : size - at);
            gw__json_put_base64_end(&json);
            snprintf(room, sizeof room, "\"%s\"", encoded[i].text);
            check_written(&json, room);
        }
        struct gw__base64 decoder = {0};
        memcpy(room, encoded[i].text, length);
        ck_assert_uint_eq(gw__base64_decode(&decoder, room, room, length), size);
        ck_assert_int_eq(memcmp(room, encoded[i].bytes, size), 0);
    }
}
END_TEST

START_TEST(bad_base64)
{
    static const char *const texts[] = {
        "Z",    "Zg",     "Zg=",      "Zm9vY",    "=",        "====",  "Z===",  "Zg==Zg==", "Zg===",     "Zm8=Zm9v",
        "Zh==", "Zm9=",   "Zm 9v",    "Zm9v\n",   "Zm-_",     "Zg=a",  "Zg=a=", "Zm9v=",    "Zm9vZm9v=", "\xff\xff\xff\xff",
        "Zm8==", "Zg==\n", "Zm9vYg=v", "Zm9vYm@=",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        for (size_t step = 1; step <= 9; step++) {
            char out[64];
            size_t got;
            ck_assert_msg(!decode(texts[i], step, out, &got), "%s", texts[i]);
        }
    }
}
END_TEST

START_TEST(every_byte_through_base64)
{
    char bytes[256], text[400], back[400];
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)(i * 7);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        for (unsigned form = 0; form <= (BARE | URL); form++) {
            size_t got, length = gw__base64_encode(text, bytes, size, form);
            text[length] = '\0';
            ck_assert_int_eq(strpbrk(text, form & URL ? "+/" : "-_") != NULL, 0);
            ck_assert_int_eq(strchr(text, '=') != NULL, !(form & BARE) && size % 3);
            ck_assert(decode_as(form, text, 1 + size % 11, back, &got));
            ck_assert_uint_eq(got, size);
            ck_assert_int_eq(memcmp(back, bytes, size), 0);
        }
    }
}
END_TEST

START_TEST(other_forms_of_base64)
{
    static const struct {
        const char *text;
        unsigned form;
        bool good;
    } rows[] = {
        {"-_--", URL, true},  {"+/++", URL, false}, {"-_--", 0, false},    {"Zg", BARE, true},   {"Zg==", BARE, true},
        {"Zg=", BARE, false}, {"Z", BARE, false},   {"Zm8", BARE, true},   {"Zm9", BARE, false}, {"Zh", BARE, false},
        {"Zg", URL, false},   {"-_8", URL | BARE, true}, {"-_8=", URL | BARE, true}, {"-_9", URL | BARE, false},
        {"Zg==Zg", BARE, false}, {"", BARE, true}, {"Zm9v=", BARE, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t step = 1; step <= 5; step++) {
            char out[64];
            size_t got;
            bool good = decode_as(rows[i].form, rows[i].text, step, out, &got);
            ck_assert_msg(good == rows[i].good, "%s as %u", rows[i].text, rows[i].form);
        }
    struct gw__json_out json = {.base64 = URL | BARE};
    gw__json_put_base64(&json, "\xff\xfe\xfd\xfc", 4);
    check_written(&json, "\"__79_A\"");
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("json_writer");
    TCase *tcase = tcase_create("json_writer");
    tcase_add_test(tcase, document);
    tcase_add_test(tcase, not_finite);
    tcase_add_loop_test(tcase, string, 0, sizeof strings / sizeof *strings);
    tcase_add_test(tcase, long_strings);
    tcase_add_test(tcase, whole_strings);
    tcase_add_test(tcase, sent_and_used_again);
    tcase_add_test(tcase, memory_runs_out);
    tcase_add_test(tcase, base64);
    tcase_add_test(tcase, bad_base64);
    tcase_add_test(tcase, every_byte_through_base64);
    tcase_add_test(tcase, other_forms_of_base64);
    suite_add_tcase(suite, tcase);
    return suite;
}
