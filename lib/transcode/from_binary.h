/* The arguments of a call, encoded as Thrift binary, to another encoding, as they come. Driven by the schema: binary
 * does not tell text from bytes. What it writes is what Apache's Python library writes, byte for byte, but for control
 * characters in JSON, which JSON does not allow as they are. */
#ifndef GW_TRANSCODE_FROM_BINARY_H
#define GW_TRANSCODE_FROM_BINARY_H

#include "schema/schema.h"
#include "wire/thrift.h"

struct gw__from_binary;

/* An encoding. Values come in the order in which they are written; bytes are those of binary. */
struct gw__encoding_writer {
    void (*begin_record)(struct gw__from_binary *pass);
    void (*begin_field)(struct gw__from_binary *pass, const struct gw__type *type); /* `id` is its */
    void (*end_field)(struct gw__from_binary *pass);
    void (*end_record)(struct gw__from_binary *pass);
    void (*begin_items)(struct gw__from_binary *pass, const struct gw__type *type, uint32_t count);
    void (*end_items)(struct gw__from_binary *pass, const struct gw__type *type);
    void (*scalar)(struct gw__from_binary *pass, const struct gw__type *type, const char *bytes); /* of fixed size */
    void (*begin_string)(struct gw__from_binary *pass, const struct gw__type *type, uint32_t size);
    void (*string_piece)(struct gw__from_binary *pass, const struct gw__type *type, const char *bytes, size_t size);
    void (*end_string)(struct gw__from_binary *pass, const struct gw__type *type);
};

/* The count of a container whose end is told by gw__from_binary_end_items(). Its head is written with that, the largest
 * there is, and made shorter in the end. */
#define GW__FROM_BINARY_OPEN UINT32_MAX

enum { GW__FROM_BINARY_FRAMES = 24 /* more than that many are allocated */ };

struct gw__from_binary_frame {
    const struct gw__type *type;
    uint32_t left;     /* container: elements or entries to come, or GW__FROM_BINARY_OPEN */
    int16_t previous;  /* record: the field before; 0 if there is none */
    bool second;       /* record: a field has begun; map: the value comes, not a key */
    bool comma;        /* open: as it was before the head */
    uint8_t head_size; /* open: of the head, which stands at `head` */
    char *head;
    struct gw__wire_segment *segment; /* that has it */
};

struct gw__from_binary {
    const struct gw__encoding_writer *writer;
    struct gw__wire *wire;
    const char *at, *end;        /* input */
    const struct gw__type *type; /* of the value that comes or, if a string, is passed on */
    uint32_t left;               /* bytes of the string */
    uint8_t step;
    int16_t id, previous; /* of the field that begins, and of that before it in the record: 0 if it is the first */
    bool in_field;     /* compact: the header of a bool field is still to be written, with its value */
    bool is_key;       /* of a map */
    bool comma;        /* JSON: what comes next needs one */
    uint8_t rest_size; /* base64: of less than three bytes */
    char rest[3];
    unsigned depth, capacity;
    struct gw__from_binary_frame *frames; /* `few`, or allocated */
    struct gw__from_binary_frame few[GW__FROM_BINARY_FRAMES];
};

/* A struct of that type is to be appended to `wire`: look at its `lost`, which is set where memory was out, too. */
void gw__from_binary_init(struct gw__from_binary *pass, const struct gw__type *type,
                          const struct gw__encoding_writer *writer, struct gw__wire *wire);
void gw__from_binary_finish(struct gw__from_binary *pass);
/* The next bytes, cut between two values or inside a string. */
void gw__from_binary_feed(struct gw__from_binary *pass, const char *bytes, size_t size);
/* The innermost container, which is open, has ended, and had that many elements or entries. */
void gw__from_binary_end_items(struct gw__from_binary *pass, uint32_t count);

extern const struct gw__encoding_writer gw__compact_writer, gw__json_writer;

#endif
