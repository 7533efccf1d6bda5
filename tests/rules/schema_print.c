/* Prints what is generated from the table of keys, for the test that compares it with what stands
 * in the repository. */
#include <stdio.h>
#include <string.h>

#include "engine/rules/schema.h"

int
main(int argument_count, char **arguments)
{
    if (argument_count == 2 && strcmp(arguments[1], "json") == 0) {
        schema_write_json(stdout);
    } else if (argument_count == 2 && strcmp(arguments[1], "reference") == 0) {
        schema_write_reference(stdout);
    } else {
        fputs("usage: schema_print json|reference\n", stderr);
        return 64;
    }
    return 0;
}
