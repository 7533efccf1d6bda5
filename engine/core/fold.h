/* The fold: state' , effects = apply(state, entry). The only door of the core (architecture.md,
 * sentence 2).
 *
 * How a shell drives it, for each entry of the journal in order:
 *
 *     fold_needs(state, entry, append_ms, &needs)  → load the rows it names (state_put_row /
 * state_put_absent), ask again until it names none fold_apply(state, entry, position, append_ms,
 * &effects) while (fold_due(state, slice, &effects, &needs) != DUE_DONE) → DUE_NEEDS: load rows;
 * DUE_MORE: drain effects
 *
 * Members and other rows may be cold (not in memory) at any time between entries; which rows are
 * warm never changes what the fold says. State is one partition's and belongs to one thread;
 * nothing in here blocks, allocates outside the state's slab, or reads a clock.
 *
 * Invariants:
 *  1. An apply that refuses an event moves nothing but its identity and the outcome's number.
 *  2. After every apply: issued = active + arrears' counterpart … (semantics §3), kept as totals in
 * the state and CHECKed; a member's wallet equals the sum of its lots.
 *  3. fold_apply never finds a row missing: CHECKed, for fold_needs has named it. */
#ifndef TALLYBOOK_ENGINE_CORE_FOLD_H
#define TALLYBOOK_ENGINE_CORE_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/fault.h"
#include "engine/base/hash.h"
#include "engine/base/slab.h"
#include "engine/core/effect.h"
#include "engine/core/event.h"
#include "engine/core/program.h"

struct state;

/* ---- Rows: how the state stands in a store
 * ------------------------------------------------------------------------
 *
 * A row is a key and a value; the first byte of the key is its family. Within a family keys sort by
 * bytes, and in the families marked "rising" a key is written once, or close to once, and later
 * keys are greater: a store never has to compact them again (facts.md). The formats are described
 * in row.h. A memo of the fold at a position is the set of its rows; the store knows nothing more
 * about them. */
enum row_family {
    ROW_META = 'M', /* "M": everything that is one per partition: clock, ordinals, outputs, digest,
                       totals, slots */
    ROW_RULEBOOK = 'b', /* b + index: an activation, whole */
    ROW_DIRECTORY =
        'd', /* d + first number: key hashes of up to 256 members, by enrolment number. Rising */
    ROW_IDENTITY =
        'i',          /* i + first ordinal: up to 256 identities of 32 bytes, by ordinal. Rising */
    ROW_MEMBER = 'm', /* m + enrolment number */
    ROW_REFERENCE = 'r', /* r + ordinal: an order, a spend or a refund that names no order. Rising,
                            refunds rewrite */
    ROW_TIMER =
        't', /* t + due hour + checkpoint's ordinal: instants at which members have something due */
    ROW_CLOSED_LOT = 'x', /* x + member + ordinal + index: a lot of which something expired, after
                             it left its member's row */
};

/* In the order of their keys, which is the order of files in a checkpoint. */
#define ROW_FAMILIES "Mbdimrtx"

enum { ROW_KEY_BYTES_MAX = 32, ROW_BYTES_MAX = 16 * 1024 * 1024 };

struct row {
    struct bytes key;   /* family byte included */
    struct bytes value; /* data NULL: the row is to be deleted */
};

/* ---- What must be in memory before an apply
 * ----------------------------------------------------------------------- */

enum need_mode {
    NEED_GET = 1,   /* the row of exactly this key */
    NEED_FLOOR = 2, /* the row with the greatest key not above it, in its family (chunks) */
    NEED_RANGE =
        3, /* all rows from `key` up to and with `last` (timers, closed lots of an event) */
};

struct need {
    enum need_mode mode;
    uint8_t key[ROW_KEY_BYTES_MAX], last[ROW_KEY_BYTES_MAX];
    uint8_t key_size, last_size;
};

enum { NEEDS_MAX = 1024 };

struct needs {
    struct need items[NEEDS_MAX];
    size_t count;
};

/* ---- Life of a state
 * ---------------------------------------------------------------------------------------------- */

struct state_options {
    uint64_t expected_members; /* first sizes of the locators; they grow */
    uint64_t expected_identities;
    /* The partition's own coordinates, for rows read before record 0 is folded: none. */
};

/* Makes an empty state that takes its rows from `slab` (shared by the states of one shard; owned by
 * the caller, outlives the state). FAULT_UNAVAILABLE when memory for the locators is not to be had.
 */
bool state_open(struct slab *slab, const struct state_options *options, struct state **out_state,
                struct fault *out_fault);
void state_close(struct state *state);

/* Restores from a store: first META, then all RULEBOOK, DIRECTORY and IDENTITY rows in key order,
 * then state_restored(). TIMER, MEMBER, REFERENCE and CLOSED_LOT rows are loaded on need. A row
 * that does not verify is FAULT_DATA naming it. */
bool state_put_row(struct state *state, struct row row, struct fault *out_fault);
bool state_restored(struct state *state, struct fault *out_fault);

/* Answers a need for which the store has no row, so that it is not asked again. For NEED_RANGE call
 * it after the rows of the range were put, always: it says that the range is complete. */
void state_put_absent(struct state *state, const struct need *need);

/* Room for the next batch: grows locators so that `entries` more entries can be applied. Call
 * between batches. */
bool state_reserve(struct state *state, uint64_t entries, struct fault *out_fault);

/* ---- The fold
 * -----------------------------------------------------------------------------------------------------
 */

/* Names rows that `entry` needs and that are not in memory. Empty: fold_apply may be called.
 * `append_ms` is the record's time from the journal (ignored on a history journal). May be called
 * for entries further ahead (whole batches) to load in one go. A call that names nothing stays true
 * whatever is applied meanwhile, until the next state_evict, state_reserve or state_checkpoint_end:
 * rows leave memory nowhere else. Appends to *needs up to NEEDS_MAX. */
void fold_needs(const struct state *state, const struct entry *entry, int64_t append_ms,
                struct needs *needs);

/* Pulls what the entries will touch into the cache, and leaves its hashes in the entries, which
 * must not be changed any more. A hint; no effect on the result. */
void fold_prefetch(const struct state *state, struct entry *entries, size_t count);

/* Applies one entry: clock, due work of its member, identity, rules, postings, what it made due.
 * False only when the entry must not be folded at all (FAULT_DATA): record 0 missing or repeated,
 * an anchor that contradicts this state, an activation whose program does not decode, an unknown
 * law. The state is then unchanged and the partition must stop. */
bool fold_apply(struct state *state, const struct entry *entry, struct position position,
                int64_t append_ms, struct effects *effects, struct fault *out_fault);

/* Due work of members that no event touches, in due order, after the last applied entry: at most 64
 * items after an event, 65,536 after a tick (semantics §2). Works off at most `slice` items a call.
 */
enum due_result { DUE_DONE, DUE_MORE, DUE_NEEDS };
enum due_result fold_due(struct state *state, uint32_t slice, struct effects *effects,
                         struct needs *needs);

/* True when something is due at `clock_ms`, or will be by then: the owner then appends a tick.
 * out_next_due_ms: the earliest instant known of; INT64_MAX when none. */
bool state_due_by(const struct state *state, int64_t clock_ms, int64_t *out_next_due_ms);

/* ---- Checkpoints
 * --------------------------------------------------------------------------------------------------
 */

/* Freezes what must be written: rows changed since the last begin. Between begin and end the fold
 * goes on; rows written again meanwhile belong to the next checkpoint. One at a time. */
void state_checkpoint_begin(struct state *state);

/* Yields the rows of `family` in key order. Start with *cursor = 0; false at the end. Key and value
 * are valid until the next call. ROW_META is the state at begin. All families must be read before
 * the next fold_apply. */
bool state_checkpoint_next(struct state *state, enum row_family family, uint64_t *cursor,
                           struct row *out_row);

/* The rows are in the store: they may leave memory now. */
void state_checkpoint_end(struct state *state);

/* Bytes of rows that only memory holds; the shell begins a checkpoint when it nears its share of
 * memory. */
size_t state_dirty_bytes(const struct state *state);
uint64_t state_dirty_entries(const struct state *state); /* entries applied since the last begin */

/* Lets clean rows go, least recently touched first, until the slab has `free_bytes` free or nothing
 * clean is left. Between batches. Returns the bytes it freed. */
size_t state_evict(struct state *state, size_t free_bytes);

/* ---- What a state tells
 * ------------------------------------------------------------------------------------------- */

struct output_mark {
    uint64_t next_sequence; /* of the next effect; 1 at the start */
    uint64_t hash;          /* running hash after the last one */
    uint64_t offset; /* where the shell may begin to read the output topic after a restart; set by
                        the shell */
};

struct state_info {
    bool has_genesis;
    struct genesis genesis; /* programme points into the state */
    int64_t next_offset;    /* first journal offset that is not folded */
    uint64_t anchor;        /* hash of the record before next_offset; see state_record_done */
    uint64_t applied;       /* packed position of the last applied entry */
    uint64_t chain;         /* running hash over all effects of all topics */
    uint64_t next_ordinal;
    uint64_t entries; /* entries folded in all */
    struct instant clock;
    enum time_kind
        time_kind;  /* as of now: a history journal turns to append time at its live record */
    uint64_t claim; /* packed position of the claim in force; 0 = none */
    uint64_t claim_nonce;
    struct output_mark outputs[TOPIC_COUNT];
    struct hash128 digest; /* of all ledger rows; kept per write */
    uint64_t members, identities, references, rulebooks;
    uint64_t activations_ignored; /* repeats, and versions that do not follow the one before */
    uint64_t warm_members;
    uint64_t due_backlog;   /* items known to be due and not done */
    uint64_t verdicts[256]; /* outcomes by verdict number since the state was made; kept in META */
    bool rulebook_active;
    struct bytes rulebook_name; /* the last activated */
    uint32_t rulebook_version;
    struct instant rulebook_effective_from;
};

void state_info(const struct state *state, struct state_info *out_info);

/* The last activated rulebook, as its record told it; false when there is none. Spans point into
 * the state and are valid until its next apply. */
bool state_rulebook(const struct state *state, struct activation *out_activation);

/* Kept in META for recovery: where each output topic stood when everything before the checkpoint
 * was acknowledged. Call between state_checkpoint_begin's caller learning the offsets and begin
 * itself. */
void state_set_output_offset(struct state *state, enum topic topic, uint64_t offset);

/* Whole-record bookkeeping: all entries of the record at `offset` are applied. Restart continues
 * with the next. The shell checkpoints only between records. `record_hash` (XXH3-64 of the record's
 * bytes) is kept as the anchor: at the next open the shell compares it with the journal, and a
 * journal that was cut or exchanged is noticed. Neither is part of the digest. */
void state_record_done(struct state *state, int64_t offset, uint64_t record_hash);

/* Programme totals per currency: the conservation equation of semantics §3, and its check. */
struct totals {
    struct bytes currency;
    uint8_t scale;
    int64_t issued, active, pending, held, lapsing, arrears, redeemed, expired, reversed, adjusted,
        forfeited, clearing;
};
size_t state_totals(const struct state *state, struct totals *out_totals, size_t max);

/* What of the digest stands in no row: clock, ordinals, totals. */
struct hash128 state_meta_digest(const struct state *state);

/* Full recomputation of one ledger row's share of the digest, for verification from a store:
 * members, references, closed lots, rulebooks and each identity of a chunk; zero for rows that are
 * no part of the ledger (directory, timers, meta). A digest is their sum plus state_meta_digest().
 * FAULT_DATA when the row does not verify. */
bool row_digest(const uint8_t journal_id[JOURNAL_ID_BYTES], struct row row,
                struct hash128 *out_share, struct fault *out_fault);

/* ---- Looking at one member
 * ---------------------------------------------------------------------------------------- */

enum { VIEW_LOTS_MAX = 100000 };

struct lot_view {
    struct lot_id id;
    struct bytes currency, rule, order_id; /* order_id empty unless looked up */
    uint32_t rule_version;
    struct points granted, remaining;
    struct points held;
    uint32_t state; /* enum lot_state of member.h */
    const char *state_name;
    struct instant activates_at;          /* INT64_MAX ms = not known yet */
    struct instant earned_at, expires_at; /* INT64_MAX ms = never */
};

struct wallet_view {
    struct bytes currency;
    uint8_t scale;
    bool qualifying;
    struct points pending, active, held, lapsing, arrears;
};

struct metric_view {
    struct bytes name; /* empty for the only one of its group */
    enum metric_kind kind;
    int64_t value;          /* in the current window */
    struct bytes unit;      /* of money its ISO 4217 code, of points their currency; else empty */
    uint32_t digits;        /* decimals of the value's whole numbers */
    int64_t next_threshold; /* of the next level, where there is one */
};

struct tier_view {
    struct bytes group, level;
    struct instant since, valid_until;
    bool overridden;
    struct metric_view metrics[PROGRAM_METRICS_MAX];
    uint32_t metric_count;
    struct bytes next_level; /* empty at the top */
};

/* What stays open until something comes or time runs out: a hold, an adjustment that awaits
 * approval, a return before its order. */
struct waiting_view {
    const char *what;     /* "hold", "approval" or "order" */
    struct bytes id;      /* of the hold or the order; of an approval the event as "source/id" */
    struct instant until; /* INT64_MAX ms = given up already, but noted */
};

enum { VIEW_WAITING_MAX = 64 }; /* of each kind; whoever has more sees the first */

struct member_view {
    struct bytes member;
    uint64_t number;
    uint32_t status; /* enum member_status of member.h */
    const char *status_name;
    struct instant enrolled_at;
    struct instant as_of; /* the partition's clock */
    const struct wallet_view *wallets;
    size_t wallet_count;
    const struct tier_view *tiers;
    size_t tier_count;
    const struct lot_view *lots; /* open lots in spend order */
    size_t lot_count;
    const struct waiting_view *waiting;
    size_t waiting_count;
};

enum lookup { LOOKUP_FOUND, LOOKUP_UNKNOWN, LOOKUP_NEEDS };

/* The member as of the last applied entry, its own due work up to the clock is done by then or
 * stands as not yet done. Copies into the arena. LOOKUP_NEEDS: load the rows named and ask again.
 */
enum lookup member_lookup(const struct state *state, struct bytes member, struct arena *arena,
                          struct member_view *out_view, struct needs *needs);

#endif
