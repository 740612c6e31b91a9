/* The built-in filters and decorators against a stand-in for the exchange: what each does with a head.
 * They use the public API alone, so the stand-in need only play the few calls they make. With a number
 * as BENCH_LINES in the environment it writes that many log lines, for counting instructions (CK_FORK=no). */
#include "base/alloc.h"
#include "base/option.h"
#include "unit.h"

#include "decorators/access_log.c"
#include "decorators/errors.c"
#include "filters/headers.c"
#include "filters/rewrite_path.c"
#include "filters/strip_prefix.c"
#include "filters/timeout.c"

#include <gateway/log.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct gw_filter {
    const struct gw_filter_type *type;
    void *data;
    struct gw_option *options;
    char error[256];
};

struct gw_exchange {
    const char *path, *query, *error_code, *error_message, *upstream, *route, *variable, *header, *cut, *expanded;
    const char *members[8]; /* names and JSON texts in turn */
    int status;
    bool envelope;
    int64_t timeout_ms;
    char changed[64], body[1024], content_type[64], scratch[64];
    void *memory[8];
    size_t memory_count;
};

static char logged[LINE_BYTES + 1];

void *gw_filter_data(const struct gw_filter *self) { return self->data; }
struct gw_server *gw_filter_server(const struct gw_filter *self) { return NULL; }
void gw_filter_error(struct gw_filter *self, const struct gw_option *option, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(self->error, sizeof self->error, format, args);
    va_end(args);
}
const char *gw_exchange_path(const struct gw_exchange *ex) { return ex->path; }
const char *gw_exchange_query(const struct gw_exchange *ex) { return ex->query ? ex->query : ""; }
const char *gw_exchange_host(const struct gw_exchange *ex) { return "example.com"; }
const char *gw_exchange_method(const struct gw_exchange *ex) { return "GET"; }
const char *gw_exchange_scheme(const struct gw_exchange *ex) { return "http"; }
const char *gw_exchange_protocol(const struct gw_exchange *ex) { return "HTTP/1.1"; }
const char *gw_exchange_client_address(const struct gw_exchange *ex) { return "127.0.0.1:50000"; }
const char *gw_exchange_id(struct gw_exchange *ex) { return "0123456789abcdef0123456789abcdef"; }
const char *gw_exchange_route(const struct gw_exchange *ex) { return ex->route; }
const char *gw_exchange_upstream(const struct gw_exchange *ex) { return ex->upstream; }
const char *gw_exchange_error_code(const struct gw_exchange *ex) { return ex->error_code; }
const char *gw_exchange_error_message(const struct gw_exchange *ex) { return ex->error_message; }
const char *gw_exchange_error_member_at(const struct gw_exchange *ex, size_t index, const char **json)
{
    *json = ex->members[2 * index] ? ex->members[2 * index + 1] : NULL;
    return ex->members[2 * index];
}
const char *gw_exchange_error_member(const struct gw_exchange *ex, const char *name)
{
    for (size_t i = 0; ex->members[i]; i += 2)
        if (strcmp(ex->members[i], name) == 0)
            return ex->members[i + 1];
    return NULL;
}
void gw_exchange_set_envelope(struct gw_exchange *ex, bool envelope) { ex->envelope = envelope; }
bool gw_exchange_envelope(const struct gw_exchange *ex) { return ex->envelope; }
const char *gw_exchange_cut_reason(const struct gw_exchange *ex) { return ex->cut; }
const char *gw_exchange_variable(const struct gw_exchange *ex, const char *name) { return NULL; }
const char *gw_exchange_raw_variable(const struct gw_exchange *ex, const char *name)
{
    return strcmp(name, "id") == 0 ? ex->variable : NULL;
}
const char *gw_exchange_expand(struct gw_exchange *ex, const char *text) { return ex->expanded ? ex->expanded : text; }
int gw_exchange_status(const struct gw_exchange *ex) { return ex->status; }
int64_t gw_exchange_started_us(const struct gw_exchange *ex) { return 1700000000123456; }
int64_t gw_exchange_elapsed_us(const struct gw_exchange *ex) { return 321; }
int64_t gw_exchange_upstream_us(const struct gw_exchange *ex) { return ex->upstream ? 210 : -1; }
uint64_t gw_exchange_request_bytes(const struct gw_exchange *ex) { return 0; }
uint64_t gw_exchange_response_bytes(const struct gw_exchange *ex) { return 512; }
void *gw_exchange_scratch(struct gw_exchange *ex, const void *self) { return ex->scratch; }
void *gw_exchange_alloc(struct gw_exchange *ex, size_t size)
{
    return ex->memory[ex->memory_count++] = calloc(1, size);
}
char *gw_exchange_print(struct gw_exchange *ex, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0)
        abort();
    va_end(args);
    ex->memory[ex->memory_count++] = text;
    return text;
}
void gw_exchange_set_path(struct gw_exchange *ex, const char *path)
{
    snprintf(ex->changed, sizeof ex->changed, "%s", path);
    ex->path = ex->changed;
}
void gw_exchange_set_timeout_ms(struct gw_exchange *ex, int64_t timeout_ms) { ex->timeout_ms = timeout_ms; }

static void note(struct gw_exchange *ex, const char *what, const char *name, const char *value)
{
    snprintf(ex->changed, sizeof ex->changed, "%s %s: %s", what, name, value);
}
void gw_exchange_add_request_header(struct gw_exchange *ex, const char *n, const char *v) { note(ex, "add req", n, v); }
void gw_exchange_set_request_header(struct gw_exchange *ex, const char *n, const char *v) { note(ex, "set req", n, v); }
void gw_exchange_remove_request_header(struct gw_exchange *ex, const char *n) { note(ex, "remove req", n, ""); }
void gw_exchange_add_response_header(struct gw_exchange *ex, const char *n, const char *v) { note(ex, "add res", n, v); }
void gw_exchange_set_response_header(struct gw_exchange *ex, const char *n, const char *v) { note(ex, "set res", n, v); }
void gw_exchange_remove_response_header(struct gw_exchange *ex, const char *n) { note(ex, "remove res", n, ""); }
const char *gw_exchange_request_header(const struct gw_exchange *ex, const char *name) { return ex->header; }
const char *gw_exchange_response_header(const struct gw_exchange *ex, const char *name) { return NULL; }
enum gw_flow gw_exchange_reply_data(struct gw_exchange *ex, int status, const char *type, const void *data, size_t size)
{
    ex->status = status;
    snprintf(ex->content_type, sizeof ex->content_type, "%s", type);
    snprintf(ex->body, sizeof ex->body, "%.*s", (int)size, (const char *)data);
    return GW_REPLY;
}
enum gw_flow gw_exchange_fail(struct gw_exchange *ex, int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(ex->body, sizeof ex->body, format, args);
    va_end(args);
    ex->status = status;
    return GW_FAIL;
}
struct gw_log_file *gw_log_file_open(struct gw_server *server, const char *path)
{
    errno = EACCES;
    return strcmp(path, "refused") == 0 ? NULL : (struct gw_log_file *)logged;
}
void gw_log_file_close(struct gw_log_file *file) {}
int gw_log_file_write(struct gw_log_file *file, const void *data, size_t size)
{
    memcpy(logged, data, size);
    logged[size] = '\0';
    return 0;
}

/* An instance made as the library makes it; create()'s result is in *result. Errors of the table give
 * NULL. */
static struct gw_filter *make(const struct gw_filter_type *type, const struct gw_option *options, int *result)
{
    struct gw__report report = {0};
    struct gw_filter *self = calloc(1, sizeof *self);
    self->type = type;
    self->data = calloc(1, type->instance_size);
    self->options = gw__option_check(options, type->options, type->name, NULL, &report);
    ck_assert_int_eq(self->options != NULL, !gw__report_bad(&report));
    *result = self->options ? type->create(self, self->options) : -100;
    gw__option_done(options);
    gw__report_finish(&report);
    return self;
}

static void drop(struct gw_filter *self, struct gw_exchange *ex)
{
    if (self->type->destroy && self->options)
        self->type->destroy(self);
    gw_option_destroy(self->options);
    free(self->data);
    free(self);
    for (size_t i = 0; ex && i < ex->memory_count; i++)
        free(ex->memory[i]);
}

/* Runs the head hooks of a filter, that of the response last; what they changed is in ex. */
static enum gw_flow run(const struct gw_filter_type *type, const struct gw_option *options, struct gw_exchange *ex)
{
    int result;
    struct gw_filter *self = make(type, options, &result);
    ck_assert_int_eq(result, 0);
    enum gw_flow flow = GW_CONTINUE;
    if (type->on_request)
        flow = type->on_request(ex, self);
    if (type->on_response)
        flow = type->on_response(ex, self);
    drop(self, ex);
    ex->memory_count = 0;
    return flow;
}

/* The text that create() refuses the options with. */
static const char *refusal(const struct gw_filter_type *type, const struct gw_option *options)
{
    static char text[256];
    int result;
    struct gw_filter *self = make(type, options, &result);
    ck_assert_int_lt(result, 0);
    snprintf(text, sizeof text, "%s", result == -100 ? "table" : self->error);
    drop(self, NULL);
    return text;
}

START_TEST(headers_reach_the_exchange)
{
    static const struct {
        const struct gw_filter_type *type;
        const char *changed;
    } pairs[] = {
        {&gw__filter_add_request_header, "add req X-A: me"},
        {&gw__filter_set_request_header, "set req X-A: me"},
        {&gw__filter_add_response_header, "add res X-A: me"},
        {&gw__filter_set_response_header, "set res X-A: me"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct gw_exchange ex = {0};
        ck_assert_int_eq(run(pairs[i].type, GW_OPTIONS("name", "X-A", "value", "me"), &ex), GW_CONTINUE);
        ck_assert_str_eq(ex.changed, pairs[i].changed);
    }
    struct gw_exchange ex = {.expanded = "is 7"};
    run(&gw__filter_set_request_header, GW_OPTIONS("name", "X-A", "value", "is {id}"), &ex);
    ck_assert_str_eq(ex.changed, "set req X-A: is 7");
    run(&gw__filter_remove_request_header, GW_VALUE("X-A"), &ex);
    ck_assert_str_eq(ex.changed, "remove req X-A: ");
    run(&gw__filter_remove_response_header, GW_VALUE("X-A"), &ex);
    ck_assert_str_eq(ex.changed, "remove res X-A: ");
}
END_TEST

START_TEST(headers_of_the_gateway_are_refused)
{
    ck_assert_ptr_nonnull(strstr(refusal(&gw__filter_set_request_header,
                                         GW_OPTIONS("name", "Content-length", "value", "3")), "Content-length"));
    ck_assert_str_eq(refusal(&gw__filter_set_request_header, GW_OPTIONS("name", "X A", "value", "3")), "table");
    ck_assert_str_eq(refusal(&gw__filter_set_request_header, GW_OPTIONS("name", "X-A", "value", "a\r\nb: c")), "table");
    ck_assert_str_eq(refusal(&gw__filter_set_request_header, GW_OPTIONS("name", "X-A")), "table");
}
END_TEST

START_TEST(prefix_is_stripped)
{
    static const struct {
        const char *segments, *path, *expected;
    } cases[] = {
        {"1", "/a/b/c", "/b/c"}, {"2", "/a/b/c", "/c"}, {"3", "/a/b/c", "/"},  {"9", "/a/b/c", "/"},
        {"1", "/", "/"},         {"1", "/a", "/"},      {"1", "/a/", "/"},     {"1", "/a//b", "/b"},
        {"1", "//a/b", "/b"},    {"2", "/a//b//c", "/c"}, {"1", "/a/b/", "/b/"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gw_exchange ex = {.path = cases[i].path};
        run(&gw__filter_strip_prefix, GW_VALUE(cases[i].segments), &ex);
        ck_assert_str_eq(ex.path, cases[i].expected);
    }
    ck_assert_str_eq(refusal(&gw__filter_strip_prefix, GW_VALUE("0")), "table");
}
END_TEST

START_TEST(path_is_rewritten)
{
    static const struct {
        const char *template, *variable, *expected;
    } cases[] = {
        {"/new", "x", "/new"},
        {"/v2/{id}", "7", "/v2/7"},
        {"/{id}/end", "a%2Fb", "/a%2Fb/end"},
        {"/{id}", "..%2F..%2Fetc", "/..%2F..%2Fetc"},
        {"/{id}", "/evil.example/x", "/evil.example/x"},
        {"/{id}{id}", "ab", "/abab"},
        {"/x/{id}", "", "/x/"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gw_exchange ex = {.path = "/old", .variable = cases[i].variable};
        ck_assert_int_eq(run(&gw__filter_rewrite_path, GW_VALUE(cases[i].template), &ex), GW_CONTINUE);
        ck_assert_str_eq(ex.path, cases[i].expected);
    }
    struct gw_exchange ex = {.path = "/old"};
    ck_assert_int_eq(run(&gw__filter_rewrite_path, GW_VALUE("/{other}"), &ex), GW_FAIL);
    ck_assert_ptr_nonnull(strstr(ex.body, "'other'"));
}
END_TEST

START_TEST(bad_templates_are_refused)
{
    static const char *const templates[] = {"",       "new",    "/a?b",    "/a#b",    "/a b",      "/{id",  "/id}",
                                            "/{}",    "/{a{b}}", "/a/../b", "/./a",   "/..",       "/%zz",  "/%4",
                                            "/\xc3\xbc", "/a\"b", "/{a/b}", "/{a:**}"};
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++)
        ck_assert_msg(strncmp(refusal(&gw__filter_rewrite_path, GW_VALUE(templates[i])), "expected ", 9) == 0, "%s", templates[i]);
}
END_TEST

START_TEST(timeout_is_set)
{
    struct gw_exchange ex = {0};
    run(&gw__filter_timeout, GW_VALUE("2s"), &ex);
    ck_assert_int_eq(ex.timeout_ms, 2000);
    ck_assert_str_eq(refusal(&gw__filter_timeout, GW_VALUE("2 parsec")), "table");
    ck_assert_str_eq(refusal(&gw__filter_timeout, GW_VALUE("0ms")), "table");
}
END_TEST

START_TEST(failures_become_problems)
{
    struct gw_exchange ex = {.status = 502, .error_code = "GW5021", .error_message = "no \"answer\"\n", .upstream = "h:1"};
    ck_assert_int_eq(run(&gw__filter_errors, GW_VALUE("problem"), &ex), GW_REPLY);
    ck_assert_str_eq(ex.content_type, "application/problem+json");
    ck_assert_str_eq(ex.body, "{\"type\":\"about:blank\",\"title\":\"Bad Gateway\",\"status\":502,"
                              "\"detail\":\"no \\\"answer\\\"\\u000a\",\"code\":\"GW5021\",\"source\":\"upstream\","
                              "\"request_id\":\"0123456789abcdef0123456789abcdef\"}\n");
    ex = (struct gw_exchange){.status = 404, .error_code = "GW4041", .error_message = "no route"};
    run(&gw__filter_errors, GW_OPTIONS("format", "problem"), &ex);
    ck_assert_ptr_nonnull(strstr(ex.body, "\"source\":\"gateway\""));
    ex = (struct gw_exchange){.status = 404, .error_code = "GW4041", .error_message = "no route"};
    ck_assert_int_eq(run(&gw__filter_errors, GW_VALUE("text"), &ex), GW_CONTINUE);
    ex = (struct gw_exchange){.status = 500}; /* a backend's own */
    ck_assert_int_eq(run(&gw__filter_errors, GW_VALUE("problem"), &ex), GW_CONTINUE);
    ck_assert_str_eq(ex.body, "");
}
END_TEST

START_TEST(problems_have_the_members_of_the_error)
{
    struct gw_exchange ex = {.status = 422, .error_code = "GW4221", .error_message = "NotFound", .upstream = "h:1",
                             .members = {"exception", "{\"type\":\"NotFound\"}", "a\"b", "[1]"}};
    run(&gw__filter_errors, GW_VALUE("problem"), &ex);
    ck_assert_str_eq(ex.body, "{\"type\":\"about:blank\",\"title\":\"Unprocessable Content\",\"status\":422,"
                              "\"detail\":\"NotFound\",\"code\":\"GW4221\",\"source\":\"upstream\","
                              "\"request_id\":\"0123456789abcdef0123456789abcdef\","
                              "\"exception\":{\"type\":\"NotFound\"},\"a\\\"b\":[1]}\n");
    ck_assert(!ex.envelope);
}
END_TEST

START_TEST(failures_in_the_envelope)
{
    static const struct {
        int status;
        const char *code, *body;
    } cases[] = {
        {400, "GW4001", "{\"err_code\":10001,\"err_message\":\"bad request\"}"},
        {404, "GW4041", "{\"err_code\":10002,\"err_message\":\"server not found\"}"},
        {404, "GW4042", "{\"err_code\":10002,\"err_message\":\"server not found\"}"},
        {404, "GW4043", "{\"err_code\":10003,\"err_message\":\"server method not found\"}"},
        {502, "GW5021", "{\"err_code\":10004,\"err_message\":\"request server fail\"}"},
        {503, "GW5033", "{\"err_code\":10004,\"err_message\":\"request server fail\"}"},
        {504, "GW5041", "{\"err_code\":10004,\"err_message\":\"request server fail\"}"},
        {422, "GW4221", "{\"err_code\":10005,\"err_message\":\"server handle fail\"}"},
        {409, "GW4221", "{\"err_code\":10005,\"err_message\":\"server handle fail\"}"},
        {502, "GW5025", "{\"err_code\":10005,\"err_message\":\"server handle fail\"}"},
        {502, "GW5024", "{\"err_code\":10006,\"err_message\":\"response unable parse\"}"},
        {502, "GW5026", "{\"err_code\":10006,\"err_message\":\"response unable parse\"}"},
        {502, "GW5027", "{\"err_code\":10004,\"err_message\":\"request server fail\"}"},
        {429, "GW4000", "{\"err_code\":10004,\"err_message\":\"request server fail\"}"},
        {403, "GW4000", "{\"err_code\":10001,\"err_message\":\"bad request\"}"},
        {500, "GW5000", "{\"err_code\":10004,\"err_message\":\"request server fail\"}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gw_exchange ex = {.status = cases[i].status, .error_code = cases[i].code, .error_message = "m"};
        ck_assert_int_eq(run(&gw__filter_errors, GW_VALUE("envelope"), &ex), GW_REPLY);
        ck_assert_str_eq(ex.body, cases[i].body);
        ck_assert_int_eq(ex.status, 200);
        ck_assert_str_eq(ex.content_type, "application/json; charset=utf-8");
    }
    struct gw_exchange ex = {.status = 500}; /* a backend's own */
    ck_assert_int_eq(run(&gw__filter_errors, GW_VALUE("envelope"), &ex), GW_CONTINUE);
    ck_assert(ex.envelope);
}
END_TEST

START_TEST(what_the_codec_refuses_keeps_its_status)
{
    int result;
    struct gw_exchange ex = {.status = 431, .error_code = "GW4001", .error_message = "the head is too large"};
    struct gw_filter *self = make(&gw__filter_errors, GW_VALUE("envelope"), &result);
    ck_assert_int_eq(gw__filter_errors.on_response(&ex, self), GW_REPLY);
    ck_assert_int_eq(ex.status, 431);
    ck_assert_str_eq(ex.body, "{\"err_code\":10001,\"err_message\":\"bad request\"}");
    drop(self, &ex);
}
END_TEST

START_TEST(failed_calls_by_category)
{
    static const struct {
        struct gw_exchange ex;
        const char *body;
    } cases[] = {
        {{.status = 404, .error_code = "GW4043", .members = {"service", "\"EchoSvc\"", "method", "\"a\\\"b\""}},
         "{\"error_category\":\"missing method\",\"error_details\":\"a\\\"b in service: EchoSvc\"}"},
        {{.status = 404, .error_code = "GW4043"}, "{\"err_code\":10003,\"err_message\":\"server method not found\"}"},
        {{.status = 502, .error_code = "GW5025", .error_message = "biz \"error\"",
          .members = {"exception", "{\"type\":\"TApplicationException\",\"value\":{\"type\":6}}"}},
         "{\"error_category\":\"remote or network error[remote]\",\"error_details\":\"biz \\\"error\\\"\"}"},
        {{.status = 422, .error_code = "GW4221", .error_message = "NotFound",
          .members = {"exception", "{\"type\":\"A,\\\"value\\\":B\",\"value\":{\"id\":[1,{\"s\":\"}\\\"\"}],\"n\":null}}"}},
         "{\"error_category\":\"remote or network error[remote]\","
         "\"error_details\":\"{\\\"id\\\":[1,{\\\"s\\\":\\\"}\\\\\\\"\\\"}],\\\"n\\\":null}\"}"},
        {{.status = 422, .error_code = "GW4221", .error_message = "NotFound", .members = {"exception", "{\"value\":7"}},
         "{\"error_category\":\"remote or network error[remote]\",\"error_details\":\"7\"}"},
        {{.status = 422, .error_code = "GW4221", .error_message = "NotFound", .members = {"exception", "{\"type\":\"\\"}},
         "{\"error_category\":\"remote or network error[remote]\",\"error_details\":\"NotFound\"}"},
        {{.status = 404, .error_code = "GW4042"}, "{\"err_code\":10002,\"err_message\":\"server not found\"}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gw_exchange ex = cases[i].ex;
        run(&gw__filter_errors, GW_OPTIONS("format", "envelope", "rpc_errors", "category"), &ex);
        ck_assert_str_eq(ex.body, cases[i].body);
    }
    ck_assert_str_eq(refusal(&gw__filter_errors, GW_OPTIONS("rpc_errors", "category")),
                     "expected format = \"envelope\" beside rpc_errors = \"category\", found \"problem\"");
    ck_assert_str_eq(refusal(&gw__filter_errors, GW_OPTIONS("format", "soap")), "table");
}
END_TEST

/* The line written for ex. */
static const char *log_line(const char *format, struct gw_exchange *ex)
{
    int result;
    struct gw_filter *self = make(&gw__filter_access_log, GW_OPTIONS("path", "x", "format", format), &result);
    ck_assert_msg(result == 0, "%s", self->error);
    ck_assert_int_eq(gw__filter_access_log.on_request(ex, self), GW_CONTINUE);
    ex->path = "/rewritten";
    gw__filter_access_log.on_end(ex, self);
    drop(self, NULL);
    return logged;
}

START_TEST(lines_in_json)
{
    struct gw_exchange ex = {.path = "/a\"b", .query = "x=\xff", .status = 200, .route = "home", .upstream = "127.0.0.1:9000"};
    ck_assert_str_eq(log_line("json", &ex),
                     "{\"time\":\"2023-11-14T22:13:20.123Z\",\"id\":\"0123456789abcdef0123456789abcdef\","
                     "\"client\":\"127.0.0.1:50000\",\"method\":\"GET\",\"path\":\"/a\\\"b\",\"query\":\"x=\\ufffd\","
                     "\"host\":\"example.com\",\"protocol\":\"HTTP/1.1\",\"status\":200,\"request_bytes\":0,"
                     "\"response_bytes\":512,\"duration_us\":321,\"route\":\"home\",\"upstream\":\"127.0.0.1:9000\","
                     "\"upstream_us\":210,\"error\":null,\"cut\":null}\n");
    ex = (struct gw_exchange){.path = "/", .status = 404, .error_code = "GW4041", .cut = "client gone"};
    const char *line = log_line("json", &ex);
    ck_assert_ptr_nonnull(strstr(line, "\"route\":null,\"upstream\":null,\"upstream_us\":null,\"error\":\"GW4041\","
                                       "\"cut\":\"client gone\"}\n"));
}
END_TEST

START_TEST(lines_by_format)
{
    struct gw_exchange ex = {.path = "/a b\n", .status = 200, .header = "curl/7 \"x\""};
    ck_assert_str_eq(log_line("[${time}] \"${method} ${path}\" ${status} ${upstream} ${upstream_us} $5 ${request_header:User-Agent}"
                              " ${response_header:X}", &ex),
                     "[2023-11-14T22:13:20.123Z] \"GET /a b\\u000a\" 200 - - $5 curl/7 \\\"x\\\" -\n");
}
END_TEST

START_TEST(long_values_leave_a_whole_line)
{
    char path[5000], format[4000] = "";
    memset(path, '\n', sizeof path - 1);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    struct gw_exchange ex = {.path = path, .query = path, .header = path};
    size_t size = strlen(log_line("json", &ex));
    ck_assert_uint_lt(size, LINE_BYTES);
    ck_assert_str_eq(logged + size - 12, "\"cut\":null}\n");
    for (int i = 0; i < 62; i++)
        strcat(format, "=======================\"${request_header:X}\"");
    strcat(format, "${status} end");
    ex.path = path;
    ex.status = 200;
    size = strlen(log_line(format, &ex));
    ck_assert_uint_le(size, LINE_BYTES);
    ck_assert_str_eq(logged + size - 8, "200 end\n");
}
END_TEST

START_TEST(bad_formats_are_refused)
{
#define REFUSAL(format) refusal(&gw__filter_access_log, GW_OPTIONS("path", "x", "format", format))
    ck_assert_str_eq(REFUSAL("${staus}"),
                     "expected a variable of the access log, found '${staus}'; did you mean '${status}'?");
    ck_assert_str_eq(REFUSAL("${quite_another_thing}"),
                     "expected a variable of the access log, found '${quite_another_thing}'");
    ck_assert_ptr_nonnull(strstr(REFUSAL("${path"), "'}'"));
    ck_assert_ptr_nonnull(strstr(REFUSAL("${request_header}"), "${request_header:Name}"));
    ck_assert_ptr_nonnull(strstr(REFUSAL("${path:x}"), "found '${path:x}'"));
    ck_assert_ptr_nonnull(strstr(REFUSAL("jason"), "'json'"));
    ck_assert_ptr_nonnull(strstr(REFUSAL("${path}\n${path}"), "one line"));
    ck_assert_ptr_nonnull(strstr(refusal(&gw__filter_access_log, GW_VALUE("refused")), "Permission denied"));
}
END_TEST

START_TEST(bench)
{
    long lines = atol(getenv("BENCH_LINES"));
    int result;
    struct gw_exchange ex = {.path = "/app/items/1234", .status = 200, .route = "site", .upstream = "127.0.0.1:9000"};
    struct gw_filter *self = make(&gw__filter_access_log, GW_VALUE("x"), &result);
    gw__filter_access_log.on_request(&ex, self);
    for (long i = 0; i < lines; i++)
        gw__filter_access_log.on_end(&ex, self);
    drop(self, NULL);
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("stages");
    TCase *all = tcase_create("stages");
    tcase_add_test(all, headers_reach_the_exchange);
    tcase_add_test(all, headers_of_the_gateway_are_refused);
    tcase_add_test(all, prefix_is_stripped);
    tcase_add_test(all, path_is_rewritten);
    tcase_add_test(all, bad_templates_are_refused);
    tcase_add_test(all, timeout_is_set);
    tcase_add_test(all, failures_become_problems);
    tcase_add_test(all, problems_have_the_members_of_the_error);
    tcase_add_test(all, failures_in_the_envelope);
    tcase_add_test(all, what_the_codec_refuses_keeps_its_status);
    tcase_add_test(all, failed_calls_by_category);
    tcase_add_test(all, lines_in_json);
    tcase_add_test(all, lines_by_format);
    tcase_add_test(all, long_values_leave_a_whole_line);
    tcase_add_test(all, bad_formats_are_refused);
    if (getenv("BENCH_LINES"))
        tcase_add_test(all, bench);
    suite_add_tcase(suite, all);
    return suite;
}
