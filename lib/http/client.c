/* One HTTP/1.1 connection to an instance: what happens on it while it is in use. Bytes that come before or
 * behind that belong to no answer: then the connection is not used again. */
#include "http/client.h"

#include "http/chars.h"
#include "http/write.h"

#define SPARE_FIELDS 8
#define MAX_INTERIMS 16
#define OWN_FIELDS_BYTES 64

static const struct gw__parse_limits response_limits = {
    .line_bytes = 8192, .head_bytes = 65536, .fields = GW__MAX_FIELDS};

enum phase { HEAD, BODY, COMPLETE };

static struct gw__client *of_stream(struct gw__client_stream *stream)
{
    return gw__container_of(stream, struct gw__client, stream);
}

static struct gw__client *of_outbound(struct gw__outbound *outbound)
{
    return gw__container_of(outbound, struct gw__client, base);
}

static bool is_in_use(const struct gw__client *client)
{
    return client->base.state == GW__OUTBOUND_IN_USE;
}

static void fail(struct gw__client *client, enum gw__stream_failure failure)
{
    client->keep_alive = false;
    client->phase = COMPLETE; /* nothing more comes; finish() closes */
    gw__conn_pause(&client->base.conn);
    client->stream.handler->on_fail(&client->stream, failure);
}

/* ---- sending ---- */

static char *write_head(struct gw__outgoing *out, char *to)
{
    struct gw__client *client = gw__container_of(out, struct gw__client, out);
    to = gw__write_request_line(to, client->request);
    to = gw__write_fields(to, &client->request->fields);
    to = gw__copy_short(to, client->request->own.data, client->request->own.size);
    if (client->out.chunked)
        to = gw__write_field(to, "Transfer-Encoding", 17, "chunked", 7);
    else if (client->request_length >= 0)
        to = gw__write_length(to, (uint64_t)client->request_length);
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
    client->out = (struct gw__outgoing){
        .write_head = write_head, .head = head, .own_bytes = OWN_FIELDS_BYTES, .chunked = has_body && length < 0};
    if (has_body)
        gw__loop_defer(client->base.conn.loop, &client->base.task);
    else
        gw__outgoing_send(&client->out, &client->base.conn, NULL, 0, false, NULL);
}

static bool stream_send_data(struct gw__client_stream *stream, const char *data, size_t size, bool last,
                             const struct gw__fields *trailers)
{
    struct gw__client *client = of_stream(stream);
    if (!is_in_use(client))
        return false;
    if (last)
        client->request_done = true;
    return gw__outgoing_send(&client->out, &client->base.conn, data, size, last, trailers) && !last;
}

static void stream_pause(struct gw__client_stream *stream)
{
    gw__conn_pause(&of_stream(stream)->base.conn);
}

static void stream_resume(struct gw__client_stream *stream)
{
    gw__conn_resume(&of_stream(stream)->base.conn);
}

static void stream_finish(struct gw__client_stream *stream)
{
    struct gw__client *client = of_stream(stream);
    bool good = client->phase == COMPLETE && client->keep_alive && client->request_done && !client->extra;
    client->phase = COMPLETE;
    stream->handler = NULL;
    gw__outbound_finish(&client->base, good);
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
    size_t size = (size_t)(end - *data), seen = client->parsed;
    if (seen && !gw__parse_again(*data, size, seen, &response_limits))
        return false;
    enum gw__parse_result result = gw__parse_response(*data, size, &response_limits, client->raw, &error);
    client->parsed = result == GW__PARSE_MORE ? (uint32_t)size : 0;
    if (result == GW__PARSE_MORE)
        return false;
    const char *head = *data;
    if (result == GW__PARSE_OK)
        *data += client->raw->size;
    if (result == GW__PARSE_OK && client->raw->status < 200 && take_interim(client, head))
        return client->phase == HEAD;
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
    client->phase = client->body.framing == GW__FRAMING_NONE ? COMPLETE : BODY;
    client->extra = *data < end;
    stream->handler->on_head(stream, client->phase == COMPLETE ? 0 : length);
    return client->phase == BODY;
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
        client->phase = COMPLETE;
    client->extra = *data < end;
    if (stream->handler->on_data(stream, piece.data, piece.size, result == GW__BODY_LAST) && client->phase == BODY)
        gw__conn_pause(&client->base.conn);
    return client->phase == BODY;
}

/* Takes in an answer; what is left is kept. False when out of memory. */
static bool consume(struct gw__client *client, const char *data, const char *end)
{
    bool more = true;
    while (more && data < end)
        more = client->phase == HEAD ? consume_head(client, &data, end) : consume_body(client, &data, end);
    if (client->base.state == GW__OUTBOUND_CLOSED)
        return true;
    if (client->phase == COMPLETE) /* bytes behind the answer are `extra` */
        data = end;
    if (client->in.size)
        gw__kept_leave(&client->in, (size_t)(end - data));
    else if (data < end)
        return gw__kept_append(&client->in, data, (size_t)(end - data));
    return true;
}

static void on_data(struct gw__conn *conn, const char *data, size_t size)
{
    struct gw__client *client = gw__container_of(conn, struct gw__client, base.conn);
    if (!is_in_use(client)) { /* an answer to nothing: a 408, most likely */
        gw__outbound_close_and_tell(&client->base);
        return;
    }
    if (client->phase == COMPLETE) {
        client->keep_alive = false;
        return;
    }
    bool kept = true;
    client->stream.heard = true;
    if (client->in.size) {
        kept = gw__kept_append(&client->in, data, size);
        if (kept)
            consume(client, client->in.data, client->in.data + client->in.size);
    } else {
        kept = consume(client, data, data + size);
    }
    if (!kept)
        fail(client, client->phase == HEAD ? GW__FAILED_MEMORY : GW__FAILED_CUT);
}

static void on_end(struct gw__outbound *outbound, int error)
{
    struct gw__client *client = of_outbound(outbound);
    if (client->phase == HEAD) {
        fail(client, error ? GW__FAILED_RESET : GW__FAILED_CLOSED);
    } else if (client->phase == BODY && (error || client->body.framing != GW__FRAMING_CLOSE)) {
        fail(client, GW__FAILED_CUT);
    } else if (client->phase == BODY) {
        client->phase = COMPLETE;
        client->stream.handler->on_data(&client->stream, NULL, 0, true);
    }
}

static void on_room(struct gw__conn *conn)
{
    struct gw__client *client = gw__container_of(conn, struct gw__client, base.conn);
    if (is_in_use(client) && client->phase != COMPLETE && !client->request_done)
        client->stream.handler->on_room(&client->stream);
}

static void on_task(struct gw__outbound *outbound)
{
    struct gw__client *client = of_outbound(outbound);
    if (client->out.write_head && is_in_use(client)) /* a head whose body is not here yet */
        gw__outgoing_send(&client->out, &outbound->conn, NULL, 0, false, NULL);
}

static void on_close(struct gw__outbound *outbound)
{
    gw__kept_leave(&of_outbound(outbound)->in, 0);
}

static const struct gw__outbound_protocol protocol = {
    .size = sizeof(struct gw__client),
    .ops = {.reads_after_break = true,
            .on_connected = gw__outbound_connected,
            .on_data = on_data,
            .on_end = gw__outbound_ended,
            .on_room = on_room},
    .on_end = on_end,
    .on_task = on_task,
    .on_close = on_close,
};

struct gw__outbound *gw__client_connect(struct gw__loop *loop, const struct sockaddr *address, socklen_t size,
                                        int64_t timeout_ms, struct gw__raw_head *raw,
                                        const struct gw__outbound_owner *owner, void *pool)
{
    struct gw__outbound *outbound = gw__outbound_connect(&protocol, loop, address, size, timeout_ms, owner, pool);
    if (outbound) {
        of_outbound(outbound)->stream.ops = &stream_ops;
        of_outbound(outbound)->raw = raw;
    }
    return outbound;
}

struct gw__client_stream *gw__client_use(struct gw__outbound *outbound, const struct gw__client_handler *handler,
                                         void *user, struct gw__head *head, struct gw__arena *arena)
{
    struct gw__client *client = of_outbound(outbound);
    struct gw__client_stream *stream = &client->stream;
    stream->handler = handler;
    stream->user = user;
    stream->head = head;
    stream->arena = arena;
    stream->trailers = (struct gw__fields){0};
    stream->reused = outbound->answered;
    stream->heard = false;
    outbound->state = GW__OUTBOUND_IN_USE;
    client->phase = HEAD;
    client->interims = 0;
    client->request_done = false;
    client->out = (struct gw__outgoing){0};
    return stream;
}
