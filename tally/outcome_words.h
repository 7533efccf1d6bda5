/* The answer to an event in words: its verdict, what that means and what to do, and what it asked
 * for and got. Written from the published outcome alone. */
#ifndef TALLYBOOK_TALLY_OUTCOME_WORDS_H
#define TALLYBOOK_TALLY_OUTCOME_WORDS_H

#include "engine/core/program.h"
#include "tally/terminal.h"
#include "tallybook/v1/output.pb-c.h"

/* `program` as in posting_words.h; without it amounts, whose decimals it has, are left out. */
void outcome_explain(const struct terminal *terminal, const struct program *program,
                     const Tallybook__V1__Outcome *outcome);

#endif
