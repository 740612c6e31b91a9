/* Router: precedence, backtracking, variables, expressions, conflicts and reachability; then, on random
 * routes and requests, that it agrees with a matcher that simply tries every route. */
#include "unit.h"

#include "base/alloc.h"
#include "exchange/chain.h"
#include "route/router.h"

#include <gateway/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What stands for an exchange: the method, and a letter for each test that holds ("ab": tests a and b). */
struct request {
    const char *method, *host, *path, *tests;
};

static bool test_matches(const struct gw_exchange *ex, const struct gw_predicate *self)
{
    const struct request *request = (const void *)ex;
    return strchr(request->tests, self->head.name[0]) != NULL;
}

static const struct gw_predicate_type test_type = {.size = sizeof test_type, .name = "test", .matches = test_matches};
/* Is a method one of "method:A,B"? */
static bool naive_method(const char *list, const char *method)
{
    size_t size = strlen(method);
    for (const char *at = strchr(list, ':'); at; at = strchr(at, ','))
        if (strncmp(++at, method, size) == 0 && (at[size] == ',' || !at[size]))
            return true;
    return false;
}

static bool method_matches(const struct gw_exchange *ex, const struct gw_predicate *self)
{
    return naive_method(self->head.name, ((const struct request *)(const void *)ex)->method);
}

static const struct gw_predicate_type method_type = {
    .size = sizeof method_type, .name = "method", .matches = method_matches};
static struct gw_predicate letters[26];
static struct gw__arena memory;

/* An expression as text: words ANDed; `path:P host:H method:M,N`, a letter for a test, `A`…`Z` for tests of which one
 * only can hold, `!` before a word or group, `(a b)` all, `[a b]` any. */
static struct gw__condition parse(const char **at);

static struct gw__condition parse_group(const char **at, enum gw__condition_kind kind, char close)
{
    struct gw__condition group = {.kind = kind, .children = gw__arena_alloc(&memory, 64 * sizeof group)};
    for (;;) {
        *at += strspn(*at, " ");
        if (**at == close || !**at)
            break;
        group.children[group.count++] = parse(at);
    }
    *at += **at != 0;
    return group;
}

static struct gw__condition parse_word(const char **at)
{
    size_t size = strcspn(*at, " )]") + (strncmp(*at, "host:[", 6) == 0);
    const char *word = gw__arena_copy(&memory, *at, size);
    *at += size;
    if (strncmp(word, "path:", 5) == 0)
        return (struct gw__condition){.kind = GW__CONDITION_PATH, .pattern = word + 5};
    if (strncmp(word, "host:", 5) == 0)
        return (struct gw__condition){.kind = GW__CONDITION_HOST, .pattern = word + 5};
    if (strncmp(word, "method:", 7) == 0) {
        struct gw_predicate *method = gw__arena_zalloc(&memory, sizeof *method);
        method->head.name = word;
        method->type = &method_type;
        return (struct gw__condition){.kind = GW__CONDITION_TEST, .signature = word, .predicate = method};
    }
    bool upper = word[0] < 'a';
    struct gw_predicate *letter = &letters[(word[0] | 32) - 'a'];
    letter->head.name = gw__arena_copy(&memory, word, 1);
    letter->type = &test_type;
    return (struct gw__condition){.kind = GW__CONDITION_TEST,
                                  .signature = word,
                                  .predicate = letter,
                                  .exclusive = upper ? "letters" : NULL,
                                  .implies = upper ? "p" : NULL};
}

static struct gw__condition parse(const char **at)
{
    char c = **at;
    *at += c == '!' || c == '(' || c == '[';
    if (c == '!') {
        struct gw__condition *child = gw__arena_alloc(&memory, sizeof *child);
        *child = parse(at);
        return (struct gw__condition){.kind = GW__CONDITION_NOT, .children = child, .count = 1};
    }
    if (c == '(')
        return parse_group(at, GW__CONDITION_ALL, ')');
    if (c == '[')
        return parse_group(at, GW__CONDITION_ANY, ']');
    return parse_word(at);
}

static struct gw__report report;

/* A router of routes "r0", "r1", … from "gw.cfg:0", …; each text may begin with its priority. */
static struct gw__router *build(const char *const *routes, size_t count, bool backwards)
{
    struct gw__router *router = gw__router_create();
    ck_assert_ptr_nonnull(router);
    for (size_t i = 0; i < count; i++) {
        size_t number = backwards ? count - 1 - i : i;
        char id[32], origin[32], *at;
        snprintf(id, sizeof id, "r%zu", number);
        snprintf(origin, sizeof origin, "gw.cfg:%zu", number);
        int priority = (int)strtol(routes[number], &at, 10);
        const char *text = at;
        struct gw__condition all = parse_group(&text, GW__CONDITION_ALL, '\0');
        ck_assert(gw__router_add(router, (uint32_t)number, id, origin, priority, &all, &report));
    }
    ck_assert(gw__router_finish(router, &report));
    return router;
}

static int find(const struct gw__router *router, const struct request *request, struct gw__match *match)
{
    bool found = gw__router_match(router, (const void *)request, gw__str(request->method), gw__str(request->host),
                                  gw__str(request->path), match);
    return found ? (int)match->route : -1;
}

static int find_path(const struct gw__router *router, const char *path)
{
    struct gw__match match;
    return find(router, &(struct request){"GET", "h.com", path, ""}, &match);
}

static void setup(void)
{
    gw__arena_init(&memory, NULL);
}

static void teardown(void)
{
    gw__arena_finish(&memory);
    gw__report_finish(&report);
}

/* The errors as text; the report is empty afterwards. */
static const char *errors(void)
{
    char *text = gw__report_text(&report);
    char *copy = gw__arena_copy(&memory, text, strlen(text) + 1);
    strcat(copy, *copy ? "\n" : "");
    gw__free(text);
    gw__report_finish(&report);
    return copy;
}

static void expect_good(void)
{
    ck_assert_str_eq(errors(), "");
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

START_TEST(paths_by_precedence)
{
    static const char *const routes[] = {
        "path:/**", "path:/a/{x}", "path:/a/b", "path:/a/**", "path:/{x}/b", "path:/a/b/**", "path:/{x}/{y}/c",
        "path:/",
        "path:/a/", "path:/{x}/b/**",
    };
    static const struct {
        const char *path;
        int route;
    } cases[] = {
        {"/", 7}, {"/a", 3}, {"/a/", 8}, {"/a/b", 2}, {"/a/c", 1}, {"/q/b", 4}, {"/a/b/", 5}, {"/a/b/c", 6},
        {"/a/b/d", 5}, {"/a/c/d", 3}, {"/q/b/d", 9}, {"/q", 0}, {"/q/", 0}, {"/ab", 0}, {"/a//", 3}, {"//b", 0},
    };
    struct gw__router *router = build(routes, COUNT(routes), false);
    expect_good();
    for (size_t i = 0; i < COUNT(cases); i++)
        ck_assert_msg(find_path(router, cases[i].path) == cases[i].route, "%s: %d", cases[i].path,
                      find_path(router, cases[i].path));
    gw__router_destroy(router);
}
END_TEST

START_TEST(backtracks_over_literals_and_tests)
{
    static const char *const routes[] = {
        "path:/a/b/c", "path:/a/{x}/d", "path:/{x}/b/e", "path:/{x}/{y}/{z}", "path:/a/b/f x",
    };
    struct gw__router *router = build(routes, COUNT(routes), false);
    expect_good();
    ck_assert_int_eq(find_path(router, "/a/b/c"), 0);
    ck_assert_int_eq(find_path(router, "/a/b/d"), 1);
    ck_assert_int_eq(find_path(router, "/a/b/e"), 2);
    ck_assert_int_eq(find_path(router, "/a/b/f"), 3);
    ck_assert_int_eq(find_path(router, "/a/b/"), -1);
    struct gw__match match;
    ck_assert_int_eq(find(router, &(struct request){"GET", "", "/a/b/f", "x"}, &match), 4);
    gw__router_destroy(router);
}
END_TEST

static void expect_variables(const struct gw__router *router, const char *path, const char *expected)
{
    struct gw__match match;
    char text[256] = "";
    if (find(router, &(struct request){"GET", "", path, ""}, &match) >= 0)
        for (unsigned i = 0; i < match.variable_count; i++) {
            struct gw__str value = match.values[i];
            sprintf(text + strlen(text), "%s=%.*s;", match.names[i].data, (int)value.size, value.data);
        }
    ck_assert_str_eq(text, expected);
}

START_TEST(variables_are_bound)
{
    static const char *const routes[] = {
        "path:/u/{user}/f/{file}", "path:/{a}/{b}/g", "path:/old/{rest:**}", "path:/t/{id}/{rest:**}",
        "path:/x/{any}/y/**",
    };
    struct gw__router *router = build(routes, COUNT(routes), false);
    expect_good();
    expect_variables(router, "/u/me/f/a%20b", "user=me;file=a%20b;");
    expect_variables(router, "/u/me/g", "a=u;b=me;");
    expect_variables(router, "/old/a/b/", "rest=a/b/;");
    expect_variables(router, "/old/", "rest=;");
    expect_variables(router, "/old", "rest=;");
    expect_variables(router, "/t/7/8/9", "id=7;rest=8/9;");
    expect_variables(router, "/x/1/y/2", "any=1;");
    expect_variables(router, "/u//f/x", "");
    gw__router_destroy(router);
}
END_TEST

START_TEST(hosts_by_precedence)
{
    static const char *const routes[] = {
        "path:/p", "host:*.example.com", "host:a.example.com path:/p", "host:*.b.example.com path:/**",
        "host:Example.COM",
        "host:[::1]", "host:*.example.com path:/p",
    };
    static const struct {
        const char *host, *path;
        int route;
    } cases[] = {
        {"a.example.com", "/p", 2},  {"a.example.com", "/q", 1},   {"A.EXAMPLE.com.", "/p", 2},
        {"x.b.example.com", "/p", 3},
        {"y.x.b.example.com", "/", 3}, {"b.example.com", "/q", 1}, {"b.example.com", "/p", 6},
        {"example.com", "/p", 4},
        {"example.org", "/p", 0},    {"example.org", "/q", -1},    {"", "/p", 0},               {"[::1]", "/q", 5},
        {"xexample.com", "/q", -1},  {".example.com", "/q", -1},
    };
    struct gw__router *router = build(routes, COUNT(routes), false);
    expect_good();
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw__match match;
        int found = find(router, &(struct request){"GET", cases[i].host, cases[i].path, ""}, &match);
        ck_assert_msg(found == cases[i].route, "%s %s: %d", cases[i].host, cases[i].path, found);
    }
    char *longest = malloc(70000);
    memset(longest, 'a', 69999);
    longest[69999] = '\0';
    struct gw__match match;
    ck_assert_int_eq(find(router, &(struct request){"GET", longest, "/p", ""}, &match), 0);
    free(longest);
    gw__router_destroy(router);
}
END_TEST

START_TEST(methods_and_tests_by_precedence)
{
    static const char *const routes[] = {
        "path:/m", "path:/m method:GET,POST", "path:/m method:GET", "path:/m method:GET x", "path:/m method:PUT A",
        "path:/m method:PUT B", "path:/m method:PUT p", "path:/v/{x} !x", "path:/v/{y} x",
    };
    static const struct {
        const char *method, *path, *tests;
        int route;
    } cases[] = {
        {"GET", "/m", "", 2}, {"GET", "/m", "x", 3}, {"POST", "/m", "x", 1}, {"DELETE", "/m", "", 0},
        {"get", "/m", "", 0},
        {"PUT", "/m", "Ap", 4}, {"PUT", "/m", "Bp", 5}, {"PUT", "/m", "p", 6}, {"PUT", "/m", "", 0},
        {"GET", "/v/1", "", 7},
        {"GET", "/v/1", "x", 8},
    };
    struct gw__router *router = build(routes, COUNT(routes), false);
    expect_good();
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw__match match;
        int found = find(router, &(struct request){cases[i].method, "", cases[i].path, cases[i].tests}, &match);
        ck_assert_msg(found == cases[i].route, "%s %s %s: %d", cases[i].method, cases[i].path, cases[i].tests, found);
    }
    gw__router_destroy(router);
}
END_TEST

START_TEST(more_methods_than_bits)
{
    char texts[80][40];
    const char *routes[80];
    for (int i = 0; i < 80; i++) {
        sprintf(texts[i], "%d path:/m method:M%d,N%d", i, i, i);
        routes[i] = texts[i];
    }
    struct gw__router *router = build(routes, 80, false);
    expect_good();
    for (int i = 0; i < 80; i++) {
        char method[16];
        struct gw__match match;
        sprintf(method, "%c%d", "MN"[i & 1], i);
        ck_assert_int_eq(find(router, &(struct request){method, "", "/m", ""}, &match), i);
        ck_assert_int_eq(find(router, &(struct request){"M", "", "/m", ""}, &match), -1);
    }
    gw__router_destroy(router);
}
END_TEST

START_TEST(priority_goes_before_all)
{
    static const char *const routes[] = {
        "path:/a/b", "5 path:/a/** x", "-1 path:/a/b y", "7 path:/{v}/b z", "0 host:h.com path:/a/{q}",
        "6 path:/a/b x z",
    };
    static const struct {
        const char *host, *tests;
        int route;
    } cases[] = {{"", "", 0}, {"", "x", 1}, {"", "xz", 3}, {"h.com", "", 4}, {"h.com", "x", 1}, {"", "y", 0}};
    struct gw__router *router = build(routes, COUNT(routes), false);
    ck_assert_str_eq(errors(),
                     "gw.cfg:2: route 'r2' can never match: route 'r0' (gw.cfg:0) takes all its requests [GW1031]\n"
                     "gw.cfg:5: route 'r5' can never match: route 'r3' (gw.cfg:3) takes all its requests [GW1031]\n");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw__match match;
        int found = find(router, &(struct request){"GET", cases[i].host, "/a/b", cases[i].tests}, &match);
        ck_assert_msg(found == cases[i].route, "%s %s: %d", cases[i].host, cases[i].tests, found);
    }
    gw__router_destroy(router);
}
END_TEST

START_TEST(expressions)
{
    static const char *const routes[] = {
        "host:*.example.com [path:/app/** a]",
        "[(path:/one !method:GET) (path:/two/{x} ![a b])]",
        "path:/all/** !path:/all/but/** ![path:/all/x path:/all/y]",
        "path:/k/** path:/{x}/m",
        "[path:/same path:/same]",
    };
    static const struct {
        const char *method, *host, *path, *tests;
        int route;
    } cases[] = {
        {"GET", "x.example.com", "/app/1", "", 0}, {"GET", "x.example.com", "/q", "", -1},
        {"GET", "x.example.com", "/q", "a", 0},
        {"GET", "", "/one", "", -1}, {"PUT", "", "/one", "", 1}, {"GET", "", "/two/1", "", 1},
        {"GET", "", "/two/1", "b", -1},
        {"GET", "", "/all", "", 2}, {"GET", "", "/all/but", "", -1}, {"GET", "", "/all/but/x", "", -1},
        {"GET", "", "/all/y", "", -1},
        {"GET", "", "/all/z", "", 2}, {"GET", "", "/k/m", "", 3}, {"GET", "", "/l/m", "", -1},
        {"GET", "", "/k/n", "", -1},
        {"GET", "", "/same", "", 4},
    };
    struct gw__router *router = build(routes, COUNT(routes), false);
    expect_good();
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw__match match;
        struct request request = {cases[i].method, cases[i].host, cases[i].path, cases[i].tests};
        int found = find(router, &request, &match);
        ck_assert_msg(found == cases[i].route, "case %zu: %s: %d", i, cases[i].path, found);
    }
    gw__router_destroy(router);
}
END_TEST

START_TEST(asterisk_goes_to_routes_without_a_path)
{
    static const char *const routes[] = {"path:/x/**", "method:OPTIONS", "10 host:h.com path:/**"};
    struct gw__router *router = build(routes, COUNT(routes), false);
    expect_good();
    struct gw__match match;
    ck_assert_int_eq(find(router, &(struct request){"OPTIONS", "h.com", "*", ""}, &match), 1);
    ck_assert_int_eq(find(router, &(struct request){"GET", "h.com", "*", ""}, &match), -1);
    ck_assert_int_eq(find(router, &(struct request){"OPTIONS", "h.com", "/", ""}, &match), 2);
    gw__router_destroy(router);
}
END_TEST

START_TEST(no_routes_match_nothing)
{
    struct gw__router *router = build(NULL, 0, false);
    expect_good();
    ck_assert_int_eq(find_path(router, "/"), -1);
    gw__router_destroy(router);
}
END_TEST

static const struct {
    const char *routes[4];
    const char *errors;
} mistakes[] = {
    {{"path:/a/{x}", "path:/a/{y}"},
     "gw.cfg:1: route 'r1' matches the same requests as route 'r0' (gw.cfg:0) [GW1030]\n"},
    {{"path:/**", ""}, "gw.cfg:1: route 'r1' matches the same requests as route 'r0' (gw.cfg:0) [GW1030]\n"},
    {{"path:/a method:GET,PUT", "path:/a method:PUT,GET"},
     "gw.cfg:1: route 'r1' matches the same requests as route 'r0' (gw.cfg:0) [GW1030]\n"},
    {{"path:/a method:GET,PUT", "path:/a method:PUT,POST"},
     "gw.cfg:1: route 'r1' and route 'r0' (gw.cfg:0) match some of the same requests and neither goes first: give one "
     "of them a priority [GW1030]\n"},
    {{"path:/a x", "path:/a y", "1 path:/b x", "path:/b y"},
     "gw.cfg:1: route 'r1' and route 'r0' (gw.cfg:0) match some of the same requests and neither goes first: give one "
     "of them a priority [GW1030]\n"},
    {{"path:/a x", "path:/a !x", "path:/b A", "path:/b B"}, ""},
    {{"path:/a method:GET", "path:/a method:POST", "path:/a !method:GET,POST"}, ""},
    {{"2 path:/a/**", "path:/a/b", "path:/a/{x}/c", "path:/a"},
     "gw.cfg:1: route 'r1' can never match: route 'r0' (gw.cfg:0) takes all its requests [GW1031]\n"
     "gw.cfg:2: route 'r2' can never match: route 'r0' (gw.cfg:0) takes all its requests [GW1031]\n"
     "gw.cfg:3: route 'r3' can never match: route 'r0' (gw.cfg:0) takes all its requests [GW1031]\n"},
    {{"1 path:/a/{x}", "host:*.h.com path:/a/b", "host:x.h.com path:/a/{y} x", "path:/{z}/b"},
     "gw.cfg:1: route 'r1' can never match: route 'r0' (gw.cfg:0) takes all its requests [GW1031]\n"
     "gw.cfg:2: route 'r2' can never match: route 'r0' (gw.cfg:0) takes all its requests [GW1031]\n"},
    {{"1 path:/a method:GET", "2 path:/a method:PUT", "path:/a method:GET,PUT", "path:/a method:GET,PUT,POST"},
     "gw.cfg:2: route 'r2' can never match: route 'r1' (gw.cfg:1) and others take all its requests [GW1031]\n"},
    {{"1 host:*.h.com", "host:*.a.h.com path:/x", "host:h.com", "[path:/y host:a.h.com]"},
     "gw.cfg:1: route 'r1' can never match: route 'r0' (gw.cfg:0) takes all its requests [GW1031]\n"},
    {{"1 path:/a x", "path:/a x y", "path:/a"},
     "gw.cfg:1: route 'r1' can never match: route 'r0' (gw.cfg:0) takes all its requests [GW1031]\n"},
    {{"path:/a path:/b", "x !x", "A B", "[ ]"},
     "gw.cfg:0: route 'r0' can never match: its conditions contradict each other [GW1031]\n"
     "gw.cfg:1: route 'r1' can never match: its conditions contradict each other [GW1031]\n"
     "gw.cfg:2: route 'r2' can never match: its conditions contradict each other [GW1031]\n"
     "gw.cfg:3: route 'r3' can never match: its conditions contradict each other [GW1031]\n"},
    {{"path:/a/{x} !path:/a/**", "host:a.com host:*.com !host:a.com", "method:GET !method:GET,PUT", "A !p"},
     "gw.cfg:0: route 'r0' can never match: its conditions contradict each other [GW1031]\n"
     "gw.cfg:1: route 'r1' can never match: its conditions contradict each other [GW1031]\n"
     "gw.cfg:2: route 'r2' can never match: its conditions contradict each other [GW1031]\n"
     "gw.cfg:3: route 'r3' can never match: its conditions contradict each other [GW1031]\n"},
    {{"[path:/a path:/b", "path:/b"}, /* one way in is enough */
     "gw.cfg:1: route 'r1' matches the same requests as route 'r0' (gw.cfg:0) [GW1030]\n"},
    {{"1 path:/a", "[path:/a path:/b]"}, ""},
    {{"[a b c d] [e f g h] [i j k l] [m n o q] [r s]"},
     "gw.cfg:0: route 'r0' has more than 256 alternatives: split it [GW1033]\n"},
    {{"[a b c d] [e f g h] [i j k l] [m n o q]"}, ""},
    {{"!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!a"},
     "gw.cfg:0: route 'r0' has conditions nested more than 100 deep [GW1033]\n"},
};

START_TEST(mistakes_are_told)
{
    size_t count = 0;
    while (count < 4 && mistakes[_i].routes[count])
        count++;
    gw__router_destroy(build(mistakes[_i].routes, count, false));
    ck_assert_str_eq(errors(), mistakes[_i].errors);
}
END_TEST

static const struct {
    const char *pattern, *why;
} bad_patterns[] = {
    {"path:a", "a path begins with '/'"},
    {"path:", "a path begins with '/'"},
    {"path:/a?b", "a path has no '?' and no '#'; the query is the predicate 'query'"},
    {"path:/**/a", "'**' must be the last segment"},
    {"path:/**/", "'**' must be the last segment"},
    {"path:/{x:**}/a", "'**' must be the last segment"},
    {"path:/*", "'*' stands only as '**', the last segment; one segment is {name}"},
    {"path:/a**", "'*' stands only as '**', the last segment; one segment is {name}"},
    {"path:/{}", "a variable needs a name"},
    {"path:/{:**}", "a variable needs a name"},
    {"path:/{x}/{x}", "a variable's name stands twice"},
    {"path:/{x}/{x:**}", "a variable's name stands twice"},
    {"path:/{x}.json", "a variable is a whole segment: /{name}/"},
    {"path:/v{x}", "a variable is a whole segment: /{name}/"},
    {"path:/{", "a variable is a whole segment: /{name}/"},
    {"path:/}", "a variable is a whole segment: /{name}/"},
    {"path:/{a.b}", "a variable is a whole segment, {name}, with a name of letters, digits, '_' and '-'"},
    {"path:/%4", "'%' must be followed by two hexadecimal digits"},
    {"path:/%00", "%00 is in no path"},
    {"path:/a/../b", "a path has no '.' and no '..' segments"},
    {"path:/%2e", "a path has no '.' and no '..' segments"},
    {"path:/\x01", "a path has no control bytes"},
    {"path:/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}/{j}/{k}/{l}/{m}/{n}/{o}/{p}/{q}", "there are more than 16 variables"},
    {"path:/1/2/3/4/5/6/7/8/9/1/2/3/4/5/6/7/8/9/1/2/3/4/5/6/7/8/9/1/2/3/4/5/6/7/8/9/1/2/3/4/5/6/7/8/9/1/2/3/4/5/6/7/8/9"
     "/1/2/3/4/5/6/7/8/9/1/2", "there are more than 64 segments"},
    {"host:", "a host needs a name"},
    {"host:*.", "a host needs a name"},
    {"host:*", "a host is a name, or '*.' and a name"},
    {"host:a.*.com", "a host is a name, or '*.' and a name"},
    {"host:a.com:80", "a host is without its port"},
    {"host:a..com", "a label of a host is not empty"},
    {"host:.com", "a label of a host is not empty"},
    {"host:a.com.", "a label of a host is not empty"},
    {"host:a,b", "a host is a name, or '*.' and a name"},
};

START_TEST(bad_patterns_are_told)
{
    const char *pattern = bad_patterns[_i].pattern;
    gw__router_destroy(build(&pattern, 1, false));
    char expected[500];
    snprintf(expected, sizeof expected, "gw.cfg:0: route 'r0': %.4s '%s': %s [GW1032]\n", pattern, pattern + 5,
             bad_patterns[_i].why);
    ck_assert_str_eq(errors(), expected);
}
END_TEST

START_TEST(patterns_are_normalised_as_paths_are)
{
    static const char *const routes[] = {"path:/%7euser/%c3%a9", "path:/{x}/caf\xc3\xa9/a%2Fb"};
    struct gw__router *router = build(routes, COUNT(routes), false);
    expect_good();
    ck_assert_int_eq(find_path(router, "/~user/%C3%A9"), 0);
    ck_assert_int_eq(find_path(router, "/y/caf%C3%A9/a%2Fb"), 1);
    gw__router_destroy(router);
}
END_TEST

/* ---- random routes, against trying them all */

static uint32_t seed;

static uint32_t roll(uint32_t sides)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return (seed >> 4) % sides;
}

static bool naive_path(const char *pattern, const char *path)
{
    while (*pattern == '/') {
        if (strcmp(pattern, "/**") == 0)
            return true;
        size_t want = strcspn(pattern + 1, "/"), have = strcspn(path + (*path == '/'), "/");
        if (*path != '/' || (pattern[1] == '{' ? have == 0 : want != have || memcmp(pattern, path, want + 1) != 0))
            return false;
        pattern += want + 1;
        path += have + 1;
    }
    return *path == '\0';
}

static bool naive_host(const char *pattern, const char *host)
{
    if (pattern[0] != '*')
        return strcmp(pattern, host) == 0;
    size_t want = strlen(pattern + 1), have = strlen(host);
    return have > want && strcmp(host + have - want, pattern + 1) == 0;
}

static bool evaluate(const struct gw__condition *condition, const struct request *request)
{
    if (condition->kind == GW__CONDITION_PATH)
        return naive_path(condition->pattern, request->path);
    if (condition->kind == GW__CONDITION_HOST)
        return naive_host(condition->pattern, request->host);
    if (condition->kind == GW__CONDITION_TEST && strncmp(condition->signature, "method:", 7) == 0)
        return naive_method(condition->signature, request->method);
    if (condition->kind == GW__CONDITION_TEST)
        return strchr(request->tests, condition->signature[0]) != NULL;
    bool all = condition->kind != GW__CONDITION_ANY, result = all;
    for (size_t i = 0; i < condition->count; i++) {
        bool child = evaluate(&condition->children[i], request);
        result = all ? result && child : result || child;
    }
    return condition->kind == GW__CONDITION_NOT ? !result : result;
}

static const char *random_path(bool pattern, uint32_t words)
{
    char text[100] = "";
    uint32_t segments = roll(4);
    for (uint32_t i = 0; i <= segments; i++) {
        uint32_t what = roll(pattern ? 5 : 12);
        if (pattern && what == 0)
            sprintf(text + strlen(text), "/{v%u}", i);
        else if (pattern && what == 1 && i == segments)
            strcat(text, "/**");
        else if (!pattern && what == 0)
            strcat(text, "/");
        else
            sprintf(text + strlen(text), "/%c%u", 'a' + (int)i, roll(words));
    }
    return gw__arena_copy(&memory, text, strlen(text));
}

static const char *random_host(bool pattern)
{
    static const char *const patterns[] = {"x.com", "y.x.com", "*.x.com", "*.y.x.com", "z.com"};
    static const char *const hosts[] = {"x.com", "y.x.com", "z.y.x.com", "w.x.com", "z.com", "q.org", ""};
    return pattern ? patterns[roll(5)] : hosts[roll(7)];
}

static const char *random_method(bool pattern)
{
    static const char *const patterns[] = {"GET", "PUT", "GET,PUT", "POST", "GET,POST,PUT"};
    static const char *const methods[] = {"GET", "PUT", "POST", "DELETE"};
    return pattern ? patterns[roll(5)] : methods[roll(4)];
}

static void random_expression(char *out, uint32_t depth)
{
    uint32_t what = roll(depth ? 9 : 6);
    if (roll(5) == 0)
        out += sprintf(out, "!");
    if (what < 2)
        sprintf(out, "path:%s ", random_path(true, 2));
    else if (what == 2)
        sprintf(out, "host:%s ", random_host(true));
    else if (what == 3)
        sprintf(out, "method:%s ", random_method(true));
    else if (what < 6)
        sprintf(out, "%c ", "abA"[roll(2)]);
    else {
        out += sprintf(out, what == 6 ? "(" : "[");
        for (uint32_t i = 0, count = 1 + roll(3); i < count; i++) {
            random_expression(out, depth - 1);
            out += strlen(out);
        }
        sprintf(out, what == 6 ? ") " : "] ");
    }
}

static struct request random_request(uint32_t words)
{
    static const char *const tests[] = {"", "a", "b", "ab"};
    return (struct request){random_method(false), random_host(false), random_path(false, words), tests[roll(4)]};
}

START_TEST(one_route_matches_what_its_expression_says)
{
    seed = 12345;
    for (int round = 0; round < 1500; round++) {
        char text[4000];
        random_expression(text, 3);
        const char *route = text, *at = text;
        struct gw__condition all = parse_group(&at, GW__CONDITION_ALL, '\0');
        struct gw__router *router = build(&route, 1, false);
        bool never = strstr(errors(), "GW1031"), large = !never && strstr(errors(), "GW1033");
        for (int i = 0; i < 60 && !large; i++) {
            struct gw__match match;
            struct request request = random_request(2);
            bool expected = evaluate(&all, &request);
            ck_assert_msg(!(never && expected), "%s: %s %s", text, request.host, request.path);
            ck_assert_msg((find(router, &request, &match) == 0) == expected, "%s: %s %s %s %s", text, request.method,
                          request.host, request.path, request.tests);
        }
        gw__router_destroy(router);
        teardown();
    }
}
END_TEST

/* Where nothing is reported, the order in which routes are added makes no difference; a route reported as
 * unreachable gets no request. */
START_TEST(what_is_not_reported_is_decided)
{
    seed = 777;
    int good = 0, unreachable = 0;
    for (int round = 0; round < 3000; round++) {
        char texts[5][500];
        const char *routes[5];
        uint32_t count = 2 + roll(4);
        for (uint32_t i = 0; i < count; i++) {
            routes[i] = texts[i];
            int head = sprintf(texts[i], "%d path:%s ", (int)roll(8) / 6, random_path(true, 2));
            if (roll(2))
                random_expression(texts[i] + head, 1);
        }
        struct gw__router *router = build(routes, count, false), *reverse = build(routes, count, true);
        const char *text = errors();
        bool conflict = strstr(text, "GW1030"), dead[5] = {false};
        for (const char *at = text; (at = strstr(at, ": route '")); at++)
            if (strncmp(at + 11, "' can never", 11) == 0)
                unreachable += dead[at[10] - '0'] = true;
        for (int i = 0; i < 100 && !conflict; i++) {
            struct gw__match match;
            struct request request = random_request(2);
            int found = find(router, &request, &match);
            ck_assert_int_eq(found, find(reverse, &request, &match));
            ck_assert(found < 0 || !dead[found]);
            good++;
        }
        gw__router_destroy(router);
        gw__router_destroy(reverse);
        teardown();
    }
    ck_assert_int_gt(good, 10000);
    ck_assert_int_gt(unreachable, 100);
}
END_TEST

struct simple {
    int priority;
    const char *host, *path, *method;
};

static int naive_class(const char *path)
{
    size_t size = strlen(path);
    return size >= 2 && path[size - 1] == '*' ? 2 : strchr(path, '{') ? 1 : 0;
}

static int naive_compare_paths(const char *a, const char *b)
{
    if (naive_class(a) != naive_class(b))
        return naive_class(a) - naive_class(b);
    for (; *a && *b; a += strcspn(a + 1, "/") + 1, b += strcspn(b + 1, "/") + 1) {
        bool wild_a = strcmp(a, "/**") == 0, wild_b = strcmp(b, "/**") == 0;
        if (wild_a != wild_b)
            return wild_a - wild_b;
        if ((a[1] == '{') != (b[1] == '{'))
            return a[1] == '{' ? 1 : -1;
    }
    return 0;
}

static int naive_host_rank(const char *host)
{
    return !host ? 0 : host[0] == '*' ? (int)strlen(host) : 1000;
}

/* Is a taken before b? */
static bool naive_before(const struct simple *a, const struct simple *b)
{
    if (a->priority != b->priority)
        return a->priority > b->priority;
    if (naive_host_rank(a->host) != naive_host_rank(b->host))
        return naive_host_rank(a->host) > naive_host_rank(b->host);
    int order = naive_compare_paths(a->path, b->path);
    return order ? order < 0 : a->method && !b->method;
}

static bool naive_matches(const struct simple *route, const struct request *request)
{
    return naive_path(route->path, request->path) && (!route->host || naive_host(route->host, request->host))
           && (!route->method || strcmp(route->method, request->method) == 0);
}

static struct gw__router *build_simple(struct simple *routes, size_t count)
{
    struct gw__router *router = gw__router_create();
    for (size_t i = 0; i < count; i++) {
        struct simple *route = &routes[i];
        *route = (struct simple){roll(10) ? 0 : (int)roll(3), roll(3) ? NULL : random_host(true), random_path(true, 12),
                                 roll(3) ? NULL : random_method(true)};
        if (route->method && strchr(route->method, ','))
            route->method = "POST";
        char text[300], id[16];
        snprintf(id, sizeof id, "%zu", i);
        snprintf(text, sizeof text, "path:%s %s%s %s%s", route->path, route->host ? "host:" : "",
                 route->host ? route->host : "", route->method ? "method:" : "", route->method ? route->method : "");
        const char *at = text;
        struct gw__condition all = parse_group(&at, GW__CONDITION_ALL, '\0');
        ck_assert(gw__router_add(router, (uint32_t)i, id, id, route->priority, &all, &report));
    }
    ck_assert(gw__router_finish(router, &report));
    return router;
}

START_TEST(many_routes_agree_with_trying_all)
{
    enum { ROUTES = 20000 };
    seed = 4711;
    struct simple *routes = calloc(ROUTES, sizeof *routes);
    struct gw__router *router = build_simple(routes, ROUTES);
    int found_any = 0;
    for (int i = 0; i < 2000; i++) {
        struct gw__match match;
        struct request request = random_request(12);
        int best = -1, found = find(router, &request, &match);
        for (int j = 0; j < ROUTES; j++)
            if (naive_matches(&routes[j], &request) && (best < 0 || naive_before(&routes[j], &routes[best])))
                best = j;
        ck_assert_int_eq(found < 0, best < 0);
        if (best < 0)
            continue;
        found_any++;
        ck_assert(naive_matches(&routes[found], &request));
        ck_assert_msg(!naive_before(&routes[best], &routes[found]), "%s %s: %s instead of %s", request.host,
                      request.path, routes[found].path, routes[best].path);
    }
    ck_assert_int_gt(found_any, 1500);
    gw__router_destroy(router);
    free(routes);
}
END_TEST

/* ---- memory */

static int allocations_left;

static void *scarce_malloc(size_t size)
{
    return allocations_left-- > 0 ? malloc(size) : NULL;
}

static void *scarce_realloc(void *old, size_t size)
{
    return allocations_left-- > 0 ? realloc(old, size) : NULL;
}

START_TEST(every_allocation_may_fail)
{
    static const char *const text = "[host:*.x.com path:/a/{b}/{c:**} !method:GET,PUT] [a B] !path:/q";
    const char *at = text;
    struct gw__condition all = parse_group(&at, GW__CONDITION_ALL, '\0');
    bool done = false;
    for (int limit = 0; !done && limit < 500; limit++) {
        allocations_left = limit;
        gw_set_allocator(scarce_malloc, scarce_realloc, free);
        struct gw__router *router = gw__router_create();
        done = router != NULL;
        for (uint32_t i = 0; i < 20 && done; i++)
            done = gw__router_add(router, i, "id", "origin", (int)i, &all, &report);
        done = done && gw__router_finish(router, &report) && !report.lost;
        gw__router_destroy(router);
        gw__report_finish(&report);
        gw_set_allocator(NULL, NULL, NULL);
    }
    ck_assert(done);
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("router");
    TCase *match = tcase_create("match"), *load = tcase_create("load"), *random = tcase_create("random");
    tcase_add_checked_fixture(match, setup, teardown);
    tcase_add_test(match, paths_by_precedence);
    tcase_add_test(match, backtracks_over_literals_and_tests);
    tcase_add_test(match, variables_are_bound);
    tcase_add_test(match, hosts_by_precedence);
    tcase_add_test(match, methods_and_tests_by_precedence);
    tcase_add_test(match, more_methods_than_bits);
    tcase_add_test(match, priority_goes_before_all);
    tcase_add_test(match, expressions);
    tcase_add_test(match, asterisk_goes_to_routes_without_a_path);
    tcase_add_test(match, no_routes_match_nothing);
    suite_add_tcase(suite, match);
    tcase_add_checked_fixture(load, setup, teardown);
    tcase_add_loop_test(load, mistakes_are_told, 0, COUNT(mistakes));
    tcase_add_loop_test(load, bad_patterns_are_told, 0, COUNT(bad_patterns));
    tcase_add_test(load, patterns_are_normalised_as_paths_are);
    tcase_add_test(load, every_allocation_may_fail);
    suite_add_tcase(suite, load);
    tcase_add_checked_fixture(random, setup, teardown);
    tcase_set_timeout(random, 60);
    tcase_add_test(random, one_route_matches_what_its_expression_says);
    tcase_add_test(random, what_is_not_reported_is_decided);
    tcase_add_test(random, many_routes_agree_with_trying_all);
    suite_add_tcase(suite, random);
    return suite;
}
