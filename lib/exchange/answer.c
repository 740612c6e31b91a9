/* Answers the gateway makes itself: replies and failures. In a hook they are noted and the pump acts on
 * the hook's verdict; outside one (an endpoint's own callback) they act at once. */
#include "exchange/exchange.h"

#include <stdio.h>

/* A thread has the exchange: that its endpoint broke can only be marked. */
static bool is_elsewhere(struct gw_exchange *ex)
{
    bool elsewhere = gw__thread_has(ex) && !gw__thread_is_here(ex);
    ex->state.broken = ex->state.broken || elsewhere;
    return elsewhere;
}

/* A reply in a response hook brings other bytes: what was said of those that were to come goes (RFC 9110 section 8). */
static void drop_representation(struct gw_exchange *ex)
{
    static const char *const names[] = {"Content-Encoding", "Content-Language", "Content-Location", "Content-Range",
                                        "Accept-Ranges", "ETag", "Last-Modified", "Content-Digest", "Repr-Digest"};
    if (ex->hook.lane != &ex->out)
        return;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        gw_exchange_remove_response_header(ex, names[i]);
}

static void set_type(struct gw_exchange *ex, const char *content_type)
{
    if (content_type)
        gw_exchange_set_response_header(ex, "Content-Type", content_type);
}

static enum gw_flow settle(struct gw_exchange *ex, enum gw_flow flow)
{
    ex->answer.pending = true;
    if (ex->hook.lane || ex->state.over || ex->state.ended)
        return flow;
    gw__exchange_enter(ex);
    gw__pump_answer(ex, ex->state.endpoint_started ? ex->chain->filter_count : ex->in.at);
    gw__exchange_leave(ex);
    return flow;
}

enum gw_flow gw_exchange_reply_data(struct gw_exchange *ex, int status, const char *content_type, const void *data,
                                    size_t size)
{
    if (is_elsewhere(ex))
        return GW_REPLY;
    char *copy = gw__arena_copy(&ex->arena, data, size);
    if (!copy)
        return gw_exchange_fail(ex, 503, "out of memory");
    drop_representation(ex);
    set_type(ex, content_type);
    gw_exchange_set_status(ex, status);
    ex->answer.data = copy;
    ex->answer.size = size;
    return settle(ex, GW_REPLY);
}

enum gw_flow gw_exchange_reply(struct gw_exchange *ex, int status, const char *format, ...)
{
    if (is_elsewhere(ex))
        return GW_REPLY;
    va_list args;
    va_start(args, format);
    const char *text = gw__arena_print(&ex->arena, format, args);
    va_end(args);
    if (!text)
        return gw_exchange_fail(ex, 503, "out of memory");
    drop_representation(ex);
    set_type(ex, gw_exchange_response_header(ex, "Content-Type") ? NULL : "text/plain; charset=utf-8");
    gw_exchange_set_status(ex, status);
    ex->answer.data = text;
    ex->answer.size = strlen(text);
    return settle(ex, GW_REPLY);
}

/* The fields so far belong to a response that will not be. Proxy-Status: RFC 9209 section 2. */
static void begin_failure(struct gw_exchange *ex, int status)
{
    const struct gw__answer *answer = &ex->answer;
    ex->response.fields.count = 0;
    gw_exchange_set_status(ex, status);
    set_type(ex, "text/plain; charset=utf-8");
    const char *code = answer->code ? answer->code : "GW0000";
    const char *value = answer->proxy_error
                            ? gw_exchange_print(ex, "gateway; error=%s; details=\"%s\"", answer->proxy_error, code)
                            : gw_exchange_print(ex, "gateway; details=\"%s\"", code);
    if (value)
        gw_exchange_set_response_header(ex, "Proxy-Status", value);
}

static void note(struct gw_exchange *ex, int status, const char *code, const char *proxy_error, const char *text)
{
    static const char lost[] = "out of memory";
    ex->answer = (struct gw__answer){
        .code = code, .proxy_error = proxy_error, .message = text ? text : lost, .failed = true, .pending = true,
        .active = ex->answer.active, .members = ex->answer.next_members,
    };
    ex->answer.data = ex->answer.message;
    ex->answer.size = strlen(ex->answer.message);
    ex->state.out_of_memory = false;
    if (!ex->state.head_sent)
        begin_failure(ex, status);
    ex->state.out_of_memory = false;
}

void gw__answer_fail(struct gw_exchange *ex, int status, const char *code, const char *proxy_error, const char *format,
                     ...)
{
    va_list args;
    va_start(args, format);
    note(ex, status, code, proxy_error, gw__arena_print(&ex->arena, format, args));
    va_end(args);
}

enum gw_flow gw_exchange_fail(struct gw_exchange *ex, int status, const char *format, ...)
{
    if (is_elsewhere(ex))
        return GW_FAIL;
    va_list args;
    va_start(args, format);
    note(ex, status, status < 500 ? "GW4000" : "GW5000", NULL, gw__arena_print(&ex->arena, format, args));
    va_end(args);
    return settle(ex, GW_FAIL);
}

enum gw_flow gw_exchange_fail_code(struct gw_exchange *ex, int status, const char *code, const char *proxy_error,
                                   const char *format, ...)
{
    if (is_elsewhere(ex))
        return GW_FAIL;
    va_list args;
    va_start(args, format);
    note(ex, status, code, proxy_error, gw__arena_print(&ex->arena, format, args));
    va_end(args);
    return settle(ex, GW_FAIL);
}

const char *gw_exchange_error_code(const struct gw_exchange *ex)
{
    return ex->answer.message ? ex->answer.code : NULL;
}

const char *gw_exchange_error_message(const struct gw_exchange *ex)
{
    return ex->answer.message;
}

/* ---- members ---- */

void gw_exchange_set_error_member(struct gw_exchange *ex, const char *name, const char *json)
{
    gw__attribute_set(ex, &ex->answer.next_members, name, json);
}

const char *gw_exchange_error_member(const struct gw_exchange *ex, const char *name)
{
    return gw__attribute_get(ex->answer.members, name);
}

/* A value that was set again hides the older one further down the list. */
static bool is_hidden(const struct gw__attribute *list, const struct gw__attribute *member)
{
    for (; list != member; list = list->next)
        if (strcmp(list->name, member->name) == 0)
            return true;
    return false;
}

const char *gw_exchange_error_member_at(const struct gw_exchange *ex, size_t index, const char **json)
{
    const struct gw__attribute *list = ex->answer.members, *member;
    size_t count = 0;
    for (member = list; member; member = member->next)
        count += !is_hidden(list, member);
    for (member = list; member; member = member->next)
        if (!is_hidden(list, member) && --count == index) {
            *json = member->value;
            return member->name;
        }
    return NULL;
}

void gw_exchange_set_envelope(struct gw_exchange *ex, bool envelope)
{
    ex->state.envelope = envelope;
}

bool gw_exchange_envelope(const struct gw_exchange *ex)
{
    return ex->state.envelope;
}
