/* Endpoint `thrift`, as its files see it: one call (a leg), and the carriers that take its bytes to an instance and
 * back: a connection of its own, one that is shared with other calls, or an HTTP request. */
#ifndef GW_ENDPOINTS_THRIFT_H
#define GW_ENDPOINTS_THRIFT_H

#include "endpoints/rpc.h"
#include "endpoints/upstream.h"
#include "http/message.h"
#include "net/shared_stream.h"

struct gw__thrift_leg;

struct gw__thrift_target { /* the endpoint's instance data: one a worker */
    struct gw__rpc_target rpc;
    struct gw__deflate *deflate; /* requests are compressed whole, so that one is enough */
};

struct gw__thrift_carrier {
    enum gw__protocol protocol;
    bool ends; /* it tells the end of an answer: gw__thrift_end() */
    /* The attempt is ready: sends the request, what gw__thrift_pieces() gives. */
    void (*use)(struct gw__thrift_leg *leg);
    void (*pause)(struct gw__thrift_leg *leg);
    void (*resume)(struct gw__thrift_leg *leg);
    /* It may be used again if good. Nothing comes from it any more. */
    void (*let_go)(struct gw__thrift_leg *leg, bool good);
};

extern const struct gw__thrift_carrier gw__thrift_stream, gw__thrift_shared, gw__thrift_http;

enum gw__thrift_phase {
    GW__THRIFT_HEADER, /* of the answer's frame, then of its message */
    GW__THRIFT_RESULT,
    GW__THRIFT_FAULT,
    GW__THRIFT_READ,   /* to its last byte; the frame's end is still to be seen */
};

/* The exchange's way to the instance: its scratch. */
struct gw__thrift_leg {
    struct gw__rpc_call call;
    struct gw__attempt attempt;
    const struct gw__thrift_carrier *carrier;
    void *stream;        /* the carrier's; NULL: none is in use */
    struct gw__shared_use shared; /* of a shared connection */
    struct gw__thrift_target *target;
    struct gw__str name; /* in messages */
    const struct gw__wire_segment *unsent, *behind; /* the first that was not handed on; then this and all behind it */
    uint64_t fronted_ms; /* when what stands in front of the message was written */
    struct gw__kept rest; /* of a compressed answer: what has come and could not be taken yet */
    struct gw__timer timer; /* goes on with `rest` */
    char *header;        /* of the answer's message, if it comes in pieces: those so far */
    uint32_t header_size;
    int32_t sequence;
    int32_t oldest; /* the first oneway call of those that the connection has carried; `sequence`: there was none */
    uint8_t phase;       /* enum gw__thrift_phase */
    bool fault;          /* it is a TApplicationException */
    bool stale;          /* what is being read answers a oneway call before this one */
    bool blocked;        /* the connection has not written all it was given */
    bool heard;          /* a byte of the answer has come */
    bool paused;         /* the client takes no more for now */
    bool ended;          /* nothing comes behind `rest` */
    bool closes;         /* the server is about to close the connection, or its answer is not quite right */
};

/* The answer to a oneway call that the connection carried before: ids in between are of no call that waits here. */
static inline bool gw__thrift_is_stale(const struct gw__thrift_leg *leg, uint32_t sequence)
{
    return sequence - (uint32_t)leg->oldest < (uint32_t)leg->sequence - (uint32_t)leg->oldest;
}

/* thrift_request.c */

/* Writes the message's header; the arguments follow. */
void gw__thrift_begin_message(struct gw__thrift_leg *leg);
/* Behind the arguments: writes what stands in front of the message, compresses it. GW_CONTINUE, or it has failed. */
enum gw_flow gw__thrift_end_message(struct gw__thrift_leg *leg);
/* To be called before (each time) the request is sent: then `unsent` is its first segment. */
void gw__thrift_rewind(struct gw__thrift_leg *leg);
/* The next segments of the request; 0: there are no more. */
int gw__thrift_pieces(struct gw__thrift_leg *leg, struct iovec *pieces, int most);
/* All of them in bytes. */
uint64_t gw__thrift_request_size(const struct gw__thrift_leg *leg);

/* thrift_answer.c, called by carriers */

/* Before anything else. */
void gw__thrift_init(struct gw__thrift_leg *leg);
/* Bytes of the answer. The leg may be over behind this. */
void gw__thrift_take(struct gw__thrift_leg *leg, const char *data, size_t size);
/* There are no more of them. */
void gw__thrift_end(struct gw__thrift_leg *leg);
/* The client takes more. */
void gw__thrift_go_on(struct gw__thrift_leg *leg);
/* The answer can't be read; `why` is a static text. */
void gw__thrift_not_understood(struct gw__thrift_leg *leg, const char *why);

/* thrift.c, called by carriers */

/* All of the request is with the socket. */
void gw__thrift_sent(struct gw__thrift_leg *leg);
/* The connection ended or broke. */
void gw__thrift_broken(struct gw__thrift_leg *leg, bool reused);
void gw__thrift_let_go(struct gw__thrift_leg *leg, bool good);

#endif
