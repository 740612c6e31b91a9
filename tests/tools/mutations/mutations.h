/* Mutated HTTP/1.1 messages, and an own opinion of how bytes are framed into messages: strict, byte by byte, and
 * without a line of the library's. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_BYTES 32768

struct text {
    char data[TEXT_BYTES];
    size_t size;
};

/* Appends what fits. */
void text_append(struct text *text, const char *data, size_t size);
void text_print(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct dice {
    uint64_t state;
};

/* A number from 0 to below - 1. */
uint32_t dice_roll(struct dice *dice, uint32_t below);

/* A request, mutated up to six times; sometimes more than one, sometimes not all of one. */
void generate_request(struct dice *dice, struct text *text);

/* An answer to it, mutated likewise; its body names the number. */
void generate_answer(struct dice *dice, struct text *text, uint64_t number);

enum frame_kind {
    FRAME_WHOLE,
    FRAME_MORE,     /* the bytes end within it */
    FRAME_BAD_HEAD, /* must be refused */
    FRAME_BAD_BODY, /* must be refused, but its head may have gone on */
};

struct frame {
    enum frame_kind kind;
    size_t size; /* all of it, if whole */
    char method[16];
    bool keep_alive, chunked, until_close;
    int status;
    uint64_t body_size, body_hash;
};

/* The request that data begins with. */
struct frame frame_request(const char *data, size_t size);

/* The answer that data begins with, interim ones before it included. Whole if it lasts until the connection closes. */
struct frame frame_answer(const char *data, size_t size, bool to_head);

/* Where the line that begins at `from` ends (its CR); -1 if its end is not there, -2 if it must be refused. */
long line_end(const char *data, size_t size, size_t from);
