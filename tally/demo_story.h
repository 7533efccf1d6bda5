/*
 * The demo's fixed story: a hundred and ten days of the shop, folded as fast as the machine can,
 * and told in a dozen lines. Everything told was read from the outputs and compared with the
 * engine's own books.
 *
 * Invariant: the same program tells the same story with the same digest, anywhere; only the rate
 * differs.
 */
#ifndef TALLYBOOK_TALLY_DEMO_STORY_H
#define TALLYBOOK_TALLY_DEMO_STORY_H

#include "tally/command.h"

/** Plays the story and tells it, as text or JSON. Returns the exit code: 70 when outputs and books
 * differ. */
int demo_story_run(struct command_context *context);

#endif
