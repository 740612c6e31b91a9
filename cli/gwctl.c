/* gwctl: one verb a run. What it does is in the library; here are arguments, help and exit codes: 0 ok, 1 failed, 2 bad
 * usage or config, 3 not running, 5 the method threw a declared exception. */
#include "gwctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int print_version(const struct verb *self, int count, char **arguments);

static const struct verb verbs[] = {
    {"run", "FILE", "run a gateway in the foreground",
     "Reads the config FILE and serves until SIGTERM or SIGINT: requests in flight then have 10 seconds to end;\n"
     "a second signal cuts them. SIGHUP reads FILE again and puts it in force, or refuses it and changes\n"
     "nothing. SIGUSR1 opens log files anew. Each listener is printed on standard error once it serves.\n",
     run_gateway},
    {"check", "FILE", "check a config and what it includes",
     "Prints every error as `file:line: message [code]` and exits with 2; with 0 if there is none. Nothing is bound\n"
     "or changed; plugins are loaded.\n",
     check_config},
    {"status", "(FILE | --socket PATH) [-o json]", "show what a running gateway does",
     "Asks the admin socket at PATH, or the one that FILE names under `admin`. Exits with 3 if nothing runs there.\n"
     "  -o json   the answer as it came\n",
     print_status},
    {"reload", "(FILE | --socket PATH)", "make a running gateway read its config again",
     "The gateway reads the file it was started with. If it refuses, the errors are printed, the exit code is 2 and\n"
     "nothing has changed. Exits with 3 if nothing runs there.\n",
     reload_gateway},
    {"call", "--idl FOLDER -s ADDRESS [OPTION]… SERVICE.METHOD [JSON | -]", "call a method of a Thrift service",
     "SERVICE is named as in a config: `echo` is the last service block of echo.thrift, `echo.Other` another one.\n"
     "The arguments are JSON; `-` reads them from standard input, without them it is {}. The result is printed as\n"
     "JSON on a line, nothing if there is none. Exits with 0; 5 if the method threw a declared exception or answered\n"
     "a business error, which is printed instead; 2 if the arguments do not fit the IDL; 1 if the call failed.\n"
     "  --idl FOLDER         where the *.thrift files are\n"
     "  -s ADDRESS           host:port or unix:/path of a server; may be given several times\n"
     "  --header NAME=VALUE  a header of the request, as it would come by HTTP; may be given several times\n"
     "  --timeout TIME       how long the call may take: 500ms, 2s\n"
     "  -i                   the head of the answer in front of it\n"
     "  --bench SECONDS      call again and again, then print throughput, outcomes and times\n"
     "  -c N                 on N connections (of --bench)\n"
     "  --KEY VALUE          an option of the endpoint `thrift`: --encoding, --transport, --json, --enums, …;\n"
     "                       `gwctl help endpoint thrift` lists them\n",
     call_method},
    {"version", "", "print the version", "", print_version},
    {"help", "[VERB | plugins | settings | limits | timeouts | http | (filter | endpoint | predicate) NAME]",
     "explain a verb or what a config may say",
     "`plugins` lists all types with their options, `settings` all other keys of a config, `limits`, `timeouts` and\n"
     "`http` these groups with where each key may stand, `filter NAME` one type.\n",
     print_help},
};

const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static void print_verbs(FILE *out)
{
    fputs("gwctl: a gateway from HTTP to services, and its control\n\n", out);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        fprintf(out, "  gwctl %s%s%s\n        %s\n", verbs[i].name, *verbs[i].arguments ? " " : "", verbs[i].arguments,
                verbs[i].summary);
    fputs("\n`gwctl VERB --help` says more.\n", out);
}

static void print_verb(const struct verb *verb)
{
    printf("gwctl %s%s%s\n\n%s.\n%s", verb->name, *verb->arguments ? " " : "", verb->arguments, verb->summary,
           verb->help);
}

int usage_error(const struct verb *verb, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "gwctl %s: ", verb->name);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\nusage: gwctl %s %s\n", verb->name, verb->arguments);
    va_end(args);
    return EXIT_USAGE;
}

int exit_code(int result)
{
    return result == 0 ? EXIT_OK : result == GW_ERROR_CONFIG ? EXIT_USAGE : EXIT_FAILED;
}

int report_result(int result, const char *text)
{
    if (result != 0)
        fprintf(stderr, "%s\n", text && *text ? text : gw_error_text(result));
    return exit_code(result);
}

int apply_file(struct gw_server *server, const char *path, bool check_only)
{
    struct gw_config *config = gw_config_create();
    gw_config_read_file(config, path); /* its errors are kept in the config, and reported with all others */
    int result = check_only ? gw_server_check(server, config) : gw_server_apply(server, config);
    gw_config_destroy(config);
    return result;
}

int check_config(const struct verb *self, int count, char **arguments)
{
    if (count != 1)
        return usage_error(self, "expected one file");
    struct gw_server *server = gw_server_create();
    if (!server)
        return report_result(GW_ERROR_MEMORY, NULL);
    int result = apply_file(server, arguments[0], true);
    int code = report_result(result, gw_server_error(server));
    gw_server_destroy(server);
    if (code == EXIT_OK)
        printf("%s: ok\n", arguments[0]);
    return code;
}

static int print_version(const struct verb *self, int count, char **arguments)
{
    if (count)
        return usage_error(self, "expected no argument");
    printf("gwctl %s, libgateway %s\n", GW_VERSION, gw_version());
    return EXIT_OK;
}

static bool is_type(const char *word)
{
    return strcmp(word, "filter") == 0 || strcmp(word, "endpoint") == 0 || strcmp(word, "predicate") == 0;
}

/* The heading of a part of the reference that has a word of its own; NULL: there is none. */
static const char *heading_of(const char *word)
{
    static const char *const headings[][2] = {{"settings", "## Settings"},
                                              {"limits", "### All `limits`"},
                                              {"timeouts", "### All `timeouts`"},
                                              {"http", "### All of `http`"}};
    for (size_t i = 0; i < sizeof headings / sizeof *headings; i++)
        if (strcmp(headings[i][0], word) == 0)
            return headings[i][1];
    return NULL;
}

int print_help(const struct verb *self, int count, char **arguments)
{
    const struct verb *verb = count == 1 ? find_verb(arguments[0]) : NULL;
    char heading[128];
    if (count == 0) {
        print_verbs(stdout);
    } else if (verb) {
        print_verb(verb);
    } else if (count == 1 && strcmp(arguments[0], "plugins") == 0) {
        print_reference(NULL);
    } else if (count == 1 && heading_of(arguments[0])) {
        print_reference(heading_of(arguments[0]));
    } else if (count == 2 && is_type(arguments[0])) {
        snprintf(heading, sizeof heading, "### %s `%s`", arguments[0], arguments[1]);
        if (!print_reference(heading))
            return usage_error(self, "there is no %s '%s'; `gwctl help plugins` lists all", arguments[0], arguments[1]);
    } else {
        return usage_error(self, "there is no help on '%s'", arguments[0]);
    }
    return EXIT_OK;
}

static bool wants_help(int count, char **arguments)
{
    for (int i = 0; i < count; i++)
        if (strcmp(arguments[i], "--help") == 0 || strcmp(arguments[i], "-h") == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_verbs(stderr);
        return EXIT_USAGE;
    }
    const char *name = strcmp(argv[1], "--version") == 0 ? "version" : argv[1];
    const struct verb *verb = find_verb(name);
    if (!verb && wants_help(1, argv + 1)) {
        print_verbs(stdout);
        return EXIT_OK;
    }
    if (!verb) {
        fprintf(stderr, "gwctl: there is no verb '%s'\n", name);
        print_verbs(stderr);
        return EXIT_USAGE;
    }
    if (wants_help(argc - 2, argv + 2)) {
        print_verb(verb);
        return EXIT_OK;
    }
    return verb->run(verb, argc - 2, argv + 2);
}
