/* Blocking hooks: a bounded pool of threads, started as needed. While a hook runs there, the exchange is
 * the thread's alone: its sources are paused first, and whatever ends it meanwhile is only marked. */
#include "exchange/exchange.h"

#include "base/alloc.h"

#include <pthread.h>

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
        pthread_create(&blocking->ids[blocking->started], NULL, run_thread, blocking) == 0)
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
};

static void run_hook(struct gw__job *job)
{
    struct gw__thread_job *own = gw__container_of(job, struct gw__thread_job, job);
    struct gw_exchange *ex = own->ex;
    if (own->hook.index == ex->chain->filter_count) {
        own->flow = ex->chain->endpoint->type->on_request(ex, ex->chain->endpoint);
        return;
    }
    struct gw_filter *filter = ex->chain->filters[own->hook.index];
    own->flow = own->hook.lane->request ? filter->type->on_request(ex, filter) : filter->type->on_response(ex, filter);
}

static void finish_job(struct gw__thread_job *own)
{
    struct gw_exchange *ex = own->ex;
    ex->job = NULL;
    ex->hook = (struct gw__hook){0};
    own->hook.lane->waiting.kind = own->hook.lane->waiting.hold ? GW__WAIT_HOLD : GW__WAIT_NONE;
    gw__exchange_enter(ex);
    if (!ex->state.over && gw__exchange_is_late(ex)) {
        ex->answer.pending = false;
        gw__timer_set(ex->context->loop, &ex->timer, gw__loop_ms(ex->context->loop) + (uint64_t)ex->times.stall_ms);
        gw__exchange_expire(ex);
    } else {
        gw__pump_resume(ex, &own->hook, own->flow);
    }
    if (!ex->state.over && !ex->in.ended && !ex->in.source_full && ex->stream->paused)
        ex->stream->ops->resume(ex->stream);
    gw__exchange_leave(ex);
}

static void deliver(struct gw__mail *mail)
{
    finish_job(gw__container_of(mail, struct gw__thread_job, job.mail));
}

static void submit(struct gw__task *task)
{
    struct gw__thread_job *own = gw__container_of(task, struct gw__thread_job, task);
    if (!own->ex->state.over && gw__blocking_submit(own->ex->context->blocking, &own->job))
        return;
    if (!own->ex->state.over)
        gw__answer_fail(own->ex, 503, "GW5032", "http_request_error", "no thread is free for a blocking hook");
    own->flow = GW_FAIL;
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
