/* What is known as refunded: deltas and totals of the same facts make the same picture. */
#include "engine/core/return_priv.h"

static int64_t
smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t
greater(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t
sum_of(const int64_t *values, uint32_t count)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += values[i]; /* each part of what was paid, which has 63 bits in all */
    return sum;
}

/* Of the order as a whole: what deltas say, before it is clamped. */
static int64_t
order_deltas(const struct order *order, const int64_t *paid)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < order->line_count; i++)
        sum += smaller(order->line_deltas[i], paid[i]);
    return add_i64(sum, order->unnamed_minor, &sum) ? sum : INT64_MAX;
}

struct told
return_told(struct arena *scratch, const struct order *order, const int64_t *paid)
{
    int64_t *lines = eligible_list(scratch, order->line_count, sizeof *lines);
    int64_t named_sum = 0;
    for (uint32_t i = 0; i < order->line_count; i++) {
        lines[i] = greater(order->line_deltas[i], order->line_totals[i]);
        named_sum += smaller(paid[i], lines[i]);
    }
    int64_t total = greater(greater(order_deltas(order, paid), order->total_minor), named_sum);
    return (struct told){total, lines};
}

/* By line the larger of its deltas and its total; of the order likewise, its lines included. What
 * no line accounts for is spread over what is left of all lines, by that. */
struct picture
return_picture(struct arena *scratch, const struct order *order, const int64_t *paid)
{
    uint32_t count = order->line_count;
    int64_t paid_sum = sum_of(paid, count), named_sum = 0;
    if (order->flags & ORDER_CANCELLED) return (struct picture){paid, true};
    struct told told = return_told(scratch, order, paid);
    int64_t *left = eligible_list(scratch, count, sizeof *left);
    int64_t *refunded = eligible_list(scratch, count, sizeof *refunded);
    for (uint32_t i = 0; i < count; i++) {
        int64_t named = smaller(paid[i], told.lines[i]);
        left[i] = paid[i] - named;
        named_sum += named;
    }
    int64_t known = smaller(told.total, paid_sum);
    CHECK(share_largest_remainder(known - named_sum, left, count, refunded));
    for (uint32_t i = 0; i < count; i++)
        refunded[i] += paid[i] - left[i];
    return (struct picture){refunded, known == paid_sum && paid_sum > 0};
}

bool
return_total(const struct refund *refund, int64_t *out_total)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < refund->line_count; i++) {
        if (!add_i64(sum, refund->lines[i].amount_minor, &sum)) return false;
    }
    *out_total = greater(sum, refund->amount_minor);
    return true;
}

/* The search goes on behind the last one found. */
static uint32_t
find_line(const struct order *order, struct bytes line_id, uint32_t from)
{
    for (uint32_t i = 0; i < order->line_count; i++) {
        uint32_t at = (from + i) % order->line_count;
        if (bytes_equal(order->lines[at].line_id, line_id)) return at;
    }
    return order->line_count;
}

static bool
take_delta(struct order *order, const struct refund *refund, int64_t total)
{
    int64_t unnamed = total;
    uint32_t at = 0;
    for (uint32_t i = 0; i < refund->line_count; i++) {
        const struct event_line *line = &refund->lines[i];
        uint32_t found = find_line(order, line->line_id, at);
        if (found == order->line_count) continue;
        if (!add_i64(order->line_deltas[found], line->amount_minor, &order->line_deltas[found]))
            return false;
        unnamed -= line->amount_minor; /* a part of the total */
        at = found + 1;
    }
    order->refunds[order->refund_count++] = (struct order_refund){refund->refund_id, total};
    return add_i64(order->unnamed_minor, unnamed, &order->unnamed_minor);
}

/* One report may name a line twice: its amounts are one total. */
static bool
take_total(struct arena *scratch, struct order *order, const struct refund *refund, int64_t total)
{
    int64_t *told = eligible_list(scratch, order->line_count, sizeof *told);
    uint32_t at = 0;
    for (uint32_t i = 0; i < refund->line_count; i++) {
        uint32_t found = find_line(order, refund->lines[i].line_id, at);
        if (found == order->line_count) continue;
        told[found] += refund->lines[i].amount_minor; /* a part of the total */
        order->line_totals[found] = greater(order->line_totals[found], told[found]);
        at = found + 1;
    }
    order->total_minor = greater(order->total_minor, total);
    return true;
}

bool
return_take_report(struct returning *returning)
{
    struct order *order = &returning->order;
    const struct report *report = returning->report;
    int64_t total;
    if (report->kind == EVENT_CANCELLATION) {
        order->flags |= ORDER_CANCELLED;
        return true;
    }
    if (!return_total(&report->refund, &total)) return false;
    if (report->refund.style == REFUND_DELTA) return take_delta(order, &report->refund, total);
    return take_total(returning->scratch, order, &report->refund, total);
}
