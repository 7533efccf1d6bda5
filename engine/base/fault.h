/*
 * A fault is the world saying no: a disk that is full, a file that is not there, a broker that is
 * away.
 *
 * Functions that can fail so return bool and take `struct fault *out_fault` last. The layer that
 * meets the fault calls fault_set, each layer above may add one frame with fault_wrap, and one
 * place logs it and turns its kind into the exit code. Verdicts (business) and CHECKs (our bugs)
 * never travel as faults.
 */
#ifndef TALLYBOOK_ENGINE_BASE_FAULT_H
#define TALLYBOOK_ENGINE_BASE_FAULT_H

#include <stdbool.h>

/** The values are the exit codes of sysexits.h, so that a command may return its fault's kind. */
enum fault_kind {
    FAULT_USAGE = 64,         /* the command line is wrong */
    FAULT_DATA = 65,          /* data is wrong: a corrupt file, a difference found by an audit */
    FAULT_NO_INPUT = 66,      /* an input is missing or unreadable */
    FAULT_UNAVAILABLE = 69,   /* a service, such as the broker, is away */
    FAULT_SOFTWARE = 70,      /* our own bug, met where a CHECK would destroy too much */
    FAULT_CANNOT_CREATE = 73, /* an output cannot be made */
    FAULT_IO = 74,            /* reading or writing failed */
    FAULT_TRY_AGAIN = 75,     /* passes by itself: somebody else holds it now */
    FAULT_NOT_ALLOWED = 77,   /* permissions */
    FAULT_CONFIG = 78,        /* the configuration is wrong */
};

struct fault {
    enum fault_kind kind;
    char text[2048]; /* NUL-terminated; outermost frame first; a text that is too long loses its end
                      */
};

/** Fills *out with kind and text. Always returns false, for `return fault_set(...)`. Arguments may
 * point into out->text. */
bool fault_set(struct fault *out, enum fault_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Puts a frame before the text: "frame: text"; the kind stays. Always returns false. Arguments may
 * point into out->text. */
bool fault_wrap(struct fault *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The compiler cannot see that both are always false, and would believe that whoever returns them
 * may have succeeded without filling its out-parameters. */
#define fault_set(...)                                                                             \
    ({                                                                                             \
        (fault_set)(__VA_ARGS__);                                                                  \
        false;                                                                                     \
    })
#define fault_wrap(...)                                                                            \
    ({                                                                                             \
        (fault_wrap)(__VA_ARGS__);                                                                 \
        false;                                                                                     \
    })

/** "usage", "data", "no input" …; for logs and --json. CHECKs that the kind exists. */
const char *fault_kind_name(enum fault_kind kind);

#endif
