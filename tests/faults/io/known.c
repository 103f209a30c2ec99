#include "known.h"

#include "larder/banned.h"

const struct known known[] = {
    /* A signal is no failure. */
    { "add-file-sync", "fdatasync", "store", 1, FAULT_EINTR },
    { "files", "openat", "home/one", 1, FAULT_EINTR },
    { "push", "openat", "remote/cas", 1, FAULT_EINTR },
    { "give-large", "write", "home", 1, FAULT_EINTR },
};
const size_t n_known = sizeof known / sizeof *known;
