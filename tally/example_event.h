/*
 * A step of an example as the event that a shop would send. What people write by hand is shorter
 * than what machines send: amounts as decimals, dates as dates, words as the rules write them, the
 * money left out where the programme has only one.
 */
#ifndef TALLYBOOK_TALLY_EXAMPLE_EVENT_H
#define TALLYBOOK_TALLY_EXAMPLE_EVENT_H

#include "engine/base/bytes.h"
#include "engine/core/program.h"
#include "engine/rules/yaml.h"

enum { EXAMPLE_EVENT_BYTES_MAX = 1 << 20 };

/** The event that a step tells: its one key that is a kind of event; NULL when the step is a tick.
 * False, with an error, when it is neither or more than one. */
bool example_event_find(const struct yaml_node *step, struct diagnostics *diagnostics,
                        const struct yaml_node **out_event);

/** Writes the step as the JSON of an event (event.proto): `number` makes its id where it has none,
 * `at` is when it reaches the ledger. False, with errors, when something cannot be read. */
bool example_event_write(const struct yaml_node *step, const struct yaml_node *event,
                         uint32_t number, struct instant at, const struct program *program,
                         struct diagnostics *diagnostics, struct writer *json);

#endif
