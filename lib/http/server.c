/* One accepted HTTP/1.1 connection: heads in, one exchange at a time, answers out. Bytes behind the
 * current request are kept until it is answered, so pipelined requests are served in order. */
#include "http/server.h"

#include "base/alloc.h"
#include "http/message.h"
#include "http/write.h"
#include "net/sockaddr.h"

#include <unistd.h>

#define SPARE_FIELDS 8          /* room for what filters add, before the array must grow */
#define PIPELINE_BYTES 65536    /* kept behind a request that is being served; then reading pauses */
#define DRIP_BYTES 64           /* less of a message that is not whole yet: not read before others */
#define DRAIN_BYTES 262144      /* of an unread body that is still taken to keep the connection */
#define LINGER_MS 1000
#define OWN_FIELDS_BYTES 192    /* Date, framing, Connection */

/* FLUSH: answered, but the client has not read it all yet; it gets no further request served until then. */
enum state { IDLE, HEAD, BUSY, DRAIN, FLUSH, LINGER, CLOSED };

struct server_conn {
    struct gw__conn conn;
    struct gw__server_stream stream;
    struct gw__http_site *site;
    struct gw__link link;
    struct gw__timer timer;
    uint64_t due_ms; /* 0: nothing is timed */
    struct gw__kept in;
    struct gw__body_reader body;
    struct gw__outgoing out;
    struct gw__head *response;
    struct gw__task task; /* sends a head without data, goes on with what is kept, or frees */
    int64_t response_length;
    size_t unsent; /* when FLUSH or LINGER looked last */
    uint32_t parsed; /* of a head, in vain */
    uint32_t drained;
    int64_t requests; /* begun */
    struct gw__peer *from;
    uint8_t state;
    bool consuming, keep_alive, http10, head_request, expects, responded, response_done, broken, gone;
    char peer[54];
};

static struct server_conn *of_stream(struct gw__server_stream *stream)
{
    return gw__container_of(stream, struct server_conn, stream);
}

static void set_due(struct server_conn *c, int64_t delay_ms)
{
    struct gw__loop *loop = c->conn.loop;
    c->due_ms = gw__loop_ms(loop) + (uint64_t)delay_ms;
    if (!gw__timer_pending(&c->timer) || c->timer.deadline_ms > c->due_ms)
        gw__timer_set(loop, &c->timer, c->due_ms);
}

static void add(_Atomic uint64_t *counter, int by)
{
    uint64_t now = atomic_load_explicit(counter, memory_order_relaxed) + (uint64_t)(int64_t)by;
    atomic_store_explicit(counter, now, memory_order_relaxed);
}

static void count(struct gw__http_site *site, int by)
{
    site->connection_count += (size_t)by;
    add(site->gauge, by);
}

static void close_conn(struct server_conn *c)
{
    if (c->state == CLOSED)
        return;
    c->state = CLOSED;
    gw__conn_close(&c->conn);
    gw__timer_stop(&c->timer);
    gw__kept_leave(&c->in, 0);
    gw__list_remove(&c->link);
    count(c->site, -1);
    if (c->from)
        gw__peers_leave(&c->site->peers, c->from);
    gw__loop_defer(c->conn.loop, &c->task);
}

/* Ends it unanswered, and what is under way on it. */
static void cut(struct server_conn *c)
{
    gw__conn_reset(&c->conn);
    if (c->state == BUSY) {
        c->gone = true;
        c->stream.handler->on_gone(&c->stream);
    } else {
        close_conn(c);
    }
}

/* The client has as long as it goes on reading. */
static void await_room(struct server_conn *c)
{
    c->unsent = c->conn.out.size;
    set_due(c, c->site->timeouts.stall_ms);
}

/* Says goodbye without a reset eating the answer: what the client still sends is read and dropped. */
static void linger(struct server_conn *c)
{
    gw__kept_leave(&c->in, 0);
    c->state = LINGER;
    gw__conn_resume(&c->conn);
    if (gw__conn_blocked(&c->conn)) {
        await_room(c);
        return;
    }
    gw__conn_shutdown_write(&c->conn);
    set_due(c, LINGER_MS);
}

static void go_idle(struct server_conn *c)
{
    c->stream.user = NULL;
    c->response = NULL;
    if (gw__conn_blocked(&c->conn)) {
        c->state = FLUSH;
        gw__conn_pause(&c->conn);
        await_room(c);
        return;
    }
    c->state = IDLE;
    c->conn.turn = GW__TURN_BEGIN;
    set_due(c, c->site->timeouts.keep_alive_ms);
    if (!c->consuming && !c->in.size && c->site->draining) {
        close_conn(c);
        return;
    }
    if (c->in.size && !c->consuming)
        gw__loop_defer(c->conn.loop, &c->task);
    gw__conn_resume(&c->conn);
}

/* ---- sending ---- */

static char *write_own_fields(struct server_conn *c, char *to)
{
    const struct gw__head *head = c->response;
    if (c->response_done && c->body.framing == GW__FRAMING_LENGTH && c->body.left > DRAIN_BYTES)
        c->keep_alive = false; /* more than stream_finish() waits for */
    if (!gw__fields_find_id(&head->fields, GW__FIELD_DATE))
        to = (char *)memcpy(to, gw__loop_date(c->conn.loop), GW__DATE_BYTES) + GW__DATE_BYTES;
    if (c->out.chunked)
        to = gw__write_field(to, "Transfer-Encoding", 17, "chunked", 7);
    else if (c->response_length >= 0 && head->status >= 200 && head->status != 204)
        to = gw__write_length(to, (uint64_t)c->response_length);
    if (!c->keep_alive)
        to = gw__write_field(to, "Connection", 10, "close", 5);
    else if (c->http10)
        to = gw__write_field(to, "Connection", 10, "keep-alive", 10);
    return to;
}

static char *write_head(struct gw__outgoing *out, char *to)
{
    struct server_conn *c = gw__container_of(out, struct server_conn, out);
    to = gw__write_status_line(to, c->response);
    to = gw__write_fields(to, &c->response->fields);
    to = write_own_fields(c, to);
    return (char *)memcpy(to, "\r\n", 2) + 2;
}

/* The framing of the answer (RFC 9112 section 6.3), and with it whether the connection can stay. */
static void stream_send_head(struct gw__server_stream *stream, struct gw__head *head, int64_t length)
{
    struct server_conn *c = of_stream(stream);
    bool bodyless = head->status == 204 || head->status == 304;
    c->response = head;
    c->response_length = length;
    c->responded = true;
    c->out = (struct gw__outgoing){
        .write_head = write_head, .head = head, .own_bytes = OWN_FIELDS_BYTES, .no_body = c->head_request || bodyless};
    if (c->site->draining || c->site->pressure || c->broken || head->status == 408 ||
        (c->expects && c->body.framing != GW__FRAMING_NONE))
        c->keep_alive = false;
    if (length < 0 && !bodyless) {
        c->out.chunked = !c->http10;
        c->keep_alive = c->keep_alive && (!c->http10 || c->head_request);
    }
    gw__loop_defer(c->conn.loop, &c->task);
}

static bool stream_send_data(struct gw__server_stream *stream, const char *data, size_t size, bool last,
                             const struct gw__fields *trailers)
{
    struct server_conn *c = of_stream(stream);
    if (last)
        c->response_done = true;
    return gw__outgoing_send(&c->out, &c->conn, data, size, last, trailers) && !last;
}

static char *write_interim(struct gw__outgoing *out, char *to)
{
    struct server_conn *c = gw__container_of(out, struct server_conn, out);
    to = gw__write_status_line(to, c->response);
    to = gw__write_fields(to, &c->response->fields);
    return (char *)memcpy(to, "\r\n", 2) + 2;
}

static void stream_send_interim(struct gw__server_stream *stream, const struct gw__head *head)
{
    struct server_conn *c = of_stream(stream);
    if (c->http10 || c->responded || c->state != BUSY)
        return;
    c->response = (struct gw__head *)head;
    c->out = (struct gw__outgoing){.write_head = write_interim, .head = head};
    gw__outgoing_send(&c->out, &c->conn, NULL, 0, false, NULL);
    c->response = NULL;
}

static void stream_send_continue(struct gw__server_stream *stream)
{
    struct server_conn *c = of_stream(stream);
    if (!c->expects || c->responded)
        return;
    c->expects = false;
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    gw__conn_send(&c->conn, &(struct iovec){(char *)text, sizeof text - 1}, 1);
}

static void stream_pause(struct gw__server_stream *stream)
{
    struct server_conn *c = of_stream(stream);
    stream->paused = true;
    gw__conn_pause(&c->conn);
}

static void stream_resume(struct gw__server_stream *stream)
{
    struct server_conn *c = of_stream(stream);
    stream->paused = false;
    gw__conn_resume(&c->conn);
}

static void stream_finish(struct gw__server_stream *stream)
{
    struct server_conn *c = of_stream(stream);
    if (c->state != BUSY)
        return;
    stream->user = NULL;
    stream->arena = NULL;
    stream->paused = false;
    if (c->gone || !c->response_done) {
        gw__conn_reset(&c->conn);
        close_conn(c);
        return;
    }
    bool unread = c->body.framing != GW__FRAMING_NONE;
    if (c->body.framing == GW__FRAMING_LENGTH && c->body.left > DRAIN_BYTES)
        c->keep_alive = false;
    if (!c->keep_alive && !unread && !c->in.size && !c->broken && !gw__conn_blocked(&c->conn)) {
        close_conn(c);
    } else if (!c->keep_alive) {
        linger(c);
    } else if (unread) {
        c->state = DRAIN;
        c->drained = 0;
        set_due(c, c->site->timeouts.head_ms);
        gw__conn_resume(&c->conn);
    } else {
        go_idle(c);
    }
}

static const struct gw__server_stream_ops stream_ops = {
    .send_interim = stream_send_interim,
    .send_continue = stream_send_continue,
    .send_head = stream_send_head,
    .send_data = stream_send_data,
    .pause = stream_pause,
    .resume = stream_resume,
    .finish = stream_finish,
};

/* ---- receiving ---- */

static struct gw__parse_limits parse_limits(const struct server_conn *c)
{
    const struct gw__limits *limits = &c->site->limits;
    return (struct gw__parse_limits){
        .line_bytes = (uint32_t)limits->line_bytes,
        .head_bytes = (uint32_t)limits->head_bytes,
        .fields = (uint16_t)limits->headers,
    };
}

/* Makes the exchange that a head, or what should have been one, is for. NULL: the connection is closed. */
static struct gw__head *begin(struct server_conn *c)
{
    struct gw__arena *arena;
    c->state = BUSY;
    c->conn.turn = GW__TURN_NONE;
    c->due_ms = 0;
    c->responded = c->response_done = c->broken = c->expects = c->head_request = false;
    c->body.framing = GW__FRAMING_NONE;
    c->stream.trailers = (struct gw__fields){0};
    struct gw__head *head = c->stream.handler->on_begin(&c->stream, &arena);
    if (head)
        c->stream.arena = arena;
    else
        close_conn(c);
    return head;
}

static void refuse(struct server_conn *c, struct gw__head *head, const struct gw__parse_error *error)
{
    c->head_request = head->method_id == GW__METHOD_HEAD;
    c->broken = true;
    c->http10 = false;
    c->keep_alive = false;
    c->stream.handler->on_bad(&c->stream, error);
}

/* What is no head makes an exchange too, so that refusals are logged and counted like answers. */
static void begin_refused(struct server_conn *c, struct gw__str data, const struct gw__parse_error *error)
{
    struct gw__head *head = begin(c);
    if (!head)
        return;
    gw__head_from_refused(head, data, (size_t)c->site->limits.line_bytes, c->site->options.merge_slashes,
                          c->stream.arena);
    refuse(c, head, error);
}

static bool begin_request(struct server_conn *c, const char *data)
{
    struct gw__parse_error error;
    struct gw__head *head = begin(c);
    if (!head)
        return false;
    if (gw__head_from_request(head, c->site->raw, data, c->stream.arena, SPARE_FIELDS, c->site->options.merge_slashes,
                              &error) != GW__PARSE_OK) {
        refuse(c, head, &error);
        return false;
    }
    c->http10 = head->minor == 0;
    c->head_request = head->method_id == GW__METHOD_HEAD;
    c->keep_alive = head->keep_alive && !c->site->draining && ++c->requests < c->site->limits.requests;
    gw__body_begin(&c->body, head->content_length, head->chunked);
    head->has_body = c->body.framing != GW__FRAMING_NONE;
    c->expects = head->expect_continue && !c->http10 && head->has_body;
    return true;
}

/* False: no more can be taken in. */
static bool consume_head(struct server_conn *c, const char **data, const char *end)
{
    struct gw__parse_limits limits = parse_limits(c);
    struct gw__parse_error error;
    size_t size = (size_t)(end - *data);
    if (c->state == HEAD && !gw__parse_again(*data, size, c->parsed, &limits))
        return false;
    enum gw__parse_result result = gw__parse_request(*data, size, &limits, c->site->raw, &error);
    if (result == GW__PARSE_MORE) {
        if (c->state == IDLE)
            set_due(c, c->site->timeouts.head_ms);
        c->state = HEAD;
        c->parsed = (uint32_t)size;
        return false;
    }
    const char *head = *data;
    if (result == GW__PARSE_BAD) {
        *data = end;
        begin_refused(c, (struct gw__str){head, (size_t)(end - head)}, &error);
        return false;
    }
    *data += c->site->raw->size;
    if (!begin_request(c, head)) {
        *data = end;
        return false;
    }
    c->stream.handler->on_head(&c->stream);
    return true;
}

static bool consume_body(struct server_conn *c, const char **data, const char *end)
{
    static const struct gw__parse_error bad = {400, "malformed chunked body"};
    struct gw__parse_limits limits = parse_limits(c);
    struct gw__str piece;
    struct gw__arena dropped;
    struct gw__fields none = {0};
    bool drain = c->state == DRAIN;
    gw__arena_init(&dropped, NULL);
    enum gw__body_result result =
        gw__body_next(&c->body, data, end, &piece, c->site->raw, &limits, drain ? &none : &c->stream.trailers,
                      drain ? &dropped : c->stream.arena);
    if (result == GW__BODY_BAD) {
        *data = end;
        c->body.framing = GW__FRAMING_NONE;
        c->broken = true;
        c->keep_alive = false;
        if (drain)
            linger(c);
        else
            c->stream.handler->on_bad(&c->stream, &bad);
    } else if (result != GW__BODY_MORE && !drain) {
        if (c->stream.handler->on_data(&c->stream, piece.data, piece.size, result == GW__BODY_LAST) &&
            c->state == BUSY && c->body.framing != GW__FRAMING_NONE && !c->stream.paused)
            stream_pause(&c->stream);
    } else if (result != GW__BODY_MORE) {
        c->drained += (uint32_t)piece.size;
        if (result == GW__BODY_LAST)
            go_idle(c);
        else if (c->drained > DRAIN_BYTES)
            linger(c);
    }
    gw__arena_finish(&dropped);
    return result == GW__BODY_DATA || result == GW__BODY_LAST;
}

/* Takes in what it can; leaves *data at what must be kept. */
static bool consume(struct server_conn *c, const char **data, const char *end)
{
    bool more = true;
    c->consuming = true;
    while (more && *data < end) {
        if (c->state == IDLE || c->state == HEAD)
            more = consume_head(c, data, end);
        else if ((c->state == BUSY || c->state == DRAIN) && c->body.framing != GW__FRAMING_NONE)
            more = consume_body(c, data, end);
        else
            more = false;
    }
    c->consuming = false;
    if (c->state == IDLE && c->site->draining && *data == end)
        close_conn(c);
    if (c->state == LINGER || c->state == CLOSED)
        *data = end;
    return c->state != CLOSED;
}

static void consume_kept(struct server_conn *c)
{
    const char *data = c->in.data, *end = data + c->in.size;
    if (consume(c, &data, end) && c->in.size) /* what goes away drops what was kept */
        gw__kept_leave(&c->in, (size_t)(end - data));
}

static void on_data(struct gw__conn *conn, const char *data, size_t size)
{
    struct server_conn *c = gw__container_of(conn, struct server_conn, conn);
    const char *end = data + size;
    if (c->state == LINGER)
        return;
    if (c->in.size) {
        if (!gw__kept_append(&c->in, data, size))
            cut(c);
        else if (c->state != BUSY || c->body.framing != GW__FRAMING_NONE)
            consume_kept(c);
    } else if (consume(c, &data, end) && data < end && !gw__kept_append(&c->in, data, (size_t)(end - data))) {
        cut(c);
    }
    if (c->state == HEAD || (c->state == BUSY && c->body.framing != GW__FRAMING_NONE))
        conn->turn = size < DRIP_BYTES ? GW__TURN_DRIP : c->state == HEAD ? GW__TURN_BEGIN : GW__TURN_NONE;
    else if (c->state == BUSY && c->in.size > PIPELINE_BYTES)
        gw__conn_pause(conn);
}

static void on_end(struct gw__conn *conn, int error)
{
    struct server_conn *c = gw__container_of(conn, struct server_conn, conn);
    if (c->state == BUSY) {
        c->gone = true;
        c->stream.handler->on_gone(&c->stream);
    } else if (!error && gw__conn_blocked(conn)) { /* it may still read its answer */
        gw__kept_leave(&c->in, 0);
        c->state = LINGER;
        c->gone = true;
        await_room(c);
    } else {
        close_conn(c);
    }
}

static void on_room(struct gw__conn *conn)
{
    struct server_conn *c = gw__container_of(conn, struct server_conn, conn);
    if (c->state == LINGER && c->gone)
        close_conn(c);
    else if (c->state == LINGER)
        linger(c);
    else if (c->state == FLUSH)
        go_idle(c);
    else if (c->state == BUSY && !c->response_done)
        c->stream.handler->on_room(&c->stream);
}

static const struct gw__conn_ops conn_ops = {.on_data = on_data, .on_end = on_end, .on_room = on_room};

static void handle_due(struct gw__timer *timer)
{
    struct server_conn *c = gw__container_of(timer, struct server_conn, timer);
    static const struct gw__parse_error late = {408, "the request's head did not come in time"};
    if (!c->due_ms)
        return;
    if (c->due_ms > gw__loop_ms(c->conn.loop)) {
        gw__timer_set(c->conn.loop, timer, c->due_ms);
        return;
    }
    bool waits = c->state == FLUSH || c->state == LINGER;
    if (waits && c->conn.out.size < c->unsent) {
        await_room(c);
    } else if (c->state == HEAD) {
        struct gw__kept in = c->in;
        c->in = (struct gw__kept){0};
        begin_refused(c, (struct gw__str){in.data, in.size}, &late);
        gw__kept_leave(&in, 0);
    } else if (c->state != BUSY) {
        if (gw__conn_blocked(&c->conn))
            gw__conn_reset(&c->conn); /* a cut answer is not to look whole */
        close_conn(c);
    }
}

static void run_task(struct gw__task *task)
{
    struct server_conn *c = gw__container_of(task, struct server_conn, task);
    if (c->state == CLOSED)
        gw__free(c);
    else if (c->state == BUSY && c->out.write_head) /* no data has come with the head */
        gw__outgoing_send(&c->out, &c->conn, NULL, 0, false, NULL);
    else if (c->state != BUSY && c->in.size)
        consume_kept(c);
}

/* ---- site ---- */

/* Behind a trusted proxy are many clients. */
static bool is_counted(const struct gw__http_site *site, const struct sockaddr *address)
{
    struct gw__ip ip;
    const struct gw__networks *trusted = site->options.trusted;
    return gw__sockaddr_ip(address, &ip) && !(trusted && gw__networks_have(trusted, &ip));
}

static struct gw__peer *enter(struct gw__http_site *site, const struct sockaddr *address)
{
    struct gw__ip ip;
    gw__sockaddr_ip(address, &ip);
    return gw__peers_enter(&site->peers, &ip);
}

void gw__http_accept(struct gw__http_site *site, int fd, const struct sockaddr *address, socklen_t size)
{
    static const struct gw__parse_error many = {429, "too many connections from this address"};
    char text[GW__ADDRESS_TEXT] = "unix";
    struct server_conn *c = NULL;
    bool counted = is_counted(site, address), refused = false;
    bool full = (int64_t)site->connection_count >= site->limits.connections;
    if (!full)
        c = gw__calloc(1, sizeof *c);
    if (c && counted && (c->from = enter(site, address)))
        refused = c->from->connections > site->limits.client_connections;
    if (!c || (counted && !c->from) || gw__conn_open(&c->conn, site->loop, fd, &conn_ops) < 0) {
        add(&site->refusals[full ? GW__REFUSED_LIMIT : GW__REFUSED_MEMORY], 1); /* before the peer sees it */
        close(fd);
        if (c && c->from)
            gw__peers_leave(&site->peers, c->from);
        gw__free(c);
        return;
    }
    c->conn.watch_peer = true;
    c->conn.turn = GW__TURN_BEGIN;
    c->site = site;
    c->stream = (struct gw__server_stream){.ops = &stream_ops, .handler = site->handler, .site = site, .peer = c->peer};
    if (address->sa_family != AF_UNIX)
        gw__sockaddr_print(address, size, text);
    memcpy(c->peer, text, strnlen(text, sizeof c->peer - 1));
    const char *colon = strrchr(c->peer, ':');
    c->stream.peer_ip_size = (uint16_t)(colon ? (size_t)(colon - c->peer) : strlen(c->peer));
    c->task.run = run_task;
    gw__timer_init(&c->timer, handle_due);
    gw__list_append(&site->connections, &c->link);
    count(site, 1);
    set_due(c, site->timeouts.head_ms);
    if (refused) {
        add(&site->refusals[GW__REFUSED_CLIENT], 1);
        begin_refused(c, (struct gw__str){0}, &many);
    }
}

static void each(struct gw__http_site *site, void (*act)(struct server_conn *c))
{
    for (struct gw__link *link = site->connections.next, *next; link != &site->connections; link = next) {
        next = link->next;
        act(gw__container_of(link, struct server_conn, link));
    }
}

static void close_idle(struct server_conn *c)
{
    if (c->state == IDLE && !c->in.size)
        close_conn(c);
}

void gw__http_close_idle(struct gw__http_site *site)
{
    each(site, close_idle);
}

void gw__http_drain(struct gw__http_site *site)
{
    site->draining = true;
    each(site, close_idle);
}

void gw__http_cut(struct gw__http_site *site)
{
    each(site, cut);
}
