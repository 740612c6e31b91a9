/* Time to build a router of N routes and to match with it: exact paths, variables, `**`, hosts, and how it is when
 * all routes differ in a header alone or have priorities. Requests go over all routes in a shuffled order (so caches
 * are as cold as they get) or to one route; the best round counts. Usage: route [N…]. */
#include "base/alloc.h"
#include "route/router.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* A kind of route: printf formats of its number, NULL for none. */
struct shape {
    const char *name, *host, *pattern, *path, *signature;
    int priorities;
};

static const struct shape shapes[] = {
    {"exact", NULL, "/service%d/resource/item", "/service%d/resource/item", NULL, 1},
    {"exact, method", NULL, "/service%d/resource/item", "/service%d/resource/item", "method:GET", 1},
    {"2 variables", NULL, "/service%d/{id}/items/{item}", "/service%d/12345/items/678", NULL, 1},
    {"variable first", NULL, "/{tenant}/service%d/items", "/acme/service%d/items", NULL, 1},
    {"wildcard", NULL, "/service%d/**", "/service%d/a/b/c.html", NULL, 1},
    {"host, exact", "host%d.example.com", "/resource/item", "/resource/item", NULL, 1},
    {"*.host, variable", "*.host%d.example.com", "/resource/{id}", "/resource/12345", NULL, 1},
    {"exact, 10 priorities", NULL, "/service%d/resource/item", "/service%d/resource/item", NULL, 10},
    {"one path, N values", NULL, "/resource/item", NULL, "header x=%d", 1},
};

struct request {
    uint32_t route;
    char host[40], path[64];
    struct gw__str host_text, path_text;
};

static const char *text_of(char *room, size_t size, const char *format, int number)
{
    if (!format)
        return NULL;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(room, size, format, number);
#pragma GCC diagnostic pop
    return room;
}

static void add(struct gw__router *router, const struct shape *shape, int number, struct gw__report *report)
{
    char id[32], host[64], path[64], signature[64];
    snprintf(id, sizeof id, "route%d", number);
    struct gw__condition parts[3], all = {.kind = GW__CONDITION_ALL, .children = parts};
    parts[all.count++] = (struct gw__condition){
        .kind = GW__CONDITION_PATH, .pattern = text_of(path, sizeof path, shape->pattern, number)};
    if (shape->host)
        parts[all.count++] = (struct gw__condition){
            .kind = GW__CONDITION_HOST, .pattern = text_of(host, sizeof host, shape->host, number)};
    if (shape->signature)
        parts[all.count++] = (struct gw__condition){
            .kind = GW__CONDITION_TEST,
            .signature = text_of(signature, sizeof signature, shape->signature, number),
            .exclusive = "header x",
            .predicate = (const void *)router, /* never asked */
        };
    if (!gw__router_add(router, (uint32_t)number, id, id, number % shape->priorities, &all, report))
        exit(1);
}

/* All requests, one behind the other in memory, or the first again and again. */
static double match_all(const struct gw__router *router, const struct request *requests, int count, bool same)
{
    struct gw__match match;
    double best = 1;
    for (int round = 0; round < 1000000 / count + 1; round++) {
        double begin = now();
        for (int i = 0; i < count; i++) {
            const struct request *request = &requests[same ? 0 : i];
            if (!gw__router_match(router, NULL, GW__STR("GET"), request->host_text, request->path_text, &match)
                || match.route != request->route)
                exit(1);
        }
        double time = (now() - begin) / count;
        best = time < best ? time : best;
    }
    return best * 1e9;
}

static void fill(struct request *request, const struct shape *shape, int number)
{
    text_of(request->path, sizeof request->path, shape->path, number);
    text_of(request->host, sizeof request->host, shape->host ? shape->host : "www.example.com", number);
    request->host[0] = request->host[0] == '*' ? 'w' : request->host[0];
    request->host_text = gw__str(request->host);
    request->path_text = gw__str(request->path);
    request->route = (uint32_t)number;
}

static void measure(const struct shape *shape, int count)
{
    struct gw__report report = {0};
    double begin = now();
    struct gw__router *router = gw__router_create();
    for (int i = 0; i < count; i++)
        add(router, shape, i, &report);
    double added = now();
    if (!gw__router_finish(router, &report) || gw__report_bad(&report))
        exit(1);
    double finished = now();
    printf("%7d  %-22s %10.2f %10.2f", count, shape->name, (added - begin) * 1e3, (finished - added) * 1e3);
    struct request *requests = calloc((size_t)count, sizeof *requests);
    int *order = calloc((size_t)count, sizeof *order);
    for (int i = 0; i < count; i++) {
        int other = rand() % (i + 1);
        order[i] = order[other];
        order[other] = i;
    }
    for (int i = 0; i < count && shape->path; i++)
        fill(&requests[i], shape, order[i]);
    if (shape->path)
        printf(" %12.0f %12.0f", match_all(router, requests, count, false), match_all(router, requests, count, true));
    printf("\n");
    free(requests);
    free(order);
    gw__router_destroy(router);
    gw__report_finish(&report);
}

int main(int argc, char **argv)
{
    static const int counts[] = {100, 1000, 10000, 20000};
    printf("%7s  %-22s %10s %10s %12s %12s\n", "routes", "kind", "add, ms", "finish, ms", "all, ns", "one, ns");
    for (int i = 0; i < (argc > 1 ? argc - 1 : 4); i++)
        for (size_t j = 0; j < sizeof shapes / sizeof *shapes; j++)
            measure(&shapes[j], argc > 1 ? atoi(argv[i + 1]) : counts[i]);
    return 0;
}
