/*
 * Points by hand (semantics §10): grants, adjustments, and the second pair of eyes. An adjustment
 * above the rulebook's threshold leaves a row and a fact, and is executed or forgotten by them.
 */
#ifndef TALLYBOOK_ENGINE_CORE_BYHAND_H
#define TALLYBOOK_ENGINE_CORE_BYHAND_H

#include "engine/core/order.h"
#include "engine/core/state_priv.h"

/* The funder that a grant names must be one of the rulebook's; form. */
bool byhand_knows_funder(const struct rulebook *rulebook, struct bytes funder);

/* Of an approval: the version in force must know the currency of what waits; form. */
enum verdict byhand_judge_form(const struct apply *apply);

/* The row that an approval names. */
void byhand_needs(const struct state *state, const struct event *event, struct needs *needs);

/* The events, from "member known" on; currency and funder are judged as
 * form. */
enum verdict byhand_grant(struct apply *apply);
enum verdict byhand_adjust(struct apply *apply);
enum verdict byhand_approve(struct apply *apply);

/* Nobody has approved in time (semantics §10). */
void byhand_lapse(struct apply *apply, const struct fact *awaiting);

/* Under which id of REFERENCE_AWAITING the adjustment of an event stands: its source, a zero byte
 * and its id, written into `writer`. */
struct bytes byhand_awaiting_id(struct bytes source, struct bytes id, struct writer *writer);

enum { AWAITING_ID_BYTES_MAX = 2 * EVENT_ID_BYTES_MAX + 1 };

#endif
