/* Response heads: see fuzz_head.h; and that a head written from the parsed one is the same. */
#include "fuzz_head.h"

static void write_and_parse(const struct gw__head *head)
{
    static struct gw__raw_head raw;
    struct gw__parse_error error;
    size_t room = gw__head_bytes(head);
    char *text = malloc(room), *end = gw__write_fields(gw__write_status_line(text, head), &head->fields);
    size_t size = (size_t)(end - text) + 2;
    CHECK(size <= room);
    memcpy(end, "\r\n", 2);
    char *data = fuzz_copy(text, size);
    free(text);
    CHECK(gw__parse_response(data, size, &fuzz_wide, &raw, &error) == GW__PARSE_OK);
    CHECK(raw.status == head->status && raw.reason_size == head->reason.size);
    CHECK(memcmp(data + raw.reason, head->reason.data, raw.reason_size) == 0);
    CHECK(!raw.chunked && raw.keep_alive && raw.content_length <= 0);
    fuzz_same_fields(head, &raw, data);
    free(data);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    static struct gw__raw_head raw;
    if (size > 4096 || fuzz_cuts(gw__parse_response, gw__parse_response_scalar, input, size, &raw) != GW__PARSE_OK)
        return 0;
    CHECK(raw.status >= 100 && raw.status < 600);
    struct gw__arena arena;
    struct gw__head head = {0};
    gw__arena_init(&arena, NULL);
    char *data = fuzz_copy(input, raw.size);
    CHECK(gw__head_from_response(&head, &raw, data, &arena, size % 3));
    free(data);
    write_and_parse(&head);
    gw__arena_finish(&arena);
    return 0;
}
