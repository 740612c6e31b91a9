/* access_log: one line for each exchange, when it has ended. The format is taken apart into segments
 * when the config is loaded; a line is put together on the stack, without printf and without heap, and
 * handed to the writer thread. Each value is escaped as in a JSON string, so that a line is one line
 * and a quoted value stays one value, whatever a client sends. Path, query and host are those of the
 * client, noted before filters change them. */
#include "builtin.h"
#include "line.h"

#include <errno.h>
#include <gateway/error.h>
#include <gateway/filter.h>
#include <gateway/log.h>
#include <string.h>
#include <time.h>

enum {
    MAX_SEGMENTS = 64,
    MAX_FORMAT = 4096,
    LINE_BYTES = 16384,
    VALUE_BYTES = 2048, /* of one text value, escaped; the rest is left out */
    OTHER_BYTES = 32,   /* of a value that is a number, a time or null */
    HEADER_BYTES = 64,
};

enum variable {
    NO_VARIABLE,
    TIME,
    ID,
    CLIENT,
    METHOD,
    PATH,
    QUERY,
    HOST,
    SCHEME,
    PROTOCOL,
    STATUS,
    REQUEST_BYTES,
    RESPONSE_BYTES,
    DURATION_US,
    ROUTE,
    UPSTREAM,
    UPSTREAM_US,
    ERROR,
    CUT,
    REQUEST_HEADER,
    RESPONSE_HEADER,
};

static const char *const variable_names[] = {
    [NO_VARIABLE] = "",
    [TIME] = "time",
    [ID] = "id",
    [CLIENT] = "client",
    [METHOD] = "method",
    [PATH] = "path",
    [QUERY] = "query",
    [HOST] = "host",
    [SCHEME] = "scheme",
    [PROTOCOL] = "protocol",
    [STATUS] = "status",
    [REQUEST_BYTES] = "request_bytes",
    [RESPONSE_BYTES] = "response_bytes",
    [DURATION_US] = "duration_us",
    [ROUTE] = "route",
    [UPSTREAM] = "upstream",
    [UPSTREAM_US] = "upstream_us",
    [ERROR] = "error",
    [CUT] = "cut",
    [REQUEST_HEADER] = "request_header",
    [RESPONSE_HEADER] = "response_header",
};

enum { VARIABLES = sizeof variable_names / sizeof *variable_names };

static const char json_format[] =
    "{\"time\":${time},\"id\":${id},\"client\":${client},\"method\":${method},\"path\":${path},\"query\":${query},"
    "\"host\":${host},\"protocol\":${protocol},\"status\":${status},\"request_bytes\":${request_bytes},"
    "\"response_bytes\":${response_bytes},\"duration_us\":${duration_us},\"route\":${route},"
    "\"upstream\":${upstream},\"upstream_us\":${upstream_us},\"error\":${error},\"cut\":${cut}}";

/* Text of the format, then the value behind it. `reserve`: bytes that the segments after this one need
 * at least. */
struct segment {
    const char *text;
    uint32_t size, reserve;
    enum variable variable;
    char header[HEADER_BYTES];
};

struct access_log {
    struct gw_log_file *file;
    bool json;                  /* values are JSON: quoted, null */
    bool path, query, host;     /* what of the client's is in the line */
    uint32_t count;
    int64_t second; /* that `date` shows */
    char date[20];  /* "2026-11-21T14:03:25" */
    char format[MAX_FORMAT + GW__LINE_PADDING];
    struct segment segments[MAX_SEGMENTS];
};

/* Of one exchange: what filters may change later. */
struct seen {
    const char *path, *query, *host;
    bool taken;
};

static enum variable find_variable(const char *name, size_t size)
{
    for (int i = TIME; i < VARIABLES; i++)
        if (strlen(variable_names[i]) == size && memcmp(variable_names[i], name, size) == 0)
            return (enum variable)i;
    return NO_VARIABLE;
}

static int unknown_variable(struct gw_filter *self, const struct gw_option *at, const char *name, size_t size)
{
    char text[HEADER_BYTES] = "";
    memcpy(text, name, size < sizeof text ? size : sizeof text - 1);
    const char *nearest = gw_option_nearest(text, variable_names + TIME, VARIABLES - TIME);
    gw_filter_error(self, at, "expected a variable of the access log, found '${%s}'%s%s%s", text,
                    nearest ? "; did you mean '${" : "", nearest ? nearest : "", nearest ? "}'?" : "");
    return GW_ERROR_CONFIG;
}

/* What stands between "${" and "}": name, or request_header:Name. */
static int parse_variable(struct gw_filter *self, const struct gw_option *at, struct segment *segment, const char *name,
                          size_t size)
{
    const char *colon = memchr(name, ':', size);
    size_t name_size = colon ? (size_t)(colon - name) : size, header_size = colon ? size - name_size - 1 : 0;
    struct access_log *log = gw_filter_data(self);
    segment->variable = find_variable(name, name_size);
    log->path |= segment->variable == PATH;
    log->query |= segment->variable == QUERY;
    log->host |= segment->variable == HOST;
    bool header = segment->variable == REQUEST_HEADER || segment->variable == RESPONSE_HEADER;
    if (!segment->variable || (colon && !header))
        return unknown_variable(self, at, name, size);
    if (header && (header_size == 0 || header_size >= HEADER_BYTES)) {
        gw_filter_error(self, at, "expected '${%s:Name}', found '${%.*s}'", variable_names[segment->variable],
                        (int)(size < HEADER_BYTES ? size : HEADER_BYTES), name);
        return GW_ERROR_CONFIG;
    }
    if (header)
        memcpy(segment->header, colon + 1, header_size);
    return 0;
}

/* Takes log->format apart. */
static int parse_format(struct gw_filter *self, const struct gw_option *at)
{
    struct access_log *log = gw_filter_data(self);
    const char *format = log->format;
    while (*format) {
        if (log->count == MAX_SEGMENTS) {
            gw_filter_error(self, at, "expected at most %d variables, found more", MAX_SEGMENTS - 1);
            return GW_ERROR_CONFIG;
        }
        struct segment *segment = &log->segments[log->count++];
        const char *mark = strstr(format, "${");
        segment->text = format;
        segment->size = (uint32_t)(mark ? (size_t)(mark - format) : strlen(format));
        if (!mark)
            break;
        const char *name = mark + 2, *end = strchr(name, '}');
        if (!end) {
            gw_filter_error(self, at, "expected a '}' after '${', found the end of the format");
            return GW_ERROR_CONFIG;
        }
        if (parse_variable(self, at, segment, name, (size_t)(end - name)) < 0)
            return GW_ERROR_CONFIG;
        format = end + 1;
    }
    for (uint32_t i = log->count, reserve = GW__LINE_PADDING; i-- > 0;) {
        log->segments[i].reserve = reserve;
        reserve += log->segments[i].size + OTHER_BYTES;
    }
    return 0;
}

static int access_log_create(struct gw_filter *self, const struct gw_option *options)
{
    struct access_log *log = gw_filter_data(self);
    const struct gw_option *at = gw_option_get(options, "format");
    const char *path = gw_option_string(options, "path"), *format = gw_option_string(options, "format");
    log->second = INT64_MIN;
    log->json = strcmp(format, "json") == 0;
    size_t size = strlen(format);
    if (!log->json && (!strstr(format, "${") || strpbrk(format, "\r\n") || size > MAX_FORMAT)) {
        gw_filter_error(self, at,
                        "expected 'json' or one line of at most %d bytes with variables like '${path}', found '%.60s'",
                        MAX_FORMAT, format);
        return GW_ERROR_CONFIG;
    }
    if (log->json)
        memcpy(log->format, json_format, sizeof json_format);
    else
        memcpy(log->format, format, size + 1);
    if (parse_format(self, at) < 0)
        return GW_ERROR_CONFIG;
    log->file = gw_log_file_open(gw_filter_server(self), path);
    if (!log->file) {
        gw_filter_error(self, gw_option_get(options, "path"), "expected a file to write to, found '%s': %s", path,
                        strerror(errno));
        return GW_ERROR_CONFIG;
    }
    return 0;
}

static void access_log_destroy(struct gw_filter *self)
{
    struct access_log *log = gw_filter_data(self);
    gw_log_file_close(log->file);
}

static enum gw_flow access_log_request(struct gw_exchange *ex, struct gw_filter *self)
{
    const struct access_log *log = gw_filter_data(self);
    struct seen *seen = gw_exchange_scratch(ex, self);
    seen->taken = true;
    if (log->path)
        seen->path = gw_exchange_path(ex);
    if (log->query)
        seen->query = gw_exchange_query(ex);
    if (log->host)
        seen->host = gw_exchange_host(ex);
    return GW_CONTINUE;
}

/* RFC 3339 in UTC with milliseconds; the part down to the second is kept for the next line. */
static void put_time(struct gw__line *line, struct access_log *log, int64_t us)
{
    int64_t second = us / 1000000;
    if (second != log->second) {
        struct tm parts;
        time_t seconds = (time_t)second;
        gmtime_r(&seconds, &parts);
        strftime(log->date, sizeof log->date, "%Y-%m-%dT%H:%M:%S", &parts);
        log->second = second;
    }
    unsigned ms = (unsigned)(us / 1000 % 1000);
    char text[26] = "";
    text[0] = '"';
    memcpy(text + 1, log->date, 19);
    char digits[3] = {(char)('0' + ms / 100), (char)('0' + ms / 10 % 10), (char)('0' + ms % 10)};
    memcpy(text + 20, (char[]){'.', digits[0], digits[1], digits[2], 'Z', '"'}, 6);
    if (log->json)
        gw__line_put(line, text, 26);
    else
        gw__line_put(line, text + 1, 24);
}

static void put_number(struct gw__line *line, bool json, int64_t value)
{
    if (value >= 0)
        gw__line_u64(line, (uint64_t)value);
    else
        gw__line_puts(line, json ? "null" : "-");
}

static void put_text(struct gw__line *line, bool json, const char *text, uint32_t reserve)
{
    size_t room = (size_t)(line->end - line->at) - reserve;
    size_t limit = room < VALUE_BYTES ? room : VALUE_BYTES;
    if (json)
        gw__line_json(line, text, limit);
    else if (!text || !*text)
        gw__line_put(line, "-", 1);
    else
        gw__line_escape(line, text, limit);
}

static const char *or_null(const char *text)
{
    return text && *text ? text : NULL;
}

static void put_value(struct gw__line *line, struct gw_exchange *ex, struct access_log *log,
                      const struct segment *segment, const struct seen *seen)
{
    const char *text = NULL;
    switch (segment->variable) {
    case NO_VARIABLE: return;
    case TIME: put_time(line, log, gw_exchange_started_us(ex)); return;
    case STATUS: put_number(line, log->json, gw_exchange_status(ex)); return;
    case REQUEST_BYTES: gw__line_u64(line, gw_exchange_request_bytes(ex)); return;
    case RESPONSE_BYTES: gw__line_u64(line, gw_exchange_response_bytes(ex)); return;
    case DURATION_US: put_number(line, log->json, gw_exchange_elapsed_us(ex)); return;
    case UPSTREAM_US: put_number(line, log->json, gw_exchange_upstream_us(ex)); return;
    case ID: text = gw_exchange_id(ex); break;
    case CLIENT: text = gw_exchange_client_address(ex); break;
    case METHOD: text = or_null(gw_exchange_method(ex)); break;
    case PATH: text = or_null(seen->path); break;
    case QUERY: text = seen->query; break;
    case HOST: text = seen->host; break;
    case SCHEME: text = gw_exchange_scheme(ex); break;
    case PROTOCOL: text = gw_exchange_protocol(ex); break;
    case ROUTE: text = gw_exchange_route(ex); break;
    case UPSTREAM: text = gw_exchange_upstream(ex); break;
    case ERROR: text = gw_exchange_error_code(ex); break;
    case CUT: text = gw_exchange_cut_reason(ex); break;
    case REQUEST_HEADER: text = gw_exchange_request_header(ex, segment->header); break;
    case RESPONSE_HEADER: text = gw_exchange_response_header(ex, segment->header); break;
    }
    put_text(line, log->json, text, segment->reserve);
}

static void access_log_end(struct gw_exchange *ex, struct gw_filter *self)
{
    struct access_log *log = gw_filter_data(self);
    const struct seen *seen = gw_exchange_scratch(ex, self);
    char buffer[LINE_BYTES];
    if (!seen->taken) /* refused by HTTP itself: there is what could be told of it */
        access_log_request(ex, self);
    struct gw__line line = {buffer, buffer + sizeof buffer};
    for (const struct segment *segment = log->segments, *end = segment + log->count; segment < end; segment++) {
        gw__line_put_padded(&line, segment->text, segment->size);
        put_value(&line, ex, log, segment, seen);
    }
    *line.at++ = '\n';
    gw_log_file_write(log->file, buffer, (size_t)(line.at - buffer));
}

static const struct gw_option_spec access_log_options[] = {
    {.key = "path",
     .kind = GW_KIND_PATH,
     .required = true,
     .shorthand = true,
     .doc = "File to append to; `-` is standard output."},
    {.key = "format",
     .kind = GW_KIND_STRING,
     .fallback = "json",
     .doc = "`json`, or a line with variables like `${method} ${path} ${status} ${request_header:User-Agent}`."},
    {0},
};

const struct gw_filter_type gw__filter_access_log = {
    .size = sizeof(struct gw_filter_type),
    .name = "access_log",
    .doc = "Writes a line for each request when it has ended; for `decorators`.",
    .options = access_log_options,
    .instance_size = sizeof(struct access_log),
    .scratch_size = sizeof(struct seen),
    .create = access_log_create,
    .destroy = access_log_destroy,
    .on_request = access_log_request,
    .on_end = access_log_end,
};
