/* Redeeming points in spend order (semantics §5). */
#ifndef TALLYBOOK_ENGINE_CORE_SPEND_H
#define TALLYBOOK_ENGINE_CORE_SPEND_H

#include "engine/core/state_priv.h"

/* The points currency that a spend draws on first; empty: the rulebook's first. */
struct bytes spend_currency(const struct spend_request *request);

/* A redemption, from "member known" on. */
enum verdict spend_redeem(struct apply *apply);

#endif
