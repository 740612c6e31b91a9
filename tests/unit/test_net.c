/* Loop, mailbox, timing wheel, queue and connection, each on a loop of its own. */
#include "net/conn.h"
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct gw__loop loop;

static void set_up(void)
{
    ck_assert_int_eq(gw__loop_init(&loop, NULL), 0);
}

static void tear_down(void)
{
    gw__loop_finish(&loop);
    ck_assert_ptr_null(loop.base);
}

/* Turns the loop until *done is not below `wanted`, for at most two seconds. */
static void turn_until(const int *done, int wanted)
{
    for (int i = 0; i < 2000 && *done < wanted; i++) {
        event_base_loop(loop.base, EVLOOP_NONBLOCK);
        usleep(1000);
    }
}


static uint64_t real_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void turn(unsigned ms)
{
    uint64_t end = real_ms() + ms;
    for (unsigned round = 0; round < ms / 2 || real_ms() < end; round++, usleep(1000)) /* also if it stood still */
        event_base_loop(loop.base, EVLOOP_NONBLOCK);
    event_base_loop(loop.base, EVLOOP_NONBLOCK);
}

/* ---- tasks ---- */

struct step {
    struct gw__task task;
    struct step *next; /* deferred when this one runs */
};
static struct step *ran[8];
static int ran_count;

static void run_step(struct gw__task *task)
{
    struct step *step = gw__container_of(task, struct step, task);
    ran[ran_count++] = step;
    if (step->next && ran_count < 8)
        gw__loop_defer(&loop, &step->next->task);
}

START_TEST(tasks_run_in_order_once)
{
    struct step a = {.task.run = run_step}, b = a, c = a;
    gw__loop_enter(&loop);
    gw__loop_defer(&loop, &a.task);
    gw__loop_defer(&loop, &b.task);
    gw__loop_defer(&loop, &a.task);
    gw__loop_defer(&loop, &c.task);
    ck_assert_int_eq(ran_count, 0);
    gw__loop_leave(&loop);
    ck_assert_int_eq(ran_count, 3);
    ck_assert(ran[0] == &a && ran[1] == &b && ran[2] == &c);
    gw__loop_leave(&loop);
    ck_assert_int_eq(ran_count, 3);
}
END_TEST

START_TEST(a_task_may_defer_and_cancel)
{
    struct step a = {.task.run = run_step}, b = a, c = a;
    a.next = &b;
    gw__loop_defer(&loop, &a.task);
    gw__loop_defer(&loop, &c.task);
    gw__task_cancel(&loop, &c.task); /* the last: the end of the row moves */
    gw__task_cancel(&loop, &c.task);
    gw__loop_leave(&loop);
    ck_assert_int_eq(ran_count, 2);
    ck_assert(ran[0] == &a && ran[1] == &b);
    gw__loop_defer(&loop, &a.task);
    gw__loop_defer(&loop, &b.task);
    gw__task_cancel(&loop, &a.task);
    gw__loop_defer(&loop, &c.task);
    gw__loop_leave(&loop);
    ck_assert_int_eq(ran_count, 4);
    ck_assert(ran[2] == &b && ran[3] == &c);
}
END_TEST

/* ---- mail ---- */

enum { SENDERS = 4, LETTERS = 2000 };

struct letter {
    struct gw__mail mail;
    int sender, number;
};
static int last_number[SENDERS], delivered;

static void count_anew(void) /* tests may share one process */
{
    ran_count = delivered = 0;
    memset(last_number, 0, sizeof last_number);
}

static void deliver(struct gw__mail *mail)
{
    struct letter *letter = gw__container_of(mail, struct letter, mail);
    ck_assert_int_eq(letter->number, last_number[letter->sender] + 1); /* in the order sent */
    last_number[letter->sender] = letter->number;
    delivered++;
}

static void *send_letters(void *arg)
{
    struct letter *letters = arg;
    for (int i = 0; i < LETTERS; i++)
        gw__loop_post(&loop, &letters[i].mail);
    return NULL;
}

START_TEST(mail_of_many_threads_comes_in_order)
{
    struct letter *letters = calloc(SENDERS * LETTERS, sizeof *letters);
    pthread_t threads[SENDERS];
    for (int s = 0; s < SENDERS; s++) {
        for (int i = 0; i < LETTERS; i++)
            letters[s * LETTERS + i] = (struct letter){.mail.deliver = deliver, .sender = s, .number = i + 1};
        pthread_create(&threads[s], NULL, send_letters, &letters[s * LETTERS]);
    }
    turn_until(&delivered, SENDERS * LETTERS);
    for (int s = 0; s < SENDERS; s++)
        pthread_join(threads[s], NULL);
    ck_assert_int_eq(delivered, SENDERS * LETTERS);
    free(letters);
}
END_TEST

START_TEST(finish_delivers_what_is_there)
{
    struct letter letter = {.mail.deliver = deliver, .number = 1};
    struct gw__loop *own = &loop;
    gw__loop_post(own, &letter.mail);
    gw__loop_finish(own);
    ck_assert_int_eq(delivered, 1);
    set_up();
}
END_TEST

START_TEST(a_loop_out_of_memory_is_none)
{
    for (int i = 0;; i++) {
        struct gw__loop other;
        fail_allocation(i);
        int result = gw__loop_init(&other, NULL);
        allocate_normally();
        if (result == 0) {
            ck_assert_int_gt(i, 2);
            gw__loop_finish(&other);
            break;
        }
        ck_assert_int_eq(other.wake_fd, -1);
    }
}
END_TEST

/* ---- wheel ---- */

struct alarm {
    struct gw__timer timer;
    struct alarm *other; /* set or stopped when this fires */
    uint64_t again_ms;   /* set itself once more */
    uint64_t fired_ms;
    int fired;
};

static void fire(struct gw__timer *timer)
{
    struct alarm *alarm = gw__container_of(timer, struct alarm, timer);
    ck_assert(!gw__timer_pending(timer));
    alarm->fired++;
    alarm->fired_ms = gw__loop_ms(&loop);
    ck_assert_uint_ge(alarm->fired_ms, timer->deadline_ms);
    if (alarm->again_ms)
        gw__timer_set(&loop, timer, alarm->fired_ms + alarm->again_ms - 1), alarm->again_ms = 0;
    if (alarm->other && gw__timer_pending(&alarm->other->timer))
        gw__timer_stop(&alarm->other->timer);
    else if (alarm->other)
        gw__timer_set(&loop, &alarm->other->timer, 0);
}

static void set_in(struct alarm *alarm, uint64_t ms)
{
    gw__loop_enter(&loop);
    gw__timer_init(&alarm->timer, fire);
    gw__timer_set(&loop, &alarm->timer, gw__loop_ms(&loop) + ms);
}

START_TEST(timers_fire_in_time)
{
    static const unsigned delays[] = {0, 1, 4, 5, 17, 100, 255, 300};
    struct alarm alarms[8] = {0};
    uint64_t begun = real_ms();
    for (int i = 0; i < 8; i++)
        set_in(&alarms[i], delays[i]);
    for (int i = 0; i < 8; i++) {
        turn_until(&alarms[i].fired, 1);
        ck_assert_int_eq(alarms[i].fired, 1);
        ck_assert_uint_ge(alarms[i].fired_ms, begun + delays[i]);
        ck_assert_uint_le(alarms[i].fired_ms, begun + delays[i] + 500); /* 8 and what the machine needs */
    }
    ck_assert_int_eq(event_pending(&loop.wheel->event, EV_TIMEOUT, NULL), 0); /* nothing waits: not armed */
}
END_TEST

START_TEST(stopped_and_moved_timers)
{
    struct alarm stopped = {0}, sooner = {0}, later = {0};
    set_in(&stopped, 20);
    set_in(&sooner, 3600000);
    set_in(&later, 10);
    gw__timer_stop(&stopped.timer);
    gw__timer_stop(&stopped.timer);
    gw__timer_set(&loop, &sooner.timer, gw__loop_ms(&loop) + 30);
    gw__timer_set(&loop, &later.timer, gw__loop_ms(&loop) + 60);
    turn_until(&later.fired, 1);
    ck_assert_int_eq(stopped.fired, 0);
    ck_assert_int_eq(sooner.fired, 1);
    ck_assert_int_eq(later.fired, 1);
}
END_TEST

/* While one fires: itself again, at once and later; another, due now; another of the same slot stopped. */
START_TEST(timers_set_while_firing)
{
    struct alarm again = {.again_ms = 1}, later = {.again_ms = 21}, due = {0}, first = {.other = &due};
    struct alarm victim = {0}, killer = {.other = &victim};
    gw__timer_init(&due.timer, fire);
    set_in(&again, 5);
    set_in(&later, 5);
    set_in(&first, 5);
    set_in(&killer, 8);
    set_in(&victim, 8);
    turn_until(&later.fired, 2);
    ck_assert_int_eq(again.fired, 2);
    ck_assert_int_eq(later.fired, 2);
    ck_assert_int_eq(due.fired, 1);
    ck_assert_int_eq(killer.fired, 1);
    ck_assert_int_eq(victim.fired, 0);
}
END_TEST

START_TEST(far_deadlines_wait_their_turn)
{
    struct alarm far = {0}, beyond = {0}, near = {0};
    set_in(&far, 4500); /* over one turn of 4,096 ms */
    set_in(&beyond, UINT64_MAX / 2);
    set_in(&near, 50);
    turn(100);
    ck_assert_int_eq(near.fired, 1);
    turn(4020); /* looked at by now, and put in anew */
    turn_until(&far.fired, 1);
    ck_assert_int_eq(far.fired, 1);
    ck_assert_uint_ge(far.fired_ms, far.timer.deadline_ms);
    ck_assert_uint_le(far.fired_ms, far.timer.deadline_ms + 3000); /* not a turn later */
    ck_assert_int_eq(beyond.fired, 0);
    ck_assert(gw__timer_pending(&beyond.timer));
    gw__timer_stop(&beyond.timer);
}
END_TEST

/* As after an idle time: the wheel stands where it stopped, `behind` slots ago. */
START_TEST(a_wheel_left_behind)
{
    static const unsigned behind[] = {1, 500, 1020, 1023, 1024, 1025, 3000, 1000000};
    gw__loop_enter(&loop);
    loop.wheel->at = gw__loop_ms(&loop) / GW__WHEEL_SLOT_MS - behind[_i];
    struct alarm now = {0}, soon = {0}, later = {0}, far = {0};
    set_in(&now, 0);
    set_in(&soon, 30);
    set_in(&later, 150);
    set_in(&far, 4090);
    turn_until(&later.fired, 1); /* none too early: fire() */
    ck_assert_int_eq(now.fired, 1);
    ck_assert_int_eq(soon.fired, 1);
    ck_assert_int_eq(later.fired, 1);
    ck_assert_uint_le(later.fired_ms, later.timer.deadline_ms + 3000); /* not a turn later */
    ck_assert_int_eq(far.fired, 0);
    ck_assert(gw__timer_pending(&far.timer));
    gw__timer_stop(&far.timer);
}
END_TEST

START_TEST(many_timers_at_random)
{
    enum { COUNT = 2000 };
    struct alarm *alarms = calloc(COUNT, sizeof *alarms);
    srandom(7);
    for (int i = 0; i < COUNT; i++)
        set_in(&alarms[i], (uint64_t)random() % 400);
    for (int i = 0; i < COUNT; i += 3)
        gw__timer_stop(&alarms[i].timer);
    turn(450);
    for (int i = 0; i < COUNT; i++)
        if (i % 3 != 0)
            turn_until(&alarms[i].fired, 1);
    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq(alarms[i].fired, i % 3 != 0);
    free(alarms);
}
END_TEST

static struct between { /* of timers that fired from one event of a socket to the next */
    int fds[2], fired, wanted, seen, most;
} between;

static void fire_and_count(struct gw__timer *timer)
{
    between.fired++;
    fire(timer);
}

static void look(evutil_socket_t fd, short what, void *arg)
{
    char byte;
    ck_assert_int_eq(read(fd, &byte, 1), 1);
    if (between.fired - between.seen > between.most)
        between.most = between.fired - between.seen;
    between.seen = between.fired;
    if (between.fired < between.wanted)
        ck_assert_int_eq(write(between.fds[1], "x", 1), 1);
}

/* All fire soon, but a readable socket has its turn in between; who fires may set itself anew, or stop another. */
START_TEST(thousands_due_at_once)
{
    enum { COUNT = 3000 };
    struct alarm *alarms = calloc(COUNT, sizeof *alarms);
    between = (struct between){.wanted = COUNT + COUNT / 3 - 1};
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, between.fds), 0);
    ck_assert_int_eq(write(between.fds[1], "x", 1), 1);
    struct event *readable = event_new(loop.base, between.fds[0], EV_READ | EV_PERSIST, look, NULL);
    event_add(readable, NULL);
    for (int i = 0; i < COUNT; i++) {
        set_in(&alarms[i], 20);
        alarms[i].timer.fire = fire_and_count;
        alarms[i].again_ms = i < COUNT / 3 ? 1 + (uint64_t)i % 3 : 0;
    }
    alarms[COUNT / 3].other = &alarms[COUNT - 1];
    usleep(30000);
    turn_until(&between.fired, between.wanted);
    ck_assert_int_eq(between.fired, between.wanted);
    ck_assert_int_le(between.most, 100);
    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq(alarms[i].fired, i < COUNT / 3 ? 2 : i < COUNT - 1 ? 1 : 0);
    event_free(readable);
    close(between.fds[0]);
    close(between.fds[1]);
    free(alarms);
}
END_TEST

/* ---- queue ---- */

START_TEST(a_queue_gives_back_what_it_got)
{
    struct gw__queue queue = {0};
    struct gw__block_pool pool = {0};
    unsigned in = 0, out = 0, wrong = 0;
    srandom(11);
    for (int round = 0; round < 500; round++) {
        char data[9000];
        size_t size = (size_t)random() % sizeof data;
        for (size_t i = 0; i < size; i++)
            data[i] = (char)(in++ % 251);
        ck_assert(gw__queue_append(&queue, &pool, data, size));
        struct iovec pieces[3];
        int n = gw__queue_peek(&queue, pieces, 3);
        size_t shown = 0;
        for (int i = 0; i < n; i++)
            shown += pieces[i].iov_len;
        size_t take = round % 7 == 0 ? shown : shown ? (size_t)random() % shown : 0;
        for (size_t i = 0, left = take; (int)i < n && left; i++)
            for (size_t j = 0; j < pieces[i].iov_len && left; j++, left--)
                wrong += ((unsigned char *)pieces[i].iov_base)[j] != out++ % 251;
        gw__queue_drain(&queue, &pool, take);
        ck_assert_uint_eq(queue.size, in - out);
    }
    gw__queue_drain(&queue, &pool, queue.size);
    ck_assert_uint_eq(wrong, 0);
    ck_assert_ptr_null(queue.first);
    ck_assert_ptr_null(queue.last);
    ck_assert_uint_eq(queue.size, 0);
    gw__block_pool_finish(&pool);
}
END_TEST

/* ---- connection ---- */

struct end {
    struct gw__conn conn;
    size_t received;
    int connected, ended, error, rooms;
};

static void on_connected(struct gw__conn *conn)
{
    gw__container_of(conn, struct end, conn)->connected++;
}

static void on_data(struct gw__conn *conn, const char *data, size_t size)
{
    gw__container_of(conn, struct end, conn)->received += size;
}

static void on_end(struct gw__conn *conn, int error)
{
    struct end *end = gw__container_of(conn, struct end, conn);
    end->ended++;
    end->error = error;
}

static void on_room(struct gw__conn *conn)
{
    gw__container_of(conn, struct end, conn)->rooms++;
}

static const struct gw__conn_ops ops = {
    .on_connected = on_connected, .on_data = on_data, .on_end = on_end, .on_room = on_room};

static int listen_tcp(struct sockaddr_in *address)
{
    socklen_t size = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(bind(fd, (struct sockaddr *)address, sizeof *address), 0);
    ck_assert_int_eq(listen(fd, 8), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)address, &size), 0);
    return fd;
}

/* A connection of TCP; returns the peer's socket, blocking. */
static int open_pair(struct end *end)
{
    struct sockaddr_in address;
    int listener = listen_tcp(&address);
    memset(end, 0, sizeof *end);
    gw__loop_enter(&loop);
    ck_assert_int_eq(gw__conn_connect(&end->conn, &loop, (struct sockaddr *)&address, sizeof address, &ops), 0);
    ck_assert_int_eq(end->connected, 0); /* never from inside */
    turn_until(&end->connected, 1);
    ck_assert_int_eq(end->connected, 1);
    int peer = accept(listener, NULL, NULL);
    close(listener);
    return peer;
}

static bool send_text(struct end *end, const char *text, size_t size)
{
    struct iovec pieces[2] = {{(char *)text, size / 2}, {(char *)text + size / 2, size - size / 2}};
    gw__loop_enter(&loop);
    bool blocked = gw__conn_send(&end->conn, pieces, 2);
    gw__loop_leave(&loop);
    return blocked;
}

static void reset(int fd)
{
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    close(fd);
}

START_TEST(a_refused_connect_ends)
{
    struct sockaddr_in address;
    struct end end = {0};
    close(listen_tcp(&address));
    gw__loop_enter(&loop);
    if (gw__conn_connect(&end.conn, &loop, (struct sockaddr *)&address, sizeof address, &ops) == 0) {
        turn_until(&end.ended, 1);
        ck_assert_int_eq(end.error, ECONNREFUSED);
        ck_assert_int_eq(end.ended, 1);
        gw__conn_close(&end.conn);
    }
    ck_assert_int_eq(end.connected, 0);
    ck_assert_int_eq(end.conn.fd, -1);
}
END_TEST

START_TEST(a_blocked_write_drains_in_order)
{
    enum { SIZE = 300001, TIMES = 40 };
    struct end end;
    int peer = open_pair(&end);
    char *data = malloc(SIZE), *got = malloc(SIZE);
    for (int i = 0; i < SIZE; i++)
        data[i] = (char)(i % 251);
    bool blocked = false;
    for (int i = 0; i < TIMES; i++)
        blocked = send_text(&end, data, SIZE);
    ck_assert(blocked);
    ck_assert(gw__conn_blocked(&end.conn));
    ck_assert_int_eq(end.rooms, 0);
    fcntl(peer, F_SETFL, O_NONBLOCK);
    size_t total = 0, wrong = 0;
    for (int spins = 0; total < (size_t)SIZE * TIMES && spins < 20000; spins++) {
        ssize_t n = recv(peer, got, 65536, 0);
        for (ssize_t i = 0; i < n; i++)
            wrong += got[i] != (char)((total + (size_t)i) % SIZE % 251);
        total += n > 0 ? (size_t)n : 0;
        event_base_loop(loop.base, EVLOOP_NONBLOCK);
    }
    ck_assert_uint_eq(total, (size_t)SIZE * TIMES);
    ck_assert_uint_eq(wrong, 0);
    ck_assert_int_eq(end.rooms, 1);
    ck_assert(!gw__conn_blocked(&end.conn));
    ck_assert(!send_text(&end, data, 100));
    gw__conn_close(&end.conn);
    gw__conn_close(&end.conn);
    close(peer);
    free(data);
    free(got);
}
END_TEST

START_TEST(a_broken_peer_swallows_and_is_told_once)
{
    struct end end;
    int peer = open_pair(&end);
    static char data[200000];
    while (!send_text(&end, data, sizeof data))
        continue;
    reset(peer);
    turn_until(&end.ended, 1);
    for (int i = 0; i < 3; i++)
        ck_assert(!send_text(&end, data, sizeof data));
    turn(5);
    ck_assert_int_eq(end.ended, 1);
    ck_assert_int_ne(end.error, 0);
    ck_assert_int_eq(end.rooms, 0);
    gw__conn_close(&end.conn);
}
END_TEST

START_TEST(a_write_that_breaks_is_told_after_the_callback)
{
    struct end end;
    int peer = open_pair(&end);
    gw__conn_pause(&end.conn); /* so that reading does not tell first */
    reset(peer);
    usleep(5000);
    struct iovec piece = {"x", 1};
    gw__loop_enter(&loop);
    for (int i = 0; i < 3; i++)
        ck_assert(!gw__conn_send(&end.conn, &piece, 1));
    ck_assert_int_eq(end.ended, 0);
    gw__loop_leave(&loop);
    ck_assert_int_eq(end.ended, 1);
    ck_assert_int_ne(end.error, 0);
    gw__conn_resume(&end.conn);
    turn(5);
    ck_assert_int_eq(end.ended, 1);
    gw__conn_close(&end.conn);
}
END_TEST

START_TEST(closing_takes_back_what_was_to_be_told)
{
    struct end end;
    int peer = open_pair(&end);
    gw__conn_pause(&end.conn);
    reset(peer);
    usleep(5000);
    struct iovec piece = {"x", 1};
    gw__loop_enter(&loop);
    for (int i = 0; i < 3; i++)
        gw__conn_send(&end.conn, &piece, 1);
    gw__conn_close(&end.conn);
    gw__loop_leave(&loop);
    ck_assert_int_eq(end.ended, 0);
    ck_assert(!gw__conn_send(&end.conn, &piece, 1));
}
END_TEST

START_TEST(pause_holds_bytes_back)
{
    struct end end;
    int peer = open_pair(&end);
    ck_assert_int_eq(write(peer, "abc", 3), 3);
    turn(5);
    ck_assert_uint_eq(end.received, 3);
    gw__conn_pause(&end.conn);
    gw__conn_pause(&end.conn);
    ck_assert_int_eq(write(peer, "defg", 4), 4);
    close(peer);
    turn(300);
    ck_assert_uint_eq(end.received, 3);
    ck_assert_int_eq(end.ended, 0); /* without watch_peer only reading tells */
    gw__conn_resume(&end.conn);
    gw__conn_resume(&end.conn);
    turn(5);
    ck_assert_uint_eq(end.received, 7);
    ck_assert_int_eq(end.ended, 1);
    ck_assert_int_eq(end.error, 0);
    gw__conn_close(&end.conn);
}
END_TEST

START_TEST(a_paused_peer_that_leaves_is_noticed)
{
    enum { COUNT = 150 }; /* over two batches of poll */
    static struct end ends[COUNT];
    int peers[COUNT];
    for (int i = 0; i < COUNT; i++) {
        peers[i] = open_pair(&ends[i]);
        ends[i].conn.watch_peer = true;
        gw__conn_pause(&ends[i].conn);
    }
    for (int i = 0; i < COUNT; i++) {
        if (i % 3 == 0)
            close(peers[i]);
        else if (i % 3 == 1)
            reset(peers[i]);
    }
    gw__conn_resume(&ends[2].conn); /* leaves the watch */
    gw__conn_close(&ends[5].conn);
    turn(600);
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(ends[i].ended, i % 3 != 2);
        ck_assert_int_eq(ends[i].error, i % 3 == 1 ? ECONNRESET : 0);
        ck_assert_int_eq(ends[i].received, 0);
    }
    for (int i = 0; i < COUNT; i++) {
        gw__conn_close(&ends[i].conn);
        if (i % 3 == 2)
            close(peers[i]);
    }
    turn(300);
    ck_assert(!gw__timer_pending(&loop.paused_timer)); /* nobody is watched: no tick */
}
END_TEST

START_TEST(without_a_turn_it_waits_in_order)
{
    enum { COUNT = 6 };
    struct end ends[COUNT];
    int peers[COUNT];
    for (int i = 0; i < COUNT; i++) {
        peers[i] = open_pair(&ends[i]);
        ends[i].conn.turn = i ? GW__TURN_BEGIN : GW__TURN_NONE;
    }
    loop.turns[GW__TURN_BEGIN].left = 1;
    for (int i = 1; i <= COUNT; i++) /* the first is the last to be reported */
        ck_assert_int_eq(write(peers[i % COUNT], "abc", 3), 3);
    event_base_loop(loop.base, EVLOOP_ONCE);
    for (int i = 0; i < COUNT; i++)
        ck_assert_uint_eq(ends[i].received, i < 2 ? 3 : 0); /* what begins nothing needs no turn */
    ck_assert_ptr_eq(loop.turns[GW__TURN_BEGIN].waiting.next, &ends[2].conn.link);
    ck_assert_ptr_eq(loop.turns[GW__TURN_BEGIN].waiting.prev, &ends[5].conn.link);
    gw__conn_close(&ends[2].conn);
    gw__conn_pause(&ends[3].conn);
    ck_assert_int_eq(write(peers[1], "abc", 3), 3); /* another one does not overtake */
    event_base_loop(loop.base, EVLOOP_ONCE);
    ck_assert_uint_eq(ends[2].received, 0);
    ck_assert_uint_eq(ends[3].received, 0);
    ck_assert_uint_eq(ends[4].received, 3);
    ck_assert_uint_eq(ends[5].received, 3);
    ck_assert_uint_eq(ends[1].received, 6);
    ck_assert(gw__list_empty(&loop.turns[GW__TURN_BEGIN].waiting));
    ck_assert_uint_eq(loop.turns[GW__TURN_BEGIN].left, gw__turn_limit(GW__TURN_BEGIN) - 3);
    for (int i = 0; i < COUNT; i++) {
        gw__conn_close(&ends[i].conn);
        close(peers[i]);
    }
}
END_TEST

START_TEST(turns_are_renewed_for_as_long_as_some_wait)
{
    struct end ends[2];
    int peers[2] = {open_pair(&ends[0]), open_pair(&ends[1])};
    ends[0].conn.turn = ends[1].conn.turn = GW__TURN_BEGIN;
    uint32_t count = 2 * gw__turn_limit(GW__TURN_BEGIN) + 1;
    for (uint32_t i = 1; i <= count; i++) {
        ck_assert_int_eq(write(peers[i % 2], "a", 1), 1);
        event_base_loop(loop.base, EVLOOP_NONBLOCK);
    }
    turn(5);
    ck_assert_uint_eq(ends[0].received + ends[1].received, count);
    ck_assert(gw__list_empty(&loop.turns[GW__TURN_BEGIN].waiting));
    for (int i = 0; i < 2; i++) {
        gw__conn_close(&ends[i].conn);
        close(peers[i]);
    }
}
END_TEST

START_TEST(what_drips_waits_unreported)
{
    enum { COUNT = 5 };
    struct end ends[COUNT];
    int peers[COUNT];
    for (int i = 0; i < COUNT; i++) {
        peers[i] = open_pair(&ends[i]);
        ends[i].conn.turn = GW__TURN_DRIP;
    }
    loop.turns[GW__TURN_DRIP].left = 1;
    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq(write(peers[i], "a", 1), 1);
    event_base_loop(loop.base, EVLOOP_ONCE);
    for (int i = 0; i < COUNT; i++) {
        ck_assert_uint_eq(ends[i].received, i ? 0 : 1);
        ck_assert_int_eq(event_pending(&ends[i].conn.read, EV_READ, NULL), i ? 0 : EV_READ);
    }
    gw__conn_close(&ends[1].conn);
    close(peers[2]); /* its end is told behind its byte */
    turn(3);
    for (int i = 0; i < COUNT; i++)
        ck_assert_uint_eq(ends[i].received, i == 1 ? 0 : 1);
    ck_assert_int_eq(ends[2].ended, 1);
    ck_assert(gw__list_empty(&loop.turns[GW__TURN_DRIP].waiting));
    ck_assert_uint_eq(loop.turns[GW__TURN_BEGIN].left, gw__turn_limit(GW__TURN_BEGIN));
    for (int i = 0; i < COUNT; i++) {
        gw__conn_close(&ends[i].conn);
        if (i != 2)
            close(peers[i]);
    }
}
END_TEST

START_TEST(what_drips_has_its_share_of_a_long_pass)
{
    enum { COUNT = 12, OTHERS = 16 };
    struct end ends[COUNT + OTHERS];
    int peers[COUNT + OTHERS];
    for (int i = 0; i < COUNT + OTHERS; i++) {
        peers[i] = open_pair(&ends[i]);
        ends[i].conn.turn = i < COUNT ? GW__TURN_DRIP : GW__TURN_NONE;
    }
    loop.turns[GW__TURN_DRIP].left = 1;
    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq(write(peers[i], "a", 1), 1);
    event_base_loop(loop.base, EVLOOP_ONCE);
    for (int i = COUNT; i < COUNT + OTHERS; i++)
        ck_assert_int_eq(write(peers[i], "a", 1), 1);
    event_base_loop(loop.base, EVLOOP_ONCE);
    for (int i = 0; i < COUNT + OTHERS; i++)
        ck_assert_uint_eq(ends[i].received, i < 1 + 4 + OTHERS / 4 || i >= COUNT ? 1 : 0);
    turn(3);
    for (int i = 0; i < COUNT + OTHERS; i++) {
        ck_assert_uint_eq(ends[i].received, 1);
        gw__conn_close(&ends[i].conn);
        close(peers[i]);
    }
}
END_TEST

static Suite *add_case(Suite *suite, const char *name, const TTest *const *tests, int count)
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, count_anew, NULL);
    for (int i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return suite;
}

Suite *make_suite(void)
{
    const TTest *const loops[] = {tasks_run_in_order_once, a_task_may_defer_and_cancel,
                                  mail_of_many_threads_comes_in_order, finish_delivers_what_is_there,
                                  a_loop_out_of_memory_is_none};
    const TTest *const wheel[] = {timers_fire_in_time, stopped_and_moved_timers, timers_set_while_firing,
                                  far_deadlines_wait_their_turn, many_timers_at_random, thousands_due_at_once};
    const TTest *const conn[] = {a_queue_gives_back_what_it_got,
                                 a_refused_connect_ends,
                                 a_blocked_write_drains_in_order,
                                 a_broken_peer_swallows_and_is_told_once,
                                 a_write_that_breaks_is_told_after_the_callback,
                                 closing_takes_back_what_was_to_be_told,
                                 pause_holds_bytes_back,
                                 a_paused_peer_that_leaves_is_noticed,
                                 without_a_turn_it_waits_in_order,
                                 turns_are_renewed_for_as_long_as_some_wait,
                                 what_drips_waits_unreported,
                                 what_drips_has_its_share_of_a_long_pass};
    Suite *suite = suite_create("net");
    add_case(suite, "loop", loops, 5);
    add_case(suite, "wheel", wheel, 6);
    add_case(suite, "conn", conn, 12);
    TCase *behind = tcase_create("behind");
    tcase_add_checked_fixture(behind, set_up, tear_down);
    tcase_add_loop_test(behind, a_wheel_left_behind, 0, 8);
    suite_add_tcase(suite, behind);
    return suite;
}
