#include "engine/core/pending.h"

static int64_t
after(const struct program *program, struct program_period period, struct instant start)
{
    struct instant end;
    bool in_range = calendar_period_end(&program->zone, start, (uint32_t)period.amount, period.unit,
                                        CALENDAR_NONE, &end);
    return in_range ? end.ms : INT64_MAX;
}

struct activation_terms
pending_terms(const struct program *program, const struct program_pending *pending,
              struct instant occurred_at)
{
    struct activation_terms terms = {.activates_ms = occurred_at.ms, .deadline_ms = INT64_MAX};
    if (pending == NULL) return terms;
    switch (pending->kind) {
    case PENDING_NONE: break;
    case PENDING_AFTER: terms.activates_ms = after(program, pending->period, occurred_at); break;
    case PENDING_UNTIL:
        if (pending->until.ms > occurred_at.ms) terms.activates_ms = pending->until.ms;
        break;
    case PENDING_DELIVERED:
        terms.activates_ms = INT64_MAX;
        terms.on_delivery = true;
        if (pending->period.amount > 0)
            terms.deadline_ms = after(program, pending->period, occurred_at);
        break;
    }
    return terms;
}

bool
pending_equal(struct activation_terms a, struct activation_terms b)
{
    return a.activates_ms == b.activates_ms && a.deadline_ms == b.deadline_ms &&
           a.on_delivery == b.on_delivery;
}
