/* Ports: sockets bound before a table is swapped in, so that an address that can't be had refuses the
 * config. One that a new table names again is kept as it is: closing one of several reuseport sockets
 * would reset the connections queued on it. */
#include "server/server.h"

#include "base/alloc.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A port of that address which no other listener of this table has: ":0" may be said twice. */
static struct gw__port *find(struct gw_server *server, const char *address, bool admin)
{
    for (struct gw__port *port = server->ports; port; port = port->next)
        if (port->admin == admin && !port->wanted && strcmp(port->address, address) == 0)
            return port;
    return NULL;
}

bool gw__ports_prepare(struct gw_server *server)
{
    for (struct gw__port *port = server->ports; port; port = port->next)
        for (unsigned i = 0; i < port->door_count && !port->opened; i++)
            if (!port->doors[i] && !(port->doors[i] = gw__calloc(1, sizeof **port->doors)))
                return false;
    return true;
}

void gw__ports_set_opened(struct gw_server *server, bool opened)
{
    for (struct gw__port *port = server->ports; port; port = port->next)
        port->opened = opened;
}

static void close_port(struct gw__port *port)
{
    for (unsigned i = 0; i < port->count; i++)
        if (port->fds[i] >= 0) /* not closed by a stop */
            close(port->fds[i]);
    for (unsigned i = 0; i < port->door_count; i++)
        gw__free(port->doors[i]);
    gw__free(port->doors);
    gw__free(port->address);
    gw__free(port);
}

/* A port without sockets; NULL when out of memory. */
static struct gw__port *create_port(const char *text, unsigned count, unsigned door_count)
{
    struct gw__port *port = gw__calloc(1, sizeof *port + count * sizeof(int));
    if (!port)
        return NULL;
    port->address = gw__strdup(text);
    port->doors = gw__calloc(door_count, sizeof(struct gw__door *));
    if (port->address && port->doors) {
        port->door_count = door_count;
        return port;
    }
    close_port(port);
    return NULL;
}

/* All workers' sockets; port 0 is settled by the first. */
static bool bind_all(struct gw__port *port, struct gw__sockaddr *address, unsigned count)
{
    if (!port->is_unix && gw__listener_is_taken(address)) {
        errno = EADDRINUSE;
        return false;
    }
    while (port->count < count) {
        int fd = gw__listener_bind(address);
        if (fd < 0)
            return false;
        port->fds[port->count++] = fd;
        address->size = sizeof address->to;
        if (getsockname(fd, &address->to.base, &address->size) < 0)
            return false;
    }
    port->port = gw__sockaddr_port(&address->to.base);
    if (!port->is_unix)
        gw__sockaddr_print(&address->to.base, address->size, port->bound);
    return true;
}

static struct gw__port *bind_port(struct gw_server *server, const char *text, const struct gw__address *parsed,
                                  bool admin, const char *origin, struct gw__report *report)
{
    struct gw__port *port = find(server, text, admin);
    if (port) {
        port->wanted = true;
        return port;
    }
    unsigned count = parsed->is_unix ? 1 : server->worker_count;
    struct gw__sockaddr address;
    port = create_port(text, count, admin ? 1 : server->worker_count);
    if (!port) {
        report->lost = true;
        return NULL;
    }
    port->admin = admin;
    port->is_unix = parsed->is_unix;
    port->wanted = true;
    bool found = gw__sockaddr_resolve(&address, parsed, true);
    if (!found || !bind_all(port, &address, count)) {
        gw__report_add(report, origin, "GW1050", "can't listen on '%s': %s", text,
                       found ? strerror(errno) : "host not found");
        close_port(port);
        return NULL;
    }
    if (admin)
        chmod(parsed->path, 0600);
    struct gw__port **end = &server->ports;
    while (*end)
        end = &(*end)->next;
    return *end = port;
}

void gw__ports_bind(struct gw_server *server, struct gw__table *table, struct gw__report *report)
{
    for (struct gw__port *port = server->ports; port; port = port->next)
        port->wanted = false;
    for (size_t i = 0; i < table->listener_count; i++) {
        struct gw__listener_config *config = &table->listeners[i];
        config->port = bind_port(server, config->address, &config->parsed, false, config->origin, report);
    }
    if (!table->admin_socket)
        return;
    struct gw__address address = {.is_unix = true};
    size_t size = strlen(table->admin_socket);
    if (size >= sizeof address.path) {
        gw__report_add(report, "", "GW1050", "can't listen on '%s': path too long", table->admin_socket);
        return;
    }
    memcpy(address.path, table->admin_socket, size + 1);
    table->admin_port = bind_port(server, table->admin_socket, &address, true, "", report);
}

void gw__ports_close(struct gw_server *server, const struct gw__table *table)
{
    for (struct gw__port *port = server->ports; port; port = port->next)
        port->wanted = table && port == table->admin_port;
    for (size_t i = 0; table && i < table->listener_count; i++)
        if (table->listeners[i].port)
            table->listeners[i].port->wanted = true;
    for (struct gw__port **place = &server->ports; *place;) {
        struct gw__port *port = *place;
        if (port->wanted) {
            place = &port->next;
            continue;
        }
        *place = port->next;
        if (port->is_unix) {
            const char *path = port->admin ? port->address : port->address + strlen("unix:");
            unlink(path);
        }
        close_port(port);
    }
}
