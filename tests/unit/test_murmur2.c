/* Placement equals the Java client's: tests/golden/murmur2.tsv was computed by it
 * (tests/kafka/test_murmur2.py). */
#include "engine/base/murmur2.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

Test(murmur2, agrees_with_the_java_client)
{
    FILE *file = fopen(GOLDEN_FOLDER "/murmur2.tsv", "r");
    char line[1024];
    size_t rows = 0;
    cr_assert_not_null(file);
    cr_assert_not_null(fgets(line, sizeof line, file), "the line of columns");
    while (fgets(line, sizeof line, file) != NULL) {
        uint8_t key[256];
        size_t size = 0;
        unsigned byte;
        const char *at = line;
        for (; *at != '\t' && sscanf(at, "%2x", &byte) == 1; at += 2)
            key[size++] = (uint8_t)byte;
        int32_t hash;
        unsigned of_1, of_8, of_17, of_256;
        cr_assert_eq(sscanf(at, "%d %u %u %u %u", &hash, &of_1, &of_8, &of_17, &of_256), 5, "%s",
                     line);
        struct bytes span = bytes_of(key, size);
        cr_assert_eq((int32_t)murmur2(span), hash, "%s", line);
        cr_assert_eq(murmur2_partition(span, 1), of_1, "%s", line);
        cr_assert_eq(murmur2_partition(span, 8), of_8, "%s", line);
        cr_assert_eq(murmur2_partition(span, 17), of_17, "%s", line);
        cr_assert_eq(murmur2_partition(span, 256), of_256, "%s", line);
        rows++;
    }
    fclose(file);
    cr_assert_gt(rows, 60);
}
