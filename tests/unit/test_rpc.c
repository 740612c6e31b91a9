/* Calls through a whole server, where memory runs out at every allocation of them; and that a warm worker makes none.
 * The Thrift server is a process of its own, where no allocation fails; it answers by the method's name. */
#include "host.h"
#include "wire/fault.h"
#include "wire/frame.h"
#include "wire/thrift.h"
#include "wire/ttheader.h"

#include <arpa/inet.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { MUCH_BYTES = 300000 };

static const char idl[] = "struct Req { 1: string msg }\n"
                          "exception Broken { 1: string why }\n"
                          "service Echo {\n"
                          "    Req Call(1: Req req) throws (1: Broken broken)\n"
                          "    Req Throws(1: Req req) throws (1: Broken broken)\n"
                          "    Req Fault(1: Req req)\n"
                          "    Req Garbage(1: Req req)\n"
                          "    string Much()\n"
                          "    void Nothing()\n"
                          "    void Business()\n"
                          "    oneway void Tell(1: string text)\n"
                          "    void Put(1: set<i64> ids, 2: map<string, i64> named)\n"
                          "}\n";

/* ---- the server ---- */

static void put_text(struct gw__wire *wire, int id, const char *text, size_t size)
{
    gw__thrift_put_field(wire, GW__THRIFT_STRING, id);
    gw__thrift_put_string(wire, text, size);
}

/* The answers of Call, Throws and Fault in the encodings that are not binary. */
static void put_other_answer(struct gw__wire *wire, const struct gw__message *call)
{
    bool compact = call->encoding == GW__ENCODING_COMPACT;
    static const char struct_0[] = "\x0c\0\x18\5hello\0", struct_1[] = "\x1c\x18\5hello\0", text[] = "\x18\2no";
    struct gw__str bytes;
    switch (*call->name.data) {
    case 'C':
        bytes = compact ? (struct gw__str){struct_0, sizeof struct_0}
                        : GW__STR("{\"0\":{\"rec\":{\"1\":{\"str\":\"hello\"}}}}]");
        break;
    case 'T':
        bytes = compact ? (struct gw__str){struct_1, sizeof struct_1}
                        : GW__STR("{\"1\":{\"rec\":{\"1\":{\"str\":\"hello\"}}}}]");
        break;
    default:
        bytes = compact ? (struct gw__str){text, sizeof text} : GW__STR("{\"1\":{\"str\":\"no\"}}]");
        break;
    }
    char *out = gw__wire_take(wire, bytes.size);
    memcpy(out, bytes.data, bytes.size); /* with the literal's end: the struct's */
}

static void put_answer(struct gw__wire *wire, const struct gw__message *call)
{
    static char much[MUCH_BYTES];
    const char *name = call->name.data;
    struct gw__message message = {
        .encoding = call->encoding,
        .type = *name == 'F' ? GW__MESSAGE_EXCEPTION : GW__MESSAGE_REPLY,
        .name = call->name,
        .sequence = call->sequence,
    };
    gw__message_put(wire, &message);
    if (!gw__encoding_is_binary(call->encoding)) {
        put_other_answer(wire, call);
        return;
    }
    if (*name == 'C' || *name == 'T') {
        gw__thrift_put_field(wire, GW__THRIFT_STRUCT, *name == 'T');
        put_text(wire, 1, "hello", 5);
        gw__thrift_put_stop(wire);
    } else if (*name == 'M') {
        put_text(wire, 0, memset(much, 'x', sizeof much), sizeof much);
    } else if (*name == 'F') {
        put_text(wire, 1, "no", 2);
    } else if (*name == 'G') {
        gw__thrift_put_field(wire, 99, 0);
    }
    gw__thrift_put_stop(wire);
}

/* What the request came in, and the answer goes in. */
struct request {
    enum { PLAIN, THEADER, ZLIB, TTHEADER, HTTP } transport;
    struct gw__message call;
    char message[4096];
    size_t size;
};

static void put_front(struct gw__wire *wire, const struct request *request, size_t payload)
{
    uint32_t sequence = (uint32_t)request->call.sequence;
    if (request->transport == THEADER || request->transport == ZLIB) {
        gw__theader_put(wire, 0, request->transport == ZLIB, sequence, payload);
    } else if (request->transport == TTHEADER) {
        struct gw__ttheader_writer writer = {.wire = wire};
        gw__ttheader_begin(&writer, sequence, 0);
        gw__ttheader_put_string(&writer, GW__STR("RPC_BACKWARD_"), GW__STR("key"), GW__STR("value"));
        if (*request->call.name.data == 'B')
            gw__ttheader_put_string(&writer, GW__STR("biz-status"), GW__STR(""), GW__STR("5"));
        gw__ttheader_end(&writer, payload);
    } else if (request->transport == HTTP) {
        char *out = gw__wire_take(wire, 100);
        wire->at = out + snprintf(out, 100, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", payload);
    }
    gw__wire_settle(wire);
}

static void send_wire(int fd, const struct gw__wire *wire, size_t first)
{
    for (struct gw__wire_segment *segment = wire->first; segment; segment = segment->next, first = 0) {
        if (first && send(fd, segment->bytes, first, MSG_NOSIGNAL) > 0)
            usleep(500);
        if (send(fd, segment->bytes + first, segment->size - first, MSG_NOSIGNAL) < 0)
            break;
    }
}

/* In two pieces, the first of which ends in a header: that has to be kept. */
static void send_answer(int fd, const struct request *request)
{
    static struct gw__deflate *deflate;
    struct gw__wire front = {0}, wire = {0}, packed = {0};
    put_answer(&wire, &request->call);
    gw__wire_settle(&wire);
    if (request->transport == ZLIB)
        gw__deflate_wire(&deflate, &wire, &packed);
    struct gw__wire *payload = request->transport == ZLIB ? &packed : &wire;
    put_front(&front, request, gw__wire_settle(payload));
    send_wire(fd, &front, request->transport == HTTP ? 0 : 16); /* an HTTP client's memory is not kept */
    send_wire(fd, payload, request->transport == PLAIN ? 5 : 0);
    gw__wire_finish(&front);
    gw__wire_finish(&wire);
    gw__wire_finish(&packed);
}

/* Takes the message out of its frame; what there is of it, where that is not the end. */
static void unwrap(struct request *request, const char *bytes, size_t size)
{
    struct gw__frame_reader reader = {0};
    const char *at = bytes, *end = bytes + size;
    struct gw__str piece;
    enum gw__frame_event event;
    request->size = 0;
    request->transport = PLAIN;
    if (memcmp(bytes, "POST", size < 4 ? size : 4) == 0) {
        const char *blank = memmem(bytes, size, "\r\n\r\n", 4);
        request->transport = HTTP;
        at = blank ? blank + 4 : end;
    }
    while ((event = gw__frame_next(&reader, &at, end, &piece)) == GW__FRAME_PIECE || event == GW__FRAME_ENTRIES)
        if (event == GW__FRAME_PIECE) {
            memcpy(request->message + request->size, piece.data, piece.size);
            request->size += piece.size;
        }
    if (reader.shape == GW__FRAME_TTHEADER)
        request->transport = TTHEADER;
    else if (reader.shape == GW__FRAME_THEADER)
        request->transport = reader.zlib ? ZLIB : THEADER;
    gw__frame_finish(&reader);
}

static bool is_whole(struct request *request)
{
    static struct gw__thrift_fault any; /* reads every struct, in every encoding */
    size_t head = 0, taken;
    if (gw__message_get(request->message, request->size, &request->call, &head) != GW__WIRE_DONE)
        return false;
    gw__thrift_fault_init(&any, request->call.encoding);
    bool whole = gw__thrift_fault_feed(&any, request->message + head, request->size - head, &taken) == GW__WIRE_DONE;
    gw__thrift_fault_finish(&any);
    return whole;
}

/* Requests come one by one and are small. */
static void serve(int fd)
{
    static char bytes[4096];
    static struct request request;
    for (;;) {
        size_t have = 0;
        do {
            ssize_t n = recv(fd, bytes + have, sizeof bytes - have, 0);
            if (n <= 0)
                _exit(0);
            have += (size_t)n;
            unwrap(&request, bytes, have);
        } while (!is_whole(&request));
        if (request.call.type == GW__MESSAGE_CALL)
            send_answer(fd, &request);
    }
}

static int listen_here(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static pid_t start_backend(int *port)
{
    int listener = listen_here(port);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGCHLD, SIG_IGN);
        for (;;) {
            int fd = accept(listener, NULL, NULL);
            if (fork() == 0)
                serve(fd);
            close(fd);
        }
    }
    close(listener);
    return pid;
}

/* ---- the gateway ---- */

static char folder[] = "/tmp/test_rpc_XXXXXX";
static char file[64];
static int backend;
static pid_t backend_pid;

static void set_up(void)
{
    strcpy(folder + sizeof folder - 7, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/echo.thrift", folder);
    FILE *out = fopen(file, "w");
    ck_assert(out && fputs(idl, out) >= 0 && fclose(out) == 0);
    backend_pid = start_backend(&backend);
}

static void tear_down(void)
{
    kill(backend_pid, SIGKILL);
    unlink(file);
    rmdir(folder);
}

static void add_transport(struct gw_config *config, const char *name, const char *transport, const char *zlib,
                          const char *in_flight)
{
    char path[64];
    snprintf(path, sizeof path, "/%s/{service}/{method}", name);
    struct gw_route *route = gw_config_add_route(config, name);
    gw_route_add_predicate(route, "path", GW_VALUE(path));
    gw_route_set_endpoint(route, "thrift", GW_OPTIONS("service", "{service}", "method", "{method}", "transport",
                                                      transport, "zlib", zlib, "in_flight", in_flight));
}

static void add_encoding(struct gw_config *config, const char *encoding)
{
    char path[64];
    snprintf(path, sizeof path, "/%s/{service}/{method}", encoding);
    struct gw_route *route = gw_config_add_route(config, encoding);
    gw_route_add_predicate(route, "path", GW_VALUE(path));
    gw_route_set_endpoint(route, "thrift", GW_OPTIONS("service", "{service}", "method", "{method}", "encoding", encoding));
}

static struct gw_server *create_running(void)
{
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%d", backend);
    struct gw_server *server = gw_server_create();
    struct gw_config *config = gw_config_create();
    gw_config_set(config, "workers", GW_VALUE("1"));
    gw_config_listen(config, "127.0.0.1:0");
    gw_config_set_idl_folder(config, folder);
    gw_service_add_instance(gw_config_add_service(config, "echo"), address, NULL);
    gw_config_add_decorator(config, "errors", NULL);
    struct gw_route *route = gw_config_add_route(config, "rpc");
    gw_route_add_predicate(route, "path", GW_VALUE("/rpc/{service}/{method}"));
    gw_route_set_endpoint(route, "thrift", GW_OPTIONS("service", "{service}", "method", "{method}"));
    add_transport(config, "theader", "theader", "false", "1");
    add_transport(config, "zlib", "theader", "true", "1");
    add_transport(config, "ttheader", "ttheader", "false", "1");
    add_transport(config, "shared", "ttheader", "false", "8");
    add_transport(config, "http", "http", "false", "1");
    add_encoding(config, "binary_old");
    add_encoding(config, "compact");
    add_encoding(config, "json");
    route = gw_config_add_route(config, "plain");
    gw_route_add_predicate(route, "path", GW_VALUE("/plain"));
    gw_route_set_endpoint(route, "respond", GW_OPTIONS("body", "{}"));
    ck_assert_msg(gw_server_apply(server, config) == GW_OK, "%s", gw_server_error(server));
    gw_config_destroy(config);
    ck_assert_int_eq(gw_server_start(server), GW_OK);
    return server;
}

/* Header lines with a body behind them: what get() adds, a line's end, is white space to JSON. */
static int call(struct gw_server *server, const char *path, const char *json)
{
    static struct answer answer;
    char headers[256];
    snprintf(headers, sizeof headers, "Content-Length: %zu\r\n\r\n%s", strlen(json) + 2, json);
    return get(&answer, gw_server_port(server, 0), path, *json ? headers : "");
}

static const struct {
    const char *path, *json;
    int status;
} calls[] = {
    {"/rpc/echo/Call", "{\"msg\":\"hello\"}", 200},
    {"/rpc/echo/Throws", "{\"msg\":\"hello\"}", 422},
    {"/rpc/echo/Fault", "{}", 502},
    {"/rpc/echo/Garbage", "{}", 502},
    {"/rpc/echo/Call", "{\"msg\":5,\"n\":\"\\u00e4\"}", 400},
    {"/rpc/echo/Nothing", "", 204},
    {"/rpc/echo/Tell", "{\"text\":\"x\"}", 202},
    {"/rpc/echo/Much", "", 200},
    {"/rpc/echo/Missing", "{}", 404},
    {"/rpc/other/Call", "{}", 404},
    {"/theader/echo/Call", "{\"msg\":\"hello\"}", 200},
    {"/zlib/echo/Call", "{\"msg\":\"hello\"}", 200},
    {"/zlib/echo/Much", "", 200},
    {"/ttheader/echo/Call", "{\"msg\":\"hello\"}", 200},
    {"/ttheader/echo/Business", "", 422},
    {"/shared/echo/Call", "{\"msg\":\"hello\"}", 200},
    {"/http/echo/Call", "{\"msg\":\"hello\"}", 200},
    {"/binary_old/echo/Call", "{\"msg\":\"hello\"}", 200},
    {"/compact/echo/Call", "{\"msg\":\"hello\"}", 200},
    {"/compact/echo/Throws", "{\"msg\":\"hello\"}", 422},
    {"/compact/echo/Fault", "{}", 502},
    {"/json/echo/Call", "{\"msg\":\"hello\"}", 200},
    {"/json/echo/Throws", "{\"msg\":\"hello\"}", 422},
    {"/json/echo/Fault", "{}", 502},
};
enum { CALLS = sizeof calls / sizeof *calls };

/* A server that has served nothing yet, so that all a call needs is allocated; then once more, where nothing fails. */
START_TEST(allocations_of_calls_may_fail)
{
    bool all_behind = _i % 2;
    const char *path = calls[_i / 2].path, *json = calls[_i / 2].json;
    int right = calls[_i / 2].status, good = 0, failures = 0;
    struct usage before = measure();
    for (long n = 0; good < 2; n++) {
        struct gw_server *server = create_running();
        fail_from_to(n, all_behind ? LONG_MAX : n + 1);
        int status = call(server, path, json);
        fail_no_more();
        good = any_failed() ? 0 : good + 1;
        failures += any_failed();
        ck_assert_msg(status == right || (any_failed() && (status == 503 || status == 0)), "%s: %d at allocation %ld",
                      path, status, n);
        ck_assert_int_eq(call(server, path, json), right);
        gw_server_destroy(server);
        long left = measure().blocks - before.blocks;
        ck_assert_msg(left == 0, "%s: allocation %ld: %ld blocks", path, n, left);
    }
    ck_assert_int_gt(failures, 0);
    assert_given_back(before);
}
END_TEST

static long allocations_of(struct gw_server *server, const char *path, const char *json)
{
    long before = allocations();
    for (int i = 0; i < 10; i++)
        ck_assert_int_lt(call(server, path, json), 300);
    return allocations() - before;
}

START_TEST(a_warm_worker_allocates_nothing_for_a_call)
{
    struct usage before = measure();
    struct gw_server *server = create_running();
    allocations_of(server, "/plain", "");
    allocations_of(server, "/rpc/echo/Call", calls[0].json);
    long plain = allocations_of(server, "/plain", ""); /* each has a connection of its own */
    ck_assert_int_eq(allocations_of(server, "/rpc/echo/Call", calls[0].json), plain);
    ck_assert_int_eq(allocations_of(server, "/rpc/echo/Nothing", ""), plain);
    ck_assert_int_eq(allocations_of(server, "/rpc/echo/Tell", "{\"text\":\"x\"}"), plain);
    static const char sets[] = "{\"ids\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30],"
                               "\"named\":{\"a\":1,\"b\":2,\"c\":3,\"d\":4}}";
    allocations_of(server, "/rpc/echo/Put", sets);
    ck_assert_int_eq(allocations_of(server, "/rpc/echo/Put", sets), plain);
    static const char *const ways[] = {"/theader/echo/Call",  "/zlib/echo/Call",       "/ttheader/echo/Call",
                                       "/shared/echo/Call",   "/http/echo/Call",       "/binary_old/echo/Call",
                                       "/compact/echo/Call",  "/json/echo/Call"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        allocations_of(server, ways[i], calls[0].json);
        long own = allocations_of(server, ways[i], calls[0].json);
        ck_assert_msg(own == plain, "%s: %ld, not %ld", ways[i], own, plain);
    }
    gw_server_destroy(server);
    assert_given_back(before);
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("rpc");
    TCase *tests = tcase_create("rpc");
    tcase_set_timeout(tests, 240);
    tcase_add_unchecked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, allocations_of_calls_may_fail, 0, 2 * CALLS);
    tcase_add_test(tests, a_warm_worker_allocates_nothing_for_a_call);
    suite_add_tcase(suite, tests);
    return suite;
}
