/* Awards, streaks, missions and caps. */
#include <stddef.h>

#include "engine/base/check.h"
#include "engine/rules/compile_priv.h"
#include "engine/rules/scalar.h"

/* A key that one way of the map needs and all others refuse. */
static void
need_key(struct compiler *compiler, const struct schema_map *schema, const struct yaml_node *node,
         const char *key, bool needed, const char *reason)
{
    if (needed == is_given(node, key)) return;
    if (needed && has_unknown_key(schema, node)) return;
    if (!needed) {
        const struct yaml_node *given = yaml_get(node, key);
        diagnostics_error(compiler->diagnostics, given->key_place, "'%s' belongs to %s", key,
                          reason);
        diagnostics_hint(compiler->diagnostics, "remove it");
        return;
    }
    diagnostics_error(compiler->diagnostics, node->place, "%s needs the key '%s'", reason, key);
    diagnostics_hint(compiler->diagnostics, "for example: %s", schema_find(schema, key)->example);
}

/* ---- Awards ---- */

static enum condition_scope
award_scope(enum award_kind kind)
{
    switch (kind) {
    case AWARD_FIRST_PURCHASE:
    case AWARD_BALANCE: return CONDITION_SCOPE_ORDER;
    case AWARD_ACTIVITY: return CONDITION_SCOPE_ACTIVITY;
    case AWARD_SIGN_UP:
    case AWARD_BIRTHDAY:
    case AWARD_ANNIVERSARY: break;
    }
    return CONDITION_SCOPE_MEMBER;
}

/* Nothing that happens by time alone has a channel, a store or a partner. */
static void
check_award_keys(struct compiler *compiler, const struct yaml_node *node,
                 const struct program_award *award)
{
    need_key(compiler, &schema_award, node, "activity", award->kind == AWARD_ACTIVITY,
             "'on: activity'");
    need_key(compiler, &schema_award, node, "balance", award->kind == AWARD_BALANCE,
             "'on: balance'");
    bool of_order = award->kind == AWARD_FIRST_PURCHASE || award->kind == AWARD_BALANCE;
    if (award->pending.kind == PENDING_DELIVERED && !of_order) {
        diagnostics_error(compiler->diagnostics, yaml_get(node, "pending")->key_place,
                          "an award without an order cannot wait for its delivery");
        diagnostics_hint(compiler->diagnostics, "for example: pending: { after: 14 days }");
    }
    if (award->kind != AWARD_BIRTHDAY && award->kind != AWARD_ANNIVERSARY) return;
    static const char *const keys[] = {"channels", "stores", "partners"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        refuse_key(compiler, node, keys[i], "asks for what a birthday or an anniversary has not",
                   "remove it: they come by the calendar");
    }
}

static void
compile_award(struct compiler *compiler, const struct yaml_node *node, struct program_award *award)
{
    award->id = name_source(compiler, &schema_award, node, "award", SOURCE_AWARD);
    award->kind = (enum award_kind)get_word(compiler, &schema_award, node, "on");
    get_currency(compiler, &schema_award, node, &award->currency);
    award->priority = (int32_t)get_whole(compiler, &schema_award, node, "priority");
    award->points = get_some_points(compiler, &schema_award, node, "points", award->currency);
    award->activity = get_text(compiler, &schema_award, node, "activity");
    award->balance = get_points(compiler, &schema_award, node, "balance", award->currency, 0);
    award->times = compile_times(compiler, &schema_award, node);
    bool check_in = bytes_equal(award->activity, bytes_from_cstr("check_in"));
    if (check_in && award->times.count == 0) award->times = (struct program_times){1, PER_DAY};
    award->filter = compile_filter(compiler, &schema_award, node, award_scope(award->kind), true);
    award->tier_group = get_multiplier(compiler, &schema_award, node);
    award->funder = get_funder(compiler, &schema_award, node);
    award->pending = compile_pending(compiler, &schema_award, node);
    if (is_given(node, "on")) check_award_keys(compiler, node, award);
}

void
compile_awards(struct compiler *compiler, const struct yaml_node *root)
{
    struct program *program = &compiler->program;
    const struct yaml_node *list = get(compiler, &schema_rulebook, root, "awards");
    if (list == NULL || list->count > PROGRAM_RULES_MAX) return;
    struct program_award *awards = compile_room(compiler, list->count, sizeof *awards);
    const struct yaml_node **nodes = compile_room(compiler, list->count, sizeof *nodes);
    uint32_t count = 0;
    for (const struct yaml_node *node = first_map(list); node != NULL; node = next_map(node)) {
        nodes[count] = node;
        compile_award(compiler, node, &awards[count++]);
    }
    program->awards = order_judged(compiler, awards, sizeof *awards,
                                   offsetof(struct program_award, priority), count, nodes);
    program->award_count = count;
}

/* ---- Streaks ---- */

static void
compile_streak_points(struct compiler *compiler, const struct yaml_node *node,
                      struct program_streak *streak)
{
    const struct yaml_node *list = get(compiler, &schema_streak, node, "points");
    if (list == NULL || list->count == 0 || list->count > PROGRAM_STREAK_MAX) return;
    unsigned scale = compiler->program.currencies[streak->currency].scale;
    int64_t *points = compile_room(compiler, list->count, sizeof *points);
    bool pays = false, read = true;
    for (const struct yaml_node *entry = list->first; entry != NULL; entry = entry->next) {
        struct points award = {0};
        read = scalar_points(entry, scale, compiler->diagnostics, &award) && read;
        points[streak->point_count++] = award.units;
        pays = pays || award.units != 0;
    }
    streak->points = points;
    if (pays || !read) return;
    diagnostics_error(compiler->diagnostics, list->key_place, "the streak pays nothing");
    diagnostics_hint(compiler->diagnostics, "for example: points: [1, 2, 3]");
}

static void
compile_streak(struct compiler *compiler, const struct yaml_node *node,
               struct program_streak *streak)
{
    streak->id = name_source(compiler, &schema_streak, node, "streak", SOURCE_STREAK);
    get_currency(compiler, &schema_streak, node, &streak->currency);
    streak->priority = (int32_t)get_whole(compiler, &schema_streak, node, "priority");
    streak->activity = get_text(compiler, &schema_streak, node, "activity");
    streak->every = (enum calendar_unit)get_word(compiler, &schema_streak, node, "every");
    compile_streak_points(compiler, node, streak);
    streak->window = compile_window(compiler, &schema_streak, node);
    streak->tier_group = get_multiplier(compiler, &schema_streak, node);
    streak->funder = get_funder(compiler, &schema_streak, node);
}

void
compile_streaks(struct compiler *compiler, const struct yaml_node *root)
{
    struct program *program = &compiler->program;
    const struct yaml_node *list = get(compiler, &schema_rulebook, root, "streaks");
    if (list == NULL || list->count > PROGRAM_RULES_MAX) return;
    struct program_streak *streaks = compile_room(compiler, list->count, sizeof *streaks);
    const struct yaml_node **nodes = compile_room(compiler, list->count, sizeof *nodes);
    uint32_t count = 0;
    for (const struct yaml_node *node = first_map(list); node != NULL; node = next_map(node)) {
        nodes[count] = node;
        compile_streak(compiler, node, &streaks[count++]);
    }
    program->streaks = order_judged(compiler, streaks, sizeof *streaks,
                                    offsetof(struct program_streak, priority), count, nodes);
    program->streak_count = count;
}

/* ---- Missions ---- */

/* A number of events or periods, or a sum of money or of values. */
static void
compile_target(struct compiler *compiler, const struct yaml_node *node,
               struct program_mission *mission)
{
    const struct yaml_node *target = get(compiler, &schema_mission, node, "target");
    mission->target = 1;
    bool of_money = mission->goal == GOAL_SUM && mission->of == COUNTED_PURCHASE;
    if (target == NULL) return;
    if (!of_money) {
        yaml_whole(target, 1, INT32_MAX, compiler->diagnostics, &mission->target);
        return;
    }
    struct money money;
    if (!scalar_money(target, compiler->diagnostics, &money)) return;
    mission->money = money.currency;
    mission->target = money.minor;
    if (money.minor != 0) return;
    diagnostics_error(compiler->diagnostics, target->place, "'target' must be above 0");
    diagnostics_hint(compiler->diagnostics, "for example: target: 100.00 GBP");
}

static void
compile_mission_award(struct compiler *compiler, const struct yaml_node *node,
                      struct program_mission *mission)
{
    mission->currency = PROGRAM_NONE;
    mission->badge = get_name(compiler, &schema_mission, node, "badge");
    bool points = is_given(node, "points"), currency = is_given(node, "currency");
    if (points != currency && has_unknown_key(&schema_mission, node)) return;
    if (points != currency) {
        diagnostics_error(compiler->diagnostics, node->place,
                          "a mission has both currency and points, or neither");
        diagnostics_hint(compiler->diagnostics, "for example: currency: points, points: 500");
        return;
    }
    if (!points && !is_given(node, "badge") && has_unknown_key(&schema_mission, node)) return;
    if (!points && !is_given(node, "badge")) {
        diagnostics_error(compiler->diagnostics, node->place,
                          "the mission gives neither points nor a badge");
        diagnostics_hint(compiler->diagnostics, "for example: badge: bookworm");
        return;
    }
    uint32_t index;
    if (!points || !get_currency(compiler, &schema_mission, node, &index)) return;
    mission->currency = index;
    mission->points = get_some_points(compiler, &schema_mission, node, "points", index);
}

static void
compile_goal(struct compiler *compiler, const struct yaml_node *node,
             struct program_mission *mission)
{
    mission->goal = (enum goal)get_word(compiler, &schema_mission, node, "goal");
    mission->of = (enum counted)get_word(compiler, &schema_mission, node, "of");
    mission->activity = get_text(compiler, &schema_mission, node, "activity");
    bool consecutive = mission->goal == GOAL_CONSECUTIVE;
    bool purchases = mission->of == COUNTED_PURCHASE;
    need_key(compiler, &schema_mission, node, "activity", !purchases, "'of: activity'");
    need_key(compiler, &schema_mission, node, "every", consecutive, "'goal: consecutive'");
    if (consecutive) {
        mission->every = (enum calendar_unit)get_word(compiler, &schema_mission, node, "every");
        refuse_key(compiler, node, "per", "does not go with 'goal: consecutive'",
                   "remove it: a run of periods has no window");
    }
    mission->per = PER_LIFETIME;
    if (!consecutive && is_given(node, "per"))
        mission->per = (enum per)get_word(compiler, &schema_mission, node, "per");
    compile_target(compiler, node, mission);
    if (mission->goal == GOAL_SUM && purchases) {
        mission->basis = compile_basis(compiler, get(compiler, &schema_mission, node, "basis"));
    } else {
        refuse_key(compiler, node, "basis", "belongs to a sum of purchases", "remove it");
    }
    if (!purchases) {
        refuse_key(compiler, node, "categories", "belongs to 'of: purchase'",
                   "remove it: activities have no lines");
    }
}

static void
compile_mission(struct compiler *compiler, const struct yaml_node *node,
                struct program_mission *mission)
{
    mission->id = name_source(compiler, &schema_mission, node, "mission", SOURCE_MISSION);
    compile_goal(compiler, node, mission);
    mission->repeats = (uint32_t)get_whole(compiler, &schema_mission, node, "repeats");
    compile_mission_award(compiler, node, mission);
    mission->filter = compile_filter(
        compiler, &schema_mission, node,
        mission->of == COUNTED_PURCHASE ? CONDITION_SCOPE_ORDER : CONDITION_SCOPE_ACTIVITY, true);
    mission->priority = (int32_t)get_whole(compiler, &schema_mission, node, "priority");
    mission->funder = get_funder(compiler, &schema_mission, node);
}

void
compile_missions(struct compiler *compiler, const struct yaml_node *root)
{
    struct program *program = &compiler->program;
    const struct yaml_node *list = get(compiler, &schema_rulebook, root, "missions");
    if (list == NULL || list->count > PROGRAM_RULES_MAX) return;
    struct program_mission *missions = compile_room(compiler, list->count, sizeof *missions);
    const struct yaml_node **nodes = compile_room(compiler, list->count, sizeof *nodes);
    uint32_t count = 0;
    for (const struct yaml_node *node = first_map(list); node != NULL; node = next_map(node)) {
        nodes[count] = node;
        compile_mission(compiler, node, &missions[count++]);
    }
    program->missions = order_judged(compiler, missions, sizeof *missions,
                                     offsetof(struct program_mission, priority), count, nodes);
    program->mission_count = count;
}

/* ---- Caps ---- */

static bool
comes_before(struct program_source a, struct program_source b)
{
    return a.kind < b.kind || (a.kind == b.kind && a.index < b.index);
}

static void
compile_covers(struct compiler *compiler, const struct yaml_node *node, struct program_cap *cap)
{
    const struct yaml_node *list = get(compiler, &schema_cap, node, "covers");
    if (list == NULL || list->count > PROGRAM_RULES_MAX) return;
    struct program_source *covers = compile_room(compiler, list->count + 1, sizeof *covers);
    for (const struct yaml_node *entry = list->first; entry != NULL; entry = entry->next) {
        struct program_source source;
        if (!resolve_source(compiler, entry, &source)) continue;
        if (source_currency(&compiler->program, source) != cap->currency) {
            diagnostics_error(compiler->diagnostics, entry->place,
                              "the %s '%.*s' does not earn the cap's currency",
                              source_kind_name(source.kind), (int)entry->text.size,
                              (const char *)entry->text.data);
            diagnostics_hint(compiler->diagnostics, "a cap counts one currency: remove it");
            continue;
        }
        uint32_t at = cap->cover_count;
        while (at > 0 && comes_before(source, covers[at - 1]))
            at--;
        if (at > 0 && !comes_before(covers[at - 1], source)) {
            diagnostics_error(compiler->diagnostics, entry->place, "'%.*s' is listed twice",
                              (int)entry->text.size, (const char *)entry->text.data);
            diagnostics_hint(compiler->diagnostics, "keep one of them");
            continue;
        }
        for (uint32_t i = cap->cover_count; i > at; i--)
            covers[i] = covers[i - 1];
        covers[at] = source;
        cap->cover_count++;
    }
    cap->covers = covers;
}

static void
compile_cap_per(struct compiler *compiler, const struct yaml_node *node, struct program_cap *cap)
{
    const struct schema_key *row = schema_find(&schema_cap, "per");
    const struct yaml_node *per = get(compiler, &schema_cap, node, "per");
    cap->per = PER_LIFETIME;
    if (per == NULL) return;
    bool number = per->text.size > 0 && per->text.data[0] >= '0' && per->text.data[0] <= '9';
    if (!number) {
        cap->per = (enum per)word_code(compiler, row->words, per);
        return;
    }
    int32_t days;
    if (!scalar_days(per, row->min, row->max, compiler->diagnostics, &days)) return;
    cap->per = PER_ROLLING;
    cap->rolling_days = (uint32_t)days;
}

static void
compile_cap(struct compiler *compiler, const struct yaml_node *node, struct program_cap *cap)
{
    cap->id = get_name(compiler, &schema_cap, node, "cap");
    get_currency(compiler, &schema_cap, node, &cap->currency);
    cap->priority = (int32_t)get_whole(compiler, &schema_cap, node, "priority");
    compile_covers(compiler, node, cap);
    cap->max = get_some_points(compiler, &schema_cap, node, "max", cap->currency);
    compile_cap_per(compiler, node, cap);
    cap->rejects = get_word(compiler, &schema_cap, node, "excess") != 0;
    cap->gives_back = get_boolean(compiler, &schema_cap, node, "give_back");
}

void
compile_caps(struct compiler *compiler, const struct yaml_node *root)
{
    struct program *program = &compiler->program;
    const struct yaml_node *list = get(compiler, &schema_rulebook, root, "caps");
    if (list == NULL || list->count > PROGRAM_CAPS_MAX) return;
    struct program_cap *caps = compile_room(compiler, list->count, sizeof *caps);
    compiler->cap_nodes = compile_room(compiler, list->count, sizeof *compiler->cap_nodes);
    for (const struct yaml_node *node = first_map(list); node != NULL; node = next_map(node)) {
        struct program_cap *cap = &caps[program->cap_count];
        compile_cap(compiler, node, cap);
        for (uint32_t i = 0; i < program->cap_count; i++) {
            if (cap->id.size == 0 || !bytes_equal(caps[i].id, cap->id)) continue;
            report_twice(compiler, node->place, "cap", cap->id);
            break;
        }
        compiler->cap_nodes[program->cap_count++] = node;
    }
    program->caps =
        order_judged(compiler, caps, sizeof *caps, offsetof(struct program_cap, priority),
                     program->cap_count, compiler->cap_nodes);
}
