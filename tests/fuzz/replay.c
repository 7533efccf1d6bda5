/* Runs a harness over the files of some folders: seeds and old findings are tests in every build
 * folder. */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { INPUT_BYTES_MAX = 2 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* False when the file cannot be read. */
static bool
replay(const char *path)
{
    static uint8_t input[INPUT_BYTES_MAX];
    FILE *file = fopen(path, "rb");
    if (file == NULL) return false;
    size_t size = fread(input, 1, sizeof input, file);
    bool good = ferror(file) == 0;
    fclose(file);
    if (good) LLVMFuzzerTestOneInput(input, size);
    return good;
}

int
main(int argument_count, char **arguments)
{
    unsigned count = 0;
    for (int i = 1; i < argument_count; i++) {
        DIR *folder = opendir(arguments[i]);
        if (folder == NULL) {
            perror(arguments[i]);
            return 66;
        }
        for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
            char path[4096];
            if (entry->d_name[0] == '.') continue;
            snprintf(path, sizeof path, "%s/%s", arguments[i], entry->d_name);
            if (!replay(path)) {
                perror(path);
                return 66;
            }
            count++;
        }
        closedir(folder);
    }
    printf("%u inputs\n", count);
    return count > 0 ? 0 : 66;
}
