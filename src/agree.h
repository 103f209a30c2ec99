/*
 * agree - whether two records of one key gave the same, and what is told of it.
 */
#ifndef LARDER_AGREE_H
#define LARDER_AGREE_H

#include <stdbool.h>

#include "agreement.h"
#include "larder/error.h"
#include "larder/record.h"
#include "session.h"

struct agreed_output {
    const char *name; /* borrowed from the step */
    enum verdict verdict;
    struct digest other; /* the second one's */
    char *story;         /* how far, or what is another; ours; NULL: the same */
};

struct agreed {           /* all-zero is empty */
    enum verdict verdict; /* the worst of the outputs */
    bool absent;          /* one could not be compared, since it is not here */
    struct agreed_output *output;
    size_t n;
};

/* Holds two records of one step against each other, output by output. *a is new:
 * agreed_release(), also after an error. What is not here cannot be compared but by its
 * digest. fetch: it is asked for on the remotes first. */
int agree(struct session *s, const struct step *step, const struct record *first,
          const struct record *second, bool fetch, struct agreed *a, struct error *err);
void agreed_release(struct agreed *a);
/* Appends a line for each output that is not the same. */
void agreed_tell(const struct agreed *a, const char *indent, struct buf *to);

/* Whether all outputs are the same bytes: no object is looked at. */
bool agree_bitwise(const struct record *a, const struct record *b);

#endif
