/* gw_schema_… and gw_transcode_… as an embedder uses them: the public calls alone, in pieces of any size, with every
 * allocation failing once. */
#include "unit.h"

#include <gateway/gateway.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char shop[] = "include 'common.thrift'\n"
                           "enum Color { RED = 1, BLUE = 2 }\n"
                           "struct Item { 1: required i64 id 2: optional string name 3: Color color 4: binary data }\n"
                           "exception Gone { 1: string why }\n"
                           "service Old { string Twice(1: string text) }\n"
                           "service Shop extends common.Base {\n"
                           "    /** Finds one. */\n"
                           "    Item Find(1: Item item) throws (1: Gone gone)\n"
                           "    i64 Add(1: i64 a, 2: required i64 b)\n"
                           "    void Clear() throws (1: Gone gone, 2: Gone lost)\n"
                           "    oneway void Tell(1: string text)\n"
                           "}\n";
static const char common[] = "service Base { bool Ping() }";

static const struct gw_schema_text texts[] = {{"shop.thrift", shop, sizeof shop - 1},
                                              {"common.thrift", common, sizeof common - 1}};

static struct gw_schema *make_schema(void)
{
    struct gw_schema *schema = gw_schema_create();
    ck_assert_int_eq(gw_schema_compile_texts(schema, texts, 2), 0);
    ck_assert_str_eq(gw_schema_error(schema), "");
    return schema;
}

/* ---- schemas */

START_TEST(services_and_methods_are_listed)
{
    struct gw_schema *schema = make_schema();
    static const char *const services[] = {"common", "common.Base", "shop", "shop.Old", "shop.Shop", NULL};
    static const char *const methods[] = {"Find", "Add", "Clear", "Tell", "Ping", NULL};
    for (size_t i = 0; services[i]; i++)
        ck_assert_str_eq(gw_schema_service_at(schema, i), services[i]);
    ck_assert_ptr_null(gw_schema_service_at(schema, 5));
    for (size_t i = 0; methods[i]; i++) {
        ck_assert_str_eq(gw_schema_method_at(schema, "shop", i)->name, methods[i]);
        ck_assert_ptr_eq(gw_schema_method_at(schema, "shop", i), gw_schema_method(schema, "shop.Shop", methods[i]));
    }
    ck_assert_ptr_null(gw_schema_method_at(schema, "shop", 5));
    ck_assert_ptr_null(gw_schema_method_at(schema, "shoe", 0));
    ck_assert_ptr_null(gw_schema_method(schema, "shop", "Twice"));
    ck_assert_str_eq(gw_schema_method(schema, "shop.Old", "Twice")->result, "string");
    ck_assert_str_eq(gw_schema_method(schema, "shop", "Ping")->service, "Base");
    gw_schema_release(schema);
}
END_TEST

START_TEST(methods_are_described)
{
    struct gw_schema *schema = make_schema();
    const struct gw_schema_method *find = gw_schema_method(schema, "shop", "Find");
    ck_assert_str_eq(find->service, "Shop");
    ck_assert_str_eq(find->result, "Item");
    ck_assert_str_eq(find->doc, "Finds one.");
    ck_assert(find->body_is_argument && !find->oneway);
    ck_assert_uint_eq(find->argument_count, 1);
    ck_assert_str_eq(find->arguments[0].name, "item");
    ck_assert_str_eq(find->arguments[0].type, "Item");
    ck_assert_uint_eq(find->exception_count, 1);
    ck_assert_str_eq(find->exceptions[0].type, "Gone");
    ck_assert_int_eq(find->exceptions[0].id, 1);
    const struct gw_schema_method *add = gw_schema_method(schema, "shop", "Add");
    ck_assert(!add->arguments[0].required && add->arguments[1].required && !add->body_is_argument);
    ck_assert_int_eq(add->arguments[1].id, 2);
    ck_assert_uint_eq(add->exception_count, 0);
    ck_assert_ptr_null(add->doc);
    ck_assert_str_eq(gw_schema_method(schema, "shop", "Clear")->result, "void");
    ck_assert(gw_schema_method(schema, "shop", "Tell")->oneway);
    gw_schema_release(schema);
}
END_TEST

START_TEST(mistakes_are_told_all_at_once)
{
    static const char one[] = "include 'two.thrift'\nstruct S { 1: i23 a 1: string b }", two[] = "service A {\n  void f(\n";
    const struct gw_schema_text wrong[] = {{"one.thrift", one, sizeof one - 1}, {"two.thrift", two, sizeof two - 1}};
    struct gw_schema *schema = gw_schema_create();
    ck_assert_int_eq(gw_schema_compile_texts(schema, wrong, 2), GW_ERROR_CONFIG);
    ck_assert_str_eq(gw_schema_error(schema),
                     "one.thrift:2:15: expected a type, found \"i23\", which is not known [GW1106]\n"
                     "one.thrift:2:31: field id 1 of \"b\" is also that of \"a\" in line 2 [GW1105]\n"
                     "two.thrift:3:1: expected a field or \")\", found the end of the file [GW1101]");
    ck_assert_ptr_null(gw_schema_service_at(schema, 0));
    ck_assert_int_eq(gw_schema_compile_texts(schema, texts, 2), GW_ERROR_STATE);
    gw_schema_release(schema);
}
END_TEST

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

START_TEST(files_are_found_in_include_folders)
{
    char folder[] = "/tmp/gw-convert-XXXXXX", path[512], other[128], command[512];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(other, sizeof other, "%s/other", folder);
    ck_assert_int_eq(mkdir(other, 0700), 0);
    write_file(folder, "shop.thrift", shop);
    snprintf(path, sizeof path, "%s/./shop.thrift", folder);
    struct gw_schema *schema = gw_schema_create();
    ck_assert_int_eq(gw_schema_compile_file(schema, path, NULL), GW_ERROR_CONFIG);
    snprintf(command, sizeof command, "%s/shop.thrift:1:9: can't include \"common.thrift\": no such file [GW1107]", folder);
    ck_assert_str_eq(strtok((char *)(size_t)gw_schema_error(schema), "\n"), command);
    gw_schema_release(schema);

    write_file(other, "common.thrift", common);
    const char *const folders[] = {"/nowhere", other, NULL};
    schema = gw_schema_create();
    ck_assert_int_eq(gw_schema_compile_file(schema, path, folders), 0);
    ck_assert_str_eq(gw_schema_service_at(schema, 0), "shop");
    ck_assert_ptr_nonnull(gw_schema_method(schema, "shop", "Ping"));
    gw_schema_release(schema);

    write_file(other, "common.thrift", "service {");
    schema = gw_schema_create();
    ck_assert_int_eq(gw_schema_compile_file(schema, path, folders), GW_ERROR_CONFIG);
    snprintf(command, sizeof command, "%s/common.thrift:1:9: expected", other);
    ck_assert_ptr_nonnull(strstr(gw_schema_error(schema), command));
    gw_schema_release(schema);

    write_file(other, "common.thrift", common);
    rename(path, strcat(strcpy(path, other), "/shop.thrift"));
    schema = gw_schema_create();
    ck_assert_int_eq(gw_schema_compile_folder(schema, other), 0);
    ck_assert_str_eq(gw_schema_service_at(schema, 0), "common");
    gw_schema_release(schema);
    schema = gw_schema_create();
    ck_assert_int_eq(gw_schema_compile_folder(schema, "/nowhere"), GW_ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(gw_schema_error(schema), "no such folder"));
    gw_schema_release(schema);
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

static const char *read_shop(void *user, const char *path, size_t *size)
{
    unsigned *asked = user;
    ++*asked;
    for (size_t i = 0; i < 2; i++)
        if (strcmp(texts[i].path, path) == 0) {
            *size = texts[i].size;
            return texts[i].text;
        }
    return NULL;
}

START_TEST(a_reader_gives_what_is_included)
{
    unsigned asked = 0;
    struct gw_schema *schema = gw_schema_create();
    ck_assert_int_eq(gw_schema_compile_with(schema, "shop.thrift", read_shop, &asked), 0);
    ck_assert_uint_eq(asked, 2);
    ck_assert_ptr_nonnull(gw_schema_method(gw_schema_hold(schema), "shop", "Ping"));
    gw_schema_release(schema);
    ck_assert_ptr_nonnull(gw_schema_method(schema, "shop", "Find")); /* one user is left */
    gw_schema_release(schema);
    schema = gw_schema_create();
    ck_assert_int_eq(gw_schema_compile_with(schema, "x/none.thrift", read_shop, &asked), GW_ERROR_CONFIG);
    ck_assert_str_eq(gw_schema_error(schema), "x/none.thrift: no such file [GW1100]");
    gw_schema_release(schema);
    gw_schema_release(NULL);
    ck_assert_ptr_null(gw_schema_hold(NULL));
    ck_assert_int_eq(gw_schema_compile_texts(NULL, texts, 2), GW_ERROR_MEMORY);
    ck_assert_str_eq(gw_schema_error(NULL), "");
}
END_TEST

/* ---- conversions */

struct bytes {
    size_t size, most; /* most: refuses what is beyond; 0: nothing */
    char data[4096];
};

static int keep(void *user, const void *data, size_t size)
{
    struct bytes *bytes = user;
    ck_assert_uint_gt(size, 0);
    if (bytes->most && bytes->size + size > bytes->most)
        return 1;
    ck_assert_uint_lt(bytes->size + size, sizeof bytes->data);
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
    bytes->data[bytes->size] = '\0';
    return 0;
}

/* Pieces of `step` bytes (0: all at once), each at the end of a block of its own. Returns what the last feed did. */
static int feed(struct gw_transcode *transcode, const char *data, size_t size, size_t step, size_t *taken)
{
    int result = 0;
    *taken = 0;
    for (size_t at = 0; result == 0;) {
        size_t count = step && step < size - at ? step : size - at, own;
        char *block = malloc(count ? count : 1);
        memcpy(block, data + at, count);
        at += count;
        result = gw_transcode_feed(transcode, block, count, at == size, &own);
        *taken += own;
        if (step == 1) { /* what was read is not needed any more */
            memset(block, 0, count);
        }
        free(block);
        if (at == size)
            break;
    }
    return result;
}

static int convert(struct gw_transcode *transcode, const struct gw_schema_method *method, enum gw_transcode_way way,
                   const struct bytes *in, size_t step, struct bytes *out)
{
    size_t taken;
    out->size = 0;
    *out->data = '\0';
    int result = gw_transcode_begin(transcode, method, way, 7, keep, out);
    return result == 0 ? feed(transcode, in->data, in->size, step, &taken) : result;
}

static struct bytes text(const char *json)
{
    struct bytes bytes = {.size = strlen(json)};
    memcpy(bytes.data, json, bytes.size);
    return bytes;
}

struct round {
    const char *method, *arguments, *result; /* NULL: oneway */
    enum gw_transcode_outcome outcome;
    const char *exception, *answer; /* JSON that comes of the result, if not `result` itself */
};

#define ITEM "{\"id\":9223372036854775807,\"name\":\"m\\u00fcll\",\"color\":2,\"data\":\"AP8=\"}"

static const struct round rounds[] = {
    {"Find", "{\"id\":1}", "{\"success\":{\"id\":-1,\"name\":\"x\"}}", GW_OUTCOME_SUCCESS, NULL, "{\"id\":-1,\"name\":\"x\"}"},
    {"Find", "{\"id\":1,\"color\":2,\"data\":\"AP8=\"}", "{\"gone\":{\"why\":\"sold\"}}", GW_OUTCOME_EXCEPTION, "Gone",
     "{\"why\":\"sold\"}"},
    {"Add", "{\"a\":1,\"b\":2}", "{\"success\":3}", GW_OUTCOME_SUCCESS, NULL, "3"},
    {"Clear", "{}", "{}", GW_OUTCOME_VOID, NULL, ""},
    {"Ping", "{}", "{\"success\":true}", GW_OUTCOME_SUCCESS, NULL, "true"},
    {"Tell", "{\"text\":\"a\\nb\"}", NULL, GW_OUTCOME_UNKNOWN, NULL, NULL},
};

static void check_outcome(const struct gw_transcode *transcode, const struct round *round, const struct bytes *json)
{
    ck_assert_str_eq(json->data, round->answer);
    ck_assert_int_eq(gw_transcode_outcome(transcode), round->outcome);
    if (round->exception)
        ck_assert_str_eq(gw_transcode_exception(transcode), round->exception);
    else
        ck_assert_ptr_null(gw_transcode_exception(transcode));
    ck_assert_str_eq(gw_transcode_error(transcode), "");
}

static void go_round(struct gw_transcode *transcode, const struct gw_schema *schema, const struct round *round,
                     size_t step)
{
    static struct bytes wire, json;
    const struct gw_schema_method *method = gw_schema_method(schema, "shop", round->method);
    struct bytes in = text(round->arguments);
    for (int message = 0; message < 2; message++) {
        ck_assert_int_eq(convert(transcode, method, GW_TRANSCODE_TO_ARGUMENTS + message, &in, step, &wire), 1);
        ck_assert_int_eq(convert(transcode, method, GW_TRANSCODE_FROM_ARGUMENTS + message, &wire, step, &json), 1);
        ck_assert_str_eq(json.data, round->arguments);
    }
    const char *name;
    size_t name_size;
    int32_t sequence;
    ck_assert_int_eq(gw_transcode_peek(wire.data, 4, &name, &name_size, &sequence), 0);
    ck_assert_int_eq(gw_transcode_peek(wire.data, wire.size, &name, &name_size, &sequence), 1);
    ck_assert(name_size == strlen(round->method) && memcmp(name, round->method, name_size) == 0 && sequence == 7);
    for (int message = 0; round->result && message < 2; message++) {
        in = text(round->result);
        ck_assert_int_eq(convert(transcode, method, GW_TRANSCODE_TO_RESULT + message, &in, step, &wire), 1);
        ck_assert_int_eq(convert(transcode, method, GW_TRANSCODE_FROM_RESULT + message, &wire, step, &json), 1);
        check_outcome(transcode, round, &json);
    }
}

static const char *const encodings[] = {NULL, "binary", "binary_old", "compact", "json"};

START_TEST(both_ways_for_clients_and_servers)
{
    struct gw_schema *schema = make_schema();
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++)
        for (int framed = 0; framed < 2; framed++) {
            struct gw_transcode_options options = {sizeof options, .encoding = encodings[i], .framed = framed};
            struct gw_transcode *transcode = gw_transcode_create(&options);
            for (size_t step = 0; step < 4; step++)
                go_round(transcode, schema, &rounds[_i], step);
            gw_transcode_destroy(transcode);
        }
    gw_schema_release(schema);
}
END_TEST

START_TEST(a_message_is_what_thrift_sends)
{
    struct gw_schema *schema = make_schema();
    struct gw_transcode *transcode = gw_transcode_create(NULL);
    struct bytes in = text("{\"a\":1,\"b\":-2}"), out;
    out.most = 0;
    static const char expected[] = "\x80\x01\0\x01\0\0\0\x03" "Add\0\0\0\x07\x0a\0\x01\0\0\0\0\0\0\0\x01"
                                   "\x0a\0\x02\xff\xff\xff\xff\xff\xff\xff\xfe\0";
    ck_assert_int_eq(convert(transcode, gw_schema_method(schema, "shop", "Add"), GW_TRANSCODE_TO_CALL, &in, 0, &out), 1);
    ck_assert_uint_eq(out.size, sizeof expected - 1);
    ck_assert_mem_eq(out.data, expected, out.size);
    gw_transcode_destroy(transcode);
    gw_schema_release(schema);
}
END_TEST

START_TEST(faults_have_their_kind_and_message)
{
    static const char fault[] = "\x80\x01\0\x03\0\0\0\x03" "Add\0\0\0\x07\x0b\0\x01\0\0\0\x04" "oops\x08\0\x02\0\0\0\x06\0";
    struct bytes in = {.size = sizeof fault - 1}, out = {0};
    memcpy(in.data, fault, in.size);
    struct gw_schema *schema = make_schema();
    struct gw_transcode *transcode = gw_transcode_create(NULL);
    const struct gw_schema_method *add = gw_schema_method(schema, "shop", "Add");
    for (size_t step = 0; step < 4; step++) {
        ck_assert_int_eq(convert(transcode, add, GW_TRANSCODE_FROM_ANSWER, &in, step, &out), 1);
        ck_assert_str_eq(out.data, "{\"type\":6,\"message\":\"oops\"}");
        ck_assert_int_eq(gw_transcode_outcome(transcode), GW_OUTCOME_FAULT);
        ck_assert_str_eq(gw_transcode_exception(transcode), "TApplicationException");
    }
    memcpy(in.data + 8, "add\0\0\0\0", 7); /* of a server that could not read the call */
    ck_assert_int_eq(convert(transcode, add, GW_TRANSCODE_FROM_ANSWER, &in, 1, &out), 1);
    ck_assert_str_eq(out.data, "{\"type\":6,\"message\":\"oops\"}");
    ck_assert_int_eq(convert(transcode, add, GW_TRANSCODE_FROM_CALL, &in, 0, &out), GW_ERROR_INPUT);
    memcpy(in.data, fault, in.size);
    for (size_t size = 0; size < in.size; size++) { /* cut */
        struct bytes part = in;
        part.size = size;
        ck_assert_int_eq(convert(transcode, add, GW_TRANSCODE_FROM_ANSWER, &part, 0, &out), GW_ERROR_INPUT);
        ck_assert_str_eq(gw_transcode_error(transcode), "it ends too early");
    }
    gw_transcode_destroy(transcode);
    gw_schema_release(schema);
}
END_TEST

static const struct {
    const char *method, *bytes;
    size_t size;
    const char *why;
} strange[] = {
    {"Add", "\x80\x01\0\x02\0\0\0\x03" "Bad\0\0\0\x07\0", 16, "the message is of another method"},
    {"Add", "\x80\x01\0\x02\0\0\0\x03" "Add\0\0\0\x08\0", 16, "the message has another sequence id"},
    {"Add", "\x80\x01\0\x01\0\0\0\x03" "Add\0\0\0\x07\0", 16, "the message is no answer"},
    {"Add", "\x80\x01\0\x02\0\0\0\x03" "Add\0\0\0\x07\0", 16, "the result: expected i64, got nothing"},
    {"Add", "\0\0\0\x0f\x80\x01\0\x02\0\0\0\x03" "Add\0\0\0\x07\0", 20, "the frame is shorter than its message"},
    {"Clear", "\0\0\0\x13\x80\x01\0\x02\0\0\0\x05" "Clear\0\0\0\x07\0\0", 23, "the frame is longer than its message"},
    {"Add", "HTTP/1.1 400 Bad Request\r\n\r\n", 28, "it is no Thrift message"},
};

START_TEST(answers_that_are_none)
{
    struct gw_schema *schema = make_schema();
    struct gw_transcode *transcode = gw_transcode_create(NULL);
    struct bytes in = {.size = strange[_i].size}, out = {0};
    memcpy(in.data, strange[_i].bytes, in.size);
    for (size_t step = 0; step < 3; step++) {
        const struct gw_schema_method *method = gw_schema_method(schema, "shop", strange[_i].method);
        ck_assert_int_eq(convert(transcode, method, GW_TRANSCODE_FROM_ANSWER, &in, step, &out), GW_ERROR_INPUT);
        ck_assert_str_eq(gw_transcode_error(transcode), strange[_i].why);
        ck_assert_int_eq(gw_transcode_feed(transcode, "", 0, true, NULL), GW_ERROR_STATE);
        ck_assert_uint_eq(out.size, 0);
    }
    gw_transcode_destroy(transcode);
    gw_schema_release(schema);
}
END_TEST

START_TEST(what_stands_behind_an_answer_is_left)
{
    static const char answer[] = "\x80\x01\0\x02\0\0\0\x05" "Clear\0\0\0\x07\0behind";
    struct gw_schema *schema = make_schema();
    struct gw_transcode *transcode = gw_transcode_create(NULL);
    struct bytes out = {0};
    size_t taken;
    const struct gw_schema_method *clear = gw_schema_method(schema, "shop", "Clear");
    ck_assert_int_eq(gw_transcode_begin(transcode, clear, GW_TRANSCODE_FROM_ANSWER, 7, keep, &out), 0);
    ck_assert_int_eq(gw_transcode_feed(transcode, answer, sizeof answer - 1, false, &taken), 1);
    ck_assert_uint_eq(taken, sizeof answer - 1 - strlen("behind"));
    gw_transcode_destroy(transcode);
    gw_schema_release(schema);
}
END_TEST

START_TEST(misfits_are_told)
{
    struct gw_schema *schema = make_schema();
    struct gw_transcode *transcode = gw_transcode_create(NULL);
    const struct gw_schema_method *find = gw_schema_method(schema, "shop", "Find");
    struct bytes in = text("{\"id\":2.5,\"nam\":\"x\",\"color\":\"GREEN\"}"), out = {0};
    for (size_t step = 0; step < 3; step++) {
        ck_assert_int_eq(convert(transcode, find, GW_TRANSCODE_TO_CALL, &in, step, &out), GW_ERROR_INPUT);
        ck_assert_str_eq(gw_transcode_error(transcode), "/id: expected i64, got number 2.5");
        ck_assert_str_eq(gw_transcode_misfits(transcode),
                         "[{\"pointer\":\"/id\",\"expected\":\"i64\",\"got\":\"number 2.5\",\"idl\":\"shop.thrift:3\"},"
                         "{\"pointer\":\"/nam\",\"expected\":\"a field of Item (nearest: name)\",\"got\":\"an unknown name\","
                         "\"idl\":\"shop.thrift:3\"},"
                         "{\"pointer\":\"/color\",\"expected\":\"Color\",\"got\":\"string GREEN\",\"idl\":\"shop.thrift:3\"}]");
        ck_assert_uint_eq(out.size, 0);
    }
    in = text("{\"id\":1}");
    ck_assert_int_eq(convert(transcode, find, GW_TRANSCODE_TO_CALL, &in, 0, &out), 1);
    ck_assert_str_eq(gw_transcode_misfits(transcode), "[]");
    gw_transcode_destroy(transcode);
    gw_schema_release(schema);
}
END_TEST

static const struct {
    const char *method, *json, *error; /* NULL: it is right */
} results[] = {
    {"Find", "{\"success\":{\"id\":1},\"gone\":{}}",
     "/gone: expected no second field of Find_result, got one besides success"},
    {"Find", "{\"gone\":{},\"success\":{\"id\":1}}",
     "/success: expected no second field of Find_result, got one besides gone"},
    {"Find", "{\"success\":null,\"gone\":{}}", NULL},
    {"Find", "{}", "the body: expected success or an exception, got none"},
    {"Find", "{\"success\":null}", "the body: expected success or an exception, got none"},
    {"Find", "{\"succes\":1,\"gone\":{}}",
     "/succes: expected a field of Find_result (nearest: success), got an unknown name"},
    {"Clear", "{}", NULL},
    {"Clear", "{\"lost\":{}}", NULL},
    {"Clear", "{\"gone\":{},\"lost\":{}}", "/lost: expected no second field of Clear_result, got one besides gone"},
};

START_TEST(a_result_is_one_thing)
{
    struct gw_schema *schema = make_schema();
    struct gw_transcode *transcode = gw_transcode_create(NULL);
    const struct gw_schema_method *method = gw_schema_method(schema, "shop", results[_i].method);
    for (size_t step = 0; step < 4; step++)
        for (int message = 0; message < 2; message++) {
            struct bytes in = text(results[_i].json), out = {0};
            int result = convert(transcode, method, GW_TRANSCODE_TO_RESULT + message, &in, step, &out);
            ck_assert_int_eq(result, results[_i].error ? GW_ERROR_INPUT : 1);
            ck_assert_str_eq(gw_transcode_error(transcode), results[_i].error ? results[_i].error : "");
            ck_assert_int_eq(out.size == 0, results[_i].error != NULL);
        }
    gw_transcode_destroy(transcode);
    gw_schema_release(schema);
}
END_TEST

START_TEST(options_choose_the_rules)
{
    struct gw_schema *schema = make_schema();
    struct gw_transcode_options options = {sizeof options, .json = "kitex", .enums = "name", .int64 = "auto",
                                           .binary = "base64url"};
    struct gw_transcode *transcode = gw_transcode_create(&options);
    struct bytes in = text("{\"success\":" ITEM "}"), wire = {0}, out = {0};
    char *standard = strstr(in.data, "AP8=");
    memcpy(standard, "_-8=", 4);
    const struct gw_schema_method *find = gw_schema_method(schema, "shop", "Find");
    ck_assert_int_eq(convert(transcode, find, GW_TRANSCODE_TO_RESULT, &in, 0, &wire), 1);
    ck_assert_int_eq(convert(transcode, find, GW_TRANSCODE_FROM_RESULT, &wire, 0, &out), 1);
    ck_assert_ptr_nonnull(strstr(out.data, "{\"id\":\"9223372036854775807\",\"name\":\"m"));
    ck_assert_ptr_nonnull(strstr(out.data, ",\"color\":\"BLUE\",\"data\":\"_-8"));
    in = text("{\"a\":\"2\",\"b\":3.9}");
    ck_assert_int_eq(convert(transcode, gw_schema_method(schema, "shop", "Add"), GW_TRANSCODE_TO_CALL, &in, 0, &wire), 1);
    gw_transcode_destroy(transcode);

    options.int64 = "words";
    transcode = gw_transcode_create(&options);
    ck_assert_int_eq(gw_transcode_begin(transcode, find, GW_TRANSCODE_TO_CALL, 1, keep, &out), GW_ERROR_CONFIG);
    ck_assert_str_eq(gw_transcode_error(transcode), "the option 'int64' must be one of number|string|auto");
    ck_assert_int_eq(gw_transcode_feed(transcode, "{}", 2, true, NULL), GW_ERROR_STATE);
    gw_transcode_destroy(transcode);
    gw_schema_release(schema);
}
END_TEST

START_TEST(limits_and_refusals)
{
    struct gw_schema *schema = make_schema();
    const struct gw_schema_method *find = gw_schema_method(schema, "shop", "Find");
    struct bytes in = text("{\"id\":1,\"name\":\"0123456789\"}"), wire = {0}, out = {0};
    struct gw_transcode_options options = {sizeof options};
    for (size_t most = 1; most < 60; most++) {
        options.limit_bytes = most;
        struct gw_transcode *transcode = gw_transcode_create(&options), *free_one = gw_transcode_create(NULL);
        int result = convert(transcode, find, GW_TRANSCODE_TO_ARGUMENTS, &in, 1, &out);
        ck_assert_int_eq(convert(free_one, find, GW_TRANSCODE_TO_ARGUMENTS, &in, 1, &wire), 1);
        ck_assert_int_eq(result, wire.size <= most ? 1 : GW_ERROR_LIMIT);
        ck_assert_uint_le(out.size, most);
        out.most = most;
        result = convert(free_one, find, GW_TRANSCODE_TO_ARGUMENTS, &in, 1, &out);
        ck_assert_int_eq(result, wire.size <= most ? 1 : GW_ERROR_SINK);
        out.most = 0;
        result = convert(transcode, find, GW_TRANSCODE_FROM_ARGUMENTS, &wire, 1, &out);
        ck_assert_int_eq(result, in.size <= most ? 1 : GW_ERROR_LIMIT);
        gw_transcode_destroy(transcode);
        gw_transcode_destroy(free_one);
    }
    struct bytes nested = text("{\"id\":1,\"name\":[[]]}");
    options = (struct gw_transcode_options){sizeof options, .depth = 2};
    struct gw_transcode *transcode = gw_transcode_create(&options);
    ck_assert_int_eq(convert(transcode, find, GW_TRANSCODE_TO_CALL, &nested, 0, &out), GW_ERROR_INPUT);
    ck_assert_ptr_nonnull(strstr(gw_transcode_misfits(transcode), "nest"));
    ck_assert_int_eq(convert(transcode, find, GW_TRANSCODE_TO_CALL, &in, 0, &out), 1);
    gw_transcode_destroy(transcode);
    gw_schema_release(schema);
}
END_TEST

/* Values that are as the schema wants them, which are not taken token by token. */
START_TEST(depth_is_limited)
{
    static const char nodes[] = "struct Node { 1: list<Node> list 2: map<string, Node> map 3: i32 x }\n"
                                "service Nodes { void Take(1: Node node) }\n";
    static const struct {
        const char *json;
        unsigned levels;
    } values[] = {{"{\"x\":1}", 1}, {"{\"x\":1,\"list\":[]}", 2}, {"{\"x\":1,\"map\":{}}", 2},
                  {"{\"list\":[{\"x\":1}]}", 3}, {"{\"x\":1,\"map\":{\"a\":{\"x\":1,\"list\":[]}}}", 4}};
    struct gw_schema *schema = gw_schema_create();
    struct gw_schema_text file = {"nodes.thrift", nodes, sizeof nodes - 1};
    ck_assert_int_eq(gw_schema_compile_texts(schema, &file, 1), 0);
    const struct gw_schema_method *take = gw_schema_method(schema, "nodes", "Take");
    for (unsigned depth = 1; depth < 6; depth++) {
        struct gw_transcode_options options = {sizeof options, .depth = depth};
        struct gw_transcode *transcode = gw_transcode_create(&options);
        char told[40];
        snprintf(told, sizeof told, "at most %u levels", depth);
        for (size_t i = 0; i < 5 * 3; i++) {
            struct bytes in = text(values[i % 5].json), out = {0};
            bool fits = values[i % 5].levels <= depth;
            int result = convert(transcode, take, GW_TRANSCODE_TO_CALL, &in, i / 5, &out);
            ck_assert_int_eq(result, fits ? 1 : GW_ERROR_INPUT);
            ck_assert(fits == !strstr(gw_transcode_misfits(transcode), told));
        }
        gw_transcode_destroy(transcode);
    }
    gw_schema_release(schema);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
    struct gw_schema *schema = make_schema();
    const struct gw_schema_method *tell = gw_schema_method(schema, "shop", "Tell");
    struct gw_transcode *transcode = gw_transcode_create(NULL);
    struct bytes out = {0};
    ck_assert_int_eq(gw_transcode_begin(transcode, tell, GW_TRANSCODE_FROM_ANSWER, 1, keep, &out), GW_ERROR_STATE);
    ck_assert_str_eq(gw_transcode_error(transcode), "a oneway method has no answer");
    ck_assert_int_eq(gw_transcode_begin(transcode, NULL, GW_TRANSCODE_TO_CALL, 1, keep, &out), GW_ERROR_MEMORY);
    ck_assert_int_eq(gw_transcode_begin(NULL, tell, GW_TRANSCODE_TO_CALL, 1, keep, &out), GW_ERROR_MEMORY);
    ck_assert_int_eq(gw_transcode_begin(transcode, tell, GW_TRANSCODE_TO_CALL, 1, NULL, &out), GW_ERROR_CONFIG);
    ck_assert_str_eq(gw_transcode_error(transcode), "a conversion needs a function that takes what is written");
    ck_assert_int_eq(gw_transcode_feed(transcode, "{}", 2, true, NULL), GW_ERROR_STATE);
    ck_assert_int_eq(gw_transcode_feed(NULL, "{}", 2, true, NULL), GW_ERROR_STATE);
    ck_assert_int_eq(gw_transcode_outcome(NULL), GW_OUTCOME_UNKNOWN);
    ck_assert_ptr_null(gw_transcode_exception(NULL));
    ck_assert_str_eq(gw_transcode_misfits(NULL), "[]");
    gw_transcode_destroy(transcode);
    gw_transcode_destroy(NULL);
    gw_schema_release(schema);
}
END_TEST

/* ---- memory */

START_TEST(lost_memory_is_told_by_schemas)
{
    for (int way = 0; way < 2; way++) {
        int index = 0;
        for (bool failed = true; failed; index++) {
            unsigned asked = 0;
            fail_allocation(index);
            struct gw_schema *schema = gw_schema_create();
            int result = way ? gw_schema_compile_with(schema, "./shop.thrift", read_shop, &asked)
                             : gw_schema_compile_texts(schema, texts, 2);
            failed = allocation_failed();
            allocate_normally();
            ck_assert_int_eq(result, failed ? GW_ERROR_MEMORY : 0);
            ck_assert_int_eq(gw_schema_service_at(schema, 0) != NULL, !failed);
            gw_schema_release(schema);
        }
        ck_assert_int_gt(index, 20);
    }
}
END_TEST

START_TEST(lost_memory_is_told_by_conversions)
{
    static const struct {
        const char *method, *in;
        enum gw_transcode_way way;
        int result;
    } cases[] = {
        {"Find", "{\"id\":1,\"name\":\"a\\u0062\"}", GW_TRANSCODE_TO_CALL, 1},
        {"Find", "{\"id\":1.5,\"nam\":2}", GW_TRANSCODE_TO_CALL, GW_ERROR_INPUT},
        {"Find", "{\"gone\":{\"why\":\"sold\"}}", GW_TRANSCODE_TO_ANSWER, 1},
    };
    struct gw_schema *schema = make_schema();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct gw_schema_method *method = gw_schema_method(schema, "shop", cases[i].method);
        struct bytes in = text(cases[i].in), wire = {0}, out = {0};
        int index = 0;
        for (bool failed = true; failed; index++) {
            fail_allocation(index);
            struct gw_transcode *transcode = gw_transcode_create(NULL);
            int result = convert(transcode, method, cases[i].way, &in, 3, &wire), back = 1;
            if (result == 1 && cases[i].way == GW_TRANSCODE_TO_ANSWER)
                back = convert(transcode, method, GW_TRANSCODE_FROM_ANSWER, &wire, 3, &out);
            failed = allocation_failed();
            allocate_normally();
            if (failed && result != cases[i].result)
                ck_assert_int_eq(result, GW_ERROR_MEMORY);
            else
                ck_assert(back == 1 || (failed && back == GW_ERROR_MEMORY));
            ck_assert(failed || result == cases[i].result);
            gw_transcode_destroy(transcode);
        }
        ck_assert_int_gt(index, 2);
    }
    gw_schema_release(schema);
}
END_TEST

START_TEST(a_warm_one_calls_no_allocator)
{
    struct gw_schema *schema = make_schema();
    struct gw_transcode_options options = {sizeof options, .encoding = encodings[_i]};
    struct gw_transcode *transcode = gw_transcode_create(&options);
    for (int pass = 0; pass < 2; pass++) {
        if (pass)
            fail_allocation(0);
        for (size_t i = 0; i < sizeof rounds / sizeof *rounds; i++)
            go_round(transcode, schema, &rounds[i], 0);
    }
    ck_assert(!allocation_failed());
    allocate_normally();
    gw_transcode_destroy(transcode);
    gw_schema_release(schema);
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("convert");
    TCase *schemas = tcase_create("schemas"), *conversions = tcase_create("conversions"), *memory = tcase_create("memory");
    tcase_add_test(schemas, services_and_methods_are_listed);
    tcase_add_test(schemas, methods_are_described);
    tcase_add_test(schemas, mistakes_are_told_all_at_once);
    tcase_add_test(schemas, files_are_found_in_include_folders);
    tcase_add_test(schemas, a_reader_gives_what_is_included);
    suite_add_tcase(suite, schemas);
    tcase_add_loop_test(conversions, both_ways_for_clients_and_servers, 0, sizeof rounds / sizeof *rounds);
    tcase_add_test(conversions, a_message_is_what_thrift_sends);
    tcase_add_test(conversions, faults_have_their_kind_and_message);
    tcase_add_loop_test(conversions, answers_that_are_none, 0, sizeof strange / sizeof *strange);
    tcase_add_test(conversions, what_stands_behind_an_answer_is_left);
    tcase_add_test(conversions, misfits_are_told);
    tcase_add_loop_test(conversions, a_result_is_one_thing, 0, sizeof results / sizeof *results);
    tcase_add_test(conversions, options_choose_the_rules);
    tcase_add_test(conversions, limits_and_refusals);
    tcase_add_test(conversions, depth_is_limited);
    tcase_add_test(conversions, what_makes_no_sense_is_refused);
    suite_add_tcase(suite, conversions);
    tcase_add_test(memory, lost_memory_is_told_by_schemas);
    tcase_add_test(memory, lost_memory_is_told_by_conversions);
    tcase_add_loop_test(memory, a_warm_one_calls_no_allocator, 0, sizeof encodings / sizeof *encodings);
    suite_add_tcase(suite, memory);
    return suite;
}
