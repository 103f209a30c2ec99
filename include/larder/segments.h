/*
 * segments - the starts of a step that keeps checkpoints, until it gets to its end.
 *
 * They are noted beside its checkpoint folder, where the step does not see them, and go
 * with the folder. A start that leaves nothing in the folder has no part in the result
 * and is forgotten. Of one whose end nobody saw, because `larder` was killed too, the
 * length is the time until the folder was last written to.
 */
#ifndef LARDER_SEGMENTS_H
#define LARDER_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/buf.h"
#include "larder/digest.h"
#include "larder/error.h"

struct store;

enum segment_end {
    SEGMENT_KILLED, /* nobody saw it */
    SEGMENT_STOPPED,
    SEGMENT_FAILED,
    SEGMENT_LATE,
    SEGMENT_SILENT,
    SEGMENT_TRANSIENT,
    SEGMENT_PREEMPTED,
    SEGMENT_OOM,
    SEGMENT_DONE,
    N_SEGMENT_ENDS
};

struct segment {
    long long began; /* seconds since 1970, UTC */
    double wall;     /* seconds */
    enum segment_end end;
};

struct segments { /* all-zero: none */
    struct segment *segment;
    size_t n, cap;
};

/* The checkpoint folder is ready: notes that the step starts. Hold the lease of the key.
 * resumed: the folder is not empty. *s is new: segments_release(). */
int segments_begin(struct segments *s, struct store *st, const struct digest *key,
                   bool resumed, struct error *err);
/* Notes how the last of them ended, if there is one. */
int segments_end(struct segments *s, struct store *st, const struct digest *key,
                 double wall, enum segment_end end, struct error *err);
void segments_release(struct segments *s);

const char *segment_end_name(enum segment_end end);
/* Appends the line "segment BEGAN WALL END". */
void segment_write(const struct segment *g, struct buf *to);
/* Reads such lines as long as there are any. False at one that is not right. */
struct scan;
bool segments_scan(struct segments *s, struct scan *from);

#endif
