/* The log writer: whole lines from many threads, reopening, a full disk, a reader that is too slow. */
#include "base/alloc.h"
#include "server/sink.h"
#include "server/writer.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char folder[64], path[128];
static struct gw__writer *writer;

static struct {
    pthread_mutex_t lock;
    char text[4096];
} said = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void hear(void *user, enum gw_log_level level, const char *line)
{
    pthread_mutex_lock(&said.lock);
    strncat(said.text, line, sizeof said.text - strlen(said.text) - 2);
    strcat(said.text, "\n");
    pthread_mutex_unlock(&said.lock);
}

static bool heard(const char *what)
{
    pthread_mutex_lock(&said.lock);
    bool found = strstr(said.text, what) != NULL;
    pthread_mutex_unlock(&said.lock);
    return found;
}

static void set_up(void)
{
    strcpy(folder, "/tmp/gw-writer-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/log", folder);
    said.text[0] = '\0';
    writer = gw__writer_create();
}

static void tear_down(void)
{
    char command[128];
    gw__writer_destroy(writer);
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static void put(struct gw_log_file *file, const char *line)
{
    ck_assert_int_eq(gw_log_file_write(file, line, strlen(line)), 0);
}

/* What a file holds, as a string; the caller frees. */
static char *content(const char *name)
{
    FILE *file = fopen(name, "r");
    ck_assert_ptr_nonnull(file);
    char *text = calloc(1, 16 << 20);
    size_t size = fread(text, 1, (16 << 20) - 1, file);
    fclose(file);
    text[size] = '\0';
    return text;
}

static void expect_content(const char *name, const char *expected)
{
    char *text = content(name);
    ck_assert_str_eq(text, expected);
    free(text);
}

static bool exists(const char *name)
{
    return access(name, F_OK) == 0;
}

static void wait_until(bool (*done)(void))
{
    for (int i = 0; i < 500 && !done(); i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    ck_assert(done());
}

static bool log_exists(void) { return exists(path); }
static bool log_has_bytes(void)
{
    struct stat status;
    return stat(path, &status) == 0 && status.st_size > 0;
}
static bool heard_full(void) { return heard("No space left"); }

START_TEST(lines_before_start_are_kept)
{
    struct gw_log_file *file = gw__log_file_open(writer, path);
    put(file, "early\n");
    ck_assert(!exists(path));
    ck_assert_int_eq(gw__writer_start(writer, hear, NULL), 0);
    put(file, "late\n");
    gw_log_file_close(file);
    gw__writer_stop(writer);
    expect_content(path, "early\nlate\n");
}
END_TEST

START_TEST(destroy_writes_without_a_thread)
{
    struct gw_log_file *one = gw__log_file_open(writer, path), *two = gw__log_file_open(writer, path);
    put(one, "one\n");
    put(two, "two\n");
    gw_log_file_close(one);
    gw_log_file_close(two);
    gw__writer_destroy(writer);
    writer = NULL;
    char *text = content(path);
    ck_assert_uint_eq(strlen(text), 8);
    ck_assert(strstr(text, "one\n") && strstr(text, "two\n"));
    free(text);
}
END_TEST

START_TEST(lines_arrive_within_a_second)
{
    ck_assert_int_eq(gw__writer_start(writer, hear, NULL), 0);
    struct gw_log_file *file = gw__log_file_open(writer, path);
    put(file, "a line\n");
    for (int i = 0; i < 100 && !log_has_bytes(); i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    expect_content(path, "a line\n");
    gw_log_file_close(file);
}
END_TEST

START_TEST(checking_leaves_no_trace)
{
    ck_assert_int_eq(gw__writer_start(writer, hear, NULL), 0);
    gw_log_file_close(gw__log_file_open(writer, path));
    gw__writer_reopen(writer);
    gw__writer_stop(writer);
    ck_assert(!exists(path));
}
END_TEST

START_TEST(what_cannot_be_opened_is_refused)
{
    char name[160];
    snprintf(name, sizeof name, "%s/none/log", folder);
    ck_assert_ptr_null(gw__log_file_open(writer, name));
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_ptr_null(gw__log_file_open(writer, folder));
    ck_assert_int_eq(errno, EISDIR);
    snprintf(name, sizeof name, "%s/", folder);
    ck_assert_ptr_null(gw__log_file_open(writer, name));
    ck_assert_ptr_null(gw__log_file_open(writer, ""));
    gw_log_file_close(NULL);
}
END_TEST

enum { THREADS = 4, LINES = 4000 };

static void *write_lines(void *argument)
{
    struct gw_log_file *file = argument;
    char line[200];
    for (int i = 0; i < LINES; i++) {
        int size = snprintf(line, sizeof line, "%p %d %.*s\n", argument, i, i % 90,
                            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
        if (gw_log_file_write(file, line, (size_t)size) < 0)
            return NULL;
    }
    gw_log_file_close(file);
    return argument;
}

START_TEST(threads_share_a_file)
{
    pthread_t threads[THREADS];
    struct gw_log_file *files[THREADS];
    ck_assert_int_eq(gw__writer_start(writer, hear, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        files[i] = gw__log_file_open(writer, path);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, write_lines, files[i]);
    gw__writer_reopen(writer);
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        ck_assert_ptr_nonnull(result);
    }
    gw__writer_stop(writer);
    int next[THREADS] = {0}, lines = 0;
    char *text = content(path), *state = NULL;
    for (char *line = strtok_r(text, "\n", &state); line; line = strtok_r(NULL, "\n", &state), lines++) {
        void *from;
        int number, end = 0, i = 0;
        ck_assert_msg(sscanf(line, "%p %d %n", &from, &number, &end) == 2, "%s", line);
        while (i < THREADS && files[i] != from)
            i++;
        ck_assert_int_lt(i, THREADS);
        ck_assert_int_eq(number, next[i]++); /* of one writer, in order */
        ck_assert_int_eq(strspn(line + end, "x"), number % 90);
    }
    ck_assert_int_eq(lines, THREADS * LINES);
    free(text);
}
END_TEST

START_TEST(a_long_line_stays_whole)
{
    size_t size = 300000;
    char *line = malloc(size + 1);
    memset(line, 'y', size);
    line[size - 1] = '\n';
    line[size] = '\0';
    struct gw_log_file *one = gw__log_file_open(writer, path), *two = gw__log_file_open(writer, path);
    put(one, "a\n");
    put(two, "b\n");
    put(one, line);
    put(two, line);
    gw_log_file_close(one);
    gw_log_file_close(two);
    gw__writer_destroy(writer);
    writer = NULL;
    char *text = content(path), *state = NULL;
    size_t sizes[5] = {0}, count = 0;
    for (char *at = strtok_r(text, "\n", &state); at && count < 5; at = strtok_r(NULL, "\n", &state))
        sizes[count++] = strlen(at);
    ck_assert_uint_eq(count, 4);
    ck_assert_uint_eq(sizes[0] + sizes[1] + sizes[2] + sizes[3], 2 * (size - 1) + 2);
    ck_assert(sizes[0] == 1 && sizes[1] == size - 1);
    free(text);
    free(line);
}
END_TEST

START_TEST(reopen_follows_a_rotation)
{
    char old[160];
    snprintf(old, sizeof old, "%s.1", path);
    ck_assert_int_eq(gw__writer_start(writer, hear, NULL), 0);
    struct gw_log_file *file = gw__log_file_open(writer, path);
    put(file, "before\n");
    wait_until(log_has_bytes);
    ck_assert_int_eq(rename(path, old), 0);
    put(file, "between\n");
    gw__writer_reopen(writer);
    wait_until(log_exists);
    put(file, "after\n");
    gw_log_file_close(file);
    gw__writer_stop(writer);
    expect_content(old, "before\nbetween\n");
    expect_content(path, "after\n");
}
END_TEST

START_TEST(a_full_disk_drops_and_says_so_once)
{
    ck_assert_int_eq(gw__writer_start(writer, hear, NULL), 0);
    struct gw_log_file *file = gw__log_file_open(writer, "/dev/full");
    put(file, "one\n");
    wait_until(heard_full);
    put(file, "two\nthree\n");
    gw_log_file_close(file);
    gw__writer_stop(writer);
    ck_assert_uint_eq(gw__writer_dropped(writer), 3);
    ck_assert_ptr_null(strstr(strstr(said.text, "No space left") + 1, "No space left"));
}
END_TEST

/* A fifo nobody reads: the writer falls behind, lines are dropped and counted, and it still ends. */
START_TEST(a_stuck_reader_costs_lines_not_the_gateway)
{
    char line[1000];
    memset(line, 'z', sizeof line);
    line[sizeof line - 1] = '\n';
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ck_assert_int_eq(gw__writer_start(writer, hear, NULL), 0);
    struct gw_log_file *file = gw__log_file_open(writer, path);
    int kept = 0, dropped = 0;
    for (int i = 0; i < 12000; i++)
        if (gw_log_file_write(file, line, sizeof line) == 0)
            kept++;
        else
            dropped++;
    ck_assert_int_ge(kept, 8 * 1000);
    ck_assert_int_le(kept, 9 * 1024 * 1024 / 1000);
    ck_assert_uint_eq(gw__writer_dropped(writer), (uint64_t)dropped);
    gw_log_file_close(file);
    gw__writer_stop(writer);
    ck_assert_uint_gt(gw__writer_dropped(writer), (uint64_t)dropped);
    close(reader);
}
END_TEST

/* A reader that goes away, once on the thread and once in destroy: no SIGPIPE. */
START_TEST(a_gone_reader_raises_no_signal)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    for (int threaded = 0; threaded < 2; threaded++) {
        struct gw__writer *own = gw__writer_create();
        int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (threaded)
            ck_assert_int_eq(gw__writer_start(own, hear, NULL), 0);
        struct gw_log_file *file = gw__log_file_open(own, path);
        if (threaded) { /* its descriptor is open when the reader goes */
            char byte;
            put(file, "open\n");
            for (int i = 0; i < 300 && read(reader, &byte, 1) < 1; i++)
                nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        }
        close(reader);
        put(file, "lost\n");
        gw_log_file_close(file);
        gw__writer_destroy(own);
    }
    ck_assert(heard("Broken pipe"));
}
END_TEST

/* The last pass of destroy writes to a pipe whose reader has left. */
START_TEST(destroy_raises_no_signal)
{
    int ends[2], out = dup(STDOUT_FILENO);
    ck_assert_int_eq(pipe(ends), 0);
    close(ends[0]);
    struct gw_log_file *file = gw__log_file_open(writer, "-");
    put(file, "lost\n");
    fflush(stdout);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[1]);
    gw__writer_destroy(writer);
    dup2(out, STDOUT_FILENO);
    close(out);
    writer = NULL;
}
END_TEST

/* As after a disk that filled up in the middle of a line and has room again. */
START_TEST(a_torn_line_spoils_no_other)
{
    struct gw__sink *sink = gw__sink_create(path);
    _Atomic bool stopping = false;
    _Atomic uint64_t dropped = 0;
    struct gw__sink_context context = {hear, NULL, &stopping, &dropped};
    struct gw__chunk *chunk = calloc(1, sizeof *chunk);
    chunk->size = (size_t)sprintf(chunk->data, "half");
    sink->first = chunk;
    gw__sink_write(sink, &context);
    sink->torn = true; /* as after ENOSPC */
    sink->failing = true;
    chunk->size = (size_t)sprintf(chunk->data, "whole\n");
    gw__sink_write(sink, &context);
    expect_content(path, "half\nwhole\n");
    ck_assert(!sink->torn && !sink->failing);
    ck_assert(heard("is written again"));
    free(chunk);
    gw__sink_destroy(sink);
}
END_TEST

static int allowed;
static void *scarce_malloc(size_t size) { return allowed-- > 0 ? malloc(size) : NULL; }
static void *scarce_realloc(void *memory, size_t size) { return allowed-- > 0 ? realloc(memory, size) : NULL; }

START_TEST(every_allocation_may_fail)
{
    gw__writer_destroy(writer);
    writer = NULL;
    gw_set_allocator(scarce_malloc, scarce_realloc, free);
    bool complete = false;
    for (int i = 0; i < 50 && !complete; i++) {
        allowed = i;
        struct gw__writer *own = gw__writer_create();
        struct gw_log_file *file = own ? gw__log_file_open(own, path) : NULL;
        complete = file && gw_log_file_write(file, "x\n", 2) == 0;
        ck_assert(complete || !file || gw__writer_dropped(own) == 1);
        gw_log_file_close(file);
        gw__writer_destroy(own);
    }
    gw_set_allocator(NULL, NULL, NULL);
    ck_assert(complete);
    expect_content(path, "x\n");
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("writer");
    TCase *all = tcase_create("writer");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_set_timeout(all, 30);
    tcase_add_test(all, lines_before_start_are_kept);
    tcase_add_test(all, destroy_writes_without_a_thread);
    tcase_add_test(all, lines_arrive_within_a_second);
    tcase_add_test(all, checking_leaves_no_trace);
    tcase_add_test(all, what_cannot_be_opened_is_refused);
    tcase_add_test(all, threads_share_a_file);
    tcase_add_test(all, a_long_line_stays_whole);
    tcase_add_test(all, reopen_follows_a_rotation);
    tcase_add_test(all, a_full_disk_drops_and_says_so_once);
    tcase_add_test(all, a_stuck_reader_costs_lines_not_the_gateway);
    tcase_add_test(all, a_gone_reader_raises_no_signal);
    tcase_add_test(all, destroy_raises_no_signal);
    tcase_add_test(all, a_torn_line_spoils_no_other);
    tcase_add_test(all, every_allocation_may_fail);
    suite_add_tcase(suite, all);
    return suite;
}
