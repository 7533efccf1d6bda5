/* Where the program begins. Everything it can do is in commands.def. */
#include <unistd.h>

#include "engine/base/crash.h"
#include "tally/command.h"

int
main(int argc, char **argv)
{
    struct fault fault;
    if (!crash_init(&fault)) {
        fprintf(stderr, "tally: %s\n", fault.text);
        return fault.kind;
    }
    return command_run(argc > 0 ? argc - 1 : 0, argv + 1, environ);
}
