/*
 * The values of a rulebook: text to names, durations, money and rates, exactly (semantics §1). Each
 * function reports what is wrong with the node, where and what to write instead, returns false, and
 * leaves its output untouched.
 */
#ifndef TALLYBOOK_ENGINE_RULES_SCALAR_H
#define TALLYBOOK_ENGINE_RULES_SCALAR_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/core/calendar.h"
#include "engine/core/quantity.h"
#include "engine/rules/diagnostics.h"
#include "engine/rules/yaml.h"

enum {
    SCALAR_NAME_BYTES_MAX = 64,  /* names travel with every posting */
    SCALAR_TEXT_BYTES_MAX = 128, /* of a category; as the ids of events */
    SCALAR_PERIOD_YEARS_MAX = 100,
};

/** A name of the rulebook's own: 1 to 64 of a–z A–Z 0–9 . _ -, beginning with a letter or digit. */
bool scalar_name(const struct yaml_node *node, struct diagnostics *diagnostics,
                 struct bytes *out_name);

/** Any text of 1 to 128 bytes without control characters. */
bool scalar_text(const struct yaml_node *node, struct diagnostics *diagnostics,
                 struct bytes *out_text);

/** Elapsed time: "90 s", "5 min", "2 h", "366 days" (of 24 hours), min_ms to max_ms. */
bool scalar_elapsed(const struct yaml_node *node, int64_t min_ms, int64_t max_ms,
                    struct diagnostics *diagnostics, int64_t *out_ms);

/** The same, or `none`, which is 0. */
bool scalar_elapsed_or_none(const struct yaml_node *node, int64_t min_ms, int64_t max_ms,
                            struct diagnostics *diagnostics, int64_t *out_ms);

/** "30 days", min to max. */
bool scalar_days(const struct yaml_node *node, int64_t min, int64_t max,
                 struct diagnostics *diagnostics, int32_t *out_days);

/** The same, or `none`, which is 0. */
bool scalar_days_or_none(const struct yaml_node *node, int64_t min, int64_t max,
                         struct diagnostics *diagnostics, int32_t *out_days);

/** Calendar time: "30 days", "2 weeks", "12 months", "2 years"; weeks become days. 0 is allowed, a
 * century is the most. */
bool scalar_period(const struct yaml_node *node, struct diagnostics *diagnostics,
                   int32_t *out_amount, enum calendar_unit *out_unit);

/** "rolling 12 months" or "rolling 90 days": the words after `rolling`. False, and nothing
 * reported, when the text does not begin so. */
bool scalar_is_rolling(const struct yaml_node *node);
bool scalar_rolling(const struct yaml_node *node, struct diagnostics *diagnostics,
                    int32_t *out_amount, enum calendar_unit *out_unit);

/** A day of the year, month first: "11-11". 02-29 is one. */
bool scalar_date(const struct yaml_node *node, struct diagnostics *diagnostics, uint8_t *out_month,
                 uint8_t *out_day);

/** "18:00-21:00" as minutes of the day, half-open. */
bool scalar_hours(const struct yaml_node *node, struct diagnostics *diagnostics, int32_t *out_from,
                  int32_t *out_until);

/** A date or local time, without an offset. */
bool scalar_local(const struct yaml_node *node, struct diagnostics *diagnostics,
                  struct local *out_local);

/** The start of a version: a date or local time in the zone, or an RFC 3339 instant. */
bool scalar_start(const struct yaml_node *node, const struct zone *zone,
                  struct diagnostics *diagnostics, struct instant *out_start);

/** Three letters of ISO 4217. */
bool scalar_currency(const struct yaml_node *node, struct diagnostics *diagnostics,
                     uint16_t *out_numeric);

/** "500.00 GBP", not negative. */
bool scalar_money(const struct yaml_node *node, struct diagnostics *diagnostics,
                  struct money *out_money);

/** A number of points in units of 10^-scale, not negative. */
bool scalar_points(const struct yaml_node *node, unsigned scale, struct diagnostics *diagnostics,
                   struct points *out_points);

/** "1 per 1.00 GBP" as units of 10^-scale per minor unit, and the money's currency. Above zero and
 * at most a million points per whole unit of money. */
bool scalar_rate(const struct yaml_node *node, unsigned scale, struct diagnostics *diagnostics,
                 struct rate *out_rate, uint16_t *out_numeric);

/** "0.0125 GBP" as minor units per whole point, above zero and with at most 6 decimals more than
 * the money has. */
bool scalar_cost(const struct yaml_node *node, struct diagnostics *diagnostics,
                 struct rate *out_cost, uint16_t *out_numeric);

/** "0.01 GBP per 1" as minor units per unit of 10^-scale. */
bool scalar_payment_rate(const struct yaml_node *node, unsigned scale,
                         struct diagnostics *diagnostics, struct rate *out_rate,
                         uint16_t *out_numeric);

/** A factor with at most 6 decimals, above zero and at most 1,000. */
bool scalar_factor(const struct yaml_node *node, struct diagnostics *diagnostics,
                   struct rate *out_factor);

#endif
