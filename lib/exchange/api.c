/* The exchange as plugins see it: request, response, memory, variables, figures. Text is handed out
 * terminated: the byte behind a value in the arena's copy of a head is overwritten when it is asked for. */
#include "exchange/exchange.h"

#include "base/report.h"
#include "http/uri.h"

#include <stdio.h>
#include <time.h>

static void lost(struct gw_exchange *ex)
{
    ex->state.out_of_memory = true;
}

static const char *text_of(struct gw__str slice)
{
    if (!slice.size)
        return "";
    if (slice.data[slice.size])
        ((char *)slice.data)[slice.size] = '\0';
    return slice.data;
}

static struct gw_exchange *writable(const struct gw_exchange *ex)
{
    return (struct gw_exchange *)ex;
}

/* ---- request line ---- */

const char *gw_exchange_method(const struct gw_exchange *ex)
{
    return text_of(ex->request.method);
}

const char *gw_exchange_path(const struct gw_exchange *ex)
{
    return text_of(ex->request.path);
}

const char *gw_exchange_query(const struct gw_exchange *ex)
{
    return text_of(ex->request.query);
}

struct gw__str gw__exchange_host(const struct gw_exchange *ex)
{
    struct gw__str host = ex->request.host;
    const char *bracket = host.size && host.data[0] == '[' ? memchr(host.data, ']', host.size) : NULL;
    size_t skip = bracket ? (size_t)(bracket - host.data) : 0;
    const char *colon = host.size ? memchr(host.data + skip, ':', host.size - skip) : NULL;
    if (colon)
        host.size = (size_t)(colon - host.data);
    return host;
}

const char *gw_exchange_host(const struct gw_exchange *ex)
{
    if (ex->text.host)
        return ex->text.host;
    struct gw__str host = gw__exchange_host(ex);
    char *copy = gw__arena_alloc(&writable(ex)->arena, host.size + 1);
    if (copy) {
        gw__lower_copy(copy, host.data, host.size);
        copy[host.size] = '\0';
    }
    return writable(ex)->text.host = copy ? copy : "";
}

const char *gw_exchange_client_address(const struct gw_exchange *ex)
{
    return ex->text.client;
}

const char *gw_exchange_scheme(const struct gw_exchange *ex)
{
    return ex->state.secure ? "https" : "http";
}

static bool is_path(const char *path)
{
    if (path[0] != '/')
        return false;
    for (const char *at = path; *at; at++)
        if ((unsigned char)*at <= ' ' || *at == 0x7f || *at == '?' || *at == '#')
            return false;
    return true;
}

static bool is_query(const char *query)
{
    for (const char *at = query; *at; at++)
        if ((unsigned char)*at <= ' ' || *at == 0x7f || *at == '#')
            return false;
    return true;
}

void gw_exchange_set_path(struct gw_exchange *ex, const char *path)
{
    char *copy = path && is_path(path) ? gw__arena_copy(&ex->arena, path, strlen(path)) : NULL;
    if (copy)
        ex->request.path = gw__str(copy);
    else if (path && is_path(path))
        lost(ex);
    else
        gw_exchange_fail_code(ex, 500, "GW5005", NULL, "a filter set a path that is none");
}

void gw_exchange_set_query(struct gw_exchange *ex, const char *query)
{
    if (query && !is_query(query)) {
        gw_exchange_fail_code(ex, 500, "GW5005", NULL, "a filter set a query that is none");
        return;
    }
    char *copy = query ? gw__arena_copy(&ex->arena, query, strlen(query)) : NULL;
    if (query && !copy)
        lost(ex);
    ex->request.query = gw__str(copy ? copy : "");
    ex->request.has_query = query && *query;
}

/* ---- fields ---- */

const char *gw__field_text(const struct gw__fields *fields, const char *name)
{
    const struct gw__header *field = gw__fields_find(fields, name, strlen(name), 0);
    return field ? text_of((struct gw__str){field->value, field->value_size}) : NULL;
}

static bool is_ours(const char *name)
{
    switch (gw__field_id(name, strlen(name))) {
    case GW__FIELD_CONTENT_LENGTH:
    case GW__FIELD_TRANSFER_ENCODING:
    case GW__FIELD_CONNECTION:
    case GW__FIELD_KEEP_ALIVE:
    case GW__FIELD_PROXY_CONNECTION:
    case GW__FIELD_TE:
    case GW__FIELD_TRAILER:
    case GW__FIELD_UPGRADE:
    case GW__FIELD_EXPECT:
        return true;
    default:
        return false;
    }
}

static void add(struct gw_exchange *ex, struct gw__fields *fields, const char *name, const char *value)
{
    size_t name_size = strlen(name), value_size = strlen(value);
    if (!gw__is_token(name, name_size) || !gw__is_field_value(value, value_size)) {
        gw_exchange_fail_code(ex, 500, "GW5005", NULL, "a filter set a header that is none");
        return;
    }
    char *copy = gw__arena_alloc(&ex->arena, name_size + value_size + 2);
    if (!copy) {
        lost(ex);
        return;
    }
    memcpy(copy, name, name_size + 1);
    memcpy(copy + name_size + 1, value, value_size + 1);
    if (!gw__fields_add(fields, &ex->arena, copy, name_size, copy + name_size + 1, value_size))
        lost(ex);
}

static void set(struct gw_exchange *ex, struct gw__fields *fields, const char *name, const char *value)
{
    if (is_ours(name) || !value)
        return;
    gw__fields_remove(fields, name, strlen(name));
    add(ex, fields, name, value);
}

const char *gw_exchange_request_header(const struct gw_exchange *ex, const char *name)
{
    return gw__field_text(&ex->request.fields, name);
}

void gw_exchange_set_request_header(struct gw_exchange *ex, const char *name, const char *value)
{
    set(ex, &ex->request.fields, name, value);
    if (gw__field_id(name, strlen(name)) == GW__FIELD_HOST && value) {
        const struct gw__header *host = gw__fields_find_id(&ex->request.fields, GW__FIELD_HOST);
        if (host)
            ex->request.host = (struct gw__str){host->value, host->value_size};
        ex->text.host = NULL;
    }
}

void gw_exchange_add_request_header(struct gw_exchange *ex, const char *name, const char *value)
{
    if (gw__field_id(name, strlen(name)) == GW__FIELD_HOST)
        gw_exchange_set_request_header(ex, name, value);
    else if (!is_ours(name) && value)
        add(ex, &ex->request.fields, name, value);
}

void gw_exchange_remove_request_header(struct gw_exchange *ex, const char *name)
{
    if (!is_ours(name) && gw__field_id(name, strlen(name)) != GW__FIELD_HOST)
        gw__fields_remove(&ex->request.fields, name, strlen(name));
}

const char *gw_exchange_response_header(const struct gw_exchange *ex, const char *name)
{
    return gw__field_text(&ex->response.fields, name);
}

void gw_exchange_set_response_header(struct gw_exchange *ex, const char *name, const char *value)
{
    if (!ex->state.head_sent)
        set(ex, &ex->response.fields, name, value);
}

void gw_exchange_add_response_header(struct gw_exchange *ex, const char *name, const char *value)
{
    if (!ex->state.head_sent && !is_ours(name) && value)
        add(ex, &ex->response.fields, name, value);
}

void gw_exchange_remove_response_header(struct gw_exchange *ex, const char *name)
{
    if (!ex->state.head_sent && !is_ours(name))
        gw__fields_remove(&ex->response.fields, name, strlen(name));
}

int gw_exchange_status(const struct gw_exchange *ex)
{
    return ex->response.status;
}

void gw_exchange_set_status(struct gw_exchange *ex, int status)
{
    if (ex->state.head_sent)
        return;
    ex->response.status = (uint16_t)(status < 200 || status > 999 ? 500 : status);
    ex->response.reason = (struct gw__str){0};
}

const void *gw_exchange_request_body(struct gw_exchange *ex, size_t *size)
{
    struct gw__body_stage *stage = ex->hook.lane ? gw__body_stage(&ex->in, ex->hook.index) : NULL;
    struct evbuffer *body = stage ? stage->queue : ex->in.tail;
    size_t have = body ? evbuffer_get_length(body) : 0;
    const void *data = have ? evbuffer_pullup(body, -1) : NULL;
    if (have && !data)
        lost(ex);
    if (size)
        *size = data ? have : 0;
    return data;
}

/* ---- memory ---- */

void *gw_exchange_alloc(struct gw_exchange *ex, size_t size)
{
    void *memory = gw__arena_zalloc(&ex->arena, size);
    if (!memory)
        lost(ex);
    return memory;
}

char *gw_exchange_print(struct gw_exchange *ex, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = gw__arena_print(&ex->arena, format, args);
    va_end(args);
    if (!text)
        lost(ex);
    return text;
}

void *gw_exchange_scratch(struct gw_exchange *ex, const void *self)
{
    uint32_t offset = ((const struct gw__instance_head *)self)->scratch, split = ex->view->entry->scratch_bytes;
    uintptr_t base = ex->scratch[offset >= split];
    return base ? (void *)(base + offset) : NULL;
}

void gw_exchange_defer(struct gw_exchange *ex, void (*release)(void *arg), void *arg)
{
    struct gw__defer *defer = gw__arena_alloc(&ex->arena, sizeof *defer);
    if (!defer) {
        release(arg);
        lost(ex);
        return;
    }
    *defer = (struct gw__defer){.next = ex->defers, .release = release, .arg = arg};
    ex->defers = defer;
}

/* ---- variables and attributes ---- */

static const struct gw__variable *find_variable(const struct gw_exchange *ex, const char *name, size_t size)
{
    for (const struct gw__variable *variable = ex->variables; variable && variable->name; variable++)
        if (strncmp(variable->name, name, size) == 0 && !variable->name[size])
            return variable;
    return NULL;
}

const char *gw_exchange_variable(const struct gw_exchange *ex, const char *name)
{
    const struct gw__variable *variable = find_variable(ex, name, strlen(name));
    return variable ? variable->value : NULL;
}

const char *gw_exchange_raw_variable(const struct gw_exchange *ex, const char *name)
{
    const struct gw__variable *variable = find_variable(ex, name, strlen(name));
    return variable ? variable->raw : NULL;
}

/* Copies text to out (NULL: only counts) with its variables replaced; sets *found if there were any. */
static size_t expand(const struct gw_exchange *ex, const char *text, char *out, bool *found)
{
    size_t size = 0;
    while (*text) {
        const char *close = *text == '{' ? strchr(text, '}') : NULL;
        const struct gw__variable *variable = close ? find_variable(ex, text + 1, (size_t)(close - text - 1)) : NULL;
        const char *from = variable ? variable->value : text;
        size_t n = variable ? strlen(from) : 1;
        *found = *found || variable;
        if (out)
            memcpy(out + size, from, n);
        size += n;
        text = variable ? close + 1 : text + 1;
    }
    if (out)
        out[size] = '\0';
    return size;
}

const char *gw_exchange_expand(struct gw_exchange *ex, const char *text)
{
    bool found = false;
    size_t length = strlen(text);
    if (!ex->variables || !memchr(text, '{', length))
        return text;
    bool may_be_alone = text[0] == '{' && text[length - 1] == '}';
    const struct gw__variable *alone = may_be_alone ? find_variable(ex, text + 1, length - 2) : NULL;
    if (alone)
        return alone->value;
    size_t size = expand(ex, text, NULL, &found);
    char *out = found ? gw_exchange_alloc(ex, size + 1) : NULL;
    if (!out)
        return text;
    expand(ex, text, out, &found);
    return out;
}

void gw__attribute_set(struct gw_exchange *ex, struct gw__attribute **list, const char *name, const char *value)
{
    struct gw__attribute *attribute = gw__arena_alloc(&ex->arena, sizeof *attribute);
    char *name_copy = gw__arena_copy(&ex->arena, name, strlen(name));
    char *value_copy = value ? gw__arena_copy(&ex->arena, value, strlen(value)) : NULL;
    if (!attribute || !name_copy || (value && !value_copy)) {
        lost(ex);
        return;
    }
    *attribute = (struct gw__attribute){.next = *list, .name = name_copy, .value = value_copy};
    *list = attribute; /* hides an older one of the same name */
}

const char *gw__attribute_get(const struct gw__attribute *list, const char *name)
{
    for (const struct gw__attribute *attribute = list; attribute; attribute = attribute->next)
        if (strcmp(attribute->name, name) == 0)
            return attribute->value;
    return NULL;
}

void gw_exchange_set_attribute(struct gw_exchange *ex, const char *name, const char *value)
{
    gw__attribute_set(ex, &ex->attributes, name, value);
}

const char *gw_exchange_attribute(const struct gw_exchange *ex, const char *name)
{
    return gw__attribute_get(ex->attributes, name);
}

/* ---- figures ---- */

const char *gw_exchange_route(const struct gw_exchange *ex)
{
    return ex->state.routed ? ex->chain->route : NULL;
}

int64_t gw_exchange_elapsed_us(const struct gw_exchange *ex)
{
    return (int64_t)(gw__exchange_now_us(ex) - ex->times.begun_us);
}

int64_t gw_exchange_started_us(const struct gw_exchange *ex)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 - gw_exchange_elapsed_us(ex);
}

uint64_t gw_exchange_request_bytes(const struct gw_exchange *ex)
{
    return ex->in.bytes;
}

uint64_t gw_exchange_response_bytes(const struct gw_exchange *ex)
{
    return ex->out.passed_bytes;
}

const char *gw_exchange_upstream(const struct gw_exchange *ex)
{
    return ex->text.upstream;
}

int64_t gw_exchange_upstream_us(const struct gw_exchange *ex)
{
    return ex->times.upstream_us;
}

const char *gw_exchange_protocol(const struct gw_exchange *ex)
{
    return ex->request.minor ? "HTTP/1.1" : "HTTP/1.0";
}

const char *gw_exchange_cut_reason(const struct gw_exchange *ex)
{
    return ex->text.cut;
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

const char *gw_exchange_id(struct gw_exchange *ex)
{
    if (!ex->text.id) {
        uint64_t n = atomic_fetch_add_explicit(&ex->context->ids, 1, memory_order_relaxed), seed = ex->context->id_seed;
        char *id = gw__arena_alloc(&ex->arena, 33);
        if (id) {
            gw__format_hex(id, mix(seed ^ mix(~n))); /* mix(0) is 0 and would leave the seed alone */
            gw__format_hex(id + 16, mix(seed + n));
            id[32] = '\0';
        } else {
            lost(ex);
        }
        ex->text.id = id ? id : "";
    }
    return ex->text.id;
}

/* ---- instances ---- */

#define HEAD(self) (&(self)->head)

void *gw_filter_data(const struct gw_filter *self)
{
    return HEAD(self)->data;
}

void *gw_filter_user(const struct gw_filter *self)
{
    return HEAD(self)->user;
}

const char *gw_filter_name(const struct gw_filter *self)
{
    return HEAD(self)->name;
}

struct gw_server *gw_filter_server(const struct gw_filter *self)
{
    return HEAD(self)->server;
}

void *gw_endpoint_data(const struct gw_endpoint *self)
{
    return HEAD(self)->data;
}

void *gw_endpoint_user(const struct gw_endpoint *self)
{
    return HEAD(self)->user;
}

const char *gw_endpoint_name(const struct gw_endpoint *self)
{
    return HEAD(self)->name;
}

struct gw_server *gw_endpoint_server(const struct gw_endpoint *self)
{
    return HEAD(self)->server;
}

void *gw_predicate_data(const struct gw_predicate *self)
{
    return HEAD(self)->data;
}

void *gw_predicate_user(const struct gw_predicate *self)
{
    return HEAD(self)->user;
}

static void report(const struct gw__instance_head *head, const struct gw_option *option, const char *format,
                   va_list args)
{
    char text[512];
    vsnprintf(text, sizeof text, format, args);
    if (head->scope)
        gw__report_add(head->scope->report, option ? gw_option_origin(option) : head->origin, "GW1022", "'%s': %s",
                       head->name, text);
}

void gw_filter_error(struct gw_filter *self, const struct gw_option *option, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(HEAD(self), option, format, args);
    va_end(args);
}

void gw_endpoint_error(struct gw_endpoint *self, const struct gw_option *option, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(HEAD(self), option, format, args);
    va_end(args);
}

void gw_predicate_error(struct gw_predicate *self, const struct gw_option *option, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(HEAD(self), option, format, args);
    va_end(args);
}
