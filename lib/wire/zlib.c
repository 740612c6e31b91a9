/* zlib, with the library's allocator. */
#include "wire/zlib.h"

#include "base/alloc.h"

#define ZLIB_CONST
#include <zlib.h>

enum {
    WINDOW_BYTES = 8192,  /* inflated at a time */
    ROOM_BYTES = 4096,    /* asked of a wire at a time */
    MOST_INPUT = 1 << 30, /* zlib counts in 32 bits */
};

struct gw__inflate {
    z_stream stream;
    bool full; /* the window was filled: there may be more */
    char window[WINDOW_BYTES];
};

struct gw__deflate {
    z_stream stream;
};

static void *allocate(void *opaque, unsigned items, unsigned size)
{
    return gw__calloc(items, size);
}

static void release(void *opaque, void *block)
{
    gw__free(block);
}

bool gw__inflate_begin(struct gw__inflate **inflate)
{
    if (!*inflate) {
        *inflate = gw__calloc(1, sizeof **inflate);
        if (!*inflate)
            return false;
        (*inflate)->stream = (z_stream){.zalloc = allocate, .zfree = release};
        if (inflateInit(&(*inflate)->stream) != Z_OK) {
            gw__free(*inflate);
            *inflate = NULL;
            return false;
        }
    }
    (*inflate)->full = false;
    return inflateReset(&(*inflate)->stream) == Z_OK;
}

enum gw__inflate_status gw__inflate_next(struct gw__inflate *self, const char **data, const char *end,
                                         struct gw__str *piece)
{
    z_stream *stream = &self->stream;
    size_t size = (size_t)(end - *data);
    if (!size && !self->full)
        return GW__INFLATE_MORE;
    stream->next_in = (const Bytef *)*data;
    stream->avail_in = (uInt)(size < MOST_INPUT ? size : MOST_INPUT);
    stream->next_out = (Bytef *)self->window;
    stream->avail_out = WINDOW_BYTES;
    int result = inflate(stream, Z_NO_FLUSH);
    if (stream->next_in)
        *data = (const char *)stream->next_in;
    self->full = stream->avail_out == 0;
    *piece = (struct gw__str){self->window, WINDOW_BYTES - stream->avail_out};
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return result == Z_MEM_ERROR ? GW__INFLATE_NO_MEMORY : GW__INFLATE_BAD;
    if (piece->size) {
        self->full = self->full || result == Z_STREAM_END; /* which the next call says */
        return GW__INFLATE_PIECE;
    }
    return result == Z_STREAM_END ? GW__INFLATE_END : GW__INFLATE_MORE;
}

void gw__inflate_destroy(struct gw__inflate *inflate)
{
    if (!inflate)
        return;
    inflateEnd(&inflate->stream);
    gw__free(inflate);
}

static bool begin_deflate(struct gw__deflate **deflate)
{
    if (*deflate)
        return deflateReset(&(*deflate)->stream) == Z_OK;
    *deflate = gw__calloc(1, sizeof **deflate);
    if (!*deflate)
        return false;
    (*deflate)->stream = (z_stream){.zalloc = allocate, .zfree = release};
    if (deflateInit(&(*deflate)->stream, Z_BEST_SPEED) == Z_OK)
        return true;
    gw__free(*deflate);
    *deflate = NULL;
    return false;
}

/* All of a segment's bytes; of the last one's also what zlib holds back. */
static void deflate_segment(z_stream *stream, const struct gw__wire_segment *segment, struct gw__wire *to)
{
    int result = Z_OK;
    stream->next_in = (const Bytef *)segment->bytes;
    stream->avail_in = (uInt)segment->size; /* a message has no more than INT32_MAX */
    do {
        if (!gw__wire_room(to, ROOM_BYTES))
            return;
        size_t room = (size_t)(to->end - to->at);
        stream->next_out = (Bytef *)to->at;
        stream->avail_out = (uInt)(room < MOST_INPUT ? room : MOST_INPUT);
        result = deflate(stream, segment->next ? Z_NO_FLUSH : Z_FINISH);
        to->at = (char *)stream->next_out;
    } while (result == Z_OK && (segment->next ? stream->avail_in || !stream->avail_out : true));
}

bool gw__deflate_wire(struct gw__deflate **deflate, const struct gw__wire *from, struct gw__wire *to)
{
    if (!begin_deflate(deflate))
        return false;
    for (const struct gw__wire_segment *segment = from->first; segment && !to->lost; segment = segment->next)
        deflate_segment(&(*deflate)->stream, segment, to);
    return true;
}

void gw__deflate_destroy(struct gw__deflate *deflate)
{
    if (!deflate)
        return;
    deflateEnd(&deflate->stream);
    gw__free(deflate);
}
