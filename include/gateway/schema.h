/* Schema: the services that .thrift files describe, compiled at run time; nothing is generated. No server is needed.
 *
 *     struct gw_schema *schema = gw_schema_create();
 *     if (gw_schema_compile_folder(schema, "idl") < 0)
 *         fprintf(stderr, "%s\n", gw_schema_error(schema));
 *
 * A schema is filled by one of the calls gw_schema_compile_…(), once, on one thread. From then on it never changes, and
 * any number of threads may use it. It is counted: see gw_schema_hold(). All that functions here return is its own. */
#ifndef GATEWAY_SCHEMA_H
#define GATEWAY_SCHEMA_H

#include <gateway/error.h>
#include <gateway/export.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

GW_BEGIN_DECLS

struct gw_schema;

/* A schema with nothing in it, with one user: the caller. NULL when memory is out. */
GW_API struct gw_schema *gw_schema_create(void);
/* One user more, who calls gw_schema_release() in the end; returns the schema. Any thread. NULL is allowed. */
GW_API struct gw_schema *gw_schema_hold(struct gw_schema *schema);
/* One user less; the last one frees it. Any thread. NULL is allowed. */
GW_API void gw_schema_release(struct gw_schema *schema);

/* Each of these returns 0, GW_ERROR_CONFIG if a file is wrong or missing (gw_schema_error() has every mistake),
 * _MEMORY, also if the schema is NULL, or _STATE on one that any of them was called on before. After a failure the
 * schema stays empty.
 *
 * Every *.thrift file of a folder and below. Includes are looked for beside the file, then in the folder. */
GW_API int gw_schema_compile_folder(struct gw_schema *schema, const char *folder);
/* One file. Includes are looked for beside the file that has them, then from the working directory, then in each of
 * `folders`, which ends with NULL and may be NULL. */
GW_API int gw_schema_compile_file(struct gw_schema *schema, const char *path, const char *const *folders);

/* A file in memory; `path` is its name for includes and in errors. `size` of the text in bytes. */
struct gw_schema_text {
    const char *path, *text;
    size_t size;
};
/* All these files, as if they were a folder. Borrowed for the call. */
GW_API int gw_schema_compile_texts(struct gw_schema *schema, const struct gw_schema_text *texts, size_t count);

/* Gives the text of the file with that path, which stays as it is until gw_schema_compile_with() returns, and its size;
 * NULL if there is no such file. Paths are joined already: "../b.thrift" in "x/a.thrift" is asked for as "b.thrift". */
typedef const char *(*gw_schema_read_fn)(void *user, const char *path, size_t *size);
/* One file and its includes, which are asked for beside the file that has them, then as they are written. */
GW_API int gw_schema_compile_with(struct gw_schema *schema, const char *path, gw_schema_read_fn read, void *user);

/* What was wrong, one mistake a line: "file:line:column: expected …, found … [GW11xx]"; "" if nothing was. */
GW_API const char *gw_schema_error(const struct gw_schema *schema);

/* An argument of a method, or an exception that it declares. */
struct gw_schema_field {
    const char *name, *type; /* type as in the IDL: "i64", "list<Item>" */
    int32_t id;
    bool required;
    const void *reserved[2];
};

struct gw_schema_method {
    const char *name;
    const char *service; /* name of the block that declares it, perhaps one that the asked one extends */
    const char *result;  /* type, "void" */
    const char *doc;     /* comment in front of it, NULL: none */
    bool oneway;
    bool body_is_argument; /* it has one argument, which is a struct: in JSON that struct stands for all arguments */
    size_t argument_count, exception_count;
    const struct gw_schema_field *arguments, *exceptions;
};

/* Names of services, in order of their bytes; NULL behind the last. "echo" is the last service block of echo.thrift,
 * "echo.Other" any block of it. */
GW_API const char *gw_schema_service_at(const struct gw_schema *schema, size_t index);
/* Methods of a service: its own in the order written, then those of what it extends; NULL behind the last, and if there
 * is no such service. */
GW_API const struct gw_schema_method *gw_schema_method_at(const struct gw_schema *schema, const char *service,
                                                          size_t index);
/* NULL if there is none. */
GW_API const struct gw_schema_method *gw_schema_method(const struct gw_schema *schema, const char *service,
                                                       const char *method);

GW_END_DECLS
#endif
