/* Where Max-Forwards has come to 0 the gateway answers in the instance's place: OPTIONS with nothing, TRACE with the
 * request as it came, but for what authenticates the client. */
#include "endpoints/max_forwards.h"

#include "http/write.h"

static bool is_secret(const struct gw__header *field)
{
    return field->id == GW__FIELD_AUTHORIZATION || field->id == GW__FIELD_COOKIE ||
           (field->name_size == 19 && gw__case_equal(field->name, "proxy-authorization", 19));
}

static void reflect(struct gw_exchange *ex)
{
    const struct gw__head *head = &ex->request;
    char *text = gw__arena_alloc(&ex->arena, gw__head_bytes(head)), *to = text;
    if (!text) {
        ex->state.out_of_memory = true;
        return;
    }
    to = gw__write_request_line(to, head);
    for (uint16_t i = 0; i < head->fields.count; i++) {
        const struct gw__header *field = &head->fields.items[i];
        if (!is_secret(field))
            to = gw__write_field(to, field->name, field->name_size, field->value, field->value_size);
    }
    gw_exchange_reply_data(ex, 200, "message/http", text, (size_t)(to - text));
}

static bool answer(struct gw_exchange *ex)
{
    if (ex->request.method_id == GW__METHOD_TRACE)
        reflect(ex);
    else
        gw_exchange_reply_data(ex, 200, NULL, "", 0);
    return false;
}

bool gw__max_forwards_pass(struct gw_exchange *ex)
{
    struct gw__header *field = (struct gw__header *)gw__fields_find_id(&ex->request.fields, GW__FIELD_MAX_FORWARDS);
    uint64_t hops = 0;
    if (!field)
        return true;
    bool valid = field->value_size > 0;
    for (uint32_t i = 0; i < field->value_size; i++) {
        unsigned digit = (unsigned char)field->value[i] - (unsigned)'0';
        valid = valid && digit <= 9;
        hops = hops > UINT32_MAX ? hops : hops * 10 + digit;
    }
    if (!valid) {
        gw_exchange_fail_code(ex, 400, "GW4003", "http_request_error", "Max-Forwards is not a number");
        return false;
    }
    if (hops == 0)
        return answer(ex);
    const char *less = gw_exchange_print(ex, "%llu", (unsigned long long)hops - 1);
    if (less)
        gw_exchange_set_request_header(ex, "Max-Forwards", less);
    return true;
}
