/*
 * own_folder - a new folder under /tmp that a test runs in, removed after it: .init and
 * .fini of a suite. Criterion runs each test as a process of its own.
 */
#ifndef UNIT_OWN_FOLDER_H
#define UNIT_OWN_FOLDER_H

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "larder/fs.h"

static char own_folder[] = "/tmp/larder-unit.XXXXXX";
static bool in_own_folder;

static inline void enter_folder(void)
{
    cr_assert(ne(ptr, mkdtemp(own_folder), NULL));
    in_own_folder = true;
    cr_assert(eq(int, chdir(own_folder), 0));
}

static inline void leave_folder(void)
{
    if (in_own_folder)
        cr_assert(eq(int, fs_remove_tree(own_folder, NULL), 0));
}

/* Writes a text into a file of the folder. */
static inline void put(const char *path, const char *text)
{
    cr_assert(eq(int, fs_write(path, text, strlen(text), false, NULL), 0));
}

#endif
