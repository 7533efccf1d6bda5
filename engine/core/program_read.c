/* Reading of the normalised form (program_write.c has it byte by byte): values, the head,
 * currencies, stores and tiers. */
#include "engine/core/program_read_priv.h"

#include <string.h>

enum {
    TRANSITIONS_MAX = 4096,    /* two a year for two thousand years */
    MONEY_NUMERIC_MAX = 999,   /* ISO 4217 */
    PERIOD_AMOUNT_MAX = 36600, /* a century of days; calendar_period_end judges the year */
    ROLLING_MONTHS_MAX = 1200,
    FEBRUARY = 2,
    LINE_KINDS_MASK =
        1 << LINE_GOODS | 1 << LINE_SHIPPING | 1 << LINE_TAX | 1 << LINE_FEE | 1 << LINE_GIFT_CARD,
    BASIS_FLAGS_MASK = BASIS_LESS_DISCOUNT | BASIS_WITHOUT_TAX | BASIS_WITHOUT_TENDER,
    COUNTS_MASK =
        COUNTS_PURCHASE | COUNTS_REDEEM | COUNTS_HOLD | COUNTS_DELIVERED | COUNTS_ACTIVITY,
};

static const int64_t ACCEPT_MS_MAX = INT64_C(100) * 366 * CALENDAR_DAY_MS;

/* ---- Values ---- */

/* Whether the reader still stands; says in what it broke off. */
static bool
stands(struct decoder *decoder, const char *what)
{
    if (decoder->reader.failed) REFUSE(decoder, "the program ends or breaks off in %s", what);
    return !decoder->failed;
}

uint64_t
read_number(struct decoder *decoder, uint64_t min, uint64_t max, const char *what)
{
    if (decoder->failed) return min;
    uint64_t value = reader_varint(&decoder->reader);
    if (stands(decoder, what) && (value < min || value > max)) {
        REFUSE(decoder, "%s is %llu, allowed are %llu to %llu", what, (unsigned long long)value,
               (unsigned long long)min, (unsigned long long)max);
    }
    return decoder->failed ? min : value;
}

int64_t
read_signed(struct decoder *decoder, int64_t min, int64_t max, const char *what)
{
    if (decoder->failed) return min;
    int64_t value = reader_zigzag(&decoder->reader);
    if (stands(decoder, what) && (value < min || value > max)) {
        REFUSE(decoder, "%s is %lld, allowed are %lld to %lld", what, (long long)value,
               (long long)min, (long long)max);
    }
    return decoder->failed ? min : value;
}

unsigned
read_code(struct decoder *decoder, unsigned min, unsigned max, const char *what)
{
    if (decoder->failed) return min;
    unsigned value = reader_u8(&decoder->reader);
    if (stands(decoder, what) && (value < min || value > max))
        REFUSE(decoder, "%s has the unknown code %u", what, value);
    return decoder->failed ? min : value;
}

bool
read_flag(struct decoder *decoder, const char *what)
{
    return read_code(decoder, 0, 1, what) != 0;
}

static struct bytes
read_span(struct decoder *decoder, size_t min, size_t max, const char *what)
{
    const struct bytes none = {NULL, 0};
    if (decoder->failed) return none;
    struct bytes text = reader_prefixed(&decoder->reader);
    if (stands(decoder, what) && (text.size < min || text.size > max))
        REFUSE(decoder, "%s is empty or longer than %zu bytes", what, max);
    return decoder->failed ? none : text;
}

struct bytes
read_id(struct decoder *decoder, const char *what)
{
    return read_span(decoder, 1, PROGRAM_ID_BYTES_MAX, what);
}

struct bytes
read_id_or_none(struct decoder *decoder, const char *what)
{
    return read_span(decoder, 0, PROGRAM_ID_BYTES_MAX, what);
}

struct bytes
read_text(struct decoder *decoder, const char *what)
{
    return read_span(decoder, 1, EVENT_ID_BYTES_MAX, what);
}

struct bytes
read_text_or_none(struct decoder *decoder, const char *what)
{
    return read_span(decoder, 0, EVENT_ID_BYTES_MAX, what);
}

void *
read_list(struct decoder *decoder, uint64_t min, uint64_t max, size_t item_bytes, const char *what,
          uint32_t *out_count)
{
    uint64_t count = read_number(decoder, min, max, what);
    *out_count = 0;
    if (decoder->failed || count == 0) return NULL;
    void *items = arena_alloc(decoder->arena, count * item_bytes);
    if (items == NULL) {
        REFUSE(decoder, "no memory for %s", what);
        return NULL;
    }
    memset(items, 0, count * item_bytes);
    *out_count = (uint32_t)count;
    return items;
}

struct rate
read_rate(struct decoder *decoder, const char *what)
{
    struct rate rate = {1, 1};
    int64_t numerator = (int64_t)read_number(decoder, 1, INT64_MAX, what);
    int64_t denominator = (int64_t)read_number(decoder, 1, INT64_MAX, what);
    if (!rate_make(numerator, denominator, &rate) || rate.numerator != numerator)
        REFUSE(decoder, "%s is not reduced", what);
    return rate;
}

uint16_t
read_money(struct decoder *decoder, const char *what)
{
    uint16_t money = (uint16_t)read_number(decoder, 1, MONEY_NUMERIC_MAX, what);
    if (currency_find(money) == NULL) REFUSE(decoder, "%s is no ISO 4217 currency", what);
    return money;
}

uint32_t
read_index(struct decoder *decoder, uint32_t count, const char *what)
{
    if (count == 0) {
        REFUSE(decoder, "%s names one of none", what);
        return 0;
    }
    return (uint32_t)read_number(decoder, 0, count - 1, what);
}

uint32_t
read_option(struct decoder *decoder, uint32_t count, const char *what)
{
    uint64_t number = read_number(decoder, 0, count, what);
    return number == 0 ? PROGRAM_NONE : (uint32_t)number - 1;
}

int32_t
read_tier_group(struct decoder *decoder)
{
    return (int32_t)read_number(decoder, 0, decoder->program->group_count, "a tier group") - 1;
}

struct program_basis
read_basis(struct decoder *decoder)
{
    struct program_basis basis = {
        .flags = read_code(decoder, 0, BASIS_FLAGS_MASK, "a basis"),
        .line_kinds =
            (uint32_t)read_number(decoder, 0, LINE_KINDS_MASK, "the line kinds of a basis"),
    };
    if ((basis.line_kinds & ~(uint32_t)LINE_KINDS_MASK) != 0)
        REFUSE(decoder, "a basis names an unknown line kind");
    return basis;
}

static struct program_texts
read_some_texts(struct decoder *decoder, uint64_t min, const char *what)
{
    struct program_texts texts = {0};
    struct bytes *items =
        read_list(decoder, min, PROGRAM_TEXTS_MAX, sizeof *items, what, &texts.count);
    for (uint32_t i = 0; i < texts.count; i++) {
        items[i] = read_text(decoder, what);
        if (i != 0 && bytes_compare(items[i - 1], items[i]) >= 0)
            REFUSE(decoder, "%s are not in order of their bytes", what);
    }
    texts.items = items;
    return texts;
}

struct program_texts
read_texts(struct decoder *decoder, const char *what)
{
    return read_some_texts(decoder, 0, what);
}

struct program_condition
read_condition(struct decoder *decoder, enum condition_scope scope)
{
    struct program_condition condition = {
        .code = read_span(decoder, 0, PROGRAM_CONDITION_MAX, "a condition"),
    };
    if (decoder->failed || condition.code.size == 0) return condition;
    struct condition *decoded = arena_alloc(decoder->arena, sizeof *decoded);
    struct fault fault;
    if (decoded == NULL) {
        REFUSE(decoder, "no memory for a condition");
        return condition;
    }
    if (!condition_decode(condition.code, decoder->arena, decoded, &fault)) {
        REFUSE(decoder, "a condition: %s", fault.text);
    } else if (decoded->scope != scope) {
        REFUSE(decoder, "a condition was made for another place");
    }
    condition.decoded = decoded;
    return condition;
}

static struct program_date
read_date(struct decoder *decoder)
{
    struct program_date date;
    date.month = (uint8_t)read_code(decoder, 1, 12, "the month of a date");
    unsigned days = date.month == FEBRUARY ? 29 : calendar_month_days(2001, date.month);
    date.day = (uint8_t)read_code(decoder, 1, days, "the day of a date");
    return date;
}

const struct program_date *
read_dates(struct decoder *decoder, uint64_t min, uint32_t *out_count)
{
    struct program_date *dates =
        read_list(decoder, min, PROGRAM_DATES_MAX, sizeof *dates, "dates of a year", out_count);
    for (uint32_t i = 0; i < *out_count; i++) {
        dates[i] = read_date(decoder);
        bool rises = i == 0 || dates[i - 1].month < dates[i].month ||
                     (dates[i - 1].month == dates[i].month && dates[i - 1].day < dates[i].day);
        if (!rises) REFUSE(decoder, "dates of a year do not rise");
    }
    return dates;
}

struct program_window
read_window(struct decoder *decoder, const char *what)
{
    struct program_window window = {{INT64_MIN}, {INT64_MAX}};
    unsigned bits = read_code(decoder, 0, 3, what);
    if ((bits & 1) != 0)
        window.from.ms = read_signed(decoder, INSTANT_MIN_MS, INSTANT_MAX_MS, what);
    if ((bits & 2) != 0)
        window.until.ms = read_signed(decoder, INSTANT_MIN_MS, INSTANT_MAX_MS, what);
    if (window.from.ms >= window.until.ms) REFUSE(decoder, "%s ends before it starts", what);
    return window;
}

struct program_filter
read_filter(struct decoder *decoder, unsigned allowed, enum condition_scope scope)
{
    struct program_filter filter = {.window = {{INT64_MIN}, {INT64_MAX}}};
    struct {
        unsigned bit;
        const char *what;
        struct program_texts *texts;
    } lists[] = {
        {FILTER_CATEGORIES, "categories", &filter.categories},
        {FILTER_SKUS, "skus", &filter.skus},
        {FILTER_BRANDS, "brands", &filter.brands},
        {FILTER_CHANNELS, "channels", &filter.channels},
        {FILTER_STORES, "stores", &filter.stores},
        {FILTER_PARTNERS, "partners", &filter.partners},
    };
    unsigned bits = (unsigned)read_number(decoder, 0, 255, "a filter");
    if ((bits & ~allowed) != 0)
        REFUSE(decoder, "a filter asks for what does not exist at its place");
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if ((bits & lists[i].bit) != 0)
            *lists[i].texts = read_some_texts(decoder, 1, lists[i].what);
    }
    if ((bits & FILTER_WHEN) != 0) {
        filter.when = read_condition(decoder, scope);
        if (filter.when.code.size == 0) REFUSE(decoder, "a condition is empty");
    }
    if ((bits & FILTER_WINDOW) != 0) {
        filter.window = read_window(decoder, "a window");
        if (filter.window.from.ms == INT64_MIN && filter.window.until.ms == INT64_MAX)
            REFUSE(decoder, "a window is open on both sides");
    }
    return filter;
}

struct program_times
read_times(struct decoder *decoder)
{
    struct program_times times = {.per = PER_LIFETIME};
    times.count = (uint32_t)read_number(decoder, 0, PROGRAM_REPEATS_MAX, "a number of times");
    if (times.count != 0) times.per = read_code(decoder, PER_DAY, PER_LIFETIME, "how often");
    return times;
}

void
check_id_order(struct decoder *decoder, const struct bytes *before, struct bytes id,
               const char *what)
{
    if (before == NULL) return;
    int order = bytes_compare(*before, id);
    if (order == 0) REFUSE(decoder, "two %s have one id", what);
    if (order > 0) REFUSE(decoder, "%s are not in order of their ids", what);
}

void
check_judged_order(struct decoder *decoder, bool first, int32_t before_priority,
                   struct bytes before_id, int32_t priority, struct bytes id, const char *what)
{
    bool in_order = first || before_priority > priority ||
                    (before_priority == priority && bytes_compare(before_id, id) < 0);
    if (!in_order) REFUSE(decoder, "%s are not in order of priority and id", what);
}

/* ---- The head, zones, stores, funders ---- */

static struct zone
read_zone(struct decoder *decoder)
{
    struct zone zone = {
        .initial_offset_ms = (int32_t)read_signed(decoder, 1 - CALENDAR_DAY_MS, CALENDAR_DAY_MS - 1,
                                                  "a zone's offset"),
    };
    struct zone_transition *transitions = read_list(
        decoder, 0, TRANSITIONS_MAX, sizeof *transitions, "zone transitions", &zone.count);
    int64_t at_ms = 0;
    for (uint32_t i = 0; i < zone.count; i++) {
        at_ms +=
            read_signed(decoder, i == 0 ? -INSTANT_MAX_MS : 1, INSTANT_MAX_MS, "a zone transition");
        if (at_ms > INSTANT_MAX_MS) {
            REFUSE(decoder, "a zone transition lies after the year 9999");
            at_ms = 0;
        }
        transitions[i] = (struct zone_transition){
            .at_ms = at_ms,
            .offset_ms = (int32_t)read_signed(decoder, 1 - CALENDAR_DAY_MS, CALENDAR_DAY_MS - 1,
                                              "a zone offset"),
        };
    }
    zone.transitions = transitions;
    return zone;
}

static void
read_head(struct decoder *decoder)
{
    struct program *program = decoder->program;
    read_code(decoder, PROGRAM_FORMAT, PROGRAM_FORMAT, "the program's format");
    program->name = read_id(decoder, "the rulebook's name");
    program->version = (uint32_t)read_number(decoder, 1, UINT32_MAX, "the rulebook's version");
    program->effective_from.ms =
        read_signed(decoder, INSTANT_MIN_MS, INSTANT_MAX_MS, "effective_from");
    program->zone_name = read_id(decoder, "the zone's name");
    program->zone = read_zone(decoder);
    program->accept_future_ms =
        (int64_t)read_number(decoder, 0, (uint64_t)ACCEPT_MS_MAX, "accept_future");
    program->accept_past_ms =
        (int64_t)read_number(decoder, 0, (uint64_t)ACCEPT_MS_MAX, "accept_past");
    program->unknown_member =
        read_code(decoder, UNKNOWN_AUTO_ENROL, UNKNOWN_PARK, "unknown_member");
    program->line_combine = read_code(decoder, COMBINE_MAX, COMBINE_FIRST, "line_combine");
    program->order_combine = read_code(decoder, COMBINE_MAX, COMBINE_FIRST, "order_combine");
    program->stacking = read_code(decoder, STACKING_ADD, STACKING_MAX, "stacking");
}

static void
read_zones(struct decoder *decoder)
{
    struct program *program = decoder->program;
    struct program_zone *zones = read_list(decoder, 0, PROGRAM_ZONES_MAX, sizeof *zones,
                                           "the number of zones", &program->zone_count);
    for (uint32_t i = 0; i < program->zone_count; i++) {
        zones[i].name = read_id(decoder, "a zone's name");
        zones[i].zone = read_zone(decoder);
        check_id_order(decoder, i == 0 ? NULL : &zones[i - 1].name, zones[i].name, "zones");
    }
    program->zones = zones;
}

static void
read_stores(struct decoder *decoder)
{
    struct program *program = decoder->program;
    struct program_store *stores = read_list(decoder, 0, PROGRAM_STORES_MAX, sizeof *stores,
                                             "the number of stores", &program->store_count);
    uint64_t used = 0;
    static_assert(PROGRAM_ZONES_MAX <= 64, "one bit for each zone");
    for (uint32_t i = 0; i < program->store_count; i++) {
        stores[i].id = read_text(decoder, "a store's id");
        stores[i].zone = read_index(decoder, program->zone_count, "a store's zone");
        check_id_order(decoder, i == 0 ? NULL : &stores[i - 1].id, stores[i].id, "stores");
        used |= UINT64_C(1) << stores[i].zone;
    }
    for (uint32_t i = 0; i < program->zone_count; i++) {
        if ((used & UINT64_C(1) << i) == 0) REFUSE(decoder, "no store is in a zone");
    }
    program->stores = stores;
}

static void
read_funders(struct decoder *decoder)
{
    struct program *program = decoder->program;
    struct program_funder *funders = read_list(decoder, 0, PROGRAM_FUNDERS_MAX, sizeof *funders,
                                               "the number of funders", &program->funder_count);
    for (uint32_t i = 0; i < program->funder_count; i++) {
        struct program_funder *funder = &funders[i];
        funder->id = read_id(decoder, "a funder's id");
        funder->money = (uint16_t)read_number(decoder, 0, MONEY_NUMERIC_MAX, "a funder's money");
        funder->unit_cost = (struct rate){0, 1};
        check_id_order(decoder, i == 0 ? NULL : &funders[i - 1].id, funder->id, "funders");
        if (funder->money == 0) continue;
        if (currency_find(funder->money) == NULL)
            REFUSE(decoder, "a funder's money is no ISO 4217 currency");
        funder->unit_cost = read_rate(decoder, "a funder's cost");
    }
    program->funders = funders;
}

/* ---- Currencies ---- */

static void
read_expiry_length(struct decoder *decoder, struct program_expiry *expiry, uint64_t min)
{
    expiry->amount = (int32_t)read_number(decoder, min, PERIOD_AMOUNT_MAX, "an expiry period");
    expiry->unit = read_code(decoder, CALENDAR_DAY, CALENDAR_YEAR, "the unit of an expiry period");
    if (expiry->unit == CALENDAR_WEEK || expiry->unit == CALENDAR_QUARTER)
        REFUSE(decoder, "an expiry period counts days, months or years");
}

static void
read_expiry_period(struct decoder *decoder, struct program_expiry *expiry)
{
    read_expiry_length(decoder, expiry, 0);
    expiry->round_up_to =
        read_code(decoder, CALENDAR_NONE, CALENDAR_YEAR, "the rounding of an expiry period");
    expiry->round_month = (uint8_t)read_code(decoder, 0, 12, "the month of an expiry period");
    if (expiry->round_month != 0 && expiry->round_up_to != CALENDAR_NONE)
        REFUSE(decoder, "an expiry period is rounded twice");
    if (expiry->amount == 0 && expiry->round_up_to == CALENDAR_NONE && expiry->round_month == 0)
        REFUSE(decoder, "an expiry period of nothing, to the end of nothing");
}

static void
read_inactivity(struct decoder *decoder, struct program_expiry *expiry)
{
    read_expiry_length(decoder, expiry, 1);
    expiry->counts = (uint32_t)read_number(decoder, 0, COUNTS_MASK, "what pushes an expiry");
    expiry->count_kinds = read_texts(decoder, "the activities that push an expiry");
    if (expiry->counts == 0 && expiry->count_kinds.count == 0)
        REFUSE(decoder, "nothing pushes an expiry by inactivity");
    if ((expiry->counts & COUNTS_ACTIVITY) != 0 && expiry->count_kinds.count != 0)
        REFUSE(decoder, "any activity pushes an expiry, and some by name");
}

static struct program_expiry
read_expiry(struct decoder *decoder)
{
    struct program_expiry expiry = {
        .kind = read_code(decoder, EXPIRY_NONE, EXPIRY_INACTIVITY, "an expiry"),
    };
    switch (expiry.kind) {
    case EXPIRY_NONE: return expiry;
    case EXPIRY_PERIOD: read_expiry_period(decoder, &expiry); break;
    case EXPIRY_DATES: expiry.dates = read_dates(decoder, 1, &expiry.date_count); break;
    case EXPIRY_ANNIVERSARY: break;
    case EXPIRY_INACTIVITY: read_inactivity(decoder, &expiry); break;
    }
    if (expiry.kind != EXPIRY_INACTIVITY)
        expiry.from_earning = read_flag(decoder, "the start of an expiry");
    expiry.grace_days = (int32_t)read_number(decoder, 0, PROGRAM_DAYS_MAX, "an expiry's grace");
    return expiry;
}

static void
read_currencies(struct decoder *decoder)
{
    struct program *program = decoder->program;
    uint64_t count = read_number(decoder, 0, PROGRAM_CURRENCIES_MAX, "the number of currencies");
    for (uint64_t i = 0; i < count; i++) {
        struct program_currency *currency = &program->currencies[i];
        currency->id = read_id(decoder, "a currency's id");
        currency->scale = (uint8_t)read_code(decoder, 0, 6, "a currency's scale");
        currency->qualifying = read_flag(decoder, "a currency's kind");
        currency->rounding = read_code(decoder, ROUNDING_FLOOR, ROUNDING_HALF_EVEN, "a rounding");
        currency->expiry = read_expiry(decoder);
        currency->notice_days =
            (int32_t)read_number(decoder, 0, PROGRAM_DAYS_MAX, "the days of a notice");
        for (uint64_t k = 0; k < i; k++) {
            if (bytes_equal(program->currencies[k].id, currency->id))
                REFUSE(decoder, "two currencies have one id");
        }
    }
    program->currency_count = (uint32_t)count;
}

/* ---- Tiers ---- */

static void
read_metric(struct decoder *decoder, struct program_metric *metric)
{
    const struct program *program = decoder->program;
    metric->mission = PROGRAM_NONE;
    metric->kind = read_code(decoder, METRIC_SPEND, METRIC_BALANCE, "a metric");
    switch (metric->kind) {
    case METRIC_SPEND:
        metric->money = read_money(decoder, "a tier group's money");
        metric->basis = read_basis(decoder);
        return;
    case METRIC_POINTS:
    case METRIC_BALANCE:
        metric->currency = read_index(decoder, program->currency_count, "a tier group's currency");
        return;
    case METRIC_VISITS:
        metric->of_purchases = read_flag(decoder, "what visits are");
        if (!metric->of_purchases) metric->activity = read_text(decoder, "a metric's activity");
        return;
    case METRIC_MISSIONS: /* judged when the missions are known */
        metric->mission = read_option(decoder, PROGRAM_RULES_MAX, "a metric's mission");
        return;
    }
}

static void
read_metrics(struct decoder *decoder, struct program_group *group)
{
    group->metric_count =
        (uint32_t)read_number(decoder, 1, PROGRAM_METRICS_MAX, "the number of metrics");
    for (uint32_t i = 0; i < group->metric_count; i++) {
        struct program_metric *metric = &group->metrics[i];
        if (group->metric_count > 1) metric->id = read_id(decoder, "a metric's id");
        read_metric(decoder, metric);
        for (uint32_t k = 0; k < i; k++) {
            if (bytes_equal(group->metrics[k].id, metric->id))
                REFUSE(decoder, "two metrics of a group have one id");
        }
    }
    if (group->metric_count > 1) group->match_any = read_flag(decoder, "how metrics match");
}

/* No threshold falls from level to level, and one rises. */
static void
check_ladder(struct decoder *decoder, const struct program_group *group, uint32_t level)
{
    bool rises = level == 0, falls = false;
    for (uint32_t k = 0; k < group->metric_count; k++) {
        int64_t threshold = group->levels[level].thresholds[k];
        int64_t before = level == 0 ? 0 : group->levels[level - 1].thresholds[k];
        if (level == 0 && threshold != 0) REFUSE(decoder, "the first level's threshold is not 0");
        rises = rises || threshold > before;
        falls = falls || threshold < before;
    }
    if (!rises || falls) REFUSE(decoder, "thresholds do not rise");
}

static void
read_levels(struct decoder *decoder, struct program_group *group)
{
    uint64_t count = read_number(decoder, 1, PROGRAM_LEVELS_MAX, "the number of levels");
    for (uint32_t i = 0; i < count; i++) {
        struct program_level *level = &group->levels[i];
        level->id = read_id(decoder, "a level's id");
        for (uint32_t k = 0; k < group->metric_count; k++)
            level->thresholds[k] = (int64_t)read_number(decoder, 0, INT64_MAX, "a threshold");
        level->multiplier = read_rate(decoder, "a multiplier");
        check_ladder(decoder, group, i);
        for (uint32_t k = 0; k < i; k++) {
            if (bytes_equal(group->levels[k].id, level->id))
                REFUSE(decoder, "two levels of a group have one id");
        }
    }
    group->level_count = (uint32_t)count;
}

static void
read_review(struct decoder *decoder, struct program_group *group)
{
    group->window = read_code(decoder, WINDOW_CALENDAR_YEAR, WINDOW_ANNIVERSARY, "a window");
    bool days = group->window == WINDOW_ROLLING_DAYS,
         months = group->window == WINDOW_ROLLING_MONTHS;
    if (days || months) {
        uint64_t max = days ? PROGRAM_DAYS_MAX : ROLLING_MONTHS_MAX;
        group->rolling = (int32_t)read_number(decoder, 1, max, "a rolling window");
    }
    group->upgrade = read_code(decoder, UPGRADE_IMMEDIATE, UPGRADE_NEXT_PERIOD, "an upgrade");
    group->downgrade = read_code(decoder, DOWNGRADE_NONE, DOWNGRADE_TO_QUALIFIED, "a downgrade");
    group->grace_days = (int32_t)read_number(decoder, 0, PROGRAM_DAYS_MAX, "a downgrade's grace");
    group->rollover = read_flag(decoder, "a rollover");
    group->at_risk_days = (int32_t)read_number(decoder, 0, PROGRAM_DAYS_MAX, "days at risk");
    bool lifetime = group->window == WINDOW_LIFETIME;
    bool periods = !lifetime && !days && !months;
    if (!periods && group->upgrade == UPGRADE_NEXT_PERIOD)
        REFUSE(decoder, "an upgrade waits for a period that there is not");
    if (!periods && group->grace_days != 0)
        REFUSE(decoder, "a downgrade waits in a period that there is not");
    bool counted = group->metric_count == 1 && group->metrics[0].kind != METRIC_BALANCE;
    if (group->rollover && (!periods || group->window == WINDOW_ANNIVERSARY || !counted))
        REFUSE(decoder, "a rollover without one metric in calendar periods");
}

static void
read_groups(struct decoder *decoder)
{
    struct program *program = decoder->program;
    uint64_t count = read_number(decoder, 0, PROGRAM_GROUPS_MAX, "the number of tier groups");
    for (uint64_t i = 0; i < count; i++) {
        struct program_group *group = &program->groups[i];
        group->id = read_id(decoder, "a tier group's id");
        read_metrics(decoder, group);
        read_review(decoder, group);
        read_levels(decoder, group);
        for (uint64_t k = 0; k < i; k++) {
            if (bytes_equal(program->groups[k].id, group->id))
                REFUSE(decoder, "two tier groups have one id");
        }
    }
    program->group_count = (uint32_t)count;
}

static void
check_metric_missions(struct decoder *decoder)
{
    const struct program *program = decoder->program;
    for (uint32_t i = 0; i < program->group_count; i++) {
        for (uint32_t k = 0; k < program->groups[i].metric_count; k++) {
            uint32_t mission = program->groups[i].metrics[k].mission;
            if (mission != PROGRAM_NONE && mission >= program->mission_count)
                REFUSE(decoder, "a metric names a mission that there is not");
        }
    }
}

/* ---- The whole ---- */

static void
read_members(struct decoder *decoder)
{
    struct program *program = decoder->program;
    program->quarantine_days =
        (int32_t)read_number(decoder, 1, PROGRAM_DAYS_MAX, "the days of a quarantine");
    program->quarantine_rejects = read_flag(decoder, "the end of a quarantine");
    program->approval_days =
        (int32_t)read_number(decoder, 1, PROGRAM_DAYS_MAX, "the days of an approval");
    for (uint32_t i = 0; i < program->currency_count; i++) {
        uint64_t above = read_number(decoder, 0, INT64_MAX, "what needs an approval");
        program->approval_above[i] = above == 0 ? INT64_MAX : (int64_t)above - 1;
    }
}

bool
program_decode(struct bytes bytes, struct arena *arena, struct program *out_program,
               struct fault *out_fault)
{
    struct program program = {0};
    struct decoder decoder = {
        .reader = reader_of(bytes),
        .arena = arena,
        .program = &program,
        .out_fault = out_fault,
    };
    if (bytes.size > PROGRAM_BYTES_MAX)
        REFUSE(&decoder, "the program is larger than %d bytes", PROGRAM_BYTES_MAX);
    read_head(&decoder);
    read_currencies(&decoder);
    read_zones(&decoder);
    read_stores(&decoder);
    read_funders(&decoder);
    read_groups(&decoder);
    read_earning(&decoder);
    check_metric_missions(&decoder);
    read_limits(&decoder);
    read_spending(&decoder);
    read_returns(&decoder);
    read_members(&decoder);
    if (!decoder.failed && !reader_done(&decoder.reader))
        REFUSE(&decoder, "the program has bytes after its end");
    if (decoder.failed) return false;
    *out_program = program;
    return true;
}
