/* The walk over encoded arguments. They were written by encode and are not doubted; lists in lists that a lenient
 * request leaves out, and defaults of the IDL, may nest deeper than what encode takes. */
#include "transcode/from_binary.h"

#include "base/alloc.h"

enum { AT_VALUE, AT_TEXT, AT_NEXT };
enum { HEAD_BYTES = 64 /* at most, of an open container */ };

void gw__from_binary_init(struct gw__from_binary *pass, const struct gw__type *type,
                          const struct gw__encoding_writer *writer, struct gw__wire *wire)
{
    memset(pass, 0, offsetof(struct gw__from_binary, few));
    pass->writer = writer;
    pass->wire = wire;
    pass->type = type;
    pass->frames = pass->few;
    pass->capacity = GW__FROM_BINARY_FRAMES;
}

void gw__from_binary_finish(struct gw__from_binary *pass)
{
    if (pass->frames != pass->few)
        gw__free(pass->frames);
    pass->frames = pass->few;
}

/* NULL: not all of it is there. */
static const char *take(struct gw__from_binary *pass, size_t size)
{
    const char *bytes = pass->at;
    if ((size_t)(pass->end - bytes) < size)
        return NULL;
    pass->at += size;
    return bytes;
}

/* ---- frames */

static bool grow(struct gw__from_binary *pass)
{
    bool few = pass->frames == pass->few;
    size_t size = pass->capacity * sizeof *pass->frames;
    struct gw__from_binary_frame *frames = gw__realloc(few ? NULL : pass->frames, 2 * size);
    if (!frames) {
        pass->wire->lost = true;
        return false;
    }
    if (few)
        memcpy(frames, pass->few, size);
    pass->frames = frames;
    pass->capacity *= 2;
    return true;
}

static struct gw__from_binary_frame *push(struct gw__from_binary *pass, const struct gw__type *type)
{
    if (pass->depth == pass->capacity && !grow(pass))
        return NULL;
    struct gw__from_binary_frame *frame = &pass->frames[pass->depth++];
    *frame = (struct gw__from_binary_frame){.type = type};
    return frame;
}

static void push_record(struct gw__from_binary *pass, const struct gw__type *type)
{
    if (push(pass, type))
        pass->writer->begin_record(pass);
}

static void push_items(struct gw__from_binary *pass, const struct gw__type *type, uint32_t count)
{
    struct gw__from_binary_frame *frame = push(pass, type);
    bool open = count == GW__FROM_BINARY_OPEN;
    if (!frame || (open && !gw__wire_room(pass->wire, HEAD_BYTES)))
        return;
    frame->left = count;
    frame->comma = pass->comma;
    frame->head = pass->wire->at;
    frame->segment = pass->wire->last;
    pass->writer->begin_items(pass, type, count);
    if (open)
        frame->head_size = (uint8_t)(pass->wire->at - frame->head);
}

static void pop_items(struct gw__from_binary *pass)
{
    pass->writer->end_items(pass, pass->frames[--pass->depth].type);
}

/* ---- steps: false if more must come first */

static bool take_value(struct gw__from_binary *pass)
{
    const struct gw__type *type = pass->type;
    size_t size = gw__kind_is_record(type->kind) ? 0 : type->min_bytes;
    const char *bytes = take(pass, size);
    if (!bytes)
        return false;
    pass->step = AT_NEXT;
    switch (type->kind) {
    case GW__STRING:
    case GW__BINARY:
        pass->left = gw__wire_get32(bytes);
        pass->step = AT_TEXT;
        pass->writer->begin_string(pass, type, pass->left);
        break;
    case GW__LIST:
    case GW__SET:
    case GW__MAP: push_items(pass, type, gw__wire_get32(bytes + size - 4)); break;
    case GW__STRUCT:
    case GW__UNION:
    case GW__EXCEPTION: push_record(pass, type); break;
    default: pass->writer->scalar(pass, type, bytes); break;
    }
    return true;
}

static bool take_text(struct gw__from_binary *pass)
{
    size_t here = (size_t)(pass->end - pass->at), size = pass->left < here ? pass->left : here;
    if (size)
        pass->writer->string_piece(pass, pass->type, pass->at, size);
    pass->at += size;
    pass->left -= (uint32_t)size;
    if (pass->left)
        return false;
    pass->writer->end_string(pass, pass->type);
    pass->step = AT_NEXT;
    return true;
}

static bool take_field(struct gw__from_binary *pass, struct gw__from_binary_frame *frame)
{
    if (frame->second)
        pass->writer->end_field(pass);
    frame->second = false;
    if (pass->at == pass->end)
        return false;
    if (*pass->at == GW__THRIFT_STOP) {
        pass->at++;
        pass->depth--;
        pass->writer->end_record(pass);
        return true;
    }
    const char *head = take(pass, 3);
    const struct gw__field *field = NULL;
    if (head)
        field = gw__record_by_id(frame->type->record, (int16_t)gw__wire_get16(head + 1));
    if (!field)
        return false; /* encode writes no other */
    pass->previous = frame->previous;
    pass->id = frame->previous = field->id;
    pass->is_key = false;
    pass->type = field->type;
    pass->step = AT_VALUE;
    frame->second = true;
    pass->writer->begin_field(pass, field->type);
    return true;
}

static bool take_item(struct gw__from_binary *pass, struct gw__from_binary_frame *frame)
{
    bool map = frame->type->kind == GW__MAP;
    if (!frame->left) {
        pop_items(pass);
        return true;
    }
    if (pass->at == pass->end)
        return false;
    pass->is_key = map && !frame->second;
    pass->type = pass->is_key ? frame->type->key : frame->type->value;
    pass->step = AT_VALUE;
    frame->second = pass->is_key;
    if (!pass->is_key && frame->left != GW__FROM_BINARY_OPEN)
        frame->left--;
    return true;
}

static bool take_next(struct gw__from_binary *pass)
{
    if (!pass->depth)
        return false;
    struct gw__from_binary_frame *frame = &pass->frames[pass->depth - 1];
    return gw__kind_is_record(frame->type->kind) ? take_field(pass, frame) : take_item(pass, frame);
}

static void run(struct gw__from_binary *pass)
{
    bool more = true;
    while (more && !pass->wire->lost)
        more = pass->step == AT_VALUE ? take_value(pass) : pass->step == AT_TEXT ? take_text(pass) : take_next(pass);
}

void gw__from_binary_feed(struct gw__from_binary *pass, const char *bytes, size_t size)
{
    pass->at = bytes;
    pass->end = size ? bytes + size : bytes;
    run(pass);
}

void gw__from_binary_end_items(struct gw__from_binary *pass, uint32_t count)
{
    char text[HEAD_BYTES];
    struct gw__wire head = {.at = text, .end = text + sizeof text}, *wire = pass->wire;
    if (wire->lost)
        return;
    struct gw__from_binary_frame *frame = &pass->frames[pass->depth - 1];
    bool comma = pass->comma;
    pass->wire = &head;
    pass->comma = frame->comma;
    pass->writer->begin_items(pass, frame->type, count);
    pass->wire = wire;
    pass->comma = comma;
    size_t size = (size_t)(head.at - text);
    memcpy(frame->head, text, size);
    gw__wire_cut(wire, frame->segment, frame->head + size, frame->head_size - size);
    pop_items(pass);
    run(pass);
}
