/* Thrift binary messages: headers and exceptions, cut anywhere, and the segments that a message is written to. */
#include "wire_types.h"
#include "unit.h"

struct bytes {
    const char *bytes;
    size_t size;
};
#define BYTES(text) (text), sizeof(text) - 1

START_TEST(message_headers)
{
    static const char want[] = "\x80\1\0\1\0\0\0\4echo\0\0\0\7";
    struct gw__wire wire = {0};
    struct gw__thrift_message message = {GW__THRIFT_CALL, gw__str("echo"), 7}, got;
    size_t size, taken = 0;
    gw__thrift_put_message(&wire, &message);
    char *bytes = wire_bytes(&wire, &size);
    ck_assert_uint_eq(size, sizeof want - 1);
    ck_assert_mem_eq(bytes, want, size);
    for (size_t i = 0; i < size; i++)
        ck_assert_int_eq(gw__thrift_get_message(bytes, i, &got, &taken), GW__WIRE_MORE);
    ck_assert_int_eq(gw__thrift_get_message(bytes, size, &got, &taken), GW__WIRE_DONE);
    ck_assert(taken == size && got.type == GW__THRIFT_CALL && got.sequence == 7 && got.name.size == 4);
    static const struct bytes wrong[] = {
        {BYTES("H")},
        {BYTES("\x80\2")},
        {BYTES("\x80\1\0\0")},
        {BYTES("\x80\1\0\5")},
        {BYTES("\x80\1\0\2\xff\xff\xff\xff")},
        {BYTES("\x80\1\0\2\0\1\0\0")},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_int_eq(gw__thrift_get_message(wrong[i].bytes, wrong[i].size, &got, &taken), GW__WIRE_BAD);
    free(bytes);
    gw__wire_finish(&wire);
}
END_TEST

START_TEST(faults)
{
    static const char bytes[] = "\x0f\0\7\x08\0\0\0\1\0\0\0\1\x0b\0\1\0\0\0\3why\x08\0\2\0\0\0\6\0";
    for (size_t cut = 0; cut < sizeof bytes; cut++) {
        struct gw__thrift_fault fault = {0};
        size_t taken, rest = sizeof bytes - cut;
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
        struct gw__thrift_fault fault = {0};
        size_t taken;
        ck_assert_int_eq(gw__thrift_fault_feed(&fault, wrong[i].bytes, wrong[i].size, &taken), GW__WIRE_BAD);
    }
}
END_TEST

START_TEST(long_faults)
{
    struct gw__thrift_fault fault = {0};
    char bytes[4008] = "\x0b\0\1\0\0\x0f\xa0";
    size_t taken;
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
    tcase_add_test(tcase, faults);
    tcase_add_test(tcase, long_faults);
    tcase_add_test(tcase, a_message_is_below_two_gigabytes);
    tcase_add_test(tcase, a_wire_is_used_again);
    suite_add_tcase(suite, tcase);
    return suite;
}
