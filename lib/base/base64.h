/* Base64 (RFC 4648): the standard alphabet or that which is safe in URLs, with padding or without. */
#ifndef GW_BASE_BASE64_H
#define GW_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum gw__base64_form {
    GW__BASE64_PADDED = 0,
    GW__BASE64_URL = 1,  /* '-' and '_' in place of '+' and '/' */
    GW__BASE64_BARE = 2, /* written without padding; read with or without */
};

/* form: of enum gw__base64_form, or-ed. Writes at most (size + 2) / 3 * 4 characters, unterminated; returns how
 * many. */
size_t gw__base64_encode(char *out, const void *data, size_t size, unsigned form);

/* Decodes text that comes in pieces. Zero it to begin with, but for the form. */
struct gw__base64 {
    uint8_t form;
    uint32_t bits;
    uint8_t count;   /* characters of the group of four so far, padding included */
    uint8_t padding; /* '=' seen */
    bool bad;
};

/* Writes at most (size + 3) / 4 * 3 bytes; returns how many. `out` may be `text` itself if no piece went before. A
 * character out of the alphabet (white space too), wrong padding and bits lost behind the last byte make it `bad`, for
 * good. */
size_t gw__base64_decode(struct gw__base64 *decoder, char *out, const char *text, size_t size);
/* The text has ended: writes the bytes of a last group without padding, at most 2, and returns how many. Afterwards
 * `bad` tells if it was bad or is not complete. */
size_t gw__base64_end(struct gw__base64 *decoder, char *out);

#endif
