/* Workers: a loop, its connections, and the view of the current table; on a thread of its own or on the
 * host's loop. The keeper is one more, with the admin socket in place of public listeners. */
#include "server/server.h"

#include "base/alloc.h"
#include "base/networks.h"
#include "base/thread.h"

#include <unistd.h>

#define DRAIN_TICK_MS 10

/* ---- accepting ---- */

struct handover { /* a Unix listener's socket on its way to another worker */
    struct gw__mail mail;
    struct gw__worker *worker;
    struct gw__port *port;
    int fd;
};

static const struct sockaddr local = {.sa_family = AF_UNIX};

static struct gw__door *find_door(struct gw__worker *worker, const struct gw__port *port)
{
    for (struct gw__link *link = worker->doors.next; link != &worker->doors; link = link->next) {
        struct gw__door *door = gw__container_of(link, struct gw__door, link);
        if (door->port == port && !door->closed)
            return door;
    }
    return NULL;
}

static void take_over(struct gw__mail *mail)
{
    struct handover *handover = gw__container_of(mail, struct handover, mail);
    struct gw__door *door = handover->worker->stopping ? NULL : find_door(handover->worker, handover->port);
    if (door)
        gw__http_accept(&door->site.http, handover->fd, &local, sizeof local);
    else
        close(handover->fd);
    gw__free(handover);
}

/* The first worker accepts for all; the others get theirs in turn. */
static bool hand_over(struct gw__door *door, int fd)
{
    struct gw_server *server = door->worker->server;
    unsigned turn = atomic_fetch_add(&door->port->turn, 1) % server->worker_count;
    if (turn == door->worker->index)
        return false;
    struct handover *handover = gw__calloc(1, sizeof *handover);
    if (!handover)
        return false;
    *handover =
        (struct handover){.mail.deliver = take_over, .worker = server->workers[turn], .port = door->port, .fd = fd};
    gw__loop_post(&handover->worker->loop, &handover->mail);
    return true;
}

static void on_accept(struct gw__listener *listener, int fd, const struct sockaddr *address, socklen_t size)
{
    struct gw__door *door = gw__container_of(listener, struct gw__door, listener);
    if (door->port->admin && !gw__admin_allows(fd)) {
        close(fd);
        return;
    }
    if (door->port->is_unix && !door->port->admin && door->worker->server->worker_count > 1 && hand_over(door, fd))
        return;
    gw__http_accept(&door->site.http, fd, address, size);
}

/* ---- doors ---- */

static bool listens(const struct gw__worker *worker, const struct gw__port *port)
{
    if (port->admin)
        return worker->keeper;
    return worker->index < worker->server->worker_count;
}

static void press_door(struct gw__door *door)
{
    uint8_t stage = atomic_load(&door->worker->pressure);
    if (door->port->admin)
        return;
    door->site.http.pressure = stage;
    gw__listener_hold(&door->listener, stage > 2);
    if (stage > 1)
        gw__http_close_idle(&door->site.http);
}

/* The door holds the networks itself: its connections may outlive the table they come from. */
static void set_options(struct gw__door *door, const struct gw__http_options *options)
{
    gw__networks_hold(options->trusted);
    gw__networks_release(door->site.http.options.trusted);
    door->site.http.options = *options;
}

static void open_door(struct gw__worker *worker, struct gw__port *port, const struct gw__limits *limits,
                      const struct gw__timeouts *timeouts, const struct gw__http_options *options)
{
    struct gw__door *door = find_door(worker, port);
    if (door) {
        door->site.http.limits = *limits;
        door->site.http.timeouts = *timeouts;
        set_options(door, options);
        return;
    }
    struct gw__door **spare = &port->doors[port->admin ? 0 : worker->index];
    door = *spare;
    *spare = NULL;
    struct gw__table *admin = worker->server->admin_table;
    door->worker = worker;
    door->port = port;
    door->listener.on_accept = on_accept;
    door->listener.unreserved = !port->admin;
    gw__exchange_site_init(&door->site, &worker->context, &worker->view, limits, timeouts);
    set_options(door, options);
    if (port->admin)
        door->site.fixed = &admin->views[0].view;
    gw__list_append(&worker->doors, &door->link);
    bool accepts = !port->is_unix || port->admin || worker->index == 0;
    if (accepts)
        gw__listener_start(&door->listener, &worker->loop, port->fds[port->is_unix ? 0 : worker->index]);
    press_door(door);
}

static void free_door(struct gw__door *door)
{
    gw__networks_release(door->site.http.options.trusted);
    gw__peers_finish(&door->site.http.peers);
    gw__list_remove(&door->link);
    gw__free(door);
}

/* Connections that were accepted go on. */
static void close_door(struct gw__door *door)
{
    door->closed = true;
    gw__listener_stop(&door->listener);
}

/* The socket is closed too: whoever connects from now on is refused, not left waiting. */
static void drain_door(struct gw__door *door)
{
    bool listened = door->listener.active;
    close_door(door);
    if (listened) {
        close(door->listener.fd);
        door->port->fds[door->port->is_unix ? 0 : door->worker->index] = -1;
    }
    gw__http_drain(&door->site.http);
}

static bool is_named(const struct gw__table *table, const struct gw__port *port)
{
    if (table->admin_port == port)
        return true;
    for (size_t i = 0; i < table->listener_count; i++)
        if (table->listeners[i].port == port)
            return true;
    return false;
}

static void each_door(struct gw__worker *worker, void (*act)(struct gw__door *door))
{
    for (struct gw__link *link = worker->doors.next, *next; link != &worker->doors; link = next) {
        next = link->next;
        act(gw__container_of(link, struct gw__door, link));
    }
}

static void free_if_done(struct gw__door *door)
{
    if (door->closed && !door->site.http.connection_count)
        free_door(door);
}

void gw__worker_swap(struct gw__worker *worker, struct gw__table *table)
{
    if (worker->stopping)
        return;
    for (struct gw__link *link = worker->doors.next; link != &worker->doors; link = link->next) {
        struct gw__door *door = gw__container_of(link, struct gw__door, link);
        if (!is_named(table, door->port))
            close_door(door);
    }
    if (worker->index < table->worker_count)
        gw__view_swap(&worker->view, &table->views[worker->index].view);
    for (size_t i = 0; i < table->listener_count; i++) {
        const struct gw__listener_config *listener = &table->listeners[i];
        if (listens(worker, listener->port))
            open_door(worker, listener->port, &listener->limits, &listener->timeouts, &listener->http);
    }
    if (table->admin_port && worker->keeper) {
        const struct gw__chain *chain = worker->server->admin_table->views[0].view.entry;
        open_door(worker, table->admin_port, &chain->limits, &chain->timeouts, &(struct gw__http_options){0});
    }
    each_door(worker, free_if_done);
    gw__upstream_sweep(&worker->context.upstream);
}

static void take_pressure(struct gw__mail *mail)
{
    struct gw__worker *worker = gw__container_of(mail, struct gw__worker, press_mail);
    atomic_store(&worker->press_posted, false); /* before it is read: what is said behind comes with another mail */
    if (!worker->stopping)
        each_door(worker, press_door);
}

void gw__worker_press(struct gw__worker *worker, unsigned stage)
{
    atomic_store(&worker->pressure, (uint8_t)stage);
    if (!atomic_exchange(&worker->press_posted, true))
        gw__loop_post(&worker->loop, &worker->press_mail);
}

/* ---- stopping ---- */

static size_t connections(const struct gw__worker *worker)
{
    size_t n = 0;
    for (const struct gw__link *link = worker->doors.next; link != &worker->doors; link = link->next)
        n += gw__container_of(link, struct gw__door, link)->site.http.connection_count;
    return n;
}

static void cut_door(struct gw__door *door)
{
    gw__http_cut(&door->site.http);
}

static void check_drained(struct gw__timer *timer)
{
    struct gw__worker *worker = gw__container_of(timer, struct gw__worker, drain_timer);
    uint64_t now_ms = gw__loop_ms(&worker->loop);
    if (now_ms >= atomic_load(&worker->drain_until_ms))
        each_door(worker, cut_door);
    if (connections(worker) || !gw__list_empty(&worker->context.exchanges)) {
        gw__timer_set(&worker->loop, timer, now_ms + DRAIN_TICK_MS);
        return;
    }
    worker->stopped = true;
    if (worker->has_thread)
        event_base_loopbreak(worker->loop.base);
}

static void begin_stop(struct gw__mail *mail)
{
    struct gw__worker *worker = gw__container_of(mail, struct gw__worker, stop_mail);
    worker->stopping = true;
    each_door(worker, drain_door);
    check_drained(&worker->drain_timer);
}

void gw__worker_stop(struct gw__worker *worker, int drain_ms)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t until = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 + (uint64_t)drain_ms;
    uint64_t old = atomic_load(&worker->drain_until_ms);
    while (until < old && !atomic_compare_exchange_weak(&worker->drain_until_ms, &old, until))
        continue;
    if (atomic_exchange(&worker->stop_posted, true))
        return;
    worker->stop_mail.deliver = begin_stop;
    gw__loop_post(&worker->loop, &worker->stop_mail);
}

/* ---- life ---- */

struct gw__worker *gw__worker_create(struct gw_server *server, unsigned index, bool keeper, struct event_base *base)
{
    struct gw__worker *worker = gw__calloc(1, sizeof *worker);
    if (!worker || gw__loop_init(&worker->loop, base) < 0) {
        gw__free(worker);
        return NULL;
    }
    worker->server = server;
    worker->index = index;
    worker->keeper = keeper;
    worker->press_mail.deliver = take_pressure;
    atomic_init(&worker->drain_until_ms, UINT64_MAX);
    gw__list_init(&worker->doors);
    gw__timer_init(&worker->drain_timer, check_drained);
    gw__context_init(&worker->context, &worker->loop, server, server->blocking);
    return worker;
}

static void end_door(struct gw__door *door)
{
    gw__listener_stop(&door->listener);
    gw__http_cut(&door->site.http);
}

void gw__worker_destroy(struct gw__worker *worker)
{
    struct gw__loop *loop = &worker->loop;
    gw__loop_enter(loop);
    each_door(worker, end_door);
    gw__loop_deliver(loop); /* hooks that have ended on their threads: their exchanges, which are cut, can end */
    gw__loop_leave(loop);
    gw__timer_stop(&worker->drain_timer);
    while (!gw__list_empty(&worker->doors))
        free_door(gw__container_of(worker->doors.next, struct gw__door, link));
    gw__view_swap(&worker->view, NULL);
    gw__context_finish(&worker->context);
    gw__loop_finish(loop);
    gw__free(worker);
}

static void *run(void *arg)
{
    struct gw__worker *worker = arg;
    event_base_loop(worker->loop.base, EVLOOP_NO_EXIT_ON_EMPTY);
    return NULL;
}

int gw__worker_start(struct gw__worker *worker)
{
    worker->has_thread = true;
    int error = gw__thread_create(&worker->thread, run, worker);
    worker->has_thread = !error;
    return error ? GW_ERROR_SYSTEM : GW_OK;
}
