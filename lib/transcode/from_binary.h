/* The arguments of a call, encoded as Thrift binary, to another encoding. Driven by the schema: binary does not tell
 * text from bytes. What it writes is what Apache's Python library writes, byte for byte, but for control characters in
 * JSON, which JSON does not allow as they are. */
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

struct gw__from_binary {
    const struct gw__encoding_writer *writer;
    struct gw__wire *wire;
    struct gw__wire_segment *segment, *kept; /* of the input: that which is read, the last before it that is kept */
    struct gw__thrift_in in;
    int16_t id, previous; /* of the field that begins, and of that before it in the record: 0 if it is the first */
    bool in_field;     /* compact: the header of a bool field is still to be written, with its value */
    bool is_key;       /* of a map */
    bool comma;        /* JSON: what comes next needs one */
    uint8_t rest_size; /* base64: of less than three bytes */
    char rest[3];
};

/* Appends the struct of that type, which is all that stands in `plain`, to `wire`: look at its `lost`. Of `plain` the
 * segments that a reset would not keep may be freed on the way. */
void gw__from_binary(struct gw__wire *plain, const struct gw__type *type, const struct gw__encoding_writer *writer,
                     struct gw__wire *wire);

extern const struct gw__encoding_writer gw__compact_writer, gw__json_writer;

#endif
