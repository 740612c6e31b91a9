/* JSON: the first bytes say where to cut and how strings are taken, which must not matter; what was read, written
 * again, reads the same; what is skipped is judged like what is read; numbers agree with the C library. */
#include "../unit/json_trace.h"
#include "fuzz.h"
#include "json/writer.h"

enum { DEPTH = 40 };

static bool same(const struct gw__text *a, const struct gw__text *b)
{
    return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

static bool well_formed(const struct gw__text *line)
{
    return line->size >= 3 && memcmp(line->data + line->size - 3, "end", 3) == 0;
}

static void write_string(struct gw__json *json, struct gw__json_out *out, size_t cut, bool key)
{
    struct gw__str text;
    CHECK(gw__json_text(json, &text) == GW__JSON_DONE);
    size_t first = text.size < cut ? text.size : cut;
    gw__json_put_string_begin(out);
    gw__json_put_string_piece(out, text.data, first);
    gw__json_put_string_piece(out, text.data + first, text.size - first);
    gw__json_put_string_end(out);
    if (key)
        gw__json_put_colon(out);
}

static void write_number(struct gw__json *json, struct gw__json_out *out)
{
    const struct gw__number *number = &json->number;
    double value = gw__number_double(number);
    char *text = fuzz_copy(number->text.data, number->text.size + 1); /* whatever ends it */
    text[number->text.size] = '\0';
    double want = strtod(text, NULL);
    CHECK(memcmp(&want, &value, sizeof value) == 0);
    free(text);
    if (number->is_int64 && !(number->negative && number->int64 == 0))
        gw__json_put_int64(out, number->int64);
    else if (!gw__json_put_double(out, value))
        CHECK(value - value != 0);
}

/* Reads a well-formed text and writes what it says. */
static void rewrite(const char *data, size_t size, size_t cut, struct gw__json_out *out)
{
    struct gw__json json;
    enum gw__json_event event;
    gw__json_init(&json, DEPTH);
    gw__json_feed(&json, data, size, true);
    while ((event = gw__json_next(&json)) != GW__JSON_END) {
        CHECK(event != GW__JSON_ERROR && event != GW__JSON_MORE);
        switch (event) {
        case GW__JSON_OBJECT: gw__json_put_open(out, '{'); break;
        case GW__JSON_ARRAY: gw__json_put_open(out, '['); break;
        case GW__JSON_OBJECT_END: gw__json_put_close(out, '}'); break;
        case GW__JSON_ARRAY_END: gw__json_put_close(out, ']'); break;
        case GW__JSON_KEY:
        case GW__JSON_STRING: write_string(&json, out, cut, event == GW__JSON_KEY); break;
        case GW__JSON_NUMBER: write_number(&json, out); break;
        case GW__JSON_NULL: gw__json_put_null(out); break;
        default: gw__json_put_bool(out, event == GW__JSON_TRUE); break;
        }
    }
    gw__json_finish(&json);
    CHECK(!out->lost && !out->repaired);
}

/* Writing twice gives the same: numbers lose their form the first time, and nothing after that. */
static void check_writing(const char *data, size_t size, size_t cut)
{
    struct gw__json_out once = {0}, twice = {0};
    rewrite(data, size, cut, &once);
    size_t length = (size_t)(once.at - once.begin);
    char *text = fuzz_copy(once.begin, length);
    rewrite(text, length, 1, &twice);
    CHECK((size_t)(twice.at - twice.begin) == length && memcmp(once.begin, twice.begin, length) == 0);
    free(text);
    gw__json_out_finish(&once);
    gw__json_out_finish(&twice);
}

/* Skips what the text holds; returns whether it is well-formed. */
static bool skip_all(const char *data, size_t size, size_t step)
{
    struct trace_way way = {.step = step};
    struct tracer tracer = {.way = &way, .text = data, .size = size};
    gw__json_init(&tracer.json, DEPTH);
    trace_feed(&tracer);
    enum gw__json_event event;
    while ((event = gw__json_next(&tracer.json)) == GW__JSON_MORE)
        trace_feed(&tracer);
    while (event != GW__JSON_ERROR && (event = gw__json_skip(&tracer.json)) == GW__JSON_MORE)
        trace_feed(&tracer);
    while (event != GW__JSON_ERROR && (event = gw__json_next(&tracer.json)) == GW__JSON_MORE)
        trace_feed(&tracer);
    gw__json_finish(&tracer.json);
    free(tracer.block);
    return event == GW__JSON_END;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > 4096)
        return 0;
    struct trace_way whole = {.step = size, .take = TAKE_TEXT, .depth_limit = DEPTH};
    struct trace_way cut = {.first = data[0], .step = 1 + data[1] % 40, .take = data[2] % 2 ? TAKE_COPY : TAKE_TEXT,
                            .room = GW__JSON_ROOM + data[2] % 64, .depth_limit = DEPTH};
    const char *text = (const char *)data + 3;
    size -= 3;
    struct gw__text line = trace(text, size, &whole), other = trace(text, size, &cut);
    CHECK(same(&line, &other));
    gw__text_finish(&other);
    struct trace_way raw = {.step = size + 1, .take = TAKE_RAW, .room = cut.room, .depth_limit = DEPTH}, raw_cut = cut;
    raw_cut.take = TAKE_RAW;
    struct gw__text raw_line = trace(text, size, &raw), raw_other = trace(text, size, &raw_cut);
    CHECK(same(&raw_line, &raw_other) && well_formed(&raw_line) == well_formed(&line));
    CHECK(skip_all(text, size, cut.step) == well_formed(&line));
    if (well_formed(&line))
        check_writing(text, size, cut.step);
    gw__text_finish(&line);
    gw__text_finish(&raw_line);
    gw__text_finish(&raw_other);
    return 0;
}
