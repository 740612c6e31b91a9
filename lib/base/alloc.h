/* All memory of the library goes through these, so that the Nth allocation can be made to fail. */
#ifndef GW_BASE_ALLOC_H
#define GW_BASE_ALLOC_H

#include <stddef.h>

void *gw__malloc(size_t size);
void *gw__calloc(size_t count, size_t size); /* zeroed; checks the product */
void *gw__realloc(void *memory, size_t size);
void gw__free(void *memory); /* NULL is allowed */
char *gw__strdup(const char *text); /* NULL gives NULL */
char *gw__strndup(const char *text, size_t size);
/* The array `items` with room for one more than `count` elements of `size` bytes, moved where needed
 * and *capacity raised; NULL when out of memory (items stays as it is). */
void *gw__grow(void *items, size_t count, size_t *capacity, size_t size);

#endif
