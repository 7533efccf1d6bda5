#include "tests/unit/law_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/core/calendar.h"

static const struct {
    const char *name;
    enum activity_kind kind;
} ACTIVITIES[] = {
    {"check_in", ACTIVITY_CHECK_IN},
    {"review", ACTIVITY_REVIEW},
    {"share", ACTIVITY_SHARE},
    {"birthday", ACTIVITY_BIRTHDAY},
};

void
law_open(struct law *law)
{
    memset(law, 0, sizeof *law);
    rig_open(&law->rig);
    law->program = rig_program();
    law->program.currencies[1] = (struct program_currency){
        .id = BYTES_LITERAL("growth"),
        .qualifying = true,
        .rounding = ROUNDING_FLOOR,
        .expiry = {.kind = EXPIRY_NONE},
    };
    law->program.currency_count = 2;
    law->program.version = 0;
    law->program.awards = law->awards;
    law->program.streaks = law->streaks;
    law->program.missions = law->missions;
    law->program.caps = law->caps;
    law->program.limits = law->limits;
}

void
law_close(struct law *law)
{
    rig_checkpoint(&law->rig);
    rig_verify(&law->rig);
    rig_close(&law->rig);
}

/* ---- The programme ---- */

struct program_award *
law_award(struct law *law, const char *id, enum award_kind kind, int64_t points)
{
    CHECK(law->program.award_count < LAW_ITEMS_MAX);
    struct program_award *award = &law->awards[law->program.award_count++];
    *award = (struct program_award){
        .id = bytes_from_cstr(id),
        .kind = kind,
        .points = points,
        .times = {0, PER_LIFETIME},
        .filter = PROGRAM_FILTER_NONE,
        .tier_group = -1,
        .funder = PROGRAM_NONE,
        .pending = {.kind = PENDING_NONE},
    };
    return award;
}

struct program_streak *
law_streak(struct law *law, const char *id, enum calendar_unit every, const int64_t *points,
           uint32_t count)
{
    CHECK(law->program.streak_count < LAW_ITEMS_MAX);
    struct program_streak *streak = &law->streaks[law->program.streak_count++];
    *streak = (struct program_streak){
        .id = bytes_from_cstr(id),
        .activity = BYTES_LITERAL("check_in"),
        .every = every,
        .points = points,
        .point_count = count,
        .window = {{INT64_MIN}, {INT64_MAX}},
        .tier_group = -1,
        .funder = PROGRAM_NONE,
    };
    return streak;
}

struct program_mission *
law_mission(struct law *law, const char *id, enum goal goal, enum counted of, int64_t target)
{
    CHECK(law->program.mission_count < LAW_ITEMS_MAX);
    struct program_mission *mission = &law->missions[law->program.mission_count++];
    *mission = (struct program_mission){
        .id = bytes_from_cstr(id),
        .goal = goal,
        .of = of,
        .target = target,
        .every = goal == GOAL_CONSECUTIVE ? CALENDAR_MONTH : CALENDAR_NONE,
        .per = PER_LIFETIME,
        .repeats = 1,
        .points = 50,
        .filter = PROGRAM_FILTER_NONE,
        .funder = PROGRAM_NONE,
    };
    if (of == COUNTED_ACTIVITY) mission->activity = BYTES_LITERAL("review");
    if (of == COUNTED_PURCHASE && goal == GOAL_SUM) {
        mission->money = RIG_GBP;
        mission->basis = (struct program_basis){BASIS_LESS_DISCOUNT, 1 << LINE_GOODS};
    }
    return mission;
}

struct program_cap *
law_cap(struct law *law, const char *id, int64_t max, enum per per)
{
    CHECK(law->program.cap_count < LAW_ITEMS_MAX);
    struct program_cap *cap = &law->caps[law->program.cap_count++];
    *cap =
        (struct program_cap){.id = bytes_from_cstr(id), .max = max, .per = per, .gives_back = true};
    return cap;
}

struct program_limit *
law_limit(struct law *law, const char *id, enum limited of, int64_t max, enum limit_action action)
{
    CHECK(law->program.limit_count < LAW_ITEMS_MAX);
    struct program_limit *limit = &law->limits[law->program.limit_count++];
    *limit = (struct program_limit){
        .id = bytes_from_cstr(id),
        .of = of,
        .measure = MEASURE_COUNT,
        .max = max,
        .window_ms = CALENDAR_DAY_MS,
        .own_mean = {0, 1},
        .action = action,
    };
    return limit;
}

void
law_zone(struct law *law, int hours)
{
    law->program.zone_name = BYTES_LITERAL("Etc/Test");
    law->program.zone = (struct zone){.initial_offset_ms = hours * 3600000};
}

/* Order of judgement: priority falling, then id by bytes. */
static int
judged_before(int32_t a_priority, struct bytes a, int32_t b_priority, struct bytes b)
{
    if (a_priority != b_priority) return a_priority > b_priority ? -1 : 1;
    return bytes_compare(a, b);
}

#define COMPARE(part)                                                                              \
    static int compare_##part(const void *a, const void *b)                                        \
    {                                                                                              \
        const struct program_##part *x = a, *y = b;                                                \
        return judged_before(x->priority, x->id, y->priority, y->id);                              \
    }
COMPARE(award)
COMPARE(streak)
COMPARE(mission)
COMPARE(cap)
COMPARE(limit)

void
law_start(struct law *law)
{
    struct program *program = &law->program;
    qsort(law->awards, program->award_count, sizeof law->awards[0], compare_award);
    qsort(law->streaks, program->streak_count, sizeof law->streaks[0], compare_streak);
    qsort(law->missions, program->mission_count, sizeof law->missions[0], compare_mission);
    qsort(law->caps, program->cap_count, sizeof law->caps[0], compare_cap);
    qsort(law->limits, program->limit_count, sizeof law->limits[0], compare_limit);
    if (program->version++ == 0) {
        rig_start(&law->rig, program);
    } else {
        rig_activate(&law->rig, program);
    }
}

/* ---- What happens ---- */

void
law_at(struct law *law, const char *text)
{
    law->rig.now_ms = rig_at(text).ms;
}

enum verdict
law_enrol(struct law *law, const char *member)
{
    return rig_event(&law->rig,
                     (struct event){.kind = EVENT_ENROL, .member = bytes_from_cstr(member)});
}

enum verdict
law_tell_birthday(struct law *law, const char *member, unsigned month, unsigned day)
{
    return rig_event(&law->rig, (struct event){
                                    .kind = EVENT_PROFILE_UPDATE,
                                    .member = bytes_from_cstr(member),
                                    .profile_update.birthday = {(uint8_t)month, (uint8_t)day},
                                });
}

static struct event
activity(const char *member, const char *name)
{
    struct event event = {.kind = EVENT_ACTIVITY, .member = bytes_from_cstr(member)};
    event.activity.kind = ACTIVITY_APP_DEFINED;
    for (size_t i = 0; i < sizeof ACTIVITIES / sizeof ACTIVITIES[0]; i++) {
        if (strcmp(ACTIVITIES[i].name, name) == 0) event.activity.kind = ACTIVITIES[i].kind;
    }
    if (event.activity.kind == ACTIVITY_APP_DEFINED)
        event.activity.app_kind = bytes_from_cstr(name);
    return event;
}

enum verdict
law_do(struct law *law, const char *member, const char *name)
{
    return rig_event(&law->rig, activity(member, name));
}

enum verdict
law_do_at(struct law *law, const char *member, const char *name, const char *at)
{
    struct event event = activity(member, name);
    event.occurred_at = rig_at(at);
    return rig_event(&law->rig, event);
}

enum verdict
law_do_to(struct law *law, const char *member, const char *name, const char *reference)
{
    struct event event = activity(member, name);
    event.activity.reference = bytes_from_cstr(reference);
    return rig_event(&law->rig, event);
}

enum verdict
law_buy(struct law *law, const char *member, const char *order, int64_t minor)
{
    return rig_buy(&law->rig, member, order, minor);
}

enum verdict
law_buy_at(struct law *law, const char *member, const char *order, int64_t minor, const char *at)
{
    struct event_line line = {
        .line_id = BYTES_LITERAL("1"),
        .kind = LINE_GOODS,
        .quantity_milli = 1000,
        .amount_minor = minor,
    };
    return rig_event(&law->rig, (struct event){
                                    .kind = EVENT_PURCHASE,
                                    .member = bytes_from_cstr(member),
                                    .occurred_at = rig_at(at),
                                    .purchase = {.order_id = bytes_from_cstr(order),
                                                 .currency = RIG_GBP,
                                                 .lines = &line,
                                                 .line_count = 1},
                                });
}

enum verdict
law_decide(struct law *law, const char *member, enum event_kind kind, const char *event_id)
{
    return rig_event(&law->rig, (struct event){
                                    .kind = kind,
                                    .member = bytes_from_cstr(member),
                                    .quarantine_end = {.granted_by = {BYTES_LITERAL("shop"),
                                                                      bytes_from_cstr(event_id)},
                                                       .reason = BYTES_LITERAL("looked at"),
                                                       .actor = BYTES_LITERAL("eve")},
                                });
}

const char *
law_last_event(struct law *law)
{
    static char id[32];
    snprintf(id, sizeof id, "e%llu", (unsigned long long)law->rig.events);
    return id;
}

/* ---- What it says ---- */

static const struct outcome_amount *
first_amount(const struct law *law)
{
    const struct outcome *outcome = rig_outcome(&law->rig);
    for (uint32_t i = 0; i < outcome->amount_count; i++) {
        if (bytes_equal(outcome->amounts[i].currency, BYTES_LITERAL("points")))
            return &outcome->amounts[i];
    }
    return NULL;
}

int64_t
law_paid(const struct law *law)
{
    const struct outcome_amount *amount = first_amount(law);
    return amount == NULL ? 0 : amount->granted.units;
}

int64_t
law_asked(const struct law *law)
{
    const struct outcome_amount *amount = first_amount(law);
    return amount == NULL ? 0 : amount->requested.units;
}

int64_t
law_active(struct law *law, const char *member)
{
    return rig_active(&law->rig, member);
}

int64_t
law_pending(struct law *law, const char *member)
{
    struct member_view view;
    CHECK(rig_view(&law->rig, member, &view));
    return view.wallet_count == 0 ? 0 : view.wallets[0].pending.units;
}

const struct notice *
law_notice(const struct law *law, enum notice_kind kind, size_t index)
{
    for (size_t i = 0; i < law->rig.log_count; i++) {
        const struct effect *effect = &law->rig.log[i];
        if (effect->topic != TOPIC_NOTICES || effect->notice.kind != kind) continue;
        if (index-- == 0) return &effect->notice;
    }
    return NULL;
}

size_t
law_notices(const struct law *law, enum notice_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < law->rig.log_count; i++) {
        const struct effect *effect = &law->rig.log[i];
        count += effect->topic == TOPIC_NOTICES && effect->notice.kind == kind;
    }
    return count;
}
