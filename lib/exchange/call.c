/* Calls: a filter's own request to a service. It runs on the same pools as the endpoints, its reply is
 * collected, and its callback brings the verdict of the hook that waits. */
#include "exchange/exchange.h"

#include "base/alloc.h"
#include "http/client.h"
#include "upstream/attempt.h"

#define REPLY_LIMIT (1 << 20)

struct gw_reply {
    const struct gw__head *head;
    struct gw__kept body;
    const char *error;
    int status;
};

struct gw_call {
    struct gw_call *next; /* of the same exchange */
    struct gw_exchange *ex;
    struct gw_filter *filter;
    struct gw__hook hook;
    struct gw__attempt attempt;
    struct gw__client_stream *stream;
    struct gw__head request, response;
    const char *body;
    size_t body_size;
    struct gw_reply reply;
    gw_reply_fn on_reply;
    struct gw__task task; /* a failure found while sending, told behind the hook */
    struct gw__mail mail; /* the end of it, told when a thread gives the exchange back */
    bool sent, begun, done, forgotten;
};

static void release(struct gw_call *call)
{
    struct gw__client_stream *stream = call->stream;
    call->stream = NULL;
    call->done = true;
    gw__task_cancel(call->ex->context->loop, &call->task);
    if (stream) {
        stream->ops->finish(stream);
        call->attempt.outbound = NULL;
    }
    gw__attempt_finish(&call->attempt);
}

static void forget(struct gw_call *call)
{
    struct gw_call **place = &call->ex->calls;
    while (*place != call)
        place = &(*place)->next;
    *place = call->next;
    call->forgotten = true;
}

static void conclude(struct gw_call *call)
{
    struct gw_exchange *ex = call->ex;
    gw__exchange_enter(ex);
    forget(call);
    struct gw__hook outer = ex->hook;
    ex->hook = call->hook;
    enum gw_flow flow = gw__check_hook(ex, call->on_reply(ex, call->filter, &call->reply), call->filter->head.name);
    ex->hook = outer;
    gw__kept_leave(&call->reply.body, 0);
    gw__pump_resume(ex, &call->hook, flow);
    gw__exchange_leave(ex);
}

static void deliver(struct gw__mail *mail)
{
    struct gw_call *call = gw__container_of(mail, struct gw_call, mail);
    if (!call->forgotten)
        conclude(call);
}

static void complete(struct gw_call *call, const char *error)
{
    if (call->done)
        return;
    release(call);
    call->reply.error = error;
    call->reply.status = error ? 0 : call->response.status;
    call->reply.head = &call->response;
    if (!gw__thread_postpone(call->ex, &call->mail))
        conclude(call);
}

static void run_task(struct gw__task *task)
{
    struct gw_call *call = gw__container_of(task, struct gw_call, task);
    static const char *const texts[] = {"no instance", "connect failed", "connect timed out", "out of memory"};
    complete(call, call->attempt.service ? texts[call->attempt.failure] : "no such service");
}

static void on_interim(struct gw__client_stream *stream, struct gw__head *head)
{
}

static bool on_data(struct gw__client_stream *stream, const char *data, size_t size, bool last)
{
    struct gw_call *call = stream->user;
    if (call->reply.body.size + size > REPLY_LIMIT)
        complete(call, "reply over 1 MiB");
    else if (size && !gw__kept_append(&call->reply.body, data, size))
        complete(call, "out of memory");
    else if (last)
        complete(call, NULL);
    return false;
}

static void on_head(struct gw__client_stream *stream, int64_t length)
{
    if (length == 0)
        complete(stream->user, NULL);
}

static void on_room(struct gw__client_stream *stream)
{
}

static void on_fail(struct gw__client_stream *stream, enum gw__stream_failure failure)
{
    struct gw_call *call = stream->user;
    if (stream->reused && !stream->heard && failure <= GW__FAILED_RESET) { /* the pooled connection was dead already */
        call->stream = NULL;
        stream->ops->finish(stream);
        call->attempt.outbound = NULL;
        enum gw__attempt_result result = gw__attempt_again(&call->attempt);
        if (result == GW__ATTEMPT_WAITING)
            return;
        if (result == GW__ATTEMPT_READY) {
            call->attempt.on_ready(&call->attempt);
            return;
        }
    }
    complete(call, "no valid answer");
}

static const struct gw__client_handler handler = {
    .on_interim = on_interim,
    .on_head = on_head,
    .on_data = on_data,
    .on_room = on_room,
    .on_fail = on_fail,
};

static void on_ready(struct gw__attempt *attempt)
{
    struct gw_call *call = gw__container_of(attempt, struct gw_call, attempt);
    struct gw__client_stream *stream =
        gw__client_use(attempt->outbound, &handler, call, &call->response, &call->ex->arena);
    call->stream = stream;
    stream->ops->send_head(stream, &call->request, call->body_size > 0,
                           call->body_size ? (int64_t)call->body_size : -1);
    if (call->body_size)
        stream->ops->send_data(stream, call->body, call->body_size, true, NULL);
    if (gw__thread_has(call->ex)) /* whose arena an answer would go to */
        stream->ops->pause(stream);
}

static void on_failed(struct gw__attempt *attempt)
{
    struct gw_call *call = gw__container_of(attempt, struct gw_call, attempt);
    gw__loop_defer(call->ex->context->loop, &call->task);
}

/* What is put into the request line: a token, and a path with a query. */
static bool is_request(const char *method, const char *target)
{
    for (const char *at = target; *at; at++)
        if ((unsigned char)*at <= ' ' || *at == 0x7f || *at == '#')
            return false;
    return target[0] == '/' && *method && gw__is_token(method, strlen(method));
}

struct gw_call *gw_exchange_call(struct gw_exchange *ex, struct gw_filter *self, const char *service,
                                 const char *method, const char *target, gw_reply_fn on_reply)
{
    struct gw_call *call = gw__arena_zalloc(&ex->arena, sizeof *call);
    char *strings[2] = {gw__arena_copy(&ex->arena, method, strlen(method)),
                        gw__arena_copy(&ex->arena, target, strlen(target))};
    if (!call || !strings[0] || !strings[1]) {
        ex->state.out_of_memory = true;
        return NULL;
    }
    if (!ex->hook.lane || !is_request(method, target)) {
        gw_exchange_fail_code(ex, 500, "GW5005", NULL, "a call outside of a hook, or with a target that is none");
        return NULL;
    }
    char *query = strchr(strings[1], '?');
    call->ex = ex;
    call->filter = self;
    call->hook = (struct gw__hook){.lane = ex->hook.lane, .index = ex->hook.index, .body = ex->hook.body};
    call->on_reply = on_reply;
    call->request.method = gw__str(strings[0]);
    call->request.path = (struct gw__str){strings[1], query ? (size_t)(query - strings[1]) : strlen(strings[1])};
    call->request.has_query = query != NULL;
    call->request.query = query ? gw__str(query + 1) : gw__str("");
    call->request.method_id = strcmp(method, "HEAD") == 0 ? GW__METHOD_HEAD : GW__METHOD_OTHER;
    call->attempt.upstream = &ex->context->upstream;
    const struct gw__callee *callee = ex->view->callee(ex->view, service, strlen(service));
    call->attempt.service = callee ? callee->service : NULL;
    call->attempt.on_ready = on_ready;
    call->attempt.on_failed = on_failed;
    call->task.run = run_task;
    call->mail.deliver = deliver;
    return call;
}

void gw_call_header(struct gw_call *call, const char *name, const char *value)
{
    if (!call || !value)
        return;
    struct gw__arena *arena = &call->ex->arena;
    size_t name_size = strlen(name), value_size = strlen(value);
    char *name_copy = gw__arena_copy(arena, name, name_size), *value_copy = gw__arena_copy(arena, value, value_size);
    if (!gw__is_token(name, name_size) || !gw__is_field_value(value, value_size) || !name_copy || !value_copy ||
        !gw__fields_add(&call->request.fields, arena, name_copy, name_size, value_copy, value_size))
        call->ex->state.out_of_memory = true;
}

void gw_call_body(struct gw_call *call, const void *data, size_t size)
{
    if (!call)
        return;
    call->body = gw__arena_copy(&call->ex->arena, data, size);
    call->body_size = call->body ? size : 0;
    if (!call->body)
        call->ex->state.out_of_memory = true;
}

static void begin(struct gw_call *call)
{
    call->begun = true;
    enum gw__attempt_result result = call->attempt.service ? gw__attempt_start(&call->attempt) : GW__ATTEMPT_FAILED;
    if (result == GW__ATTEMPT_READY)
        on_ready(&call->attempt);
    else if (result == GW__ATTEMPT_FAILED)
        gw__loop_defer(call->ex->context->loop, &call->task);
}

enum gw_flow gw_call_send(struct gw_call *call)
{
    if (!call || call->sent)
        return GW_FAIL;
    struct gw_exchange *ex = call->ex;
    if (!gw__fields_find_id(&call->request.fields, GW__FIELD_HOST) && call->attempt.service)
        gw_call_header(call, "Host", call->attempt.service->name);
    call->sent = true;
    call->next = ex->calls;
    ex->calls = call;
    ex->hook.waits = true;
    if (!gw__thread_has(ex))
        begin(call);
    return GW_WAIT;
}

void gw__calls_pause(struct gw_exchange *ex)
{
    for (struct gw_call *call = ex->calls; call; call = call->next)
        if (call->stream)
            call->stream->ops->pause(call->stream);
}

void gw__calls_go_on(struct gw_exchange *ex)
{
    for (struct gw_call *call = ex->calls; call; call = call->next)
        if (!call->begun)
            begin(call);
        else if (call->stream)
            call->stream->ops->resume(call->stream);
}

void gw__calls_cancel(struct gw_exchange *ex)
{
    while (ex->calls) {
        struct gw_call *call = ex->calls;
        forget(call);
        if (!call->done)
            release(call);
        gw__kept_leave(&call->reply.body, 0);
    }
}

int gw_reply_status(const struct gw_reply *reply)
{
    return reply->status;
}

const char *gw_reply_error(const struct gw_reply *reply)
{
    return reply->error;
}

const void *gw_reply_body(const struct gw_reply *reply, size_t *size)
{
    if (size)
        *size = reply->body.size;
    return reply->body.data;
}

const char *gw_reply_header(const struct gw_reply *reply, const char *name)
{
    return reply->error ? NULL : gw__field_text(&reply->head->fields, name);
}
