/* What stands in front of messages: read at every cut, written and read back, and what is wrong refused. */
#include "unit.h"
#include "wire/frame.h"
#include "wire/ttheader.h"
#include "wire_types.h"

static struct gw__frame_reader reader;

static void set_up(void)
{
    memset(&reader, 0, sizeof reader);
}

static void tear_down(void)
{
    gw__frame_finish(&reader);
}

struct got {
    enum gw__frame_event event;
    struct gw__text text; /* entries as "key=value;", numbers as "#3=value;", then '|' and the message */
    size_t taken;
};

static void add_entries(struct got *got)
{
    struct gw__ttheader_walk walk = {.at = reader.entries.data, .end = reader.entries.data + reader.entries.size};
    struct gw__ttheader_entry entry;
    bool bad;
    while (gw__ttheader_next(&walk, &entry, &bad)) {
        if (entry.key.data)
            gw__text_print(&got->text, "%.*s", (int)entry.key.size, entry.key.data);
        else
            gw__text_print(&got->text, "#%d", entry.number);
        gw__text_print(&got->text, "=%.*s;", (int)entry.value.size, entry.value.data);
    }
    gw__text_puts(&got->text, bad ? "bad" : "|");
}

static void feed(struct got *got, const char *data, size_t size)
{
    char *block = cut_block(data, size);
    const char *at = block;
    struct gw__str piece;
    do {
        got->event = gw__frame_next(&reader, &at, block + size, &piece);
        if (got->event == GW__FRAME_PIECE)
            gw__text_add(&got->text, piece.data, piece.size);
        else if (got->event == GW__FRAME_ENTRIES)
            add_entries(got);
    } while (got->event == GW__FRAME_PIECE || got->event == GW__FRAME_ENTRIES);
    ck_assert(got->event != GW__FRAME_MORE || at == block + size);
    got->taken += (size_t)(at - block);
    free(block);
}

/* In two pieces, at every cut, and byte by byte. */
static void check(const char *data, size_t size, enum gw__frame_event want, struct gw__str text, size_t taken)
{
    for (size_t cut = 0; cut <= size + 1; cut++) {
        struct got got = {0};
        gw__frame_reset(&reader);
        if (cut <= size) {
            feed(&got, data, cut);
            if (got.event == GW__FRAME_MORE)
                feed(&got, data + cut, size - cut);
        }
        for (size_t i = 0; cut > size && i < size && got.event == GW__FRAME_MORE; i++)
            feed(&got, data + i, 1);
        ck_assert_msg(got.event == want, "cut %zu: event %d, %s", cut, got.event, reader.why ? reader.why : "");
        ck_assert(gw__str_equal((struct gw__str){got.text.data, got.text.size}, text));
        ck_assert_uint_eq(got.taken, taken);
        gw__text_finish(&got.text);
    }
}

#define MORE(bytes, text) check(bytes, sizeof(bytes) - 1, GW__FRAME_MORE, GW__STR(text), sizeof(bytes) - 1)
#define END(bytes, text, rest) check(bytes, sizeof(bytes) - 1, GW__FRAME_END, GW__STR(text), sizeof(bytes) - 1 - (rest))

START_TEST(shapes)
{
    MORE("\x80""abc", "\x80""abc");
    ck_assert_int_eq(reader.shape, GW__FRAME_NONE);
    MORE("\x82""abc", "\x82""abc");
    MORE("[1,\"x\"", "[1,\"x\"");
    MORE("\0\0\0\4name", "\0\0\0\4name");
    ck_assert_int_eq(reader.shape, GW__FRAME_NONE);
    END("\0\0\0\4\x80""abc", "\x80""abc", 0);
    ck_assert_int_eq(reader.shape, GW__FRAME_LENGTH);
    END("\0\0\0\3\x82""abcd", "\x82""ab", 2);
    END("\0\0\0\2[]", "[]", 0);
    END("\0\0\0\4\0\0\0\1", "\0\0\0\1", 0);
    ck_assert_int_eq(reader.shape, GW__FRAME_LENGTH);
    MORE("\0\0\0\5\x80""ab", "\x80""ab");
}
END_TEST

START_TEST(theaders)
{
    END("\0\0\0\x12\x0f\xff\0\0\0\0\0\7\0\1\0\0\0\0\x80""abc", "\x80""abc", 0);
    ck_assert_int_eq(reader.shape, GW__FRAME_THEADER);
    ck_assert_uint_eq(reader.sequence, 7);
    /* with an entry, which is passed over */
    END("\0\0\0\x15\x0f\xff\0\0\0\0\0\7\0\2\2\0\1\1\1k\1v\x82""ab", "\x82""ab", 0);
    MORE("\0\0\0\x12\x0f\xff\0\0\0\0\0\7\0\1\0\0\0\0\x80", "\x80");
}
END_TEST

static const char ttheader[] = "\0\0\0\x2e\x10\0\0\0\0\0\0\x9\0\7\0\0"
                               "\1\0\2\0\1a\0\1b\0\1c\0\0" /* a=b, c= */
                               "\x10\0\1\0\x16\0\1""2"     /* 22=2 */
                               "\1\0\0"                    /* none */
                               "\0";                       /* padding; the header has 28 bytes */
START_TEST(ttheaders)
{
    char bytes[64];
    memcpy(bytes, ttheader, sizeof ttheader - 1);
    size_t size = sizeof ttheader - 1;
    ck_assert_uint_eq(size, 14 + 28);
    memcpy(bytes + size, "\x80""abcdefgh", 9);
    bytes[3] = 10 + 28 + 9;
    check(bytes, size + 9, GW__FRAME_END, GW__STR("a=b;c=;#22=2;|\x80""abcdefgh"), size + 9);
    ck_assert_int_eq(reader.shape, GW__FRAME_TTHEADER);
    ck_assert_uint_eq(reader.sequence, 9);
    memcpy(bytes + size, "\0\0\0\5[1,2]", 9); /* framed within */
    check(bytes, size + 9, GW__FRAME_END, GW__STR("a=b;c=;#22=2;|[1,2]"), size + 9);
    check("\0\0\0\x15\x10\0\0\0\0\0\0\x9\0\2\0\0\x11\0\1t\0\0\x80""abx", 25, GW__FRAME_END,
          GW__STR("gdpr-token=t;|\x80""ab"), 25);
}
END_TEST

#define BYTES(text) {(text), sizeof(text) - 1}

START_TEST(wrong_ones)
{
    static const struct gw__str wrong[] = {
        BYTES("\0\0\0\1\0\0"),
        BYTES("\x90\0\0\0\0\0"),
        BYTES("\xff\xff\xff\xff\x80\1"),
        BYTES("\0\0\0\x0d\x0f\xff\0\0\0\0\0\7\0\1\0\0\0\0"),         /* shorter than its header */
        BYTES("\0\0\0\x12\x0f\xff\0\0\0\0\0\7\0\0\0\0\0\0"),         /* no header */
        BYTES("\0\0\0\x12\x0f\xff\0\0\0\0\0\7\0\1\0\1\2\0"),         /* hmac */
        BYTES("\0\0\0\x12\x0f\xff\0\0\0\0\0\7\0\1\0\2\1\1"),         /* zlib twice */
        BYTES("\0\0\0\x12\x0f\xff\0\0\0\0\0\7\0\1\xff\xff\xff\xff"), /* a number without end */
        BYTES("\0\0\0\x12\x0f\xff\0\0\0\0\0\7\0\1\0\x7f\1\1"),
        BYTES("\0\0\0\x12\x0f\xff\0\0\0\0\0\7\0\1\0\1\1\0no zlib"),
        BYTES("\0\0\0\x12\x10\0\0\0\0\0\0\7\0\1\0\1\1\0"), /* transforms */
        BYTES("\0\0\0\x0d\x10\0\0\0\0\0\0\7\0\1\0\0\0\0"),
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct got got = {0};
        gw__frame_reset(&reader);
        feed(&got, wrong[i].data, wrong[i].size);
        ck_assert_msg(got.event == GW__FRAME_BAD && reader.why, "%zu: %d", i, got.event);
        gw__text_finish(&got.text);
    }
    static const struct gw__str entries[] = {
        BYTES("\2"), BYTES("\1\0"), BYTES("\1\0\1\0\2k"), BYTES("\1\0\1\0\1k"), BYTES("\x10\0\1\0"), BYTES("\x11\0\1"),
        BYTES("\1\xff\xff\0\1k\0\1v"),
    };
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        struct gw__ttheader_walk walk = {.at = entries[i].data, .end = entries[i].data + entries[i].size};
        struct gw__ttheader_entry entry;
        bool bad;
        while (gw__ttheader_next(&walk, &entry, &bad))
            ;
        ck_assert_msg(bad, "%zu", i);
    }
}
END_TEST

START_TEST(written_ttheaders)
{
    struct gw__wire wire = {0};
    struct gw__ttheader_writer writer = {.wire = &wire};
    gw__ttheader_begin(&writer, 0x01020304, 0);
    gw__ttheader_put(&writer, GW__TTHEADER_METHOD, GW__STR("echo"));
    gw__ttheader_put(&writer, GW__TTHEADER_TIMEOUT, GW__STR("900"));
    gw__ttheader_put_string(&writer, GW__STR("RPC_PERSIST_"), GW__STR("my-key"), GW__STR("v 1"));
    gw__ttheader_put_string(&writer, GW__STR(""), GW__STR("x"), GW__STR(""));
    gw__ttheader_end(&writer, 3);
    memcpy(gw__wire_take(&wire, 3), "\x80""ab", 3);
    size_t size;
    char *bytes = wire_bytes(&wire, &size);
    check(bytes, size, GW__FRAME_END, GW__STR("#9=echo;#12=900;RPC_PERSIST_MY_KEY=v 1;X=;|\x80""ab"), size);
    ck_assert_uint_eq(reader.sequence, 0x01020304);
    ck_assert(!writer.too_long);
    uint64_t length;
    uint32_t id;
    for (size_t i = 0; i < GW__FRAME_ID_BYTES; i++)
        ck_assert_int_eq(gw__frame_id(bytes, i, &length, &id), GW__FRAME_MORE);
    ck_assert_int_eq(gw__frame_id(bytes, size, &length, &id), GW__FRAME_END);
    ck_assert(length == size && id == 0x01020304);
    ck_assert_int_eq(gw__frame_id("\x80", 1, &length, &id), GW__FRAME_BAD);
    ck_assert_int_eq(gw__frame_id("\0\0\0\x20\x80\1", 6, &length, &id), GW__FRAME_BAD);
    free(bytes);
    gw__wire_finish(&wire);
}
END_TEST

/* Just as long as is allowed, in all; then a byte more. */
START_TEST(limits_of_written_ttheaders)
{
    static char long_value[65536];
    memset(long_value, 'v', sizeof long_value);
    for (int more = 0; more < 4; more++) {
        struct gw__wire wire = {0};
        struct gw__ttheader_writer writer = {.wire = &wire};
        gw__ttheader_begin(&writer, 1, 0);
        for (int i = 0; i < 3; i++)
            gw__ttheader_put_string(&writer, GW__STR(""), GW__STR(""), (struct gw__str){long_value, 65535});
        /* 2 fixed, 3 of the block, 3 entries; the last one's 4 + its value */
        size_t rest = GW__TTHEADER_MOST_BYTES - 2 - 3 - 3 * (4 + 65535) - 4;
        gw__ttheader_put_string(&writer, GW__STR(""), GW__STR(""), (struct gw__str){long_value, rest + (more == 1)});
        if (more == 2)
            gw__ttheader_put_string(&writer, GW__STR(""), GW__STR(""), (struct gw__str){long_value, 65536});
        if (more == 3)
            gw__ttheader_put_string(&writer, GW__STR("RPC"), (struct gw__str){long_value, 65533}, GW__STR(""));
        gw__ttheader_end(&writer, 0);
        ck_assert_int_eq(writer.too_long, more > 0);
        gw__wire_finish(&wire);
    }
}
END_TEST

START_TEST(zlib_payloads)
{
    struct gw__deflate *deflate = NULL;
    for (size_t size = 1; size < 1000000; size = size * 7 + 3) {
        struct gw__wire plain = {0}, frame = {0}, packed = {0};
        char *text = gw__malloc(size + 1);
        for (size_t i = 0; i < size; i++) {
            text[i] = (char)('a' + i % 17 * (i >> 10) % 23);
            *gw__wire_take(&plain, 1) = text[i];
        }
        text[size] = 0;
        gw__wire_settle(&plain);
        ck_assert(gw__deflate_wire(&deflate, &plain, &packed));
        gw__theader_put(&frame, 2, true, 5, gw__wire_settle(&packed));
        gw__wire_settle(&frame);
        size_t head, body;
        char *front = wire_bytes(&frame, &head), *back = wire_bytes(&packed, &body), *all = gw__malloc(head + body + 3);
        memcpy(all, front, head);
        memcpy(all + head, back, body);
        memcpy(all + head + body, "abc", 3);
        if (size < 300) {
            check(all, head + body + 3, GW__FRAME_END, gw__str(text), head + body);
        } else {
            struct got got = {0};
            gw__frame_reset(&reader);
            feed(&got, all, head + body + 3);
            ck_assert_int_eq(got.event, GW__FRAME_END);
            ck_assert_str_eq(got.text.data, text);
            gw__text_finish(&got.text);
        }
        if (size < 300) { /* what is cut, disturbed or followed by more is refused */
            gw__wire_set32(all, (uint32_t)(head + body - 5));
            check(all, head + body, GW__FRAME_BAD, gw__str(text), head + body - 1);
            gw__wire_set32(all, (uint32_t)(head + body - 3));
            check(all, head + body + 1, GW__FRAME_BAD, gw__str(text), head + body);
        }
        gw__free(all);
        free(front);
        free(back);
        gw__free(text);
        gw__wire_finish(&plain);
        gw__wire_finish(&frame);
        gw__wire_finish(&packed);
    }
    gw__deflate_destroy(deflate);
}
END_TEST

/* 10 MB of zeros in 10 KB: the pieces are small, and nothing is held. */
START_TEST(zlib_bombs)
{
    struct gw__deflate *deflate = NULL;
    struct gw__wire plain = {0}, all = {0}, packed = {0};
    for (int i = 0; i < 10; i++)
        memset(gw__wire_take(&plain, 1 << 20), 0, 1 << 20);
    gw__wire_settle(&plain);
    ck_assert(gw__deflate_wire(&deflate, &plain, &packed));
    gw__theader_put(&all, 0, true, 5, gw__wire_settle(&packed));
    gw__wire_settle(&all);
    size_t head, body, sum = 0;
    char *front = wire_bytes(&all, &head), *back = wire_bytes(&packed, &body);
    const char *at = front;
    struct gw__str piece;
    ck_assert_uint_lt(body, 100000);
    ck_assert_int_eq(gw__frame_next(&reader, &at, front + head, &piece), GW__FRAME_MORE);
    enum gw__frame_event event;
    at = back;
    while ((event = gw__frame_next(&reader, &at, back + body, &piece)) == GW__FRAME_PIECE) {
        ck_assert_uint_le(piece.size, 8192);
        sum += piece.size;
    }
    ck_assert_int_eq(event, GW__FRAME_END);
    ck_assert_uint_eq(sum, 10 << 20);
    free(front);
    free(back);
    gw__wire_finish(&plain);
    gw__wire_finish(&packed);
    gw__wire_finish(&all);
    gw__deflate_destroy(deflate);
}
END_TEST

Suite *make_suite(void)
{
    Suite *suite = suite_create("frame");
    TCase *tests = tcase_create("frame");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, shapes);
    tcase_add_test(tests, theaders);
    tcase_add_test(tests, ttheaders);
    tcase_add_test(tests, wrong_ones);
    tcase_add_test(tests, written_ttheaders);
    tcase_add_test(tests, limits_of_written_ttheaders);
    tcase_add_test(tests, zlib_payloads);
    tcase_add_test(tests, zlib_bombs);
    suite_add_tcase(suite, tests);
    return suite;
}
