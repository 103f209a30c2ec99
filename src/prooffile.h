/*
 * prooffile - how a proof lies in its file: for proof.c, which reads it, and prove.c,
 * which writes it.
 */
#ifndef LARDER_PROOFFILE_H
#define LARDER_PROOFFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "larder/fs.h"
#include "proof.h"

struct iovec;

enum { PROOF_BOOT_SIZE = 48 };

/* The file: this head, then what every look needs: objects, watches and texts; then what
 * only a look that finds a change needs: steps and outputs. */
#define PROOF_MAGIC "larder-proof 1\n"
struct proof_head {
    char magic[16];
    uint64_t first_sum, second_sum; /* checksums of the two parts; the first with what
                                       follows here */
    uint64_t image;
    char boot[PROOF_BOOT_SIZE];
    uint64_t n_objects, n_watches, text_size, n_steps, n_outputs;
    uint64_t n_wanted; /* of the steps */
    uint64_t is_whole; /* all of them were done */
    struct fs_state image_state;
};

/* The file of a stored object, or one of those of a tree. Sorted by digest. */
struct proof_object_entry {
    struct digest id;
    uint64_t dev, ino, size;
    int64_t mtime_ns;
    uint32_t mode, step;
};

/* A path, and what must be found there. */
enum watch_kind { WATCH_STATE, WATCH_ABSENCE };
enum { OWNER_ALL = -1, OWNER_PLACE = -2 }; /* else the index of a source */
struct proof_watch {
    struct fs_state state;
    uint32_t path; /* offset in the texts */
    int32_t owner;
    uint32_t kind, zero;
};

struct proof_step_entry {
    struct digest key, record;
    uint32_t first, n; /* outputs */
    uint32_t known, here;
};

/* Also as it stands in the file: all-zero where it is padded. */
struct proof_output_entry {
    struct object object;
};

struct proof {
    const unsigned char *at;
    size_t size;
    struct proof_head head;
    const struct proof_object_entry *object;
    const struct proof_watch *watch;
    const char *text;
    const struct proof_step_entry *step; /* NULL: the second part was not looked at */
    const struct proof_output_entry *output;
    bool *bad_step;   /* [n_steps] one of its objects is not as it was; NULL: none is */
    bool *bad_source; /* [n_sources] likewise */
    size_t n_sources;
    bool bad_all, bad_place;
    bool any; /* but for placed files: something is not as it was */
    bool second_tried;
};

/* The checksum of what follows the two sums in a head, and of pieces one after the other.
 */
uint64_t proof_head_sum(const struct proof_head *h);
uint64_t proof_parts_sum(const struct iovec *part, size_t n);

#endif
