/* call: calls a method by a gateway of its own, which lives in this process, listens in a folder that only this user
 * may enter, and has one route. What a failure is, a filter notes where it has the exact texts. */
#include "call.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { MAX_SECONDS = 86400, MAX_CONNECTIONS = 10000 };

/* ---- arguments */

static bool set_target(struct call_plan *plan, const char *target)
{
    const char *dot = strrchr(target, '.');
    if (!dot || dot == target || !dot[1] || strpbrk(target, "{}"))
        return false;
    plan->service = strndup(target, (size_t)(dot - target));
    plan->method = dot + 1;
    return plan->service;
}

/* Of the request or the connection that carries the call: with another value it would be no request. */
static bool is_own_header(const char *name, size_t size)
{
    static const char *const names[] = {"Connection", "Content-Length", "Expect", "Host", "Keep-Alive",
                                        "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == size && strncasecmp(name, names[i], size) == 0)
            return true;
    return false;
}

static int add_header(const struct verb *verb, struct call_plan *plan, const char *text)
{
    const char *sign = strpbrk(text, ":=");
    if (!sign || *sign == ':' || sign == text || strpbrk(text, "\r\n"))
        return usage_error(verb, "expected --header NAME=VALUE, found '%s'", text);
    int size = (int)(sign - text);
    if (is_own_header(text, (size_t)size))
        return usage_error(verb, "expected a header of the call, found '%.*s', which gwctl sets itself", size, text);
    bytes_print(&plan->headers, "%.*s: %s\r\n", size, text, sign + 1);
    return EXIT_OK;
}

static bool read_number(const char *text, double most, double *number)
{
    char *end;
    *number = strtod(text, &end);
    return end != text && *end == '\0' && *number > 0 && *number <= most;
}

static bool is_duration(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    const char *unit = text + digits;
    return digits && (!strcmp(unit, "ms") || !strcmp(unit, "s") || !strcmp(unit, "m") || !strcmp(unit, "h"));
}

/* Any other option is one of the endpoint `thrift`, whose table the library checks it against. */
static void set_endpoint(struct call_plan *plan, const char *key, const char *value)
{
    char origin[80];
    snprintf(origin, sizeof origin, "--%s", key);
    gw_option_add_take(plan->endpoint, key, gw_option_create_string(value, origin));
}

static int take_option(const struct verb *verb, struct call_plan *plan, const char *name, const char *value)
{
    double number;
    if (!value)
        return usage_error(verb, "'%s' wants a value", name);
    if (strcmp(name, "-s") == 0 || strcmp(name, "--server") == 0) {
        if (plan->server_count == sizeof plan->servers / sizeof *plan->servers)
            return usage_error(verb, "too many servers");
        plan->servers[plan->server_count++] = value;
    } else if (strcmp(name, "--idl") == 0) {
        plan->idl = value;
    } else if (strcmp(name, "--timeout") == 0) {
        if (!is_duration(value))
            return usage_error(verb, "expected --timeout TIME (500ms, 2s, 1m), found '%s'", value);
        plan->timeout = value;
    } else if (strcmp(name, "--header") == 0 || strcmp(name, "-H") == 0) {
        return add_header(verb, plan, value);
    } else if (strcmp(name, "--bench") == 0) {
        if (!read_number(value, MAX_SECONDS, &plan->bench_seconds))
            return usage_error(verb, "expected a number of seconds, found '%s'", value);
    } else if (strcmp(name, "-c") == 0) {
        if (!read_number(value, MAX_CONNECTIONS, &number) || number != (int)number)
            return usage_error(verb, "expected 1 to %d connections, found '%s'", MAX_CONNECTIONS, value);
        plan->connections = (int)number;
    } else if (strncmp(name, "--", 2) == 0 && name[2]) {
        set_endpoint(plan, name + 2, value);
    } else {
        return usage_error(verb, "unexpected '%s'", name);
    }
    return EXIT_OK;
}

static int take_word(const struct verb *verb, struct call_plan *plan, const char *word)
{
    if (plan->service && plan->body)
        return usage_error(verb, "unexpected '%s'", word);
    if (plan->service)
        plan->body = word;
    else if (!set_target(plan, word))
        return usage_error(verb, "expected SERVICE.METHOD, found '%s'", word);
    return EXIT_OK;
}

static int parse(const struct verb *verb, int count, char **arguments, struct call_plan *plan)
{
    int code = EXIT_OK;
    for (int i = 0; i < count && code == EXIT_OK; i++) {
        char *word = arguments[i], *sign = strncmp(word, "--", 2) == 0 ? strchr(word, '=') : NULL;
        if (strcmp(word, "-i") == 0 || strcmp(word, "--include") == 0) {
            plan->include = true;
        } else if (*word != '-' || !word[1]) {
            code = take_word(verb, plan, word);
        } else if (sign) { /* --key=value */
            *sign = '\0';
            code = take_option(verb, plan, word, sign + 1);
        } else {
            code = take_option(verb, plan, word, i + 1 < count ? arguments[i + 1] : NULL);
            i++;
        }
    }
    if (code != EXIT_OK)
        return code;
    if (!plan->service)
        return usage_error(verb, "expected SERVICE.METHOD");
    if (!plan->idl)
        return usage_error(verb, "expected --idl FOLDER");
    return plan->server_count ? EXIT_OK : usage_error(verb, "expected -s ADDRESS");
}

/* ---- the gateway */

static char *copy_member(const struct gw_exchange *ex, const char *name)
{
    const char *json = gw_exchange_error_member(ex, name);
    return json ? strdup(json) : NULL;
}

/* What a business error has, as one object; NULL: it is none. */
static char *copy_business(const struct gw_exchange *ex)
{
    struct bytes text = {0};
    const char *name, *json;
    for (size_t i = 0; (name = gw_exchange_error_member_at(ex, i, &json)); i++)
        if (strncmp(name, "biz_", 4) == 0)
            bytes_print(&text, "%s\"%s\":%s", text.size ? "," : "{", name, json);
    if (text.size)
        bytes_add(&text, "}", 1);
    if (text.lost)
        bytes_free(&text);
    return text.data;
}

struct call_code *call_find_code(struct call_outcome *outcome, const char *name)
{
    for (size_t i = 0; i < outcome->code_count; i++)
        if (strcmp(outcome->codes[i].code, name) == 0)
            return &outcome->codes[i];
    return NULL;
}

static void note_code(struct call_outcome *outcome)
{
    if (outcome->code_count == CALL_CODES || call_find_code(outcome, outcome->code))
        return;
    struct call_code *code = &outcome->codes[outcome->code_count++];
    memcpy(code->code, outcome->code, sizeof code->code);
    code->example = outcome->message ? strdup(outcome->message) : NULL;
}

static void forget_last(struct call_outcome *outcome)
{
    free(outcome->message);
    free(outcome->errors);
    free(outcome->exception);
    outcome->message = outcome->errors = outcome->exception = NULL;
    outcome->failed = false;
}

void call_forget(struct call_outcome *outcome)
{
    pthread_mutex_lock(&outcome->lock);
    forget_last(outcome);
    for (size_t i = 0; i < outcome->code_count; i++)
        free(outcome->codes[i].example);
    memset(outcome->codes, 0, sizeof outcome->codes);
    outcome->code_count = 0;
    pthread_mutex_unlock(&outcome->lock);
}

static enum gw_flow note_failure(struct gw_exchange *ex, struct gw_filter *self)
{
    struct call_outcome *outcome = gw_filter_user(self);
    const char *code = gw_exchange_error_code(ex), *message = gw_exchange_error_message(ex);
    if (!message)
        return GW_CONTINUE;
    pthread_mutex_lock(&outcome->lock);
    forget_last(outcome);
    outcome->failed = true;
    snprintf(outcome->code, sizeof outcome->code, "%s", code ? code : "");
    outcome->message = strdup(message);
    outcome->errors = copy_member(ex, "errors");
    outcome->exception = copy_member(ex, "exception");
    if (!outcome->exception)
        outcome->exception = copy_business(ex);
    note_code(outcome);
    pthread_mutex_unlock(&outcome->lock);
    return GW_CONTINUE;
}

static const struct gw_filter_type noting = {.size = sizeof noting, .name = "gwctl_call", .on_response = note_failure};

static struct gw_config *make_config(struct call_plan *plan, const char *address)
{
    struct gw_config *config = gw_config_create();
    gw_config_set(config, "workers", GW_VALUE("1"));
    char connections[16];
    snprintf(connections, sizeof connections, "%d", plan->connections + 1); /* the first call has its own */
    gw_config_set(config, "limits",
                  GW_OPTIONS("body", "0", "call", "2147483647", "body_buffer", "1GiB", "memory", "0", "connections",
                             connections, "requests", "1000000000000"));
    gw_config_listen(config, address);
    gw_config_set_origin(config, "--idl");
    gw_config_set_idl_folder(config, plan->idl);
    if (plan->timeout) {
        static const char *const keys[] = {"connect", "response", "stall", "total"};
        struct gw_option *timeouts = gw_option_create_group("--timeout");
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            gw_option_add_take(timeouts, keys[i], gw_option_create_string(plan->timeout, "--timeout"));
        gw_config_set(config, "timeouts", timeouts);
        gw_option_destroy(timeouts);
    }
    gw_config_set_origin(config, "-s");
    struct gw_service *service = gw_config_add_service(config, plan->service);
    for (size_t i = 0; i < plan->server_count; i++)
        gw_service_add_instance(service, plan->servers[i], NULL);
    gw_config_set_origin(config, "gwctl call");
    gw_config_add_decorator(config, noting.name, NULL);
    struct gw_route *route = gw_config_add_route(config, "call");
    gw_route_add_predicate(route, "path", GW_VALUE("/call"));
    gw_option_add_take(plan->endpoint, "service", gw_option_create_string(plan->service, "gwctl call"));
    gw_option_add_take(plan->endpoint, "method", gw_option_create_string(plan->method, "gwctl call"));
    gw_route_set_endpoint(route, "thrift", plan->endpoint);
    return config;
}

static struct gw_server *start(struct call_plan *plan, const char *address, struct call_outcome *outcome, int *code)
{
    struct gw_server *server = gw_server_create();
    int result = server ? gw_server_add_filter_type(server, &noting, outcome) : GW_ERROR_MEMORY;
    struct gw_config *config = make_config(plan, address);
    if (result == 0)
        result = gw_server_apply(server, config);
    if (result == 0)
        result = gw_server_start(server);
    gw_config_destroy(config);
    *code = report_result(result, server ? gw_server_error(server) : NULL);
    if (*code == EXIT_OK)
        return server;
    gw_server_destroy(server);
    return NULL;
}

/* ---- the private folder */

static char folder[100], address[112]; /* of the one call of this process, for the handler of signals */

static const char *socket_path(void)
{
    return address + strlen("unix:");
}

static void remove_folder(void)
{
    unlink(socket_path());
    rmdir(folder);
}

static void leave(int number)
{
    remove_folder();
    _exit(128 + number);
}

static bool make_folder(void)
{
    const char *parent = getenv("TMPDIR");
    if (!parent || !*parent || strlen(parent) > sizeof folder - sizeof "/gwctl-XXXXXX")
        parent = "/tmp";
    snprintf(folder, sizeof folder, "%s/gwctl-XXXXXX", parent);
    if (!mkdtemp(folder)) { /* for this user alone */
        fprintf(stderr, "gwctl call: can't make the folder %s: %s\n", folder, strerror(errno));
        return false;
    }
    snprintf(address, sizeof address, "unix:%s/s", folder);
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &(struct sigaction){.sa_handler = leave}, NULL);
    signal(SIGPIPE, SIG_IGN);
    return true;
}

/* ---- a single call */

/* The answer as it comes, behind its head if that is wanted. */
struct printing {
    struct http_reader *reader;
    bool include, begun;
};

static void print_head(struct printing *printing)
{
    if (printing->include && !printing->begun && printing->reader->status)
        fwrite(printing->reader->head.data, 1, printing->reader->head.size, stdout);
    printing->begun = true;
}

static void print_body(void *user, const char *data, size_t size)
{
    struct printing *printing = user;
    print_head(printing);
    if (printing->reader->status == 200)
        fwrite(data, 1, size, stdout);
}

int call_exit_code(const char *code)
{
    bool body = strncmp(code, "GW400", 5) == 0 || strncmp(code, "GW413", 5) == 0;
    return strncmp(code, "GW422", 5) == 0 ? EXIT_EXCEPTION : body ? EXIT_USAGE : EXIT_FAILED;
}

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text ? text : "";
}

static void print_misfits(const cJSON *errors)
{
    const cJSON *each;
    cJSON_ArrayForEach(each, errors)
    {
        const char *pointer = text_of(each, "pointer"), *idl = text_of(each, "idl");
        fprintf(stderr, "gwctl call: %s%sexpected %s, got %s%s%s%s\n", pointer, *pointer ? ": " : "",
                text_of(each, "expected"), text_of(each, "got"), *idl ? " (" : "", idl, *idl ? ")" : "");
    }
}

/* Misfits of the arguments, one a line; else the message, with the place in the IDL that the answer does not fit. A
 * declared exception or business error is an answer, and so on standard output. */
static void print_failure(const struct call_outcome *outcome)
{
    int code = call_exit_code(outcome->code);
    cJSON *errors = outcome->errors ? cJSON_Parse(outcome->errors) : NULL;
    const char *idl = text_of(cJSON_GetArrayItem(errors, 0), "idl");
    if (code == EXIT_USAGE && errors)
        print_misfits(errors);
    else
        fprintf(stderr, "gwctl call: %s%s%s%s [%s]\n", outcome->message ? outcome->message : "out of memory",
                *idl ? " (" : "", idl, *idl ? ")" : "", outcome->code);
    cJSON_Delete(errors);
    if (outcome->exception && code == EXIT_EXCEPTION)
        printf("%s\n", outcome->exception);
}

static int call_once(const struct call_plan *plan, const struct bytes *request, struct call_outcome *outcome)
{
    struct http_reader reader = {.on_body = print_body};
    struct printing printing = {.reader = &reader, .include = plan->include && !plan->bench_seconds};
    reader.user = &printing;
    if (plan->bench_seconds)
        reader.on_body = NULL;
    int fd = http_connect(socket_path(), 0), code = EXIT_FAILED;
    bool complete = fd >= 0 && http_ask(fd, request->data, request->size, &reader);
    int error = errno;
    print_head(&printing);
    pthread_mutex_lock(&outcome->lock);
    if (outcome->failed) {
        code = call_exit_code(outcome->code);
        if (!plan->bench_seconds || code != EXIT_EXCEPTION) /* else it is counted below */
            print_failure(outcome);
    } else if (complete && reader.status / 100 == 2) {
        code = EXIT_OK;
        if (reader.status == 200 && !plan->bench_seconds)
            putchar('\n');
    } else if (reader.status) {
        fprintf(stderr, "gwctl call: %s\n", complete ? "the request was refused" : "the answer broke off");
    } else {
        fprintf(stderr, "gwctl call: no answer: %s\n", strerror(error));
    }
    pthread_mutex_unlock(&outcome->lock);
    bytes_free(&reader.head);
    if (fd >= 0)
        close(fd);
    return code;
}

/* ---- */

static bool read_input(struct bytes *body)
{
    char piece[16384];
    size_t size;
    while ((size = fread(piece, 1, sizeof piece, stdin)) > 0)
        bytes_add(body, piece, size);
    return !ferror(stdin);
}

static bool make_request(const struct call_plan *plan, struct bytes *request)
{
    struct bytes body = {0};
    bool good = true;
    if (plan->body && strcmp(plan->body, "-") == 0)
        good = read_input(&body);
    else
        bytes_print(&body, "%s", plan->body ? plan->body : "{}");
    bytes_print(request, "POST /call HTTP/1.1\r\nHost: gwctl\r\nContent-Type: application/json\r\n");
    bytes_print(request, "Content-Length: %zu\r\n%s\r\n", body.size, plan->headers.data ? plan->headers.data : "");
    bytes_add(request, body.data ? body.data : "", body.size);
    good = good && !body.lost && !request->lost && !plan->headers.lost;
    bytes_free(&body);
    if (!good)
        fprintf(stderr, "gwctl call: can't read the body: %s\n", strerror(errno));
    return good;
}

static int run(struct call_plan *plan, const struct bytes *request)
{
    struct call_outcome outcome = {.lock = PTHREAD_MUTEX_INITIALIZER};
    int code = EXIT_FAILED;
    if (!make_folder())
        return code;
    raise_file_limit();
    struct gw_server *server = start(plan, address, &outcome, &code);
    if (server)
        code = call_once(plan, request, &outcome);
    if (server && plan->bench_seconds && (code == EXIT_OK || code == EXIT_EXCEPTION))
        code = call_bench(plan, socket_path(), request, &outcome);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "gwctl call: can't write the result: %s\n", strerror(errno));
        code = EXIT_FAILED;
    }
    gw_server_destroy(server);
    remove_folder();
    call_forget(&outcome);
    return code;
}

int call_method(const struct verb *self, int count, char **arguments)
{
    struct call_plan plan = {.connections = 1, .endpoint = gw_option_create_group("gwctl call")};
    struct bytes request = {0};
    int code = parse(self, count, arguments, &plan);
    if (code == EXIT_OK)
        code = make_request(&plan, &request) ? run(&plan, &request) : EXIT_FAILED;
    bytes_free(&request);
    bytes_free(&plan.headers);
    gw_option_destroy(plan.endpoint);
    free(plan.service);
    return code;
}
