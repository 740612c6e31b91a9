/* What is twice in sets and among the keys of maps: told wherever the text is cut and the wire's segments end, with
 * memory that is bounded, and none for small ones. */
#include "wire_types.h"
#include "unit.h"

#include <gateway/error.h>

static const char idl[] = "enum Color { RED = 1 }\n"
                          "struct Point { 1: i32 x, 2: string y }\n"
                          "struct Sets {\n"
                          "    1: set<bool> truths, 2: set<i8> tinies, 3: set<i16> smalls, 4: set<i32> numbers, 5: set<i64> larges\n"
                          "    6: set<double> ratios, 7: set<string> texts, 8: set<binary> blobs, 9: set<uuid> ids\n"
                          "    10: set<Color> colors, 11: set<Point> points, 12: set<list<i8>> rows, 13: set<set<i8>> bags\n"
                          "    14: set<map<string, i8>> tables, 15: list<set<i32>> more\n"
                          "    16: map<string, i32> by_text, 17: map<i8, string> by_tiny, 18: map<Point, i32> by_point\n"
                          "}\n"
                          "struct Tree { 1: map<string, Tree> named, 2: set<Tree> trees, 3: list<list<i8>> rows }\n"
                          "service S { void Put(1: Sets sets) void Numbers(1: set<i32> v) void Texts(1: map<string, i64> v)\n"
                          "    void Rows(1: set<list<i8>> v) void Named(1: map<string, list<i8>> v) void Grow(1: Tree v) }\n";

static struct gw__schema *schema;
static long calls, live, most, largest;

static void *count_malloc(size_t size)
{
    size_t *memory = malloc(sizeof *memory + 8 + size);
    calls++;
    live += (long)size;
    most = live > most ? live : most;
    largest = (long)size > largest ? (long)size : largest;
    memory[0] = size;
    return memory + 2;
}

static void count_free(void *memory)
{
    if (!memory)
        return;
    size_t *begin = (size_t *)memory - 2;
    live -= (long)begin[0];
    free(begin);
}

static void *count_realloc(void *memory, size_t size)
{
    void *larger = count_malloc(size);
    if (memory) {
        size_t old = ((size_t *)memory - 2)[0];
        memcpy(larger, memory, old < size ? old : size);
        count_free(memory);
    }
    return larger;
}

static void setup(void)
{
    struct idl_text text = {idl, NULL};
    schema = idl_schema("sets.thrift", &text);
    ck_assert_ptr_nonnull(schema);
}

static void teardown(void)
{
    gw__schema_destroy(schema);
}

/* The errors, "" if there are none; the caller frees. */
static char *errors_of(const char *method, const char *body, const struct cut *cut)
{
    static struct gw__encode encode;
    struct gw__wire wire = {0};
    gw__encode_init(&encode, idl_method(schema, method), NULL, &wire);
    enum gw__wire_status status = encode_all(&encode, body, strlen(body), cut);
    ck_assert(!encode.no_memory && (status == GW__WIRE_DONE) == !encode.error_count);
    size_t size = (size_t)(encode.errors.at - encode.errors.begin);
    char *errors = strndup(size ? encode.errors.begin : "", size);
    gw__encode_finish(&encode);
    gw__wire_finish(&wire);
    return errors;
}

static const struct {
    const char *body, *pointer, *got; /* NULL: nothing is twice */
} rows[] = {
    {"{\"truths\":[true,false]}", NULL, NULL},
    {"{\"truths\":[true,false,true]}", "/truths/2", "element 0 again"},
    {"{\"tinies\":[-1,127,-128,0]}", NULL, NULL},
    {"{\"tinies\":[5,-1,-1]}", "/tinies/2", "element 1 again"},
    {"{\"smalls\":[300,1,300]}", "/smalls/2", "element 0 again"},
    {"{\"numbers\":[1,2,1e0]}", "/numbers/2", "element 0 again"},
    {"{\"larges\":[9007199254740993,9007199254740992,9007199254740993]}", "/larges/2", "element 0 again"},
    {"{\"ratios\":[0,-0.0,0.1,1e-1]}", "/ratios/3", "element 2 again"},
    {"{\"texts\":[\"\",\"a\",\"aa\",\"aaaaaaaaaaaaaaaaaaaaaaaaa\",\"aaaaaaaaaaaaaaaaaaaaaaaab\"]}", NULL, NULL},
    {"{\"texts\":[\"x\",\"\\u0061\\n\",\"a\\n\"]}", "/texts/2", "element 1 again"},
    {"{\"texts\":[\"aaaaaaaaaaaaaaaaaaaaaaaaa\",\"\",\"aaaaaaaaaaaaaaaaaaaaaaaaa\"]}", "/texts/2", "element 0 again"},
    {"{\"blobs\":[\"AA==\",\"AAA=\",\"AA==\"]}", "/blobs/2", "element 0 again"},
    {"{\"ids\":[\"00112233-4455-6677-8899-aabbccddeeff\",\"00112233-4455-6677-8899-AABBCCDDEEFF\"]}", "/ids/1",
     "element 0 again"},
    {"{\"colors\":[7,1,\"RED\"]}", "/colors/2", "element 1 again"},
    {"{\"points\":[{},{\"x\":1},{\"x\":1,\"y\":\"\"},{\"y\":\"\"},{\"x\":1}]}", "/points/4", "element 1 again"},
    {"{\"rows\":[[],[1],[1,1],[1,2],[1,1]]}", "/rows/4", "element 2 again"},
    {"{\"bags\":[[1,2],[2,1],[],[1,2]]}", "/bags/3", "element 0 again"},
    {"{\"bags\":[[1],[2,2]]}", "/bags/1/1", "element 0 again"},
    {"{\"tables\":[{\"a\":1},{\"a\":2},{\"a\":1}]}", "/tables/2", "element 0 again"},
    {"{\"more\":[[1],[1],[1,2,2]]}", "/more/2/2", "element 1 again"},
    {"{\"by_text\":{\"a\":1,\"b\":1,\"c\":1}}", NULL, NULL},
    {"{\"by_text\":{\"a/\":1,\"b\":1,\"\\u0061/\":1}}", "/by_text/a~1", "the key of entry 0 again"},
    {"{\"by_tiny\":{\"-1\":\"a\",\"1\":\"a\",\"-1\":\"b\"}}", "/by_tiny/-1", "the key of entry 0 again"},
    {"{\"by_point\":[[{\"x\":1},1],[{\"x\":2},1],[{\"x\":2},1]]}", "/by_point/2", "the key of entry 1 again"},
};

START_TEST(each_type_at_each_cut)
{
    const char *body = rows[_i].body;
    for (size_t first = 0; first <= strlen(body); first++) {
        struct cut cut = {first, first % 4};
        char *errors = errors_of("Put", body, &cut), pointer[100], got[100];
        snprintf(pointer, sizeof pointer, "[{\"pointer\":\"%s\",", rows[_i].pointer);
        snprintf(got, sizeof got, "\"got\":\"%s\",\"idl\":\"sets.thrift:", rows[_i].got);
        if (!rows[_i].pointer)
            ck_assert_str_eq(errors, "");
        else
            ck_assert_msg(strncmp(errors, pointer, strlen(pointer)) == 0 && strstr(errors, got), "%s", errors);
        free(errors);
    }
}
END_TEST

/* `count` elements and, if `twice`, the one in the middle again. */
static char *numbers(unsigned count, bool twice)
{
    char *body = malloc(20 * (size_t)count + 40), *at = body + sprintf(body, "{\"v\":[0");
    for (unsigned i = 1; i < count; i++)
        at += sprintf(at, ",%u", i * 7919);
    if (twice)
        at += sprintf(at, ",%u", count / 2 * 7919);
    strcpy(at, "]}");
    return body;
}

static char *texts(unsigned count, bool twice)
{
    char *body = malloc(40 * (size_t)count + 80), *at = body + sprintf(body, "{\"v\":{\"key\":0");
    for (unsigned i = 1; i < count + twice; i++)
        at += sprintf(at, ",\"a key of some length %u\":1", i == count ? count / 2 : i);
    strcpy(at, "}}");
    return body;
}

static void check_memory(const char *method, char *body, unsigned count)
{
    static struct gw__encode encode;
    struct gw__wire wire = {0};
    gw_set_allocator(count_malloc, count_realloc, count_free);
    for (int i = 0; i < 2; i++) { /* the second time, the wire has room already, if it is not large */
        calls = live = largest = 0;
        long kept = 0;
        for (struct gw__wire_segment *segment = wire.first; segment; segment = segment->next)
            kept++;
        gw__encode_init(&encode, idl_method(schema, method), NULL, &wire);
        ck_assert_int_eq(gw__encode_feed(&encode, body, strlen(body), true), GW__WIRE_DONE);
        gw__encode_finish(&encode);
        long segments = 0, bytes = 0;
        for (struct gw__wire_segment *segment = wire.first; segment; segment = segment->next) {
            segments++;
            bytes += (long)(sizeof *segment + segment->capacity);
        }
        ck_assert_int_eq(calls, segments - kept + (count > 64));
        if (!kept)
            ck_assert_int_eq(live, bytes);
        if (count > 4096)
            ck_assert_int_eq(largest, (long)count * 16);
        gw__wire_reset(&wire);
    }
    gw__wire_finish(&wire);
    gw_set_allocator(NULL, NULL, NULL);
    free(body);
}

START_TEST(sixteen_bytes_for_each)
{
    static const unsigned counts[] = {2, 10, 63, 64, 65, 1000, 100000};
    for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++) {
        check_memory("Numbers", numbers(counts[i], false), counts[i]);
        check_memory("Texts", texts(counts[i], false), counts[i]);
    }
}
END_TEST

/* Of a set whose elements misfit, nothing is written; none of that is told after twenty others. */
START_TEST(misfits_that_are_not_told)
{
    static struct gw__encode encode;
    struct gw__wire wire = {0};
    char fill[2000] = "{\"larges\":[-1", *at = fill + strlen(fill), body[2000] = "{\"tinies\":[true";
    for (int i = 2; i < 200; i++)
        at += sprintf(at, ",-%d", i);
    strcpy(at, "]}");
    at = body + strlen(body);
    for (int i = 1; i < GW__ENCODE_ERRORS + 5; i++)
        at += sprintf(at, ",true");
    strcpy(at, "],\"texts\":[1,2,[],3],\"by_text\":{\"a\":\"b\",\"c\":\"d\"}}");
    const char *bodies[] = {fill, body}; /* the second finds what the first left in memory */
    for (int i = 0; i < 2; i++) {
        gw__encode_init(&encode, idl_method(schema, "Put"), NULL, &wire);
        enum gw__wire_status status = gw__encode_feed(&encode, bodies[i], strlen(bodies[i]), true);
        ck_assert_int_eq(status, i ? GW__WIRE_BAD : GW__WIRE_DONE);
        ck_assert_uint_eq(encode.error_count, i ? GW__ENCODE_ERRORS : 0);
        gw__encode_finish(&encode);
        gw__wire_reset(&wire);
    }
    gw__wire_finish(&wire);
}
END_TEST

/* Elements that are no scalars are marked on the way. What grows is copied in between, so its old memory may be there,
 * too. */
static void check_marks(const char *method, const char *before, const char *after, unsigned count)
{
    static struct gw__encode encode;
    struct gw__wire wire = {0};
    char *body = malloc(40 * (size_t)count + 80), *at = body + sprintf(body, "{\"v\":%c", *before == '[' ? '[' : '{');
    for (unsigned i = 0; i < count; i++)
        at += sprintf(at, "%s%s%u%s", i ? "," : "", before, i, after);
    strcpy(at, *before == '[' ? "]}" : "}}");
    gw_set_allocator(count_malloc, count_realloc, count_free);
    for (int i = 0; i < 2; i++) {
        calls = live = most = 0;
        bool kept = wire.first != NULL;
        gw__encode_init(&encode, idl_method(schema, method), NULL, &wire);
        ck_assert_int_eq(gw__encode_feed(&encode, body, strlen(body), true), GW__WIRE_DONE);
        long bytes = 0;
        for (struct gw__wire_segment *segment = wire.first; segment; segment = segment->next)
            bytes += (long)(sizeof *segment + segment->capacity);
        gw__encode_finish(&encode);
        if (kept && count <= 64)
            ck_assert_int_eq(calls, 0);
        if (!kept && count > 64)
            ck_assert_int_le(most - bytes, 16 * (long)count + 4096);
        gw__wire_reset(&wire);
    }
    gw__wire_finish(&wire);
    gw_set_allocator(NULL, NULL, NULL);
    free(body);
}

START_TEST(marks)
{
    static const unsigned counts[] = {2, 10, 64, 65, 200, 3000, 100000};
    for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++) {
        check_marks("Named", "\"", "\":[1]", counts[i]);
        if (counts[i] <= 64)
            check_marks("Rows", "[", "]", counts[i]);
    }
}
END_TEST

START_TEST(twice_inside_of_others)
{
    static const struct {
        const char *body, *pointer;
    } trees[] = {
        {"{\"named\":{\"a\":{\"named\":{\"x\":{},\"y\":{},\"x\":{}}},\"b\":{}}}", "/named/a/named/x"},
        {"{\"named\":{\"a\":{\"named\":{\"x\":{},\"y\":{}}},\"b\":{},\"a\":{\"trees\":[]}}}", "/named/a"},
        {"{\"trees\":[{\"rows\":[[1]]},{},{\"trees\":[{}]},{\"trees\":[{},{}]}]}", "/trees/3/trees/1"},
        {"{\"trees\":[{\"rows\":[[1],[2]]},{\"trees\":[{\"rows\":[[3]]},{}]},{\"rows\":[[1],[2]]}]}", "/trees/2"},
        {"{\"trees\":[{\"trees\":[{\"trees\":[{},{\"rows\":[]}]},{}]},{}],\"named\":{\"x\":{},\"x\":{}}}", "/named/x"},
    };
    for (unsigned i = 0; i < sizeof trees / sizeof *trees; i++)
        for (size_t first = 0; first <= strlen(trees[i].body); first++) {
            struct cut cut = {first, first % 3};
            char *errors = errors_of("Grow", trees[i].body, &cut), want[100];
            snprintf(want, sizeof want, "[{\"pointer\":\"%s\",", trees[i].pointer);
            ck_assert_msg(strncmp(errors, want, strlen(want)) == 0 && !strstr(errors, "},{"), "%s", errors);
            free(errors);
        }
}
END_TEST

START_TEST(many)
{
    static const unsigned counts[] = {2, 63, 64, 65, 66, 500, 5000, 200000};
    for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++)
        for (unsigned which = 0; which < 4; which++) {
            bool twice = which % 2, map = which / 2;
            char *body = (map ? texts : numbers)(counts[i], twice), want[100];
            struct cut cut = {0, 0, i};
            char *errors = errors_of(map ? "Texts" : "Numbers", body, &cut);
            snprintf(want, sizeof want, "%s %u again", map ? "the key of entry" : "element", counts[i] / 2);
            if (counts[i] == 2 && map) /* the first is another one */
                ck_assert_str_eq(twice ? "" : errors, "");
            else
                ck_assert_msg(twice ? strstr(errors, want) != NULL : !*errors, "%u: %.300s", counts[i], errors);
            free(errors);
            free(body);
        }
}
END_TEST

START_TEST(memory_out)
{
    static struct gw__encode encode;
    char *body = numbers(1000, false);
    int index = 0;
    for (bool failed = true; failed; index++) {
        struct gw__wire wire = {0};
        fail_allocation(index);
        gw__encode_init(&encode, idl_method(schema, "Numbers"), NULL, &wire);
        enum gw__wire_status status = gw__encode_feed(&encode, body, strlen(body), true);
        failed = allocation_failed();
        allocate_normally();
        ck_assert_int_eq(status, failed ? GW__WIRE_BAD : GW__WIRE_DONE);
        ck_assert(encode.no_memory == failed && !encode.error_count);
        gw__encode_finish(&encode);
        gw__wire_finish(&wire);
    }
    ck_assert_int_gt(index, 3);
    free(body);
}
END_TEST

START_TEST(elements_of_many_segments)
{
    enum { LONG = 100000 };
    char *body = malloc(6 * LONG + 100), *at = body + sprintf(body, "{\"texts\":[");
    for (int i = 0; i < 5; i++) {
        *at++ = '"';
        memset(at, 'x', LONG);
        at += LONG;
        at += sprintf(at, "%d\",", i % 4);
    }
    strcpy(at - 1, "]}");
    struct cut cut = {0, 777};
    char *errors = errors_of("Put", body, &cut);
    ck_assert_msg(strstr(errors, "\"/texts/4\"") && strstr(errors, "element 0 again"), "%s", errors);
    free(errors);
    free(body);
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("repeats");
    TCase *tcase = tcase_create("repeats");
    tcase_add_unchecked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, each_type_at_each_cut, 0, sizeof rows / sizeof *rows);
    tcase_add_test(tcase, sixteen_bytes_for_each);
    tcase_add_test(tcase, misfits_that_are_not_told);
    tcase_add_test(tcase, marks);
    tcase_add_test(tcase, twice_inside_of_others);
    tcase_add_test(tcase, many);
    tcase_add_test(tcase, memory_out);
    tcase_add_test(tcase, elements_of_many_segments);
    suite_add_tcase(suite, tcase);
    return suite;
}
