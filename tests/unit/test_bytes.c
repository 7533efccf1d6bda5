#include <criterion/criterion.h>
#include <signal.h>

#include "engine/base/bytes.h"
#include "tests/unit/property.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

Test(bytes, copies_every_length_and_nothing_beside)
{
    uint8_t from[80], to[80];
    for (size_t i = 0; i < sizeof from; i++)
        from[i] = (uint8_t)(i + 1);
    for (size_t size = 0; size <= 70; size++) {
        memset(to, 0, sizeof to);
        bytes_copy(to + 1, bytes_of(from, size));
        cr_expect(bytes_equal(bytes_of(to + 1, size), bytes_of(from, size)), "%zu bytes", size);
        cr_expect(to[0] == 0 && to[size + 1] == 0, "beside %zu bytes", size);
    }
}

Test(bytes, compares_as_rocksdb_does)
{
    const struct {
        const char *what;
        struct bytes a, b;
        int order;
    } rows[] = {
        {"equal", BYTES_LITERAL("abc"), BYTES_LITERAL("abc"), 0},
        {"both empty", {NULL, 0}, BYTES_LITERAL(""), 0},
        {"empty before all", {NULL, 0}, BYTES_LITERAL("\0"), -1},
        {"a prefix before its extension", BYTES_LITERAL("ab"), BYTES_LITERAL("abc"), -1},
        {"by the first difference, not by length", BYTES_LITERAL("b"), BYTES_LITERAL("abc"), 1},
        {"bytes are unsigned", BYTES_LITERAL("\x80"), BYTES_LITERAL("\x7f"), 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int order = bytes_compare(rows[i].a, rows[i].b);
        int mirrored = bytes_compare(rows[i].b, rows[i].a);
        cr_expect_eq((order > 0) - (order < 0), rows[i].order, "%s", rows[i].what);
        cr_expect_eq((mirrored > 0) - (mirrored < 0), -rows[i].order, "%s", rows[i].what);
        cr_expect_eq(bytes_equal(rows[i].a, rows[i].b), rows[i].order == 0, "%s", rows[i].what);
    }
    cr_expect(bytes_start_with(BYTES_LITERAL("stock/9"), BYTES_LITERAL("stock/")));
    cr_expect(bytes_start_with(BYTES_LITERAL("stock"), (struct bytes){0}));
    cr_expect_not(bytes_start_with(BYTES_LITERAL("stoc"), BYTES_LITERAL("stock")));
    cr_expect(bytes_equal(bytes_from_cstr("abc"), BYTES_LITERAL("abc")));
}

Test(bytes, codes_are_these_bytes)
{
    uint8_t memory[128];
    struct writer writer = writer_of(memory, sizeof memory);
    writer_u8(&writer, 0x01);
    writer_u16le(&writer, 0x0203);
    writer_u32le(&writer, 0x04050607);
    writer_u64le(&writer, UINT64_C(0x08090a0b0c0d0e0f));
    writer_i64le(&writer, -2);
    writer_u16be(&writer, 0x0203);
    writer_u32be(&writer, 0x04050607);
    writer_u64be(&writer, UINT64_C(0x08090a0b0c0d0e0f));
    writer_varint(&writer, 300);
    writer_zigzag(&writer, -2);
    writer_prefixed(&writer, BYTES_LITERAL("xyz"));
    struct bytes expected = BYTES_LITERAL("\x01"
                                          "\x03\x02"
                                          "\x07\x06\x05\x04"
                                          "\x0f\x0e\x0d\x0c\x0b\x0a\x09\x08"
                                          "\xfe\xff\xff\xff\xff\xff\xff\xff"
                                          "\x02\x03"
                                          "\x04\x05\x06\x07"
                                          "\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
                                          "\xac\x02"
                                          "\x03"
                                          "\x03xyz");
    cr_expect(bytes_equal(writer_span(&writer), expected));

    struct reader reader = reader_of(expected);
    cr_expect_eq(reader_u8(&reader), 0x01);
    cr_expect_eq(reader_u16le(&reader), 0x0203);
    cr_expect_eq(reader_u32le(&reader), 0x04050607);
    cr_expect_eq(reader_u64le(&reader), UINT64_C(0x08090a0b0c0d0e0f));
    cr_expect_eq(reader_i64le(&reader), -2);
    cr_expect_eq(reader_u16be(&reader), 0x0203);
    cr_expect_eq(reader_u32be(&reader), 0x04050607);
    cr_expect_eq(reader_u64be(&reader), UINT64_C(0x08090a0b0c0d0e0f));
    cr_expect_eq(reader_varint(&reader), 300);
    cr_expect_eq(reader_zigzag(&reader), -2);
    cr_expect_not(reader_done(&reader), "the last field is still there");
    cr_expect(bytes_equal(reader_prefixed(&reader), BYTES_LITERAL("xyz")));
    cr_expect(reader_done(&reader));
}

Test(bytes, varints)
{
    const struct {
        const char *what;
        struct bytes coded;
        bool accepted;
        uint64_t value;
    } rows[] = {
        {"zero", BYTES_LITERAL("\x00"), true, 0},
        {"one byte", BYTES_LITERAL("\x7f"), true, 127},
        {"two bytes", BYTES_LITERAL("\x80\x01"), true, 128},
        {"the largest", BYTES_LITERAL("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), true,
         UINT64_MAX},
        {"nothing", {NULL, 0}, false, 0},
        {"cut", BYTES_LITERAL("\x80"), false, 0},
        {"a needless byte", BYTES_LITERAL("\x80\x00"), false, 0},
        {"a needless byte after one", BYTES_LITERAL("\xff\x00"), false, 0},
        {"bit 65", BYTES_LITERAL("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), false, 0},
        {"eleven bytes", BYTES_LITERAL("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x81\x01"), false, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct reader reader = reader_of(rows[i].coded);
        uint64_t value = reader_varint(&reader);
        cr_expect_eq(reader_done(&reader), rows[i].accepted, "%s", rows[i].what);
        cr_expect_eq(value, rows[i].value, "%s", rows[i].what);
    }
}

Test(bytes, varints_come_back)
{
    struct property property = property_start();
    for (int i = 0; i < 100000; i++) {
        uint64_t value = property_magnitude(&property, 64);
        int64_t is_signed = (int64_t)property_magnitude(&property, 64);
        uint8_t memory[2 * BYTES_VARINT_MAX];
        struct writer writer = writer_of(memory, sizeof memory);
        writer_varint(&writer, value);
        writer_zigzag(&writer, is_signed);
        struct reader reader = reader_of(writer_span(&writer));
        cr_assert_eq(reader_varint(&reader), value, "seed %lu", property.seed);
        cr_assert_eq(reader_zigzag(&reader), is_signed, "seed %lu", property.seed);
        cr_assert(reader_done(&reader), "seed %lu", property.seed);
    }
    const int64_t edges[] = {0, -1, 1, INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < COUNT(edges); i++) {
        uint8_t memory[BYTES_VARINT_MAX];
        struct writer writer = writer_of(memory, sizeof memory);
        writer_zigzag(&writer, edges[i]);
        struct reader reader = reader_of(writer_span(&writer));
        cr_expect_eq(reader_zigzag(&reader), edges[i]);
    }
}

Test(bytes, a_reader_that_failed_stays_failed)
{
    struct reader reader = reader_of(BYTES_LITERAL("abc"));
    cr_expect_eq(reader_u64le(&reader), 0);
    cr_expect(reader.failed);
    cr_expect_eq(reader_u8(&reader), 0, "what was there is not read any more");
    cr_expect_eq(reader_bytes(&reader, 1).size, 0);
    cr_expect_eq(reader_left(&reader), 0);
    cr_expect_not(reader_done(&reader));

    struct reader prefixed = reader_of(BYTES_LITERAL("\x04xyz"));
    cr_expect_eq(reader_prefixed(&prefixed).size, 0, "a length beyond the end");
    cr_expect(prefixed.failed);

    struct reader huge = reader_of(BYTES_LITERAL("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x"));
    cr_expect_eq(reader_prefixed(&huge).size, 0, "a length that would wrap");
    cr_expect(huge.failed);
}

Test(bytes, a_writer_that_overflowed_writes_no_more)
{
    uint8_t memory[5] = {0};
    struct writer writer = writer_of(memory, 4);
    writer_u16le(&writer, 0x0101);
    writer_u32le(&writer, 0x02020202);
    writer_u8(&writer, 3);
    cr_expect(writer.overflow);
    cr_expect_eq(writer.size, 2);
    cr_expect_arr_eq(memory, ((uint8_t[]){1, 1, 0, 0, 0}), 5);
}

Test(bytes, an_overflow_is_not_overlooked, .signal = SIGABRT)
{
    uint8_t memory[1];
    struct writer writer = writer_of(memory, sizeof memory);
    writer_u16le(&writer, 1);
    writer_span(&writer);
}
