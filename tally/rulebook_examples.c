#include "tally/rulebook_examples.h"

#include <stdio.h>
#include <string.h>

#include "consumers/codec_event.h"
#include "consumers/codec_source.h"
#include "engine/base/check.h"
#include "engine/base/decimal.h"
#include "engine/core/calendar.h"
#include "engine/core/member.h"
#include "engine/core/verdict.h"
#include "engine/rules/scalar.h"
#include "tally/example_event.h"

enum { FIGURE_MAX = DECIMAL_TEXT_MAX, KEY_MAX = 256 };

struct run {
    const struct program *program;
    const struct activation *activation;
    struct arena *arena;
    struct diagnostics *diagnostics;
    uint8_t *event_room; /* EXAMPLE_EVENT_BYTES_MAX, for one event at a time */
    struct trial trial;
    struct instant now; /* of the last step */
    uint32_t told;      /* events so far: makes ids */
};

/* ---- Figures ---- */

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

/* The verdict that a step asks for by name; accepted when it asks for none. */
static bool
wanted_verdict(struct run *run, const struct yaml_node *node, enum verdict *out_verdict)
{
    uint32_t count;
    const struct verdict_info *table = verdict_table(&count);
    const char *names[UINT8_MAX];
    CHECK(count <= sizeof names / sizeof *names);
    *out_verdict = VERDICT_ACCEPTED;
    if (node == NULL) return true;
    for (uint32_t i = 0; i < count; i++) {
        names[i] = table[i].name;
        if (!yaml_is(node, names[i])) continue;
        *out_verdict = table[i].verdict;
        return true;
    }
    const char *nearest = suggest_nearest(node->text, names, count);
    diagnostics_error(run->diagnostics, node->place, "no verdict is called '%.*s'",
                      (int)node->text.size, (const char *)node->text.data);
    if (nearest != NULL) diagnostics_hint(run->diagnostics, "did you mean '%s'?", nearest);
    return false;
}

static bool
same_verdict(struct run *run, const struct yaml_node *step, const struct outcome *outcome)
{
    const struct yaml_node *node = yaml_get(step, "verdict");
    enum verdict wanted;
    if (!wanted_verdict(run, node, &wanted)) return false;
    if (wanted == outcome->verdict) return true;
    diagnostics_error(run->diagnostics, node == NULL ? step->place : node->place,
                      "the answer is %s, expected was %s", verdict_find(outcome->verdict)->name,
                      verdict_find(wanted)->name);
    if (outcome->detail.size > 0) {
        diagnostics_hint(run->diagnostics, "%.*s", (int)outcome->detail.size,
                         (const char *)outcome->detail.data);
    }
    return false;
}

/* What the answer says of each currency that the step has an expectation of. */
static bool
same_amounts(struct run *run, const struct yaml_node *map, const char *what,
             const struct outcome *outcome)
{
    bool same = true, granted = strcmp(what, "granted") == 0;
    for (const struct yaml_node *each = map == NULL ? NULL : map->first; each != NULL;
         each = each->next) {
        int64_t came = 0;
        for (uint32_t i = 0; i < outcome->amount_count; i++) {
            const struct outcome_amount *amount = &outcome->amounts[i];
            if (!bytes_equal(amount->currency, each->key)) continue;
            came = granted ? amount->granted.units : amount->requested.units;
        }
        same = same_points(run, each, what, each->key, came) && same;
    }
    return same;
}

static bool
tell_event(struct run *run, const struct yaml_node *step, const struct yaml_node *event,
           bool *out_good, struct fault *out_fault)
{
    struct writer json = writer_of(run->event_room, EXAMPLE_EVENT_BYTES_MAX);
    struct entry entry;
    struct outcome outcome;
    *out_good = example_event_write(step, event, ++run->told, run->now, run->program,
                                    run->diagnostics, &json) &&
                decode(run, event, writer_span(&json), &entry);
    if (!*out_good) return true;
    if (!trial_tell(&run->trial, entry, run->now, &outcome, out_fault)) return false;
    *out_good = same_verdict(run, step, &outcome);
    *out_good = same_amounts(run, yaml_get(step, "requested"), "requested", &outcome) && *out_good;
    *out_good = same_amounts(run, yaml_get(step, "granted"), "granted", &outcome) && *out_good;
    return true;
}

static bool
tell_step(struct run *run, const struct yaml_node *step, bool *out_good, struct fault *out_fault)
{
    const struct yaml_node *event;
    *out_good = take_time(run, step) && example_event_find(step, run->diagnostics, &event);
    if (!*out_good) return true;
    if (event == NULL) return trial_pass(&run->trial, run->now, out_fault);
    size_t mark = arena_mark(run->arena);
    bool ok = tell_event(run, step, event, out_good, out_fault);
    arena_reset_to(run->arena, mark);
    return ok;
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
    for (const struct yaml_node *each = map == NULL ? NULL : map->first; each != NULL;
         each = each->next) {
        int64_t came = account_of(find_wallet(view, each->key), what);
        same = same_points(run, each, what, each->key, came) && same;
    }
    return same;
}

static bool
same_tiers(struct run *run, const struct yaml_node *map, const struct member_view *view)
{
    bool same = true;
    for (const struct yaml_node *each = map == NULL ? NULL : map->first; each != NULL;
         each = each->next) {
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

/* Who has a balance and owes has less than the balance says: what is owed must be expected. */
static bool
owes_nothing_else(struct run *run, const struct yaml_node *expected, const struct member_view *view)
{
    const struct yaml_node *balance = yaml_get(expected, "balance");
    const struct yaml_node *arrears = yaml_get(expected, "arrears");
    bool good = true;
    for (const struct yaml_node *each = balance == NULL ? NULL : balance->first; each != NULL;
         each = each->next) {
        const struct wallet_view *wallet = find_wallet(view, each->key);
        bool said = false;
        for (const struct yaml_node *owed = arrears == NULL ? NULL : arrears->first; owed != NULL;
             owed = owed->next) {
            said = said || bytes_equal(owed->key, each->key);
        }
        if (said || wallet == NULL || wallet->arrears.units == 0) continue;
        char came[FIGURE_MAX];
        decimal_format(wallet->arrears.units, wallet->scale, came, sizeof came);
        good = diagnostics_error(run->diagnostics, each->place,
                                 "arrears of %.*s: expected none, came %s", (int)each->key.size,
                                 (const char *)each->key.data, came);
        diagnostics_hint(run->diagnostics, "if that is meant: arrears: { %.*s: %s }",
                         (int)each->key.size, (const char *)each->key.data, came);
    }
    return good;
}

/* ---- Expiries ---- */

/* Points of one currency that end at one instant. */
struct expiry {
    uint32_t currency; /* of the program */
    struct instant at; /* INT64_MAX ms: never */
};

/* `on` is the last usable day, `at` the instant itself. */
static bool
expiry_read(struct run *run, const struct yaml_node *map, struct expiry *out_expiry)
{
    const struct yaml_node *on = yaml_get(map, "on"), *at = yaml_get(map, "at");
    const struct yaml_node *named = yaml_get(map, "currency");
    const struct program_currency *currency = run->program->currencies;
    if (named != NULL && (currency = find_currency(run, named->text, named->place)) == NULL)
        return false;
    struct expiry expiry = {(uint32_t)(currency - run->program->currencies), {INT64_MAX}};
    if ((on == NULL) == (at == NULL)) {
        return diagnostics_error(run->diagnostics, map->place,
                                 "an expiry has 'on', the last usable day, or 'at', the instant");
    }
    if (on == NULL || !yaml_is(on, "never")) {
        const struct yaml_node *when = on != NULL ? on : at;
        if (!scalar_start(when, &run->program->zone, run->diagnostics, &expiry.at)) return false;
        if (on != NULL)
            expiry.at = calendar_bucket_end(&run->program->zone, expiry.at, CALENDAR_DAY);
    }
    *out_expiry = expiry;
    return true;
}

/* Points of the balance that end then. Those that are pending, held or lapsing are no part of it.
 */
static int64_t
points_ending(struct run *run, const struct member_view *view, const struct expiry *expiry)
{
    struct bytes currency = run->program->currencies[expiry->currency].id;
    int64_t sum = 0;
    for (size_t i = 0; i < view->lot_count; i++) {
        const struct lot_view *lot = &view->lots[i];
        if (lot->state == LOT_ACTIVE && lot->expires_at.ms == expiry->at.ms &&
            bytes_equal(lot->currency, currency))
            sum += lot->remaining.units;
    }
    return sum;
}

/* "what expires on 2026-02-28" where the day's end is the instant; else at the instant. */
static void
format_end(struct run *run, struct instant at, char *out, size_t size)
{
    const struct zone *zone = &run->program->zone;
    struct instant before = {at.ms - 1};
    char text[INSTANT_TEXT_MAX];
    if (at.ms == INT64_MAX) {
        snprintf(out, size, "what never expires");
    } else if (calendar_bucket_end(zone, before, CALENDAR_DAY).ms == at.ms) {
        struct civil_date day = calendar_date(calendar_local(zone, before));
        snprintf(out, size, "what expires on %04d-%02u-%02u", day.year, day.month, day.day);
    } else {
        instant_format(at, text);
        snprintf(out, size, "what expires at %s", text);
    }
}

/* The points of one end; those that the example does not list stand at the list. */
static bool
same_end(struct run *run, const struct expiry *expiry, const struct yaml_node *points,
         struct place unlisted, int64_t came)
{
    const struct program_currency *currency = &run->program->currencies[expiry->currency];
    char what[FIGURE_MAX * 2], figure[FIGURE_MAX];
    format_end(run, expiry->at, what, sizeof what);
    if (points != NULL) return same_points(run, points, what, currency->id, came);
    decimal_format(came, currency->scale, figure, sizeof figure);
    return diagnostics_error(run->diagnostics, unlisted, "%s of %.*s: expected nothing, came %s",
                             what, (int)currency->id.size, (const char *)currency->id.data, figure);
}

/* Every end of points that the list leaves out, each told once. A list speaks of the currencies
 * that it names, and an empty one of all. */
static bool
ends_nowhere_else(struct run *run, const struct yaml_node *list, const struct member_view *view,
                  struct expiry *listed, uint32_t count)
{
    bool same = true;
    for (size_t i = 0; i < view->lot_count; i++) {
        const struct lot_view *lot = &view->lots[i];
        struct expiry expiry = {0, lot->expires_at};
        bool named = list->count == 0, told = lot->expires_at.ms == INT64_MAX;
        while (!bytes_equal(run->program->currencies[expiry.currency].id, lot->currency)) {
            expiry.currency++;
        }
        for (uint32_t j = 0; j < count; j++) {
            bool same_currency = listed[j].currency == expiry.currency;
            named = named || same_currency;
            told = told || (same_currency && listed[j].at.ms == expiry.at.ms);
        }
        int64_t came = points_ending(run, view, &expiry);
        if (came == 0 || told || !named) continue;
        same = same_end(run, &expiry, NULL, list->key_place, came);
        listed[count++] = expiry;
    }
    return same;
}

static bool
same_expiries(struct run *run, const struct yaml_node *list, const struct member_view *view)
{
    uint32_t count = 0;
    bool readable = true, same = true;
    if (list == NULL) return true;
    struct expiry *listed =
        arena_alloc(run->arena, (list->count + view->lot_count + 1) * sizeof *listed);
    CHECK(listed != NULL);
    for (const struct yaml_node *each = list->first; each != NULL; each = each->next) {
        if (!expiry_read(run, each, &listed[count])) {
            readable = false;
            continue;
        }
        int64_t came = points_ending(run, view, &listed[count]);
        same = same_end(run, &listed[count], yaml_get(each, "points"), each->place, came) && same;
        count++;
    }
    /* An end that could not be read may be one of those that nothing else lists. */
    if (!readable) return false;
    return ends_nowhere_else(run, list, view, listed, count) && same;
}

/* ---- An expectation ---- */

static bool
compare(struct run *run, const struct yaml_node *expected, struct fault *out_fault, bool *out_same)
{
    char room[KEY_MAX];
    struct bytes key;
    struct member_view view = {0};
    *out_same = take_time(run, expected) && key_of(run, expected, room, &key);
    if (!*out_same) return true;
    if (!trial_pass(&run->trial, run->now, out_fault)) return false;
    if (!trial_look(&run->trial, key, &view)) {
        *out_same = diagnostics_error(run->diagnostics, expected->place, "nobody is enrolled so");
        return true;
    }
    static const char *const accounts[] = {"balance", "pending", "held", "lapsing", "arrears"};
    for (size_t i = 0; i < sizeof accounts / sizeof *accounts; i++) {
        const struct yaml_node *map = yaml_get(expected, accounts[i]);
        *out_same = same_account(run, map, accounts[i], &view) && *out_same;
    }
    *out_same = owes_nothing_else(run, expected, &view) && *out_same;
    *out_same = same_tiers(run, yaml_get(expected, "tier"), &view) && *out_same;
    *out_same = same_expiries(run, yaml_get(expected, "expires"), &view) && *out_same;
    return true;
}

/* ---- One example, and all ---- */

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
    struct run run = {.program = program,
                      .activation = activation,
                      .arena = arena,
                      .diagnostics = diagnostics,
                      .event_room = arena_alloc(arena, EXAMPLE_EVENT_BYTES_MAX)};
    CHECK(run.event_room != NULL);
    *out_count = (struct examples_count){0};
    for (const struct yaml_node *each = list == NULL ? NULL : list->first; each != NULL;
         each = each->next) {
        size_t before = diagnostics->error_count;
        struct example_told told = {.name = yaml_get(each, "example")->text};
        if (only.size > 0 && !bytes_equal(only, told.name)) continue;
        if (!run_example(&run, each, &told.passed, out_fault))
            return fault_wrap(out_fault, "example '%.*s'", (int)told.name.size,
                              (const char *)told.name.data);
        told.differences = (uint32_t)(diagnostics->error_count - before);
        *(told.passed ? &out_count->passed : &out_count->failed) += 1;
        tell(to, &told);
    }
    return true;
}
