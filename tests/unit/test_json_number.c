/* Numbers of JSON: integers digit for digit at the edges of their range, doubles against the C library's (in a locale
 * that writes them with a comma, where there is one) and back. */
#include "json/number.h"
#include "unit.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *scan(struct gw__number *number, const char *text)
{
    return gw__number_scan(number, text, text + strlen(text) + 1);
}

static const struct {
    const char *text;
    enum gw__number_fit fit;
    int64_t value;
    bool plain;
} integers[] = {
    {"0", GW__NUMBER_EXACT, 0, true},
    {"-0", GW__NUMBER_EXACT, 0, true},
    {"7", GW__NUMBER_EXACT, 7, true},
    {"9007199254740993", GW__NUMBER_EXACT, 9007199254740993, true},
    {"9223372036854775807", GW__NUMBER_EXACT, INT64_MAX, true},
    {"9223372036854775808", GW__NUMBER_RANGE, INT64_MAX, true},
    {"-9223372036854775807", GW__NUMBER_EXACT, -INT64_MAX, true},
    {"-9223372036854775808", GW__NUMBER_EXACT, INT64_MIN, true},
    {"-9223372036854775809", GW__NUMBER_RANGE, INT64_MIN, true},
    {"9999999999999999999", GW__NUMBER_RANGE, INT64_MAX, true},
    {"10000000000000000000", GW__NUMBER_RANGE, INT64_MAX, true},
    {"18446744073709551615", GW__NUMBER_RANGE, INT64_MAX, true},
    {"18446744073709551616", GW__NUMBER_RANGE, INT64_MAX, true},
    {"-18446744073709551616", GW__NUMBER_RANGE, INT64_MIN, true},
    {"100000000000000000000000000000000000000000", GW__NUMBER_RANGE, INT64_MAX, true},
    {"1.0", GW__NUMBER_EXACT, 1, false},
    {"1e3", GW__NUMBER_EXACT, 1000, false},
    {"1E+3", GW__NUMBER_EXACT, 1000, false},
    {"1200e-2", GW__NUMBER_EXACT, 12, false},
    {"1250e-2", GW__NUMBER_FRACTION, 12, false},
    {"1.25e1", GW__NUMBER_FRACTION, 12, false},
    {"1.25e2", GW__NUMBER_EXACT, 125, false},
    {"5.4", GW__NUMBER_FRACTION, 5, false},
    {"-2.8", GW__NUMBER_FRACTION, -2, false},
    {"-0.9", GW__NUMBER_FRACTION, 0, false},
    {"0.00", GW__NUMBER_EXACT, 0, false},
    {"9223372036854775807.0", GW__NUMBER_EXACT, INT64_MAX, false},
    {"9223372036854775807.5", GW__NUMBER_FRACTION, INT64_MAX, false},
    {"-9223372036854775808.9", GW__NUMBER_FRACTION, INT64_MIN, false},
    {"9223372036854775808.0", GW__NUMBER_RANGE, INT64_MAX, false},
    {"0.9223372036854775807e19", GW__NUMBER_EXACT, INT64_MAX, false},
    {"922337203685477580700000000000e-11", GW__NUMBER_EXACT, INT64_MAX, false},
    {"922337203685477580700000000001e-11", GW__NUMBER_FRACTION, INT64_MAX, false},
    {"1e18", GW__NUMBER_EXACT, 1000000000000000000, false},
    {"1e19", GW__NUMBER_RANGE, INT64_MAX, false},
    {"-1e19", GW__NUMBER_RANGE, INT64_MIN, false},
    {"0e99999999999999999999", GW__NUMBER_EXACT, 0, false},
    {"1e99999999999999999999", GW__NUMBER_RANGE, INT64_MAX, false},
    {"1e-99999999999999999999", GW__NUMBER_FRACTION, 0, false},
    {"0.0000000000000000000000000000001e31", GW__NUMBER_EXACT, 1, false},
};

START_TEST(integer)
{
    struct gw__number number;
    int64_t value;
    const char *text = integers[_i].text;
    ck_assert_ptr_eq(scan(&number, text), text + strlen(text));
    ck_assert_int_eq(gw__number_int64(&number, &value), integers[_i].fit);
    ck_assert_int_eq(value, integers[_i].value);
    ck_assert_int_eq(number.plain, integers[_i].plain);
    ck_assert_int_eq(number.is_int64, integers[_i].plain && integers[_i].fit == GW__NUMBER_EXACT);
    if (number.is_int64)
        ck_assert_int_eq(number.int64, value);
}
END_TEST

START_TEST(unsigned_64_bits_are_in_the_mantissa)
{
    struct gw__number number;
    scan(&number, "18446744073709551615");
    ck_assert(number.exact && number.plain && number.exponent == 0 && number.mantissa == UINT64_MAX);
    scan(&number, "18446744073709551616");
    ck_assert(!number.exact || number.exponent != 0);
}
END_TEST

START_TEST(no_number)
{
    static const char *const texts[] = {"",   "-",   "+1",  ".1",   "1.",   "01",  "-01",  "00",
                                        "1e", "1e+", "1.e", "1.e1", "-.5", "--1", "e1", "1E-"};
    struct gw__number number;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_msg(!scan(&number, texts[i]), "%s", texts[i]);
    const char *digits = "123";
    ck_assert_ptr_null(gw__number_scan(&number, digits, digits + 3)); /* it may go on */
    const char *text = "1.5]";
    ck_assert_ptr_eq(scan(&number, text), text + 3);
    ck_assert_uint_eq(number.text.size, 3);
}
END_TEST

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void check_double(const char *text)
{
    struct gw__number number;
    ck_assert_msg(scan(&number, text) == text + strlen(text), "%s", text);
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double want = strtod_l(text, NULL, plain), got = gw__number_double(&number);
    ck_assert_msg(bits_of(got) == bits_of(want), "%s: got %a, want %a", text, got, want);
}

/* Half way between two doubles or next to it, at the edges of the range, and what has tripped others. */
static const char *const hard[] = {
    "0", "-0", "0.0", "-0.0e5", "1", "0.1", "0.2", "0.3", "1e22", "1e23", "1e-22", "1e-23", "9007199254740991",
    "9007199254740992", "9007199254740993", "9007199254740994", "9007199254740995", "9007199254740993.0",
    "9007199254740993.00000000000000000000000000000000001", "9007199254740992.99999999999999999999999999999",
    "1.7976931348623157e308", "1.7976931348623158e308", "1.797693134862315807e308", "1.797693134862315808e308",
    "1.7976931348623159e308", "1e309", "-1e400", "123456789e1000000", "1e1000000000000",
    "2.2250738585072014e-308", "2.2250738585072011e-308", "2.2250738585072012e-308", "2.225073858507201e-308",
    "4.9406564584124654e-324", "5e-324", "3e-324", "2.4703282292062327e-324", "2.4703282292062328e-324",
    "2.470328229206232720882843964341106861825299013071623822127928412503377536351043759326499181808179961898982823477"
    "228588654633283551779698981993873980053909390631503565951557022639229085839244910518443593180284993653615250031937"
    "0457678249219365623669863658480757001585769269903706311928279558551332927834338409351978015531246597263579574622"
    "7664652728272200563740064854999770965994704540208281662262378573934507363390079677305775067501763246736009689513"
    "4053553745851666113422766667860481000000000000000000000000000000000000000000000000000000000000000000001e-324",
    "1e-400", "1e-1000000000000", "7.2057594037927933e16", "8.5e-320", "1.00000000000000011102230246251565404236316680"
    "908203125", "1.00000000000000011102230246251565404236316680908203124", "1.00000000000000011102230246251565404236"
    "316680908203126", "1.00000000000000033306690738754696212708950042724609375", "6929495644600919.5",
    "3.7455744005952583e15", "1.4091488e-294", "5.9604644775390625e-8", "8.988465674311582e307",
    "10000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000", "179769313486231"
    "580793728971405303415079934132710037826936173778980444968292764750946649017977587207096330286416692887910946555547"
    "851940402630657488671505820681908902000708383676273854845817711531764475730270069855571366959622842914819860834936"
    "475292719074168444365510704342711559699508093042880", "1090544144181609348835077142190", "2.2250738585072013e-308",
    "0.000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001234567890123456789"
    "012345678901234567890", "3.2e-5", "144115188075855877", "36028797018963970", "-1.5e-45", "6.631236846766476e-316",
    "9214843084008499.0", "30078505129381147446200", "1777820000000000000001", "0.5e-323", "9355950000000000000.00000",
    "1.2345678901234567e-7", "123456789012345678901234567890", "0.1e-1", "4503599627370497.5", "4503599627370496.5",
    "4503599627475353.5", "2251799813685249.25", "2.2222222222222222222222222222222222222222222222222222222222e2",
};

START_TEST(hard_doubles)
{
    check_double(hard[_i]);
}
END_TEST

static uint64_t state = 88172645463325252u;

static uint64_t random_bits(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

/* Digits and exponents of all lengths. */
START_TEST(random_texts)
{
    for (int i = 0, count = times_here(300000); i < count; i++) {
        char text[80];
        uint64_t digits = random_bits() >> random_bits() % 64;
        int exponent = (int)(random_bits() % 700) - 360;
        switch (i % 4) {
        case 0: snprintf(text, sizeof text, "%llue%d", (unsigned long long)digits, exponent); break;
        case 1:
            snprintf(text, sizeof text, "-0.%llu%019llue%d", (unsigned long long)digits,
                     (unsigned long long)random_bits() % 10000000000000000000u, exponent);
            break;
        case 2:
            snprintf(text, sizeof text, "%llu.%llu", (unsigned long long)digits, (unsigned long long)random_bits());
            break;
        default: snprintf(text, sizeof text, "%llue%d", (unsigned long long)digits % 100000, exponent % 30); break;
        }
        check_double(text);
    }
}
END_TEST

/* Exactly half way between two doubles, and a little more or less. */
START_TEST(halves)
{
    for (int i = 0, count = times_here(20000); i < count; i++) {
        char text[1200];
        int exponent = (int)(random_bits() % 200) - 100;
        uint64_t mantissa = (random_bits() >> 11) | (uint64_t)1 << 52;
        long double half = ldexpl((long double)mantissa + 0.5L, exponent);
        int size = snprintf(text, sizeof text, "%.160Lf", half);
        check_double(text);
        snprintf(text + size, sizeof text - (size_t)size, "0000001");
        check_double(text);
    }
}
END_TEST

static void check_round_trip(double value)
{
    char text[GW__DOUBLE_BYTES + 1], shorter[40];
    struct gw__number number;
    size_t size = gw__double_print(text, value);
    ck_assert_uint_lt(size, GW__DOUBLE_BYTES);
    text[size] = '\0';
    ck_assert_msg(scan(&number, text) == text + size, "%a: %s", value, text);
    ck_assert_msg(bits_of(gw__number_double(&number)) == bits_of(value), "%a: %s", value, text);
    ck_assert_msg(bits_of(strtod(text, NULL)) == bits_of(value), "%a: %s", value, text);
    int digits = 0, zeros = 0;
    for (const char *at = text; *at && *at != 'e'; at++) {
        if (*at < '0' || *at > '9' || (!digits && *at == '0'))
            continue;
        digits++;
        zeros = *at == '0' ? zeros + 1 : 0;
    }
    digits -= zeros;
    if (digits > 1) {
        snprintf(shorter, sizeof shorter, "%.*e", digits - 2, value); /* one digit less */
        ck_assert_msg(strtod(shorter, NULL) != value, "%s is longer than %s", text, shorter);
        snprintf(shorter, sizeof shorter, "%.*e", digits - 1, value); /* the nearest of as many, if it comes back */
        if (strtod(shorter, NULL) == value) {
            scan(&number, shorter);
            uint64_t nearest = number.mantissa;
            scan(&number, text);
            while (number.mantissa && number.mantissa % 10 == 0)
                number.mantissa /= 10;
            while (nearest % 10 == 0)
                nearest /= 10;
            ck_assert_msg(nearest == number.mantissa, "%s is nearer than %s", shorter, text);
        }
    }
}

START_TEST(random_doubles)
{
    int count = 0, all = times_here(1000000);
    while (count < all) {
        uint64_t bits = random_bits();
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        if (count % 8 == 0) {
            check_round_trip(value);
        } else {
            char text[GW__DOUBLE_BYTES + 1];
            struct gw__number number;
            size_t size = gw__double_print(text, value);
            text[size] = '\0';
            if (!scan(&number, text) || bits_of(gw__number_double(&number)) != bits)
                ck_abort_msg("%a: %s", value, text);
        }
        count++;
    }
}
END_TEST

START_TEST(edges_come_back)
{
    for (int exponent = -1074; exponent <= 1023; exponent++) {
        double power = ldexp(1, exponent);
        check_round_trip(power);
        check_round_trip(-nextafter(power, INFINITY));
        check_round_trip(nextafter(power, 0) != 0 ? nextafter(power, 0) : 5e-324);
    }
    for (int exponent = -323; exponent <= 308; exponent++) {
        char text[16];
        snprintf(text, sizeof text, "1e%d", exponent);
        double power = strtod(text, NULL);
        check_round_trip(power);
        check_round_trip(nextafter(power, INFINITY));
        check_round_trip(nextafter(power, 0) != 0 ? nextafter(power, 0) : 5e-324);
    }
    for (int i = 0, count = times_here(100000); i < count; i++) {
        check_round_trip((double)i);
        check_round_trip(i / 100.0);
        check_round_trip((double)(random_bits() >> 11));
    }
}
END_TEST

static const struct {
    double value;
    const char *text;
} prints[] = {
    {0, "0"},
    {-0.0, "-0"},
    {1, "1"},
    {-1.5, "-1.5"},
    {100, "100"},
    {0.1, "0.1"},
    {0.1 + 0.2, "0.30000000000000004"},
    {1e-6, "0.000001"},
    {1.5e-6, "0.0000015"},
    {1e-7, "1e-7"},
    {1.25e-7, "1.25e-7"},
    {123456789012345680000.0, "123456789012345680000"},
    {999999999999999900000.0, "999999999999999900000"},
    {1e21, "1e+21"},
    {1.5e300, "1.5e+300"},
    {5e-324, "5e-324"},
    {-2.2250738585072014e-308, "-2.2250738585072014e-308"},
    {1.7976931348623157e308, "1.7976931348623157e+308"},
    {9007199254740993.0, "9007199254740992"},
    {-1.2345678901234567e-5, "-0.000012345678901234568"},
    {4.35, "4.35"},
    {2e-44, "2e-44"},
    {9.5367431640625e-7, "9.5367431640625e-7"},
};

START_TEST(prints_as_wanted)
{
    char text[GW__DOUBLE_BYTES + 1];
    text[gw__double_print(text, prints[_i].value)] = '\0';
    ck_assert_str_eq(text, prints[_i].text);
}
END_TEST

START_TEST(no_locale)
{
    const char *set = setlocale(LC_ALL, "de_DE.UTF-8");
    if (!set)
        fprintf(stderr, "no locale with a decimal comma is installed: tested in the plain one\n");
    for (size_t i = 0; i < sizeof hard / sizeof *hard; i++)
        check_double(hard[i]);
    char text[GW__DOUBLE_BYTES + 1];
    text[gw__double_print(text, 1.5)] = '\0';
    ck_assert_str_eq(text, "1.5");
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("json_number");
    TCase *tcase = tcase_create("json_number");
    tcase_set_timeout(tcase, 100);
    tcase_add_loop_test(tcase, integer, 0, sizeof integers / sizeof *integers);
    tcase_add_test(tcase, unsigned_64_bits_are_in_the_mantissa);
    tcase_add_test(tcase, no_number);
    tcase_add_loop_test(tcase, hard_doubles, 0, sizeof hard / sizeof *hard);
    tcase_add_test(tcase, random_texts);
    tcase_add_test(tcase, halves);
    tcase_add_test(tcase, random_doubles);
    tcase_add_test(tcase, edges_come_back);
    tcase_add_loop_test(tcase, prints_as_wanted, 0, sizeof prints / sizeof *prints);
    tcase_add_test(tcase, no_locale);
    suite_add_tcase(suite, tcase);
    return suite;
}
