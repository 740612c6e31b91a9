/* The allocator hook. It is set before anything else runs, so plain pointers do. */
#include "base/alloc.h"

#include <errno.h>
#include <gateway/error.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *(*hook_malloc)(size_t) = malloc;
static void *(*hook_realloc)(void *, size_t) = realloc;
static void (*hook_free)(void *) = free;

void gw_set_allocator(void *(*allocate)(size_t), void *(*reallocate)(void *, size_t), void (*release)(void *))
{
    hook_malloc = allocate ? allocate : malloc;
    hook_realloc = reallocate ? reallocate : realloc;
    hook_free = release ? release : free;
}

/* A host's allocator need not say ENOMEM; callers that report errno count on it. */
static void *say(void *memory)
{
    if (!memory)
        errno = ENOMEM;
    return memory;
}

void *gw__malloc(size_t size)
{
    return say(hook_malloc(size ? size : 1));
}

void *gw__calloc(size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return NULL;
    void *memory = gw__malloc(count * size);
    if (memory)
        memset(memory, 0, count * size);
    return memory;
}

void *gw__realloc(void *memory, size_t size)
{
    return say(hook_realloc(memory, size ? size : 1));
}

void gw__free(void *memory)
{
    if (memory)
        hook_free(memory);
}

char *gw__strndup(const char *text, size_t size)
{
    char *copy = gw__malloc(size + 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

char *gw__strdup(const char *text)
{
    return text ? gw__strndup(text, strlen(text)) : NULL;
}

void *gw__grow(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    size_t more = *capacity ? *capacity * 2 : 4;
    if (more > SIZE_MAX / 2 / size)
        return NULL;
    items = gw__realloc(items, more * size);
    if (items)
        *capacity = more;
    return items;
}
