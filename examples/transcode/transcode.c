/* JSON to Thrift and back in a program of one's own, without a server: what a client of a Thrift service sends, and
 * what it makes of the answer. How the bytes travel is left to others.
 *
 *     transcode methods FILE [FOLDER…]                  what the IDL file offers
 *     transcode call FILE SERVICE METHOD [FOLDER…]      JSON on standard input to a call on standard output
 *     transcode answer FILE SERVICE METHOD [FOLDER…]    an answer on standard input to JSON on standard output
 *
 * FOLDERs are where includes are looked for. With a server of idl/echo.thrift on port 8870, and a netcat:
 *
 *     echo '{"msg":"hi"}' | ./transcode call echo.thrift echo EchoMethod |
 *         nc -q 1 127.0.0.1 8870 | ./transcode answer echo.thrift echo EchoMethod */
#include <gateway/gateway.h>
#include <stdio.h>
#include <string.h>

/* Exit codes. */
enum { DONE, FAILED, USAGE, THROWN };

/* The answer to the one call of a connection has the id of that call. */
enum { SEQUENCE = 1 };

static int print_methods(const struct gw_schema *schema)
{
    const char *service;
    for (size_t i = 0; (service = gw_schema_service_at(schema, i)); i++) {
        const struct gw_schema_method *method;
        for (size_t j = 0; (method = gw_schema_method_at(schema, service, j)); j++) {
            printf("%s.%s(", service, method->name);
            for (size_t k = 0; k < method->argument_count; k++)
                printf("%s%s %s", k ? ", " : "", method->arguments[k].type, method->arguments[k].name);
            printf(")%s%s\n", method->oneway ? " oneway" : " -> ", method->oneway ? "" : method->result);
        }
    }
    return DONE;
}

/* A sink: every piece goes straight to standard output. */
static int write_out(void *user, const void *data, size_t size)
{
    (void)user;
    return fwrite(data, 1, size, stdout) == size ? 0 : -1;
}

/* From standard input as it comes. Returns what gw_transcode_feed() did last. */
static int convert(struct gw_transcode *transcode, const struct gw_schema_method *method, enum gw_transcode_way way)
{
    char piece[4096];
    int result = gw_transcode_begin(transcode, method, way, SEQUENCE, write_out, NULL);
    while (result == 0) {
        size_t size = fread(piece, 1, sizeof piece, stdin);
        result = gw_transcode_feed(transcode, piece, size, size < sizeof piece, NULL);
    }
    return result;
}

static int fail(const struct gw_transcode *transcode)
{
    fprintf(stderr, "%s\n", gw_transcode_error(transcode));
    if (strcmp(gw_transcode_misfits(transcode), "[]") != 0)
        fprintf(stderr, "%s\n", gw_transcode_misfits(transcode));
    return FAILED;
}

static int run(const struct gw_schema_method *method, enum gw_transcode_way way)
{
    struct gw_transcode_options options = {.size = sizeof options, .enums = "name", .limit_bytes = 16 << 20};
    struct gw_transcode *transcode = gw_transcode_create(&options);
    int code = convert(transcode, method, way) == 1 ? DONE : fail(transcode);
    if (code == DONE && gw_transcode_exception(transcode)) { /* its JSON is what was printed */
        fprintf(stderr, "the method threw %s\n", gw_transcode_exception(transcode));
        code = THROWN;
    }
    gw_transcode_destroy(transcode);
    return code;
}

int main(int argc, char **argv)
{
    const char *verb = argc > 2 ? argv[1] : "";
    int lists = strcmp(verb, "methods") == 0, calls = strcmp(verb, "call") == 0;
    int given = lists ? 3 : 5; /* words in front of the folders */
    if (argc < given || !(lists || calls || strcmp(verb, "answer") == 0)) {
        fprintf(stderr, "usage: transcode (methods FILE | (call | answer) FILE SERVICE METHOD) [FOLDER...]\n");
        return USAGE;
    }
    struct gw_schema *schema = gw_schema_create();
    int code = FAILED;
    const struct gw_schema_method *method = NULL;
    if (gw_schema_compile_file(schema, argv[2], (const char *const *)argv + given) < 0) /* argv ends with NULL */
        fprintf(stderr, "%s\n", gw_schema_error(schema));
    else if (lists)
        code = print_methods(schema);
    else if (!(method = gw_schema_method(schema, argv[3], argv[4])))
        fprintf(stderr, "there is no %s.%s\n", argv[3], argv[4]);
    else
        code = run(method, calls ? GW_TRANSCODE_TO_CALL : GW_TRANSCODE_FROM_ANSWER);
    gw_schema_release(schema);
    return code;
}
