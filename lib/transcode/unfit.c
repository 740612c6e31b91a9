/* What of an answer does not fit its schema, told as misfits of requests are. The pass itself keeps no path: it is read
 * from the JSON that was written before, which costs nothing as long as answers fit. */
#include "transcode/inside.h"

enum { LEVELS = 2 * GW__DECODE_DEPTH + 2 /* a pair is a level of its own */ };

/* A container that is open where the JSON ends. */
struct level {
    const struct gw__type *type; /* NULL: not known */
    struct gw__origin origin;    /* of the field whose value it is in */
    size_t mark;                 /* of the pointer, without what is inside */
    uint32_t count;              /* array: elements begun */
    bool array, pair;            /* pair: of a map */
};

struct path {
    struct gw__text pointer;
    const struct gw__type *type; /* of the value that comes next */
    struct gw__origin origin;
    bool pending; /* a key stands there without its value, */
    bool torn;    /* or a string that is not complete */
    unsigned depth;
    struct level levels[LEVELS];
};

static void cut(struct path *path, const struct level *level)
{
    path->pointer.size = level->mark;
    if (path->pointer.data)
        path->pointer.data[level->mark] = '\0';
    path->origin = level->origin;
    path->pending = false;
}

static void enter_field(struct path *path, const struct level *level, struct gw__str name)
{
    const struct gw__type *type = level->type;
    cut(path, level);
    gw__json_pointer_name(&path->pointer, name.data, name.size);
    path->type = type && type->kind == GW__MAP ? type->value : NULL;
    path->pending = true;
    if (!type || !gw__kind_is_record(type->kind))
        return;
    const struct gw__field *field = gw__record_by_name(type->record, name.data, name.size);
    path->type = field ? field->type : NULL;
    path->origin = field ? gw__field_origin(type->record, field) : level->origin;
}

static void enter_element(struct path *path, const struct level *level, uint32_t index)
{
    const struct gw__type *type = level->type;
    cut(path, level);
    gw__json_pointer_index(&path->pointer, index);
    if (type && gw__type_is_pairs(type))
        path->type = !level->pair ? type : index ? type->value : type->key;
    else
        path->type = type && (type->kind == GW__LIST || type->kind == GW__SET) ? type->value : NULL;
}

static void begin_value(struct path *path, enum gw__json_event event)
{
    struct level *level = path->depth ? &path->levels[path->depth - 1] : NULL;
    bool pair = level && level->array && !level->pair && level->type && gw__type_is_pairs(level->type);
    if (level && level->array)
        enter_element(path, level, level->count++);
    path->pending = false;
    if (event != GW__JSON_OBJECT && event != GW__JSON_ARRAY)
        return;
    path->levels[path->depth++] = (struct level){
        .type = path->type, .origin = path->origin, .mark = path->pointer.size, .array = event == GW__JSON_ARRAY,
        .pair = pair};
}

/* False: the text that there is has ended. */
static bool take(struct path *path, struct gw__json *json)
{
    struct gw__str name;
    enum gw__json_event event = gw__json_next(json);
    switch (event) {
    case GW__JSON_ERROR:
    case GW__JSON_MORE:
    case GW__JSON_END: return false;
    case GW__JSON_OBJECT_END:
    case GW__JSON_ARRAY_END: path->depth--; return true;
    case GW__JSON_KEY:
        if (gw__json_text(json, &name) != GW__JSON_DONE)
            return false;
        enter_field(path, &path->levels[path->depth - 1], name);
        return true;
    default: break;
    }
    if (path->depth == LEVELS)
        return false;
    begin_value(path, event);
    path->torn = event == GW__JSON_STRING && gw__json_skip(json) != GW__JSON_DONE;
    return !path->torn;
}

static const struct gw__type *root_type(const struct gw__decode *decode)
{
    if (decode->is_result)
        return decode->outcome ? decode->outcome->type : NULL;
    return decode->depth ? decode->frames[0].type : decode->type;
}

/* A number is complete only with what stands behind it: a blank, here. */
static bool find(struct path *path, const struct gw__decode *decode, const char *text, size_t size)
{
    struct gw__json json;
    gw__json_init(&json, LEVELS);
    path->type = root_type(decode);
    if (decode->is_result && decode->depth)
        path->origin = decode->frames[0].type->record->origin;
    struct gw__origin whole = path->origin;
    gw__json_feed(&json, text, size, false);
    while (take(path, &json))
        ;
    if (!path->torn) {
        gw__json_feed(&json, " ", 1, false);
        while (take(path, &json))
            ;
    }
    bool good = json.error != GW__JSON_NO_MEMORY;
    gw__json_finish(&json);
    if (path->depth && !path->pending && !path->torn) {
        const struct level *level = &path->levels[path->depth - 1];
        if (level->array)
            enter_element(path, level, level->count);
        else
            cut(path, level);
    } else if (!path->depth && !path->pending && !path->torn) { /* behind all of it */
        cut(path, &(struct level){.origin = whole});
    }
    return good;
}

bool gw__decode_tell(const struct gw__decode *decode, const char *text, size_t size, struct gw__json_out *errors,
                     struct gw__text *sentence)
{
    struct path path = {0};
    const struct gw__field *absent = decode->absent;
    const char *expected = decode->expected ? decode->expected : "what the IDL says";
    struct gw__str got = gw__str(*decode->got ? decode->got : decode->why);
    bool good = find(&path, decode, text, size);
    if (absent) {
        struct gw__str name = gw__field_name(absent);
        gw__json_pointer_name(&path.pointer, name.data, name.size);
        path.origin = gw__field_origin(decode->frames[decode->depth - 1].type->record, absent);
    }
    gw__json_put_open(errors, '[');
    gw__misfit_put(errors, &path.pointer, expected, got, path.origin);
    gw__json_put_close(errors, ']');
    gw__text_print(sentence, "%s: expected %s, got %s", path.pointer.size ? path.pointer.data : "the result", expected,
                   got.data);
    good = good && !path.pointer.lost && !errors->lost && !sentence->lost;
    gw__text_finish(&path.pointer);
    return good;
}
