/* What a gateway answers is framed by a length or in chunks: an answer that breaks off is told from one that ends. */
#include "http.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { MAX_HEAD_BYTES = 1 << 20, READ_BYTES = 64 << 10 };

void bytes_add(struct bytes *bytes, const char *data, size_t size)
{
    if (bytes->lost)
        return;
    if (bytes->capacity - bytes->size <= size) {
        size_t capacity = 2 * bytes->capacity + size + 256;
        char *moved = realloc(bytes->data, capacity);
        bytes->lost = !moved;
        if (!moved)
            return;
        bytes->data = moved;
        bytes->capacity = capacity;
    }
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
    bytes->data[bytes->size] = '\0';
}

void bytes_print(struct bytes *bytes, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int size = vasprintf(&text, format, args);
    va_end(args);
    if (size >= 0)
        bytes_add(bytes, text, (size_t)size);
    else
        bytes->lost = true;
    if (size >= 0)
        free(text);
}

void bytes_free(struct bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct bytes){0};
}

/* ---- one answer */

/* The value of a field of the head, NULL if it is absent. */
static const char *field(const struct http_reader *reader, const char *name)
{
    size_t size = strlen(name);
    for (const char *line = strstr(reader->head.data, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, size) == 0 && line[size] == ':')
            return line + size + 1 + strspn(line + size + 1, " \t");
    }
    return NULL;
}

static void end_head(struct http_reader *reader)
{
    int status;
    reader->state = HTTP_BAD;
    if (sscanf(reader->head.data, "HTTP/1.%*1[01] %3d", &status) != 1)
        return;
    reader->status = status;
    const char *length = field(reader, "Content-Length"), *coding = field(reader, "Transfer-Encoding");
    const char *connection = field(reader, "Connection");
    reader->closes = connection && strncasecmp(connection, "close", 5) == 0;
    if (coding)
        reader->state = HTTP_CHUNK_SIZE;
    else if (length && (reader->left = strtoull(length, NULL, 10)) != 0)
        reader->state = HTTP_LENGTH;
    else if (length || status == 204)
        reader->state = HTTP_DONE;
}

static void take_head(struct http_reader *reader, char byte)
{
    bytes_add(&reader->head, &byte, 1);
    size_t size = reader->head.size;
    if (reader->head.lost || size > MAX_HEAD_BYTES)
        reader->state = HTTP_BAD;
    else if (size >= 4 && memcmp(reader->head.data + size - 4, "\r\n\r\n", 4) == 0)
        end_head(reader);
}

static void end_line(struct http_reader *reader)
{
    char *end;
    reader->line[reader->line_size] = '\0';
    if (reader->state == HTTP_CHUNK_SIZE) {
        reader->left = strtoull(reader->line, &end, 16);
        reader->state = end == reader->line ? HTTP_BAD : reader->left ? HTTP_CHUNK : HTTP_TRAILER;
    } else if (reader->state == HTTP_CHUNK_END) {
        reader->state = reader->line_size ? HTTP_BAD : HTTP_CHUNK_SIZE;
    } else if (reader->line_size == 0) {
        reader->state = HTTP_DONE;
    }
    reader->line_size = 0;
}

static void take_line(struct http_reader *reader, char byte)
{
    if (byte == '\n')
        end_line(reader);
    else if (byte != '\r' && reader->line_size < sizeof reader->line - 1)
        reader->line[reader->line_size++] = byte;
}

static size_t take_body(struct http_reader *reader, const char *data, size_t size)
{
    size_t count = reader->left < size ? (size_t)reader->left : size;
    if (reader->on_body)
        reader->on_body(reader->user, data, count);
    reader->left -= count;
    if (!reader->left)
        reader->state = reader->state == HTTP_CHUNK ? HTTP_CHUNK_END : HTTP_DONE;
    return count;
}

size_t http_read(struct http_reader *reader, const char *data, size_t size)
{
    size_t at = 0;
    while (at < size && reader->state < HTTP_DONE) {
        if (reader->state == HTTP_HEAD)
            take_head(reader, data[at++]);
        else if (reader->state == HTTP_LENGTH || reader->state == HTTP_CHUNK)
            at += take_body(reader, data + at, size - at);
        else
            take_line(reader, data[at++]);
    }
    return at;
}

/* ---- blocking */

int http_connect(const char *path, int seconds)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = seconds};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* What is not taken is no failure: an answer may come before the request has gone. */
static void send_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return;
        data += sent;
        size -= (size_t)sent;
    }
}

bool http_ask(int fd, const char *request, size_t size, struct http_reader *reader)
{
    char piece[READ_BYTES];
    send_all(fd, request, size);
    while (reader->state < HTTP_DONE) {
        ssize_t count = recv(fd, piece, sizeof piece, 0);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0) {
            errno = count < 0 ? errno : ECONNRESET;
            return false;
        }
        http_read(reader, piece, (size_t)count);
    }
    if (reader->state == HTTP_BAD)
        errno = EPROTO;
    return reader->state == HTTP_DONE;
}
