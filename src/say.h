/*
 * say - lines for the person who watches: progress and messages, on standard error.
 *
 * A pipe and a terminal get the same plain lines, on a terminal above the foot of a run.
 * Colour only stresses what the words say already.
 */
#ifndef LARDER_SAY_H
#define LARDER_SAY_H

#include <stdbool.h>
#include <stdio.h>

#include "cli.h"
#include "foot.h"
#include "larder/buf.h"

enum say_level { SAY_QUIET = -1, SAY_NORMAL = 0, SAY_VERBOSE = 1 };
enum say_tone { TONE_PLAIN, TONE_GOOD, TONE_BAD, TONE_FAINT };

struct say {
    FILE *to;
    enum say_level level;
    bool color;
    struct foot *foot; /* borrowed; NULL: there is none */
};

/* Chooses the level and the colour from the command line, NO_COLOR and the terminal. */
void say_init(struct say *say, const struct cli *cli, FILE *to);

/* A line, unless the level asks for less. The newline is added. */
void say_line(const struct say *say, enum say_level level, enum say_tone tone,
              const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* "larder: STORY", told at every level. */
void say_error(const struct say *say, const struct error *err);

/* Appends a duration: "0.4 s", "41.2 s", "12 min 5 s", "3 h 20 min". */
void say_seconds(double seconds, struct buf *to);
/* Appends a time, seconds since 1970: "2026-11-28 01:02:03 UTC". */
void say_time(long long when, struct buf *to);
/* Appends about how long: "41 s", "12 min", "3 h 20 min". */
void say_roughly(double seconds, struct buf *to);
/* Appends a size: "812 B", "4.5 KiB", "1.2 GiB". */
void say_bytes(long long size, struct buf *to);

#endif
