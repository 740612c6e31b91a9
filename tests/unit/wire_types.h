/* Shared by what tests the transcoder: schemas from IDL files or text, the pass each way in pieces of any size. */
#ifndef GW_TEST_WIRE_TYPES_H
#define GW_TEST_WIRE_TYPES_H

#include "base/alloc.h"
#include "idl/idl.h"
#include "transcode/decode.h"
#include "transcode/encode.h"

#include <stdio.h>
#include <stdlib.h>

struct idl_text {
    const char *text; /* NULL: a file of idl/ below `root` */
    const char *root;
};

static inline const char *idl_read(void *user, const char *path, char **data, size_t *size)
{
    const struct idl_text *source = user;
    char name[512];
    if (source->text) {
        *size = strlen(source->text);
        *data = gw__malloc(*size + 1);
        if (*data)
            memcpy(*data, source->text, *size);
        return *data ? NULL : "out of memory";
    }
    snprintf(name, sizeof name, "%s/idl/%s", source->root, path);
    FILE *file = fopen(name, "r");
    if (!file)
        return "no such file";
    *data = gw__malloc(65536);
    *size = *data ? fread(*data, 1, 65536, file) : 0;
    fclose(file);
    return *data ? NULL : "out of memory";
}

/* NULL if it does not compile. */
static inline struct gw__schema *idl_schema(const char *path, const struct idl_text *source)
{
    struct gw__idl_reader reader = {idl_read, (void *)(uintptr_t)source};
    struct gw__report report = {0};
    struct gw__schema *schema = gw__idl_compile(path, &reader, NULL, &report);
    gw__report_finish(&report);
    return schema;
}

static inline const struct gw__method *idl_method(const struct gw__schema *schema, const char *name)
{
    return gw__rpc_method(schema->main, name, strlen(name));
}

/* All segments in one block, which the caller frees. */
static inline char *wire_bytes(struct gw__wire *wire, size_t *size)
{
    *size = gw__wire_settle(wire);
    char *bytes = malloc(*size ? *size : 1), *at = bytes;
    for (struct gw__wire_segment *segment = wire->first; segment; segment = segment->next) {
        memcpy(at, segment->bytes, segment->size);
        at += segment->size;
    }
    return bytes;
}

/* First `first` bytes, then pieces of `step` (0: the rest), each in a block that ends where it does. With a `seed`,
 * pieces of 1 to 32 bytes as it wills. */
struct cut {
    size_t first, step;
    uint32_t seed;
};

static inline size_t cut_size(const struct cut *cut, size_t done, size_t left)
{
    size_t want = done == 0 && cut->first ? cut->first : cut->step ? cut->step : left;
    if (cut->seed)
        want = 1 + (cut->seed * (uint32_t)(2 * done + 1) >> 9) % 32;
    return want < left ? want : left;
}

static inline char *cut_block(const char *data, size_t size)
{
    char *block = malloc(size ? size : 1);
    if (size)
        memcpy(block, data, size);
    return block;
}

static inline enum gw__wire_status encode_all(struct gw__encode *encode, const char *text, size_t size,
                                              const struct cut *cut)
{
    enum gw__wire_status status = GW__WIRE_MORE;
    char *old = NULL; /* a piece must stay until the next is asked for */
    if (cut->step || cut->seed)
        encode->mark = encode->due = 1; /* what there is in binary is passed on wherever that may be */
    for (size_t done = 0; status == GW__WIRE_MORE;) {
        size_t count = cut_size(cut, done, size - done);
        char *block = cut_block(text + done, count);
        done += count;
        status = gw__encode_feed(encode, block, count, done == size);
        free(old);
        old = block;
    }
    free(old);
    return status;
}

/* *taken: bytes that were the value's. MORE: they ended too early. */
static inline enum gw__wire_status decode_all(struct gw__decode *decode, const char *data, size_t size,
                                              const struct cut *cut, size_t *taken)
{
    enum gw__wire_status status = GW__WIRE_MORE;
    *taken = 0;
    for (size_t done = 0; status == GW__WIRE_MORE && done < size;) {
        size_t count = cut_size(cut, done, size - done), used;
        char *block = cut_block(data + done, count);
        done += count;
        status = gw__decode_feed(decode, block, count, &used);
        *taken += used;
        free(block);
    }
    return status;
}

#endif
