#include "engine/core/arrears.h"

#include "engine/core/fact.h"

static struct wallet *
wallet_of(const struct apply *apply, uint32_t slot)
{
    CHECK(slot < apply->member->wallet_count);
    return &member_wallets(apply->member)[slot];
}

/* What is owed for an order is one debt, as old as its first part (semantics §5). */
static const struct fact *
debt_of(const struct apply *apply, uint32_t slot, uint64_t order)
{
    struct facts facts = facts_of_slot(apply->member, FACT_ARREARS, slot);
    for (uint32_t i = 0; i < facts.count && order != 0; i++) {
        if ((uint64_t)facts.items[i].b == order) return &facts.items[i];
    }
    return NULL;
}

/* One fact per cause and order; the cause is the event, or of due work the last event. */
static void
add(struct apply *apply, enum fact_kind kind, uint32_t slot, int64_t units, uint64_t order)
{
    struct fact fact = {
        .kind = (uint8_t)kind,
        .slot = (uint16_t)slot,
        .key = (int64_t)apply_ordinal(apply),
        .a = units,
        .b = (int64_t)order,
    };
    for (;; fact.index++) {
        const struct fact *known = fact_find(apply->member, kind, slot, fact.key, fact.index);
        if (known == NULL || known->b == fact.b) break;
    }
    fact_add(&apply->state->members, &apply->member, &fact);
}

/* Takes up to `units` off the facts, oldest first; returns how much. */
static int64_t
take(struct apply *apply, enum fact_kind kind, uint32_t slot, int64_t units, uint64_t order)
{
    int64_t left = units;
    for (uint32_t i = 0; left > 0;) {
        struct facts facts = facts_of_slot(apply->member, kind, slot);
        if (i == facts.count) break;
        struct fact *fact = &facts.items[i];
        if (order != ARREARS_OF_ANY && (uint64_t)fact->b != order) {
            i++;
            continue;
        }
        int64_t taken = fact->a < left ? fact->a : left;
        fact->a -= taken;
        left -= taken;
        if (fact->a > 0) break;
        facts_remove(&apply->state->members, &apply->member, (struct facts){fact, 1});
    }
    return units - left;
}

void
arrears_add(struct apply *apply, enum posting_kind kind, enum account to, uint32_t slot,
            int64_t units, uint64_t order, int64_t effective_ms)
{
    const struct fact *debt = debt_of(apply, slot, order);
    if (debt != NULL) {
        struct fact more = *debt;
        more.a = units;
        fact_add(&apply->state->members, &apply->member, &more);
    } else {
        add(apply, FACT_ARREARS, slot, units, order);
    }
    posting_move(apply, kind, ACCOUNT_ARREARS, to, slot, units, NULL, effective_ms);
}

void
arrears_owe(struct apply *apply, uint32_t slot, int64_t units, uint64_t order, int64_t effective_ms)
{
    arrears_add(apply, POSTING_OWE, ACCOUNT_REVERSED, slot, units, order, effective_ms);
}

int64_t
arrears_repay(struct apply *apply, uint32_t slot, int64_t units, uint64_t order,
              const struct lot *lot, int64_t effective_ms)
{
    if (wallet_of(apply, slot)->arrears == 0) return 0;
    int64_t paid = take(apply, FACT_ARREARS, slot, units, order);
    if (paid > 0) {
        posting_move(apply, POSTING_REPAY, ACCOUNT_ACTIVE, ACCOUNT_ARREARS, slot, paid, lot,
                     effective_ms);
    }
    return paid;
}

int64_t
arrears_lessen(struct apply *apply, enum posting_kind kind, enum account from, uint32_t slot,
               int64_t units, uint64_t order, int64_t effective_ms)
{
    if (wallet_of(apply, slot)->arrears == 0) return 0;
    int64_t lessened = take(apply, FACT_ARREARS, slot, units, order);
    if (lessened > 0) {
        posting_move(apply, kind, from, ACCOUNT_ARREARS, slot, lessened, NULL, effective_ms);
    }
    return lessened;
}

int64_t
arrears_of(const struct member *member, uint32_t slot, uint64_t order)
{
    struct facts facts = facts_of_slot(member, FACT_ARREARS, slot);
    int64_t sum = 0;
    for (uint32_t i = 0; i < facts.count; i++) {
        if (order == ARREARS_OF_ANY || (uint64_t)facts.items[i].b == order) sum += facts.items[i].a;
    }
    return sum;
}

void
arrears_note(struct apply *apply, uint32_t slot, int64_t units, uint64_t order)
{
    add(apply, FACT_NOTED, slot, units, order);
    CHECK(add_i64(wallet_of(apply, slot)->noted, units, &wallet_of(apply, slot)->noted));
}

int64_t
arrears_take_noted(struct apply *apply, uint32_t slot, int64_t units, uint64_t order)
{
    if (wallet_of(apply, slot)->noted == 0) return 0;
    int64_t taken = take(apply, FACT_NOTED, slot, units, order);
    wallet_of(apply, slot)->noted -= taken;
    return taken;
}
