/* A text as an open file, for readers of files. */
#ifndef TALLYBOOK_TESTS_UNIT_TEXT_FILE_H
#define TALLYBOOK_TESTS_UNIT_TEXT_FILE_H

#include <criterion/criterion.h>
#include <sys/mman.h>
#include <unistd.h>

static inline int
text_file(const void *text, size_t size)
{
    int file = memfd_create("text", MFD_CLOEXEC);
    cr_assert(file >= 0);
    cr_assert_eq(write(file, text, size), (ssize_t)size);
    cr_assert_eq(lseek(file, 0, SEEK_SET), 0);
    return file;
}

#endif
