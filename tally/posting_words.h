/* Postings in words: a line of a statement, and why a grant is what it is, phase by phase
 * (semantics §4). Written from what was published alone, so that whoever reads the outputs can say
 * as much. `program` is the version activated last: it gives the zone in which times are shown, and
 * tells of lots whose end is not published; NULL when it is not known, and times are shown in UTC.
 */
#ifndef TALLYBOOK_TALLY_POSTING_WORDS_H
#define TALLYBOOK_TALLY_POSTING_WORDS_H

#include "engine/core/program.h"
#include "tally/terminal.h"
#include "tallybook/v1/output.pb-c.h"

enum { POINTS_TEXT_MAX = 64 };

/* Units of 10^-scale; thousands are set apart where there are no decimals. Returns out_text. */
const char *points_text(int64_t units, uint32_t scale, char out_text[POINTS_TEXT_MAX]);

/* What happened to the points, as a member would call it: "earned". */
const char *posting_word(Tallybook__V1__Posting__Kind kind);

/* The heading of posting_statement's columns. */
void posting_statement_heading(const struct terminal *terminal);

/* One line: what came into the active balance is plus, what went is minus, what only moved
 * elsewhere stands in parentheses; what it is about stands behind. */
void posting_statement(const struct terminal *terminal, const struct program *program,
                       const Tallybook__V1__Posting *posting);

/* A sentence, and below it, of a grant, a line for each step that led to it. */
void posting_explain(const struct terminal *terminal, const struct program *program,
                     const Tallybook__V1__Posting *posting);

#endif
