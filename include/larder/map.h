/*
 * map - string to pointer, remembering the order of insertion.
 *
 * All-zero is an empty map. Keys are copied; values are borrowed and never freed here.
 */
#ifndef LARDER_MAP_H
#define LARDER_MAP_H

#include <stddef.h>

struct map_entry {
    char *key;
    void *value;
};

struct map {
    struct map_entry *entry; /* n entries in order of insertion */
    size_t n, cap;
    size_t *slot; /* open addressing: index + 1 into entry, 0 is free */
    size_t n_slots;
};

/* The value, or NULL when the key is absent. */
void *map_get(const struct map *m, const char *key);
/* The entry, borrowed until the next map_set(), or NULL. */
struct map_entry *map_find(const struct map *m, const char *key);
/* Sets the value; returns the former one, or NULL if the key is new. */
void *map_set(struct map *m, const char *key, void *value);
void map_release(struct map *m);

/* The candidate nearest to word by edit distance, for "did you mean"; NULL when none is
 * near (distance at most 2, or a third of the word's length if that is more). */
const char *nearest_name(const char *word, const char *const *names, size_t n);

#endif
