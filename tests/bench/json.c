/* Reading and writing of JSON beside cJSON: ns and MB/s over 500 different documents of about 0.5 and 2 KB, cycled so
 * that branches are not learnt by heart. What is read goes somewhere, as a transcoder would put it: strings are copied
 * into one buffer, numbers behind them. Usage: json [ROUNDS [WHAT SIZE]]; with WHAT (its beginning) and SIZE (0 or 1)
 * only that is run, so that callgrind can count it (the slope between two numbers of rounds). */
#include "json/reader.h"
#include "json/writer.h"

#include <cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { DOCUMENTS = 500, OUT_BYTES = 1 << 16 };

struct document {
    char *text;
    size_t size;
    cJSON *tree;
};

static struct document documents[2][DOCUMENTS];
static char out[OUT_BYTES];
static struct gw__json_out writer;
static uint64_t state = 88172645463325252u;

static uint64_t random_to(uint64_t limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % limit;
}

static void make_string(struct gw__text *text)
{
    static const char *const parts[] = {
        "order", "customer ", "J\xc3\xb6rg",    "2026-11-21",   "\\n",       "\\\"", "delivered to the door ",
        "a",     "\xe2\x82\xac", "item number ", "x-request-id", "\\u00e9",
    };
    gw__text_puts(text, "\"");
    for (uint64_t i = 1 + random_to(4); i > 0; i--) {
        uint64_t part = random_to(sizeof parts / sizeof *parts);
        gw__text_puts(text, parts[part]);
    }
    gw__text_puts(text, "\"");
}

static void make_item(struct gw__text *text)
{
    gw__text_print(text, "{\"id\":%llu,\"name\":", (unsigned long long)random_to(UINT64_MAX) >> random_to(60) >> 1);
    make_string(text);
    gw__text_print(text, ",\"price\":%.2f,\"ratio\":%.*g,\"sold\":%s}", (double)random_to(100000) / 100,
                   random_to(4) ? 6 : 17, (double)random_to(1000000007) / 1e9, random_to(2) ? "true" : "false");
}

static void make_document(struct document *document, size_t size)
{
    struct gw__text text = {0};
    gw__text_print(&text, "{\"id\":%llu,\"title\":", (unsigned long long)random_to(1000000000));
    make_string(&text);
    gw__text_puts(&text, ",\"tags\":{");
    for (int i = 0; i < 3; i++) {
        gw__text_print(&text, "%s\"key%llu\":", i ? "," : "", (unsigned long long)random_to(100));
        make_string(&text);
    }
    gw__text_puts(&text, "},\"active\":true,\"items\":[");
    make_item(&text);
    while (text.size < size - 40) {
        gw__text_puts(&text, ",");
        make_item(&text);
    }
    gw__text_puts(&text, "]}");
    document->size = text.size;
    document->text = gw__text_take(&text);
    document->tree = cJSON_ParseWithLength(document->text, document->size);
    if (!document->tree)
        exit(1);
}

static void read_one(const struct document *document)
{
    struct gw__json json;
    struct gw__str name;
    enum gw__json_event event;
    char *at = out;
    gw__json_init(&json, 64);
    gw__json_feed(&json, document->text, document->size, true);
    while ((event = gw__json_next(&json)) > GW__JSON_END) {
        double value;
        if (event == GW__JSON_STRING)
            gw__json_copy(&json, &at, out + OUT_BYTES);
        else if (event == GW__JSON_KEY)
            gw__json_text(&json, &name);
        else if (event == GW__JSON_NUMBER && json.number.is_int64)
            at = (char *)memcpy(at, &json.number.int64, 8) + 8;
        else if (event == GW__JSON_NUMBER)
            at = (char *)memcpy(at, (value = gw__number_double(&json.number), &value), 8) + 8;
    }
    if (event != GW__JSON_END)
        exit(1);
    gw__json_finish(&json);
}

static void skip_one(const struct document *document)
{
    struct gw__json json;
    gw__json_init(&json, 64);
    gw__json_feed(&json, document->text, document->size, true);
    gw__json_next(&json);
    if (gw__json_skip(&json) != GW__JSON_DONE)
        exit(1);
    gw__json_finish(&json);
}

static void parse_one(const struct document *document)
{
    cJSON_Delete(cJSON_ParseWithLength(document->text, document->size));
}

static void write_tree(const cJSON *node)
{
    if (node->string && node->string[0])
        gw__json_put_key(&writer, node->string, strlen(node->string));
    if (cJSON_IsObject(node) || cJSON_IsArray(node)) {
        gw__json_put_open(&writer, cJSON_IsObject(node) ? '{' : '[');
        for (const cJSON *child = node->child; child; child = child->next)
            write_tree(child);
        gw__json_put_close(&writer, cJSON_IsObject(node) ? '}' : ']');
    } else if (cJSON_IsString(node)) {
        gw__json_put_string(&writer, node->valuestring, strlen(node->valuestring));
    } else if (cJSON_IsNumber(node)) {
        if (node->valuedouble == (double)node->valueint)
            gw__json_put_int64(&writer, node->valueint);
        else
            gw__json_put_double(&writer, node->valuedouble);
    } else {
        gw__json_put_bool(&writer, cJSON_IsTrue(node));
    }
}

static void write_one(const struct document *document)
{
    writer.at = writer.begin;
    writer.comma = false;
    write_tree(document->tree);
    if (writer.lost)
        exit(1);
}

static void print_one(const struct document *document)
{
    cJSON_PrintPreallocated(document->tree, out, OUT_BYTES, 0);
}

static const struct {
    const char *name;
    void (*run)(const struct document *document);
} kinds[] = {
    {"cjson parse and free", parse_one}, {"read", read_one}, {"skip", skip_one},
    {"print by cjson", print_one},       {"write", write_one},
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void measure(int kind, int size, int rounds)
{
    double best = 1e18, bytes = 0;
    for (int i = 0; i < DOCUMENTS; i++)
        bytes += (double)documents[size][i].size / DOCUMENTS;
    for (int round = 0; round < rounds; round++) {
        double begin = now();
        for (int i = 0; i < DOCUMENTS; i++)
            kinds[kind].run(&documents[size][i]);
        double time = (now() - begin) / DOCUMENTS;
        best = time < best ? time : best;
    }
    printf("%-22s %6.0f bytes %8.0f ns %8.0f MB/s\n", kinds[kind].name, bytes, best, bytes / best * 1e3);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 100;
    for (int size = 0; size < 2; size++)
        for (int i = 0; i < DOCUMENTS; i++)
            make_document(&documents[size][i], size ? 2000 : 500);
    for (int kind = 0; kind < (int)(sizeof kinds / sizeof *kinds); kind++)
        for (int size = 0; size < 2; size++)
            if (argc < 4 || (strncmp(argv[2], kinds[kind].name, strlen(argv[2])) == 0 && atoi(argv[3]) == size))
                measure(kind, size, rounds);
    for (int i = 0; i < 2 * DOCUMENTS; i++) {
        cJSON_Delete(documents[i / DOCUMENTS][i % DOCUMENTS].tree);
        free(documents[i / DOCUMENTS][i % DOCUMENTS].text);
    }
    gw__json_out_finish(&writer);
    return 0;
}
