/* IDL files to schemas. Texts come from a reader, so that none of this needs a disk. Every error found is reported with
 * "file:line:column" and a code GW11xx: what was expected, what was found. */
#ifndef GW_IDL_IDL_H
#define GW_IDL_IDL_H

#include "base/report.h"
#include "base/text.h"
#include "idl/pool.h"
#include "schema/schema.h"

/* Gives a file's bytes, got from gw__malloc(): then *data is the caller's. Returns NULL, or why not ("no such file").
 * Paths are relative and have no "." or ".." but in front; larger than GW__IDL_FILE_BYTES (ast.h) is refused. */
struct gw__idl_reader {
    const char *(*read)(void *user, const char *path, char **data, size_t *size);
    void *user;
    const char *const *folders; /* where includes are looked for in the end, up to NULL; NULL: nowhere else */
};

/* A reader of files on disk; user: pointer to the descriptor of the folder that paths are relative to, or AT_FDCWD. */
const char *gw__idl_read_disk(void *user, const char *path, char **data, size_t *size);
/* Appends a path's segments to a clean one, following "." and "..". */
void gw__idl_join(struct gw__text *out, struct gw__str path);

/* One file with what it includes, looked for beside the including file, then where `path` begins. `prefix` stands
 * before the paths in errors ("idl/"). NULL: the report says why. */
struct gw__schema *gw__idl_compile(const char *path, const struct gw__idl_reader *reader, const char *prefix,
                                   struct gw__report *report);

/* The schemas of a folder, one for each file, in order of their paths; and the services by the name that routes use:
 * "echo" is the last service block of echo.thrift, "echo.Other" any block of it. */
struct gw__idl_set {
    struct gw__schema **schemas;
    size_t count;
    struct gw__arena arena; /* what the schemas consist of: a definition is made once, whoever includes it */
    struct gw__idl_name {
        const char *name; /* allocated */
        const struct gw__schema *schema;
        const struct gw__rpc *service;
    } *names; /* in order of their bytes */
    size_t name_count, name_capacity;
};

/* Every *.thrift in the folder and below; what begins with a dot is left out. Returns 0, or -1 with errors in the
 * report and an empty set: one wrong file refuses all. origin: where the config names the folder, or "". Reads
 * disks: for the keeper, not for workers. */
int gw__idl_load_folder(struct gw__idl_set *set, const char *folder, const char *origin, struct gw__report *report);
/* The same with paths known and a reader. */
int gw__idl_load(struct gw__idl_set *set, const char *const *paths, size_t count, const struct gw__idl_reader *reader,
                 const char *prefix, struct gw__report *report);
const struct gw__idl_name *gw__idl_set_find(const struct gw__idl_set *set, const char *name, size_t size);
/* The name that is meant by a mistyped one; NULL: none is near. */
const char *gw__idl_set_nearest(const struct gw__idl_set *set, const char *name);
void gw__idl_set_finish(struct gw__idl_set *set);

/* Files read so far, for one load. */
struct gw__ast_file;
struct gw__idl {
    const struct gw__idl_reader *reader;
    struct gw__report *report;
    const char *prefix;
    struct gw__ast_file *files;
    size_t file_count;
    struct gw__idl_pool pool;
};

#endif
