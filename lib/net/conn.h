/* Connection: a stream socket on a loop. It hides what it is made of (TCP, Unix socket; TLS later) and
 * owns memory only while a write is blocked. It is embedded in its owner, which frees it, never inside
 * one of the hooks below: by a task. */
#ifndef GW_NET_CONN_H
#define GW_NET_CONN_H

#include "net/loop.h"
#include "net/queue.h"

#include <sys/socket.h>

struct gw__conn;

struct gw__conn_ops {
    void (*on_connected)(struct gw__conn *conn); /* after gw__conn_connect() */
    /* Bytes in the loop's receive buffer, valid during the call; none may stay there. */
    void (*on_data)(struct gw__conn *conn, const char *data, size_t size);
    /* The peer ended (0) or the connection broke (errno). Comes once; nothing comes behind it. */
    void (*on_end)(struct gw__conn *conn, int error);
    void (*on_room)(struct gw__conn *conn); /* the blocked write has drained */
    bool reads_after_break; /* a write failed: what the peer sent before still goes to on_data, unless that is paused */
};

struct gw__conn {
    struct gw__loop *loop;
    const struct gw__conn_ops *ops;
    struct event read;
    struct gw__conn_write *write; /* waits for the socket to connect or to have room; else NULL */
    struct gw__queue out;
    struct gw__task end_task; /* tells of a broken write, after the callback */
    struct gw__link link; /* of those paused whose peers are watched, or of those that wait for a turn */
    int fd;
    int error;
    bool connecting, reading, ended;
    uint8_t turn;    /* enum gw__turn: what is to be read has to wait for one */
    bool watch_peer; /* while paused, report a peer that is gone (else only when reading again) */
};

/* Takes a connected, non-blocking socket and reads from it. -1: the fd is still the caller's. */
int gw__conn_open(struct gw__conn *conn, struct gw__loop *loop, int fd, const struct gw__conn_ops *ops);
/* Begins to connect; on_connected or on_end follows, never from inside. -1 with errno. */
int gw__conn_connect(struct gw__conn *conn, struct gw__loop *loop, const struct sockaddr *address, socklen_t size,
                     const struct gw__conn_ops *ops);
/* Sends, or queues what the socket does not take; all is taken in any case. True: something is queued,
 * so send no more until on_room. A broken connection swallows and reports by on_end. */
bool gw__conn_send(struct gw__conn *conn, const struct iovec *pieces, int count);
static inline bool gw__conn_blocked(const struct gw__conn *conn)
{
    return conn->out.size > 0;
}
/* Nothing has come that on_data or on_end is still to tell of: a look at the socket. */
bool gw__conn_is_quiet(const struct gw__conn *conn);
/* It is of no use any more: drops what is queued; on_end follows, not from inside. */
void gw__conn_break(struct gw__conn *conn, int error);
/* Stops and resumes on_data. */
void gw__conn_pause(struct gw__conn *conn);
void gw__conn_resume(struct gw__conn *conn);
/* Tells the peer that nothing more comes; reading goes on. */
void gw__conn_shutdown_write(struct gw__conn *conn);
/* Closes at once, dropping what is queued; no hook is called any more. Twice is harmless. */
void gw__conn_close(struct gw__conn *conn);
/* The same with a reset, so that the peer does not take a cut body for a whole one. */
void gw__conn_reset(struct gw__conn *conn);

#endif
