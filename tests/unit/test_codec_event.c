#include <stdio.h>

#include "consumers/codec_wire_priv.h"
#include "engine/core/verdict.h"
#include "tallybook/v1/event.pb-c.h"
#include "tests/unit/codec_fixture.h"
#include "tests/unit/property.h"

#define HEAD     "\"source\":\"s\",\"id\":\"e\",\"member\":\"m\",\"occurredAtMs\":1000"
#define EVENT(x) "{" HEAD "," x "}"
#define ORDER(x) EVENT("\"purchase\":{\"orderId\":\"o\",\"currency\":\"EUR\"," x "}")

static enum codec_result
decode(struct bytes payload, struct arena *arena, struct entry *out_entry,
       struct codec_error *out_error)
{
    memset(out_error, 0, sizeof *out_error);
    return codec_event_decode(payload, arena, out_entry, out_error);
}

static struct event
decode_good(const char *json, struct arena *arena)
{
    struct entry entry;
    struct codec_error error;
    enum codec_result result = decode(fixture_event(json, arena), arena, &entry, &error);
    cr_assert(result == CODEC_OK && entry.kind == ENTRY_EVENT, "%s\n%s", json, error.text);
    return entry.event;
}

Test(codec_event, reads_a_purchase)
{
    struct arena *arena = fixture_arena();
    struct event event = decode_good(
        "{\"source\":\"shop\",\"id\":\"e-1\",\"member\":\"m-1\",\"occurredAtMs\":\"1600000000000\","
        "\"correlationId\":\"c\",\"traceparent\":\"t\",\"purchase\":{\"orderId\":\"o-1\","
        "\"currency\":\"GBP\",\"pointsTenderMinor\":10,\"giftCardMinor\":20,\"channel\":\"web\","
        "\"store\":\"s1\",\"partner\":\"p\",\"attributes\":[{\"key\":\"k\",\"value\":\"v\"}],"
        "\"lines\":[{\"lineId\":\"a\",\"kind\":\"SHIPPING\",\"sku\":\"x\",\"category\":\"c\","
        "\"brand\":\"b\",\"quantityMilli\":1500,\"amountMinor\":1000,\"discountMinor\":100,"
        "\"taxMinor\":50},{\"amountMinor\":7}]}}",
        arena);
    cr_expect_eq(event.kind, EVENT_PURCHASE);
    cr_expect(text_is(event.source, "shop") && text_is(event.id, "e-1"));
    cr_expect(text_is(event.member, "m-1"));
    cr_expect(text_is(event.correlation_id, "c") && text_is(event.traceparent, "t"));
    cr_expect_eq(event.occurred_at.ms, INT64_C(1600000000000));
    cr_expect_eq(event.first_append.ms, 0);

    const struct purchase *purchase = &event.purchase;
    cr_expect(text_is(purchase->order_id, "o-1") && text_is(purchase->channel, "web"));
    cr_expect(text_is(purchase->store, "s1"));
    cr_expect_eq(purchase->currency, 826);
    cr_expect_eq(purchase->points_tender_minor, 10);
    cr_expect_eq(purchase->gift_card_tender_minor, 20);
    cr_assert_eq(purchase->line_count, 2);
    const struct event_line *line = &purchase->lines[0];
    cr_expect(text_is(line->line_id, "a") && text_is(line->sku, "x"));
    cr_expect(text_is(line->category, "c") && text_is(line->brand, "b"));
    cr_expect_eq(line->kind, LINE_SHIPPING);
    cr_expect_eq(line->quantity_milli, 1500);
    cr_expect_eq(line->amount_minor, 1000);
    cr_expect_eq(line->discount_minor, 100);
    cr_expect_eq(line->tax_minor, 50);
    line = &purchase->lines[1];
    cr_expect(text_is(line->line_id, "2"), "a line without an id is called by its place");
    cr_expect_eq(line->kind, LINE_GOODS);
    cr_expect_eq(line->quantity_milli, 1000, "one piece when nothing is said");
}

Test(codec_event, reads_the_other_kinds)
{
    struct arena *arena = fixture_arena();
    struct event refund = decode_good(
        EVENT("\"refund\":{\"orderId\":\"o\",\"refundId\":\"r\",\"currency\":\"JPY\",\"lines\":["
              "{\"lineId\":\"1\",\"amountMinor\":3},{\"lineId\":\"2\",\"amountMinor\":4}]}"),
        arena);
    cr_expect_eq(refund.kind, EVENT_REFUND);
    cr_expect(text_is(refund.refund.order_id, "o") && text_is(refund.refund.refund_id, "r"));
    cr_expect_eq(refund.refund.currency, 392);
    cr_expect_eq(refund.refund.amount_minor, 7, "the sum of the lines");
    cr_expect_eq(refund.refund.line_count, 2);

    struct event blind =
        decode_good(EVENT("\"refund\":{\"refundId\":\"r\",\"currency\":\"GBP\",\"lines\":["
                          "{\"category\":\"toys\",\"amountMinor\":3}]}"),
                    arena);
    cr_expect_eq(blind.refund.order_id.size, 0);
    cr_expect(text_is(blind.refund.lines[0].line_id, "1"));
    cr_expect(text_is(blind.refund.lines[0].category, "toys"));

    struct event cancellation = decode_good(EVENT("\"cancellation\":{\"orderId\":\"o\"}"), arena);
    cr_expect_eq(cancellation.kind, EVENT_CANCELLATION);
    cr_expect(text_is(cancellation.cancellation.order_id, "o"));

    struct event redeem = decode_good(
        EVENT("\"redeem\":{\"spendId\":\"x\",\"currencies\":[\"points\"],\"points\":800}"), arena);
    cr_expect_eq(redeem.kind, EVENT_REDEEM);
    cr_expect(text_is(redeem.redeem.spend_id, "x"));
    cr_expect(text_is(redeem.redeem.request.currencies[0], "points"));
    cr_expect_eq(redeem.redeem.request.points.units, 800);

    struct event guest =
        decode_good("{\"source\":\"s\",\"id\":\"e\",\"guest\":\"g\",\"occurredAtMs\":1,"
                    "\"cancellation\":{\"orderId\":\"o\"}}",
                    arena);
    cr_expect_eq(guest.kind, EVENT_CANCELLATION);
    cr_expect(text_is(guest.member, KEY_GUEST_PREFIX "g"));
    bool is_guest;
    cr_expect(text_is(codec_key_subject(guest.member, &is_guest), "g") && is_guest);
    cr_expect(text_is(codec_key_subject(redeem.member, &is_guest), "m") && !is_guest);
    cr_expect_str_eq(codec_event_kind_name(EVENT_CANCELLATION), "cancellation");
}

struct bad_row {
    const char *what, *json;
    enum codec_result result;
    enum codec_problem problem;
    uint32_t verdict;
    const char *text; /* how the error begins */
};

#define DEAD(what, json, problem, text)                                                            \
    {                                                                                              \
        what, json, CODEC_UNREADABLE, CODEC_##problem, 0, text                                     \
    }
#define FORM(what, json, text)                                                                     \
    {                                                                                              \
        what, json, CODEC_REFUSED, CODEC_MALFORMED, VERDICT_MALFORMED, text                        \
    }

static const struct bad_row bad_rows[] = {
    DEAD("no payload", "{" HEAD "}", NO_KIND, "the event has no payload"),
    DEAD("a kind of later", EVENT("\"transfer\":{}"), NOT_HANDLED,
         "kind 'transfer' is not handled by this version"),
    DEAD("a crossing from outside", EVENT("\"stockAsked\":{}"), NOT_HANDLED, "kind 'stock_asked'"),
    DEAD("no source", "{\"id\":\"e\",\"member\":\"m\",\"occurredAtMs\":1,\"enrol\":{}}",
         NO_IDENTITY, "source must be 1 to 128 bytes"),
    DEAD("no id", "{\"source\":\"s\",\"member\":\"m\",\"occurredAtMs\":1,\"enrol\":{}}",
         NO_IDENTITY, "id must be 1 to 128 bytes"),
    DEAD("a line end in an id",
         "{\"source\":\"s\",\"id\":\"a\\nb\",\"member\":\"m\",\"occurredAtMs\":1,\"enrol\":{}}",
         NO_IDENTITY, "id must be"),
    DEAD("no member", "{\"source\":\"s\",\"id\":\"e\",\"occurredAtMs\":1,\"enrol\":{}}", NO_MEMBER,
         "neither member nor guest"),
    DEAD("an empty member",
         "{\"source\":\"s\",\"id\":\"e\",\"member\":\"\",\"occurredAtMs\":1,\"enrol\":{}}",
         NO_MEMBER, "member must be 1 to 128"),
    DEAD("a C1 control character in a member",
         "{\"source\":\"s\",\"id\":\"e\",\"member\":\"\\u0085\",\"occurredAtMs\":1,\"enrol\":{}}",
         NO_MEMBER, "member must be 1 to 128"),
    DEAD("an empty guest",
         "{\"source\":\"s\",\"id\":\"e\",\"guest\":\"\",\"occurredAtMs\":1,\"enrol\":{}}",
         NO_MEMBER, "guest must be 1 to 121"),
    DEAD("a pool", "{\"source\":\"s\",\"id\":\"e\",\"pool\":\"p\",\"occurredAtMs\":1,\"enrol\":{}}",
         NOT_HANDLED, "events for a pool"),
    FORM("no time", "{\"source\":\"s\",\"id\":\"e\",\"member\":\"m\",\"enrol\":{}}",
         "occurred_at_ms: is missing"),
    FORM("a time before 1970",
         "{\"source\":\"s\",\"id\":\"e\",\"member\":\"m\",\"occurredAtMs\":-1,\"enrol\":{}}",
         "occurred_at_ms: -1 is no instant"),
    FORM("microseconds",
         "{\"source\":\"s\",\"id\":\"e\",\"member\":\"m\",\"occurredAtMs\":1600000000000000,"
         "\"enrol\":{}}",
         "occurred_at_ms: 1600000000000000 is no instant"),
    FORM("the ledger's own field", EVENT("\"cause\":{},\"enrol\":{}"), "cause: is written by"),
    FORM("no order", EVENT("\"purchase\":{\"currency\":\"EUR\",\"lines\":[{}]}"),
         "purchase.order_id: is missing"),
    FORM("no currency", EVENT("\"purchase\":{\"orderId\":\"o\",\"lines\":[{}]}"),
         "purchase.currency: is missing"),
    FORM("no lines", EVENT("\"purchase\":{\"orderId\":\"o\",\"currency\":\"EUR\"}"),
         "purchase.lines: there are none"),
    FORM("a negative amount", ORDER("\"lines\":[{},{\"amountMinor\":-5}]"),
         "purchase.lines[1].amount_minor: -5 is negative"),
    FORM("an absurd amount", ORDER("\"lines\":[{\"amountMinor\":1000000000000001}]"),
         "purchase.lines[0].amount_minor: 1000000000000001 is absurd"),
    FORM("a negative quantity", ORDER("\"lines\":[{\"quantityMilli\":-1}]"),
         "purchase.lines[0].quantity_milli: -1 is negative"),
    FORM("more discount than price", ORDER("\"lines\":[{\"amountMinor\":5,\"discountMinor\":6}]"),
         "purchase.lines[0].discount_minor: is above"),
    FORM("more tax than price",
         ORDER("\"lines\":[{\"amountMinor\":5,\"discountMinor\":3,\"taxMinor\":3}]"),
         "purchase.lines[0].tax_minor: is above"),
    FORM("more tender than price",
         ORDER("\"pointsTenderMinor\":3,\"giftCardMinor\":3,\"lines\":[{\"amountMinor\":5}]"),
         "purchase.points_tender_minor and gift_card_minor"),
    FORM("two lines of one id", ORDER("\"lines\":[{\"lineId\":\"a\"},{},{\"lineId\":\"a\"}]"),
         "purchase.lines: 'a' names two lines"),
    FORM("an id that is another line's place", ORDER("\"lines\":[{\"lineId\":\"2\"},{}]"),
         "purchase.lines: '2' names two lines"),
    FORM("a kind of line of later", ORDER("\"lines\":[{\"kind\":7}]"),
         "purchase.lines[0].kind: 7 is no kind"),
    FORM("an attribute without a key", ORDER("\"lines\":[{}],\"attributes\":[{\"value\":\"v\"}]"),
         "purchase.attributes[0].key: must have"),
    FORM("an attribute twice",
         ORDER("\"lines\":[{\"attributes\":[{\"key\":\"k\"},{\"key\":\"k\"}]}]"),
         "purchase.lines[0].attributes[1].key: 'k' is told twice"),
    FORM("a control character in a category", ORDER("\"lines\":[{\"category\":\"a\\tb\"}]"),
         "purchase.lines[0].category: is not UTF-8 without control"),
    FORM("a refund without an id", EVENT("\"refund\":{\"currency\":\"EUR\"}"),
         "refund.refund_id: is missing"),
    FORM("a refund of nothing", EVENT("\"refund\":{\"refundId\":\"r\",\"currency\":\"EUR\"}"),
         "refund.amount_minor: is missing"),
    FORM("a refund of some line",
         EVENT("\"refund\":{\"orderId\":\"o\",\"refundId\":\"r\",\"currency\":\"EUR\",\"lines\":["
               "{\"amountMinor\":3}]}"),
         "refund.lines[0].line_id: is missing"),
    FORM("less than the lines",
         EVENT("\"refund\":{\"orderId\":\"o\",\"refundId\":\"r\",\"currency\":\"EUR\","
               "\"amountMinor\":2,\"lines\":[{\"lineId\":\"1\",\"amountMinor\":3}]}"),
         "refund.amount_minor: is less than"),
    FORM("a cancellation of nothing", EVENT("\"cancellation\":{}"),
         "cancellation.order_id: is missing"),
    FORM("a spend without an id", EVENT("\"redeem\":{\"points\":1}"),
         "redeem.spend_id: is missing"),
    FORM("a spend of nothing", EVENT("\"redeem\":{\"spendId\":\"x\",\"points\":0}"),
         "redeem.points: 0 is not above zero"),
    FORM("a spend of less than nothing", EVENT("\"redeem\":{\"spendId\":\"x\",\"points\":-8}"),
         "redeem.points: -8 is not above zero"),
    FORM("a spend of what", EVENT("\"redeem\":{\"spendId\":\"x\"}"), "redeem.points: is missing"),
    {"a currency that is none", EVENT("\"purchase\":{\"currency\":\"EURO\"}"), CODEC_REFUSED,
     CODEC_MALFORMED, VERDICT_UNKNOWN_CURRENCY, "purchase.currency: 'EURO' is no ISO 4217"},
    {"a currency in small letters", EVENT("\"purchase\":{\"currency\":\"eur\"}"), CODEC_REFUSED,
     CODEC_MALFORMED, VERDICT_UNKNOWN_CURRENCY, "purchase.currency: 'eur' is no ISO 4217"},
};

Test(codec_event, names_what_is_wrong)
{
    for (size_t i = 0; i < sizeof bad_rows / sizeof *bad_rows; i++) {
        const struct bad_row *row = &bad_rows[i];
        struct arena *arena = fixture_arena();
        struct entry entry = {0};
        struct codec_error error;
        enum codec_result result = decode(fixture_event(row->json, arena), arena, &entry, &error);
        cr_expect(result == row->result && error.problem == row->problem &&
                      error.verdict == row->verdict,
                  "%s: result %d, %s, verdict %u: %s", row->what, result,
                  codec_problem_code(error.problem), error.verdict, error.text);
        cr_expect(strncmp(error.text, row->text, strlen(row->text)) == 0, "%s: %s", row->what,
                  error.text);
        if (row->result != CODEC_REFUSED) continue;
        cr_expect(entry.kind == ENTRY_REFUSED && entry.refused.verdict == row->verdict &&
                      text_is(entry.refused.source, "s") && text_is(entry.refused.id, "e") &&
                      text_is(entry.refused.member, "m") &&
                      text_is(entry.refused.detail, error.text),
                  "%s: the refusal names the event", row->what);
    }
}

/* A payload of `count` fields of the same bytes. */
static struct bytes
event_of_many(struct arena *arena, uint32_t payload_number, const char *head, uint32_t number,
              struct bytes value, size_t count)
{
    size_t capacity = count * (value.size + 8) + 1024;
    uint8_t *memory = arena_alloc(arena, 2 * capacity);
    struct writer inner = writer_of(memory, capacity);
    writer_bytes(&inner, bytes_from_cstr(head));
    for (size_t i = 0; i < count; i++)
        wire_put_message(&inner, number, value);

    struct writer out = writer_of(memory + capacity, capacity);
    wire_put_text(&out, 1, BYTES_LITERAL("s"));
    wire_put_text(&out, 2, BYTES_LITERAL("e"));
    wire_put_text(&out, 3, BYTES_LITERAL("m"));
    wire_put_number(&out, 10, 1000);
    wire_put_message(&out, payload_number, writer_span(&inner));
    return writer_span(&out);
}

/* order_id "o", currency "EUR" */
#define ORDER_HEAD "\x0a\x01o\x12\x03\x45\x55R"

Test(codec_event, keeps_its_limits)
{
    struct arena *arena = fixture_arena();
    struct entry entry;
    struct codec_error error;
    struct bytes empty = {NULL, 0};

    struct bytes full = event_of_many(arena, 30, ORDER_HEAD, 3, empty, EVENT_LINES_MAX);
    cr_assert_eq(decode(full, arena, &entry, &error), CODEC_OK, "%s", error.text);
    cr_expect_eq(entry.event.purchase.line_count, EVENT_LINES_MAX);
    cr_expect(text_is(entry.event.purchase.lines[1999].line_id, "2000"));

    struct bytes over = event_of_many(arena, 30, ORDER_HEAD, 3, empty, EVENT_LINES_MAX + 1);
    cr_expect_eq(decode(over, arena, &entry, &error), CODEC_REFUSED);
    cr_expect_str_eq(error.text, "purchase.lines: there are 2001; the limit is 2000");

    for (int count = CODEC_ATTRIBUTES_MAX; count <= CODEC_ATTRIBUTES_MAX + 1; count++) {
        char json[4096];
        int size = snprintf(json, sizeof json, "{" HEAD ",\"enrol\":{\"attributes\":[");
        for (int i = 0; i < count; i++) {
            size += snprintf(json + size, sizeof json - (size_t)size, "%s{\"key\":\"k%d\"}",
                             i == 0 ? "" : ",", i);
        }
        (void)snprintf(json + size, sizeof json - (size_t)size, "]}}");
        cr_expect_eq(decode(fixture_event(json, arena), arena, &entry, &error),
                     count > CODEC_ATTRIBUTES_MAX ? CODEC_REFUSED : CODEC_OK, "%d: %s", count,
                     error.text);
    }

    static uint8_t large[EVENT_BYTES_MAX + 1];
    cr_expect_eq(decode(bytes_of(large, sizeof large), arena, &entry, &error), CODEC_UNREADABLE);
    cr_expect_eq(error.problem, CODEC_TOO_LARGE);

    static char name[CODEC_NAME_BYTES_MAX + 1];
    memset(name, 'n', sizeof name);
    for (size_t size = CODEC_NAME_BYTES_MAX; size <= CODEC_NAME_BYTES_MAX + 1; size++) {
        uint8_t bytes[512];
        struct writer out = writer_of(bytes, sizeof bytes);
        wire_put_text(&out, 1, BYTES_LITERAL("s"));
        wire_put_text(&out, 2, BYTES_LITERAL("e"));
        wire_put_text(&out, 3, bytes_of(name, size));
        wire_put_number(&out, 10, 1000);
        wire_put_message(&out, 80, empty);
        cr_expect_eq(decode(writer_span(&out), arena, &entry, &error),
                     size > CODEC_NAME_BYTES_MAX ? CODEC_UNREADABLE : CODEC_OK,
                     "a member of %zu bytes", size);
    }
}

Test(codec_event, says_when_the_arena_is_full)
{
    struct arena *arena = fixture_arena();
    struct bytes event = fixture_event(ORDER("\"lines\":[{},{},{}]"), arena);
    static _Alignas(ARENA_ALIGNMENT) uint8_t memory[4096];
    struct entry entry;
    struct codec_error error;
    size_t size = 0;
    enum codec_result result;
    do {
        struct arena small;
        arena_init(&small, memory, size);
        result = decode(event, &small, &entry, &error);
        cr_assert(result == CODEC_OK || result == CODEC_NO_ROOM, "with %zu bytes: %d", size,
                  result);
        size += ARENA_ALIGNMENT;
    } while (result == CODEC_NO_ROOM && size <= sizeof memory);
    cr_expect_eq(result, CODEC_OK);
    cr_expect_gt(size, sizeof(struct event_line) * 3);
}

/* ---- Content --------------------------------------------------------------------------------- */

#define ENVELOPE "\x0a\x01s\x12\x01\x65\x1a\x01m\x50\xe8\x07" /* s, e, m, 1000 */

struct form_row {
    const char *what;
    struct bytes bytes;
    bool same; /* as the first row's content */
};

#define FORMS(text) BYTES_LITERAL(text)

Test(codec_event, content_is_what_protobuf_reads)
{
    /* A redeem (60: e2 03) of spend "x" (1) and 5 points (3). */
    const struct form_row rows[] = {
        {"canonical", FORMS(ENVELOPE "\xe2\x03\x05\x0a\x01x\x18\x05"), true},
        {"the envelope in another order",
         FORMS("\xe2\x03\x05\x0a\x01x\x18\x05\x50\xe8\x07\x1a\x01m\x12\x01\x65\x0a\x01s"), true},
        {"fields in another order", FORMS(ENVELOPE "\xe2\x03\x05\x18\x05\x0a\x01x"), true},
        {"a default told", FORMS(ENVELOPE "\xe2\x03\x07\x0a\x01x\x18\x05\x32\x00"), true},
        {"a long-winded number", FORMS(ENVELOPE "\xe2\x03\x07\x0a\x01x\x18\x85\x80\x00"), true},
        {"a long-winded length", FORMS(ENVELOPE "\xe2\x03\x06\x0a\x81\x00x\x18\x05"), true},
        {"a field of later", FORMS(ENVELOPE "\xe2\x03\x08\x0a\x01x\x18\x05\xf8\x01\x07"), true},
        {"a field told twice, the last counts",
         FORMS(ENVELOPE "\xe2\x03\x07\x18\x04\x0a\x01x\x18\x05"), true},
        {"correlation and trace", FORMS(ENVELOPE "\x5a\x01x\x62\x01y\xe2\x03\x05\x0a\x01x\x18\x05"),
         true},
        {"another source and id, which are not content",
         FORMS("\x0a\x01t\x12\x01\x66\x1a\x01m\x50\xe8\x07\xe2\x03\x05\x0a\x01x\x18\x05"), true},
        {"another amount", FORMS(ENVELOPE "\xe2\x03\x05\x0a\x01x\x18\x06"), false},
        {"another spend", FORMS(ENVELOPE "\xe2\x03\x05\x0a\x01y\x18\x05"), false},
        {"a reason", FORMS(ENVELOPE "\xe2\x03\x08\x0a\x01x\x18\x05\x32\x01z"), false},
        {"another member",
         FORMS("\x0a\x01s\x12\x01\x65\x1a\x01n\x50\xe8\x07\xe2\x03\x05\x0a\x01x\x18\x05"), false},
        {"a guest of the same name",
         FORMS("\x0a\x01s\x12\x01\x65\x22\x01m\x50\xe8\x07\xe2\x03\x05\x0a\x01x\x18\x05"), false},
        {"another time",
         FORMS("\x0a\x01s\x12\x01\x65\x1a\x01m\x50\xe9\x07\xe2\x03\x05\x0a\x01x\x18\x05"), false},
    };
    uint64_t first = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena *arena = fixture_arena();
        struct entry entry;
        struct codec_error error;
        cr_assert_eq(decode(rows[i].bytes, arena, &entry, &error), CODEC_OK, "%s: %s", rows[i].what,
                     error.text);
        if (i == 0) first = entry.event.content_hash;
        cr_expect_eq(entry.event.content_hash == first, rows[i].same, "%s", rows[i].what);
        if (rows[i].same)
            cr_expect_eq(entry.event.redeem.request.points.units, 5, "%s", rows[i].what);
        cr_expect_eq(entry.event.wire.data, rows[i].bytes.data, "%s: wire", rows[i].what);
    }
    cr_expect_eq(first, UINT64_C(0xd98c7d99259e2cdb),
                 "the content hash is persisted: it was %#llx, for ever",
                 (unsigned long long)first);
}

Test(codec_event, damage_is_damage)
{
    const struct {
        const char *what;
        struct bytes bytes;
        enum codec_result result;
        const char *text;
    } rows[] = {
        {"nothing at all", {NULL, 0}, CODEC_UNREADABLE, "the event has no payload"},
        {"field number 0", FORMS("\x00\x01"), CODEC_UNREADABLE, "a field has no valid number"},
        {"a group", FORMS("\x0b\x0c"), CODEC_UNREADABLE, "a field has no valid type"},
        {"a length beyond the end", FORMS("\x0a\x05s"), CODEC_UNREADABLE, "the message breaks off"},
        {"a number without an end", FORMS("\x50\xff"), CODEC_UNREADABLE, "the message breaks off"},
        {"a number of 11 bytes", FORMS("\x50\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"),
         CODEC_UNREADABLE, "a number has more than 64 bits"},
        {"source as a number", FORMS("\x08\x01"), CODEC_UNREADABLE, "field 1 has another type"},
        {"a payload as a number", FORMS("\xf0\x01\x01"), CODEC_UNREADABLE,
         "field 30 has another type"},
        {"a kind without a name", FORMS("\xca\x3e\x00"), CODEC_UNREADABLE, "kind number 1001"},
        {"damage inside the payload", FORMS(ENVELOPE "\xe2\x03\x02\x0a\x05"), CODEC_REFUSED,
         "redeem.the message breaks off"},
        {"a text as a number", FORMS(ENVELOPE "\xe2\x03\x02\x08\x05"), CODEC_REFUSED,
         "redeem.spend_id: has another type"},
        {"NUL in an order id", FORMS(ENVELOPE "\x82\x02\x05\x0a\x03\x61\x00\x62"), CODEC_REFUSED,
         "cancellation.order_id: is not UTF-8"},
        {"half a character", FORMS(ENVELOPE "\x82\x02\x04\x0a\x02\x61\xc3"), CODEC_REFUSED,
         "cancellation.order_id: is not UTF-8"},
        {"two payloads", FORMS(ENVELOPE "\x82\x05\x00\x82\x05\x00"), CODEC_REFUSED,
         "the event has 2 payloads"},
        {"a message told twice", FORMS(ENVELOPE "\x82\x05\x04\x0a\x00\x0a\x00"), CODEC_REFUSED,
         "enrol.birthday: is told twice"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena *arena = fixture_arena();
        struct entry entry;
        struct codec_error error;
        enum codec_result result = decode(rows[i].bytes, arena, &entry, &error);
        cr_expect_eq(result, rows[i].result, "%s: %d %s", rows[i].what, result, error.text);
        cr_expect(strncmp(error.text, rows[i].text, strlen(rows[i].text)) == 0, "%s: %s",
                  rows[i].what, error.text);
    }
}

Test(codec_event, completes_what_its_topic_knows)
{
    const struct {
        const char *what, *json, *source, *id;
    } rows[] = {
        {"both given", "{\"source\":\"s\",\"id\":\"e\",\"member\":\"m\",\"enrol\":{}}", "s", "e"},
        {"no id", "{\"source\":\"s\",\"member\":\"m\",\"enrol\":{}}", "s", "1:orders:3:77"},
        {"neither", "{\"member\":\"m\",\"enrol\":{}}", "shop", "1:orders:3:77"},
        {"no source", "{\"id\":\"e\",\"member\":\"m\",\"enrol\":{}}", "shop", "e"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena *arena = fixture_arena();
        struct bytes event = fixture_event(rows[i].json, arena), completed;
        cr_assert(codec_event_complete(event, BYTES_LITERAL("shop"), BYTES_LITERAL("1:orders:3:77"),
                                       arena, &completed));
        struct entry entry;
        struct codec_error error;
        cr_expect_eq(decode(completed, arena, &entry, &error), CODEC_REFUSED, "no time is given");
        cr_expect(text_is(entry.refused.source, rows[i].source) &&
                      text_is(entry.refused.id, rows[i].id),
                  "%s", rows[i].what);
    }
    struct bytes damaged = BYTES_LITERAL("\x0a"), same;
    cr_assert(codec_event_complete(damaged, BYTES_LITERAL("a"), BYTES_LITERAL("b"), fixture_arena(),
                                   &same));
    cr_expect_eq(same.data, damaged.data);
}

/* Bytes that are an event, shaken: whatever comes out, what was read agrees with the reference. */
Test(codec_event, agrees_with_the_reference_on_shaken_events)
{
    static const char *const seeds[] = {
        ORDER(
            "\"channel\":\"web\",\"lines\":[{\"sku\":\"a\",\"category\":\"c\",\"amountMinor\":500,"
            "\"taxMinor\":80},{\"lineId\":\"x\",\"amountMinor\":7,\"attributes\":[{\"key\":\"k\","
            "\"value\":\"v\"}]}]"),
        EVENT("\"refund\":{\"orderId\":\"o\",\"refundId\":\"r\",\"currency\":\"EUR\",\"lines\":["
              "{\"lineId\":\"1\",\"amountMinor\":3}]}"),
        EVENT("\"redeem\":{\"spendId\":\"x\",\"currencies\":[\"points\"],\"points\":800,"
              "\"reason\":\"gift\"}"),
        EVENT("\"enrol\":{\"birthday\":{\"month\":2,\"day\":29},\"channel\":\"app\"}"),
    };
    struct property property = property_start();
    size_t accepted = 0, canonicalised = 0;
    for (unsigned round = 0; round < 40000; round++) {
        struct arena *arena = fixture_arena();
        struct bytes seed = fixture_event(seeds[property_below(&property, 4)], arena);
        uint8_t shaken[512];
        cr_assert_lt(seed.size + 8, sizeof shaken);
        memcpy(shaken, seed.data, seed.size);
        size_t size = seed.size;
        for (uint64_t hits = property_below(&property, 3) + 1; hits > 0; hits--) {
            size_t at = property_below(&property, size);
            if (property_below(&property, 4) == 0) {
                /* A byte more: what follows moves, lengths are wrong or lucky. */
                memmove(shaken + at + 1, shaken + at, size - at);
                size++;
            }
            shaken[at] = (uint8_t)property_magnitude(&property, 8);
        }

        struct entry entry, again;
        struct codec_error error;
        struct bytes bytes = bytes_of(shaken, size);
        enum codec_result result = decode(bytes, arena, &entry, &error);
        cr_assert(result != CODEC_NO_ROOM);
        if (result != CODEC_OK) continue;
        accepted++;

        Tallybook__V1__Event *event = tallybook__v1__event__unpack(NULL, bytes.size, bytes.data);
        cr_assert_not_null(event, "seed %llu, round %u: the reference refuses it",
                           (unsigned long long)property.seed, round);
        uint8_t packed[1024];
        size_t packed_size = tallybook__v1__event__pack(event, packed);
        cr_assert_eq(decode(bytes_of(packed, packed_size), arena, &again, &error), CODEC_OK, "%s",
                     error.text);
        cr_assert_eq(again.event.content_hash, entry.event.content_hash,
                     "seed %llu, round %u: another content", (unsigned long long)property.seed,
                     round);
        cr_assert(bytes_equal(again.event.member, entry.event.member) &&
                  bytes_equal(again.event.id, entry.event.id) &&
                  again.event.occurred_at.ms == entry.event.occurred_at.ms);
        canonicalised += packed_size != size || memcmp(packed, shaken, size) != 0;
        tallybook__v1__event__free_unpacked(event, NULL);
    }
    cr_expect_gt(accepted, 1000, "too few shaken events were readable: %zu", accepted);
    cr_expect_gt(canonicalised, 100, "too few were not canonical: %zu", canonicalised);
}
