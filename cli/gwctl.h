/* gwctl: the verbs and what they share. Each verb gets its own arguments, without its name, and returns the exit
 * code of the process. */
#ifndef GWCTL_H
#define GWCTL_H

#include <gateway/gateway.h>
#include <stdbool.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_NOT_RUNNING = 3, EXIT_EXCEPTION = 5 };

struct verb {
    const char *name, *arguments, *summary, *help;
    int (*run)(const struct verb *self, int count, char **arguments);
};

int run_gateway(const struct verb *self, int count, char **arguments);
int check_config(const struct verb *self, int count, char **arguments);
int print_status(const struct verb *self, int count, char **arguments);
int reload_gateway(const struct verb *self, int count, char **arguments);
int call_method(const struct verb *self, int count, char **arguments);
int print_help(const struct verb *self, int count, char **arguments);

/* Says how the verb is used, on standard error, after a sentence; returns EXIT_USAGE. */
int usage_error(const struct verb *verb, const char *format, ...) GW_PRINTF(2, 3);
/* Reads a config file and applies it (or only checks it). Returns what the library did. */
int apply_file(struct gw_server *server, const char *path, bool check_only);
/* The exit code for what a library call returned. */
int exit_code(int result);
/* As many open files as the process may have at all: each connection is one. */
void raise_file_limit(void);
/* Prints what a library call gave and turns it into an exit code. */
int report_result(int result, const char *text);
const struct verb *find_verb(const char *name);

/* The tree of an answer as text, for people. */
struct cJSON;
void print_table(const struct cJSON *tree);
/* Lines of gw_server_describe() under the heading, or all if it is NULL. False if there is no such heading. */
bool print_reference(const char *heading);

#endif
