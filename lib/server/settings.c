/* The tables of all settings, in one place. Defaults stand at the top level only: below it, what is not said
 * is inherited. Each place takes those limits and timeouts alone that have an effect there. */
#include "server/settings.h"

#include "upstream/callee.h"

#include <stddef.h>
#include <string.h>

#define FORWARDED "x-forwarded|forwarded|both|none|pass"

enum { DAY_MS = 86400000 };

static const struct gw_option_spec top_limits[] = {
    {.key = "line_bytes", .kind = GW_KIND_SIZE, .fallback = "8KiB", .min = 256, .max = 65536,
     .doc = "Longest request line; 414 above."},
    {.key = "head_bytes", .kind = GW_KIND_SIZE, .fallback = "32KiB", .min = 512, .max = 65536,
     .doc = "Longest head of a request, start line and all fields; 431 above."},
    {.key = "headers", .kind = GW_KIND_INT, .fallback = "100", .min = 1, .max = 256,
     .doc = "Most fields in a head; 431 above."},
    {.key = "body", .kind = GW_KIND_SIZE, .fallback = "1GiB", .min = 0, .max = INT64_C(1) << 50,
     .doc = "Longest body of a request, and what it is encoded to for an RPC service; 413 above. 0: no limit."},
    {.key = "call", .kind = GW_KIND_SIZE, .fallback = "100MiB", .min = 1, .max = INT32_MAX,
     .doc = "Longest request to an RPC service, encoded; it is kept in memory while the call lasts. 413 above."},
    {.key = "body_buffer", .kind = GW_KIND_SIZE, .fallback = "1MiB", .min = 0, .max = INT64_C(1) << 30,
     .doc = "Longest body that a filter or endpoint may ask to have whole; 413 above."},
    {.key = "replay", .kind = GW_KIND_SIZE, .fallback = "16KiB", .min = 0, .max = 1 << 20,
     .doc = "Longest body of an idempotent request that is kept, to be sent again if a pooled connection was dead; "
            "a longer one gets 502 then."},
    {.key = "body_rate", .kind = GW_KIND_SIZE, .fallback = "128", .min = 0, .max = INT64_C(1) << 30,
     .doc = "Least bytes a second of a request's body, over each `timeouts.slow`; 408 below. 0: none."},
    {.key = "connections", .kind = GW_KIND_INT, .fallback = "10000", .min = 1, .max = 1000000,
     .doc = "Most client connections of one worker through one listener; more are closed at once."},
    {.key = "client_connections", .kind = GW_KIND_INT, .fallback = "10000", .min = 1, .max = 1000000,
     .doc = "How many of them one IP address may have (of IPv6: one /64); 429 above, and closed. Trusted proxies and "
            "Unix sockets may have all."},
    {.key = "requests", .kind = GW_KIND_INT, .fallback = "100000", .min = 1, .max = INT64_C(1) << 40,
     .doc = "Most requests of one connection; it is closed behind the last."},
    {.key = "in_flight", .kind = GW_KIND_INT, .fallback = "10000", .min = 1, .max = 1000000,
     .doc = "Most requests that one worker serves at a time; 503 with `Retry-After: 1` above, at once."},
    {.key = "memory", .kind = GW_KIND_SIZE, .min = 0, .max = INT64_C(1) << 50,
     .doc = "Resident memory of the process that overload is judged by; by default 80 % of the machine's, or of its "
            "control group's; 503 above, stage by stage. 0: none."},
    {0},
};

static const struct gw_option_spec listener_limits[] = {
    {.key = "line_bytes", .kind = GW_KIND_SIZE, .min = 256, .max = 65536, .doc = "Longest request line; 414 above."},
    {.key = "head_bytes", .kind = GW_KIND_SIZE, .min = 512, .max = 65536,
     .doc = "Longest head of a request, start line and all fields; 431 above."},
    {.key = "headers", .kind = GW_KIND_INT, .min = 1, .max = 256, .doc = "Most fields in a head; 431 above."},
    {.key = "connections", .kind = GW_KIND_INT, .min = 1, .max = 1000000,
     .doc = "Most client connections of one worker through this listener; more are closed at once."},
    {.key = "client_connections", .kind = GW_KIND_INT, .min = 1, .max = 1000000,
     .doc = "How many of them one IP address may have (of IPv6: one /64); 429 above, and closed. Trusted proxies and "
            "Unix sockets may have all."},
    {.key = "requests", .kind = GW_KIND_INT, .min = 1, .max = INT64_C(1) << 40,
     .doc = "Most requests of one connection; it is closed behind the last."},
    {0},
};

static const struct gw_option_spec route_limits[] = {
    {.key = "body", .kind = GW_KIND_SIZE, .min = 0, .max = INT64_C(1) << 50,
     .doc = "Longest body of a request, and what it is encoded to for an RPC service; 413 above. 0: no limit."},
    {.key = "call", .kind = GW_KIND_SIZE, .min = 1, .max = INT32_MAX,
     .doc = "Longest request to an RPC service, encoded; it is kept in memory while the call lasts. 413 above."},
    {.key = "body_buffer", .kind = GW_KIND_SIZE, .min = 0, .max = INT64_C(1) << 30,
     .doc = "Longest body that a filter or endpoint may ask to have whole; 413 above."},
    {.key = "replay", .kind = GW_KIND_SIZE, .min = 0, .max = 1 << 20,
     .doc = "Longest body of an idempotent request that is kept, to be sent again if a pooled connection was dead; "
            "a longer one gets 502 then."},
    {.key = "body_rate", .kind = GW_KIND_SIZE, .min = 0, .max = INT64_C(1) << 30,
     .doc = "Least bytes a second of a request's body, over each `timeouts.slow`; 408 below. 0: none."},
    {0},
};

static const struct gw_option_spec top_timeouts[] = {
    {.key = "head", .kind = GW_KIND_DURATION, .fallback = "10s", .min = 1, .max = DAY_MS,
     .doc = "From the first byte of a request's head to its last; 408 after."},
    {.key = "keep_alive", .kind = GW_KIND_DURATION, .fallback = "60s", .min = 1, .max = DAY_MS,
     .doc = "How long a client's connection may wait for its next request; closed after."},
    {.key = "connect", .kind = GW_KIND_DURATION, .fallback = "3s", .min = 1, .max = DAY_MS,
     .doc = "For a connection to an instance; the next one is tried after, then 502."},
    {.key = "response", .kind = GW_KIND_DURATION, .fallback = "60s", .min = 1, .max = DAY_MS,
     .doc = "From the end of the request, or its last piece so far, to the head of the response; 504 after."},
    {.key = "stall", .kind = GW_KIND_DURATION, .fallback = "60s", .min = 1, .max = DAY_MS,
     .doc = "Between two pieces of a body, in either direction; 408 after, or the answer is cut."},
    {.key = "slow", .kind = GW_KIND_DURATION, .fallback = "10s", .min = 1, .max = DAY_MS,
     .doc = "How long a request's body may come slower than `limits.body_rate`, but for pauses of the gateway's; 408 "
            "after."},
    {.key = "total", .kind = GW_KIND_DURATION, .fallback = "1h", .min = 1, .max = INT64_C(30) * DAY_MS,
     .doc = "From a request's head to the last byte of its response; 408 or 504 after, or the answer is cut."},
    {0},
};

static const struct gw_option_spec listener_timeouts[] = {
    {.key = "head", .kind = GW_KIND_DURATION, .min = 1, .max = DAY_MS,
     .doc = "From the first byte of a request's head to its last; 408 after."},
    {.key = "keep_alive", .kind = GW_KIND_DURATION, .min = 1, .max = DAY_MS,
     .doc = "How long a client's connection may wait for its next request; closed after."},
    {0},
};

static const struct gw_option_spec service_timeouts[] = {
    {.key = "connect", .kind = GW_KIND_DURATION, .min = 1, .max = DAY_MS,
     .doc = "For a connection to an instance; the next one is tried after, then 502."},
    {0},
};

static const struct gw_option_spec route_timeouts[] = {
    {.key = "response", .kind = GW_KIND_DURATION, .min = 1, .max = DAY_MS,
     .doc = "From the end of the request, or its last piece so far, to the head of the response; 504 after."},
    {.key = "stall", .kind = GW_KIND_DURATION, .min = 1, .max = DAY_MS,
     .doc = "Between two pieces of a body, in either direction; 408 after, or the answer is cut."},
    {.key = "slow", .kind = GW_KIND_DURATION, .min = 1, .max = DAY_MS,
     .doc = "How long a request's body may come slower than `limits.body_rate`, but for pauses of the gateway's; 408 "
            "after."},
    {.key = "total", .kind = GW_KIND_DURATION, .min = 1, .max = INT64_C(30) * DAY_MS,
     .doc = "From a request's head to the last byte of its response; 408 or 504 after, or the answer is cut."},
    {0},
};

static const struct gw_option_spec top_http[] = {
    {.key = "trace", .kind = GW_KIND_BOOL, .fallback = "false",
     .doc = "Routes TRACE like any method; false: it is 405."},
    {.key = "server", .kind = GW_KIND_BOOL, .fallback = "true",
     .doc = "`Server: gateway` in the gateway's own answers; false: in none, and instances' is taken off too."},
    {.key = "merge_slashes", .kind = GW_KIND_BOOL, .fallback = "false",
     .doc = "Makes one of several slashes in a row, in the path that routes, filters and instances see."},
    {.key = "forwarded", .kind = GW_KIND_CHOICE, .choices = FORWARDED, .fallback = "x-forwarded",
     .doc = "Which fields tell instances of the client; `pass`: those that came, unchanged. The others are dropped."},
    {0},
};

static const struct gw_option_spec listener_http[] = {
    {.key = "trace", .kind = GW_KIND_BOOL, .doc = "Routes TRACE like any method; false: it is 405."},
    {.key = "server", .kind = GW_KIND_BOOL,
     .doc = "`Server: gateway` in the gateway's own answers; false: in none, and instances' is taken off too."},
    {.key = "merge_slashes", .kind = GW_KIND_BOOL,
     .doc = "Makes one of several slashes in a row, in the path that routes, filters and instances see."},
    {.key = "forwarded", .kind = GW_KIND_CHOICE, .choices = FORWARDED,
     .doc = "Which fields tell instances of the client; `pass`: those that came, unchanged. The others are dropped."},
    {0},
};

static const struct gw_option_spec log_specs[] = {
    {.key = "level", .kind = GW_KIND_CHOICE, .choices = "error|warning|info|debug", .fallback = "info",
     .shorthand = true, .doc = "Least important kind of line that is logged."},
    {0},
};

static const struct gw_option_spec admin_specs[] = {
    {.key = "socket", .kind = GW_KIND_PATH, .required = true,
     .doc = "Unix socket of the admin API, for this user and root; `gwctl status` and `reload` use it."},
    {0},
};

static const struct gw_option_spec idl_specs[] = {
    {.key = "folder", .kind = GW_KIND_PATH, .required = true, .shorthand = true,
     .doc = "Where the *.thrift files are, its subfolders included. echo.thrift describes service `echo`: its last "
            "service block; another block of it is `echo.NAME`."},
    {0},
};

static const struct gw_option_spec pool_specs[] = {
    {.key = "idle", .kind = GW_KIND_INT, .fallback = "512", .min = 0, .max = 100000,
     .doc = "Most connections to an instance that a worker keeps after they have idled for a second; 0: none."},
    {.key = "keep_alive", .kind = GW_KIND_DURATION, .fallback = "50s", .min = 1, .max = DAY_MS,
     .doc = "How long a connection is kept idle."},
    {0},
};

static const struct gw_option_spec plugin_item = {.kind = GW_KIND_STRING};

const struct gw_option_spec gw__top_specs[] = {
    {.key = "version", .kind = GW_KIND_ANY, .doc = "Version of this format: 1. Every file says it."},
    {.key = "include", .kind = GW_KIND_ANY,
     .doc = "A folder, of which every *.cfg is read by itself, in the order of their names; or one file."},
    {.key = "workers", .kind = GW_KIND_INT, .min = 1, .max = 256,
     .doc = "Worker threads; by default one for each CPU. A change needs a restart."},
    {.key = "log", .kind = GW_KIND_GROUP, .members = log_specs, .fallback = "{}", .doc = "Diagnostics."},
    {.key = "plugins", .kind = GW_KIND_STRINGS, .members = &plugin_item, .fallback = "()",
     .doc = "Shared objects with types of stages. A name without '/' is looked for in the plugin folder."},
    {.key = "admin", .kind = GW_KIND_GROUP, .members = admin_specs, .doc = "The admin API; none by default."},
    {.key = "idl", .kind = GW_KIND_GROUP, .members = idl_specs, .doc = "What RPC services look like; none by default."},
    {.key = "limits", .kind = GW_KIND_GROUP, .members = top_limits, .fallback = "{}",
     .doc = "What a request may not exceed."},
    {.key = "timeouts", .kind = GW_KIND_GROUP, .members = top_timeouts, .fallback = "{}",
     .doc = "How long a wait may last."},
    {.key = "http", .kind = GW_KIND_GROUP, .members = top_http, .fallback = "{}", .doc = "How HTTP is spoken."},
    {.key = "trusted_proxies", .kind = GW_KIND_STRINGS,
     .doc = "Addresses and networks (\"10.0.0.0/8\", \"2001:db8::/32\", \"unix\") of proxies whose word on the client "
            "counts."},
    {.key = "listeners", .kind = GW_KIND_ANY, .doc = "A list of groups: where to listen."},
    {.key = "services", .kind = GW_KIND_ANY, .doc = "A list of groups: the backends."},
    {.key = "decorators", .kind = GW_KIND_ANY,
     .doc = "A list of `{ name = options; }`: filters around everything, routing included."},
    {.key = "filters", .kind = GW_KIND_ANY, .doc = "A list of `{ name = options; }`: filters of all routes."},
    {.key = "routes", .kind = GW_KIND_ANY, .doc = "A list of groups: which request goes where."},
    {0},
};

const struct gw_option_spec gw__listener_specs[] = {
    {.key = "address", .kind = GW_KIND_ANY,
     .doc = "\"host:port\", \"[v6]:port\", \":port\" (all of IPv4) or \"unix:/path\". Port 0 takes any that is free."},
    {.key = "limits", .kind = GW_KIND_GROUP, .members = listener_limits, .doc = "In place of the top level's."},
    {.key = "timeouts", .kind = GW_KIND_GROUP, .members = listener_timeouts, .doc = "In place of the top level's."},
    {.key = "http", .kind = GW_KIND_GROUP, .members = listener_http, .doc = "In place of the top level's."},
    {.key = "trusted_proxies", .kind = GW_KIND_STRINGS, .doc = "In place of the top level's."},
    {0},
};

const struct gw_option_spec gw__service_specs[] = {
    {.key = "name", .kind = GW_KIND_ANY, .doc = "The name that endpoints call it by."},
    {.key = "instances", .kind = GW_KIND_ANY, .doc = "A list of addresses, or of groups with address and weight."},
    {.key = "balance", .kind = GW_KIND_CHOICE, .choices = "round_robin", .fallback = "round_robin",
     .doc = "How an instance is chosen for a request."},
    {.key = "pool", .kind = GW_KIND_GROUP, .members = pool_specs, .fallback = "{}",
     .doc = "Connections kept for the next request."},
    {.key = "idl", .kind = GW_KIND_STRING,
     .doc = "Which service of the IDL folder it is; by default the one of its own name."},
    {.key = "encoding", .kind = GW_KIND_CHOICE, .choices = GW__ENCODING_WORDS,
     .doc = "How its Thrift values are encoded; in place of the endpoint's."},
    {.key = "transport", .kind = GW_KIND_CHOICE, .choices = GW__TRANSPORT_WORDS,
     .doc = "How its Thrift messages are delimited; in place of the endpoint's."},
    {.key = "json", .kind = GW_KIND_CHOICE, .choices = GW__JSON_WORDS,
     .doc = "How JSON is read for it; in place of the endpoint's."},
    {.key = "int64", .kind = GW_KIND_CHOICE, .choices = GW__INT64_WORDS,
     .doc = "How its i64 stand in JSON; in place of the endpoint's."},
    {.key = "nan", .kind = GW_KIND_CHOICE, .choices = GW__NAN_WORDS,
     .doc = "What NaN and infinite doubles of it are in JSON; in place of the endpoint's."},
    {.key = "binary", .kind = GW_KIND_CHOICE, .choices = GW__BINARY_WORDS,
     .doc = "How its binary stands in JSON; in place of the endpoint's."},
    {.key = "zlib", .kind = GW_KIND_BOOL,
     .doc = "With `theader`, whether requests to it are compressed; in place of the endpoint's."},
    {.key = "multiplexed", .kind = GW_KIND_STRING,
     .doc = "What the server calls it where one port has several services; in place of the endpoint's."},
    {.key = "in_flight", .kind = GW_KIND_INT, .min = 1, .max = GW__IN_FLIGHT_MOST,
     .doc = "Calls that one connection to it may carry at a time; in place of the endpoint's."},
    {.key = "caller", .kind = GW_KIND_STRING,
     .doc = "The name of the gateway that TTHeader tells it; in place of the endpoint's."},
    {.key = "path", .kind = GW_KIND_STRING,
     .doc = "With the transport `http`, the path it is called at; in place of the endpoint's."},
    {.key = "biz_status", .kind = GW_KIND_LIST, .members = gw__biz_status_specs,
     .doc = "HTTP statuses of its business errors; in place of the endpoint's."},
    {.key = "timeouts", .kind = GW_KIND_GROUP, .members = service_timeouts, .doc = "In place of the top level's."},
    {0},
};

const struct gw_option_spec gw__instance_specs[] = {
    {.key = "address", .kind = GW_KIND_ANY, .doc = "\"host:port\", \"[v6]:port\" or \"unix:/path\"."},
    {.key = "weight", .kind = GW_KIND_INT, .fallback = "1", .min = 1, .max = 1000,
     .doc = "Its share of the requests, next to the others' weights."},
    {0},
};

const struct gw_option_spec gw__route_specs[] = {
    {.key = "id", .kind = GW_KIND_ANY, .doc = "A name for logs and messages; no two routes have the same."},
    {.key = "predicates", .kind = GW_KIND_ANY, .doc = "A group of `name = options;`: all of them must match."},
    {.key = "filters", .kind = GW_KIND_ANY, .doc = "A list of `{ name = options; }`, run in this order."},
    {.key = "endpoint", .kind = GW_KIND_ANY, .doc = "A group of one `name = options;`: what makes the response."},
    {.key = "priority", .kind = GW_KIND_INT, .fallback = "0", .min = -1000000, .max = 1000000,
     .doc = "Decides between routes of which neither is more specific; the highest wins."},
    {.key = "limits", .kind = GW_KIND_GROUP, .members = route_limits, .doc = "In place of the top level's."},
    {.key = "timeouts", .kind = GW_KIND_GROUP, .members = route_timeouts, .doc = "In place of the top level's."},
    {0},
};

static void fill(int64_t *out, const struct gw_option *group, const char *key)
{
    if (gw_option_get(group, key))
        *out = gw_option_int(group, key);
}

void gw__limits_fill(struct gw__limits *out, const struct gw_option *group)
{
    if (!group)
        return;
    fill(&out->line_bytes, group, "line_bytes");
    fill(&out->head_bytes, group, "head_bytes");
    fill(&out->headers, group, "headers");
    fill(&out->body_bytes, group, "body");
    fill(&out->call_bytes, group, "call");
    fill(&out->body_buffer_bytes, group, "body_buffer");
    fill(&out->connections, group, "connections");
    fill(&out->client_connections, group, "client_connections");
    fill(&out->requests, group, "requests");
    fill(&out->in_flight, group, "in_flight");
    fill(&out->replay_bytes, group, "replay");
    fill(&out->body_rate, group, "body_rate");
}

void gw__timeouts_fill(struct gw__timeouts *out, const struct gw_option *group)
{
    if (!group)
        return;
    fill(&out->head_ms, group, "head");
    fill(&out->keep_alive_ms, group, "keep_alive");
    fill(&out->connect_ms, group, "connect");
    fill(&out->response_ms, group, "response");
    fill(&out->stall_ms, group, "stall");
    fill(&out->slow_ms, group, "slow");
    fill(&out->total_ms, group, "total");
}

static void fill_bool(bool *out, const struct gw_option *group, const char *key)
{
    if (gw_option_get(group, key))
        *out = gw_option_bool(group, key);
}

void gw__http_options_fill(struct gw__http_options *out, const struct gw_option *group)
{
    if (!group)
        return;
    fill_bool(&out->trace, group, "trace");
    fill_bool(&out->server, group, "server");
    fill_bool(&out->merge_slashes, group, "merge_slashes");
    static const char *const words[] = {
        [GW__FORWARDED_X] = "x-forwarded",  [GW__FORWARDED_STANDARD] = "forwarded", [GW__FORWARDED_BOTH] = "both",
        [GW__FORWARDED_NONE] = "none",      [GW__FORWARDED_PASS] = "pass",
    };
    const char *forwarded = gw_option_string(group, "forwarded");
    for (uint8_t i = 0; forwarded && i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], forwarded) == 0)
            out->forwarded = i;
}
