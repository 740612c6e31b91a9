/* Arena, list, slices, the allocator hook, version and error texts. */
#include "unit.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/str.h"

#include <gateway/error.h>
#include <gateway/version.h>
#include <stdio.h>
#include <stdlib.h>

static int live, left = -1;

static bool spend(void)
{
    if (left == 0)
        return false;
    left -= left > 0;
    return true;
}

static void *count_malloc(size_t size)
{
    void *memory = spend() ? malloc(size) : NULL;
    live += memory != NULL;
    return memory;
}

static void *count_realloc(void *memory, size_t size)
{
    void *larger = spend() ? realloc(memory, size) : NULL;
    live += larger && !memory;
    return larger;
}

static void count_free(void *memory)
{
    live--;
    free(memory);
}

static void count_begin(void)
{
    live = 0;
    left = -1;
    gw_set_allocator(count_malloc, count_realloc, count_free);
}

static void count_end(void)
{
    gw_set_allocator(NULL, NULL, NULL);
    ck_assert_int_eq(live, 0);
}

START_TEST(alloc_goes_through_the_hook)
{
    char *text = gw__strdup("four");
    ck_assert_str_eq(text, "four");
    ck_assert_int_eq(live, 1);
    text = gw__realloc(text, 5000);
    ck_assert_str_eq(text, "four");
    gw__free(text);
    gw__free(NULL);
    ck_assert_ptr_null(gw__strdup(NULL));
    char *part = gw__strndup("abcdef", 3);
    ck_assert_str_eq(part, "abc");
    gw__free(part);
}
END_TEST

START_TEST(alloc_zeroes_and_checks_the_product)
{
    unsigned char *bytes = gw__calloc(7, 3);
    for (int i = 0; i < 21; i++)
        ck_assert_uint_eq(bytes[i], 0);
    gw__free(bytes);
    ck_assert_ptr_null(gw__calloc(SIZE_MAX / 2, 3));
    void *nothing = gw__malloc(0);
    ck_assert_ptr_nonnull(nothing);
    gw__free(nothing);
}
END_TEST

START_TEST(alloc_can_fail)
{
    left = 0;
    ck_assert_ptr_null(gw__malloc(1));
    ck_assert_ptr_null(gw__calloc(1, 1));
    ck_assert_ptr_null(gw__strdup("x"));
    ck_assert_ptr_null(gw__realloc(NULL, 1));
}
END_TEST

START_TEST(arena_aligns_and_keeps_apart)
{
    struct gw__arena arena;
    gw__arena_init(&arena, NULL);
    unsigned char *pieces[600];
    for (size_t i = 0; i < 600; i++) {
        pieces[i] = gw__arena_alloc(&arena, i);
        ck_assert_ptr_nonnull(pieces[i]);
        ck_assert_uint_eq((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)(i & 255), i);
    }
    for (size_t i = 0; i < 600; i++)
        for (size_t at = 0; at < i; at++)
            ck_assert_uint_eq(pieces[i][at], i & 255);
    gw__arena_finish(&arena);
    ck_assert_uint_eq(arena.bytes, 0);
}
END_TEST

START_TEST(arena_takes_large_pieces)
{
    struct gw__arena arena;
    gw__arena_init(&arena, NULL);
    char *small = gw__arena_alloc(&arena, 16);
    char *large = gw__arena_alloc(&arena, 100000);
    char *next = gw__arena_alloc(&arena, 16);
    memset(large, 1, 100000);
    ck_assert_ptr_eq(next, small + 16); /* the block in use was not given up */
    ck_assert_uint_gt(arena.bytes, 100000);
    gw__arena_finish(&arena);
    large = gw__arena_alloc(&arena, GW__BLOCK_BYTES);
    memset(large, 2, GW__BLOCK_BYTES);
    gw__arena_finish(&arena);
}
END_TEST

START_TEST(arena_refuses_what_cannot_be)
{
    struct gw__arena arena;
    gw__arena_init(&arena, NULL);
    ck_assert_ptr_nonnull(gw__arena_alloc(&arena, 0)); /* NULL would look like lack of memory */
    ck_assert_ptr_null(gw__arena_alloc(&arena, SIZE_MAX));
    ck_assert_ptr_null(gw__arena_alloc(&arena, SIZE_MAX - 15));
    ck_assert_ptr_null(gw__arena_alloc(&arena, SIZE_MAX / 2 + 1));
    left = 0;
    ck_assert_ptr_null(gw__arena_alloc(&arena, GW__BLOCK_BYTES - 24));
    ck_assert_ptr_null(gw__arena_alloc(&arena, 100000));
    ck_assert_ptr_null(gw__arena_zalloc(&arena, 100000));
    ck_assert_ptr_null(gw__arena_copy(&arena, "", 100000));
    gw__arena_finish(&arena);
}
END_TEST

START_TEST(arena_copies_and_prints)
{
    struct gw__arena arena;
    gw__arena_init(&arena, NULL);
    ck_assert_str_eq(gw__arena_copy(&arena, "abcdef", 3), "abc");
    ck_assert_str_eq(gw__arena_copy(&arena, NULL, 0), "");
    char *zeroed = gw__arena_zalloc(&arena, 40);
    for (int i = 0; i < 40; i++)
        ck_assert_int_eq(zeroed[i], 0);
    gw__arena_finish(&arena);
}
END_TEST

START_TEST(pool_keeps_blocks_to_its_limit)
{
    struct gw__block_pool pool = {.limit = 2};
    struct gw__arena arena;
    gw__arena_init(&arena, &pool);
    for (int i = 0; i < 5; i++)
        gw__arena_alloc(&arena, GW__BLOCK_BYTES - 64);
    gw__arena_alloc(&arena, 50000); /* of odd size: never pooled */
    ck_assert_int_eq(live, 6);
    gw__arena_finish(&arena);
    ck_assert_uint_eq(pool.count, 2);
    ck_assert_int_eq(live, 2);
    left = 0; /* a warm pool makes no heap call */
    ck_assert_ptr_nonnull(gw__arena_alloc(&arena, 100));
    ck_assert_ptr_nonnull(gw__arena_alloc(&arena, GW__BLOCK_BYTES - 64));
    gw__arena_finish(&arena);
    gw__block_pool_finish(&pool);
    ck_assert_uint_eq(pool.count, 0);
}
END_TEST

struct item {
    int value;
    struct gw__link link;
};

START_TEST(list_keeps_order)
{
    struct gw__link head;
    struct item items[4];
    gw__list_init(&head);
    ck_assert(gw__list_empty(&head));
    for (int i = 0; i < 3; i++) {
        items[i].value = i + 1;
        gw__list_append(&head, &items[i].link);
    }
    items[3].value = 0;
    gw__list_insert(&head, &items[3].link);
    int expected = 0;
    for (struct gw__link *at = head.next; at != &head; at = at->next)
        ck_assert_int_eq(gw__container_of(at, struct item, link)->value, expected++);
    ck_assert_int_eq(expected, 4);
    gw__list_remove(&items[1].link);
    gw__list_remove(&items[1].link); /* an unlinked entry may be removed again */
    ck_assert_ptr_eq(items[0].link.next, &items[2].link);
    ck_assert_ptr_eq(items[2].link.prev, &items[0].link);
    gw__list_remove(&items[0].link);
    gw__list_remove(&items[2].link);
    gw__list_remove(&items[3].link);
    ck_assert(gw__list_empty(&head));
}
END_TEST

START_TEST(str_compares)
{
    ck_assert(gw__str_equal(gw__str("abc"), GW__STR("abc")));
    ck_assert(!gw__str_equal(gw__str("abc"), GW__STR("abC")));
    ck_assert(!gw__str_equal(gw__str("abc"), GW__STR("ab")));
    ck_assert(gw__str_equal(gw__str(NULL), GW__STR("")));
    ck_assert(gw__str_case_equal(gw__str("Content-Length"), GW__STR("cONTENT-lENGTH")));
    ck_assert(!gw__str_case_equal(gw__str("[@`{"), GW__STR("{`@["))); /* letters only */
    ck_assert(!gw__str_case_equal(gw__str("@"), GW__STR("`")));
    for (int c = 0; c < 256; c++)
        ck_assert_uint_eq(gw__lower((unsigned char)c), c >= 'A' && c <= 'Z' ? c + 32 : c);
    ck_assert_uint_eq(gw__hash("a", 1, 0), 0xe40c292c); /* FNV-1a's own test value */
    ck_assert_uint_ne(gw__hash("a", 1, 1), gw__hash("a", 1, 0));
}
END_TEST

START_TEST(str_copies_in_lower_case)
{
    unsigned char from[64], to[64];
    for (int first = 0; first < 256; first++) {
        for (size_t size = 0; size < 20; size++) {
            for (size_t i = 0; i < size; i++)
                from[i] = (unsigned char)(first + 7 * (int)i);
            memset(to, 1, sizeof to);
            gw__lower_copy((char *)to, (char *)from, size);
            for (size_t i = 0; i < size; i++)
                ck_assert_uint_eq(to[i], gw__lower(from[i]));
            ck_assert_uint_eq(to[size], 1);
        }
    }
}
END_TEST

START_TEST(str_formats_hexadecimals)
{
    char mine[16], libc[17];
    for (int i = 0; i < 64; i++) {
        uint64_t values[] = {1ull << i, ~(1ull << i), 0x0123456789abcdefull << i, 0xfedcba9876543210ull >> i};
        for (int j = 0; j < 4; j++) {
            gw__format_hex(mine, values[j]);
            snprintf(libc, sizeof libc, "%016llx", (unsigned long long)values[j]);
            ck_assert_mem_eq(mine, libc, 16);
        }
    }
}
END_TEST

START_TEST(str_formats_numbers)
{
    static const uint64_t values[] = {0, 1, 9, 10, 12345, UINT32_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char mine[21] = "", libc[21];
        snprintf(libc, sizeof libc, "%llu", (unsigned long long)values[i]);
        ck_assert_uint_eq(gw__format_u64(mine, values[i]), strlen(libc));
        ck_assert_str_eq(mine, libc);
    }
}
END_TEST

START_TEST(version_is_that_of_the_headers)
{
    ck_assert_str_eq(gw_version(), GW_VERSION);
    int major, minor, patch;
    ck_assert_int_eq(sscanf(GW_VERSION, "%d.%d.%d", &major, &minor, &patch), 3);
    ck_assert_int_eq(GW_VERSION_NUMBER, major * 10000 + minor * 100 + patch);
}
END_TEST

START_TEST(every_error_has_its_text)
{
    for (int error = GW_ERROR_STATE; error <= GW_OK; error++)
        for (int other = error + 1; other <= GW_OK + 1; other++)
            ck_assert_str_ne(gw_error_text(error), gw_error_text(other));
    ck_assert_str_eq(gw_error_text(-1000), gw_error_text(1));
}
END_TEST

/* The values are of another implementation, which gives those of the paper for SipHash-2-4. */
START_TEST(hash_is_siphash)
{
    static const struct {
        size_t size;
        uint64_t hash;
    } rows[] = {
        {0, 0xabac0158050fc4dc},  {1, 0xc9f49bf37d57ca93},  {7, 0xd3927d989bb11140},  {8, 0x369095118d299a8e},
        {15, 0xd320d86d2a519956}, {16, 0xcc4fdd1a7d908b66}, {63, 0x9d199062b7bbb3a8},
    };
    unsigned char bytes[64];
    for (unsigned char i = 0; i < sizeof bytes; i++)
        bytes[i] = i;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t step = 1; step <= sizeof bytes; step++) {
            struct gw__hash hash;
            gw__hash_begin_keyed(&hash, 0x0706050403020100, 0x0f0e0d0c0b0a0908);
            for (size_t at = 0; at < rows[i].size; at += step)
                gw__hash_add(&hash, bytes + at, rows[i].size - at < step ? rows[i].size - at : step);
            ck_assert_uint_eq(gw__hash_end(&hash), rows[i].hash);
        }
}
END_TEST

START_TEST(hash_has_a_key_of_its_own)
{
    struct gw__hash one, again, plain;
    gw__hash_begin(&one);
    gw__hash_begin(&again);
    gw__hash_begin_keyed(&plain, 0, 0);
    gw__hash_add(&one, "x", 1);
    gw__hash_add(&again, "x", 1);
    gw__hash_add(&plain, "x", 1);
    uint64_t value = gw__hash_end(&one);
    ck_assert_uint_eq(value, gw__hash_end(&again));
    ck_assert_uint_ne(value, gw__hash_end(&plain));
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("base");
    TCase *memory = tcase_create("memory");
    tcase_add_checked_fixture(memory, count_begin, count_end);
    tcase_add_test(memory, alloc_goes_through_the_hook);
    tcase_add_test(memory, hash_is_siphash);
    tcase_add_test(memory, hash_has_a_key_of_its_own);
    tcase_add_test(memory, alloc_zeroes_and_checks_the_product);
    tcase_add_test(memory, alloc_can_fail);
    tcase_add_test(memory, arena_aligns_and_keeps_apart);
    tcase_add_test(memory, arena_takes_large_pieces);
    tcase_add_test(memory, arena_refuses_what_cannot_be);
    tcase_add_test(memory, arena_copies_and_prints);
    tcase_add_test(memory, pool_keeps_blocks_to_its_limit);
    suite_add_tcase(suite, memory);
    TCase *rest = tcase_create("list and str");
    tcase_add_test(rest, list_keeps_order);
    tcase_add_test(rest, str_compares);
    tcase_add_test(rest, str_formats_numbers);
    tcase_add_test(rest, str_formats_hexadecimals);
    tcase_add_test(rest, str_copies_in_lower_case);
    tcase_add_test(rest, version_is_that_of_the_headers);
    tcase_add_test(rest, every_error_has_its_text);
    suite_add_tcase(suite, rest);
    return suite;
}
