/* What holds for every head, request's and response's: SSE2 and scalar agree, offsets lie within, cutting changes
 * nothing, and what is written from it parses to the same fields. */
#ifndef GW_TEST_FUZZ_HEAD_H
#define GW_TEST_FUZZ_HEAD_H

#include "fuzz.h"
#include "http/parse.h"
#include "http/write.h"

typedef enum gw__parse_result fuzz_parse(const char *data, size_t size, const struct gw__parse_limits *limits,
                                         struct gw__raw_head *out, struct gw__parse_error *error);

static const struct gw__parse_limits fuzz_limits = {300, 1000, 20}, fuzz_wide = {8192, 65535, 256};

static enum gw__parse_result fuzz_twins(fuzz_parse *parse, fuzz_parse *scalar, const void *text, size_t size,
                                        struct gw__raw_head *out)
{
    static struct gw__raw_head other;
    struct gw__parse_error error = {0}, other_error = {0};
    char *data = fuzz_copy(text, size);
    enum gw__parse_result result = parse(data, size, &fuzz_limits, out, &error);
    CHECK(scalar(data, size, &fuzz_limits, &other, &other_error) == result);
    free(data);
    CHECK(error.status == other_error.status && error.reason == other_error.reason);
    CHECK((result == GW__PARSE_BAD) == (error.reason != NULL));
    CHECK(memcmp(out, &other, offsetof(struct gw__raw_head, fields)) == 0);
    CHECK(memcmp(out->fields, other.fields, out->count * sizeof *out->fields) == 0);
    return result;
}

static inline void fuzz_within(const struct gw__raw_head *raw, size_t size)
{
    CHECK(raw->size <= size && raw->count <= fuzz_limits.fields);
    CHECK(raw->method + raw->method_size <= raw->size && raw->target + raw->target_size <= raw->size);
    CHECK(raw->reason + raw->reason_size <= raw->size);
    for (unsigned i = 0; i < raw->count; i++) {
        const struct gw__raw_field *field = &raw->fields[i];
        CHECK(field->name + field->name_size < field->value);
        CHECK(field->value + field->value_size < raw->size);
    }
}

/* Whole input first, then every prefix of it (every few bytes where it is long). */
static inline enum gw__parse_result fuzz_cuts(fuzz_parse *parse, fuzz_parse *scalar, const uint8_t *data, size_t size,
                                              struct gw__raw_head *raw)
{
    static struct gw__raw_head part;
    enum gw__parse_result whole = fuzz_twins(parse, scalar, data, size, raw);
    if (whole == GW__PARSE_OK)
        fuzz_within(raw, size);
    bool bad = false;
    for (size_t cut = 0; cut < size; cut += 1 + size / 200) {
        enum gw__parse_result result = fuzz_twins(parse, scalar, data, cut, &part);
        if (whole == GW__PARSE_OK)
            CHECK(result == (cut < raw->size ? GW__PARSE_MORE : GW__PARSE_OK));
        else
            CHECK(result != GW__PARSE_OK);
        CHECK(!bad || result == GW__PARSE_BAD);
        bad = result == GW__PARSE_BAD;
    }
    CHECK(!bad || whole == GW__PARSE_BAD);
    return whole;
}

/* The fields of `head` that are passed on are those of `raw`, in this order. */
static inline void fuzz_same_fields(const struct gw__head *head, const struct gw__raw_head *raw, const char *data)
{
    unsigned at = 0;
    for (unsigned i = 0; i < head->fields.count; i++) {
        const struct gw__header *field = &head->fields.items[i];
        if (field->hop)
            continue;
        CHECK(at < raw->count);
        const struct gw__raw_field *again = &raw->fields[at++];
        CHECK(again->name_size == field->name_size && again->value_size == field->value_size && again->id == field->id);
        CHECK(memcmp(data + again->name, field->name, field->name_size) == 0);
        CHECK(memcmp(data + again->value, field->value, field->value_size) == 0);
    }
    CHECK(at == raw->count);
}

#endif
