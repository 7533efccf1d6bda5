#include "tally/rulebook_examples.h"

#include <stdio.h>
#include <string.h>

#include "consumers/codec_event.h"
#include "consumers/codec_source.h"
#include "engine/base/check.h"
#include "engine/base/decimal.h"
#include "engine/core/calendar.h"
#include "engine/core/verdict.h"
#include "engine/rules/scalar.h"

enum { EVENT_TEXT_MAX = 1 << 20, FIGURE_MAX = DECIMAL_TEXT_MAX, KEY_MAX = 256, NUMBER_MAX = 24 };

struct run {
    const struct program *program;
    const struct activation *activation;
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct trial trial;
    struct instant now; /* of the last step */
    uint32_t told;      /* events so far: makes ids */
};

/* ---- A step as JSON ---- */

/* Keys that a person writes as dates, spans or money; the event has numbers. */
static const struct sugar {
    const char *key, *field;
    enum { SUGAR_MONEY, SUGAR_INSTANT, SUGAR_SPAN } kind;
} SUGARS[] = {
    {"amount", "amount_minor", SUGAR_MONEY},
    {"discount", "discount_minor", SUGAR_MONEY},
    {"tax", "tax_minor", SUGAR_MONEY},
    {"gift_card", "gift_card_minor", SUGAR_MONEY},
    {"points_tender", "points_tender_minor", SUGAR_MONEY},
    {"order_total", "order_total_minor", SUGAR_MONEY},
    {"activates_at", "activates_at_ms", SUGAR_INSTANT},
    {"expires_at", "expires_at_ms", SUGAR_INSTANT},
    {"expiring_from", "expiring_from_ms", SUGAR_INSTANT},
    {"expiring_until", "expiring_until_ms", SUGAR_INSTANT},
    {"until", "until_ms", SUGAR_INSTANT},
    {"timeout", "timeout_ms", SUGAR_SPAN},
};

static const struct sugar *
find_sugar(const struct yaml_node *node)
{
    if (node->kind != YAML_TEXT) return NULL;
    for (size_t i = 0; i < sizeof SUGARS / sizeof *SUGARS; i++) {
        if (bytes_equal(node->key, bytes_from_cstr(SUGARS[i].key))) return &SUGARS[i];
    }
    return NULL;
}

static void
put_text(struct writer *json, struct bytes text)
{
    writer_u8(json, '"');
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\') writer_u8(json, '\\');
        writer_u8(json, text.data[i] < ' ' ? ' ' : text.data[i]);
    }
    writer_u8(json, '"');
}

static void
put_literal(struct writer *json, const char *text)
{
    writer_bytes(json, bytes_from_cstr(text));
}

static void
put_number(struct writer *json, int64_t number)
{
    char text[NUMBER_MAX];
    snprintf(text, sizeof text, "\"%lld\"", (long long)number);
    put_literal(json, text);
}

/* The money of an order, refund or payment: what its map says, or the map around it. */
static const struct currency *
money_of(const struct yaml_node *map, const struct currency *around)
{
    const struct yaml_node *currency = yaml_get(map, "currency");
    const struct currency *own = currency == NULL ? NULL : currency_from_alpha(currency->text);
    return own == NULL ? around : own;
}

static bool
put_sugar(struct run *run, const struct sugar *sugar, const struct yaml_node *node,
          const struct currency *money, struct writer *json)
{
    int64_t value;
    struct instant instant;
    switch (sugar->kind) {
    case SUGAR_MONEY:
        if (money == NULL) {
            return diagnostics_error(run->diagnostics, node->place,
                                     "'%s' needs the currency of the order beside it", sugar->key);
        }
        if (decimal_parse(node->text, money->digits, &value) != DECIMAL_OK) {
            return diagnostics_error(
                run->diagnostics, node->place, "'%.*s' is no amount of %s with at most %u decimals",
                (int)node->text.size, (const char *)node->text.data, money->alpha, money->digits);
        }
        break;
    case SUGAR_INSTANT:
        if (!scalar_start(node, &run->program->zone, run->diagnostics, &instant)) return false;
        value = instant.ms;
        break;
    case SUGAR_SPAN:
        if (!scalar_elapsed(node, 1, INT64_C(400) * CALENDAR_DAY_MS, run->diagnostics, &value))
            return false;
        break;
    }
    put_text(json, bytes_from_cstr(sugar->field));
    writer_u8(json, ':');
    put_number(json, value);
    return true;
}

static bool put_value(struct run *run, const struct yaml_node *node, const struct currency *money,
                      struct writer *json);

static bool
put_member(struct run *run, const struct yaml_node *node, const struct currency *money,
           struct writer *json)
{
    const struct sugar *sugar = find_sugar(node);
    if (sugar != NULL) return put_sugar(run, sugar, node, money, json);
    put_text(json, node->key);
    writer_u8(json, ':');
    return put_value(run, node, money, json);
}

static bool
put_value(struct run *run, const struct yaml_node *node, const struct currency *money,
          struct writer *json)
{
    if (node->kind == YAML_TEXT) {
        bool word = !node->quoted && (yaml_is(node, "true") || yaml_is(node, "false"));
        if (word) writer_bytes(json, node->text);
        if (!word) put_text(json, node->text);
        return true;
    }
    bool map = node->kind == YAML_MAP, sound = true;
    if (map) money = money_of(node, money);
    writer_u8(json, map ? '{' : '[');
    for (const struct yaml_node *each = node->first; each != NULL; each = each->next) {
        if (each != node->first) writer_u8(json, ',');
        sound =
            (map ? put_member(run, each, money, json) : put_value(run, each, money, json)) && sound;
    }
    writer_u8(json, map ? '}' : ']');
    return sound;
}

/* An order of one line may be told by its amount alone. */
static bool
put_payload(struct run *run, const struct yaml_node *payload, struct writer *json)
{
    const struct yaml_node *amount = yaml_get(payload, "amount");
    bool short_order = bytes_equal(payload->key, BYTES_LITERAL("purchase")) && amount != NULL &&
                       yaml_get(payload, "lines") == NULL;
    put_text(json, payload->key);
    writer_u8(json, ':');
    if (!short_order) return put_value(run, payload, NULL, json);
    const struct currency *money = money_of(payload, NULL);
    bool sound = true;
    put_literal(json, "{\"lines\":[{");
    sound = put_member(run, amount, money, json);
    put_literal(json, "}]");
    for (const struct yaml_node *each = payload->first; each != NULL; each = each->next) {
        if (each == amount) continue;
        writer_u8(json, ',');
        sound = put_member(run, each, money, json) && sound;
    }
    writer_u8(json, '}');
    return sound;
}

static const char *const STEP_KEYS[] = {"at",      "member", "guest",      "id",
                                        "verdict", "tick",   "occurred_at"};

static bool
is_step_key(struct bytes key)
{
    for (size_t i = 0; i < sizeof STEP_KEYS / sizeof *STEP_KEYS; i++) {
        if (bytes_equal(key, bytes_from_cstr(STEP_KEYS[i]))) return true;
    }
    return false;
}

/* What is no key of a step is its event; exactly one. */
static const struct yaml_node *
payload_of(struct run *run, const struct yaml_node *step)
{
    const struct yaml_node *found = NULL;
    for (const struct yaml_node *each = step->first; each != NULL; each = each->next) {
        if (is_step_key(each->key)) continue;
        if (found != NULL) {
            diagnostics_error(run->diagnostics, each->key_place,
                              "a step tells one event, and '%.*s' is the second",
                              (int)each->key.size, (const char *)each->key.data);
            return NULL;
        }
        found = each;
    }
    if (found == NULL) {
        diagnostics_error(run->diagnostics, step->place, "a step tells an event, or 'tick: true'");
        diagnostics_hint(run->diagnostics,
                         "for example purchase: { order_id: O1, currency: GBP, amount: 20.00 }");
    } else if (found->kind != YAML_MAP) {
        diagnostics_error(run->diagnostics, found->place, "an event is a map of its fields");
        return NULL;
    }
    return found;
}

static bool
put_event(struct run *run, const struct yaml_node *step, const struct yaml_node *payload,
          struct writer *json)
{
    const struct yaml_node *member = yaml_get(step, "member"), *guest = yaml_get(step, "guest");
    const struct yaml_node *id = yaml_get(step, "id"), *when = yaml_get(step, "occurred_at");
    struct instant occurred_at = run->now;
    char own_id[NUMBER_MAX];
    if ((member == NULL) == (guest == NULL)) {
        return diagnostics_error(run->diagnostics, step->place,
                                 "a step names a member, or a guest");
    }
    if (when != NULL && !scalar_start(when, &run->program->zone, run->diagnostics, &occurred_at))
        return false;
    snprintf(own_id, sizeof own_id, "e%u", ++run->told);
    put_literal(json, "{\"source\":\"example\",\"id\":");
    put_text(json, id == NULL ? bytes_from_cstr(own_id) : id->text);
    put_literal(json, member != NULL ? ",\"member\":" : ",\"guest\":");
    put_text(json, member != NULL ? member->text : guest->text);
    put_literal(json, ",\"occurredAtMs\":");
    put_number(json, occurred_at.ms);
    writer_u8(json, ',');
    bool sound = put_payload(run, payload, json);
    writer_u8(json, '}');
    if (json->overflow)
        return diagnostics_error(run->diagnostics, payload->place, "the event is too large");
    return sound;
}

/* ---- Telling ---- */

static bool
take_time(struct run *run, const struct yaml_node *map)
{
    const struct yaml_node *at = yaml_get(map, "at");
    struct instant instant;
    if (at == NULL) return true;
    if (!scalar_start(at, &run->program->zone, run->diagnostics, &instant)) return false;
    if (instant.ms < run->now.ms) {
        return diagnostics_error(run->diagnostics, at->place,
                                 "time only passes forwards in an example: this is before the "
                                 "step above it");
    }
    run->now = instant;
    return true;
}

static bool
decode(struct run *run, const struct yaml_node *payload, struct bytes json, struct entry *out_entry)
{
    struct codec_source source;
    struct codec_error error;
    struct bytes event;
    bool done;
    bool read = codec_source_open(json, run->arena, &source, &error) == CODEC_OK &&
                codec_source_next(&source, &done, &event, &error) == CODEC_OK;
    if (read) {
        enum codec_result result = codec_event_decode(event, run->arena, out_entry, &error);
        if (result == CODEC_OK || result == CODEC_REFUSED) return true;
    }
    return diagnostics_error(run->diagnostics, payload->place, "%s", error.text);
}

static bool
judge_answer(struct run *run, const struct yaml_node *step, const struct outcome *outcome)
{
    const struct yaml_node *wanted = yaml_get(step, "verdict");
    const char *came = verdict_find(outcome->verdict)->name;
    struct bytes expected = wanted == NULL ? BYTES_LITERAL("accepted") : wanted->text;
    if (bytes_equal(expected, bytes_from_cstr(came))) return true;
    diagnostics_error(run->diagnostics, wanted == NULL ? step->place : wanted->place,
                      "the answer is %s, expected was %.*s", came, (int)expected.size,
                      (const char *)expected.data);
    if (outcome->detail.size > 0) {
        diagnostics_hint(run->diagnostics, "%.*s", (int)outcome->detail.size,
                         (const char *)outcome->detail.data);
    }
    return false;
}

static bool
tell_step(struct run *run, const struct yaml_node *step, bool *out_sound, struct fault *out_fault)
{
    const struct yaml_node *tick = yaml_get(step, "tick");
    *out_sound = yaml_expect(step, YAML_MAP, run->diagnostics) && take_time(run, step);
    if (!*out_sound) return true;
    if (tick != NULL) return trial_pass(&run->trial, run->now, out_fault);
    const struct yaml_node *payload = payload_of(run, step);
    uint8_t *room = arena_alloc(run->arena, EVENT_TEXT_MAX);
    CHECK(room != NULL);
    struct writer json = writer_of(room, EVENT_TEXT_MAX);
    struct entry entry;
    struct outcome outcome;
    *out_sound = payload != NULL && put_event(run, step, payload, &json) &&
                 decode(run, payload, writer_span(&json), &entry);
    if (!*out_sound) return true;
    if (!trial_tell(&run->trial, entry, run->now, &outcome, out_fault)) return false;
    *out_sound = judge_answer(run, step, &outcome);
    return true;
}

/* ---- Comparing ---- */

static bool
key_of(struct run *run, const struct yaml_node *expected, char room[KEY_MAX], struct bytes *out_key)
{
    const struct yaml_node *member = yaml_get(expected, "member");
    const struct yaml_node *guest = yaml_get(expected, "guest");
    if ((member == NULL) == (guest == NULL)) {
        return diagnostics_error(run->diagnostics, expected->place,
                                 "an expectation names a member, or a guest");
    }
    struct writer key = writer_of(room, KEY_MAX);
    if (guest != NULL) writer_bytes(&key, BYTES_LITERAL(KEY_GUEST_PREFIX));
    writer_bytes(&key, guest != NULL ? guest->text : member->text);
    *out_key = writer_span(&key);
    return !key.overflow;
}

static const struct wallet_view *
find_wallet(const struct member_view *view, struct bytes currency)
{
    for (size_t i = 0; i < view->wallet_count; i++) {
        if (bytes_equal(view->wallets[i].currency, currency)) return &view->wallets[i];
    }
    return NULL;
}

static const struct program_currency *
find_currency(struct run *run, struct bytes id, struct place place)
{
    for (uint32_t i = 0; i < run->program->currency_count; i++) {
        if (bytes_equal(run->program->currencies[i].id, id)) return &run->program->currencies[i];
    }
    diagnostics_error(run->diagnostics, place, "the rulebook has no points currency '%.*s'",
                      (int)id.size, (const char *)id.data);
    return NULL;
}

static bool
same_points(struct run *run, const struct yaml_node *node, const char *what, struct bytes currency,
            int64_t came)
{
    const struct program_currency *points = find_currency(run, currency, node->place);
    int64_t wanted;
    char came_text[FIGURE_MAX];
    if (points == NULL) return false;
    if (decimal_parse(node->text, points->scale, &wanted) != DECIMAL_OK) {
        return diagnostics_error(run->diagnostics, node->place, "'%.*s' is no number of points",
                                 (int)node->text.size, (const char *)node->text.data);
    }
    if (wanted == came) return true;
    decimal_format(came, points->scale, came_text, sizeof came_text);
    return diagnostics_error(run->diagnostics, node->place, "%s of %.*s: expected %.*s, came %s",
                             what, (int)currency.size, (const char *)currency.data,
                             (int)node->text.size, (const char *)node->text.data, came_text);
}

static int64_t
account_of(const struct wallet_view *wallet, const char *what)
{
    if (wallet == NULL) return 0;
    if (strcmp(what, "pending") == 0) return wallet->pending.units;
    if (strcmp(what, "held") == 0) return wallet->held.units;
    if (strcmp(what, "lapsing") == 0) return wallet->lapsing.units;
    if (strcmp(what, "arrears") == 0) return wallet->arrears.units;
    return wallet->active.units;
}

static bool
same_account(struct run *run, const struct yaml_node *map, const char *what,
             const struct member_view *view)
{
    bool same = true;
    if (!yaml_expect(map, YAML_MAP, run->diagnostics)) return false;
    for (const struct yaml_node *each = map->first; each != NULL; each = each->next) {
        int64_t came = account_of(find_wallet(view, each->key), what);
        same = same_points(run, each, what, each->key, came) && same;
    }
    return same;
}

static bool
same_tiers(struct run *run, const struct yaml_node *map, const struct member_view *view)
{
    bool same = true;
    if (!yaml_expect(map, YAML_MAP, run->diagnostics)) return false;
    for (const struct yaml_node *each = map->first; each != NULL; each = each->next) {
        const struct tier_view *tier = NULL;
        for (size_t i = 0; i < view->tier_count; i++) {
            if (bytes_equal(view->tiers[i].group, each->key)) tier = &view->tiers[i];
        }
        if (tier != NULL && bytes_equal(tier->level, each->text)) continue;
        struct bytes came = tier == NULL ? BYTES_LITERAL("no such group") : tier->level;
        same = diagnostics_error(
            run->diagnostics, each->place, "tier of %.*s: expected %.*s, came %.*s",
            (int)each->key.size, (const char *)each->key.data, (int)each->text.size,
            (const char *)each->text.data, (int)came.size, (const char *)came.data);
    }
    return same;
}

/* `on` is the last usable day, `at` the instant itself. */
static bool
expiry_instant(struct run *run, const struct yaml_node *map, struct instant *out_instant)
{
    const struct yaml_node *on = yaml_get(map, "on"), *at = yaml_get(map, "at");
    struct instant day;
    if ((on == NULL) == (at == NULL)) {
        return diagnostics_error(run->diagnostics, map->place,
                                 "an expiry has 'on', the last usable day, or 'at', the instant");
    }
    if (at != NULL) return scalar_start(at, &run->program->zone, run->diagnostics, out_instant);
    if (!scalar_start(on, &run->program->zone, run->diagnostics, &day)) return false;
    *out_instant = calendar_bucket_end(&run->program->zone, day, CALENDAR_DAY);
    return true;
}

static bool
same_expiries(struct run *run, const struct yaml_node *list, const struct member_view *view)
{
    bool same = true;
    if (!yaml_expect(list, YAML_LIST, run->diagnostics)) return false;
    for (const struct yaml_node *each = list->first; each != NULL; each = each->next) {
        const struct yaml_node *points = yaml_get(each, "points");
        const struct yaml_node *currency = yaml_get(each, "currency");
        struct bytes id = currency != NULL ? currency->text : run->program->currencies[0].id;
        struct instant instant;
        int64_t came = 0;
        if (points == NULL) {
            same = diagnostics_error(run->diagnostics, each->place, "an expiry has 'points'");
            continue;
        }
        if (!expiry_instant(run, each, &instant)) {
            same = false;
            continue;
        }
        for (size_t i = 0; i < view->lot_count; i++) {
            const struct lot_view *lot = &view->lots[i];
            if (lot->expires_at.ms == instant.ms && bytes_equal(lot->currency, id))
                came += lot->remaining.units;
        }
        same = same_points(run, points, "what expires then", id, came) && same;
    }
    return same;
}

static const char *const EXPECT_KEYS[] = {"member", "guest",   "at",      "balance", "pending",
                                          "held",   "lapsing", "arrears", "tier",    "expires"};

static bool
compare(struct run *run, const struct yaml_node *expected, struct fault *out_fault, bool *out_same)
{
    char room[KEY_MAX];
    struct bytes key;
    struct member_view view = {0};
    *out_same = yaml_expect(expected, YAML_MAP, run->diagnostics) &&
                yaml_check_keys(expected, EXPECT_KEYS, sizeof EXPECT_KEYS / sizeof *EXPECT_KEYS,
                                run->diagnostics) &&
                take_time(run, expected) && key_of(run, expected, room, &key);
    if (!*out_same) return true;
    if (!trial_pass(&run->trial, run->now, out_fault)) return false;
    if (!trial_look(&run->trial, key, &view)) {
        *out_same = diagnostics_error(run->diagnostics, expected->place, "nobody is enrolled so");
        return true;
    }
    static const char *const accounts[] = {"balance", "pending", "held", "lapsing", "arrears"};
    for (size_t i = 0; i < sizeof accounts / sizeof *accounts; i++) {
        const struct yaml_node *map = yaml_get(expected, accounts[i]);
        if (map != NULL) *out_same = same_account(run, map, accounts[i], &view) && *out_same;
    }
    const struct yaml_node *tier = yaml_get(expected, "tier");
    const struct yaml_node *expires = yaml_get(expected, "expires");
    if (tier != NULL) *out_same = same_tiers(run, tier, &view) && *out_same;
    if (expires != NULL) *out_same = same_expiries(run, expires, &view) && *out_same;
    return true;
}

/* ---- One example, and all ---- */

static const char *const EXAMPLE_KEYS[] = {"example", "given", "expect"};

static bool
is_example(struct run *run, const struct yaml_node *example)
{
    const struct yaml_node *name = yaml_get(example, "example");
    const struct yaml_node *given = yaml_get(example, "given"),
                           *expect = yaml_get(example, "expect");
    if (!yaml_expect(example, YAML_MAP, run->diagnostics) ||
        !yaml_check_keys(example, EXAMPLE_KEYS, sizeof EXAMPLE_KEYS / sizeof *EXAMPLE_KEYS,
                         run->diagnostics))
        return false;
    if (name == NULL || given == NULL || expect == NULL) {
        return diagnostics_error(run->diagnostics, example->place,
                                 "an example has a name ('example'), 'given' and 'expect'");
    }
    return yaml_expect(name, YAML_TEXT, run->diagnostics) &&
           yaml_expect(given, YAML_LIST, run->diagnostics) &&
           yaml_expect(expect, YAML_LIST, run->diagnostics);
}

static bool
play(struct run *run, const struct yaml_node *example, bool *out_passed, struct fault *out_fault)
{
    bool good;
    *out_passed = true;
    const struct yaml_node *given = yaml_get(example, "given");
    for (const struct yaml_node *step = given->first; step != NULL; step = step->next) {
        if (!tell_step(run, step, &good, out_fault)) return false;
        *out_passed = good && *out_passed;
    }
    const struct yaml_node *expect = yaml_get(example, "expect");
    for (const struct yaml_node *each = expect->first; each != NULL; each = each->next) {
        if (!compare(run, each, out_fault, &good)) return false;
        *out_passed = good && *out_passed;
    }
    return true;
}

static bool
run_example(struct run *run, const struct yaml_node *example, bool *out_passed,
            struct fault *out_fault)
{
    size_t mark = arena_mark(run->arena);
    run->now = run->program->effective_from;
    run->told = 0;
    if (!trial_open(&run->trial, out_fault)) return false;
    bool ok = trial_activate(&run->trial, run->activation, run->now, out_fault) &&
              play(run, example, out_passed, out_fault);
    trial_close(&run->trial);
    arena_reset_to(run->arena, mark);
    return ok;
}

bool
rulebook_examples_run(const struct yaml_node *list, struct bytes only,
                      const struct program *program, const struct activation *activation,
                      struct arena *arena, struct diagnostics *diagnostics,
                      void (*tell)(void *to, const struct example_told *told), void *to,
                      struct examples_count *out_count, struct fault *out_fault)
{
    struct run run = {
        .program = program, .activation = activation, .arena = arena, .diagnostics = diagnostics};
    *out_count = (struct examples_count){0};
    for (const struct yaml_node *each = list == NULL ? NULL : list->first; each != NULL;
         each = each->next) {
        size_t before = diagnostics->error_count;
        struct example_told told = {.name = BYTES_LITERAL("")};
        if (is_example(&run, each)) {
            told.name = yaml_get(each, "example")->text;
            if (only.size > 0 && !bytes_equal(only, told.name)) continue;
            if (!run_example(&run, each, &told.passed, out_fault))
                return fault_wrap(out_fault, "example '%.*s'", (int)told.name.size,
                                  (const char *)told.name.data);
        }
        told.differences = (uint32_t)(diagnostics->error_count - before);
        *(told.passed ? &out_count->passed : &out_count->failed) += 1;
        tell(to, &told);
    }
    return true;
}
