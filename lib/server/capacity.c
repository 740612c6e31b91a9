/* All that is counted stays below the first watermark of descriptors (overload.h). A connection that the config asks
 * for counts twice, since its request may need one to an instance. Of the default only the clients' side has to fit:
 * the watermarks do the rest. Ports are bound already, so they are among the descriptors open. */
#include "server/capacity.h"

#include "net/descriptors.h"
#include "server/overload.h"

#define FEWEST 4        /* connections of a worker through one listener that a default is lowered to at least */
#define A_WORKER_OPENS 4 /* its loop's */

static int64_t free_for_connections(const struct gw__capacity *room)
{
    return (room->limit - gw__descriptors_reserve(room->limit)) * GW__WATERMARK_1 / 100 - room->others;
}

/* The limit that would do for `connections`. */
static int64_t enough(const struct gw__capacity *room, int64_t connections)
{
    int64_t usable = (connections + room->others) * 100 / GW__WATERMARK_1 + 1;
    int64_t limit = usable;
    while (limit - gw__descriptors_reserve(limit) < usable)
        limit = usable + gw__descriptors_reserve(limit);
    return limit;
}

static void look(struct gw__capacity *room, struct gw_server *server, const struct gw__table *table)
{
    room->limit = gw__descriptors_look();
    int64_t open = gw__descriptors_open();
    room->others = open < 0 ? 0 : open - gw__overload_sockets(server);
    if (!server->workers)
        room->others += A_WORKER_OPENS * (int64_t)(table->worker_count + 1);
    for (size_t i = 0; i < table->listener_count; i++) {
        const struct gw__listener_config *listener = &table->listeners[i];
        if (listener->says_connections)
            room->said += 2 * listener->limits.connections * (int64_t)table->worker_count;
        else
            room->defaults++, room->wanted = room->lowered = listener->limits.connections;
    }
}

static int64_t files_of_default(const struct gw__capacity *room, const struct gw_server *server)
{
    return room->defaults * (int64_t)server->worker_count;
}

static void lower(struct gw__capacity *room, const struct gw_server *server, struct gw__table *table)
{
    int64_t most = (free_for_connections(room) - room->said) / files_of_default(room, server);
    most = most < FEWEST ? FEWEST : most;
    if (most >= room->wanted)
        return;
    room->lowered = most;
    for (size_t i = 0; i < table->listener_count; i++)
        if (!table->listeners[i].says_connections)
            table->listeners[i].limits.connections = most;
}

void gw__capacity_log(const struct gw__capacity *room, struct gw_server *server)
{
    if (room->lowered == room->wanted)
        return;
    long long files = enough(room, room->said + files_of_default(room, server) * room->wanted);
    gw__server_log(server, GW_LOG_WARNING,
                   "limits.connections is lowered from %lld to %lld for each of %u workers: the limit of open files is "
                   "%lld, %lld would be enough (ulimit -n, LimitNOFILE)", (long long)room->wanted,
                   (long long)room->lowered, server->worker_count, (long long)room->limit, files);
}

static const char *find_origin(const struct gw__table *table)
{
    for (size_t i = 0; i < table->listener_count; i++)
        if (table->listeners[i].says_connections)
            return table->listeners[i].origin;
    return "";
}

void gw__capacity_fit(struct gw__capacity *out, struct gw_server *server, struct gw__table *table,
                      struct gw__report *report)
{
    *out = (struct gw__capacity){0};
    look(out, server, table);
    server->overload.others = out->others;
    if (out->said > free_for_connections(out))
        gw__report_add(report, find_origin(table), "GW1052",
                       "limits.connections, for %u workers, needs a limit of %lld open files, it is %lld: raise it "
                       "(ulimit -n, LimitNOFILE), or lower limits.connections", table->worker_count,
                       (long long)enough(out, out->said), (long long)out->limit);
    else if (out->defaults)
        lower(out, server, table);
}
