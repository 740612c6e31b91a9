/* The zlib transform of THeader. Inflating gives a window's bytes at a time, so that a small input that stands for
 * much takes no more memory than any other. The memory of both directions is kept from one message to the next. */
#ifndef GW_WIRE_ZLIB_H
#define GW_WIRE_ZLIB_H

#include "base/str.h"
#include "wire/buffer.h"

struct gw__inflate;
struct gw__deflate;

enum gw__inflate_status {
    GW__INFLATE_MORE,  /* all of the input was taken */
    GW__INFLATE_PIECE, /* *piece, valid until the next call; there may be more without further input */
    GW__INFLATE_END,   /* the stream is complete and its checksum right; input behind it was not taken */
    GW__INFLATE_BAD,
    GW__INFLATE_NO_MEMORY,
};

/* Makes *inflate if that is NULL, and begins a stream. False when out of memory. */
bool gw__inflate_begin(struct gw__inflate **inflate);
enum gw__inflate_status gw__inflate_next(struct gw__inflate *self, const char **data, const char *end,
                                         struct gw__str *piece);
void gw__inflate_destroy(struct gw__inflate *inflate); /* may be NULL */

/* Appends what a settled wire holds, compressed. Makes *deflate if that is NULL. False when out of memory; look at
 * `lost` of `to` besides. */
bool gw__deflate_wire(struct gw__deflate **deflate, const struct gw__wire *from, struct gw__wire *to);
void gw__deflate_destroy(struct gw__deflate *deflate); /* may be NULL */

#endif
