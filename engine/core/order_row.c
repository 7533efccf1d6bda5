/* clang-format off */
/*
 * The content of an order's row behind its head (order.c); all numbers as varints but where "zigzag" is said:
 *
 *   rulebook · zigzag occurred_at · currency · tender_minor · u8 flags · when delivered, zigzag the instant
 *   groups, and for each: u8 level
 *   lines, and for each: line id (0: its number in decimal; else size + 1 and the bytes) · u8 kind · amount · discount · tax
 *   patterns, and for each: rules, and for each: its index · campaigns, and for each: its index
 *   with more than one pattern, for each line: its pattern
 *   campaigns that ask nothing of lines, and for each: its index
 *   missions, and for each: its index
 *   caps, and for each: room
 *   grants, and for each: u8 currency slot · u8 kind of its award · index of its award · requested · granted · stays · settled · dropped ·
 *                         lots, and for each: index · granted · rule · funder · flags · expires_at (0 = never, else plus 1)
 *                         parts, and for each: u8 kind of its source · index · points
 *   u8 returns: 0 where nothing was returned, and that is the end; else 1 and
 *   takings, and for each: u8 from · u8 currency slot · units · with a lot: u8 state · zigzag deadline_at · the lot as in a spend
 *   unnamed_minor · total_minor
 *   refunds, and for each: text id · amount
 *   for each line: deltas · total
 */
/* clang-format on */
#include "engine/core/pen_priv.h"

enum { LINE_NUMBER_DIGITS_MAX = 10 };

/* ---- Writing ---- */

/* The line's number as the codec writes it where a line carries no id; returns the digits' count.
 */
static size_t
line_number(uint32_t index, uint8_t out[LINE_NUMBER_DIGITS_MAX])
{
    uint8_t reversed[LINE_NUMBER_DIGITS_MAX];
    size_t count = 0;
    for (uint32_t number = index + 1; number != 0; number /= 10)
        reversed[count++] = (uint8_t)('0' + number % 10);
    for (size_t i = 0; i < count; i++)
        out[i] = reversed[count - 1 - i];
    return count;
}

/* Whether an id is what line_number would write. */
static bool
is_line_number(struct bytes id, uint32_t index)
{
    size_t left = id.size;
    uint32_t number = index + 1;
    for (; number != 0 && left > 0; number /= 10) {
        if (id.data[--left] != '0' + number % 10) return false;
    }
    return number == 0 && left == 0;
}

static void
write_lines(const struct order *order, struct pen *pen)
{
    pen_varint(pen, order->line_count);
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct event_line *line = &order->lines[i];
        bool implied = is_line_number(line->line_id, i);
        pen_varint(pen, implied ? 0 : line->line_id.size + 1);
        if (!implied) pen_bytes(pen, line->line_id);
        pen_u8(pen, (uint8_t)line->kind);
        pen_amount(pen, (uint64_t)line->amount_minor);
        pen_amount(pen, (uint64_t)line->discount_minor);
        pen_amount(pen, (uint64_t)line->tax_minor);
    }
}

static void
write_list(struct match_list list, struct pen *pen)
{
    pen_varint(pen, list.count);
    for (uint32_t i = 0; i < list.count; i++)
        pen_varint(pen, list.items[i]);
}

static void
write_match(const struct order *order, struct pen *pen)
{
    const struct order_match *match = &order->match;
    pen_varint(pen, match->pattern_count);
    for (uint32_t p = 0; p < match->pattern_count; p++) {
        write_list(match->patterns[p].rules, pen);
        write_list(match->patterns[p].campaigns, pen);
    }
    for (uint32_t i = 0; match->pattern_count > 1 && i < order->line_count; i++)
        pen_varint(pen, match->line_patterns[i]);
    write_list(match->campaigns, pen);
}

static void
write_grants(const struct order *order, struct pen *pen)
{
    pen_varint(pen, order->grant_count);
    for (uint32_t i = 0; i < order->grant_count; i++) {
        const struct order_grant *grant = &order->grants[i];
        pen_u8(pen, grant->currency);
        pen_u8(pen, (uint8_t)grant->award.kind);
        pen_varint(pen, grant->award.index);
        pen_amount(pen, (uint64_t)grant->requested);
        pen_amount(pen, (uint64_t)grant->granted);
        pen_amount(pen, (uint64_t)grant->stays);
        pen_varint(pen, (uint64_t)grant->settled);
        pen_varint(pen, (uint64_t)grant->dropped);
        pen_varint(pen, grant->lot_count);
        for (uint32_t k = 0; k < grant->lot_count; k++) {
            int64_t expires_ms = grant->lots[k].expires_ms;
            pen_varint(pen, grant->lots[k].index);
            pen_amount(pen, (uint64_t)grant->lots[k].granted);
            pen_varint(pen, grant->lots[k].rule);
            pen_varint(pen, grant->lots[k].funder);
            pen_varint(pen, grant->lots[k].flags);
            pen_amount(pen, expires_ms == INT64_MAX ? 0 : (uint64_t)expires_ms + 1);
        }
        pen_varint(pen, grant->part_count);
        for (uint32_t k = 0; k < grant->part_count; k++) {
            pen_u8(pen, (uint8_t)grant->parts[k].source.kind);
            pen_varint(pen, grant->parts[k].source.index);
            pen_varint(pen, (uint64_t)grant->parts[k].points);
        }
    }
}

static bool
has_lot(enum taken_from from)
{
    return from == TAKEN_LOT || from == TAKEN_HELD;
}

static void
write_returns(const struct order *order, struct pen *pen)
{
    pen_varint(pen, order->taking_count);
    for (uint32_t i = 0; i < order->taking_count; i++) {
        const struct order_taking *taking = &order->takings[i];
        pen_u8(pen, (uint8_t)taking->from);
        pen_u8(pen, taking->currency);
        pen_varint(pen, (uint64_t)taking->units);
        if (!has_lot(taking->from)) continue;
        pen_u8(pen, taking->lot.state);
        pen_zigzag(pen, taking->lot.deadline_ms);
        pen_lot(pen, &taking->lot);
    }
    pen_varint(pen, (uint64_t)order->unnamed_minor);
    pen_varint(pen, (uint64_t)order->total_minor);
    pen_varint(pen, order->refund_count);
    for (uint32_t i = 0; i < order->refund_count; i++) {
        pen_prefixed(pen, order->refunds[i].id);
        pen_varint(pen, (uint64_t)order->refunds[i].amount_minor);
    }
    for (uint32_t i = 0; i < order->line_count; i++) {
        pen_varint(pen, (uint64_t)order->line_deltas[i]);
        pen_varint(pen, (uint64_t)order->line_totals[i]);
    }
}

static size_t
list_bytes_max(struct match_list list)
{
    return (list.count + 1) * (size_t)BYTES_VARINT_MAX;
}

size_t
order_bytes_max(const struct order *order)
{
    size_t bytes = 1024 + order->order_id.size + list_bytes_max(order->match.campaigns) +
                   list_bytes_max(order->missions);
    bytes += (order->room_count + order->taking_count * (size_t)4) * BYTES_VARINT_MAX;
    bytes += order->taking_count * (size_t)LOT_IMAGE_BYTES_MAX;
    for (uint32_t p = 0; p < order->match.pattern_count; p++) {
        bytes += list_bytes_max(order->match.patterns[p].rules) +
                 list_bytes_max(order->match.patterns[p].campaigns);
    }
    for (uint32_t i = 0; i < order->grant_count; i++) {
        bytes += (17 + 6 * (size_t)order->grants[i].lot_count +
                  3 * (size_t)order->grants[i].part_count) *
                 BYTES_VARINT_MAX;
    }
    for (uint32_t i = 0; i < order->refund_count; i++)
        bytes += order->refunds[i].id.size + 2 * BYTES_VARINT_MAX;
    for (uint32_t i = 0; i < order->line_count; i++)
        bytes += order->lines[i].line_id.size + 8 * BYTES_VARINT_MAX;
    return bytes;
}

void
order_encode(const struct order *order, struct writer *writer)
{
    struct pen open = pen_begin(writer, order_bytes_max(order)), *pen = &open;
    pen_head(pen, REFERENCE_ORDER, order->member, order->order_id);
    pen_varint(pen, order->rulebook);
    pen_amount(pen, pen_zigzagged(order->occurred_at.ms));
    pen_varint(pen, order->currency);
    pen_varint(pen, (uint64_t)order->tender_minor);
    pen_u8(pen, order->flags);
    if (order->flags & ORDER_DELIVERED) pen_zigzag(pen, order->delivered_ms);
    pen_varint(pen, order->group_count);
    for (uint32_t i = 0; i < order->group_count; i++)
        pen_u8(pen, order->levels[i]);
    write_lines(order, pen);
    write_match(order, pen);
    write_list(order->missions, pen);
    pen_varint(pen, order->room_count);
    for (uint32_t i = 0; i < order->room_count; i++)
        pen_varint(pen, (uint64_t)order->rooms[i]);
    write_grants(order, pen);
    pen_u8(pen, order->line_deltas != NULL);
    if (order->line_deltas != NULL) {
        /* Another pen, so that the one of every purchase never leaves its register. */
        struct pen rest = open;
        write_returns(order, &rest);
        open = rest;
    }
    pen_end(pen, writer);
}

/* ---- Reading ---- */

static void *
list_room(struct arena *arena, size_t count, size_t item_bytes)
{
    void *list = arena_alloc(arena, (count + 1) * item_bytes);
    CHECK(list != NULL);
    memset(list, 0, (count + 1) * item_bytes);
    return list;
}

static uint32_t
read_count(struct reader *reader)
{
    uint64_t count = reader_varint(reader);
    CHECK(count <= reader_left(reader));
    return (uint32_t)count;
}

static int64_t
read_amount(struct reader *reader)
{
    return (int64_t)reader_varint(reader);
}

static void
read_lines(struct reader *reader, struct arena *arena, struct order *order)
{
    order->line_count = read_count(reader);
    struct event_line *lines = list_room(arena, order->line_count, sizeof *lines);
    for (uint32_t i = 0; i < order->line_count; i++) {
        struct event_line *line = &lines[i];
        uint64_t size = reader_varint(reader);
        if (size == 0) {
            uint8_t *number = list_room(arena, LINE_NUMBER_DIGITS_MAX, 1);
            line->line_id = bytes_of(number, line_number(i, number));
        } else {
            line->line_id = reader_bytes(reader, size - 1);
        }
        line->kind = reader_u8(reader);
        line->amount_minor = read_amount(reader);
        line->discount_minor = read_amount(reader);
        line->tax_minor = read_amount(reader);
    }
    order->lines = lines;
}

static struct match_list
read_list(struct reader *reader, struct arena *arena)
{
    uint32_t count = read_count(reader);
    uint16_t *items = list_room(arena, count, sizeof *items);
    for (uint32_t i = 0; i < count; i++)
        items[i] = (uint16_t)reader_varint(reader);
    return (struct match_list){items, count};
}

static void
read_match(struct reader *reader, struct arena *arena, struct order *order)
{
    struct order_match *match = &order->match;
    match->pattern_count = read_count(reader);
    struct match_pattern *patterns = list_room(arena, match->pattern_count, sizeof *patterns);
    uint16_t *line_patterns = list_room(arena, order->line_count, sizeof *line_patterns);
    for (uint32_t p = 0; p < match->pattern_count; p++) {
        patterns[p].rules = read_list(reader, arena);
        patterns[p].campaigns = read_list(reader, arena);
    }
    for (uint32_t i = 0; match->pattern_count > 1 && i < order->line_count; i++)
        line_patterns[i] = (uint16_t)reader_varint(reader);
    match->patterns = patterns;
    match->line_patterns = line_patterns;
    match->campaigns = read_list(reader, arena);
}

static void
read_grant(struct reader *reader, struct arena *arena, struct order_grant *grant)
{
    grant->currency = reader_u8(reader);
    grant->award.kind = reader_u8(reader);
    grant->award.index = (uint32_t)reader_varint(reader);
    grant->requested = read_amount(reader);
    grant->granted = read_amount(reader);
    grant->stays = read_amount(reader);
    grant->settled = read_amount(reader);
    grant->dropped = read_amount(reader);
    grant->lot_count = read_count(reader);
    struct order_lot *lots = list_room(arena, grant->lot_count, sizeof *lots);
    for (uint32_t k = 0; k < grant->lot_count; k++) {
        lots[k].index = (uint32_t)reader_varint(reader);
        lots[k].granted = read_amount(reader);
        lots[k].rule = (uint16_t)reader_varint(reader);
        lots[k].funder = (uint16_t)reader_varint(reader);
        lots[k].flags = (uint8_t)reader_varint(reader);
        uint64_t expires = reader_varint(reader);
        lots[k].expires_ms = expires == 0 ? INT64_MAX : (int64_t)(expires - 1);
    }
    grant->lots = lots;
    grant->part_count = read_count(reader);
    struct order_part *parts = list_room(arena, grant->part_count, sizeof *parts);
    for (uint32_t k = 0; k < grant->part_count; k++) {
        parts[k].source.kind = reader_u8(reader);
        parts[k].source.index = (uint32_t)reader_varint(reader);
        parts[k].points = read_amount(reader);
    }
    grant->parts = parts;
}

static void
read_takings(struct reader *reader, struct arena *arena, struct order *order)
{
    order->taking_count = read_count(reader);
    order->takings = list_room(arena, order->taking_count, sizeof *order->takings);
    for (uint32_t i = 0; i < order->taking_count; i++) {
        struct order_taking *taking = &order->takings[i];
        taking->from = reader_u8(reader);
        taking->currency = reader_u8(reader);
        taking->units = read_amount(reader);
        if (!has_lot(taking->from)) continue;
        uint8_t state = reader_u8(reader);
        int64_t deadline_ms = reader_zigzag(reader);
        taking->lot = reader_lot(reader);
        taking->lot.state = state;
        taking->lot.deadline_ms = deadline_ms;
        taking->lot.currency = taking->currency;
    }
}

/* Lists are there, all zeros, also where nothing was returned. */
static void
read_returns(struct reader *reader, struct arena *arena, struct order *order)
{
    order->line_deltas = list_room(arena, order->line_count, sizeof *order->line_deltas);
    order->line_totals = list_room(arena, order->line_count, sizeof *order->line_totals);
    order->takings = NULL;
    order->refunds = list_room(arena, 0, sizeof *order->refunds);
    if (reader_u8(reader) == 0) return;
    read_takings(reader, arena, order);
    order->unnamed_minor = read_amount(reader);
    order->total_minor = read_amount(reader);
    order->refund_count = read_count(reader);
    order->refunds = list_room(arena, order->refund_count, sizeof *order->refunds);
    for (uint32_t i = 0; i < order->refund_count; i++) {
        order->refunds[i].id = reader_prefixed(reader);
        order->refunds[i].amount_minor = read_amount(reader);
    }
    for (uint32_t i = 0; i < order->line_count; i++) {
        order->line_deltas[i] = read_amount(reader);
        order->line_totals[i] = read_amount(reader);
    }
}

void
order_decode(struct bytes content, struct arena *arena, struct order *out_order)
{
    struct reader open = reader_of(content), *reader = &open;
    struct order order = {0};
    CHECK(reader_u8(reader) == REFERENCE_VERSION && reader_u8(reader) == REFERENCE_ORDER);
    order.member = reader_varint(reader);
    order.order_id = reader_prefixed(reader);
    order.rulebook = (uint32_t)reader_varint(reader);
    order.occurred_at.ms = reader_zigzag(reader);
    order.currency = (uint16_t)reader_varint(reader);
    order.tender_minor = read_amount(reader);
    order.flags = reader_u8(reader);
    if (order.flags & ORDER_DELIVERED) order.delivered_ms = reader_zigzag(reader);
    order.group_count = (uint32_t)reader_varint(reader);
    CHECK(order.group_count <= PROGRAM_GROUPS_MAX);
    for (uint32_t i = 0; i < order.group_count; i++)
        order.levels[i] = reader_u8(reader);
    read_lines(reader, arena, &order);
    read_match(reader, arena, &order);
    order.missions = read_list(reader, arena);
    order.room_count = read_count(reader);
    int64_t *rooms = list_room(arena, order.room_count, sizeof *rooms);
    for (uint32_t i = 0; i < order.room_count; i++)
        rooms[i] = read_amount(reader);
    order.rooms = rooms;
    order.grant_count = read_count(reader);
    order.grants = list_room(arena, order.grant_count, sizeof *order.grants);
    for (uint32_t i = 0; i < order.grant_count; i++)
        read_grant(reader, arena, &order.grants[i]);
    read_returns(reader, arena, &order);
    CHECK(reader_done(reader));
    *out_order = order;
}
