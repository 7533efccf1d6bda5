/* Ownership: claims, fencing, ticks, and every append that a shard makes (architecture.md, "Own").
 *
 * A claim names the claim that it replaces and is valid only if that one is in force where it is
 * read. So an owner must know, before it claims, which claim is in force at the journal's end: it
 * skims the records behind its checkpoint for claims alone, appends its own behind them, and skims
 * on until it reads it back. Only then does it fold: whatever it folds from there, also what lies
 * before its claim, it may publish, for no other owner may. */
#include <stdlib.h>
#include <sys/random.h>

#include "engine/base/check.h"
#include "engine/base/clock.h"
#include "engine/base/crash.h"
#include "engine/shard/shard_priv.h"

/* A history may have gone live meanwhile: looked at once in so long. */
enum { OWNER_HISTORY_LOOK_MS = 100 };

bool
owner_append(struct partition *partition, uint32_t target, struct bytes record,
             struct fault *out_fault)
{
    struct journal_appender *appender = partition->shard->appender;
    int64_t since_ns = clock_monotonic_ns();
    CHECK(appender != NULL);
    while (!appender->ops->append(appender, target, record, out_fault)) {
        if (out_fault->kind != FAULT_TRY_AGAIN ||
            !shard_may_wait(partition->shard, since_ns, out_fault) ||
            !appender->ops->poll(appender, 10, out_fault))
            return fault_wrap(out_fault, "partition %u: append to partition %u", partition->number,
                              target);
    }
    partition->shard->appended++;
    return true;
}

static bool
owner_claim(struct partition *partition, struct fault *out_fault)
{
    struct shard *shard = partition->shard;
    struct state_info info;
    state_info(partition->state, &info);
    struct claim claim = {
        .replaces = partition->claim_in_force,
        .has_anchor = info.applied != 0,
        .anchor = {.applied = info.applied, .chain = info.chain},
        .owner = bytes_from_cstr(shard->options.owner_name),
    };
    if (getrandom(&claim.nonce, sizeof claim.nonce, 0) != sizeof claim.nonce)
        return fault_set(out_fault, FAULT_IO, "partition %u: no random number for a claim",
                         partition->number);
    struct writer writer = {.data = shard->record_region.memory, .capacity = SHARD_RECORD_BYTES};
    CHECK(shard->options.decoder->encode_claim(shard->options.decoder, &claim, &writer));
    CRASH_POINT("claim.before_append");
    if (!owner_append(partition, partition->number, (struct bytes){writer.data, writer.size},
                      out_fault))
        return false;
    partition->nonce = claim.nonce;
    partition->claim_appended = true;
    partition->claim_tries++;
    return true;
}

/* The end that was there at the start may be one that no record ever shows (a transaction's marker
 * stands there), or a broker may be slow. A claim that comes too early is only lost to the one that
 * it did not know, and made again. */
void
owner_claim_when_quiet(struct partition *partition)
{
    struct fault fault;
    if (partition->claim_appended ||
        partition->shard->wall_ms - partition->last_take_ms < SHARD_CLAIM_QUIET_MS)
        return;
    if (!owner_claim(partition, &fault)) partition_stop(partition, &fault);
}

bool
owner_begin(struct partition *partition, struct fault *out_fault)
{
    struct state_info info;
    state_info(partition->state, &info);
    partition->claim_in_force = info.claim;
    partition->phase = PARTITION_CLAIMING;
    if (partition->read_offset >= partition->open_end) return owner_claim(partition, out_fault);
    return true;
}

/* The own claim was read and is in force: from here the partition folds from its checkpoint and
 * publishes. */
static bool
owner_take_over(struct partition *partition, struct fault *out_fault)
{
    struct shard *shard = partition->shard;
    struct state_info info;
    state_info(partition->state, &info);
    CRASH_POINT("claim.after_read");
    if (!publish_begin(partition, out_fault)) return false;
    partition->phase = PARTITION_FOLDING;
    partition->read_offset = info.next_offset;
    partition->messages_stale = true;
    return shard->reader->ops->assign(shard->reader, partition->number, info.next_offset,
                                      out_fault);
}

static bool
owner_skim_record(struct partition *partition, const struct journal_message *message,
                  struct fault *out_fault)
{
    const struct record_decoder *decoder = partition->shard->options.decoder;
    struct claim_mark marks[SHARD_CLAIMS_PER_RECORD_MAX];
    size_t count;
    if (!decoder->skim_claims(decoder, message->payload, marks, SHARD_CLAIMS_PER_RECORD_MAX, &count,
                              out_fault))
        return fault_wrap(out_fault, "partition %u, offset %lld", partition->number,
                          (long long)message->offset);
    bool own_claim_lost = false;
    for (size_t i = 0; i < count; i++) {
        struct position position = {.offset = message->offset, .index = marks[i].index};
        bool own = partition->claim_appended && marks[i].nonce == partition->nonce;
        if (marks[i].replaces == partition->claim_in_force) {
            partition->claim_in_force = position_pack(position);
            if (own) partition->claim = position_pack(position);
        } else if (own) {
            own_claim_lost = true;
        }
    }
    partition->read_offset = message->offset + 1;
    if (partition->claim != 0) {
        /* A foreign claim in the same record, behind ours, is read again while folding and stops us
         * there. */
        return owner_take_over(partition, out_fault);
    }
    if (own_claim_lost && partition->claim_tries >= SHARD_CLAIM_TRIES_MAX)
        return fault_set(
            out_fault, FAULT_TRY_AGAIN,
            "partition %u: another owner's claim came first %u times; is it running elsewhere?",
            partition->number, partition->claim_tries);
    if (own_claim_lost ||
        (!partition->claim_appended && partition->read_offset >= partition->open_end))
        return owner_claim(partition, out_fault);
    return true;
}

void
owner_skim(struct partition *partition, const struct journal_message *message)
{
    struct fault fault;
    if (message->offset < partition->read_offset) return; /* fetched before an assign */
    partition->last_take_ms = partition->shard->wall_ms;
    if (!owner_skim_record(partition, message, &fault)) partition_stop(partition, &fault);
}

bool
owner_still_owns(struct partition *partition, struct fault *out_fault)
{
    struct state_info info;
    if (partition->shard->publisher == NULL) return true;
    state_info(partition->state, &info);
    if (info.claim < partition->claim)
        return true; /* an older owner's claim, folded on the way to ours */
    if (info.claim == partition->claim) return publish_at_claim(partition, out_fault);
    return fault_set(out_fault, FAULT_TRY_AGAIN,
                     "partition %u: another owner claimed it at offset %lld; this one has stopped "
                     "and publishes nothing more",
                     partition->number, (long long)position_unpack(info.claim).offset);
}

/* A quiet partition's clock goes on by ticks: as soon as something has become due, and else each
 * tick_ms (semantics §2). One tick at a time: the next waits until the last is folded. */
void
owner_tick(struct partition *partition)
{
    struct shard *shard = partition->shard;
    struct state_info info;
    int64_t next_due_ms;
    if (shard->publisher == NULL || shard->options.tick_ms == 0) return;
    if (partition->tick_unread_offset >= 0 &&
        partition->read_offset <= partition->tick_unread_offset)
        return;
    if (shard->wall_ms == partition->last_tick_ms || shard->wall_ms < partition->tick_look_ms)
        return;
    bool idle = shard->wall_ms - partition->last_take_ms >= shard->options.tick_ms &&
                shard->wall_ms - partition->last_tick_ms >= shard->options.tick_ms;
    bool due = shard->wall_ms >= partition->next_due_ms;
    if (!idle && !due) return;
    if (!idle && !state_due_by(partition->state, shard->wall_ms, &next_due_ms)) {
        partition->next_due_ms = next_due_ms;
        return;
    }
    state_info(partition->state, &info);
    if (info.time_kind != TIME_APPEND) { /* in a history only its records make time pass */
        partition->tick_look_ms = shard->wall_ms + OWNER_HISTORY_LOOK_MS;
        return;
    }
    /* Where the journal's clock is behind ours, the last tick has not reached what is due: the next
     * one can only when as much time has passed. */
    if (!idle && shard->wall_ms - partition->last_tick_ms < next_due_ms - info.clock.ms) return;
    struct tick tick = {
        .has_anchor = info.applied != 0,
        .anchor = {.applied = info.applied, .chain = info.chain},
    };
    struct writer writer = {.data = shard->record_region.memory, .capacity = SHARD_RECORD_BYTES};
    CHECK(shard->options.decoder->encode_tick(shard->options.decoder, &tick, 0, &writer));
    struct fault fault;
    partition->last_tick_ms = shard->wall_ms;
    partition_look_at_end(partition);
    partition->tick_unread_offset = partition->journal_end;
    if (!owner_append(partition, partition->number, (struct bytes){writer.data, writer.size},
                      &fault))
        partition_stop(partition, &fault);
}
