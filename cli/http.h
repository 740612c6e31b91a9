/* The client's side of HTTP/1.1 on a Unix socket, for what gwctl asks a gateway. */
#ifndef GWCTL_HTTP_H
#define GWCTL_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that grow, terminated. Zero it to begin with; `lost` once memory was out. */
struct bytes {
    char *data;
    size_t size, capacity;
    bool lost;
};

void bytes_add(struct bytes *bytes, const char *data, size_t size);
void bytes_print(struct bytes *bytes, const char *format, ...) __attribute__((__format__(__printf__, 2, 3)));
void bytes_free(struct bytes *bytes);

enum http_state {
    HTTP_HEAD,
    HTTP_LENGTH,
    HTTP_CHUNK_SIZE,
    HTTP_CHUNK,
    HTTP_CHUNK_END,
    HTTP_TRAILER,
    HTTP_DONE,
    HTTP_BAD,
};

/* One answer, in pieces cut anywhere. Zero it to begin with, but for on_body and user; free the head in the end. */
struct http_reader {
    enum http_state state;
    int status;        /* 0: the head is not complete */
    struct bytes head; /* with the empty line behind it */
    bool closes;       /* the connection ends with this answer */
    uint64_t left;     /* of the body or chunk */
    char line[64];     /* a chunk's size or a trailer, as much as counts */
    size_t line_size;
    void (*on_body)(void *user, const char *data, size_t size);
    void *user;
};

/* Takes bytes up to the answer's end; returns how many. */
size_t http_read(struct http_reader *reader, const char *data, size_t size);

/* A connection, or -1 with errno. seconds: how long one read or write may take, 0: for ever. */
int http_connect(const char *path, int seconds);
/* Sends a request and takes the answer in. False with errno if none came, or not to its end; reader->status tells
 * whether there was a head. */
bool http_ask(int fd, const char *request, size_t size, struct http_reader *reader);

#endif
