/*
 * How points come to a member: new lots, pending ones that activate, and points that come back
 * (semantics §4, §5). Everything that enters `active` does so by activate_enter.
 */
#ifndef TALLYBOOK_ENGINE_CORE_ACTIVATE_H
#define TALLYBOOK_ENGINE_CORE_ACTIVATE_H

#include "engine/core/posting.h"

/* Points on their way into `active`. */
struct entering {
    enum posting_kind kind;
    enum account from;
    int64_t units;
    int64_t effective_ms;
    bool comes_back; /* undone, released or returned: meets what is noted and its own order's
                        arrears before it expires (semantics §5) */
    int64_t restore_until_ms; /* later than the clock: what would expire at once lives until then,
                                 and its posting says so */
    struct lot_list *opening; /* takes a lot that opens, for lots_insert_all; NULL: it is put in */
};

/* The one way into `active`. `lot` names the lot and its dates: an open lot of that place grows; a
 * lot that is not open (new, used up, or taken out of the closed ones by activate_recall) is opened
 * as it is given, which is with nothing remaining. In this order: the posting; of what comes back,
 * noted claw-backs and the arrears of the lot's own order; expiry at once when the lot is past its
 * instant; other arrears, oldest first; the rest stays, and hints are seen to. Returns what stays.
 */
int64_t activate_enter(struct apply *apply, const struct lot *lot, const struct entering *entering);

/* The next id: of the event, or of due work after the last event (semantics §2). */
void activate_number(struct apply *apply, struct lot *lot);

/* A new lot of lot->granted points, by a posting of that kind from that account. It is complete but
 * for id and state; deadline_ms 0 means none. Active at once when activates_ms is not after
 * `effective_ms`; else pending, and so with LOT_AWAITS_DELIVERY or LOT_QUARANTINED. One whose
 * instant the clock has passed activates inside the event, and one whose expiry has come too
 * expires inside it and pays no arrears. Sets the lot's id. */
void activate_grant(struct apply *apply, struct lot *lot, enum posting_kind kind, enum account from,
                    int64_t effective_ms);

/* A pending lot of the row becomes active at an instant. An expires_ms of INT64_MAX is worked out
 * from there, any other stays. */
void activate_lot(struct apply *apply, struct lot *lot, int64_t effective_ms);

/* A quarantined lot of the row is released before its own activation, for which it waits on: what
 * is known of that by now gives its expiry (semantics §10). */
void activate_go_on(struct apply *apply, const struct lot *lot);

/* A pending lot of the row is cancelled (deadline, rejection): posting cancel. */
void activate_cancel(struct apply *apply, struct lot *lot, int64_t effective_ms);

/* Due work: up to `max` pending lots of a slot that activate at `ms`; or whose deadline is `ms`.
 * Returns how many. */
uint64_t activate_due(struct apply *apply, uint32_t slot, int64_t ms, uint64_t max);
uint64_t activate_give_up(struct apply *apply, uint32_t slot, int64_t ms, uint64_t max);

/* When a pending lot activates by itself; INT64_MAX: something else must happen. */
int64_t activate_at(const struct lot *lot);

/* The lot that was `image` when points left it, as it is now: open, closed (its row is taken out,
 * so it must be put back by activate_enter or closed_add), or used up. Its event's closed lots are
 * in memory: closed_need. */
struct lot activate_recall(struct apply *apply, const struct lot *image);

/* The same of a lot that is known not to be open. */
struct lot activate_recall_gone(struct apply *apply, const struct lot *image);

/* Whether a lot is past its instant of expiry; a frozen member's clock stands. Due work has its own
 * instant for a clock, and what expires at it does so in its turn. */
bool activate_is_past(const struct apply *apply, const struct lot *lot);

/* By how much an instant of a lot moves that had not been reached when its member was frozen: by
 * the time frozen since the later of freeze and grant (semantics §10). */
int64_t activate_moved(int64_t ms, const struct lot *lot, int64_t frozen_ms, int64_t until_ms);

/* How often the member was frozen and is no more. */
uint16_t activate_thaws(const struct member *member);

/* A lot that was not open knows nothing of the times its member was frozen since: moves its instant
 * by them. */
void activate_catch_up(const struct member *member, struct lot *lot);

/* An open lot's instants were set or moved: hints for what it has due. */
void activate_schedule(struct apply *apply, struct lot *lot);

#endif
