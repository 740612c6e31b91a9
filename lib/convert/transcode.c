/* gw_transcode_…: one conversion after the other with the state that encode, decode and fault need. Thrift is collected
 * until all of the JSON is known to fit; JSON goes to the sink after every piece. Once `ended` is set, nothing but the
 * next begin changes anything. */
#include "base/alloc.h"
#include "convert/inside.h"
#include "transcode/decode.h"
#include "transcode/encode.h"
#include "upstream/callee.h"
#include "wire/fault.h"
#include "wire/frame.h"
#include "wire/message.h"

#include <gateway/transcode.h>
#include <stdio.h>

enum { ERROR_BYTES = 512, OTHER_NAME_BYTES = 64 /* in an exception of a server that knows no better */ };

enum phase { IDLE, HEADER, ENCODES, DECODES, TAKES_FAULT };

struct gw_transcode {
    struct gw__encode_options to;
    struct gw__decode_options from;
    bool framed;
    uint64_t limit_bytes;
    unsigned depth;
    const char *wrong_option, *wrong_words; /* which it is, and what it may say; NULL: none */
    gw_transcode_sink_fn sink;
    void *user;
    const struct gw__method *method;
    struct gw__method reversed; /* whose arguments are the method's result */
    struct gw__record result;   /* as a union: one of its fields, or none if void */
    enum gw_transcode_way way;
    int32_t sequence;
    enum phase phase;
    int ended;        /* 0: not yet; else what feed returned */
    uint64_t written; /* to the sink */
    bool read;        /* the last byte of a value */
    enum gw_transcode_outcome outcome;
    struct gw__frame_reader frame;
    struct gw__text header, misfits;
    char error[ERROR_BYTES];
    struct gw__wire wire, plain;
    struct gw__json_out out;
    union { /* by `phase` */
        struct gw__encode encode;
        struct gw__decode decode;
        struct gw__thrift_fault fault;
    };
};

/* ---- options */

static uint8_t choose(struct gw_transcode *transcode, const char *key, const char *word, const char *words)
{
    uint8_t place = word ? gw__word_place(word, words) : 0;
    if (word && !place) {
        transcode->wrong_option = key;
        transcode->wrong_words = words;
    }
    return place;
}

static void set_options(struct gw_transcode *transcode, const struct gw_transcode_options *given)
{
    struct gw_transcode_options options = {0};
    if (given)
        memcpy(&options, given, given->size < sizeof options ? given->size : sizeof options);
    struct gw__json_rules rules = {
        .int64 = choose(transcode, "int64", options.int64, GW__INT64_WORDS),
        .nan = choose(transcode, "nan", options.nan, GW__NAN_WORDS),
        .binary = choose(transcode, "binary", options.binary, GW__BINARY_WORDS),
    };
    uint8_t encoding = choose(transcode, "encoding", options.encoding, GW__ENCODING_WORDS);
    bool lenient = choose(transcode, "json", options.json, GW__JSON_WORDS) == GW__JSON_KITEX;
    transcode->to = (struct gw__encode_options){.encoding = encoding, .lenient = lenient, .rules = rules};
    transcode->from = (struct gw__decode_options){.encoding = encoding, .lenient = lenient, .rules = rules};
    transcode->from.enum_names = choose(transcode, "enums", options.enums, "number|name") == 2;
    transcode->framed = options.framed;
    transcode->limit_bytes = options.limit_bytes;
    transcode->depth = options.depth && options.depth < GW__ENCODE_DEPTH ? options.depth : GW__ENCODE_DEPTH;
}

struct gw_transcode *gw_transcode_create(const struct gw_transcode_options *options)
{
    struct gw_transcode *transcode = gw__calloc(1, sizeof *transcode);
    if (transcode)
        set_options(transcode, options);
    return transcode;
}

/* Ends what the union was used for. */
static void stop(struct gw_transcode *transcode)
{
    if (transcode->phase == ENCODES)
        gw__encode_finish(&transcode->encode);
    else if (transcode->phase == DECODES)
        gw__decode_finish(&transcode->decode);
    else if (transcode->phase == TAKES_FAULT)
        gw__thrift_fault_finish(&transcode->fault);
    transcode->phase = IDLE;
}

void gw_transcode_destroy(struct gw_transcode *transcode)
{
    if (!transcode)
        return;
    stop(transcode);
    gw__wire_finish(&transcode->wire);
    gw__wire_finish(&transcode->plain);
    gw__json_out_finish(&transcode->out);
    gw__frame_finish(&transcode->frame);
    gw__text_finish(&transcode->header);
    gw__text_finish(&transcode->misfits);
    gw__free(transcode);
}

/* ---- the end */

static int fail(struct gw_transcode *transcode, int result, const char *why)
{
    snprintf(transcode->error, sizeof transcode->error, "%s", why);
    transcode->ended = result;
    return result;
}

static int fail_input(struct gw_transcode *transcode, const char *why)
{
    return fail(transcode, GW_ERROR_INPUT, why);
}

static int fail_memory(struct gw_transcode *transcode)
{
    return fail(transcode, GW_ERROR_MEMORY, gw_error_text(GW_ERROR_MEMORY));
}

static int finish(struct gw_transcode *transcode)
{
    transcode->ended = 1;
    return 1;
}

/* 0, or the conversion has failed. */
static int give(struct gw_transcode *transcode, const char *data, size_t size)
{
    if (!size)
        return 0;
    transcode->written += size;
    if (transcode->limit_bytes && transcode->written > transcode->limit_bytes)
        return fail(transcode, GW_ERROR_LIMIT, gw_error_text(GW_ERROR_LIMIT));
    if (transcode->sink(transcode->user, data, size) != 0)
        return fail(transcode, GW_ERROR_SINK, gw_error_text(GW_ERROR_SINK));
    return 0;
}

static int give_json(struct gw_transcode *transcode)
{
    struct gw__json_out *out = &transcode->out;
    if (out->lost)
        return fail_memory(transcode);
    int result = give(transcode, out->begin, (size_t)(out->at - out->begin));
    out->at = out->begin;
    return result;
}

/* ---- JSON to Thrift */

static bool is_message(enum gw_transcode_way way)
{
    return way == GW_TRANSCODE_TO_CALL || way == GW_TRANSCODE_FROM_ANSWER || way == GW_TRANSCODE_FROM_CALL ||
           way == GW_TRANSCODE_TO_ANSWER;
}

static void reverse(struct gw_transcode *transcode)
{
    transcode->result = *transcode->method->result;
    transcode->result.type.kind = GW__UNION;
    transcode->result.type.record = &transcode->result;
    transcode->reversed = *transcode->method;
    transcode->reversed.arguments = &transcode->result;
    transcode->reversed.body_is_argument = false;
}

static void begin_encode(struct gw_transcode *transcode)
{
    const struct gw__method *method = transcode->method;
    struct gw__encode_options options = transcode->to;
    options.in_message = is_message(transcode->way);
    options.plain = &transcode->plain;
    bool answers = transcode->way == GW_TRANSCODE_TO_RESULT || transcode->way == GW_TRANSCODE_TO_ANSWER;
    if (answers) {
        reverse(transcode);
        options.lenient = false;
    }
    if (options.in_message && transcode->framed)
        gw__wire_take(&transcode->wire, GW__FRAME_LENGTH_BYTES);
    struct gw__message message = {
        .encoding = options.encoding,
        .type = answers ? GW__MESSAGE_REPLY : method->oneway ? GW__MESSAGE_ONEWAY : GW__MESSAGE_CALL,
        .name = method->name,
        .sequence = transcode->sequence,
    };
    if (options.in_message)
        gw__message_put(&transcode->wire, &message);
    gw__encode_init(&transcode->encode, answers ? &transcode->reversed : method, &options, &transcode->wire);
    transcode->encode.json.depth_limit = transcode->depth;
    transcode->phase = ENCODES;
}

static int give_wire(struct gw_transcode *transcode)
{
    struct gw__wire *wire = &transcode->wire;
    size_t size = gw__wire_settle(wire);
    if (wire->lost)
        return wire->full ? fail(transcode, GW_ERROR_LIMIT, gw_error_text(GW_ERROR_LIMIT)) : fail_memory(transcode);
    if (is_message(transcode->way) && transcode->framed)
        gw__wire_set32(wire->first->bytes, (uint32_t)(size - GW__FRAME_LENGTH_BYTES));
    for (const struct gw__wire_segment *segment = wire->first; segment; segment = segment->next) {
        int result = give(transcode, segment->bytes, segment->size);
        if (result != 0)
            return result;
    }
    return finish(transcode);
}

static int fail_encode(struct gw_transcode *transcode)
{
    const struct gw__encode *encode = &transcode->encode;
    if (transcode->wire.full || transcode->plain.full)
        return fail(transcode, GW_ERROR_LIMIT, gw_error_text(GW_ERROR_LIMIT));
    gw__text_add(&transcode->misfits, encode->errors.begin, (size_t)(encode->errors.at - encode->errors.begin));
    if (encode->no_memory || transcode->misfits.lost || encode->errors.lost || encode->first.lost)
        return fail_memory(transcode);
    return fail_input(transcode, encode->first.data ? encode->first.data : "");
}

static int feed_encode(struct gw_transcode *transcode, const char *data, size_t size, bool last, size_t *taken)
{
    enum gw__wire_status status = gw__encode_feed(&transcode->encode, data, size, last);
    *taken = size;
    if (status == GW__WIRE_MORE)
        return 0;
    return status == GW__WIRE_DONE ? give_wire(transcode) : fail_encode(transcode);
}

/* ---- Thrift to JSON */

static void begin_decode(struct gw_transcode *transcode, uint8_t encoding)
{
    const struct gw__method *method = transcode->method;
    struct gw__decode_options options = transcode->from;
    bool arguments = transcode->way == GW_TRANSCODE_FROM_ARGUMENTS || transcode->way == GW_TRANSCODE_FROM_CALL;
    options.encoding = encoding;
    options.in_message = is_message(transcode->way);
    options.any = arguments;
    const struct gw__record *record = arguments ? method->arguments : method->result;
    if (arguments && !method->body_is_argument)
        gw__decode_init_value(&transcode->decode, &record->type, &options, &transcode->out);
    else /* of a struct with one field, that field alone is shown */
        gw__decode_init_result(&transcode->decode, record, &options, &transcode->out);
    transcode->phase = DECODES;
}

static bool is_arguments(const struct gw_transcode *transcode)
{
    return transcode->way == GW_TRANSCODE_FROM_ARGUMENTS || transcode->way == GW_TRANSCODE_FROM_CALL;
}

static void note_outcome(struct gw_transcode *transcode, bool complete)
{
    const struct gw__field *field = transcode->decode.outcome;
    if (is_arguments(transcode))
        return;
    if (field)
        transcode->outcome = field->id == 0 ? GW_OUTCOME_SUCCESS : GW_OUTCOME_EXCEPTION;
    else if (complete)
        transcode->outcome = GW_OUTCOME_VOID;
}

/* Where it stands is known as long as all that was written is there. */
static int fail_decode(struct gw_transcode *transcode)
{
    const struct gw__json_out *out = &transcode->out;
    struct gw__json_out errors = {0};
    struct gw__text sentence = {0};
    bool told = !transcode->written && !transcode->decode.no_memory &&
                gw__decode_tell(&transcode->decode, out->begin, (size_t)(out->at - out->begin), &errors, &sentence);
    gw__text_add(&transcode->misfits, errors.begin, (size_t)(errors.at - errors.begin));
    bool lost = transcode->decode.no_memory || (!told && !transcode->written) || transcode->misfits.lost;
    int result = lost ? fail_memory(transcode) : fail_input(transcode, told ? sentence.data : transcode->decode.why);
    gw__text_finish(&sentence);
    gw__json_out_finish(&errors);
    return result;
}

static int feed_decode(struct gw_transcode *transcode, const char *data, size_t size, bool *complete, size_t *taken)
{
    enum gw__wire_status status = gw__decode_feed(&transcode->decode, data, size, taken);
    if (status == GW__WIRE_BAD)
        return fail_decode(transcode);
    *complete = status == GW__WIRE_DONE;
    note_outcome(transcode, *complete);
    /* An argument that is absent stands for an empty struct. */
    if (*complete && is_arguments(transcode) && transcode->method->body_is_argument && !transcode->decode.outcome)
        gw__json_put_raw(&transcode->out, "{}", 2);
    return give_json(transcode);
}

static int feed_fault(struct gw_transcode *transcode, const char *data, size_t size, bool *complete, size_t *taken)
{
    struct gw__thrift_fault *fault = &transcode->fault;
    enum gw__wire_status status = gw__thrift_fault_feed(fault, data, size, taken);
    if (status == GW__WIRE_BAD)
        return fail_input(transcode, "the exception is malformed");
    *complete = status == GW__WIRE_DONE;
    if (!*complete)
        return 0;
    gw__json_put_raw_key(&transcode->out, "{\"type\":", 8);
    gw__json_put_int64(&transcode->out, fault->type);
    gw__json_put_key(&transcode->out, "message", 7);
    gw__json_put_string(&transcode->out, fault->message, fault->size);
    gw__json_put_close(&transcode->out, '}');
    return give_json(transcode);
}

/* What is wrong with the header, or NULL. A server that could not read the call may say so by another name and id. */
static const char *check(const struct gw_transcode *transcode, const struct gw__message *message)
{
    const struct gw__str *name = &transcode->method->name;
    bool call = message->type == GW__MESSAGE_CALL || message->type == GW__MESSAGE_ONEWAY;
    if (message->type == GW__MESSAGE_EXCEPTION && transcode->way == GW_TRANSCODE_FROM_ANSWER)
        return NULL;
    if (!gw__str_equal(message->name, *name))
        return "the message is of another method";
    if (message->sequence != transcode->sequence)
        return "the message has another sequence id";
    if (call != (transcode->way == GW_TRANSCODE_FROM_CALL))
        return call ? "the message is no answer" : "the message is no call";
    return NULL;
}

static void begin_value(struct gw_transcode *transcode, const struct gw__message *message)
{
    if (message->type != GW__MESSAGE_EXCEPTION) {
        begin_decode(transcode, message->encoding);
        return;
    }
    gw__thrift_fault_init(&transcode->fault, message->encoding);
    transcode->phase = TAKES_FAULT;
    transcode->outcome = GW_OUTCOME_FAULT;
}

/* The header is looked at in one piece: what has come of it is kept. 1: it is complete, and *piece is what follows it;
 * 0: more must come. */
static int take_header(struct gw_transcode *transcode, struct gw__str *piece)
{
    struct gw__message message;
    struct gw__text *header = &transcode->header;
    size_t named = transcode->method->name.size, before = header->size, taken;
    size_t most = gw__message_most_bytes(named > OTHER_NAME_BYTES ? named : OTHER_NAME_BYTES);
    gw__text_add(header, piece->data, piece->size < most - before ? piece->size : most - before);
    if (header->lost || !header->size)
        return header->lost ? fail_memory(transcode) : 0;
    enum gw__wire_status status = gw__message_get(header->data, header->size, &message, &taken);
    if (status == GW__WIRE_BAD || !gw__message_fits_name(header->data, header->size, named) ||
        (status == GW__WIRE_MORE && header->size == most))
        return fail_input(transcode, "it is no Thrift message");
    if (status == GW__WIRE_MORE)
        return 0;
    const char *why = check(transcode, &message);
    if (why)
        return fail_input(transcode, why);
    *piece = (struct gw__str){piece->data + (taken - before), piece->size - (taken - before)};
    begin_value(transcode, &message);
    return 1;
}

/* 1: the value is complete, and *taken bytes of these were its own. */
static int take_value(struct gw_transcode *transcode, const char *data, size_t size, size_t *taken)
{
    bool complete = false;
    int result = transcode->phase == DECODES ? feed_decode(transcode, data, size, &complete, taken)
                                             : feed_fault(transcode, data, size, &complete, taken);
    transcode->read = transcode->read || complete;
    return result == 0 && complete ? 1 : result;
}

/* A piece of the message. 1: it is complete as far as one can tell, *rest of these bytes are behind it. */
static int take_piece(struct gw_transcode *transcode, struct gw__str piece, size_t *rest)
{
    size_t taken = 0;
    int result = 1;
    if (transcode->read && piece.size)
        return fail_input(transcode, "the frame is longer than its message");
    if (transcode->phase == HEADER)
        result = take_header(transcode, &piece);
    if (result == 1 && piece.size)
        result = take_value(transcode, piece.data, piece.size, &taken);
    else if (result == 1)
        result = 0;
    *rest = piece.size - taken;
    if (result == 1 && transcode->frame.shape != GW__FRAME_NONE)
        result = *rest ? fail_input(transcode, "the frame is longer than its message") : 0; /* its end is to come */
    return result;
}

/* The next of what the frame reader finds; *rest: bytes behind the message. */
static int take_next(struct gw_transcode *transcode, const char **data, const char *end, bool *more, size_t *rest)
{
    struct gw__str piece;
    *more = true;
    switch (gw__frame_next(&transcode->frame, data, end, &piece)) {
    case GW__FRAME_MORE: *more = false; return 0;
    case GW__FRAME_ENTRIES: return 0;
    case GW__FRAME_PIECE: return take_piece(transcode, piece, rest);
    case GW__FRAME_END: return transcode->read ? 1 : fail_input(transcode, "the frame is shorter than its message");
    case GW__FRAME_BAD: return fail_input(transcode, transcode->frame.why);
    default: return fail_memory(transcode);
    }
}

static int feed_message(struct gw_transcode *transcode, const char *data, size_t size, size_t *taken)
{
    const char *at = data, *end = data + size;
    size_t rest = 0;
    bool more = true;
    int result = 0;
    while (result == 0 && more) {
        rest = 0;
        result = take_next(transcode, &at, end, &more, &rest);
    }
    *taken = size - (size_t)(end - at) - (result == 1 && transcode->frame.shape == GW__FRAME_NONE ? rest : 0);
    return result;
}

static int feed_thrift(struct gw_transcode *transcode, const char *data, size_t size, bool last, size_t *taken)
{
    int result = is_message(transcode->way) ? feed_message(transcode, data, size, taken)
                                            : take_value(transcode, data, size, taken);
    if (result == 0 && last)
        return fail_input(transcode, "it ends too early");
    return result == 1 ? finish(transcode) : result;
}

/* ---- */

int gw_transcode_begin(struct gw_transcode *transcode, const struct gw_schema_method *method,
                       enum gw_transcode_way way, int32_t sequence, gw_transcode_sink_fn sink, void *user)
{
    if (!transcode || !method)
        return GW_ERROR_MEMORY;
    stop(transcode);
    gw__wire_reset(&transcode->wire);
    gw__wire_reset(&transcode->plain);
    transcode->wire.limit_bytes = transcode->plain.limit_bytes = (size_t)transcode->limit_bytes;
    transcode->out = (struct gw__json_out){
        .begin = transcode->out.begin, .at = transcode->out.begin, .end = transcode->out.end};
    transcode->header.size = transcode->misfits.size = 0;
    transcode->header.lost = transcode->misfits.lost = false;
    transcode->method = gw__schema_method_of(method);
    transcode->way = way;
    transcode->sequence = sequence;
    transcode->sink = sink;
    transcode->user = user;
    transcode->ended = 0;
    transcode->written = 0;
    transcode->read = false;
    gw__frame_reset(&transcode->frame);
    transcode->outcome = GW_OUTCOME_UNKNOWN;
    *transcode->error = '\0';
    if (transcode->wrong_option) {
        snprintf(transcode->error, sizeof transcode->error, "the option '%s' must be one of %s",
                 transcode->wrong_option, transcode->wrong_words);
        return transcode->ended = GW_ERROR_CONFIG;
    }
    if (!sink)
        return fail(transcode, GW_ERROR_CONFIG, "a conversion needs a function that takes what is written");
    if (transcode->method->oneway && (way == GW_TRANSCODE_FROM_ANSWER || way == GW_TRANSCODE_TO_ANSWER))
        return fail(transcode, GW_ERROR_STATE, "a oneway method has no answer");
    if (way == GW_TRANSCODE_FROM_ANSWER || way == GW_TRANSCODE_FROM_CALL)
        transcode->phase = HEADER;
    else if (way == GW_TRANSCODE_FROM_RESULT || way == GW_TRANSCODE_FROM_ARGUMENTS)
        begin_decode(transcode, transcode->from.encoding);
    else
        begin_encode(transcode);
    return 0;
}

int gw_transcode_feed(struct gw_transcode *transcode, const void *data, size_t size, bool last, size_t *taken)
{
    size_t own = 0;
    int result = GW_ERROR_STATE;
    data = data ? data : "";
    if (transcode && transcode->phase != IDLE && !transcode->ended)
        result = transcode->phase == ENCODES ? feed_encode(transcode, data, size, last, &own)
                                             : feed_thrift(transcode, data, size, last, &own);
    if (taken)
        *taken = own;
    return result;
}

enum gw_transcode_outcome gw_transcode_outcome(const struct gw_transcode *transcode)
{
    return transcode ? transcode->outcome : GW_OUTCOME_UNKNOWN;
}

const char *gw_transcode_exception(const struct gw_transcode *transcode)
{
    if (gw_transcode_outcome(transcode) == GW_OUTCOME_FAULT)
        return "TApplicationException";
    bool declared = gw_transcode_outcome(transcode) == GW_OUTCOME_EXCEPTION;
    return declared ? transcode->decode.outcome->type->name : NULL;
}

const char *gw_transcode_error(const struct gw_transcode *transcode)
{
    return transcode ? transcode->error : gw_error_text(GW_ERROR_MEMORY);
}

const char *gw_transcode_misfits(const struct gw_transcode *transcode)
{
    return transcode && transcode->misfits.size && !transcode->misfits.lost ? transcode->misfits.data : "[]";
}

int gw_transcode_peek(const void *data, size_t size, const char **name, size_t *name_size, int32_t *sequence)
{
    struct gw__message message;
    const char *bytes = data;
    size_t taken;
    if (size < GW__FRAME_LENGTH_BYTES + 1)
        return 0;
    bool framed = !(*bytes & 0x80) && *bytes != '[';
    size_t frame = framed ? GW__FRAME_LENGTH_BYTES : 0;
    enum gw__wire_status status = gw__message_get(bytes + frame, size - frame, &message, &taken);
    if (status == GW__WIRE_BAD && framed) /* the old header begins with a length, too: its name's */
        status = gw__message_get(bytes, size, &message, &taken);
    if (status != GW__WIRE_DONE)
        return status == GW__WIRE_MORE ? 0 : GW_ERROR_INPUT;
    *name = message.name.data;
    *name_size = message.name.size;
    *sequence = message.sequence;
    return 1;
}
