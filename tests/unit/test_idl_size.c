/* What schemas take of memory, compared with the text they are made of: what the allocator has given out is counted. */
#include "base/text.h"
#include "idl/idl.h"
#include "unit.h"

#include <gateway/error.h>
#include <malloc.h>
#include <stdlib.h>

static size_t in_use;

static void *counted_malloc(size_t size)
{
    void *memory = malloc(size);
    in_use += malloc_usable_size(memory);
    return memory;
}

static void *counted_realloc(void *memory, size_t size)
{
    in_use -= malloc_usable_size(memory);
    memory = realloc(memory, size);
    in_use += malloc_usable_size(memory);
    return memory;
}

static void counted_free(void *memory)
{
    in_use -= malloc_usable_size(memory);
    free(memory);
}

/* ---- texts */

static uint32_t dice;

static unsigned throw(unsigned sides)
{
    dice = dice * 1664525 + 1013904223;
    return (dice >> 8) % sides;
}

static const char *const nouns[] = {"order",  "customer", "price", "stock", "warehouse", "address",  "invoice", "line",
                                    "parcel", "carrier",  "label", "item",  "supplier",  "discount", "refund",  "basket"};
static const char *const ends[] = {"Id",   "Code", "Name",  "Count", "At",   "State",  "Total", "Key",
                                   "Date", "Kind", "Owner", "Limit", "Rate", "Number", "Text",  "Index"};

static void add_type(struct gw__text *text, unsigned known)
{
    static const char *const types[] = {"string", "i32", "i64", "bool", "double", "list<string>", "map<string, i64>"};
    unsigned sort = throw(10);
    if (sort < 7 || !known)
        gw__text_puts(text, types[sort % 7]);
    else
        gw__text_print(text, sort == 7 ? "list<Record%u>" : "Record%u", throw(known));
}

static void add_record(struct gw__text *text, unsigned number, bool comments)
{
    if (comments)
        gw__text_print(text, "/**\n * %s %u of the catalogue, as the warehouse sends it.\n */\n", nouns[throw(16)], number);
    gw__text_print(text, "struct Record%u {\n", number);
    for (unsigned id = 1; id <= 10; id++) {
        if (comments && id % 3 == 0)
            gw__text_print(text, "    // the %s this %s had when it was last seen\n", nouns[throw(16)], nouns[throw(16)]);
        gw__text_print(text, "    %u: %s", id, throw(3) ? throw(2) ? "optional " : "required " : "");
        add_type(text, number);
        gw__text_print(text, " %s%s%u,\n", nouns[throw(16)], ends[throw(16)], id);
    }
    gw__text_puts(text, "}\n\n");
}

static void add_service(struct gw__text *text, unsigned records, unsigned methods)
{
    gw__text_puts(text, "exception Failed {\n    1: required i32 code,\n    2: string message,\n}\n\nservice Catalogue {\n");
    for (unsigned i = 0; i < methods; i++)
        gw__text_print(text, "    Record%u %s%s%u(1: Record%u request) throws (1: Failed failed),\n", throw(records),
                       nouns[throw(16)], ends[throw(16)], i, throw(records));
    gw__text_puts(text, "}\n");
}

/* A file of about that many lines. */
static void make_text(struct gw__text *text, unsigned lines, bool comments)
{
    unsigned each = comments ? 19 : 13, methods = lines / 20, records = (lines - methods) / each;
    dice = 7;
    for (unsigned i = 0; i < records; i++)
        add_record(text, i, comments);
    add_service(text, records, methods);
}

/* ---- what they take */

struct sample {
    struct gw__text text;
};

static const char *read_sample(void *user, const char *path, char **data, size_t *size)
{
    struct sample *sample = user;
    *size = sample->text.size;
    *data = counted_malloc(*size);
    memcpy(*data, sample->text.data, *size);
    return NULL;
}

/* In so many files. */
static void check_size(struct sample *sample, size_t count)
{
    struct gw__idl_reader reader = {.read = read_sample, .user = sample};
    struct gw__report report = {0};
    struct gw__idl_set set;
    char (*names)[16] = calloc(count, sizeof *names);
    const char **paths = calloc(count, sizeof *paths);
    for (size_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof names[i], "file%zu.thrift", i);
        paths[i] = names[i];
    }
    size_t before = in_use;
    ck_assert_int_eq(gw__idl_load(&set, paths, count, &reader, NULL, &report), 0);
    size_t taken = in_use - before;
    ck_assert_msg(taken <= 3 * count * sample->text.size, "%zu bytes for %zu of text", taken, count * sample->text.size);
    gw__idl_set_finish(&set);
    ck_assert_uint_eq(in_use, before);
    gw__text_finish(&sample->text);
    ck_assert_uint_eq(in_use, 0);
    free(names);
    free(paths);
    gw_set_allocator(NULL, NULL, NULL);
}

START_TEST(text_with_comments)
{
    struct sample sample = {0};
    gw_set_allocator(counted_malloc, counted_realloc, counted_free);
    make_text(&sample.text, 20000, true);
    check_size(&sample, 1);
}
END_TEST

START_TEST(dense_text)
{
    struct sample sample = {0};
    gw_set_allocator(counted_malloc, counted_realloc, counted_free);
    make_text(&sample.text, 20000, false);
    check_size(&sample, 1);
}
END_TEST

START_TEST(many_files)
{
    struct sample sample = {0};
    gw_set_allocator(counted_malloc, counted_realloc, counted_free);
    make_text(&sample.text, 80, _i);
    check_size(&sample, 1000);
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("idl_size");
    TCase *sizes = tcase_create("sizes");
    tcase_add_test(sizes, text_with_comments);
    tcase_add_test(sizes, dense_text);
    tcase_add_loop_test(sizes, many_files, 0, 2);
    suite_add_tcase(suite, sizes);
    return suite;
}
