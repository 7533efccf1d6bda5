/*
 * Enrolment, and what is told of somebody who is not enrolled (semantics §4): enrolled by an
 * earning event, parked until enrolment, or refused.
 *
 * A parked event keeps its place among the ordinals: its row of family 'r' holds the whole event
 * under the hash of the reference that it will leave, so that the row can become that reference
 * when the event is judged.
 */
#ifndef TALLYBOOK_ENGINE_CORE_ENROL_H
#define TALLYBOOK_ENGINE_CORE_ENROL_H

#include "engine/core/state_priv.h"

/* Events of one member that may be parked: judging them all at once has room among the effects. */
enum { ENROL_PARKED_MAX = 100 };

/* "Member known", the stage of the verdicts: VERDICT_ACCEPTED for a member, for what enrols, and
 * for what waits for its order whoever it is of (semantics §6). Else VERDICT_UNKNOWN_MEMBER;
 * VERDICT_PARKED, and the event is kept; or VERDICT_LIMIT_REACHED, for too much is parked. */
enum verdict enrol_judge(struct apply *apply);

/* Events Enrol and ProfileUpdate, from "member known" on. */
enum verdict enrol_apply(struct apply *apply);
enum verdict enrol_update_profile(struct apply *apply);

/* Takes the first parked event of apply->member out, to be judged now: its texts and lists lie in
 * the scratch arena. False when there is none. */
bool enrol_take_parked(struct apply *apply, struct event *out_event, uint64_t *out_ordinal);

/* What one event needs. */
typedef void enrol_needs_of(const struct state *state, const struct event *event,
                            const struct member *member, struct needs *needs);
/* The rows of what is parked for a member that this event may enrol, and, once they are there, what
 * these events need. */
void enrol_needs(const struct state *state, const struct event *event, const struct member *member,
                 enrol_needs_of *needs_of, struct needs *needs);

#endif
