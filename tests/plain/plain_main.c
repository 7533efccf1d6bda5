/* Runs every test of a program. */
#include "tests/plain/criterion/criterion.h"

int
main(void)
{
    int count = 0;
    bool all_good = true;

    for (const struct plain_test *test = plain_tests(); test != NULL; test = test->next)
        count++;
    printf("1..%d\n", count);
    for (const struct plain_test *test = plain_tests(); test != NULL; test = test->next)
        all_good = plain_run(test) && all_good;
    return count > 0 && all_good ? 0 : 1;
}
