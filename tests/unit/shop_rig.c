#include "tests/unit/shop_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"

enum { LINES_MAX = 16 };

void
shop_open(struct shop *shop)
{
    memset(shop, 0, sizeof *shop);
    law_open(&shop->law);
    struct program *program = &shop->law.program;
    program->rules = shop->rules;
    program->rule_count = 0;
    program->campaigns = shop->campaigns;
    program->funders = shop->funders;
    program->returns.method = CLAW_RECOMPUTE;
}

static int
by_judgement(int32_t a_priority, struct bytes a, int32_t b_priority, struct bytes b)
{
    if (a_priority != b_priority) return a_priority > b_priority ? -1 : 1;
    return bytes_compare(a, b);
}

static int
compare_rules(const void *a, const void *b)
{
    const struct program_rule *one = a, *other = b;
    return by_judgement(one->priority, one->id, other->priority, other->id);
}

static int
compare_campaigns(const void *a, const void *b)
{
    const struct program_campaign *one = a, *other = b;
    return by_judgement(one->priority, one->id, other->priority, other->id);
}

void
shop_start(struct shop *shop)
{
    struct program *program = &shop->law.program;
    qsort(shop->rules, program->rule_count, sizeof shop->rules[0], compare_rules);
    qsort(shop->campaigns, program->campaign_count, sizeof shop->campaigns[0], compare_campaigns);
    law_start(&shop->law);
}

void
shop_close(struct shop *shop)
{
    law_close(&shop->law);
}

/* ---- The programme ---- */

static struct program_rule *
new_rule(struct shop *shop, const char *id, enum rule_kind kind)
{
    CHECK(shop->law.program.rule_count < LAW_ITEMS_MAX);
    struct program_rule *rule = &shop->rules[shop->law.program.rule_count++];
    *rule = (struct program_rule){
        .id = bytes_from_cstr(id),
        .kind = kind,
        .money = RIG_GBP,
        .basis = {BASIS_LESS_DISCOUNT | BASIS_WITHOUT_TENDER, 1 << LINE_GOODS},
        .filter = PROGRAM_FILTER_NONE,
        .tier_group = -1,
        .funder = PROGRAM_NONE,
        .pending = {.kind = PENDING_NONE},
    };
    return rule;
}

struct program_rule *
shop_rule(struct shop *shop, const char *id, int64_t points, int64_t minor)
{
    struct program_rule *rule = new_rule(shop, id, RULE_RATE);
    CHECK(rate_make(points, minor, &rule->rate));
    return rule;
}

struct program_rule *
shop_bands(struct shop *shop, const char *id, enum band_mode mode, const struct program_band *bands,
           uint32_t count)
{
    struct program_rule *rule = new_rule(shop, id, RULE_BANDS);
    rule->per_order = true;
    rule->band_mode = mode;
    rule->bands = bands;
    rule->band_count = count;
    return rule;
}

struct program_rule *
shop_flat(struct shop *shop, const char *id, int64_t points)
{
    struct program_rule *rule = new_rule(shop, id, RULE_FLAT);
    rule->flat = points;
    return rule;
}

struct program_campaign *
shop_campaign(struct shop *shop, const char *id, int64_t numerator, int64_t denominator)
{
    CHECK(shop->law.program.campaign_count < LAW_ITEMS_MAX);
    struct program_campaign *campaign = &shop->campaigns[shop->law.program.campaign_count++];
    *campaign = (struct program_campaign){
        .id = bytes_from_cstr(id),
        .filter = PROGRAM_FILTER_NONE,
        .local_from.ms = INT64_MIN,
        .local_until.ms = INT64_MAX,
        .until_minute = 1440,
        .funder = PROGRAM_NONE,
    };
    CHECK(rate_make(numerator, denominator, &campaign->factor));
    return campaign;
}

struct program_texts
shop_only(const char *const *category)
{
    static struct bytes texts[LAW_ITEMS_MAX];
    static size_t used;
    struct bytes *text = &texts[used++ % LAW_ITEMS_MAX];
    *text = bytes_from_cstr(*category);
    return (struct program_texts){text, 1};
}

/* ---- What happens ---- */

/* "12.34" in minor units. */
static int64_t
minor_of(const char *text)
{
    long whole = 0, hundredths = 0;
    CHECK(sscanf(text, "%ld.%2ld", &whole, &hundredths) == 2);
    return whole * 100 + hundredths;
}

/* The next word of a text, which is cut behind it; NULL at the end. */
static char *
next_word(char **rest, char separator)
{
    while (**rest == separator || **rest == ' ')
        ++*rest;
    if (**rest == '\0') return NULL;
    char *word = *rest;
    while (**rest != '\0' && **rest != separator)
        ++*rest;
    if (**rest != '\0') *(*rest)++ = '\0';
    return word;
}

/* "a 10.00, b 5.50 toys" as lines; the texts are copied into `out_text`. A first part that is an
 * amount alone makes no lines and goes into `out_amount`. */
static uint32_t
parse_lines(const char *what, char out_text[256], struct event_line lines[LINES_MAX],
            int64_t *out_amount)
{
    uint32_t count = 0;
    char *rest = out_text;
    CHECK(strlen(what) < 256);
    memcpy(out_text, what, strlen(what) + 1);
    *out_amount = 0;
    for (char *part = next_word(&rest, ','); part != NULL; part = next_word(&rest, ',')) {
        char *words = part;
        char *id = next_word(&words, ' '), *amount = next_word(&words, ' ');
        char *category = next_word(&words, ' ');
        if (amount == NULL) {
            *out_amount += minor_of(id);
            continue;
        }
        CHECK(count < LINES_MAX);
        lines[count] = (struct event_line){
            .line_id = bytes_from_cstr(id),
            .kind = LINE_GOODS,
            .quantity_milli = 1000,
            .amount_minor = minor_of(amount),
        };
        if (category != NULL) lines[count].category = bytes_from_cstr(category);
        *out_amount += lines[count++].amount_minor;
    }
    return count;
}

enum verdict
shop_buy_event(struct shop *shop, struct event event, const char *what)
{
    struct event_line lines[LINES_MAX];
    char text[256];
    int64_t amount;
    event.kind = EVENT_PURCHASE;
    event.purchase.currency = RIG_GBP;
    event.purchase.line_count = parse_lines(what, text, lines, &amount);
    event.purchase.lines = lines;
    return rig_event(&shop->law.rig, event);
}

enum verdict
shop_buy(struct shop *shop, const char *member, const char *order, const char *lines)
{
    return shop_buy_event(shop,
                          (struct event){.member = bytes_from_cstr(member),
                                         .purchase.order_id = bytes_from_cstr(order)},
                          lines);
}

enum verdict
shop_buy_at(struct shop *shop, const char *member, const char *order, const char *lines,
            const char *at)
{
    return shop_buy_event(shop,
                          (struct event){.member = bytes_from_cstr(member),
                                         .occurred_at = rig_at(at),
                                         .purchase.order_id = bytes_from_cstr(order)},
                          lines);
}

static enum verdict
refund(struct shop *shop, const char *member, const char *order, const char *id, const char *what)
{
    struct event_line lines[LINES_MAX];
    char text[256];
    struct event event = {
        .kind = EVENT_REFUND,
        .member = bytes_from_cstr(member),
        .refund = {.order_id = bytes_from_cstr(order),
                   .currency = RIG_GBP,
                   .style = id == NULL ? REFUND_CUMULATIVE : REFUND_DELTA,
                   .refund_id = bytes_from_cstr(id == NULL ? "" : id)},
    };
    event.refund.line_count = parse_lines(what, text, lines, &event.refund.amount_minor);
    event.refund.lines = lines;
    return rig_event(&shop->law.rig, event);
}

enum verdict
shop_refund(struct shop *shop, const char *member, const char *order, const char *id,
            const char *what)
{
    return refund(shop, member, order, id, what);
}

enum verdict
shop_so_far(struct shop *shop, const char *member, const char *order, const char *what)
{
    return refund(shop, member, order, NULL, what);
}

enum verdict
shop_cancel(struct shop *shop, const char *member, const char *order)
{
    return rig_cancel(&shop->law.rig, member, order);
}

enum verdict
shop_deliver(struct shop *shop, const char *member, const char *order)
{
    return rig_event(&shop->law.rig, (struct event){
                                         .kind = EVENT_DELIVERED,
                                         .member = bytes_from_cstr(member),
                                         .delivered.order_id = bytes_from_cstr(order),
                                     });
}

/* ---- What it says ---- */

static struct wallet_view
wallet(struct shop *shop, const char *member)
{
    struct member_view view;
    if (!rig_view(&shop->law.rig, member, &view) || view.wallet_count == 0)
        return (struct wallet_view){0};
    return view.wallets[0];
}

int64_t
shop_active(struct shop *shop, const char *member)
{
    return wallet(shop, member).active.units;
}

int64_t
shop_pending(struct shop *shop, const char *member)
{
    return wallet(shop, member).pending.units;
}

int64_t
shop_arrears(struct shop *shop, const char *member)
{
    return wallet(shop, member).arrears.units;
}

static const struct posting *
next_posting(const struct shop *shop, enum posting_kind kind, size_t *index)
{
    for (;; ++*index) {
        const struct effect *effect = rig_effect(&shop->law.rig, TOPIC_POSTINGS, *index);
        if (effect == NULL) return NULL;
        if (effect->posting.kind == kind) return &effect->posting;
    }
}

size_t
shop_postings(const struct shop *shop, enum posting_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; next_posting(shop, kind, &i) != NULL; i++)
        count++;
    return count;
}

int64_t
shop_moved(const struct shop *shop, enum posting_kind kind)
{
    const struct posting *posting;
    int64_t sum = 0;
    for (size_t i = 0; (posting = next_posting(shop, kind, &i)) != NULL; i++)
        sum += posting->amount.units;
    return sum;
}

const struct posting *
shop_posting(const struct shop *shop, enum posting_kind kind)
{
    const struct posting *posting, *last = NULL;
    for (size_t i = 0; (posting = next_posting(shop, kind, &i)) != NULL; i++)
        last = posting;
    return last;
}
