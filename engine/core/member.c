/*
 * A member's row, byte by byte (little-endian; the value of family 'm' before its seal). It is the
 * block from `scheduled_ms` on:
 *
 *   0   i64  scheduled_ms          not part of the digest
 *   8   u8   scheduled_kind, 7 × 0 not part of the digest
 *   16  u8   format (2), status, key_bytes, wallet_count, tier_count, past_count, 2 × 0
 *   24  u32  noticed_count, fact_count, lot_count, 0
 *   40  i64  enrolled_ms
 *   48       key, filled with 0 to a multiple of 8; of what is left of a placeholder: none
 *            wallets (64 bytes each), tiers (64), past tiers (16), noticed instants (16), facts
 * (40), lots (96)
 *
 * A directory row holds the locator's hashes (u64) of up to 256 members, by number, from the number
 * in its key.
 */
#include "engine/core/member.h"

#include <string.h>

#include "engine/core/fact.h"
#include "engine/core/lot.h"
#include "engine/core/rulebook.h"

enum { DIRECTORY_MAX = 256, CANDIDATES_MAX = 64, PAGES_FIRST = 16 };

/* What is asked for ahead of an event: all of a member with a lot or two. */
enum { CACHE_LINE_BYTES = 64, MEMBER_PREFETCH_BYTES = 8 * CACHE_LINE_BYTES };

enum {
    PERSISTED_AT = offsetof(struct member, scheduled_ms),
    HASHED_AT = offsetof(struct member, format),
    SECTIONS_AT = offsetof(struct member, sections),
};

static_assert(sizeof(struct wallet) == 64 && sizeof(struct member_tier) == 64 &&
                  sizeof(struct past_tier) == 16,
              "persisted layouts");
static_assert(sizeof(struct noticed) == 16 && sizeof(struct fact) == 40 && sizeof(struct lot) == 96,
              "persisted layouts");
static_assert(HASHED_AT - PERSISTED_AT == 16 && SECTIONS_AT - PERSISTED_AT == 48,
              "persisted layouts");
static_assert(offsetof(struct member, enrolled_ms) - PERSISTED_AT == 40, "persisted layouts");
static_assert(offsetof(struct lot, ordinal) == 64 && offsetof(struct lot, index) == 80 &&
                  offsetof(struct lot, state) == 91,
              "persisted layouts");
static_assert(SECTIONS_AT % 8 == 0, "sections are read in place");

const char *
member_status_name(uint32_t status)
{
    switch (status) {
    case MEMBER_ACTIVE: return "active";
    case MEMBER_SUSPENDED: return "suspended";
    case MEMBER_FROZEN: return "frozen";
    case MEMBER_CLOSED: return "closed";
    case MEMBER_MERGED: return "merged";
    case MEMBER_UNKNOWN:
    default: return "unknown";
    }
}

const char *
lot_state_name(uint32_t state)
{
    switch (state) {
    case LOT_PENDING: return "pending";
    case LOT_ACTIVE: return "active";
    case LOT_LAPSING: return "lapsing";
    default: return "unknown";
    }
}

/* ---- The table of members ---- */

bool
members_open(struct members *members, struct memo *memo, uint64_t expected, struct fault *out_fault)
{
    *members = (struct members){.memo = memo, .page_capacity = PAGES_FIRST};
    if (!locator_init(&members->locator, expected, out_fault))
        return fault_wrap(out_fault, "members");
    members->pages = memo_take(memo, PAGES_FIRST * sizeof *members->pages);
    return true;
}

void
members_close(struct members *members)
{
    locator_fini(&members->locator);
    if (members->pages == NULL) return;
    for (size_t p = 0; p < members->page_count; p++) {
        for (size_t s = 0; s < MEMBER_PAGE_SLOTS; s++) {
            struct member *member = members->pages[p]->slots[s];
            if (member != NULL) memo_give(members->memo, member, member->allocated);
        }
        memo_give(members->memo, members->pages[p], sizeof *members->pages[p]);
    }
    memo_give(members->memo, members->pages, members->page_capacity * sizeof *members->pages);
    members->pages = NULL;
}

static struct member_page *
page_of(const struct members *members, uint64_t number)
{
    size_t page = number / MEMBER_PAGE_SLOTS;
    CHECK(page < members->page_count);
    return members->pages[page];
}

static void
make_pages(struct members *members, uint64_t number)
{
    while (members->page_count <= number / MEMBER_PAGE_SLOTS) {
        if (members->page_count == members->page_capacity) {
            size_t bytes = members->page_capacity * sizeof *members->pages;
            members->pages = memo_resize(members->memo, members->pages, bytes, 2 * bytes);
            members->page_capacity *= 2;
        }
        struct member_page *page = memo_take(members->memo, sizeof *page);
        memset(page, 0, sizeof *page);
        members->pages[members->page_count++] = page;
    }
}

uint64_t
members_hash(const struct members *members, struct bytes key)
{
    return hash64(key, members->memo->seed);
}

struct member *
members_warm(const struct members *members, uint64_t number)
{
    return page_of(members, number)->slots[number % MEMBER_PAGE_SLOTS];
}

void
members_prefetch_slot(const struct members *members, uint64_t number)
{
    __builtin_prefetch(&page_of(members, number)->slots[number % MEMBER_PAGE_SLOTS]);
}

void
members_prefetch(const struct members *members, uint64_t number)
{
    const struct member *member = members_warm(members, number);
    if (member == NULL) return;
    for (size_t at = 0; at < MEMBER_PREFETCH_BYTES; at += CACHE_LINE_BYTES)
        __builtin_prefetch((const uint8_t *)member + at);
}

void
members_prefetch_end(const struct members *members, uint64_t number)
{
    const struct member *member = members_warm(members, number);
    if (member == NULL) return;
    size_t bytes = member_bytes(member);
    for (size_t at = bytes - bytes % CACHE_LINE_BYTES;
         at >= MEMBER_PREFETCH_BYTES && at + 2 * CACHE_LINE_BYTES > bytes; at -= CACHE_LINE_BYTES)
        __builtin_prefetch((const uint8_t *)member + at);
}

void
members_need(uint64_t number, struct needs *needs)
{
    CHECK(needs != NULL); /* an apply finds every row in memory: fold_needs has named it */
    if (needs->count == NEEDS_MAX) return;
    struct need *need = &needs->items[needs->count++];
    struct row_key key = row_key_u64(ROW_MEMBER, number);
    *need = (struct need){.mode = NEED_GET, .key_size = key.size};
    memcpy(need->key, key.data, key.size);
}

struct member *
members_find(const struct members *members, struct bytes key, struct needs *needs, bool *out_known)
{
    return members_find_hashed(members, key, members_hash(members, key), needs, out_known);
}

struct member *
members_find_hashed(const struct members *members, struct bytes key, uint64_t hash,
                    struct needs *needs, bool *out_known)
{
    uint64_t numbers[CANDIDATES_MAX];
    size_t count = locator_find(&members->locator, hash, numbers, CANDIDATES_MAX);
    CHECK(count < CANDIDATES_MAX);
    *out_known = true;
    for (size_t i = 0; i < count; i++) {
        struct member *member = members_warm(members, numbers[i]);
        if (member == NULL) {
            members_need(numbers[i], needs);
            *out_known = false;
        } else if (bytes_equal(member_key(member), key)) {
            *out_known = true;
            return member;
        }
    }
    return NULL;
}

static void
put_slot(struct members *members, struct member *member)
{
    page_of(members, member->number)->slots[member->number % MEMBER_PAGE_SLOTS] = member;
}

static struct member *
make_member(struct members *members, struct bytes key, enum member_status status, int64_t since_ms)
{
    CHECK(key.size > 0 && key.size <= MEMBER_KEY_BYTES_MAX);
    uint64_t number = members->count + 1;
    make_pages(members, number);
    size_t bytes = SECTIONS_AT + ((key.size + 7) & ~(size_t)7);
    size_t allocated = slab_class_size(bytes);
    struct member *member = memo_take(members->memo, allocated);
    memset(member, 0, bytes);
    member->number = number;
    member->allocated = (uint32_t)allocated;
    member->scheduled_ms = INT64_MAX;
    member->format = MEMBER_FORMAT;
    member->status = (uint8_t)status;
    member->key_bytes = (uint8_t)key.size;
    member->enrolled_ms = since_ms;
    memcpy(member->sections, key.data, key.size);
    members->count = number;
    members->warm++;
    put_slot(members, member);
    locator_insert(&members->locator, members_hash(members, key), number);
    members_write(members, member);
    return member;
}

struct member *
members_placeholder(struct members *members, struct bytes key, int64_t since_ms)
{
    members->unknown_count++;
    return make_member(members, key, MEMBER_UNKNOWN, since_ms);
}

/* Leaves a placeholder without key and facts: nobody finds it again. */
static void
empty_placeholder(struct members *members, struct member *placeholder)
{
    size_t used = member_bytes(placeholder);
    members_write(members, placeholder);
    placeholder->scheduled_ms = INT64_MAX;
    placeholder->scheduled_kind = 0;
    placeholder->key_bytes = 0;
    placeholder->fact_count = 0;
    member_close_gap(members, &placeholder, placeholder->sections, used - SECTIONS_AT, used);
}

struct member *
members_enrol(struct members *members, struct bytes key, int64_t enrolled_ms,
              struct member *placeholder)
{
    struct member *member = make_member(members, key, MEMBER_ACTIVE, enrolled_ms);
    if (placeholder == NULL) return member;
    CHECK(placeholder->status == MEMBER_UNKNOWN && placeholder->wallet_count == 0 &&
          placeholder->lot_count == 0);
    struct fact former = {.kind = FACT_FORMER, .a = (int64_t)placeholder->number};
    for (uint32_t i = 0; i < placeholder->fact_count; i++)
        fact_set(members, &member, &member_facts(placeholder)[i]);
    fact_set(members, &member, &former);
    empty_placeholder(members, placeholder);
    return member;
}

void
members_write(struct members *members, struct member *member)
{
    struct memo *memo = members->memo;
    member->touched = 1;
    if (member->generation != memo->generation) {
        member->generation = memo->generation;
        memo->dirty_bytes += member->allocated;
        uint64_t slot = member->number % MEMBER_PAGE_SLOTS;
        page_of(members, member->number)->dirty[memo->generation & 1][slot / 64] |= UINT64_C(1)
                                                                                    << slot % 64;
    }
    if (!member->stale) {
        member->stale = 1;
        member->stale_next = members->stale_first;
        members->stale_first = member->number;
    }
}

static struct bytes
hashed_part(const struct member *member)
{
    return bytes_of(&member->format, member_bytes(member) - HASHED_AT);
}

void
members_settle(struct members *members)
{
    struct memo *memo = members->memo;
    while (members->stale_first != 0) {
        struct member *member = members_warm(members, members->stale_first);
        struct row_key key = row_key_u64(ROW_MEMBER, member->number);
        struct hash128 share = memo_share(memo->seed, row_key_span(&key), hashed_part(member));
        memo->digest = hash128_add(hash128_sub(memo->digest, member->share), share);
        member->share = share;
        member->stale = 0;
        members->stale_first = member->stale_next;
    }
}

/* ---- Rows ---- */

/* A wallet against its lots, which begin at `lot`. */
static bool
wallet_is_sound(const struct wallet *wallet, uint32_t slot, const struct lot *lot)
{
    int64_t remaining[LOT_LAPSING + 1] = {0}, held = 0;
    uint32_t counts[LOT_LAPSING + 1] = {0};
    for (uint32_t i = 0; i < wallet->lot_count; i++, lot++) {
        if (lot->currency != slot || lot->state < LOT_PENDING || lot->state > LOT_LAPSING)
            return false;
        if (lot->remaining < 0 || lot->held < 0 || lot->expired < 0) return false;
        if (lot->remaining == 0 && lot->held == 0) return false;
        if (i > 0 && lot_compare(lot - 1, lot) >= 0) return false;
        counts[lot->state]++;
        if (!add_i64(remaining[lot->state], lot->remaining, &remaining[lot->state]) ||
            !add_i64(held, lot->held, &held)) {
            return false;
        }
    }
    return remaining[LOT_PENDING] == wallet->pending && remaining[LOT_ACTIVE] == wallet->active &&
           remaining[LOT_LAPSING] == wallet->lapsing && held == wallet->held &&
           counts[LOT_PENDING] == wallet->pending_count &&
           counts[LOT_LAPSING] == wallet->lapsing_count;
}

/* The facts' order, and that what wallets owe is what the facts say. */
static bool
facts_are_sound(const struct member *member)
{
    int64_t arrears[CURRENCY_SLOTS_MAX] = {0}, noted[CURRENCY_SLOTS_MAX] = {0};
    const struct fact *facts = member_facts(member);
    for (uint32_t i = 0; i < member->fact_count; i++) {
        const struct fact *fact = &facts[i];
        if (i > 0 && fact_compare(&facts[i - 1], fact) >= 0) return false;
        if (fact->kind != FACT_ARREARS && fact->kind != FACT_NOTED) continue;
        int64_t *sum = fact->kind == FACT_ARREARS ? arrears : noted;
        if (fact->slot >= member->wallet_count || fact->a <= 0 ||
            !add_i64(sum[fact->slot], fact->a, &sum[fact->slot])) {
            return false;
        }
    }
    for (uint32_t slot = 0; slot < member->wallet_count; slot++) {
        const struct wallet *wallet = &member_wallets(member)[slot];
        if (wallet->arrears != arrears[slot] || wallet->noted != noted[slot]) return false;
    }
    return true;
}

/* Invariants 2 and 3 of the header, and that every count is what the size says. */
static bool
content_is_sound(const struct member *member, size_t persisted_bytes)
{
    if (member->format != MEMBER_FORMAT || member->lot_count > MEMBER_LOTS_MAX) return false;
    if (member->wallet_count > CURRENCY_SLOTS_MAX) return false;
    if (member_bytes(member) - PERSISTED_AT != persisted_bytes) return false;
    const struct lot *lot = member_lots(member);
    uint64_t left = member->lot_count;
    for (uint32_t slot = 0; slot < member->wallet_count; slot++) {
        const struct wallet *wallet = &member_wallets(member)[slot];
        if (wallet->lot_count > left || !wallet_is_sound(wallet, slot, lot)) return false;
        lot += wallet->lot_count;
        left -= wallet->lot_count;
    }
    return left == 0 && facts_are_sound(member);
}

/* Copies a verified content into a block; the sizes stand at fixed places, so they are judged
 * before they are trusted. */
static bool
block_fits(struct bytes content)
{
    return content.size >= SECTIONS_AT - PERSISTED_AT &&
           content.size + PERSISTED_AT <= SLAB_SIZE_MAX;
}

bool
members_load(struct members *members, struct row row, struct fault *out_fault)
{
    uint64_t number;
    struct bytes content;
    if (!row_open(row, &content, out_fault)) return false;
    if (!row_key_number(row.key, &number) || number == 0 || number > members->count ||
        !block_fits(content)) {
        return fault_set(out_fault, FAULT_DATA, "a member's row has an impossible number or size");
    }
    if (members_warm(members, number) != NULL) return true; /* asked for twice in one batch */
    size_t allocated = slab_class_size(PERSISTED_AT + content.size);
    struct member *member = slab_alloc(members->memo->slab, allocated);
    if (member == NULL)
        return fault_set(out_fault, FAULT_UNAVAILABLE,
                         "no memory to load a member: raise the memory limit");
    memset(member, 0, PERSISTED_AT);
    memcpy((uint8_t *)member + PERSISTED_AT, content.data, content.size);
    if (!content_is_sound(member, content.size)) {
        memo_give(members->memo, member, allocated);
        return fault_set(out_fault, FAULT_DATA, "member %llu's row contradicts itself",
                         (unsigned long long)number);
    }
    member->number = number;
    member->allocated = (uint32_t)allocated;
    member->touched = 1;
    member->share = memo_share(members->memo->seed, row.key, hashed_part(member));
    members->warm++;
    put_slot(members, member);
    return true;
}

bool
member_row_share(uint64_t seed, struct row row, struct hash128 *out_share, struct fault *out_fault)
{
    struct bytes content;
    if (!row_open(row, &content, out_fault)) return false;
    if (!block_fits(content))
        return fault_set(out_fault, FAULT_DATA, "a member's row has an impossible size");
    size_t unhashed = HASHED_AT - PERSISTED_AT;
    *out_share =
        memo_share(seed, row.key, bytes_of(content.data + unhashed, content.size - unhashed));
    return true;
}

bool
members_load_directory(struct members *members, struct row row, struct fault *out_fault)
{
    uint64_t first;
    struct bytes content;
    if (!row_open(row, &content, out_fault)) return false;
    if (!row_key_number(row.key, &first) || content.size % 8 != 0 ||
        first != members->stored_count + 1) {
        return fault_set(out_fault, FAULT_DATA,
                         "the directory of members has a gap after number %llu",
                         (unsigned long long)members->stored_count);
    }
    size_t count = content.size / 8;
    if (!locator_reserve(&members->locator, count, out_fault))
        return fault_wrap(out_fault, "members");
    struct reader reader = reader_of(content);
    for (size_t i = 0; i < count; i++)
        locator_insert(&members->locator, reader_u64le(&reader), first + i);
    members->stored_count = first + count - 1;
    members->count = members->stored_count;
    make_pages(members, members->count);
    return true;
}

bool
members_next_dirty(struct members *members, uint32_t generation, uint64_t *cursor,
                   struct row_key *out_key, struct writer *writer)
{
    for (uint64_t number = *cursor == 0 ? 1 : *cursor; number <= members->count; number++) {
        const uint64_t *dirty = page_of(members, number)->dirty[generation & 1];
        uint64_t slot = number % MEMBER_PAGE_SLOTS;
        uint64_t bits = dirty[slot / 64] >> slot % 64;
        if (bits == 0) {
            number |= 63;
            continue;
        }
        number += (uint64_t)__builtin_ctzll(bits);
        const struct member *member = members_warm(members, number);
        size_t bytes = member_bytes(member) - PERSISTED_AT;
        CHECK(content_is_sound(member, bytes));
        *out_key = row_key_u64(ROW_MEMBER, number);
        writer_bytes(writer, bytes_of((const uint8_t *)member + PERSISTED_AT, bytes));
        *cursor = number + 1;
        return true;
    }
    return false;
}

/* What is left of a placeholder is found under no key; each has a hash of its own, so that they do
 * not crowd one place of the locator. */
static uint64_t
directory_hash(const struct members *members, uint64_t number)
{
    const struct member *member = members_warm(members, number);
    if (member->key_bytes > 0) return members_hash(members, member_key(member));
    return members_hash(members, bytes_of(&number, sizeof number));
}

bool
members_next_directory(const struct members *members, uint64_t *cursor, struct row_key *out_key,
                       struct writer *writer)
{
    uint64_t first = *cursor == 0 ? members->stored_count + 1 : *cursor;
    if (first > members->frozen_count) return false;
    *out_key = row_key_u64(ROW_DIRECTORY, first);
    for (; first <= members->frozen_count && writer->size < DIRECTORY_MAX * sizeof(uint64_t);
         first++) {
        writer_u64le(writer, directory_hash(members, first));
    }
    *cursor = first;
    return true;
}

void
members_checkpoint_end(struct members *members, uint32_t generation)
{
    members->stored_count = members->frozen_count;
    for (size_t p = 0; p < members->page_count; p++) {
        memset(members->pages[p]->dirty[generation & 1], 0, sizeof members->pages[p]->dirty[0]);
    }
}

/* A clock: a member that was touched since the hand last passed stays once more. Two rounds see
 * everybody. */
size_t
members_evict(struct members *members, size_t bytes)
{
    size_t freed = 0;
    for (uint64_t seen = 0; seen < 2 * members->count && freed < bytes && members->warm > 0;
         seen++) {
        members->hand = members->hand % members->count + 1;
        struct member_page *page = page_of(members, members->hand);
        struct member **slot = &page->slots[members->hand % MEMBER_PAGE_SLOTS];
        struct member *member = *slot;
        if (member == NULL || memo_is_dirty(members->memo, member->generation)) continue;
        if (member->touched) {
            member->touched = 0;
            continue;
        }
        CHECK(!member->stale);
        freed += member->allocated;
        memo_give(members->memo, member, member->allocated);
        *slot = NULL;
        members->warm--;
    }
    return freed;
}

/* ---- Sections ---- */

void *
member_open_gap(struct members *members, struct member **member, const void *at, size_t bytes)
{
    struct member *block = *member;
    size_t used = member_bytes(block);
    size_t offset = (size_t)((const uint8_t *)at - (const uint8_t *)block);
    CHECK(offset >= SECTIONS_AT && offset <= used);
    if (used + bytes > block->allocated) {
        size_t allocated = slab_class_size(used + bytes);
        block = memo_resize(members->memo, block, block->allocated, allocated);
        block->allocated = (uint32_t)allocated;
        put_slot(members, block);
        *member = block;
    }
    uint8_t *gap = (uint8_t *)block + offset;
    memmove(gap + bytes, gap, used - offset);
    memset(gap, 0, bytes);
    return gap;
}

void
member_close_gap(struct members *members, struct member **member, void *at, size_t bytes,
                 size_t old_bytes)
{
    struct member *block = *member;
    uint8_t *gap = at;
    uint8_t *end = (uint8_t *)block + old_bytes;
    CHECK(gap + bytes <= end);
    memmove(gap, gap + bytes, (size_t)(end - gap) - bytes);
    size_t allocated = slab_class_size(old_bytes - bytes);
    if (allocated > block->allocated / 4) return;
    block = memo_resize(members->memo, block, block->allocated, allocated);
    block->allocated = (uint32_t)allocated;
    put_slot(members, block);
    *member = block;
}

struct wallet *
member_wallet(struct members *members, struct member **member, uint32_t slot)
{
    while ((*member)->wallet_count <= slot) {
        const struct wallet *end = member_wallets(*member) + (*member)->wallet_count;
        member_open_gap(members, member, end, sizeof(struct wallet));
        (*member)->wallet_count++;
    }
    return &member_wallets(*member)[slot];
}

struct member_tier *
member_tier(struct members *members, struct member **member, uint32_t group)
{
    while ((*member)->tier_count <= group) {
        const struct member_tier *end = member_tiers(*member) + (*member)->tier_count;
        struct member_tier *tier = member_open_gap(members, member, end, sizeof *tier);
        tier->review_ms = tier->grace_ms = tier->at_risk_ms = INT64_MAX;
        tier->reviewed_ms = tier->peak_ms = INT64_MIN;
        tier->level = tier->base = tier->from = tier->result = tier->lower = tier->peak =
            UINT16_MAX;
        (*member)->tier_count++;
    }
    return &member_tiers(*member)[group];
}

void
member_drop_tiers(struct members *members, struct member **member)
{
    size_t bytes = member_bytes(*member);
    uint8_t *first = (uint8_t *)member_tiers(*member);
    size_t dropped = (size_t)((uint8_t *)member_noticed(*member) - first);
    (*member)->tier_count = (*member)->past_count = 0;
    member_close_gap(members, member, first, dropped, bytes);
}

static void
drop_past_at(struct members *members, struct member **member, uint32_t i)
{
    size_t bytes = member_bytes(*member);
    struct past_tier *past = &member_past(*member)[i];
    (*member)->past_count--;
    member_close_gap(members, member, past, sizeof *past, bytes);
}

void
member_add_past(struct members *members, struct member **member, struct past_tier past)
{
    if ((*member)->past_count == MEMBER_PAST_MAX) drop_past_at(members, member, 0);
    struct past_tier *place =
        member_open_gap(members, member, member_past(*member) + (*member)->past_count, sizeof past);
    *place = past;
    (*member)->past_count++;
}

void
member_drop_past(struct members *members, struct member **member, uint32_t group, int64_t before_ms)
{
    for (uint32_t i = 0; i < (*member)->past_count;) {
        const struct past_tier *past = member_past(*member);
        uint32_t next = i + 1;
        while (next < (*member)->past_count && past[next].group != past[i].group)
            next++;
        int64_t end_ms = next < (*member)->past_count ? past[next].since_ms : INT64_MAX;
        if (past[i].group == group && end_ms <= before_ms) {
            drop_past_at(members, member, i);
        } else {
            i++;
        }
    }
}

static uint32_t
noticed_position(const struct member *member, uint8_t currency, int64_t expires_ms)
{
    const struct noticed *noticed = member_noticed(member);
    uint32_t low = 0, high = member->noticed_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        bool before =
            noticed[middle].expires_ms < expires_ms ||
            (noticed[middle].expires_ms == expires_ms && noticed[middle].currency < currency);
        if (before) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool
member_is_noticed(const struct member *member, uint8_t currency, int64_t expires_ms)
{
    if (member->noticed_count == 0) return false;
    uint32_t i = noticed_position(member, currency, expires_ms);
    if (i == member->noticed_count) return false;
    const struct noticed *noticed = &member_noticed(member)[i];
    return noticed->expires_ms == expires_ms && noticed->currency == currency;
}

void
member_add_noticed(struct members *members, struct member **member, uint8_t currency,
                   int64_t expires_ms)
{
    uint32_t i = noticed_position(*member, currency, expires_ms);
    struct noticed *noticed =
        member_open_gap(members, member, &member_noticed(*member)[i], sizeof *noticed);
    noticed->expires_ms = expires_ms;
    noticed->currency = currency;
    (*member)->noticed_count++;
}

void
member_drop_noticed(struct members *members, struct member **member, int64_t expires_ms)
{
    uint32_t count = noticed_position(*member, 0, expires_ms);
    while (count < (*member)->noticed_count &&
           member_noticed(*member)[count].expires_ms <= expires_ms)
        count++;
    if (count == 0) return;
    size_t bytes = member_bytes(*member);
    struct noticed *first = member_noticed(*member);
    (*member)->noticed_count -= count;
    member_close_gap(members, member, first, count * sizeof *first, bytes);
}
