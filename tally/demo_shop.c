#include "tally/demo_shop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/codec_record.h"
#include "engine/base/check.h"
#include "engine/base/murmur2.h"
#include "engine/core/calendar.h"
#include "tallybook/v1/event.pb-c.h"

enum {
    SHOP_LINES_MAX = 4,
    SHOP_EVENT_BYTES = 1024,
    SHOP_RECORD_BYTES = 64 * 1024, /* a busy hour of a partition; fuller ones are cut */
    SHOP_ORDERS_KEPT = 8192,       /* about a week: what is returned was bought lately */
    SHOP_WAIT_MS = 20,
    SHOP_TEXT_BYTES = 24,
    SHOP_MEMBERS_AT_START = 900,
    SHOP_MEMBERS_A_DAY = 25,
};

/* An order that may come back. */
struct shop_order {
    uint32_t number, member;
    int64_t goods_minor; /* of the first line */
    bool over;           /* returned or cancelled */
};

/* What a member believes to have. */
struct shop_purse {
    int64_t points;
    int64_t day;         /* of that belief */
    uint32_t last_order; /* number */
};

struct demo_shop {
    struct journal_appender *appender;
    uint32_t partition_count;
    struct instant start, clock;
    uint64_t random;
    uint64_t appended;
    uint64_t event_number;
    uint32_t order_number;
    int64_t carry; /* of events a minute, in 1/86,400,000 */
    int64_t rush_until_minute;
    uint32_t last_spender;
    struct shop_order orders[SHOP_ORDERS_KEPT];
    struct shop_purse purses[DEMO_MEMBERS_MAX];
    uint8_t last_event[SHOP_EVENT_BYTES]; /* of the last order, to be told again */
    size_t last_event_size;
    uint32_t last_event_partition;
    struct record_builder builders[PARTITIONS_MAX];
    uint8_t (*records)[SHOP_RECORD_BYTES];
};

/* protobuf-c wants texts that may be written, and never writes them. */
static char shop_app[] = "app", shop_web[] = "webshop", shop_money[] = "EUR",
            shop_first_line[] = "1", shop_points[] = "points";

/* ---- Chance
 * ----------------------------------------------------------------------------------------------------------
 */

/* SplitMix64: every seed is good, and it is the same everywhere. */
static uint64_t
shop_random(struct demo_shop *shop)
{
    uint64_t mixed = shop->random += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

/* 0 … below − 1. */
static uint32_t
shop_pick(struct demo_shop *shop, uint32_t below)
{
    return (uint32_t)((shop_random(shop) >> 32) * below >> 32);
}

/* Some come every day, most now and then: the least of two or four even chances. Who joined last
 * comes least. */
static uint32_t
shop_pick_member(struct demo_shop *shop)
{
    int64_t day = (shop->clock.ms - shop->start.ms) / CALENDAR_DAY_MS;
    int64_t members = SHOP_MEMBERS_AT_START + SHOP_MEMBERS_A_DAY * day;
    if (members > DEMO_MEMBERS_MAX) members = DEMO_MEMBERS_MAX;
    uint32_t least = UINT32_MAX;
    for (uint32_t tries = shop_pick(shop, 3) == 0 ? 4 : 2; tries > 0; tries--) {
        uint32_t even = shop_pick(shop, (uint32_t)members);
        if (even < least) least = even;
    }
    return least;
}

/* ---- Writing
 * ---------------------------------------------------------------------------------------------------------
 */

static bool
shop_append(struct demo_shop *shop, uint32_t partition, struct fault *out_fault)
{
    struct journal_appender *appender = shop->appender;
    struct bytes record = codec_record_span(&shop->builders[partition]);
    if (record.size == 0) return true;
    while (!appender->ops->append(appender, partition, record, out_fault)) {
        if (out_fault->kind != FAULT_TRY_AGAIN ||
            !appender->ops->poll(appender, SHOP_WAIT_MS, out_fault))
            return false;
    }
    shop->appended++;
    codec_record_begin(&shop->builders[partition], shop->records[partition], SHOP_RECORD_BYTES);
    return true;
}

static bool
shop_write(struct demo_shop *shop, uint32_t partition, struct bytes event, struct fault *out_fault)
{
    struct record_builder *builder = &shop->builders[partition];
    if (codec_record_add_event(builder, event, shop->clock.ms)) return true;
    if (!shop_append(shop, partition, out_fault)) return false;
    CHECK(codec_record_add_event(builder, event, shop->clock.ms));
    return true;
}

/* Gives the event its envelope and puts it where its member lives. */
static bool
shop_tell(struct demo_shop *shop, uint32_t member, Tallybook__V1__Event *event,
          struct fault *out_fault)
{
    char key[SHOP_TEXT_BYTES], id[SHOP_TEXT_BYTES];
    snprintf(key, sizeof key, "m-%" PRIu32, DEMO_MEMBER_FIRST + member);
    snprintf(id, sizeof id, "e-%" PRIu64, ++shop->event_number);
    event->source =
        event->payload_case == TALLYBOOK__V1__EVENT__PAYLOAD_REDEEM ? shop_app : shop_web;
    event->id = id;
    event->subject_case = TALLYBOOK__V1__EVENT__SUBJECT_MEMBER;
    event->member = key;
    event->occurred_at_ms = shop->clock.ms;
    uint8_t wire[SHOP_EVENT_BYTES];
    size_t size = tallybook__v1__event__get_packed_size(event);
    CHECK(size <= sizeof wire);
    tallybook__v1__event__pack(event, wire);
    uint32_t partition = murmur2_partition(bytes_from_cstr(key), shop->partition_count);
    if (event->payload_case == TALLYBOOK__V1__EVENT__PAYLOAD_PURCHASE) {
        memcpy(shop->last_event, wire, size);
        shop->last_event_size = size;
        shop->last_event_partition = partition;
    }
    return shop_write(shop, partition, bytes_of(wire, size), out_fault);
}

/* ---- What happens
 * ----------------------------------------------------------------------------------------------------
 */

/* Unspent points fade with the days, as they will in the ledger. */
static struct shop_purse *
shop_purse(struct demo_shop *shop, uint32_t member)
{
    struct shop_purse *purse = &shop->purses[member];
    int64_t day = shop->clock.ms / CALENDAR_DAY_MS, days = day - purse->day;
    purse->points = days >= 30 ? 0 : purse->points - purse->points * days / 30;
    purse->day = day;
    return purse;
}

static bool
shop_sell(struct demo_shop *shop, uint32_t member, struct fault *out_fault)
{
    static struct {
        char name[16];
        uint32_t least_minor, most_minor;
    } shelves[] = {{"books", 890, 3490},
                   {"children", 590, 1990},
                   {"stationery", 150, 1250},
                   {"cafe", 240, 990}};
    Tallybook__V1__Line lines[SHOP_LINES_MAX], *pointers[SHOP_LINES_MAX];
    Tallybook__V1__Purchase purchase = TALLYBOOK__V1__PURCHASE__INIT;
    Tallybook__V1__Event event = TALLYBOOK__V1__EVENT__INIT;
    char order_id[SHOP_TEXT_BYTES];
    struct shop_order *order = &shop->orders[shop->order_number % SHOP_ORDERS_KEPT];
    uint32_t count = 1 + shop_pick(shop, SHOP_LINES_MAX - 1);
    int64_t points_minor = 0; /* as the lowest level earns */
    for (uint32_t i = 0; i < count; i++) {
        uint32_t roll = shop_pick(shop, 10);
        uint32_t shelf = roll < 5 ? 0 : roll < 7 ? 1 : roll < 9 ? 2 : 3;
        uint32_t span = shelves[shelf].most_minor - shelves[shelf].least_minor;
        tallybook__v1__line__init(&lines[i]);
        lines[i].category = shelves[shelf].name;
        lines[i].amount_minor = shelves[shelf].least_minor + shop_pick(shop, span / 10) * 10;
        points_minor += lines[i].amount_minor * (shelf == 1 ? 2 : 1);
        pointers[i] = &lines[i];
    }
    *order = (struct shop_order){shop->order_number, member, lines[0].amount_minor, false};
    shop->purses[member].last_order = shop->order_number;
    snprintf(order_id, sizeof order_id, "o-%" PRIu32, shop->order_number++);
    if (shop_pick(shop, 4) == 0) { /* posted, not fetched */
        tallybook__v1__line__init(&lines[count]);
        lines[count].kind = TALLYBOOK__V1__LINE__KIND__SHIPPING;
        lines[count].amount_minor = 350;
        pointers[count] = &lines[count];
        count++;
    }
    shop_purse(shop, member)->points += points_minor / 100;
    purchase.order_id = order_id;
    purchase.currency = shop_money;
    purchase.n_lines = count;
    purchase.lines = pointers;
    event.payload_case = TALLYBOOK__V1__EVENT__PAYLOAD_PURCHASE;
    event.purchase = &purchase;
    return shop_tell(shop, member, &event, out_fault);
}

static bool
shop_redeem(struct demo_shop *shop, uint32_t member, struct fault *out_fault)
{
    Tallybook__V1__Redeem redeem = TALLYBOOK__V1__REDEEM__INIT;
    Tallybook__V1__Event event = TALLYBOOK__V1__EVENT__INIT;
    char spend_id[SHOP_TEXT_BYTES], *currencies[] = {shop_points};
    struct shop_purse *purse = shop_purse(shop, member);
    if (purse->points < 100) return shop_sell(shop, member, out_fault);
    int64_t points = shop_pick(shop, 3) == 0 ? purse->points : purse->points / 100 * 50;
    purse->points -= points;
    shop->last_spender = member;
    snprintf(spend_id, sizeof spend_id, "s-%" PRIu64, shop->event_number);
    redeem.spend_id = spend_id;
    redeem.n_currencies = 1;
    redeem.currencies = currencies;
    redeem.what_case = TALLYBOOK__V1__REDEEM__WHAT_POINTS;
    redeem.points = points;
    event.payload_case = TALLYBOOK__V1__EVENT__PAYLOAD_REDEEM;
    event.redeem = &redeem;
    return shop_tell(shop, member, &event, out_fault);
}

/* One of the last orders comes back: its first line, or the whole of it before it was sent. */
static bool
shop_take_back(struct demo_shop *shop, bool cancelled, struct fault *out_fault)
{
    uint32_t kept =
        shop->order_number < SHOP_ORDERS_KEPT ? shop->order_number : (uint32_t)SHOP_ORDERS_KEPT;
    uint32_t number = shop->order_number - 1 - shop_pick(shop, cancelled ? kept / 40 + 1 : kept);
    /* Now and then by someone who has just spent the points of it. */
    uint32_t spent = shop->purses[shop->last_spender].last_order;
    if (!cancelled && shop_pick(shop, 5) == 0 && shop->order_number - spent < kept) number = spent;
    struct shop_order *order = &shop->orders[number % SHOP_ORDERS_KEPT];
    Tallybook__V1__Event event = TALLYBOOK__V1__EVENT__INIT;
    char order_id[SHOP_TEXT_BYTES], refund_id[SHOP_TEXT_BYTES];
    if (order->over) return shop_sell(shop, order->member, out_fault);
    order->over = true;
    snprintf(order_id, sizeof order_id, "o-%" PRIu32, order->number);
    snprintf(refund_id, sizeof refund_id, "r-%" PRIu32, order->number);
    struct shop_purse *purse = shop_purse(shop, order->member);
    purse->points -= order->goods_minor / 100;
    if (purse->points < 0) purse->points = 0;
    if (cancelled) {
        Tallybook__V1__Cancellation cancellation = TALLYBOOK__V1__CANCELLATION__INIT;
        cancellation.order_id = order_id;
        event.payload_case = TALLYBOOK__V1__EVENT__PAYLOAD_CANCELLATION;
        event.cancellation = &cancellation;
        return shop_tell(shop, order->member, &event, out_fault);
    }
    Tallybook__V1__RefundLine line = TALLYBOOK__V1__REFUND_LINE__INIT, *lines[] = {&line};
    Tallybook__V1__Refund refund = TALLYBOOK__V1__REFUND__INIT;
    line.line_id = shop_first_line;
    line.amount_minor = order->goods_minor;
    refund.order_id = order_id;
    refund.refund_id = refund_id;
    refund.currency = shop_money;
    refund.n_lines = 1;
    refund.lines = lines;
    event.payload_case = TALLYBOOK__V1__EVENT__PAYLOAD_REFUND;
    event.refund = &refund;
    return shop_tell(shop, order->member, &event, out_fault);
}

/* After Christmas presents come back. */
static bool
shop_is_season_of_returns(const struct demo_shop *shop)
{
    struct civil_date date = calendar_civil_from_days(shop->clock.ms / CALENDAR_DAY_MS);
    return (date.month == 12 && date.day > 26) || (date.month == 1 && date.day < 7);
}

static bool
shop_happen(struct demo_shop *shop, struct fault *out_fault)
{
    const uint32_t returns = shop_is_season_of_returns(shop) ? 150 : 35;
    uint32_t roll = shop_pick(shop, 1000);
    if (roll < 4 && shop->last_event_size > 0) /* a sender that did not hear the answer */
        return shop_write(shop, shop->last_event_partition,
                          bytes_of(shop->last_event, shop->last_event_size), out_fault);
    if (roll < 10 && shop->order_number > 0) return shop_take_back(shop, true, out_fault);
    if (roll < 80) return shop_redeem(shop, shop_pick_member(shop), out_fault);
    if (roll < 80 + returns && shop->order_number > 0)
        return shop_take_back(shop, false, out_fault);
    return shop_sell(shop, shop_pick_member(shop), out_fault);
}

/* Events a day, were every minute like this one: quiet nights, two peaks, Saturdays, and now and
 * then a rush of twenty minutes. */
static int64_t
shop_pace(struct demo_shop *shop, int64_t minute)
{
    static const uint16_t hours[24] = {150,  80,   50,   30,   40,   80,   200,  450,
                                       800,  1300, 1500, 1900, 2300, 1900, 1400, 1400,
                                       1600, 2000, 2500, 2900, 2700, 2000, 1100, 500};
    static const uint8_t weekdays[8] = {0, 90, 85, 90, 100, 120, 160, 80}; /* percent */
    int64_t hour = minute / 60 % 24;
    int64_t pace = hours[hour] * weekdays[calendar_weekday(minute / 1440)] / 100;
    if (hour >= 9 && hour < 22 && shop_pick(shop, 400) == 0) shop->rush_until_minute = minute + 20;
    return minute < shop->rush_until_minute ? pace * 4 : pace;
}

static bool
shop_live_minute(struct demo_shop *shop, struct fault *out_fault)
{
    int64_t begin_ms = shop->clock.ms;
    shop->carry += shop_pace(shop, begin_ms / DEMO_MINUTE_MS);
    int64_t count = shop->carry / 1440;
    shop->carry %= 1440;
    for (int64_t i = 0; i < count; i++) {
        shop->clock.ms = begin_ms + i * DEMO_MINUTE_MS / count;
        if (!shop_happen(shop, out_fault)) return false;
    }
    shop->clock.ms = begin_ms + DEMO_MINUTE_MS;
    return true;
}

/* ---- The shop
 * --------------------------------------------------------------------------------------------------------
 */

bool
demo_shop_open(struct journal *journal, struct instant start, uint64_t seed,
               struct demo_shop **out_shop, struct fault *out_fault)
{
    struct demo_shop *shop = calloc(1, sizeof *shop);
    CHECK(shop != NULL && start.ms % CALENDAR_DAY_MS == 0);
    shop->partition_count = journal->ops->partition_count(journal);
    shop->start = shop->clock = start;
    shop->random = seed;
    shop->records = calloc(shop->partition_count, sizeof *shop->records);
    CHECK(shop->records != NULL);
    for (uint32_t i = 0; i < shop->partition_count; i++)
        codec_record_begin(&shop->builders[i], shop->records[i], SHOP_RECORD_BYTES);
    if (!journal->ops->open_appender(journal, &shop->appender, out_fault)) {
        demo_shop_close(shop);
        return false;
    }
    *out_shop = shop;
    return true;
}

bool
demo_shop_activate(struct demo_shop *shop, const struct activation *activation,
                   struct fault *out_fault)
{
    for (uint32_t i = 0; i < shop->partition_count; i++) {
        CHECK(codec_record_add_activation(&shop->builders[i], activation, shop->clock.ms));
        if (!shop_append(shop, i, out_fault)) return false;
    }
    return true;
}

bool
demo_shop_advance(struct demo_shop *shop, struct instant until, struct fault *out_fault)
{
    const struct tick tick = {.has_anchor = false};
    CHECK(until.ms % DEMO_MINUTE_MS == 0);
    if (until.ms <= shop->clock.ms) return true;
    while (shop->clock.ms < until.ms)
        if (!shop_live_minute(shop, out_fault)) return false;
    for (uint32_t i = 0; i < shop->partition_count; i++) {
        if (!codec_record_add_tick(&shop->builders[i], &tick, shop->clock.ms)) {
            if (!shop_append(shop, i, out_fault)) return false;
            CHECK(codec_record_add_tick(&shop->builders[i], &tick, shop->clock.ms));
        }
        if (!shop_append(shop, i, out_fault)) return false;
    }
    return shop->appender->ops->poll(shop->appender, 0, out_fault);
}

bool
demo_shop_flush(struct demo_shop *shop, struct fault *out_fault)
{
    struct journal_appender *appender = shop->appender;
    while (appender->ops->acked(appender) < shop->appended)
        if (!appender->ops->poll(appender, SHOP_WAIT_MS, out_fault)) return false;
    return true;
}

struct instant
demo_shop_clock(const struct demo_shop *shop)
{
    return shop->clock;
}

void
demo_shop_close(struct demo_shop *shop)
{
    if (shop->appender != NULL) shop->appender->ops->close(shop->appender);
    free(shop->records);
    free(shop);
}
