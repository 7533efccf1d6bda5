/* Wakes the mistake that TB_MUTANT names and runs the tests of the fold: every one of them is
 * linked into this program. `stream` as first argument prints digests of random journals instead,
 * which finds most mistakes in a fraction of the time. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/fold_rig.h"
#include "tests/unit/fold_stream.h"

extern int tb_mutant;
int tb_mutant;

enum { STREAMS = 2, ENTRIES = 1200 };

static void
print_digests(void)
{
    for (uint64_t seed = 1; seed <= STREAMS; seed++) {
        struct stream stream;
        struct rig rig;
        struct state_info info;
        stream_make(&stream, seed, ENTRIES);
        rig_open(&rig);
        rig.cold = seed % 2 == 0;
        stream_run(&stream, &rig, 0, stream.count);
        rig_checkpoint(&rig);
        rig_verify(&rig);
        state_info(rig.state, &info);
        printf("%016" PRIx64, info.chain);
        for (int topic = 0; topic < TOPIC_COUNT; topic++)
            printf(" %" PRIu64, info.outputs[topic].next_sequence);
        printf("\n");
        rig_close(&rig);
        stream_free(&stream);
    }
}

int
main(int argc, char **argv)
{
    const char *asked = getenv("TB_MUTANT");
    tb_mutant = asked == NULL ? 0 : atoi(asked);
    if (argc > 1 && strcmp(argv[1], "stream") == 0) {
        print_digests();
        return 0;
    }
    struct criterion_test_set *tests = criterion_initialize();
    int result = 0;
    if (criterion_handle_args(argc, argv, true)) result = criterion_run_all_tests(tests) ? 0 : 1;
    criterion_finalize(tests);
    return result;
}
