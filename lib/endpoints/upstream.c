/* What an exchange notes of the instance that serves it, and how it fails where none can be reached: the same for
 * every protocol. */
#include "endpoints/upstream.h"

static void note_instance(struct gw_exchange *ex, const struct gw__attempt *attempt)
{
    const struct gw__instance *instance = attempt->instance; /* which may be gone when logs are written */
    char *text = instance ? gw__arena_alloc(&ex->arena, sizeof instance->text) : NULL;
    if (text)
        ex->text.upstream = memcpy(text, instance->text, sizeof instance->text); /* of a fixed size: no call */
}

void gw__endpoint_note_upstream(struct gw_exchange *ex, const struct gw__attempt *attempt)
{
    note_instance(ex, attempt);
    if (!ex->times.upstream_begun_us)
        ex->times.upstream_begun_us = ex->context->loop->now_us;
}

enum gw_flow gw__endpoint_fail_attempt(struct gw_exchange *ex, const struct gw__attempt *attempt)
{
    static const struct {
        int status;
        const char *code, *proxy_error, *text;
    } failures[] = {
        [GW__ATTEMPT_NO_INSTANCE] = {503, "GW5033", "destination_unavailable", "has no instance"},
        [GW__ATTEMPT_REFUSED] = {502, "GW5021", "connection_refused", "refuses connections"},
        [GW__ATTEMPT_TIMEOUT] = {502, "GW5022", "connection_timeout", "does not accept connections in time"},
        [GW__ATTEMPT_MEMORY] = {503, "GW5031", "proxy_internal_error",
                                "cannot be reached: out of memory or descriptors"},
    };
    enum gw__attempt_failure failure = attempt->failure;
    note_instance(ex, attempt);
    return gw_exchange_fail_code(ex, failures[failure].status, failures[failure].code, failures[failure].proxy_error,
                                 "service '%s' %s", attempt->service->name, failures[failure].text);
}

const char *gw__endpoint_upstream(const struct gw_exchange *ex)
{
    return ex->text.upstream ? ex->text.upstream : "?";
}
