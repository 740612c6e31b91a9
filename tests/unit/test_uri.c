/* Targets and paths: forms, what is refused, normalisation and that it is done in one go, hosts. */
#include "http/uri.h"
#include "unit.h"

#include <stdlib.h>

static struct gw__arena arena;

static void set_up(void)
{
    gw__arena_init(&arena, NULL);
}

static void tear_down(void)
{
    gw__arena_finish(&arena);
}

static void is(struct gw__str text, const char *expected)
{
    if (!expected) {
        ck_assert_msg(text.data == NULL, "%.*s", (int)text.size, text.data);
        return;
    }
    ck_assert_msg(text.data || !*expected, "nothing for %s", expected);
    ck_assert_msg(gw__str_equal(text, gw__str(expected)), "%.*s for %s", (int)text.size, text.data, expected);
}

static const struct {
    const char *path, *normal; /* NULL: bad; normal the same as path: no copy */
} paths[] = {
    {"/", "/"},
    {"*", "*"},
    {"", NULL},
    {"a", NULL},
    {"/a/b.c", "/a/b.c"},
    {"/a/..b/.c/d./e..", "/a/..b/.c/d./e.."},
    {"/...", "/..."},
    {"/.well-known/x", "/.well-known/x"},
    {"/a//b///", "/a//b///"},
    {"/a;x=1/b;y", "/a;x=1/b;y"},
    {"/a/..;/b", "/a/..;/b"},
    {"/!$&'()*+,;=:@-._~", "/!$&'()*+,;=:@-._~"},
    {"/.", "/"},
    {"/..", "/"},
    {"/./", "/"},
    {"/../", "/"},
    {"/a/.", "/a/"},
    {"/a/..", "/"},
    {"/a/../", "/"},
    {"/a/./b", "/a/b"},
    {"/a/../b", "/b"},
    {"/a/b/../../c", "/c"},
    {"/a/b/../../../../c", "/c"},
    {"/../../etc/passwd", "/etc/passwd"},
    {"/a//../b", "/a/b"},
    {"/a/..//b", "//b"},
    {"/%2e%2E/a", "/a"},
    {"/a/%2e/b", "/a/b"},
    {"/a/.%2e/b", "/b"},
    {"/a/%2e%2e", "/"},
    {"/%2e%2e%2e", "/..."},
    {"/%41%7a%30%2D%5f%7E", "/Az0-_~"},
    {"/%c3%bc", "/%C3%BC"},
    {"/%C3%BC", "/%C3%BC"},
    {"/%2f%2F", "/%2F%2F"},
    {"/a%2f..%2fb", "/a%2F..%2Fb"},
    {"/%5c", "/%5C"},
    {"/%252e%252e/", "/%252e%252e/"},
    {"/%20%3f%23", "/%20%3F%23"},
    {"/%0a", "/%0A"},
    {"/%00", NULL},
    {"/a%00b", NULL},
    {"/%", NULL},
    {"/%4", NULL},
    {"/%4g", NULL},
    {"/%g4", NULL},
    {"/a%", NULL},
    {"/%%41", NULL},
    {"/a\\b", NULL},
    {"/a b", NULL},
    {"/a?b", NULL},
    {"/a#b", NULL},
    {"/a\"b", NULL},
    {"/a<b>", NULL},
    {"/a|b", NULL},
    {"/[a]", NULL},
    {"/{a}", NULL},
    {"/a\x7f", NULL},
    {"/\xc3\xbc", NULL},
};

START_TEST(slashes_are_merged)
{
    static const char *const cases[][2] = {{"/", "/"}, {"//", "/"}, {"/a//b", "/a/b"}, {"///a////b//", "/a/b/"},
                                           {"/a/b/", "/a/b/"}, {"*", "*"}, {"/a%2F/b", "/a%2F/b"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[32];
        size_t size = strlen(cases[i][0]);
        memcpy(path, cases[i][0], size);
        ck_assert_uint_eq(gw__path_merge_slashes(path, size), strlen(cases[i][1]));
        ck_assert_mem_eq(path, cases[i][1], strlen(cases[i][1]));
    }
}
END_TEST

START_TEST(normalise)
{
    char *copy = malloc(strlen(paths[_i].path) + 1);
    struct gw__str path = {copy, strlen(paths[_i].path)};
    memcpy(copy, paths[_i].path, path.size);
    struct gw__str normal = gw__path_normalise(path, &arena);
    is(normal, paths[_i].normal);
    if (normal.data) {
        ck_assert_int_eq(normal.data == copy, strcmp(paths[_i].path, paths[_i].normal) == 0);
        ck_assert_ptr_eq(gw__path_normalise(normal, &arena).data, normal.data);
    }
    struct gw__target target;
    bool split = gw__target_split(path, &target);
    if (path.size && path.data[0] == '/' && !strchr(paths[_i].path, '?')) {
        ck_assert_int_eq(split, normal.data != NULL);
        if (split && target.plain)
            ck_assert_ptr_eq(normal.data, copy);
    }
    free(copy);
}
END_TEST

static const struct {
    const char *target, *authority, *path, *query; /* path NULL: refused; query NULL: no '?' */
} targets[] = {
    {"/", "", "/", NULL},
    {"/a/b?c=d&e", "", "/a/b", "c=d&e"},
    {"/?", "", "/", ""},
    {"/a??b?/", "", "/a", "?b?/"},
    {"/a?%zz%", "", "/a", "%zz%"},
    {"/a?x[]={1}|\\^`", "", "/a", "x[]={1}|\\^`"},
    {"*", "", "*", NULL},
    {"**", NULL, NULL, NULL},
    {"", NULL, NULL, NULL},
    {"a", NULL, NULL, NULL},
    {"?a", NULL, NULL, NULL},
    {"a:80", NULL, NULL, NULL},
    {"/a b", NULL, NULL, NULL},
    {"/a\tb", NULL, NULL, NULL},
    {"/a#b", NULL, NULL, NULL},
    {"/a?b#c", NULL, NULL, NULL},
    {"/a?b c", NULL, NULL, NULL},
    {"/a?\"", NULL, NULL, NULL},
    {"/a?<", NULL, NULL, NULL},
    {"/a?\xc3\xbc", NULL, NULL, NULL},
    {"/a?\x01", NULL, NULL, NULL},
    {"/\xc3\xbc", NULL, NULL, NULL},
    {"/%00", NULL, NULL, NULL},
    {"//a/b", "", "//a/b", NULL},
    {"http://a", "a", "/", NULL},
    {"http://a/", "a", "/", NULL},
    {"HTTPS://a:443/b?c", "a:443", "/b", "c"},
    {"http://a?b", "a", "/", "b"},
    {"http://[::1]:8080/x", "[::1]:8080", "/x", NULL},
    {"http://", NULL, NULL, NULL},
    {"http:///a", NULL, NULL, NULL},
    {"http:/a", NULL, NULL, NULL},
    {"http://u@a/", NULL, NULL, NULL},
    {"http://u:p@a/", NULL, NULL, NULL},
    {"http://a:b/", NULL, NULL, NULL},
    {"http://a#b", NULL, NULL, NULL},
    {"ftp://a/", NULL, NULL, NULL},
    {"file:///a", NULL, NULL, NULL},
    {"\\a", NULL, NULL, NULL},
};

START_TEST(split)
{
    struct gw__target target;
    size_t size = strlen(targets[_i].target);
    char *copy = malloc(size + 1);
    memcpy(copy, targets[_i].target, size);
    bool done = gw__target_split((struct gw__str){copy, size}, &target);
    ck_assert_int_eq(done, targets[_i].path != NULL);
    if (done) {
        is(target.authority, targets[_i].authority);
        is(target.path, targets[_i].path);
        ck_assert_int_eq(target.has_query, targets[_i].query != NULL);
        is(target.query, targets[_i].query ? targets[_i].query : "");
    }
    free(copy);
}
END_TEST

static const struct {
    const char *host;
    bool valid;
} hosts[] = {
    {"a", true},
    {"example.com", true},
    {"EXAMPLE.com:80", true},
    {"under_score-1~.x", true},
    {"127.0.0.1:65535", true},
    {"a:0", true},
    {"[::1]", true},
    {"[::1]:80", true},
    {"[2001:db8::192.0.2.1]", true},
    {"", false},
    {":80", false},
    {"a:", false},
    {"a:65536", false},
    {"a:123456", false},
    {"a:-1", false},
    {"a:8 0", false},
    {"a:80:80", false},
    {"a b", false},
    {"a,b", false},
    {"a/b", false},
    {"a@b", false},
    {"a%41", false},
    {"a\\b", false},
    {"a?b", false},
    {"a#b", false},
    {"\xc3\xbc.de", false},
    {"a\x7f", false},
    {"::1", false},
    {"[::1", false},
    {"[]", false},
    {"[::1]a", false},
    {"[::1]:", false},
    {"[::g]", false},
    {"[::1%eth0]", false},
    {"[v1.x]", false},
    {"[1.2.3.4]", false},
    {"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]", false},
};

START_TEST(host)
{
    size_t size = strlen(hosts[_i].host);
    char *copy = malloc(size + 1);
    memcpy(copy, hosts[_i].host, size);
    ck_assert_msg(gw__host_valid((struct gw__str){copy, size}) == hosts[_i].valid, "%s", hosts[_i].host);
    free(copy);
}
END_TEST

START_TEST(decode)
{
    static const char *const cases[][2] = {
        {"", ""},           {"abc", "abc"}, {"a%20b", "a b"},       {"%41%7a", "Az"}, {"%", "%"},       {"%4", "%4"},
        {"%4g%41", "%4gA"}, {"%%41", "%A"}, {"%c3%BC", "\xc3\xbc"}, {"a+b", "a+b"},   {"%2541", "%41"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_str_eq(gw__percent_decode(gw__str(cases[i][0]), &arena), cases[i][1]);
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("uri");
    TCase *cases = tcase_create("uri");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, normalise, 0, (int)(sizeof paths / sizeof *paths));
    tcase_add_loop_test(cases, split, 0, (int)(sizeof targets / sizeof *targets));
    tcase_add_loop_test(cases, host, 0, (int)(sizeof hosts / sizeof *hosts));
    tcase_add_test(cases, decode);
    tcase_add_test(cases, slashes_are_merged);
    suite_add_tcase(suite, cases);
    return suite;
}
