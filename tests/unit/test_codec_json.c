#include <stdio.h>

#include "tallybook/v1/crossing.pb-c.h"
#include "tallybook/v1/event.pb-c.h"
#include "tallybook/v1/journal.pb-c.h"
#include "tallybook/v1/output.pb-c.h"
#include "tests/unit/codec_fixture.h"
#include "tests/unit/property.h"

static enum codec_result
read_json(const char *text, const ProtobufCMessageDescriptor *descriptor, struct arena *arena,
          struct bytes *out_message, struct codec_error *out_error)
{
    const struct json_node *root;
    memset(out_error, 0, sizeof *out_error);
    enum codec_result result = codec_json_parse(bytes_from_cstr(text), arena, &root, out_error);
    if (result != CODEC_OK) return result;
    return codec_json_to_message(root, descriptor, arena, out_message, out_error);
}

/* Reads, writes, and shows what was written; NULL with the error when it cannot be read. */
static const char *
round_trip(const char *text, const ProtobufCMessageDescriptor *descriptor,
           struct codec_error *out_error)
{
    static char written[4096];
    struct arena *arena = fixture_arena();
    struct bytes message;
    if (read_json(text, descriptor, arena, &message, out_error) != CODEC_OK) return NULL;
    struct writer out = writer_of(written, sizeof written - 1);
    cr_assert_eq(codec_json_write(message, descriptor, arena, &out), CODEC_OK);
    written[out.size] = '\0';
    return written;
}

Test(codec_json, is_the_mapping_of_protobuf)
{
    const struct {
        const char *what, *text;
        const ProtobufCMessageDescriptor *descriptor;
        const char *written;
    } rows[] = {
        {"nothing", " { } ", &tallybook__v1__event__descriptor, "{}"},
        {"64 bits become strings", "{\"occurredAtMs\":5}", &tallybook__v1__event__descriptor,
         "{\"occurredAtMs\":\"5\"}"},
        {"names of the .proto are read", "{\"occurred_at_ms\":\"5\"}",
         &tallybook__v1__event__descriptor, "{\"occurredAtMs\":\"5\"}"},
        {"null is left out", "{\"source\":null,\"id\":\"x\"}", &tallybook__v1__event__descriptor,
         "{\"id\":\"x\"}"},
        {"defaults are left out", "{\"source\":\"\",\"occurredAtMs\":0}",
         &tallybook__v1__event__descriptor, "{}"},
        {"a member of a oneof is told", "{\"points\":0}", &tallybook__v1__redeem__descriptor,
         "{\"points\":\"0\"}"},
        {"empty messages are told", "{\"enrol\":{}}", &tallybook__v1__event__descriptor,
         "{\"enrol\":{}}"},
        {"enums by name", "{\"kind\":\"GIFT_CARD\"}", &tallybook__v1__line__descriptor,
         "{\"kind\":\"GIFT_CARD\"}"},
        {"enums by number", "{\"kind\":3}", &tallybook__v1__line__descriptor, "{\"kind\":\"FEE\"}"},
        {"enums of later", "{\"kind\":77}", &tallybook__v1__line__descriptor, "{\"kind\":77}"},
        {"the largest and the smallest",
         "{\"amountMinor\":9223372036854775807,\"taxMinor\":\"-9223372036854775808\"}",
         &tallybook__v1__line__descriptor,
         "{\"amountMinor\":\"9223372036854775807\",\"taxMinor\":\"-9223372036854775808\"}"},
        {"32 bits stay numbers", "{\"month\":\"12\",\"day\":31}",
         &tallybook__v1__birthday__descriptor, "{\"month\":12,\"day\":31}"},
        {"unsigned and fixed", "{\"anchor\":{\"chain\":18446744073709551615}}",
         &tallybook__v1__tick__descriptor, "{\"anchor\":{\"chain\":\"18446744073709551615\"}}"},
        {"negative 32 bits", "{\"partition\":-1}", &tallybook__v1__hole__descriptor,
         "{\"partition\":-1}"},
        {"booleans", "{\"mayOwe\":true,\"neverExpires\":false}", &tallybook__v1__adjust__descriptor,
         "{\"mayOwe\":true}"},
        {"bytes", "{\"journalId\":\"AAECAwQFBgc=\"}", &tallybook__v1__genesis__descriptor,
         "{\"journalId\":\"AAECAwQFBgc=\"}"},
        {"bytes for URLs, without padding", "{\"journalId\":\"-_-_\"}",
         &tallybook__v1__genesis__descriptor, "{\"journalId\":\"+/+/\"}"},
        {"two bytes", "{\"journalId\":\"//8\"}", &tallybook__v1__genesis__descriptor,
         "{\"journalId\":\"//8=\"}"},
        {"repeated bytes", "{\"rows\":[\"AA==\",\"\"]}",
         &tallybook__v1__merge_handed_over__descriptor, "{\"rows\":[\"AA==\",\"\"]}"},
        {"repeated strings", "{\"currencies\":[\"a\",\"b\"]}", &tallybook__v1__redeem__descriptor,
         "{\"currencies\":[\"a\",\"b\"]}"},
        {"what must be escaped", "{\"id\":\"\\\"\\\\\\/\\n\\u00e9\\ud83c\\udf81\\u007f\"}",
         &tallybook__v1__event__descriptor,
         "{\"id\":\"\\\"\\\\/\\u000a\xc3\xa9\xf0\x9f\x8e\x81\\u007f\"}"},
        {"an enum of the file", "{\"kind\":\"CLAW_BACK\",\"from\":\"ACCOUNT_ACTIVE\"}",
         &tallybook__v1__posting__descriptor,
         "{\"kind\":\"CLAW_BACK\",\"from\":\"ACCOUNT_ACTIVE\"}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct codec_error error;
        const char *written = round_trip(rows[i].text, rows[i].descriptor, &error);
        cr_assert_not_null(written, "%s: %s", rows[i].what, error.text);
        cr_expect_str_eq(written, rows[i].written, "%s", rows[i].what);
    }
}

Test(codec_json, is_read_strictly)
{
    const struct {
        const char *what, *text, *error;
    } rows[] = {
        {"an unknown name", "{\"sauce\":1}", "sauce: Event has no field of that name"},
        {"deep down", "{\"purchase\":{\"lines\":[{},{\"amount\":1}]}}",
         "purchase.lines[1].amount: Line has no field of that name"},
        {"a name twice", "{\"id\":\"a\",\"id\":\"a\"}", "JSON 1:15: the name 'id' is told twice"},
        {"a name in both spellings", "{\"occurredAtMs\":1,\"occurred_at_ms\":1}",
         "occurred_at_ms: is told twice"},
        {"two of a oneof", "{\"enrol\":{},\"purchase\":{}}",
         "purchase: cannot stand beside enrol: only one of them can be told"},
        {"a fraction", "{\"occurredAtMs\":1.0}",
         "occurredAtMs: is not a whole number; fractions and exponents are not read"},
        {"an exponent", "{\"occurredAtMs\":1e3}",
         "occurredAtMs: is not a whole number; fractions and exponents are not read"},
        {"too large", "{\"occurredAtMs\":9223372036854775808}", "occurredAtMs: is out of range"},
        {"too large as text", "{\"occurredAtMs\":\"100000000000000000000\"}",
         "occurredAtMs: is out of range"},
        {"a leading zero", "{\"occurredAtMs\":\"05\"}", "occurredAtMs: is not a whole number"},
        {"no digits", "{\"occurredAtMs\":\"-\"}", "occurredAtMs: is not a whole number"},
        {"a boolean for a number", "{\"occurredAtMs\":true}", "occurredAtMs: is not a number"},
        {"a negative count", "{\"redeem\":{\"reward\":{\"count\":-1}}}",
         "redeem.reward.count: is out of range"},
        {"more than 32 bits", "{\"redeem\":{\"reward\":{\"count\":4294967296}}}",
         "redeem.reward.count: is out of range"},
        {"a number for a text", "{\"id\":7}", "id: is not a string"},
        {"an object for a text", "{\"id\":{}}", "id: is not a string"},
        {"a text for an object", "{\"enrol\":\"\"}", "enrol: is not an object"},
        {"an object for an array", "{\"purchase\":{\"lines\":{}}}",
         "purchase.lines: is not an array"},
        {"a text for a boolean", "{\"adjust\":{\"mayOwe\":\"true\"}}",
         "adjust.mayOwe: is not true or false"},
        {"an unknown value", "{\"activity\":{\"kind\":\"NAP\"}}",
         "activity.kind: 'NAP' is none of its values, such as APP_DEFINED"},
        {"a value in small letters", "{\"activity\":{\"kind\":\"check_in\"}}",
         "activity.kind: 'check_in' is none of its values, such as APP_DEFINED"},
        {"bytes that are none", "{\"activationOrdered\":{\"activation\":\"a!\"}}",
         "activationOrdered.activation: is not base64"},
        {"bytes with bits to spare", "{\"activationOrdered\":{\"activation\":\"AB\"}}",
         "activationOrdered.activation: is not base64"},
        {"NUL", "{\"id\":\"a\\u0000\"}", "JSON 1:16: a string is not valid UTF-8 without NUL"},
        {"half a surrogate pair", "{\"id\":\"\\ud83c\"}",
         "JSON 1:8: half a surrogate pair is no character"},
        {"the other half alone", "{\"id\":\"a\\udf81\"}",
         "JSON 1:9: half a surrogate pair is no character"},
        {"two first halves", "{\"id\":\"\\ud83c\\ud83c\"}",
         "JSON 1:8: half a surrogate pair is no character"},
        {"not the end", "{} {}", "JSON 1:4: it is no JSON from here on"},
        {"text after it", "{}x", "JSON 1:3: it is no JSON from here on"},
        {"nothing but space", " ", "JSON 1:2: the text breaks off"},
        {"an array", "[]", "Event: is not an object"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct codec_error error;
        struct bytes message;
        enum codec_result result = read_json(rows[i].text, &tallybook__v1__event__descriptor,
                                             fixture_arena(), &message, &error);
        cr_expect(result == CODEC_UNREADABLE && error.problem == CODEC_BAD_JSON, "%s: %d",
                  rows[i].what, result);
        cr_expect_str_eq(error.text, rows[i].error, "%s: %s", rows[i].what, error.text);
    }
}

Test(codec_json, bounds_what_it_reads)
{
    struct codec_error error;
    struct bytes message;
    static char text[8192];
    memset(text, '[', 2 * CODEC_JSON_DEPTH_MAX);
    text[2 * CODEC_JSON_DEPTH_MAX] = '\0';
    cr_expect_eq(
        read_json(text, &tallybook__v1__event__descriptor, fixture_arena(), &message, &error),
        CODEC_UNREADABLE);
    cr_expect_str_eq(error.text, "JSON 1:14: it is nested too deep");

    int size = snprintf(text, sizeof text, "{");
    for (int i = 0; i < 200; i++) {
        size += snprintf(text + size, sizeof text - (size_t)size, "\"n%d\":0,", i);
    }
    cr_expect_eq(
        read_json(text, &tallybook__v1__event__descriptor, fixture_arena(), &message, &error),
        CODEC_UNREADABLE);
    cr_expect(strstr(error.text, "an object has too many names") != NULL, "%s", error.text);

    static char huge[CODEC_JSON_BYTES_MAX + 2];
    memset(huge, ' ', sizeof huge - 1);
    cr_expect_eq(
        read_json(huge, &tallybook__v1__event__descriptor, fixture_arena(), &message, &error),
        CODEC_UNREADABLE);
    cr_expect_eq(error.problem, CODEC_TOO_LARGE);
}

Test(codec_json, says_when_there_is_no_room)
{
    static const char json[] = "{\"source\":\"s\",\"purchase\":{\"lines\":[{\"sku\":\"a\"}]}}";
    static _Alignas(ARENA_ALIGNMENT) uint8_t memory[65536];
    enum codec_result result;
    size_t size = 0;
    do {
        struct arena arena;
        struct codec_error error;
        struct bytes message;
        arena_init(&arena, memory, size);
        result = read_json(json, &tallybook__v1__event__descriptor, &arena, &message, &error);
        cr_assert(result == CODEC_OK || result == CODEC_NO_ROOM, "with %zu bytes: %s", size,
                  error.text);
        size += ARENA_ALIGNMENT;
    } while (result == CODEC_NO_ROOM && size <= sizeof memory);
    cr_expect_eq(result, CODEC_OK);

    struct arena *arena = fixture_arena();
    struct bytes message = fixture_event(json, arena);
    for (size_t room = 0; room < 40; room++) {
        uint8_t text[64];
        struct writer out = writer_of(text, room);
        cr_expect_eq(codec_json_write(message, &tallybook__v1__event__descriptor, arena, &out),
                     CODEC_NO_ROOM);
    }
    struct writer out = writer_of(memory, sizeof memory);
    cr_expect_eq(
        codec_json_write(BYTES_LITERAL("\x0a"), &tallybook__v1__event__descriptor, arena, &out),
        CODEC_UNREADABLE);
}

/* Bytes of a text, shaken: it is read or refused, and what was read is stable. */
Test(codec_json, is_stable_when_shaken)
{
    static const char seed[] =
        "{\"source\":\"s\",\"id\":\"e\",\"member\":\"m\",\"occurredAtMs\":\"1600000000000\","
        "\"purchase\":{\"orderId\":\"o\",\"lines\":[{\"kind\":\"FEE\",\"amountMinor\":12}]}}";
    struct property property = property_start();
    size_t read = 0;
    for (unsigned round = 0; round < 20000; round++) {
        char text[sizeof seed];
        memcpy(text, seed, sizeof seed);
        for (uint64_t hits = property_below(&property, 2) + 1; hits > 0; hits--) {
            static const char likely[] = "{}[]\",:0123456789-e.\\untrf ";
            size_t at = property_below(&property, sizeof seed - 1);
            text[at] = likely[property_below(&property, sizeof likely - 1)];
        }
        struct codec_error error;
        const char *written = round_trip(text, &tallybook__v1__event__descriptor, &error);
        if (written == NULL) {
            cr_assert(error.problem == CODEC_BAD_JSON && error.text[0] != '\0', "%s", text);
            continue;
        }
        read++;
        char kept[4096];
        memcpy(kept, written, strlen(written) + 1);
        const char *again = round_trip(kept, &tallybook__v1__event__descriptor, &error);
        cr_assert(again != NULL && strcmp(again, kept) == 0, "seed %llu, round %u: %s",
                  (unsigned long long)property.seed, round, text);
    }
    cr_expect_gt(read, 100, "too few shaken texts were readable: %zu", read);
}
