/* The foreground gateway: signals are waited for by the main thread, and blocked in all others. */
#include "gwctl.h"

#include <pthread.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { DRAIN_MS = 10000 };

/* One write a line, so that lines of several threads don't mix. */
static void write_log(void *user, enum gw_log_level level, const char *line)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    struct timespec now;
    struct tm utc;
    char time[32], text[4096];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &utc);
    int size = snprintf(text, sizeof text - 1, "%s.%03ldZ %s %s", time, now.tv_nsec / 1000000, names[level], line);
    size_t end = size < (int)sizeof text - 1 ? (size_t)size : sizeof text - 2;
    text[end++] = '\n';
    ssize_t written = write(STDERR_FILENO, text, end);
    (void)written; /* there is nowhere left to complain to */
}

/* Errors are told where they are made, on the keeper's thread: the next reload may replace their text. */
static int load(struct gw_server *server, void *path)
{
    int result = apply_file(server, path, false);
    if (result != 0)
        report_result(result, gw_server_error(server));
    return result;
}

static void *drain(void *server)
{
    gw_server_stop(server, DRAIN_MS);
    kill(getpid(), SIGTERM); /* wakes who waits for the second signal */
    return NULL;
}

/* A second signal cuts what drains, and its end is as orderly: logs are written, files of Unix sockets removed. */
static void stop(struct gw_server *server)
{
    pthread_t thread;
    sigset_t again;
    int number;
    if (pthread_create(&thread, NULL, drain, server) != 0) {
        gw_server_stop(server, DRAIN_MS);
        return;
    }
    sigemptyset(&again);
    sigaddset(&again, SIGTERM);
    sigaddset(&again, SIGINT);
    sigwait(&again, &number);
    gw_server_stop(server, 0);
    pthread_join(thread, NULL);
}

static void serve(struct gw_server *server, const sigset_t *signals)
{
    for (;;) {
        int number = 0;
        if (sigwait(signals, &number) != 0)
            continue;
        if (number == SIGHUP) {
            gw_server_reload(server);
        } else if (number == SIGUSR1) {
            gw_server_reopen_logs(server);
        } else {
            stop(server);
            return;
        }
    }
}

static int start(struct gw_server *server, char *path)
{
    gw_server_set_log(server, write_log, NULL);
    gw_server_set_reload(server, load, path);
    int result = load(server, path);
    if (result != 0)
        return exit_code(result);
    result = gw_server_start(server);
    if (result != 0)
        return report_result(result, gw_server_error(server));
    const char *address;
    for (size_t i = 0; (address = gw_server_address(server, i)); i++)
        fprintf(stderr, "listening on %s\n", address);
    return EXIT_OK;
}

void raise_file_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur == files.rlim_max)
        return;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

/* What is larger is mapped by itself and goes back to the system when it is freed. glibc would raise that size with the
 * first such block that is freed, and keep the memory of a large request for good. */
static void give_memory_back(void)
{
    mallopt(M_MMAP_THRESHOLD, 256 << 10);
}

int run_gateway(const struct verb *self, int count, char **arguments)
{
    if (count != 1)
        return usage_error(self, "expected one file");
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGUSR1);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    raise_file_limit();
    give_memory_back();
    struct gw_server *server = gw_server_create();
    if (!server)
        return report_result(GW_ERROR_MEMORY, NULL);
    int code = start(server, arguments[0]);
    if (code == EXIT_OK)
        serve(server, &signals);
    gw_server_destroy(server);
    return code;
}
