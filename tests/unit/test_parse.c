/* Heads and trailers from bytes: what is taken and what it means, what is refused and with which status; that SSE2
 * and scalar agree; that cutting the input changes nothing. */
#include "http/parse.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#define H "GET / HTTP/1.1\r\nHost: a\r\n"
#define P "POST / HTTP/1.1\r\nHost: a\r\n"
#define R "HTTP/1.1 200 OK\r\n"

static const struct gw__parse_limits limits = {8192, 16384, 100};
static struct gw__raw_head raw, other;
static struct gw__parse_error error;

typedef enum gw__parse_result parse_function(const char *data, size_t size, const struct gw__parse_limits *limits,
                                             struct gw__raw_head *out, struct gw__parse_error *error);

/* From a block of exactly the text's size, so that a sanitizer sees a byte too much. */
static enum gw__parse_result exact(parse_function *parse, const char *text, size_t size, struct gw__raw_head *out)
{
    char *copy = malloc(size ? size : 1);
    memcpy(copy, text, size);
    error = (struct gw__parse_error){0};
    enum gw__parse_result result = parse(copy, size, &limits, out, &error);
    free(copy);
    return result;
}

static int status_of(parse_function *parse, const char *text, size_t size)
{
    enum gw__parse_result result = exact(parse, text, size, &raw);
    ck_assert_msg((result == GW__PARSE_BAD) == (error.reason != NULL), "a reason is given if and only if bad: %s",
                  text);
    return result == GW__PARSE_OK ? 0 : result == GW__PARSE_MORE ? 1 : error.status;
}

static const char *value_of(const char *text, unsigned index)
{
    static char value[256];
    snprintf(value, sizeof value, "%.*s", (int)raw.fields[index].value_size, text + raw.fields[index].value);
    return value;
}

struct refused {
    int status; /* 0: taken, 1: more is awaited */
    const char *text;
};

static const struct refused requests[] = {
    {0, H "\r\n"},
    {0, "\r\n" H "\r\n"},
    {0, "\r\n\r\n" H "\r\n"},
    {400, "\r\n\r\n\r\n" H "\r\n"},
    {400, "\n" H "\r\n"},
    {400, "\r" H "\r\n"},
    {1, ""},
    {1, "\r"},
    {1, "\r\n"},
    {1, "GET / HTTP/1.1\r\nHost: a\r\n\r"},
    /* request line */
    {0, "GET / HTTP/1.0\r\n\r\n"},
    {0, "M-SEARCH!#$%&'*+.^_`|~ / HTTP/1.0\r\n\r\n"},
    {400, "G@T / HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, " GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET  HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET /\r\nHost: a\r\n\r\n"},
    {400, "GET / \r\nHost: a\r\n\r\n"},
    {400, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"},
    {400, "GET / HTTP/1.1\t\r\nHost: a\r\n\r\n"},
    {400, "GET /\tHTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET / http/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET / HTTP/1.\r\nHost: a\r\n\r\n"},
    {400, "GET / HTTP/1.10\r\nHost: a\r\n\r\n"},
    {400, "GET / HTTP/11.1\r\nHost: a\r\n\r\n"},
    {400, "GET / HTTP/A.1\r\nHost: a\r\n\r\n"},
    {400, "GET / HTTP/1,1\r\nHost: a\r\n\r\n"},
    {400, "GET / HTTPS/1.1\r\nHost: a\r\n\r\n"},
    {505, "GET / HTTP/0.9\r\nHost: a\r\n\r\n"},
    {505, "GET / HTTP/1.2\r\nHost: a\r\n\r\n"},
    {505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
    {505, "GET / HTTP/9.9\r\nHost: a\r\n\r\n"},
    /* lines */
    {400, "GET / HTTP/1.1\nHost: a\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a\n\r\n"},
    {400, H "\n"},
    {400, H "\r\r\n"},
    {400, "GET / HTTP/1.1\rHost: a\r\n\r\n"},
    {400, H "X: a\rY: b\r\n\r\n"},
    {400, H "X: a\r\r\n\r\n"},
    {400, H "X: a\r\n b\r\n\r\n"},
    {400, H "X: a\r\n\tb\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n"},
    {400, H "X : a\r\n\r\n"},
    {400, H "X\t: a\r\n\r\n"},
    {400, H " X: a\r\n\r\n"},
    {400, H ": a\r\n\r\n"},
    {400, H "X\r\n\r\n"},
    {400, H "X Y: a\r\n\r\n"},
    {400, H "X@: a\r\n\r\n"},
    {400, H "\"X\": a\r\n\r\n"},
    {400, H "(X): a\r\n\r\n"},
    {400, H "X: a\x01z\r\n\r\n"},
    {400, H "X: a\x7fz\r\n\r\n"},
    {400, H "X: \x1b[0m\r\n\r\n"},
    {400, H "X: a\x0b\r\n\r\n"},
    {400, H "X: a\x0c\r\n\r\n"},
    {400, H "X\x80: a\r\n\r\n"},
    {400, H "\x0d"
            "ost: a\r\n\r\n"},
    {0, H "X: \t a\tb \t\r\n\r\n"},
    {0, H "X:\r\n\r\n"},
    {0, H "X: \t \r\n\r\n"},
    {0, H "X:a:b\r\n\r\n"},
    {0, H "X: \x80\xff\r\n\r\n"},
    {0, H "!#$%&'*+-.^_`|~0aZ: a\r\n\r\n"},
    {0, H "\r\nGET \x01\n"},
    /* Host */
    {400, "GET / HTTP/1.1\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: \r\n\r\n"},
    {400, "GET / HTTP/1.0\r\nHost:\r\n\r\n"},
    {400, H "Host: a\r\n\r\n"},
    {400, H "hOSt: b\r\n\r\n"},
    {400, "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a:x\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHos: a\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHostt: a\r\n\r\n"},
    /* Content-Length */
    {0, P "Content-Length: 0\r\n\r\n"},
    {0, P "Content-Length: 003\r\n\r\n"},
    {0, P "Content-Length: 9223372036854775799\r\n\r\n"},
    {400, P "Content-Length: 9223372036854775808\r\n\r\n"},
    {400, P "Content-Length: 18446744073709551617\r\n\r\n"},
    {400, P "Content-Length: 99999999999999999999999\r\n\r\n"},
    {400, P "Content-Length:\r\n\r\n"},
    {400, P "Content-Length: +1\r\n\r\n"},
    {400, P "Content-Length: -1\r\n\r\n"},
    {400, P "Content-Length: 0x1\r\n\r\n"},
    {400, P "Content-Length: 1a\r\n\r\n"},
    {400, P "Content-Length: 1 1\r\n\r\n"},
    {400, P "Content-Length: 5, 5\r\n\r\n"},
    {400, P "Content-Length: 5,5\r\n\r\n"},
    {400, P "Content-Length: 5;\r\n\r\n"},
    {400, P "Content-Length: \xb2\r\n\r\n"},
    {400, P "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"},
    {400, P "Content-Length: 5\r\ncontent-length: 6\r\n\r\n"},
    {0, P "Content-Length-X: z\r\n\r\n"},
    /* Transfer-Encoding */
    {0, P "Transfer-Encoding: chunked\r\n\r\n"},
    {0, P "transfer-ENCODING: \tChunkeD \r\n\r\n"},
    {400, P "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"},
    {400, P "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {400, P "Content-Length: 0\r\nTransfer-Encoding: identity\r\n\r\n"},
    {400, "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {400, P "Transfer-Encoding: chunked, chunked\r\n\r\n"},
    {400, P "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {400, P "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"},
    {400, P "Transfer-Encoding: chunked, gzip\r\n\r\n"},
    {400, P "Transfer-Encoding: chunked,\r\n\r\n"},
    {400, P "Transfer-Encoding: ,chunked\r\n\r\n"},
    {400, P "Transfer-Encoding: gzip,,chunked\r\n\r\n"},
    {400, P "Transfer-Encoding:\r\n\r\n"},
    {400, P "Transfer-Encoding: \"chunked\"\r\n\r\n"},
    {400, P "Transfer-Encoding: chunked;q=1\r\n\r\n"},
    {400, P "Transfer-Encoding: chun ked\r\n\r\n"},
    {400, P "Transfer-Encoding: \x0b"
            "chunked\r\n\r\n"},
    {501, P "Transfer-Encoding: gzip, chunked\r\n\r\n"},
    {501, P "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {501, P "Transfer-Encoding: gzip\r\n\r\n"},
    {501, P "Transfer-Encoding: identity\r\n\r\n"},
    {501, P "Transfer-Encoding: xchunked\r\n\r\n"},
    {501, P "Transfer-Encoding: chunkedchunked\r\n\r\n"},
    {400, P "Transfer_Encoding : chunked\r\n\r\n"},
    {0, P "Transfer_Encoding: chunked\r\n\r\n"},
    /* Expect */
    {0, P "Expect: 100-Continue\r\n\r\n"},
    {417, P "Expect: 200-ok\r\n\r\n"},
    {417, P "Expect: 100-continue, x\r\n\r\n"},
    {0, "POST / HTTP/1.0\r\nExpect: what\r\n\r\n"},
};

START_TEST(request_status)
{
    const struct refused *test = &requests[_i];
    ck_assert_msg(status_of(gw__parse_request, test->text, strlen(test->text)) == test->status, "%d \"%s\" for %s",
                  error.status, error.reason ? error.reason : "", test->text);
}
END_TEST

static const struct refused responses[] = {
    {0, R "\r\n"},
    {0, "HTTP/1.1 200\r\n\r\n"},
    {0, "HTTP/1.1 200 \r\n\r\n"},
    {0, "HTTP/1.1 200  two  spaces\t\r\n\r\n"},
    {0, "HTTP/1.0 599 gr\xc3\xbc\xc3\x9f\r\n\r\n"},
    {502, "\r\n" R "\r\n"},
    {502, "HTTP/1.1 99 x\r\n\r\n"},
    {502, "HTTP/1.1 099 x\r\n\r\n"},
    {502, "HTTP/1.1 600 x\r\n\r\n"},
    {502, "HTTP/1.1 999 x\r\n\r\n"},
    {502, "HTTP/1.1 2000 x\r\n\r\n"},
    {502, "HTTP/1.1 2x0 x\r\n\r\n"},
    {502, "HTTP/1.1 +20 x\r\n\r\n"},
    {502, "HTTP/1.1  200 x\r\n\r\n"},
    {502, "HTTP/1.1\t200 x\r\n\r\n"},
    {502, "HTTP/1.1 200\tx\r\n\r\n"},
    {502, "HTTP/1.1\r\n\r\n"},
    {502, "HTTP/0.9 200 x\r\n\r\n"},
    {502, "HTTP/2.0 200 x\r\n\r\n"},
    {502, "http/1.1 200 x\r\n\r\n"},
    {502, "HTP/1.1 200 x\r\n\r\n"},
    {502, "HTTP/1.1 200 a\x01\r\n\r\n"},
    {502, "HTTP/1.1 200 OK\n\r\n"},
    {502, "HTTP/1.1 200 OK\r\r\n\r\n"},
    {502, R " X: a\r\n\r\n"},
    {502, R "X: a\r\n b\r\n\r\n"},
    {502, R "X : a\r\n\r\n"},
    {502, R "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {502, R "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"},
    {502, R "Content-Length: 5, 5\r\n\r\n"},
    {502, R "Content-Length: -5\r\n\r\n"},
    {502, R "Transfer-Encoding: gzip, chunked\r\n\r\n"},
    {502, R "Transfer-Encoding: gzip\r\n\r\n"},
    {502, R "Transfer-Encoding: chunked, chunked\r\n\r\n"},
    {502, "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {502, "HTTP/1.1 204 x\r\nContent-Length: x\r\n\r\n"},
    {0, R "Host: , ,\r\nHost: b\r\nExpect: it\r\n\r\n"},
    {1, "HTTP/1.1 200"},
};

START_TEST(response_status)
{
    const struct refused *test = &responses[_i];
    ck_assert_msg(status_of(gw__parse_response, test->text, strlen(test->text)) == test->status, "%d \"%s\" for %s",
                  error.status, error.reason ? error.reason : "", test->text);
}
END_TEST

START_TEST(nul)
{
    static const char text[] = H "X: a\0b\r\n\r\n", name[] = H "X\0: a\r\n\r\n",
                      target[] = "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n";
    ck_assert_int_eq(status_of(gw__parse_request, text, sizeof text - 1), 400);
    ck_assert_int_eq(status_of(gw__parse_request, name, sizeof name - 1), 400);
    ck_assert_int_eq(status_of(gw__parse_request, target, sizeof target - 1), 400);
}
END_TEST

START_TEST(offsets)
{
    const char text[] =
        "\r\nPOST /a?b HTTP/1.0\r\nX-Thing:  some value \r\nContent-length: 17\r\nEmpty:\r\n\r\nbody: x\r\n\r\n";
    ck_assert_int_eq(status_of(gw__parse_request, text, sizeof text - 1), 0);
    ck_assert_uint_eq(raw.size, strstr(text, "body") - text);
    ck_assert_mem_eq(text + raw.method, "POST", raw.method_size);
    ck_assert_uint_eq(raw.method_size, 4);
    ck_assert_uint_eq(raw.method_id, GW__METHOD_POST);
    ck_assert_uint_eq(raw.target_size, 4);
    ck_assert_mem_eq(text + raw.target, "/a?b", 4);
    ck_assert_uint_eq(raw.minor, 0);
    ck_assert_uint_eq(raw.count, 3);
    ck_assert_uint_eq(raw.fields[0].name_size, 7);
    ck_assert_mem_eq(text + raw.fields[0].name, "X-Thing", 7);
    ck_assert_str_eq(value_of(text, 0), "some value");
    ck_assert_uint_eq(raw.fields[0].id, GW__FIELD_OTHER);
    ck_assert(!raw.fields[0].hop);
    ck_assert_str_eq(value_of(text, 1), "17");
    ck_assert_uint_eq(raw.fields[1].id, GW__FIELD_CONTENT_LENGTH);
    ck_assert(raw.fields[1].hop);
    ck_assert_str_eq(value_of(text, 2), "");
    ck_assert_int_eq(raw.content_length, 17);
    ck_assert(!raw.chunked);
    ck_assert(!raw.keep_alive);
}
END_TEST

START_TEST(response_meaning)
{
    const char text[] = "HTTP/1.1 404 Not Here\r\nContent-Length: 5\r\n\r\n";
    ck_assert_int_eq(status_of(gw__parse_response, text, sizeof text - 1), 0);
    ck_assert_uint_eq(raw.status, 404);
    ck_assert_uint_eq(raw.reason_size, 8);
    ck_assert_mem_eq(text + raw.reason, "Not Here", 8);
    ck_assert_int_eq(raw.content_length, 5);
    ck_assert(raw.keep_alive);
    static const struct {
        const char *text;
        int64_t length;
    } bodyless[] = {
        {"HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n", 5},
        {"HTTP/1.1 304 x\r\nTransfer-Encoding: chunked\r\n\r\n", -1},
        {"HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n", 0},
        {"HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n", 0},
        {"HTTP/1.1 100\r\n\r\n", 0},
    };
    for (size_t i = 0; i < sizeof bodyless / sizeof *bodyless; i++) {
        ck_assert_int_eq(status_of(gw__parse_response, bodyless[i].text, strlen(bodyless[i].text)), 0);
        ck_assert_int_eq(raw.content_length, bodyless[i].length);
        ck_assert(!raw.chunked);
    }
    ck_assert_int_eq(status_of(gw__parse_response, R "\r\n", strlen(R "\r\n")), 0);
    ck_assert_int_eq(raw.content_length, -1);
}
END_TEST

START_TEST(keep_alive)
{
    static const struct {
        const char *text;
        bool keep;
    } cases[] = {
        {H "\r\n", true},
        {H "Connection: close\r\n\r\n", false},
        {H "Connection: CLOSE \r\n\r\n", false},
        {H "Connection: foo, Close ,bar\r\n\r\n", false},
        {H "Connection: foo\r\nConnection: close\r\n\r\n", false},
        {H "Connection: keep-alive\r\n\r\n", true},
        {H "Connection: closed\r\n\r\n", true},
        {H "Connection: keep-alive, close\r\n\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: x,\tkeep-alive\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nKeep-Alive: timeout=5\r\n\r\n", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(status_of(gw__parse_request, cases[i].text, strlen(cases[i].text)), 0);
        ck_assert_msg(raw.keep_alive == cases[i].keep, "%s", cases[i].text);
    }
}
END_TEST

START_TEST(hop_by_hop)
{
    const char text[] =
        H "A: 1\r\nConnection: x-one, Host, CONTENT-type,, @,close\r\nX-One: 1\r\nX-TWO: 2\r\nUpgrade: h\r\nTE: t\r\n"
          "Keep-Alive: 1\r\nProxy-Connection: 1\r\nTrailer: x\r\nExpect: 100-continue\r\nContent-Length: 0\r\n"
          "Content-Type: a/b\r\nConnection: X-Two, Cookie, X-Forwarded-For\r\nCookie: c\r\n"
          "X-Forwarded-For: 1.2.3.4\r\nVia: v\r\nx-one: again\r\nForwarded: f\r\n\r\n";
    static const bool hop[] = {0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 0, 0, 1, 0};
    ck_assert_int_eq(status_of(gw__parse_request, text, sizeof text - 1), 0);
    ck_assert_uint_eq(raw.count, sizeof hop);
    for (unsigned i = 0; i < raw.count; i++)
        ck_assert_msg(raw.fields[i].hop == hop[i], "field %u, %.5s", i, text + raw.fields[i].name);
    ck_assert(raw.expect_continue);
}
END_TEST

START_TEST(limited)
{
    struct gw__parse_limits small = {16, 64, 2};
    const char line[] = "GET /3456 HTTP/1.1\r\nHost: a\r\n\r\n", ok[] = "GET /34 HTTP/1.1\r\nHost: a\r\n\r\n";
    ck_assert_int_eq(gw__parse_request(ok, sizeof ok - 1, &small, &raw, &error), GW__PARSE_OK);
    ck_assert_int_eq(gw__parse_request(line, sizeof line - 1, &small, &raw, &error), GW__PARSE_BAD);
    ck_assert_int_eq(error.status, 414);
    ck_assert_int_eq(gw__parse_request(line, 17, &small, &raw, &error), GW__PARSE_MORE);
    ck_assert_int_eq(gw__parse_request(line, 18, &small, &raw, &error), GW__PARSE_BAD);
    ck_assert_int_eq(error.status, 414);
    const char fields[] = "GET / HTTP/1.1\r\nHost: a\r\nB: c\r\nC: d\r\n\r\n";
    ck_assert_int_eq(gw__parse_request(fields, sizeof fields - 1, &small, &raw, &error), GW__PARSE_BAD);
    ck_assert_int_eq(error.status, 431);
    char head[80] = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    size_t size = strlen(head);
    memset(head + size, 'x', sizeof head - size);
    memcpy(head + 60, "\r\n\r\n", 4);
    ck_assert_int_eq(gw__parse_request(head, 63, &small, &raw, &error), GW__PARSE_MORE);
    ck_assert_int_eq(gw__parse_request(head, 64, &small, &raw, &error), GW__PARSE_OK);
    memcpy(head + 60, "x\r\n\r\n", 5);
    ck_assert_int_eq(gw__parse_request(head, 63, &small, &raw, &error), GW__PARSE_MORE);
    ck_assert_int_eq(gw__parse_request(head, 64, &small, &raw, &error), GW__PARSE_BAD);
    ck_assert_int_eq(error.status, 431);
    ck_assert_int_eq(gw__parse_request(head, 65, &small, &raw, &error), GW__PARSE_BAD);
    ck_assert_int_eq(error.status, 431);
}
END_TEST

START_TEST(parsed_again)
{
    static const struct gw__parse_limits few = {.line_bytes = 8192, .head_bytes = 2000, .fields = 20};
    char head[3000];
    memset(head, 'a', sizeof head);
    ck_assert(!gw__parse_again(head, 101, 100, &few));
    ck_assert(!gw__parse_again(head, 611, 100, &few));
    ck_assert(gw__parse_again(head, 612, 100, &few));
    ck_assert(!gw__parse_again(head, 1999, 1998, &few));
    ck_assert(gw__parse_again(head, 2000, 1999, &few));
    head[99] = '\n';
    ck_assert(!gw__parse_again(head, 101, 100, &few));
    head[100] = '\n';
    ck_assert(gw__parse_again(head, 101, 100, &few));
}
END_TEST

START_TEST(most_options)
{
    char text[400] = H "Connection: close";
    for (int i = 0; i < 32; i++)
        strcat(text, ", o");
    size_t size = strlen(text);
    strcpy(text + size, "\r\no: p\r\n\r\n");
    ck_assert_int_eq(status_of(gw__parse_request, text, strlen(text)), 0);
    ck_assert(raw.fields[2].hop);
    strcpy(text + size, "\r\nConnection: o\r\n\r\n");
    ck_assert_int_eq(status_of(gw__parse_request, text, strlen(text)), 400);
}
END_TEST

START_TEST(most_fields)
{
    static char text[8192];
    struct gw__parse_limits wide = {8192, 65535, 1000};
    size_t size = (size_t)sprintf(text, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < GW__MAX_FIELDS; i++)
        size += (size_t)sprintf(text + size, "f%d: %d\r\n", i, i);
    strcpy(text + size, "\r\n");
    ck_assert_int_eq(gw__parse_response(text, size + 2, &wide, &raw, &error), GW__PARSE_OK);
    ck_assert_uint_eq(raw.count, GW__MAX_FIELDS);
    strcpy(text + size, "x: y\r\n\r\n");
    ck_assert_int_eq(gw__parse_response(text, size + 8, &wide, &raw, &error), GW__PARSE_BAD);
}
END_TEST

static void same(const char *text, size_t size, bool request)
{
    enum gw__parse_result a = exact(request ? gw__parse_request : gw__parse_response, text, size, &raw);
    struct gw__parse_error first = error;
    enum gw__parse_result b = exact(request ? gw__parse_request_scalar : gw__parse_response_scalar, text, size, &other);
    ck_assert_int_eq(a, b);
    ck_assert_int_eq(first.status, error.status);
    ck_assert_ptr_eq(first.reason, error.reason);
    ck_assert_mem_eq(&raw, &other, offsetof(struct gw__raw_head, fields));
    ck_assert_mem_eq(raw.fields, other.fields, raw.count * sizeof *raw.fields);
}

/* Nothing is taken before its last byte, and what is refused stays refused. */
static void cut_anywhere(const char *text, bool request)
{
    parse_function *parse = request ? gw__parse_request : gw__parse_response;
    size_t size = strlen(text);
    enum gw__parse_result whole = exact(parse, text, size, &raw);
    size_t end = raw.size;
    bool bad = false;
    for (size_t cut = 0; cut <= size; cut++) {
        enum gw__parse_result result = exact(parse, text, cut, &raw);
        if (whole == GW__PARSE_OK)
            ck_assert_int_eq(result, cut < end ? GW__PARSE_MORE : GW__PARSE_OK);
        else
            ck_assert_int_ne(result, GW__PARSE_OK);
        ck_assert(!bad || result == GW__PARSE_BAD);
        bad = result == GW__PARSE_BAD;
        same(text, cut, request);
    }
    ck_assert_int_eq(bad, whole == GW__PARSE_BAD);
}

START_TEST(cut_requests)
{
    cut_anywhere(requests[_i].text, true);
}
END_TEST

START_TEST(cut_responses)
{
    cut_anywhere(responses[_i].text, false);
}
END_TEST

/* Every odd byte at every place of a head that spans several blocks. */
START_TEST(every_byte_everywhere)
{
    static const char head[] =
        "GET /some/path?and=query HTTP/1.1\r\nHost: example.com:8080\r\nUser-Agent: something of some length/1.0\r\n"
        "Accept: */*\r\nX-Much-Longer-Name-Than-That: and a value that goes over the block's end, certainly so\r\n\r\n";
    char text[sizeof head];
    for (unsigned byte = 0; byte < 256; byte++)
        for (size_t at = 0; at < sizeof head - 1; at++) {
            memcpy(text, head, sizeof head);
            text[at] = (char)byte;
            same(text, sizeof head - 1, true);
            bool odd = byte < 0x20 || byte == 0x7f;
            if (odd && byte != '\t' && text[at] != head[at])
                ck_assert_int_eq(exact(gw__parse_request, text, sizeof head - 1, &raw), GW__PARSE_BAD);
        }
}
END_TEST

START_TEST(random_input)
{
    static const char *const parts[] = {"GET / HTTP/1.1\r\n",
                                        "Host: a\r\n",
                                        "\r\n",
                                        "HTTP/1.1 200 OK\r\n",
                                        "X: ",
                                        "a",
                                        ":",
                                        "\n",
                                        "\r",
                                        " ",
                                        "\t",
                                        "\x80",
                                        "\x7f",
                                        "Content-Length: 5\r\n",
                                        "Transfer-Encoding: chunked\r\n",
                                        "A-rather-long-field-name-to-cross-blocks: v\r\n",
                                        "Connection: close, x\r\n"};
    srand(1);
    for (int round = 0; round < 20000; round++) {
        char text[512];
        size_t size = 0;
        for (int n = rand() % 12; n > 0; n--) {
            const char *part = parts[(unsigned)rand() % (sizeof parts / sizeof *parts)];
            memcpy(text + size, part, strlen(part));
            size += strlen(part);
        }
        if (size && rand() % 4 == 0)
            text[(size_t)rand() % size] = (char)rand();
        same(text, size, rand() % 2);
    }
}
END_TEST

START_TEST(trailers)
{
    static const char text[] =
        "X-Sum: abc\r\nContent-Length: 7\r\nhost: b\r\nSet-Cookie: c\r\nIf-Match: d\r\nETag: \r\n\r\nnext";
    static const bool hop[] = {0, 1, 1, 1, 1, 0};
    ck_assert_int_eq(status_of(gw__parse_trailers, text, sizeof text - 1), 0);
    ck_assert_uint_eq(raw.size, sizeof text - 1 - 4);
    ck_assert_uint_eq(raw.count, 6);
    for (unsigned i = 0; i < 6; i++)
        ck_assert_int_eq(raw.fields[i].hop, hop[i]);
    struct gw__arena arena;
    struct gw__fields fields;
    gw__arena_init(&arena, NULL);
    ck_assert(gw__fields_from_trailers(&fields, &raw, text, &arena));
    ck_assert_uint_eq(fields.count, 2);
    ck_assert_mem_eq(fields.items[0].name, "X-Sum", 5);
    ck_assert_mem_eq(fields.items[0].value, "abc", 3);
    ck_assert_uint_eq(fields.items[1].value_size, 0);
    gw__arena_finish(&arena);
    ck_assert_int_eq(status_of(gw__parse_trailers, "\r\nrest", 6), 0);
    ck_assert_uint_eq(raw.size, 2);
    ck_assert_uint_eq(raw.count, 0);
    ck_assert_int_eq(status_of(gw__parse_trailers, "\r", 1), 1);
    ck_assert_int_eq(status_of(gw__parse_trailers, "X: y\r\n", 6), 1);
    ck_assert_int_eq(status_of(gw__parse_trailers, "\n", 1), 400);
    ck_assert_int_eq(status_of(gw__parse_trailers, "X y\r\n\r\n", 7), 400);
    ck_assert_int_eq(status_of(gw__parse_trailers, " X: y\r\n\r\n", 9), 400);
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("parse");
    TCase *heads = tcase_create("heads");
    tcase_set_timeout(heads, 60);
    tcase_add_loop_test(heads, request_status, 0, (int)(sizeof requests / sizeof *requests));
    tcase_add_loop_test(heads, response_status, 0, (int)(sizeof responses / sizeof *responses));
    tcase_add_test(heads, nul);
    tcase_add_test(heads, offsets);
    tcase_add_test(heads, response_meaning);
    tcase_add_test(heads, keep_alive);
    tcase_add_test(heads, hop_by_hop);
    tcase_add_test(heads, limited);
    tcase_add_test(heads, parsed_again);
    tcase_add_test(heads, most_options);
    tcase_add_test(heads, most_fields);
    tcase_add_test(heads, trailers);
    suite_add_tcase(suite, heads);
    TCase *twins = tcase_create("SSE2 and scalar, cut anywhere");
    tcase_set_timeout(twins, 60);
    tcase_add_loop_test(twins, cut_requests, 0, (int)(sizeof requests / sizeof *requests));
    tcase_add_loop_test(twins, cut_responses, 0, (int)(sizeof responses / sizeof *responses));
    tcase_add_test(twins, every_byte_everywhere);
    tcase_add_test(twins, random_input);
    suite_add_tcase(suite, twins);
    return suite;
}
