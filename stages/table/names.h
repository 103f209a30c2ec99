/*
 * names - short lists in options: "a,b,c", and what to print for a word:
 * "a=First,b=Second".
 */
#ifndef TABLE_NAMES_H
#define TABLE_NAMES_H

#include <stddef.h>

#include "larder/error.h"

/* All-zero is empty. */
struct names {
    char *text;           /* owns the bytes */
    const char **word;    /* n words, borrowed from text */
    const char **printed; /* what stands for each, or NULL */
    size_t n;
};

/* Reads "a,b,c"; "" is an empty list. E_INPUT for an empty word or one that stands twice;
 * what names the option in the message. */
int names_list(struct names *l, const char *text, const char *what, struct error *err);
/* Reads "a=First,b=Second". */
int names_map(struct names *l, const char *text, const char *what, struct error *err);
/* Reads "a:b,c:d": word is a, printed is b. A word may stand several times. */
int names_pairs(struct names *l, const char *text, const char *what, struct error *err);
void names_release(struct names *l);

/* The place of a word, or -1. */
int names_find(const struct names *l, const char *word);
/* What to print for a word: itself when the list does not have it. */
const char *names_printed(const struct names *l, const char *word);

#endif
