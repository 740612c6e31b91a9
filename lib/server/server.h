/* The server and its workers, as the files of this folder and the admin API see them. */
#ifndef GW_SERVER_SERVER_H
#define GW_SERVER_SERVER_H

#include "net/listener.h"
#include "server/overload.h"
#include "server/table.h"

#include <gateway/server.h>
#include <pthread.h>
#include <signal.h>

struct gw__worker;

/* A bound address: one socket for each worker (TCP) or one for all (Unix, admin). Lives from the table
 * that first names it to the swap that drops it. */
struct gw__port {
    struct gw__port *next;
    char *address;
    bool admin, wanted, is_unix;
    bool opened;    /* the workers have taken their doors */
    unsigned door_count;     /* one a worker, for the admin's one */
    struct gw__door **doors; /* made beforehand, so that a swap can't fail; taken when it opens */
    int port;       /* as bound; -1 for a Unix socket */
    char bound[GW__ADDRESS_TEXT]; /* of a TCP port, as bound */
    unsigned count; /* of fds */
    atomic_uint turn; /* of a Unix listener: which worker is next */
    int fds[];
};

/* A port as one worker serves it. */
struct gw__door {
    struct gw__link link;
    struct gw__worker *worker;
    struct gw__port *port;
    struct gw__listener listener;
    struct gw__exchange_site site;
    bool closed; /* serves its last connections */
};

struct gw__worker {
    struct gw_server *server;
    unsigned index;              /* of its view in a table; the keeper's own: worker_count */
    bool keeper, has_thread;
    pthread_t thread;
    struct gw__loop loop;
    struct gw__context context;
    struct gw__view *view;       /* current */
    struct gw__link doors;
    struct gw__swap_mail {
        struct gw__mail mail;
        struct gw__swap *swap;
    } swap_mail;
    struct gw__mail stop_mail;
    atomic_bool stop_posted;
    struct gw__mail press_mail;
    atomic_bool press_posted;
    _Atomic uint8_t pressure;    /* stage of overload, as the keeper last said */
    struct gw__timer drain_timer;
    atomic_uint_least64_t drain_until_ms;
    bool stopping, stopped;      /* stopped: written by the worker before it leaves its loop */
};

/* A table on its way to the workers. */
struct gw__swap {
    struct gw__table *table;
    atomic_uint waiting;
    pthread_mutex_t mutex;
    pthread_cond_t done;
};

enum gw__run { GW__RUN_NOT, GW__RUN_THREADS, GW__RUN_ATTACHED, GW__RUN_STOPPED };

struct gw_server {
    pthread_mutex_t lock; /* of applying, and of all below that the keeper and others share */
    struct gw__registry registry, admin_registry;
    struct gw__services services;
    struct gw__table *table, *tables; /* current; all that live */
    struct gw__table *admin_table;
    struct gw__port *ports;
    struct gw__worker **workers;      /* worker_count, then the keeper if it is one of its own */
    unsigned worker_count;            /* 0: not known yet */
    struct gw__worker *keeper;
    struct gw__blocking *blocking;
    struct gw__writer *writer;
    struct gw__overload overload;
    uint64_t generation, refused, freed;
    uint64_t started_us;
    _Atomic enum gw__run run;
    gw_log_fn log;
    void *log_user;
    _Atomic int log_level;
    gw_reload_fn reload;
    void *reload_user;
    char *error;                      /* text of the last result; NULL: its constant sentence */
    int result;
};

void gw__server_log(struct gw_server *server, enum gw_log_level level, const char *format, ...) GW_PRINTF(3, 4);

/* worker.c */
struct gw__worker *gw__worker_create(struct gw_server *server, unsigned index, bool keeper, struct event_base *base);
/* Its thread has ended, or never was. */
void gw__worker_destroy(struct gw__worker *worker);
int gw__worker_start(struct gw__worker *worker);
/* Puts a table in force on the worker; on its thread, or before it has one. */
void gw__worker_swap(struct gw__worker *worker, struct gw__table *table);
/* Begins to drain; any thread. It may be said again: the deadline that comes first holds. */
void gw__worker_stop(struct gw__worker *worker, int drain_ms);
/* Tells it the stage of overload. */
void gw__worker_press(struct gw__worker *worker, unsigned stage);
static inline bool gw__worker_is_stopping(const struct gw__worker *worker)
{
    return atomic_load(&worker->stop_posted);
}

/* port.c */
/* Binds what the table names and is not bound yet; errors go to the report. */
void gw__ports_bind(struct gw_server *server, struct gw__table *table, struct gw__report *report);
/* Forgets what was bound for a table that was refused, or is named by none any more: all that is not wanted. */
void gw__ports_close(struct gw_server *server, const struct gw__table *table);

/* Makes the doors that workers will open; false when out of memory. */
bool gw__ports_prepare(struct gw_server *server);
void gw__ports_set_opened(struct gw_server *server, bool opened);

/* admin/admin.c */
int gw__admin_init(struct gw_server *server);
/* True if the peer of a Unix socket is the process's own user or root. */
bool gw__admin_allows(int fd);

#endif
