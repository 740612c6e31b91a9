/* What a request of many megabytes takes of memory while it is encoded: little more than what is sent. Counted is what
 * the allocator gives out. */
#include "wire_types.h"
#include "unit.h"

#include <gateway/error.h>

static const char idl[] =
    "struct Row { 1: i64 id; 2: string name; 3: list<bool> flags; 4: Row row; 5: set<i16> smalls }\n"
    "service Large {\n"
    "  void call(1: list<i32> numbers, 2: list<string> texts, 3: list<Row> rows, 4: list<map<string, i64>> maps,\n"
    "    5: map<string, i64> map, 6: string text, 7: set<i32> numbers_once, 8: list<list<list<i64>>> deep,\n"
    "    9: list<binary> blobs)\n"
    "}\n";

enum {
    MEBI = 1 << 20,
    PIECE_BYTES = 64 << 10,
    CONSTANT_BYTES = 96 << 10, /* what is being encoded */
    SEGMENT_BYTES = MEBI,      /* the last one may not have been filled */
    PER_ELEMENT = 16,          /* of a set or map, to find what is twice */
};

static size_t in_use, most;

static void *count(size_t *block, size_t size)
{
    if (!block)
        return NULL;
    *block = size;
    in_use += size;
    most = most > in_use ? most : in_use;
    return block + 2;
}

static void *counted_malloc(size_t size)
{
    return count(malloc(size + 2 * sizeof(size_t)), size);
}

static void counted_free(void *memory)
{
    if (!memory)
        return;
    size_t *block = (size_t *)memory - 2;
    in_use -= *block;
    free(block);
}

static void *counted_realloc(void *memory, size_t size)
{
    size_t *block = memory ? (size_t *)memory - 2 : NULL, old = block ? *block : 0;
    block = realloc(block, size + 2 * sizeof(size_t));
    if (block)
        in_use -= old;
    return count(block, size);
}

static const struct {
    const char *open, *item, *close; /* item: may have its number in it */
    int count, checked;              /* checked: elements that are compared at a time */
} bodies[] = {
    {"{\"numbers\":[", "%u", "]}", 2000000, 0},
    {"{\"texts\":[", "\"text %u\"", "]}", 400000, 0},
    {"{\"rows\":[", "{\"id\":%u,\"name\":\"a\",\"flags\":[true,false],\"row\":{\"row\":{\"id\":7,\"smalls\":[1,2]}}}",
     "]}", 100000, 0},
    {"{\"maps\":[", "{\"one\":%u,\"two\":-1}", "]}", 300000, 0},
    {"{\"map\":{", "\"key %u\":1", "}}", 400000, 400000},
    {"{\"text\":\"", "%u", "\"}", 1000000, 0},
    {"{\"numbers_once\":[", "%u", "]}", 800000, 800000},
    {"{\"deep\":[", "[[1,%u],[],[2]],[],[[3]]", "]}", 300000, 0},
    {"{\"blobs\":[", "\"AAECAwQFBgcICQoL\"", "]}", 300000, 0},
};

static struct gw__schema *schema;
static struct gw__encode encode;
static struct gw__decode decode;
static char *body;
static size_t body_size;

static void set_up(void)
{
    struct idl_text source = {idl, NULL};
    schema = idl_schema("large.thrift", &source);
    ck_assert_ptr_nonnull(schema);
}

static void tear_down(void)
{
    gw__schema_destroy(schema);
    free(body);
}

__attribute__((format(printf, 1, 2))) static void add(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    body_size += (size_t)vsprintf(body + body_size, format, arguments);
    va_end(arguments);
}

static void make_body(int row)
{
    int count = times_here(bodies[row].count);
    body = malloc(64 + (size_t)count * (strlen(bodies[row].item) + 12));
    ck_assert_ptr_nonnull(body);
    body_size = 0;
    add("%s", bodies[row].open);
    bool text = bodies[row].open[strlen(bodies[row].open) - 1] == '"';
    for (int i = 0; i < count; i++) {
        if (i && !text)
            add(",");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        add(bodies[row].item, i);
#pragma GCC diagnostic pop
    }
    add("%s", bodies[row].close);
}

static void feed(size_t piece)
{
    enum gw__wire_status status = GW__WIRE_MORE;
    for (size_t at = 0; status == GW__WIRE_MORE; at += piece) {
        size_t left = body_size - at, size = left < piece ? left : piece;
        status = gw__encode_feed(&encode, body + at, size, size == left);
    }
    ck_assert_int_eq(status, GW__WIRE_DONE);
}

static void check_decoded(uint8_t encoding, struct gw__wire *wire)
{
    struct gw__json_out out = {0};
    struct gw__decode_options options = {.encoding = encoding};
    enum gw__wire_status status = GW__WIRE_MORE;
    size_t taken;
    gw__decode_init_value(&decode, &idl_method(schema, "call")->arguments->type, &options, &out);
    for (struct gw__wire_segment *segment = wire->first; segment && status == GW__WIRE_MORE; segment = segment->next)
        status = gw__decode_feed(&decode, segment->bytes, segment->size, &taken);
    ck_assert_int_eq(status, GW__WIRE_DONE);
    ck_assert_uint_eq((size_t)(out.at - out.begin), body_size);
    ck_assert(memcmp(out.begin, body, body_size) == 0);
    gw__decode_finish(&decode);
    gw__json_out_finish(&out);
}

START_TEST(no_more_than_what_is_sent)
{
    static const uint8_t encodings[] = {GW__ENCODING_BINARY, GW__ENCODING_COMPACT, GW__ENCODING_JSON};
    size_t binary = 0;
    make_body(_i);
    for (size_t i = 0; i < sizeof encodings; i++)
        for (unsigned whole = 0; whole < 2; whole++) {
            uint8_t encoding = encodings[i];
            struct gw__wire wire = {0}, plain = {0};
            struct gw__encode_options options = {.encoding = encoding, .plain = &plain};
            gw_set_allocator(counted_malloc, counted_realloc, counted_free);
            in_use = most = 0;
            gw__encode_init(&encode, idl_method(schema, "call"), &options, &wire);
            feed(whole ? body_size : PIECE_BYTES);
            gw__encode_finish(&encode);
            size_t size = gw__wire_settle(&wire), most_here = most;
            check_decoded(encoding, &wire);
            gw__wire_finish(&wire);
            gw__wire_finish(&plain);
            gw_set_allocator(NULL, NULL, NULL);
            ck_assert_uint_eq(in_use, 0);
            binary = encoding == GW__ENCODING_BINARY ? size : binary;
            size_t held = bodies[_i].checked && binary > size ? binary : size; /* it stays in binary to its end */
            size_t checked = (size_t)times_here(bodies[_i].checked) * PER_ELEMENT;
            size_t limit = held + held / 10 + CONSTANT_BYTES + SEGMENT_BYTES + checked;
            ck_assert_msg(most_here <= limit, "encoding %u: %zu bytes for %zu", encoding, most_here, size);
        }
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("encode_memory");
    TCase *tcase = tcase_create("encode_memory");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, no_more_than_what_is_sent, 0, sizeof bodies / sizeof *bodies);
    suite_add_tcase(suite, tcase);
    return suite;
}
