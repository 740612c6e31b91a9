/* Blocking hooks: a bounded pool of threads, started as needed. While a hook runs there, the exchange is
 * the thread's alone: its sources are paused first, and whatever ends it meanwhile is only marked. */
#include "exchange/exchange.h"

#include "base/alloc.h"
#include "base/thread.h"

#include <pthread.h>
#include <time.h>

struct gw__blocking {
    pthread_mutex_t mutex;
    pthread_cond_t work;
    struct gw__job *first, **last;
    unsigned threads, limit, started, idle, waiting;
    bool stopping;
    pthread_t ids[];
};

static void *run_thread(void *arg)
{
    struct gw__blocking *blocking = arg;
    pthread_mutex_lock(&blocking->mutex);
    for (;;) {
        while (!blocking->first && !blocking->stopping) {
            blocking->idle++;
            pthread_cond_wait(&blocking->work, &blocking->mutex);
            blocking->idle--;
        }
        struct gw__job *job = blocking->first;
        if (!job)
            break;
        blocking->first = job->next;
        if (!blocking->first)
            blocking->last = &blocking->first;
        blocking->waiting--;
        pthread_mutex_unlock(&blocking->mutex);
        job->run(job);
        gw__loop_post(job->loop, &job->mail);
        pthread_mutex_lock(&blocking->mutex);
    }
    pthread_mutex_unlock(&blocking->mutex);
    return NULL;
}

struct gw__blocking *gw__blocking_create(unsigned threads, unsigned limit)
{
    struct gw__blocking *blocking = gw__calloc(1, sizeof *blocking + threads * sizeof(pthread_t));
    if (!blocking)
        return NULL;
    pthread_mutex_init(&blocking->mutex, NULL);
    pthread_cond_init(&blocking->work, NULL);
    blocking->last = &blocking->first;
    blocking->threads = threads;
    blocking->limit = limit;
    return blocking;
}

void gw__blocking_destroy(struct gw__blocking *blocking)
{
    if (!blocking)
        return;
    pthread_mutex_lock(&blocking->mutex);
    blocking->stopping = true;
    pthread_cond_broadcast(&blocking->work);
    pthread_mutex_unlock(&blocking->mutex);
    for (unsigned i = 0; i < blocking->started; i++)
        pthread_join(blocking->ids[i], NULL);
    pthread_cond_destroy(&blocking->work);
    pthread_mutex_destroy(&blocking->mutex);
    gw__free(blocking);
}

bool gw__blocking_submit(struct gw__blocking *blocking, struct gw__job *job)
{
    pthread_mutex_lock(&blocking->mutex);
    if (blocking->idle <= blocking->waiting && blocking->started < blocking->threads &&
        gw__thread_create(&blocking->ids[blocking->started], run_thread, blocking) == 0)
        blocking->started++;
    bool taken = blocking->started && blocking->waiting < blocking->limit && !blocking->stopping;
    if (taken) {
        job->next = NULL;
        *blocking->last = job;
        blocking->last = &job->next;
        blocking->waiting++;
        pthread_cond_signal(&blocking->work);
    }
    pthread_mutex_unlock(&blocking->mutex);
    return taken;
}

/* ---- a hook as a job ---- */

struct gw__thread_job {
    struct gw__job job;
    struct gw__task task; /* submits it, once the callback that led here is done with the exchange */
    struct gw_exchange *ex;
    struct gw__hook hook;
    enum gw_flow flow;
    bool running;
};

static __thread const struct gw_exchange *here;

bool gw__thread_has(const struct gw_exchange *ex)
{
    return ex->job && ex->job->running;
}

bool gw__thread_is_here(const struct gw_exchange *ex)
{
    return here == ex;
}

bool gw__thread_postpone(struct gw_exchange *ex, struct gw__mail *mail)
{
    if (!gw__thread_has(ex))
        return false;
    mail->next = ex->postponed;
    ex->postponed = mail;
    return true;
}

uint64_t gw__exchange_now_us(const struct gw_exchange *ex)
{
    struct timespec now;
    if (!ex->job || !gw__thread_is_here(ex))
        return ex->context->loop->now_us;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void run_hook(struct gw__job *job)
{
    struct gw__thread_job *own = gw__container_of(job, struct gw__thread_job, job);
    struct gw_exchange *ex = own->ex;
    here = ex;
    if (own->hook.index == ex->chain->filter_count) {
        own->flow = ex->chain->endpoint->type->on_request(ex, ex->chain->endpoint);
    } else {
        struct gw_filter *filter = ex->chain->filters[own->hook.index];
        const struct gw_filter_type *type = filter->type;
        own->flow = own->hook.lane->request ? type->on_request(ex, filter) : type->on_response(ex, filter);
    }
    here = NULL;
}

static void deliver_postponed(struct gw_exchange *ex)
{
    while (ex->postponed) {
        struct gw__mail *mail = ex->postponed;
        ex->postponed = mail->next;
        mail->deliver(mail);
    }
}

/* What happened while the thread had the exchange, in the order of what it may still change. */
static void catch_up(struct gw_exchange *ex)
{
    if (!ex->state.over)
        gw__calls_go_on(ex);
    deliver_postponed(ex);
    if (!ex->state.over && (ex->in.sink_open || ex->in.source_full))
        gw__body_run(ex, &ex->in);
    if (!ex->state.over && ex->out.sink_open)
        gw__body_run(ex, &ex->out);
    if (!ex->state.over && !ex->in.ended && !ex->in.source_full && !ex->job && ex->stream->paused)
        ex->stream->ops->resume(ex->stream);
}

static void finish_job(struct gw__thread_job *own)
{
    struct gw_exchange *ex = own->ex;
    struct gw__loop *loop = ex->context->loop;
    gw__exchange_enter(ex);
    if (!ex->state.over && own->hook.index < ex->chain->filter_count)
        own->flow = gw__check_hook(ex, own->flow, ex->chain->filters[own->hook.index]->head.name);
    ex->hook = (struct gw__hook){0};
    ex->arena.pool = &loop->blocks;
    ex->job = NULL;
    if (ex->state.broken)
        gw__exchange_over(ex, "upstream gone");
    if (!ex->state.over && gw__exchange_is_late(ex)) {
        ex->answer.pending = false;
        ex->times.active_ms = gw__loop_ms(loop);
        gw__timer_set(loop, &ex->timer, gw__loop_ms(loop) + (uint64_t)ex->times.stall_ms);
        gw__exchange_expire(ex);
    } else if (!ex->state.over) {
        gw__exchange_arm(ex);
        gw__pump_resume(ex, &own->hook, own->flow);
    }
    catch_up(ex);
    gw__exchange_leave(ex);
}

static void deliver(struct gw__mail *mail)
{
    finish_job(gw__container_of(mail, struct gw__thread_job, job.mail));
}

/* From here on all but marks waits; the arena takes no blocks of the worker's pool. */
static void submit(struct gw__task *task)
{
    struct gw__thread_job *own = gw__container_of(task, struct gw__thread_job, task);
    struct gw_exchange *ex = own->ex;
    if (ex->job != own) /* another answer came first */
        return;
    own->flow = GW_FAIL;
    if (!ex->state.over) {
        gw__calls_pause(ex);
        ex->hook = own->hook;
        ex->arena.pool = NULL;
        own->running = true;
        if (gw__blocking_submit(ex->context->blocking, &own->job))
            return;
        own->running = false;
        gw__answer_fail(ex, 503, "GW5032", "http_request_error", "no thread is free for a blocking hook");
    }
    finish_job(own);
}

bool gw__thread_start(struct gw_exchange *ex, struct gw__lane *lane, uint16_t index)
{
    struct gw__thread_job *own = gw__arena_zalloc(&ex->arena, sizeof *own);
    if (!own || !ex->context->blocking)
        return false;
    own->job.mail.deliver = deliver;
    own->job.run = run_hook;
    own->job.loop = ex->context->loop;
    own->task.run = submit;
    own->ex = ex;
    own->hook = (struct gw__hook){.lane = lane, .index = index};
    ex->job = own;
    if (!ex->in.ended)
        ex->stream->ops->pause(ex->stream);
    gw__loop_defer(ex->context->loop, &own->task);
    return true;
}
