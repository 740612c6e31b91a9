/* JSON to Thrift binary and back beside cJSON: 500 different documents of about 0.5 and 2 KB, three levels deep, cycled
 * so that branches are not learnt by heart. cJSON's side is what one would write with it: a parse and a walk that
 * writes the same bytes; a read into a tree that is printed. It may look at the same schema, and its 64-bit integers
 * are what doubles hold. Usage: transcode [ROUNDS [WHAT SIZE]]; with WHAT (its beginning) and SIZE (0 or 1) only that
 * is run and timed, so that callgrind can count it (the slope between two numbers of rounds). "transcode print SIZE"
 * prints the documents, a line each, "transcode idl" what describes them. */
#include "../unit/wire_types.h"

#include <cJSON.h>
#include <time.h>

enum { DOCUMENTS = 500, OUT_BYTES = 1 << 16 };

static const char *const idl = "enum State { OPEN = 1, PAID = 2, SENT = 4, DONE = 8 }\n"
    "struct Part { 1: i64 id, 2: string name, 3: double weight, 4: bool spare }\n"
    "struct Item { 1: i64 id, 2: string name, 3: i32 count, 4: double price, 5: bool sold, 6: State state,\n"
    "  7: list<Part> parts }\n"
    "struct Order { 1: i64 id, 2: string title, 3: State state, 4: map<string, string> tags, 5: bool active,\n"
    "  6: double total, 7: list<Item> items }\n"
    "service Shop { Order place(1: Order order) }\n";

struct document {
    char *json, *bytes; /* the text; the args struct on the wire, which is read as a result too */
    size_t json_size, bytes_size;
};

static struct document documents[2][DOCUMENTS];
static const struct gw__method *method;
static struct gw__encode encode;
static struct gw__decode decode;
static struct gw__wire wire; /* both buffers are used again, as a worker does */
static struct gw__json_out writer;
static char out[OUT_BYTES];
static uint64_t state = 88172645463325252u;

static uint64_t random_to(uint64_t limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % limit;
}

/* ---- documents */

static void make_string(struct gw__text *text)
{
    static const char *const parts[] = {
        "order", "customer ", "J\xc3\xb6rg",    "2026-11-21",   "\\n",   "\\\"", "delivered to the door ",
        "a",     "\xe2\x82\xac", "item number ", "x-request-id", "box of ",
    };
    gw__text_puts(text, "\"");
    for (uint64_t i = 1 + random_to(4); i > 0; i--)
        gw__text_puts(text, parts[random_to(sizeof parts / sizeof *parts)]);
    gw__text_puts(text, "\"");
}

static unsigned long long random_id(void)
{
    return random_to((uint64_t)1 << 53) >> random_to(50);
}

static const char *random_bool(void)
{
    return random_to(2) ? "true" : "false";
}

static void make_part(struct gw__text *text)
{
    gw__text_print(text, "{\"id\":%llu,\"name\":", random_id());
    make_string(text);
    gw__text_print(text, ",\"weight\":%.*g,\"spare\":%s}", random_to(4) ? 6 : 17, (double)random_to(1000000007) / 1e9,
                   random_bool());
}

static void make_item(struct gw__text *text)
{
    gw__text_print(text, "{\"id\":%llu,\"name\":", random_id());
    make_string(text);
    gw__text_print(text, ",\"count\":%d,\"price\":%.2f,\"sold\":%s,\"state\":%d,\"parts\":[",
                   (int)random_to(2000) - 1000, (double)random_to(100000) / 100, random_bool(), 1 << random_to(4));
    for (uint64_t i = 0, count = random_to(3); i < count; i++) {
        gw__text_puts(text, i ? "," : "");
        make_part(text);
    }
    gw__text_puts(text, "]}");
}

static char *make_json(size_t size, size_t *json_size)
{
    struct gw__text text = {0};
    gw__text_print(&text, "{\"id\":%llu,\"title\":", random_id());
    make_string(&text);
    gw__text_print(&text, ",\"state\":%d,\"tags\":{", 1 << random_to(4));
    for (int i = 0; i < 3; i++) {
        gw__text_print(&text, "%s\"key%llu\":", i ? "," : "", (unsigned long long)(3 * random_to(33)) + i);
        make_string(&text);
    }
    gw__text_print(&text, "},\"active\":%s,\"total\":%.2f,\"items\":[", random_bool(), (double)random_to(10000000) / 100);
    make_item(&text);
    while (text.size < size - 80) {
        gw__text_puts(&text, ",");
        make_item(&text);
    }
    gw__text_puts(&text, "]}");
    *json_size = text.size;
    return gw__text_take(&text);
}

/* ---- cJSON */

static char *put(char *at, const void *data, size_t size)
{
    return (char *)memcpy(at, data, size) + size;
}

static char *put32(char *at, uint32_t value)
{
    gw__wire_set32(at, value);
    return at + 4;
}

static char *put64(char *at, uint64_t value)
{
    gw__wire_set64(at, value);
    return at + 8;
}

static char *put_tree(char *at, const struct gw__type *type, const cJSON *node);

static char *put_record(char *at, const struct gw__record *record, const cJSON *node)
{
    for (const cJSON *child = node->child; child; child = child->next) {
        const struct gw__field *field = gw__record_by_name(record, child->string, strlen(child->string));
        if (!field)
            exit(1);
        *at++ = (char)field->type->thrift;
        gw__wire_set16(at, (uint16_t)field->id);
        at = put_tree(at + 2, field->type, child);
    }
    *at++ = 0;
    return at;
}

static char *put_items(char *at, const struct gw__type *type, const cJSON *node)
{
    bool map = type->kind == GW__MAP;
    if (map)
        *at++ = (char)type->key->thrift;
    *at++ = (char)type->value->thrift;
    char *patch = at;
    uint32_t count = 0;
    at += 4;
    for (const cJSON *child = node->child; child; child = child->next, count++) {
        size_t size = map ? strlen(child->string) : 0;
        if (map)
            at = put(put32(at, (uint32_t)size), child->string, size);
        at = put_tree(at, type->value, child);
    }
    put32(patch, count);
    return at;
}

static char *put_tree(char *at, const struct gw__type *type, const cJSON *node)
{
    uint64_t bits;
    size_t size;
    switch (type->kind) {
    case GW__BOOL:
        if (!cJSON_IsBool(node))
            exit(1);
        *at++ = (char)cJSON_IsTrue(node);
        return at;
    case GW__STRING:
        if (!cJSON_IsString(node))
            exit(1);
        size = strlen(node->valuestring);
        return put(put32(at, (uint32_t)size), node->valuestring, size);
    case GW__LIST:
    case GW__MAP: return put_items(at, type, node);
    case GW__STRUCT: return put_record(at, type->record, node);
    default: break;
    }
    if (!cJSON_IsNumber(node))
        exit(1);
    memcpy(&bits, &node->valuedouble, sizeof bits);
    if (type->kind == GW__DOUBLE)
        return put64(at, bits);
    if (type->kind == GW__I64)
        return put64(at, (uint64_t)(int64_t)node->valuedouble);
    return put32(at, (uint32_t)node->valueint);
}

static cJSON *get_tree(const char **at, const struct gw__type *type);

/* The name with an end, made once for each field: cJSON shall not pay for it. */
static const char *field_name(const struct gw__field *field)
{
    static struct {
        const struct gw__field *field;
        char *name;
    } names[1024];
    size_t at = (uintptr_t)field / 16 % 1024;
    while (names[at].field && names[at].field != field)
        at = (at + 1) % 1024;
    if (!names[at].field) {
        struct gw__str name = gw__field_name(field);
        names[at].field = field;
        names[at].name = gw__strndup(name.data, name.size);
    }
    return names[at].name;
}

static cJSON *get_record(const char **at, const struct gw__record *record)
{
    cJSON *object = cJSON_CreateObject();
    while (*(*at)++) {
        const struct gw__field *field = gw__record_by_id(record, gw__wire_get16(*at));
        *at += 2;
        cJSON_AddItemToObjectCS(object, field_name(field), get_tree(at, field->type));
    }
    return object;
}

/* A copy with an end, as cJSON wants it. */
static const char *get_text(const char **at, char *copy)
{
    uint32_t size = gw__wire_get32(*at);
    memcpy(copy, *at + 4, size);
    copy[size] = '\0';
    *at += 4 + size;
    return copy;
}

static cJSON *get_items(const char **at, const struct gw__type *type)
{
    bool map = type->kind == GW__MAP;
    uint32_t count = gw__wire_get32(*at + 1 + map);
    cJSON *items = map ? cJSON_CreateObject() : cJSON_CreateArray();
    char key[256];
    *at += 5 + map;
    for (; count > 0; count--)
        if (map) {
            get_text(at, key);
            cJSON_AddItemToObject(items, key, get_tree(at, type->value));
        } else {
            cJSON_AddItemToArray(items, get_tree(at, type->value));
        }
    return items;
}

static cJSON *get_tree(const char **at, const struct gw__type *type)
{
    const char *bytes = *at;
    uint64_t bits;
    double number;
    switch (type->kind) {
    case GW__STRING: return cJSON_CreateString(get_text(at, out));
    case GW__LIST:
    case GW__MAP: return get_items(at, type);
    case GW__STRUCT: return get_record(at, type->record);
    default: *at += type->min_bytes; break;
    }
    if (type->kind == GW__BOOL)
        return cJSON_CreateBool(*bytes);
    if (type->min_bytes == 4)
        return cJSON_CreateNumber((int32_t)gw__wire_get32(bytes));
    bits = gw__wire_get64(bytes);
    memcpy(&number, &bits, sizeof number);
    return cJSON_CreateNumber(type->kind == GW__I64 ? (double)(int64_t)bits : number);
}

/* ---- what is measured */

static size_t tree_to_thrift(const struct document *document)
{
    cJSON *tree = cJSON_ParseWithLength(document->json, document->json_size);
    char *at = put(out, "\x0c\0\1", 3);
    at = put_tree(at, method->arguments->fields[0].type, tree);
    *at++ = 0;
    cJSON_Delete(tree);
    return (size_t)(at - out);
}

static size_t json_to_thrift(const struct document *document)
{
    gw__wire_reset(&wire);
    gw__encode_init(&encode, method, NULL, &wire);
    if (gw__encode_feed(&encode, document->json, document->json_size, true) != GW__WIRE_DONE)
        exit(1);
    gw__encode_finish(&encode);
    return gw__wire_settle(&wire);
}

static size_t thrift_to_tree(const struct document *document)
{
    const char *at = document->bytes + 3;
    cJSON *tree = get_tree(&at, method->arguments->fields[0].type);
    char *text = cJSON_PrintUnformatted(tree);
    size_t size = strlen(text);
    free(text);
    cJSON_Delete(tree);
    return size;
}

static size_t thrift_to_json(const struct document *document)
{
    size_t taken;
    writer.at = writer.begin;
    writer.comma = false;
    gw__decode_init_result(&decode, method->arguments, &(struct gw__decode_options){.any = true}, &writer);
    if (gw__decode_feed(&decode, document->bytes, document->bytes_size, &taken) != GW__WIRE_DONE)
        exit(1);
    gw__decode_finish(&decode);
    return (size_t)(writer.at - writer.begin);
}

static const struct {
    const char *name;
    size_t (*run)(const struct document *document);
} kinds[] = {
    {"cjson to thrift", tree_to_thrift},
    {"to thrift", json_to_thrift},
    {"cjson to json", thrift_to_tree},
    {"to json", thrift_to_json},
};

static void make_document(struct document *document, size_t size)
{
    document->json = make_json(size, &document->json_size);
    gw__encode_init(&encode, method, NULL, &wire);
    if (gw__encode_feed(&encode, document->json, document->json_size, true) != GW__WIRE_DONE)
        exit(1);
    document->bytes = wire_bytes(&wire, &document->bytes_size);
    gw__encode_finish(&encode);
    gw__wire_reset(&wire);
    if (tree_to_thrift(document) != document->bytes_size || memcmp(out, document->bytes, document->bytes_size) != 0)
        exit(1);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* ns for a document: the best round. */
static double measure(int kind, int size, int rounds)
{
    double best = 1e18;
    for (int round = 0; round < rounds; round++) {
        double begin = now();
        for (int i = 0; i < DOCUMENTS; i++)
            kinds[kind].run(&documents[size][i]);
        double time = (now() - begin) / DOCUMENTS;
        best = time < best ? time : best;
    }
    return best;
}

/* Bytes of JSON, which is the longer form, both ways. */
static void compare(int kind, int size, int rounds)
{
    double bytes = 0, tree = measure(kind, size, rounds), ours = measure(kind + 1, size, rounds);
    for (int i = 0; i < DOCUMENTS; i++)
        bytes += (double)documents[size][i].json_size / DOCUMENTS;
    printf("| %-9s | %5.0f | %8.0f | %8.0f | %6.0f | %5.2f |\n", kinds[kind + 1].name, bytes, tree, ours,
           bytes / ours * 1e3, tree / ours);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 200;
    struct idl_text source = {idl, NULL};
    struct gw__schema *schema = idl_schema("shop.thrift", &source);
    method = schema ? idl_method(schema, "place") : NULL;
    if (!method)
        return 1;
    for (int size = 0; size < 2; size++)
        for (int i = 0; i < DOCUMENTS; i++)
            make_document(&documents[size][i], size ? 2000 : 500);
    if (argc == 2 && strcmp(argv[1], "idl") == 0) {
        fputs(idl, stdout);
    } else if (argc == 3) {
        for (int i = 0; i < DOCUMENTS; i++)
            puts(documents[atoi(argv[2]) != 0][i].json);
    } else if (argc > 3) {
        for (int kind = 0; kind < 4; kind++)
            if (strncmp(argv[2], kinds[kind].name, strlen(argv[2])) == 0)
                printf("%.0f ns\n", measure(kind, atoi(argv[3]) != 0, rounds));
    } else {
        puts("| way       | bytes | cJSON ns | ours, ns |   MB/s | ratio |\n|---|---|---|---|---|---|");
        for (int kind = 0; kind < 4; kind += 2)
            for (int size = 0; size < 2; size++)
                compare(kind, size, rounds);
    }
    for (int i = 0; i < 2 * DOCUMENTS; i++) {
        free(documents[i / DOCUMENTS][i % DOCUMENTS].json);
        free(documents[i / DOCUMENTS][i % DOCUMENTS].bytes);
    }
    gw__wire_finish(&wire);
    gw__json_out_finish(&writer);
    gw__schema_destroy(schema);
    return 0;
}
