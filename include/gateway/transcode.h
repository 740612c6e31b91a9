/* Transcode: JSON to Thrift and back, in one pass and in pieces cut anywhere, for programs that send and receive
 * messages themselves. The values are those that the gateway's endpoint `thrift` takes and makes; doc/thrift.md and
 * doc/json.md have the rules.
 *
 *     gw_transcode_begin(transcode, method, GW_TRANSCODE_TO_CALL, 1, write_bytes, user);
 *     if (gw_transcode_feed(transcode, json, size, true, NULL) < 0)
 *         fprintf(stderr, "%s\n", gw_transcode_error(transcode));
 *
 * A gw_transcode is used by one thread at a time, for one conversion after the other; it keeps its memory for the next,
 * so that a warm one calls no allocator. */
#ifndef GATEWAY_TRANSCODE_H
#define GATEWAY_TRANSCODE_H

#include <gateway/schema.h>

GW_BEGIN_DECLS

struct gw_transcode;

/* Zero is the default of each. Words are those of a config; the table of the endpoint `thrift` has them
 * (doc/reference.md). Set `size`, and zero the rest. */
struct gw_transcode_options {
    size_t size;          /* sizeof(struct gw_transcode_options) */
    const char *encoding; /* of what is written; what is read as a whole message tells its own */
    const char *json;     /* "strict" or "kitex" */
    const char *enums;    /* in JSON written: "number" or "name" */
    const char *int64;    /* "number", "string" or "auto" */
    const char *nan;      /* "null", "string" or "refuse" */
    const char *binary;   /* "base64" or "base64url" */
    bool framed;          /* messages are written with their length, of 4 bytes, in front */
    uint64_t limit_bytes; /* the most that one conversion may write, and that may stand in binary at a time, of which
                             "compact" and "json" are made; 0: 2 GiB for Thrift, no limit for JSON */
    unsigned depth;       /* to which JSON that is read may be nested; 0: 64, which a higher one does not exceed */
};

/* Options are copied; NULL: all defaults. A word that is none is told by gw_transcode_begin(). NULL: memory is out. */
GW_API struct gw_transcode *gw_transcode_create(const struct gw_transcode_options *options);
/* NULL is allowed. */
GW_API void gw_transcode_destroy(struct gw_transcode *transcode);

enum gw_transcode_way {
    /* For clients. JSON of the arguments to their struct; to a whole message (oneway, if the method is). */
    GW_TRANSCODE_TO_ARGUMENTS,
    GW_TRANSCODE_TO_CALL,
    /* The struct of a result to JSON; a whole message that answers a call, in any encoding, in any frame or none. */
    GW_TRANSCODE_FROM_RESULT,
    GW_TRANSCODE_FROM_ANSWER,
    /* For servers. The struct of arguments, a whole message, to JSON. */
    GW_TRANSCODE_FROM_ARGUMENTS,
    GW_TRANSCODE_FROM_CALL,
    /* JSON of a result, {"success": VALUE}, {"NAME": EXCEPTION} with the name behind `throws`, or, of a void method
     * alone, {}, to its struct; to a whole message. Always strict. */
    GW_TRANSCODE_TO_RESULT,
    GW_TRANSCODE_TO_ANSWER,
};

/* Takes the next bytes of what is written; they are valid during the call. Not 0: it wants no more, and the conversion
 * ends with GW_ERROR_SINK. Thrift comes when all of the JSON is known to fit, JSON as soon as there is any. */
typedef int (*gw_transcode_sink_fn)(void *user, const void *data, size_t size);

/* Begins a conversion; one that was under way is forgotten. The method's schema is borrowed until the next begin or
 * destroy. sequence: the id of a message written, and which one read must have, but for a TApplicationException, which
 * servers send under any name and id where they could not read the call. Returns 0; GW_ERROR_CONFIG for a wrong option
 * or if sink is NULL, _STATE for the answer of a oneway method, _MEMORY also if transcode or method is NULL. */
GW_API int gw_transcode_begin(struct gw_transcode *transcode, const struct gw_schema_method *method,
                              enum gw_transcode_way way, int32_t sequence, gw_transcode_sink_fn sink, void *user);

/* The next piece of what is read, of any size; `last`: nothing follows. Returns 0: go on. 1: complete, all is with the
 * sink. Else it has failed: GW_ERROR_INPUT (what is read is wrong), _LIMIT, _SINK, _MEMORY, or _STATE where no
 * conversion is under way.
 * *taken (NULL is allowed): how many of these bytes belonged to it, which may be less than all when Thrift is complete;
 * JSON has nothing behind it but blanks. */
GW_API int gw_transcode_feed(struct gw_transcode *transcode, const void *data, size_t size, bool last, size_t *taken);

/* What a result or answer holds: known before the first of its JSON is written. */
enum gw_transcode_outcome {
    GW_OUTCOME_UNKNOWN,
    GW_OUTCOME_SUCCESS,   /* its JSON goes to the sink */
    GW_OUTCOME_VOID,      /* nothing does */
    GW_OUTCOME_EXCEPTION, /* a declared one: its JSON does */
    GW_OUTCOME_FAULT,     /* a TApplicationException: {"type": 6, "message": "…"} does */
};
GW_API enum gw_transcode_outcome gw_transcode_outcome(const struct gw_transcode *transcode);
/* Name of the exception's type in the IDL, "TApplicationException" for a fault; NULL for other outcomes. */
GW_API const char *gw_transcode_exception(const struct gw_transcode *transcode);

/* Why it failed, a sentence; "" if it did not. Of what does not fit, the first misfit. Valid until the next begin. */
GW_API const char *gw_transcode_error(const struct gw_transcode *transcode);
/* All misfits of the JSON that was read, up to 20, or the one of Thrift, unless some of its JSON has gone to the sink:
 * the text of an array of {"pointer", "expected", "got", "idl"}; "[]" if none is known. Valid until the next begin. */
GW_API const char *gw_transcode_misfits(const struct gw_transcode *transcode);

/* Looks at the beginning of a message, framed by a length or not: which method it calls or answers, and its sequence
 * id. Returns 1, 0 if more bytes must come, or GW_ERROR_INPUT if it is no message. The name lies in `data` and is not
 * terminated. */
GW_API int gw_transcode_peek(const void *data, size_t size, const char **name, size_t *name_size, int32_t *sequence);

GW_END_DECLS
#endif
