/* How decoding answers: what came of the bytes, and what is wrong with them in words. */
#ifndef TALLYBOOK_CONSUMERS_CODEC_ERROR_H
#define TALLYBOOK_CONSUMERS_CODEC_ERROR_H

#include <stdbool.h>
#include <stdint.h>

/* In memory only; what is published and journalled is the code. */
enum codec_problem {
#define PROBLEM(NAME, code, meaning) CODEC_##NAME,
#include "consumers/codec_problem.def"
#undef PROBLEM
};

enum { CODEC_ERROR_BYTES = 256 };

/* `text` names the field and what is wrong with it: "purchase.lines[3].amount_minor: is negative".
 */
struct codec_error {
    enum codec_problem problem;
    uint32_t
        verdict; /* of the form stage, when the event is to be journalled all the same; else 0 */
    char text[CODEC_ERROR_BYTES];
};

enum codec_result {
    CODEC_OK, /* an event */
    /* Source, id, kind and member can be read, something else is wrong: it is journalled and gets
     * the verdict (interfaces.md, "Verdict or dead letter"). */
    CODEC_REFUSED,
    CODEC_UNREADABLE, /* a dead letter, and a hole in the journal */
    /* The arena is full: nothing is said about the bytes; reset the arena and try again. */
    CODEC_NO_ROOM,
};

/* The published code of a problem: "bad_protobuf". */
const char *codec_problem_code(enum codec_problem problem);

/* Fills *out. Always returns false, for `return codec_error_set(…)`. */
bool codec_error_set(struct codec_error *out, enum codec_problem problem, uint32_t verdict,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Puts the name of what holds the field before the text: "lines[3]." */
void codec_error_prefix(struct codec_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
