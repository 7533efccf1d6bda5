/*
 * A folder of its own for a test that needs a disk: made under TMPDIR, removed with all it holds.
 */
#ifndef TALLYBOOK_TESTS_UNIT_DISK_FOLDER_H
#define TALLYBOOK_TESTS_UNIT_DISK_FOLDER_H

#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct disk_folder {
    char path[512];
};

static inline struct disk_folder
disk_folder_make(void)
{
    struct disk_folder folder;
    const char *parent = getenv("TMPDIR");
    snprintf(folder.path, sizeof folder.path, "%s/tallybook-XXXXXX",
             parent != NULL ? parent : "/tmp");
    cr_assert_not_null(mkdtemp(folder.path), "%s", folder.path);
    return folder;
}

static inline int
disk_folder_remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static inline void
disk_folder_remove(struct disk_folder *folder)
{
    nftw(folder->path, disk_folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* The path of a file in it; valid until the next call. */
static inline const char *
disk_folder_file(const struct disk_folder *folder, const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder->path, name);
    return path;
}

/* Inverts one bit of a file. */
static inline void
disk_flip_bit(const char *path, long long byte, unsigned bit)
{
    int file = open(path, O_RDWR);
    cr_assert_geq(file, 0, "%s", path);
    unsigned char value;
    cr_assert_eq(pread(file, &value, 1, byte), 1);
    value ^= (unsigned char)(1u << bit);
    cr_assert_eq(pwrite(file, &value, 1, byte), 1);
    close(file);
}

static inline long long
disk_file_size(const char *path)
{
    struct stat status;
    cr_assert_eq(stat(path, &status), 0, "%s", path);
    return (long long)status.st_size;
}

#endif
