/*
 * A ledger in memory, without journal, store or outputs: for asking what a rulebook would do. The
 * fold is the real one.
 *
 * Invariant: nothing ever leaves memory, so nothing has to be fetched; what the fold asks for does
 * not exist.
 */
#ifndef TALLYBOOK_ENGINE_SHARD_TRIAL_H
#define TALLYBOOK_ENGINE_SHARD_TRIAL_H

#include "engine/base/region.h"
#include "engine/core/fold.h"

struct trial {
    struct region slab_region, effects_region, texts_region, view_region;
    struct slab slab;
    struct state *state;
    struct effects effects;
    struct arena texts, view;
    struct needs needs;
    int64_t offset; /* of the next entry */
};

/** Opens an empty ledger of one partition that goes by its entries' own time. FAULT_UNAVAILABLE
 * when there is no memory. */
bool trial_open(struct trial *trial, struct fault *out_fault);
void trial_close(struct trial *trial);

/** Puts a program in force at an instant. */
bool trial_activate(struct trial *trial, const struct activation *activation, struct instant at,
                    struct fault *out_fault);

/** Tells an event, or what the codec has refused of it, at an instant, with all the due work before
 * and after it. *out_outcome is its answer; its texts are valid until the next call. */
bool trial_tell(struct trial *trial, struct entry entry, struct instant at,
                struct outcome *out_outcome, struct fault *out_fault);

/** Lets time pass up to an instant. */
bool trial_pass(struct trial *trial, struct instant until, struct fault *out_fault);

/** A member as it stands; false when nobody of that key is enrolled. Valid until the next look. */
bool trial_look(struct trial *trial, struct bytes key, struct member_view *out_view);

#endif
