/* Parses what comes on standard input as a stream of HTTP/1 messages and tells what it finds:
 * http_probe request|response
 *
 * A line for each event: "head END METHOD-OR-STATUS", "body BYTES" (of a piece), "message END"; the last is "refused
 * STATUS REASON", "more" (the input ends within a message), "close" (within a body that lasts until then) or "done". */
#include "http/parse.h"

#include <stdio.h>
#include <stdlib.h>

static const struct gw__parse_limits limits = {8192, 65535, 100};
static struct gw__raw_head raw;
static struct gw__parse_error error;
static const char *start, *at, *end;

static const char *refuse(void)
{
    printf("refused %d %s\n", error.status, error.reason);
    return NULL;
}

static const char *take_head(bool request, struct gw__head *head, struct gw__arena *arena)
{
    size_t size = (size_t)(end - at);
    enum gw__parse_result result = request ? gw__parse_request(at, size, &limits, &raw, &error)
                                           : gw__parse_response(at, size, &limits, &raw, &error);
    if (result == GW__PARSE_OK && request)
        result = gw__head_from_request(head, &raw, at, arena, 0, false, &error);
    else if (result == GW__PARSE_OK && !gw__head_from_response(head, &raw, at, arena, 0))
        return NULL;
    if (result == GW__PARSE_BAD)
        return refuse();
    if (result == GW__PARSE_MORE)
        return "more";
    at += raw.size;
    printf("head %td ", at - start);
    if (request)
        printf("%.*s\n", (int)head->method.size, head->method.data);
    else
        printf("%d\n", head->status);
    return "";
}

static const char *take_chunked(void)
{
    struct gw__chunked decoder = {0};
    struct gw__str piece;
    enum gw__chunked_result result;
    while ((result = gw__chunked_next(&decoder, &at, end, &piece)) == GW__CHUNKED_DATA)
        printf("body %zu\n", piece.size);
    if (result == GW__CHUNKED_MORE)
        return "more";
    error = (struct gw__parse_error){400, "bad chunk"};
    enum gw__parse_result trailers = GW__PARSE_BAD;
    if (result == GW__CHUNKED_TRAILERS)
        trailers = gw__parse_trailers(at, (size_t)(end - at), &limits, &raw, &error);
    if (trailers == GW__PARSE_BAD)
        return refuse();
    if (trailers == GW__PARSE_MORE)
        return "more";
    at += raw.size;
    return "";
}

static const char *take_body(const struct gw__head *head)
{
    if (head->chunked)
        return take_chunked();
    if (head->status == 304)
        return "";
    int64_t rest = end - at, size = head->content_length;
    if (size < 0 || size > rest)
        size = rest;
    if (size)
        printf("body %lld\n", (long long)size);
    at += size;
    return head->content_length < 0 ? "close" : head->content_length > size ? "more" : "";
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    static char buffer[1 << 20];
    size_t size = fread(buffer, 1, sizeof buffer, stdin);
    char *input = malloc(size ? size : 1); /* ends where its block does */
    if (!input)
        return 1;
    memcpy(input, buffer, size);
    start = at = input;
    end = input + size;
    const char *state = "";
    struct gw__arena arena;
    gw__arena_init(&arena, NULL);
    while (state && !*state && at < end) {
        struct gw__head head = {0};
        state = take_head(strcmp(argv[1], "request") == 0, &head, &arena);
        if (state && !*state)
            state = take_body(&head);
        if (state && !*state)
            printf("message %td\n", at - start);
    }
    gw__arena_finish(&arena);
    free(input);
    if (state)
        puts(*state ? state : "done");
    return 0;
}
