/* Base64 (RFC 4648, the standard alphabet, padded). */
#ifndef GW_BASE_BASE64_H
#define GW_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes (size + 2) / 3 * 4 characters, unterminated; returns how many. */
size_t gw__base64_encode(char *out, const void *data, size_t size);

/* Decodes text that comes in pieces. Zero it to begin with. */
struct gw__base64 {
    uint32_t bits;
    uint8_t count;   /* characters of the group of four so far, padding included */
    uint8_t padding; /* '=' seen */
    bool bad;
};

/* Writes at most (size + 3) / 4 * 3 bytes; returns how many. `out` may be `text` itself if no piece went before. A
 * character out of the alphabet (white space too), wrong padding and bits lost behind the last byte make it `bad`, for
 * good. */
size_t gw__base64_decode(struct gw__base64 *decoder, char *out, const char *text, size_t size);
/* The text has ended; false if it was bad or is not complete. */
static inline bool gw__base64_ended(const struct gw__base64 *decoder)
{
    return !decoder->bad && decoder->count == 0;
}

#endif
