/* The account of an import: every row of the input ends as accepted, known already, or refused with
 * a reason, and their values add up to the input's exactly.
 *
 * Events wait here, with their rows, from the append to their outcome. Not thread-safe. */
#ifndef TALLYBOOK_TALLY_IMPORT_ACCOUNT_H
#define TALLYBOOK_TALLY_IMPORT_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/base/bytes.h"
#include "engine/base/fault.h"
#include "tally/output_walk.h"

enum { IMPORT_REASONS_MAX = 128, IMPORT_REASON_BYTES = 40 };

/* Rows and their value in the input's own figures (units of 10^-MAP_VALUE_DIGITS; 0 where rows have
 * none). */
struct import_sum {
    uint64_t rows;
    int64_t value;
};

struct import_reason {
    char name[IMPORT_REASON_BYTES];
    struct import_sum sum;
};

struct import_account;

/* `list` gets a CSV line for each refused row (may be NULL). */
struct import_account *import_account_open(FILE *list);
void import_account_close(struct import_account *account);

/* A row that became no event. `detail`: the reason in words, with its place; may be empty. */
void import_refuse_row(struct import_account *account, uint64_t line, struct bytes group,
                       struct bytes reason, int64_t value, struct bytes detail);

/* An event was appended; its rows wait for its outcome. Events of one identity are answered in
 * order. */
void import_expect(struct import_account *account, struct bytes source, struct bytes id,
                   const uint64_t *lines, size_t count, int64_t value);

/* Takes an outcome; those of other events are passed over. */
bool import_take_outcome(struct import_account *account, const struct output_item *item,
                         struct fault *out_fault);

uint64_t import_waiting(const struct import_account *account); /* events without an outcome */

/* Sums so far. */
struct import_sum import_accepted(const struct import_account *account); /* new, and applied */
struct import_sum
import_known(const struct import_account *account); /* imported before: nothing moved */
struct import_sum import_refused(const struct import_account *account);
/* Most rows first. */
const struct import_reason *import_reasons(struct import_account *account, size_t *out_count);
uint64_t import_events(const struct import_account *account,
                       bool known); /* answered accepted, or known already */

#endif
