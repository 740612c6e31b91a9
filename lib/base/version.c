/* What a program may ask without having made anything: the version it runs with, and what a result means. */
#include <gateway/error.h>
#include <gateway/version.h>

const char *gw_version(void)
{
    return GW_VERSION;
}

const char *gw_error_text(int error)
{
    switch (error) {
    case GW_OK: return "no error";
    case GW_ERROR_MEMORY: return "out of memory";
    case GW_ERROR_CONFIG: return "the config does not make sense";
    case GW_ERROR_SYSTEM: return "the operating system refused";
    case GW_ERROR_STATE: return "not possible in this state";
    case GW_ERROR_INPUT: return "what was to be converted is wrong";
    case GW_ERROR_LIMIT: return "larger than the caller allows";
    case GW_ERROR_SINK: return "the caller's sink wants no more";
    }
    return "unknown error";
}
