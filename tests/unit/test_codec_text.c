#include <criterion/criterion.h>

#include "consumers/codec_text.h"

Test(codec_text, judges_text)
{
    const struct {
        const char *what;
        struct bytes text;
        bool is_utf8, is_name;
    } rows[] = {
        {"nothing", BYTES_LITERAL(""), true, true},
        {"plain", BYTES_LITERAL("order-4711"), true, true},
        {"long and plain", BYTES_LITERAL("a-rather-long-id-of-more-than-eight-bytes~"), true, true},
        {"accents, Chinese, an emoji",
         BYTES_LITERAL("h\xc3\xa9llo \xe6\x88\x90\xe9\x95\xbf\xe5"
                       "\x80\xbc \xf0\x9f\x8e\x81"),
         true, true},
        {"the last code point", BYTES_LITERAL("\xf4\x8f\xbf\xbf"), true, true},
        {"beyond the last code point", BYTES_LITERAL("\xf4\x90\x80\x80"), false, false},
        {"a line end", BYTES_LITERAL("a\nb"), true, false},
        {"a line end among many", BYTES_LITERAL("12345678\n12345678"), true, false},
        {"delete, within eight plain ones",
         BYTES_LITERAL("123\x7f"
                       "4567"),
         true, false},
        {"a C1 control character", BYTES_LITERAL("a\xc2\x85"), true, false},
        {"the first character that is none", BYTES_LITERAL("a\xc2\xa0"), true, true},
        {"NUL", bytes_of("a\0b", 3), false, false},
        {"NUL within eight", bytes_of("1234\000678", 8), false, false},
        {"a lone continuation", BYTES_LITERAL("\x80"), false, false},
        {"half a character", BYTES_LITERAL("a\xc3"), false, false},
        {"two thirds of one", BYTES_LITERAL("\xe6\x88"), false, false},
        {"a long form of a slash", BYTES_LITERAL("\xc0\xaf"), false, false},
        {"a longer one", BYTES_LITERAL("\xe0\x80\xaf"), false, false},
        {"a surrogate", BYTES_LITERAL("\xed\xa0\x80"), false, false},
        {"no such lead", BYTES_LITERAL("\xff"), false, false},
        {"a lead followed by a plain one",
         BYTES_LITERAL("\xe6"
                       "ab"),
         false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_eq(text_is_utf8(rows[i].text), rows[i].is_utf8, "%s", rows[i].what);
        cr_expect_eq(text_is_name(rows[i].text), rows[i].is_name, "%s", rows[i].what);
    }
}

/* Every byte at every place of a word: the fast path and the slow one agree. */
Test(codec_text, judges_every_byte_alike)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        bool expected = byte >= 0x20 && byte < 0x7f;
        for (size_t at = 0; at < 8; at++) {
            uint8_t word[8];
            memset(word, 'x', sizeof word);
            word[at] = (uint8_t)byte;
            cr_expect_eq(text_is_name(bytes_of(word, 8)), expected, "byte %u at %zu", byte, at);
        }
        uint8_t alone = (uint8_t)byte;
        cr_expect_eq(text_is_name(bytes_of(&alone, 1)), expected, "byte %u alone", byte);
    }
}
