/* Every kind's payload, read into the core's struct and written back, and each way in which one can
 * be wrong. Read below the envelope: what of the kinds the fold judges is another matter
 * (event.def). */
#include "consumers/codec_event_write.h"
#include "consumers/codec_payload_priv.h"
#include "consumers/codec_wire_priv.h"
#include "tallybook/v1/event.pb-c.h"
#include "tests/unit/codec_fixture.h"

#define HEAD    "\"source\":\"s\",\"id\":\"e\",\"member\":\"m\",\"occurredAtMs\":1000"
#define JSON(x) "{" HEAD "," x "}"

/* The event's payload and its kind. */
static const struct payload_spec *
payload_of(struct bytes event, struct bytes *out_payload)
{
    struct wire wire = wire_of(event);
    struct wire_field field;
    while (wire_next(&wire, &field)) {
        if (field.number < 30) continue;
        *out_payload = field.span;
        return payload_find(field.number);
    }
    return NULL;
}

static enum codec_result
read_json(const char *json, struct arena *arena, struct event *out, struct bytes *out_wire,
          struct codec_error *out_error)
{
    struct bytes payload, wire = fixture_event(json, arena);
    const struct payload_spec *spec = payload_of(wire, &payload);
    cr_assert_not_null(spec, "%s", json);
    *out = (struct event){
        .kind = spec->kind,
        .source = BYTES_LITERAL("s"),
        .id = BYTES_LITERAL("e"),
        .member = BYTES_LITERAL("m"),
        .occurred_at = {1000},
    };
    memset(out_error, 0, sizeof *out_error);
    bool canonical = false;
    enum codec_result result = payload_read(spec, payload, arena, out, &canonical, out_error);
    cr_expect(result != CODEC_OK || canonical, "%s", json);
    *out_wire = wire;
    return result;
}

static struct event
read_good(const char *json, struct arena *arena)
{
    struct event event;
    struct bytes wire;
    struct codec_error error;
    cr_assert_eq(read_json(json, arena, &event, &wire, &error), CODEC_OK, "%s\n%s", json,
                 error.text);
    return event;
}

/* ---- Every field of every kind ---- */

#define ATTRIBUTES                                                                                 \
    "\"attributes\":[{\"key\":\"a\",\"value\":\"1\"},{\"key\":\"b\",\"value\":\"2\"}]"
#define LOTS                                                                                       \
    "\"lots\":[{\"journalId\":\"AAECAwQFBgcICQoLDA0ODw==\",\"partition\":3,\"ordinal\":\"9\","     \
    "\"index\":1},{\"ordinal\":\"10\"}],\"currency\":\"points\""

static const char *const complete[] = {
    JSON("\"purchase\":{\"orderId\":\"o\",\"currency\":\"GBP\",\"lines\":[{\"lineId\":\"a\","
         "\"kind\":"
         "\"SHIPPING\",\"sku\":\"x\",\"category\":\"c\",\"brand\":\"b\",\"quantityMilli\":1500,"
         "\"amountMinor\":1000,\"discountMinor\":100,\"taxMinor\":50," ATTRIBUTES "},{\"lineId\":"
         "\"z\",\"quantityMilli\":1000}],\"pointsTenderMinor\":1,\"giftCardMinor\":2,\"channel\":"
         "\"web\",\"store\":\"s1\",\"partner\":\"p\"," ATTRIBUTES "}"),
    JSON("\"refund\":{\"orderId\":\"o\",\"refundId\":\"r\",\"currency\":\"GBP\",\"lines\":[{"
         "\"lineId\":\"a\",\"amountMinor\":3,\"quantityMilli\":1000,\"kind\":\"FEE\",\"sku\":\"x\","
         "\"category\":\"c\",\"brand\":\"b\"}],\"amountMinor\":5,\"channel\":\"web\",\"store\":"
         "\"s1\",\"partner\":\"p\",\"reason\":\"broken\"," ATTRIBUTES "}"),
    JSON("\"refund\":{\"orderId\":\"o\",\"style\":\"CUMULATIVE\",\"currency\":\"GBP\","
         "\"amountMinor\":5}"),
    JSON("\"cancellation\":{\"orderId\":\"o\",\"reason\":\"late\"}"),
    JSON("\"delivered\":{\"orderId\":\"o\"}"),
    JSON(
        "\"activity\":{\"kind\":\"REVIEW\",\"reference\":\"r-1\",\"value\":\"7\",\"orderId\":\"o\","
        "\"channel\":\"web\",\"store\":\"s1\",\"partner\":\"p\"," ATTRIBUTES "}"),
    JSON("\"activity\":{\"kind\":\"APP_DEFINED\",\"appKind\":\"walk_10-km\"}"),
    JSON("\"redeem\":{\"spendId\":\"x\",\"currencies\":[\"points\",\"miles\"],\"points\":\"800\","
         "\"reason\":\"r\",\"actor\":\"a\",\"channel\":\"web\",\"store\":\"s1\"," ATTRIBUTES "}"),
    JSON("\"redeem\":{\"spendId\":\"x\",\"reward\":{\"rewardId\":\"mug\",\"count\":2}}"),
    JSON("\"redeem\":{\"spendId\":\"x\",\"payment\":{\"orderId\":\"o\",\"currency\":\"JPY\","
         "\"amountMinor\":500,\"orderTotalMinor\":900}}"),
    JSON("\"cancelRedemption\":{\"spendId\":\"x\",\"points\":5,\"reason\":\"r\",\"actor\":\"a\"}"),
    JSON("\"cancelRedemption\":{\"spendId\":\"x\"}"),
    JSON("\"hold\":{\"holdId\":\"h\",\"currencies\":[\"points\"],\"points\":80,\"timeoutMs\":60000,"
         "\"reason\":\"r\",\"actor\":\"a\",\"channel\":\"web\",\"store\":\"s1\"," ATTRIBUTES "}"),
    JSON("\"hold\":{\"holdId\":\"h\",\"reward\":{\"rewardId\":\"mug\",\"count\":1}}"),
    JSON("\"hold\":{\"holdId\":\"h\",\"payment\":{\"currency\":\"EUR\",\"amountMinor\":1}}"),
    JSON("\"captureHold\":{\"holdId\":\"h\",\"points\":50,\"reason\":\"r\"}"),
    JSON("\"releaseHold\":{\"holdId\":\"h\",\"reason\":\"r\"}"),
    JSON("\"grant\":{\"currency\":\"points\",\"points\":5,\"reason\":\"r\",\"actor\":\"a\","
         "\"activatesAtMs\":2000,\"expiresAtMs\":3000,\"orderId\":\"o\",\"funder\":\"acme\","
         "\"unitCostMinor\":{\"numerator\":1,\"denominator\":3},\"costCurrency\":\"EUR\","
         "\"qualifies\":true," ATTRIBUTES "}"),
    JSON("\"grant\":{\"points\":5,\"neverExpires\":true}"),
    JSON("\"adjust\":{\"currency\":\"points\",\"points\":-5,\"reason\":\"r\",\"actor\":\"a\","
         "\"mayOwe\":true,\"expiresAtMs\":3000}"),
    JSON("\"adjust\":{\"points\":5,\"reason\":\"r\",\"actor\":\"a\",\"neverExpires\":true}"),
    JSON("\"approve\":{\"awaiting\":{\"source\":\"crm\",\"id\":\"a-1\"},\"actor\":\"b\","
         "\"reason\":\"fine\"}"),
    JSON("\"extendLots\":{\"choice\":{" LOTS "},\"expiresAtMs\":5000,\"reason\":\"r\",\"actor\":"
         "\"a\"}"),
    JSON("\"extendLots\":{\"choice\":{\"currency\":\"points\",\"expiringFromMs\":1,"
         "\"expiringUntilMs\":2},\"days\":30}"),
    JSON("\"reinstateLots\":{\"choice\":{" LOTS "},\"expiresAtMs\":5000,\"reason\":\"r\","
         "\"actor\":\"a\"}"),
    JSON("\"renewLots\":{\"choice\":{\"expiringUntilMs\":2},\"share\":{\"numerator\":1,"
         "\"denominator\":1},\"expiresAtMs\":5000,\"reason\":\"r\",\"actor\":\"a\"}"),
    JSON("\"releaseQuarantine\":{\"grantedBy\":{\"source\":\"shop\",\"id\":\"e-1\"},\"reason\":"
         "\"r\",\"actor\":\"a\"}"),
    JSON("\"rejectQuarantine\":{\"grantedBy\":{\"source\":\"shop\",\"id\":\"e-1\"}}"),
    JSON("\"enrol\":{\"birthday\":{\"month\":2,\"day\":29},\"channel\":\"web\",\"store\":\"s1\","
         "\"partner\":\"p\"," ATTRIBUTES "}"),
    JSON("\"enrol\":{}"),
    JSON("\"profileUpdate\":{\"birthday\":{\"month\":12,\"day\":31}}"),
    JSON("\"profileUpdate\":{\"birthday\":{}}"),
    JSON("\"suspend\":{\"reason\":\"r\",\"actor\":\"a\"}"),
    JSON("\"resume\":{\"reason\":\"r\",\"actor\":\"a\"}"),
    JSON("\"freeze\":{\"reason\":\"r\",\"actor\":\"a\"}"),
    JSON("\"unfreeze\":{\"reason\":\"r\",\"actor\":\"a\"}"),
    JSON("\"close\":{\"reason\":\"r\",\"actor\":\"a\"}"),
    JSON("\"reopen\":{}"),
    JSON("\"tierOverride\":{\"group\":\"club\",\"tier\":\"gold\",\"untilMs\":1001,\"reason\":"
         "\"r\",\"actor\":\"a\"}"),
    JSON("\"endTierOverride\":{\"group\":\"club\",\"reason\":\"r\",\"actor\":\"a\"}"),
};

enum { COMPLETE = sizeof complete / sizeof *complete };

/* A field that the table names wrongly, or puts at another's place, does not come back. */
Test(codec_payload, what_is_read_is_written_again)
{
    told_fields kinds = 0;
    for (size_t i = 0; i < COMPLETE; i++) {
        struct arena *arena = fixture_arena();
        struct event event;
        struct bytes wire, again;
        struct codec_error error;
        cr_assert_eq(read_json(complete[i], arena, &event, &wire, &error), CODEC_OK, "%s\n%s",
                     complete[i], error.text);
        cr_assert(codec_event_write(&event, arena, &again));
        cr_expect(bytes_equal(wire, again), "%s", complete[i]);
        kinds |= TOLD(event.kind);
    }
#define EVENT(number, NAME, field, handled)                                                        \
    cr_expect(kinds &TOLD(number), "no event of kind %s is tried", #field);
#include "engine/core/event.def"
#undef EVENT
}

/* What the fold does not judge yet never reaches it. */
Test(codec_payload, only_what_is_handled_passes)
{
    for (size_t i = 0; i < COMPLETE; i++) {
        struct arena *arena = fixture_arena();
        struct bytes payload, wire = fixture_event(complete[i], arena);
        enum event_kind kind = payload_of(wire, &payload)->kind;
        struct entry entry = {0};
        struct codec_error error = {0};
        enum codec_result result = codec_event_decode(wire, arena, &entry, &error);
        if (event_kind_handled(kind)) {
            cr_expect(result == CODEC_OK && entry.event.kind == kind, "%s\n%s", complete[i],
                      error.text);
            continue;
        }
        cr_expect(result == CODEC_UNREADABLE && error.problem == CODEC_NOT_HANDLED, "%s",
                  complete[i]);
        cr_expect(strstr(error.text, event_kind_name(kind)) != NULL, "%s", error.text);
    }
}

/* The tables have every field that the schema has, by its name and type. */
static void
message_agrees(const struct message_spec *message, const ProtobufCMessageDescriptor *descriptor)
{
    unsigned known = 0;
    for (uint32_t number = 1; number < message->field_count; number++) {
        const struct field_spec *spec = &message->fields[number];
        if (spec->rule == FIELD_UNKNOWN) continue;
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(descriptor, number);
        cr_assert_not_null(field, "%s.%u", descriptor->name, number);
        cr_expect_str_eq(field->name, spec->name);
        bool repeated = spec->rule == FIELD_LIST || spec->rule == FIELD_NAMES;
        cr_expect_eq(field->label == PROTOBUF_C_LABEL_REPEATED, repeated, "%s", field->name);
        cr_expect_eq(field->type == PROTOBUF_C_TYPE_MESSAGE, spec->message != NULL, "%s",
                     field->name);
        cr_expect_eq(field->type == PROTOBUF_C_TYPE_BYTES, spec->rule == FIELD_JOURNAL_ID, "%s",
                     field->name);
        cr_expect_eq(field->type == PROTOBUF_C_TYPE_BOOL, spec->rule == FIELD_BOOL, "%s",
                     field->name);
        if (spec->message != NULL) message_agrees(spec->message, field->descriptor);
        known++;
    }
    cr_expect_eq(known, descriptor->n_fields, "%s", descriptor->name);
}

Test(codec_payload, tables_are_the_schema)
{
    uint32_t kinds = 0;
    for (uint32_t number = 30; number < 100; number++) {
        const struct payload_spec *spec = payload_find(number);
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(&tallybook__v1__event__descriptor, number);
        if (spec == NULL) {
            bool crosses = number >= 50 && number < 60;
            cr_expect(field == NULL || crosses, "event %u", number);
            continue;
        }
        cr_assert_not_null(field);
        cr_expect_str_eq(field->name, event_kind_name(spec->kind));
        message_agrees(spec->message, field->descriptor);
        kinds++;
    }
    cr_expect_eq(kinds, 28);
}

/* ---- What becomes of what is left out ---- */

Test(codec_payload, completes_what_is_left_out)
{
    struct arena *arena = fixture_arena();
    struct event event =
        read_good(JSON("\"refund\":{\"orderId\":\"o\",\"refundId\":\"r\",\"currency\":\"EUR\","
                       "\"amountMinor\":5,\"lines\":[{\"lineId\":\"1\",\"amountMinor\":3}]}"),
                  arena);
    cr_expect_eq(event.refund.amount_minor, 5, "more than its lines");
    cr_expect_eq(event.refund.style, REFUND_DELTA);
    event = read_good(JSON("\"refund\":{\"orderId\":\"o\",\"style\":\"CUMULATIVE\",\"currency\":"
                           "\"EUR\",\"lines\":[{\"lineId\":\"1\",\"amountMinor\":3}]}"),
                      arena);
    cr_expect_eq(event.refund.style, REFUND_CUMULATIVE);
    cr_expect_eq(event.refund.amount_minor, 3);

    event =
        read_good(JSON("\"redeem\":{\"spendId\":\"x\",\"reward\":{\"rewardId\":\"mug\"}}"), arena);
    cr_expect_eq(event.redeem.request.what, SPEND_REWARD);
    cr_expect_eq(event.redeem.request.reward.count, 1);
    cr_expect_eq(event.redeem.request.currency_count, 0);
    event = read_good(JSON("\"hold\":{\"holdId\":\"h\",\"payment\":{\"currency\":\"EUR\","
                           "\"amountMinor\":7}}"),
                      arena);
    cr_expect_eq(event.hold.request.what, SPEND_PAYMENT);
    cr_expect_eq(event.hold.request.payment.currency, 978);
    cr_expect_eq(event.hold.request.payment.amount_minor, 7);
    cr_expect_eq(event.hold.timeout_ms, 0);

    event = read_good(JSON("\"grant\":{\"points\":5,\"expiresAtMs\":9,\"neverExpires\":true,"
                           "\"unitCostMinor\":{\"numerator\":4,\"denominator\":6},"
                           "\"costCurrency\":\"EUR\"}"),
                      arena);
    cr_expect(event.grant.never_expires && event.grant.expires_at.ms == 0);
    cr_expect(event.grant.unit_cost.numerator == 2 && event.grant.unit_cost.denominator == 3);
    event = read_good(JSON("\"activity\":{\"kind\":\"BIRTHDAY\"}"), arena);
    cr_expect_eq(event.activity.kind, ACTIVITY_BIRTHDAY);
    event = read_good(JSON("\"extendLots\":{\"days\":1}"), arena);
    cr_expect(event.extend_lots.choice.lot_count == 0 && event.extend_lots.days == 1);
    event = read_good(JSON("\"extendLots\":{\"choice\":{" LOTS "},\"days\":1}"), arena);
    cr_assert_eq(event.extend_lots.choice.lot_count, 2);
    const struct lot_name *lot = &event.extend_lots.choice.lots[0];
    cr_expect(lot->journal_id.size == 16 && lot->journal_id.data[15] == 15);
    cr_expect(lot->partition == 3 && lot->ordinal == 9 && lot->index == 1);
}

/* ---- What is wrong ---- */

struct bad_row {
    const char *what, *json;
    const char *text; /* how the error begins */
};

#define FORM(what, json, text)                                                                     \
    {                                                                                              \
        what, JSON(json), text                                                                     \
    }

#define REFUND   "\"refund\":{\"orderId\":\"o\",\"currency\":\"EUR\",\"amountMinor\":5,"
#define REDEEM   "\"redeem\":{\"spendId\":\"x\","
#define HOLD     "\"hold\":{\"holdId\":\"h\","
#define GRANT    "\"grant\":{\"points\":5,"
#define ADJUST   "\"adjust\":{\"reason\":\"r\",\"actor\":\"a\","
#define BIRTHDAY "\"enrol\":{\"birthday\":{"
#define TEN      "nnnnnnnnnn"
#define SEVENTY  TEN TEN TEN TEN TEN TEN TEN

static const struct bad_row bad_rows[] = {
    FORM("a total with a refund's id", REFUND "\"style\":\"CUMULATIVE\",\"refundId\":\"r\"}",
         "refund.refund_id: a total has none"),
    FORM("a total of no order",
         "\"refund\":{\"style\":\"CUMULATIVE\",\"currency\":\"EUR\",\"amountMinor\":5}",
         "refund.order_id: is missing: a total is of an order"),
    FORM("a style of later", REFUND "\"style\":2}", "refund.style: 2 is no style"),
    FORM("a delta without an id", REFUND "\"channel\":\"web\"}", "refund.refund_id: is missing"),
    FORM("a delivery of nothing", "\"delivered\":{}", "delivered.order_id: is missing"),

    FORM("no activity", "\"activity\":{}", "activity.kind: is missing"),
    FORM("an activity of later", "\"activity\":{\"kind\":12}", "activity.kind: 12 is no kind"),
    FORM("an activity between", "\"activity\":{\"kind\":99}", "activity.kind: 99 is no kind"),
    FORM("an activity below", "\"activity\":{\"kind\":-1}", "activity.kind: -1 is no kind"),
    FORM("an app's kind without name", "\"activity\":{\"kind\":\"APP_DEFINED\"}",
         "activity.app_kind: is missing"),
    FORM("a name for a known kind", "\"activity\":{\"kind\":\"SHARE\",\"appKind\":\"x\"}",
         "activity.app_kind: is for APP_DEFINED alone"),
    FORM("a capital in an app's kind",
         "\"activity\":{\"kind\":\"APP_DEFINED\",\"appKind\":\"Walk\"}",
         "activity.app_kind: must be lower-case"),
    FORM("a long app's kind", "\"activity\":{\"kind\":\"APP_DEFINED\",\"appKind\":\"" SEVENTY "\"}",
         "activity.app_kind: has 70 bytes; the limit is 64"),
    FORM("an activity of less than nothing", "\"activity\":{\"kind\":\"SURVEY\",\"value\":-1}",
         "activity.value: -1 is negative"),

    FORM("nothing asked for", REDEEM "\"actor\":\"a\"}", "redeem.points: is missing, and neither"),
    FORM("no reward", REDEEM "\"reward\":{\"count\":1}}", "redeem.reward.reward_id: is missing"),
    FORM("no money of a payment", REDEEM "\"payment\":{\"amountMinor\":5}}",
         "redeem.payment.currency: is missing"),
    FORM("a payment of nothing", REDEEM "\"payment\":{\"currency\":\"EUR\"}}",
         "redeem.payment.amount_minor: is missing"),
    FORM("a payment above its order",
         REDEEM "\"payment\":{\"currency\":\"EUR\",\"amountMinor\":5,\"orderTotalMinor\":4}}",
         "redeem.payment.order_total_minor: is less"),
    FORM("nine currencies",
         REDEEM "\"points\":1,\"currencies\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\","
                "\"i\"]}",
         "redeem.currencies: there are 9; the limit is 8"),
    FORM("a currency twice", REDEEM "\"points\":1,\"currencies\":[\"a\",\"b\",\"a\"]}",
         "redeem.currencies[2]: 'a' is told twice"),
    FORM("an empty currency", REDEEM "\"points\":1,\"currencies\":[\"a\",\"\"]}",
         "redeem.currencies[1]: is empty"),
    FORM("a hold without an id", "\"hold\":{\"points\":1}", "hold.hold_id: is missing"),
    FORM("a hold of nothing", HOLD "\"points\":0}", "hold.points: 0 is not above zero"),
    FORM("a hold for ever", HOLD "\"points\":1,\"timeoutMs\":7776000001}",
         "hold.timeout_ms: 7776000001 is not within 90 days"),
    FORM("a hold that is over", HOLD "\"points\":1,\"timeoutMs\":-1}",
         "hold.timeout_ms: -1 is not within"),
    FORM("nothing undone", "\"cancelRedemption\":{}", "cancel_redemption.spend_id: is missing"),
    FORM("less than nothing undone", "\"cancelRedemption\":{\"spendId\":\"x\",\"points\":-1}",
         "cancel_redemption.points: -1 is negative"),
    FORM("nothing captured", "\"captureHold\":{}", "capture_hold.hold_id: is missing"),
    FORM("less than nothing captured", "\"captureHold\":{\"holdId\":\"h\",\"points\":-1}",
         "capture_hold.points: -1 is negative"),
    FORM("nothing released", "\"releaseHold\":{}", "release_hold.hold_id: is missing"),

    FORM("a gift of nothing", "\"grant\":{}", "grant.points: is missing"),
    FORM("a cost of no money", GRANT "\"unitCostMinor\":{\"numerator\":1,\"denominator\":2}}",
         "grant.cost_currency: is missing"),
    FORM("money that costs nothing", GRANT "\"costCurrency\":\"EUR\"}",
         "grant.unit_cost_minor: is missing"),
    FORM("a cost without a side", GRANT "\"unitCostMinor\":{\"numerator\":1}}",
         "grant.unit_cost_minor.denominator: is missing"),
    FORM("a cost without the other", GRANT "\"unitCostMinor\":{\"denominator\":1}}",
         "grant.unit_cost_minor.numerator: is missing"),
    FORM("a negative cost", GRANT "\"unitCostMinor\":{\"numerator\":-1,\"denominator\":1}}",
         "grant.unit_cost_minor.numerator: -1 is not above zero"),
    FORM("gone before it is there", GRANT "\"activatesAtMs\":9,\"expiresAtMs\":9}",
         "grant.expires_at_ms: is not after activates_at_ms"),
    FORM("an instant in microseconds", GRANT "\"expiresAtMs\":253402300800000}",
         "grant.expires_at_ms: 253402300800000 is no instant"),
    FORM("an instant before 1970", GRANT "\"activatesAtMs\":-1}",
         "grant.activates_at_ms: -1 is no instant"),
    FORM("a correction of nothing", ADJUST "\"mayOwe\":true}", "adjust.points: is missing"),
    FORM("a correction beyond 63 bits", ADJUST "\"points\":-9223372036854775808}",
         "adjust.points: -9223372036854775808 has more than 63 bits"),
    FORM("a correction without a reason", "\"adjust\":{\"points\":1,\"actor\":\"a\"}",
         "adjust.reason: is missing"),
    FORM("a correction by nobody", "\"adjust\":{\"points\":1,\"reason\":\"r\"}",
         "adjust.actor: is missing"),
    FORM("an approval of what", "\"approve\":{\"actor\":\"a\"}",
         "approve.awaiting.source: is missing"),
    FORM("an approval of what there",
         "\"approve\":{\"awaiting\":{\"source\":\"s\"},\"actor\":\"a\"}",
         "approve.awaiting.id: is missing"),
    FORM("an approval by nobody", "\"approve\":{\"awaiting\":{\"source\":\"s\",\"id\":\"e\"}}",
         "approve.actor: is missing"),

    FORM("an extension to when", "\"extendLots\":{}", "extend_lots.expires_at_ms: is missing, and"),
    FORM("an extension to never", "\"extendLots\":{\"expiresAtMs\":0}",
         "extend_lots.expires_at_ms: is missing"),
    FORM("an extension by no days", "\"extendLots\":{\"days\":0}", "extend_lots.days: must be 1"),
    FORM("an extension by ages", "\"extendLots\":{\"days\":36601}", "extend_lots.days: must be 1"),
    FORM("a lot of no event", "\"extendLots\":{\"days\":1,\"choice\":{\"lots\":[{\"index\":1}]}}",
         "extend_lots.choice.lots[0].ordinal: is missing"),
    FORM("a lot twice",
         "\"extendLots\":{\"days\":1,\"choice\":{\"lots\":[{\"ordinal\":1},{\"ordinal\":1}]}}",
         "extend_lots.choice.lots[1].ordinal: the lot is named twice"),
    FORM("a short journal",
         "\"extendLots\":{\"days\":1,\"choice\":{\"lots\":[{\"journalId\":\"AAA=\",\"ordinal\":1}]}"
         "}",
         "extend_lots.choice.lots[0].journal_id: has 2 bytes, not 16"),
    FORM("lots and a window",
         "\"reinstateLots\":{\"choice\":{\"lots\":[{\"ordinal\":1}],\"expiringFromMs\":1}}",
         "reinstate_lots.choice.lots: are named"),
    FORM("a window that ends before it starts",
         "\"renewLots\":{\"choice\":{\"expiringFromMs\":2,\"expiringUntilMs\":2}}",
         "renew_lots.choice.expiring_until_ms: is not after"),
    FORM("back until when", "\"reinstateLots\":{}", "reinstate_lots.expires_at_ms: is missing"),
    FORM("no share", "\"renewLots\":{\"expiresAtMs\":9}", "renew_lots.share.numerator: is missing"),
    FORM("more than all",
         "\"renewLots\":{\"share\":{\"numerator\":3,\"denominator\":2},\"expiresAtMs\":9}",
         "renew_lots.share: is above 1"),
    FORM("renewed until when", "\"renewLots\":{\"share\":{\"numerator\":1,\"denominator\":2}}",
         "renew_lots.expires_at_ms: is missing"),
    FORM("a release of what", "\"releaseQuarantine\":{}",
         "release_quarantine.granted_by.source: is missing"),
    FORM("a rejection of what", "\"rejectQuarantine\":{\"grantedBy\":{\"source\":\"s\"}}",
         "reject_quarantine.granted_by.id: is missing"),

    FORM("a 13th month", BIRTHDAY "\"month\":13,\"day\":1}}",
         "enrol.birthday.month: 13 is no month"),
    FORM("a month too large for one", BIRTHDAY "\"month\":257,\"day\":1}}",
         "enrol.birthday.month: 257 is out of range"),
    FORM("a day of no month", BIRTHDAY "\"day\":1}}", "enrol.birthday.month: 0 is no month"),
    FORM("a month without a day", BIRTHDAY "\"month\":1}}",
         "enrol.birthday.day: month 1 has no day 0"),
    FORM("30 February", BIRTHDAY "\"month\":2,\"day\":30}}",
         "enrol.birthday.day: month 2 has no day 30"),
    FORM("31 April", BIRTHDAY "\"month\":4,\"day\":31}}",
         "enrol.birthday.day: month 4 has no day 31"),
    FORM("32 January", BIRTHDAY "\"month\":1,\"day\":32}}",
         "enrol.birthday.day: month 1 has no day 32"),
    FORM("a profile of nothing", "\"profileUpdate\":{}", "profile_update.birthday: is missing"),
    FORM("31 June", "\"profileUpdate\":{\"birthday\":{\"month\":6,\"day\":31}}",
         "profile_update.birthday.day: month 6 has no day 31"),
    FORM("no tier", "\"tierOverride\":{\"group\":\"club\"}", "tier_override.tier: is missing"),
    FORM("an override that is over", "\"tierOverride\":{\"tier\":\"gold\",\"untilMs\":1000}",
         "tier_override.until_ms: is not after"),
    FORM("a long attribute's key", "\"enrol\":{\"attributes\":[{\"key\":\"" SEVENTY "\"}]}",
         "enrol.attributes[0].key: has 70 bytes; the limit is 64"),
    FORM("a long attribute",
         "\"enrol\":{\"attributes\":[{\"key\":\"k\",\"value\":\"" SEVENTY SEVENTY SEVENTY SEVENTY
         "\"}]}",
         "enrol.attributes[0].value: has 280 bytes; the limit is 256"),
    FORM("a long actor", "\"close\":{\"actor\":\"" SEVENTY SEVENTY "\"}",
         "close.actor: has 140 bytes; the limit is 128"),
    FORM("a line end in a name", "\"endTierOverride\":{\"group\":\"a\\nb\"}",
         "end_tier_override.group: is not UTF-8 without control characters"),
};

Test(codec_payload, names_what_is_wrong)
{
    for (size_t i = 0; i < sizeof bad_rows / sizeof *bad_rows; i++) {
        const struct bad_row *row = &bad_rows[i];
        struct event event;
        struct bytes wire;
        struct codec_error error;
        enum codec_result result = read_json(row->json, fixture_arena(), &event, &wire, &error);
        cr_expect(result == CODEC_REFUSED && error.problem == CODEC_MALFORMED &&
                      error.verdict == VERDICT_MALFORMED,
                  "%s: result %d, verdict %u: %s", row->what, result, error.verdict, error.text);
        cr_expect(strncmp(error.text, row->text, strlen(row->text)) == 0, "%s: %s", row->what,
                  error.text);
    }
}

/* ---- What only bytes can say ---- */

static enum codec_result
read_bytes(uint32_t number, const char *bytes, size_t size, bool *out_canonical,
           struct codec_error *out_error)
{
    const struct payload_spec *spec = payload_find(number);
    struct event event = {.kind = spec->kind, .occurred_at = {1000}};
    memset(out_error, 0, sizeof *out_error);
    return payload_read(spec, bytes_of(bytes, size), fixture_arena(), &event, out_canonical,
                        out_error);
}

Test(codec_payload, judges_bytes_that_no_writer_makes)
{
    const struct {
        const char *what;
        uint32_t number;
        const char *bytes;
        size_t size;
        const char *text; /* NULL: accepted, but not canonical */
    } rows[] = {
#define ROW(what, number, bytes, text) {what, number, bytes, sizeof(bytes) - 1, text}
        ROW("points and a reward", 60, "\x0a\x01x\x18\x01\x22\x03\x0a\x01m",
            "redeem.points, reward and payment: more than one is told"),
        ROW("a reward twice", 60, "\x0a\x01x\x22\x03\x0a\x01m\x22\x03\x0a\x01m",
            "redeem.reward: is told twice"),
        ROW("an instant and days", 73, "\x10\x05\x18\x01",
            "extend_lots.expires_at_ms and days: both are told"),
        ROW("a yes that is a two", 70, "\x10\x05\x38\x02", NULL),
        ROW("a no that is told", 70, "\x10\x05\x38\x00", NULL),
        ROW("a birthday twice", 81, "\x0a\x00\x0a\x00", "profile_update.birthday: is told twice"),
        ROW("points as text", 60, "\x0a\x01x\x1a\x01y", "redeem.points: has another type"),
        ROW("a field of later", 85, "\xf8\x01\x01", NULL),
        ROW("broken UTF-8 in a reason", 82, "\x0a\x01\xff", "suspend.reason: is not UTF-8"),
#undef ROW
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool canonical = true;
        struct codec_error error;
        enum codec_result result =
            read_bytes(rows[i].number, rows[i].bytes, rows[i].size, &canonical, &error);
        if (rows[i].text == NULL) {
            cr_expect(result == CODEC_OK && !canonical, "%s: %s", rows[i].what, error.text);
            continue;
        }
        cr_expect_eq(result, CODEC_REFUSED, "%s", rows[i].what);
        cr_expect(strncmp(error.text, rows[i].text, strlen(rows[i].text)) == 0, "%s: %s",
                  rows[i].what, error.text);
    }
}

Test(codec_payload, a_full_arena_says_nothing_of_the_bytes)
{
    for (size_t i = 0; i < COMPLETE; i++) {
        struct arena *arena = fixture_arena();
        struct bytes payload, wire = fixture_event(complete[i], arena);
        const struct payload_spec *spec = payload_of(wire, &payload);
        enum codec_result result = CODEC_NO_ROOM;
        for (size_t room = 0; result == CODEC_NO_ROOM && room <= 4096; room += ARENA_ALIGNMENT) {
            static _Alignas(ARENA_ALIGNMENT) uint8_t memory[4096];
            struct arena small;
            struct event event = {.kind = spec->kind, .occurred_at = {1000}};
            struct codec_error error;
            bool canonical;
            arena_init(&small, memory, room);
            result = payload_read(spec, payload, &small, &event, &canonical, &error);
        }
        cr_expect_eq(result, CODEC_OK, "%s", complete[i]);
    }
}
