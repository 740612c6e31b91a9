/* Options of an RPC service from a config, whose words have been checked against the tables of options. */
#include "upstream/callee.h"

#include <stddef.h>
#include <string.h>

uint8_t gw__word_place(const char *word, const char *words)
{
    for (uint8_t place = 1;; place++) {
        size_t size = strcspn(words, "|");
        if (strlen(word) == size && memcmp(words, word, size) == 0)
            return place;
        if (!words[size])
            return 0;
        words += size + 1;
    }
}

static const struct gw_option_spec biz_status_members[] = {
    {.key = "code", .kind = GW_KIND_INT, .required = true, .min = INT32_MIN, .max = INT32_MAX,
     .doc = "The `biz-status`."},
    {.key = "status", .kind = GW_KIND_INT, .required = true, .min = 400, .max = 599, .doc = "The HTTP status."},
    {0},
};

const struct gw_option_spec gw__biz_status_specs[] = {
    {.kind = GW_KIND_GROUP, .members = biz_status_members},
    {0},
};

/* 0 if none is configured. */
static uint8_t choose(const struct gw_option *group, const char *key, const char *words)
{
    const char *word = gw_option_string(group, key);
    return word ? gw__word_place(word, words) : 0;
}

void gw__rpc_options_fill(struct gw__rpc_options *options, const struct gw_option *group)
{
    struct gw__rpc_options given = {
        .encoding = choose(group, "encoding", GW__ENCODING_WORDS),
        .transport = choose(group, "transport", GW__TRANSPORT_WORDS),
        .json = choose(group, "json", GW__JSON_WORDS),
        .int64 = choose(group, "int64", GW__INT64_WORDS),
        .nan = choose(group, "nan", GW__NAN_WORDS),
        .binary = choose(group, "binary", GW__BINARY_WORDS),
        .zlib = gw_option_get(group, "zlib") ? 1 + gw_option_bool(group, "zlib") : 0,
        .in_flight = (uint8_t)gw_option_int(group, "in_flight"),
        .multiplexed = gw_option_string(group, "multiplexed"),
        .caller = gw_option_string(group, "caller"),
        .path = gw_option_string(group, "path"),
        .biz_status = gw_option_get(group, "biz_status"),
    };
    gw__rpc_options_complete(options, &given);
}

static uint8_t either(uint8_t own, uint8_t other)
{
    return own ? own : other;
}

void gw__rpc_options_complete(struct gw__rpc_options *options, const struct gw__rpc_options *others)
{
    options->encoding = either(options->encoding, others->encoding);
    options->transport = either(options->transport, others->transport);
    options->json = either(options->json, others->json);
    options->int64 = either(options->int64, others->int64);
    options->nan = either(options->nan, others->nan);
    options->binary = either(options->binary, others->binary);
    options->zlib = either(options->zlib, others->zlib);
    options->in_flight = either(options->in_flight, others->in_flight);
    options->multiplexed = options->multiplexed ? options->multiplexed : others->multiplexed;
    options->caller = options->caller ? options->caller : others->caller;
    options->path = options->path ? options->path : others->path;
    options->biz_status = options->biz_status ? options->biz_status : others->biz_status;
}

const char *gw__rpc_options_conflict(const struct gw__rpc_options *options)
{
    if (options->zlib == 2 && options->transport != GW__TRANSPORT_THEADER)
        return "zlib = true needs transport = \"theader\"";
    if (options->path && strcspn(options->path, " \t\r\n") != strlen(options->path))
        return "path has white space in it";
    if (options->path && options->path[0] != '/')
        return "path does not begin with '/'";
    if (options->in_flight > 1 && !gw__rpc_transport_has_id(options->transport))
        return "in_flight > 1 needs a transport whose messages have an id: theader, ttheader or ttheader_framed";
    return NULL;
}
