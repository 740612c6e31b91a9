/* Intrusive doubly linked ring. A head is a link to itself; so is an unlinked entry. */
#ifndef GW_BASE_LIST_H
#define GW_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct gw__link {
    struct gw__link *next, *prev;
};

#define gw__container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

static inline void gw__list_init(struct gw__link *link)
{
    link->next = link->prev = link;
}

static inline bool gw__list_empty(const struct gw__link *head)
{
    return head->next == head;
}

/* Puts an entry behind `where`; with the head as `where` that is the front. */
static inline void gw__list_insert(struct gw__link *where, struct gw__link *entry)
{
    entry->prev = where;
    entry->next = where->next;
    where->next->prev = entry;
    where->next = entry;
}

static inline void gw__list_append(struct gw__link *head, struct gw__link *entry)
{
    gw__list_insert(head->prev, entry);
}

static inline void gw__list_remove(struct gw__link *entry)
{
    entry->prev->next = entry->next;
    entry->next->prev = entry->prev;
    gw__list_init(entry);
}

#endif
