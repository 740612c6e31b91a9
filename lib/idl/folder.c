/* The IDL folder on disk: which files there are, and their bytes. Paths are relative to the folder; the folder stays
 * open while it is read, so that it may be renamed meanwhile. */
#include "base/alloc.h"
#include "base/text.h"
#include "idl/ast.h"
#include "idl/idl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FOLDERS_DEEP = 16 };

struct scan {
    int root;
    char **paths;
    size_t count, capacity;
    const char *prefix;
    struct gw__report *report;
};

static const char *reason(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR: return "no such file";
    case EACCES:
    case EPERM: return "no permission to read it";
    case ENOMEM: return "out of memory";
    default: return "it can't be read";
    }
}

static const char *read_all(int fd, char *data, size_t size, size_t *filled)
{
    for (*filled = 0; *filled < size;) {
        ssize_t got = read(fd, data + *filled, size - *filled);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return reason(errno);
        if (got == 0)
            break;
        *filled += (size_t)got;
    }
    return NULL;
}

static const char *read_open(int fd, char **data, size_t *size)
{
    struct stat info;
    if (fstat(fd, &info) < 0)
        return reason(errno);
    if (!S_ISREG(info.st_mode))
        return "it is no regular file";
    if (info.st_size > GW__IDL_FILE_BYTES)
        return "the file is too large";
    char *bytes = gw__malloc((size_t)info.st_size + 1);
    if (!bytes)
        return "out of memory";
    const char *why = read_all(fd, bytes, (size_t)info.st_size, size);
    if (why)
        gw__free(bytes);
    else
        *data = bytes;
    return why;
}

const char *gw__idl_read_disk(void *user, const char *path, char **data, size_t *size)
{
    const int *root = user;
    int fd = openat(*root, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would never open */
    if (fd < 0)
        return reason(errno);
    const char *why = read_open(fd, data, size);
    close(fd);
    return why;
}

static void refuse(struct scan *scan, const char *path, const char *why)
{
    struct gw__text origin = {0};
    gw__text_print(&origin, "%s%s", scan->prefix, path);
    gw__report_add(scan->report, origin.data, "GW1100", "%s", why);
    gw__text_finish(&origin);
}

static void add_path(struct scan *scan, const char *path)
{
    char **paths = gw__grow(scan->paths, scan->count, &scan->capacity, sizeof *paths);
    char *copy = gw__strdup(path);
    scan->paths = paths ? paths : scan->paths;
    if (paths && copy) {
        paths[scan->count++] = copy;
        return;
    }
    gw__free(copy);
    scan->report->lost = true;
}

static bool is_thrift(const char *name)
{
    size_t size = strlen(name);
    return size > 7 && strcmp(name + size - 7, ".thrift") == 0;
}

static void scan_folder(struct scan *scan, const char *path, unsigned depth);

static void scan_entry(struct scan *scan, const char *folder, const char *name, unsigned depth)
{
    struct gw__text path = {0};
    struct stat info;
    if (*name == '.')
        return;
    gw__text_print(&path, "%s%s%s", folder, *folder ? "/" : "", name);
    if (path.lost)
        scan->report->lost = true;
    else if (is_thrift(name) && scan->count < GW__IDL_FILES)
        add_path(scan, path.data);
    else if (is_thrift(name))
        refuse(scan, path.data, "too many files");
    else if (fstatat(scan->root, path.data, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode))
        scan_folder(scan, path.data, depth + 1);
    gw__text_finish(&path);
}

static void scan_folder(struct scan *scan, const char *path, unsigned depth)
{
    if (depth > MAX_FOLDERS_DEEP) {
        refuse(scan, path, "folders are nested too deep");
        return;
    }
    int fd = openat(scan->root, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder) {
        refuse(scan, path, reason(errno));
        if (fd >= 0)
            close(fd);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(folder)) && !scan->report->lost;)
        scan_entry(scan, path, entry->d_name, depth);
    closedir(folder);
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int load(struct gw__idl_set *set, struct scan *scan)
{
    size_t before = scan->report->count;
    scan_folder(scan, "", 0);
    if (scan->count)
        qsort(scan->paths, scan->count, sizeof *scan->paths, compare_paths);
    struct gw__idl_reader reader = {.read = gw__idl_read_disk, .user = &scan->root};
    int result = gw__idl_load(set, (const char *const *)scan->paths, scan->count, &reader, scan->prefix, scan->report);
    if (result == 0 && (scan->report->lost || scan->report->count > before)) {
        gw__idl_set_finish(set);
        result = -1;
    }
    for (size_t i = 0; i < scan->count; i++)
        gw__free(scan->paths[i]);
    gw__free(scan->paths);
    return result;
}

int gw__idl_load_folder(struct gw__idl_set *set, const char *folder, const char *origin, struct gw__report *report)
{
    struct gw__text prefix = {0};
    size_t size = strlen(folder);
    *set = (struct gw__idl_set){0};
    gw__text_print(&prefix, "%s%s", folder, size && folder[size - 1] == '/' ? "" : "/");
    if (prefix.lost) {
        report->lost = true;
        return -1;
    }
    struct scan scan = {.prefix = prefix.data, .report = report};
    scan.root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = -1;
    if (scan.root < 0)
        gw__report_add(report, origin, "GW1100", "the folder of IDL '%s': %s", folder,
                       errno == ENOENT ? "no such folder" : errno == ENOTDIR ? "it is no folder" : reason(errno));
    else
        result = load(set, &scan);
    if (scan.root >= 0)
        close(scan.root);
    gw__text_finish(&prefix);
    return result;
}
