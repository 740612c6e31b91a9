/* Compiling: from a config to a table. It goes on after an error where it can, so that all of them are
 * reported at once; instances of every worker are made before anything is swapped. */
#include "server/table.h"

#include "base/alloc.h"
#include "base/networks.h"
#include "exchange/exchange.h"
#include "http/uri.h"
#include "route/conditions.h"

#include <stdio.h>

#define MAX_NAMES 256

/* One thing to destroy: an instance or the options of one. */
struct gw__made {
    struct gw__made *next;
    enum { FILTER, ENDPOINT, PREDICATE, OPTIONS } kind;
    void *what;
};

struct compiler {
    struct gw__table *table;
    const struct gw__registry *registry;
    const struct gw_config *config;
    const struct gw__checked *checked;
    struct gw__report *report;
    struct gw__scope scope;
    size_t filter_count, decorator_count;
    /* By worker: decorators, then filters for all routes; made once and shared by all chains. */
    struct gw_filter ***common;
    uint32_t common_scratch, entry_scratch;
};

static void *take(struct compiler *c, size_t size)
{
    void *memory = gw__arena_zalloc(&c->table->arena, size ? size : 1);
    if (!memory)
        c->report->lost = true;
    return memory;
}

static bool keep(struct compiler *c, int kind, void *what)
{
    struct gw__made *made = what ? take(c, sizeof *made) : NULL;
    if (!made) {
        c->report->lost = true;
        return false;
    }
    *made = (struct gw__made){.next = c->table->made, .kind = kind, .what = what};
    c->table->made = made;
    return true;
}

static void report_unknown(struct compiler *c, enum gw__type_kind kind, const char *word, const char *name,
                           const char *origin)
{
    const char *names[MAX_NAMES];
    const char *nearest = gw__nearest(name, names, gw__registry_names(c->registry, kind, names, MAX_NAMES));
    if (nearest)
        gw__report_add(c->report, origin, "GW1020", "%s '%s' is not known, did you mean '%s'?", word, name, nearest);
    else
        gw__report_add(c->report, origin, "GW1020", "%s '%s' is not known", word, name);
}

static struct gw__instance_head begin_head(struct compiler *c, const char *name, void *user, void *data,
                                           struct gw_option *options, const char *origin)
{
    return (struct gw__instance_head){
        .name = name, .server = c->table->server, .user = user, .data = data, .options = options,
        .scope = &c->scope, .origin = origin ? origin : "",
    };
}

/* An instance and its data in one allocation; NULL when out of memory. */
static void *make(struct compiler *c, int kind, size_t size, size_t data_size, void **data)
{
    size_t offset = (size + 15) & ~(size_t)15;
    char *instance = gw__calloc(1, offset + data_size);
    if (!instance) {
        c->report->lost = true;
        return NULL;
    }
    *data = instance + offset;
    if (keep(c, kind, instance))
        return instance;
    gw__free(instance);
    return NULL;
}

/* create() failed: reported here unless it has reported why itself, or the IDL has failed. */
static void check_created(struct compiler *c, const struct gw__instance_head *head, int result, size_t errors_before)
{
    if (result < 0 && c->report->count == errors_before && !c->scope.idl_failed)
        gw__report_add(c->report, head->origin, "GW1022", "'%s' can't be set up", head->name);
}

static struct gw_filter *make_filter(struct compiler *c, const struct gw__type_entry *entry, struct gw_option *options,
                                     const char *origin, uint32_t scratch)
{
    const struct gw_filter_type *type = &entry->type.filter;
    void *data;
    struct gw_filter *filter = make(c, FILTER, sizeof *filter, type->instance_size, &data);
    if (!filter)
        return NULL;
    filter->head = begin_head(c, type->name, entry->user, data, options, origin);
    filter->head.scratch = scratch;
    filter->type = type;
    size_t errors = c->report->count;
    if (type->create)
        check_created(c, &filter->head, type->create(filter, options), errors);
    filter->head.scope = NULL;
    return filter;
}

static struct gw_endpoint *make_endpoint(struct compiler *c, const struct gw__type_entry *entry,
                                         struct gw_option *options, const char *origin, uint32_t scratch)
{
    const struct gw_endpoint_type *type = &entry->type.endpoint;
    void *data;
    struct gw_endpoint *endpoint = make(c, ENDPOINT, sizeof *endpoint, type->instance_size, &data);
    if (!endpoint)
        return NULL;
    endpoint->head = begin_head(c, type->name, entry->user, data, options, origin);
    endpoint->head.scratch = scratch;
    endpoint->type = type;
    size_t errors = c->report->count;
    if (type->create)
        check_created(c, &endpoint->head, type->create(endpoint, options), errors);
    endpoint->head.scope = NULL;
    return endpoint;
}

/* The checked options of a stage, kept by the table; NULL if they are wrong. */
static struct gw_option *check_options(struct compiler *c, const struct gw__stage *stage,
                                       const struct gw_option_spec *specs, const char *word)
{
    char what[128];
    snprintf(what, sizeof what, "%s '%s'", word, stage->type);
    struct gw_option *options = gw__option_check(stage->options, specs, what, stage->origin, c->report);
    if (options && !keep(c, OPTIONS, options)) {
        gw_option_destroy(options);
        return NULL;
    }
    return options;
}

static uint32_t round_up(size_t size)
{
    return (uint32_t)((size + 15) & ~(size_t)15);
}

/* Makes the filters of a list for all workers, into out[worker][at…]. */
static void make_filters(struct compiler *c, const struct gw__stages *stages, const char *word,
                         struct gw_filter ***out, size_t at, uint32_t *scratch)
{
    for (size_t i = 0; i < stages->count; i++) {
        const struct gw__stage *stage = &stages->items[i];
        const struct gw__type_entry *entry = gw__registry_find(c->registry, GW__TYPE_FILTER, stage->type);
        if (!entry) {
            report_unknown(c, GW__TYPE_FILTER, word, stage->type, stage->origin);
            continue;
        }
        if (at + i < c->decorator_count && entry->type.filter.whole_request_body)
            gw__report_add(c->report, stage->origin, "GW1025",
                           "decorator '%s' wants whole request bodies: only filters can have them", stage->type);
        struct gw_option *options = check_options(c, stage, entry->type.filter.options, word);
        size_t errors = c->report->count;
        for (unsigned w = 0; options && w < c->table->worker_count && c->report->count == errors; w++)
            out[w][at + i] = make_filter(c, entry, options, stage->origin, *scratch);
        *scratch += round_up(entry->type.filter.scratch_size);
    }
}

static struct gw_filter ***rows(struct compiler *c, size_t count)
{
    struct gw_filter ***all = take(c, c->table->worker_count * sizeof *all);
    for (unsigned w = 0; all && w < c->table->worker_count; w++)
        if (!(all[w] = take(c, count * sizeof **all)))
            return NULL;
    return all;
}

static bool make_common(struct compiler *c)
{
    c->decorator_count = c->config->decorators.count;
    c->filter_count = c->config->filters.count;
    c->common = rows(c, c->decorator_count + c->filter_count);
    if (!c->common)
        return false;
    make_filters(c, &c->config->decorators, "decorator", c->common, 0, &c->common_scratch);
    c->entry_scratch = c->common_scratch;
    make_filters(c, &c->config->filters, "filter", c->common, c->decorator_count, &c->common_scratch);
    return true;
}

static void find_hooks(struct gw__chain *chain)
{
    for (uint16_t i = 0; i < chain->filter_count; i++) {
        const struct gw_filter_type *type = chain->filters[i] ? chain->filters[i]->type : NULL;
        chain->request_body_count += type && (type->on_request_body || type->whole_request_body);
        chain->response_body_count += type && type->on_response_body;
        if (type && type->blocking && type->on_response && !chain->blocking_response)
            chain->blocking_response = (uint16_t)(i + 1);
    }
}

static struct gw__chain *make_chain(struct compiler *c, struct gw_filter **filters, size_t count,
                                    const struct gw__limits *limits, const struct gw__timeouts *timeouts)
{
    struct gw__chain *chain = take(c, sizeof *chain);
    if (!chain)
        return NULL;
    chain->filters = filters;
    chain->filter_count = (uint16_t)count;
    chain->decorator_count = (uint16_t)c->decorator_count;
    chain->limits = *limits;
    chain->timeouts = *timeouts;
    find_hooks(chain);
    return chain;
}

static void compile_stages(struct compiler *c, size_t number)
{
    const struct gw_route *route = c->config->routes[number];
    size_t shared = c->decorator_count + c->filter_count, count = shared + route->filters.count;
    uint32_t scratch = c->common_scratch;
    struct gw_filter ***filters = rows(c, count);
    if (!filters)
        return;
    for (unsigned w = 0; w < c->table->worker_count; w++)
        memcpy(filters[w], c->common[w], shared * sizeof **filters);
    make_filters(c, &route->filters, "filter", filters, shared, &scratch);
    if (count > UINT16_MAX - 1)
        gw__report_add(c->report, route->origin, "GW1023", "route '%s' has too many filters", route->id);
    if (!route->endpoint.type)
        return; /* reported by the check */
    const struct gw__type_entry *entry = gw__registry_find(c->registry, GW__TYPE_ENDPOINT, route->endpoint.type);
    if (!entry) {
        report_unknown(c, GW__TYPE_ENDPOINT, "endpoint", route->endpoint.type, route->endpoint.origin);
        return;
    }
    struct gw_option *options = check_options(c, &route->endpoint, entry->type.endpoint.options, "endpoint");
    const struct gw__checked_route *checked = &c->checked->routes[number];
    size_t errors = c->report->count;
    for (unsigned w = 0; options && w < c->table->worker_count && c->report->count == errors; w++) {
        struct gw__chain *chain = make_chain(c, filters[w], count, &checked->limits, &checked->timeouts);
        if (!chain)
            return;
        chain->route = c->table->route_ids[number];
        chain->endpoint = make_endpoint(c, entry, options, route->endpoint.origin, scratch);
        chain->scratch_bytes = scratch + round_up(entry->type.endpoint.scratch_size);
        c->table->views[w].chains[number] = chain;
    }
}

/* ---- predicates ---- */

static const struct gw_predicate_type *find_predicate(void *user, const char *name)
{
    const struct compiler *c = user;
    const struct gw__type_entry *entry = gw__registry_find(c->registry, GW__TYPE_PREDICATE, name);
    return entry ? &entry->type.predicate : NULL;
}

static size_t predicate_names(void *user, const char **names, size_t max)
{
    const struct compiler *c = user;
    return gw__registry_names(c->registry, GW__TYPE_PREDICATE, names, max);
}

static struct gw_predicate *make_predicate(void *user, const struct gw_predicate_type *type, struct gw_option *options,
                                           const char *origin, struct gw__report *report)
{
    struct compiler *c = user;
    const struct gw__type_entry *entry = gw__registry_find(c->registry, GW__TYPE_PREDICATE, type->name);
    void *data;
    if (options && !keep(c, OPTIONS, options)) {
        gw_option_destroy(options);
        return NULL;
    }
    struct gw_predicate *predicate = make(c, PREDICATE, sizeof *predicate, type->instance_size, &data);
    if (!predicate)
        return NULL;
    char *where = gw__arena_copy(&c->table->arena, origin ? origin : "", origin ? strlen(origin) : 0);
    predicate->head = begin_head(c, type->name, entry->user, data, options, where);
    predicate->type = type;
    size_t errors = report->count;
    int result = type->create ? type->create(predicate, options) : 0;
    check_created(c, &predicate->head, result, errors);
    predicate->head.scope = NULL;
    return result < 0 ? NULL : predicate;
}

/* Those that are right are left in the scope, for the stages to look at. */
static bool compile_conditions(struct compiler *c, size_t number)
{
    const struct gw_route *route = c->config->routes[number];
    const struct gw__predicate_source source = {
        .user = c, .find = find_predicate, .names = predicate_names, .create = make_predicate};
    size_t errors = c->report->count;
    struct gw__condition *all = take(c, sizeof *all);
    struct gw__condition_entry *entries = take(c, route->predicates.count * sizeof *entries);
    c->scope.conditions = NULL;
    if (!all || !entries)
        return false;
    for (size_t i = 0; i < route->predicates.count; i++) {
        const struct gw__stage *stage = &route->predicates.items[i];
        entries[i] =
            (struct gw__condition_entry){.type = stage->type, .origin = stage->origin, .option = stage->options};
    }
    if (!gw__conditions_build(entries, route->predicates.count, &source, &c->table->arena, c->report, all))
        return false;
    if (c->report->count > errors)
        return true;
    c->scope.conditions = all;
    return gw__router_add(c->table->router, (uint32_t)number, route->id, route->origin,
                          c->checked->routes[number].priority, all, c->report);
}

/* ---- services and listeners ---- */

/* The IDL's service of the name configured as `idl`, or of the service's own name; NULL if there is none. */
static const struct gw__rpc *find_rpc(struct compiler *c, const struct gw_service *config,
                                      const struct gw__checked_service *checked)
{
    const struct gw_option *given = gw_option_get(checked->settings, "idl");
    const char *name = given ? gw_option_text(given) : config->name;
    const struct gw__idl_name *found = gw__idl_set_find(&c->table->idl, name, strlen(name));
    if (found || !given || c->scope.idl_failed)
        return found ? found->service : NULL;
    const char *nearest = gw__idl_set_nearest(&c->table->idl, name);
    gw__report_add(c->report, gw_option_origin(given), "GW1026", "service '%s': the IDL has no service '%s'%s%s%s",
                   config->name, name, nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
    return NULL;
}

static void compile_service(struct compiler *c, struct gw__services *services, size_t number)
{
    const struct gw_service *config = c->config->services[number];
    const struct gw__checked_service *checked = &c->checked->services[number];
    struct gw__service *service = gw__services_hold(services, config->name);
    if (!service) {
        c->report->lost = true;
        return;
    }
    struct gw__callee callee = {.service = service, .rpc = find_rpc(c, config, checked)};
    struct gw_option *settings = gw__option_copy(checked->settings); /* names of the callee lie in it */
    if (settings && !keep(c, OPTIONS, settings)) {
        gw_option_destroy(settings);
        settings = NULL;
    }
    gw__rpc_options_fill(&callee.options, settings);
    const char *conflict = callee.options.transport ? gw__rpc_options_conflict(&callee.options) : NULL;
    if (conflict)
        gw__report_add(c->report, config->origin, "GW1028", "service '%s': %s", config->name, conflict);
    if (!gw__table_add_callee(c->table, &callee) || (checked->settings && !settings))
        c->report->lost = true;
    struct gw__instance_config *instances = take(c, config->instance_count * sizeof *instances);
    uint32_t count = 0;
    for (size_t i = 0; instances && i < config->instance_count; i++) {
        const struct gw__config_instance *instance = &config->instances[i];
        instances[count].text = instance->address;
        instances[count].weight = (uint32_t)checked->instances[i].weight;
        if (gw__sockaddr_resolve(&instances[count].address, &checked->instances[i].address, false))
            count++;
        else
            gw__report_add(c->report, instance->origin, "GW1024", "service '%s': host '%s' is not found", config->name,
                           checked->instances[i].address.host);
    }
    service->next_connect_ms = checked->connect_ms;
    service->next_pool_idle = checked->pool_idle;
    service->next_pool_keep_alive_ms = checked->pool_keep_alive_ms;
    if (!instances || !gw__service_prepare(services, service, instances, count))
        c->report->lost = true;
}

static void compile_listeners(struct compiler *c)
{
    struct gw__table *table = c->table;
    table->listeners = take(c, c->config->listener_count * sizeof *table->listeners);
    for (size_t i = 0; table->listeners && i < c->config->listener_count; i++) {
        const struct gw_listener *listener = c->config->listeners[i];
        const struct gw__checked_listener *checked = &c->checked->listeners[i];
        table->listeners[table->listener_count++] = (struct gw__listener_config){
            .address = gw__arena_copy(&table->arena, listener->address, strlen(listener->address)),
            .origin = listener->origin ? gw__arena_copy(&table->arena, listener->origin, strlen(listener->origin)) : "",
            .parsed = checked->address,
            .limits = checked->limits,
            .timeouts = checked->timeouts,
            .http = checked->http,
            .says_connections = checked->says_connections,
        };
        gw__networks_hold(checked->http.trusted);
    }
    const char *socket = c->checked->admin_socket;
    table->admin_socket = socket ? gw__arena_copy(&table->arena, socket, strlen(socket)) : NULL;
}

/* ---- the view ---- */

static bool bind_variables(struct gw_exchange *ex, const struct gw__match *match)
{
    if (!match->variable_count)
        return true;
    struct gw__variable *variables = gw__arena_alloc(&ex->arena, (match->variable_count + 1) * sizeof *variables);
    if (!variables)
        return false;
    for (uint32_t i = 0; i < match->variable_count; i++) {
        struct gw__str value = match->values[i];
        const char *raw = gw__arena_copy(&ex->arena, value.data, value.size), *decoded = raw;
        if (memchr(value.data, '%', value.size))
            decoded = gw__percent_decode(value, &ex->arena);
        if (!raw || !decoded)
            return false;
        variables[i] = (struct gw__variable){.name = match->names[i].data, .value = decoded, .raw = raw};
    }
    variables[match->variable_count] = (struct gw__variable){0};
    ex->variables = variables;
    return true;
}

static const struct gw__chain *view_route(const struct gw__view *view, struct gw_exchange *ex)
{
    const struct gw__table_view *own = gw__container_of(view, struct gw__table_view, view);
    const struct gw__router *router = own->table->router;
    struct gw__match match;
    struct gw__str host = {0};
    if (gw__router_asks_host(router))
        host = gw__exchange_host(ex);
    if (!gw__router_match(router, ex, ex->request.method, host, ex->request.path, &match))
        return NULL;
    if (!bind_variables(ex, &match))
        ex->state.out_of_memory = true;
    return own->chains[match.route];
}

static const struct gw__callee *view_callee(const struct gw__view *view, const char *name, size_t size)
{
    return gw__table_callee(gw__container_of(view, struct gw__table_view, view)->table, name, size);
}

void gw__server_let_go(struct gw__table *table);

static void view_let_go(struct gw__view *view)
{
    struct gw__table *table = gw__container_of(view, struct gw__table_view, view)->table;
    if (atomic_fetch_sub(&table->views_held, 1) == 1)
        gw__server_let_go(table);
}

static void compile_views(struct compiler *c)
{
    struct gw__table *table = c->table;
    for (unsigned w = 0; w < table->worker_count; w++) {
        struct gw__table_view *own = &table->views[w];
        struct gw__chain *entry =
            make_chain(c, c->common[w], c->decorator_count, &c->checked->limits, &c->checked->timeouts);
        if (!entry)
            return;
        entry->scratch_bytes = c->entry_scratch;
        own->table = table;
        own->view =
            (struct gw__view){.entry = entry, .route = view_route, .callee = view_callee, .let_go = view_let_go};
    }
    atomic_init(&table->views_held, table->worker_count);
}

static bool prepare(struct compiler *c)
{
    struct gw__table *table = c->table;
    table->route_count = c->config->route_count;
    table->views = take(c, table->worker_count * sizeof *table->views);
    table->route_ids = take(c, table->route_count * sizeof *table->route_ids);
    table->callees = take(c, c->config->service_count * sizeof *table->callees);
    table->router = gw__router_create();
    c->report->lost = c->report->lost || !table->router;
    for (unsigned w = 0; table->views && w < table->worker_count; w++)
        table->views[w].chains = take(c, table->route_count * sizeof *table->views[w].chains);
    for (size_t i = 0; table->route_ids && i < table->route_count; i++) {
        const char *id = c->config->routes[i]->id;
        table->route_ids[i] = id ? gw__arena_copy(&table->arena, id, strlen(id)) : "";
    }
    return !c->report->lost;
}

struct gw__table *gw__table_compile(struct gw_server *server, const struct gw__registry *registry,
                                    struct gw__services *services, const struct gw_config *config,
                                    const struct gw__checked *checked, unsigned workers, struct gw__report *report)
{
    struct gw__table *table = gw__calloc(1, sizeof *table);
    if (!table) {
        report->lost = true;
        return NULL;
    }
    gw__arena_init(&table->arena, NULL);
    table->server = server;
    table->worker_count = workers;
    struct compiler compiler = {
        .table = table, .registry = registry, .config = config, .checked = checked, .report = report,
        .scope = {.report = report, .table = table, .has_idl = checked->has_idl},
    };
    struct compiler *c = &compiler;
    if (prepare(c) && make_common(c)) {
        c->scope.idl_failed =
            checked->has_idl && (!checked->idl_folder || gw__idl_load_folder(&table->idl, checked->idl_folder,
                                                                             checked->idl_origin, report) < 0);
        for (size_t i = 0; i < config->service_count; i++)
            compile_service(c, services, i);
        for (size_t i = 0; i < config->route_count; i++) {
            if (!compile_conditions(c, i))
                report->lost = true;
            compile_stages(c, i);
        }
        if (!report->lost && !gw__router_finish(table->router, report))
            report->lost = true;
        compile_listeners(c);
        compile_views(c);
    }
    if (!gw__report_bad(report))
        return table;
    gw__table_destroy(table);
    return NULL;
}

static void unmake(struct gw__made *made)
{
    if (made->kind == OPTIONS) {
        gw_option_destroy(made->what);
        return;
    }
    if (made->kind == FILTER) {
        struct gw_filter *filter = made->what;
        if (filter->type && filter->type->destroy)
            filter->type->destroy(filter);
    } else if (made->kind == ENDPOINT) {
        struct gw_endpoint *endpoint = made->what;
        if (endpoint->type && endpoint->type->destroy)
            endpoint->type->destroy(endpoint);
    } else {
        struct gw_predicate *predicate = made->what;
        if (predicate->type && predicate->type->destroy)
            predicate->type->destroy(predicate);
    }
    gw__free(made->what);
}

void gw__table_destroy(struct gw__table *table)
{
    gw__router_destroy(table->router);
    for (struct gw__made *made = table->made, *next; made; made = next) {
        next = made->next;
        unmake(made);
    }
    for (size_t i = 0; i < table->callee_count; i++)
        gw__service_release(table->callees[i].service);
    for (size_t i = 0; i < table->listener_count; i++)
        gw__networks_release(table->listeners[i].http.trusted);
    gw__index_finish(&table->callee_index);
    gw__idl_set_finish(&table->idl);
    gw__arena_finish(&table->arena);
    gw__free(table);
}
