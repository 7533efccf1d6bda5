/*
 * Holds: points taken out of reach for a checkout, until they are captured, released or time out
 * (semantics §5).
 *
 * Invariant: a hold ends once. It is open as long as its FACT_HOLD stands, and whatever ends it
 * removes that first.
 */
#ifndef TALLYBOOK_ENGINE_CORE_HOLD_H
#define TALLYBOOK_ENGINE_CORE_HOLD_H

#include "engine/core/spend.h"

/* Events Hold, CaptureHold and ReleaseHold, from "member known" on. */
enum verdict hold_take(struct apply *apply);
enum verdict hold_capture(struct apply *apply);
enum verdict hold_release(struct apply *apply);

/* Due work: the hold of a FACT_HOLD times out at an instant. Its row is in memory. */
void hold_time_out(struct apply *apply, const struct fact *hold, int64_t ms);

#endif
