#include "consumers/codec_payload_priv.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "consumers/codec_event.h"
#include "consumers/codec_text.h"
#include "consumers/codec_wire_priv.h"
#include "engine/core/quantity.h"

/* What one payload's reading shares, however deep it is. A function that returns false and leaves
 * error->problem at CODEC_NONE met the end of the arena. */
struct reading {
    struct arena *arena;
    struct codec_error *error;
    bool canonical;
};

static bool message_read(struct reading *reading, const struct message_spec *message,
                         struct bytes bytes, void *out, told_fields *out_told);

/* ---- Texts ---- */

static bool
is_app_kind(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!fits) return false;
    }
    return true;
}

static bool
size_check(struct reading *reading, const struct field_spec *spec, struct bytes text,
           size_t size_max)
{
    if (text.size <= size_max) return true;
    return form_error(reading->error, "%s: has %zu bytes; the limit is %zu", spec->name, text.size,
                      size_max);
}

static bool
text_read(struct reading *reading, const struct field_spec *spec, struct bytes text)
{
    switch (spec->rule) {
    case FIELD_TEXT:
        if (!size_check(reading, spec, text, CODEC_TEXT_BYTES_MAX)) return false;
        return text_is_utf8(text) ||
               form_error(reading->error, "%s: is not UTF-8 without NUL", spec->name);
    case FIELD_APP_KIND:
        if (!size_check(reading, spec, text, CODEC_ATTRIBUTE_KEY_BYTES_MAX)) return false;
        return is_app_kind(text) ||
               form_error(reading->error, "%s: must be lower-case letters, digits, '_' and '-'",
                          spec->name);
    case FIELD_JOURNAL_ID:
        return text.size == 0 || text.size == JOURNAL_ID_BYTES ||
               form_error(reading->error, "%s: has %zu bytes, not %d", spec->name, text.size,
                          JOURNAL_ID_BYTES);
    case FIELD_KEY:
        if (!size_check(reading, spec, text, CODEC_ATTRIBUTE_KEY_BYTES_MAX)) return false;
        break;
    default:
        if (!size_check(reading, spec, text, CODEC_NAME_BYTES_MAX)) return false;
        break;
    }
    return text_is_name(text) ||
           form_error(reading->error, "%s: is not UTF-8 without control characters", spec->name);
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

/* ---- Numbers ---- */

/* What is told in words of a number that does not fit. */
static bool
number_refused(struct reading *reading, const struct field_spec *spec, int64_t value,
               const char *why)
{
    return form_error(reading->error, "%s: %" PRId64 " %s", spec->name, value, why);
}

static bool
amount_check(struct reading *reading, const struct field_spec *spec, int64_t amount)
{
    if (amount < 0) return number_refused(reading, spec, amount, "is negative");
    if (amount <= CODEC_AMOUNT_MAX) return true;
    return form_error(reading->error, "%s: %" PRId64 " is absurd; the limit is %" PRId64,
                      spec->name, amount, CODEC_AMOUNT_MAX);
}

/* A number that stays 64 bits wide, in its bounds. */
static bool
wide_check(struct reading *reading, const struct field_spec *spec, int64_t value)
{
    const int64_t timeout_ms_max = INT64_C(90) * 24 * 60 * 60 * 1000;
    switch (spec->rule) {
    case FIELD_AMOUNT: return amount_check(reading, spec, value);
    case FIELD_POINTS:
    case FIELD_TERM: return value > 0 || number_refused(reading, spec, value, "is not above zero");
    case FIELD_POINTS_LEFT:
        return value >= 0 || number_refused(reading, spec, value, "is negative");
    case FIELD_POINTS_SIGNED:
        return value != INT64_MIN || number_refused(reading, spec, value, "has more than 63 bits");
    case FIELD_INSTANT:
        return (value >= 0 && value <= CODEC_INSTANT_MS_MAX) ||
               number_refused(reading, spec, value,
                              "is no instant between 1970 and 9999 in milliseconds");
    case FIELD_TIMEOUT:
        return (value >= 0 && value <= timeout_ms_max) ||
               number_refused(reading, spec, value, "is not within 90 days in milliseconds");
    case FIELD_ORDINAL: return true;
    default: UNREACHABLE();
    }
}

/* An enum's number; false with an error when the schema has none such. */
static bool
enum_check(struct reading *reading, const struct field_spec *spec, uint64_t value)
{
    switch (spec->rule) {
    case FIELD_LINE_KIND:
        return value <= LINE_GIFT_CARD - LINE_GOODS ||
               number_refused(reading, spec, (int64_t)value, "is no kind of line");
    case FIELD_STYLE:
        return value <= REFUND_CUMULATIVE ||
               number_refused(reading, spec, (int64_t)value, "is no style of refund");
    case FIELD_ACTIVITY:
        return value <= ACTIVITY_BIRTHDAY || value == ACTIVITY_APP_DEFINED ||
               number_refused(reading, spec, (int64_t)value, "is no kind of activity");
    default: UNREACHABLE();
    }
}

static_assert(sizeof(struct points) == sizeof(int64_t) && sizeof(struct instant) == sizeof(int64_t),
              "one-field structs are written as their number");
static_assert(sizeof(enum line_kind) == sizeof(uint32_t) &&
                  sizeof(enum refund_style) == sizeof(uint32_t) &&
                  sizeof(enum activity_kind) == sizeof(uint32_t),
              "enums are written as 32 bits");

/* The number fields: the value's bounds, and its place in the core's struct. */
static bool
number_read(struct reading *reading, const struct field_spec *spec, uint64_t value, uint8_t *place)
{
    uint32_t narrow = (uint32_t)value;
    switch (spec->rule) {
    case FIELD_SMALL:
    case FIELD_DAY:
        if (value > (spec->rule == FIELD_DAY ? UINT8_MAX : UINT32_MAX))
            return form_error(reading->error, "%s: %" PRIu64 " is out of range", spec->name, value);
        if (spec->rule == FIELD_DAY)
            *place = (uint8_t)value;
        else
            memcpy(place, &narrow, sizeof narrow);
        return true;
    case FIELD_BOOL:
        if (value > 1) reading->canonical = false;
        memcpy(place, &(bool){value != 0}, sizeof(bool));
        return true;
    case FIELD_LINE_KIND:
    case FIELD_STYLE:
    case FIELD_ACTIVITY:
        if (!enum_check(reading, spec, value)) return false;
        narrow += spec->rule == FIELD_LINE_KIND ? (uint32_t)LINE_GOODS : 0;
        memcpy(place, &narrow, sizeof narrow);
        return true;
    default:
        if (!wide_check(reading, spec, (int64_t)value)) return false;
        memcpy(place, &value, sizeof value);
        return true;
    }
}

/* ---- Lists ---- */

/* How many fields of that number follow, the one just read included. */
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

/* A list's place for its next item; its memory is taken for all of them at the first. NULL with an
 * error when there are too many, without one when the arena is full. */
static uint8_t *
list_grow(struct reading *reading, const struct field_spec *spec, const struct wire_field *field,
          const struct wire *rest, size_t item_size, uint8_t *out)
{
    uint8_t *items;
    uint32_t index;
    memcpy(&items, out + spec->offset, sizeof items);
    memcpy(&index, out + spec->count_offset, sizeof index);
    if (items == NULL) {
        uint32_t count = field_count(*rest, field->number);
        if (count > spec->count_max) {
            form_error(reading->error, "%s: there are %u; the limit is %u", spec->name, count,
                       spec->count_max);
            return NULL;
        }
        items = arena_alloc(reading->arena, count * item_size);
        if (items == NULL) return NULL;
        memset(items, 0, count * item_size);
        memcpy(out + spec->offset, &items, sizeof items);
    }
    index++;
    memcpy(out + spec->count_offset, &index, sizeof index);
    return items + (index - 1) * item_size;
}

static bool
list_read(struct reading *reading, const struct field_spec *spec, const struct wire_field *field,
          const struct wire *rest, uint8_t *out)
{
    const struct message_spec *message = spec->message;
    uint8_t *item = list_grow(reading, spec, field, rest, message->size, out);
    if (item == NULL) return false;

    uint8_t *items;
    uint32_t count;
    told_fields told;
    memcpy(&items, out + spec->offset, sizeof items);
    memcpy(&count, out + spec->count_offset, sizeof count);
    bool good = message_read(reading, message, field->span, item, &told) &&
                (message->check_item == NULL || message->check_item(items, count, reading->error));
    if (good) return true;
    codec_error_prefix(reading->error, "%s[%u].", spec->name, count - 1);
    return false;
}

static bool
names_read(struct reading *reading, const struct field_spec *spec, const struct wire_field *field,
           const struct wire *rest, uint8_t *out)
{
    uint8_t *place = list_grow(reading, spec, field, rest, sizeof(struct bytes), out);
    if (place == NULL) return false;
    const struct bytes *names;
    uint32_t count;
    memcpy(&names, out + spec->offset, sizeof names);
    memcpy(&count, out + spec->count_offset, sizeof count);
    struct bytes name = field->span;
    if (name.size == 0)
        return form_error(reading->error, "%s[%u]: is empty", spec->name, count - 1);
    if (!text_read(reading, spec, name)) return false;
    for (uint32_t i = 0; i + 1 < count; i++) {
        if (!bytes_equal(names[i], name)) continue;
        return form_error(reading->error, "%s[%u]: '%.*s' is told twice", spec->name, count - 1,
                          (int)name.size, (const char *)name.data);
    }
    memcpy(place, &name, sizeof name);
    return true;
}

/* ---- Messages ---- */

static enum wire_type
rule_wire_type(enum field_rule rule)
{
    switch (rule) {
    case FIELD_UNKNOWN: UNREACHABLE();
    case FIELD_NAME:
    case FIELD_TEXT:
    case FIELD_KEY:
    case FIELD_APP_KIND:
    case FIELD_JOURNAL_ID:
    case FIELD_MONEY:
    case FIELD_NAMES:
    case FIELD_LIST:
    case FIELD_MESSAGE:
    case FIELD_MESSAGE_KEPT: return WIRE_BYTES;
    default: return WIRE_VARINT;
    }
}

/* Whether protobuf would leave the field out, had it this value. Members of a oneof it writes, but
 * none of them is accepted with one. */
static bool
is_default(const struct field_spec *spec, const struct wire_field *field)
{
    switch (spec->rule) {
    case FIELD_NAMES:
    case FIELD_LIST:
    case FIELD_MESSAGE:
    case FIELD_MESSAGE_KEPT: return false;
    default: return field->type == WIRE_BYTES ? field->span.size == 0 : field->value == 0;
    }
}

static bool
field_read(struct reading *reading, const struct field_spec *spec, const struct wire_field *field,
           const struct wire *rest, bool again, uint8_t *out)
{
    told_fields told;
    if (field->type != rule_wire_type(spec->rule))
        return form_error(reading->error, "%s: has another type than in event.proto", spec->name);
    switch (spec->rule) {
    case FIELD_NAME:
    case FIELD_TEXT:
    case FIELD_KEY:
    case FIELD_APP_KIND:
    case FIELD_JOURNAL_ID:
        if (!text_read(reading, spec, field->span)) return false;
        memcpy(out + spec->offset, &field->span, sizeof field->span);
        return true;
    case FIELD_MONEY:
        return money_read(reading, spec, field->span, (uint16_t *)(void *)(out + spec->offset));
    case FIELD_NAMES: return names_read(reading, spec, field, rest, out);
    case FIELD_LIST: return list_read(reading, spec, field, rest, out);
    case FIELD_MESSAGE:
    case FIELD_MESSAGE_KEPT:
        if (again) return form_error(reading->error, "%s: is told twice", spec->name);
        if (message_read(reading, spec->message, field->span, out + spec->offset, &told))
            return true;
        codec_error_prefix(reading->error, "%s.", spec->name);
        return false;
    default: return number_read(reading, spec, field->value, out + spec->offset);
    }
}

static bool
message_read(struct reading *reading, const struct message_spec *message, struct bytes bytes,
             void *out, told_fields *out_told)
{
    struct wire wire = wire_of(bytes);
    struct wire_field field;
    uint32_t last_number = 0;
    told_fields told = 0;
    while (wire_next(&wire, &field)) {
        const struct field_spec *spec =
            field.number < message->field_count ? &message->fields[field.number] : NULL;
        if (spec == NULL || spec->rule == FIELD_UNKNOWN) {
            reading->canonical = false;
            continue;
        }
        bool repeats = spec->rule == FIELD_LIST || spec->rule == FIELD_NAMES;
        bool in_order = field.number > last_number || (repeats && field.number == last_number);
        bool again = (told & TOLD(field.number)) != 0;
        if (!in_order || is_default(spec, &field)) reading->canonical = false;
        told |= TOLD(field.number);
        if (!field_read(reading, spec, &field, &wire, again, out)) return false;
        last_number = field.number;
    }
    if (wire.error != NULL) return form_error(reading->error, "%s", wire.error);
    if (!wire.minimal) reading->canonical = false;
    *out_told = told;
    return true;
}

enum codec_result
payload_read(const struct payload_spec *spec, struct bytes payload, struct arena *arena,
             struct event *event, bool *out_canonical, struct codec_error *out_error)
{
    struct reading reading = {.arena = arena, .error = out_error, .canonical = true};
    told_fields told;
    out_error->problem = CODEC_NONE;
    bool good =
        message_read(&reading, spec->message, payload, (uint8_t *)event + PAYLOAD_OFFSET, &told) &&
        spec->check(event, told, arena, out_error);
    if (good) {
        *out_canonical = reading.canonical;
        return CODEC_OK;
    }
    /* No problem was named: the only other thing that stops a reading is the arena's end. */
    if (out_error->problem == CODEC_NONE) return CODEC_NO_ROOM;
    codec_error_prefix(out_error, "%s.", event_kind_name(spec->kind));
    return CODEC_REFUSED;
}
