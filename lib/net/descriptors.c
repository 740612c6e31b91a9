/* The kernel gives out the lowest descriptor that is free, so the number of a new one tells how many are in use at
 * least: what connections may have is decided by that number alone. */
#include "net/descriptors.h"

#include <dirent.h>
#include <stdatomic.h>
#include <sys/resource.h>

#define RESERVE 64

static _Atomic int64_t first_reserved = INT32_MAX;

int64_t gw__descriptors_reserve(int64_t limit)
{
    return limit / 4 < RESERVE ? limit / 4 : RESERVE;
}

int64_t gw__descriptors_look(void)
{
    struct rlimit files;
    int64_t limit = INT32_MAX;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < INT32_MAX)
        limit = (int64_t)files.rlim_cur;
    atomic_store_explicit(&first_reserved, limit - gw__descriptors_reserve(limit), memory_order_relaxed);
    return limit;
}

int64_t gw__descriptors_open(void)
{
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return -1;
    int64_t count = -3; /* ".", ".." and the folder's own */
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

bool gw__descriptors_is_reserved(int fd)
{
    return fd >= atomic_load_explicit(&first_reserved, memory_order_relaxed);
}
