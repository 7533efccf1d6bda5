#include "engine/core/fact.h"

#define FACT(number, name, due, meaning)                                                           \
    static_assert(((due) != 0) == ((number) < FACT_UNDUE_FIRST), "what can be due stands first");
#include "engine/core/fact.def"
#undef FACT

enum due_kind
fact_due_kind(uint8_t kind)
{
    switch (kind) {
#define FACT(number, name, due, meaning)                                                           \
    case FACT_##name:                                                                              \
        return (enum due_kind)(due);
#include "engine/core/fact.def"
#undef FACT
    default: UNREACHABLE();
    }
}

int
fact_compare(const struct fact *a, const struct fact *b)
{
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    if (a->slot != b->slot) return a->slot < b->slot ? -1 : 1;
    if (a->key != b->key) return a->key < b->key ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

/* Most members have so few facts that looking at one after the other is quickest. */
enum { FEW_FACTS = 12 };

/* How many facts stand before this place. */
static uint32_t
position(const struct member *member, const struct fact *place)
{
    const struct fact *facts = member_facts(member);
    uint32_t low = 0, high = member->fact_count;
    if (high <= FEW_FACTS) {
        while (low < high &&
               (facts[low].kind < place->kind ||
                (facts[low].kind == place->kind && fact_compare(&facts[low], place) < 0)))
            low++;
        return low;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (fact_compare(&facts[middle], place) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct fact
place_of(enum fact_kind kind, uint32_t slot, int64_t key, uint32_t index)
{
    return (struct fact){.kind = (uint8_t)kind, .slot = (uint16_t)slot, .key = key, .index = index};
}

struct fact *
fact_find(const struct member *member, enum fact_kind kind, uint32_t slot, int64_t key,
          uint32_t index)
{
    if (member->fact_count <= FEW_FACTS) {
        struct fact *facts = member_facts(member);
        for (uint32_t i = 0; i < member->fact_count; i++) {
            const struct fact *fact = &facts[i];
            if (fact->kind == kind && fact->slot == slot && fact->key == key &&
                fact->index == index)
                return &facts[i];
        }
        return NULL;
    }
    struct fact place = place_of(kind, slot, key, index);
    struct fact *found = member_facts(member) + position(member, &place);
    bool there = found < member_facts(member) + member->fact_count;
    return there && fact_compare(found, &place) == 0 ? found : NULL;
}

int64_t
fact_value(const struct member *member, enum fact_kind kind, uint32_t slot, int64_t key,
           uint32_t index)
{
    const struct fact *fact = fact_find(member, kind, slot, key, index);
    return fact == NULL ? 0 : fact->a;
}

/* From the first place up to, but not with, the second. */
static struct facts
range(const struct member *member, struct fact first, struct fact end)
{
    uint32_t from = position(member, &first);
    return (struct facts){member_facts(member) + from, position(member, &end) - from};
}

struct facts
facts_of_kind(const struct member *member, enum fact_kind kind)
{
    if (member->fact_count <= FEW_FACTS) {
        struct fact *first = member_facts(member), *end = first + member->fact_count;
        while (first < end && first->kind < kind)
            first++;
        struct facts found = {first, 0};
        while (first < end && first->kind == kind) {
            first++;
            found.count++;
        }
        return found;
    }
    return range(member, place_of(kind, 0, INT64_MIN, 0),
                 place_of((enum fact_kind)(kind + 1), 0, INT64_MIN, 0));
}

struct facts
facts_of_slot(const struct member *member, enum fact_kind kind, uint32_t slot)
{
    struct fact end = slot < UINT16_MAX ? place_of(kind, slot + 1, INT64_MIN, 0)
                                        : place_of((enum fact_kind)(kind + 1), 0, INT64_MIN, 0);
    return range(member, place_of(kind, slot, INT64_MIN, 0), end);
}

struct facts
facts_between(const struct member *member, enum fact_kind kind, uint32_t slot, int64_t from,
              int64_t until)
{
    if (member->fact_count <= FEW_FACTS) {
        struct facts found = facts_of_kind(member, kind);
        while (found.count > 0 && (found.items->slot < slot ||
                                   (found.items->slot == slot && found.items->key < from))) {
            found.items++;
            found.count--;
        }
        uint32_t count = 0;
        while (count < found.count && found.items[count].slot == slot &&
               found.items[count].key < until)
            count++;
        return (struct facts){found.items, count};
    }
    return range(member, place_of(kind, slot, from, 0), place_of(kind, slot, until, 0));
}

bool
facts_fit(const struct member *member, uint32_t count)
{
    return member == NULL || member->fact_count + count <= MEMBER_FACTS_MAX - MEMBER_FACTS_UNASKED;
}

struct fact *
fact_set(struct members *members, struct member **member, const struct fact *fact)
{
    uint32_t at = position(*member, fact);
    struct fact *place = member_facts(*member) + at;
    if (at == (*member)->fact_count || fact_compare(place, fact) != 0) {
        CHECK((*member)->fact_count < MEMBER_FACTS_MAX);
        place = member_open_gap(members, member, place, sizeof *place);
        (*member)->fact_count++;
    }
    *place = *fact;
    return place;
}

void
fact_add(struct members *members, struct member **member, const struct fact *fact)
{
    struct fact *known = fact_find(*member, fact->kind, fact->slot, fact->key, fact->index);
    if (fact->a == 0) return;
    if (known == NULL) {
        fact_set(members, member, fact);
        return;
    }
    CHECK(add_i64(known->a, fact->a, &known->a));
    if (known->a == 0) facts_remove(members, member, (struct facts){known, 1});
}

bool
fact_remove(struct members *members, struct member **member, enum fact_kind kind, uint32_t slot,
            int64_t key, uint32_t index)
{
    struct fact *fact = fact_find(*member, kind, slot, key, index);
    if (fact == NULL) return false;
    facts_remove(members, member, (struct facts){fact, 1});
    return true;
}

void
facts_remove(struct members *members, struct member **member, struct facts range)
{
    if (range.count == 0) return;
    size_t bytes = member_bytes(*member);
    CHECK(range.items >= member_facts(*member) &&
          range.items + range.count <= member_facts(*member) + (*member)->fact_count);
    (*member)->fact_count -= range.count;
    member_close_gap(members, member, range.items, range.count * sizeof *range.items, bytes);
}
