#include "consumers/codec_text.h"

#include <stdint.h>

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* True when one of the eight bytes is below `limit` (at most 0x80); exact where no byte is above
 * 0x7f. */
static bool
any_below(uint64_t eight, uint8_t limit)
{
    return ((eight - EACH_BYTE(limit)) & ~eight & EACH_BYTE(0x80)) != 0;
}

/* Eight printable ASCII characters, which is what nearly all ids consist of. */
static bool
all_plain(const uint8_t *at)
{
    uint64_t eight;
    memcpy(&eight, at, sizeof eight);
    return (eight & EACH_BYTE(0x80)) == 0 && !any_below(eight, 0x20) &&
           !any_below(eight ^ EACH_BYTE(0x7f), 1);
}

/* What is left of a text goes with the last eight bytes once more, as far as there are eight. */
static bool
is_plain(struct bytes text)
{
    size_t at = 0;
    if (text.size < sizeof(uint64_t)) {
        for (; at < text.size; at++) {
            if (text.data[at] < 0x20 || text.data[at] >= 0x7f) return false;
        }
        return true;
    }
    for (; text.size - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        if (!all_plain(text.data + at)) return false;
    }
    return all_plain(text.data + text.size - sizeof(uint64_t));
}

/* The length of the character at `at`, its code point in *out; 0 when it is not UTF-8. */
static size_t
character_read(const uint8_t *at, const uint8_t *end, uint32_t *out)
{
    uint8_t lead = at[0];
    if (lead < 0x80) {
        *out = lead;
        return 1;
    }
    size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || size > (size_t)(end - at)) return 0;

    uint32_t point = lead & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80) return 0;
        point = point << 6 | (at[i] & 0x3f);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < least[size] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return 0;
    *out = point;
    return size;
}

static bool
text_scan(struct bytes text, bool controls_allowed)
{
    const uint8_t *at = text.data, *end = text.data + text.size;
    if (is_plain(text)) return true;
    while (at < end) {
        if (*at >= 0x20 && *at < 0x7f) {
            at++;
            continue;
        }
        uint32_t point;
        size_t size = character_read(at, end, &point);
        if (size == 0 || point == 0) return false;
        bool control = point < 0x20 || (point >= 0x7f && point <= 0x9f);
        if (control && !controls_allowed) return false;
        at += size;
    }
    return true;
}

bool
text_is_utf8(struct bytes text)
{
    return text.size == 0 || text_scan(text, true);
}

bool
text_is_name(struct bytes text)
{
    return text.size == 0 || text_scan(text, false);
}
