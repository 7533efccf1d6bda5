/* What an order earned and what returns have taken of it, so that a refund can be told from the
 * postings alone: how much the order had given, how much of it was gone before, and what this event
 * took (semantics §6). Fed with every posting of a member in order. */
#ifndef TALLYBOOK_TALLY_ORDER_ACCOUNT_H
#define TALLYBOOK_TALLY_ORDER_ACCOUNT_H

#include <stdbool.h>

#include "engine/core/program.h"
#include "tally/terminal.h"
#include "tallybook/v1/output.pb-c.h"

struct order_accounts;

struct order_accounts *order_accounts_open(void);
void order_accounts_close(struct order_accounts *accounts);

/* `asked`: the posting is of the event that is asked about. */
void order_accounts_take(struct order_accounts *accounts, const Tallybook__V1__Posting *posting,
                         bool asked);

/* A line for each order and currency of which the event asked about took, or gave back, points.
 * `program` as in posting_words.h. */
void order_accounts_explain(const struct order_accounts *accounts, const struct terminal *terminal,
                            const struct program *program);

#endif
