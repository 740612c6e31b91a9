/* Streams: one request and its response on a connection, whichever version carries them. The exchange
 * knows these and neither connections nor versions.
 *
 * A server stream receives a request and sends its response; a client stream does the reverse. Data
 * handed over is taken whole; "full" asks to be given no more until there is room. */
#ifndef GW_HTTP_STREAM_H
#define GW_HTTP_STREAM_H

#include "http/parse.h"

struct gw__server_stream;
struct gw__client_stream;

struct gw__server_stream_ops {
    void (*send_interim)(struct gw__server_stream *stream, const struct gw__head *head); /* 1xx; dropped for HTTP/1.0 */
    /* Sends 100 if the client waits for it; called when the body is wanted. */
    void (*send_continue)(struct gw__server_stream *stream);
    /* The head is kept by reference until it leaves: with the first data, or after this callback. length -1: unknown */
    void (*send_head)(struct gw__server_stream *stream, struct gw__head *head, int64_t length);
    bool (*send_data)(struct gw__server_stream *stream, const char *data, size_t size, bool last,
                      const struct gw__fields *trailers); /* true: full */
    void (*pause)(struct gw__server_stream *stream); /* the request's body */
    void (*resume)(struct gw__server_stream *stream);
    /* The exchange is over and forgets the stream. Without a complete response the connection is cut. */
    void (*finish)(struct gw__server_stream *stream);
};

struct gw__server_stream {
    const struct gw__server_stream_ops *ops;
    const struct gw__server_handler *handler;
    void *user;                 /* the handler's, set in on_begin */
    struct gw__arena *arena;    /* the handler's, from on_begin */
    void *site;                 /* what the connection was accepted for */
    const char *peer;           /* "ip:port" or "unix" */
    uint16_t peer_ip_size;      /* of the part before the port */
    bool secure, paused;
    struct gw__fields trailers; /* of the request, there with its last piece */
};

/* What the exchange does. None of them frees the stream's connection. */
struct gw__server_handler {
    /* A head begins to be taken in: gives the arena it is copied to. NULL: refuse, close. */
    struct gw__head *(*on_begin)(struct gw__server_stream *stream, struct gw__arena **arena);
    void (*on_head)(struct gw__server_stream *stream);
    /* Instead of on_head (after on_begin), or of data: what came is no HTTP. */
    void (*on_bad)(struct gw__server_stream *stream, const struct gw__parse_error *error);
    bool (*on_data)(struct gw__server_stream *stream, const char *data, size_t size, bool last); /* true: full */
    void (*on_room)(struct gw__server_stream *stream);
    void (*on_gone)(struct gw__server_stream *stream); /* the client left; finish() is still due */
};

/* Why a client stream failed. */
enum gw__stream_failure {
    GW__FAILED_CLOSED,  /* ended before the head was complete */
    GW__FAILED_RESET,   /* broke before the head was complete */
    GW__FAILED_GARBAGE, /* the head is no HTTP or too large */
    GW__FAILED_CUT,     /* ended, broke or went wrong in the body */
    GW__FAILED_MEMORY,
};

struct gw__client_handler {
    void (*on_interim)(struct gw__client_stream *stream, struct gw__head *head);
    /* length of the body to come, -1 if unknown, 0: none, and no on_data comes. */
    void (*on_head)(struct gw__client_stream *stream, int64_t length);
    bool (*on_data)(struct gw__client_stream *stream, const char *data, size_t size, bool last); /* true: full */
    void (*on_room)(struct gw__client_stream *stream);
    void (*on_fail)(struct gw__client_stream *stream, enum gw__stream_failure failure);
};

struct gw__client_stream_ops {
    /* head is kept by reference until it leaves. has_body: data will follow. length -1: chunked. */
    void (*send_head)(struct gw__client_stream *stream, const struct gw__head *head, bool has_body, int64_t length);
    bool (*send_data)(struct gw__client_stream *stream, const char *data, size_t size, bool last,
                      const struct gw__fields *trailers);
    void (*pause)(struct gw__client_stream *stream);
    void (*resume)(struct gw__client_stream *stream);
    /* Gives the stream back: to the pool if the answer is complete and the connection good, else cut. */
    void (*finish)(struct gw__client_stream *stream);
};

struct gw__client_stream {
    const struct gw__client_stream_ops *ops;
    const struct gw__client_handler *handler;
    void *user;
    struct gw__head *head;   /* the handler's, to be filled */
    struct gw__arena *arena; /* the handler's, where the head goes */
    struct gw__fields trailers;
    bool reused;             /* the connection has carried an answer before */
    bool heard;              /* something of this answer has come: it was not sent in vain */
};

#endif
