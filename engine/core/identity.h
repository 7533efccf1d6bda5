/*
 * Which events were seen, for ever (semantics §3): one entry of 32 bytes per ordinal, found by
 * (source, id) through a locator. Only entries that no checkpoint has stored stand in memory; older
 * ones come back in chunks when a repeat, or a rare false candidate, asks for them.
 *
 * An entry also says under which hash the event's order, spend or refund is known, so that the
 * locator of references is rebuilt from the same rows.
 */
#ifndef TALLYBOOK_ENGINE_CORE_IDENTITY_H
#define TALLYBOOK_ENGINE_CORE_IDENTITY_H

#include "engine/base/locator.h"
#include "engine/core/fold.h"
#include "engine/core/memo.h"
#include "engine/core/row.h"
#include "engine/core/window.h"

struct identity {
    struct hash128 hash; /* of source and id; two that agree in it are the same */
    uint64_t content;
    uint64_t verdict_and_reference; /* low byte: verdict; the rest: upper 56 bits of the reference's
                                       hash, 0 = none */
};

enum { IDENTITY_CHUNK_MAX = 256, IDENTITY_CACHE_CHUNKS = 256 };

struct identity_chunk {
    uint64_t first; /* ordinal; 0 = empty */
    uint32_t count;
    struct identity *items;
};

struct identities {
    struct memo *memo;
    struct locator locator;
    uint64_t next;   /* ordinal of the next event; from 1 */
    uint64_t stored; /* first ordinal that is not in the store */
    uint64_t frozen; /* the same once the checkpoint under way is in */
    struct window fresh;
    struct identity_chunk cache[IDENTITY_CACHE_CHUNKS]; /* replaced first in, first out */
    uint32_t cache_next;
};

bool identities_open(struct identities *identities, struct memo *memo, uint64_t expected,
                     struct fault *out_fault);
void identities_close(struct identities *identities);

struct hash128 identity_hash(const struct memo *memo, struct bytes source, struct bytes id);

enum identity_found { IDENTITY_NEW, IDENTITY_KNOWN, IDENTITY_COLD };

/* Looks an identity up. IDENTITY_COLD: the chunks to load were added to `needs`. */
enum identity_found identities_find(const struct identities *identities, struct hash128 hash,
                                    struct needs *needs, struct identity *out_identity,
                                    uint64_t *out_ordinal);

/* Gives the next ordinal to a new identity. The locator has room: state_reserve. */
uint64_t identities_add(struct identities *identities, const struct identity *identity);

/* While a state is restored: all chunks in order; the references' locator is filled from them. */
bool identities_restore(struct identities *identities, struct row row, struct locator *references,
                        struct fault *out_fault);

/* Afterwards: a chunk that was asked for. */
bool identities_load(struct identities *identities, struct row row, struct fault *out_fault);

bool identities_next(const struct identities *identities, uint64_t *cursor, struct row_key *out_key,
                     struct writer *writer);
void identities_checkpoint_end(struct identities *identities);

/* The shares of all identities of a chunk. */
bool identity_row_share(uint64_t seed, struct row row, struct hash128 *out_share,
                        struct fault *out_fault);

#endif
