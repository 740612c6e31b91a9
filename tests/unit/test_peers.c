/* Peers: counts by address, /64 of IPv6, growth, and what happens when memory is out. */
#include "http/peers.h"
#include "unit.h"

#include <gateway/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct gw__peers peers;

static struct gw__peer *enter(const char *text)
{
    struct gw__ip ip;
    ck_assert(gw__ip_parse(&ip, text, strlen(text)));
    return gw__peers_enter(&peers, &ip);
}

static void set_up(void)
{
    peers = (struct gw__peers){0};
}

static void tear_down(void)
{
    ck_assert_uint_eq(peers.count, 0);
    gw__peers_finish(&peers);
}

START_TEST(counts_by_address)
{
    struct gw__peer *a = enter("192.0.2.1"), *b = enter("192.0.2.2");
    ck_assert_ptr_ne(a, b);
    ck_assert_ptr_eq(enter("192.0.2.1"), a);
    ck_assert_ptr_eq(enter("::ffff:192.0.2.1"), a);
    ck_assert_int_eq(a->connections, 3);
    ck_assert_int_eq(b->connections, 1);
    for (int i = 0; i < 3; i++)
        gw__peers_leave(&peers, a);
    ck_assert_uint_eq(peers.count, 1);
    gw__peers_leave(&peers, b);
}
END_TEST

START_TEST(one_network_of_ipv6_is_one_client)
{
    struct gw__peer *a = enter("2001:db8:1:2::1"), *b = enter("2001:db8:1:3::1");
    ck_assert_ptr_eq(enter("2001:db8:1:2:ffff::9"), a);
    ck_assert_ptr_ne(a, b);
    gw__peers_leave(&peers, a);
    gw__peers_leave(&peers, a);
    gw__peers_leave(&peers, b);
}
END_TEST

START_TEST(many_addresses)
{
    enum { MANY = 3000 };
    static struct gw__peer *all[MANY];
    struct gw__ip ip = {.bytes = {[10] = 0xff, [11] = 0xff, 10}};
    for (int i = 0; i < MANY; i++) {
        ip.bytes[14] = (uint8_t)(i >> 8);
        ip.bytes[15] = (uint8_t)i;
        all[i] = gw__peers_enter(&peers, &ip);
        ck_assert_int_eq(all[i]->connections, 1);
    }
    ck_assert_uint_eq(peers.count, MANY);
    ck_assert_uint_ge(peers.bucket_count, MANY);
    for (int i = 0; i < MANY; i++)
        gw__peers_leave(&peers, all[(i * 7) % MANY]);
}
END_TEST

static int left; /* allocations until they fail */

static void *scarce_malloc(size_t size)
{
    return left-- > 0 ? malloc(size) : NULL;
}

static void *scarce_realloc(void *memory, size_t size)
{
    return left-- > 0 ? realloc(memory, size) : NULL;
}

/* Without a table there is no entry; an entry that can't be had leaves the rest as it was; a table that can't grow
 * goes on with longer chains. */
START_TEST(memory_is_out)
{
    struct gw__peer *all[16];
    char text[32];
    gw_set_allocator(scarce_malloc, scarce_realloc, free);
    left = 0;
    ck_assert_ptr_null(enter("192.0.2.1"));
    left = 1;
    ck_assert_ptr_null(enter("192.0.2.1"));
    for (int i = 0; i < 16; i++) {
        snprintf(text, sizeof text, "192.0.2.%d", i);
        left = 1;
        ck_assert_ptr_nonnull(all[i] = enter(text));
    }
    left = 0;
    ck_assert_ptr_eq(enter("192.0.2.0"), all[0]);
    left = 0;
    ck_assert_ptr_null(enter("192.0.2.99"));
    gw_set_allocator(NULL, NULL, NULL);
    gw__peers_leave(&peers, all[0]); /* it was there twice */
    for (int i = 0; i < 16; i++)
        gw__peers_leave(&peers, all[i]);
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("peers");
    TCase *cases = tcase_create("peers");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, counts_by_address);
    tcase_add_test(cases, one_network_of_ipv6_is_one_client);
    tcase_add_test(cases, many_addresses);
    tcase_add_test(cases, memory_is_out);
    suite_add_tcase(suite, cases);
    return suite;
}
