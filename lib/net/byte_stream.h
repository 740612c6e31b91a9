/* Byte stream: one use of a connection to an instance that carries bytes as they are, for protocols that parse for
 * themselves. What HTTP's client stream is to HTTP. */
#ifndef GW_NET_BYTE_STREAM_H
#define GW_NET_BYTE_STREAM_H

#include "net/outbound.h"

struct gw__byte_stream;

struct gw__byte_stream_handler {
    void (*on_data)(struct gw__byte_stream *stream, const char *data, size_t size); /* valid during the call */
    void (*on_room)(struct gw__byte_stream *stream); /* all that was sent is with the socket */
    /* The peer ended (0) or the connection broke (errno). Comes once; finish is still due. */
    void (*on_end)(struct gw__byte_stream *stream, int error);
};

struct gw__byte_stream {
    struct gw__outbound base;
    const struct gw__byte_stream_handler *handler;
    void *user;
    uint32_t note; /* the users', left from use to use; 0 at first */
    bool reused; /* the connection has served another use before */
};

/* As gw__outbound_connect(). */
struct gw__outbound *gw__byte_stream_connect(struct gw__loop *loop, const struct sockaddr *address, socklen_t size,
                                             int64_t timeout_ms, const struct gw__outbound_owner *owner, void *pool);
/* Uses a connected, idle connection that gw__byte_stream_connect() made. */
struct gw__byte_stream *gw__byte_stream_use(struct gw__outbound *outbound,
                                            const struct gw__byte_stream_handler *handler, void *user);
/* All is taken in any case. True: some of it is queued, and on_room comes. */
bool gw__byte_stream_send(struct gw__byte_stream *stream, const struct iovec *pieces, int count);
/* What was sent may be lost; on_end comes. */
bool gw__byte_stream_is_broken(const struct gw__byte_stream *stream);
void gw__byte_stream_pause(struct gw__byte_stream *stream);
void gw__byte_stream_resume(struct gw__byte_stream *stream);
/* Gives it back: to the pool if `good` (the next use may begin on this connection), else it is closed. No handler is
 * called any more. */
void gw__byte_stream_finish(struct gw__byte_stream *stream, bool good);

#endif
