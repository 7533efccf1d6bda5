/* When granted points become spendable (semantics §4): a rule's words, as instants of one event. */
#ifndef TALLYBOOK_ENGINE_CORE_PENDING_H
#define TALLYBOOK_ENGINE_CORE_PENDING_H

#include "engine/core/program.h"

struct activation_terms {
    int64_t activates_ms; /* INT64_MAX: on delivery */
    int64_t deadline_ms;  /* INT64_MAX: none */
    bool on_delivery;
};

/* What a rule's pending (NULL: immediately) means for what happened at an instant. */
struct activation_terms pending_terms(const struct program *program,
                                      const struct program_pending *pending,
                                      struct instant occurred_at);

bool pending_equal(struct activation_terms a, struct activation_terms b);

#endif
