/* The programme as the version activated last has it: what people who ask about a member need to be
 * told in its words, its zone above all, which never changes. */
#ifndef TALLYBOOK_TALLY_PROGRAMME_H
#define TALLYBOOK_TALLY_PROGRAMME_H

#include "engine/base/region.h"
#include "engine/core/program.h"
#include "tally/session.h"

struct programme {
    struct region region;
    bool known;
    struct program program;
};

/* Not known, and no fault, where no rulebook is in force yet, and where only folding a journal on
 * Kafka would tell. Close it in any case. */
bool programme_open(struct session *session, struct programme *out_programme,
                    struct fault *out_fault);
void programme_close(struct programme *programme);

/* NULL when it is not known. */
const struct program *programme_program(const struct programme *programme);
const struct zone *programme_zone(const struct programme *programme);

#endif
