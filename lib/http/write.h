/* HTTP/1.1 heads to bytes, from the one parse of them. Chunk framing. */
#ifndef GW_HTTP_WRITE_H
#define GW_HTTP_WRITE_H

#include "http/head.h"

/* Bytes that `gw__write_fields` and a start line may need at most. */
size_t gw__head_bytes(const struct gw__head *head);

/* "METHOD path?query HTTP/1.1\r\n", or "HTTP/1.1 200 OK\r\n" (where reason.data is NULL, gw__reason's). Returns the
 * end. There must be room. */
char *gw__write_request_line(char *out, const struct gw__head *head);
char *gw__write_status_line(char *out, const struct gw__head *head);
/* "Name: value\r\n" for every field without .hop. */
char *gw__write_fields(char *out, const struct gw__fields *fields);
/* "Content-Length: 1\r\n"; at most 38 bytes. */
char *gw__write_length(char *out, uint64_t length);
char *gw__write_field(char *out, const char *name, size_t name_size, const char *value, size_t value_size);
/* "1f\r\n"; at most 18 bytes. */
char *gw__write_chunk_size(char *out, uint64_t size);

#endif
