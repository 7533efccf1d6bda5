/* Awards, missions, limits and parked events in random order: what is warm, how many entries are
 * loaded ahead, where checkpoints fall and how due work is sliced change nothing (quality Q2, Q3),
 * and after each entry everything balances. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "engine/core/calendar.h"
#include "engine/core/state_priv.h"
#include "tests/unit/law_rig.h"
#include "tests/unit/property.h"

enum { ENTRIES = 1500, MEMBERS = 9, NAMES = 24, LIVELY_SEED = 20261124 };

static struct law law;
static struct stream_entry {
    int64_t append_ms;
    struct event event;
    struct event_line line;
    char id[16];
} entries[ENTRIES];

static char members[MEMBERS][8], names[NAMES][8];

/* ---- The programme ---- */

static const int64_t STEPS[] = {1, 0, 3, 5};

static void
add_awards(void)
{
    law_award(&law, "welcome", AWARD_SIGN_UP, 100);
    law_award(&law, "first", AWARD_FIRST_PURCHASE, 30);
    law_award(&law, "cake", AWARD_BIRTHDAY, 20);
    law_award(&law, "year", AWARD_ANNIVERSARY, 7)->pending =
        (struct program_pending){PENDING_AFTER, {3, CALENDAR_DAY}, {0}};
    struct program_award *award = law_award(&law, "thanks", AWARD_ACTIVITY, 5);
    award->activity = BYTES_LITERAL("review");
    award->times = (struct program_times){2, PER_WEEK};
    award = law_award(&law, "daily", AWARD_ACTIVITY, 2);
    award->activity = BYTES_LITERAL("check_in");
    award->times = (struct program_times){1, PER_DAY};
    award->pending = (struct program_pending){PENDING_AFTER, {2, CALENDAR_DAY}, {0}};
    law_streak(&law, "days", CALENDAR_DAY, STEPS, 4);
    law_streak(&law, "weeks", CALENDAR_WEEK, STEPS, 3);
    law_cap(&law, "monthly", 150, PER_MONTH);
}

static void
add_missions(void)
{
    struct program_mission *mission = law_mission(&law, "reader", GOAL_COUNT, COUNTED_ACTIVITY, 3);
    mission->per = PER_MONTH;
    mission->repeats = 2;
    mission->badge = BYTES_LITERAL("bookworm");
    law_mission(&law, "spender", GOAL_SUM, COUNTED_PURCHASE, 20000)->repeats = 50;
    law_mission(&law, "shopper", GOAL_COUNT, COUNTED_PURCHASE, 4)->repeats = 10;
    mission = law_mission(&law, "steady", GOAL_CONSECUTIVE, COUNTED_PURCHASE, 2);
    mission->every = CALENDAR_WEEK;
    mission->repeats = 10;
    mission = law_mission(&law, "habit", GOAL_CONSECUTIVE, COUNTED_ACTIVITY, 3);
    mission->every = CALENDAR_DAY;
    mission->repeats = 10;
}

static void
add_limits(void)
{
    law_limit(&law, "reviews", LIMITED_ACTIVITY, 2, LIMIT_REFUSE)->activity =
        BYTES_LITERAL("review");
    law_limit(&law, "orders", LIMITED_PURCHASE, 2, LIMIT_QUARANTINE);
    struct program_limit *limit = law_limit(&law, "points", LIMITED_ACTIVITY, 12, LIMIT_QUARANTINE);
    limit->measure = MEASURE_POINTS;
    limit = law_limit(&law, "growth", LIMITED_ACTIVITY, 0, LIMIT_FLAG);
    limit->window_ms = 0;
    limit->own_mean = (struct rate){4, 1};
    limit = law_limit(&law, "money", LIMITED_PURCHASE, 15000, LIMIT_FLAG);
    limit->measure = MEASURE_MONEY;
    limit->money = RIG_GBP;
}

static void
open_law(void)
{
    law_open(&law);
    add_awards();
    add_missions();
    add_limits();
    law_zone(&law, 2);
    law.program.accept_past_ms = 40 * CALENDAR_DAY_MS;
    law.program.quarantine_days = 9;
    law.program.currencies[0].expiry = (struct program_expiry){
        .kind = EXPIRY_PERIOD, .amount = 2, .unit = CALENDAR_MONTH, .round_up_to = CALENDAR_DAY};
    law.program.groups[0] = (struct program_group){
        .id = BYTES_LITERAL("club"),
        .metrics = {{.id = BYTES_LITERAL("done"), .kind = METRIC_MISSIONS, .mission = PROGRAM_NONE},
                    {.id = BYTES_LITERAL("visits"),
                     .kind = METRIC_VISITS,
                     .activity = BYTES_LITERAL("check_in"),
                     .mission = PROGRAM_NONE},
                    {.id = BYTES_LITERAL("points"),
                     .kind = METRIC_POINTS,
                     .mission = PROGRAM_NONE}},
        .metric_count = 3,
        .match_any = true,
        .window = WINDOW_CALENDAR_MONTH,
        .upgrade = UPGRADE_IMMEDIATE,
        .downgrade = DOWNGRADE_TO_QUALIFIED,
        .levels = {{.id = BYTES_LITERAL("basic"), .multiplier = {1, 1}},
                   {.id = BYTES_LITERAL("gold"), .thresholds = {2, 5, 300}, .multiplier = {3, 2}}},
        .level_count = 2,
    };
    law.program.group_count = 1;
    law.program.unknown_member = UNKNOWN_PARK;
    law_at(&law, "2026-01-01T00:00:00Z");
    law_start(&law);
}

/* ---- The entries ---- */

static struct bytes
name(struct property *random)
{
    return bytes_from_cstr(names[property_below(random, NAMES)]);
}

static void
make_activity(struct property *random, struct event *event)
{
    static const enum activity_kind kinds[] = {ACTIVITY_CHECK_IN, ACTIVITY_REVIEW, ACTIVITY_REVIEW,
                                               ACTIVITY_BIRTHDAY};
    event->kind = EVENT_ACTIVITY;
    event->activity.kind = kinds[property_below(random, 4)];
    event->activity.value = (int64_t)property_below(random, 100);
    if (property_below(random, 3) == 0) event->activity.reference = name(random);
}

static void
make_purchase(struct property *random, struct stream_entry *entry)
{
    entry->line = (struct event_line){
        .line_id = BYTES_LITERAL("1"),
        .kind = LINE_GOODS,
        .amount_minor = (int64_t)property_below(random, 12000),
    };
    entry->event.kind = EVENT_PURCHASE;
    entry->event.purchase = (struct purchase){
        .order_id = name(random), .currency = RIG_GBP, .lines = &entry->line, .line_count = 1};
}

static void
make_return(struct property *random, struct event *event)
{
    event->kind = EVENT_REFUND;
    event->refund = (struct refund){.order_id = name(random),
                                    .refund_id = name(random),
                                    .currency = RIG_GBP,
                                    .amount_minor = (int64_t)property_below(random, 9000)};
    if (property_below(random, 3) > 0) return;
    event->kind = EVENT_CANCELLATION;
    event->cancellation = (struct cancellation){.order_id = name(random)};
}

/* About an event of not long ago. */
static void
make_decision(struct property *random, struct event *event, size_t i)
{
    const struct event *about = &entries[i - property_below(random, i < 40 ? i + 1 : 40)].event;
    event->kind = property_below(random, 2) ? EVENT_RELEASE_QUARANTINE : EVENT_REJECT_QUARANTINE;
    if (about->member.size > 0 && property_below(random, 8) > 0) event->member = about->member;
    event->quarantine_end.granted_by = (struct event_ref){BYTES_LITERAL("shop"), about->id};
}

static void
make_event(struct property *random, struct stream_entry *entry, size_t i)
{
    struct event *event = &entry->event;
    event->member = bytes_from_cstr(members[property_below(random, MEMBERS)]);
    switch (property_below(random, 14)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4: make_activity(random, event); break;
    case 5:
    case 6:
    case 7: make_purchase(random, entry); break;
    case 8:
    case 9: make_return(random, event); break;
    case 10:
        event->kind = EVENT_REDEEM;
        event->redeem = (struct redeem){
            name(random),
            {.what = SPEND_POINTS, .points = {(int64_t)property_below(random, 150) + 1}}};
        break;
    case 11: make_decision(random, event, i); break;
    case 12:
        event->kind = EVENT_PROFILE_UPDATE;
        event->profile_update.birthday = (struct birthday){
            (uint8_t)property_below(random, 7), (uint8_t)(1 + property_below(random, 28))};
        break;
    default: event->kind = EVENT_ENROL;
    }
}

static void
make_entries(uint64_t seed)
{
    struct property random = {seed, seed};
    int64_t now_ms = rig_at("2026-01-01T00:00:00Z").ms;
    for (size_t i = 0; i < MEMBERS; i++)
        snprintf(members[i], sizeof members[i], "m%zu", i);
    for (size_t i = 0; i < NAMES; i++)
        snprintf(names[i], sizeof names[i], "n%zu", i);
    memset(entries, 0, sizeof entries);
    for (size_t i = 0; i < ENTRIES; i++) {
        struct stream_entry *entry = &entries[i];
        snprintf(entry->id, sizeof entry->id, "x%zu", i);
        bool rests = property_below(&random, 10) == 0;
        now_ms += (int64_t)property_below(&random, rests ? 3 * CALENDAR_DAY_MS : 7200000);
        entry->append_ms = now_ms;
        make_event(&random, entry, i);
        entry->event.source = BYTES_LITERAL("shop");
        entry->event.id = bytes_from_cstr(entry->id);
        entry->event.content_hash = i;
        int64_t late_ms = (int64_t)property_magnitude(&random, 31);
        entry->event.occurred_at.ms = now_ms - (property_below(&random, 3) == 0 ? late_ms : 0);
    }
}

/* ---- Runs ---- */

struct end {
    struct hash128 digest;
    uint64_t chain;
};

static struct entry
entry_of(size_t i)
{
    law.rig.now_ms = entries[i].append_ms;
    return (struct entry){.kind = ENTRY_EVENT, .event = entries[i].event};
}

/* Loads `ahead` entries before any of them is applied; everything has left memory by then. */
static void
run_ahead(size_t ahead)
{
    for (size_t from = 0; from < ENTRIES; from += ahead) {
        size_t to = from + ahead < ENTRIES ? from + ahead : ENTRIES;
        rig_checkpoint(&law.rig);
        state_evict(law.rig.state, SIZE_MAX);
        cr_assert(state_reserve(law.rig.state, ahead, &law.rig.fault));
        for (size_t i = from; i < to; i++) {
            struct entry entry = entry_of(i);
            rig_load(&law.rig, &entry);
        }
        for (size_t i = from; i < to; i++) {
            struct entry entry = entry_of(i);
            cr_assert(rig_apply(&law.rig, &entry), "%s", law.rig.fault.text);
        }
    }
}

static void
run_singly(size_t restart_every)
{
    for (size_t i = 0; i < ENTRIES; i++) {
        struct entry entry = entry_of(i);
        cr_assert(rig_entry(&law.rig, &entry), "%s", law.rig.fault.text);
        if (restart_every == 0 || i % restart_every != 0) continue;
        rig_checkpoint(&law.rig);
        rig_restart(&law.rig);
    }
}

enum mode { PLAIN, COLD, SLICED, AHEAD, RESTARTED };

static struct end
run(enum mode mode)
{
    struct state_info info;
    open_law();
    law.rig.cold = mode == COLD;
    if (mode == SLICED) law.rig.slice = 1;
    if (mode == AHEAD) {
        run_ahead(37);
    } else {
        run_singly(mode == RESTARTED ? 11 : 0);
    }
    state_info(law.rig.state, &info);
    return (struct end){info.digest, info.chain};
}

Test(law_random, how_it_is_run_changes_nothing)
{
    static const char *const modes[] = {"plain", "cold", "sliced", "ahead", "restarted"};
    struct property random = property_start();
    for (uint64_t seed = random.seed; seed < random.seed + 3; seed++) {
        struct end plain = {0};
        make_entries(seed);
        for (enum mode mode = PLAIN; mode <= RESTARTED; mode++) {
            struct end end = run(mode);
            if (mode == PLAIN) plain = end;
            cr_assert_eq(end.chain, plain.chain, "seed %llu, %s: what it said",
                         (unsigned long long)seed, modes[mode]);
            cr_assert(hash128_equal(end.digest, plain.digest), "seed %llu, %s: where it ended",
                      (unsigned long long)seed, modes[mode]);
            law_close(&law);
        }
    }
}

/* What the entries are meant to reach is reached: else the other test proves little. */
Test(law_random, the_entries_are_lively)
{
    static const enum verdict verdicts[] = {VERDICT_ACCEPTED,
                                            VERDICT_PARKED,
                                            VERDICT_ORDER_EXISTS,
                                            VERDICT_REFERENCE_SEEN,
                                            VERDICT_LIMIT_REACHED,
                                            VERDICT_NOT_QUARANTINED,
                                            VERDICT_INSUFFICIENT_POINTS,
                                            VERDICT_ALREADY_ENROLLED};
    static const enum posting_kind postings[] = {
        POSTING_GRANT,      POSTING_ACTIVATE,           POSTING_EXPIRE,
        POSTING_QUARANTINE, POSTING_QUARANTINE_RELEASE, POSTING_CANCEL};
    static const enum notice_kind notices[] = {NOTICE_MISSION_COMPLETED, NOTICE_BADGE_AWARDED,
                                               NOTICE_QUARANTINED, NOTICE_LIMIT_FLAGGED};
    struct state_info info;
    size_t further = 0, kinds[64] = {0};
    make_entries(LIVELY_SEED);
    (void)run(PLAIN);
    state_info(law.rig.state, &info);
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++)
        cr_expect(info.verdicts[verdicts[i]] > 0, "%s", verdict_find(verdicts[i])->name);
    for (size_t i = 0; i < law.rig.log_count; i++) {
        const struct effect *effect = &law.rig.log[i];
        if (effect->topic == TOPIC_POSTINGS) kinds[effect->posting.kind]++;
        if (effect->topic == TOPIC_OUTCOMES) further += effect->outcome.further;
    }
    for (size_t i = 0; i < sizeof postings / sizeof postings[0]; i++)
        cr_expect(kinds[postings[i]] > 0, "posting %d", postings[i]);
    for (size_t i = 0; i < sizeof notices / sizeof notices[0]; i++)
        cr_expect(law_notices(&law, notices[i]) > 0, "notice %d", notices[i]);
    cr_expect(further > 0);
    cr_expect(rig_effect_count(&law.rig, TOPIC_TIERS) > 0);
    law_close(&law);
}
