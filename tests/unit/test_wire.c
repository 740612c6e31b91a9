/* Thrift messages: headers in every encoding, and exceptions, cut anywhere; the segments that a message is written
 * to. */
#include "wire_types.h"
#include "unit.h"
#include "wire/fault.h"

struct bytes {
    const char *bytes;
    size_t size;
};
#define BYTES(text) (text), sizeof(text) - 1

static void check_header(uint8_t encoding, int32_t sequence, const char *want, size_t want_size)
{
    struct gw__wire wire = {0};
    struct gw__message message = {encoding, GW__MESSAGE_CALL, gw__str("echo"), sequence}, got;
    size_t size, taken = 0;
    gw__message_put(&wire, &message);
    char *bytes = wire_bytes(&wire, &size);
    ck_assert_uint_eq(size, want_size);
    ck_assert_mem_eq(bytes, want, size);
    ck_assert_uint_le(size, gw__message_most_bytes(4));
    for (size_t i = 0; i < size; i++)
        ck_assert_int_eq(gw__message_get(bytes, i, &got, &taken), GW__WIRE_MORE);
    ck_assert_int_eq(gw__message_get(bytes, size, &got, &taken), GW__WIRE_DONE);
    ck_assert_uint_eq(taken, size);
    ck_assert(got.encoding == encoding && got.type == GW__MESSAGE_CALL && got.sequence == sequence);
    ck_assert(got.name.size == 4 && memcmp(got.name.data, "echo", 4) == 0);
    free(bytes);
    gw__wire_finish(&wire);
}

START_TEST(message_headers)
{
    static const struct bytes blanks = {BYTES(" [ 1 , \"echo\"\n, 2,\t-2147483648 ,") };
    struct gw__message got;
    size_t taken;
    check_header(GW__ENCODING_BINARY, 7, BYTES("\x80\1\0\1\0\0\0\4echo\0\0\0\7"));
    check_header(GW__ENCODING_BINARY_OLD, 7, BYTES("\0\0\0\4echo\1\0\0\0\7"));
    check_header(GW__ENCODING_COMPACT, 300, BYTES("\x82\x21\xac\2\4echo"));
    check_header(GW__ENCODING_COMPACT, -1, BYTES("\x82\x21\xff\xff\xff\xff\x0f\4echo"));
    check_header(GW__ENCODING_JSON, 7, BYTES("[1,\"echo\",1,7,"));
    check_header(GW__ENCODING_JSON, INT32_MIN, BYTES("[1,\"echo\",1,-2147483648,"));
    ck_assert_int_eq(gw__message_get(blanks.bytes + 1, blanks.size - 1, &got, &taken), GW__WIRE_DONE);
    ck_assert(taken == blanks.size - 1 && got.type == GW__MESSAGE_REPLY && got.sequence == INT32_MIN);
}
END_TEST

START_TEST(bad_message_headers)
{
    static const struct bytes wrong[] = {
        {BYTES("H")},
        {BYTES("\x80\2")},
        {BYTES("\x80\1\0\0")},
        {BYTES("\x80\1\0\5")},
        {BYTES("\x80\1\0\2\xff\xff\xff\xff")},
        {BYTES("\x80\1\0\2\0\1\0\0")},
        {BYTES("\0\1\0\0")},
        {BYTES("\0\0\0\1a\0")},
        {BYTES("\0\0\0\1a\5")},
        {BYTES("\x82\x22")},
        {BYTES("\x82\x01")},
        {BYTES("\x82\xa1")},
        {BYTES("\x82\x21\xff\xff\xff\xff\x1f")},
        {BYTES("\x82\x21\xff\xff\xff\xff\xff")},
        {BYTES("\x82\x21\1\x81\x20")},
        {BYTES("[2,")},
        {BYTES("[,")},
        {BYTES("[1;")},
        {BYTES("[1,e")},
        {BYTES("[1,\"e\\")},
        {BYTES("[1,\"e\",0,")},
        {BYTES("[1,\"e\",257,")},
        {BYTES("[1,\"e\",2,2147483648,")},
        {BYTES("[1,\"e\",2,-,")},
        {BYTES("[1,\"e\",2,7]")},
    };
    struct gw__message got;
    size_t taken;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_int_eq(gw__message_get(wrong[i].bytes, wrong[i].size, &got, &taken), GW__WIRE_BAD);
    char name[GW__MESSAGE_NAME_BYTES + 5];
    memset(name, 'x', sizeof name);
    memcpy(name, "[1,\"", 4);
    ck_assert_int_eq(gw__message_get(name, sizeof name - 1, &got, &taken), GW__WIRE_MORE);
    ck_assert_int_eq(gw__message_get(name, sizeof name, &got, &taken), GW__WIRE_BAD);
}
END_TEST

START_TEST(faults)
{
    static const char bytes[] = "\x0f\0\7\x08\0\0\0\1\0\0\0\1\x0b\0\1\0\0\0\3why\x08\0\2\0\0\0\6\0";
    for (size_t cut = 0; cut < sizeof bytes; cut++) {
        struct gw__thrift_fault fault;
        size_t taken, rest = sizeof bytes - cut;
        gw__thrift_fault_init(&fault, GW__ENCODING_BINARY);
        char *first = cut_block(bytes, cut), *second = cut_block(bytes + cut, rest);
        enum gw__wire_status status = gw__thrift_fault_feed(&fault, first, cut, &taken);
        if (cut < sizeof bytes - 1) {
            ck_assert_int_eq(status, GW__WIRE_MORE);
            status = gw__thrift_fault_feed(&fault, second, rest, &taken);
            ck_assert_uint_eq(taken, rest - 1); /* the literal's end is not its own */
        }
        ck_assert_int_eq(status, GW__WIRE_DONE);
        ck_assert(fault.type == 6 && fault.size == 3 && memcmp(fault.message, "why", 3) == 0);
        free(first);
        free(second);
    }
    static const struct bytes wrong[] = {
        {BYTES("\x0b\0\1\xff\xff\xff\xff")},
        {BYTES("\x11\0\1")},
        {BYTES("\x0f\0\1\x0b\xff\xff\xff\xff")},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct gw__thrift_fault fault;
        size_t taken;
        gw__thrift_fault_init(&fault, GW__ENCODING_BINARY);
        ck_assert_int_eq(gw__thrift_fault_feed(&fault, wrong[i].bytes, wrong[i].size, &taken), GW__WIRE_BAD);
    }
}
END_TEST

START_TEST(long_faults)
{
    struct gw__thrift_fault fault;
    char bytes[4008] = "\x0b\0\1\0\0\x0f\xa0";
    size_t taken;
    gw__thrift_fault_init(&fault, GW__ENCODING_BINARY);
    memset(bytes + 7, 'x', 4000);
    ck_assert_int_eq(gw__thrift_fault_feed(&fault, bytes, sizeof bytes, &taken), GW__WIRE_DONE);
    ck_assert(taken == sizeof bytes && fault.size == GW__THRIFT_FAULT_BYTES && fault.message[1023] == 'x');
}
END_TEST

/* Lengths on the wire can't say more, whatever the limit. */
START_TEST(a_message_is_below_two_gigabytes)
{
    static const size_t limits[] = {0, (size_t)1 << 40};
    for (unsigned i = 0; i < 2; i++) {
        struct gw__wire wire = {.limit_bytes = limits[i]};
        ck_assert_ptr_nonnull(gw__wire_take(&wire, 1000));
        ck_assert_ptr_null(gw__wire_take(&wire, (size_t)3 << 30));
        ck_assert(wire.lost && wire.full);
        gw__wire_finish(&wire);
    }
}
END_TEST

START_TEST(a_wire_is_used_again)
{
    struct gw__wire wire = {.limit_bytes = 1 << 20};
    gw__wire_reset(&wire);
    ck_assert_ptr_null(wire.first);
    memset(gw__wire_take(&wire, 1000), 'a', 1000);
    memset(gw__wire_take(&wire, 2000), 'b', 2000); /* does not fit into the first segment */
    ck_assert_uint_eq(gw__wire_settle(&wire), 3000);
    struct gw__wire_segment *second = wire.last;
    ck_assert_ptr_ne(second, wire.first);
    gw__wire_reset(&wire);
    ck_assert(wire.first == second && wire.last == second && !second->next);
    fail_allocation(0);
    char *taken = gw__wire_take(&wire, 2000);
    allocate_normally();
    ck_assert_ptr_eq(taken, second->bytes);
    ck_assert_uint_eq(gw__wire_settle(&wire), 2000);
    ck_assert_ptr_nonnull(gw__wire_take(&wire, 100000)); /* large: not kept */
    ck_assert_ptr_null(gw__wire_take(&wire, 2 << 20));
    ck_assert(wire.lost && wire.full);
    gw__wire_reset(&wire);
    ck_assert(wire.first == second && !wire.lost && !wire.full);
    ck_assert_uint_eq(gw__wire_settle(&wire), 0);
    ck_assert_uint_eq(wire.limit_bytes, 1 << 20);
    gw__wire_finish(&wire);
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("wire");
    TCase *tcase = tcase_create("wire");
    tcase_add_test(tcase, message_headers);
    tcase_add_test(tcase, bad_message_headers);
    tcase_add_test(tcase, faults);
    tcase_add_test(tcase, long_faults);
    tcase_add_test(tcase, a_message_is_below_two_gigabytes);
    tcase_add_test(tcase, a_wire_is_used_again);
    suite_add_tcase(suite, tcase);
    return suite;
}
