/* Fields, their ids, the copy of a parsed head into an arena, and heads back to bytes. */
#include "http/chars.h"
#include "http/parse.h"
#include "http/uri.h"
#include "http/write.h"
#include "unit.h"

#include <gateway/error.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static const struct gw__parse_limits limits = {8192, 16384, 100};
static struct gw__raw_head raw;
static struct gw__parse_error error;
static struct gw__arena arena;

static void set_up(void)
{
    gw__arena_init(&arena, NULL);
}

static void tear_down(void)
{
    gw__arena_finish(&arena);
}

/* The head as copied; the text itself is gone then. */
static int request_of(struct gw__head *head, const char *text)
{
    size_t size = strlen(text);
    char *copy = malloc(size);
    memcpy(copy, text, size);
    error = (struct gw__parse_error){0};
    bool done = gw__parse_request(copy, size, &limits, &raw, &error) == GW__PARSE_OK &&
                gw__head_from_request(head, &raw, copy, &arena, 4, false, &error) == GW__PARSE_OK;
    free(copy);
    ck_assert(done == (error.reason == NULL));
    return done ? 0 : error.status;
}

static void is(struct gw__str text, const char *expected)
{
    ck_assert_uint_eq(text.size, strlen(expected));
    ck_assert_mem_eq(text.data, expected, text.size);
}

START_TEST(ids)
{
    static const char *const names[GW__FIELD_LAST] = {
        [GW__FIELD_HOST] = "Host",
        [GW__FIELD_CONTENT_LENGTH] = "Content-Length",
        [GW__FIELD_TRANSFER_ENCODING] = "Transfer-Encoding",
        [GW__FIELD_CONNECTION] = "Connection",
        [GW__FIELD_KEEP_ALIVE] = "Keep-Alive",
        [GW__FIELD_PROXY_CONNECTION] = "Proxy-Connection",
        [GW__FIELD_TE] = "TE",
        [GW__FIELD_TRAILER] = "Trailer",
        [GW__FIELD_UPGRADE] = "Upgrade",
        [GW__FIELD_EXPECT] = "Expect",
        [GW__FIELD_VIA] = "Via",
        [GW__FIELD_DATE] = "Date",
        [GW__FIELD_SERVER] = "Server",
        [GW__FIELD_CONTENT_TYPE] = "Content-Type",
        [GW__FIELD_FORWARDED] = "Forwarded",
        [GW__FIELD_X_FORWARDED_FOR] = "X-Forwarded-For",
        [GW__FIELD_X_FORWARDED_PROTO] = "X-Forwarded-Proto",
        [GW__FIELD_X_FORWARDED_HOST] = "X-Forwarded-Host",
        [GW__FIELD_MAX_FORWARDS] = "Max-Forwards",
        [GW__FIELD_ACCEPT] = "Accept",
        [GW__FIELD_ACCEPT_ENCODING] = "Accept-Encoding",
        [GW__FIELD_ACCEPT_LANGUAGE] = "Accept-Language",
        [GW__FIELD_ACCEPT_RANGES] = "Accept-Ranges",
        [GW__FIELD_AUTHORIZATION] = "Authorization",
        [GW__FIELD_CACHE_CONTROL] = "Cache-Control",
        [GW__FIELD_COOKIE] = "Cookie",
        [GW__FIELD_ETAG] = "ETag",
        [GW__FIELD_LAST_MODIFIED] = "Last-Modified",
        [GW__FIELD_SET_COOKIE] = "Set-Cookie",
        [GW__FIELD_USER_AGENT] = "User-Agent",
    };
    for (unsigned id = 1; id < GW__FIELD_LAST; id++) {
        ck_assert_ptr_nonnull(names[id]);
        size_t size = strlen(names[id]);
        char *name = malloc(size);
        for (unsigned round = 0; round < 3; round++) {
            for (size_t i = 0; i < size; i++)
                name[i] = (char)(round == 0   ? names[id][i]
                                 : round == 1 ? tolower(names[id][i])
                                              : toupper(names[id][i]));
            ck_assert_uint_eq(gw__field_id(name, size), id);
        }
        for (size_t i = 0; i < size; i++) /* any other byte at any place */
            for (unsigned byte = 0; byte < 256; byte++) {
                memcpy(name, names[id], size);
                name[i] = (char)byte;
                bool match = tolower((int)byte) == tolower(names[id][i]);
                ck_assert_uint_eq(gw__field_id(name, size), match ? id : GW__FIELD_OTHER);
            }
        for (size_t less = 0; less < size; less++)
            ck_assert_uint_ne(gw__field_id(name, less), id);
        free(name);
    }
    ck_assert_uint_eq(gw__field_id("Hosts", 5), GW__FIELD_OTHER);
    ck_assert_uint_eq(gw__field_id("X-Forwarded-Protos", 18), GW__FIELD_OTHER);
}
END_TEST

START_TEST(classes)
{
    for (unsigned c = 0; c < 256; c++) {
        char byte = (char)c;
        bool token = c < 0x80 && (isalnum((int)c) || (c && strchr("!#$%&'*+-.^_`|~", (int)c)));
        bool value = c == '\t' || (c >= 0x20 && c != 0x7f);
        bool pchar = c < 0x80 && (isalnum((int)c) || (c && strchr("-._~!$&'()*+,;=:@/%", (int)c)));
        ck_assert_int_eq(gw__is_token(&byte, 1), token);
        ck_assert_int_eq(gw__is_field_value(&byte, 1), value);
        ck_assert_int_eq(gw__char_is(byte, GW__CHAR_PATH), pchar);
        ck_assert_int_eq(gw__char_is(byte, GW__CHAR_QUERY), pchar || (c && strchr("?[]{}|\\^`", (int)c)));
        ck_assert_int_eq(gw__char_is(byte, GW__CHAR_HOST),
                         c < 0x80 && (isalnum((int)c) || (c && strchr("-._~", (int)c))));
        ck_assert_int_eq(gw__hex_digit(byte),
                         isxdigit((int)c) && c < 0x80 ? (int)strtol((char[]){byte, 0}, NULL, 16) : -1);
    }
    ck_assert(!gw__is_token("", 0));
    ck_assert(gw__is_field_value("", 0));
    ck_assert(!gw__is_field_value("a\r\nb", 4));
}
END_TEST

START_TEST(field_list)
{
    struct gw__fields fields = {0};
    ck_assert(gw__fields_add(&fields, &arena, "A", 1, "1", 1));
    ck_assert(gw__fields_add(&fields, &arena, "connection", 10, "x", 1));
    ck_assert(gw__fields_add(&fields, &arena, "via", 3, "v", 1));
    ck_assert(gw__fields_add(&fields, &arena, "a", 1, "2", 1));
    ck_assert(fields.items[1].hop && !fields.items[0].hop && !fields.items[2].hop);
    ck_assert_ptr_eq(gw__fields_find_id(&fields, GW__FIELD_VIA), &fields.items[2]);
    ck_assert_ptr_null(gw__fields_find_id(&fields, GW__FIELD_HOST));
    ck_assert_ptr_eq(gw__fields_find(&fields, "a", 1, 0), &fields.items[0]);
    ck_assert_ptr_eq(gw__fields_find(&fields, "A", 1, 1), &fields.items[3]);
    ck_assert_ptr_null(gw__fields_find(&fields, "A", 1, 4));
    ck_assert_ptr_null(gw__fields_find(&fields, "vi", 2, 0));
    ck_assert_uint_eq(gw__fields_remove(&fields, "A", 1), 2);
    ck_assert_uint_eq(fields.count, 2);
    ck_assert_uint_eq(fields.items[0].id, GW__FIELD_CONNECTION);
    ck_assert_uint_eq(fields.items[1].id, GW__FIELD_VIA);
    ck_assert_uint_eq(gw__fields_remove(&fields, "none", 4), 0);
    for (int i = 2; i < GW__MOST_FIELDS; i++)
        ck_assert(gw__fields_add(&fields, &arena, "n", 1, "v", 1));
    ck_assert(!gw__fields_add(&fields, &arena, "n", 1, "v", 1));
    ck_assert_uint_eq(fields.count, GW__MOST_FIELDS);
    ck_assert_uint_eq(fields.items[1].id, GW__FIELD_VIA);
}
END_TEST

START_TEST(request)
{
    struct gw__head head = {0};
    ck_assert_int_eq(
        request_of(&head, "\r\nPUT /a/../b%41?c HTTP/1.1\r\nHost: h:80\r\nContent-Length: 3\r\nX: y\r\n\r\n"), 0);
    is(head.method, "PUT");
    ck_assert_uint_eq(head.method_id, GW__METHOD_PUT);
    is(head.path, "/bA");
    is(head.query, "c");
    is(head.host, "h:80");
    ck_assert(head.has_query && head.has_body && head.keep_alive && !head.chunked && !head.expect_continue);
    ck_assert_int_eq(head.content_length, 3);
    ck_assert_uint_eq(head.minor, 1);
    ck_assert_uint_eq(head.fields.count, 3);
    ck_assert_uint_ge(head.fields.capacity, 7);
    ck_assert(head.fields.items[1].hop);
    struct gw__header *field = gw__fields_find(&head.fields, "x", 1, 0);
    ((char *)field->value)[field->value_size] = '\0'; /* as promised */
    ck_assert_str_eq(field->value, "y");
    ck_assert_int_eq(request_of(&head, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
    ck_assert_int_eq(head.content_length, 0);
    ck_assert(!head.has_body && !head.has_query);
    ck_assert_int_eq(request_of(&head, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"), 0);
    ck_assert_int_eq(head.content_length, -1);
    ck_assert(head.has_body && head.chunked);
    ck_assert_int_eq(request_of(&head, "GET / HTTP/1.0\r\n\r\n"), 0);
    ck_assert_uint_eq(head.host.size, 0);
}
END_TEST

START_TEST(target_forms)
{
    struct gw__head head = {0};
    ck_assert_int_eq(request_of(&head, "GET http://real:81/x HTTP/1.1\r\nHost: fake\r\n\r\n"), 0);
    is(head.host, "real:81");
    is(head.path, "/x");
    const struct gw__header *host = gw__fields_find_id(&head.fields, GW__FIELD_HOST);
    is((struct gw__str){host->value, host->value_size}, "real:81");
    ck_assert_int_eq(request_of(&head, "GET http://real HTTP/1.0\r\n\r\n"), 0);
    is(head.host, "real");
    is(head.path, "/");
    ck_assert_int_eq(request_of(&head, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
    is(head.path, "*");
    ck_assert_int_eq(request_of(&head, "OPTIONS http://h HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
    is(head.path, "*");
    ck_assert_int_eq(request_of(&head, "OPTIONS http://h/ HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
    is(head.path, "/");
    ck_assert_int_eq(request_of(&head, "OPTIONS http://h? HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
    is(head.path, "/");
    ck_assert_int_eq(request_of(&head, "GET * HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
    ck_assert_int_eq(request_of(&head, "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n"), 501);
    ck_assert_int_eq(request_of(&head, "GET h:443 HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
    ck_assert_int_eq(request_of(&head, "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
    ck_assert_int_eq(request_of(&head, "GET /  HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
    ck_assert_int_eq(request_of(&head, "GET / / HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
    ck_assert_int_eq(request_of(&head, "GET /\t HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
    ck_assert_int_eq(request_of(&head, "GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
    ck_assert_int_eq(request_of(&head, "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
    ck_assert_int_eq(request_of(&head, "GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
}
END_TEST

static const char *methods[] = {"", "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "CONNECT", "OPTIONS", "TRACE"};

START_TEST(method_ids)
{
    char text[100];
    for (unsigned id = GW__METHOD_GET; id <= GW__METHOD_TRACE; id++) {
        int size = snprintf(text, sizeof text, "%s / HTTP/1.0\r\n\r\n", methods[id]);
        ck_assert_int_eq(gw__parse_request(text, (size_t)size, &limits, &raw, &error), GW__PARSE_OK);
        ck_assert_uint_eq(raw.method_id, id);
        text[0] |= 0x20;
        ck_assert_int_eq(gw__parse_request(text, (size_t)size, &limits, &raw, &error), GW__PARSE_OK);
        ck_assert_uint_eq(raw.method_id, GW__METHOD_OTHER);
    }
}
END_TEST

/* Written exactly, within gw__head_bytes() and its own end: the block ends there. */
static void written(const struct gw__head *head, const char *expected)
{
    ck_assert_uint_ge(gw__head_bytes(head), strlen(expected));
    char *out = malloc(strlen(expected));
    char *end = head->status ? gw__write_status_line(out, head) : gw__write_request_line(out, head);
    end = gw__write_fields(end, &head->fields);
    ck_assert_uint_eq(end - out, strlen(expected));
    ck_assert_mem_eq(out, expected, strlen(expected));
    free(out);
}

START_TEST(write_request)
{
    struct gw__head head = {0};
    ck_assert_int_eq(
        request_of(
            &head,
            "GET /a/./b?q HTTP/1.0\r\nA: 1\r\nConnection: close\r\nB:2\r\nC: \r\nD:  3 \r\nE: 4\r\nF: 5\r\n\r\n"),
        0);
    written(&head, "GET /a/b?q HTTP/1.1\r\nA: 1\r\nB: 2\r\nC: \r\nD: 3\r\nE: 4\r\nF: 5\r\n");
    ((char *)head.fields.items[0].value)[1] = '\0'; /* terminated on demand */
    ((char *)head.fields.items[5].value)[1] = '\0';
    char *name = gw__arena_copy(&arena, "X-Added", 7),
         *value = gw__arena_copy(&arena, "a value that is somewhat longer", 31);
    ck_assert(gw__fields_add(&head.fields, &arena, name, 7, value, 31));
    ck_assert(gw__fields_add(&head.fields, &arena, "Empty", 5, "", 0));
    gw__fields_remove(&head.fields, "b", 1);
    written(&head,
            "GET /a/b?q HTTP/1.1\r\nA: 1\r\nC: \r\nD: 3\r\nE: 4\r\nF: 5\r\nX-Added: a value that is somewhat longer\r\n"
            "Empty: \r\n");
    struct gw__header first = head.fields.items[0];
    head.fields.items[0] = head.fields.items[4];
    head.fields.items[4] = first;
    written(&head,
            "GET /a/b?q HTTP/1.1\r\nE: 4\r\nC: \r\nD: 3\r\nA: 1\r\nF: 5\r\nX-Added: a value that is somewhat longer\r\n"
            "Empty: \r\n");
    ck_assert_int_eq(request_of(&head, "GET /? HTTP/1.0\r\n\r\n"), 0);
    written(&head, "GET /? HTTP/1.1\r\n");
}
END_TEST

START_TEST(write_response)
{
    struct gw__head head = {0};
    const char text[] = "HTTP/1.0 207 So So\r\nServer: x\r\nContent-Length: 1\r\nDate: now\r\n\r\n",
               bare[] = "HTTP/1.1 200\r\n\r\n";
    ck_assert_int_eq(gw__parse_response(text, sizeof text - 1, &limits, &raw, &error), GW__PARSE_OK);
    ck_assert(gw__head_from_response(&head, &raw, text, &arena, 0));
    ck_assert_int_eq(head.content_length, 1);
    written(&head, "HTTP/1.1 207 So So\r\nServer: x\r\nDate: now\r\n");
    ck_assert_int_eq(gw__parse_response(bare, sizeof bare - 1, &limits, &raw, &error), GW__PARSE_OK);
    ck_assert(gw__head_from_response(&head, &raw, bare, &arena, 0));
    ck_assert_int_eq(head.content_length, -1);
    written(&head, "HTTP/1.1 200 \r\n");
    struct gw__head made = {.status = 404};
    written(&made, "HTTP/1.1 404 Not Found\r\n");
    made.status = 511;
    written(&made, "HTTP/1.1 511 Network Authentication Required\r\n");
    made.status = 299;
    written(&made, "HTTP/1.1 299 Unknown\r\n");
}
END_TEST

static int left; /* allocations that still succeed */

static void *scarce_malloc(size_t size)
{
    return left-- > 0 ? malloc(size) : NULL;
}

static void *scarce_realloc(void *memory, size_t size)
{
    return left-- > 0 ? realloc(memory, size) : NULL;
}

/* A head that needs two blocks and a path to be normalised, with one more allocation each time. */
START_TEST(out_of_memory)
{
    static char text[6000];
    struct gw__head head = {0};
    struct gw__fields list = {0};
    int size = snprintf(text, sizeof text, "GET /%05000d/../x HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n", 0), failed = 0;
    ck_assert_int_eq(gw__parse_request(text, (size_t)size, &limits, &raw, &error), GW__PARSE_OK);
    gw_set_allocator(scarce_malloc, scarce_realloc, free);
    for (int given = 0;; given++) {
        left = given;
        error = (struct gw__parse_error){0};
        enum gw__parse_result result = gw__head_from_request(&head, &raw, text, &arena, 0, false, &error);
        gw__arena_finish(&arena);
        if (result == GW__PARSE_OK)
            break;
        ck_assert_int_eq(error.status, 503);
        failed++;
    }
    ck_assert_int_ge(failed, 2);
    left = 0;
    ck_assert(!gw__head_from_response(&head, &raw, text, &arena, 0));
    ck_assert(!gw__fields_from_trailers(&list, &raw, text, &arena));
    ck_assert(!gw__fields_add(&list, &arena, "a", 1, "b", 1));
    ck_assert_ptr_null(gw__percent_decode(GW__STR("a"), &arena));
    gw_set_allocator(NULL, NULL, NULL);
}
END_TEST

START_TEST(copy_short)
{
    char from[300], to[302];
    for (size_t i = 0; i < sizeof from; i++)
        from[i] = (char)(i * 7 + 1);
    for (size_t size = 0; size <= sizeof from; size++) {
        memset(to, 0, sizeof to);
        char *exact = malloc(size ? size : 1);
        memcpy(exact, from, size);
        ck_assert_ptr_eq(gw__copy_short(to + 1, exact, size), to + 1 + size);
        ck_assert_mem_eq(to + 1, from, size);
        ck_assert(to[0] == 0 && to[size + 1] == 0);
        free(exact);
    }
}
END_TEST

START_TEST(chunk_sizes)
{
    static const struct {
        uint64_t size;
        const char *text;
    } cases[] = {{0, "0\r\n"},
                 {1, "1\r\n"},
                 {15, "f\r\n"},
                 {16, "10\r\n"},
                 {255, "ff\r\n"},
                 {256, "100\r\n"},
                 {65536, "10000\r\n"},
                 {0x123456789abcdefu, "123456789abcdef\r\n"},
                 {UINT64_MAX, "ffffffffffffffff\r\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[18];
        ck_assert_uint_eq(gw__write_chunk_size(out, cases[i].size) - out, strlen(cases[i].text));
        ck_assert_mem_eq(out, cases[i].text, strlen(cases[i].text));
    }
}
END_TEST

START_TEST(reasons)
{
    ck_assert_str_eq(gw__reason(200), "OK");
    ck_assert_str_eq(gw__reason(404), "Not Found");
    ck_assert_str_eq(gw__reason(431), "Request Header Fields Too Large");
    ck_assert_str_eq(gw__reason(599), "Unknown");
    ck_assert_str_eq(gw__reason(0), "Unknown");
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("head");
    TCase *cases = tcase_create("head");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, ids);
    tcase_add_test(cases, classes);
    tcase_add_test(cases, field_list);
    tcase_add_test(cases, request);
    tcase_add_test(cases, target_forms);
    tcase_add_test(cases, method_ids);
    tcase_add_test(cases, write_request);
    tcase_add_test(cases, write_response);
    tcase_add_test(cases, out_of_memory);
    tcase_add_test(cases, copy_short);
    tcase_add_test(cases, chunk_sizes);
    tcase_add_test(cases, reasons);
    suite_add_tcase(suite, cases);
    return suite;
}
