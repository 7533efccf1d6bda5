/* What several sections have in common: what something is for, when, and who pays. */
#include "engine/base/check.h"
#include "engine/rules/explain_priv.h"

/* ---- For what ---- */

static bool
explain_texts(struct explainer *explainer, struct bytes item, struct program_texts texts,
              enum explain_sentence sentence)
{
    if (texts.count == 0) return false;
    const char *list = word_quoted_list(explainer, texts);
    explain_say(explainer, item, sentence, &list, 1);
    return true;
}

bool
explain_where(struct explainer *explainer, struct bytes item, const struct program_filter *filter,
              bool orders)
{
    bool any = explain_texts(explainer, item, filter->categories,
                             orders ? SAYS_ONLY_ORDERS_WITH : SAYS_ONLY_CATEGORIES);
    any |= explain_texts(explainer, item, filter->skus, SAYS_ONLY_SKUS);
    any |= explain_texts(explainer, item, filter->brands, SAYS_ONLY_BRANDS);
    any |= explain_texts(explainer, item, filter->channels, SAYS_ONLY_CHANNELS);
    any |= explain_texts(explainer, item, filter->stores, SAYS_ONLY_STORES);
    any |= explain_texts(explainer, item, filter->partners, SAYS_ONLY_PARTNERS);
    return any;
}

bool
explain_when(struct explainer *explainer, struct bytes item, struct program_condition when)
{
    if (when.decoded == NULL) return false;
    SAY(explainer, item, ONLY_WHEN, word_condition(explainer, when.decoded));
    return true;
}

/* ---- When ---- */

bool
explain_window(struct explainer *explainer, struct bytes item, struct local from,
               struct local until)
{
    bool starts = from.ms != INT64_MIN, ends = until.ms != INT64_MAX;
    const char *start = starts ? word_local(explainer, from) : NULL;
    if (!ends) {
        if (starts) SAY(explainer, item, ONLY_FROM, start);
        return starts;
    }
    if (calendar_midnight(calendar_date(until)).ms != until.ms) {
        const char *end = word_local(explainer, until);
        if (starts) {
            SAY(explainer, item, ONLY_FROM_BEFORE, start, end);
        } else {
            SAY(explainer, item, ONLY_BEFORE, end);
        }
        return true;
    }
    const char *last = word_local(explainer, (struct local){until.ms - CALENDAR_DAY_MS});
    if (starts) {
        SAY(explainer, item, ONLY_FROM_THROUGH, start, last);
    } else {
        SAY(explainer, item, ONLY_THROUGH, last);
    }
    return true;
}

bool
explain_instants(struct explainer *explainer, struct bytes item, struct program_window window)
{
    struct local from = {INT64_MIN}, until = {INT64_MAX};
    if (window.from.ms != INT64_MIN) from = local_of(explainer, window.from);
    if (window.until.ms != INT64_MAX) until = local_of(explainer, window.until);
    return explain_window(explainer, item, from, until);
}

void
explain_filter(struct explainer *explainer, struct bytes item, const struct program_filter *filter,
               bool orders)
{
    bool any = explain_where(explainer, item, filter, orders);
    any |= explain_instants(explainer, item, filter->window);
    any |= explain_when(explainer, item, filter->when);
    if (!any) SAY(explainer, item, NO_CONDITION);
}

/* ---- What becomes of the points ---- */

void
explain_multiplier(struct explainer *explainer, struct bytes item, int32_t tier_group)
{
    if (tier_group < 0) {
        SAY(explainer, item, MULTIPLIED_NOT);
    } else {
        SAY(explainer, item, MULTIPLIED, word_group(explainer, (uint32_t)tier_group));
    }
}

void
explain_pending(struct explainer *explainer, struct bytes item,
                const struct program_pending *pending)
{
    const char *period = pending->period.amount == 0
                             ? NULL
                             : word_period(explainer, pending->period.amount, pending->period.unit);
    switch (pending->kind) {
    case PENDING_NONE: SAY(explainer, item, SPENDABLE_AT_ONCE); return;
    case PENDING_AFTER: SAY(explainer, item, SPENDABLE_AFTER, period); return;
    case PENDING_UNTIL:
        SAY(explainer, item, SPENDABLE_UNTIL,
            word_local(explainer, local_of(explainer, pending->until)));
        return;
    case PENDING_DELIVERED:
        if (period == NULL) {
            SAY(explainer, item, SPENDABLE_DELIVERED);
        } else {
            SAY(explainer, item, SPENDABLE_DELIVERED_WITHIN, period);
        }
        return;
    }
    UNREACHABLE();
}

void
explain_priority(struct explainer *explainer, struct bytes item, int32_t priority, uint32_t funder)
{
    const char *number = word_number(explainer, priority);
    if (funder == PROGRAM_NONE) {
        SAY(explainer, item, PRIORITY_OWN, number);
    } else {
        SAY(explainer, item, PRIORITY_FUNDER, number,
            word_name(explainer, explainer->program->funders[funder].id));
    }
}

/* ---- The basis ---- */

static const char *
word_line_kinds(struct explainer *explainer, uint32_t kinds)
{
    static const struct {
        enum line_kind kind;
        enum explain_sentence word;
    } rows[] = {
        {LINE_GOODS, SAYS_LINES_GOODS},
        {LINE_SHIPPING, SAYS_LINES_SHIPPING},
        {LINE_TAX, SAYS_LINES_TAX},
        {LINE_FEE, SAYS_LINES_FEE},
        {LINE_GIFT_CARD, SAYS_LINES_GIFT_CARD},
    };
    const char *items[sizeof rows / sizeof *rows];
    size_t count = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if ((kinds & UINT32_C(1) << rows[i].kind) == 0) continue;
        items[count++] = explain_fill(explainer, rows[i].word, NULL, 0);
    }
    return word_list(explainer, items, count, SAYS_LIST_AND);
}

const char *
word_basis(struct explainer *explainer, const struct program_basis *basis)
{
    const char *const parts[] = {
        word_line_kinds(explainer, basis->line_kinds),
        (basis->flags & BASIS_LESS_DISCOUNT) != 0 ? WORDS(explainer, NET_OF_DISCOUNT)
                                                  : WORDS(explainer, BEFORE_DISCOUNT),
        (basis->flags & BASIS_WITHOUT_TAX) != 0 ? WORDS(explainer, WITHOUT_TAX)
                                                : WORDS(explainer, WITH_TAX),
        (basis->flags & BASIS_WITHOUT_TENDER) != 0 ? WORDS(explainer, WITHOUT_TENDER)
                                                   : WORDS(explainer, WITH_TENDER),
    };
    return explain_fill(explainer, SAYS_BASIS_PARTS, parts, sizeof parts / sizeof *parts);
}

void
explain_basis(struct explainer *explainer, struct bytes item, const struct program_basis *basis)
{
    SAY(explainer, item, BASIS, word_basis(explainer, basis));
}
