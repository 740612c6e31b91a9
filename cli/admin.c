/* status and reload: one request to the admin socket of a running gateway. */
#include "gwctl.h"
#include "http.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_SECONDS = 60 };

struct answer {
    int status;
    struct bytes body; /* the caller frees */
};

/* What the arguments of a verb say. */
struct target {
    char socket[sizeof(((struct sockaddr_un *)0)->sun_path)];
    bool json;
};

/* The path as a file says it is relative to that file: "conf/a.cfg:3" and "x.sock" make "conf/x.sock". */
static bool set_socket(struct target *target, const char *path, const char *origin)
{
    const char *slash = origin && *path != '/' ? strrchr(origin, '/') : NULL;
    int folder = slash ? (int)(slash + 1 - origin) : 0;
    int size = snprintf(target->socket, sizeof target->socket, "%.*s%s", folder, origin ? origin : "", path);
    return size > 0 && size < (int)sizeof target->socket;
}

static int find_socket(const struct verb *verb, struct target *target, const char *file)
{
    struct gw_config *config = gw_config_create();
    int result = gw_config_read_file(config, file);
    const struct gw_option *socket = gw_option_get(gw_config_get(config, "admin"), "socket");
    const char *path = gw_option_text(socket);
    int code = EXIT_OK;
    if (path && !set_socket(target, path, gw_option_origin(socket)))
        code = usage_error(verb, "the path of the admin socket is too long");
    else if (!path && result != 0)
        code = report_result(result, gw_config_error(config));
    else if (!path)
        code = usage_error(verb, "%s names no admin socket: admin = { socket = \"…\"; };", file);
    gw_config_destroy(config);
    return code;
}

/* Fills target from "FILE", "--socket PATH", "-o json". Returns an exit code. */
static int parse_target(const struct verb *verb, int count, char **arguments, bool takes_output, struct target *target)
{
    const char *file = NULL, *path = NULL;
    for (int i = 0; i < count; i++) {
        const char *next = i + 1 < count ? arguments[i + 1] : "";
        if (strcmp(arguments[i], "--socket") == 0 && *next)
            path = arguments[++i];
        else if (takes_output && strcmp(arguments[i], "-o") == 0 && strcmp(next, "json") == 0)
            target->json = ++i;
        else if (*arguments[i] == '-' || file)
            return usage_error(verb, "unexpected '%s'", arguments[i]);
        else
            file = arguments[i];
    }
    if (!file == !path)
        return usage_error(verb, "expected either a file or --socket PATH");
    if (file)
        return find_socket(verb, target, file);
    return set_socket(target, path, NULL) ? EXIT_OK : usage_error(verb, "the path of the socket is too long");
}

static void keep(void *body, const char *data, size_t size)
{
    bytes_add(body, data, size);
}

/* False with errno if there was no answer of HTTP. */
static bool exchange(int fd, const char *method, const char *path, struct answer *answer)
{
    char request[256];
    struct http_reader reader = {.on_body = keep, .user = &answer->body};
    int size = snprintf(request, sizeof request,
                        "%s %s HTTP/1.1\r\nHost: gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", method,
                        path);
    bytes_add(&answer->body, "", 0); /* so that there is a text */
    bool answered = http_ask(fd, request, (size_t)size, &reader);
    answer->status = reader.status;
    bytes_free(&reader.head);
    if (answered && answer->body.lost) {
        errno = ENOMEM;
        answered = false;
    }
    return answered;
}

/* Asks the gateway; EXIT_OK with an answer, else says why not. */
static int ask(const struct target *target, const char *method, const char *path, struct answer *answer)
{
    int fd = http_connect(target->socket, ANSWER_SECONDS);
    if (fd < 0) {
        bool runs = errno != ENOENT && errno != ECONNREFUSED;
        fprintf(stderr, "gwctl: %s %s: %s\n", runs ? "cannot ask" : "no gateway runs at", target->socket,
                strerror(errno));
        return runs ? EXIT_FAILED : EXIT_NOT_RUNNING;
    }
    bool answered = exchange(fd, method, path, answer);
    if (!answered)
        fprintf(stderr, "gwctl: no answer from %s: %s\n", target->socket, strerror(errno));
    close(fd);
    return answered ? EXIT_OK : EXIT_FAILED;
}

/* The words of a problem: its errors, or its detail, or its title. */
static void print_problem(const struct answer *answer)
{
    cJSON *problem = cJSON_Parse(answer->body.data);
    const char *const keys[] = {"errors", "detail", "title"};
    const char *text = NULL;
    for (size_t i = 0; !text && i < sizeof keys / sizeof *keys; i++)
        text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(problem, keys[i]));
    fprintf(stderr, "%s\n", text ? text : answer->body.data);
    cJSON_Delete(problem);
}

int print_status(const struct verb *self, int count, char **arguments)
{
    struct target target = {.json = false};
    struct answer answer = {0};
    int code = parse_target(self, count, arguments, true, &target);
    if (code == EXIT_OK)
        code = ask(&target, "GET", "/status", &answer);
    if (code == EXIT_OK && answer.status != 200) {
        print_problem(&answer);
        code = EXIT_FAILED;
    } else if (code == EXIT_OK && target.json) {
        printf("%s\n", answer.body.data);
    } else if (code == EXIT_OK) {
        cJSON *tree = cJSON_Parse(answer.body.data);
        print_table(tree);
        cJSON_Delete(tree);
    }
    bytes_free(&answer.body);
    return code;
}

int reload_gateway(const struct verb *self, int count, char **arguments)
{
    struct target target = {.json = false};
    struct answer answer = {0};
    int code = parse_target(self, count, arguments, false, &target);
    if (code == EXIT_OK)
        code = ask(&target, "POST", "/reload", &answer);
    if (code == EXIT_OK && answer.status == 200) {
        cJSON *tree = cJSON_Parse(answer.body.data);
        const cJSON *generation = cJSON_GetObjectItemCaseSensitive(tree, "generation");
        printf("generation %.0f is in force\n", cJSON_IsNumber(generation) ? generation->valuedouble : 0);
        cJSON_Delete(tree);
    } else if (code == EXIT_OK) {
        print_problem(&answer);
        code = answer.status == 409 ? EXIT_USAGE : EXIT_FAILED;
    }
    bytes_free(&answer.body);
    return code;
}
