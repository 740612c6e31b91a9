/* TApplicationException: how a Thrift server says that there is no result. It is a struct like any other, and is read
 * as it comes, in any encoding. */
#ifndef GW_WIRE_FAULT_H
#define GW_WIRE_FAULT_H

#include "wire/to_binary.h"

enum { GW__THRIFT_FAULT_BYTES = 1024 };

/* A TApplicationException: what follows the header of a message of type EXCEPTION. */
struct gw__thrift_fault {
    int32_t type;
    size_t size; /* of the message */
    char message[GW__THRIFT_FAULT_BYTES]; /* its first bytes, whatever they are */
    uint8_t encoding, step, field;
    bool chunk;     /* another chunk of the message follows this one */
    uint32_t bytes; /* of the message to come */
    struct gw__thrift_in in;
    struct gw__thrift_skip skip;
    struct gw__to_binary to_binary;
};

/* Of a message in that encoding. */
void gw__thrift_fault_init(struct gw__thrift_fault *fault, uint8_t encoding);
void gw__thrift_fault_finish(struct gw__thrift_fault *fault);
/* The next bytes. DONE: the first *taken of them belonged to it. */
enum gw__wire_status gw__thrift_fault_feed(struct gw__thrift_fault *fault, const char *data, size_t size,
                                           size_t *taken);

#endif
