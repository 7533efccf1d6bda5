/*
 * Stories for tests of the law: a programme put together by hand, members who do things at
 * instants, and what that paid. Over fold_rig, which a test may use directly as well.
 *
 *     law_open(&law);
 *     law_award(&law, "welcome", AWARD_SIGN_UP, 100);
 *     law_start(&law);
 *     law_at(&law, "2026-03-01T10:00:00Z");
 *     cr_assert_eq(law_enrol(&law, "ann"), VERDICT_ACCEPTED);
 *     cr_assert_eq(law_paid(&law), 100);
 */
#ifndef TALLYBOOK_TESTS_UNIT_LAW_RIG_H
#define TALLYBOOK_TESTS_UNIT_LAW_RIG_H

#include "tests/unit/fold_rig.h"

enum { LAW_ITEMS_MAX = 16 };

struct law {
    struct rig rig;
    struct program program; /* no award, streak, mission, cap or limit but those added below */
    struct program_award awards[LAW_ITEMS_MAX];
    struct program_streak streaks[LAW_ITEMS_MAX];
    struct program_mission missions[LAW_ITEMS_MAX];
    struct program_cap caps[LAW_ITEMS_MAX];
    struct program_limit limits[LAW_ITEMS_MAX];
};

/* Points 1 per 1.00 GBP, growth for tiers only; without expiry; auto-enrol; zone UTC. */
void law_open(struct law *law);

/* Writes a checkpoint, verifies the store, and closes. */
void law_close(struct law *law);

/* Parts of the programme, in whatever order; more can be set in what is returned. */
struct program_award *law_award(struct law *law, const char *id, enum award_kind kind,
                                int64_t points);
struct program_streak *law_streak(struct law *law, const char *id, enum calendar_unit every,
                                  const int64_t *points, uint32_t count);
struct program_mission *law_mission(struct law *law, const char *id, enum goal goal,
                                    enum counted of, int64_t target);
struct program_cap *law_cap(struct law *law, const char *id, int64_t max, enum per per);
struct program_limit *law_limit(struct law *law, const char *id, enum limited of, int64_t max,
                                enum limit_action action);

/* A zone that is so many hours east of UTC. */
void law_zone(struct law *law, int hours);

/* Puts the programme in force, at first with the journal's record 0; again: as the next version. */
void law_start(struct law *law);

/* The journal's time from now on. */
void law_at(struct law *law, const char *text);

/* Events at the journal's time, or at an occurred_at. */
enum verdict law_enrol(struct law *law, const char *member);
enum verdict law_tell_birthday(struct law *law, const char *member, unsigned month, unsigned day);
enum verdict law_do(struct law *law, const char *member, const char *activity);
enum verdict law_do_at(struct law *law, const char *member, const char *activity, const char *at);
enum verdict law_do_to(struct law *law, const char *member, const char *activity,
                       const char *reference);
enum verdict law_buy(struct law *law, const char *member, const char *order, int64_t minor);
enum verdict law_buy_at(struct law *law, const char *member, const char *order, int64_t minor,
                        const char *at);

/* Release or reject what an event granted, which is named as rig_event names: "e1", "e2" … */
enum verdict law_decide(struct law *law, const char *member, enum event_kind kind,
                        const char *event_id);

/* The name of the last event told. */
const char *law_last_event(struct law *law);

/* What the last outcome granted of the first currency. */
int64_t law_paid(const struct law *law);
int64_t law_asked(const struct law *law);

/* Of the first currency. */
int64_t law_active(struct law *law, const char *member);
int64_t law_pending(struct law *law, const char *member);

/* Notices of a kind so far; the i-th; NULL at the end. */
size_t law_notices(const struct law *law, enum notice_kind kind);
const struct notice *law_notice(const struct law *law, enum notice_kind kind, size_t index);

#endif
