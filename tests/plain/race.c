/* Two threads, one counter, no order between them: what the thread sanitizer must report. */
#include <criterion/criterion.h>
#include <pthread.h>

static int counter;

static void *
count(void *ignored)
{
    counter++;
    return ignored;
}

Test(plain, races)
{
    pthread_t first, second;

    cr_assert_eq(pthread_create(&first, NULL, count, NULL), 0);
    cr_assert_eq(pthread_create(&second, NULL, count, NULL), 0);
    pthread_join(first, NULL);
    pthread_join(second, NULL);
}
