/* Shared stream: a connection to an instance that carries several uses at a time, each a request and its answer.
 * Answers come in frames with the id of their request, one frame each, in any order. A use that ends early leaves the
 * connection as it is: its answer is dropped when it comes. What a byte stream is where there is one use at a time. */
#ifndef GW_NET_SHARED_STREAM_H
#define GW_NET_SHARED_STREAM_H

#include "net/outbound.h"

enum { GW__SHARED_MOST = 64, GW__SHARED_HEAD_BYTES = 12 };

struct gw__shared_use;

struct gw__shared_handler {
    /* A frame's length, from its first byte on, and its id, by the bytes it begins with: 1; 0: more bytes must come,
     * at most GW__SHARED_HEAD_BYTES; -1: it is no such frame. */
    int (*frame)(const char *bytes, size_t count, uint64_t *size, uint32_t *id);
    /* Bytes of the frame, valid during the call, from its first on. Where only one use is under way they may be of no
     * frame: then all that comes. */
    void (*on_data)(struct gw__shared_use *use, const char *data, size_t size);
    void (*on_room)(struct gw__shared_use *use); /* all that was sent is with the socket */
    /* The peer ended (0), the connection broke (errno) or sent what belongs to no use (EBADMSG). Comes once; finish is
     * still due. */
    void (*on_end)(struct gw__shared_use *use, int error);
    /* This use has kept the others waiting for too long, being paused. It is to be finished. */
    void (*on_late)(struct gw__shared_use *use);
};

/* The user's, until finish. */
struct gw__shared_use {
    struct gw__link link;
    struct gw__shared_stream *stream;
    const struct gw__shared_handler *handler;
    uint32_t id;
    uint32_t heard;     /* what the stream's was when the use was added */
    uint32_t waited_ms; /* that others have waited for this one */
    bool reused;        /* the connection had carried an answer before */
    bool begun;         /* its answer has begun to come */
};

struct gw__shared_stream {
    struct gw__outbound base;
    const struct gw__shared_handler *handler; /* the last use's */
    struct gw__link uses;
    struct gw__shared_use *receiver; /* whose frame is coming; NULL: nobody's, it is dropped */
    struct gw__shared_use *pauser;   /* who has paused the connection */
    struct gw__timer patience;       /* with it */
    uint64_t paused_ms;              /* since when */
    uint64_t left;                   /* of the frame that is coming */
    uint32_t heard;                  /* how often bytes have come */
    uint32_t abandoned[GW__SHARED_MOST]; /* ids of uses that ended before their answer came */
    uint8_t count, limit, abandoned_count;
    uint8_t head_size;
    char head[GW__SHARED_HEAD_BYTES]; /* of a frame: the bytes so far */
    bool failed;  /* nothing that comes is looked at */
    bool silent;  /* an answer is overdue and nothing has come since: it takes no more uses until something does */
    bool drains;  /* it takes no more uses, and is closed with the last */
    bool forgets; /* a use ended without an answer being due: one that comes is dropped */
};

/* As gw__outbound_connect(). */
struct gw__outbound *gw__shared_stream_connect(struct gw__loop *loop, const struct sockaddr *address, socklen_t size,
                                               int64_t timeout_ms, const struct gw__outbound_owner *owner, void *pool);
/* Adds a use to a connection that gw__shared_stream_connect() made and that is idle or open to more uses. `handler` and
 * `id` are set, the latter differs from those of all uses. It is open as long as there are fewer than `limit` uses,
 * those included whose answer is still to be dropped. */
void gw__shared_stream_use(struct gw__outbound *outbound, struct gw__shared_use *use, uint32_t limit);
/* A part of a request; all parts have to be sent before another use sends. What the socket does not take is queued.
 * True: some was, and on_room comes. */
bool gw__shared_send(struct gw__shared_use *use, const struct iovec *pieces, int count);
bool gw__shared_is_broken(const struct gw__shared_use *use);
/* While the one use whose answer is coming can't take more, nobody else gets anything either; no further uses come.
 * Nothing is paused if all of the frame has come. */
void gw__shared_pause(struct gw__shared_use *use);
void gw__shared_resume(struct gw__shared_use *use);
/* The time for its answer is over, and finish follows. If nothing at all has come since the use was added, the peer may
 * be gone without a word: no further uses come until something does, and the connection is closed if the last use ends
 * before that. */
void gw__shared_expire(struct gw__shared_use *use);
/* Ends a use. answered: no answer is due any more, though its frame may still have to end. good: else no further uses
 * come, and the connection is closed with the last one. */
void gw__shared_finish(struct gw__shared_use *use, bool answered, bool good);

#endif
