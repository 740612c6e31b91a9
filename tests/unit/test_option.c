/* The option tree, its check against a table, and the report. */
#include "base/alloc.h"
#include "base/option.h"
#include "base/text.h"
#include "unit.h"

#include <gateway/error.h>
#include <stdlib.h>
#include <string.h>

static const struct gw_option_spec weight_specs[] = {
    {.key = "address", .kind = GW_KIND_STRING, .required = true, .shorthand = true},
    {.key = "weight", .kind = GW_KIND_INT, .fallback = "1", .min = 1, .max = 100},
    {0},
};
static const struct gw_option_spec weight_item = {.kind = GW_KIND_GROUP, .members = weight_specs};
static const struct gw_option_spec duration_item = {.kind = GW_KIND_DURATION};

static const struct gw_option_spec specs[] = {
    {.key = "text", .kind = GW_KIND_STRING, .shorthand = true},
    {.key = "count", .kind = GW_KIND_INT, .fallback = "7", .min = 1, .max = 10},
    {.key = "on", .kind = GW_KIND_BOOL, .fallback = "true"},
    {.key = "ratio", .kind = GW_KIND_NUMBER},
    {.key = "after", .kind = GW_KIND_DURATION, .fallback = "2s"},
    {.key = "size", .kind = GW_KIND_SIZE},
    {.key = "mode", .kind = GW_KIND_CHOICE, .choices = "first|second"},
    {.key = "name", .kind = GW_KIND_NAME},
    {.key = "value", .kind = GW_KIND_VALUE},
    {.key = "words", .kind = GW_KIND_STRINGS},
    {.key = "items", .kind = GW_KIND_LIST, .members = &weight_item, .fallback = "()"},
    {.key = "one", .kind = GW_KIND_GROUP, .members = weight_specs},
    {.key = "times", .kind = GW_KIND_MAP, .members = &duration_item},
    {.key = "file", .kind = GW_KIND_PATH},
    {.key = "free", .kind = GW_KIND_ANY},
    {0},
};

static char *errors(struct gw__report *report)
{
    char *text = gw__report_text(report);
    gw__report_finish(report);
    return text;
}

/* The check of a tree, which is freed, must give exactly this text. */
static void expect_error(struct gw_option *tree, const char *expected)
{
    struct gw__report report = {0};
    ck_assert_ptr_null(gw__option_check(tree, specs, "filter 'x'", "a.cfg:1", &report));
    char *text = errors(&report);
    ck_assert_str_eq(text, expected);
    gw__free(text);
    gw_option_destroy(tree);
}

static struct gw_option *checked(const struct gw_option *tree)
{
    struct gw__report report = {0};
    struct gw_option *result = gw__option_check(tree, specs, "filter 'x'", "a.cfg:1", &report);
    char *text = errors(&report);
    ck_assert_str_eq(text, "");
    gw__free(text);
    ck_assert_ptr_nonnull(result);
    return result;
}

static struct gw_option *group_with(const char *key, struct gw_option *value)
{
    struct gw_option *group = gw_option_create_group("b.cfg:2");
    gw_option_add_take(group, key, value);
    return group;
}

START_TEST(tree_is_read_back)
{
    struct gw_option *list = gw_option_create_list(NULL);
    gw_option_add_take(list, NULL, gw_option_create_int(5, NULL));
    struct gw_option *group = group_with("list", list);
    gw_option_add_take(group, "yes", gw_option_create_bool(true, NULL));
    gw_option_add_take(group, "pi", gw_option_create_number(3.25, "c:3"));
    ck_assert_uint_eq(gw_option_count(group), 3);
    ck_assert_int_eq(gw_option_int(gw_option_at(gw_option_get(group, "list"), 0), NULL), 5);
    ck_assert(gw_option_bool(group, "yes"));
    ck_assert_double_eq(gw_option_number(group, "pi"), 3.25);
    ck_assert_str_eq(gw_option_origin(gw_option_get(group, "pi")), "c:3");
    ck_assert_str_eq(gw_option_key(gw_option_at(group, 2)), "pi");
    ck_assert_ptr_null(gw_option_string(group, "pi"));
    ck_assert_ptr_null(gw_option_at(group, 3));
    ck_assert_ptr_null(
        gw_option_add_take(gw_option_get(group, "pi") ? NULL : group, "k", gw_option_create_int(1, NULL)));
    struct gw_option *copy = gw__option_copy(group);
    gw_option_destroy(group);
    ck_assert_double_eq(gw_option_number(copy, "pi"), 3.25);
    gw_option_destroy(copy);
}
END_TEST

START_TEST(once_is_read_as_the_table_says)
{
    const struct gw_option *once = GW_OPTIONS("count", "3", "on", "false", "ratio", "1.5", "after", "500ms", "size",
                                              "64KiB", "words", "w", "file", "x.log");
    struct gw_option *result = checked(once);
    gw__option_done(once);
    ck_assert_int_eq(gw_option_int(result, "count"), 3);
    ck_assert(!gw_option_bool(result, "on"));
    ck_assert_double_eq(gw_option_number(result, "ratio"), 1.5);
    ck_assert_int_eq(gw_option_int(result, "after"), 500);
    ck_assert_int_eq(gw_option_int(result, "size"), 65536);
    ck_assert_str_eq(gw_option_string(gw_option_get(result, "words"), NULL)
                         ? ""
                         : gw_option_text(gw_option_at(gw_option_get(result, "words"), 0)),
                     "w");
    ck_assert_str_eq(gw_option_string(result, "file"), "x.log");
    gw_option_destroy(result);
}
END_TEST

START_TEST(defaults_are_filled_in)
{
    struct gw_option *result = checked(NULL);
    ck_assert_uint_eq(gw_option_count(result), 4);
    ck_assert_int_eq(gw_option_int(result, "count"), 7);
    ck_assert(gw_option_bool(result, "on"));
    ck_assert_int_eq(gw_option_int(result, "after"), 2000);
    ck_assert_str_eq(gw_option_origin(gw_option_get(result, "after")), "a.cfg:1");
    ck_assert_uint_eq(gw_option_count(gw_option_get(result, "items")), 0);
    gw_option_destroy(result);
}
END_TEST

START_TEST(shorthand_unfolds)
{
    const struct gw_option *once = GW_VALUE("hello");
    struct gw_option *result = checked(once);
    gw__option_done(once);
    ck_assert_str_eq(gw_option_string(result, "text"), "hello");
    gw_option_destroy(result);
    struct gw_option *list = gw_option_create_list(NULL);
    gw_option_add_take(list, NULL, gw_option_create_string("a:1", "b.cfg:9"));
    struct gw_option *group = group_with("items", list);
    result = checked(group);
    const struct gw_option *item = gw_option_at(gw_option_get(result, "items"), 0);
    ck_assert_str_eq(gw_option_string(item, "address"), "a:1");
    ck_assert_int_eq(gw_option_int(item, "weight"), 1);
    gw_option_destroy(result);
    gw_option_destroy(group);
}
END_TEST

START_TEST(shorthand_of_any_takes_a_group_whole)
{
    static const struct gw_option_spec any[] = {{.key = "it", .kind = GW_KIND_ANY, .shorthand = true, .required = true},
                                                {0}};
    struct gw__report report = {0};
    const struct gw_option *once = GW_OPTIONS("path", "/x");
    struct gw_option *result = gw__option_check(once, any, "predicate 'not'", NULL, &report);
    gw__option_done(once);
    ck_assert_str_eq(gw_option_string(gw_option_get(result, "it"), "path"), "/x");
    gw_option_destroy(result);
}
END_TEST

START_TEST(paths_are_relative_to_their_file)
{
    static const struct {
        const char *origin, *path, *result;
    } cases[] = {
        {"conf/a.cfg:3", "x.log", "conf/x.log"}, {"conf/a.cfg:3", "/x.log", "/x.log"},  {"conf/a.cfg:3", "-", "-"},
        {"a.cfg:3", "x.log", "x.log"},           {"/etc/a.cfg:3", "../x", "/etc/../x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gw_option *group = gw_option_create_group(cases[i].origin);
        gw_option_add_take(group, "file", gw_option_create_string(cases[i].path, cases[i].origin));
        gw_option_set_relative(group);
        struct gw_option *copy = gw__option_copy(group);
        struct gw_option *result = checked(copy);
        ck_assert_str_eq(gw_option_string(result, "file"), cases[i].result);
        gw_option_destroy(result);
        gw_option_destroy(copy);
        gw_option_destroy(group);
    }
}
END_TEST

START_TEST(wrong_values_are_named)
{
    expect_error(group_with("cuont", gw_option_create_int(1, "b.cfg:4")),
                 "b.cfg:4: filter 'x': 'cuont' is no known key, did you mean 'count'? [GW1010]");
    expect_error(group_with("count", gw_option_create_int(11, "b.cfg:4")),
                 "b.cfg:4: filter 'x': 'count' expects an integer from 1 to 10, found 11 [GW1012]");
    expect_error(group_with("count", gw_option_create_string("many", NULL)),
                 "b.cfg:2: filter 'x': 'count' expects an integer from 1 to 10, found \"many\" [GW1011]");
    expect_error(
        group_with("after", gw_option_create_int(5, NULL)),
        "b.cfg:2: filter 'x': 'after' expects a duration (\"500ms\", \"2s\", \"1m\", \"1h\"), found 5 [GW1012]");
    expect_error(
        group_with("size", gw_option_create_string("64KB", NULL)),
        "b.cfg:2: filter 'x': 'size' expects a size (\"512\", \"64KiB\", \"1MiB\", \"1GiB\"), found \"64KB\" [GW1012]");
    expect_error(group_with("mode", gw_option_create_string("frist", NULL)),
                 "b.cfg:2: filter 'x': 'mode' expects one of \"first\", \"second\", found \"frist\" [GW1014]");
    expect_error(group_with("name", gw_option_create_string("X Y", NULL)),
                 "b.cfg:2: filter 'x': 'name' expects a header name, found \"X Y\" [GW1011]");
    expect_error(group_with("value", gw_option_create_string("a\r\nb", NULL)),
                 "b.cfg:2: filter 'x': 'value' expects a header value (no control characters), found "
                 "\"a\\u000d\\u000ab\" [GW1011]");
    expect_error(group_with("on", gw_option_create_string("yes", NULL)),
                 "b.cfg:2: filter 'x': 'on' expects true or false, found \"yes\" [GW1011]");
    expect_error(group_with("one", gw_option_create_group("b.cfg:8")),
                 "b.cfg:8: filter 'x': 'one.address' is required but missing [GW1013]");
    expect_error(group_with("text", gw_option_create_string(NULL, NULL)),
                 "b.cfg:2: filter 'x': 'text' expects a string, found nothing [GW1011]");
    expect_error(gw_option_create_list("b.cfg:5"),
                 "b.cfg:5: filter 'x': 'text' expects a string, found a list [GW1011]");
}
END_TEST

START_TEST(all_errors_are_found_in_order_of_lines)
{
    struct gw_option *group = gw_option_create_group("b.cfg:2");
    struct gw_option *times = gw_option_create_group("b.cfg:20");
    gw_option_add_take(times, "a", gw_option_create_string("1s", "b.cfg:21"));
    gw_option_add_take(times, "b", gw_option_create_string("soon", "b.cfg:100"));
    gw_option_add_take(group, "times", times);
    gw_option_add_take(group, "count", gw_option_create_int(1, "b.cfg:3"));
    gw_option_add_take(group, "count", gw_option_create_int(2, "b.cfg:9"));
    gw_option_add_take(group, "zzz", gw_option_create_bool(true, "b.cfg:30"));
    struct gw__report report = {0};
    ck_assert_ptr_null(gw__option_check(group, specs, "", "", &report));
    gw__report_add(&report, "b.cfg:9", "GW1015", "'count' is given twice");
    gw__report_add(&report, "a.cfg:500", "GW1", "%s", "first");
    char *text = errors(&report);
    ck_assert_str_eq(
        text, "a.cfg:500: first [GW1]\n"
              "b.cfg:9: 'count' is given twice [GW1015]\n"
              "b.cfg:30: 'zzz' is no known key; known are 'text', 'count', 'on', 'ratio', 'after', 'size', 'mode', "
              "'name', 'value', 'words', 'items', 'one', 'times', 'file', 'free' [GW1010]\n"
              "b.cfg:100: 'times.b' expects a duration (\"500ms\", \"2s\", \"1m\", \"1h\"), found \"soon\" [GW1012]");
    gw__free(text);
    gw_option_destroy(group);
}
END_TEST

START_TEST(type_without_table_takes_nothing)
{
    struct gw__report report = {0};
    struct gw_option *yes = gw_option_create_bool(true, NULL);
    gw_option_destroy(gw__option_check(yes, NULL, "filter 'x'", "a:1", &report));
    gw_option_destroy(gw__option_check(NULL, NULL, "filter 'x'", "a:1", &report));
    ck_assert(!gw__report_bad(&report));
    const struct gw_option *once = GW_VALUE("no");
    ck_assert_ptr_null(gw__option_check(once, NULL, "filter 'x'", "a:1", &report));
    gw__option_done(once);
    ck_assert_uint_eq(report.count, 1);
    gw__report_finish(&report);
    gw_option_destroy(yes);
}
END_TEST

START_TEST(units)
{
    int64_t out;
    ck_assert(gw__parse_duration_ms("90s", &out) && out == 90000);
    ck_assert(gw__parse_duration_ms("1h", &out) && out == 3600000);
    ck_assert(!gw__parse_duration_ms("5", &out) && !gw__parse_duration_ms("s", &out));
    ck_assert(!gw__parse_duration_ms("-5s", &out) && !gw__parse_duration_ms("5 s", &out));
    ck_assert(!gw__parse_duration_ms("9223372036854775807h", &out));
    ck_assert(gw__parse_size_bytes("2GiB", &out) && out == 2147483648);
    ck_assert(!gw__parse_size_bytes("99999999999999999999", &out) && !gw__parse_size_bytes("1kb", &out));
    ck_assert(gw__parse_int("-12", &out) && out == -12);
    ck_assert(!gw__parse_int("--12", &out) && !gw__parse_int("", &out) && !gw__parse_int("1x", &out));
    double number;
    ck_assert(gw__parse_number("2e3", &number) && number == 2000);
    ck_assert(!gw__parse_number("nan", &number) && !gw__parse_number("1e999", &number) &&
              !gw__parse_number("1,5", &number));
}
END_TEST

START_TEST(nearest_names)
{
    static const char *const names[] = {"path", "host", "method", "timeout", "strip_prefix"};
    ck_assert_str_eq(gw__nearest("paht", names, 5), "path");
    ck_assert_str_eq(gw__nearest("timout", names, 5), "timeout");
    ck_assert_str_eq(gw__nearest("stripprefix", names, 5), "strip_prefix");
    ck_assert_ptr_null(gw__nearest("cookie", names, 5));
    ck_assert_ptr_null(gw__nearest("", names, 5));
}
END_TEST

START_TEST(json_text)
{
    struct gw__text text = {0};
    gw__text_json(&text, "a\"\\\n\xC3\xA4\xFF\xE2\x82");
    char *string = gw__text_take(&text);
    ck_assert_str_eq(string, "\"a\\\"\\\\\\u000a\xC3\xA4\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
    gw__free(string);
}
END_TEST

/* Builds, copies and checks a tree; true if nothing was lost. What fails must be noticed, never dropped. */
static bool build_and_check(void)
{
    struct gw__report report = {0};
    struct gw_option *copy = NULL, *result = NULL;
    const struct gw_option *once = GW_OPTIONS("text", "t", "words", "w", "file", "f", "after", "1s");
    if (!gw__option_lost(once))
        copy = gw__option_copy(once);
    gw__option_done(once);
    if (copy)
        result = gw__option_check(copy, specs, "filter 'x'", "a:1", &report);
    ck_assert(!copy || (result != NULL) == !gw__report_bad(&report));
    if (result)
        ck_assert_uint_eq(gw_option_count(result), 7);
    bool done = result != NULL;
    gw_option_destroy(copy);
    gw_option_destroy(result);
    gw__report_finish(&report);
    return done;
}

START_TEST(every_allocation_may_fail)
{
    int runs = 0;
    do
        fail_allocation(runs++);
    while (!build_and_check() && runs < 1000);
    allocate_normally();
    ck_assert_int_gt(runs, 30);
    ck_assert_int_lt(runs, 1000);
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("option");
    TCase *tree = tcase_create("option");
    tcase_add_test(tree, tree_is_read_back);
    tcase_add_test(tree, once_is_read_as_the_table_says);
    tcase_add_test(tree, defaults_are_filled_in);
    tcase_add_test(tree, shorthand_unfolds);
    tcase_add_test(tree, shorthand_of_any_takes_a_group_whole);
    tcase_add_test(tree, paths_are_relative_to_their_file);
    tcase_add_test(tree, wrong_values_are_named);
    tcase_add_test(tree, all_errors_are_found_in_order_of_lines);
    tcase_add_test(tree, type_without_table_takes_nothing);
    tcase_add_test(tree, units);
    tcase_add_test(tree, nearest_names);
    tcase_add_test(tree, json_text);
    tcase_add_test(tree, every_allocation_may_fail);
    suite_add_tcase(suite, tree);
    return suite;
}
