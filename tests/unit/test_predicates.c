/* The built-in predicates against a stand-in for the exchange, and the way from options to a router: names, nesting,
 * errors, and what the router can tell of two conditions. */
#include "unit.h"

#include "base/alloc.h"
#include "exchange/chain.h"
#include "route/conditions.h"

#include "predicates/header.c"
#include "predicates/query.c"
#include "predicates/host.c"
#include "predicates/method.c"
#include "predicates/path.c"

#include <gateway/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static struct gw__report *making; /* of the instance in its create() */

struct gw_exchange {
    const char *method, *host, *path, *query, *header, *value; /* one header */
};

const char *gw_exchange_method(const struct gw_exchange *ex)
{
    return ex->method;
}

const char *gw_exchange_query(const struct gw_exchange *ex)
{
    return ex->query ? ex->query : "";
}

const char *gw_exchange_request_header(const struct gw_exchange *ex, const char *name)
{
    return ex->header && strcasecmp(ex->header, name) == 0 ? ex->value : NULL;
}

void *gw_predicate_data(const struct gw_predicate *self)
{
    return self->head.data;
}

void gw_predicate_error(struct gw_predicate *self, const struct gw_option *option, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    gw__report_add(making, option ? gw_option_origin(option) : self->head.origin, "GW1021", "predicate '%s' %s",
                   self->type->name, text);
}

/* ---- a source of types and instances */

static const struct gw_option_spec moon_options[] = {
    {.key = "phase", .kind = GW_KIND_INT, .fallback = "1"},
    {.key = "names", .kind = GW_KIND_STRINGS},
    {0},
};

static bool moon_matches(const struct gw_exchange *ex, const struct gw_predicate *self)
{
    return true;
}

static const struct gw_predicate_type moon = {
    .size = sizeof moon, .name = "moon", .options = moon_options, .matches = moon_matches};

static const struct gw_predicate_type blind = {.size = sizeof blind, .name = "blind"};

static const struct gw_predicate_type *const types[] = {
    &gw__predicate_header, &gw__predicate_host, &gw__predicate_method, &gw__predicate_path, &gw__predicate_query, &moon,
    &blind,
};
enum { TYPES = sizeof types / sizeof *types };

static struct gw__arena memory;
static struct gw__report report;
static struct gw_predicate *instances[100];
static size_t instance_count;

static const struct gw_predicate_type *find_type(void *user, const char *name)
{
    for (int i = 0; i < TYPES; i++)
        if (strcmp(types[i]->name, name) == 0)
            return types[i];
    return NULL;
}

static size_t type_names(void *user, const char **names, size_t max)
{
    for (int i = 0; i < TYPES; i++)
        names[i] = types[i]->name;
    return TYPES;
}

static struct gw_predicate *make(void *user, const struct gw_predicate_type *type, struct gw_option *take,
                                 const char *origin, struct gw__report *errors)
{
    struct gw_predicate *self = gw__arena_zalloc(&memory, sizeof *self);
    void *data = gw__arena_zalloc(&memory, type->instance_size);
    if (!self || !data) {
        gw_option_destroy(take);
        errors->lost = true;
        return NULL;
    }
    self->type = type;
    self->head.origin = origin;
    making = errors;
    self->head.data = data;
    self->head.options = take;
    instances[instance_count++] = self;
    return type->create && type->create(self, take) < 0 ? NULL : self;
}

static const struct gw__predicate_source source = {NULL, find_type, type_names, make};

static void setup(void)
{
    gw__arena_init(&memory, NULL);
    instance_count = 0;
}

static void teardown(void)
{
    for (size_t i = 0; i < instance_count; i++)
        gw_option_destroy(instances[i]->head.options);
    gw__arena_finish(&memory);
    gw__report_finish(&report);
}

/* ---- options from text: `word` or "text", { key value … }, ( value … ) */

static struct gw_option *read_option(const char **at, const char *origin);

static struct gw_option *read_members(const char **at, const char *origin, char close)
{
    struct gw_option *parent = close == ')' ? gw_option_create_list(origin) : gw_option_create_group(origin);
    for (;;) {
        *at += strspn(*at, " ");
        if (!**at || **at == close)
            break;
        char key[40] = "";
        if (close != ')') {
            size_t size = strcspn(*at, " ");
            memcpy(key, *at, size);
            *at += size + 1;
        }
        gw_option_add_take(parent, close == ')' ? NULL : key, read_option(at, origin));
    }
    *at += **at != 0;
    return parent;
}

static struct gw_option *read_option(const char **at, const char *origin)
{
    char text[100] = "", first = **at;
    if (first == '{' || first == '(') {
        ++*at;
        return read_members(at, origin, first == '{' ? '}' : ')');
    }
    *at += first == '"';
    size_t size = strcspn(*at, first == '"' ? "\"" : " )}");
    memcpy(text, *at, size);
    *at += size + (first == '"');
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return gw_option_create_bool(text[0] == 't', origin);
    return gw_option_create_string(text, origin);
}

static struct gw__condition build(const char *text, const char *origin)
{
    struct gw_option *group = read_members(&text, origin, '\0');
    struct gw__condition_entry entries[10];
    for (size_t i = 0; i < gw_option_count(group); i++) {
        const struct gw_option *option = gw_option_at(group, i);
        entries[i] = (struct gw__condition_entry){gw_option_key(option), origin, option};
    }
    struct gw__condition all;
    ck_assert(gw__conditions_build(entries, gw_option_count(group), &source, &memory, &report, &all));
    gw_option_destroy(group);
    return all;
}

static struct gw__router *route(const char *const *routes, size_t count)
{
    struct gw__router *router = gw__router_create();
    for (size_t i = 0; i < count && routes[i]; i++) {
        char origin[32];
        snprintf(origin, sizeof origin, "gw.cfg:%zu", i);
        struct gw__condition all = build(routes[i], gw__arena_copy(&memory, origin, strlen(origin)));
        if (!gw__report_bad(&report))
            ck_assert(gw__router_add(router, (uint32_t)i, origin + 7, origin, 0, &all, &report));
    }
    if (!gw__report_bad(&report))
        ck_assert(gw__router_finish(router, &report));
    return router;
}

static const char *errors(void)
{
    char *text = gw__report_text(&report);
    const char *copy = gw__arena_copy(&memory, text, strlen(text));
    gw__free(text);
    gw__report_finish(&report);
    return copy;
}

static bool matches(const char *conditions, const struct gw_exchange *ex)
{
    struct gw__match match;
    struct gw__router *router = route(&conditions, 1);
    ck_assert_str_eq(errors(), "");
    bool found = gw__router_match(router, ex, gw__str(ex->method ? ex->method : "GET"),
                                  gw__str(ex->host ? ex->host : ""), gw__str(ex->path ? ex->path : "/"), &match);
    gw__router_destroy(router);
    return found;
}

static const struct {
    const char *conditions;
    struct gw_exchange ex;
    bool found;
} cases[] = {
    {"path /a", {.path = "/a"}, true},
    {"path ( /a /b/** )", {.path = "/b/c"}, true},
    {"path ( /a /b/** )", {.path = "/c"}, false},
    {"host { patterns ( a.com *.b.com ) }", {.host = "X.b.com"}, true},
    {"host { patterns ( a.com *.b.com ) }", {.host = "b.com"}, false},
    {"method POST", {.method = "POST"}, true},
    {"method ( POST PUT )", {.method = "GET"}, false},
    {"method ( POST PUT )", {.method = "post"}, false},
    {"header { name X-A value b }", {.header = "x-a", .value = "b"}, true},
    {"header { name X-A value b }", {.header = "x-a", .value = "B"}, false},
    {"header { name X-A value b }", {.header = "x-b", .value = "b"}, false},
    {"header { name X-A value \"\" }", {.header = "x-a", .value = ""}, true},
    {"header { name X-A value \"\" }", {.header = "x-b", .value = ""}, false},
    {"header { name X-A prefix bc }", {.header = "X-A", .value = "bcd"}, true},
    {"header { name X-A prefix bc }", {.header = "X-A", .value = "b"}, false},
    {"header { name X-A present true }", {.header = "X-A", .value = ""}, true},
    {"header { name X-A present true }", {.header = "X-B", .value = ""}, false},
    {"header { name X-A present false }", {.header = "X-A", .value = ""}, false},
    {"header { name X-A present false }", {.header = "X-B", .value = ""}, true},
    {"not { header { name X-A present false } }", {.header = "X-A", .value = ""}, true},
    {"query { name a value b }", {.query = "a=b"}, true},
    {"query { name a value b }", {.query = "x=a&a=b&c"}, true},
    {"query { name a value b }", {.query = "a=c&a=b"}, false},
    {"query { name a value b }", {.query = "a=bb"}, false},
    {"query { name a value bb }", {.query = "a=b"}, false},
    {"query { name a value b }", {.query = "aa=b&A=b"}, false},
    {"query { name a value b }", {.query = "%61=%62"}, true},
    {"query { name a value \"b c\" }", {.query = "a=b+c"}, true},
    {"query { name a value \"b c\" }", {.query = "a=b%20c"}, true},
    {"query { name a value b+c }", {.query = "a=b%2bc"}, true},
    {"query { name a value b+c }", {.query = "a=b+c"}, false},
    {"query { name a value b&c= }", {.query = "a=b%26c="}, true},
    {"query { name a value b% }", {.query = "a=b%"}, true},
    {"query { name a value b%2 }", {.query = "a=b%2"}, true},
    {"query { name a value b }", {.query = "a=b%00"}, false},
    {"query { name a value \"\" }", {.query = "a"}, true},
    {"query { name a value \"\" }", {.query = "a="}, true},
    {"query { name a value \"\" }", {.query = "b"}, false},
    {"query { name a present true }", {.query = "b&a"}, true},
    {"query { name a present true }", {.query = "&&b=a"}, false},
    {"query { name a present false }", {.query = "b=a"}, true},
    {"query { name a present false }", {.query = "a=1"}, false},
    {"query { name a present false }", {.query = NULL}, true},
    {"path /a method GET", {.path = "/a", .method = "PUT"}, false},
    {"host *.e.com any ( { path /app/** } { header { name X-App present true } } )",
     {.host = "a.e.com", .path = "/app"}, true},
    {"host *.e.com any ( { path /app/** } { header { name X-App present true } } )",
     {.host = "a.e.com", .header = "X-App", .value = ""}, true},
    {"host *.e.com any ( { path /app/** } { header { name X-App present true } } )", {.host = "a.e.com"}, false},
    {"all ( { header { name A value b } } { method GET not { path /x } } )",
     {.path = "/y", .header = "A", .value = "b"}, true},
    {"all ( { header { name A value b } } { method GET not { path /x } } )",
     {.path = "/x", .header = "A", .value = "b"}, false},
    {"not { any ( { path /a } { path /b method GET } ) }", {.path = "/b", .method = "PUT"}, true},
    {"not { any ( { path /a } { path /b method GET } ) }", {.path = "/b"}, false},
    {"moon {}", {.path = "/"}, true},
};

START_TEST(conditions_hold_as_written)
{
    ck_assert_msg(matches(cases[_i].conditions, &cases[_i].ex) == cases[_i].found, "%s", cases[_i].conditions);
}
END_TEST

static const struct {
    const char *routes[3], *errors;
} pairs[] = {
    {{"path /a header { name X value a }", "path /a header { name x value b }",
      "path /a header { name X present true }"}, ""},
    {{"path /a header { name X value a }", "path /a header { name x present false }", "path /a"}, ""},
    {{"path /a header { name X present true }", "path /a header { name X present false }"}, ""},
    {{"path /a header { name X present true }", "path /a not { header { name x present true } }"}, ""},
    {{"path /a query { name X value a }", "path /a query { name X value b }",
      "path /a query { name X present true }"}, ""},
    {{"path /a method ( GET PUT )", "path /a method POST", "path /a method GET"}, ""},
    {{"path /a header { name X value a }", "path /a header { name x value a }"},
     "gw.cfg:1: route '1' matches the same requests as route '0' (gw.cfg:0) [GW1030]"},
    {{"path /a header { name X present false }", "path /a not { header { name x present true } }"},
     "gw.cfg:1: route '1' matches the same requests as route '0' (gw.cfg:0) [GW1030]"},
    {{"path /a method ( GET PUT )", "path /a method ( PUT GET PUT )"},
     "gw.cfg:1: route '1' matches the same requests as route '0' (gw.cfg:0) [GW1030]"},
    {{"path /a moon { phase 1 names ( a b ) }", "path /a moon { names ( a b ) }", "path /b moon { names ( a ) }"},
     "gw.cfg:1: route '1' matches the same requests as route '0' (gw.cfg:0) [GW1030]"},
    {{"path /a moon { phase 1 }", "path /a moon { phase 2 }"},
     "gw.cfg:1: route '1' and route '0' (gw.cfg:0) match some of the same requests and neither goes first: give one of "
     "them a priority [GW1030]"},
    {{"path /a query { name X value a }", "path /a query { name x value a }"},
     "gw.cfg:1: route '1' and route '0' (gw.cfg:0) match some of the same requests and neither goes first: give one of "
     "them a priority [GW1030]"},
    {{"path /a header { name X prefix a }", "path /a header { name X value a }"},
     "gw.cfg:1: route '1' and route '0' (gw.cfg:0) match some of the same requests and neither goes first: give one of "
     "them a priority [GW1030]"},
    {{"header { name X value a } header { name X value b }"},
     "gw.cfg:0: route '0' can never match: its conditions contradict each other [GW1031]"},
    {{"pth /a"}, "gw.cfg:0: there is no predicate 'pth', did you mean 'path'? [GW1020]"},
    {{"any ( { nto { path /a } } )"}, "gw.cfg:0: there is no predicate 'nto', did you mean 'not'? [GW1020]"},
    {{"not { blind x }"}, "gw.cfg:0: predicate 'blind' has no matches() [GW1020]"},
    {{"cookie x"}, "gw.cfg:0: there is no predicate 'cookie' [GW1020]"},
    {{"path { pattern /a }"},
     "gw.cfg:0: predicate 'path': 'pattern' is no known key, did you mean 'patterns'? [GW1010]\n"
     "gw.cfg:0: predicate 'path': 'patterns' is required but missing [GW1013]"},
    {{"path ( )"}, "gw.cfg:0: predicate 'path' expects a pattern, found an empty list [GW1011]"},
    {{"any { path /a }"}, "gw.cfg:0: predicate 'any' expects a list of groups of conditions [GW1011]"},
    {{"any ( )"}, "gw.cfg:0: predicate 'any' expects a list of groups of conditions [GW1011]"},
    {{"all ( x )"}, "gw.cfg:0: predicate 'all' expects a list of groups of conditions [GW1011]"},
    {{"not ( { path /a } )"}, "gw.cfg:0: predicate 'not' expects a group of conditions [GW1011]"},
    {{"not { }"}, "gw.cfg:0: predicate 'not' expects a group of conditions [GW1011]"},
    {{"method get"}, "gw.cfg:0: predicate 'method' expected a method like GET, in upper case, found 'get' [GW1021]"},
    {{"method ( )"}, "gw.cfg:0: predicate 'method' expected a method, found an empty list [GW1021]"},
    {{"header { name X }", "header { name X value a present true }"},
     "gw.cfg:0: predicate 'header' expected one of 'value', 'prefix' and 'present' [GW1021]\n"
     "gw.cfg:1: predicate 'header' expected one of 'value', 'prefix' and 'present' [GW1021]"},
    {{"query { name X }", "query { name X value a present true }"},
     "gw.cfg:0: predicate 'query' expected one of 'value' and 'present' [GW1021]\n"
     "gw.cfg:1: predicate 'query' expected one of 'value' and 'present' [GW1021]"},
    {{"any ( { path /a/*/b } )"}, "gw.cfg:0: route '0': path '/a/*/b': '*' stands only as '**', the last segment; one "
                                  "segment is {name} [GW1032]"},
};

START_TEST(routes_are_compared_and_mistakes_told)
{
    gw__router_destroy(route(pairs[_i].routes, 3));
    ck_assert_str_eq(errors(), pairs[_i].errors);
}
END_TEST

START_TEST(nesting_is_bounded)
{
    for (int depth = 32; depth <= 33; depth++) {
        char text[400] = "";
        for (int i = 0; i < depth; i++)
            strcat(text, "not { ");
        strcat(text, "path /a");
        for (int i = 0; i < depth; i++)
            strcat(text, " }");
        const char *routes = text;
        gw__router_destroy(route(&routes, 1));
        ck_assert_str_eq(errors(), depth == 32 ? "" : "gw.cfg:0: conditions are nested more than 32 deep [GW1033]");
    }
}
END_TEST

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
    const char *text = "path ( /a /b/** ) method ( GET PUT ) any ( { header { name X value a } } { not { moon { } } } ) nope x";
    struct gw_option *group = read_members(&text, "gw.cfg:1", '\0');
    struct gw__condition_entry entries[4];
    for (size_t i = 0; i < 4; i++)
        entries[i] = (struct gw__condition_entry){gw_option_key(group->items[i]), "gw.cfg:1", group->items[i]};
    bool done = false;
    for (int limit = 0; !done && limit < 500; limit++) {
        allocations_left = limit;
        gw_set_allocator(scarce_malloc, scarce_realloc, free);
        struct gw__condition all;
        done = gw__conditions_build(entries, 4, &source, &memory, &report, &all) && !report.lost;
        gw_set_allocator(NULL, NULL, NULL);
        if (done)
            ck_assert_ptr_nonnull(strstr(errors(), "gw.cfg:1: there is no predicate 'nope'"));
        teardown();
        setup();
    }
    ck_assert(done);
    gw_option_destroy(group);
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("predicates");
    TCase *tests = tcase_create("predicates");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, conditions_hold_as_written, 0, sizeof cases / sizeof *cases);
    tcase_add_loop_test(tests, routes_are_compared_and_mistakes_told, 0, sizeof pairs / sizeof *pairs);
    tcase_add_test(tests, nesting_is_bounded);
    tcase_add_test(tests, every_allocation_may_fail);
    suite_add_tcase(suite, tests);
    return suite;
}
