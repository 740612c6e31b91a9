/* Admin API: routes of the keeper, compiled like any others from a config made here, with endpoint types
 * that no user's config can name. */
#include "base/alloc.h"
#include "server/server.h"

#include <cjson/cJSON.h>
#include <gateway/version.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

bool gw__admin_allows(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == 0 || peer.uid == geteuid());
}

/* ---- GET /status ---- */

static void add_number(cJSON *object, const char *name, uint64_t value)
{
    cJSON_AddNumberToObject(object, name, (double)value);
}

static uint64_t read_counter(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void add_workers(cJSON *list, const struct gw_server *server)
{
    static const char *const classes[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
    static const char *const refusals[] = {"limit", "client_limit", "memory"}; /* by enum gw__refusal */
    for (unsigned i = 0; i < server->worker_count; i++) {
        const struct gw__counters *counters = &server->workers[i]->context.counters;
        cJSON *worker = cJSON_CreateObject(), *responses = cJSON_CreateObject();
        add_number(worker, "id", i);
        add_number(worker, "connections", read_counter(&counters->connections));
        cJSON *refused = cJSON_AddObjectToObject(worker, "refused_connections");
        for (size_t why = 0; why < GW__REFUSALS; why++)
            add_number(refused, refusals[why], read_counter(&counters->refusals[why]));
        add_number(worker, "active", read_counter(&counters->active));
        add_number(worker, "requests", read_counter(&counters->requests));
        add_number(worker, "request_bytes", read_counter(&counters->request_bytes));
        add_number(worker, "response_bytes", read_counter(&counters->response_bytes));
        for (size_t class = 0; class < 6; class++)
            add_number(responses, classes[class], read_counter(&counters->responses[class]));
        cJSON_AddItemToObject(worker, "responses", responses);
        cJSON_AddItemToArray(list, worker);
    }
}

static void add_services(cJSON *list, const struct gw__table *table)
{
    for (size_t i = 0; i < table->callee_count; i++) {
        const struct gw__service *cell = table->callees[i].service;
        const struct gw__snapshot *snapshot = atomic_load(&cell->snapshot);
        cJSON *service = cJSON_CreateObject(), *instances = cJSON_CreateArray();
        cJSON_AddStringToObject(service, "name", cell->name);
        for (uint32_t j = 0; snapshot && j < snapshot->count; j++) {
            cJSON *instance = cJSON_CreateObject();
            cJSON_AddStringToObject(instance, "address", snapshot->instances[j]->text);
            add_number(instance, "weight", snapshot->instances[j]->weight);
            cJSON_AddItemToArray(instances, instance);
        }
        cJSON_AddItemToObject(service, "instances", instances);
        cJSON_AddItemToArray(list, service);
    }
}

/* A service block with all that can be called on it. */
static void add_rpc(cJSON *list, const struct gw__rpc *rpc)
{
    cJSON *block = cJSON_CreateObject(), *methods = cJSON_AddArrayToObject(block, "methods");
    cJSON_AddStringToObject(block, "name", rpc->name);
    for (uint32_t i = 0; i < rpc->count; i++) /* a method's name is terminated: it is an identifier of the arena */
        cJSON_AddItemToArray(methods, cJSON_CreateString(rpc->methods[i]->name.data));
    cJSON_AddItemToArray(list, block);
}

static void add_schemas(cJSON *list, const struct gw__idl_set *idl)
{
    for (size_t i = 0; i < idl->count; i++) {
        const struct gw__schema *schema = idl->schemas[i];
        cJSON *item = cJSON_CreateObject(), *blocks = cJSON_CreateArray();
        cJSON_AddStringToObject(item, "name", schema->name);
        cJSON_AddStringToObject(item, "file", schema->file);
        for (uint32_t j = 0; j < schema->service_count; j++)
            add_rpc(blocks, schema->services[j]);
        cJSON_AddItemToObject(item, "services", blocks);
        cJSON_AddItemToArray(list, item);
    }
}

static void add_table(cJSON *status, const struct gw__table *table)
{
    cJSON *listeners = cJSON_AddArrayToObject(status, "listeners"), *routes = cJSON_AddArrayToObject(status, "routes");
    for (size_t i = 0; i < table->listener_count; i++) {
        cJSON *listener = cJSON_CreateObject();
        cJSON_AddStringToObject(listener, "address", table->listeners[i].address);
        cJSON_AddNumberToObject(listener, "port", table->listeners[i].port->port);
        cJSON_AddItemToArray(listeners, listener);
    }
    for (size_t i = 0; i < table->route_count; i++) {
        cJSON *route = cJSON_CreateObject();
        cJSON_AddStringToObject(route, "id", table->route_ids[i]);
        cJSON_AddItemToArray(routes, route);
    }
    add_services(cJSON_AddArrayToObject(status, "services"), table);
    add_schemas(cJSON_AddArrayToObject(status, "schemas"), &table->idl);
}

static void add_generations(cJSON *status, const struct gw_server *server)
{
    cJSON *generations = cJSON_AddObjectToObject(status, "generations");
    uint64_t alive = 0;
    for (const struct gw__table *table = server->tables; table; table = table->next)
        alive++;
    add_number(generations, "current", server->generation);
    add_number(generations, "alive", alive);
    add_number(generations, "freed", server->freed);
}

static void add_overload(cJSON *status, const struct gw__overload *overload)
{
    cJSON *object = cJSON_AddObjectToObject(status, "overload");
    add_number(object, "stage", overload->stage);
    add_number(object, "memory_bytes", (uint64_t)overload->memory);
    add_number(object, "memory_limit_bytes", (uint64_t)overload->memory_limit);
    add_number(object, "descriptors", (uint64_t)overload->descriptors);
    add_number(object, "descriptor_limit", (uint64_t)overload->descriptor_limit);
}

static char *status_text(struct gw_server *server)
{
    struct gw__worker *keeper = server->keeper;
    pthread_mutex_lock(&server->lock);
    cJSON *status = cJSON_CreateObject(), *about = cJSON_AddObjectToObject(status, "server");
    cJSON_AddStringToObject(about, "version", gw_version());
    add_number(about, "pid", (uint64_t)getpid());
    add_number(about, "generation", server->generation);
    add_number(about, "refused_configs", server->refused);
    add_number(about, "uptime_s", (keeper->loop.now_us - server->started_us) / 1000000);
    add_workers(cJSON_AddArrayToObject(status, "workers"), server);
    add_overload(status, &server->overload);
    add_table(status, server->table);
    add_generations(status, server);
    pthread_mutex_unlock(&server->lock);
    char *text = cJSON_PrintUnformatted(status);
    cJSON_Delete(status);
    return text;
}

static enum gw_flow handle_status(struct gw_exchange *ex, struct gw_endpoint *self)
{
    char *text = status_text(gw_endpoint_server(self));
    if (!text)
        return gw_exchange_fail(ex, 503, "out of memory");
    enum gw_flow flow = gw_exchange_reply_data(ex, 200, "application/json", text, strlen(text));
    cJSON_free(text);
    return flow;
}

/* ---- POST /reload ---- */

static enum gw_flow handle_reload(struct gw_exchange *ex, struct gw_endpoint *self)
{
    struct gw_server *server = gw_endpoint_server(self);
    if (!server->reload)
        return gw_exchange_fail_code(ex, 501, "GW5011", NULL, "this server was not started from a file");
    if (gw_server_reload(server) < 0)
        return gw_exchange_fail_code(ex, 409, "GW4091", NULL, "%s", gw_server_error(server));
    char text[64];
    int size = snprintf(text, sizeof text, "{\"generation\":%llu}", (unsigned long long)server->generation);
    return gw_exchange_reply_data(ex, 200, "application/json", text, (size_t)size);
}

static const struct gw_endpoint_type status_type = {
    .size = sizeof status_type, .name = "admin_status", .on_request = handle_status};
static const struct gw_endpoint_type reload_type = {
    .size = sizeof reload_type, .name = "admin_reload", .on_request = handle_reload};

/* ---- set-up ---- */

static struct gw_config *describe(void)
{
    struct gw_config *config = gw_config_create();
    gw_config_set_origin(config, "admin");
    gw_config_add_decorator(config, "errors", NULL);
    struct gw_route *status = gw_config_add_route(config, "status");
    gw_route_add_predicate(status, "path", GW_VALUE("/status"));
    gw_route_add_predicate(status, "method", GW_VALUE("GET"));
    gw_route_set_endpoint(status, status_type.name, NULL);
    struct gw_route *reload = gw_config_add_route(config, "reload");
    gw_route_add_predicate(reload, "path", GW_VALUE("/reload"));
    gw_route_add_predicate(reload, "method", GW_VALUE("POST"));
    gw_route_set_endpoint(reload, reload_type.name, NULL);
    return config;
}

int gw__admin_init(struct gw_server *server)
{
    struct gw__registry *registry = &server->admin_registry;
    struct gw__report report = {0};
    struct gw__checked checked = {0};
    struct gw_config *config = describe();
    if (config && gw__registry_init(registry) &&
        gw__registry_add(registry, GW__TYPE_ENDPOINT, &status_type, sizeof status_type, status_type.name, NULL,
                         "admin") == 0 &&
        gw__registry_add(registry, GW__TYPE_ENDPOINT, &reload_type, sizeof reload_type, reload_type.name, NULL,
                         "admin") == 0) {
        gw__config_check(&checked, config, &report);
        if (!gw__report_bad(&report))
            server->admin_table = gw__table_compile(server, registry, &server->services, config, &checked, 1, &report);
    }
    gw_config_destroy(config);
    gw__checked_finish(&checked);
    gw__report_finish(&report);
    return server->admin_table ? 0 : -1;
}
