/* Purchases: what they earn, booked (semantics §4), and what their rows remember (§6). */
#ifndef TALLYBOOK_ENGINE_CORE_PURCHASE_H
#define TALLYBOOK_ENGINE_CORE_PURCHASE_H

#include "engine/core/state_priv.h"

/* A purchase, from "member known" on; identity, version and time are judged. */
enum verdict purchase_judge(struct apply *apply);

#endif
