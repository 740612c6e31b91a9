/* The config reader: what a file says reaches the store, with its lines; what libconfig must not see is refused. */
#include "base/alloc.h"
#include "base/text.h"
#include "config/file.h"
#include "server/check.h"
#include "unit.h"

#include <gateway/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct gw_config *config;
static char folder[64];

static void begin(void)
{
    strcpy(folder, "/tmp/gw-file-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    config = gw_config_create();
}

static void end(void)
{
    gw_config_destroy(config);
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static void write_file(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static int read_text(const char *text)
{
    return gw__config_read_text(config, text, strlen(text), "conf/a.cfg");
}

static void expect_errors(const char *text, const char *expected)
{
    ck_assert_int_eq(read_text(text), GW_ERROR_CONFIG);
    ck_assert_str_eq(gw_config_error(config), expected);
}

START_TEST(a_page_of_config_is_mapped)
{
    ck_assert_int_eq(
        read_text("version = 1;\n"
                  "workers = 2;\n"
                  "plugins = ( \"./guard.so\", \"named.so\" );\n"
                  "listeners = ( { address = \"127.0.0.1:0\"; limits = { headers = 5; }; }, \"unix:gw.sock\" );\n"
                  "services = (\n"
                  "  { name = \"echo\"; balance = \"round_robin\";\n"
                  "    instances = ( \"127.0.0.1:8870\", { address = \"127.0.0.1:8871\"; weight = 3; } ); } );\n"
                  "decorators = ( { access_log = { path = \"access.log\"; }; } );\n"
                  "filters = ( { timeout = \"2s\"; } );\n"
                  "routes = ( { id = \"r\"; priority = 7;\n"
                  "  predicates = { path = \"/x\"; any = ( { path = \"/y\"; } ); };\n"
                  "  filters = ( { strip_prefix = 1; },\n"
                  "              { add = { name = \"a\"; value = \"b\"; }; } );\n"
                  "  endpoint = { http = { service = \"echo\"; }; }; } );\n"
                  "admin = { socket = \"gw.admin\"; }; # no newline behind this"),
        0);
    ck_assert_str_eq(gw_config_error(config), "");
    struct gw__report report = {0};
    struct gw__checked checked;
    gw__config_check(&checked, config, &report);
    ck_assert(!gw__report_bad(&report));
    ck_assert_int_eq(checked.workers, 2);
    ck_assert_str_eq(gw_option_text(gw_option_at(checked.plugins, 0)), "conf/./guard.so");
    ck_assert_str_eq(gw_option_text(gw_option_at(checked.plugins, 1)), "named.so");
    ck_assert_str_eq(checked.admin_socket, "conf/gw.admin");
    ck_assert_int_eq(checked.listeners[0].limits.headers, 5);
    ck_assert_str_eq(checked.listeners[1].address.path, "conf/gw.sock");
    ck_assert_int_eq(checked.services[0].instances[1].weight, 3);
    ck_assert_int_eq(checked.routes[0].priority, 7);
    gw__checked_finish(&checked);
    const struct gw_route *route = config->routes[0];
    ck_assert_str_eq(route->origin, "conf/a.cfg:10");
    ck_assert_str_eq(route->predicates.items[1].type, "any");
    ck_assert_str_eq(route->predicates.items[1].origin, "conf/a.cfg:11");
    ck_assert_str_eq(route->filters.items[1].origin, "conf/a.cfg:13");
    ck_assert_int_eq(gw_option_int(route->filters.items[0].options, NULL), 1);
    ck_assert(config->decorators.items[0].options->relative);
    ck_assert_str_eq(config->filters.items[0].type, "timeout");
}
END_TEST

START_TEST(syntax_errors_have_a_line)
{
    expect_errors("version = 1;\nlisteners = (\n  { address = ; } );\n",
                  "conf/a.cfg:3: expected the syntax of libconfig: syntax error [GW1002]");
}
END_TEST

START_TEST(version_is_wanted)
{
    expect_errors("workers = 0;\n", "conf/a.cfg:1: expected 'version = 1;', found no version [GW1004]");
}
END_TEST

START_TEST(another_version_is_refused)
{
    expect_errors("\nversion = 2;", "conf/a.cfg:2: expected 'version = 1;', found another version [GW1004]");
}
END_TEST

START_TEST(text_pass_refuses)
{
    expect_errors("version = 1;\n"
                  "@include \"/etc\"\n"
                  "a = 3000000000;\n"
                  "b = 0xFFFFFFFF;\n"
                  "c = 99999999999999999999L;\n"
                  "d = -2147483649;\n",
                  "conf/a.cfg:2: expected no '@include'; write include = \"FOLDER\"; (each *.cfg in it is read by "
                  "itself) [GW1003]\n"
                  "conf/a.cfg:3: expected an integer of 32 bits, found 3000000000; write 3000000000L [GW1003]\n"
                  "conf/a.cfg:4: expected an integer of 32 bits, found 0xFFFFFFFF; write 0xFFFFFFFFL [GW1003]\n"
                  "conf/a.cfg:5: expected an integer of 64 bits, found 99999999999999999999 [GW1003]\n"
                  "conf/a.cfg:6: expected an integer of 32 bits, found -2147483649; write -2147483649L [GW1003]");
}
END_TEST

START_TEST(text_pass_knows_strings_and_comments)
{
    ck_assert_int_eq(read_text("version = 1; /* 3000000000\n@include \"x\" */ # 3000000000\n// @include \"\n"
                               "a = \"3000000000 \\\" \\\\\"; b = [ 2147483647, -2147483648 ]; c = 3000000000L;\n"
                               "a9999999999 = 12345678901.5; e = \"\n@include \\\"x\\\"\";"),
                     0);
    ck_assert_int_eq(gw_option_int(gw__settings_find(&config->settings, "c")->value, NULL), 3000000000);
    ck_assert_str_eq(gw_option_text(gw__settings_find(&config->settings, "e")->value), "\n@include \"x\"");
}
END_TEST

START_TEST(what_does_not_end_is_named_where_it_begins)
{
    expect_errors("version = 1;\na = \"x\\\";\nb = 2;\n",
                  "conf/a.cfg:2: expected an end of the string that begins here [GW1002]");
    ck_assert_int_eq(read_text("version = 1;\n\n/* *\n/ */ /* "), GW_ERROR_CONFIG);
    ck_assert_ptr_nonnull(
        strstr(gw_config_error(config), ":4: expected an end of the comment that begins here [GW1002]"));
}
END_TEST

START_TEST(zero_byte_is_refused)
{
    static const char text[] = "version = 1;\n\0@include \"/etc\"";
    ck_assert_int_eq(gw__config_read_text(config, text, sizeof text - 1, "z.cfg"), GW_ERROR_CONFIG);
    ck_assert_str_eq(gw_config_error(config), "z.cfg:2: expected text, found a zero byte [GW1003]");
}
END_TEST

START_TEST(wrong_shapes_are_all_named)
{
    expect_errors(
        "version = 1;\n"
        "listeners = \"127.0.0.1:80\";\n"
        "services = ( 5, { name = 7; instances = \"x\"; }, { name = \"a\"; instances = ( 1, { address = 2; } ); } );\n"
        "decorators = { errors = {}; };\n"
        "filters = ( { a = 1; b = 2; }, \"c\" );\n"
        "routes = ( { id = \"r\"; predicates = 1;\n"
        "  filters = 2;\n"
        "  endpoint = {}; }, { endpoint = \"x\"; } );\n"
        "plugins = 5;\n",
        "conf/a.cfg:2: 'listeners' expects a list of groups ( { … }, … ), found a string [GW1005]\n"
        "conf/a.cfg:3: service expects a group { name = \"…\"; instances = ( \"host:port\" ); }, found a single "
        "value [GW1005]\n"
        "conf/a.cfg:3: service: 'name' expects a string, found a single value [GW1005]\n"
        "conf/a.cfg:3: service: 'instances' expects a list ( \"host:port\", … ), found a string [GW1005]\n"
        "conf/a.cfg:3: instance expects \"host:port\" or { address = \"host:port\"; }, found a single value [GW1005]\n"
        "conf/a.cfg:3: instance: 'address' expects a string, found a single value [GW1005]\n"
        "conf/a.cfg:4: 'decorators' expects a list of groups ( { name = options; }, … ), found a group [GW1005]\n"
        "conf/a.cfg:5: 'filters' expects one name in each group, found 2 [GW1005]\n"
        "conf/a.cfg:5: 'filters' expects a list of groups ( { name = options; }, … ), found a string [GW1005]\n"
        "conf/a.cfg:6: route: 'predicates' expects a group { name = options; … }, found a single value [GW1005]\n"
        "conf/a.cfg:7: route: 'filters' expects a list of groups ( { name = options; }, … ), found a single "
        "value [GW1005]\n"
        "conf/a.cfg:8: route: 'endpoint' expects one name in its group, found 0 [GW1005]\n"
        "conf/a.cfg:8: route: 'endpoint' expects a group { name = options; }, found a string [GW1005]\n"
        "conf/a.cfg:9: 'plugins' expects a list of paths ( \"./guard.so\", … ), found a single value [GW1005]");
}
END_TEST

static int read_main(const char *text, char *path, size_t size)
{
    write_file("main.cfg", text);
    snprintf(path, size, "%s/main.cfg", folder);
    return gw_config_read_file(config, path);
}

START_TEST(folder_is_included_in_order)
{
    char path[128];
    snprintf(path, sizeof path, "%s/conf.d", folder);
    mkdir(path, 0700);
    write_file("conf.d/b.cfg", "routes = ( { id = \"b\"; } );");
    write_file("conf.d/a.cfg", "routes = ( { id = \"a\"; } );\nadmin = { socket = \"s\"; };");
    write_file("conf.d/ignored.txt", "nonsense");
    ck_assert_int_eq(read_main("version = 1; routes = ( { id = \"m\"; } ); include = \"conf.d\";", path, sizeof path),
                     0);
    ck_assert_uint_eq(config->route_count, 3);
    ck_assert_str_eq(config->routes[0]->id, "m");
    ck_assert_str_eq(config->routes[1]->id, "a");
    ck_assert_str_eq(config->routes[2]->id, "b");
    ck_assert_ptr_nonnull(strstr(config->routes[2]->origin, "/conf.d/b.cfg:1"));
}
END_TEST

START_TEST(included_files_are_judged_by_themselves)
{
    char path[128], expected[1024];
    write_file("one.cfg", "workers = 2;\nworkers = 3;");
    ck_assert_int_eq(read_main("version = 1; include = \"one.cfg\";", path, sizeof path), GW_ERROR_CONFIG);
    snprintf(expected, sizeof expected,
             "%s/one.cfg:2: expected the syntax of libconfig: duplicate setting name [GW1002]", folder);
    ck_assert_str_eq(gw_config_error(config), expected);
}
END_TEST

START_TEST(a_key_belongs_into_one_file)
{
    char path[128], expected[1024];
    write_file("two.cfg", "\nworkers = 2;\ninclude = \"main.cfg\";\n");
    ck_assert_int_eq(read_main("version = 1; workers = 1;\ninclude = \"two.cfg\";", path, sizeof path),
                     GW_ERROR_CONFIG);
    snprintf(expected, sizeof expected,
             "%s/two.cfg:2: 'workers' is given twice, first at %s/main.cfg:1 [GW1015]\n"
             "%s/two.cfg:3: expected 'include' in the first file only, found it in an included one [GW1005]",
             folder, folder, folder);
    ck_assert_str_eq(gw_config_error(config), expected);
}
END_TEST

START_TEST(missing_files_are_named)
{
    char path[128], expected[1024];
    ck_assert_int_eq(read_main("version = 1;\ninclude = \"nowhere\";", path, sizeof path), GW_ERROR_CONFIG);
    snprintf(path, sizeof path, "%s/none.cfg", folder);
    ck_assert_int_eq(gw_config_read_file(config, path), GW_ERROR_CONFIG);
    ck_assert_int_eq(gw_config_read_file(config, folder), GW_ERROR_CONFIG);
    snprintf(
        expected, sizeof expected,
        "%s: expected a config file: Is a directory [GW1001]\n"
        "%s/main.cfg:2: 'include' expects the path of a folder or file, found \"nowhere\": No such file or directory "
        "[GW1001]\n"
        "%s/none.cfg: expected a config file: No such file or directory [GW1001]",
        folder, folder, folder);
    ck_assert_str_eq(gw_config_error(config), expected);
    ck_assert_int_eq(gw_config_read_file(NULL, path), GW_ERROR_MEMORY);
}
END_TEST

/* libconfig's own memory is not in this: it crashes where malloc fails. */
START_TEST(every_allocation_may_fail)
{
    static const char text[] =
        "version = 1; workers = 2; plugins = ( \"./a.so\", \"b.so\" );\n"
        "listeners = ( { address = \"unix:x\"; limits = { headers = 5; }; } );\n"
        "services = ( { name = \"s\"; instances = ( \"h:1\", { address = \"h:2\"; weight = 2; } ); } );\n"
        "decorators = ( { errors = {}; } ); filters = ( { timeout = \"1s\"; } );\n"
        "routes = ( { id = \"r\"; predicates = { path = \"/\"; }; filters = ( { a = 1; } );\n"
        "             endpoint = { respond = ( 1.5, true ); }; } );\n";
    int runs = 0, result = -1;
    while (result != 0 && runs < 2000) {
        fail_allocation(runs++);
        struct gw_config *read = gw_config_create();
        result = gw__config_read_text(read, text, sizeof text - 1, "conf/a.cfg");
        bool failed = allocation_failed();
        ck_assert(!read || !failed || result != 0 || read->report.lost);
        result = failed ? -1 : result;
        gw_config_destroy(read);
    }
    allocate_normally();
    ck_assert_int_gt(runs, 100);
    ck_assert_int_lt(runs, 2000);
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("file");
    TCase *reader = tcase_create("reader");
    tcase_add_checked_fixture(reader, begin, end);
    tcase_add_test(reader, a_page_of_config_is_mapped);
    tcase_add_test(reader, syntax_errors_have_a_line);
    tcase_add_test(reader, version_is_wanted);
    tcase_add_test(reader, another_version_is_refused);
    tcase_add_test(reader, text_pass_refuses);
    tcase_add_test(reader, text_pass_knows_strings_and_comments);
    tcase_add_test(reader, what_does_not_end_is_named_where_it_begins);
    tcase_add_test(reader, zero_byte_is_refused);
    tcase_add_test(reader, wrong_shapes_are_all_named);
    tcase_add_test(reader, folder_is_included_in_order);
    tcase_add_test(reader, included_files_are_judged_by_themselves);
    tcase_add_test(reader, a_key_belongs_into_one_file);
    tcase_add_test(reader, missing_files_are_named);
    tcase_add_test(reader, every_allocation_may_fail);
    suite_add_tcase(suite, reader);
    return suite;
}
