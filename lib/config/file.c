/* Files to texts, and texts through libconfig. An included file is read like the first one, by itself, so that
 * errors name the file they are in; it may not include further. Uses the public calls alone. */
#include "config/file.h"

#include "base/alloc.h"
#include "base/text.h"
#include "config/reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gateway/error.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FILE_BYTES = 16 << 20, MAX_INCLUDED = 10000 };

void gw__reader_error(struct gw__reader *reader, unsigned line, const char *code, const char *format, ...)
{
    struct gw__text origin = {0}, message = {0};
    gw__text_print(&origin, line ? "%s:%u" : "%s", reader->name, line);
    va_list args;
    va_start(args, format);
    gw__text_vprint(&message, format, args);
    va_end(args);
    gw_config_add_error(reader->config, origin.lost ? "" : origin.data, code, "%s",
                        message.lost ? "out of memory" : message.data);
    gw__text_finish(&origin);
    gw__text_finish(&message);
    reader->errors++;
}

char *gw__reader_path(struct gw__reader *reader, const char *path)
{
    struct gw__text text = {0};
    const char *slash = strrchr(reader->name, '/');
    if (*path != '/' && slash)
        gw__text_add(&text, reader->name, (size_t)(slash + 1 - reader->name));
    gw__text_puts(&text, path);
    char *result = gw__text_take(&text);
    reader->lost = reader->lost || !result;
    return result;
}

static void check_version(struct gw__reader *reader, const config_setting_t *root)
{
    const config_setting_t *version = config_setting_get_member(root, "version");
    if (!version && !reader->included)
        gw__reader_error(reader, 1, "GW1004", "expected 'version = 1;', found no version");
    else if (version && (config_setting_type(version) != CONFIG_TYPE_INT || config_setting_get_int(version) != 1))
        gw__reader_error(reader, config_setting_source_line(version), "GW1004",
                         "expected 'version = 1;', found another version");
}

/* `text` is terminated by a newline and a zero. */
static void parse(struct gw__reader *reader, const char *text)
{
    config_t parsed;
    config_init(&parsed);
    size_t errors = reader->errors;
    if (config_read_string(&parsed, text) != CONFIG_TRUE) {
        const char *reason = config_error_text(&parsed);
        gw__reader_error(reader, (unsigned)config_error_line(&parsed), "GW1002", "expected the syntax of libconfig: %s",
                         reason ? reason : "syntax error");
    } else {
        check_version(reader, config_root_setting(&parsed));
        if (reader->errors == errors)
            gw__reader_map(reader, config_root_setting(&parsed));
    }
    config_destroy(&parsed);
}

static void read_text(struct gw__reader *reader, const char *text, size_t size)
{
    /* libconfig knows a comment by the newline behind it, also on the last line. */
    struct gw__text copy = {0};
    gw__text_add(&copy, text, size);
    gw__text_puts(&copy, "\n");
    if (copy.lost)
        reader->lost = true;
    else if (gw__reader_scan(reader, copy.data, copy.size))
        parse(reader, copy.data);
    gw__text_finish(&copy);
}

/* The whole of an open file, into `out`. False with errno. */
static bool slurp(int fd, struct gw__text *out)
{
    char buffer[16384];
    ssize_t size;
    while ((size = read(fd, buffer, sizeof buffer)) != 0) {
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return false;
        gw__text_add(out, buffer, (size_t)size);
        errno = out->size > MAX_FILE_BYTES ? EFBIG : ENOMEM;
        if (out->lost || out->size > MAX_FILE_BYTES)
            return false;
    }
    return true;
}

static void read_file(struct gw__reader *reader)
{
    struct gw__text text = {0};
    int fd = open(reader->name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || !slurp(fd, &text))
        gw__reader_error(reader, 0, "GW1001", "expected a config file: %s", strerror(errno));
    else
        read_text(reader, text.data ? text.data : "", text.size);
    if (fd >= 0)
        close(fd);
    gw__text_finish(&text);
}

static void read_included(struct gw__reader *parent, const char *path)
{
    struct gw__reader reader = *parent;
    reader.name = path;
    reader.included = true;
    read_file(&reader);
    parent->errors = reader.errors;
    parent->lost = reader.lost;
    parent->seen = reader.seen;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_config_name(const char *name)
{
    size_t size = strlen(name);
    return *name != '.' && size > 4 && strcmp(name + size - 4, ".cfg") == 0;
}

/* Names of the *.cfg in a folder, sorted; each and the array is the caller's. */
static char **list_folder(DIR *folder, size_t *count)
{
    char **names = NULL;
    size_t capacity = 0;
    for (struct dirent *entry; *count < MAX_INCLUDED && (entry = readdir(folder));) {
        if (!is_config_name(entry->d_name))
            continue;
        char **more = gw__grow(names, *count, &capacity, sizeof *names);
        if (more)
            names = more;
        if (!more || !(names[*count] = gw__strdup(entry->d_name)))
            break;
        ++*count;
    }
    if (*count)
        qsort(names, *count, sizeof *names, compare_names);
    return names;
}

static void read_folder(struct gw__reader *reader, const char *path, DIR *folder)
{
    size_t count = 0;
    char **names = list_folder(folder, &count);
    for (size_t i = 0; i < count; i++) {
        struct gw__text full = {0};
        gw__text_print(&full, "%s/%s", path, names[i]);
        if (full.lost)
            reader->lost = true;
        else
            read_included(reader, full.data);
        gw__text_finish(&full);
        gw__free(names[i]);
    }
    gw__free(names);
}

void gw__reader_include(struct gw__reader *reader, const config_setting_t *setting)
{
    unsigned line = config_setting_source_line(setting);
    const char *value = config_setting_get_string(setting);
    if (reader->included) {
        gw__reader_error(reader, line, "GW1005",
                         "expected 'include' in the first file only, found it in an included one");
        return;
    }
    if (!value || !*value) {
        gw__reader_error(reader, line, "GW1011", "'include' expects the path of a folder or file");
        return;
    }
    char *path = gw__reader_path(reader, value);
    DIR *folder = path ? opendir(path) : NULL;
    if (folder)
        read_folder(reader, path, folder);
    else if (path && errno == ENOTDIR)
        read_included(reader, path);
    else if (path)
        gw__reader_error(reader, line, "GW1001", "'include' expects the path of a folder or file, found \"%s\": %s",
                         value, strerror(errno));
    if (folder)
        closedir(folder);
    gw__free(path);
}

/* What a reader has come to, once for all. */
static int finish(struct gw__reader *reader)
{
    gw_config_set_origin(reader->config, NULL);
    gw_option_destroy(reader->seen);
    if (reader->lost)
        gw__reader_error(reader, 0, "", "out of memory");
    return reader->lost ? GW_ERROR_MEMORY : reader->errors ? GW_ERROR_CONFIG : GW_OK;
}

int gw__config_read_text(struct gw_config *config, const char *text, size_t size, const char *name)
{
    struct gw__reader reader = {.config = config, .name = name};
    if (!config)
        return GW_ERROR_MEMORY;
    read_text(&reader, text, size);
    return finish(&reader);
}

int gw_config_read_file(struct gw_config *config, const char *path)
{
    struct gw__reader reader = {.config = config, .name = path ? path : ""};
    if (!config)
        return GW_ERROR_MEMORY;
    read_file(&reader);
    return finish(&reader);
}
