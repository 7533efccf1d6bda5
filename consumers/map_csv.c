#include "consumers/map_csv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/codec_event.h"
#include "consumers/codec_text.h"
#include "consumers/csv.h"
#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "engine/rules/diagnostics.h"

enum {
    /* Each row in between may open a group of its own; some more wait behind a long first one. */
    GROUPS_OPEN_MAX = MAP_GROUP_WITHIN_MAX + 56,
    KEY_BYTES_MAX = EVENT_ID_BYTES_MAX,
    TEXT_BYTES_FIRST = 4096,
    LINES_FIRST = 64,
};

#define REASON(NAME) reasons[REASON_##NAME].name

enum reason {
#define MAP_REASON(NAME, name, meaning) REASON_##NAME,
#include "consumers/map_reason.def"
#undef MAP_REASON
};

static const struct {
    struct bytes name;
    const char *meaning;
} reasons[] = {
#define MAP_REASON(NAME, name, meaning) {{(const uint8_t *)#name, sizeof #name - 1}, meaning},
#include "consumers/map_reason.def"
#undef MAP_REASON
};

/* A row that was accepted, until its event is made. Texts are offsets, for the group's text moves
 * when it grows. */
struct held_line {
    uint64_t row_line;
    struct map_value value;
    int64_t quantity_milli, amount_minor;
    uint32_t ordinal; /* in the group, from 1 */
    uint32_t sku_at, category_at, brand_at;
    uint16_t sku_size, category_size, brand_size;
};

/* The text of one id, and room for none longer. */
struct id_text {
    uint8_t size;
    uint8_t bytes[KEY_BYTES_MAX];
};

struct group {
    uint64_t hash;     /* of its name */
    uint64_t last_row; /* number of the last row that belongs to it */
    uint32_t rows;     /* so far, refused ones too */
    struct id_text name;
    bool has_time, too_many_lines;
    struct instant time; /* of the first row */
    struct id_text time_text;
    /* Set by the first accepted row: */
    const struct map_event_case *event;
    bool guest;
    struct id_text member, id, own_id; /* own: the order's or the refund's */
    struct held_line *lines;
    uint32_t line_count, line_capacity;
    uint8_t *text;
    uint32_t text_size, text_capacity;
};

struct map_csv {
    const struct map *map;
    struct csv *csv;
    map_refused *refused;
    void *context;
    uint32_t fields[MAP_COLUMNS_MAX]; /* where the file has the map's columns */
    bool ended;
    uint64_t row_number;
    struct map_totals totals;
    struct group groups[GROUPS_OPEN_MAX]; /* a ring, in order of first rows */
    uint32_t first, count;
    struct group *latest; /* where the last row belonged: where the next one most likely does */
};

static_assert(KEY_BYTES_MAX <= UINT8_MAX, "sizes of ids are kept in a byte");

/* ---- Opening ---- */

static bool
missing_column(const struct map_csv *reader, struct bytes column, const char *name,
               struct fault *out_fault)
{
    size_t count, used = 0;
    char listed[512] = "";
    const struct bytes *header = csv_header(reader->csv, &count);
    for (size_t i = 0; i < count && used < sizeof listed; i++) {
        used += (size_t)snprintf(listed + used, sizeof listed - used, "%s%.*s", i == 0 ? "" : ", ",
                                 (int)header[i].size, (const char *)header[i].data);
    }
    return fault_set(out_fault, FAULT_DATA,
                     "%s:1: the header has no column '%.*s', which the map names; it has: %s", name,
                     (int)column.size, (const char *)column.data, listed);
}

static bool
find_fields(struct map_csv *reader, const char *name, struct fault *out_fault)
{
    size_t count;
    const struct bytes *header = csv_header(reader->csv, &count);
    for (uint32_t column = 0; column < reader->map->column_count; column++) {
        size_t field = 0;
        while (field < count && !bytes_equal(header[field], reader->map->columns[column])) {
            field++;
        }
        if (field == count)
            return missing_column(reader, reader->map->columns[column], name, out_fault);
        reader->fields[column] = (uint32_t)field;
    }
    return true;
}

bool
map_csv_open(const struct map *map, int file, const char *name, map_refused *refused, void *context,
             struct map_csv **out_reader, struct fault *out_fault)
{
    struct map_csv *reader = calloc(1, sizeof *reader);
    if (reader == NULL) return fault_set(out_fault, FAULT_TRY_AGAIN, "no memory to read %s", name);
    reader->map = map;
    reader->refused = refused;
    reader->context = context;
    if (!csv_open(file, name, map->separator, &reader->csv, out_fault) ||
        !find_fields(reader, name, out_fault)) {
        map_csv_close(reader);
        return false;
    }
    *out_reader = reader;
    return true;
}

void
map_csv_close(struct map_csv *reader)
{
    if (reader == NULL) return;
    for (size_t i = 0; i < GROUPS_OPEN_MAX; i++) {
        free(reader->groups[i].lines);
        free(reader->groups[i].text);
    }
    if (reader->csv != NULL) csv_close(reader->csv);
    free(reader);
}

/* ---- Conditions and templates ---- */

static struct bytes
field_of(const struct map_csv *reader, const struct csv_row *row, uint32_t column)
{
    return row->fields[reader->fields[column]];
}

/* -1, 0 or 1; 2 for what is no decimal number. Its size does not matter. */
static int
sign_of(struct bytes text)
{
    size_t at = text.size > 0 && (text.data[0] == '-' || text.data[0] == '+');
    bool digits = false, point = false, nonzero = false;
    for (size_t i = at; i < text.size; i++) {
        bool digit = text.data[i] >= '0' && text.data[i] <= '9';
        if (!digit && (text.data[i] != '.' || point || !digits)) return 2;
        point |= !digit;
        digits |= digit;
        nonzero |= digit && text.data[i] != '0';
    }
    if (!digits) return 2;
    if (!nonzero) return 0;
    return text.data[0] == '-' ? -1 : 1;
}

static bool
condition_holds(const struct map_condition *condition, struct bytes text)
{
    switch (condition->test) {
    case MAP_STARTS_WITH: return bytes_start_with(text, condition->text);
    case MAP_NOT_STARTS_WITH: return !bytes_start_with(text, condition->text);
    case MAP_EQUALS: return bytes_equal(text, condition->text);
    case MAP_NOT_EQUALS: return !bytes_equal(text, condition->text);
    case MAP_EMPTY: return (text.size == 0) == condition->number;
    case MAP_SIGN: return sign_of(text) == condition->number;
    }
    UNREACHABLE();
}

static bool
applies(const struct map_csv *reader, const struct csv_row *row, const struct map_when *when)
{
    for (uint32_t i = 0; i < when->count; i++) {
        if (!condition_holds(&when->conditions[i],
                             field_of(reader, row, when->conditions[i].column)))
            return false;
    }
    return true;
}

/* False when the text is not fit to be an id of at most `most` bytes. */
static bool
expand(const struct map_csv *reader, const struct csv_row *row, const struct map_template *template,
       size_t most, struct id_text *out_id)
{
    size_t size = 0;
    for (uint32_t i = 0; i < template->count; i++) {
        const struct map_part *part = &template->parts[i];
        struct bytes text = part->is_column ? field_of(reader, row, part->column) : part->text;
        if (text.size > most - size) return false;
        if (text.size > 0) memcpy(out_id->bytes + size, text.data, text.size);
        size += text.size;
    }
    out_id->size = (uint8_t)size;
    return size > 0 && text_is_name(bytes_of(out_id->bytes, size));
}

static bool
ids_equal(const struct id_text *a, const struct id_text *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* ---- Judging a row ---- */

/* The value of a row as the file writes it; false when there is none. */
static bool
value_of(struct bytes quantity, struct bytes price, struct map_value *out_value)
{
    int64_t quantity_milli, price_units, units;
    if (decimal_parse(quantity, 3, &quantity_milli) != DECIMAL_OK) return false;
    if (decimal_parse(price, MAP_PRICE_DIGITS, &price_units) != DECIMAL_OK) return false;
    if (__builtin_mul_overflow(quantity_milli, price_units, &units) || units == INT64_MIN)
        return false;
    out_value->units = units;
    return true;
}

/* The reason for a figure that cannot be used; NULL when it can. */
static const struct bytes *
figure_reason(enum decimal_status status)
{
    switch (status) {
    case DECIMAL_OK: return NULL;
    case DECIMAL_EMPTY:
    case DECIMAL_MALFORMED: return &REASON(MALFORMED_NUMBER);
    case DECIMAL_TOO_MANY_DIGITS: return &REASON(TOO_MANY_DIGITS);
    case DECIMAL_OVERFLOW: return &REASON(OVERFLOW);
    }
    UNREACHABLE();
}

/* Quantity and amount of a line, both positive in the event. */
static const struct bytes *
judge_figures(const struct map_csv *reader, const struct csv_row *row, bool quantity_negative,
              struct held_line *line)
{
    int64_t quantity_milli, price_minor, product;
    struct bytes price = field_of(reader, row, reader->map->unit_price_column);
    enum decimal_status status =
        decimal_parse(field_of(reader, row, reader->map->quantity_column), 3, &quantity_milli);
    if (status != DECIMAL_OK) return figure_reason(status);
    status = decimal_parse(price, reader->map->currency->digits, &price_minor);
    if (status != DECIMAL_OK) return figure_reason(status);
    if (price_minor < 0) return &REASON(NEGATIVE_AMOUNT);
    if (quantity_milli == 0) return &REASON(ZERO_QUANTITY);
    if (quantity_milli < 0 && !quantity_negative) return &REASON(NEGATIVE_QUANTITY);
    if (quantity_milli > 0 && quantity_negative) return &REASON(POSITIVE_QUANTITY);
    if (quantity_milli < 0) quantity_milli = -quantity_milli;
    if (__builtin_mul_overflow(quantity_milli, price_minor, &product)) return &REASON(OVERFLOW);
    if (product % 1000 != 0) return &REASON(TOO_MANY_DIGITS);
    if (product / 1000 > CODEC_AMOUNT_MAX || quantity_milli > CODEC_AMOUNT_MAX)
        return &REASON(OVERFLOW);
    line->quantity_milli = quantity_milli;
    line->amount_minor = product / 1000;
    return NULL;
}

/* A time with its offset, or a local one in the map's zone. */
static bool
parse_time(const struct map *map, struct bytes text, struct instant *out_instant)
{
    struct local local;
    if (local_parse(text, &local) == INSTANT_OK) {
        *out_instant = calendar_instant(&map->zone, local);
        return out_instant->ms >= INSTANT_MIN_MS && out_instant->ms <= INSTANT_MAX_MS;
    }
    return instant_parse(text, out_instant) == INSTANT_OK;
}

/* The group's time is its first row's; later rows only have to have one. */
static const struct bytes *
judge_time(const struct map_csv *reader, const struct csv_row *row, struct group *group)
{
    struct bytes text = field_of(reader, row, reader->map->time_column);
    if (group->has_time &&
        bytes_equal(text, bytes_of(group->time_text.bytes, group->time_text.size)))
        return NULL;
    struct instant instant;
    if (text.size > KEY_BYTES_MAX || !parse_time(reader->map, text, &instant))
        return &REASON(MALFORMED_TIME);
    if (!group->has_time) {
        group->has_time = true;
        group->time = instant;
    }
    memcpy(group->time_text.bytes, text.data, text.size);
    group->time_text.size = (uint8_t)text.size;
    return NULL;
}

static const struct map_event_case *
find_event(const struct map_csv *reader, const struct csv_row *row)
{
    for (uint32_t i = 0; i < reader->map->event_count; i++) {
        if (applies(reader, row, &reader->map->events[i].when)) return &reader->map->events[i];
    }
    return NULL;
}

static const struct map_member_case *
find_member(const struct map_csv *reader, const struct csv_row *row)
{
    for (uint32_t i = 0; i < reader->map->member_count; i++) {
        if (applies(reader, row, &reader->map->members[i].when)) return &reader->map->members[i];
    }
    return NULL;
}

/* What the event is and whose: the first accepted row decides, the others must agree. */
static const struct bytes *
judge_event(const struct map_csv *reader, const struct csv_row *row, struct group *group,
            struct group *out_head)
{
    const struct map_event_case *event = find_event(reader, row);
    const struct map_member_case *member = find_member(reader, row);
    if (event == NULL) return &REASON(NO_EVENT);
    if (member == NULL) return &REASON(NO_MEMBER);
    bool first = group->line_count == 0;
    if (!first && event != group->event) return &REASON(OTHER_EVENT);
    size_t most = member->guest ? CODEC_GUEST_BYTES_MAX : EVENT_ID_BYTES_MAX;
    if (!expand(reader, row, &member->key, most, &out_head->member)) return &REASON(BAD_ID);
    out_head->guest = member->guest;
    out_head->event = event;
    if (!first)
        return out_head->guest == group->guest && ids_equal(&out_head->member, &group->member)
                   ? NULL
                   : &REASON(OTHER_MEMBER);
    const struct map_template *own =
        event->kind == EVENT_PURCHASE ? &event->order_id : &event->refund_id;
    bool named = expand(reader, row, &event->id, EVENT_ID_BYTES_MAX, &out_head->id) &&
                 expand(reader, row, own, EVENT_ID_BYTES_MAX, &out_head->own_id);
    return named ? NULL : &REASON(BAD_ID);
}

/* Texts of a line that the event carries; those left out are empty. */
static const struct bytes *
judge_texts(const struct map_csv *reader, const struct csv_row *row, struct bytes out_texts[3])
{
    const uint32_t columns[3] = {reader->map->sku_column, reader->map->category_column,
                                 reader->map->brand_column};
    for (size_t i = 0; i < 3; i++) {
        out_texts[i] =
            columns[i] == MAP_NO_COLUMN ? bytes_of(NULL, 0) : field_of(reader, row, columns[i]);
        if (out_texts[i].size > EVENT_ID_BYTES_MAX) return &REASON(BAD_ID);
        if (out_texts[i].size > 0 && !text_is_name(out_texts[i])) return &REASON(BAD_ID);
    }
    return NULL;
}

static const struct bytes *
judge_refusals(const struct map_csv *reader, const struct csv_row *row)
{
    for (uint32_t i = 0; i < reader->map->refusal_count; i++) {
        if (applies(reader, row, &reader->map->refusals[i].when))
            return &reader->map->refusals[i].reason;
    }
    return NULL;
}

/* ---- Groups ---- */

static bool
grow(void **memory, uint32_t *capacity, uint32_t needed, size_t item_size, uint32_t first,
     struct fault *out_fault)
{
    if (needed <= *capacity) return true;
    uint32_t wanted = *capacity == 0 ? first : *capacity;
    while (wanted < needed) {
        wanted *= 2;
    }
    void *grown = realloc(*memory, wanted * item_size);
    if (grown == NULL)
        return fault_set(out_fault, FAULT_TRY_AGAIN, "no memory for the rows of one order");
    *memory = grown;
    *capacity = wanted;
    return true;
}

static uint32_t
keep_text(struct group *group, struct bytes text)
{
    uint32_t at = group->text_size;
    if (text.size > 0) memcpy(group->text + at, text.data, text.size);
    group->text_size += (uint32_t)text.size;
    return at;
}

static bool
hold_line(struct group *group, struct held_line line, const struct bytes texts[3],
          struct fault *out_fault)
{
    uint32_t text_size =
        group->text_size + (uint32_t)(texts[0].size + texts[1].size + texts[2].size);
    void *lines = group->lines, *text = group->text;
    bool grown = grow(&lines, &group->line_capacity, group->line_count + 1, sizeof line,
                      LINES_FIRST, out_fault);
    group->lines = lines;
    if (!grown) return false;
    grown = grow(&text, &group->text_capacity, text_size, 1, TEXT_BYTES_FIRST, out_fault);
    group->text = text;
    if (!grown) return false;
    line.sku_at = keep_text(group, texts[0]);
    line.sku_size = (uint16_t)texts[0].size;
    line.category_at = keep_text(group, texts[1]);
    line.category_size = (uint16_t)texts[1].size;
    line.brand_at = keep_text(group, texts[2]);
    line.brand_size = (uint16_t)texts[2].size;
    group->lines[group->line_count++] = line;
    return true;
}

static struct group *
group_at(struct map_csv *reader, uint32_t index)
{
    return &reader->groups[(reader->first + index) % GROUPS_OPEN_MAX];
}

/* The open group of that name, or a new one. */
static struct group *
find_group(struct map_csv *reader, struct bytes name)
{
    struct group *latest = reader->latest;
    if (latest != NULL && bytes_equal(name, bytes_of(latest->name.bytes, latest->name.size)))
        return latest;
    uint64_t hash = hash64(name, 0);
    for (uint32_t i = reader->count; i-- > 0;) {
        struct group *group = group_at(reader, i);
        if (group->hash == hash && bytes_equal(name, bytes_of(group->name.bytes, group->name.size)))
            return group;
    }
    CHECK(reader->count < GROUPS_OPEN_MAX);
    struct group *group = group_at(reader, reader->count++);
    struct group emptied = {.hash = hash,
                            .lines = group->lines,
                            .line_capacity = group->line_capacity,
                            .text = group->text,
                            .text_capacity = group->text_capacity};
    *group = emptied;
    group->name.size = (uint8_t)name.size;
    if (name.size > 0) memcpy(group->name.bytes, name.data, name.size);
    return group;
}

static bool
add_value(struct map_value *total, struct map_value value, struct fault *out_fault)
{
    if (add_i64(total->units, value.units, &total->units)) return true;
    return fault_set(out_fault, FAULT_DATA,
                     "the values of all rows together leave 63 bits; import the file in parts");
}

static bool
refuse(struct map_csv *reader, uint64_t line, struct bytes group, struct bytes reason,
       bool has_value, struct map_value value, struct fault *out_fault)
{
    struct map_refusal refusal = {line, group, reason, has_value, value};
    reader->totals.refused++;
    reader->totals.without_value += !has_value;
    reader->refused(reader->context, &refusal);
    return !has_value || add_value(&reader->totals.refused_value, value, out_fault);
}

/* The first reason against the row; NULL when it is a line of the group. Ordered so that the map's
 * own reasons come first. */
static const struct bytes *
judge(const struct map_csv *reader, const struct csv_row *row, struct group *group,
      struct group *head, struct held_line *line, struct bytes out_texts[3])
{
    const struct bytes *time_reason = judge_time(reader, row, group);
    const struct bytes *reason = judge_refusals(reader, row);
    if (reason == NULL) reason = time_reason;
    if (reason == NULL) reason = judge_event(reader, row, group, head);
    if (reason == NULL) reason = judge_figures(reader, row, head->event->quantity_negative, line);
    if (reason == NULL) reason = judge_texts(reader, row, out_texts);
    return reason;
}

static bool
take_row(struct map_csv *reader, const struct csv_row *row, struct fault *out_fault)
{
    struct bytes name = field_of(reader, row, reader->map->group_column);
    struct held_line line = {.row_line = row->line};
    bool has_value = value_of(field_of(reader, row, reader->map->quantity_column),
                              field_of(reader, row, reader->map->unit_price_column), &line.value);
    reader->row_number++;
    reader->totals.rows++;
    if (name.size == 0 || name.size > KEY_BYTES_MAX || !text_is_name(name))
        return refuse(reader, row->line, name, REASON(BAD_ID), has_value, line.value, out_fault);
    struct group *group = find_group(reader, name);
    reader->latest = group;
    group->last_row = reader->row_number;
    line.ordinal = ++group->rows;
    struct group head;
    struct bytes texts[3];
    const struct bytes *reason = judge(reader, row, group, &head, &line, texts);
    if (reason == NULL && !has_value) reason = &REASON(OVERFLOW);
    if (reason == NULL && group->line_count == EVENT_LINES_MAX) {
        group->too_many_lines = true;
        reason = &REASON(TOO_MANY_LINES);
    }
    if (reason != NULL)
        return refuse(reader, row->line, name, *reason, has_value, line.value, out_fault);
    if (group->line_count == 0) {
        group->event = head.event;
        group->guest = head.guest;
        group->member = head.member;
        group->id = head.id;
        group->own_id = head.own_id;
    }
    return hold_line(group, line, texts, out_fault);
}

/* ---- Making events ---- */

static bool
copy_id(struct arena *arena, const struct id_text *id, struct bytes *out_text)
{
    return arena_copy_bytes(arena, bytes_of(id->bytes, id->size), out_text);
}

static bool
copy_member(struct arena *arena, const struct group *group, struct bytes *out_key)
{
    if (!group->guest) return copy_id(arena, &group->member, out_key);
    size_t prefix = sizeof KEY_GUEST_PREFIX - 1;
    uint8_t *key = arena_alloc(arena, prefix + group->member.size);
    if (key == NULL) return false;
    memcpy(key, KEY_GUEST_PREFIX, prefix);
    memcpy(key + prefix, group->member.bytes, group->member.size);
    *out_key = bytes_of(key, prefix + group->member.size);
    return true;
}

/* Lines and their texts. Ids are decimal numbers of at most ten digits, written one behind the
 * other. */
static bool
copy_lines(struct arena *arena, const struct group *group, const struct event_line **out_lines,
           uint64_t **out_row_lines)
{
    enum { ORDINAL_DIGITS_MAX = 11 };
    uint32_t count = group->line_count;
    struct event_line *lines = arena_alloc(arena, count * sizeof *lines);
    uint64_t *row_lines = arena_alloc(arena, count * sizeof *row_lines);
    uint8_t *text = arena_alloc(arena, group->text_size);
    char *ids = arena_alloc(arena, (size_t)count * ORDINAL_DIGITS_MAX);
    if (lines == NULL || row_lines == NULL || text == NULL || ids == NULL) return false;
    if (group->text_size > 0) memcpy(text, group->text, group->text_size);
    for (uint32_t i = 0; i < count; i++) {
        const struct held_line *held = &group->lines[i];
        char *id = ids + (size_t)i * ORDINAL_DIGITS_MAX;
        size_t id_size = decimal_format(held->ordinal, 0, id, ORDINAL_DIGITS_MAX);
        lines[i] = (struct event_line){
            .line_id = bytes_of(id, id_size),
            .sku = bytes_of(text + held->sku_at, held->sku_size),
            .category = bytes_of(text + held->category_at, held->category_size),
            .brand = bytes_of(text + held->brand_at, held->brand_size),
            .kind = LINE_GOODS,
            .quantity_milli = held->quantity_milli,
            .amount_minor = held->amount_minor,
        };
        row_lines[i] = held->row_line;
    }
    *out_lines = lines;
    *out_row_lines = row_lines;
    return true;
}

static void
fill_payload(const struct map_csv *reader, const struct group *group, struct bytes own_id,
             const struct event_line *lines, struct event *event)
{
    uint16_t currency = reader->map->currency->numeric;
    if (group->event->kind == EVENT_PURCHASE) {
        event->purchase = (struct purchase){.order_id = own_id,
                                            .currency = currency,
                                            .lines = lines,
                                            .line_count = group->line_count};
        return;
    }
    int64_t sum_minor = 0;
    for (uint32_t i = 0; i < group->line_count; i++) {
        sum_minor +=
            lines[i].amount_minor; /* cannot overflow: CODEC_AMOUNT_MAX × EVENT_LINES_MAX */
    }
    event->refund = (struct refund){.refund_id = own_id,
                                    .currency = currency,
                                    .amount_minor = sum_minor,
                                    .lines = lines,
                                    .line_count = group->line_count};
}

/* False when the arena is full; it is then as it was. */
static bool
make_event(const struct map_csv *reader, const struct group *group, struct arena *arena,
           struct event *out_event, struct map_rows *out_rows)
{
    size_t mark = arena_mark(arena);
    struct event event = {
        .kind = group->event->kind, .source = reader->map->source, .occurred_at = group->time};
    struct bytes own_id;
    const struct event_line *lines;
    uint64_t *row_lines;
    if (!copy_id(arena, &group->id, &event.id) || !copy_id(arena, &group->own_id, &own_id) ||
        !copy_member(arena, group, &event.member) ||
        !copy_lines(arena, group, &lines, &row_lines)) {
        arena_reset_to(arena, mark);
        return false;
    }
    fill_payload(reader, group, own_id, lines, &event);
    *out_rows = (struct map_rows){.lines = row_lines, .count = group->line_count};
    *out_event = event;
    return true;
}

/* Whether no further row can belong to the first group; a full ring ends it, too. */
static bool
first_is_closed(struct map_csv *reader)
{
    if (reader->count == 0) return false;
    return reader->ended || reader->count == GROUPS_OPEN_MAX ||
           reader->row_number - group_at(reader, 0)->last_row > reader->map->group_within;
}

static void
drop_first(struct map_csv *reader)
{
    if (reader->latest == group_at(reader, 0)) reader->latest = NULL;
    reader->first = (reader->first + 1) % GROUPS_OPEN_MAX;
    reader->count--;
}

/* An order that has lost lines would be another order: all are refused. */
static bool
refuse_lines(struct map_csv *reader, const struct group *group, struct fault *out_fault)
{
    for (uint32_t i = 0; i < group->line_count; i++) {
        const struct held_line *line = &group->lines[i];
        if (!refuse(reader, line->row_line, bytes_of(group->name.bytes, group->name.size),
                    REASON(TOO_MANY_LINES), true, line->value, out_fault))
            return false;
    }
    return true;
}

/* The first group becomes an event; MAP_STEP_END here: it has none. */
static enum map_step
close_first(struct map_csv *reader, struct arena *arena, struct event *out_event,
            struct map_rows *out_rows, struct fault *out_fault)
{
    const struct group *group = group_at(reader, 0);
    if (group->too_many_lines && !refuse_lines(reader, group, out_fault)) return MAP_STEP_FAILED;
    if (group->line_count == 0 || group->too_many_lines) {
        drop_first(reader);
        return MAP_STEP_END;
    }
    if (!make_event(reader, group, arena, out_event, out_rows)) return MAP_STEP_ARENA_FULL;
    for (uint32_t i = 0; i < group->line_count; i++) {
        if (!add_value(&out_rows->value, group->lines[i].value, out_fault)) return MAP_STEP_FAILED;
    }
    if (!add_value(&reader->totals.accepted_value, out_rows->value, out_fault))
        return MAP_STEP_FAILED;
    reader->totals.accepted += group->line_count;
    reader->totals.events++;
    drop_first(reader);
    return MAP_STEP_EVENT;
}

enum map_step
map_csv_next(struct map_csv *reader, struct arena *arena, struct event *out_event,
             struct map_rows *out_rows, struct fault *out_fault)
{
    for (;;) {
        while (first_is_closed(reader)) {
            enum map_step step = close_first(reader, arena, out_event, out_rows, out_fault);
            if (step != MAP_STEP_END) return step;
        }
        if (reader->ended) return MAP_STEP_END;
        struct csv_row row;
        if (!csv_read(reader->csv, &row, &reader->ended, out_fault)) return MAP_STEP_FAILED;
        if (!reader->ended && !take_row(reader, &row, out_fault)) return MAP_STEP_FAILED;
    }
}

struct map_totals
map_csv_totals(const struct map_csv *reader)
{
    return reader->totals;
}

uint64_t
map_csv_bytes_read(const struct map_csv *reader)
{
    return csv_bytes_read(reader->csv);
}

size_t
map_value_format(struct map_value value, char out_text[MAP_VALUE_TEXT_MAX])
{
    size_t size = decimal_format(value.units, MAP_VALUE_DIGITS, out_text, MAP_VALUE_TEXT_MAX);
    for (size_t spare = MAP_VALUE_DIGITS - 3; spare > 0 && out_text[size - 1] == '0'; spare--) {
        out_text[--size] = '\0';
    }
    return size;
}

const char *
map_reason_meaning(struct bytes reason)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (bytes_equal(reasons[i].name, reason)) return reasons[i].meaning;
    }
    return NULL;
}
