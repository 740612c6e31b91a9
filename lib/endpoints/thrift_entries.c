/* Entries of a TTHeader: RPC_BACKWARD_SOME_KEY becomes the response header rpc-backward-some-key, unless that would be
 * no header (a value with control bytes, a key with blanks); `crrst` says that the server is about to close the
 * connection; `biz-status`, if it is not 0, that the call is a business error, with `biz-message` and `biz-extra`. */
#include "endpoints/thrift_entries.h"

#include "json/reader.h"
#include "wire/ttheader.h"

#define BACKWARD "RPC_BACKWARD_"

enum {
    EXTRA_DEPTH = 64,
    DEFAULT_STATUS = 422,
    FIELDS = GW__MOST_FIELDS / 2, /* of a response: with more, entries are left out, so that filters can add theirs */
};

struct biz_error {
    int64_t status;
    struct gw__str message, extra; /* in the header's bytes */
};

/* False when out of memory. */
static bool add_header(struct gw_exchange *ex, const struct gw__ttheader_entry *entry)
{
    static const char prefix[] = "rpc-backward-";
    size_t skipped = sizeof BACKWARD - 1, size = entry->key.size - skipped;
    if (!size || ex->response.fields.count >= FIELDS || !gw__is_token(entry->key.data + skipped, size) ||
        !gw__is_field_value(entry->value.data, entry->value.size))
        return true;
    char *name = gw_exchange_alloc(ex, sizeof prefix + size);
    char *value = gw_exchange_alloc(ex, entry->value.size + 1);
    if (!name || !value)
        return false;
    memcpy(name, prefix, sizeof prefix - 1);
    gw__lower_copy(name + sizeof prefix - 1, entry->key.data + skipped, size);
    for (char *at = name; at < name + sizeof prefix - 1 + size; at++)
        *at = *at == '_' ? '-' : *at;
    if (entry->value.size)
        memcpy(value, entry->value.data, entry->value.size);
    return gw__fields_add(&ex->response.fields, &ex->arena, name, sizeof prefix - 1 + size, value, entry->value.size);
}

static bool is_key(const struct gw__ttheader_entry *entry, const char *key)
{
    return gw__str_equal(entry->key, gw__str(key));
}

/* A decimal number of 32 bits; 0 for all else, as Kitex reads it. */
static int64_t read_status(struct gw__str text)
{
    int64_t value = 0;
    bool negative = text.size && text.data[0] == '-';
    for (size_t i = negative; i < text.size; i++) {
        unsigned digit = (unsigned)(text.data[i] - '0');
        value = 10 * value + digit;
        if (digit > 9 || value > INT32_MAX)
            return 0;
    }
    return negative ? -value : value;
}

static bool take_entry(struct gw__thrift_leg *leg, const struct gw__ttheader_entry *entry, struct biz_error *error)
{
    static const struct gw__str backward = {BACKWARD, sizeof BACKWARD - 1};
    if (!entry->key.data)
        return true;
    if (entry->key.size >= backward.size && memcmp(entry->key.data, backward.data, backward.size) == 0)
        return add_header(leg->call.ex, entry);
    if (is_key(entry, "crrst"))
        leg->closes = leg->closes || gw__str_equal(entry->value, gw__str("1"));
    else if (is_key(entry, "biz-status"))
        error->status = read_status(entry->value);
    else if (is_key(entry, "biz-message"))
        error->message = entry->value;
    else if (is_key(entry, "biz-extra"))
        error->extra = entry->value;
    return true;
}

/* ---- business errors ---- */

static bool is_object(struct gw__str text)
{
    struct gw__json json;
    gw__json_init(&json, EXTRA_DEPTH);
    gw__json_feed(&json, text.data, text.size, true);
    enum gw__json_event event = gw__json_next(&json);
    bool object = event == GW__JSON_OBJECT;
    while (event != GW__JSON_END && event != GW__JSON_ERROR && event != GW__JSON_MORE)
        event = gw__json_next(&json);
    gw__json_finish(&json);
    return object && event == GW__JSON_END;
}

static int http_status(const struct gw_option *list, int64_t code)
{
    for (size_t i = 0; i < gw_option_count(list); i++) {
        const struct gw_option *group = gw_option_at(list, i);
        if (gw_option_int(group, "code") == code)
            return (int)gw_option_int(group, "status");
    }
    return DEFAULT_STATUS;
}

static void fail_business(struct gw__thrift_leg *leg, const struct biz_error *error, bool good)
{
    struct gw_exchange *ex = leg->call.ex;
    const char *message = gw_exchange_print(ex, "%.*s", (int)error->message.size, error->message.data);
    const char *extra = gw_exchange_print(ex, "%.*s", (int)error->extra.size, error->extra.data);
    const char *status = gw_exchange_print(ex, "%lld", (long long)error->status);
    int http = http_status(leg->call.options.biz_status, error->status);
    bool as_it_is = error->extra.size && is_object(error->extra);
    gw__thrift_let_go(leg, good);
    if (!message || !extra || !status) {
        gw__rpc_fail_memory(&leg->call);
        return;
    }
    gw_exchange_set_error_member(ex, "biz_status", status);
    gw__rpc_set_text_member(ex, "biz_message", message);
    if (as_it_is)
        gw_exchange_set_error_member(ex, "biz_extra", extra);
    else if (*extra)
        gw__rpc_set_text_member(ex, "biz_extra", extra);
    gw_exchange_fail_code(ex, http, "GW4222", NULL, "%s", *message ? message : "business error");
}

bool gw__thrift_take_entries(struct gw__thrift_leg *leg, size_t rest)
{
    const struct gw__frame_reader *frame = &leg->call.converter->frame;
    struct gw__ttheader_walk walk = {.at = frame->entries.data, .end = frame->entries.data + frame->entries.size};
    struct gw__ttheader_entry entry;
    struct biz_error error = {0};
    bool bad;
    if (gw__thrift_is_stale(leg, frame->sequence))
        return true;
    while (gw__ttheader_next(&walk, &entry, &bad))
        if (!take_entry(leg, &entry, &error)) {
            gw__thrift_let_go(leg, false);
            gw__rpc_fail_memory(&leg->call);
            return false;
        }
    if (bad)
        gw__thrift_not_understood(leg, "an entry of its TTHeader is malformed");
    else if (error.status && leg->call.method->oneway)
        gw__thrift_not_understood(leg, "a oneway method has none");
    else if (error.status && frame->sequence != (uint32_t)leg->sequence)
        gw__thrift_not_understood(leg, "it has another sequence id");
    else if (error.status)
        fail_business(leg, &error, frame->left == rest && !leg->closes && !leg->unsent && !leg->blocked);
    return !bad && !error.status;
}
