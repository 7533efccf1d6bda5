/* Spending, returns, limits, quarantine and approvals. */
#include <stddef.h>
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/rules/compile_priv.h"
#include "engine/rules/scalar.h"

/* ---- For whom ---- */

/* For everybody (group and level PROGRAM_NONE), or who holds a level or a higher one. */
struct whom {
    uint32_t currency, group, level;
};

static bool
resolve_level(struct compiler *compiler, const struct yaml_node *node, uint32_t group_index,
              uint32_t *out_level)
{
    const struct program_group *group = &compiler->program.groups[group_index];
    struct bytes name;
    if (!scalar_name(node, compiler->diagnostics, &name)) return false;
    const char *names[PROGRAM_LEVELS_MAX];
    size_t mark = arena_mark(compiler->arena);
    for (uint32_t i = 0; i < group->level_count; i++) {
        names[i] = as_text(compiler, group->levels[i].id);
        if (!bytes_equal(group->levels[i].id, name)) continue;
        *out_level = i;
        arena_reset_to(compiler->arena, mark);
        return true;
    }
    report_unknown(compiler, node, "level", names, group->level_count);
    arena_reset_to(compiler->arena, mark);
    return false;
}

static bool
compile_whom(struct compiler *compiler, const struct schema_map *schema,
             const struct yaml_node *node, struct whom *out_whom)
{
    struct program *program = &compiler->program;
    struct whom whom = {0, PROGRAM_NONE, PROGRAM_NONE};
    const struct yaml_node *group = get(compiler, schema, node, "group");
    const struct yaml_node *level = get(compiler, schema, node, "level");
    bool good = get_currency(compiler, schema, node, &whom.currency);
    if (good && program->currencies[whom.currency].qualifying) {
        good = diagnostics_error(compiler->diagnostics, yaml_get(node, "currency")->place,
                                 "'%.*s' is a qualifying currency: it cannot be spent",
                                 (int)program->currencies[whom.currency].id.size,
                                 (const char *)program->currencies[whom.currency].id.data);
        diagnostics_hint(compiler->diagnostics, "name a currency without 'qualifying: true'");
    }
    if (is_given(node, "group") != is_given(node, "level")) {
        good = diagnostics_error(compiler->diagnostics, node->place,
                                 "'group' and 'level' belong together");
        diagnostics_hint(compiler->diagnostics, "for example: group: status, level: gold");
    } else if (group != NULL && level != NULL) {
        int32_t index;
        bool known = resolve_group(compiler, group, &index);
        good = known && resolve_level(compiler, level, (uint32_t)index, &whom.level) && good;
        if (known) whom.group = (uint32_t)index;
    }
    if (good) *out_whom = whom;
    return good;
}

/* Currency, then everybody first, then by level. */
static int
compare_whom(const void *left, const void *right)
{
    const struct whom *a = left, *b = right;
    uint32_t a_level = a->group == PROGRAM_NONE ? 0 : a->level + 1;
    uint32_t b_level = b->group == PROGRAM_NONE ? 0 : b->level + 1;
    if (a->currency != b->currency) return a->currency < b->currency ? -1 : 1;
    return (a_level > b_level) - (a_level < b_level);
}

/* What two entries of one list for one currency may not have in common. */
static void
check_whom(struct compiler *compiler, const struct yaml_node *node, struct whom earlier,
           struct whom whom)
{
    if (earlier.currency != whom.currency) return;
    if (earlier.group == whom.group && earlier.level == whom.level) {
        diagnostics_error(compiler->diagnostics, node->place,
                          "an entry for the same members stands before it");
        diagnostics_hint(compiler->diagnostics, "keep one of them, or name a level");
    } else if (earlier.group != PROGRAM_NONE && whom.group != PROGRAM_NONE &&
               earlier.group != whom.group) {
        diagnostics_error(compiler->diagnostics, node->place,
                          "another entry for this currency asks for a level of another tier group");
        diagnostics_hint(compiler->diagnostics,
                         "all levels come from one group, so that it is clear which entry holds");
    }
}

/* ---- Limits of spending ---- */

static_assert(offsetof(struct program_spend_limit, currency) == 0 &&
                  offsetof(struct program_spend_limit, level) == offsetof(struct whom, level),
              "limits begin with whom they are for");
static_assert(offsetof(struct program_price, currency) == 0 &&
                  offsetof(struct program_price, level) == offsetof(struct whom, level),
              "so do prices");

static void
compile_spend_limit(struct compiler *compiler, const struct yaml_node *node,
                    struct program_spend_limit *limit)
{
    const struct schema_map *schema = &schema_spend_limit;
    uint32_t currency = limit->currency;
    static const char *const keys[] = {"minimum", "multiple_of", "maximum"};
    int64_t *const values[] = {&limit->minimum, &limit->multiple_of, &limit->maximum};
    bool any = false;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (!is_given(node, keys[i])) continue;
        *values[i] = get_some_points(compiler, schema, node, keys[i], currency);
        any = true;
    }
    if (!any && !has_unknown_key(schema, node)) {
        diagnostics_error(compiler->diagnostics, node->place, "the limit limits nothing");
        diagnostics_hint(compiler->diagnostics, "for example: minimum: 100");
    }
    int64_t least = limit->minimum > limit->multiple_of ? limit->minimum : limit->multiple_of;
    if (limit->multiple_of > 0 && limit->minimum > limit->multiple_of &&
        limit->minimum % limit->multiple_of != 0) {
        least = limit->minimum - limit->minimum % limit->multiple_of;
        if (add_i64(least, limit->multiple_of, &least) == false) least = INT64_MAX;
    }
    if (limit->maximum != 0 && limit->maximum < least) {
        diagnostics_error(compiler->diagnostics, yaml_get(node, "maximum")->place,
                          "nothing can be spent: the maximum is below what 'minimum' and "
                          "'multiple_of' ask for");
        diagnostics_hint(compiler->diagnostics, "raise the maximum");
    }
}

static void
compile_spend_limits(struct compiler *compiler, const struct yaml_node *map)
{
    struct program_spending *spending = &compiler->program.spending;
    const struct yaml_node *list = get(compiler, &schema_spending, map, "limits");
    if (list == NULL || list->count > PROGRAM_SPEND_LIMITS_MAX) return;
    struct program_spend_limit *limits = compile_room(compiler, list->count + 1, sizeof *limits);
    for (const struct yaml_node *node = first_map(list); node != NULL; node = next_map(node)) {
        struct whom whom;
        if (!compile_whom(compiler, &schema_spend_limit, node, &whom)) continue;
        for (uint32_t i = 0; i < spending->limit_count; i++) {
            struct whom earlier = {limits[i].currency, limits[i].group, limits[i].level};
            check_whom(compiler, node, earlier, whom);
        }
        struct program_spend_limit *limit = &limits[spending->limit_count++];
        *limit = (struct program_spend_limit){
            .currency = whom.currency, .group = whom.group, .level = whom.level};
        compile_spend_limit(compiler, node, limit);
    }
    qsort(limits, spending->limit_count, sizeof *limits, compare_whom);
    spending->limits = limits;
}

/* ---- Payments ---- */

static int
compare_payments(const void *left, const void *right)
{
    const struct program_payment *a = left, *b = right;
    if (a->currency != b->currency) return a->currency < b->currency ? -1 : 1;
    return (a->money > b->money) - (a->money < b->money);
}

static void
compile_payment_limits(struct compiler *compiler, const struct yaml_node *node,
                       struct program_payment *payment)
{
    const struct schema_map *schema = &schema_payment;
    static const char *const keys[] = {"max_points", "minimum", "multiple_of"};
    int64_t *const values[] = {&payment->max_points, &payment->minimum, &payment->multiple_of};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (is_given(node, keys[i]))
            *values[i] = get_some_points(compiler, schema, node, keys[i], payment->currency);
    }
    size_t errors_before = compiler->diagnostics->error_count;
    payment->max_amount_minor = get_money_in(compiler, schema, node, "max_amount", payment->money);
    if (is_given(node, "max_amount") && payment->max_amount_minor == 0 &&
        compiler->diagnostics->error_count == errors_before) {
        diagnostics_error(compiler->diagnostics, yaml_get(node, "max_amount")->place,
                          "'max_amount' must be above 0");
        diagnostics_hint(compiler->diagnostics, "for example: max_amount: 50.00 GBP");
    }
    payment->min_cash_due_minor =
        get_money_in(compiler, schema, node, "min_cash_due", payment->money);
    if (payment->max_points != 0 && payment->max_points < payment->minimum) {
        diagnostics_error(compiler->diagnostics, yaml_get(node, "max_points")->place,
                          "nothing can be paid: the most is below the minimum");
        diagnostics_hint(compiler->diagnostics, "raise max_points, or lower the minimum");
    }
}

static void
compile_payments(struct compiler *compiler, const struct yaml_node *map)
{
    struct program *program = &compiler->program;
    struct program_spending *spending = &program->spending;
    const struct yaml_node *list = get(compiler, &schema_spending, map, "payments");
    if (list == NULL || list->count > PROGRAM_PAYMENTS_MAX) return;
    struct program_payment *payments = compile_room(compiler, list->count + 1, sizeof *payments);
    for (const struct yaml_node *node = first_map(list); node != NULL; node = next_map(node)) {
        struct program_payment payment = {.rate = {1, 1}};
        const struct yaml_node *rate = get(compiler, &schema_payment, node, "rate");
        if (!get_currency(compiler, &schema_payment, node, &payment.currency)) continue;
        const struct program_currency *currency = &program->currencies[payment.currency];
        if (currency->qualifying) {
            diagnostics_error(compiler->diagnostics, yaml_get(node, "currency")->place,
                              "'%.*s' is a qualifying currency: it cannot be spent",
                              (int)currency->id.size, (const char *)currency->id.data);
            diagnostics_hint(compiler->diagnostics, "name a currency without 'qualifying: true'");
        }
        if (rate == NULL || !scalar_payment_rate(rate, currency->scale, compiler->diagnostics,
                                                 &payment.rate, &payment.money)) {
            continue;
        }
        compile_payment_limits(compiler, node, &payment);
        for (uint32_t i = 0; i < spending->payment_count; i++) {
            if (compare_payments(&payments[i], &payment) != 0) continue;
            diagnostics_error(compiler->diagnostics, node->place,
                              "there is a payment of this currency for this money before it");
            diagnostics_hint(compiler->diagnostics, "keep one of them");
        }
        payments[spending->payment_count++] = payment;
    }
    qsort(payments, spending->payment_count, sizeof *payments, compare_payments);
    spending->payments = payments;
}

/* ---- Rewards ---- */

static void
compile_prices(struct compiler *compiler, const struct yaml_node *node,
               struct program_reward *reward)
{
    const struct yaml_node *list = get(compiler, &schema_reward, node, "prices");
    if (list == NULL || list->count > PROGRAM_PRICES_MAX) return;
    struct program_price *prices = compile_room(compiler, list->count + 1, sizeof *prices);
    for (const struct yaml_node *entry = first_map(list); entry != NULL; entry = next_map(entry)) {
        struct whom whom;
        if (!compile_whom(compiler, &schema_price, entry, &whom)) continue;
        for (uint32_t i = 0; i < reward->price_count; i++) {
            struct whom earlier = {prices[i].currency, prices[i].group, prices[i].level};
            check_whom(compiler, entry, earlier, whom);
        }
        prices[reward->price_count++] = (struct program_price){
            .currency = whom.currency,
            .group = whom.group,
            .level = whom.level,
            .points = get_some_points(compiler, &schema_price, entry, "points", whom.currency),
        };
    }
    qsort(prices, reward->price_count, sizeof *prices, compare_whom);
    reward->prices = prices;
}

static bool
limit_allows(const struct program_spend_limit *limit, int64_t points)
{
    return points >= limit->minimum && (limit->maximum == 0 || points <= limit->maximum) &&
           (limit->multiple_of == 0 || points % limit->multiple_of == 0);
}

/* Whether somebody might redeem a piece at that price. Who has which price and which limit may hang
 * on levels: any of the currency's limits may be the one, and none, unless one is for everybody. */
static bool
price_is_allowed(const struct program_spending *spending, const struct program_price *price)
{
    bool everybody = false;
    for (uint32_t i = 0; i < spending->limit_count; i++) {
        const struct program_spend_limit *limit = &spending->limits[i];
        if (limit->currency != price->currency) continue;
        if (limit_allows(limit, price->points)) return true;
        everybody |= limit->group == PROGRAM_NONE;
    }
    return !everybody;
}

/* A warning, not an error: more pieces at once may come to what is allowed. */
static void
check_prices(struct compiler *compiler, const struct yaml_node *node,
             const struct program_reward *reward)
{
    const struct program_spending *spending = &compiler->program.spending;
    const struct yaml_node *list = yaml_get(node, "prices");
    for (uint32_t i = 0; i < reward->price_count; i++) {
        if (reward->prices[i].points <= 0 || price_is_allowed(spending, &reward->prices[i])) return;
    }
    if (reward->price_count == 0) return;
    diagnostics_warning(compiler->diagnostics, list->key_place,
                        "nobody can redeem one piece of it: no limit of spending allows its price");
    diagnostics_hint(
        compiler->diagnostics,
        "look at 'minimum', 'multiple_of' and 'maximum' under 'limits'; as it is, only "
        "several pieces at once may come to what they ask for");
}

static int
compare_rewards(const void *left, const void *right)
{
    const struct program_reward *a = left, *b = right;
    return bytes_compare(a->id, b->id);
}

static void
compile_rewards(struct compiler *compiler, const struct yaml_node *map)
{
    struct program_spending *spending = &compiler->program.spending;
    const struct yaml_node *list = get(compiler, &schema_spending, map, "rewards");
    if (list == NULL || list->count > PROGRAM_REWARDS_MAX) return;
    struct program_reward *rewards = compile_room(compiler, list->count + 1, sizeof *rewards);
    for (const struct yaml_node *node = first_map(list); node != NULL; node = next_map(node)) {
        struct program_reward *reward = &rewards[spending->reward_count];
        reward->id = get_name(compiler, &schema_reward, node, "reward");
        compile_prices(compiler, node, reward);
        check_prices(compiler, node, reward);
        reward->times = compile_times(compiler, &schema_reward, node);
        reward->filter =
            compile_filter(compiler, &schema_reward, node, CONDITION_SCOPE_SPEND, true);
        for (uint32_t i = 0; i < spending->reward_count; i++) {
            if (reward->id.size == 0 || !bytes_equal(rewards[i].id, reward->id)) continue;
            report_twice(compiler, node->place, "reward", reward->id);
            break;
        }
        spending->reward_count++;
    }
    qsort(rewards, spending->reward_count, sizeof *rewards, compare_rewards);
    spending->rewards = rewards;
}

void
compile_spending(struct compiler *compiler, const struct yaml_node *root)
{
    struct program_spending *spending = &compiler->program.spending;
    const struct yaml_node *map = get(compiler, &schema_rulebook, root, "spending");
    spending->hold_timeout_ms = get_elapsed(compiler, &schema_spending, map, "hold_timeout");
    spending->restore_grace_ms = get_elapsed(compiler, &schema_spending, map, "restore_grace");
    compile_spend_limits(compiler, map);
    compile_payments(compiler, map);
    compile_rewards(compiler, map);
}

/* ---- Returns ---- */

/* A map from currencies to points. */
static void
compile_write_off(struct compiler *compiler, const struct yaml_node *returns)
{
    struct program *program = &compiler->program;
    const struct yaml_node *map = get(compiler, &schema_returns, returns, "write_off");
    const struct yaml_node *entry = map == NULL ? NULL : map->first;
    for (; entry != NULL; entry = entry->next) {
        const struct yaml_node name = {
            .kind = YAML_TEXT, .quoted = true, .place = entry->key_place, .text = entry->key};
        uint32_t currency;
        struct points points;
        if (!resolve_currency(compiler, &name, &currency)) continue;
        if (scalar_points(entry, program->currencies[currency].scale, compiler->diagnostics,
                          &points)) {
            program->returns.write_off[currency] = points.units;
        }
    }
    if (map == NULL || program->returns.arrears == ARREARS_ALLOW) return;
    diagnostics_warning(compiler->diagnostics, map->key_place,
                        "there is nothing to write off: only 'arrears: allow' makes arrears");
    diagnostics_hint(compiler->diagnostics, "remove it, or write 'arrears: allow'");
}

void
compile_returns(struct compiler *compiler, const struct yaml_node *root)
{
    struct program_returns *returns = &compiler->program.returns;
    const struct yaml_node *map = get(compiler, &schema_rulebook, root, "returns");
    returns->method = (enum claw_back)get_word(compiler, &schema_returns, map, "method");
    returns->arrears = (enum arrears_policy)get_word(compiler, &schema_returns, map, "arrears");
    returns->keeps_tier_value = get_word(compiler, &schema_returns, map, "tier_value") != 0;
    returns->wait_days = get_days(compiler, &schema_returns, map, "wait");
    compile_write_off(compiler, map);
}

/* ---- Limits ---- */

static enum condition_scope
limit_scope(enum limited of)
{
    switch (of) {
    case LIMITED_PURCHASE: return CONDITION_SCOPE_ORDER;
    case LIMITED_ACTIVITY: return CONDITION_SCOPE_ACTIVITY;
    case LIMITED_REDEEM:
    case LIMITED_HOLD: return CONDITION_SCOPE_SPEND;
    case LIMITED_REFUND: break;
    }
    return CONDITION_SCOPE_MEMBER;
}

/* What is measured, and of what that exists. */
static void
compile_measure(struct compiler *compiler, const struct yaml_node *node,
                struct program_limit *limit)
{
    const struct schema_map *schema = &schema_limit;
    limit->measure = (enum measure)get_word(compiler, schema, node, "measure");
    bool points = limit->measure == MEASURE_POINTS, money = limit->measure == MEASURE_MONEY;
    if (points && !is_given(node, "currency")) {
        diagnostics_error(compiler->diagnostics, node->place,
                          "'measure: points' needs the key 'currency'");
        diagnostics_hint(compiler->diagnostics, "for example: currency: points");
    } else if (points) {
        get_currency(compiler, schema, node, &limit->currency);
    } else {
        refuse_key(compiler, node, "currency", "belongs to 'measure: points'", "remove it");
    }
    if (!money) refuse_key(compiler, node, "money", "belongs to 'measure: money'", "remove it");
    if (points && limit->of == LIMITED_REFUND) {
        diagnostics_error(compiler->diagnostics, yaml_get(node, "measure")->place,
                          "a refund neither grants nor spends points");
        diagnostics_hint(compiler->diagnostics, "measure count or money");
    }
    if (money && limit->of != LIMITED_PURCHASE && limit->of != LIMITED_REFUND) {
        diagnostics_error(compiler->diagnostics, yaml_get(node, "measure")->place,
                          "only purchases and refunds have money");
        diagnostics_hint(compiler->diagnostics, "measure count or points");
    }
    const struct yaml_node *name = get(compiler, schema, node, "money");
    if (name != NULL && money) scalar_currency(name, compiler->diagnostics, &limit->money);
}

static void
compile_limit_max(struct compiler *compiler, const struct yaml_node *node,
                  struct program_limit *limit)
{
    const struct yaml_node *max = get(compiler, &schema_limit, node, "max");
    struct points points;
    struct money money;
    if (max == NULL) return;
    switch (limit->measure) {
    case MEASURE_COUNT: yaml_whole(max, 0, INT32_MAX, compiler->diagnostics, &limit->max); return;
    case MEASURE_POINTS:
        if (scalar_points(max, compiler->program.currencies[limit->currency].scale,
                          compiler->diagnostics, &points)) {
            limit->max = points.units;
        }
        return;
    case MEASURE_MONEY:
        if (!scalar_money(max, compiler->diagnostics, &money)) return;
        if (limit->money != 0 && limit->money != money.currency) {
            get_money_in(compiler, &schema_limit, node, "max", limit->money);
            return;
        }
        limit->money = money.currency;
        limit->max = money.minor;
        return;
    }
}

static void
compile_threshold_of_limit(struct compiler *compiler, const struct yaml_node *node,
                           struct program_limit *limit)
{
    bool by_max = is_given(node, "max"), by_mean = is_given(node, "times_own_mean");
    limit->own_mean = (struct rate){0, 1};
    if (!by_max && !by_mean && has_unknown_key(&schema_limit, node)) return;
    if (by_max == by_mean) {
        diagnostics_error(compiler->diagnostics, node->place,
                          "a limit has exactly one of max and times_own_mean");
        diagnostics_hint(compiler->diagnostics, "for example: max: 10, window: 24 h");
        return;
    }
    if (by_mean) {
        const struct yaml_node *factor = get(compiler, &schema_limit, node, "times_own_mean");
        if (factor != NULL) scalar_factor(factor, compiler->diagnostics, &limit->own_mean);
        refuse_key(compiler, node, "window", "belongs to 'max'",
                   "remove it: the own mean is that of 30 days, and 24 hours are judged by it");
        bool of_money = limit->of == LIMITED_PURCHASE || limit->of == LIMITED_REFUND;
        if (limit->measure == MEASURE_MONEY && of_money && !is_given(node, "money")) {
            diagnostics_error(compiler->diagnostics, node->place,
                              "'times_own_mean' of money needs the key 'money'");
            diagnostics_hint(compiler->diagnostics, "for example: money: GBP");
        }
        return;
    }
    compile_limit_max(compiler, node, limit);
    limit->window_ms = get_elapsed(compiler, &schema_limit, node, "window");
    if (is_given(node, "window")) return;
    diagnostics_error(compiler->diagnostics, node->place, "'max' needs the key 'window'");
    diagnostics_hint(compiler->diagnostics, "for example: window: 24 h");
}

static void
compile_limit(struct compiler *compiler, const struct yaml_node *node, struct program_limit *limit)
{
    const struct schema_map *schema = &schema_limit;
    limit->id = get_name(compiler, schema, node, "limit");
    limit->priority = (int32_t)get_whole(compiler, schema, node, "priority");
    limit->of = (enum limited)get_word(compiler, schema, node, "of");
    limit->activity = get_text(compiler, schema, node, "activity");
    if (limit->of != LIMITED_ACTIVITY)
        refuse_key(compiler, node, "activity", "belongs to 'of: activity'", "remove it");
    compile_measure(compiler, node, limit);
    compile_threshold_of_limit(compiler, node, limit);
    if (limit->of != LIMITED_REFUND)
        refuse_key(compiler, node, "after_redeem", "belongs to 'of: refund'", "remove it");
    if (is_given(node, "after_redeem"))
        limit->after_redeem_ms = get_elapsed(compiler, schema, node, "after_redeem");
    limit->action = (enum limit_action)get_word(compiler, schema, node, "action");
    bool grants = limit->of == LIMITED_PURCHASE || limit->of == LIMITED_ACTIVITY;
    if (limit->action == LIMIT_QUARANTINE && !grants) {
        diagnostics_error(compiler->diagnostics, yaml_get(node, "action")->place,
                          "only purchases and activities grant what could be put in quarantine");
        diagnostics_hint(compiler->diagnostics, "write 'action: refuse' or 'action: flag'");
    }
    limit->when =
        compile_condition(compiler, get(compiler, schema, node, "when"), limit_scope(limit->of));
}

void
compile_limits(struct compiler *compiler, const struct yaml_node *root)
{
    struct program *program = &compiler->program;
    const struct yaml_node *list = get(compiler, &schema_rulebook, root, "limits");
    if (list == NULL || list->count > PROGRAM_LIMITS_MAX) return;
    struct program_limit *limits = compile_room(compiler, list->count, sizeof *limits);
    const struct yaml_node **nodes = compile_room(compiler, list->count, sizeof *nodes);
    for (const struct yaml_node *node = first_map(list); node != NULL; node = next_map(node)) {
        struct program_limit *limit = &limits[program->limit_count];
        compile_limit(compiler, node, limit);
        for (uint32_t i = 0; i < program->limit_count; i++) {
            if (limit->id.size == 0 || !bytes_equal(limits[i].id, limit->id)) continue;
            report_twice(compiler, node->place, "limit", limit->id);
            break;
        }
        nodes[program->limit_count++] = node;
    }
    program->limits =
        order_judged(compiler, limits, sizeof *limits, offsetof(struct program_limit, priority),
                     program->limit_count, nodes);
}

/* ---- Quarantine and approvals ---- */

static void
compile_adjustments(struct compiler *compiler, const struct yaml_node *approvals)
{
    struct program *program = &compiler->program;
    const struct yaml_node *list = get(compiler, &schema_approvals, approvals, "adjustments");
    if (list == NULL || list->count > PROGRAM_CURRENCIES_MAX) return;
    for (const struct yaml_node *node = first_map(list); node != NULL; node = next_map(node)) {
        uint32_t currency;
        if (!get_currency(compiler, &schema_adjustment, node, &currency)) continue;
        int64_t *above = &program->approval_above[currency];
        if (*above != INT64_MAX) {
            diagnostics_error(compiler->diagnostics, node->place,
                              "an entry for this currency stands before it");
            diagnostics_hint(compiler->diagnostics, "keep one of them");
            continue;
        }
        *above = get_points(compiler, &schema_adjustment, node, "above", currency, 0);
    }
}

void
compile_members(struct compiler *compiler, const struct yaml_node *root)
{
    struct program *program = &compiler->program;
    const struct yaml_node *quarantine = get(compiler, &schema_rulebook, root, "quarantine");
    program->quarantine_days = get_days(compiler, &schema_quarantine, quarantine, "undecided");
    program->quarantine_rejects = get_word(compiler, &schema_quarantine, quarantine, "then") != 0;
    const struct yaml_node *approvals = get(compiler, &schema_rulebook, root, "approvals");
    program->approval_days = get_days(compiler, &schema_approvals, approvals, "lapse");
    for (uint32_t i = 0; i < PROGRAM_CURRENCIES_MAX; i++)
        program->approval_above[i] = INT64_MAX;
    compile_adjustments(compiler, approvals);
}
