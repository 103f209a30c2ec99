#include "known.h"

#include "larder/banned.h"

const struct known known[] = {
    /* A signal is no failure. */
    { "add-file-sync", "fdatasync", "work", 1, FAULT_EINTR, false },
    { "files", "openat", "home/one", 1, FAULT_EINTR, false },
    { "push", "openat", "remote/cas", 1, FAULT_EINTR, false },
    { "give-large", "write", "home", 1, FAULT_EINTR, false },
    /* A read that gives less is not the end of the file. */
    { "give-copy", "read", "store/cas", 1, FAULT_SHORT, false },
    { "give-large", "read", "store/cas", 2, FAULT_SHORT, false },
    /* A key: all of it is written and read, and a folder that cannot be looked at is
     * neither private nor empty. */
    { "key-new", "write", "home/keys/.mine", 1, FAULT_SHORT, false },
    { "key-open", "read", "home/keys/mine", 1, FAULT_SHORT, false },
    { "key-open", "fstatat", "home/keys", 1, FAULT_EIO, false },
    { "key-new", "fstatat", "home/keys", 3, FAULT_EIO, false },
    /* A list of trusted keys that cannot be looked at is not absent: what it forbids is
     * forbidden, and adding a key does not write it anew. */
    { "trust-ask", "openat", "larder.trust", 1, FAULT_EIO, false },
    { "trust-add", "openat", "larder.trust", 1, FAULT_EIO, false },
    /* A listing that breaks off is not its end. */
    { "usage", "readdir", "store/cas", 2, FAULT_EIO, false },
    /* No descriptor is lost, and a remote whose listing breaks off fails. */
    { "push", "fdopendir", "remote", 1, FAULT_EIO, false },
    { "fetch-strange", "readdir", "remote/ac", 3, FAULT_EIO, false },
    /* What cannot be looked at is no stray file, and what is below it not absent. */
    { "fsck", "fstatat", "store/ac/8f", 1, FAULT_EIO, false },
    { "fsck", "fstatat", "store/cas/00", 2, FAULT_EIO, false },
    { "fsck", "fstatat", ".more", 1, FAULT_EIO, false },
    /* A record is not replaced, and no other forgotten, because it could not be read just
     * now. */
    { "record-second", "read", "store/ac/", 1, FAULT_EIO, false },
    { "find-torn", "opendir", ".more", 1, FAULT_EMFILE, false },
    { "find-torn", "readdir", ".more", 1, FAULT_EIO, false },
    { "find-torn", "renameat2", "store/ac", 1, FAULT_ENOSPC, false },
    { "drop-record", "opendir", ".more", 1, FAULT_EMFILE, false },
    { "record", "faccessat", "store/cas", 1, FAULT_EIO, false },
    /* Nor is an object damaged. */
    { "compose", "read", "store/cas", 1, FAULT_EIO, false },
    { "repair", "read", "store/cas/00", 3, FAULT_EIO, false },
    /* The starts of a step are not forgotten. */
    { "resume", "read", ".segments", 1, FAULT_EIO, false },
    { "resume", "openat", ".segments", 1, FAULT_EMFILE, false },
    /* Nothing goes while it is not known what needs it. */
    { "drop", "read", "store/ac/aa", 1, FAULT_EIO, false },
    { "drop-needed", "read", "store/cas", 3, FAULT_EIO, false },
    /* Nor is what goes into a bundle. */
    { "pack", "read", "store/cas/94", 1, FAULT_EIO, false },
    { "pack", "fstat", "store/cas/94", 1, FAULT_EIO, false },
    /* What we cannot look at is not as large as the remote's. */
    { "push-over-cut", "fstatat", "store/cas/94", 1, FAULT_EIO, false },
};
const size_t n_known = sizeof known / sizeof *known;
