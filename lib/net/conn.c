/* Raw persistent read event for the socket's life, write event only after EAGAIN, one recv per wake-up
 * into the loop's shared buffer. A paused connection whose peer must be noticed leaving is looked at by
 * poll() on a tick: EV_CLOSED alone would spin on a reset. */
#include "net/conn.h"

#include "net/descriptors.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WATCH_MS 250
#define WATCH_BATCH 64
#define MAX_RECEIVES 16

/* Few connections wait for room at a time: their event is in a block of the pool meanwhile. */
struct gw__conn_write {
    struct gw__block block;
    struct event event;
};
_Static_assert(sizeof(struct gw__conn_write) <= GW__BLOCK_BYTES, "fits into a block");

static void handle_write(evutil_socket_t fd, short what, void *arg);

/* recv() and send() are points where a thread may be cancelled, which none of ours is, and preparing for that costs
 * more than all else in them. */
static ssize_t receive(int fd, void *to, size_t size)
{
    return syscall(SYS_recvfrom, fd, to, size, 0, NULL, NULL);
}

static ssize_t transmit(int fd, const void *from, size_t size)
{
    return syscall(SYS_sendto, fd, from, size, MSG_NOSIGNAL, NULL, 0);
}

static bool start_write(struct gw__conn *conn)
{
    conn->write = (struct gw__conn_write *)gw__block_get(&conn->loop->blocks);
    if (!conn->write) {
        errno = ENOMEM;
        return false;
    }
    event_assign(&conn->write->event, conn->loop->base, conn->fd, EV_WRITE | EV_PERSIST, handle_write, conn);
    return event_add(&conn->write->event, NULL) == 0;
}

static void stop_write(struct gw__conn *conn)
{
    if (!conn->write)
        return;
    event_del(&conn->write->event);
    gw__block_put(&conn->loop->blocks, &conn->write->block);
    conn->write = NULL;
}

static void report_end(struct gw__conn *conn, int error)
{
    if (conn->ended)
        return;
    conn->ended = true;
    if (conn->reading)
        event_del(&conn->read);
    conn->reading = false;
    gw__list_remove(&conn->link);
    conn->ops->on_end(conn, error);
}

/* What the peer sent before it closed, such as a refusal of the request: all of it is in the socket already. */
static void read_received(struct gw__conn *conn)
{
    char *buffer = conn->loop->receive;
    for (int i = 0; i < MAX_RECEIVES && conn->reading; i++) {
        ssize_t n = receive(conn->fd, buffer, GW__RECEIVE_BYTES);
        if (n <= 0)
            return;
        conn->ops->on_data(conn, buffer, (size_t)n);
    }
}

static void run_end_task(struct gw__task *task)
{
    struct gw__conn *conn = gw__container_of(task, struct gw__conn, end_task);
    if (conn->ops->reads_after_break)
        read_received(conn);
    report_end(conn, conn->error);
}

void gw__conn_break(struct gw__conn *conn, int error)
{
    if (conn->ended)
        return;
    conn->error = error;
    gw__queue_drain(&conn->out, &conn->loop->blocks, conn->out.size);
    stop_write(conn);
    gw__loop_defer(conn->loop, &conn->end_task);
}

static void read_once(struct gw__conn *conn)
{
    struct gw__loop *loop = conn->loop;
    gw__loop_enter(loop);
    loop->reads += conn->turn != GW__TURN_DRIP;
    ssize_t n = receive(conn->fd, loop->receive, GW__RECEIVE_BYTES);
    if (n > 0)
        conn->ops->on_data(conn, loop->receive, (size_t)n);
    else if (n == 0)
        report_end(conn, 0);
    else if (errno != EAGAIN && errno != EINTR)
        report_end(conn, errno);
    gw__loop_leave(loop);
}

static void renew_turns(evutil_socket_t fd, short what, void *arg);

/* The event comes behind what the next epoll_wait() brings. */
static void use_turn(struct gw__loop *loop, enum gw__turn kind)
{
    static const struct timeval at_once;
    if (--loop->turns[kind].left)
        return;
    if (kind == GW__TURN_DRIP)
        loop->reads = 0;
    if (!event_initialized(&loop->turns_event))
        evtimer_assign(&loop->turns_event, loop->base, renew_turns, loop);
    if (evtimer_add(&loop->turns_event, &at_once) < 0)
        loop->turns[kind].left = gw__turn_limit(kind);
}

static void take_turns(struct gw__loop *loop, enum gw__turn kind)
{
    struct gw__turns *turns = &loop->turns[kind];
    turns->left = gw__turn_limit(kind);
    if (kind == GW__TURN_DRIP) /* a share of a busy loop, whose passes are long */
        turns->left += loop->reads / 4;
    while (turns->left && !gw__list_empty(&turns->waiting)) {
        struct gw__conn *conn = gw__container_of(turns->waiting.next, struct gw__conn, link);
        gw__list_remove(&conn->link);
        use_turn(loop, kind);
        if (event_add(&conn->read, NULL) < 0)
            gw__conn_break(conn, ENOMEM);
        else
            read_once(conn);
    }
}

static void renew_turns(evutil_socket_t fd, short what, void *arg)
{
    for (enum gw__turn kind = GW__TURN_BEGIN; kind < GW__TURN_KINDS; kind++)
        take_turns(arg, kind);
}

/* Of thousands of requests that are ready at once all would be sent to instances before the answer to the first is
 * looked at, each on a connection of its own; a request would wait behind thousands of connections that drip. Those
 * who wait keep their order, which epoll's list would not. */
static bool has_turn(struct gw__conn *conn)
{
    struct gw__loop *loop = conn->loop;
    struct gw__turns *turns = &loop->turns[conn->turn];
    if (turns->left) {
        use_turn(loop, conn->turn);
        return true;
    }
    if (gw__list_empty(&conn->link))
        gw__list_append(&turns->waiting, &conn->link);
    if (conn->turn == GW__TURN_DRIP) /* it may wait for many passes: not to be reported in each */
        event_del(&conn->read);
    return false;
}

static void handle_read(evutil_socket_t fd, short what, void *arg)
{
    struct gw__conn *conn = arg;
    if (conn->turn == GW__TURN_NONE || has_turn(conn))
        read_once(conn);
}

static void finish_connect(struct gw__conn *conn)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        error = errno;
    conn->connecting = false;
    stop_write(conn);
    if (error || event_add(&conn->read, NULL) < 0) {
        report_end(conn, error ? error : ENOMEM);
        return;
    }
    conn->reading = true;
    conn->ops->on_connected(conn);
}

static void flush(struct gw__conn *conn)
{
    while (conn->out.size) {
        struct iovec pieces[16];
        struct msghdr message = {.msg_iov = pieces, .msg_iovlen = (size_t)gw__queue_peek(&conn->out, pieces, 16)};
        ssize_t n = sendmsg(conn->fd, &message, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0) {
            gw__conn_break(conn, errno);
            return;
        }
        gw__queue_drain(&conn->out, &conn->loop->blocks, (size_t)n);
    }
    stop_write(conn);
    conn->ops->on_room(conn);
}

static void handle_write(evutil_socket_t fd, short what, void *arg)
{
    struct gw__conn *conn = arg;
    struct gw__loop *loop = conn->loop;
    gw__loop_enter(loop);
    if (conn->connecting)
        finish_connect(conn);
    else
        flush(conn);
    gw__loop_leave(loop);
}

static void prepare(struct gw__conn *conn, struct gw__loop *loop, int fd, const struct gw__conn_ops *ops)
{
    memset(conn, 0, sizeof *conn);
    conn->loop = loop;
    conn->ops = ops;
    conn->fd = fd;
    conn->end_task.run = run_end_task;
    gw__list_init(&conn->link);
    event_assign(&conn->read, loop->base, fd, EV_READ | EV_PERSIST, handle_read, conn);
}

static void count_socket(struct gw__loop *loop, uint32_t by)
{
    uint32_t now = atomic_load_explicit(&loop->sockets, memory_order_relaxed) + by;
    atomic_store_explicit(&loop->sockets, now, memory_order_relaxed);
}

int gw__conn_open(struct gw__conn *conn, struct gw__loop *loop, int fd, const struct gw__conn_ops *ops)
{
    prepare(conn, loop, fd, ops);
    if (event_add(&conn->read, NULL) < 0)
        return -1;
    conn->reading = true;
    count_socket(loop, 1);
    return 0;
}

int gw__conn_connect(struct gw__conn *conn, struct gw__loop *loop, const struct sockaddr *address, socklen_t size,
                     const struct gw__conn_ops *ops)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && gw__descriptors_is_reserved(fd)) {
        close(fd);
        fd = -1;
        errno = EMFILE;
    }
    if (fd < 0)
        return -1;
    if (address->sa_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    prepare(conn, loop, fd, ops);
    int result = connect(fd, address, size);
    if ((result < 0 && errno != EINPROGRESS) || !start_write(conn)) {
        int error = errno;
        stop_write(conn);
        close(fd);
        conn->fd = -1;
        errno = error;
        return -1;
    }
    conn->connecting = true;
    count_socket(loop, 1);
    return 0;
}

static bool queue_rest(struct gw__conn *conn, const struct iovec *pieces, int count, size_t skip)
{
    for (int i = 0; i < count; i++) {
        size_t size = pieces[i].iov_len;
        if (skip >= size) {
            skip -= size;
            continue;
        }
        if (!gw__queue_append(&conn->out, &conn->loop->blocks, (char *)pieces[i].iov_base + skip, size - skip)) {
            gw__conn_break(conn, ENOMEM);
            return false;
        }
        skip = 0;
    }
    return true;
}

static ssize_t send_pieces(int fd, const struct iovec *pieces, int count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = (size_t)count};
    ssize_t n;
    do
        n = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n;
}

static ssize_t send_piece(int fd, const struct iovec *piece)
{
    ssize_t n;
    do
        n = transmit(fd, piece->iov_base, piece->iov_len);
    while (n < 0 && errno == EINTR);
    return n;
}

/* sent: what the system took, or -1 with errno. */
static bool queue_unsent(struct gw__conn *conn, const struct iovec *pieces, int count, ssize_t sent)
{
    if (sent < 0 && errno != EAGAIN) {
        gw__conn_break(conn, errno);
        return false;
    }
    size_t total = 0, done = sent < 0 ? 0 : (size_t)sent;
    for (int i = 0; i < count; i++)
        total += pieces[i].iov_len;
    if (done == total)
        return false;
    bool armed = conn->out.size > 0;
    if (!queue_rest(conn, pieces, count, done))
        return false;
    if (!armed && !conn->connecting && !start_write(conn)) {
        gw__conn_break(conn, ENOMEM);
        return false;
    }
    return true;
}

bool gw__conn_send(struct gw__conn *conn, const struct iovec *pieces, int count)
{
    if (conn->fd < 0 || conn->error || conn->ended)
        return false;
    if (conn->out.size || conn->connecting)
        return queue_unsent(conn, pieces, count, 0);
    if (count > 1)
        return queue_unsent(conn, pieces, count, send_pieces(conn->fd, pieces, count));
    ssize_t sent = send_piece(conn->fd, pieces);
    return sent != (ssize_t)pieces->iov_len && queue_unsent(conn, pieces, count, sent);
}

bool gw__conn_is_quiet(const struct gw__conn *conn)
{
    char byte;
    return recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Looks at paused sockets in batches; a reset or a closed peer ends them. */
static void watch_paused(struct gw__timer *timer)
{
    struct gw__loop *loop = gw__container_of(timer, struct gw__loop, paused_timer);
    struct gw__link todo;
    gw__list_init(&todo);
    while (!gw__list_empty(&loop->paused)) {
        struct pollfd fds[WATCH_BATCH];
        struct gw__conn *conns[WATCH_BATCH];
        nfds_t n = 0;
        for (; n < WATCH_BATCH && !gw__list_empty(&loop->paused); n++) {
            conns[n] = gw__container_of(loop->paused.next, struct gw__conn, link);
            fds[n] = (struct pollfd){.fd = conns[n]->fd, .events = POLLRDHUP};
            gw__list_remove(&conns[n]->link);
            gw__list_append(&todo, &conns[n]->link);
        }
        int ready = poll(fds, n, 0);
        for (nfds_t i = 0; i < n && ready > 0; i++)
            if (fds[i].revents & (POLLRDHUP | POLLHUP | POLLERR) && conns[i]->fd == fds[i].fd)
                report_end(conns[i], fds[i].revents & (POLLHUP | POLLERR) ? ECONNRESET : 0);
    }
    while (!gw__list_empty(&todo)) {
        struct gw__link *link = todo.next;
        gw__list_remove(link);
        gw__list_append(&loop->paused, link);
    }
    if (!gw__list_empty(&loop->paused))
        gw__timer_set(loop, timer, gw__loop_ms(loop) + WATCH_MS);
}

void gw__conn_pause(struct gw__conn *conn)
{
    if (!conn->reading)
        return;
    event_del(&conn->read);
    gw__list_remove(&conn->link);
    conn->reading = false;
    if (!conn->watch_peer)
        return;
    struct gw__loop *loop = conn->loop;
    gw__list_append(&loop->paused, &conn->link);
    if (!loop->paused_timer.fire)
        gw__timer_init(&loop->paused_timer, watch_paused);
    if (!gw__timer_pending(&loop->paused_timer))
        gw__timer_set(loop, &loop->paused_timer, gw__loop_ms(loop) + WATCH_MS);
}

void gw__conn_resume(struct gw__conn *conn)
{
    if (conn->reading || conn->ended || conn->error || conn->connecting || conn->fd < 0)
        return;
    gw__list_remove(&conn->link);
    if (event_add(&conn->read, NULL) < 0)
        gw__conn_break(conn, ENOMEM);
    else
        conn->reading = true;
}

void gw__conn_shutdown_write(struct gw__conn *conn)
{
    if (conn->fd >= 0)
        shutdown(conn->fd, SHUT_WR);
}

void gw__conn_close(struct gw__conn *conn)
{
    if (conn->fd < 0)
        return;
    event_del(&conn->read);
    stop_write(conn);
    gw__list_remove(&conn->link);
    gw__task_cancel(conn->loop, &conn->end_task);
    gw__queue_drain(&conn->out, &conn->loop->blocks, conn->out.size);
    close(conn->fd);
    count_socket(conn->loop, (uint32_t)-1);
    conn->fd = -1;
    conn->ended = true;
    conn->reading = conn->connecting = false;
}

void gw__conn_reset(struct gw__conn *conn)
{
    if (conn->fd >= 0)
        setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1, .l_linger = 0},
                   sizeof(struct linger));
    gw__conn_close(conn);
}
