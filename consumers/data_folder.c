#include "consumers/data_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "engine/base/clock.h"

#define FORMAT_TEXT "tallybook data folder 1\n"

struct data_folder {
    int lock;
};

bool
data_folder_path(const char *path, const char *what, char out_path[DATA_FOLDER_PATH_BYTES],
                 struct fault *out_fault)
{
    char made[DATA_FOLDER_PATH_BYTES];
    int length = snprintf(made, sizeof made, "%s/%s", path, what);
    if (length >= (int)sizeof made)
        return fault_set(out_fault, FAULT_CONFIG, "data folder: its path is longer than %d bytes",
                         DATA_FOLDER_PATH_BYTES - 32);
    memcpy(out_path, made, (size_t)length + 1);
    return true;
}

static bool
folder_is_empty(const char *path)
{
    DIR *directory = opendir(path);
    if (directory == NULL) return false;
    bool empty = true;
    for (struct dirent *entry; empty && (entry = readdir(directory)) != NULL;)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    closedir(directory);
    return empty;
}

static bool
folder_sync(const char *path)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return false;
    bool synced = fsync(directory) == 0;
    close(directory);
    return synced;
}

static bool
folder_write_file(const char *path, const char *text)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file < 0) return false;
    size_t size = strlen(text);
    bool written = write(file, text, size) == (ssize_t)size && fsync(file) == 0;
    close(file);
    return written;
}

bool
data_folder_create(const char *path, struct fault *out_fault)
{
    char format[DATA_FOLDER_PATH_BYTES], state[DATA_FOLDER_PATH_BYTES];
    if (!data_folder_path(path, "FORMAT", format, out_fault)) return false;
    if (!data_folder_path(path, DATA_FOLDER_STATE, state, out_fault)) return false;
    if (access(format, F_OK) == 0)
        return fault_set(out_fault, FAULT_CANNOT_CREATE,
                         "%s: is a data folder already; choose another one, or remove it", path);
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        return fault_set(out_fault, FAULT_CANNOT_CREATE, "%s: cannot make the folder: %s", path,
                         strerror(errno));
    if (!folder_is_empty(path))
        return fault_set(out_fault, FAULT_CANNOT_CREATE,
                         "%s: holds something that is no data folder; choose another one", path);
    if (mkdir(state, 0755) != 0 || !folder_write_file(format, FORMAT_TEXT) || !folder_sync(path))
        return fault_set(out_fault, FAULT_IO, "%s: cannot write the folder: %s", path,
                         strerror(errno));
    return true;
}

static bool
folder_check_format(const char *path, struct fault *out_fault)
{
    char format[DATA_FOLDER_PATH_BYTES], text[64] = "";
    if (!data_folder_path(path, "FORMAT", format, out_fault)) return false;
    int file = open(format, O_RDONLY | O_CLOEXEC);
    if (file < 0 && (errno == EACCES || errno == EPERM))
        return fault_set(out_fault, FAULT_NOT_ALLOWED, "%s: %s", format, strerror(errno));
    if (file < 0)
        return fault_set(out_fault, FAULT_NO_INPUT,
                         "%s: is no data folder; `tally journal create` makes one", path);
    ssize_t size = read(file, text, sizeof text - 1);
    close(file);
    if (size < 0) return fault_set(out_fault, FAULT_IO, "%s: %s", format, strerror(errno));
    if (strcmp(text, FORMAT_TEXT) == 0) return true;
    text[strcspn(text, "\n")] = '\0';
    return fault_set(out_fault, FAULT_DATA,
                     "%s: says '%s', and this program knows version %d: use the program that wrote "
                     "it, or a newer one",
                     format, text, DATA_FOLDER_VERSION);
}

static bool
folder_tell_holder(const char *path, int lock, struct fault *out_fault)
{
    char text[128] = "";
    ssize_t size = pread(lock, text, sizeof text - 1, 0);
    if (size <= 0) snprintf(text, sizeof text, "another process");
    text[strcspn(text, "\n")] = '\0';
    return fault_set(out_fault, FAULT_TRY_AGAIN,
                     "%s: locked by %s; stop it, or let it do the work through its socket", path,
                     text);
}

/* For people who look into the file, and for the message to whoever comes second. */
static bool
folder_sign(int lock)
{
    char since[32], text[128];
    struct tm utc;
    time_t seconds = (time_t)(clock_wall_ms() / 1000);
    gmtime_r(&seconds, &utc);
    strftime(since, sizeof since, "%Y-%m-%dT%H:%M:%SZ", &utc);
    int length = snprintf(text, sizeof text, "process %ld since %s\n", (long)getpid(), since);
    return ftruncate(lock, 0) == 0 && pwrite(lock, text, (size_t)length, 0) == length;
}

bool
data_folder_open(const char *path, struct data_folder **out_folder, struct fault *out_fault)
{
    char file[DATA_FOLDER_PATH_BYTES];
    if (!folder_check_format(path, out_fault)) return false;
    if (!data_folder_path(path, "LOCK", file, out_fault)) return false;
    int lock = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (lock < 0) return fault_set(out_fault, FAULT_NOT_ALLOWED, "%s: %s", file, strerror(errno));
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            folder_tell_holder(path, lock, out_fault);
        else
            fault_set(out_fault, FAULT_IO, "%s: %s", file, strerror(errno));
        goto fail;
    }
    if (!folder_sign(lock)) {
        fault_set(out_fault, FAULT_IO, "%s: %s", file, strerror(errno));
        goto fail;
    }
    struct data_folder *folder = calloc(1, sizeof *folder);
    CHECK(folder != NULL);
    folder->lock = lock;
    *out_folder = folder;
    return true;

fail:
    close(lock);
    return false;
}

void
data_folder_close(struct data_folder *folder)
{
    if (folder == NULL) return;
    close(folder->lock);
    free(folder);
}
