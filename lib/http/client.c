/* One HTTP/1.1 connection to an instance. Its read event stays armed while it idles in a pool: that is
 * how a close by the peer is noticed, at no cost. */
#include "http/client.h"

#include "base/alloc.h"
#include "http/write.h"

#include <errno.h>

#define SPARE_FIELDS 8
#define MAX_INTERIMS 16
#define OWN_FIELDS_BYTES 64

static const struct gw__parse_limits response_limits = {
    .line_bytes = 8192, .head_bytes = 65536, .fields = GW__MAX_FIELDS};

enum state { CONNECTING, IDLE, HEAD, BODY, COMPLETE, CLOSED };

static struct gw__client *of_stream(struct gw__client_stream *stream)
{
    return gw__container_of(stream, struct gw__client, stream);
}

void gw__client_close(struct gw__client *client)
{
    if (client->state == CLOSED)
        return;
    client->state = CLOSED;
    gw__conn_close(&client->conn);
    gw__timer_stop(&client->timer);
    gw__list_remove(&client->link);
    gw__kept_leave(&client->in, 0);
    gw__loop_defer(client->conn.loop, &client->task);
}

static void close_and_tell(struct gw__client *client)
{
    if (client->state == CLOSED)
        return;
    gw__client_close(client);
    client->owner->on_closed(client);
}

static void fail(struct gw__client *client, enum gw__stream_failure failure)
{
    client->keep_alive = false;
    client->state = COMPLETE; /* nothing more comes; finish() closes */
    gw__conn_pause(&client->conn);
    client->stream.handler->on_fail(&client->stream, failure);
}

/* ---- sending ---- */

static char *write_head(struct gw__outgoing *out, char *to)
{
    struct gw__client *client = gw__container_of(out, struct gw__client, out);
    to = gw__write_request_line(to, client->request);
    to = gw__write_fields(to, &client->request->fields);
    if (client->out.chunked) {
        to = gw__write_field(to, "Transfer-Encoding", 17, "chunked", 7);
    } else if (client->request_length >= 0) {
        char digits[20];
        size_t size = gw__format_u64(digits, (uint64_t)client->request_length);
        to = gw__write_field(to, "Content-Length", 14, digits, size);
    }
    return (char *)memcpy(to, "\r\n", 2) + 2;
}

static void stream_send_head(struct gw__client_stream *stream, const struct gw__head *head, bool has_body,
                             int64_t length)
{
    struct gw__client *client = of_stream(stream);
    client->request = head;
    client->request_length = length;
    client->request_done = !has_body;
    client->head_request = head->method_id == GW__METHOD_HEAD;
    client->out = (struct gw__outgoing){.write_head = write_head, .chunked = has_body && length < 0};
    client->out.head_bytes = gw__head_bytes(head) + OWN_FIELDS_BYTES;
    if (has_body)
        gw__loop_defer(client->conn.loop, &client->task);
    else
        gw__outgoing_send(&client->out, &client->conn, NULL, 0, false, NULL);
}

static bool stream_send_data(struct gw__client_stream *stream, const char *data, size_t size, bool last,
                             const struct gw__fields *trailers)
{
    struct gw__client *client = of_stream(stream);
    if (client->state == CLOSED)
        return false;
    if (last)
        client->request_done = true;
    return gw__outgoing_send(&client->out, &client->conn, data, size, last, trailers) && !last;
}

static void stream_pause(struct gw__client_stream *stream)
{
    gw__conn_pause(&of_stream(stream)->conn);
}

static void stream_resume(struct gw__client_stream *stream)
{
    gw__conn_resume(&of_stream(stream)->conn);
}

static void stream_finish(struct gw__client_stream *stream)
{
    struct gw__client *client = of_stream(stream);
    if (client->state == CLOSED || client->state == IDLE)
        return;
    bool good = client->state == COMPLETE && client->keep_alive && client->request_done && !client->extra &&
                !gw__conn_blocked(&client->conn) && !client->conn.ended && !client->conn.error;
    stream->handler = NULL;
    if (!good) {
        close_and_tell(client);
        return;
    }
    client->state = IDLE;
    client->answered = true;
    client->idle_since_ms = gw__loop_ms(client->conn.loop);
    gw__conn_resume(&client->conn);
    client->owner->on_idle(client);
}

static const struct gw__client_stream_ops stream_ops = {
    .send_head = stream_send_head,
    .send_data = stream_send_data,
    .pause = stream_pause,
    .resume = stream_resume,
    .finish = stream_finish,
};

/* ---- receiving ---- */

/* Length of the answer's body by RFC 9112 section 6.3: -1 unknown. */
static int64_t begin_body(struct gw__client *client, const struct gw__head *head)
{
    if (client->head_request || head->status == 204 || head->status == 304) {
        gw__body_begin(&client->body, 0, false);
        return 0;
    }
    gw__body_begin(&client->body, head->content_length, head->chunked);
    if (!head->chunked && head->content_length < 0) {
        client->body.framing = GW__FRAMING_CLOSE;
        client->keep_alive = false;
    }
    return head->chunked ? -1 : head->content_length;
}

static bool take_interim(struct gw__client *client, const char *data)
{
    struct gw__head interim = {0};
    if (client->raw->status == 101 || ++client->interims > MAX_INTERIMS)
        return false;
    if (client->raw->status == 100)
        return true;
    if (!gw__head_from_response(&interim, client->raw, data, client->stream.arena, 0))
        return false;
    client->stream.handler->on_interim(&client->stream, &interim);
    return true;
}

/* False: nothing more can be taken. */
static bool consume_head(struct gw__client *client, const char **data, const char *end)
{
    struct gw__parse_error error;
    struct gw__client_stream *stream = &client->stream;
    enum gw__parse_result result =
        gw__parse_response(*data, (size_t)(end - *data), &response_limits, client->raw, &error);
    if (result == GW__PARSE_MORE)
        return false;
    const char *head = *data;
    if (result == GW__PARSE_OK)
        *data += client->raw->size;
    if (result == GW__PARSE_OK && client->raw->status < 200 && take_interim(client, head))
        return client->state == HEAD;
    if (result == GW__PARSE_BAD || client->raw->status < 200) {
        *data = end;
        fail(client, GW__FAILED_GARBAGE);
        return false;
    }
    if (!gw__head_from_response(stream->head, client->raw, head, stream->arena, SPARE_FIELDS)) {
        *data = end;
        fail(client, GW__FAILED_MEMORY);
        return false;
    }
    client->keep_alive = stream->head->keep_alive;
    int64_t length = begin_body(client, stream->head);
    client->state = client->body.framing == GW__FRAMING_NONE ? COMPLETE : BODY;
    client->extra = *data < end;
    stream->handler->on_head(stream, client->state == COMPLETE ? 0 : length);
    return client->state == BODY;
}

static bool consume_body(struct gw__client *client, const char **data, const char *end)
{
    struct gw__str piece;
    struct gw__client_stream *stream = &client->stream;
    enum gw__body_result result = gw__body_next(&client->body, data, end, &piece, client->raw, &response_limits,
                                                &stream->trailers, stream->arena);
    if (result == GW__BODY_MORE)
        return false;
    if (result == GW__BODY_BAD) {
        *data = end;
        fail(client, GW__FAILED_CUT);
        return false;
    }
    if (result == GW__BODY_LAST)
        client->state = COMPLETE;
    client->extra = *data < end;
    if (stream->handler->on_data(stream, piece.data, piece.size, result == GW__BODY_LAST) && client->state == BODY)
        gw__conn_pause(&client->conn);
    return client->state == BODY;
}

/* Takes in an answer; what is left is kept. False when out of memory. */
static bool consume(struct gw__client *client, const char *data, const char *end)
{
    bool more = true;
    while (more && data < end)
        more = client->state == HEAD ? consume_head(client, &data, end) : consume_body(client, &data, end);
    if (client->state == CLOSED)
        return true;
    if (client->state == COMPLETE || client->state == IDLE) /* bytes behind the answer are `extra` */
        data = end;
    if (client->in.size)
        gw__kept_leave(&client->in, (size_t)(end - data));
    else if (data < end)
        return gw__kept_append(&client->in, data, (size_t)(end - data));
    return true;
}

static void on_data(struct gw__conn *conn, const char *data, size_t size)
{
    struct gw__client *client = gw__container_of(conn, struct gw__client, conn);
    if (client->state == IDLE) { /* an answer to nothing: a 408, most likely */
        close_and_tell(client);
        return;
    }
    if (client->state == COMPLETE) {
        client->keep_alive = false;
        return;
    }
    bool kept = true;
    if (client->in.size) {
        kept = gw__kept_append(&client->in, data, size);
        if (kept)
            consume(client, client->in.data, client->in.data + client->in.size);
    } else {
        kept = consume(client, data, data + size);
    }
    if (!kept)
        fail(client, client->state == HEAD ? GW__FAILED_MEMORY : GW__FAILED_CUT);
}

static void on_end(struct gw__conn *conn, int error)
{
    struct gw__client *client = gw__container_of(conn, struct gw__client, conn);
    switch (client->state) {
    case CONNECTING:
        client->owner->on_failed(client, error ? error : ECONNRESET);
        gw__client_close(client);
        break;
    case IDLE:
        close_and_tell(client);
        break;
    case HEAD:
        fail(client, error ? GW__FAILED_RESET : GW__FAILED_CLOSED);
        break;
    case BODY:
        if (error || client->body.framing != GW__FRAMING_CLOSE) {
            fail(client, GW__FAILED_CUT);
        } else {
            client->state = COMPLETE;
            client->stream.handler->on_data(&client->stream, NULL, 0, true);
        }
        break;
    default:
        break;
    }
}

static void on_room(struct gw__conn *conn)
{
    struct gw__client *client = gw__container_of(conn, struct gw__client, conn);
    if ((client->state == HEAD || client->state == BODY) && !client->request_done)
        client->stream.handler->on_room(&client->stream);
}

static void on_connected(struct gw__conn *conn)
{
    struct gw__client *client = gw__container_of(conn, struct gw__client, conn);
    gw__timer_stop(&client->timer);
    client->state = IDLE;
    client->owner->on_connected(client);
}

static void handle_connect_timeout(struct gw__timer *timer)
{
    struct gw__client *client = gw__container_of(timer, struct gw__client, timer);
    client->owner->on_failed(client, ETIMEDOUT);
    gw__client_close(client);
}

static void run_task(struct gw__task *task)
{
    struct gw__client *client = gw__container_of(task, struct gw__client, task);
    if (client->state == CLOSED)
        gw__free(client);
    else if (client->out.write_head && client->state >= HEAD) /* a head whose body is not here yet */
        gw__outgoing_send(&client->out, &client->conn, NULL, 0, false, NULL);
}

static const struct gw__conn_ops conn_ops = {
    .on_connected = on_connected,
    .on_data = on_data,
    .on_end = on_end,
    .on_room = on_room,
};

struct gw__client *gw__client_connect(struct gw__loop *loop, const struct sockaddr *address, socklen_t size,
                                      int64_t timeout_ms, struct gw__raw_head *raw,
                                      const struct gw__client_owner *owner, void *pool)
{
    struct gw__client *client = gw__calloc(1, sizeof *client);
    if (!client || gw__conn_connect(&client->conn, loop, address, size, &conn_ops) < 0) {
        gw__free(client);
        return NULL;
    }
    client->stream.ops = &stream_ops;
    client->owner = owner;
    client->pool = pool;
    client->raw = raw;
    client->task.run = run_task;
    gw__list_init(&client->link);
    gw__timer_init(&client->timer, handle_connect_timeout);
    gw__timer_set(loop, &client->timer, gw__loop_ms(loop) + (uint64_t)timeout_ms);
    return client;
}

struct gw__client_stream *gw__client_use(struct gw__client *client, const struct gw__client_handler *handler,
                                         void *user, struct gw__head *head, struct gw__arena *arena)
{
    struct gw__client_stream *stream = &client->stream;
    stream->handler = handler;
    stream->user = user;
    stream->head = head;
    stream->arena = arena;
    stream->trailers = (struct gw__fields){0};
    stream->reused = client->answered;
    client->state = HEAD;
    client->interims = 0;
    client->request_done = false;
    client->out = (struct gw__outgoing){0};
    return stream;
}
