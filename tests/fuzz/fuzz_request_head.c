/* Request heads: see fuzz_head.h; and that a normalised path is normal, and a head written from the parsed one is the
 * same. */
#include "fuzz_head.h"
#include "http/uri.h"

static void check_path(const struct gw__head *head, struct gw__arena *arena)
{
    CHECK(head->path.size > 0);
    CHECK(gw__path_normalise(head->path, arena).data == head->path.data);
    struct gw__target again;
    CHECK(gw__target_split(head->path, &again));
    CHECK(again.path.size == head->path.size && !again.has_query);
    CHECK(memchr(head->path.data, '\0', head->path.size) == NULL);
    CHECK(head->path.size < 3 || !memmem(head->path.data, head->path.size, "/../", 4));
}

static void write_and_parse(struct gw__head *head, struct gw__arena *arena)
{
    static struct gw__raw_head raw;
    struct gw__parse_error error;
    if (!gw__fields_find_id(&head->fields, GW__FIELD_HOST))
        CHECK(gw__fields_add(&head->fields, arena, "Host", 4, "a", 1));
    size_t room = gw__head_bytes(head);
    char *text = malloc(room), *end = gw__write_fields(gw__write_request_line(text, head), &head->fields);
    size_t size = (size_t)(end - text) + 2;
    CHECK(size <= room);
    memcpy(end, "\r\n", 2);
    char *data = fuzz_copy(text, size);
    free(text);
    struct gw__head again = {0};
    CHECK(gw__parse_request(data, size, &fuzz_wide, &raw, &error) == GW__PARSE_OK);
    CHECK(gw__head_from_request(&again, &raw, data, arena, 0, false, &error) == GW__PARSE_OK);
    CHECK(raw.minor == 1 && !raw.chunked && raw.content_length == -1 && raw.method_id == head->method_id);
    CHECK(gw__str_equal(again.method, head->method) && gw__str_equal(again.path, head->path));
    CHECK(gw__str_equal(again.query, head->query) && again.has_query == head->has_query);
    CHECK(head->host.size == 0 || gw__str_equal(again.host, head->host) || head->minor == 0);
    fuzz_same_fields(head, &raw, data);
    free(data);
}

/* Whatever is wrong, what is told of it is a method, and a normal path or none. */
static void tell_refused(const uint8_t *input, size_t size)
{
    struct gw__arena arena;
    struct gw__head head = {0};
    gw__arena_init(&arena, NULL);
    char *data = fuzz_copy(input, size);
    gw__head_from_refused(&head, (struct gw__str){data, size}, 512, size % 5 == 0, &arena);
    free(data); /* all is copied */
    CHECK(!head.method.size || (gw__is_token(head.method.data, head.method.size) && head.method.size < 512));
    CHECK(head.method.size || !head.path.size);
    if (head.path.size)
        check_path(&head, &arena);
    gw__arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    static struct gw__raw_head raw;
    if (size <= 4096)
        tell_refused(input, size);
    if (size > 4096 || fuzz_cuts(gw__parse_request, gw__parse_request_scalar, input, size, &raw) != GW__PARSE_OK)
        return 0;
    struct gw__arena arena;
    struct gw__head head = {0};
    struct gw__parse_error error = {0};
    gw__arena_init(&arena, NULL);
    char *data = fuzz_copy(input, raw.size);
    enum gw__parse_result result = gw__head_from_request(&head, &raw, data, &arena, size % 3, size % 5 == 0, &error);
    free(data); /* all is copied */
    CHECK((result == GW__PARSE_BAD) == (error.reason != NULL));
    if (result == GW__PARSE_OK) {
        CHECK(!head.chunked || head.content_length == -1);
        CHECK(head.has_body == (head.chunked || head.content_length > 0));
        CHECK(head.host.size == 0 ? head.minor == 0 : gw__host_valid(head.host));
        check_path(&head, &arena);
        write_and_parse(&head, &arena);
    }
    gw__arena_finish(&arena);
    return 0;
}
