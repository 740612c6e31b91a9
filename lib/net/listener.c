/* Accepts a bounded number of connections per wake-up, so that a flood does not starve the others. */
#include "net/listener.h"

#include "net/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#define ACCEPT_BATCH 32
#define UNSENT_BYTES 131072 /* that the system holds for a client which reads slowly, else megabytes */
#define BACKLOG 65535 /* the system allows less: net.core.somaxconn */
#define RETRY_MS 100

/* True if a socket file is there and nobody accepts on it. */
static bool is_stale(const struct gw__sockaddr *address)
{
    struct stat file;
    if (stat(address->to.local.sun_path, &file) < 0 || !S_ISSOCK(file.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool stale = connect(fd, &address->to.base, address->size) < 0 && errno == ECONNREFUSED;
    close(fd);
    return stale;
}

bool gw__listener_is_taken(const struct gw__sockaddr *address)
{
    int fd = socket(address->to.base.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (address->to.base.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){1}, sizeof(int));
    bool taken = bind(fd, &address->to.base, address->size) < 0 && errno == EADDRINUSE;
    close(fd);
    return taken;
}

int gw__listener_bind(const struct gw__sockaddr *address)
{
    int family = address->to.base.sa_family;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (family == AF_UNIX) {
        if (is_stale(address))
            unlink(address->to.local.sun_path);
    } else {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){1}, sizeof(int));
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)); /* accepted sockets inherit it, and this */
        setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &(int){UNSENT_BYTES}, sizeof(int));
        if (family == AF_INET6)
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){1}, sizeof(int));
    }
    if (bind(fd, &address->to.base, address->size) < 0 || listen(fd, BACKLOG) < 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static void rest(struct gw__listener *listener)
{
    event_del(&listener->event);
    gw__timer_set(listener->loop, &listener->retry, gw__loop_ms(listener->loop) + RETRY_MS);
}

static void handle_accept(evutil_socket_t fd, short what, void *arg)
{
    struct gw__listener *listener = arg;
    struct gw__loop *loop = listener->loop;
    gw__loop_enter(loop);
    for (int i = 0; i < ACCEPT_BATCH && listener->active && !listener->held; i++) {
        struct sockaddr_storage address;
        socklen_t size = sizeof address;
        memset(&address, 0, sizeof address);
        int accepted = accept4(fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted >= 0) {
            bool last = listener->unreserved && gw__descriptors_is_reserved(accepted);
            listener->on_accept(listener, accepted, (struct sockaddr *)&address, size);
            if (last && listener->active && !listener->held)
                rest(listener);
            if (last)
                break;
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            rest(listener);
        if (errno != EINTR && errno != ECONNABORTED)
            break;
    }
    gw__loop_leave(loop);
}

/* Whether the next connection would get a descriptor that it may have. */
static bool has_room(const struct gw__listener *listener)
{
    int probe = listener->unreserved ? fcntl(listener->fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (probe >= 0)
        close(probe);
    return !listener->unreserved || (probe >= 0 && !gw__descriptors_is_reserved(probe));
}

static void retry(struct gw__timer *timer)
{
    struct gw__listener *listener = gw__container_of(timer, struct gw__listener, retry);
    if (!has_room(listener) || event_add(&listener->event, NULL) < 0)
        gw__timer_set(listener->loop, timer, gw__loop_ms(listener->loop) + RETRY_MS);
}

int gw__listener_start(struct gw__listener *listener, struct gw__loop *loop, int fd)
{
    listener->loop = loop;
    listener->fd = fd;
    gw__timer_init(&listener->retry, retry);
    event_assign(&listener->event, loop->base, fd, EV_READ | EV_PERSIST, handle_accept, listener);
    listener->active = event_add(&listener->event, NULL) == 0;
    return listener->active ? 0 : -1;
}

void gw__listener_stop(struct gw__listener *listener)
{
    if (!listener->active)
        return;
    listener->active = false;
    gw__timer_stop(&listener->retry);
    event_del(&listener->event);
}

void gw__listener_hold(struct gw__listener *listener, bool held)
{
    if (!listener->active || listener->held == held)
        return;
    listener->held = held;
    gw__timer_stop(&listener->retry);
    if (held)
        event_del(&listener->event);
    else
        retry(&listener->retry);
}
