/* Frames: what stands in front of a message on a connection, whatever the message's own encoding. Answers may come in
 * pieces, cut anywhere; which frame they are in is told by their bytes. Nothing is allocated but a header that comes
 * in pieces, as it comes, and what zlib needs; both are kept for the next answer. No I/O. */
#ifndef GW_WIRE_FRAME_H
#define GW_WIRE_FRAME_H

#include "wire/zlib.h"

enum gw__frame_shape {
    GW__FRAME_UNKNOWN,
    GW__FRAME_NONE,   /* unframed: its end is known to who reads the message */
    GW__FRAME_LENGTH, /* framed */
    GW__FRAME_THEADER,
    GW__FRAME_TTHEADER,
};

enum { GW__FRAME_LENGTH_BYTES = 4, GW__FRAME_ID_BYTES = 12 };

/* The length of a frame. */
void gw__frame_put_length(struct gw__wire *wire, uint64_t payload);
/* The header of a THeader frame. protocol: 0 binary, 2 compact. zlib: the payload is compressed. */
void gw__theader_put(struct gw__wire *wire, uint8_t protocol, bool zlib, uint32_t sequence, uint64_t payload);

enum gw__frame_event {
    GW__FRAME_MORE,    /* all was taken, and it goes on */
    GW__FRAME_ENTRIES, /* TTHeader's entries are in `entries`, until the next call */
    GW__FRAME_PIECE,   /* bytes of the message, until the next call */
    GW__FRAME_END,     /* the message has no more bytes; of an unframed one this is never said */
    GW__FRAME_BAD,
    GW__FRAME_NO_MEMORY,
};

/* Read the first part; the rest is for frame.c alone. Zero it before the first use. */
struct gw__frame_reader {
    const char *why;        /* of BAD; static */
    struct gw__str entries; /* for struct gw__ttheader_walk */
    uint64_t left;          /* bytes of the frame that have not been taken; UINT64_MAX, less some: unframed */
    uint32_t sequence;      /* of THeader and TTHeader */
    uint8_t shape;          /* enum gw__frame_shape */
    bool zlib;              /* the payload is compressed */
    uint8_t step, held_size, held_at;
    char held[16];          /* what was short of a whole */
    uint32_t header;        /* bytes of THeader's or TTHeader's header behind the fixed part */
    char *kept;             /* of that header, what has come */
    size_t kept_size, capacity;
    struct gw__inflate *inflate;
};

/* Begins another answer. */
void gw__frame_reset(struct gw__frame_reader *reader);
/* Frees its memory; it may be reset and used again. */
void gw__frame_finish(struct gw__frame_reader *reader);
/* One step; takes from *data. *piece is set by PIECE. */
enum gw__frame_event gw__frame_next(struct gw__frame_reader *reader, const char **data, const char *end,
                                    struct gw__str *piece);

/* A frame that begins with a length and has an id, THeader or TTHeader, of which the first bytes have come: DONE with
 * both; MORE, fewer than GW__FRAME_ID_BYTES bytes came; BAD: it is no such frame. *size counts from its first byte. */
enum gw__frame_event gw__frame_id(const char *bytes, size_t count, uint64_t *size, uint32_t *id);

#endif
