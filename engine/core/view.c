/* Looking at one member, as of the last applied entry. */
#include "engine/core/fact.h"
#include "engine/core/inactivity.h"
#include "engine/core/lot.h"
#include "engine/core/order.h"
#include "engine/core/state_priv.h"
#include "engine/core/tier.h"

static void *
list_room(struct arena *arena, size_t count, size_t item_bytes)
{
    void *list = arena_alloc(arena, (count + 1) * item_bytes);
    CHECK_MSG(list != NULL, "the arena of a member's view is too small");
    return list;
}

static struct bytes
text(struct arena *arena, struct bytes source)
{
    struct bytes copy = {0};
    if (source.size == 0) return copy;
    CHECK_MSG(arena_copy_bytes(arena, source, &copy), "the arena of a member's view is too small");
    return copy;
}

static void
view_wallets(const struct state *state, const struct member *member, struct arena *arena,
             struct member_view *view)
{
    struct wallet_view *wallets = list_room(arena, member->wallet_count, sizeof *wallets);
    for (uint32_t slot = 0; slot < member->wallet_count; slot++) {
        const struct wallet *wallet = &member_wallets(member)[slot];
        bool qualifying = false;
        for (size_t r = state->rulebooks.count; r > 0; r--) {
            const struct rulebook *rulebook = state->rulebooks.items[r - 1];
            if (rulebook->currency_at[slot] < 0) continue;
            qualifying = rulebook->program.currencies[rulebook->currency_at[slot]].qualifying;
            break;
        }
        wallets[slot] = (struct wallet_view){
            .currency = text(arena, state->rulebooks.currencies[slot]),
            .scale = state->rulebooks.scales[slot],
            .qualifying = qualifying,
            .pending.units = wallet->pending,
            .active.units = wallet->active,
            .held.units = wallet->held,
            .lapsing.units = wallet->lapsing,
            .arrears.units = wallet->arrears,
        };
    }
    view->wallets = wallets;
    view->wallet_count = member->wallet_count;
}

static void
view_lots(const struct state *state, const struct member *member, struct arena *arena,
          struct member_view *view)
{
    struct lot_view *lots = list_room(arena, member->lot_count, sizeof *lots);
    const struct lot *lot = member_lots(member);
    for (uint32_t i = 0; i < member->lot_count; i++, lot++) {
        const struct program *program = &state->rulebooks.items[lot->rulebook]->program;
        lots[i] = (struct lot_view){
            .id = {lot->ordinal, lot->index},
            .currency = view->wallets[lot->currency].currency,
            .rule = lot->rule == LOT_BY_HAND
                        ? (struct bytes){0}
                        : text(arena, rulebooks_name(&state->rulebooks, NAME_SOURCE, lot->rule)),
            .rule_version = program->version,
            .granted.units = lot->granted,
            .remaining.units = lot->remaining,
            .held.units = lot->held,
            .state = lot->state,
            .state_name = lot_state_name(lot->state),
            .activates_at.ms = lot->activates_ms,
            .earned_at.ms = lot->earned_ms,
            .expires_at.ms = inactivity_expiry_of(member, lot),
        };
    }
    view->lots = lots;
    view->lot_count = member->lot_count;
}

/* Of money its ISO 4217 code, of points their currency; of what is counted by pieces nothing. */
static void
view_metric(const struct rulebook *rulebook, const struct program_metric *metric,
            struct arena *arena, struct metric_view *out)
{
    out->name = text(arena, metric->id);
    out->kind = metric->kind;
    if (metric->kind == METRIC_SPEND) {
        const struct currency *money = currency_find(metric->money);
        CHECK(money != NULL);
        out->digits = money->digits;
        out->unit = text(arena, bytes_from_cstr(money->alpha));
    } else if (metric->kind == METRIC_POINTS || metric->kind == METRIC_BALANCE) {
        const struct program_currency *points = &rulebook->program.currencies[metric->currency];
        out->digits = points->scale;
        out->unit = text(arena, points->id);
    }
}

static void
view_tier(const struct state *state, struct rulebook *rulebook, const struct member *member,
          uint32_t group, struct arena *arena, struct tier_view *out)
{
    const struct program_group *asked = &rulebook->program.groups[group];
    uint32_t slot = rulebook->group_slot[group];
    uint32_t level = tier_at(state, rulebook, member, group, (struct instant){INT64_MAX});
    struct span window = metric_window(rulebook, member, group, state->clock);
    struct metric_values values = metric_values(rulebook, member, group, window);
    bool top = level + 1 == asked->level_count;
    *out = (struct tier_view){
        .group = text(arena, asked->id),
        .level = text(arena, asked->levels[level].id),
        .since.ms = member->enrolled_ms,
        .valid_until.ms = INT64_MAX,
        .metric_count = asked->metric_count,
    };
    if (slot < member->tier_count && member_tiers(member)[slot].held) {
        out->since.ms = member_tiers(member)[slot].since_ms;
        if (asked->downgrade != DOWNGRADE_NONE)
            out->valid_until.ms = member_tiers(member)[slot].review_ms;
    }
    const struct fact *override = fact_find(member, FACT_OVERRIDE, slot, 0, 0);
    out->overridden = override != NULL;
    if (override != NULL) out->valid_until.ms = override->a;
    if (!top) out->next_level = text(arena, asked->levels[level + 1].id);
    for (uint32_t m = 0; m < asked->metric_count; m++) {
        view_metric(rulebook, &asked->metrics[m], arena, &out->metrics[m]);
        out->metrics[m].value = values.values[m];
        if (!top) out->metrics[m].next_threshold = asked->levels[level + 1].thresholds[m];
    }
}

/* Tiers of the groups that the version in force has. */
static void
view_tiers(const struct state *state, const struct member *member, struct arena *arena,
           struct member_view *view)
{
    struct rulebook *rulebook = rulebooks_at(&state->rulebooks, state->clock);
    if (rulebook == NULL) return;
    struct tier_view *tiers = list_room(arena, rulebook->program.group_count, sizeof *tiers);
    for (uint32_t g = 0; g < rulebook->program.group_count; g++)
        view_tier(state, rulebook, member, g, arena, &tiers[g]);
    view->tiers = tiers;
    view->tier_count = rulebook->program.group_count;
}

/* ---- What waits ---- */

static const struct {
    enum fact_kind fact;
    const char *what;
} WAITS[] = {{FACT_HOLD, "hold"}, {FACT_AWAITING, "approval"}, {FACT_WAITING, "order"}};

enum { WAIT_KINDS = sizeof WAITS / sizeof *WAITS };

static struct facts
shown_facts(const struct member *member, uint32_t kind)
{
    struct facts facts = facts_of_kind(member, WAITS[kind].fact);
    if (facts.count > VIEW_WAITING_MAX) facts.count = VIEW_WAITING_MAX;
    return facts;
}

/* The ids stand in the rows of the events that wait. */
static bool
waiting_is_warm(const struct state *state, const struct member *member, struct needs *needs)
{
    bool warm = true;
    for (uint32_t kind = 0; kind < WAIT_KINDS; kind++) {
        struct facts facts = shown_facts(member, kind);
        for (uint32_t i = 0; i < facts.count; i++) {
            uint64_t ordinal = (uint64_t)facts.items[i].key;
            if (references_get(&state->references, ordinal) != NULL) continue;
            references_need(ordinal, needs);
            warm = false;
        }
    }
    return warm;
}

/* The id in a row's head (order.c); between an event's source and id stands a zero byte. */
static struct bytes
waiting_id(const struct state *state, uint64_t ordinal, struct arena *arena)
{
    const struct reference *row = references_get(&state->references, ordinal);
    struct reader reader = reader_of(bytes_of(row->content, row->size));
    struct bytes head = reference_read_id(&reader);
    uint8_t id[REFERENCE_ID_BYTES_MAX];
    CHECK(head.size <= sizeof id);
    for (size_t i = 0; i < head.size; i++)
        id[i] = head.data[i] == 0 ? '/' : head.data[i];
    return text(arena, bytes_of(id, head.size));
}

static void
view_waiting(const struct state *state, const struct member *member, struct arena *arena,
             struct member_view *view)
{
    struct waiting_view *waiting =
        list_room(arena, (size_t)WAIT_KINDS * VIEW_WAITING_MAX, sizeof *waiting);
    for (uint32_t kind = 0; kind < WAIT_KINDS; kind++) {
        struct facts facts = shown_facts(member, kind);
        for (uint32_t i = 0; i < facts.count; i++) {
            waiting[view->waiting_count++] = (struct waiting_view){
                .what = WAITS[kind].what,
                .id = waiting_id(state, (uint64_t)facts.items[i].key, arena),
                .until.ms = facts.items[i].a,
            };
        }
    }
    view->waiting = waiting;
}

enum lookup
member_lookup(const struct state *state, struct bytes key, struct arena *arena,
              struct member_view *out_view, struct needs *needs)
{
    bool known;
    const struct member *member = members_find(&state->members, key, needs, &known);
    if (!known && state->damage[0] == 0) return LOOKUP_NEEDS;
    if (member == NULL || member->status == MEMBER_UNKNOWN) return LOOKUP_UNKNOWN;
    if (!waiting_is_warm(state, member, needs)) return LOOKUP_NEEDS;
    struct member_view view = {
        .member = text(arena, key),
        .number = member->number,
        .status = member->status,
        .status_name = member_status_name(member->status),
        .enrolled_at.ms = member->enrolled_ms,
        .as_of = state->clock,
    };
    view_wallets(state, member, arena, &view);
    view_lots(state, member, arena, &view);
    view_tiers(state, member, arena, &view);
    view_waiting(state, member, arena, &view);
    *out_view = view;
    return LOOKUP_FOUND;
}

bool
state_rulebook(const struct state *state, struct activation *out_activation)
{
    if (state->rulebooks.count == 0) return false;
    rulebook_activation(state->rulebooks.items[state->rulebooks.count - 1], out_activation);
    return true;
}
