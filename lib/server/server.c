/* Life of a server, and how a config comes into force: compiled beside the running table, bound, then
 * swapped on every worker between two events. What it replaces goes when its last exchange has ended. */
#include "server/server.h"

#include "base/alloc.h"
#include "server/capacity.h"
#include "server/describe.h"
#include "server/plugin.h"
#include "server/settings.h"
#include "server/writer.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define BLOCKING_THREADS 16
#define BLOCKING_QUEUE 1024

void gw__server_log(struct gw_server *server, enum gw_log_level level, const char *format, ...)
{
    char line[1024];
    va_list args;
    if (!server->log || (int)level > atomic_load_explicit(&server->log_level, memory_order_relaxed))
        return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    server->log(server->log_user, level, line);
}

/* text NULL: the error's constant sentence. */
static int set_error(struct gw_server *server, int error, const char *text)
{
    gw__free(server->error);
    server->error = gw__strdup(text);
    server->result = error;
    return error;
}

static int set_report(struct gw_server *server, const struct gw__report *report)
{
    char *text = gw__report_text(report);
    int error = GW_ERROR_CONFIG;
    for (size_t i = 0; i < report->count; i++)
        if (strcmp(report->entries[i].code, "GW1050") == 0 || strcmp(report->entries[i].code, "GW1052") == 0)
            error = GW_ERROR_SYSTEM;
    if (report->lost) /* other errors may follow from that */
        error = GW_ERROR_MEMORY;
    set_error(server, error, report->lost ? NULL : text);
    gw__free(text);
    return error;
}

/* ---- create, destroy ---- */

/* Recursive: what goes while a start fails frees its table under the lock. */
static void init_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

struct gw_server *gw_server_create(void)
{
    struct gw_server *server = gw__calloc(1, sizeof *server);
    if (!server)
        return NULL;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    server->started_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    atomic_init(&server->log_level, GW_LOG_INFO);
    init_lock(&server->lock);
    gw__services_init(&server->services);
    server->writer = gw__writer_create();
    server->blocking = gw__blocking_create(BLOCKING_THREADS, BLOCKING_QUEUE);
    if (!server->writer || !server->blocking || !gw__registry_init(&server->registry) || gw__admin_init(server) < 0) {
        gw_server_destroy(server);
        return NULL;
    }
    return server;
}

static void free_table(struct gw_server *server, struct gw__table *table)
{
    for (struct gw__table **place = &server->tables; *place; place = &(*place)->next)
        if (*place == table) {
            *place = table->next;
            break;
        }
    if (server->table == table)
        server->table = NULL;
    gw__table_destroy(table);
    server->freed++;
}

/* A config that is being applied is waited for by the lock, and none comes behind it: the swap would wait for workers
 * that have left. Where another thread is stopping already, that one waits, up to the deadline that comes first. What
 * the keeper was asked for and did not come to do any more is done, that is refused, here. */
static void stop_workers(struct gw_server *server, int drain_ms)
{
    pthread_mutex_lock(&server->lock);
    enum gw__run run = server->run;
    if (run == GW__RUN_THREADS)
        server->run = GW__RUN_STOPPED;
    pthread_mutex_unlock(&server->lock);
    if (run == GW__RUN_ATTACHED)
        gw__worker_stop(server->keeper, drain_ms);
    for (unsigned i = 0; i < server->worker_count && (run == GW__RUN_THREADS || run == GW__RUN_STOPPED); i++)
        gw__worker_stop(server->workers[i], drain_ms);
    if (run != GW__RUN_THREADS)
        return;
    for (unsigned i = 0; i < server->worker_count; i++)
        pthread_join(server->workers[i]->thread, NULL);
    gw__worker_stop(server->keeper, 0);
    pthread_join(server->keeper->thread, NULL);
    for (unsigned i = 0; i <= server->worker_count; i++)
        server->workers[i]->has_thread = false;
    gw__loop_enter(&server->keeper->loop);
    gw__loop_deliver(&server->keeper->loop);
    gw__loop_leave(&server->keeper->loop);
    gw__writer_stop(server->writer);
}

/* The keeper goes last: what the others let go of is posted to it. */
static void destroy_workers(struct gw_server *server)
{
    for (unsigned i = 0; server->workers && i < server->worker_count; i++)
        if (server->workers[i] && server->workers[i] != server->keeper)
            gw__worker_destroy(server->workers[i]);
    if (server->keeper)
        gw__worker_destroy(server->keeper);
    server->keeper = NULL;
    gw__free(server->workers);
    server->workers = NULL;
}

void gw_server_destroy(struct gw_server *server)
{
    if (!server)
        return;
    if (server->run == GW__RUN_THREADS)
        stop_workers(server, 0);
    gw__blocking_destroy(server->blocking); /* its jobs post to loops, which are still there */
    destroy_workers(server);
    while (server->tables)
        free_table(server, server->tables);
    if (server->admin_table)
        gw__table_destroy(server->admin_table);
    gw__ports_close(server, NULL);
    gw__registry_finish(&server->registry);
    gw__registry_finish(&server->admin_registry);
    gw__writer_destroy(server->writer);
    pthread_mutex_destroy(&server->lock);
    gw__free(server->error);
    gw__free(server);
}

void gw_server_set_log(struct gw_server *server, gw_log_fn log, void *user)
{
    if (!server)
        return;
    server->log = log;
    server->log_user = user;
}

struct gw__writer *gw__server_writer(struct gw_server *server)
{
    return server->writer;
}

static int add_type(struct gw_server *server, enum gw__type_kind kind, const void *type, size_t size, const char *name,
                    void *user)
{
    if (!server)
        return GW_ERROR_MEMORY;
    pthread_mutex_lock(&server->lock);
    int result = gw__registry_add(&server->registry, kind, type, size, name, user, "program");
    set_error(server, result,
              result == GW_ERROR_CONFIG ? "a type of that name is there already, or it has no name or size" : NULL);
    pthread_mutex_unlock(&server->lock);
    return result;
}

int gw_server_add_filter_type(struct gw_server *server, const struct gw_filter_type *type, void *user)
{
    return add_type(server, GW__TYPE_FILTER, type, type ? type->size : 0, type ? type->name : NULL, user);
}

int gw_server_add_endpoint_type(struct gw_server *server, const struct gw_endpoint_type *type, void *user)
{
    return add_type(server, GW__TYPE_ENDPOINT, type, type ? type->size : 0, type ? type->name : NULL, user);
}

int gw_server_add_predicate_type(struct gw_server *server, const struct gw_predicate_type *type, void *user)
{
    return add_type(server, GW__TYPE_PREDICATE, type, type ? type->size : 0, type ? type->name : NULL, user);
}

const char *gw_server_error(const struct gw_server *server)
{
    int result = server ? server->result : GW_ERROR_MEMORY;
    if (result == GW_OK)
        return "";
    return server && server->error ? server->error : gw_error_text(result);
}

/* ---- tables that go ---- */

static void free_mail(struct gw__mail *mail)
{
    struct gw__table *table = gw__container_of(mail, struct gw__table, free_mail);
    struct gw_server *server = table->server;
    pthread_mutex_lock(&server->lock);
    free_table(server, table);
    pthread_mutex_unlock(&server->lock);
}

/* Called by the worker that lets go last. */
void gw__server_let_go(struct gw__table *table);
void gw__server_let_go(struct gw__table *table)
{
    table->free_mail.deliver = free_mail;
    gw__loop_post(&table->server->keeper->loop, &table->free_mail);
}

/* ---- applying ---- */

static void load_plugins(struct gw_server *server, const struct gw__checked *checked, struct gw__report *report)
{
    for (size_t i = 0; i < gw_option_count(checked->plugins); i++) {
        const struct gw_option *plugin = gw_option_at(checked->plugins, i);
        gw__plugin_load(&server->registry, gw_option_text(plugin), gw_option_origin(plugin), report);
    }
}

static unsigned default_workers(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    return cpus < 1 ? 1 : cpus > 256 ? 256 : (unsigned)cpus;
}

static struct gw__table *compile(struct gw_server *server, const struct gw_config *config, struct gw__checked *checked,
                                 struct gw__report *report)
{
    gw__config_check(checked, config, report);
    if (report->lost)
        return NULL;
    load_plugins(server, checked, report);
    unsigned said = checked->workers > 0 ? (unsigned)checked->workers : 0;
    const struct gw__setting *setting = gw__settings_find(&config->settings, "workers");
    if (server->worker_count && said && said != server->worker_count)
        gw__report_add(report, setting ? setting->origin : "", "GW1051", "workers: changing %u to %u needs a restart",
                       server->worker_count, said);
    unsigned workers = server->worker_count ? server->worker_count : said ? said : default_workers();
    return gw__table_compile(server, &server->registry, &server->services, config, checked, workers, report);
}

/* Something that a thread has the keeper do, and waits for. */
struct errand {
    struct gw__mail mail;
    struct gw_server *server;
    int (*run)(struct gw_server *server, const void *arg);
    const void *arg;
    pthread_mutex_t mutex;
    pthread_cond_t done;
    bool finished;
    int result;
};

static void deliver_errand(struct gw__mail *mail)
{
    struct errand *errand = gw__container_of(mail, struct errand, mail);
    int result = errand->run(errand->server, errand->arg);
    pthread_mutex_lock(&errand->mutex);
    errand->result = result;
    errand->finished = true;
    pthread_cond_signal(&errand->done);
    pthread_mutex_unlock(&errand->mutex);
}

/* As a function of its own: gcc 12 believes the atomic to be of size 0 where this is inlined under UBSan. */
static __attribute__((noinline)) bool runs(const struct gw_server *server)
{
    return server->run == GW__RUN_THREADS;
}

static bool is_worker(const struct gw_server *server, pthread_t thread)
{
    for (unsigned i = 0; i < server->worker_count; i++)
        if (pthread_equal(server->workers[i]->thread, thread))
            return true;
    return false;
}

/* Configs are applied by the keeper alone while threads run: it waits for the workers, and so nobody may wait for it
 * that it waits for, nor hold the lock meanwhile. */
static int on_keeper(struct gw_server *server, int (*run)(struct gw_server *, const void *), const void *arg)
{
    struct errand errand = {
        .mail.deliver = deliver_errand,
        .server = server,
        .run = run,
        .arg = arg,
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .done = PTHREAD_COND_INITIALIZER,
    };
    pthread_t self = pthread_self();
    pthread_mutex_lock(&server->lock);
    bool threads = runs(server), refuse = threads && is_worker(server, self);
    bool post = threads && !refuse && !pthread_equal(server->keeper->thread, self);
    if (refuse)
        set_error(server, GW_ERROR_STATE, "a worker can't have a config applied: its own swap would wait for it");
    if (post)
        gw__loop_post(&server->keeper->loop, &errand.mail);
    pthread_mutex_unlock(&server->lock);
    if (!post)
        return refuse ? GW_ERROR_STATE : run(server, arg);
    pthread_mutex_lock(&errand.mutex);
    while (!errand.finished)
        pthread_cond_wait(&errand.done, &errand.mutex);
    pthread_mutex_unlock(&errand.mutex);
    pthread_mutex_destroy(&errand.mutex);
    pthread_cond_destroy(&errand.done);
    return errand.result;
}

static void discard_next(struct gw_server *server)
{
    for (struct gw__link *link = server->services.cells.next; link != &server->services.cells; link = link->next)
        gw__service_discard_next(gw__container_of(link, struct gw__service, link));
}

static void swap_done(struct gw__swap *swap)
{
    pthread_mutex_lock(&swap->mutex);
    if (atomic_fetch_sub(&swap->waiting, 1) == 1)
        pthread_cond_signal(&swap->done);
    pthread_mutex_unlock(&swap->mutex);
}

static void deliver_swap(struct gw__mail *mail)
{
    struct gw__worker *worker = gw__container_of(mail, struct gw__worker, swap_mail.mail);
    gw__worker_swap(worker, worker->swap_mail.swap->table);
    swap_done(worker->swap_mail.swap);
}

/* Has every worker swap, and waits until all have: what is asked behind this meets the new table
 * everywhere, and no worker looks at what was replaced. */
static void swap_all(struct gw_server *server, struct gw__table *table)
{
    unsigned count = server->worker_count + (server->workers[server->worker_count] ? 1 : 0);
    struct gw__swap swap = {.table = table, .mutex = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
    atomic_init(&swap.waiting, count);
    bool threads = server->run == GW__RUN_THREADS;
    for (unsigned i = 0; i < count; i++) {
        struct gw__worker *worker = server->workers[i];
        worker->swap_mail.swap = &swap;
        worker->swap_mail.mail.deliver = deliver_swap;
        if (!threads || (worker->keeper && pthread_equal(worker->thread, pthread_self())))
            deliver_swap(&worker->swap_mail.mail);
        else
            gw__loop_post(&worker->loop, &worker->swap_mail.mail);
    }
    pthread_mutex_lock(&swap.mutex);
    while (atomic_load(&swap.waiting))
        pthread_cond_wait(&swap.done, &swap.mutex);
    pthread_mutex_unlock(&swap.mutex);
    pthread_mutex_destroy(&swap.mutex);
    pthread_cond_destroy(&swap.done);
}

static void publish(struct gw_server *server, struct gw__table *table)
{
    struct gw__snapshot *replaced = NULL;
    for (size_t i = 0; i < table->callee_count; i++) {
        struct gw__snapshot *old = gw__service_publish(table->callees[i].service);
        if (old)
            old->replaced = replaced, replaced = old;
    }
    struct gw__table *before = server->table;
    table->generation = ++server->generation;
    table->next = server->tables;
    server->tables = table;
    server->table = table;
    if (server->workers) {
        swap_all(server, table);
        gw__ports_set_opened(server, true);
    } else if (before) {
        free_table(server, before);
    }
    for (struct gw__snapshot *old = replaced; old; old = replaced) {
        replaced = old->replaced;
        gw__snapshot_free(old);
    }
    gw__ports_close(server, table);
}

static int apply(struct gw_server *server, const struct gw_config *config, bool check_only)
{
    struct gw__report report = {0};
    struct gw__checked checked = {0};
    struct gw__capacity capacity;
    struct gw__table *table = compile(server, config, &checked, &report);
    bool first = !server->worker_count;
    if (table && !check_only) {
        if (first)
            server->worker_count = table->worker_count;
        gw__ports_bind(server, table, &report);
        gw__capacity_fit(&capacity, server, table, &report);
        if (!gw__ports_prepare(server))
            report.lost = true;
    }
    if (table && !check_only && !gw__report_bad(&report)) {
        atomic_store(&server->log_level, checked.log_level);
        gw__capacity_log(&capacity, server);
        server->overload.memory_limit = checked.memory_bytes;
        publish(server, table);
        if (server->workers)
            gw__overload_look(server);
    } else if (table) {
        if (!check_only)
            gw__ports_close(server, server->table);
        if (first)
            server->worker_count = 0;
        gw__table_destroy(table);
    }
    discard_next(server);
    int result = gw__report_bad(&report) ? set_report(server, &report) : set_error(server, GW_OK, NULL);
    if (report.count == 1 && !report.lost && strcmp(report.entries[0].code, "GW1051") == 0)
        result = server->result = GW_ERROR_STATE;
    server->refused += result < 0 && !check_only;
    gw__checked_finish(&checked);
    gw__report_finish(&report);
    return result;
}

static int locked_apply(struct gw_server *server, const struct gw_config *config, bool check_only)
{
    pthread_mutex_lock(&server->lock);
    bool stopped = server->run == GW__RUN_STOPPED ||
                   (server->run == GW__RUN_ATTACHED && gw__worker_is_stopping(server->keeper));
    int result = !config   ? set_error(server, GW_ERROR_MEMORY, NULL)
                 : stopped ? set_error(server, GW_ERROR_STATE, "the server was stopped")
                           : apply(server, config, check_only);
    pthread_mutex_unlock(&server->lock);
    return result;
}

static int run_apply(struct gw_server *server, const void *config)
{
    return locked_apply(server, config, false);
}

int gw_server_apply(struct gw_server *server, const struct gw_config *config)
{
    if (!server)
        return GW_ERROR_MEMORY;
    int result = on_keeper(server, run_apply, config);
    if (result < 0)
        gw__server_log(server, GW_LOG_ERROR, "config refused, nothing was changed");
    return result;
}

int gw_server_check(struct gw_server *server, const struct gw_config *config)
{
    return server ? locked_apply(server, config, true) : GW_ERROR_MEMORY;
}

/* A port outlives the table that is current now, as long as the next one names it too. */
static const struct gw__port *find_port(const struct gw_server *server, size_t index)
{
    if (!server)
        return NULL;
    pthread_mutex_lock((pthread_mutex_t *)&server->lock);
    const struct gw__table *table = server->table;
    const struct gw__port *port = table && index < table->listener_count ? table->listeners[index].port : NULL;
    pthread_mutex_unlock((pthread_mutex_t *)&server->lock);
    return port;
}

int gw_server_port(const struct gw_server *server, size_t index)
{
    const struct gw__port *port = find_port(server, index);
    return port ? port->port : -1;
}

const char *gw_server_address(const struct gw_server *server, size_t index)
{
    const struct gw__port *port = find_port(server, index);
    return !port ? NULL : port->is_unix ? port->address : port->bound;
}

int gw_server_describe(const struct gw_server *server, void (*line)(void *user, const char *text), void *user)
{
    return server && gw__describe(&server->registry, line, user) ? GW_OK : GW_ERROR_MEMORY;
}

/* ---- running ---- */

static int check_startable(struct gw_server *server)
{
    if (server->run != GW__RUN_NOT)
        return set_error(server, GW_ERROR_STATE, "the server was started before");
    if (!server->table)
        return set_error(server, GW_ERROR_STATE, "no config was applied");
    return GW_OK;
}

static bool create_workers(struct gw_server *server, struct event_base *base)
{
    server->workers = gw__calloc(server->worker_count + 1u, sizeof(struct gw__worker *));
    if (!server->workers || !gw__ports_prepare(server))
        return false;
    for (unsigned i = 0; i < server->worker_count; i++)
        if (!(server->workers[i] = gw__worker_create(server, i, base != NULL, base)))
            return false;
    unsigned last = base ? 0 : server->worker_count;
    if (!base && !(server->workers[last] = gw__worker_create(server, last, true, NULL)))
        return false;
    server->keeper = server->workers[last];
    return true;
}

static int fail_start(struct gw_server *server)
{
    int error = errno;
    char text[128];
    snprintf(text, sizeof text, "workers can't be set up: %s", strerror(error));
    struct gw__table *table = server->table;
    atomic_fetch_add(&table->views_held, 1); /* the table stays: starting may be tried again */
    destroy_workers(server);
    atomic_store(&table->views_held, table->worker_count);
    for (unsigned i = 0; i < table->worker_count; i++)
        table->views[i].view.retired = false;
    gw__ports_set_opened(server, false);
    return error == ENOMEM ? set_error(server, GW_ERROR_MEMORY, NULL) : set_error(server, GW_ERROR_SYSTEM, text);
}

static int start(struct gw_server *server)
{
    int result = check_startable(server);
    if (result < 0)
        return result;
    if (!create_workers(server, NULL))
        return fail_start(server);
    swap_all(server, server->table);
    if (gw__writer_start(server->writer, server->log, server->log_user) < 0)
        return fail_start(server);
    unsigned started = 0;
    gw__overload_start(server);
    gw__ports_set_opened(server, true);
    set_error(server, GW_OK, NULL);
    server->run = GW__RUN_THREADS;
    while (started <= server->worker_count && gw__worker_start(server->workers[started]) == GW_OK)
        started++;
    if (started > server->worker_count)
        return GW_OK;
    server->run = GW__RUN_NOT;
    for (unsigned i = 0; i < started; i++) {
        gw__worker_stop(server->workers[i], 0);
        pthread_join(server->workers[i]->thread, NULL);
    }
    return fail_start(server);
}

/* Under the lock: once threads run, an admin's reload may come. */
int gw_server_start(struct gw_server *server)
{
    if (!server)
        return GW_ERROR_MEMORY;
    pthread_mutex_lock(&server->lock);
    int result = start(server);
    pthread_mutex_unlock(&server->lock);
    return result;
}

int gw_server_attach(struct gw_server *server, struct event_base *base)
{
    if (!server)
        return GW_ERROR_MEMORY;
    int result = base ? check_startable(server) : set_error(server, GW_ERROR_STATE, "no loop was given");
    if (result < 0)
        return result;
    if (server->worker_count != 1)
        return set_error(server, GW_ERROR_STATE, "a host's loop runs one worker: set workers to 1");
    if (!create_workers(server, base))
        return fail_start(server);
    swap_all(server, server->table);
    if (gw__writer_start(server->writer, server->log, server->log_user) < 0)
        return fail_start(server);
    gw__overload_start(server);
    gw__ports_set_opened(server, true);
    server->run = GW__RUN_ATTACHED;
    return set_error(server, GW_OK, NULL);
}

void gw_server_stop(struct gw_server *server, int drain_ms)
{
    if (server)
        stop_workers(server, drain_ms < 0 ? 0 : drain_ms);
}

bool gw_server_stopped(const struct gw_server *server)
{
    return !server || server->run == GW__RUN_STOPPED || server->run == GW__RUN_NOT ||
           (server->run == GW__RUN_ATTACHED && server->keeper->stopped);
}

/* ---- reload ---- */

void gw_server_set_reload(struct gw_server *server, gw_reload_fn reload, void *user)
{
    if (!server)
        return;
    server->reload = reload;
    server->reload_user = user;
}

static int run_reload(struct gw_server *server, const void *none)
{
    return server->run == GW__RUN_STOPPED ? GW_ERROR_STATE : server->reload(server, server->reload_user);
}

int gw_server_reload(struct gw_server *server)
{
    if (!server)
        return GW_ERROR_MEMORY;
    return server->reload ? on_keeper(server, run_reload, NULL) : GW_ERROR_STATE;
}

void gw_server_reopen_logs(struct gw_server *server)
{
    if (server)
        gw__writer_reopen(server->writer);
}
