/* What the reader tells of a text, as a line: the same however the text is cut and however its strings are taken. */
#ifndef GW_TEST_JSON_TRACE_H
#define GW_TEST_JSON_TRACE_H

#include "json/reader.h"

#include <stdio.h>
#include <stdlib.h>

enum take { TAKE_TEXT, TAKE_COPY, TAKE_RAW };

/* How to go about it: `first` bytes, then pieces of `step`; each in a block of its own. */
struct trace_way {
    size_t first, step;
    enum take take;
    size_t room; /* of a copy, at least GW__JSON_ROOM */
    unsigned depth_limit;
};

struct tracer {
    struct gw__json json;
    const struct trace_way *way;
    const char *text;
    size_t size, fed;
    char *block;
    struct gw__text line;
};

static inline void trace_feed(struct tracer *tracer)
{
    size_t want = tracer->fed == 0 && tracer->way->first ? tracer->way->first : tracer->way->step;
    size_t left = tracer->size - tracer->fed, size = want < left ? want : left;
    free(tracer->block);
    tracer->block = malloc(size ? size : 1);
    if (size)
        memcpy(tracer->block, tracer->text + tracer->fed, size);
    tracer->fed += size;
    gw__json_feed(&tracer->json, tracer->block, size, tracer->fed == tracer->size);
}

/* The string or the raw value that has begun, added to `out`. */
static inline enum gw__json_event trace_copy(struct tracer *tracer, bool raw, struct gw__text *out)
{
    char room[256];
    for (;;) {
        char *at = room, *end = room + tracer->way->room;
        enum gw__json_event event =
            raw ? gw__json_copy_raw(&tracer->json, &at, end) : gw__json_copy(&tracer->json, &at, end);
        if (at > end)
            abort();
        gw__text_add(out, room, (size_t)(at - room));
        if (event == GW__JSON_MORE)
            trace_feed(tracer);
        else if (event != GW__JSON_FULL)
            return event;
    }
}

static inline enum gw__json_event trace_string(struct tracer *tracer, struct gw__text *out)
{
    struct gw__str text;
    enum gw__json_event event;
    if (tracer->way->take == TAKE_COPY)
        return trace_copy(tracer, false, out);
    while ((event = gw__json_text(&tracer->json, &text)) == GW__JSON_MORE)
        trace_feed(tracer);
    if (event == GW__JSON_DONE)
        gw__text_add(out, text.data, text.size);
    return event;
}

static inline void trace_value(struct tracer *tracer, enum gw__json_event event)
{
    struct gw__text *line = &tracer->line, string = {0};
    const struct gw__number *number = &tracer->json.number;
    bool raw = tracer->way->take == TAKE_RAW && (event == GW__JSON_OBJECT || event == GW__JSON_ARRAY);
    if (event == GW__JSON_KEY || event == GW__JSON_STRING || raw) {
        enum gw__json_event end = raw ? trace_copy(tracer, true, &string) : trace_string(tracer, &string);
        if (end == GW__JSON_DONE) {
            gw__text_print(line, "%s%zu:", raw ? "raw" : event == GW__JSON_KEY ? "key" : "string", string.size);
            gw__text_add(line, string.size ? string.data : "", string.size);
        }
        gw__text_finish(&string);
        if (end != GW__JSON_DONE)
            return;
    } else if (event == GW__JSON_NUMBER) {
        gw__text_print(line, "number:%.*s=", (int)number->text.size, number->text.data);
        int64_t integer;
        enum gw__number_fit fit = gw__number_int64(number, &integer);
        gw__text_print(line, fit == GW__NUMBER_EXACT ? "%lld" : "%lld?", (long long)integer);
        gw__text_print(line, "=%a", gw__number_double(number));
    } else {
        static const char *const names[] = {
            [GW__JSON_END] = "end",   [GW__JSON_OBJECT] = "{",    [GW__JSON_OBJECT_END] = "}",
            [GW__JSON_ARRAY] = "[",   [GW__JSON_ARRAY_END] = "]", [GW__JSON_TRUE] = "true",
            [GW__JSON_FALSE] = "false", [GW__JSON_NULL] = "null",
        };
        gw__text_puts(line, names[event]);
    }
    if (event != GW__JSON_END)
        gw__text_puts(line, " ");
}

/* The caller frees with gw__text_finish(). Ends with "end", or "error KIND at OFFSET: EXPECTED". */
static inline struct gw__text trace(const char *text, size_t size, const struct trace_way *way)
{
    struct tracer tracer = {.way = way, .text = text, .size = size};
    gw__json_init(&tracer.json, way->depth_limit ? way->depth_limit : 64);
    trace_feed(&tracer);
    enum gw__json_event event;
    while ((event = gw__json_next(&tracer.json)) != GW__JSON_ERROR) {
        if (event == GW__JSON_MORE)
            trace_feed(&tracer);
        else
            trace_value(&tracer, event);
        if (event == GW__JSON_END)
            break;
    }
    if (event == GW__JSON_ERROR)
        gw__text_print(&tracer.line, "error %d at %llu: %s", (int)tracer.json.error,
                       (unsigned long long)tracer.json.error_offset, tracer.json.expected);
    gw__json_finish(&tracer.json);
    free(tracer.block);
    return tracer.line;
}

#endif
