/* errors: gives failures of the gateway itself their form: problem+json (RFC 9457), or the envelope, which answers 200
 * and tells the failure by a number of its own. A response that an endpoint or a backend made is never touched,
 * whatever its status. The Proxy-Status field is the core's; body and, in the envelope, status are made here. */
#include "builtin.h"
#include "line.h"

#include <gateway/error.h>
#include <gateway/filter.h>
#include <string.h>

struct errors {
    bool problem, envelope;
    bool category; /* rpc_errors = "category" */
};

static int errors_create(struct gw_filter *self, const struct gw_option *options)
{
    struct errors *errors = gw_filter_data(self);
    const char *format = gw_option_string(options, "format");
    errors->problem = strcmp(format, "problem") == 0;
    errors->envelope = strcmp(format, "envelope") == 0;
    errors->category = strcmp(gw_option_string(options, "rpc_errors"), "category") == 0;
    if (errors->category && !errors->envelope) {
        gw_filter_error(self, gw_option_get(options, "rpc_errors"),
                        "expected format = \"envelope\" beside rpc_errors = \"category\", found \"%s\"", format);
        return GW_ERROR_CONFIG;
    }
    return 0;
}

/* Endpoints that make calls put their results into the envelope themselves. */
static enum gw_flow errors_request(struct gw_exchange *ex, struct gw_filter *self)
{
    const struct errors *errors = gw_filter_data(self);
    if (errors->envelope)
        gw_exchange_set_envelope(ex, true);
    return GW_CONTINUE;
}

static bool is_code(const char *code, const char *of)
{
    return strcmp(code, of) == 0;
}

static void put_member(struct gw__line *line, const char *key, const char *value)
{
    gw__line_puts(line, key);
    gw__line_json(line, value ? value : "", SIZE_MAX);
}

/* Room for the message, the members of the error and what is around them: escaped, a byte takes up to six. */
static bool line_begin(struct gw__line *line, struct gw_exchange *ex, const char *message)
{
    size_t room = 512 + 6 * strlen(message);
    const char *name, *json;
    for (size_t i = 0; (name = gw_exchange_error_member_at(ex, i, &json)); i++)
        room += 6 * (strlen(name) + strlen(json) + 1);
    line->at = gw_exchange_alloc(ex, room);
    line->end = line->at ? line->at + room : NULL;
    return line->at;
}

/* ---- problem+json */

/* What RFC 9457 section 4.2.1 wants as the title where the type is about:blank: the phrase of the status. */
static const char *status_title(int status)
{
    static const struct {
        int status;
        const char *title;
    } titles[] = {
        {400, "Bad Request"},       {401, "Unauthorized"},          {403, "Forbidden"},
        {404, "Not Found"},         {405, "Method Not Allowed"},    {406, "Not Acceptable"},
        {408, "Request Timeout"},   {409, "Conflict"},              {411, "Length Required"},
        {413, "Content Too Large"}, {414, "URI Too Long"},          {415, "Unsupported Media Type"},
        {417, "Expectation Failed"}, {421, "Misdirected Request"},  {422, "Unprocessable Content"},
        {429, "Too Many Requests"}, {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"}, {501, "Not Implemented"},   {502, "Bad Gateway"},
        {503, "Service Unavailable"}, {504, "Gateway Timeout"},     {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (titles[i].status == status)
            return titles[i].title;
    return status < 500 ? "Client Error" : "Server Error";
}

/* Whose fault it is: the backends' if none could be reached or its answer was bad, or if one that was asked
 * took too long, does not know the method or threw what it declared. */
static const char *error_source(struct gw_exchange *ex, const char *code, int status)
{
    bool of_answer = status == 504 || is_code(code, "GW4042") || is_code(code, "GW4043") || is_code(code, "GW4221") ||
                     is_code(code, "GW4222");
    return status == 502 || (of_answer && gw_exchange_upstream(ex)) ? "upstream" : "gateway";
}

static enum gw_flow answer_problem(struct gw_exchange *ex, const char *code, const char *message)
{
    const char *id = gw_exchange_id(ex), *name, *json;
    int status = gw_exchange_status(ex);
    struct gw__line line;
    if (!line_begin(&line, ex, message))
        return GW_CONTINUE;
    const char *body = line.at;
    put_member(&line, "{\"type\":\"about:blank\",\"title\":", status_title(status));
    gw__line_puts(&line, ",\"status\":");
    gw__line_u64(&line, status > 0 ? (uint64_t)status : 0);
    put_member(&line, ",\"detail\":", message);
    put_member(&line, ",\"code\":", code);
    put_member(&line, ",\"source\":", error_source(ex, code, status));
    put_member(&line, ",\"request_id\":", id);
    for (size_t i = 0; (name = gw_exchange_error_member_at(ex, i, &json)); i++) {
        put_member(&line, ",", name);
        gw__line_puts(&line, ":");
        gw__line_puts(&line, json);
    }
    gw__line_puts(&line, "}\n");
    return gw_exchange_reply_data(ex, status, "application/problem+json", body, (size_t)(line.at - body));
}

/* ---- the envelope */

/* By the failure's code where that tells the cause, else by its status. */
static int envelope_number(const char *code, int status)
{
    static const struct {
        const char *code;
        int number;
    } causes[] = {
        {"GW4041", 10002}, {"GW4042", 10002}, {"GW4043", 10003}, {"GW4221", 10005},
        {"GW5025", 10005}, {"GW5024", 10006}, {"GW5026", 10006},
    };
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++)
        if (is_code(code, causes[i].code))
            return causes[i].number;
    return status < 500 && status != 429 ? 10001 : 10004;
}

static const char *envelope_text(int number)
{
    static const char *const texts[] = {"bad request",          "server not found",    "server method not found",
                                        "request server fail", "server handle fail", "response unable parse"};
    return texts[number - 10001];
}

/* Returns the end of the JSON object's member that begins at `at`. */
static const char *member_end(const char *at)
{
    int depth = 0;
    for (bool quoted = false; *at; at++) {
        if (quoted) {
            quoted = *at != '"';
            at += *at == '\\' && at[1];
            continue;
        }
        if (depth == 0 && (*at == ',' || *at == '}'))
            break;
        quoted = *at == '"';
        depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
    }
    return at;
}

/* The exception's value, as JSON, from the member `{"type":…,"value":…}`; NULL if there is none. */
static const char *exception_value(struct gw_exchange *ex)
{
    static const char key[] = "\"value\":";
    const char *at = gw_exchange_error_member(ex, "exception");
    while (at && *at) {
        const char *end = member_end(++at);
        if (strncmp(at, key, strlen(key)) == 0)
            return gw_exchange_print(ex, "%.*s", (int)(end - at - (ptrdiff_t)strlen(key)), at + strlen(key));
        at = end;
    }
    return NULL;
}

/* "NAME in service: SVC", of two members that are JSON strings. */
static bool put_missing_method(struct gw__line *line, struct gw_exchange *ex)
{
    const char *method = gw_exchange_error_member(ex, "method"), *service = gw_exchange_error_member(ex, "service");
    if (!method || !service || strlen(method) < 2 || strlen(service) < 2)
        return false;
    gw__line_puts(line, "{\"error_category\":\"missing method\",\"error_details\":");
    gw__line_put(line, method, strlen(method) - 1);
    gw__line_puts(line, " in service: ");
    gw__line_puts(line, service + 1);
    gw__line_puts(line, "}");
    return true;
}

/* Failures of a call have a shape of their own with rpc_errors = "category". False: this is none of them. */
static bool put_failed_call(struct gw__line *line, struct gw_exchange *ex, const char *code, const char *message)
{
    if (is_code(code, "GW4043"))
        return put_missing_method(line, ex);
    if (!is_code(code, "GW4221") && !is_code(code, "GW5025"))
        return false;
    const char *value = is_code(code, "GW4221") ? exception_value(ex) : NULL;
    put_member(line, "{\"error_category\":\"remote or network error[remote]\",\"error_details\":",
               value ? value : message);
    gw__line_puts(line, "}");
    return true;
}

static enum gw_flow answer_envelope(struct gw_exchange *ex, const struct errors *errors, const char *code,
                                    const char *message)
{
    int status = gw_exchange_status(ex);
    struct gw__line line;
    if (!line_begin(&line, ex, message))
        return GW_CONTINUE;
    const char *body = line.at, *biz_status = gw_exchange_error_member(ex, "biz_status");
    if (is_code(code, "GW4222") && biz_status) {
        const char *text = gw_exchange_error_member(ex, "biz_message");
        gw__line_puts(&line, "{\"err_code\":");
        gw__line_puts(&line, biz_status);
        gw__line_puts(&line, ",\"err_message\":");
        gw__line_puts(&line, text ? text : "\"\"");
        gw__line_puts(&line, "}");
    } else if (!errors->category || !put_failed_call(&line, ex, code, message)) {
        int number = envelope_number(code, status);
        gw__line_puts(&line, "{\"err_code\":");
        gw__line_u64(&line, (uint64_t)number);
        put_member(&line, ",\"err_message\":", envelope_text(number));
        gw__line_puts(&line, "}");
    }
    /* What the HTTP codec refused has not passed on_request, and keeps its status. */
    return gw_exchange_reply_data(ex, gw_exchange_envelope(ex) ? 200 : status, "application/json; charset=utf-8", body,
                                  (size_t)(line.at - body));
}

static enum gw_flow errors_response(struct gw_exchange *ex, struct gw_filter *self)
{
    const struct errors *errors = gw_filter_data(self);
    const char *code = gw_exchange_error_code(ex), *message = gw_exchange_error_message(ex);
    if (!code || (!errors->problem && !errors->envelope))
        return GW_CONTINUE;
    message = message ? message : "";
    return errors->problem ? answer_problem(ex, code, message) : answer_envelope(ex, errors, code, message);
}

static const struct gw_option_spec errors_options[] = {
    {.key = "format",
     .kind = GW_KIND_CHOICE,
     .shorthand = true,
     .fallback = "problem",
     .choices = "problem|text|envelope",
     .doc = "`problem`: application/problem+json (RFC 9457); `text`: one line of text/plain; `envelope`: status 200 "
            "and JSON with `err_code` and `err_message`, which successful calls get too."},
    {.key = "rpc_errors",
     .kind = GW_KIND_CHOICE,
     .fallback = "code",
     .choices = "code|category",
     .doc = "With `envelope`, what failed calls answer: `err_code` and `err_message` like all else, or `category`: "
            "`error_category` and `error_details`."},
    {0},
};

const struct gw_filter_type gw__filter_errors = {
    .size = sizeof(struct gw_filter_type),
    .name = "errors",
    .doc = "Gives the gateway's own errors their form; for `decorators`.",
    .options = errors_options,
    .instance_size = sizeof(struct errors),
    .create = errors_create,
    .on_request = errors_request,
    .on_response = errors_response,
};
