#include "engine/core/eligible.h"

#include <string.h>

#include "engine/base/check.h"

static int64_t
line_value(const struct event_line *line, struct program_basis basis)
{
    if ((basis.line_kinds & UINT32_C(1) << line->kind) == 0) return 0;
    int64_t value = line->amount_minor;
    if (basis.flags & BASIS_LESS_DISCOUNT) value -= line->discount_minor;
    if (basis.flags & BASIS_WITHOUT_TAX) value -= line->tax_minor;
    return value < 0 ? 0 : value;
}

/* Takes a payment off values, wholly, by value, largest remainder. */
static bool
take_tender(struct arena *arena, int64_t tender, uint32_t count, int64_t *values)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!add_i64(sum, values[i], &sum)) return false;
    }
    if (tender == 0 || sum == 0) return true;
    int64_t *shares = eligible_list(arena, count, sizeof *shares);
    if (!share_largest_remainder(tender < sum ? tender : sum, values, count, shares)) return false;
    for (uint32_t i = 0; i < count; i++)
        values[i] -= shares[i];
    return true;
}

bool
eligible_values(struct arena *arena, const struct order_money *money, struct program_basis basis,
                const int64_t **out_values)
{
    int64_t *values = eligible_room(arena, money->line_count, sizeof *values);
    for (uint32_t i = 0; i < money->line_count; i++)
        values[i] = line_value(&money->lines[i], basis);
    int64_t tender = basis.flags & BASIS_WITHOUT_TENDER ? money->tender_minor : 0;
    if (!take_tender(arena, tender, money->line_count, values)) return false;
    *out_values = values;
    return true;
}

const int64_t *
eligible_kept(struct arena *arena, const struct order_money *money, const int64_t *values)
{
    if (money->refunded == NULL) return values;
    int64_t *kept = eligible_room(arena, money->line_count, sizeof *kept);
    for (uint32_t i = 0; i < money->line_count; i++) {
        kept[i] = values[i];
        if (money->refunded[i] == 0) continue;
        kept[i] -= (int64_t)((__int128)values[i] * money->refunded[i] / money->paid[i]);
    }
    return kept;
}

bool
eligible_paid(struct arena *arena, const struct order_money *money, const int64_t **out_paid)
{
    int64_t *paid = eligible_room(arena, money->line_count, sizeof *paid);
    for (uint32_t i = 0; i < money->line_count; i++)
        paid[i] = money->lines[i].amount_minor - money->lines[i].discount_minor;
    if (!take_tender(arena, money->tender_minor, money->line_count, paid)) return false;
    *out_paid = paid;
    return true;
}
