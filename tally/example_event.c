#include "tally/example_event.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "engine/base/decimal.h"
#include "engine/core/calendar.h"
#include "engine/core/event.h"
#include "engine/rules/scalar.h"
#include "engine/rules/schema.h"

enum { NUMBER_MAX = 24 };

struct writing {
    const struct program *program;
    const struct currency *only_money; /* the programme's, when it has one; else NULL */
    const struct yaml_node *event;
    struct diagnostics *diagnostics;
    struct writer *json;
};

/* ---- What people write otherwise ---- */

/* Keys that a person writes as dates, spans, money or words; the event has numbers and names. */
static const struct sugar {
    const char *key, *field;
    enum { SUGAR_MONEY, SUGAR_INSTANT, SUGAR_SPAN, SUGAR_WORD } kind;
} SUGARS[] = {
    {"amount", "amount_minor", SUGAR_MONEY},
    {"discount", "discount_minor", SUGAR_MONEY},
    {"tax", "tax_minor", SUGAR_MONEY},
    {"gift_card", "gift_card_minor", SUGAR_MONEY},
    {"points_tender", "points_tender_minor", SUGAR_MONEY},
    {"order_total", "order_total_minor", SUGAR_MONEY},
    {"activates_at", "activates_at_ms", SUGAR_INSTANT},
    {"expires_at", "expires_at_ms", SUGAR_INSTANT},
    {"expiring_from", "expiring_from_ms", SUGAR_INSTANT},
    {"expiring_until", "expiring_until_ms", SUGAR_INSTANT},
    {"until", "until_ms", SUGAR_INSTANT},
    {"timeout", "timeout_ms", SUGAR_SPAN},
    {"kind", "kind", SUGAR_WORD},
    {"style", "style", SUGAR_WORD},
};

static const struct sugar *
find_sugar(const struct yaml_node *node)
{
    if (node->kind != YAML_TEXT) return NULL;
    for (size_t i = 0; i < sizeof SUGARS / sizeof *SUGARS; i++) {
        if (bytes_equal(node->key, bytes_from_cstr(SUGARS[i].key))) return &SUGARS[i];
    }
    return NULL;
}

/* Whether it is another one than was found before. 0 is none. */
static bool
is_other_money(uint16_t money, uint16_t *found)
{
    bool other = money != 0 && *found != 0 && money != *found;
    if (money != 0) *found = money;
    return other;
}

/* The one money that rules, levels and payments name; NULL when they name several, or none. */
static const struct currency *
find_only_money(const struct program *program)
{
    uint16_t found = 0;
    bool several = false;
    for (uint32_t i = 0; i < program->rule_count; i++) {
        several |= is_other_money(program->rules[i].money, &found);
    }
    for (uint32_t i = 0; i < program->spending.payment_count; i++) {
        several |= is_other_money(program->spending.payments[i].money, &found);
    }
    for (uint32_t i = 0; i < program->group_count; i++) {
        for (uint32_t j = 0; j < program->groups[i].metric_count; j++) {
            several |= is_other_money(program->groups[i].metrics[j].money, &found);
        }
    }
    return several || found == 0 ? NULL : currency_find(found);
}

/* ---- JSON ---- */

static void
put_text(struct writer *json, struct bytes text)
{
    writer_u8(json, '"');
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\') writer_u8(json, '\\');
        writer_u8(json, text.data[i] < ' ' ? ' ' : text.data[i]);
    }
    writer_u8(json, '"');
}

static void
put_literal(struct writer *json, const char *text)
{
    writer_bytes(json, bytes_from_cstr(text));
}

static void
put_number(struct writer *json, int64_t number)
{
    char text[NUMBER_MAX];
    snprintf(text, sizeof text, "\"%lld\"", (long long)number);
    put_literal(json, text);
}

/* Whether the schema has an activity of this name; else it is one of the programme's own. */
static bool
is_common_activity(struct bytes name)
{
    if (bytes_equal(name, BYTES_LITERAL("APP_DEFINED"))) return true;
    for (int kind = ACTIVITY_CHECK_IN; kind <= ACTIVITY_BIRTHDAY; kind++) {
        struct activity activity = {.kind = (enum activity_kind)kind};
        struct bytes common = activity_name(&activity);
        if (common.size == name.size &&
            strncasecmp((const char *)common.data, (const char *)name.data, name.size) == 0)
            return true;
    }
    return false;
}

/* The name of an enum's value: `gift card` is GIFT_CARD. */
static void
put_word(struct writing *writing, const struct yaml_node *node)
{
    bool of_activity = bytes_equal(writing->event->key, BYTES_LITERAL("activity"));
    if (of_activity && !is_common_activity(node->text)) {
        put_literal(writing->json, "\"kind\":\"APP_DEFINED\",\"app_kind\":");
        put_text(writing->json, node->text);
        return;
    }
    put_text(writing->json, node->key);
    put_literal(writing->json, ":\"");
    for (size_t i = 0; i < node->text.size; i++) {
        uint8_t each = node->text.data[i];
        if (each == ' ' || each == '-') each = '_';
        if (each >= 'a' && each <= 'z') each = (uint8_t)(each - 'a' + 'A');
        if (each == '"' || each == '\\') writer_u8(writing->json, '\\');
        writer_u8(writing->json, each < ' ' ? '_' : each);
    }
    writer_u8(writing->json, '"');
}

/* ---- An event ---- */

static bool
put_sugar(struct writing *writing, const struct sugar *sugar, const struct yaml_node *node,
          const struct currency *money)
{
    int64_t value;
    struct instant instant;
    switch (sugar->kind) {
    case SUGAR_MONEY:
        if (money == NULL) {
            return diagnostics_error(writing->diagnostics, node->place,
                                     "'%s' needs the currency of the order beside it", sugar->key);
        }
        if (decimal_parse(node->text, money->digits, &value) != DECIMAL_OK) {
            return diagnostics_error(writing->diagnostics, node->place,
                                     "'%.*s' is no amount of %s with at most %u decimals",
                                     (int)node->text.size, (const char *)node->text.data,
                                     money->alpha, money->digits);
        }
        break;
    case SUGAR_INSTANT:
        if (!scalar_start(node, &writing->program->zone, writing->diagnostics, &instant))
            return false;
        value = instant.ms;
        break;
    case SUGAR_SPAN:
        if (!scalar_elapsed(node, 1, INT64_C(400) * CALENDAR_DAY_MS, writing->diagnostics, &value))
            return false;
        break;
    case SUGAR_WORD: put_word(writing, node); return true;
    }
    put_text(writing->json, bytes_from_cstr(sugar->field));
    writer_u8(writing->json, ':');
    put_number(writing->json, value);
    return true;
}

static bool put_value(struct writing *writing, const struct yaml_node *node,
                      const struct currency *money);

static bool
put_member(struct writing *writing, const struct yaml_node *node, const struct currency *money)
{
    const struct sugar *sugar = find_sugar(node);
    if (sugar != NULL) return put_sugar(writing, sugar, node, money);
    put_text(writing->json, node->key);
    writer_u8(writing->json, ':');
    return put_value(writing, node, money);
}

/* The events and parts of events whose `currency` is money. */
static bool
has_money(const struct yaml_node *map)
{
    static const char *const keys[] = {"purchase", "refund", "payment"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (bytes_equal(map->key, bytes_from_cstr(keys[i]))) return true;
    }
    return false;
}

/* The members of a map but for `left_out`, in braces; its money where it has none itself. */
static bool
put_map(struct writing *writing, const struct yaml_node *map, const struct yaml_node *left_out,
        const struct currency *money)
{
    const struct yaml_node *currency = yaml_get(map, "currency");
    const char *separator = "";
    bool sound = true;
    writer_u8(writing->json, '{');
    if (has_money(map)) {
        money = currency == NULL ? writing->only_money : currency_from_alpha(currency->text);
        if (currency == NULL && money != NULL) {
            put_literal(writing->json, "\"currency\":");
            put_text(writing->json, bytes_from_cstr(money->alpha));
            separator = ",";
        }
    }
    if (left_out != NULL) {
        put_literal(writing->json, separator);
        put_literal(writing->json, "\"lines\":[{");
        sound = put_member(writing, left_out, money);
        put_literal(writing->json, "}]");
        separator = ",";
    }
    for (const struct yaml_node *each = map->first; each != NULL; each = each->next) {
        if (each == left_out) continue;
        put_literal(writing->json, separator);
        sound = put_member(writing, each, money) && sound;
        separator = ",";
    }
    writer_u8(writing->json, '}');
    return sound;
}

static bool
put_value(struct writing *writing, const struct yaml_node *node, const struct currency *money)
{
    if (node->kind == YAML_MAP) return put_map(writing, node, NULL, money);
    if (node->kind == YAML_TEXT) {
        bool word = !node->quoted && (yaml_is(node, "true") || yaml_is(node, "false"));
        if (word) writer_bytes(writing->json, node->text);
        if (!word) put_text(writing->json, node->text);
        return true;
    }
    bool sound = true;
    writer_u8(writing->json, '[');
    for (const struct yaml_node *each = node->first; each != NULL; each = each->next) {
        if (each != node->first) writer_u8(writing->json, ',');
        sound = put_value(writing, each, money) && sound;
    }
    writer_u8(writing->json, ']');
    return sound;
}

/* An order of one line may be told by its amount alone. */
static bool
put_payload(struct writing *writing)
{
    const struct yaml_node *event = writing->event;
    bool is_order = bytes_equal(event->key, BYTES_LITERAL("purchase"));
    bool one_line = is_order && yaml_get(event, "lines") == NULL;
    put_text(writing->json, event->key);
    writer_u8(writing->json, ':');
    return put_map(writing, event, one_line ? yaml_get(event, "amount") : NULL, NULL);
}

bool
example_event_find(const struct yaml_node *step, struct diagnostics *diagnostics,
                   const struct yaml_node **out_event)
{
    const struct yaml_node *tick = yaml_get(step, "tick"), *found = NULL;
    bool only_time = false;
    if (tick != NULL && !yaml_boolean(tick, diagnostics, &only_time)) return false;
    for (size_t i = 0; i < schema_step.key_count; i++) {
        const struct schema_key *key = &schema_step.keys[i];
        const struct yaml_node *node = yaml_get(step, key->name);
        if (node == NULL || key->type != SCHEMA_EVENT) continue;
        if (found != NULL) {
            return diagnostics_error(diagnostics, node->key_place,
                                     "a step tells one event, and here are '%.*s' and '%s'",
                                     (int)found->key.size, (const char *)found->key.data,
                                     key->name);
        }
        found = node;
    }
    if (found != NULL && only_time) {
        return diagnostics_error(diagnostics, tick->key_place,
                                 "a step tells an event or 'tick: true', not both");
    }
    if (found == NULL && !only_time) {
        diagnostics_error(diagnostics, step->place, "a step tells an event, or 'tick: true'");
        diagnostics_hint(diagnostics, "for example purchase: { order_id: O1, amount: 20.00 }");
        return false;
    }
    *out_event = found;
    return true;
}

bool
example_event_write(const struct yaml_node *step, const struct yaml_node *event, uint32_t number,
                    struct instant at, const struct program *program,
                    struct diagnostics *diagnostics, struct writer *json)
{
    struct writing writing = {program, find_only_money(program), event, diagnostics, json};
    const struct yaml_node *member = yaml_get(step, "member"), *guest = yaml_get(step, "guest");
    const struct yaml_node *id = yaml_get(step, "id"), *when = yaml_get(step, "occurred_at");
    char own_id[NUMBER_MAX];
    if ((member == NULL) == (guest == NULL))
        return diagnostics_error(diagnostics, step->place, "a step names a member, or a guest");
    if (when != NULL && !scalar_start(when, &program->zone, diagnostics, &at)) return false;
    snprintf(own_id, sizeof own_id, "e%u", number);
    put_literal(json, "{\"source\":\"example\",\"id\":");
    put_text(json, id == NULL ? bytes_from_cstr(own_id) : id->text);
    put_literal(json, member != NULL ? ",\"member\":" : ",\"guest\":");
    put_text(json, member != NULL ? member->text : guest->text);
    put_literal(json, ",\"occurredAtMs\":");
    put_number(json, at.ms);
    writer_u8(json, ',');
    bool sound = put_payload(&writing);
    writer_u8(json, '}');
    if (json->overflow)
        return diagnostics_error(diagnostics, event->place, "the event is too large");
    return sound;
}
