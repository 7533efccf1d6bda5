/*
 * Members: one flat block each, found by key through a locator and by enrolment number through
 * pages.
 *
 * A block is a header, the key, and sections of fixed-size entries, in this order: wallets, tiers,
 * past tiers, noticed instants, facts (fact.h), lots. From `scheduled_ms` on it is the persisted
 * value (member.c), so that neither writing nor hashing a row has anything to encode.
 *
 * Invariants:
 *  1. wallets[slot] belongs to the currency in that slot of the state; slots that were never used
 * may be missing at the end.
 *  2. Lots stand by currency slot, then in spend order (semantics §5) whatever their state: soonest
 * expiry, earned_at, ordinal, index. Only lots with remaining or held points are here;
 * wallets[slot].lot_count says how many are the slot's. An open lot has no row of its own
 * (closed.h).
 *  3. wallets[slot].pending, active and lapsing are the sums of the remaining points of the slot's
 * lots in that state, held that of their held points, arrears and noted those of its facts. CHECKed
 * when a row is written and when it is read.
 *  4. A hint for (scheduled_ms, scheduled_kind) stands among the timers, and nothing of the member
 * is due earlier.
 *  5. Unused bytes are zero: equal members have equal blocks.
 */
#ifndef TALLYBOOK_ENGINE_CORE_MEMBER_H
#define TALLYBOOK_ENGINE_CORE_MEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/locator.h"
#include "engine/core/fold.h"
#include "engine/core/memo.h"
#include "engine/core/row.h"

/* Persisted codes, semantics §10. */
enum member_status {
    MEMBER_ACTIVE = 1,
    MEMBER_SUSPENDED = 2,
    MEMBER_FROZEN = 3,
    MEMBER_CLOSED = 4,
    MEMBER_MERGED = 5,
    MEMBER_UNKNOWN = 6, /* not enrolled: a placeholder for what waits, or what is left of one */
};

const char *member_status_name(uint32_t status);
const char *lot_state_name(uint32_t state);

struct wallet {
    int64_t pending, active, held, lapsing, arrears;
    int64_t noted; /* clawed back beyond the balance and dropped (semantics §6) */
    uint32_t lot_count;
    uint32_t pending_count, lapsing_count; /* of these in that state */
    uint32_t reserved;
};

/* The tier held in one group. No entry and level 0 both mean the lowest level, since enrolment.
 * Levels are slots among the group's, by first appearance; UINT16_MAX: the lowest one. */
struct member_tier {
    int64_t since_ms;
    int64_t review_ms;   /* INT64_MAX = none */
    int64_t grace_ms;    /* a downgrade waits until then; INT64_MAX = none does */
    int64_t at_risk_ms;  /* when to see whether the review is met; INT64_MAX = never */
    int64_t reviewed_ms; /* start of the window that began with the last review */
    int64_t peak_ms;     /* start of the window in which `peak` was reached */
    uint16_t level;
    uint16_t base;   /* by metrics and reviews: what is held but for an override */
    uint16_t from;   /* before the last review */
    uint16_t result; /* of the last review */
    uint16_t lower;  /* to which the waiting downgrade goes */
    uint16_t peak;   /* the highest that an upgrade reached in that window */
    uint8_t held;    /* 0: nothing was held yet but the lowest */
    uint8_t reviewed;
    uint8_t reserved[2];
};

/* A tier held before: it began at since_ms and ended when the next of its group began. */
struct past_tier {
    int64_t since_ms;
    uint16_t level;
    uint8_t group;
    uint8_t reserved[5];
};

/* An instant of expiry for which the notice went out. Gone once the instant has passed. */
struct noticed {
    int64_t expires_ms;
    uint8_t currency;
    uint8_t reserved[7];
};

/* Anything that a room keeps of a member by numbers: what each kind means stands in fact.def. */
struct fact {
    uint8_t kind; /* enum fact_kind */
    uint8_t flags;
    uint16_t slot;
    uint32_t index;
    int64_t key;
    int64_t a, b, c;
};

/* Persisted codes. */
enum lot_state { LOT_PENDING = 1, LOT_ACTIVE = 2, LOT_LAPSING = 3 };

enum {
    LOT_NOTICED = 1,         /* its instant stands among the noticed ones */
    LOT_QUARANTINED = 2,     /* pending until somebody decides (semantics §10) */
    LOT_AWAITS_DELIVERY = 4, /* pending until its order is delivered */
    LOT_BY_INACTIVITY = 8,   /* expires by its currency's clock */
    LOT_MOVED = 16,          /* its instants were changed after points had left it */
    LOT_NEVER = 64,          /* never expires, whatever the rulebook says */
    LOT_CANCELLED = 32,      /* what is counted as expired was cancelled: never reinstated */
};

enum { LOT_BY_HAND = UINT16_MAX }; /* in place of a rule: granted or adjusted by an event */

struct lot {
    int64_t remaining; /* in the account of its state */
    int64_t held;      /* in open holds */
    int64_t granted;
    int64_t expired; /* of granted; cancelled and forfeited points count here (semantics §6) */
    int64_t earned_ms;
    int64_t activates_ms; /* INT64_MAX = not known yet */
    int64_t expires_ms;   /* INT64_MAX = never, or not known yet */
    int64_t deadline_ms;  /* its state ends by itself: pending is cancelled, lapsing expires.
                             INT64_MAX = does not */
    uint64_t ordinal;
    uint64_t order; /* ordinal of the order it belongs to; 0 = none */
    uint32_t index;
    uint16_t rule;     /* slot of the first that contributed: NAME_SOURCE */
    uint16_t rulebook; /* index of the activation that granted it */
    uint16_t funder;   /* slot plus 1: NAME_FUNDER; 0 = none */
    uint8_t currency;  /* slot */
    uint8_t state;     /* enum lot_state */
    uint8_t flags;
    uint8_t reserved;
    uint16_t thaws; /* how many times frozen its instants know of: FACT_THAWED */
};

struct member {
    /* In memory only. */
    uint64_t number;
    uint64_t stale_next; /* next member whose share of the digest is out of date */
    struct hash128 share;
    uint32_t generation; /* of the last write */
    uint32_t allocated;  /* bytes of this block */
    uint8_t stale, touched;
    uint8_t reserved[6];

    /* Persisted, not hashed: depends on when the clock was told, not on what happened. */
    int64_t scheduled_ms; /* INT64_MAX = nothing ever */
    uint8_t scheduled_kind;
    uint8_t reserved_too[7];

    /* Persisted and hashed. */
    uint8_t format, status, key_bytes, wallet_count, tier_count, past_count;
    uint8_t reserved_two[2];
    uint32_t noticed_count, fact_count, lot_count;
    uint32_t judged; /* the turn of the last new rulebook that judged its tiers: anew.h */
    int64_t enrolled_ms;
    uint8_t sections[];
};

enum {
    MEMBER_FORMAT = 2,
    MEMBER_PAST_MAX = 255,
    MEMBER_LOTS_MAX = 100000,
    MEMBER_FACTS_MAX = 100000, /* with as many lots, a block still fits the slab's largest */
    MEMBER_FACTS_UNASKED = 4096,
    MEMBER_KEY_BYTES_MAX = 255
};

static inline struct bytes
member_key(const struct member *member)
{
    return bytes_of(member->sections, member->key_bytes);
}

/* Whether the account is that of a guest order. */
static inline bool
member_is_guest(const struct member *member)
{
    return bytes_start_with(member_key(member), BYTES_LITERAL(KEY_GUEST_PREFIX));
}

static inline size_t
member_wallets_at(const struct member *member)
{
    return (member->key_bytes + (size_t)7) & ~(size_t)7;
}

static inline struct wallet *
member_wallets(const struct member *member)
{
    return (struct wallet *)(uintptr_t)(member->sections + member_wallets_at(member));
}

static inline struct member_tier *
member_tiers(const struct member *member)
{
    return (struct member_tier *)(member_wallets(member) + member->wallet_count);
}

static inline struct past_tier *
member_past(const struct member *member)
{
    return (struct past_tier *)(member_tiers(member) + member->tier_count);
}

static inline struct noticed *
member_noticed(const struct member *member)
{
    return (struct noticed *)(member_past(member) + member->past_count);
}

static inline struct fact *
member_facts(const struct member *member)
{
    return (struct fact *)(member_noticed(member) + member->noticed_count);
}

static inline struct lot *
member_lots(const struct member *member)
{
    return (struct lot *)(member_facts(member) + member->fact_count);
}

/* Bytes of the whole block in use. */
static inline size_t
member_bytes(const struct member *member)
{
    return (size_t)((const uint8_t *)(member_lots(member) + member->lot_count) -
                    (const uint8_t *)member);
}

/* Opens a gap of `bytes` zero bytes at `at` (which lies in the block) and returns its place; the
 * member may move. The caller raises the count of the section afterwards. */
struct members;
void *member_open_gap(struct members *members, struct member **member, const void *at,
                      size_t bytes);

/* Takes `bytes` at `at` out of the block. The caller has lowered the section's count before. */
void member_close_gap(struct members *members, struct member **member, void *at, size_t bytes,
                      size_t old_bytes);

enum { MEMBER_PAGE_SLOTS = 4096, MEMBER_PAGE_WORDS = MEMBER_PAGE_SLOTS / 64 };

struct member_page {
    struct member *slots[MEMBER_PAGE_SLOTS]; /* NULL = cold */
    uint64_t dirty[2][MEMBER_PAGE_WORDS];    /* by parity of the generation */
};

struct members {
    struct memo *memo;
    struct locator locator;
    struct member_page **pages;
    size_t page_count, page_capacity;
    uint64_t count;        /* numbers 1 … count are enrolled */
    uint64_t stored_count; /* of these, the directory rows of 1 … stored_count are in the store */
    uint64_t frozen_count;
    uint64_t unknown_count; /* numbers of placeholders, and of what is left of them */
    uint64_t warm;
    uint64_t stale_first; /* 0 = none */
    uint64_t hand;        /* of the clock that looks for members to evict */
};

bool members_open(struct members *members, struct memo *memo, uint64_t expected,
                  struct fault *out_fault);
void members_close(struct members *members);

uint64_t members_hash(const struct members *members, struct bytes key);

/* Pulls the place of a member, then the member, into the cache. */
void members_prefetch_slot(const struct members *members, uint64_t number);
void members_prefetch(const struct members *members, uint64_t number);

/* The same for the end of a member that is in the cache: of many lots the newest stand there. */
void members_prefetch_end(const struct members *members, uint64_t number);

/* The warm member of that number, or NULL. */
struct member *members_warm(const struct members *members, uint64_t number);

/* Finds a member by key. When a candidate is cold its row is added to `needs` and NULL returned
 * with *out_known false. NULL with *out_known true: not enrolled. */
struct member *members_find(const struct members *members, struct bytes key, struct needs *needs,
                            bool *out_known);

/* The same, by the key and its hash. */
struct member *members_find_hashed(const struct members *members, struct bytes key, uint64_t hash,
                                   struct needs *needs, bool *out_known);

/* A row for somebody who is not enrolled but for whom something waits: MEMBER_UNKNOWN. */
struct member *members_placeholder(struct members *members, struct bytes key, int64_t since_ms);

/* A new member, without wallets or lots. What the placeholder (NULL: none) had moves over to the
 * new number, so that numbers stay the order of enrolment, and FACT_FORMER remembers the old one,
 * under which rows of references stand; the placeholder is left without key. The locator has room:
 * state_reserve. */
struct member *members_enrol(struct members *members, struct bytes key, int64_t enrolled_ms,
                             struct member *placeholder);

/* Says that the member is about to change. */
void members_write(struct members *members, struct member *member);

/* Brings the digest up to date. */
void members_settle(struct members *members);

/* Takes a row of the store in. */
bool members_load(struct members *members, struct row row, struct fault *out_fault);
bool members_load_directory(struct members *members, struct row row, struct fault *out_fault);

/* Reads a row without a state: its share of the digest. */
bool member_row_share(uint64_t seed, struct row row, struct hash128 *out_share,
                      struct fault *out_fault);

/* Asks for the row of a cold member. */
void members_need(uint64_t number, struct needs *needs);

/* Checkpoint: the dirty member with the lowest number ≥ *cursor, its value written into the writer.
 */
bool members_next_dirty(struct members *members, uint32_t generation, uint64_t *cursor,
                        struct row_key *out_key, struct writer *writer);
bool members_next_directory(const struct members *members, uint64_t *cursor,
                            struct row_key *out_key, struct writer *writer);
void members_checkpoint_end(struct members *members, uint32_t generation);

/* Lets clean members go until `bytes` are freed; returns what was. */
size_t members_evict(struct members *members, size_t bytes);

/* ---- Sections
 * -----------------------------------------------------------------------------------------------------
 */

/* The wallet of a currency slot, made when missing. */
struct wallet *member_wallet(struct members *members, struct member **member, uint32_t slot);

/* NULL when the member never had one. */
static inline const struct wallet *
member_wallet_find(const struct member *member, uint32_t slot)
{
    return slot < member->wallet_count ? &member_wallets(member)[slot] : NULL;
}

struct member_tier *member_tier(struct members *members, struct member **member, uint32_t group);
/* Takes out all tiers, past ones too. */
void member_drop_tiers(struct members *members, struct member **member);
void member_add_past(struct members *members, struct member **member, struct past_tier past);

/* Forgets tiers of a group that had ended by `before_ms`. */
void member_drop_past(struct members *members, struct member **member, uint32_t group,
                      int64_t before_ms);

bool member_is_noticed(const struct member *member, uint8_t currency, int64_t expires_ms);
void member_add_noticed(struct members *members, struct member **member, uint8_t currency,
                        int64_t expires_ms);
void member_drop_noticed(struct members *members, struct member **member, int64_t expires_ms);

#endif
