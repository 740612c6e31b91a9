/* Descriptors of the process: how many it may have open, and the reserve below that which connections leave free for
 * logs, reloads and the admin API. */
#ifndef GW_NET_DESCRIPTORS_H
#define GW_NET_DESCRIPTORS_H

#include <stdbool.h>
#include <stdint.h>

/* Looks up the soft limit of open files and returns it; INT32_MAX where there is none, or a higher one. The reserve
 * is set anew. */
int64_t gw__descriptors_look(void);
/* Of a limit: how many of them are the reserve. */
int64_t gw__descriptors_reserve(int64_t limit);
/* How many are open now. Reads a folder of as many entries: not for the request path. -1 if it can't be known. */
int64_t gw__descriptors_open(void);
/* True if a descriptor just opened is one of the reserve: all lower ones are in use. Any thread. */
bool gw__descriptors_is_reserved(int fd);

#endif
