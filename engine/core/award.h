/*
 * Awards: what an event earns besides its order's value (semantics §4): flat grants for signing up,
 * a first purchase, activities, birthdays and anniversaries; steps of streaks (streak.c); completed
 * missions (mission.c).
 *
 * They are planned with the grants of their event (grant.h), judged with them, and noted when the
 * event is booked: what was paid, which days were seen, how far missions are. What is planned lives
 * in the scratch arena of its apply.
 */
#ifndef TALLYBOOK_ENGINE_CORE_AWARD_H
#define TALLYBOOK_ENGINE_CORE_AWARD_H

#include "engine/core/condition.h"
#include "engine/core/eligible.h"
#include "engine/core/grant.h"

/* ---- Purchases: called by earn.c ---- */

/* Plans sign-up where apply->member is NULL, the first purchase and missions, behind the order's
 * own grants. Moves nothing. False: the verdict is overflow, for a figure would leave 63 bits or
 * the event would complete missions thousands of times. FACT_ORDERS tells the orders before this
 * one. */
bool award_plan_purchase(struct apply *apply, struct grant_plan *grants);

/* The missions that count the order, as indexes in apply->rulebook: the order's row keeps them.
 * Valid after award_plan_purchase. */
const uint16_t *award_missions(const struct apply *apply, uint32_t *out_count);

/* A return of an order: which missions counted it, and what of it was kept before and is kept
 * now. */
struct award_return {
    struct rulebook *rulebook;  /* that granted */
    struct instant occurred_at; /* of the order */
    const uint16_t *missions;
    uint32_t mission_count;
    const struct order_money *before, *after; /* after NULL: nothing is kept */
    bool whole;                               /* by this return the order is returned as a whole */
};

/* Lowers the missions (semantics §4): what was completed stands. */
void award_return(struct apply *apply, const struct award_return *returned);

/* ---- Activities and enrolments ---- */

/* The same for an activity and for an enrolment. */
bool award_plan_activity(struct apply *apply, struct grant_plan *grants);
bool award_plan_enrolment(struct apply *apply, struct grant_plan *grants);

/* After the booking of the grants, with the member enrolled: notes what was planned for the event,
 * and tells of missions. */
void award_book(struct apply *apply);

/* How many facts that may add to the member's row. */
uint32_t award_facts(const struct apply *apply);

/* Fills in `activity`. */
void award_scope(const struct activity *activity, struct condition_facts *facts);

/* The name of an activity's kind as rulebooks write it. */
struct bytes award_activity_name(const struct activity *activity);

/* ---- Dates of the member ---- */

/* What a FACT_SCHEDULE stands for. Persisted codes. */
enum award_date { AWARD_DATE_ANNIVERSARY = 1, AWARD_DATE_BIRTHDAY = 2 };

/* The member is enrolled, or open again: its next anniversary after an instant. */
void award_expect_anniversary(struct apply *apply, struct instant after);

/* The member's birthday is told, or withdrawn (month 0): its next one after an instant. */
void award_set_birthday(struct apply *apply, struct birthday birthday, struct instant after);

/* The date has come (due work of kind 4): pays it, once a calendar year, and expects the next. */
void award_date_due(struct apply *apply, const struct fact *schedule, int64_t ms);

#endif
