/* Framing in, framing out. Small bodies are copied behind their head, since one send of one piece is
 * the cheapest there is; large ones leave by sendmsg from where they were received. */
#include "http/message.h"

#include "base/alloc.h"
#include "http/write.h"

#include <errno.h>

#define COALESCE_BYTES 8192
#define SLACK_BYTES 64

static enum gw__body_result next_length(struct gw__body_reader *reader, const char **data, const char *end,
                                        struct gw__str *piece)
{
    size_t have = (size_t)(end - *data);
    if (!have)
        return GW__BODY_MORE;
    size_t size = have < reader->left ? have : (size_t)reader->left;
    *piece = (struct gw__str){*data, size};
    *data += size;
    reader->left -= size;
    if (reader->left)
        return GW__BODY_DATA;
    reader->framing = GW__FRAMING_NONE;
    return GW__BODY_LAST;
}

static enum gw__body_result next_trailers(struct gw__body_reader *reader, const char **data, const char *end,
                                          struct gw__str *piece, struct gw__raw_head *raw,
                                          const struct gw__parse_limits *limits, struct gw__fields *trailers,
                                          struct gw__arena *arena)
{
    struct gw__parse_error error;
    enum gw__parse_result result = gw__parse_trailers(*data, (size_t)(end - *data), limits, raw, &error);
    if (result == GW__PARSE_MORE)
        return GW__BODY_MORE;
    if (result == GW__PARSE_BAD || !gw__fields_from_trailers(trailers, raw, *data, arena))
        return GW__BODY_BAD;
    *data += raw->size;
    *piece = (struct gw__str){*data, 0};
    reader->framing = GW__FRAMING_NONE;
    return GW__BODY_LAST;
}

enum gw__body_result gw__body_next(struct gw__body_reader *reader, const char **data, const char *end,
                                   struct gw__str *piece, struct gw__raw_head *raw,
                                   const struct gw__parse_limits *limits, struct gw__fields *trailers,
                                   struct gw__arena *arena)
{
    if (reader->framing == GW__FRAMING_LENGTH)
        return next_length(reader, data, end, piece);
    if (reader->framing == GW__FRAMING_CLOSE) {
        if (*data == end)
            return GW__BODY_MORE;
        *piece = (struct gw__str){*data, (size_t)(end - *data)};
        *data = end;
        return GW__BODY_DATA;
    }
    if (reader->framing == GW__FRAMING_CHUNKED) {
        switch (gw__chunked_next(&reader->chunked, data, end, piece)) {
        case GW__CHUNKED_DATA:
            return GW__BODY_DATA;
        case GW__CHUNKED_TRAILERS:
            reader->framing = GW__FRAMING_TRAILERS;
            break;
        case GW__CHUNKED_MORE:
            return GW__BODY_MORE;
        default:
            return GW__BODY_BAD;
        }
    }
    return next_trailers(reader, data, end, piece, raw, limits, trailers, arena);
}

static char *write_end(char *to, const struct gw__fields *trailers)
{
    to = (char *)memcpy(to, "0\r\n", 3) + 3;
    if (trailers)
        to = gw__write_fields(to, trailers);
    return (char *)memcpy(to, "\r\n", 2) + 2;
}

/* What stands behind the data of a chunk. */
static char *end_chunk(char *to, size_t size, bool last, const struct gw__fields *trailers)
{
    if (size)
        to = (char *)memcpy(to, "\r\n", 2) + 2;
    return last ? write_end(to, trailers) : to;
}

/* start: what goes before the data; there is room behind it for what goes after. */
static bool send_large(struct gw__outgoing *out, struct gw__conn *conn, struct gw__str start, const char *data,
                       size_t size, bool last, const struct gw__fields *trailers)
{
    struct iovec pieces[3];
    int count = 0;
    char *tail = (char *)start.data + start.size, *end = tail;
    if (out->chunked)
        end = end_chunk(tail, size, last, trailers);
    if (start.size)
        pieces[count++] = (struct iovec){(char *)start.data, start.size};
    pieces[count++] = (struct iovec){(char *)data, size};
    if (end > tail)
        pieces[count++] = (struct iovec){tail, (size_t)(end - tail)};
    return gw__conn_send(conn, pieces, count);
}

bool gw__outgoing_send(struct gw__outgoing *out, struct gw__conn *conn, const char *data, size_t size, bool last,
                       const struct gw__fields *trailers)
{
    size_t extra = (out->write_head ? gw__head_bytes(out->head) + out->own_bytes : 0) + SLACK_BYTES;
    extra += trailers ? trailers->bytes : 0;
    char *scratch = conn->loop->scratch, *heap = NULL;
    if (extra + COALESCE_BYTES > GW__SCRATCH_BYTES && !(scratch = heap = gw__malloc(extra + COALESCE_BYTES))) {
        gw__conn_break(conn, ENOMEM);
        return false;
    }
    char *at = scratch;
    bool blocked;
    if (out->write_head)
        at = out->write_head(out, at), out->write_head = NULL;
    if (out->no_body)
        size = 0, last = false;
    if (out->chunked && size)
        at = gw__write_chunk_size(at, size);
    if (size > COALESCE_BYTES) {
        blocked = send_large(out, conn, (struct gw__str){scratch, (size_t)(at - scratch)}, data, size, last, trailers);
    } else {
        if (size)
            at = (char *)memcpy(at, data, size) + size;
        if (out->chunked)
            at = end_chunk(at, size, last, trailers);
        struct iovec piece = {scratch, (size_t)(at - scratch)};
        blocked = piece.iov_len ? gw__conn_send(conn, &piece, 1) : gw__conn_blocked(conn);
    }
    if (heap)
        gw__free(heap);
    return blocked;
}

bool gw__kept_append(struct gw__kept *kept, const char *data, size_t size)
{
    if (kept->size + size > kept->capacity) {
        size_t capacity = kept->capacity ? kept->capacity : 512;
        while (capacity < kept->size + size)
            capacity *= 2;
        char *grown = gw__realloc(kept->data, capacity);
        if (!grown)
            return false;
        kept->data = grown;
        kept->capacity = capacity;
    }
    if (size)
        memcpy(kept->data + kept->size, data, size);
    kept->size += size;
    return true;
}

void gw__kept_leave(struct gw__kept *kept, size_t rest)
{
    if (rest) {
        memmove(kept->data, kept->data + kept->size - rest, rest);
        kept->size = rest;
        return;
    }
    gw__free(kept->data);
    *kept = (struct gw__kept){0};
}
