#include "engine/core/run.h"

/* The run that holds a bucket; NULL when none does. */
static struct fact *
run_of(const struct member *member, struct run_place place, int64_t bucket)
{
    struct facts facts = facts_of_slot(member, place.kind, place.slot);
    for (uint32_t i = facts.count; i > 0; i--) {
        struct fact *run = &facts.items[i - 1];
        if (run->index == place.form && run->key <= bucket) return bucket <= run->a ? run : NULL;
    }
    return NULL;
}

struct run_join
run_look(const struct member *member, struct run_place place, int64_t bucket)
{
    struct run_join join = {0};
    if (member == NULL) return join;
    if (run_of(member, place, bucket) != NULL) return (struct run_join){.there = true};
    const struct fact *before = run_of(member, place, bucket - 1);
    const struct fact *after = run_of(member, place, bucket + 1);
    if (before != NULL) join.before = bucket - before->key;
    if (after != NULL) join.after = after->a - bucket;
    return join;
}

static void
set_run(struct members *members, struct member **member, struct run_place place, int64_t first,
        int64_t last)
{
    struct fact run = {
        .kind = (uint8_t)place.kind,
        .slot = (uint16_t)place.slot,
        .index = place.form,
        .key = first,
        .a = last,
    };
    fact_set(members, member, &run);
}

void
run_add(struct members *members, struct member **member, struct run_place place, int64_t bucket)
{
    struct run_join join = run_look(*member, place, bucket);
    CHECK(!join.there);
    if (join.after > 0)
        CHECK(fact_remove(members, member, place.kind, place.slot, bucket + 1, place.form));
    set_run(members, member, place, bucket - join.before, bucket + join.after);
}

void
run_remove(struct members *members, struct member **member, struct run_place place, int64_t bucket)
{
    const struct fact *run = run_of(*member, place, bucket);
    CHECK(run != NULL);
    int64_t first = run->key, last = run->a;
    if (first < bucket) {
        set_run(members, member, place, first, bucket - 1);
    } else {
        CHECK(fact_remove(members, member, place.kind, place.slot, first, place.form));
    }
    if (bucket < last) set_run(members, member, place, bucket + 1, last);
}

int64_t
run_repeats(const struct member *member, struct run_place place, int64_t target)
{
    struct facts facts = {0};
    int64_t repeats = 0;
    if (member != NULL) facts = facts_of_slot(member, place.kind, place.slot);
    for (uint32_t i = 0; i < facts.count; i++) {
        const struct fact *run = &facts.items[i];
        if (run->index == place.form) repeats += (run->a - run->key + 1) / target;
    }
    return repeats;
}

int64_t
run_forget(struct members *members, struct member **member, struct run_place place, int64_t bucket,
           int64_t target)
{
    int64_t repeats = 0;
    struct facts facts = facts_of_slot(*member, place.kind, place.slot);
    for (uint32_t i = 0; i < facts.count && facts.items[i].key < bucket;) {
        const struct fact run = facts.items[i];
        if (run.index != place.form || run.a >= bucket) {
            i++;
            continue;
        }
        repeats += (run.a - run.key + 1) / target;
        fact_remove(members, member, place.kind, place.slot, run.key, place.form);
        facts = facts_of_slot(*member, place.kind, place.slot);
    }
    return repeats;
}
