/* The reader of JSON: what it tells of a text, the same wherever that is cut; what it refuses, and where. */
#include "json_trace.h"
#include "unit.h"

#include <dirent.h>
#include <math.h>

static const struct {
    const char *text, *trace;
} cases[] = {
    {"{}", "{ } end"},
    {" [ ] ", "[ ] end"},
    {"{\"a\":1,\"\":[true,false,null]}", "{ key1:a number:1=1=0x1p+0 key0: [ true false null ] } end"},
    {"\"\"", "string0: end"},
    {"\t\r\n \"a\"\n", "string1:a end"},
    {"-0", "number:-0=0=-0x0p+0 end"},
    {"0", "number:0=0=0x0p+0 end"},
    {"[0,-1,10]", "[ number:0=0=0x0p+0 number:-1=-1=-0x1p+0 number:10=10=0x1.4p+3 ] end"},
    {"[[[]],{\"a\":{\"b\":[]}}]", "[ [ [ ] ] { key1:a { key1:b [ ] } } ] end"},
    {"{\"a\":1,\"a\":2}", "{ key1:a number:1=1=0x1p+0 key1:a number:2=2=0x1p+1 } end"},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\ud83D\\uDE00\"",
     "string18:\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 end"},
    {"\"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"",
     "string22:\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf end"},
    {"\"0123456789abcdef0123456789abcdef\xc3\xa9\xc3\xa9zz\\n0123456789abcde\\\"f\"",
     "string56:0123456789abcdef0123456789abcdef\xc3\xa9\xc3\xa9zz\n0123456789abcde\"f end"},
    {"{\"a long name, over sixteen bytes\\u0021\":\"x\"}", "{ key32:a long name, over sixteen bytes! string1:x } end"},
    /* Refused: 1 syntax, 2 cut off, 3 UTF-8, 4 depth. */
    {"", "error 2 at 0: a value"},
    {" ", "error 2 at 1: a value"},
    {"{", "{ error 2 at 1: a name in quotes or '}'"},
    {"{\"a\"", "{ key1:a error 2 at 4: ':'"},
    {"{\"a\":", "{ key1:a error 2 at 5: a value"},
    {"{\"a\":1", "{ key1:a number:1=1=0x1p+0 error 2 at 6: ',' or '}'"},
    {"{\"a\":1,}", "{ key1:a number:1=1=0x1p+0 error 1 at 7: a name in quotes"},
    {"{\"a\" 1}", "{ key1:a error 1 at 5: ':'"},
    {"{a:1}", "{ error 1 at 1: a name in quotes or '}'"},
    {"{,}", "{ error 1 at 1: a name in quotes or '}'"},
    {"[1,]", "[ number:1=1=0x1p+0 error 1 at 3: a value"},
    {"[,1]", "[ error 1 at 1: a value"},
    {"[1 2]", "[ number:1=1=0x1p+0 error 1 at 3: ',' or ']'"},
    {"[1}", "[ number:1=1=0x1p+0 error 1 at 2: ',' or ']'"},
    {"{\"a\":1]", "{ key1:a number:1=1=0x1p+0 error 1 at 6: ',' or '}'"},
    {"[1]]", "[ number:1=1=0x1p+0 ] error 1 at 3: nothing more"},
    {"]", "error 1 at 0: a value"},
    {"tru", "error 2 at 3: true"},
    {"trux", "error 1 at 3: true"},
    {"nulL", "error 1 at 3: null"},
    {"falsey", "false error 1 at 5: nothing more"},
    {"True", "error 1 at 0: a value"},
    {"NaN", "error 1 at 0: a value"},
    {"-Infinity", "error 1 at 1: a digit"},
    {"'a'", "error 1 at 0: a value"},
    {"\xef\xbb\xbf{}", "error 1 at 0: a value"},
    {"/**/1", "error 1 at 0: a value"},
    {"01", "number:0=0=0x0p+0 error 1 at 1: nothing more"},
    {"-01", "number:-0=0=-0x0p+0 error 1 at 2: nothing more"},
    {"-", "error 2 at 1: a digit"},
    {"+1", "error 1 at 0: a value"},
    {".5", "error 1 at 0: a value"},
    {"5.", "error 2 at 2: a digit"},
    {"[5.]", "[ error 1 at 3: a digit"},
    {"[5.e1]", "[ error 1 at 3: a digit"},
    {"[5e]", "[ error 1 at 3: a digit"},
    {"[5e+]", "[ error 1 at 4: a digit"},
    {"[5E-x]", "[ error 1 at 4: a digit"},
    {"[1-2]", "[ number:1=1=0x1p+0 error 1 at 2: ',' or ']'"},
    {"[1.2.3]", "[ number:1.2=1?=0x1.3333333333333p+0 error 1 at 4: ',' or ']'"},
    {"[0x1]", "[ number:0=0=0x0p+0 error 1 at 2: ',' or ']'"},
    {"\"", "error 2 at 1: the end of a string"},
    {"\"abc", "error 2 at 4: the end of a string"},
    {"\"abc\\", "error 2 at 5: the end of a string"},
    {"\"abc\\u00", "error 2 at 8: the end of a string"},
    {"\"a\nb\"", "error 1 at 2: no control character"},
    {"\"a\x1f\"", "error 1 at 2: no control character"},
    {"\"\\x\"", "error 1 at 2: an escape"},
    {"\"\\'\"", "error 1 at 2: an escape"},
    {"\"\\U0041\"", "error 1 at 2: an escape"},
    {"\"\\u004g\"", "error 1 at 6: four hex digits"},
    {"\"\\u\"", "error 1 at 3: four hex digits"},
    {"\"\\udc00\"", "error 1 at 6: no half of a surrogate pair alone"},
    {"\"\\ud800\"", "error 1 at 7: the second half of a surrogate pair"},
    {"\"\\ud800\\n\"", "error 1 at 8: the second half of a surrogate pair"},
    {"\"\\ud800\\u0041\"", "error 1 at 12: no half of a surrogate pair alone"},
    {"\"\\ud800\\ud800\"", "error 1 at 12: no half of a surrogate pair alone"},
    {"\"\x80\"", "error 3 at 1: UTF-8"},
    {"\"\xc0\x80\"", "error 3 at 1: UTF-8"},
    {"\"\xc1\xbf\"", "error 3 at 1: UTF-8"},
    {"\"\xc3\"", "error 3 at 2: UTF-8"},
    {"\"\xe0\x9f\xbf\"", "error 3 at 2: UTF-8"},
    {"\"\xed\xa0\x80\"", "error 3 at 2: UTF-8"},
    {"\"\xe2\x82\"", "error 3 at 3: UTF-8"},
    {"\"\xf0\x8f\xbf\xbf\"", "error 3 at 2: UTF-8"},
    {"\"\xf4\x90\x80\x80\"", "error 3 at 2: UTF-8"},
    {"\"\xf5\x80\x80\x80\"", "error 3 at 1: UTF-8"},
    {"\"\xf0\x9f\x98\"", "error 3 at 4: UTF-8"},
};

static void check_trace(const char *text, size_t size, const char *want, const struct trace_way *way)
{
    struct gw__text got = trace(text, size, way);
    ck_assert_msg(strcmp(got.data, want) == 0, "%s (first %zu, step %zu, take %d)\n got  %s\n want %s", text, way->first,
                  way->step, (int)way->take, got.data, want);
    gw__text_finish(&got);
}

/* In one piece, in single bytes, and cut once at every place. */
static void check_everywhere(const char *text, size_t size, const char *want, enum take take)
{
    static const size_t steps[] = {1, 2, 3, 17};
    for (size_t room = GW__JSON_ROOM; room <= 64; room += 48) {
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
            check_trace(text, size, want, &(struct trace_way){.step = steps[i], .take = take, .room = room});
        for (size_t first = 0; first <= size; first++)
            check_trace(text, size, want,
                        &(struct trace_way){.first = first, .step = size + 1, .take = take, .room = room});
    }
}

START_TEST(tells)
{
    check_everywhere(cases[_i].text, strlen(cases[_i].text), cases[_i].trace, TAKE_TEXT);
    check_everywhere(cases[_i].text, strlen(cases[_i].text), cases[_i].trace, TAKE_COPY);
}
END_TEST

static void read_all(struct gw__json *json, const char *text, size_t size, bool last)
{
    gw__json_feed(json, text, size, last);
}

/* Whole strings are copied a block at a time; byte by byte the same must come of them. */
START_TEST(blocks)
{
    static const char *const parts[] = {
        "\\n", "\\\\", "\\\\\\\"", "\\u00e9", "\\x", "\\", "\t", "\"", "\xc3\xb6", "\xe2\x82\xac", "\xe0\xa4\x85",
        "\xf0\x9f\x98\x80", "\xc3", "\xe2\x82", "\xc3\xb6\\n\xe0\xa4\x85", "\xe0\xa4\x85\\n\xc3\xb6\\n", "\xed\xa0\x80",
        "\x80",
    };
    for (size_t before = 0; before < 70; before++)
        for (size_t after = 0; after < 70; after += after < 2 ? 1 : 17) {
            char text[160], *at = text;
            *at++ = '"';
            at = memset(at, 'a', before);
            at = memcpy(at + before, parts[_i], strlen(parts[_i]));
            at += strlen(parts[_i]);
            memset(at, 'b', after);
            at[after] = '"';
            size_t size = (size_t)(at + after + 1 - text);
            struct gw__text want = trace(text, size, &(struct trace_way){.step = 1, .take = TAKE_COPY, .room = 256});
            check_trace(text, size, want.data, &(struct trace_way){.step = size, .take = TAKE_COPY, .room = 256});
            gw__text_finish(&want);
        }
}
END_TEST

START_TEST(zero_bytes)
{
    check_everywhere("\"\\u0000\"", 8, "string1:", TAKE_TEXT); /* the line ends at it for strcmp */
    check_everywhere("\"\0\"", 3, "error 1 at 1: no control character", TAKE_COPY);
    check_everywhere("[1\0]", 4, "[ number:1=1=0x1p+0 error 1 at 2: ',' or ']'", TAKE_COPY);
}
END_TEST

/* In one piece and in two, cut anywhere. */
START_TEST(control_characters_by_request)
{
    static const char text[] = "\"\n behind enough for a block \0\x1f\\u0001\"";
    static const char want[] = "\n behind enough for a block \0\x1f\1";
    for (size_t cut = 1; cut < sizeof text; cut++) {
        struct gw__json json;
        struct gw__str got;
        gw__json_init(&json, 0);
        json.controls = true;
        gw__json_feed(&json, text, cut, false);
        ck_assert(gw__json_next(&json) == GW__JSON_STRING);
        enum gw__json_event event = gw__json_text(&json, &got);
        if (event == GW__JSON_MORE) {
            gw__json_feed(&json, text + cut, sizeof text - 1 - cut, true);
            event = gw__json_text(&json, &got);
        }
        ck_assert(event == GW__JSON_DONE);
        ck_assert_mem_eq(got.data, want, sizeof want - 1);
        ck_assert_uint_eq(got.size, sizeof want - 1);
        gw__json_finish(&json);
    }
}
END_TEST

START_TEST(depth)
{
    char text[2100], want[4300];
    for (unsigned limit = 0; limit <= GW__JSON_DEPTH_MAX; limit += limit < 3 ? 1 : 511) {
        for (unsigned deep = limit; deep <= limit + 1; deep++) {
            size_t at = 0;
            for (unsigned i = 0; i < deep; i++)
                text[at++] = '[';
            if (!deep)
                text[at++] = '1';
            for (unsigned i = 0; i < deep; i++)
                text[at++] = ']';
            struct gw__text got = trace(text, at, &(struct trace_way){.step = at, .depth_limit = limit ? limit : 1});
            if (deep <= (limit ? limit : 1))
                ck_assert_str_eq(got.data + got.size - 3, "end");
            else {
                snprintf(want, sizeof want, "error 4 at %u: less nesting", limit);
                ck_assert_str_eq(got.data + got.size - strlen(want), want);
            }
            gw__text_finish(&got);
        }
    }
    struct gw__json json;
    gw__json_init(&json, 0);
    read_all(&json, "1", 1, true);
    ck_assert_int_eq(gw__json_next(&json), GW__JSON_NUMBER);
    gw__json_finish(&json);
    gw__json_init(&json, 0);
    read_all(&json, "[1]", 3, true);
    ck_assert_int_eq(gw__json_next(&json), GW__JSON_ERROR);
    ck_assert_int_eq(gw__json_next(&json), GW__JSON_ERROR);
    ck_assert_int_eq(json.error, GW__JSON_TOO_DEEP);
    gw__json_finish(&json);
}
END_TEST

START_TEST(deep_mixture_closes_rightly)
{
    enum { DEEP = 700 };
    struct gw__json json;
    gw__json_init(&json, DEEP);
    for (int i = 0; i < DEEP; i++) {
        bool object = i % 3 == 1 || i % 7 == 2;
        read_all(&json, object ? "{\"a\":" : "[", object ? 5 : 1, false);
        ck_assert_int_eq(gw__json_next(&json), object ? GW__JSON_OBJECT : GW__JSON_ARRAY);
        if (object)
            ck_assert_int_eq(gw__json_next(&json), GW__JSON_KEY);
        ck_assert_int_eq(gw__json_next(&json), GW__JSON_MORE);
    }
    read_all(&json, "1", 1, false);
    ck_assert_int_eq(gw__json_next(&json), GW__JSON_MORE);
    for (int i = DEEP - 1; i >= 0; i--) {
        bool object = i % 3 == 1 || i % 7 == 2;
        read_all(&json, object ? "}" : "]", 1, i == 0);
        if (i == DEEP - 1)
            ck_assert_int_eq(gw__json_next(&json), GW__JSON_NUMBER);
        ck_assert_int_eq(gw__json_next(&json), object ? GW__JSON_OBJECT_END : GW__JSON_ARRAY_END);
        ck_assert_uint_eq(json.depth, (unsigned)i);
    }
    ck_assert_int_eq(gw__json_next(&json), GW__JSON_END);
    ck_assert_int_eq(gw__json_next(&json), GW__JSON_END);
    gw__json_finish(&json);
}
END_TEST

/* Everything but the interesting value is skipped; what is skipped is checked. */
static const char *const skipped[] = {
    "1", "-12.5e+7", "\"\"", "\"a\\n\\u0041\\ud83d\\ude00\xe2\x82\xac, longer than sixteen\"", "true", "false", "null",
    "[]", "{}", "[1,[2,{\"k]\":\"]}\"}],3]", "{\"a\":{\"b\":[1,2,\"}\"]},\"c\":\"{\"}", " [ 1 , 2 ] ",
};

static enum gw__json_event next_of(struct tracer *tracer)
{
    enum gw__json_event event;
    while ((event = gw__json_next(&tracer->json)) == GW__JSON_MORE)
        trace_feed(tracer);
    return event;
}

static void skip_of(struct tracer *tracer)
{
    enum gw__json_event event;
    while ((event = gw__json_skip(&tracer->json)) == GW__JSON_MORE)
        trace_feed(tracer);
    ck_assert_int_eq(event, GW__JSON_DONE);
}

static void skip_in(const char *text, size_t size, size_t step, bool take_key)
{
    struct trace_way way = {.step = step, .room = 64};
    struct tracer tracer = {.way = &way, .text = text, .size = size};
    struct gw__text name = {0};
    gw__json_init(&tracer.json, 64);
    trace_feed(&tracer);
    ck_assert_int_eq(next_of(&tracer), GW__JSON_ARRAY);
    next_of(&tracer);
    skip_of(&tracer);
    ck_assert_uint_eq(tracer.json.depth, 1);
    ck_assert_int_eq(next_of(&tracer), GW__JSON_OBJECT);
    ck_assert_int_eq(next_of(&tracer), GW__JSON_KEY);
    if (take_key)
        ck_assert_int_eq(trace_string(&tracer, &name), GW__JSON_DONE);
    skip_of(&tracer);
    ck_assert_uint_eq(tracer.json.depth, 2);
    ck_assert_int_eq(next_of(&tracer), GW__JSON_KEY);
    ck_assert_int_eq(next_of(&tracer), GW__JSON_NUMBER);
    ck_assert_int_eq(tracer.json.number.int64, 42);
    skip_of(&tracer);
    ck_assert_int_eq(next_of(&tracer), GW__JSON_OBJECT_END);
    ck_assert_int_eq(next_of(&tracer), GW__JSON_ARRAY_END);
    ck_assert_int_eq(next_of(&tracer), GW__JSON_END);
    gw__json_finish(&tracer.json);
    gw__text_finish(&name);
    free(tracer.block);
}

START_TEST(skips)
{
    char text[300];
    int size = snprintf(text, sizeof text, "[%s,{\"ke\\u0079\":%s,\"n\":42}]", skipped[_i], skipped[_i]);
    for (size_t step = 1; step <= (size_t)size; step++) {
        skip_in(text, (size_t)size, step, false);
        skip_in(text, (size_t)size, step, true);
    }
}
END_TEST

START_TEST(copies_raw)
{
    char text[300], want[300];
    const char *value = skipped[_i];
    while (*value == ' ')
        value++;
    if (*value != '[' && *value != '{')
        return;
    int size = snprintf(text, sizeof text, "%s", value);
    int end = size;
    while (text[end - 1] == ' ')
        end--;
    snprintf(want, sizeof want, "raw%d:%.*s end", end, end, text);
    check_everywhere(text, (size_t)size, want, TAKE_RAW);
}
END_TEST

START_TEST(what_is_skipped_is_checked)
{
    static const char *const bad[] = {"[01]", "[1,]", "[\"\\x\"]", "[\"\xff\"]", "{\"a\"}", "[tru]", "[1", "[\"a", "[1}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct gw__json json;
        gw__json_init(&json, 64);
        read_all(&json, bad[i], strlen(bad[i]), true);
        gw__json_next(&json);
        ck_assert_int_eq(gw__json_skip(&json), GW__JSON_ERROR);
        ck_assert_int_eq(gw__json_skip(&json), GW__JSON_ERROR);
        char room[64], *at = room;
        ck_assert_int_eq(gw__json_copy_raw(&json, &at, room + 64), GW__JSON_ERROR);
        gw__json_finish(&json);
    }
}
END_TEST

START_TEST(raw_strings)
{
    static const char text[] = "[\"a\\u0041\\n\xc3\xa9\",1]";
    for (size_t step = 1; step < sizeof text; step++) {
        struct trace_way way = {.step = step, .room = GW__JSON_ROOM};
        struct tracer tracer = {.way = &way, .text = text, .size = sizeof text - 1};
        struct gw__text raw = {0};
        gw__json_init(&tracer.json, 64);
        trace_feed(&tracer);
        ck_assert_int_eq(next_of(&tracer), GW__JSON_ARRAY);
        ck_assert_int_eq(next_of(&tracer), GW__JSON_STRING);
        ck_assert_int_eq(trace_copy(&tracer, true, &raw), GW__JSON_DONE);
        ck_assert_str_eq(raw.data, "\"a\\u0041\\n\xc3\xa9\"");
        ck_assert_int_eq(next_of(&tracer), GW__JSON_NUMBER);
        gw__json_finish(&tracer.json);
        gw__text_finish(&raw);
        free(tracer.block);
    }
}
END_TEST

/* A text of `size` bytes is too long to be gathered, or it is not, wherever it is cut. */
static void long_text(size_t size, bool number, size_t step)
{
    char *text = malloc(size + 2), *at = text;
    if (!number)
        *at++ = '"';
    memset(at, '1', size);
    at += size;
    if (!number)
        *at++ = '"';
    struct trace_way way = {.step = step};
    struct gw__text got = trace(text, (size_t)(at - text), &way);
    if (size > GW__JSON_TEXT_BYTES)
        ck_assert_str_eq(got.data, number ? "error 5 at 0: a shorter number" : "error 5 at 0: a shorter string");
    else
        ck_assert_str_eq(got.data + got.size - 3, "end");
    gw__text_finish(&got);
    free(text);
}

START_TEST(limits_of_gathering)
{
    for (size_t size = GW__JSON_TEXT_BYTES; size <= GW__JSON_TEXT_BYTES + 2; size++) {
        for (int number = 0; number < 2; number++) {
            long_text(size, number, size + 2);
            long_text(size, number, size);
            long_text(size, number, 1000);
        }
    }
}
END_TEST

START_TEST(memory_runs_out)
{
    static const char text[] = "{\"a key\\n that is gathered, and then some more text so that it has to grow, and "
                               "more of it, and even more, and now it is over one hundred and twenty-eight\":12345}";
    int failures = 0;
    for (int index = 0;; index++) {
        struct gw__json json;
        struct gw__str key;
        fail_allocation(index);
        gw__json_init(&json, 64);
        read_all(&json, text, 60, false);
        gw__json_next(&json);
        gw__json_next(&json);
        enum gw__json_event event = gw__json_text(&json, &key);
        if (event == GW__JSON_MORE) {
            read_all(&json, text + 60, sizeof text - 1 - 60 - 3, false);
            event = gw__json_text(&json, &key);
        }
        if (event == GW__JSON_DONE)
            event = gw__json_next(&json);
        gw__json_finish(&json);
        bool failed = allocation_failed();
        allocate_normally();
        if (!failed)
            break;
        failures++;
        ck_assert_int_eq(event, GW__JSON_ERROR);
        ck_assert_int_eq(json.error, GW__JSON_NO_MEMORY);
    }
    ck_assert_int_ge(failures, 2);
}
END_TEST

START_TEST(pointers)
{
    struct gw__text pointer = {0};
    gw__json_pointer_name(&pointer, "a/b", 3);
    gw__json_pointer_index(&pointer, 0);
    gw__json_pointer_name(&pointer, "~", 1);
    gw__json_pointer_name(&pointer, "", 0);
    gw__json_pointer_name(&pointer, "m~n/~/", 6);
    gw__json_pointer_index(&pointer, UINT64_MAX);
    ck_assert_str_eq(pointer.data, "/a~1b/0/~0//m~0n~1~0~1/18446744073709551615");
    gw__text_finish(&pointer);
}
END_TEST

/* Of the suite's open texts these are taken: numbers of any size are numbers (whether one fits is the reader's to say
 * who wants it: gw__number_int64() and gw__number_double() tell), and 500 arrays, if the limit allows them. Refused
 * are the others: halves of surrogate pairs, because UTF-8 can't hold them; what is no UTF-8, UTF-16 included; a byte
 * order mark, which RFC 8259 forbids to send. */
static bool open_one_is_taken(const char *name)
{
    return strncmp(name, "i_number_", 9) == 0 || strcmp(name, "i_structure_500_nested_arrays.json") == 0;
}

static bool accepted(const char *folder, const char *name, size_t step, enum take take)
{
    static char text[300000];
    char path[800];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    size_t size = fread(text, 1, sizeof text, file);
    ck_assert_int_ne(feof(file), 0);
    fclose(file);
    struct trace_way way = {.step = step ? step : size + 1, .take = take, .room = 64, .depth_limit = 500};
    struct gw__text got = trace(text, size, &way);
    bool well = got.size >= 3 && strcmp(got.data + got.size - 3, "end") == 0;
    gw__text_finish(&got);
    return well;
}

START_TEST(suite)
{
    static const char path[] = SOURCE_ROOT "/../shared/data/json-test-suite/test_parsing";
    DIR *listing = opendir(path);
    if (!listing) {
        fprintf(stderr, "SKIPPED: no JSON test suite in %s\n", path);
        return;
    }
    int counts[3] = {0};
    for (struct dirent *entry; (entry = readdir(listing));) {
        const char *name = entry->d_name;
        if (!strstr(name, ".json"))
            continue;
        bool want = *name == 'y' || (*name == 'i' && open_one_is_taken(name));
        counts[*name == 'y' ? 0 : *name == 'n' ? 1 : 2]++;
        for (size_t step = 0; step <= 3; step++)
            for (int take = TAKE_TEXT; take <= TAKE_RAW; take++)
                ck_assert_msg(accepted(path, name, step, (enum take)take) == want, "%s, step %zu", name, step);
    }
    closedir(listing);
    ck_assert_int_eq(counts[0], 95);
    ck_assert_int_eq(counts[1], 188);
    ck_assert_int_eq(counts[2], 35);
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite_of_all = suite_create("json");
    TCase *tcase = tcase_create("json");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, tells, 0, sizeof cases / sizeof *cases);
    tcase_add_loop_test(tcase, blocks, 0, 18);
    tcase_add_test(tcase, zero_bytes);
    tcase_add_test(tcase, control_characters_by_request);
    tcase_add_test(tcase, depth);
    tcase_add_test(tcase, deep_mixture_closes_rightly);
    tcase_add_loop_test(tcase, skips, 0, sizeof skipped / sizeof *skipped);
    tcase_add_loop_test(tcase, copies_raw, 0, sizeof skipped / sizeof *skipped);
    tcase_add_test(tcase, what_is_skipped_is_checked);
    tcase_add_test(tcase, raw_strings);
    tcase_add_test(tcase, limits_of_gathering);
    tcase_add_test(tcase, memory_runs_out);
    tcase_add_test(tcase, pointers);
    tcase_add_test(tcase, suite);
    suite_add_tcase(suite_of_all, tcase);
    return suite_of_all;
}
