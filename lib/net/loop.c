/* Clock, tasks and mailbox of a loop. */
#include "net/loop.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define BASE_DESCRIPTORS 6 /* epoll, timerfd, two pipes: a few more than that */

void gw__loop_enter(struct gw__loop *loop)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    loop->now_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    loop->now_ms = loop->now_us / 1000;
}

void gw__loop_leave(struct gw__loop *loop)
{
    while (loop->tasks) {
        struct gw__task *task = loop->tasks;
        loop->tasks = task->next;
        if (!loop->tasks)
            loop->tasks_end = &loop->tasks;
        task->queued = false;
        task->run(task);
    }
}

void gw__loop_defer(struct gw__loop *loop, struct gw__task *task)
{
    if (task->queued)
        return;
    task->queued = true;
    task->next = NULL;
    *loop->tasks_end = task;
    loop->tasks_end = &task->next;
}

void gw__task_cancel(struct gw__loop *loop, struct gw__task *task)
{
    if (!task->queued)
        return;
    struct gw__task **place = &loop->tasks;
    while (*place != task)
        place = &(*place)->next;
    *place = task->next;
    if (!*place)
        loop->tasks_end = place;
    task->queued = false;
}

/* Without strftime(), whose names are those of the host's locale. */
void gw__loop_renew_date(struct gw__loop *loop)
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char text[128] = "";
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    snprintf(text, sizeof text, "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n", days + 3 * parts.tm_wday,
             parts.tm_mday, months + 3 * parts.tm_mon, parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
    memcpy(loop->date, text, GW__DATE_BYTES);
    loop->date_until_ms = loop->now_ms + 1000 - (uint64_t)now.tv_nsec / 1000000;
}

void gw__loop_post(struct gw__loop *loop, struct gw__mail *mail)
{
    struct gw__mail *head = atomic_load_explicit(&loop->mail, memory_order_relaxed);
    do
        mail->next = head;
    while (
        !atomic_compare_exchange_weak_explicit(&loop->mail, &head, mail, memory_order_release, memory_order_relaxed));
    if (!head) {
        uint64_t one = 1;
        while (write(loop->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
            continue;
    }
}

/* The stack holds the newest first; it is delivered in the order it was sent. */
void gw__loop_deliver(struct gw__loop *loop)
{
    struct gw__mail *newest = atomic_exchange_explicit(&loop->mail, NULL, memory_order_acquire), *oldest = NULL;
    while (newest) {
        struct gw__mail *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct gw__mail *next = oldest->next;
        oldest->deliver(oldest);
        oldest = next;
    }
}

static void handle_mail(evutil_socket_t fd, short what, void *arg)
{
    struct gw__loop *loop = arg;
    uint64_t count;
    gw__loop_enter(loop);
    while (read(fd, &count, sizeof count) < 0 && errno == EINTR)
        continue;
    gw__loop_deliver(loop);
    gw__loop_leave(loop);
}

/* libevent ends the process where it can't have its descriptors: see first whether they are there. */
static bool descriptors_left(void)
{
    int fds[BASE_DESCRIPTORS], n = 0;
    while (n < BASE_DESCRIPTORS && (fds[n] = eventfd(0, EFD_CLOEXEC)) >= 0)
        n++;
    bool all = n == BASE_DESCRIPTORS;
    int error = errno;
    while (n > 0)
        close(fds[--n]);
    errno = error;
    return all;
}

static struct event_base *create_base(void)
{
    struct event_config *config = descriptors_left() ? event_config_new() : NULL;
    if (!config)
        return NULL;
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

int gw__loop_init(struct gw__loop *loop, struct event_base *base)
{
    memset(loop, 0, sizeof *loop);
    loop->wake_fd = -1;
    loop->tasks_end = &loop->tasks;
    loop->blocks.limit = 512;
    gw__list_init(&loop->paused);
    for (int i = 0; i < GW__TURN_KINDS; i++) {
        gw__list_init(&loop->turns[i].waiting);
        loop->turns[i].left = gw__turn_limit(i);
    }
    loop->owns_base = !base;
    loop->base = base ? base : create_base();
    loop->receive = gw__malloc(GW__RECEIVE_BYTES);
    loop->scratch = gw__malloc(GW__SCRATCH_BYTES);
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    gw__loop_enter(loop);
    if (!loop->base || !loop->receive || !loop->scratch || loop->wake_fd < 0 || gw__wheel_init(loop) < 0 ||
        event_assign(&loop->mail_event, loop->base, loop->wake_fd, EV_READ | EV_PERSIST, handle_mail, loop) < 0 ||
        event_add(&loop->mail_event, NULL) < 0) {
        gw__loop_finish(loop);
        return -1;
    }
    return 0;
}

void gw__loop_finish(struct gw__loop *loop)
{
    if (loop->wake_fd >= 0 && event_initialized(&loop->mail_event)) {
        event_del(&loop->mail_event);
        gw__loop_deliver(loop);
    }
    gw__loop_leave(loop);
    gw__wheel_finish(loop);
    if (event_initialized(&loop->turns_event))
        event_del(&loop->turns_event);
    gw__block_pool_finish(&loop->blocks);
    if (loop->owns_base && loop->base)
        event_base_free(loop->base);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    gw__free(loop->receive);
    gw__free(loop->scratch);
    memset(loop, 0, sizeof *loop);
    loop->wake_fd = -1;
    loop->tasks_end = &loop->tasks;
}
