/* Options: the tree of values that configures a plugin, and the table that describes it.
 *
 * A node is a string, integer, boolean, number, list or group and knows where it came from. A plugin
 * declares its keys in a table of gw_option_spec; the library checks a config against it, fills in
 * the defaults, turns units into plain numbers, and hands create() a group in which every key of the
 * table that is required or has a default is present. */
#ifndef GATEWAY_OPTION_H
#define GATEWAY_OPTION_H

#include <gateway/export.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

GW_BEGIN_DECLS

struct gw_option;

/* What a key may hold, and how gw_option_*() reads it after the check. */
enum gw_option_kind {
    GW_KIND_STRING,   /* any text */
    GW_KIND_INT,      /* integer between min and max (if max > min) */
    GW_KIND_BOOL,     /* true or false */
    GW_KIND_NUMBER,   /* a double; integers are taken too */
    GW_KIND_DURATION, /* "500ms", "2s", "1m", "1h"; read as an integer of milliseconds */
    GW_KIND_SIZE,     /* "512", "64KiB", "1MiB", "1GiB" or an integer; read as an integer of bytes */
    GW_KIND_CHOICE,   /* one word of `choices` ("problem|envelope") */
    GW_KIND_NAME,     /* an HTTP field name (token, RFC 9110 section 5.6.2) */
    GW_KIND_VALUE,    /* an HTTP field value: no control bytes but tab (RFC 9110 section 5.5) */
    GW_KIND_LIST,     /* a list; each element is checked against members[0] if members is set */
    GW_KIND_GROUP,    /* a group; its keys are checked against members if members is set */
    GW_KIND_ANY,      /* whatever; the plugin checks it in create() */
    GW_KIND_STRINGS,  /* a string or a list of strings; read as a list */
    GW_KIND_MAP,      /* a group of free keys; each value is checked against members[0] if set */
    GW_KIND_PATH,     /* a file's name; in a config file it is relative to that file. "-" stays "-" */
};

/* One key of a table. A table ends with an entry whose key is NULL. The struct never grows: room for
 * later is in `reserved`, which is zero. */
struct gw_option_spec {
    const char *key;
    enum gw_option_kind kind;
    bool required;
    /* `plugin = VALUE` means `plugin = { this key = VALUE }`; a group is read so only by GW_KIND_ANY,
     * which takes whatever stands there. */
    bool shorthand;
    /* Default in the form of a config ("2s", "true"; "{}" and "()" for an empty group and list), NULL:
     * absent. */
    const char *fallback;
    const char *choices; /* GW_KIND_CHOICE: "a|b|c" */
    int64_t min, max;    /* GW_KIND_INT, _DURATION (ms), _SIZE (bytes); checked if max > min */
    const struct gw_option_spec *members;
    const char *doc; /* one sentence for help and manual */
    const void *reserved[4];
};

/* Building a tree. `origin` ("file:line", or a name for the caller) is copied and may be NULL; all
 * strings are copied. The creator destroys; a child belongs to its parent. A key that stands twice in
 * a group is an error of the check. add functions on a NULL parent do nothing and return NULL. All
 * return NULL when memory is out. */
GW_API struct gw_option *gw_option_create_group(const char *origin);
GW_API struct gw_option *gw_option_create_list(const char *origin);
GW_API struct gw_option *gw_option_create_string(const char *value, const char *origin);
GW_API struct gw_option *gw_option_create_int(int64_t value, const char *origin);
GW_API struct gw_option *gw_option_create_bool(bool value, const char *origin);
GW_API struct gw_option *gw_option_create_number(double value, const char *origin);
/* Puts `take` at the end of `parent` (key NULL for a list), which owns it from then on, also when
 * this fails. Returns take, or NULL. */
GW_API struct gw_option *gw_option_add_take(struct gw_option *parent, const char *key, struct gw_option *take);
/* Says that the origins of this tree are "file:line" of a config: its GW_KIND_PATH values are relative
 * to the file's folder, not to the working directory. */
GW_API void gw_option_set_relative(struct gw_option *option);
/* Frees a tree. NULL is allowed. */
GW_API void gw_option_destroy(struct gw_option *option);

/* One-use options for the set-up calls that borrow a `const struct gw_option *`: the call it is passed
 * to frees it. GW_VALUE("/x") is a single string, GW_OPTIONS("name", "X-From", "value", "me") a flat
 * group of strings; strings are read as the kind the table says, so "2s", "1" and "true" do. */
#define GW_VALUE(text) gw_option_once(GW_ORIGIN, (text), (const char *)0)
#define GW_OPTIONS(...) gw_option_once(GW_ORIGIN, (const char *)0, __VA_ARGS__, (const char *)0)
#define GW_ORIGIN_TEXT_(line) #line
#define GW_ORIGIN_LINE_(line) GW_ORIGIN_TEXT_(line)
#define GW_ORIGIN __FILE__ ":" GW_ORIGIN_LINE_(__LINE__)
GW_API const struct gw_option *gw_option_once(const char *origin, const char *value, ...);

/* Reading. A NULL option, an absent key and a value of another kind give NULL, 0 or false. A NULL key
 * means the node itself, as for elements of a list. Strings and nodes live as long as the tree. */
GW_API const struct gw_option *gw_option_get(const struct gw_option *group, const char *key);
GW_API const char *gw_option_string(const struct gw_option *group, const char *key);
GW_API int64_t gw_option_int(const struct gw_option *group, const char *key); /* also ms and bytes */
GW_API bool gw_option_bool(const struct gw_option *group, const char *key);
GW_API double gw_option_number(const struct gw_option *group, const char *key);
/* The text of a string node itself, else NULL. */
GW_API const char *gw_option_text(const struct gw_option *option);
/* Members of a list or group, in the order written. */
GW_API size_t gw_option_count(const struct gw_option *option);
GW_API const struct gw_option *gw_option_at(const struct gw_option *option, size_t index);
/* Key of a node within its group (NULL in a list); where it came from ("" if unknown). */
GW_API const char *gw_option_key(const struct gw_option *option);
GW_API const char *gw_option_origin(const struct gw_option *option);

/* For messages of create(): the one of `count` names that a mistyped one probably means, or NULL. */
GW_API const char *gw_option_nearest(const char *name, const char *const *names, size_t count);

GW_END_DECLS
#endif
