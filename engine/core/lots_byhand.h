/* Lots extended, reinstated and renewed by hand (semantics §7): never rewritten, each a posting
 * with a reason. */
#ifndef TALLYBOOK_ENGINE_CORE_LOTS_BYHAND_H
#define TALLYBOOK_ENGINE_CORE_LOTS_BYHAND_H

#include "engine/core/state_priv.h"

/* Asks for the closed lots that a reinstatement or renewal may bring back. */
void lots_byhand_needs(const struct state *state, const struct member *member, struct needs *needs);

/* The events, from "member known" on; the currency is judged as form. */
enum verdict lots_extend(struct apply *apply);
enum verdict lots_reinstate(struct apply *apply);
enum verdict lots_renew(struct apply *apply);

#endif
