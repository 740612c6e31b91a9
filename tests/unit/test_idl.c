/* Thrift IDL to schemas: what texts compile to, what is said of wrong ones, and the folder. */
#include "base/alloc.h"
#include "idl/ast.h"
#include "idl/idl.h"
#include "schema/build.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
    const char *path, *text;
};

/* Files in memory; the first is the one compiled. */
static const char *read_memory(void *user, const char *path, char **data, size_t *size)
{
    const struct file *files = user;
    for (; files->path; files++)
        if (strcmp(files->path, path) == 0) {
            *size = strlen(files->text);
            *data = gw__malloc(*size + 1); /* not terminated: nothing may rely on that */
            if (!*data)
                return "out of memory";
            memcpy(*data, files->text, *size);
            return NULL;
        }
    return "no such file";
}

static struct gw__schema *compile_files(const struct file *files, struct gw__report *report)
{
    struct gw__idl_reader reader = {read_memory, (void *)(uintptr_t)files};
    return gw__idl_compile(files->path, &reader, NULL, report);
}

/* Must compile; the caller destroys. */
static struct gw__schema *compile(const char *text)
{
    const struct file files[] = {{"a.thrift", text}, {0}};
    struct gw__report report = {0};
    struct gw__schema *schema = compile_files(files, &report);
    char *errors = gw__report_text(&report);
    ck_assert_msg(schema && !gw__report_bad(&report), "%s", errors);
    gw__free(errors);
    return schema;
}

static char *dump(const struct gw__schema *schema, bool origins)
{
    struct gw__text text = {0};
    gw__schema_dump(schema, origins, &text);
    return gw__text_take(&text);
}

/* ---- what compiles */

struct good {
    const char *text, *dump; /* without "schema a" and "file a.thrift" in front */
};

static const struct good good[] = {
    {"", ""},
    {"\xef\xbb\xbf// nothing\n# at all\n/* but\n comments */", ""},
    {"struct S {}", "struct S\n"},
    {"struct S { 1: bool a, 2: byte b; 3: i8 c 4: i16 d\n5: i32 e 6: i64 f 7: double g 8: string h 9: binary i 10: uuid j}",
     "struct S\n    1: bool a\n    2: i8 b\n    3: i8 c\n    4: i16 d\n    5: i32 e\n    6: i64 f\n    7: double g\n"
     "    8: string h\n    9: binary i\n    10: uuid j\n"},
    {"struct S { 1: list<map<string, set<i32>>> a 2: map<i64,S> b 3: S & c }",
     "struct S\n    1: list<map<string,set<i32>>> a\n    2: map<i64,S> b\n    3: S c\n"},
    {"struct S { 1: required i32 a 2: optional i32 b 3: i32 c }",
     "struct S\n    1: required i32 a\n    2: optional i32 b\n    3: i32 c\n"},
    {"union U { 1: i32 a 2: required string b }", "union U\n    1: optional i32 a\n    2: optional string b\n"},
    {"exception E { 1: string why }", "exception E\n    1: string why\n"},
    {"struct S { i32 a, i32 b 7: i32 c }", "struct S\n    -1: i32 a\n    -2: i32 b\n    7: i32 c\n"},
    {"struct S { 7: i32 a i32 b }", "struct S\n    7: i32 a\n    -1: i32 b\n"},
    {"struct S { 0x10: i32 a 0o17: i32 b +3: i32 c }", "struct S\n    16: i32 a\n    15: i32 b\n    3: i32 c\n"},
    {"struct S { 1: Later l } struct Later { 1: Name n } typedef Old Name typedef string Old",
     "struct S\n    1: Later l\nstruct Later\n    1: string n\n"},
    {"enum E { A, B = 5, C, D = -3; E = 0x10 }",
     "enum E\n    A = 0\n    B = 5\n    C = 6\n    D = -3\n    E = 16\n"},
    {"senum Old { 'a', \"b\" } struct S { 1: Old o 2: slist p }", "struct S\n    1: string o\n    2: string p\n"},
    {"struct S xsd_all { 1: i32 a xsd_optional xsd_nillable xsd_attrs { 1: i32 b } 2: list<i32> cpp_type 'x' c\n"
     "3: map cpp_type \"y\" <i32,i32> d }",
     "struct S\n    1: i32 a\n    2: list<i32> c\n    3: map<i32,i32> d\n"},
    {"namespace go a.b\nnamespace * x (k = 'v')\ncpp_include '<x>'\nphp_namespace 'y'\nnamespace js 'z'", ""},
    /* words that are keywords elsewhere, as names */
    {"struct S { 1: string service 2: i32 include 3: string list 4: i32 required 5: required string optional }",
     "struct S\n    1: string service\n    2: i32 include\n    3: string list\n    4: i32 required\n"
     "    5: required string optional\n"},
    {"struct __s_ { 1: i32 _a_1 }", "struct __s_\n    1: i32 _a_1\n"},
    /* annotations: on all, repeated, without a value, and on types */
    {"struct S { 1: string (js.type = 'x') a (api.get = '/a', api.get = \"/b\"; flag) } (k = 'it\\'s')",
     "struct S (k = \"it's\")\n    1: string (js.type = \"x\") a (api.get = \"/a\", api.get = \"/b\", flag = \"1\")\n"},
    {"typedef string (a = '1') T (b = '2') struct S { 1: T t 2: T (c = '3') u } enum E { A (x = 'y') } (z)",
     "enum E (z = \"1\")\n    A = 0 (x = \"y\")\nstruct S\n    1: string (b = \"2\") t\n    2: string (c = \"3\") u\n"},
    {"service S { void f() (api.post = '/p') } (s = 't')", "service S (s = \"t\")\n    void f() (api.post = \"/p\")\n"},
    /* docs */
    {"/** Of S. */ struct S {\n  /**\n   * Two\n   *   lines.\n   */\n  1: i32 a /**< not of b */\n  2: i32 b\n /* no */ 3: i32 c }",
     "struct S # \"Of S.\"\n    1: i32 a # \"Two\\u000a  lines.\"\n    2: i32 b\n    3: i32 c\n"},
    {"/** E */ enum E { /** A */ A } /** S */ service S { /** f */ void f() }",
     "enum E # \"E\"\n    A = 0 # \"A\"\nservice S # \"S\"\n    void f() # \"f\"\n"},
    /* values */
    {"struct S { 1: bool a = true 2: bool b = 0 3: i8 c = -128 4: i64 d = -9223372036854775808 5: double e = 1e3\n"
     "6: double f = 7 7: string g = 'a\\n\\q\"' 8: list<i32> h = [1,2;3] 9: set<i32> i = [] 10: map<i32,string> j = {1:'x'} }",
     "struct S\n    1: bool a = true\n    2: bool b = false\n    3: i8 c = -128\n    4: i64 d = -9223372036854775808\n"
     "    5: double e = 1000\n    6: double f = 7\n    7: string g = \"a\\x0a\\x5cq\\x22\"\n    8: list<i32> h = [1, 2, 3]\n"
     "    9: set<i32> i = []\n    10: map<i32,string> j = {1: \"x\"}\n"},
    {"enum E { A, B = 7 } struct S { 1: E a = E.B 2: E b = 7 3: E c = B 4: i32 d = E.B 5: map<E,i32> e = {E.A: E.B} }",
     "enum E\n    A = 0\n    B = 7\nstruct S\n    1: E a = 7\n    2: E b = 7\n    3: E c = 7\n    4: i32 d = 7\n"
     "    5: map<E,i32> e = {0: 7}\n"},
    {"const i32 N = M const i32 M = 5 const list<i32> L = [N, 6] const list<i64> W = L const double D = N\n"
     "struct S { 1: i8 a = N 2: list<i16> b = L }",
     "const i32 N = 5\nconst i32 M = 5\nconst list<i32> L = [5, 6]\nconst list<i64> W = [5, 6]\nconst double D = 5\n"
     "struct S\n    1: i8 a = 5\n    2: list<i16> b = [5, 6]\n"},
    {"struct P { 1: i32 x = 1 2: Q q } struct Q { 1: list<string> s } struct S { 1: P p = {'x': 3, 'q': {'s': ['a']}} }",
     "struct P\n    1: i32 x = 1\n    2: Q q\nstruct Q\n    1: list<string> s\nstruct S\n"
     "    1: P p = {x: 3, q: {s: [\"a\"]}}\n"},
    {"const uuid U = '00112233-4455-6677-8899-aabbccddeeff' const binary B = 'x' const string T = \"it's\"",
     "const uuid U = \"\\x00\\x11\\x223DUfw\x88\x99\xaa\xbb\xcc\xdd\xee\xff\"\nconst binary B = \"x\"\n"
     "const string T = \"it's\"\n"},
    {"enum E { A = 1, B = 1 } const E C = 1 const E D = B const uuid U = '{00000000-0000-0000-0000-000000000041}'",
     "const E C = 1\nconst E D = 1\nconst uuid U = \"\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00A\"\n"
     "enum E\n    A = 1\n    B = 1\n"},
    /* services */
    {"service S { void f(), i32 g(1: string a, 2: i32 b = 3); oneway void h() list<i32> i() async void j() }",
     "service S\n    void f()\n    i32 g(1: string a, 2: i32 b)\n    oneway void h()\n    list<i32> i()\n    oneway void j()\n"},
    {"exception X {} service B extends A { i32 own() throws (1: X x) } service A { void base() throws (2: X y) }",
     "exception X\nservice B extends A\n    i32 own() throws (1: X x)\n    void base() throws (2: X y) from A\n"
     "service A\n    void base() throws (2: X y)\n"},
    {"service S { string f(string a, i32 b) }", "service S\n    string f(-1: string a, -2: i32 b)\n"},
    {"struct S {} service S { S S(1: S S) } const i32 S = 1", "const i32 S = 1\nstruct S\nservice S\n    S S(1: S S)\n"},
};

START_TEST(texts_compile)
{
    const struct good *test = &good[_i];
    struct gw__schema *schema = compile(test->text);
    char *text = dump(schema, false), expected[4096];
    snprintf(expected, sizeof expected, "schema a\nfile a.thrift\n%s", test->dump);
    ck_assert_str_eq(text, expected);
    gw__free(text);
    gw__schema_destroy(schema);
}
END_TEST

START_TEST(origins_are_kept)
{
    struct gw__schema *schema = compile("enum E {\n  A\n}\nstruct S {\n  1: i32 a,\n\t2: E  b = E.A\n}\n"
                                        "service T {\n  S get(1: S s)\n}\nconst i32 N = 1");
    char *text = dump(schema, true);
    ck_assert_str_eq(text, "schema a\nfile a.thrift\nconst i32 N = 1 @a.thrift:11:11\nenum E @a.thrift:1:6\n"
                           "    A = 0 @a.thrift:2:3\nstruct S @a.thrift:4:8\n    1: i32 a @a.thrift:5:10\n"
                           "    2: E b = 0 @a.thrift:6:8\nservice T @a.thrift:8:9\n    S get(1: S s) @a.thrift:9:5\n");
    gw__free(text);
    gw__schema_destroy(schema);
}
END_TEST

/* ---- includes */

static const struct file shop[] = {
    {"shop.thrift", "include 'common/base.thrift'\ninclude \"common/deep/money.thrift\"\n"
                    "struct Order { 1: base.Id id 2: list<money.Price> prices 3: base.State state = base.State.OPEN\n"
                    "4: i32 most = base.MOST }\n"
                    "service Shop extends base.Health { Order get(1: base.Id id) throws (1: base.Missing m) }"},
    {"common/base.thrift", "include \"deep/money.thrift\"\ntypedef i64 Id\nenum State { OPEN, SHUT }\nconst i32 MOST = LESS\n"
                           "const i32 LESS = 9\nexception Missing { 1: Id id }\nstruct Unused { 1: Gone g }\nstruct Gone {}\n"
                           "service Health { money.Price ping() }"},
    {"common/deep/money.thrift", "include '../../top.thrift'\nstruct Price { 1: top.Cents cents }"},
    {"top.thrift", "typedef i64 Cents"},
    {0},
};

START_TEST(includes_are_followed)
{
    struct gw__report report = {0};
    struct gw__schema *schema = compile_files(shop, &report);
    char *errors = gw__report_text(&report);
    ck_assert_str_eq(errors, "");
    gw__free(errors);
    char *text = dump(schema, true);
    ck_assert_str_eq(text,
        "schema shop\nfile shop.thrift\nfile common/base.thrift\nfile common/deep/money.thrift\nfile top.thrift\n"
        "enum State @common/base.thrift:3:6\n    OPEN = 0 @common/base.thrift:3:14\n    SHUT = 1 @common/base.thrift:3:20\n"
        "struct Order @shop.thrift:3:8\n    1: i64 id @shop.thrift:3:27\n    2: list<Price> prices @shop.thrift:3:51\n"
        "    3: State state = 0 @shop.thrift:3:72\n    4: i32 most = 9 @shop.thrift:4:8\n"
        "struct Price @common/deep/money.thrift:2:8\n    1: i64 cents @common/deep/money.thrift:2:29\n"
        "exception Missing @common/base.thrift:6:11\n    1: i64 id @common/base.thrift:6:27\n"
        "service Shop extends Health @shop.thrift:5:9\n"
        "    Order get(1: i64 id) throws (1: Missing m) @shop.thrift:5:42\n"
        "    Price ping() from Health @common/base.thrift:9:30\n");
    gw__free(text);
    gw__schema_destroy(schema);
}
END_TEST

/* Members reached in ways that Apache's compiler lets pass, though no name leads there. */
START_TEST(members_of_included_enums_are_found)
{
    const struct file files[] = {{"a.thrift", "include 'b.c.thrift'\nconst list<b.c.E> L = [b.c.E.X, E.Y, b.c.Y, X]"},
                                 {"b.c.thrift", "enum E { X = 3, Y }"},
                                 {0}};
    struct gw__report report = {0};
    struct gw__schema *schema = compile_files(files, &report);
    ck_assert_ptr_nonnull(schema);
    const struct gw__value *list = schema->constants[0].value;
    static const int64_t expected[] = {3, 4, 4, 3};
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(list->items[i]->integer, expected[i]);
    gw__schema_destroy(schema);
}
END_TEST

START_TEST(an_include_is_looked_for_at_the_top_too)
{
    const struct file files[] = {{"x/a.thrift", "include 'y/b.thrift'\nstruct S { 1: b.T t }"},
                                 {"y/b.thrift", "include './../y/c.thrift'\ntypedef c.T T"},
                                 {"y/c.thrift", "typedef i32 T"},
                                 {0}};
    struct gw__report report = {0};
    struct gw__schema *schema = compile_files(files, &report);
    ck_assert_ptr_nonnull(schema);
    ck_assert_uint_eq(schema->file_count, 3);
    ck_assert_str_eq(schema->files[2], "y/c.thrift");
    gw__schema_destroy(schema);
}
END_TEST

/* ---- what is wrong */

struct bad {
    struct file files[4];
    const char *errors;
};

static const struct bad bad[] = {
    {{{"a.thrift", "struct S {\n  1: strin a\n}"}},
     "a.thrift:2:6: expected a type, found \"strin\", which is not known [GW1106]"},
    {{{"a.thrift", "struct S { 1: Itme a 2: i32 b = LIMT }\nstruct Item {}\nconst i32 LIMIT = 1\n"
                   "service Basic {}\nservice T extends Basik {}"}},
     "a.thrift:1:15: expected a type, found \"Itme\", which is not known, did you mean \"Item\"? [GW1106]\n"
     "a.thrift:1:33: expected a constant, found \"LIMT\", which is not known, did you mean \"LIMIT\"? [GW1106]\n"
     "a.thrift:5:19: expected a service, found \"Basik\", which is not known, did you mean \"Basic\"? [GW1106]"},
    {{{"a.thrift", "struct S { 1 i32 a }\nstruct T { 1: i32 }\nstruct U { 1: i32 a"}},
     "a.thrift:1:14: expected \":\", found \"i32\" [GW1101]\n"
     "a.thrift:2:19: expected the field's name, found \"}\" [GW1101]\n"
     "a.thrift:3:20: expected a field or \"}\", found the end of the file [GW1101]"},
    {{{"a.thrift", "struct S { 1: i32 a\n  2: i32 a\n  1: i32 b }"}},
     "a.thrift:2:10: field \"a\" stands twice, first in line 1 [GW1104]\n"
     "a.thrift:3:10: field id 1 of \"b\" is also that of \"a\" in line 1 [GW1105]"},
    {{{"a.thrift", "struct S { 0: i32 a -1: i32 b 32768: i32 c 99999999999: i32 d }"}},
     "a.thrift:1:12: expected a field id from 1 to 32767, found 0 [GW1105]\n"
     "a.thrift:1:21: expected a field id from 1 to 32767, found -1 [GW1105]\n"
     "a.thrift:1:31: expected a field id from 1 to 32767, found 32768 [GW1105]\n"
     "a.thrift:1:44: expected a field id from 1 to 32767, found 99999999999 [GW1105]"},
    {{{"a.thrift", "typedef B A\ntypedef list<C> B\ntypedef A C\ntypedef D D"}},
     "a.thrift:1:11: typedef \"A\" leads back to itself [GW1108]\n"
     "a.thrift:4:11: typedef \"D\" leads back to itself [GW1108]"},
    {{{"a.thrift", "const i32 A = B const i32 B = A\nservice S extends T {} service T extends S {}"}},
     "a.thrift:1:11: constant \"A\" leads back to itself [GW1108]\n"
     "a.thrift:2:9: service \"S\" leads back to itself [GW1108]"},
    {{{"a.thrift", "enum E { A\n B = 0\n A = 3\n C = 2147483648, D = 2147483647, E }"}},
     "a.thrift:3:2: enum member \"A\" stands twice, first in line 1 [GW1104]\n"
     "a.thrift:4:6: expected a number of 32 bits for \"C\", found 2147483648 [GW1110]\n"
     "a.thrift:4:34: expected a number of 32 bits for \"E\", found 2147483648 [GW1110]"},
    {{{"a.thrift", "struct S {}\nunion S {}\nservice T {} service T {}\nconst i32 N = 1 const i32 N = 2"}},
     "a.thrift:2:7: \"S\" is defined twice, first in line 1 [GW1104]\n"
     "a.thrift:3:22: \"T\" is defined twice, first in line 3 [GW1104]\n"
     "a.thrift:4:27: \"N\" is defined twice, first in line 4 [GW1104]"},
    {{{"a.thrift", "struct S {\n1: i32 a = 'x'\n2: i8 b = 128\n3: bool c = 2\n4: string d = 1\n5: i32 e = 1.5\n"
                   "6: list<i32> f = [1, 'x']\n7: map<string,i32> g = [1]\n8: double h = true\n9: uuid i = 'x'\n10: i32 j = [] }"}},
     "a.thrift:2:12: expected a value of i32, found a literal [GW1109]\n"
     "a.thrift:3:11: expected a value of i8, found 128 [GW1109]\n"
     "a.thrift:4:13: expected a value of bool, found 2 [GW1109]\n"
     "a.thrift:5:15: expected a value of string, found 1 [GW1109]\n"
     "a.thrift:6:12: expected a value of i32, found 1.5 [GW1109]\n"
     "a.thrift:7:22: expected a value of i32, found a literal [GW1109]\n"
     "a.thrift:8:24: expected a value of map<string,i32>, found a list [GW1109]\n"
     "a.thrift:9:15: expected a constant, found \"true\", which is not known [GW1106]\n"
     "a.thrift:10:13: expected a value of uuid, found a literal [GW1109]\n"
     "a.thrift:11:13: expected a value of i32, found a list [GW1109]"},
    {{{"a.thrift", "enum E { A } enum F { B } struct P { 1: i32 x } union U { 1: i32 a 2: i32 b }\n"
                   "const E C1 = 3\nconst E C2 = F.B\nconst E C3 = E.Z\nconst P C4 = {'y': 1}\nconst P C5 = {1: 1}\n"
                   "const U C6 = {'a': 1, 'b': 2}\nconst string C7 = C8 const i32 C8 = 4\nconst F C9 = C10 const E C10 = A"}},
     "a.thrift:2:14: expected a value of E, found 3 [GW1109]\n"
     "a.thrift:3:14: expected a value of E, found F.B [GW1109]\n"
     "a.thrift:4:14: expected a constant, found \"E.Z\", which is not known [GW1106]\n"
     "a.thrift:5:15: expected the name of a field of P, found y [GW1109]\n"
     "a.thrift:6:15: expected the name of a field of P [GW1109]\n"
     "a.thrift:7:14: expected one field of the union U, found 2 [GW1109]\n"
     "a.thrift:8:19: expected a value of string, found C8 [GW1109]\n"
     "a.thrift:9:14: expected a value of F, found C10 [GW1109]"},
    {{{"a.thrift", "struct S {}\nservice A extends B { oneway i32 f() void g() throws (1: S s)\nvoid g(1: i32 a, 1: i32 b) }\n"
                   "service C { void f() } service D extends C { void f() }"}},
     "a.thrift:2:19: expected a service, found \"B\", which is not known [GW1106]\n"
     "a.thrift:2:34: a oneway method is void and throws nothing: \"f\" [GW1111]\n"
     "a.thrift:2:58: expected an exception to throw, found S [GW1111]\n"
     "a.thrift:3:6: method \"g\" stands twice, first in line 2 [GW1104]\n"
     "a.thrift:3:25: field id 1 of \"b\" is also that of \"a\" in line 3 [GW1105]\n"
     "a.thrift:4:51: method \"f\" is also one of C [GW1104]"},
    {{{"a.thrift", "const string A = 'x\nconst i32 B = 9223372036854775808\nconst i32 C = 12ab\nconst i32 D = %\n"
                   "const double E = 1e999\nstruct a.b {}"}},
     "a.thrift:1:18: expected a value, found a literal that does not end on its line [GW1102]\n"
     "a.thrift:2:15: expected a value, found an integer of more than 64 bits [GW1102]\n"
     "a.thrift:3:15: expected a value, found letters at the end of a number [GW1102]\n"
     "a.thrift:4:15: expected a value, found a character that has no meaning here [GW1102]\n"
     "a.thrift:5:18: a number beyond what a double holds [GW1102]\n"
     "a.thrift:6:8: expected the struct's name, found \"a.b\" [GW1101]"},
    {{{"a.thrift", "struct S {}\n /* open\n"}},
     "a.thrift:2:2: expected a definition, found a comment that does not end [GW1102]"},
    {{{"a.thrift", "strukt S {}\nstruct T { 1: Broken b }\nstruct Broken { x }\ninclude 'x.thrift'\nstruct U { 1: x.Y y }"}},
     "a.thrift:1:1: expected a definition, found \"strukt\" [GW1101]\n"
     "a.thrift:3:19: expected the field's name, found \"}\" [GW1101]\n"
     "a.thrift:4:9: can't include \"x.thrift\": no such file [GW1107]"},
    {{{"a.thrift", "include 'b.thrift'"}, {"b.thrift", "\ninclude 'a.thrift'"}},
     "b.thrift:2:9: can't include \"a.thrift\": its includes lead back to it [GW1107]"},
    {{{"a.thrift", "include 'a.thrift'\ninclude '/etc/x.thrift'\ninclude ''"}},
     "a.thrift:1:9: can't include \"a.thrift\": its includes lead back to it [GW1107]\n"
     "a.thrift:2:9: can't include \"/etc/x.thrift\": the path is not relative [GW1107]\n"
     "a.thrift:3:9: can't include \"\": no path [GW1107]"},
    /* only what is included directly has names here */
    {{{"a.thrift", "include 'b.thrift'\nstruct S { 1: c.T t 2: b.Nope n }"}, {"b.thrift", "include 'c.thrift'"},
      {"c.thrift", "typedef i32 T"}},
     "a.thrift:2:15: expected a type, found \"c.T\", which is not known [GW1106]\n"
     "a.thrift:2:24: expected a type, found \"b.Nope\", which is not known [GW1106]"},
    {{{"a.thrift", "include 'b.thrift'\nstruct S { 1: b.T t }"}, {"b.thrift", "struct T { 1: X x }\nstruct Y { 1: X x }"}},
     "b.thrift:1:15: expected a type, found \"X\", which is not known [GW1106]"},
};

START_TEST(errors_say_where_and_what)
{
    const struct bad *test = &bad[_i];
    struct gw__report report = {0};
    struct gw__schema *schema = compile_files(test->files, &report);
    char *errors = gw__report_text(&report);
    ck_assert_str_eq(errors, test->errors);
    ck_assert_ptr_null(schema);
    gw__free(errors);
    gw__report_finish(&report);
}
END_TEST

/* A text that must be refused with one error of that code at least. */
static void refuse(const char *text, const char *code)
{
    const struct file files[] = {{"a.thrift", text}, {0}};
    struct gw__report report = {0};
    struct gw__schema *schema = compile_files(files, &report);
    char *errors = gw__report_text(&report);
    ck_assert_ptr_null(schema);
    ck_assert_msg(strstr(errors, code) != NULL, "%s", errors);
    gw__free(errors);
    gw__report_finish(&report);
}

static char *repeat(const char *before, const char *what, int times, const char *after)
{
    struct gw__text text = {0};
    gw__text_puts(&text, before);
    for (int i = 0; i < times; i++)
        gw__text_puts(&text, what);
    gw__text_puts(&text, after);
    return gw__text_take(&text);
}

START_TEST(depth_and_size_are_bounded)
{
    char *text = repeat("struct S { 1: ", "list<", GW__IDL_DEPTH + 1, "i32");
    refuse(text, "GW1103");
    gw__free(text);
    text = repeat("const list<i32> L = ", "[", 100000, "");
    refuse(text, "GW1103");
    gw__free(text);
    text = repeat("struct S {", "1: i32 a xsd_attrs {", 100000, "");
    refuse(text, "GW1103");
    gw__free(text);
    text = repeat("struct S {", " i32 a", GW__IDL_FIELDS + 1, "}");
    refuse(text, "GW1103");
    gw__free(text);
}
END_TEST

START_TEST(constants_do_not_explode)
{
    struct gw__text text = {0};
    gw__text_puts(&text, "const list<i32> C0 = [1,2]\n");
    for (int i = 1; i < 30; i++) {
        gw__text_print(&text, "typedef list<T%d> T%d\n", i - 1, i);
        gw__text_print(&text, "const T%d C%d = [C%d, C%d]\n", i, i, i - 1, i - 1);
    }
    gw__text_puts(&text, "typedef list<i32> T0\n");
    refuse(text.data, "too many values");
    gw__text_finish(&text);
}
END_TEST

START_TEST(chains_are_bounded)
{
    struct gw__text text = {0};
    for (int i = 0; i < 5000; i++)
        gw__text_print(&text, "typedef T%d T%d\nconst i32 C%d = C%d\nservice S%d extends S%d {}\n", i + 1, i, i, i + 1, i,
                       i + 1);
    refuse(text.data, "GW1108");
    gw__text_finish(&text);
    /* structs may lead to each other without end */
    for (int i = 0; i < 5000; i++)
        gw__text_print(&text, "struct T%d { 1: T%d next }\n", i, (i + 1) % 5000);
    struct gw__schema *schema = compile(text.data);
    ck_assert_uint_eq(schema->record_count, 5000);
    gw__schema_destroy(schema);
    gw__text_finish(&text);
}
END_TEST

START_TEST(names_of_types_stay_short)
{
    struct gw__text text = {0};
    gw__text_puts(&text, "typedef i32 T0\n");
    for (int i = 1; i < 30; i++)
        gw__text_print(&text, "typedef map<T%d,T%d> T%d\n", i - 1, i - 1, i);
    gw__text_puts(&text, "struct S { 1: T29 t }");
    struct gw__schema *schema = compile(text.data);
    ck_assert_uint_lt(strlen(schema->records[0]->fields[0].type->name), 300);
    gw__schema_destroy(schema);
    gw__text_finish(&text);
}
END_TEST

START_TEST(errors_of_a_file_are_bounded)
{
    char *text = repeat("", "struct\n", 1000, "");
    const struct file files[] = {{"a.thrift", text}, {0}};
    struct gw__report report = {0};
    ck_assert_ptr_null(compile_files(files, &report));
    ck_assert_uint_eq(report.count, GW__IDL_ERRORS + 1);
    gw__report_finish(&report);
    gw__free(text);
}
END_TEST

/* ---- lookups */

START_TEST(fields_are_found_by_name_and_id)
{
    struct gw__schema *schema =
        compile("struct S { 30000: i32 far 1: required i32 near = 4 i32 none 500: optional i32 mid = 5 }\n"
                "struct T { 3: i32 c 1: i32 a 2: required i32 b } struct U {}");
    const struct gw__record *s = schema->records[0], *t = schema->records[1], *u = schema->records[2];
    ck_assert_ptr_eq(gw__record_by_id(s, 30000), &s->fields[0]);
    ck_assert_ptr_eq(gw__record_by_id(s, 1), &s->fields[1]);
    ck_assert_ptr_eq(gw__record_by_id(s, -1), &s->fields[2]);
    ck_assert_ptr_eq(gw__record_by_id(s, 500), &s->fields[3]);
    ck_assert_ptr_null(gw__record_by_id(s, 2));
    ck_assert_ptr_null(gw__record_by_id(s, 30001));
    ck_assert_uint_eq(s->id_span, 0);
    ck_assert_ptr_eq(gw__record_by_name(s, "mid", 3), &s->fields[3]);
    ck_assert_ptr_null(gw__record_by_name(s, "mi", 2));
    ck_assert_uint_eq(s->required_bits[0], 2);
    ck_assert_uint_eq(gw__record_fallback_bits(s)[0], 2 | 8);
    ck_assert_int_eq(gw__field_fallback(&s->fields[1])->integer, 4);
    ck_assert_uint_eq(t->id_span, 3);
    for (int32_t id = -1; id < 6; id++) {
        const struct gw__field *field = gw__record_by_id(t, id);
        ck_assert_int_eq(field ? field->id : 0, id >= 1 && id <= 3 ? id : 0);
    }
    ck_assert_str_eq(t->fields[0].key, "\"c\":");
    ck_assert_uint_eq(t->fields[0].key_size, 4);
    ck_assert_ptr_null(gw__record_by_id(t, INT32_MIN));
    ck_assert_ptr_null(gw__record_by_id(u, 0));
    ck_assert_ptr_null(gw__record_by_name(u, "", 0));
    gw__schema_destroy(schema);
}
END_TEST

START_TEST(many_fields_are_found)
{
    struct gw__text text = {0};
    gw__text_puts(&text, "struct S {");
    for (int i = 0; i < 3000; i++)
        gw__text_print(&text, "%d: i32 f%d\n", 1 + i * 7919 % 32749, i);
    gw__text_puts(&text, "}");
    struct gw__schema *schema = compile(text.data);
    const struct gw__record *record = schema->records[0];
    for (uint32_t i = 0; i < record->count; i++) {
        const struct gw__field *field = &record->fields[i];
        ck_assert_ptr_eq(gw__record_by_id(record, field->id), field);
        struct gw__str name = gw__field_name(field);
        ck_assert_ptr_eq(gw__record_by_name(record, name.data, name.size), field);
        ck_assert_uint_eq(field->index, i);
    }
    gw__schema_destroy(schema);
    gw__text_finish(&text);
}
END_TEST

START_TEST(enums_are_found_by_name_and_number)
{
    struct gw__schema *schema = compile("enum E { C = 70, A = -5, B, D = 2147483647 } enum Empty {}");
    const struct gw__enum *e = schema->enums[0];
    for (uint32_t i = 0; i < e->count; i++) {
        ck_assert_ptr_eq(gw__enum_by_number(e, e->values[i].number), &e->values[i]);
        ck_assert_ptr_eq(gw__enum_by_name(e, e->values[i].name.data, e->values[i].name.size), &e->values[i]);
    }
    ck_assert_int_eq(gw__enum_by_name(e, "B", 1)->number, -4);
    ck_assert_ptr_null(gw__enum_by_number(e, 0));
    ck_assert_ptr_null(gw__enum_by_number(e, (int64_t)1 << 40));
    ck_assert_ptr_null(gw__enum_by_name(e, "E", 1));
    ck_assert_ptr_null(gw__enum_by_number(schema->enums[1], 0));
    gw__schema_destroy(schema);
    schema = compile("enum E { A = 2, B = 1, C = 2, D = 1, E = 2 }");
    e = schema->enums[0];
    ck_assert_str_eq(gw__enum_by_number(e, 2)->name.data, "A");
    ck_assert_str_eq(gw__enum_by_number(e, 1)->name.data, "B");
    gw__schema_destroy(schema);
}
END_TEST

START_TEST(methods_are_described)
{
    struct gw__schema *schema =
        compile("struct R { 1: i32 a } exception X {} service B { void ping() }\n"
                "service S extends B { R get(1: optional R r) throws (1: X x) oneway void put(1: i32 i)\n"
                "void two(1: R a, 2: R b) }");
    const struct gw__rpc *s = schema->main;
    ck_assert_str_eq(s->name, "S");
    ck_assert_str_eq(s->parent->name, "B");
    ck_assert_uint_eq(s->count, 4);
    ck_assert(s->methods[2]->service == s && s->methods[3]->service == s->parent);
    const struct gw__method *get = gw__rpc_method(s, "get", 3), *put = gw__rpc_method(s, "put", 3);
    ck_assert(get->body_is_argument && !get->oneway && !put->body_is_argument && put->oneway);
    ck_assert_str_eq(get->arguments->type.name, "get_args");
    ck_assert_int_eq(get->arguments->fields[0].need, GW__NEED_DEFAULT);
    ck_assert_str_eq(get->result->type.name, "get_result");
    ck_assert_uint_eq(get->result->count, 2);
    ck_assert_str_eq(gw__record_by_id(get->result, 0)->key, "\"success\":");
    ck_assert_ptr_eq(gw__record_by_id(get->result, 0)->type, &schema->records[0]->type);
    ck_assert_int_eq(gw__record_by_id(get->result, 1)->type->kind, GW__EXCEPTION);
    ck_assert_int_eq(put->success->kind, GW__VOID);
    ck_assert_uint_eq(put->result->count, 0);
    ck_assert(!gw__rpc_method(s, "two", 3)->body_is_argument);
    ck_assert_ptr_eq(gw__rpc_method(s, "ping", 4)->service, s->parent);
    ck_assert_ptr_null(gw__rpc_method(s, "pin", 3));
    gw__schema_destroy(schema);
}
END_TEST

START_TEST(wire_types_are_set)
{
    struct gw__schema *schema = compile("enum E { A } struct S { 1: E e 2: binary b 3: map<string,bool> m 4: S s }");
    const struct gw__field *fields = schema->records[0]->fields;
    static const int expected[][3] = {{8, 5, 4}, {11, 8, 4}, {13, 11, 6}, {12, 12, 1}};
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(fields[i].type->thrift, expected[i][0]);
        ck_assert_int_eq(fields[i].type->compact, expected[i][1]);
        ck_assert_int_eq(fields[i].type->min_bytes, expected[i][2]);
    }
    ck_assert_int_eq(fields[2].type->key->thrift, 11);
    ck_assert_int_eq(fields[2].type->value->thrift, 2);
    ck_assert_ptr_eq(fields[3].type->record, schema->records[0]);
    gw__schema_destroy(schema);
}
END_TEST

/* ---- sets and folders */

static const char *const names[] = {"echo", "echo.First", "echo.Second", "other", "other.Only"};

START_TEST(a_service_is_its_files_last_block)
{
    static const struct file files[] = {
        {"x/echo.thrift", "service First {}\nservice Second {}"}, {"other.thrift", "service Only {}"},
        {"types.thrift", "struct S {}"}, {0}};
    const char *const paths[] = {"x/echo.thrift", "other.thrift", "types.thrift"};
    struct gw__idl_reader reader = {read_memory, (void *)(uintptr_t)files};
    struct gw__report report = {0};
    struct gw__idl_set set;
    ck_assert_int_eq(gw__idl_load(&set, paths, 3, &reader, "idl/", &report), 0);
    ck_assert_uint_eq(set.count, 3);
    ck_assert_uint_eq(set.name_count, 5);
    for (size_t i = 0; i < set.name_count; i++) {
        ck_assert_str_eq(set.names[i].name, names[i]);
        ck_assert_ptr_eq(gw__idl_set_find(&set, names[i], strlen(names[i])), &set.names[i]);
    }
    ck_assert_str_eq(gw__idl_set_find(&set, "echo", 4)->service->name, "Second");
    ck_assert_ptr_null(gw__idl_set_find(&set, "ech", 3));
    ck_assert_ptr_null(gw__idl_set_find(&set, "types", 5));
    ck_assert_ptr_null(gw__idl_set_find(&set, "", 0));
    gw__idl_set_finish(&set);
}
END_TEST

START_TEST(one_wrong_file_refuses_all)
{
    static const struct file files[] = {
        {"a.thrift", "include 'b.thrift'\nstruct S { 1: b.T t }"}, {"b.thrift", "struct T { 1: X x }"},
        {"x/c.thrift", "service E {}"}, {"a.B.thrift", "service D {}"}, {"c.thrift", "service E {}"},
        {"c.E.thrift", "service F {}"}, {0}};
    const char *const paths[] = {"a.B.thrift", "a.thrift", "b.thrift", "c.E.thrift", "c.thrift", "x/c.thrift"};
    struct gw__idl_reader reader = {read_memory, (void *)(uintptr_t)files};
    struct gw__report report = {0};
    struct gw__idl_set set;
    ck_assert_int_eq(gw__idl_load(&set, paths, 6, &reader, "idl/", &report), -1);
    ck_assert_uint_eq(set.count + set.name_count, 0);
    char *errors = gw__report_text(&report);
    const char *clash = strstr(errors, "\"c.E\" is also a service of \"idl/c");
    ck_assert_ptr_nonnull(clash);
    ck_assert_ptr_nonnull(strstr(errors, "idl/b.thrift:1:15: expected a type, found \"X\", which is not known"));
    ck_assert_ptr_nonnull(strstr(errors, "idl/x/c.thrift:1:9: \"c\" is also a service of \"idl/c.thrift\" [GW1112]"));
    gw__free(errors);
    gw__report_finish(&report);
}
END_TEST

static void write_file(const char *folder, const char *path, const char *text)
{
    char full[512];
    snprintf(full, sizeof full, "%s/%s", folder, path);
    FILE *file = fopen(full, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void remove_all(const char *folder)
{
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(a_folder_is_read)
{
    char folder[] = "/tmp/gw-idl-XXXXXX", path[600], expected[600];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/sub", folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    write_file(folder, "echo.thrift", "include 'sub/types.thrift'\nservice E { types.T f() }");
    write_file(folder, "sub/types.thrift", "struct T {}");
    write_file(folder, "types.thrift", "struct Another {}"); /* the same name; neither is a service */
    write_file(folder, ".hidden.thrift", "nonsense");
    write_file(folder, "notes.txt", "nonsense");
    struct gw__report report = {0};
    struct gw__idl_set set;
    ck_assert_int_eq(gw__idl_load_folder(&set, folder, "", &report), 0);
    ck_assert_uint_eq(set.count, 3);
    ck_assert_str_eq(set.schemas[0]->file, "echo.thrift");
    ck_assert_str_eq(set.schemas[1]->name, "types");
    ck_assert_str_eq(gw__idl_set_find(&set, "echo", 4)->schema->records[0]->origin.file, "sub/types.thrift");
    gw__idl_set_finish(&set);

    write_file(folder, "sub/echo.thrift", "service E {}");
    ck_assert_int_eq(gw__idl_load_folder(&set, folder, "", &report), -1);
    char *errors = gw__report_text(&report);
    snprintf(expected, sizeof expected,
             "%s/sub/echo.thrift:1:9: \"echo\" is also a service of \"%s/echo.thrift\" [GW1112]", folder, folder);
    ck_assert_str_eq(errors, expected);
    gw__free(errors);
    gw__report_finish(&report);

    snprintf(path, sizeof path, "%s/sub/echo.thrift", folder);
    unlink(path);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(gw__idl_load_folder(&set, folder, "", &report), -1);
    errors = gw__report_text(&report);
    ck_assert_ptr_nonnull(strstr(errors, "it is no regular file [GW1100]"));
    gw__free(errors);
    gw__report_finish(&report);
    remove_all(folder);
    ck_assert_int_eq(gw__idl_load_folder(&set, folder, "", &report), -1);
    ck_assert_ptr_nonnull(strstr(report.entries[0].text, "': no such folder"));
    gw__report_finish(&report);
}
END_TEST

/* ---- what several files use is made once */

START_TEST(schemas_of_a_set_share_definitions)
{
    static const struct file files[] = {
        {"a.thrift", "include 'c.thrift'\nstruct A { 1: c.C c }\nservice S { void f(1: c.C c) }"},
        {"b.thrift", "include 'c.thrift'\nstruct B { 1: c.C c }\nservice T extends c.P { void f(1: c.C c) }"},
        {"c.thrift", "const i32 N = 7 struct C { 1: i32 x = N } service P { void g() }"},
        {0}};
    const char *const paths[] = {"a.thrift", "b.thrift", "c.thrift"};
    struct gw__idl_reader reader = {read_memory, (void *)(uintptr_t)files};
    struct gw__report report = {0};
    struct gw__idl_set set;
    ck_assert_int_eq(gw__idl_load(&set, paths, 3, &reader, NULL, &report), 0);
    const struct gw__schema *a = set.schemas[0], *b = set.schemas[1], *c = set.schemas[2];
    ck_assert_uint_eq(a->record_count, 2); /* C is listed where it was used first, and with its own file */
    ck_assert_uint_eq(b->record_count, 1);
    ck_assert_uint_eq(c->record_count, 1);
    ck_assert_ptr_eq(a->records[1], c->records[0]);
    ck_assert_uint_eq(c->constant_count, 1);
    ck_assert_ptr_eq(a->main->methods[0]->arguments->fields[0].type, b->main->methods[0]->arguments->fields[0].type);
    ck_assert_ptr_eq(b->main->parent, c->main);
    ck_assert_str_eq(c->file, "c.thrift");
    gw__idl_set_finish(&set);
}
END_TEST

START_TEST(an_error_in_what_several_files_use_is_told_once)
{
    static const struct file files[] = {{"a.thrift", "include 'c.thrift'\nstruct A { 1: c.C c }"},
                                        {"b.thrift", "include 'c.thrift'\nstruct B { 1: c.C c 2: c.T t }"},
                                        {"c.thrift", "struct C { 1: Nothing x }\ntypedef T T"},
                                        {0}};
    const char *const paths[] = {"a.thrift", "b.thrift", "c.thrift"};
    struct gw__idl_reader reader = {read_memory, (void *)(uintptr_t)files};
    struct gw__report report = {0};
    struct gw__idl_set set;
    ck_assert_int_eq(gw__idl_load(&set, paths, 3, &reader, NULL, &report), -1);
    char *errors = gw__report_text(&report);
    ck_assert_str_eq(errors, "c.thrift:1:15: expected a type, found \"Nothing\", which is not known [GW1106]\n"
                             "c.thrift:2:11: typedef \"T\" leads back to itself [GW1108]");
    gw__free(errors);
    gw__report_finish(&report);
}
END_TEST

/* ---- memory */

static const struct file greedy[] = {
    {"shop.thrift", "include 'common.thrift'\n/** doc */ struct S { /** d */ 1: list<common.T> a (x = 'y') 2: i32 b = N }\n"
                    "enum E { A, B } union U { 1: E e = E.B } const i32 N = 4 const list<S> L = [{'b': N}] typedef S (n) Z (m)\n"
                    "exception X {} service Q extends common.P { S f(1: S s, 2: map<E,Z> m) throws (1: X x) void g() }"},
    {"common.thrift", "struct T { 1: T t } service P { oneway void ping() }"},
    {"wrong.thrift", "include 'shop.thrift'\nstruct { struct S { 1: i32 a 1: i32 a = 'x' 3: shop.Q q } service A extends B {}"},
    {0},
};

START_TEST(lost_memory_is_reported)
{
    const char *const paths[] = {"shop.thrift", "common.thrift", "wrong.thrift"};
    struct gw__idl_reader reader = {read_memory, (void *)(uintptr_t)greedy};
    for (size_t count = 2; count <= 3; count++) {
        int index = 0;
        for (bool failed = true; failed; index++) {
            struct gw__report report = {0};
            struct gw__idl_set set;
            fail_allocation(index);
            int result = gw__idl_load(&set, paths, count, &reader, NULL, &report);
            failed = allocation_failed();
            allocate_normally();
            ck_assert_int_eq(result, failed || count == 3 ? -1 : 0);
            ck_assert_int_eq(gw__report_bad(&report), result < 0);
            gw__idl_set_finish(&set);
            gw__report_finish(&report);
        }
        ck_assert_int_gt(index, 20);
    }
}
END_TEST

START_TEST(lost_memory_in_a_folder_is_reported)
{
    char folder[] = "/tmp/gw-idl-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    write_file(folder, "a.thrift", "service E { void f() }");
    bool failed = true;
    for (int index = 0; failed; index++) {
        struct gw__report report = {0};
        struct gw__idl_set set;
        fail_allocation(index);
        int result = gw__idl_load_folder(&set, folder, "", &report);
        failed = allocation_failed();
        allocate_normally();
        ck_assert_int_eq(result, failed ? -1 : 0);
        ck_assert_int_eq(gw__report_bad(&report), failed);
        gw__idl_set_finish(&set);
        gw__report_finish(&report);
    }
    remove_all(folder);
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("idl");
    TCase *texts = tcase_create("texts");
    tcase_add_loop_test(texts, texts_compile, 0, sizeof good / sizeof *good);
    tcase_add_test(texts, origins_are_kept);
    tcase_add_test(texts, includes_are_followed);
    tcase_add_test(texts, members_of_included_enums_are_found);
    tcase_add_test(texts, an_include_is_looked_for_at_the_top_too);
    suite_add_tcase(suite, texts);
    TCase *errors = tcase_create("errors");
    tcase_add_loop_test(errors, errors_say_where_and_what, 0, sizeof bad / sizeof *bad);
    tcase_add_test(errors, depth_and_size_are_bounded);
    tcase_add_test(errors, constants_do_not_explode);
    tcase_add_test(errors, chains_are_bounded);
    tcase_add_test(errors, names_of_types_stay_short);
    tcase_add_test(errors, errors_of_a_file_are_bounded);
    suite_add_tcase(suite, errors);
    TCase *lookups = tcase_create("lookups");
    tcase_add_test(lookups, fields_are_found_by_name_and_id);
    tcase_add_test(lookups, many_fields_are_found);
    tcase_add_test(lookups, enums_are_found_by_name_and_number);
    tcase_add_test(lookups, methods_are_described);
    tcase_add_test(lookups, wire_types_are_set);
    suite_add_tcase(suite, lookups);
    TCase *folders = tcase_create("folders");
    tcase_add_test(folders, a_service_is_its_files_last_block);
    tcase_add_test(folders, one_wrong_file_refuses_all);
    tcase_add_test(folders, a_folder_is_read);
    suite_add_tcase(suite, folders);
    TCase *memory = tcase_create("memory");
    tcase_set_timeout(memory, 60);
    tcase_add_test(memory, schemas_of_a_set_share_definitions);
    tcase_add_test(memory, an_error_in_what_several_files_use_is_told_once);
    tcase_add_test(memory, lost_memory_is_reported);
    tcase_add_test(memory, lost_memory_in_a_folder_is_reported);
    suite_add_tcase(suite, memory);
    return suite;
}
