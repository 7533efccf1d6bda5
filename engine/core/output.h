/* Effects on their way out: places in the caller's array, numbers, running hashes, and texts that
 * outlive the event. */
#ifndef TALLYBOOK_ENGINE_CORE_OUTPUT_H
#define TALLYBOOK_ENGINE_CORE_OUTPUT_H

#include "engine/core/state_priv.h"

/* A place for the next effect. It counts once it is sealed. */
struct effect *output_begin(struct apply *apply, enum topic topic);

/* Gives it its number and hashes, and lets it count. */
void output_seal(struct apply *apply, struct effect *effect);

/* Copies into the effects' arena. An empty text stays empty. */
struct bytes output_text(struct apply *apply, struct bytes text);

/* The same, kept for the next effect of this apply. */
struct bytes output_member(struct apply *apply);
struct bytes output_source(struct apply *apply); /* of the event; empty for due work */
struct bytes output_event_id(struct apply *apply);
struct bytes output_trace(struct apply *apply);
struct bytes output_order(struct apply *apply);
struct bytes output_currency(struct apply *apply, uint32_t slot);
struct bytes output_source_name(struct apply *apply, uint32_t slot); /* of NAME_SOURCE */
struct bytes output_funder(struct apply *apply, uint32_t slot);      /* of NAME_FUNDER */
struct bytes output_spend(struct apply *apply);
struct bytes output_hold(struct apply *apply);
struct bytes output_reason(struct apply *apply);
struct bytes output_actor(struct apply *apply);

/* Tells in an outcome what was added, and what the member can spend now. */
void output_amounts(const struct apply *apply, struct outcome *outcome);

/* Puts an outcome that was filled in place on its way: journal time, number, count by verdict. */
void output_outcome(struct apply *apply, struct effect *effect);

/* Answers apply->event, with the amounts so far when it is accepted. `first` is the first answer of
 * a duplicate; `ordinal` 0 when it took none. */
void output_answer(struct apply *apply, enum verdict verdict, enum verdict first, uint64_t ordinal);

/* A notice to apply->member: who, when, and the event that caused it. The caller fills in what it
 * says and seals it. */
struct effect *output_notice(struct apply *apply, enum notice_kind kind, int64_t effective_ms);

/* What the outcome tells of a currency; the caller may fill in the rest. */
struct outcome_amount *output_amount(struct apply *apply, uint32_t slot, int64_t requested,
                                     int64_t granted);

#endif
