/* How points come to a member, stay, and leave: pending lots, arrears, what comes back, closed lots
 * (semantics §4 to §7). Rooms are played by the test, which changes the state as they would. */
#include "engine/core/activate.h"

#include <criterion/criterion.h>

#include "engine/core/arrears.h"
#include "engine/core/due.h"
#include "engine/core/fact.h"
#include "engine/core/lot.h"
#include "tests/unit/fold_rig.h"

enum { HOUR_MS = 3600 * 1000 };

static struct rig rig;
static struct program program;
static struct apply apply;

/* Ann has 10 points that never expire, and nothing else. */
static void
begin(void)
{
    rig_open(&rig);
    program = rig_program();
    rig_start(&rig, &program);
    rig_buy(&rig, "ann", "O1", 1000);
}

static void
end(void)
{
    rig_checkpoint(&rig);
    rig_verify(&rig);
    rig_close(&rig);
}

TestSuite(activate, .init = begin, .fini = end);

/* What the rooms do stands as due work of the last event, which comes when all of now has been
 * done. */
static void
enter(void)
{
    bool known;
    apply = apply_of(rig.state, &rig.effects, NULL);
    apply.due_ms = rig.now_ms + 1;
    apply.member = members_find(&rig.state->members, BYTES_LITERAL("ann"), NULL, &known);
    members_write(&rig.state->members, apply.member);
}

static const struct wallet *
wallet(void)
{
    enter();
    return member_wallets(apply.member);
}

static struct lot
lot_of(int64_t units, int64_t activates_ms, int64_t expires_ms)
{
    return (struct lot){
        .granted = units,
        .earned_ms = rig.now_ms,
        .activates_ms = activates_ms,
        .expires_ms = expires_ms,
    };
}

static struct lot
grant(int64_t units, int64_t activates_ms, int64_t expires_ms)
{
    struct lot lot = lot_of(units, activates_ms, expires_ms);
    enter();
    activate_grant(&apply, &lot, POSTING_GRANT, ACCOUNT_ISSUED, rig.now_ms);
    posting_check(&apply);
    return lot;
}

static int64_t
take(enum posting_kind kind, enum account to, int64_t units, int64_t usable_ms,
     struct spend_part *parts, uint32_t *count)
{
    uint8_t slot = 0;
    struct taking taking = {.kind = kind,
                            .to = to,
                            .slots = &slot,
                            .slot_count = 1,
                            .units = units,
                            .effective_ms = rig.now_ms,
                            .usable_ms = usable_ms};
    enter();
    return posting_take(&apply, &taking, parts, count);
}

static void
tick(int64_t ms)
{
    char text[INSTANT_TEXT_MAX];
    instant_format((struct instant){ms}, text);
    rig_tick(&rig, text);
}

Test(activate, a_pending_lot_activates_at_its_instant)
{
    int64_t at = rig.now_ms + HOUR_MS;
    struct lot lot = grant(30, at, at + HOUR_MS);
    cr_assert_eq(wallet()->pending, 30);
    cr_assert_eq(wallet()->pending_count, 1);
    cr_assert_eq(wallet()->active, 10);
    struct member_view view;
    cr_assert(rig_view(&rig, "ann", &view));
    cr_assert_eq(view.wallets[0].pending.units, 30);
    cr_assert_str_eq(view.lots[0].state_name, "pending", "spend order whatever the state");
    cr_assert_eq(view.lots[0].activates_at.ms, at);
    cr_assert_eq(rig_redeem(&rig, "ann", "S1", 11), VERDICT_INSUFFICIENT_POINTS);
    tick(at - 1);
    cr_assert_eq(wallet()->active, 10);
    tick(at);
    cr_assert_eq(wallet()->active, 40);
    cr_assert_eq(wallet()->pending_count, 0);
    const struct posting *posting = &rig_effect(&rig, TOPIC_POSTINGS, 2)->posting;
    cr_assert_eq(posting->kind, POSTING_ACTIVATE);
    cr_assert_eq(posting->effective_at.ms, at);
    cr_assert_eq(posting->lot.ordinal, lot.ordinal);
    tick(at + HOUR_MS);
    cr_assert_eq(wallet()->active, 10, "and expires at its own");
}

Test(activate, an_expiry_that_is_not_known_runs_from_activation)
{
    program.version = 2;
    program.currencies[0].expiry =
        (struct program_expiry){EXPIRY_PERIOD, 3, CALENDAR_DAY, CALENDAR_NONE};
    rig_activate(&rig, &program);
    struct lot lot = lot_of(30, rig.now_ms + HOUR_MS, INT64_MAX);
    lot.rulebook = 1;
    enter();
    activate_grant(&apply, &lot, POSTING_GRANT, ACCOUNT_ISSUED, rig.now_ms);
    tick(lot.activates_ms);
    enter();
    cr_assert_eq(member_lots(apply.member)->expires_ms, lot.activates_ms + 3 * CALENDAR_DAY_MS);
    tick(lot.activates_ms + 3 * CALENDAR_DAY_MS);
    cr_assert_eq(wallet()->active, 10);
}

Test(activate, a_deadline_cancels)
{
    struct lot lot = lot_of(30, INT64_MAX, INT64_MAX);
    lot.flags = LOT_AWAITS_DELIVERY;
    lot.deadline_ms = rig.now_ms + HOUR_MS;
    enter();
    activate_grant(&apply, &lot, POSTING_GRANT, ACCOUNT_ISSUED, rig.now_ms);
    tick(lot.deadline_ms);
    cr_assert_eq(wallet()->pending, 0);
    cr_assert_eq(wallet()->lot_count, 1);
    const struct lot *closed;
    cr_assert(
        closed_find(&rig.state->closed, apply.member->number, lot.ordinal, lot.index, &closed));
    cr_assert_eq(closed->expired, 30, "cancelled counts as expired");
    cr_assert(closed->flags & LOT_CANCELLED);
}

/* Table: what is owed, how a lot of 30 comes, what stays. */
Test(activate, what_enters_active_pays_what_is_owed)
{
    static const struct {
        const char *what;
        int64_t owed_own, owed_other, noted;
        bool comes_back, past;
        int64_t stays, arrears, still_noted, expired;
    } rows[] = {
        {"nothing owed", 0, 0, 0, false, false, 30, 0, 0, 0},
        {"others are paid, oldest first", 5, 20, 0, false, false, 5, 0, 0, 0},
        {"more is owed than comes", 20, 20, 0, false, false, 0, 10, 0, 0},
        {"a new lot meets nothing noted", 0, 0, 9, false, false, 30, 0, 9, 0},
        {"what comes back does", 0, 0, 9, true, false, 21, 0, 0, 0},
        {"noted, then its own order's", 5, 0, 28, true, false, 0, 3, 0, 0},
        {"a new lot past its instant pays none", 5, 20, 0, false, true, 0, 25, 0, 30},
        {"what comes back past it pays its own order's only", 5, 20, 4, true, true, 0, 20, 0, 21},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (i > 0) {
            end();
            begin();
        }
        int64_t at = rig.now_ms;
        struct lot lot = lot_of(30, at, rows[i].past ? at - 1 : at + HOUR_MS);
        lot.ordinal = 1, lot.index = 7, lot.order = 1;
        take(POSTING_REDEEM, ACCOUNT_REDEEMED, 10, INT64_MAX, NULL, NULL);
        if (rows[i].owed_other > 0) arrears_owe(&apply, 0, rows[i].owed_other, 99, at);
        if (rows[i].owed_own > 0) arrears_owe(&apply, 0, rows[i].owed_own, 1, at);
        if (rows[i].noted > 0) arrears_note(&apply, 0, rows[i].noted, 99);
        struct entering entering = {.kind = POSTING_GRANT,
                                    .from = ACCOUNT_ISSUED,
                                    .units = 30,
                                    .effective_ms = at,
                                    .comes_back = rows[i].comes_back};
        cr_assert_eq(activate_enter(&apply, &lot, &entering), rows[i].stays, "%s", rows[i].what);
        posting_check(&apply);
        cr_assert_eq(wallet()->active, rows[i].stays, "%s", rows[i].what);
        cr_assert_eq(wallet()->arrears, rows[i].arrears, "%s", rows[i].what);
        cr_assert_eq(arrears_of(apply.member, 0, ARREARS_OF_ANY), rows[i].arrears);
        cr_assert_eq(wallet()->noted, rows[i].still_noted, "%s", rows[i].what);
        const struct lot *closed;
        cr_assert(closed_find(&rig.state->closed, apply.member->number, 1, 7, &closed));
        cr_assert_eq(closed == NULL ? 0 : closed->expired, rows[i].expired, "%s", rows[i].what);
    }
}

Test(activate, arrears_are_kept_per_order_and_the_oldest_is_paid_first)
{
    take(POSTING_REDEEM, ACCOUNT_REDEEMED, 10, INT64_MAX, NULL, NULL);
    arrears_owe(&apply, 0, 5, 11, rig.now_ms);
    arrears_owe(&apply, 0, 5, 12, rig.now_ms);
    arrears_owe(&apply, 0, 2, 11, rig.now_ms);
    cr_assert_eq(facts_of_kind(apply.member, FACT_ARREARS).count, 2, "one an order");
    rig_buy(&rig, "cem", "O1", 100);
    enter();
    arrears_owe(&apply, 0, 4, 11, rig.now_ms);
    cr_assert_eq(arrears_of(apply.member, 0, 11), 11);
    cr_assert_eq(arrears_lessen(&apply, POSTING_WRITE_OFF, ACCOUNT_ADJUSTED, 0, 3, 12, rig.now_ms),
                 3);
    grant(8, rig.now_ms, INT64_MAX);
    cr_assert_eq(arrears_of(apply.member, 0, 11), 3, "what came last is as old as the first");
    cr_assert_eq(arrears_of(apply.member, 0, 12), 2);
    cr_assert_eq(wallet()->arrears, 5);
}

Test(activate, taking_finds_active_lots_and_lapsing_ones_that_were_usable)
{
    uint8_t slot = 0;
    int64_t at = rig.now_ms + HOUR_MS;
    grant(30, rig.now_ms, at);
    grant(40, rig.now_ms + 2 * HOUR_MS, at - 1);
    enter();
    struct lot *lot = &member_lots(apply.member)[1];
    cr_assert_eq(lot->granted, 30);
    posting_move(&apply, POSTING_LAPSE, ACCOUNT_ACTIVE, ACCOUNT_LAPSING, 0, 30, lot, rig.now_ms);
    lot_set_state(apply.member, lot, LOT_LAPSING);
    lot->deadline_ms = at + HOUR_MS;
    activate_schedule(&apply, lot);
    cr_assert_eq(posting_available(apply.member, &slot, 1, INT64_MAX), 10);
    cr_assert_eq(posting_available(apply.member, &slot, 1, at), 10, "half open");
    cr_assert_eq(posting_available(apply.member, &slot, 1, at - 1), 40);
    struct spend_part parts[3];
    uint32_t count;
    cr_assert_eq(take(POSTING_HOLD, ACCOUNT_HELD, 25, at - 1, parts, &count), 25);
    cr_assert_eq(count, 1);
    cr_assert_eq(parts[0].from, ACCOUNT_LAPSING);
    cr_assert_eq(wallet()->lapsing, 5);
    cr_assert_eq(wallet()->held, 25);
    tick(at + HOUR_MS - 1);
    cr_assert_eq(wallet()->lapsing, 5);
    tick(at + HOUR_MS);
    cr_assert_eq(wallet()->lapsing, 0, "the grace ends; what is held stays");
    cr_assert_eq(wallet()->held, 25);
    const struct effect *last = NULL, *effect;
    for (size_t i = 0; (effect = rig_effect(&rig, TOPIC_POSTINGS, i)) != NULL; i++) {
        if (effect->posting.kind == POSTING_LAPSE_END) last = effect;
    }
    cr_assert_eq(last->posting.effective_at.ms, at, "dated at the instant");
}

/* Semantics §11, example 15: 60 of 100 held over the expiry, 50 captured after it. */
Test(activate, held_points_outlive_their_lots_expiry)
{
    int64_t at = rig.now_ms + HOUR_MS;
    grant(100, rig.now_ms, at);
    struct spend_part part[2];
    take(POSTING_HOLD, ACCOUNT_HELD, 60, INT64_MAX, part, NULL);
    tick(at);
    cr_assert_eq(wallet()->active, 10, "40 expired");
    cr_assert_eq(wallet()->held, 60);
    struct lot *lot = lots_find_id(apply.member, &part[0].lot);
    cr_assert_eq(lot->expired, 40);
    posting_move_lot(&apply, POSTING_CAPTURE, ACCOUNT_HELD, ACCOUNT_REDEEMED, lot, 50, at);
    struct lot image = *lot;
    struct entering back = {.kind = POSTING_RELEASE,
                            .from = ACCOUNT_HELD,
                            .units = 10,
                            .effective_ms = at,
                            .comes_back = true};
    cr_assert_eq(activate_enter(&apply, &image, &back), 0);
    posting_check(&apply);
    cr_assert_eq(wallet()->held, 0);
    cr_assert_eq(wallet()->active, 10);
    const struct lot *closed;
    cr_assert(
        closed_find(&rig.state->closed, apply.member->number, image.ordinal, image.index, &closed));
    cr_assert_eq(closed->expired, 50);
}

/* A spend of all, undone: before and after the lot's instant, with and without restore grace. The
 * store is asked for what is cold. */
Test(activate, what_is_undone_goes_back_to_its_lot_with_its_dates)
{
    static const struct {
        const char *what;
        int64_t before_ms, restore_ms; /* the undo, before the expiry; restored for so long */
        int64_t stays, expired;
        bool partly; /* 5 of the 30 were left and expired */
    } rows[] = {
        {"in time", 1, 0, 30, 0, false},
        {"in time, to a lot that is open", 1, 0, 25, 0, true},
        {"at the instant", 0, 0, 0, 30, false},
        {"at the instant, to a closed lot", 0, 0, 0, 30, true},
        {"restored", 0, HOUR_MS, 30, 0, false},
        {"restored, to a closed lot", 0, HOUR_MS, 25, 5, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (i > 0) {
            end();
            begin();
        }
        int64_t at = rig.now_ms + HOUR_MS;
        struct lot lot = grant(30, rig.now_ms, at);
        struct spend_part part[2];
        int64_t spent = rows[i].partly ? 25 : 30;
        take(POSTING_REDEEM, ACCOUNT_REDEEMED, spent, INT64_MAX, part, NULL);
        tick(at - rows[i].before_ms);
        rig_checkpoint(&rig);
        state_evict(rig.state, SIZE_MAX);
        struct needs needs = {0};
        closed_need(1, lot.ordinal, &needs);
        members_need(1, &needs);
        cr_assert(memory_store_fetch(&rig.store, rig.state, &needs, &rig.fault));
        enter();
        struct lot now = activate_recall(&apply, &part[0].lot);
        cr_assert_eq(now.earned_ms, lot.earned_ms);
        cr_assert_eq(now.expires_ms, at);
        struct entering back = {.kind = POSTING_UNDO,
                                .from = ACCOUNT_REDEEMED,
                                .units = spent,
                                .effective_ms = rig.now_ms,
                                .comes_back = true,
                                .restore_until_ms = rig.now_ms + rows[i].restore_ms};
        int64_t stays = activate_enter(&apply, &now, &back);
        cr_assert_eq(stays, rows[i].stays, "%s", rows[i].what);
        posting_check(&apply);
        const struct lot *open = lots_find_id(apply.member, &part[0].lot), *closed;
        cr_assert(closed_find(&rig.state->closed, 1, lot.ordinal, lot.index, &closed));
        cr_assert((open == NULL) != (closed == NULL), "%s: open or closed", rows[i].what);
        cr_assert_eq((open != NULL ? open : closed)->expired, rows[i].expired, "%s", rows[i].what);
        tick(rig.now_ms + 2 * HOUR_MS);
        cr_assert_eq(wallet()->active, 10, "%s", rows[i].what);
        rig_checkpoint(&rig);
        rig_restart(&rig);
        needs.count = 0;
        closed_need_all(1, &needs);
        cr_assert(memory_store_fetch(&rig.store, rig.state, &needs, &rig.fault));
        size_t count;
        const struct lot **list = closed_list(&rig.state->closed, 1, rig.state->scratch, &count);
        cr_assert_eq(count, 1, "%s", rows[i].what);
        cr_assert_eq(list[0]->expired, 30, "%s", rows[i].what);
        struct member_view view;
        cr_assert(rig_view(&rig, "ann", &view));
    }
}

Test(activate, closed_lots_of_a_member_stand_in_order_warm_or_cold)
{
    enum { LOTS = 20 };
    for (int64_t i = 0; i < LOTS; i++) {
        if (i % 3 == 0) rig_buy(&rig, "cem", i % 2 ? "A" : "B", 100);
        grant(i + 1, rig.now_ms, rig.now_ms + 1 + (i * 7) % LOTS);
        if (i == LOTS / 2) {
            tick(rig.now_ms + LOTS);
            rig_checkpoint(&rig);
        }
    }
    tick(rig.now_ms + LOTS + 1);
    cr_assert_not(closed_is_known(&rig.state->closed, 1), "the store may have more");
    struct needs needs = {0};
    closed_need_all(1, &needs);
    cr_assert(memory_store_fetch(&rig.store, rig.state, &needs, &rig.fault));
    size_t count;
    const struct lot **list = closed_list(&rig.state->closed, 1, rig.state->scratch, &count);
    cr_assert_eq(count, LOTS);
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += list[i]->expired;
        if (i == 0) continue;
        bool rises =
            list[i - 1]->ordinal < list[i]->ordinal ||
            (list[i - 1]->ordinal == list[i]->ordinal && list[i - 1]->index < list[i]->index);
        cr_assert(rises);
    }
    cr_assert_eq(sum, LOTS * (LOTS + 1) / 2);
}

/* Semantics §2: they are numbered after the last event, over ticks and restarts. */
Test(activate, lots_of_due_work_are_numbered_after_the_last_event)
{
    struct lot first = grant(1, rig.now_ms, INT64_MAX);
    cr_assert_eq(first.ordinal, 2 - 1);
    cr_assert_eq(first.index, 1, "the purchase made lot 0");
    tick(rig.now_ms + 1);
    rig_checkpoint(&rig);
    rig_restart(&rig);
    struct member_view view;
    cr_assert(rig_view(&rig, "ann", &view));
    cr_assert_eq(grant(1, rig.now_ms, INT64_MAX).index, 2);
    rig_redeem(&rig, "ann", "S1", 1000);
    struct lot next = grant(1, rig.now_ms, INT64_MAX);
    cr_assert_eq(next.ordinal, 2);
    cr_assert_eq(next.index, 0, "a refused event counts, too");
}

Test(activate, a_thousand_pending_lots_activate_and_expire_at_once)
{
    int64_t at = rig.now_ms + HOUR_MS;
    for (unsigned i = 0; i < 1000; i++)
        grant(2, at, at + HOUR_MS);
    rig.slice = 7;
    tick(at);
    cr_assert_eq(wallet()->active, 2010);
    cr_assert_eq(wallet()->pending_count, 0);
    tick(at + HOUR_MS);
    cr_assert_eq(wallet()->active, 10);
    cr_assert_eq(wallet()->lot_count, 1);
}

/* A lot of which all is held has nothing to tell of; its notice comes once something is back. */
Test(activate, a_notice_waits_for_points_that_remain)
{
    program.version = 2;
    program.currencies[0].notice_days = 1;
    rig_activate(&rig, &program);
    int64_t at = rig.now_ms + 10 * CALENDAR_DAY_MS;
    struct lot lot = lot_of(30, rig.now_ms, at);
    lot.rulebook = 1;
    enter();
    activate_grant(&apply, &lot, POSTING_GRANT, ACCOUNT_ISSUED, rig.now_ms);
    take(POSTING_HOLD, ACCOUNT_HELD, 30, INT64_MAX, NULL, NULL);
    tick(at - CALENDAR_DAY_MS);
    cr_assert_eq(rig_effect_count(&rig, TOPIC_NOTICES), 0);
    enter();
    struct lot image = *lots_find_id(apply.member, &lot);
    struct entering back = {
        .kind = POSTING_RELEASE, .from = ACCOUNT_HELD, .units = 12, .effective_ms = rig.now_ms};
    cr_assert_eq(activate_enter(&apply, &image, &back), 12);
    tick(at - CALENDAR_DAY_MS + 1);
    cr_assert_eq(rig_effect_count(&rig, TOPIC_NOTICES), 1);
    const struct notice *notice = &rig_effect(&rig, TOPIC_NOTICES, 0)->notice;
    cr_assert_eq(notice->expiring_soon.points.units, 12);
    cr_assert_eq(notice->cause.id.size, 0, "time did it");
    tick(at);
    cr_assert_eq(wallet()->active, 10);
    cr_assert_eq(wallet()->held, 18);
    cr_assert_eq(apply.member->noticed_count, 0);
}
