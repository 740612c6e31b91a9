/* Networks: which addresses are in, which texts are refused; IPv4 and IPv6 do not mix. */
#include "base/networks.h"
#include "unit.h"

#include <string.h>

static bool has(const char *network, const char *address)
{
    struct gw__networks *networks = gw__networks_create(1);
    struct gw__ip ip;
    ck_assert_ptr_nonnull(networks);
    ck_assert_ptr_null(gw__networks_add(networks, network));
    ck_assert(gw__ip_parse(&ip, address, strlen(address)));
    bool result = gw__networks_have(networks, &ip);
    gw__networks_release(networks);
    return result;
}

START_TEST(addresses_in_networks)
{
    static const struct {
        const char *network, *address;
        bool in;
    } cases[] = {
        {"10.0.0.0/8", "10.255.0.1", true},       {"10.0.0.0/8", "11.0.0.1", false},
        {"10.1.2.3/8", "10.9.9.9", true},         {"192.0.2.128/25", "192.0.2.129", true},
        {"192.0.2.128/25", "192.0.2.127", false}, {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},      {"::/0", "2001:db8::1", true},
        {"::/0", "192.0.2.1", false},             {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::", false}, {"::1", "::1", true},
        {"::1", "::2", false},                    {"192.0.2.0/24", "::ffff:192.0.2.9", true},
        {"::ffff:192.0.2.0/120", "192.0.2.9", true}, {"192.0.2.1/31", "192.0.2.0", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(has(cases[i].network, cases[i].address) == cases[i].in, "%s in %s", cases[i].address,
                      cases[i].network);
}
END_TEST

START_TEST(bad_networks_are_refused)
{
    static const char *const bad[] = {"",       "10",      "10.0.0.0/",   "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x",
                                      "::/129", "::1/a",   "localhost",   "10.0.0.0 ",   "[::1]",       "unix:/x",
                                      "/8",     "::1%lo/1", "256.0.0.0/8", "10.0.0.0/99999999999999999999"};
    struct gw__networks *networks = gw__networks_create(sizeof bad / sizeof *bad);
    struct gw__ip ip;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(gw__networks_add(networks, bad[i]) != NULL, "%s", bad[i]);
    ck_assert(gw__ip_parse(&ip, "127.0.0.1", 9));
    ck_assert(!gw__networks_have(networks, &ip) && !gw__networks_have_unix(networks));
    gw__networks_release(networks);
}
END_TEST

START_TEST(unix_sockets_are_said)
{
    struct gw__networks *networks = gw__networks_create(1);
    ck_assert_ptr_null(gw__networks_add(networks, "unix"));
    ck_assert(gw__networks_have_unix(networks));
    gw__networks_hold(networks);
    gw__networks_release(networks);
    ck_assert(gw__networks_have_unix(networks));
    gw__networks_release(networks);
    gw__networks_hold(NULL);
    gw__networks_release(NULL);
}
END_TEST

START_TEST(only_whole_addresses)
{
    struct gw__ip ip;
    static const char nul[] = "1.2.3.4\0";
    ck_assert(!gw__ip_parse(&ip, NULL, 0));
    ck_assert(!gw__ip_parse(&ip, nul, 8));
    ck_assert(!gw__ip_parse(&ip, "", 0));
    ck_assert(!gw__ip_parse(&ip, "1.2.3.4:80", 10));
    ck_assert(!gw__ip_parse(&ip, "1111:2222:3333:4444:5555:6666:7777:8888:9999:0000", 49));
    ck_assert(gw__ip_parse(&ip, "1.2.3.45", 7));
    ck_assert_uint_eq(ip.bytes[15], 4);
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("networks");
    TCase *cases = tcase_create("networks");
    tcase_add_test(cases, addresses_in_networks);
    tcase_add_test(cases, bad_networks_are_refused);
    tcase_add_test(cases, unix_sockets_are_said);
    tcase_add_test(cases, only_whole_addresses);
    suite_add_tcase(suite, cases);
    return suite;
}
