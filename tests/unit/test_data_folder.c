#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "consumers/data_folder.h"
#include "tests/unit/disk_folder.h"

static struct fault fault;

/* What another process hears that opens the folder: 0, or the fault's kind; its text in *out. */
static int
open_elsewhere(const char *path, struct fault *out)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        struct data_folder *folder;
        struct fault told = {.kind = 0};
        if (data_folder_open(path, &folder, &told)) _exit(0);
        if (write(ends[1], &told, sizeof told) != sizeof told) _exit(1);
        _exit(told.kind);
    }
    close(ends[1]);
    memset(out, 0, sizeof *out);
    ssize_t got = read(ends[0], out, sizeof *out);
    close(ends[0]);
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && got >= 0);
    return WEXITSTATUS(status);
}

Test(data_folder, is_one_process_at_a_time)
{
    struct disk_folder parent = disk_folder_make();
    char path[1024], pid[32];
    snprintf(path, sizeof path, "%s/data", parent.path);
    snprintf(pid, sizeof pid, "process %ld since 2", (long)getpid());
    struct data_folder *folder;
    struct fault told;
    cr_assert(data_folder_create(path, &fault), "%s", fault.text);
    cr_expect_eq(open_elsewhere(path, &told), 0, "%s", told.text);
    cr_assert(data_folder_open(path, &folder, &fault), "%s", fault.text);
    cr_expect_eq(open_elsewhere(path, &told), FAULT_TRY_AGAIN);
    cr_expect_not_null(strstr(told.text, pid), "%s", told.text);
    data_folder_close(folder);
    cr_expect_eq(open_elsewhere(path, &told), 0, "%s", told.text);
    cr_expect_eq(open_elsewhere(path, &told), 0, "a process that ends gives it back: %s",
                 told.text);
    disk_folder_remove(&parent);
}

static void
write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

Test(data_folder, refuses_what_is_none)
{
    struct disk_folder parent = disk_folder_make();
    struct data_folder *folder;
    char made[DATA_FOLDER_PATH_BYTES];
    cr_expect_not(data_folder_open(parent.path, &folder, &fault), "an empty folder");
    cr_expect_eq(fault.kind, FAULT_NO_INPUT);
    cr_expect_not(data_folder_open(disk_folder_file(&parent, "none"), &folder, &fault), "nothing");
    cr_expect_eq(fault.kind, FAULT_NO_INPUT);
    cr_expect_not(data_folder_create(disk_folder_file(&parent, "none/data"), &fault), "no parent");
    cr_expect_eq(fault.kind, FAULT_CANNOT_CREATE);

    cr_assert(data_folder_create(parent.path, &fault), "an empty folder is taken: %s", fault.text);
    cr_expect_not(data_folder_create(parent.path, &fault), "a second time");
    cr_expect_eq(fault.kind, FAULT_CANNOT_CREATE);
    cr_assert(data_folder_path(parent.path, DATA_FOLDER_STATE, made, &fault));
    cr_expect_eq(access(made, W_OK), 0, "%s", made);

    write_text(disk_folder_file(&parent, "FORMAT"), "tallybook data folder 2\n");
    cr_expect_not(data_folder_open(parent.path, &folder, &fault), "a version of tomorrow");
    cr_expect_eq(fault.kind, FAULT_DATA);
    cr_expect_not_null(strstr(fault.text, "folder 2"), "%s", fault.text);
    unlink(disk_folder_file(&parent, "FORMAT"));
    cr_expect_not(data_folder_create(parent.path, &fault), "a folder that holds something");
    cr_expect_eq(fault.kind, FAULT_CANNOT_CREATE);

    char deep[2000];
    memset(deep, 'd', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    cr_expect_not(data_folder_open(deep, &folder, &fault), "a path too long");
    cr_expect_eq(fault.kind, FAULT_CONFIG);
    disk_folder_remove(&parent);
}
