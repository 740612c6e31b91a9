/* The public entrance to a server's writer. */
#include "server/writer.h"

#include <errno.h>

struct gw_log_file *gw_log_file_open(struct gw_server *server, const char *path)
{
    struct gw__writer *writer = server ? gw__server_writer(server) : NULL;
    if (writer && path)
        return gw__log_file_open(writer, path);
    errno = EINVAL;
    return NULL;
}
