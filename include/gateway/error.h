/* Results of set-up calls, the log callback and the allocator hook. */
#ifndef GATEWAY_ERROR_H
#define GATEWAY_ERROR_H

#include <gateway/export.h>
#include <stddef.h>

GW_BEGIN_DECLS

/* Set-up functions return 0 or one of these. The text that belongs to it is kept by the object:
 * gw_server_error(). */
enum gw_error {
    GW_OK = 0,
    GW_ERROR_MEMORY = -1, /* an allocation failed */
    GW_ERROR_CONFIG = -2, /* the config does not make sense; nothing was changed */
    GW_ERROR_SYSTEM = -3, /* the operating system refused: bind, thread, file */
    GW_ERROR_STATE = -4,  /* not possible now: started twice, changed what needs a restart */
    GW_ERROR_INPUT = -5,  /* what was to be converted is wrong: gw_transcode_error() */
    GW_ERROR_LIMIT = -6,  /* it is larger than the caller allows */
    GW_ERROR_SINK = -7,   /* the caller's sink wants no more */
};

/* A constant sentence for a result of the above. Never NULL. */
GW_API const char *gw_error_text(int error);

enum gw_log_level { GW_LOG_ERROR, GW_LOG_WARNING, GW_LOG_INFO, GW_LOG_DEBUG };

/* Receives one line of diagnostics, without newline; may be called on any thread, must not block
 * long. `line` is valid during the call. */
typedef void (*gw_log_fn)(void *user, enum gw_log_level level, const char *line);

/* All memory of the library comes from these three, which behave as malloc, realloc and free. Call
 * before any other function of the library, or not at all; pass three NULLs for libc's. What
 * libevent and libconfig allocate for themselves is not covered. */
GW_API void gw_set_allocator(void *(*allocate)(size_t size), void *(*reallocate)(void *memory, size_t size),
                             void (*release)(void *memory));

GW_END_DECLS
#endif
