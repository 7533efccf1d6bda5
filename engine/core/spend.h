/* Redeeming points in spend order (semantics §5). */
#ifndef TALLYBOOK_ENGINE_CORE_SPEND_H
#define TALLYBOOK_ENGINE_CORE_SPEND_H

#include "engine/core/state_priv.h"

/* A redemption, from "member known" on. */
enum verdict spend_redeem(struct apply *apply);

#endif
