/* Cells, snapshots and instances, and who keeps which alive. */
#include "upstream/service.h"

#include "base/alloc.h"

#include <string.h>

void gw__services_init(struct gw__services *services)
{
    *services = (struct gw__services){0};
    gw__list_init(&services->cells);
}

void gw__instance_hold(struct gw__instance *instance)
{
    atomic_fetch_add_explicit(&instance->refs, 1, memory_order_relaxed);
}

void gw__instance_release(struct gw__instance *instance)
{
    if (atomic_fetch_sub_explicit(&instance->refs, 1, memory_order_acq_rel) == 1)
        gw__free(instance);
}

void gw__snapshot_free(struct gw__snapshot *snapshot)
{
    if (!snapshot)
        return;
    for (uint32_t i = 0; i < snapshot->count; i++)
        gw__instance_release(snapshot->instances[i]);
    gw__free(snapshot);
}

struct gw__service *gw__services_find(struct gw__services *services, const char *name)
{
    for (struct gw__link *link = services->cells.next; link != &services->cells; link = link->next) {
        struct gw__service *service = gw__container_of(link, struct gw__service, link);
        if (strcmp(service->name, name) == 0)
            return service;
    }
    return NULL;
}

struct gw__service *gw__services_hold(struct gw__services *services, const char *name)
{
    struct gw__service *service = gw__services_find(services, name);
    if (!service) {
        size_t size = strlen(name) + 1;
        service = gw__calloc(1, sizeof *service + size);
        if (!service)
            return NULL;
        memcpy(service->name, name, size);
        service->index = services->next_service++;
        gw__list_append(&services->cells, &service->link);
    }
    atomic_fetch_add(&service->refs, 1);
    return service;
}

void gw__service_release(struct gw__service *service)
{
    if (atomic_fetch_sub(&service->refs, 1) != 1)
        return;
    gw__list_remove(&service->link);
    gw__service_discard_next(service);
    struct gw__snapshot *snapshot = atomic_load(&service->snapshot);
    for (uint32_t i = 0; snapshot && i < snapshot->count; i++)
        atomic_store(&snapshot->instances[i]->removed, true);
    gw__snapshot_free(snapshot);
    gw__free(service);
}

static struct gw__instance *find(const struct gw__snapshot *snapshot, const char *text)
{
    for (uint32_t i = 0; snapshot && i < snapshot->count; i++)
        if (strcmp(snapshot->instances[i]->text, text) == 0)
            return snapshot->instances[i];
    return NULL;
}

static struct gw__instance *create_instance(struct gw__services *services, const struct gw__instance_config *config)
{
    struct gw__instance *instance = gw__calloc(1, sizeof *instance);
    if (!instance)
        return NULL;
    atomic_init(&instance->refs, 1);
    instance->index = services->next_instance++;
    instance->weight = config->weight;
    instance->address = config->address;
    strncpy(instance->text, config->text, sizeof instance->text - 1);
    return instance;
}

bool gw__service_prepare(struct gw__services *services, struct gw__service *service,
                         const struct gw__instance_config *instances, uint32_t count)
{
    struct gw__snapshot *now = atomic_load(&service->snapshot);
    struct gw__snapshot *next = gw__calloc(1, sizeof *next + count * sizeof *next->instances);
    if (!next)
        return false;
    next->equal = true;
    for (uint32_t i = 0; i < count; i++) {
        struct gw__instance *old = find(now, instances[i].text);
        if (old && old->weight == instances[i].weight &&
            memcmp(&old->address, &instances[i].address, sizeof old->address) == 0)
            gw__instance_hold(old);
        else
            old = create_instance(services, &instances[i]);
        if (!old) {
            gw__snapshot_free(next);
            return false;
        }
        next->instances[next->count++] = old;
        next->total_weight += old->weight;
        next->equal = next->equal && old->weight == next->instances[0]->weight;
    }
    gw__service_discard_next(service);
    service->next = next;
    return true;
}

struct gw__snapshot *gw__service_publish(struct gw__service *service)
{
    struct gw__snapshot *old = atomic_load(&service->snapshot), *next = service->next;
    for (uint32_t i = 0; old && i < old->count; i++) {
        bool kept = false;
        for (uint32_t j = 0; j < next->count; j++)
            kept = kept || next->instances[j] == old->instances[i];
        atomic_store(&old->instances[i]->removed, !kept);
    }
    atomic_store(&service->connect_ms, service->next_connect_ms);
    atomic_store(&service->pool_idle, service->next_pool_idle);
    atomic_store(&service->pool_keep_alive_ms, service->next_pool_keep_alive_ms);
    atomic_store_explicit(&service->snapshot, next, memory_order_release);
    service->next = NULL;
    return old;
}

void gw__service_discard_next(struct gw__service *service)
{
    gw__snapshot_free(service->next);
    service->next = NULL;
}
