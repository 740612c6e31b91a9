/* The HTTP side of RPC calls. Nothing here knows how messages are delimited or connections are used. A response's head
 * is not sent before the result is complete or its JSON is longer than SEND_BYTES: until then a failure can still be
 * answered with a status of its own. */
#include "endpoints/rpc.h"

#include "base/alloc.h"
#include "base/option.h"
#include "base/report.h"
#include "endpoints/upstream.h"

#include <gateway/error.h>
#include <strings.h>

enum {
    SEND_BYTES = 16 << 10,    /* of an incomplete result: more is sent without waiting for the rest */
    SPARES = 64,              /* converters a worker keeps */
    KEPT_OUT_BYTES = 64 << 10 /* a larger buffer of an answer is not kept */
};

#define SUCCESS "{\"err_code\":0,\"err_message\":\"success\""

/* ---- service and method ---- */

static bool is_variable(const char *name)
{
    return strchr(name, '{') != NULL;
}

static const struct gw__method *find_method(const struct gw__rpc *service, const char *name)
{
    return gw__rpc_method(service, name, strlen(name));
}

static void report_method(const struct gw_endpoint *self, const struct gw__rpc_target *target,
                          const struct gw_option *options)
{
    const struct gw__rpc *service = target->callee->rpc;
    const char **names = gw__calloc(service->count + 1, sizeof *names);
    const char *nearest = NULL, *origin = gw_option_origin(gw_option_get(options, "method"));
    for (uint32_t i = 0; names && i < service->count; i++)
        names[i] = service->methods[i]->name.data;
    if (names)
        nearest = gw__nearest(target->method, names, service->count);
    gw__report_add(self->head.scope->report, *origin ? origin : self->head.origin, "GW1027",
                   "service '%s' (%s) has no method '%s'%s%s%s", target->callee->service->name, service->name,
                   target->method, nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
    gw__free(names);
}

/* The endpoint's options with those of the service, which is known. */
static bool go_together(struct gw_endpoint *self, const struct gw__rpc_target *target)
{
    struct gw__rpc_options all = target->callee->options;
    gw__rpc_options_complete(&all, &target->options);
    const char *conflict = gw__rpc_options_conflict(&all);
    if (conflict)
        gw__report_add(self->head.scope->report, self->head.origin, "GW1028", "service '%s': %s",
                       target->callee->service->name, conflict);
    return !conflict;
}

int gw__rpc_target_create(struct gw_endpoint *self, struct gw__rpc_target *target, const struct gw_option *options)
{
    target->service = gw_option_string(options, "service");
    target->method = gw_option_string(options, "method");
    target->enum_names = strcmp(gw_option_string(options, "enums"), "name") == 0;
    gw__rpc_options_fill(&target->options, options);
    bool bound = gw__instance_has_variables(&self->head, options, "service");
    if (!gw__instance_has_variables(&self->head, options, "method") || !bound)
        return GW_ERROR_CONFIG;
    if (is_variable(target->service))
        return gw__instance_has_idl(&self->head) ? 0 : GW_ERROR_CONFIG;
    target->callee = gw__instance_callee(&self->head, options, "service");
    if (!target->callee || !go_together(self, target))
        return GW_ERROR_CONFIG;
    if (is_variable(target->method))
        return 0;
    target->known = find_method(target->callee->rpc, target->method);
    if (target->known)
        return 0;
    report_method(self, target, options);
    return GW_ERROR_CONFIG;
}

/* The text as a JSON string; NULL when out of memory, which is noted in the exchange. */
static const char *quote(struct gw_exchange *ex, const char *text)
{
    struct gw__json_out out = {0};
    gw__json_put_string(&out, text, strlen(text));
    const char *json = out.lost ? NULL : gw_exchange_print(ex, "%.*s", (int)(out.at - out.begin), out.begin);
    ex->state.out_of_memory = ex->state.out_of_memory || !json;
    gw__json_out_finish(&out);
    return json;
}

void gw__rpc_set_text_member(struct gw_exchange *ex, const char *name, const char *text)
{
    const char *json = quote(ex, text);
    if (json)
        gw_exchange_set_error_member(ex, name, json);
}

enum gw_flow gw__rpc_fail_method(struct gw_exchange *ex, const struct gw__rpc *service, const char *method)
{
    gw__rpc_set_text_member(ex, "service", service->name);
    gw__rpc_set_text_member(ex, "method", method);
    return gw_exchange_fail_code(ex, 404, "GW4043", "destination_not_found", "service %s has no method '%s'",
                                 service->name, method);
}

static enum gw_flow resolve(struct gw__rpc_call *call, const struct gw__rpc_target *target)
{
    struct gw_exchange *ex = call->ex;
    call->callee = target->callee;
    call->method = target->known;
    if (!call->callee) {
        const char *name = gw_exchange_expand(ex, target->service);
        call->callee = ex->view->callee(ex->view, name, strlen(name));
        if (!call->callee || !call->callee->rpc)
            return gw_exchange_fail_code(ex, 404, "GW4042", "destination_not_found", "service '%s' %s", name,
                                         call->callee ? "is described by no IDL file" : "is not known");
    }
    if (!call->method) {
        const char *name = gw_exchange_expand(ex, target->method);
        call->method = find_method(call->callee->rpc, name);
        if (!call->method)
            return gw__rpc_fail_method(ex, call->callee->rpc, name);
    }
    call->options = call->callee->options;
    gw__rpc_options_complete(&call->options, &target->options);
    call->enum_names = target->enum_names;
    return GW_CONTINUE;
}

/* ---- converters ---- */

static void destroy_converter(struct gw__spare *spare)
{
    struct gw__rpc_converter *converter = gw__container_of(spare, struct gw__rpc_converter, spare);
    gw__wire_finish(&converter->wire);
    gw__wire_finish(&converter->plain);
    gw__wire_finish(&converter->front);
    gw__frame_finish(&converter->frame);
    gw__json_out_finish(&converter->out);
    gw__free(converter);
}

static struct gw__rpc_converter *get_converter(struct gw__context *context)
{
    struct gw__spare *spare = context->spares;
    if (spare) {
        context->spares = spare->next;
        context->spare_count--;
        return gw__container_of(spare, struct gw__rpc_converter, spare);
    }
    struct gw__rpc_converter *converter = gw__malloc(sizeof *converter);
    if (!converter)
        return NULL;
    memset(converter, 0, offsetof(struct gw__rpc_converter, encode));
    converter->spare.destroy = destroy_converter;
    return converter;
}

/* Ends what the converter was last used for. */
static void stop_use(struct gw__rpc_converter *converter)
{
    if (converter->use == GW__RPC_ENCODES)
        gw__encode_finish(&converter->encode);
    else if (converter->use == GW__RPC_DECODES)
        gw__decode_finish(&converter->decode);
    else if (converter->use == GW__RPC_TAKES_FAULT)
        gw__thrift_fault_finish(&converter->fault);
    converter->use = GW__RPC_IDLE;
}

static void empty_out(struct gw__json_out *out)
{
    *out = (struct gw__json_out){.begin = out->begin, .at = out->begin, .end = out->end};
}

enum gw_flow gw__rpc_begin(struct gw__rpc_call *call, struct gw_exchange *ex, const struct gw__rpc_target *target)
{
    call->ex = ex;
    enum gw_flow flow = resolve(call, target);
    if (flow != GW_CONTINUE)
        return flow;
    call->converter = get_converter(ex->context);
    if (!call->converter)
        return gw_exchange_fail_code(ex, 503, "GW5031", "proxy_internal_error", "out of memory");
    const struct gw__limits *limits = &ex->chain->limits;
    bool body_is_less = limits->body_bytes > 0 && limits->body_bytes < limits->call_bytes;
    call->converter->wire.limit_bytes = (size_t)(body_is_less ? limits->body_bytes : limits->call_bytes);
    call->converter->plain.limit_bytes = call->converter->wire.limit_bytes;
    return GW_CONTINUE;
}

void gw__rpc_end(struct gw__rpc_call *call)
{
    struct gw__rpc_converter *converter = call->converter;
    if (!converter)
        return;
    struct gw__context *context = call->ex->context;
    call->converter = NULL;
    stop_use(converter);
    gw__wire_reset(&converter->wire);
    gw__wire_reset(&converter->plain);
    gw__wire_reset(&converter->front);
    if (converter->out.lost || converter->out.end - converter->out.begin > KEPT_OUT_BYTES)
        gw__json_out_finish(&converter->out);
    empty_out(&converter->out);
    if (context->spare_count >= SPARES) {
        destroy_converter(&converter->spare);
        return;
    }
    converter->spare.next = context->spares;
    context->spares = &converter->spare;
    context->spare_count++;
}

/* ---- the request ---- */

static struct gw__json_rules rules_of(const struct gw__rpc_call *call)
{
    const struct gw__rpc_options *options = &call->options;
    return (struct gw__json_rules){options->int64, options->nan, options->binary};
}

void gw__rpc_begin_request(struct gw__rpc_call *call)
{
    struct gw__rpc_converter *converter = call->converter;
    converter->use = GW__RPC_ENCODES;
    struct gw__encode_options options = {
        .encoding = call->options.encoding,
        .lenient = call->options.json == GW__JSON_KITEX,
        .rules = rules_of(call),
        .in_message = true,
        .plain = &converter->plain,
    };
    gw__encode_init(&converter->encode, call->method, &options, &converter->wire);
}

static enum gw_flow fail_request(struct gw__rpc_call *call)
{
    struct gw_exchange *ex = call->ex;
    const struct gw__encode *encode = &call->converter->encode;
    const struct gw__json_out *errors = &encode->errors;
    if (call->converter->wire.full)
        return gw_exchange_fail_code(ex, 413, "GW4131", "http_request_error",
                                     "the request's body is too large, encoded for the service");
    const char *coding = gw_exchange_request_header(ex, "Content-Encoding");
    if (encode->json.error == GW__JSON_SYNTAX && coding && strcasecmp(coding, "identity") != 0)
        return gw_exchange_fail_code(ex, 415, "GW4151", "http_request_error",
                                     "the body's Content-Encoding '%s' is not decoded", coding);
    const char *all = NULL;
    if (!encode->no_memory)
        all = gw_exchange_print(ex, "%.*s", (int)(errors->at - errors->begin), errors->begin);
    if (!all)
        return gw_exchange_fail_code(ex, 503, "GW5031", "proxy_internal_error", "out of memory");
    gw_exchange_set_error_member(ex, "errors", all);
    return gw_exchange_fail_code(ex, 400, "GW4001", "http_request_error", "%s", encode->first.data);
}

bool gw__rpc_take_request(struct gw__rpc_call *call, const char *data, size_t size, bool last, enum gw_flow *flow)
{
    *flow = GW_CONTINUE;
    enum gw__wire_status status = gw__encode_feed(&call->converter->encode, data, size, last);
    if (status == GW__WIRE_BAD)
        *flow = fail_request(call);
    if (status != GW__WIRE_DONE)
        return false;
    stop_use(call->converter);
    return true;
}

/* ---- failures ---- */

static bool cut_if_begun(struct gw__rpc_call *call)
{
    if (call->ex->state.head_sent)
        gw__exchange_over(call->ex, "upstream gone");
    return call->ex->state.head_sent;
}

void gw__rpc_fail_memory(struct gw__rpc_call *call)
{
    if (!cut_if_begun(call))
        gw_exchange_fail_code(call->ex, 503, "GW5031", "proxy_internal_error", "out of memory");
}

/* What of the result does not fit the IDL: a sentence, and the member `errors`. NULL: memory is out. */
static const char *tell_misfit(struct gw__rpc_call *call)
{
    struct gw_exchange *ex = call->ex;
    const struct gw__json_out *out = &call->converter->out;
    const char *text = out->begin ? out->begin + call->prefix : "", *member = NULL, *detail = NULL;
    struct gw__json_out errors = {0};
    struct gw__text sentence = {0};
    if (gw__decode_tell(&call->converter->decode, text, (size_t)(out->at - out->begin) - call->prefix, &errors,
                        &sentence)) {
        member = gw_exchange_print(ex, "%.*s", (int)(errors.at - errors.begin), errors.begin);
        detail = gw_exchange_print(ex, "%.1000s", sentence.data);
    }
    if (member)
        gw_exchange_set_error_member(ex, "errors", member);
    gw__json_out_finish(&errors);
    gw__text_finish(&sentence);
    return member ? detail : NULL;
}

/* Once the head has gone, the log alone can say why. */
static void cut_unreadable(struct gw__rpc_call *call, const char *why)
{
    const char *cut = gw_exchange_print(call->ex, "bad answer: %s", why);
    gw__exchange_over(call->ex, cut ? cut : "upstream gone");
}

void gw__rpc_fail_unreadable(struct gw__rpc_call *call, const char *why)
{
    const struct gw__rpc_converter *converter = call->converter;
    if (call->ex->state.head_sent) {
        cut_unreadable(call, why);
        return;
    }
    const char *detail = why;
    bool all_is_here = !call->begun; /* else a filter may still hold the head back */
    if (all_is_here && converter->use == GW__RPC_DECODES && converter->decode.why == why)
        detail = tell_misfit(call);
    if (!detail) {
        gw__rpc_fail_memory(call);
        return;
    }
    gw_exchange_fail_code(call->ex, 502, "GW5026", "http_protocol_error", "the answer of %s can't be read: %s",
                          gw__endpoint_upstream(call->ex), detail);
}

void gw__rpc_fail_closed(struct gw__rpc_call *call)
{
    if (!cut_if_begun(call))
        gw_exchange_fail_code(call->ex, 502, "GW5027", "connection_terminated", "%s closed the connection",
                              gw__endpoint_upstream(call->ex));
}

/* ---- the answer ---- */

/* err_code and err_message can be merged into a struct that has no fields of these names. A map's keys are not known
 * before they are written, so a map always goes into `data`. */
static enum gw__rpc_wrap choose_wrap(const struct gw__type *success)
{
    if (!gw__kind_is_record(success->kind))
        return GW__RPC_DATA;
    bool taken = gw__record_by_name(success->record, "err_code", 8) ||
                 gw__record_by_name(success->record, "err_message", 11);
    return taken ? GW__RPC_DATA : GW__RPC_MERGED;
}

void gw__rpc_begin_result(struct gw__rpc_call *call, uint8_t encoding)
{
    static const char merged[] = SUCCESS, data[] = SUCCESS ",\"data\":";
    struct gw__rpc_converter *converter = call->converter;
    struct gw__decode_options options = {
        .encoding = encoding,
        .rules = rules_of(call),
        .lenient = call->options.json == GW__JSON_KITEX,
        .in_message = true,
        .enum_names = call->enum_names,
    };
    stop_use(converter);
    empty_out(&converter->out);
    call->wrap = gw_exchange_envelope(call->ex) ? choose_wrap(call->method->success) : GW__RPC_PLAIN;
    if (call->wrap == GW__RPC_MERGED)
        gw__json_put_raw_key(&converter->out, merged, sizeof merged - 1);
    else if (call->wrap == GW__RPC_DATA)
        gw__json_put_raw_key(&converter->out, data, sizeof data - 1);
    call->prefix = (uint32_t)(converter->out.at - converter->out.begin);
    converter->use = GW__RPC_DECODES;
    gw__decode_init_result(&converter->decode, call->method->result, &options, &converter->out);
}

void gw__rpc_begin_fault(struct gw__rpc_call *call, uint8_t encoding)
{
    struct gw__rpc_converter *converter = call->converter;
    stop_use(converter);
    empty_out(&converter->out);
    converter->use = GW__RPC_TAKES_FAULT;
    gw__thrift_fault_init(&converter->fault, encoding);
}

static bool is_success(const struct gw__rpc_call *call)
{
    const struct gw__field *outcome = call->converter->decode.outcome;
    return outcome && outcome->id == 0;
}

/* Before the first bytes leave: where the result is merged, a comma replaces its opening brace, and nothing if it is
 * empty. */
static void settle_envelope(struct gw__rpc_call *call)
{
    struct gw__json_out *out = &call->converter->out;
    char *brace = out->begin + call->prefix;
    if (call->wrap != GW__RPC_MERGED)
        return;
    bool empty = brace[1] == '}';
    *brace = empty ? '}' : ',';
    out->at -= empty;
}

/* length: of the body; -1: not known yet. False: it has failed. */
static bool begin_response(struct gw__rpc_call *call, int status, int64_t length)
{
    struct gw_exchange *ex = call->ex;
    static const char name[] = "Content-Type", json[] = "application/json; charset=utf-8";
    call->begun = true;
    if (length && !gw__fields_add(&ex->response.fields, &ex->arena, name, sizeof name - 1, json, sizeof json - 1)) {
        gw__rpc_fail_memory(call);
        return false;
    }
    gw_exchange_respond(ex, status, length);
    return true;
}

bool gw__rpc_send_some(struct gw__rpc_call *call)
{
    struct gw__json_out *out = &call->converter->out;
    size_t size = (size_t)(out->at - out->begin);
    if (!is_success(call) || (!call->begun && size <= SEND_BYTES) || !size)
        return false;
    if (!call->begun) {
        settle_envelope(call);
        if (!begin_response(call, 200, -1))
            return false;
    }
    enum gw_flow flow = gw_exchange_write(call->ex, out->begin, (size_t)(out->at - out->begin), false);
    out->at = out->begin;
    return flow == GW_WAIT;
}

bool gw__rpc_is_too_long(const struct gw__rpc_call *call)
{
    const struct gw__json_out *out = &call->converter->out;
    return call->converter->decode.outcome && !is_success(call) &&
           (size_t)(out->at - out->begin) > (size_t)call->ex->chain->limits.body_buffer_bytes;
}

static void fail_declared(struct gw__rpc_call *call)
{
    struct gw_exchange *ex = call->ex;
    const struct gw__json_out *out = &call->converter->out;
    const char *type = call->converter->decode.outcome->type->name, *value = out->begin + call->prefix;
    const char *member = gw_exchange_print(ex, "{\"type\":\"%s\",\"value\":%.*s}", type, (int)(out->at - value), value);
    if (member)
        gw_exchange_set_error_member(ex, "exception", member);
    gw_exchange_fail_code(ex, 422, "GW4221", NULL, "%.*s threw %s", (int)call->method->name.size,
                          call->method->name.data, type);
}

void gw__rpc_send_result(struct gw__rpc_call *call)
{
    struct gw__json_out *out = &call->converter->out;
    if (!call->converter->decode.outcome) {
        gw__rpc_send_nothing(call, 204);
        return;
    }
    if (!is_success(call)) {
        fail_declared(call);
        return;
    }
    if (call->wrap == GW__RPC_DATA)
        gw__json_put_close(out, '}');
    if (out->lost) {
        gw__rpc_fail_memory(call);
        return;
    }
    if (!call->begun) {
        settle_envelope(call);
        if (!begin_response(call, 200, (int64_t)(out->at - out->begin)))
            return;
    }
    gw_exchange_write(call->ex, out->begin, (size_t)(out->at - out->begin), true);
    out->at = out->begin;
}

void gw__rpc_send_nothing(struct gw__rpc_call *call, int status)
{
    static const char text[] = SUCCESS "}";
    size_t size = gw_exchange_envelope(call->ex) ? sizeof text - 1 : 0;
    if (begin_response(call, size ? 200 : status, (int64_t)size))
        gw_exchange_write(call->ex, text, size, true);
}
