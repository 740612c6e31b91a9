/* Header of a Thrift message in any encoding: what stands in front of its arguments, result or exception. A reader
 * knows the encoding by the first byte. Behind a message in JSON a bracket closes; who reads or writes the value in
 * front of it takes care of that (`in_message` of encode, decode and fault). */
#ifndef GW_WIRE_MESSAGE_H
#define GW_WIRE_MESSAGE_H

#include "base/str.h"
#include "wire/buffer.h"

/* 0 is BINARY, too. */
enum gw__encoding {
    GW__ENCODING_BINARY = 1, /* with the strict header */
    GW__ENCODING_BINARY_OLD, /* the same values behind the header without version */
    GW__ENCODING_COMPACT,
    GW__ENCODING_JSON,
};

enum gw__message_type {
    GW__MESSAGE_CALL = 1,
    GW__MESSAGE_REPLY = 2,
    GW__MESSAGE_EXCEPTION = 3,
    GW__MESSAGE_ONEWAY = 4,
};

enum { GW__MESSAGE_NAME_BYTES = 4096 };

struct gw__message {
    uint8_t encoding; /* enum gw__encoding */
    uint8_t type;     /* enum gw__message_type */
    struct gw__str name; /* an identifier, perhaps of several parts: nothing that JSON would escape */
    int32_t sequence;
};

enum gw__wire_status {
    GW__WIRE_MORE, /* all was taken, and it goes on */
    GW__WIRE_DONE, /* complete */
    GW__WIRE_BAD,
};

/* Values of the encoding are those of Thrift binary. */
static inline bool gw__encoding_is_binary(uint8_t encoding)
{
    return encoding != GW__ENCODING_COMPACT && encoding != GW__ENCODING_JSON;
}

void gw__message_put(struct gw__wire *wire, const struct gw__message *message);
/* The header that the bytes begin with; *taken: its length. The name lies in the bytes. Wants it whole: MORE takes
 * nothing, BAD comes as soon as what is there can't become a header. */
enum gw__wire_status gw__message_get(const char *bytes, size_t size, struct gw__message *message, size_t *taken);
/* The most bytes of a header with a name of that size, in any encoding, unless a JSON one is padded with blanks. */
size_t gw__message_most_bytes(size_t name_size);
/* The old binary header begins with the length of the name, and much that is no message looks like one: false if it is
 * another name's. */
static inline bool gw__message_fits_name(const char *bytes, size_t size, size_t name_size)
{
    return size < 4 || bytes[0] || gw__wire_get32(bytes) == name_size;
}

#endif
