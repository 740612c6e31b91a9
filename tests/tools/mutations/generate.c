/* Messages that are right, then mutated where implementations are known to differ: ends of lines, lengths, codings,
 * chunk sizes, blanks, versions, and any byte at all. */
#include "mutations.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof *(a)))
#define PICK(dice, a) ((a)[dice_roll(dice, COUNT(a))])

static const char *const methods[] = {"GET", "GET", "POST", "POST", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH",
                                      "TRACE", "FOO", "FOO", "GET", "POST", "PUT", "CONNECT"};
static const char *const targets[] = {"/", "/a/b?c=d", "/jitter/x", "/jitter/y", "/jitter/z", "http://a/b", "/%2e%2e/x",
                                      "/a//b", "/a%20b", "*", "/a/../b", "/very/long/path/that/goes/on?and=on&on=1"};
static const char *const lines[] = {
    "Accept: */*", "User-Agent: test/1.0", "X-A: b", "Cookie: a=b; c=d", "Expect: 100-continue", "Max-Forwards: 3",
    "Connection: keep-alive", "Connection: close", "Range: bytes=0-1", "If-None-Match: \"x\"", "TE: trailers",
    "X-Empty:",
    "X-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
};
static const char *const nasty_lines[] = {
    "Content-Length: 0", "Content-Length: 5", "Content-Length: 05", "Content-Length: +5", "Content-Length: -5",
    "Content-Length: 5, 5", "Content-Length: 5,6", "Content-Length: 0x5", "Content-Length: 5 5", "Content-Length:",
    "Content-Length : 5", "Content-Length\t: 5", " Content-Length: 5", "Content-Length: 5\v", "Content-Length: 5e0",
    "Content-Length: 18446744073709551621", "Content-Length: 9223372036854775807", "Content-Length: 4294967301",
    "CONTENT-LENGTH: 3", "Content_Length: 5", "Content-Length: 5;", "Content-Length: \"5\"", "X: y\rContent-Length: 5",
    "Transfer-Encoding: chunked", "Transfer-Encoding: Chunked", "Transfer-Encoding:chunked",
    "Transfer-Encoding: chunked ",
    "Transfer-Encoding: identity", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked, gzip",
    "Transfer-Encoding: chunked, chunked", "Transfer-Encoding: xchunked", "Transfer-Encoding: chunkedx",
    "Transfer-Encoding: \vchunked", "Transfer-Encoding: \"chunked\"", "Transfer-Encoding: chunked;q=1",
    "Transfer-Encoding: ,chunked", "Transfer-Encoding: chunked,", "Transfer-Encoding : chunked",
    " Transfer-Encoding: chunked",
    "Transfer-Encoding\t: chunked", "Transfer_Encoding: chunked", "Transfer-Encoding:\tchunked\t", "Transfer-Encoding:",
    "Transfer-Encoding: c\rhunked", "X: y\nTransfer-Encoding: chunked", "Transfer-Encoding: chun\n ked",
    "Connection: Content-Length", "Connection: Transfer-Encoding", "Connection: Host", "Connection: X-Forwarded-For",
    "Connection: close, keep-alive", "Connection: Via, X-A", "Connection: ,,close", "Connection: \"close\"",
    "X-Forwarded-For: 127.0.9.9", "X-Forwarded-For:", "X-Forwarded-For: 127.0.9.9, evil", "Forwarded: for=127.0.9.9",
    "Host: b", "Host:", "Host: a:80", "Host: a, b", "Host : a", "Upgrade: websocket", "Connection: upgrade",
    "Expect: x",
    "Expect: 100-continue, x", "Trailer: Content-Length", "Keep-Alive: timeout=5", "Proxy-Connection: close",
    "Max-Forwards: 0", "HTTP2-Settings: AAMAAABk", ": x", "x", "GET /inner HTTP/1.1", "X:y", "X\x80: y", "X(): y",
};
static const char *const ends[] = {"\n", "\r", "\r\r\n", "\n\r", "\r\n ", "\r\n\t", "\r\n\r\n", "\v\r\n", "",
    " \r\n", "\n\n",
                                   "\r\n\n", "\r \n", "\x85"};
static const char nasty_bytes[] = "\0\t\n\v\f\r ,;:\"%/\\=+-#?*0123456789aAfFgxXzZ\x7f\x80\x85\xa0\xff";
static const char *const sizes[] = {"0", "00", "1", "5;a=b", "5;a=\"b\"", "5;a=\"\r\n\"", "5 ", " 5", "5\t;a", "+5",
    "-5",
                                    "0x5", "5;", "5;a\n", "g", "", "ffffffffffffffff", "10000000000000005", "5,",
    "5\r", "00000005",
                                    "5;\"", "5=", "A", "5 ;a=b", "000000000000000000005", "7fffffffffffffff", "5\v",
    "5;a=b;c"};
static const char *const trailers[] = {"X-T: u\r\n", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n",
    "Host: evil\r\n",
                                       "X : y\r\n", "X: y\n", " folded\r\n", "Connection: close\r\n", "x\r\n"};
static const char *const versions[] = {"HTTP/1.0", "HTTP/1.2", "HTTP/0.9", "HTTP/2.0", "http/1.1", "HTTP/1.1 ",
    "HTTP/01.1", "HTTP/1.",
                                       "", "HTTP/1.10", "HTP/1.1", "HTTP/1.1\t"};

uint32_t dice_roll(struct dice *dice, uint32_t below)
{
    dice->state += 0x9e3779b97f4a7c15u;
    uint64_t z = dice->state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)(((z ^ z >> 31) >> 32) * below >> 32);
}

void text_append(struct text *text, const char *data, size_t size)
{
    if (size > TEXT_BYTES - text->size)
        size = TEXT_BYTES - text->size;
    memcpy(text->data + text->size, data, size);
    text->size += size;
}

void text_print(struct text *text, const char *format, ...)
{
    char piece[4096];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(piece, sizeof piece, format, args);
    va_end(args);
    text_append(text, piece, (size_t)size < sizeof piece ? (size_t)size : sizeof piece - 1);
}

/* Replaces [at, at + gone) by data. */
static void splice(struct text *text, size_t at, size_t gone, const char *data, size_t size)
{
    size_t rest = text->size - at - gone;
    if (text->size - gone + size > TEXT_BYTES / 2)
        return;
    memmove(text->data + at + size, text->data + at + gone, rest);
    memcpy(text->data + at, data, size);
    text->size = at + size + rest;
}

static size_t any_place(struct dice *dice, const struct text *text)
{
    return dice_roll(dice, (uint32_t)text->size + 1);
}

/* Behind a random one of the marks, or the text's size. */
static size_t behind(struct dice *dice, const struct text *text, const char *mark)
{
    size_t size = strlen(mark), found = text->size;
    uint32_t count = 0;
    for (size_t i = 0; i + size <= text->size; i++)
        if (memcmp(text->data + i, mark, size) == 0 && dice_roll(dice, ++count) == 0)
            found = i + size;
    return found;
}

static void add_chunks(struct dice *dice, struct text *text)
{
    for (uint32_t left = dice_roll(dice, 4); left; left--) {
        uint32_t size = 1 + dice_roll(dice, dice_roll(dice, 8) ? 24 : 3000);
        text_print(text, "%x%s\r\n", size, dice_roll(dice, 4) ? "" : ";x=y");
        for (uint32_t i = 0; i < size; i++)
            text_append(text, &"0\r\n5G:abc"[dice_roll(dice, 9)], 1);
        text_print(text, "\r\n");
    }
    text_print(text, "0\r\n%s\r\n", dice_roll(dice, 4) ? "" : trailers[dice_roll(dice, 2)]);
}

static void add_good(struct dice *dice, struct text *text)
{
    const char *method = PICK(dice, methods);
    text_print(text, "%s %s HTTP/1.1\r\nHost: a\r\n", method, PICK(dice, targets));
    for (uint32_t left = dice_roll(dice, 4); left; left--)
        text_print(text, "%s\r\n", PICK(dice, lines));
    uint32_t body = dice_roll(dice, 3), size = dice_roll(dice, dice_roll(dice, 8) ? 60 : 5000);
    if (body == 0 && dice_roll(dice, 4)) {
        text_print(text, "\r\n");
    } else if (body == 1) {
        text_print(text, "Content-Length: %u\r\n\r\n", size);
        for (uint32_t i = 0; i < size; i++)
            text_append(text, &"0\r\n5G:abc"[dice_roll(dice, 9)], 1);
    } else {
        text_print(text, "Transfer-Encoding: chunked\r\n\r\n");
        add_chunks(dice, text);
    }
}

static void mutate_line(struct dice *dice, struct text *text)
{
    size_t start = behind(dice, text, "\r\n");
    char *end = memmem(text->data + start, text->size - start, "\r\n", 2);
    size_t size = end ? (size_t)(end - text->data) - start + 2 : text->size - start;
    char line[4096];
    if (size > sizeof line)
        return;
    memcpy(line, text->data + start, size);
    switch (dice_roll(dice, 3)) {
    case 0: splice(text, start, size, "", 0); break;
    case 1: splice(text, start, 0, line, size); break;
    default:
        splice(text, start, size, "", 0);
        splice(text, behind(dice, text, "\r\n"), 0, line, size);
    }
}

static void mutate_bytes(struct dice *dice, struct text *text)
{
    size_t at = any_place(dice, text), span = dice_roll(dice, 5);
    const char *byte = &nasty_bytes[dice_roll(dice, sizeof nasty_bytes - 1)];
    char copy[4];
    if (span > text->size - at)
        span = text->size - at;
    switch (dice_roll(dice, 4)) {
    case 0: splice(text, at, 0, byte, 1); break;
    case 1: splice(text, at, span ? 1 : 0, byte, 1); break;
    case 2: splice(text, at, span, "", 0); break;
    default:
        memcpy(copy, text->data + at, span);
        splice(text, at, 0, copy, span);
    }
}

static void mutate_number(struct dice *dice, struct text *text)
{
    size_t at = behind(dice, text, dice_roll(dice, 2) ? "Content-Length: " : "\r\n");
    if (at < text->size && text->data[at] >= '0' && text->data[at] <= '9')
        splice(text, at, 1, &nasty_bytes[dice_roll(dice, sizeof nasty_bytes - 1)], 1);
}

static void mutate_large(struct dice *dice, struct text *text)
{
    static char filler[9000];
    static struct text fields;
    memset(filler, 'a', sizeof filler);
    fields.size = 0;
    switch (dice_roll(dice, 8)) {
    case 0: splice(text, any_place(dice, text), 0, filler, sizeof filler); break;
    case 1:
        for (int i = 0; i < 300; i++)
            text_print(&fields, "X: y\r\n");
        splice(text, behind(dice, text, "\r\n"), 0, fields.data, fields.size);
        break;
    default: splice(text, any_place(dice, text), 0, filler, 1 + dice_roll(dice, 200));
    }
}

static void mutate(struct dice *dice, struct text *text)
{
    static const char inner[] = "GET /inner HTTP/1.1\r\nHost: a\r\n\r\n";
    char line[256];
    const char *piece;
    size_t at;
    switch (dice_roll(dice, 12)) {
    case 0:
    case 1:
        snprintf(line, sizeof line, "%s\r\n", PICK(dice, nasty_lines));
        splice(text, behind(dice, text, "\r\n"), 0, line, strlen(line));
        break;
    case 2: mutate_line(dice, text); break;
    case 3:
        at = behind(dice, text, "\r\n");
        piece = PICK(dice, ends);
        if (at >= 2)
            splice(text, at - 2, at == text->size ? 0 : 2, piece, strlen(piece));
        break;
    case 4:
    case 5: mutate_bytes(dice, text); break;
    case 6: mutate_number(dice, text); break;
    case 7:
        at = behind(dice, text, ":");
        splice(text, at ? at - dice_roll(dice, 2) : 0, 0, &nasty_bytes[dice_roll(dice, 9)], 1);
        break;
    case 8:
        at = behind(dice, text, " HTTP/1.1");
        piece = PICK(dice, versions);
        if (at < text->size)
            splice(text, at - 8, 8, piece, strlen(piece));
        break;
    case 9:
        snprintf(line, sizeof line, "%s%s", dice_roll(dice, 2) ? PICK(dice, sizes) : PICK(dice, trailers),
                 dice_roll(dice, 2) ? "\r\n" : "");
        splice(text, behind(dice, text, "\r\n"), 0, line, strlen(line));
        break;
    case 10:
        at = dice_roll(dice, 2) ? text->size : any_place(dice, text);
        splice(text, at, dice_roll(dice, 4) ? 0 : text->size - at, inner, sizeof inner - 1);
        break;
    default:
        if (dice_roll(dice, 4) == 0)
            mutate_large(dice, text);
        else if (dice_roll(dice, 2))
            text->size = any_place(dice, text);
    }
}

void generate_request(struct dice *dice, struct text *text)
{
    static const uint8_t counts[] = {0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 3, 5};
    text->size = 0;
    add_good(dice, text);
    if (dice_roll(dice, 6) == 0)
        add_good(dice, text);
    for (uint32_t left = PICK(dice, counts); left; left--)
        mutate(dice, text);
}

static void add_good_answer(struct dice *dice, struct text *text, uint64_t number)
{
    static const char *const status_lines[] = {"200 OK", "200 OK", "200 OK", "404 Not Found", "204 No Content",
                                               "304 Not Modified", "500 X", "200", "299 "};
    static const char *const fields[] = {"Server: up", "X-A: b", "Connection: close", "Connection: keep-alive",
                                         "Content-Type: text/plain", "Trailer: X-T", "Keep-Alive: timeout=5"};
    while (dice_roll(dice, 8) == 0)
        text_print(text, "HTTP/1.1 %s\r\nX: y\r\n\r\n", dice_roll(dice, 2) ? "103 Early Hints" : "100 Continue");
    text_print(text, "HTTP/1.1 %s\r\n", PICK(dice, status_lines));
    for (uint32_t left = dice_roll(dice, 4); left; left--)
        text_print(text, "%s\r\n", PICK(dice, fields));
    char own[40];
    int size = snprintf(own, sizeof own, "answer %llu", (unsigned long long)number);
    switch (dice_roll(dice, 3)) {
    case 0: text_print(text, "\r\n%s", own); break;
    case 1: text_print(text, "Content-Length: %d\r\n\r\n%s", size, own); break;
    default:
        text_print(text, "Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", (unsigned)size, own);
        add_chunks(dice, text);
    }
}

void generate_answer(struct dice *dice, struct text *text, uint64_t number)
{
    static const uint8_t counts[] = {0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 3, 5};
    text->size = 0;
    add_good_answer(dice, text, number);
    if (dice_roll(dice, 8) == 0)
        add_good_answer(dice, text, number);
    for (uint32_t left = PICK(dice, counts); left; left--)
        mutate(dice, text);
}
