/* Fast path of encode.c: while the text is what the schema expects, key, colon and value of an entry are read at once,
 * without the reader's events. An entry is read whole, or reader and frames are left as they are between two steps of
 * the general path. Nothing is refused here: whatever is unusual is left to the general path, which reports errors.
 *
 * A container that opens is taken by a call; each has its frame all the same, so that the general path can go on where
 * calls return. Reader and wire are kept in local variables; the reader is told of open containers in the end. */
#include "json/unescape.h"
#include "transcode/inside.h"

enum {
    ENTRY_BYTES = 64, /* on the wire: of an entry, but for the rest of a string */
    TEXT_BYTES = 80,  /* of text: the like, with GW__JSON_KEY_BYTES; they are looked at unasked */
    FRONT_BYTES = GW__NUMBER_FRONT_BYTES, /* in front of the end of the text that was copied */
};

#define INLINE static inline __attribute__((always_inline))
#define RARELY(condition) __builtin_expect(!!(condition), 0)

struct run {
    struct gw__encode *encode;
    const char *safe;      /* up to it entries may begin, as TEXT_BYTES are there */
    const char *end;       /* of the text, or where TEXT_BYTES behind it end */
    const char *number;    /* from here on, GW__NUMBER_FRONT_BYTES in front of a number can be read */
    const char *first;     /* the bracket of a container just opened, which stands for a comma */
    char *room;            /* behind it, more must be made */
    struct gw__encode_frame *frame, *lowest; /* on top; lowest: since the beginning */
    const char *at;        /* where it ended: what stands before `at` and `out` is taken */
    char *out;
    bool in_entry;         /* there, a value is next: its key, or the comma in front of it, was taken */
};

/* Where reader and wire are between two entries: calls take and return it in registers, since each step waits for the
 * one before. */
struct place {
    const char *at; /* NULL: the container on top goes on with the next piece or by the general path; see the run */
    char *out;
};

enum result {
    TAKEN,    /* all of the value */
    STAYS,    /* value: a container, which goes on as the one on top */
    REFUSED,  /* value: it is not what is usual; nothing of it was taken */
    NO_ENTRY, /* container: what comes is none, but perhaps its end */
    PAUSES,   /* container: no text or no room for one more */
};

/* ---- values: the text begins at `at`, what is written at *out, which is moved; returned is where the text goes on, or
 * NULL */

/* Any number that is a double. */
static __attribute__((noinline)) const char *scan_double(const char *at, const char *end, double *value)
{
    struct gw__number number;
    const char *behind = gw__number_scan(&number, at, end);
    if (!behind || number.text.size > GW__JSON_TEXT_BYTES)
        return NULL;
    *value = gw__number_double(&number);
    return *value - *value == 0 ? behind : NULL;
}

INLINE const char *take_double(const struct run *run, const char *at, char **out)
{
    double value;
    uint64_t bits;
    const char *behind = RARELY(at < run->number) ? NULL : gw__number_decimal(at, &value);
    if (RARELY(!behind)) {
        double any;
        behind = scan_double(at, run->end, &any);
        if (!behind)
            return NULL;
        value = any;
    }
    memcpy(&bits, &value, sizeof bits);
    gw__wire_set64(*out, bits);
    *out += 8;
    return behind;
}

/* Without a branch on which of the two it is. */
INLINE const char *take_bool(const char *at, char **out)
{
    static const uint64_t words[] = {UINT64_C(0x65736c6166) << 24, UINT64_C(0x65757274) << 32}; /* "false", "true" */
    uint64_t word;
    memcpy(&word, at, sizeof word);
    word = le64toh(word);
    unsigned yes = (word & 0xff) == 't';
    if (RARELY(word << (24 + 8 * yes) != words[yes]))
        return NULL;
    *(*out)++ = (char)yes;
    return at + 5 - yes;
}

/* A longer one, or near the beginning of the text, where nothing may be read in front. */
static __attribute__((noinline)) const char *scan_integer(const struct run *run, const char *at, int64_t *value)
{
    struct gw__number number;
    const char *behind = gw__number_scan(&number, at, run->end);
    *value = number.int64;
    return behind && number.is_int64 ? behind : NULL;
}

INLINE const char *take_integer(const struct run *run, const char *at, unsigned bytes, char **out)
{
    int64_t value;
    const char *behind = RARELY(at < run->number) ? NULL : gw__number_short(at, &value);
    if (RARELY(!behind)) {
        int64_t any;
        behind = scan_integer(run, at, &any);
        if (!behind)
            return NULL;
        value = any;
    }
    if (RARELY(!gw__encode_fits(value, bytes)))
        return NULL;
    gw__wire_set64(*out, (uint64_t)value << (64 - 8 * bytes));
    *out += bytes;
    return behind;
}

/* Most have one digit: where the next value begins is guessed then, not computed. */
INLINE const char *take_enum(const struct run *run, const char *at, char **out)
{
    unsigned digit = (unsigned char)(*at - '0');
    if (digit > 9 || !gw__number_ends(at[1]))
        return take_integer(run, at, 4, out);
    gw__wire_set32(*out, digit);
    *out += 4;
    return at + 1;
}

/* Of at most 16 plain bytes. */
INLINE const char *take_short(const char *at, char **out)
{
    if (RARELY(*at != '"'))
        return NULL;
    unsigned count = gw__json_copy_block(*out + 4, at + 1);
    if (at[1 + count] != '"')
        return NULL;
    gw__wire_set32(*out, count);
    *out += 4 + count;
    return at + count + 2;
}

/* The rest of one that is whole in the text and has room, without rare escapes; what comes before `at` stands in front
 * of `text`. */
static __attribute__((noinline)) const char *copy_text(const struct run *run, const char *at, char *text, char **out)
{
    at = gw__json_copy_whole(at, run->end, &text, run->room + ENTRY_BYTES);
    if (at >= run->end || *at != '"')
        return NULL;
    gw__wire_set32(*out, (uint32_t)(text - *out - 4));
    *out = text;
    return at + 1;
}

/* Most strings are plain and end within 32 bytes: those at once. */
INLINE const char *take_text(const struct run *run, const char *at, char **out)
{
    if (RARELY(*at != '"'))
        return NULL;
    unsigned count = (unsigned)__builtin_ctzll(gw__json_copy_pair(*out + 4, at + 1));
    if (at[1 + count] != '"') {
        char *to = *out;
        const char *behind = copy_text(run, at + 1 + count, to + 4 + count, &to);
        *out = to;
        return behind;
    }
    gw__wire_set32(*out, count);
    *out += 4 + count;
    return at + count + 2;
}

/* ---- blanks, commas, room */

static __attribute__((noinline)) const char *pass_blanks(const char *at, const char *safe)
{
    while (at <= safe && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at <= safe ? at : NULL;
}

/* NULL: the text must go on. */
INLINE const char *pass_blank(const char *at, const struct run *run)
{
    return RARELY((unsigned char)*at <= ' ') ? pass_blanks(at, run->safe) : at;
}

/* From `out` on: where it is now, or NULL. */
static __attribute__((noinline)) char *make_room(struct run *run, char *out)
{
    struct gw__wire *wire = run->encode->wire;
    wire->at = out;
    bool room = wire->end - wire->at >= ENTRY_BYTES;
    if (run->encode->no_memory || (!room && (gw__encode_is_due(run->encode) || !gw__wire_grow(wire, ENTRY_BYTES)))) {
        run->room = out ? out - 1 : NULL; /* nothing was ever written */
        return NULL;
    }
    run->room = wire->end - ENTRY_BYTES;
    return wire->at;
}

_Static_assert(GW__ENCODE_TAIL_BYTES == FRONT_BYTES + 2 * TEXT_BYTES, "of text, and of zeros behind it");

static char *tail_end(struct gw__encode *encode)
{
    return encode->tail + FRONT_BYTES + TEXT_BYTES;
}

static bool is_tail(struct gw__encode *encode)
{
    return encode->json.end == tail_end(encode);
}

/* The end of the text is copied to where more bytes stand behind it: none of them belongs to a value, but for a number
 * that would be cut off all the same. Sizes that the compiler knows spare calls. */
static void make_tail(struct gw__encode *encode)
{
    struct gw__json *json = &encode->json;
    size_t left = (size_t)(json->end - json->at);
    char *end = tail_end(encode);
    memset(end, 0, TEXT_BYTES);
    if (json->end - json->piece >= TEXT_BYTES) {
        memcpy(end - TEXT_BYTES, json->end - TEXT_BYTES, TEXT_BYTES);
    } else {
        memset(encode->tail, 0, FRONT_BYTES + TEXT_BYTES);
        memcpy(end - left, json->at, left);
    }
    json->end = json->at;
    gw__json_feed(json, end - left, left, true);
}

static void take_text_in(struct run *run)
{
    const struct gw__json *json = &run->encode->json;
    bool tail = is_tail(run->encode);
    run->safe = tail ? json->end - 1 : json->end - TEXT_BYTES;
    run->end = tail ? run->safe + TEXT_BYTES : json->end;
    run->number = tail ? json->piece : json->piece + FRONT_BYTES;
}

/* Where the text goes on, with what is left of it; NULL: not here. */
static __attribute__((noinline)) const char *go_on(struct run *run, const char *at)
{
    struct gw__json *json = &run->encode->json;
    if (!json->last || is_tail(run->encode) || at == json->end)
        return NULL;
    bool first = at == run->first;
    json->at = at;
    make_tail(run->encode);
    take_text_in(run);
    run->first = first ? json->at : NULL;
    return json->at;
}

/* Whether an entry may come at *at, where a comma stands or the bracket, and there is room for it at *out. */
INLINE enum result may_take(struct run *run, const char **at, char **out)
{
    if (RARELY(*at > run->safe)) {
        const char *more = go_on(run, *at);
        if (!more)
            return PAUSES;
        *at = more;
    }
    if (**at != ',' && *at != run->first)
        return NO_ENTRY;
    if (RARELY(*out > run->room)) {
        char *more = make_room(run, *out);
        if (!more)
            return PAUSES;
        *out = more;
    }
    return TAKEN;
}

/* ---- containers */

static struct place take_fields(struct run *run, struct gw__encode_frame *frame, const char *at, char *out);
static struct place take_items(struct run *run, struct gw__encode_frame *frame, const char *at, char *out);
static struct place take_pairs(struct run *run, struct gw__encode_frame *frame, const char *at, char *out);

/* Pairs, and unions of more fields than one word has bits, are left to the general path. */
INLINE bool is_common(const struct gw__encode_frame *frame)
{
    return !frame->form && (frame->type->kind != GW__UNION || frame->type->record->bit_words == 1);
}

INLINE struct gw__encode_frame *last_frame(struct gw__encode *encode)
{
    return &encode->frames[encode->json.depth_limit - 1];
}

INLINE enum result take_whole(struct place behind, const char **at, char **out)
{
    if (RARELY(!behind.at))
        return STAYS;
    *at = behind.at;
    *out = behind.out;
    return TAKEN;
}

INLINE enum result take_container(struct run *run, const struct gw__type *type, const char **text, char **wire)
{
    const char *at = *text;
    char *out = *wire;
    struct gw__encode *encode = run->encode;
    bool map = type->kind == GW__MAP;
    if (*at != (map ? '{' : '[') || run->frame == last_frame(encode) || (map && gw__type_is_pairs(type)))
        return REFUSED;
    if (map)
        *out++ = (char)type->key->thrift;
    *out++ = (char)type->value->thrift;
    *++run->frame = (struct gw__encode_frame){
        .type = type,
        .patch = out,
        .segment = encode->wire->last,
        .errors = (uint8_t)encode->error_count,
        .marked = gw__encode_is_marked(encode, type),
        .bits = (uint32_t)encode->marks.count,
    };
    run->first = at;
    out += 4;
    return take_whole(map ? take_pairs(run, run->frame, at, out) : take_items(run, run->frame, at, out), text, wire);
}

INLINE enum result take_record(struct run *run, const struct gw__type *type, const char **at, char **out)
{
    struct gw__encode *encode = run->encode;
    struct gw__bits *bits = &encode->bits;
    uint32_t words = type->record->bit_words;
    if (**at != '{' || run->frame == last_frame(encode) || bits->capacity - bits->count < words)
        return REFUSED;
    if (type->kind == GW__UNION && words > 1)
        return REFUSED;
    *++run->frame = (struct gw__encode_frame){.type = type, .bits = (uint32_t)bits->count};
    bits->words[bits->count++] = 0;
    for (uint32_t i = 1; RARELY(i < words); i++)
        bits->words[bits->count++] = 0;
    run->first = *at;
    return take_whole(take_fields(run, run->frame, *at, *out), at, out);
}

/* The value at *at, from *out on; both are moved behind it, unless it is refused. */
INLINE enum result take_value(struct run *run, const struct gw__type *type, const char **at, char **out)
{
    const char *behind;
    char *to = *out;
    switch (type->kind) {
    case GW__BOOL: behind = take_bool(*at, &to); break;
    case GW__I8:
    case GW__I16: behind = take_integer(run, *at, type->min_bytes, &to); break;
    case GW__I32: behind = take_integer(run, *at, 4, &to); break;
    case GW__ENUM: behind = take_enum(run, *at, &to); break;
    case GW__I64: behind = take_integer(run, *at, 8, &to); break;
    case GW__DOUBLE: behind = take_double(run, *at, &to); break;
    case GW__STRING: behind = take_text(run, *at, &to); break;
    case GW__LIST:
    case GW__SET:
    case GW__MAP: return take_container(run, type, at, out);
    case GW__STRUCT:
    case GW__UNION:
    case GW__EXCEPTION: return take_record(run, type, at, out);
    default: return REFUSED;
    }
    if (RARELY(!behind))
        return REFUSED;
    *at = behind;
    *out = to;
    return TAKEN;
}

/* The next byte is the bracket of the container on top, which nothing is left to do for. */
INLINE struct place pop(struct run *run, const char *at, char *out)
{
    run->frame--;
    return (struct place){at + 1, out};
}

/* Likewise, but the general path knows how it ends. */
static __attribute__((noinline)) struct place end_container(struct run *run, const char *at, char *out)
{
    struct gw__encode *encode = run->encode;
    encode->wire->at = out;
    encode->depth = (unsigned)(run->frame + 1 - encode->frames);
    gw__encode_end_container(encode);
    out = encode->wire->at;
    char *more = make_room(run, out);
    return pop(run, at, more ? more : out);
}

/* No entry begins at `at`: where the bracket is that ends the container, NULL if it does not. */
INLINE const char *find_end(const struct run *run, const char *at, const char *out, char bracket)
{
    at = pass_blank(at + (at == run->first), run);
    return at && *at == bracket && out <= run->room ? at : NULL;
}

/* ---- entries: with the comma in front of them */

/* The field that the text names with its key as it is usually written, unless it or another one of a union has been
 * seen. */
static __attribute__((noinline)) const struct gw__field *find_field(const struct gw__record *record,
                                                                    const uint64_t *seen,
                                                                    const struct gw__field *expected, const char *at)
{
    if (expected && gw__json_same_key(at, expected->key, expected->key_size, expected->key_shift))
        return expected;
    char name[20], *behind = name;
    const char *colon = take_short(at, &behind);
    if (!colon || *colon != ':' || (record->type.kind == GW__UNION && *seen))
        return NULL;
    const struct gw__field *field = gw__record_by_name(record, name + 4, (size_t)(behind - name - 4));
    return field && !(seen[field->index / 64] >> field->index % 64 & 1) ? field : NULL;
}

/* The fields of a record that come next as the schema has them: from `next` up to `last` none was seen but those from
 * `first` on, which are marked later, at once. */
struct order {
    const struct gw__field *first, *next, *last;
    uint64_t *seen;
};

INLINE void set_order(struct order *order, const struct gw__record *record, uint32_t index)
{
    bool is_union = record->type.kind == GW__UNION;
    order->first = order->next = record->fields + index;
    order->last = record->fields + (is_union ? 0 : gw__bits_unseen(order->seen, index, record->count));
}

INLINE void mark_order(const struct order *order, const struct gw__record *record)
{
    uint32_t first = (uint32_t)(order->first - record->fields), end = (uint32_t)(order->next - record->fields);
    if (RARELY(record->bit_words > 1))
        gw__bits_mark(order->seen, first, end);
    else if (end > first)
        *order->seen |= ~(uint64_t)0 >> (64 - (end - first)) << first;
}

/* Another field than the next one comes. */
static __attribute__((noinline)) const char *change_order(struct run *run, const struct gw__record *record,
                                                          struct order *order, const char *at)
{
    mark_order(order, record);
    order->first = order->next;
    at = pass_blank(at, run);
    if (!at)
        return NULL;
    const struct gw__field *field = find_field(record, order->seen, order->next < order->last ? order->next : NULL, at);
    if (!field)
        return NULL;
    set_order(order, record, field->index);
    return at;
}

/* Nothing is absent that must not be, or has a default. */
INLINE bool is_complete(const struct gw__encode *encode, const struct gw__record *record, uint64_t seen)
{
    uint64_t needed = *record->required_bits | *gw__record_fallback_bits(record);
    return !encode->options.lenient && record->type.kind != GW__UNION && record->bit_words == 1 && !(needed & ~seen);
}

/* The container on top goes on, from `at` on; what its frame holds is known already. */
static struct place leave(struct run *run, enum result result, const char *at, char *out)
{
    if (result != STAYS) {
        run->at = at;
        run->out = out;
        run->in_entry = result == REFUSED;
    }
    return (struct place){NULL, NULL};
}

static __attribute__((noinline)) struct place take_fields(struct run *run, struct gw__encode_frame *frame,
                                                          const char *at, char *out)
{
    struct gw__encode *encode = run->encode;
    const struct gw__record *record = frame->type->record;
    const char *value = NULL;
    struct order order = {.seen = encode->bits.words + frame->bits};
    enum result result;
    set_order(&order, record, frame->expect);
    while ((result = may_take(run, &at, &out)) == TAKEN) {
        const char *key = at + 1;
        if (order.next >= order.last
            || !gw__json_same_key(key, order.next->key, order.next->key_size, order.next->key_shift)) {
            struct order other = order;
            key = change_order(run, record, &other, key);
            order = other;
        }
        const struct gw__field *field = order.next;
        value = key ? pass_blank(key + field->key_size, run) : NULL;
        if (RARELY(!value)) {
            result = NO_ENTRY;
            break;
        }
        char *to = out + 3;
        memcpy(out, field->head, 4);
        frame->field = field;
        order.next = field + 1;
        result = take_value(run, field->type, &value, &to);
        if (RARELY(result != TAKEN))
            break;
        at = value;
        out = to;
    }
    const char *end = result == NO_ENTRY ? find_end(run, at, out, '}') : NULL;
    bool all = order.first == record->fields && order.next == record->fields + record->count;
    if (!end || !all)
        mark_order(&order, record);
    if (end && (all || is_complete(encode, record, *order.seen))) {
        *out++ = GW__THRIFT_STOP;
        encode->bits.count = frame->bits;
        return pop(run, end, out);
    }
    if (end)
        return end_container(run, end, out);
    frame->expect = (uint32_t)(order.next - record->fields);
    return leave(run, result, result == REFUSED ? value : at, out);
}

static __attribute__((noinline)) struct place take_items(struct run *run, struct gw__encode_frame *frame,
                                                          const char *at, char *out)
{
    const struct gw__type *type = frame->type->value;
    const char *value = NULL;
    enum result result;
    while ((result = may_take(run, &at, &out)) == TAKEN) {
        value = pass_blank(at + 1, run);
        if (RARELY(!value)) {
            result = NO_ENTRY;
            break;
        }
        if (RARELY(frame->marked))
            gw__encode_mark(run->encode, out);
        char *to = out;
        frame->count++;
        result = take_value(run, type, &value, &to);
        if (RARELY(result != TAKEN))
            break;
        at = value;
        out = to;
    }
    if (result == REFUSED) { /* it is taken otherwise, or an end */
        frame->count--;
        run->encode->marks.count -= frame->marked;
        result = at == run->first ? NO_ENTRY : REFUSED;
    }
    const char *end = result == NO_ENTRY ? find_end(run, at, out, ']') : NULL;
    if (end && frame->type->kind == GW__LIST && frame->patch) {
        gw__wire_set32(frame->patch, frame->count);
        return pop(run, end, out);
    }
    if (end)
        return end_container(run, end, out);
    return leave(run, result, result == REFUSED ? value : at, out);
}

static __attribute__((noinline)) struct place take_pairs(struct run *run, struct gw__encode_frame *frame,
                                                          const char *at, char *out)
{
    const struct gw__type *type = frame->type;
    const char *value = NULL;
    enum result result;
    while ((result = may_take(run, &at, &out)) == TAKEN) {
        char *to = out;
        value = type->key->kind == GW__STRING ? pass_blank(at + 1, run) : NULL;
        value = value ? take_short(value, &to) : NULL;
        value = value && *value == ':' ? pass_blank(value + 1, run) : NULL;
        if (!value) {
            result = NO_ENTRY;
            break;
        }
        frame->key = out;
        if (RARELY(frame->marked))
            gw__encode_mark(run->encode, out);
        out = to;
        frame->count++;
        result = take_value(run, type->value, &value, &to);
        if (RARELY(result != TAKEN))
            break;
        at = value;
        out = to;
    }
    frame->count -= result == REFUSED;
    const char *end = result == NO_ENTRY ? find_end(run, at, out, '}') : NULL;
    return end ? end_container(run, end, out) : leave(run, result, result == REFUSED ? value : at, out);
}

/* ---- the run */

static bool is_object(const struct gw__encode_frame *frame)
{
    return !frame->form && (frame->type->kind == GW__MAP || gw__kind_is_record(frame->type->kind));
}

/* What the general path goes on from. */
static void keep(struct gw__encode *encode, const struct run *run)
{
    struct gw__json *json = &encode->json;
    bool first = run->at == run->first && !run->in_entry;
    json->at = run->at + first;
    encode->wire->at = run->out;
    json->depth = encode->depth = (unsigned)(run->frame + 1 - encode->frames);
    for (unsigned at = (unsigned)(run->lowest + 1 - encode->frames); at < encode->depth; at++) {
        uint64_t bit = (uint64_t)1 << at % 64;
        bool object = is_object(&encode->frames[at]);
        json->objects[at / 64] = object ? json->objects[at / 64] | bit : json->objects[at / 64] & ~bit;
    }
    json->in_object = encode->depth && is_object(run->frame);
    if (run->in_entry)
        json->state = GW__JSON_AT_VALUE;
    else if (first)
        json->state = json->in_object ? GW__JSON_AT_FIRST_KEY : GW__JSON_AT_FIRST_VALUE;
    else
        json->state = encode->depth ? GW__JSON_BEHIND_VALUE : GW__JSON_AT_END;
}

/* Entries of the container on top, and of those that open and close on the way. */
static void take_entries(struct gw__encode *encode)
{
    struct gw__json *json = &encode->json;
    bool first = json->state != GW__JSON_BEHIND_VALUE;
    struct run run = {.encode = encode};
    struct place place = {json->at - first, NULL};
    take_text_in(&run);
    run.first = first ? place.at : NULL;
    run.frame = run.lowest = &encode->frames[encode->depth - 1];
    place.out = make_room(&run, encode->wire->at);
    if (!place.out)
        return;
    do {
        struct gw__encode_frame *frame = run.frame;
        run.at = place.at;
        run.out = place.out;
        if (gw__kind_is_record(frame->type->kind))
            place = take_fields(&run, frame, run.at, run.out);
        else if (frame->type->kind == GW__MAP)
            place = take_pairs(&run, frame, run.at, run.out);
        else
            place = take_items(&run, frame, run.at, run.out);
        run.lowest = run.frame < run.lowest ? run.frame : run.lowest;
    } while (place.at && run.frame >= encode->frames && is_common(run.frame));
    if (place.at) {
        run.at = place.at;
        run.out = place.out;
    }
    keep(encode, &run);
}

/* Between two entries of a container, or behind its bracket. */
static bool may_run(const struct gw__encode *encode)
{
    const struct gw__json *json = &encode->json;
    if (encode->step != AT_EVENT || encode->no_memory || !encode->depth || encode->depth != json->depth)
        return false;
    const struct gw__encode_frame *frame = &encode->frames[encode->depth - 1];
    uint8_t first = is_object(frame) ? GW__JSON_AT_FIRST_KEY : GW__JSON_AT_FIRST_VALUE;
    return is_common(frame)
        && (json->state == GW__JSON_BEHIND_VALUE || (json->state == first && json->at > json->piece));
}

void gw__encode_ahead(struct gw__encode *encode)
{
    struct gw__json *json = &encode->json;
    if (json->at == json->end)
        return;
    if (!encode->begun && *json->at == '{' && json->state == GW__JSON_AT_VALUE)
        gw__encode_begin_root(encode);
    if (json->at == json->end || !may_run(encode))
        return;
    if (json->end - json->at < TEXT_BYTES && !is_tail(encode)) {
        if (!json->last)
            return;
        make_tail(encode);
    }
    take_entries(encode);
}
