/* The short way through a text that is as expected: key, colon and value in one go, without events. Each step takes all
 * of a member or item, or leaves reader and frames as they were, or where a step of the long way begins. So nothing is
 * decided here: what is not plain to see is left to the long way, which tells what is wrong with it. */
#include "json/block.h"
#include "transcode/inside.h"

enum { MEMBER_BYTES = 64 /* on the wire, of a field's header and value without the rest of a string */ };

static inline const char *pass_blank(const char *at, const char *end)
{
    return at + (at < end && *at == ' ');
}

/* Where the next entry of the container begins: behind the comma, if one is due. NULL at anything else. */
static inline const char *find_entry(const struct gw__json *json, enum gw__json_state first)
{
    const char *at = json->at;
    if (json->state == GW__JSON_BEHIND_VALUE) {
        if (at == json->end || *at != ',')
            return NULL;
        at++;
    } else if (json->state != first) {
        return NULL;
    }
    return pass_blank(at, json->end);
}

static inline bool ends(struct gw__json *json, enum gw__json_state first)
{
    if (json->at == json->end || *json->at != (json->in_object ? '}' : ']')
        || (json->state != GW__JSON_BEHIND_VALUE && json->state != first))
        return false;
    gw__json_close(json);
    return true;
}

/* ---- values: what is written begins at `out`, where MEMBER_BYTES are, and is taken with the text or not at all */

static inline bool taken(struct gw__encode *encode, const char *at, char *out)
{
    encode->json.at = at;
    encode->json.state = GW__JSON_BEHIND_VALUE;
    encode->wire->at = out;
    return true;
}

static inline bool take_integer(struct gw__encode *encode, const struct gw__type *type, const char *at, char *out)
{
    int64_t value;
    at = gw__number_short(at, encode->json.end, &value);
    if (!at || !gw__encode_fits(value, type->min_bytes))
        return false;
    if (type->min_bytes == 8)
        gw__wire_set64(out, (uint64_t)value);
    else if (type->min_bytes == 4)
        gw__wire_set32(out, (uint32_t)value);
    else if (type->min_bytes == 2)
        gw__wire_set16(out, (uint16_t)value);
    else
        *out = (char)value;
    return taken(encode, at, out + type->min_bytes);
}

static bool take_double(struct gw__encode *encode, const char *at, char *out)
{
    struct gw__number number;
    at = gw__number_scan(&number, at, encode->json.end);
    if (!at || number.text.size > GW__JSON_TEXT_BYTES)
        return false;
    double value = gw__number_double(&number);
    uint64_t bits;
    if (value - value != 0)
        return false;
    memcpy(&bits, &value, sizeof bits);
    gw__wire_set64(out, bits);
    return taken(encode, at, out + 8);
}

static inline bool take_bool(struct gw__encode *encode, const char *at, char *out)
{
    size_t left = (size_t)(encode->json.end - at);
    bool yes = left >= 4 && memcmp(at, "true", 4) == 0;
    if (!yes && (left < 5 || memcmp(at, "false", 5) != 0))
        return false;
    *out = yes;
    return taken(encode, at + 5 - yes, out + 1);
}

/* Of less than 16 plain bytes, to *out, which is moved; returns what stands behind its end, or NULL. */
static inline const char *short_text(const struct gw__json *json, const char *at, char **out)
{
    if (json->end - at < 17 || *at != '"')
        return NULL;
    unsigned count = gw__json_copy_block(*out, at + 1);
    if (count == 16 || at[1 + count] != '"')
        return NULL;
    *out += count;
    return at + count + 2;
}

/* One that is longer goes the long way, which may end with the piece. */
static inline bool take_string(struct gw__encode *encode, const struct gw__type *type, const char *at, char *out)
{
    char *text = out + 4;
    const char *behind = short_text(&encode->json, at, &text);
    if (behind) {
        gw__wire_set32(out, (uint32_t)(text - out - 4));
        return taken(encode, behind, text);
    }
    if (*at != '"')
        return false;
    encode->json.at = at;
    gw__json_open_string(&encode->json, false);
    encode->wire->at = out;
    gw__encode_begin_string(encode, type, AT_COPY);
    return gw__encode_copy_string(encode) == GW__JSON_DONE;
}

static inline bool take_container(struct gw__encode *encode, const struct gw__type *type, const char *at, char *out)
{
    bool items = type->kind == GW__LIST || type->kind == GW__SET;
    if (*at != (items ? '[' : '{') || encode->json.depth == encode->json.depth_limit)
        return false;
    encode->json.at = at;
    gw__json_open(&encode->json, !items);
    encode->wire->at = out;
    if (gw__kind_is_record(type->kind))
        return gw__encode_push_record(encode, type);
    gw__encode_push_items(encode, type);
    return true;
}

static inline bool take_value(struct gw__encode *encode, const struct gw__type *type, const char *at, char *out)
{
    if (at == encode->json.end)
        return false;
    switch (type->kind) {
    case GW__BOOL: return take_bool(encode, at, out);
    case GW__I8:
    case GW__I16:
    case GW__I32:
    case GW__I64:
    case GW__ENUM: return take_integer(encode, type, at, out);
    case GW__DOUBLE: return take_double(encode, at, out);
    case GW__STRING: return take_string(encode, type, at, out);
    case GW__BINARY:
    case GW__UUID: return false;
    default: return take_container(encode, type, at, out);
    }
}

/* ---- entries */

/* The text is the key with its quotes and colon. */
static inline bool is_key(const struct gw__json *json, const char *at, const struct gw__field *field)
{
    return (size_t)(json->end - at) > field->key_size && memcmp(at, field->key, field->key_size) == 0;
}

/* The field that the text names, and where the text goes on behind the colon. */
static inline const struct gw__field *find_field(const struct gw__json *json, const struct gw__encode_frame *frame,
                                                 const char **at)
{
    const struct gw__record *record = frame->type->record;
    const struct gw__field *field = &record->fields[frame->expect];
    if (frame->expect < record->count && is_key(json, *at, field)) {
        *at += field->key_size;
        return field;
    }
    char name[16], *end = name;
    const char *behind = short_text(json, *at, &end);
    if (!behind || behind == json->end || *behind != ':')
        return NULL;
    field = gw__record_by_name(record, name, (size_t)(end - name));
    *at = behind + 1;
    return field;
}

static inline bool is_first(const struct gw__encode *encode, const struct gw__encode_frame *frame,
                            const struct gw__field *field)
{
    return !(encode->words[frame->bits + field->index / 64] >> field->index % 64 & 1);
}

static bool take_field(struct gw__encode *encode, struct gw__encode_frame *frame)
{
    struct gw__json *json = &encode->json;
    const char *at = find_entry(json, GW__JSON_AT_FIRST_KEY);
    const struct gw__field *field = at ? find_field(json, frame, &at) : NULL;
    if (!field || !is_first(encode, frame, field))
        return false;
    at = pass_blank(at, json->end);
    json->at = at;
    json->state = GW__JSON_AT_VALUE;
    gw__encode_begin_field(encode, frame, field);
    char *out = encode->wire->at;
    *out = (char)field->type->thrift;
    gw__wire_set16(out + 1, (uint16_t)field->id);
    return take_value(encode, field->type, at, out + 3);
}

/* The value of a pair or an item; one that is left to the long way is counted there. */
static inline bool take_counted(struct gw__encode *encode, struct gw__encode_frame *frame, const char *at, char *out)
{
    const char *before = encode->json.at;
    frame->count++;
    bool good = take_value(encode, frame->type->value, at, out);
    frame->count -= encode->json.at == before;
    return good;
}

static bool take_pair(struct gw__encode *encode, struct gw__encode_frame *frame)
{
    struct gw__json *json = &encode->json;
    const char *at = find_entry(json, GW__JSON_AT_FIRST_KEY);
    char *out = encode->wire->at, *text = out + 4;
    if (!at || frame->type->key->kind != GW__STRING)
        return false;
    at = short_text(json, at, &text);
    if (!at || at == json->end || *at != ':')
        return false;
    at = pass_blank(at + 1, json->end);
    gw__wire_set32(out, (uint32_t)(text - out - 4));
    frame->key = out;
    json->at = at;
    json->state = GW__JSON_AT_VALUE;
    encode->wire->at = text;
    return take_counted(encode, frame, at, text);
}

static bool take_item(struct gw__encode *encode, struct gw__encode_frame *frame)
{
    const char *at = find_entry(&encode->json, GW__JSON_AT_FIRST_VALUE);
    if (!at)
        return false;
    return take_counted(encode, frame, at, encode->wire->at);
}

void gw__encode_ahead(struct gw__encode *encode)
{
    while (encode->depth && gw__wire_room(encode->wire, MEMBER_BYTES)) {
        struct gw__encode_frame *frame = gw__encode_top(encode);
        bool record = gw__kind_is_record(frame->type->kind), map = frame->type->kind == GW__MAP;
        if (ends(&encode->json, record || map ? GW__JSON_AT_FIRST_KEY : GW__JSON_AT_FIRST_VALUE))
            gw__encode_end_container(encode);
        else if (!(record ? take_field(encode, frame) : map ? take_pair(encode, frame) : take_item(encode, frame)))
            return;
    }
}
