/* errors: gives failures of the gateway itself their form, problem+json (RFC 9457). A response that an
 * endpoint or a backend made is never touched, whatever its status. The status, and the Proxy-Status
 * field, are the core's; only the body is made here. */
#include "builtin.h"
#include "line.h"

#include <gateway/filter.h>
#include <string.h>

struct errors {
    bool problem;
};

static int errors_create(struct gw_filter *self, const struct gw_option *options)
{
    struct errors *errors = gw_filter_data(self);
    errors->problem = strcmp(gw_option_string(options, "format"), "problem") == 0;
    return 0;
}

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
 * took too long. */
static const char *error_source(struct gw_exchange *ex, int status)
{
    return status == 502 || (status == 504 && gw_exchange_upstream(ex)) ? "upstream" : "gateway";
}

static void put_member(struct gw__line *line, const char *key, const char *value)
{
    gw__line_puts(line, key);
    gw__line_json(line, value ? value : "", SIZE_MAX);
}

static enum gw_flow errors_response(struct gw_exchange *ex, struct gw_filter *self)
{
    const struct errors *errors = gw_filter_data(self);
    const char *code = gw_exchange_error_code(ex);
    if (!code || !errors->problem)
        return GW_CONTINUE;
    const char *message = gw_exchange_error_message(ex), *id = gw_exchange_id(ex);
    int status = gw_exchange_status(ex);
    size_t room = 256 + 6 * (strlen(message ? message : "") + strlen(code) + strlen(id ? id : ""));
    char *body = gw_exchange_alloc(ex, room);
    if (!body)
        return GW_CONTINUE;
    struct gw__line line = {body, body + room};
    put_member(&line, "{\"type\":\"about:blank\",\"title\":", status_title(status));
    gw__line_puts(&line, ",\"status\":");
    gw__line_u64(&line, status > 0 ? (uint64_t)status : 0);
    put_member(&line, ",\"detail\":", message);
    put_member(&line, ",\"code\":", code);
    put_member(&line, ",\"source\":", error_source(ex, status));
    put_member(&line, ",\"request_id\":", id);
    gw__line_puts(&line, "}\n");
    return gw_exchange_reply_data(ex, status, "application/problem+json", body, (size_t)(line.at - body));
}

static const struct gw_option_spec errors_options[] = {
    {.key = "format",
     .kind = GW_KIND_CHOICE,
     .shorthand = true,
     .fallback = "problem",
     .choices = "problem|text",
     .doc = "`problem`: application/problem+json (RFC 9457); `text`: one line of text/plain."},
    {0},
};

const struct gw_filter_type gw__filter_errors = {
    .size = sizeof(struct gw_filter_type),
    .name = "errors",
    .doc = "Gives the gateway's own errors their form; for `decorators`.",
    .options = errors_options,
    .instance_size = sizeof(struct errors),
    .create = errors_create,
    .on_response = errors_response,
};
