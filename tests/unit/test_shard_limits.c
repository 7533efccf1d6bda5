/* What a shard does when it must wait: for memory, for acknowledgements, for a queue that is full.
 */
#include <criterion/criterion.h>
#include <limits.h>
#include <stdatomic.h>

#include "engine/shard/shard_priv.h"
#include "tests/unit/shard_rig.h"

static struct shard_rig rig;

/* ---- A publisher that takes its time ---- */

/* Publishes on the real outputs, but says nothing of what became durable while it is held, and may
 * say that its queue is full. The real ones cannot be made slow. */
struct slow_publisher {
    struct publisher port; /* first */
    struct publisher *real;
    uint64_t told[SHARD_RIG_PARTITIONS_MAX][TOPIC_COUNT]; /* acked, as told so far */
    uint64_t told_offset[SHARD_RIG_PARTITIONS_MAX][TOPIC_COUNT];
};

struct slow_outputs {
    struct outputs port; /* first */
    struct outputs_ops ops;
    struct outputs *real;
};

static bool slow_held;
static int slow_full; /* so many publishes find the queue full, having taken a part */
static uint64_t slow_published;

static struct slow_publisher *
slow_of(const struct publisher *port)
{
    return (struct slow_publisher *)port;
}

static bool
slow_start(struct publisher *port, uint32_t partition, enum topic topic, uint64_t next,
           uint64_t offset, struct fault *out_fault)
{
    struct slow_publisher *slow = slow_of(port);
    slow->told[partition][topic] = next;
    slow->told_offset[partition][topic] = offset;
    return slow->real->ops->start(slow->real, partition, topic, next, offset, out_fault);
}

static bool
slow_publish(struct publisher *port, uint32_t partition, uint64_t claim,
             const struct effect *effects, size_t count, struct fault *out_fault)
{
    struct publisher *real = slow_of(port)->real;
    if (slow_full > 0) {
        slow_full--;
        if (!real->ops->publish(real, partition, claim, effects, count / 2, out_fault))
            return false;
        return fault_set(out_fault, FAULT_TRY_AGAIN, "full");
    }
    slow_published += count;
    return real->ops->publish(real, partition, claim, effects, count, out_fault);
}

static bool
slow_poll(struct publisher *port, int wait_ms, struct fault *out_fault)
{
    struct publisher *real = slow_of(port)->real;
    return real->ops->poll(real, wait_ms, out_fault);
}

static uint64_t
slow_acked(const struct publisher *port, uint32_t partition, enum topic topic)
{
    struct slow_publisher *slow = slow_of(port);
    if (!slow_held)
        slow->told[partition][topic] = slow->real->ops->acked(slow->real, partition, topic);
    return slow->told[partition][topic];
}

static uint64_t
slow_acked_offset(const struct publisher *port, uint32_t partition, enum topic topic)
{
    struct slow_publisher *slow = slow_of(port);
    if (!slow_held)
        slow->told_offset[partition][topic] =
            slow->real->ops->acked_offset(slow->real, partition, topic);
    return slow->told_offset[partition][topic];
}

static size_t
slow_in_flight(const struct publisher *port)
{
    return slow_of(port)->real->ops->in_flight(slow_of(port)->real);
}

static void
slow_stop(struct publisher *port, uint32_t partition)
{
    slow_of(port)->real->ops->stop(slow_of(port)->real, partition);
}

static void
slow_close(struct publisher *port)
{
    slow_of(port)->real->ops->close(slow_of(port)->real);
    free(port);
}

static const struct publisher_ops slow_operations = {
    .start = slow_start,
    .publish = slow_publish,
    .poll = slow_poll,
    .acked = slow_acked,
    .acked_offset = slow_acked_offset,
    .in_flight = slow_in_flight,
    .stop = slow_stop,
    .close = slow_close,
};

static struct slow_outputs slow_outputs;

static bool
slow_bounds(struct outputs *port, uint32_t partition, enum topic topic, uint64_t *out_first,
            uint64_t *out_end, struct fault *out_fault)
{
    struct outputs *real = ((struct slow_outputs *)port)->real;
    return real->ops->bounds(real, partition, topic, out_first, out_end, out_fault);
}

static bool
slow_open_reader(struct outputs *port, struct output_reader **out_reader, struct fault *out_fault)
{
    struct outputs *real = ((struct slow_outputs *)port)->real;
    return real->ops->open_reader(real, out_reader, out_fault);
}

static bool
slow_open_publisher(struct outputs *port, struct publisher **out_publisher, struct fault *out_fault)
{
    struct outputs *real = ((struct slow_outputs *)port)->real;
    struct slow_publisher *slow = calloc(1, sizeof *slow);
    cr_assert_not_null(slow);
    slow->port.ops = &slow_operations;
    if (!real->ops->open_publisher(real, &slow->real, out_fault)) return false;
    *out_publisher = &slow->port;
    return true;
}

static struct outputs *
slow_make(struct outputs *real)
{
    slow_outputs = (struct slow_outputs){
        .ops = {.bounds = slow_bounds,
                .open_reader = slow_open_reader,
                .open_publisher = slow_open_publisher},
        .real = real,
    };
    slow_outputs.port.ops = &slow_outputs.ops;
    return &slow_outputs.port;
}

/* ---- Acknowledgements ---- */

Test(shard_limits, a_checkpoint_waits_for_acknowledgements)
{
    shard_rig_open(&rig, 1, false);
    struct shard_options options = shard_rig_options(&rig, "a");
    options.outputs = slow_make(rig.outputs);
    options.checkpoint_records = 1;
    shard_rig_buy(&rig, "ann", 1000);
    slow_held = true;
    struct shard *shard = shard_rig_start(&rig, &options);
    shard_rig_run(shard);
    for (int i = 0; i < 50; i++)
        shard_run_once(shard, shard_rig_now_ms(), 0);
    cr_expect_eq(shard_rig_status(shard, 0).checkpoints, 0, "it outran its outputs");
    cr_expect_not(shard_settle(shard, 20));

    /* The fold goes on meanwhile, and what it does belongs to the next checkpoint. */
    shard_rig_buy(&rig, "ann", 1000);
    shard_rig_run(shard);
    cr_expect_eq(shard_rig_active(shard, &rig, "ann"), 20);
    cr_expect_eq(shard_rig_status(shard, 0).checkpoints, 0);
    slow_held = false;
    cr_expect(shard_settle(shard, 10000));
    cr_expect_geq(shard_rig_status(shard, 0).checkpoints, 2);
    struct partition_status before = shard_rig_status(shard, 0);
    shard_close(shard);
    shard = shard_rig_start(&rig, &options);
    cr_expect_eq(shard_rig_status(shard, 0).info.next_offset, before.info.next_offset);
    cr_expect(hash128_equal(shard_rig_status(shard, 0).info.digest, before.info.digest));
    shard_close(shard);
    shard_rig_close(&rig);
}

Test(shard_limits, a_publish_that_was_taken_in_part_is_made_again)
{
    shard_rig_open(&rig, 1, false);
    struct shard_options options = shard_rig_options(&rig, "a");
    struct record_builder builder;
    options.outputs = slow_make(rig.outputs);
    shard_rig_begin(&rig, &builder);
    for (int i = 0; i < 100; i++)
        shard_rig_add_order(&rig, &builder, "ann", 1000);
    shard_rig_append(&rig, 0, codec_record_span(&builder));
    slow_full = 3;
    struct shard *shard = shard_rig_start(&rig, &options);
    shard_rig_run(shard);
    cr_expect_eq(slow_full, 0);
    cr_expect_eq(slow_published, 200);
    cr_expect(shard_settle(shard, 10000));
    shard_close(shard);
    struct shard_rig_output outcomes = shard_rig_output(&rig, 0, TOPIC_OUTCOMES);
    cr_expect_eq(outcomes.effects, 100);
    cr_expect_eq(outcomes.repeated, 0);
    shard_rig_close(&rig);
}

/* A queue that stays full would keep the thread for ever; once asked to end, the partition stops
 * instead, and the next start sends again what is missing. */
Test(shard_limits, a_full_queue_does_not_keep_a_shard_that_is_asked_to_end)
{
    atomic_bool stop = true;
    shard_rig_open(&rig, 1, false);
    struct shard_options options = shard_rig_options(&rig, "a");
    options.outputs = slow_make(rig.outputs);
    options.stops[1] = &stop;
    options.stop_wait_ms = 10;
    shard_rig_buy(&rig, "ann", 1000);
    slow_full = INT_MAX;
    struct shard *shard = shard_rig_start(&rig, &options);
    shard_rig_run_to(shard, 0, PARTITION_STOPPED);
    struct partition_status status = shard_rig_status(shard, 0);
    cr_expect_eq(status.fault.kind, FAULT_TRY_AGAIN, "%s", status.fault.text);
    shard_close(shard);
    slow_full = 0;
    options.stops[1] = NULL;
    shard = shard_rig_start(&rig, &options);
    shard_rig_run(shard);
    shard_close(shard);
    cr_expect_eq(shard_rig_output(&rig, 0, TOPIC_OUTCOMES).effects, 1);
    shard_rig_close(&rig);
}

/* ---- Memory ---- */

enum { PACK_ORDERS = 3000, PACKS = 40 };

/* Orders of ever new members, packed as an intake packs them. */
static void
append_packs(int packs)
{
    struct record_builder builder;
    unsigned number = 0;
    for (int pack = 0; pack < packs; pack++) {
        shard_rig_begin(&rig, &builder);
        for (int i = 0; i < PACK_ORDERS; i++) {
            char member[16];
            snprintf(member, sizeof member, "m%u", number++);
            shard_rig_add_order(&rig, &builder, member, 1000);
        }
        shard_rig_append(&rig, 0, codec_record_span(&builder));
    }
}

struct memory_row {
    const char *what;
    size_t memory_bytes;
    bool outputs, checkpoints;
    enum partition_phase phase; /* in the end */
};

static const struct memory_row memory_rows[] = {
    {"an owner keeps its limit", (size_t)12 << 20, true, true, PARTITION_FOLDING},
    {"so does a replay", (size_t)12 << 20, false, true, PARTITION_FOLDING},
    {"an owner whose limit is below what must stay", (size_t)1 << 20, true, true,
     PARTITION_STOPPED},
    {"a look that cannot write anything out", (size_t)12 << 20, false, false, PARTITION_STOPPED},
};

Test(shard_limits, memory_is_kept)
{
    for (size_t i = 0; i < sizeof memory_rows / sizeof *memory_rows; i++) {
        const struct memory_row *row = &memory_rows[i];
        shard_rig_open(&rig, 1, false);
        append_packs(PACKS);
        struct shard_options options = shard_rig_options(&rig, "a");
        options.memory_bytes = row->memory_bytes;
        options.checkpoints = row->checkpoints;
        if (!row->outputs) options.outputs = NULL;
        struct shard *shard = shard_rig_start(&rig, &options);
        struct partition_status status;
        size_t highest = 0;
        do {
            shard_run_once(shard, shard_rig_now_ms(), 1);
            status = shard_rig_status(shard, 0);
            if (slab_used_bytes(&shard->slab) > highest) highest = slab_used_bytes(&shard->slab);
        } while (status.phase != PARTITION_STOPPED && !shard_is_idle(shard));
        cr_expect_eq(status.phase, row->phase, "%s: %s", row->what, status.fault.text);
        /* One record's rows may come on top. */
        cr_expect_lt(highest, row->memory_bytes + ((size_t)4 << 20), "%s: %zu bytes", row->what,
                     highest);
        if (row->phase == PARTITION_FOLDING) {
            cr_expect_eq(status.info.members, PACKS * PACK_ORDERS, "%s", row->what);
            cr_expect_lt(status.info.warm_members, status.info.members, "%s", row->what);
            cr_expect_eq(shard_rig_active(shard, &rig, "m7"), 10, "%s", row->what);
        } else {
            cr_expect_eq(status.fault.kind, FAULT_UNAVAILABLE, "%s", row->what);
            cr_expect_not_null(strstr(status.fault.text, "memory"), "%s: %s", row->what,
                               status.fault.text);
        }
        shard_close(shard);
        shard_rig_close(&rig);
    }
}
