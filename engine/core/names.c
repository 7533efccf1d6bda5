#include "engine/core/names.h"

bool
names_reference(const struct event *event, enum reference_kind *out_kind, struct bytes *out_id)
{
    switch (event->kind) {
    case EVENT_PURCHASE:
        *out_kind = REFERENCE_ORDER;
        *out_id = event->purchase.order_id;
        return true;
    case EVENT_CANCELLATION:
        *out_kind = REFERENCE_ORDER;
        *out_id = event->cancellation.order_id;
        return true;
    case EVENT_DELIVERED:
        *out_kind = REFERENCE_ORDER;
        *out_id = event->delivered.order_id;
        return true;
    case EVENT_REDEEM:
        *out_kind = REFERENCE_SPEND;
        *out_id = event->redeem.spend_id;
        return true;
    case EVENT_CANCEL_REDEMPTION:
        *out_kind = REFERENCE_SPEND;
        *out_id = event->cancel_redemption.spend_id;
        return true;
    case EVENT_HOLD:
        *out_kind = REFERENCE_HOLD;
        *out_id = event->hold.hold_id;
        return true;
    case EVENT_CAPTURE_HOLD:
        *out_kind = REFERENCE_HOLD;
        *out_id = event->capture_hold.hold_id;
        return true;
    case EVENT_RELEASE_HOLD:
        *out_kind = REFERENCE_HOLD;
        *out_id = event->release_hold.hold_id;
        return true;
    case EVENT_REFUND:
        if (event->refund.order_id.size > 0) {
            *out_kind = REFERENCE_ORDER;
            *out_id = event->refund.order_id;
        } else {
            *out_kind = REFERENCE_REFUND;
            *out_id = event->refund.refund_id;
        }
        return true;
    case EVENT_GRANT:
        *out_kind = REFERENCE_ORDER;
        *out_id = event->grant.order_id;
        return out_id->size > 0;
    default: return false;
    }
}

/* Whether somebody has looked ahead for this state and left the hashes. */
static bool
has_hashes(const struct state *state, const struct event *event)
{
    return event->hashes.seed == state->memo.seed && state->memo.seed != 0;
}

struct hash128
names_identity_hash(const struct state *state, const struct event *event)
{
    return has_hashes(state, event) ? event->hashes.identity
                                    : identity_hash(&state->memo, event->source, event->id);
}

uint64_t
names_member_hash(const struct state *state, const struct event *event)
{
    return has_hashes(state, event) ? event->hashes.member
                                    : members_hash(&state->members, event->member);
}

uint64_t
names_reference_hash(const struct state *state, enum reference_kind kind, const struct event *event,
                     struct bytes id)
{
    return has_hashes(state, event) ? event->hashes.reference
                                    : reference_hash(&state->memo, kind, event->member, id);
}

enum { PREFETCH_MAX = 64 };

/* Each round touches what the round before has asked for: lines of the locators, then slots of
 * members, then members, then their newest lots. */
static void
prefetch_batch(const struct state *state, struct entry *entries, size_t count)
{
    uint64_t number[PREFETCH_MAX];
    for (size_t i = 0; i < count; i++) {
        enum reference_kind kind;
        struct bytes id;
        struct event *event = &entries[i].event;
        number[i] = 0;
        if (entries[i].kind != ENTRY_EVENT) continue;
        struct event_hashes hashes = {
            .seed = state->memo.seed,
            .member = members_hash(&state->members, event->member),
            .identity = identity_hash(&state->memo, event->source, event->id),
        };
        locator_prefetch(&state->members.locator, hashes.member);
        locator_prefetch_insert(&state->identities.locator, hashes.identity.lo);
        if (names_reference(event, &kind, &id)) {
            hashes.reference = reference_hash(&state->memo, kind, event->member, id);
            locator_prefetch_insert(&state->references.locator, hashes.reference);
        }
        event->hashes = hashes;
    }
    for (size_t i = 0; i < count; i++) {
        if (entries[i].kind != ENTRY_EVENT) continue;
        if (locator_find(&state->members.locator, entries[i].event.hashes.member, &number[i], 1) !=
            0)
            members_prefetch_slot(&state->members, number[i]);
    }
    for (size_t i = 0; i < count; i++) {
        if (number[i] != 0) members_prefetch(&state->members, number[i]);
    }
    for (size_t i = 0; i < count; i++) {
        if (number[i] != 0) members_prefetch_end(&state->members, number[i]);
    }
}

void
fold_prefetch(const struct state *state, struct entry *entries, size_t count)
{
    if (!state->has_genesis) return;
    for (size_t i = 0; i < count; i += PREFETCH_MAX) {
        prefetch_batch(state, entries + i, count - i < PREFETCH_MAX ? count - i : PREFETCH_MAX);
    }
}
