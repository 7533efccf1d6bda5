/* The keys of the examples beside the rules (docs/rulebook-examples.md). The program has nothing of
 * them: `tally rules test` runs them. */
#include <assert.h>

#include "engine/core/event.h"
#include "engine/rules/schema_keys_priv.h"

enum {
    SCHEMA_STEPS_MAX = 10000,
    SCHEMA_EXPECTATIONS_MAX = 1000,
    STEP_KEYS_BESIDE_EVENTS = 9,
    EVENT_KINDS = 0
#define EVENT(number, NAME, field, handled) +(handled)
#include "engine/core/event.def"
#undef EVENT
};

#define KEY_WHOSE(kind)                                                                            \
    {.name = "member",                                                                             \
     .type = SCHEMA_TEXT,                                                                          \
     .help = "The member that the " kind " is about, by any id. It names a member or a guest.",    \
     .example = "member: ann"},                                                                    \
    {                                                                                              \
        .name = "guest", .type = SCHEMA_TEXT,                                                      \
        .help = "The guest's key that the " kind " is about.", .example = "guest: basket-7"        \
    }

#define KEY_EVENT(field, what, fields)                                                             \
    {                                                                                              \
        .name = #field, .type = SCHEMA_EVENT, .help = what, .example = #field ": " fields          \
    }

/* ---- What is given ---- */

static const struct schema_key step_keys[] = {
    {.name = "at",
     .type = SCHEMA_START,
     .help = "When it reaches the ledger. Left out: with the step above; the first, at the "
             "rulebook's `effective_from`. Never before the step above.",
     .example = "at: 2026-03-01T10:00"},
    KEY_WHOSE("event"),
    {.name = "occurred_at",
     .type = SCHEMA_START,
     .help = "When it happened. Left out: `at`.",
     .example = "occurred_at: 2026-02-28T23:59"},
    {.name = "id",
     .type = SCHEMA_TEXT,
     .help = "The event's id. Left out: `e1`, `e2` and so on, by the number of the event in the "
             "example. Its source is `example`.",
     .example = "id: first-order"},
    {.name = "verdict",
     .type = SCHEMA_VERDICT,
     .help = "The answer that it should get. Left out: `accepted`.",
     .example = "verdict: insufficient_points"},
    {.name = "requested",
     .type = SCHEMA_NAMED_POINTS,
     .help = "What its answer should say was asked for, before caps: points by currency.",
     .example = "requested: { points: 250 }"},
    {.name = "granted",
     .type = SCHEMA_NAMED_POINTS,
     .help =
         "What its answer should say was granted, or spent, held or clawed back, as the kind of "
         "event has it: points by currency.",
     .example = "granted: { points: 100 }"},
    {.name = "tick",
     .type = SCHEMA_BOOLEAN,
     .help = "`true` and no event: time passes to `at`.",
     .example = "tick: true"},
    KEY_EVENT(
        purchase,
        "An order. One of a single line of goods may have its `amount` alone. A line has `amount` "
        "and "
        "any of `line_id`, `kind`, `sku`, `category`, `brand`, `discount`, `tax`; the order "
        "`channel`, "
        "`store`, `partner`, `gift_card`, `points_tender` and `attributes: [ { key, value } ]`.",
        "{ order_id: O-1, currency: GBP, lines: [ { amount: 20.00, sku: tea, category: food } "
        "] }"),
    KEY_EVENT(refund,
              "Money returned: so much more, or with `style: cumulative` so much in all so far. "
              "With `lines: "
              "[ { line_id, amount } ]` of certain lines; without `order_id` of an order unknown.",
              "{ order_id: O-1, refund_id: R-1, currency: GBP, amount: 5.00 }"),
    KEY_EVENT(cancellation, "The whole order is off.", "{ order_id: O-1 }"),
    KEY_EVENT(delivered, "The order has arrived.", "{ order_id: O-1 }"),
    KEY_EVENT(activity,
              "Something done that is no order, by its kind as in the rules: `check_in`, `review`, "
              "or one of the programme's own.",
              "{ kind: review, reference: review-7 }"),
    KEY_EVENT(redeem,
              "Points are spent: so many as `points` says, a piece of the catalogue, `reward: { "
              "reward_id: mug, count: 2 }`, or money to be paid with points, `payment: { order_id: "
              "O-1, currency: GBP, amount: 10.00, order_total: 25.00 }`. `currencies` names others "
              "than the rulebook's first, in their order.",
              "{ spend_id: S-1, points: 50 }"),
    KEY_EVENT(cancel_redemption, "A spend is undone, in whole or in part.", "{ spend_id: S-1 }"),
    KEY_EVENT(
        hold,
        "Points are put aside for a checkout: so many, a reward or a payment, as of a redeem.",
        "{ hold_id: H-1, points: 50, timeout: 15 min }"),
    KEY_EVENT(capture_hold, "What is held is spent; the rest is released.",
              "{ hold_id: H-1, points: 40 }"),
    KEY_EVENT(release_hold, "What is held is released.", "{ hold_id: H-1 }"),
    KEY_EVENT(grant, "Points given by hand.",
              "{ currency: points, points: 100, expires_at: 2026-12-31 }"),
    KEY_EVENT(adjust, "A balance is corrected by hand.",
              "{ currency: points, points: -20, reason: mistaken, actor: clerk-1 }"),
    KEY_EVENT(approve, "A second person approves an adjustment.",
              "{ awaiting: { source: example, id: e3 }, actor: clerk-2 }"),
    KEY_EVENT(extend_lots, "Points get a later end.",
              "{ choice: { currency: points }, days: 30, reason: closed-shop, actor: clerk-1 }"),
    KEY_EVENT(reinstate_lots, "Expired points come back.",
              "{ choice: { currency: points }, expires_at: 2026-12-31, reason: goodwill, actor: "
              "clerk-1 }"),
    KEY_EVENT(
        renew_lots, "A share of expired points comes back.",
        "{ choice: { currency: points }, share: { numerator: 1, denominator: 2 }, expires_at: "
        "2026-12-31, reason: goodwill, actor: clerk-1 }"),
    KEY_EVENT(release_quarantine, "Points in quarantine are the member's after all.",
              "{ granted_by: { source: example, id: e3 }, actor: clerk-1 }"),
    KEY_EVENT(reject_quarantine, "Points in quarantine are not the member's.",
              "{ granted_by: { source: example, id: e3 }, actor: clerk-1 }"),
    KEY_EVENT(enrol, "The member joins.", "{ birthday: { month: 3, day: 14 } }"),
    KEY_EVENT(profile_update, "The birthday changes.", "{ birthday: { month: 3, day: 14 } }"),
    KEY_EVENT(suspend, "The member may neither earn nor spend.",
              "{ reason: under-review, actor: clerk-1 }"),
    KEY_EVENT(resume, "The suspension ends.", "{ actor: clerk-1 }"),
    KEY_EVENT(freeze, "As suspended, and nothing expires meanwhile.",
              "{ reason: on-leave, actor: clerk-1 }"),
    KEY_EVENT(unfreeze, "The freeze ends.", "{ actor: clerk-1 }"),
    KEY_EVENT(close, "The account ends.", "{ reason: at-own-wish, actor: clerk-1 }"),
    KEY_EVENT(reopen, "A closed account starts again, empty.", "{ actor: clerk-1 }"),
    KEY_EVENT(tier_override, "A level given by hand.",
              "{ group: status, tier: gold, until: 2026-12-31, reason: goodwill, actor: clerk-1 }"),
    KEY_EVENT(end_tier_override, "A level given by hand is taken back.",
              "{ group: status, actor: clerk-1 }"),
};
const struct schema_map schema_step = {"a step", KEYS(step_keys)};
static_assert(sizeof step_keys / sizeof *step_keys == STEP_KEYS_BESIDE_EVENTS + EVENT_KINDS,
              "every kind of event that the fold judges can be told");

/* ---- What is expected ---- */

#define KEY_ACCOUNT(account, what)                                                                 \
    {                                                                                              \
        .name = #account, .type = SCHEMA_NAMED_POINTS, .help = what,                               \
        .example = #account ": { points: 120 }"                                                    \
    }

static const struct schema_key expected_expiry_keys[] = {
    {.name = "points",
     .type = SCHEMA_POINTS,
     .required = true,
     .help = "How many.",
     .example = "points: 20"},
    {.name = "currency",
     .type = SCHEMA_NAME,
     .help = "Of which points currency. Left out: the rulebook's first.",
     .example = "currency: points"},
    {.name = "on",
     .type = SCHEMA_START_OR_NEVER,
     .help = "The last day on which they can be used, or `never` for those that do not expire.",
     .example = "on: 2026-03-31"},
    {.name = "at",
     .type = SCHEMA_START,
     .help = "The instant itself, in place of `on`.",
     .example = "at: 2026-03-31T15:00:00Z"},
};
const struct schema_map schema_expected_expiry = {"an expiry", KEYS(expected_expiry_keys)};

static const struct schema_key expectation_keys[] = {
    KEY_WHOSE("expectation"),
    {.name = "at",
     .type = SCHEMA_START,
     .help = "When: time passes to it first. Left out: with what stands above. Never before that.",
     .example = "at: 2026-04-01"},
    KEY_ACCOUNT(balance, "What can be spent: points by currency. It also says that nothing is owed "
                         "in the currency, unless `arrears` says what is."),
    KEY_ACCOUNT(pending, "What is granted and waits: points by currency."),
    KEY_ACCOUNT(held, "What is put aside by holds: points by currency."),
    KEY_ACCOUNT(lapsing, "What has reached its end and is within its grace: points by currency."),
    KEY_ACCOUNT(arrears, "What is owed: points by currency."),
    {.name = "tier",
     .type = SCHEMA_NAMED_NAMES,
     .help = "The level by tier group.",
     .example = "tier: { status: gold }"},
    {.name = "expires",
     .type = SCHEMA_LIST,
     .map = &schema_expected_expiry,
     .max = SCHEMA_EXPECTATIONS_MAX,
     .help = "All points of the balance that expire, and when, in each currency that the list "
             "names: what it leaves out is expected not to expire. `[]` says that nothing does, in "
             "any currency. What never expires may be listed, or not.",
     .example = "expires: [ { points: 20, on: 2026-03-31 } ]"},
};
const struct schema_map schema_expectation = {"an expectation", KEYS(expectation_keys)};

static const struct schema_key example_keys[] = {
    {.name = "example",
     .type = SCHEMA_TEXT,
     .required = true,
     .help = "What it shows, in a few words; `--only` runs the one of this name.",
     .example = "example: a pound is a point"},
    {.name = "given",
     .type = SCHEMA_LIST,
     .map = &schema_step,
     .required = true,
     .max = SCHEMA_STEPS_MAX,
     .help = "What happens, step by step: each has one event, or `tick: true`.",
     .example =
         "given: [ { at: 2026-03-01, member: ann, purchase: { order_id: O-1, amount: 20.00 } "
         "} ]"},
    {.name = "expect",
     .type = SCHEMA_LIST,
     .map = &schema_expectation,
     .required = true,
     .max = SCHEMA_EXPECTATIONS_MAX,
     .help = "What is there afterwards, member by member, and as time passes.",
     .example = "expect: [ { member: ann, balance: { points: 20 } } ]"},
};
const struct schema_map schema_example = {"an example", KEYS(example_keys)};
