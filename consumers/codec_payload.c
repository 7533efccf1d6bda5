#include "consumers/codec_payload_priv.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>

#include "consumers/codec_event.h"
#include "consumers/codec_text.h"
#include "consumers/codec_wire_priv.h"
#include "engine/core/quantity.h"

/* ---- Tables
 * -------------------------------------------------------------------------------------------------------
 */

/* What a field is, and so which bounds it has and what it becomes. */
enum field_rule {
    FIELD_UNKNOWN = 0, /* not in the schema: let pass, no part of the content */
    FIELD_NAME,   /* struct bytes: an id or a label, up to 128 bytes without control characters */
    FIELD_TEXT,   /* struct bytes: up to 256 bytes for people */
    FIELD_MONEY,  /* uint16_t: the numeric code of an ISO 4217 currency told by its letters */
    FIELD_AMOUNT, /* int64_t: 0 to CODEC_AMOUNT_MAX */
    FIELD_POINTS, /* struct points: above 0; a member of a oneof, so told even when it is 0 */
    FIELD_SMALL,  /* uint32_t */
    FIELD_LINE_KIND,   /* enum line_kind, which is the schema's number and one */
    FIELD_FIRST_NAME,  /* struct bytes: a repeated name of which this version handles one */
    FIELD_ATTRIBUTE,   /* repeated message, checked; no rule of this version asks for it */
    FIELD_MESSAGE,     /* message, checked; no rule of this version asks for it */
    FIELD_LINE,        /* repeated message: lines and line_count at `offset` and `count_offset` */
    FIELD_DELTA_ONLY,  /* Refund.style */
    FIELD_NOT_HANDLED, /* in the schema, but not handled by this version */
};

/* A field that is checked and has no place in the core's struct. */
#define CHECKED_ONLY UINT16_MAX

struct field_spec {
    const char *name;
    enum field_rule rule;
    uint16_t offset, count_offset;
    const struct message_spec *message; /* of FIELD_MESSAGE, FIELD_LINE, FIELD_ATTRIBUTE */
};

/* Fields by their numbers. */
struct message_spec {
    const struct field_spec *fields;
    uint32_t field_count; /* the highest number and one */
};

#define AT(type, member) .offset = offsetof(struct type, member)
#define MESSAGE_OF(table)                                                                          \
    {                                                                                              \
        table, sizeof(table) / sizeof *(table)                                                     \
    }

static const struct field_spec attribute_fields[] = {
    [1] = {"key", FIELD_NAME, .offset = 0},
    [2] = {"value", FIELD_TEXT, CHECKED_ONLY},
};
static const struct message_spec attribute_message = MESSAGE_OF(attribute_fields);

static const struct field_spec birthday_fields[] = {
    [1] = {"month", FIELD_SMALL, CHECKED_ONLY},
    [2] = {"day", FIELD_SMALL, CHECKED_ONLY},
};
static const struct message_spec birthday_message = MESSAGE_OF(birthday_fields);

static const struct field_spec line_fields[] = {
    [1] = {"line_id", FIELD_NAME, AT(event_line, line_id)},
    [2] = {"kind", FIELD_LINE_KIND, AT(event_line, kind)},
    [3] = {"sku", FIELD_NAME, AT(event_line, sku)},
    [4] = {"category", FIELD_NAME, AT(event_line, category)},
    [5] = {"brand", FIELD_NAME, AT(event_line, brand)},
    [6] = {"quantity_milli", FIELD_AMOUNT, AT(event_line, quantity_milli)},
    [7] = {"amount_minor", FIELD_AMOUNT, AT(event_line, amount_minor)},
    [8] = {"discount_minor", FIELD_AMOUNT, AT(event_line, discount_minor)},
    [9] = {"tax_minor", FIELD_AMOUNT, AT(event_line, tax_minor)},
    [10] = {"attributes", FIELD_ATTRIBUTE, CHECKED_ONLY, .message = &attribute_message},
};
static const struct message_spec line_message = MESSAGE_OF(line_fields);

static const struct field_spec purchase_fields[] = {
    [1] = {"order_id", FIELD_NAME, AT(purchase, order_id)},
    [2] = {"currency", FIELD_MONEY, AT(purchase, currency)},
    [3] = {"lines", FIELD_LINE, AT(purchase, lines), offsetof(struct purchase, line_count),
           &line_message},
    [4] = {"points_tender_minor", FIELD_AMOUNT, AT(purchase, points_tender_minor)},
    [5] = {"gift_card_minor", FIELD_AMOUNT, AT(purchase, gift_card_tender_minor)},
    [6] = {"channel", FIELD_NAME, AT(purchase, channel)},
    [7] = {"store", FIELD_NAME, AT(purchase, store)},
    [8] = {"partner", FIELD_NAME, CHECKED_ONLY},
    [9] = {"attributes", FIELD_ATTRIBUTE, CHECKED_ONLY, .message = &attribute_message},
};
static const struct message_spec purchase_message = MESSAGE_OF(purchase_fields);

static const struct field_spec refund_line_fields[] = {
    [1] = {"line_id", FIELD_NAME, AT(event_line, line_id)},
    [2] = {"amount_minor", FIELD_AMOUNT, AT(event_line, amount_minor)},
    [3] = {"quantity_milli", FIELD_AMOUNT, AT(event_line, quantity_milli)},
    [4] = {"kind", FIELD_LINE_KIND, AT(event_line, kind)},
    [5] = {"sku", FIELD_NAME, AT(event_line, sku)},
    [6] = {"category", FIELD_NAME, AT(event_line, category)},
    [7] = {"brand", FIELD_NAME, AT(event_line, brand)},
};
static const struct message_spec refund_line_message = MESSAGE_OF(refund_line_fields);

static const struct field_spec refund_fields[] = {
    [1] = {"order_id", FIELD_NAME, AT(refund, order_id)},
    [2] = {"refund_id", FIELD_NAME, AT(refund, refund_id)},
    [3] = {"style", FIELD_DELTA_ONLY, CHECKED_ONLY},
    [4] = {"currency", FIELD_MONEY, AT(refund, currency)},
    [5] = {"lines", FIELD_LINE, AT(refund, lines), offsetof(struct refund, line_count),
           &refund_line_message},
    [6] = {"amount_minor", FIELD_AMOUNT, AT(refund, amount_minor)},
    [7] = {"channel", FIELD_NAME, CHECKED_ONLY},
    [8] = {"store", FIELD_NAME, CHECKED_ONLY},
    [9] = {"partner", FIELD_NAME, CHECKED_ONLY},
    [10] = {"reason", FIELD_TEXT, CHECKED_ONLY},
    [11] = {"attributes", FIELD_ATTRIBUTE, CHECKED_ONLY, .message = &attribute_message},
};
static const struct message_spec refund_message = MESSAGE_OF(refund_fields);

static const struct field_spec cancellation_fields[] = {
    [1] = {"order_id", FIELD_NAME, AT(cancellation, order_id)},
    [2] = {"reason", FIELD_TEXT, CHECKED_ONLY},
};
static const struct message_spec cancellation_message = MESSAGE_OF(cancellation_fields);

static const struct field_spec redeem_fields[] = {
    [1] = {"spend_id", FIELD_NAME, AT(redeem, spend_id)},
    [2] = {"currencies", FIELD_FIRST_NAME, AT(redeem, request.currencies)},
    [3] = {"points", FIELD_POINTS, AT(redeem, request.points)},
    [4] = {"reward", FIELD_NOT_HANDLED, CHECKED_ONLY},
    [5] = {"payment", FIELD_NOT_HANDLED, CHECKED_ONLY},
    [6] = {"reason", FIELD_TEXT, CHECKED_ONLY},
    [7] = {"actor", FIELD_NAME, CHECKED_ONLY},
    [8] = {"channel", FIELD_NAME, CHECKED_ONLY},
    [9] = {"store", FIELD_NAME, CHECKED_ONLY},
    [10] = {"attributes", FIELD_ATTRIBUTE, CHECKED_ONLY, .message = &attribute_message},
};
static const struct message_spec redeem_message = MESSAGE_OF(redeem_fields);

static const struct field_spec enrol_fields[] = {
    [1] = {"birthday", FIELD_MESSAGE, CHECKED_ONLY, .message = &birthday_message},
    [2] = {"channel", FIELD_NAME, CHECKED_ONLY},
    [3] = {"store", FIELD_NAME, CHECKED_ONLY},
    [4] = {"partner", FIELD_NAME, CHECKED_ONLY},
    [5] = {"attributes", FIELD_ATTRIBUTE, CHECKED_ONLY, .message = &attribute_message},
};
static const struct message_spec enrol_message = MESSAGE_OF(enrol_fields);

/* ---- Reading one message by its table
 * ----------------------------------------------------------------------------- */

/* What one payload's reading shares, however deep it is. A function that returns false and leaves
 * error->problem at CODEC_NONE met the end of the arena. */
struct reading {
    struct arena *arena;
    struct codec_error *error;
    bool canonical;
};

/* What one message's reading remembers from field to field. */
struct message_state {
    uint32_t last_number;
    uint32_t line_index, line_room;
    struct event_line *lines;
    uint32_t attribute_count;
    struct bytes attribute_keys[CODEC_ATTRIBUTES_MAX];
};

static bool message_read(struct reading *reading, const struct message_spec *message,
                         struct bytes bytes, void *out);

/* How many more fields of that number follow, the one just read included. */
static uint32_t
field_count(struct wire rest, uint32_t number)
{
    struct wire_field field;
    uint32_t count = 1;
    while (wire_next(&rest, &field)) {
        count += field.number == number;
    }
    return count;
}

static bool
line_read(struct reading *reading, const struct field_spec *spec, const struct wire_field *field,
          const struct wire *rest, struct message_state *state, void *out)
{
    if (state->lines == NULL) {
        uint32_t count = field_count(*rest, field->number);
        if (count > EVENT_LINES_MAX) {
            return form_error(reading->error, "%s: there are %u; the limit is %d", spec->name,
                              count, EVENT_LINES_MAX);
        }
        state->lines = arena_alloc(reading->arena, count * sizeof *state->lines);
        if (state->lines == NULL) return false;
        state->line_room = count;
        memcpy((uint8_t *)out + spec->offset, &state->lines, sizeof state->lines);
    }
    CHECK(state->line_index < state->line_room);
    struct event_line *line = &state->lines[state->line_index];
    *line = (struct event_line){.kind = LINE_GOODS};
    if (!message_read(reading, spec->message, field->span, line)) {
        codec_error_prefix(reading->error, "%s[%u].", spec->name, state->line_index);
        return false;
    }
    state->line_index++;
    memcpy((uint8_t *)out + spec->count_offset, &state->line_index, sizeof state->line_index);
    return true;
}

static bool
attribute_read(struct reading *reading, const struct field_spec *spec,
               const struct wire_field *field, struct message_state *state)
{
    if (state->attribute_count == CODEC_ATTRIBUTES_MAX) {
        return form_error(reading->error, "%s: there are more than %d", spec->name,
                          CODEC_ATTRIBUTES_MAX);
    }
    struct bytes key = {NULL, 0};
    if (!message_read(reading, spec->message, field->span, &key)) {
        codec_error_prefix(reading->error, "%s[%u].", spec->name, state->attribute_count);
        return false;
    }
    if (key.size == 0 || key.size > CODEC_ATTRIBUTE_KEY_BYTES_MAX) {
        return form_error(reading->error, "%s[%u].key: must have 1 to %d bytes", spec->name,
                          state->attribute_count, CODEC_ATTRIBUTE_KEY_BYTES_MAX);
    }
    for (uint32_t i = 0; i < state->attribute_count; i++) {
        if (bytes_equal(state->attribute_keys[i], key)) {
            return form_error(reading->error, "%s[%u].key: '%.*s' is told twice", spec->name,
                              state->attribute_count, (int)key.size, (const char *)key.data);
        }
    }
    state->attribute_keys[state->attribute_count++] = key;
    return true;
}

static bool
text_read(struct reading *reading, const struct field_spec *spec, struct bytes text)
{
    bool is_name = spec->rule != FIELD_TEXT;
    size_t size_max = is_name ? CODEC_NAME_BYTES_MAX : CODEC_TEXT_BYTES_MAX;
    if (text.size > size_max) {
        return form_error(reading->error, "%s: has %zu bytes; the limit is %zu", spec->name,
                          text.size, size_max);
    }
    if (is_name ? text_is_name(text) : text_is_utf8(text)) return true;
    return form_error(reading->error, "%s: is not UTF-8 without %s", spec->name,
                      is_name ? "control characters" : "NUL");
}

static bool
money_read(struct reading *reading, const struct field_spec *spec, struct bytes alpha,
           uint16_t *out)
{
    const struct currency *currency = alpha.size == 3 ? currency_from_alpha(alpha) : NULL;
    if (currency == NULL) {
        bool printable = alpha.size <= 16 && text_is_name(alpha);
        return codec_error_set(reading->error, CODEC_MALFORMED, VERDICT_UNKNOWN_CURRENCY,
                               "%s: '%.*s' is no ISO 4217 currency such as EUR", spec->name,
                               printable ? (int)alpha.size : 0,
                               printable ? (const char *)alpha.data : "");
    }
    *out = currency->numeric;
    return true;
}

static bool
amount_check(struct reading *reading, const struct field_spec *spec, int64_t amount)
{
    if (amount < 0)
        return form_error(reading->error, "%s: %" PRId64 " is negative", spec->name, amount);
    if (amount > CODEC_AMOUNT_MAX) {
        return form_error(reading->error, "%s: %" PRId64 " is absurd; the limit is %" PRId64,
                          spec->name, amount, CODEC_AMOUNT_MAX);
    }
    return true;
}

/* The number fields: the value's bounds, and its place in the core's struct. */
static bool
number_read(struct reading *reading, const struct field_spec *spec, uint64_t value, void *out)
{
    uint8_t *place = spec->offset == CHECKED_ONLY ? NULL : (uint8_t *)out + spec->offset;
    int64_t amount = (int64_t)value;
    switch (spec->rule) {
    case FIELD_AMOUNT:
        if (!amount_check(reading, spec, amount)) return false;
        memcpy(place, &amount, sizeof amount);
        return true;
    case FIELD_POINTS:
        if (amount <= 0) {
            return form_error(reading->error, "%s: %" PRId64 " is not above zero", spec->name,
                              amount);
        }
        memcpy(place, &(struct points){amount}, sizeof(struct points));
        return true;
    case FIELD_LINE_KIND:
        if (value > LINE_GIFT_CARD - LINE_GOODS) {
            return form_error(reading->error, "%s: %" PRIu64 " is no kind of line", spec->name,
                              value);
        }
        memcpy(place, &(enum line_kind){(enum line_kind)(value + LINE_GOODS)},
               sizeof(enum line_kind));
        return true;
    case FIELD_SMALL:
        if (value > UINT32_MAX)
            return form_error(reading->error, "%s: %" PRIu64 " is out of range", spec->name, value);
        return true;
    case FIELD_DELTA_ONLY:
        if (value == 0) return true;
        if (value == 1) {
            return codec_error_set(reading->error, CODEC_NOT_HANDLED, 0,
                                   "%s: CUMULATIVE is not handled by this version; send deltas",
                                   spec->name);
        }
        return form_error(reading->error, "%s: %" PRIu64 " is no style of refund", spec->name,
                          value);
    default: UNREACHABLE();
    }
}

static enum wire_type
rule_wire_type(enum field_rule rule)
{
    switch (rule) {
    case FIELD_AMOUNT:
    case FIELD_POINTS:
    case FIELD_SMALL:
    case FIELD_LINE_KIND:
    case FIELD_DELTA_ONLY: return WIRE_VARINT;
    default: return WIRE_BYTES;
    }
}

/* Whether protobuf would leave the field out, had it this value. */
static bool
is_default(const struct field_spec *spec, const struct wire_field *field)
{
    switch (spec->rule) {
    case FIELD_NAME:
    case FIELD_TEXT:
    case FIELD_MONEY: return field->span.size == 0;
    case FIELD_AMOUNT:
    case FIELD_SMALL:
    case FIELD_LINE_KIND:
    case FIELD_DELTA_ONLY: return field->value == 0;
    default: return false;
    }
}

static bool
name_list_read(struct reading *reading, struct bytes name, struct spend_request *request)
{
    struct bytes *names = arena_alloc(reading->arena, sizeof *names);
    if (names == NULL) return false;
    *names = name;
    request->currencies = names;
    request->currency_count = 1;
    return true;
}

static bool
field_read(struct reading *reading, const struct field_spec *spec, const struct wire_field *field,
           const struct wire *rest, struct message_state *state, void *out)
{
    if (field->type != rule_wire_type(spec->rule)) {
        return form_error(reading->error, "%s: has another type than in event.proto", spec->name);
    }
    struct bytes *text = spec->offset == CHECKED_ONLY
                             ? NULL
                             : (struct bytes *)(void *)((uint8_t *)out + spec->offset);
    switch (spec->rule) {
    case FIELD_NAME:
    case FIELD_TEXT:
        if (!text_read(reading, spec, field->span)) return false;
        if (text != NULL) *text = field->span;
        return true;
    case FIELD_FIRST_NAME:
        if (state->last_number == field->number) {
            return codec_error_set(reading->error, CODEC_NOT_HANDLED, 0,
                                   "%s: more than one is not handled by this version", spec->name);
        }
        if (field->span.size == 0) return form_error(reading->error, "%s[0]: is empty", spec->name);
        if (!text_read(reading, spec, field->span)) return false;
        return name_list_read(
            reading, field->span,
            (struct spend_request *)(void *)((uint8_t *)out + offsetof(struct redeem, request)));
    case FIELD_MONEY:
        return money_read(reading, spec, field->span,
                          (uint16_t *)(void *)((uint8_t *)out + spec->offset));
    case FIELD_ATTRIBUTE: return attribute_read(reading, spec, field, state);
    case FIELD_LINE: return line_read(reading, spec, field, rest, state, out);
    case FIELD_MESSAGE:
        if (state->last_number == field->number)
            return form_error(reading->error, "%s: is told twice", spec->name);
        if (message_read(reading, spec->message, field->span, NULL)) return true;
        codec_error_prefix(reading->error, "%s.", spec->name);
        return false;
    case FIELD_NOT_HANDLED:
        return codec_error_set(reading->error, CODEC_NOT_HANDLED, 0,
                               "%s: is not handled by this version", spec->name);
    default: return number_read(reading, spec, field->value, out);
    }
}

static bool
message_read(struct reading *reading, const struct message_spec *message, struct bytes bytes,
             void *out)
{
    struct message_state state;
    state.last_number = 0;
    state.line_index = state.line_room = 0;
    state.lines = NULL;
    state.attribute_count = 0;

    struct wire wire = wire_of(bytes);
    struct wire_field field;
    while (wire_next(&wire, &field)) {
        const struct field_spec *spec =
            field.number < message->field_count ? &message->fields[field.number] : NULL;
        if (spec == NULL || spec->rule == FIELD_UNKNOWN) {
            reading->canonical = false;
            continue;
        }
        bool repeats = spec->rule == FIELD_LINE || spec->rule == FIELD_ATTRIBUTE;
        bool in_order =
            field.number > state.last_number || (repeats && field.number == state.last_number);
        if (!in_order || is_default(spec, &field)) reading->canonical = false;
        if (!field_read(reading, spec, &field, &wire, &state, out)) return false;
        state.last_number = field.number;
    }
    if (wire.error != NULL) return form_error(reading->error, "%s", wire.error);
    if (!wire.minimal) reading->canonical = false;
    return true;
}

/* ---- What concerns several fields
 * --------------------------------------------------------------------------------- */

static int
line_compare_ids(const void *left, const void *right)
{
    const struct event_line *const *a = left, *const *b = right;
    return bytes_compare((*a)->line_id, (*b)->line_id);
}

/* Every line has an id of its own in the event; what carries none is called by its place: "1", "2",
 * …. False with *out_error when two lines have one id, untouched when the arena is full. */
static bool
lines_identify(struct event_line *lines, uint32_t count, struct arena *arena,
               struct codec_error *out_error)
{
    enum { DIGITS_MAX = 5 };
    const struct event_line **sorted = arena_alloc(arena, count * sizeof *sorted);
    char *names = arena_alloc(arena, count * DIGITS_MAX);
    if (sorted == NULL || names == NULL) return false;

    for (uint32_t i = 0; i < count; i++) {
        sorted[i] = &lines[i];
        if (lines[i].line_id.size != 0) continue;
        char *name = names + i * DIGITS_MAX;
        size_t size = 0;
        uint32_t power = 1;
        while (power * 10 <= i + 1)
            power *= 10;
        for (; power != 0; power /= 10)
            name[size++] = (char)('0' + (i + 1) / power % 10);
        lines[i].line_id = bytes_of(name, size);
    }
    qsort(sorted, count, sizeof *sorted, line_compare_ids);
    for (uint32_t i = 1; i < count; i++) {
        struct bytes id = sorted[i]->line_id;
        if (bytes_equal(sorted[i - 1]->line_id, id)) {
            return form_error(out_error, "lines: '%.*s' names two lines", (int)id.size,
                              (const char *)id.data);
        }
    }
    return true;
}

static bool
purchase_check(struct event *event, struct arena *arena, struct codec_error *out_error)
{
    struct purchase *purchase = &event->purchase;
    /* The lines were made here, in the arena; const is for the core. */
    struct event_line *lines = (struct event_line *)(uintptr_t)purchase->lines;
    if (purchase->order_id.size == 0) return form_error(out_error, "order_id: is missing");
    if (purchase->currency == 0) return form_error(out_error, "currency: is missing");
    if (purchase->line_count == 0) return form_error(out_error, "lines: there are none");

    int64_t paid_minor = 0;
    for (uint32_t i = 0; i < purchase->line_count; i++) {
        struct event_line *line = &lines[i];
        if (line->discount_minor > line->amount_minor) {
            return form_error(out_error,
                              "lines[%u].discount_minor: is above the line's amount_minor", i);
        }
        if (line->tax_minor > line->amount_minor - line->discount_minor) {
            return form_error(out_error,
                              "lines[%u].tax_minor: is above amount_minor less discount_minor", i);
        }
        if (line->quantity_milli == 0) line->quantity_milli = 1000;
        paid_minor += line->amount_minor - line->discount_minor;
    }
    if (purchase->points_tender_minor + purchase->gift_card_tender_minor > paid_minor) {
        return form_error(out_error,
                          "points_tender_minor and gift_card_minor: pay more than the order costs");
    }
    return lines_identify(lines, purchase->line_count, arena, out_error);
}

static bool
refund_check(struct event *event, struct arena *arena, struct codec_error *out_error)
{
    struct refund *refund = &event->refund;
    struct event_line *lines = (struct event_line *)(uintptr_t)refund->lines;
    if (refund->refund_id.size == 0) return form_error(out_error, "refund_id: is missing");
    if (refund->currency == 0) return form_error(out_error, "currency: is missing");
    if (refund->line_count == 0) {
        if (refund->amount_minor != 0) return true;
        return form_error(out_error, "amount_minor: is missing, and there are no lines");
    }

    int64_t sum_minor = 0;
    for (uint32_t i = 0; i < refund->line_count; i++) {
        if (refund->order_id.size != 0 && lines[i].line_id.size == 0) {
            return form_error(out_error,
                              "lines[%u].line_id: is missing: which line of the order is it?", i);
        }
        sum_minor += lines[i].amount_minor;
    }
    if (refund->amount_minor == 0) refund->amount_minor = sum_minor;
    if (refund->amount_minor < sum_minor) {
        return form_error(out_error, "amount_minor: is less than the sum of the lines");
    }
    if (refund->amount_minor > sum_minor) {
        return codec_error_set(out_error, CODEC_NOT_HANDLED, 0,
                               "amount_minor: more than the sum of the lines is not handled by "
                               "this version; send the rest "
                               "as a refund without lines");
    }
    return lines_identify(lines, refund->line_count, arena, out_error);
}

static bool
cancellation_check(struct event *event, struct arena *arena, struct codec_error *out_error)
{
    (void)arena;
    if (event->cancellation.order_id.size == 0)
        return form_error(out_error, "order_id: is missing");
    return true;
}

static bool
redeem_check(struct event *event, struct arena *arena, struct codec_error *out_error)
{
    (void)arena;
    if (event->redeem.spend_id.size == 0) return form_error(out_error, "spend_id: is missing");
    event->redeem.request.what = SPEND_POINTS;
    if (event->redeem.request.points.units == 0) return form_error(out_error, "points: is missing");
    return true;
}

static bool
enrol_check(struct event *event, struct arena *arena, struct codec_error *out_error)
{
    (void)event;
    (void)arena;
    (void)out_error;
    return true;
}

/* ---- Kinds
 * --------------------------------------------------------------------------------------------------------
 */

static const struct payload_spec payload_specs[] = {
    {30, EVENT_PURCHASE, &purchase_message, offsetof(struct event, purchase), purchase_check},
    {31, EVENT_REFUND, &refund_message, offsetof(struct event, refund), refund_check},
    {32, EVENT_CANCELLATION, &cancellation_message, offsetof(struct event, cancellation),
     cancellation_check},
    {60, EVENT_REDEEM, &redeem_message, offsetof(struct event, redeem), redeem_check},
    {80, EVENT_ENROL, &enrol_message, 0, enrol_check},
};

enum { PAYLOADS = sizeof payload_specs / sizeof *payload_specs };

const struct payload_spec *
payload_find(uint32_t number)
{
    for (size_t i = 0; i < PAYLOADS; i++) {
        if (payload_specs[i].number == number) return &payload_specs[i];
    }
    return NULL;
}

const struct payload_spec *
payload_of_kind(enum event_kind kind)
{
    for (size_t i = 0; i < PAYLOADS; i++) {
        if (payload_specs[i].kind == kind) return &payload_specs[i];
    }
    return NULL;
}

enum codec_result
payload_read(const struct payload_spec *spec, struct bytes payload, struct arena *arena,
             struct event *event, bool *out_canonical, struct codec_error *out_error)
{
    struct reading reading = {.arena = arena, .error = out_error, .canonical = true};
    out_error->problem = CODEC_NONE;
    bool good = message_read(&reading, spec->message, payload, (uint8_t *)event + spec->offset) &&
                spec->check(event, arena, out_error);
    if (good) {
        *out_canonical = reading.canonical;
        return CODEC_OK;
    }
    /* No problem was named: the only other thing that stops a reading is the arena's end. */
    if (out_error->problem == CODEC_NONE) return CODEC_NO_ROOM;
    codec_error_prefix(out_error, "%s.", codec_event_kind_name(spec->kind));
    return out_error->problem == CODEC_NOT_HANDLED ? CODEC_UNREADABLE : CODEC_REFUSED;
}
