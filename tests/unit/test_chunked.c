/* Chunked bodies: what they decode to wherever they are cut, and what is refused. */
#include "http/parse.h"
#include "unit.h"

#include <stdlib.h>

/* Decodes text given in pieces of `step` bytes, each in a block of its own. Returns what it ended with; *taken is
 * what was read of it. */
static enum gw__chunked_result decode(const char *text, size_t size, size_t step, char *body, size_t *taken)
{
    struct gw__chunked decoder = {0};
    size_t length = 0;
    *taken = 0;
    enum gw__chunked_result result = GW__CHUNKED_MORE;
    while (result == GW__CHUNKED_MORE && *taken < size) {
        size_t count = size - *taken < step ? size - *taken : step;
        char *block = malloc(count);
        memcpy(block, text + *taken, count);
        const char *at = block, *end = block + count;
        do {
            struct gw__str piece;
            result = gw__chunked_next(&decoder, &at, end, &piece);
            if (result == GW__CHUNKED_DATA) {
                ck_assert_uint_gt(piece.size, 0);
                ck_assert(piece.data >= block && piece.data + piece.size <= end);
                memcpy(body + length, piece.data, piece.size);
                length += piece.size;
            }
        } while (result == GW__CHUNKED_DATA);
        ck_assert(result != GW__CHUNKED_MORE || at == end);
        *taken += (size_t)(at - block);
        free(block);
    }
    body[length] = '\0';
    return result;
}

static const struct {
    enum gw__chunked_result result;
    const char *text, *body, *rest;
} cases[] = {
    {GW__CHUNKED_TRAILERS, "0\r\n\r\n", "", "\r\n"},
    {GW__CHUNKED_TRAILERS, "0000\r\nX: y\r\n\r\n", "", "X: y\r\n\r\n"},
    {GW__CHUNKED_TRAILERS, "5\r\nhello\r\n0\r\n\r\n", "hello", "\r\n"},
    {GW__CHUNKED_TRAILERS, "00000000000000A\r\n0123456789\r\n0\r\n\r\n", "0123456789", "\r\n"},
    {GW__CHUNKED_TRAILERS, "a\r\n0123456789\r\n1\r\n\n\r\n0\r\n", "0123456789\n", ""},
    {GW__CHUNKED_TRAILERS, "2;a\r\nab\r\n1;b=c;d=\"e;\\\"\\\\ \t\x80\";f\r\nc\r\n0;z\r\n", "abc", ""},
    {GW__CHUNKED_MORE, "5\r\nhel", "hel", ""},
    {GW__CHUNKED_MORE, "5\r\nhello\r", "hello", ""},
    {GW__CHUNKED_MORE, "7fffffffffffffff\r\nhel", "hel", ""},
    {GW__CHUNKED_BAD, "8000000000000000\r\nhel", "", NULL},
    {GW__CHUNKED_BAD, "ffffffffffffffff\r\nhel", "", NULL},
    {GW__CHUNKED_BAD, "00000000000000001\r\na", "", NULL},
    {GW__CHUNKED_BAD, "10000000000000000\r\na", "", NULL},
    {GW__CHUNKED_BAD, "\r\n", "", NULL},
    {GW__CHUNKED_BAD, ";a\r\n", "", NULL},
    {GW__CHUNKED_BAD, " 5\r\nhello\r\n", "", NULL},
    {GW__CHUNKED_BAD, "5 \r\nhello\r\n", "", NULL},
    {GW__CHUNKED_BAD, "5\t;a\r\nhello\r\n", "", NULL},
    {GW__CHUNKED_BAD, "0x5\r\nhello\r\n", "", NULL},
    {GW__CHUNKED_BAD, "+5\r\nhello\r\n", "", NULL},
    {GW__CHUNKED_BAD, "-5\r\nhello\r\n", "", NULL},
    {GW__CHUNKED_BAD, "g\r\n", "", NULL},
    {GW__CHUNKED_BAD, "5\nhello\r\n", "", NULL},
    {GW__CHUNKED_BAD, "5\r\r\nhello\r\n", "", NULL},
    {GW__CHUNKED_BAD, "5\rhello\r\n", "", NULL},
    {GW__CHUNKED_BAD, "5\r\nhello\n0\r\n", "hello", NULL},
    {GW__CHUNKED_BAD, "5\r\nhello\r0\r\n", "hello", NULL},
    {GW__CHUNKED_BAD, "5\r\nhello0\r\n", "hello", NULL},
    {GW__CHUNKED_BAD, "5\r\nhello world\r\n", "hello", NULL},
    {GW__CHUNKED_BAD, "0\n\r\n", "", NULL},
    {GW__CHUNKED_BAD, "1;\r\na\r\n", "", NULL},
    {GW__CHUNKED_BAD, "1; a\r\na\r\n", "", NULL},
    {GW__CHUNKED_BAD, "1;a \r\na\r\n", "", NULL},
    {GW__CHUNKED_BAD, "1;a=\r\na\r\n", "", NULL},
    {GW__CHUNKED_BAD, "1;a==b\r\na\r\n", "", NULL},
    {GW__CHUNKED_BAD, "1;=b\r\na\r\n", "", NULL},
    {GW__CHUNKED_BAD, "1;a\n\r\na\r\n", "", NULL},
    {GW__CHUNKED_BAD, "1;a=\"b\r\na\r\n", "", NULL},
    {GW__CHUNKED_BAD, "1;a=\"b\"c\r\na\r\n", "", NULL},
    {GW__CHUNKED_BAD, "1;a=\"\\\r\"\r\na\r\n", "", NULL},
    {GW__CHUNKED_BAD, "1;a=\"\x7f\"\r\na\r\n", "", NULL},
};

START_TEST(cut_anywhere)
{
    const char *text = cases[_i].text;
    size_t size = strlen(text), first = 0;
    for (size_t step = 1; step <= size; step++) {
        char body[100];
        size_t taken;
        ck_assert_int_eq(decode(text, size, step, body, &taken), cases[_i].result);
        ck_assert_str_eq(body, cases[_i].body);
        if (cases[_i].rest)
            ck_assert_str_eq(text + taken, cases[_i].rest);
        if (step == 1)
            first = taken;
        ck_assert_uint_eq(taken, first);
    }
}
END_TEST

START_TEST(stays)
{
    struct gw__chunked decoder = {0};
    const char *text = "0\r\n\r\n", *at = text, *end = text + strlen(text);
    struct gw__str piece;
    ck_assert_int_eq(gw__chunked_next(&decoder, &at, end, &piece), GW__CHUNKED_TRAILERS);
    ck_assert_int_eq(gw__chunked_next(&decoder, &at, end, &piece), GW__CHUNKED_TRAILERS);
    ck_assert_str_eq(at, "\r\n");
    struct gw__chunked bad = {0};
    text = at = "x5\r\n";
    ck_assert_int_eq(gw__chunked_next(&bad, &at, at + 4, &piece), GW__CHUNKED_BAD);
    at = "5\r\n";
    ck_assert_int_eq(gw__chunked_next(&bad, &at, at + 3, &piece), GW__CHUNKED_BAD);
}
END_TEST

START_TEST(long_line)
{
    char text[5000];
    memset(text, 'x', sizeof text);
    memcpy(text, "5;", 2);
    struct gw__chunked decoder = {0};
    struct gw__str piece;
    const char *at = text;
    ck_assert_int_eq(gw__chunked_next(&decoder, &at, text + 4096, &piece), GW__CHUNKED_MORE);
    ck_assert_int_eq(gw__chunked_next(&decoder, &at, text + 4097, &piece), GW__CHUNKED_BAD);
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("chunked");
    TCase *tests = tcase_create("chunked");
    tcase_add_loop_test(tests, cut_anywhere, 0, (int)(sizeof cases / sizeof *cases));
    tcase_add_test(tests, stays);
    tcase_add_test(tests, long_line);
    suite_add_tcase(suite, tests);
    return suite;
}
