/* The line writer of access log and errors: numbers, and JSON strings from whatever bytes. */
#include "decorators/line.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

static const char *escaped(const char *text, size_t limit)
{
    static char buffer[512];
    struct gw__line line = {buffer, buffer + sizeof buffer - 1};
    gw__line_json(&line, text, limit);
    *line.at = '\0';
    return buffer;
}

START_TEST(numbers)
{
    const uint64_t values[] = {0, 9, 10, 99, 100, 12345, 4294967296u, UINT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char expected[32], buffer[32];
        struct gw__line line = {buffer, buffer + sizeof buffer};
        gw__line_u64(&line, values[i]);
        int size = snprintf(expected, sizeof expected, "%llu", (unsigned long long)values[i]);
        ck_assert_int_eq(line.at - buffer, size);
        ck_assert_mem_eq(buffer, expected, (size_t)size);
    }
}
END_TEST

START_TEST(escapes)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {NULL, "null"},
        {"", "\"\""},
        {"/a/b", "\"/a/b\""},
        {"eight by", "\"eight by\""},
        {"a \"quote\" and a \\", "\"a \\\"quote\\\" and a \\\\\""},
        {"line\nfeed\r\ttab", "\"line\\u000afeed\\u000d\\u0009tab\""},
        {"\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\""},
        {"gr\xc3\xbc\xc3\x9f and more", "\"gr\xc3\xbc\xc3\x9f and more\""},
        {"\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\""},
        {"\xe2\x82\xac", "\"\xe2\x82\xac\""},
        {"\xff", "\"\\ufffd\""},
        {"lone \x80 tail", "\"lone \\ufffd tail\""},
        {"short \xc3", "\"short \\ufffd\""},
        {"overlong \xc0\xaf", "\"overlong \\ufffd\\ufffd\""},
        {"overlong \xe0\x80\xaf", "\"overlong \\ufffd\\ufffd\\ufffd\""},
        {"surrogate \xed\xa0\x80", "\"surrogate \\ufffd\\ufffd\\ufffd\""},
        {"beyond \xf4\x90\x80\x80", "\"beyond \\ufffd\\ufffd\\ufffd\\ufffd\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_str_eq(escaped(cases[i].text, 500), cases[i].expected);
}
END_TEST

/* Each byte alone, at each place of a word: the fast path lets none through that the slow one escapes. */
START_TEST(every_byte_everywhere)
{
    for (unsigned byte = 1; byte < 256; byte++) {
        char alone[2] = {(char)byte, 0}, expected[512];
        snprintf(expected, sizeof expected, "%s", escaped(alone, 500));
        size_t size = strlen(expected) - 2;
        for (size_t at = 0; at < 19; at++) {
            char text[20] = "aaaaaaaaaaaaaaaaaaa";
            text[at] = (char)byte;
            const char *out = escaped(text, 500);
            ck_assert_uint_eq(strlen(out), 18 + size + 2);
            ck_assert_mem_eq(out + 1 + at, expected + 1, size);
        }
    }
}
END_TEST

START_TEST(limits_keep_characters_whole)
{
    ck_assert_str_eq(escaped("abcdefghijkl", 6), "\"abcd\"");
    ck_assert_str_eq(escaped("abc\xe2\x82\xac", 7), "\"abc\"");
    ck_assert_str_eq(escaped("abc\xe2\x82\xac", 8), "\"abc\xe2\x82\xac\"");
    ck_assert_str_eq(escaped("abc\n", 10), "\"abc\"");
    ck_assert_str_eq(escaped("abc\n", 11), "\"abc\\u000a\"");
    ck_assert_str_eq(escaped("abc", 1), "");
    char buffer[8];
    struct gw__line line = {buffer, buffer + sizeof buffer};
    gw__line_json(&line, "a long text for a small line", 500);
    ck_assert_int_eq(line.at - buffer, 8);
    ck_assert_mem_eq(buffer, "\"a long\"", 8);
    gw__line_put(&line, "x", 1);
    ck_assert_int_eq(line.at - buffer, 8);
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("line");
    TCase *all = tcase_create("line");
    tcase_add_test(all, numbers);
    tcase_add_test(all, escapes);
    tcase_add_test(all, every_byte_everywhere);
    tcase_add_test(all, limits_keep_characters_whole);
    suite_add_tcase(suite, all);
    return suite;
}
