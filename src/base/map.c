#include "larder/map.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "larder/mem.h"

#include "larder/banned.h"

static size_t hash(const char *s) /* FNV-1a */
{
    uint64_t h = 14695981039346656037u;

    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211u;
    return (size_t)(h ^ h >> 32);
}

/* The slot of key, or the free slot where it would go. */
static size_t *slot_of(const struct map *m, const char *key)
{
    size_t i = hash(key) & (m->n_slots - 1);

    while (m->slot[i] && strcmp(m->entry[m->slot[i] - 1].key, key) != 0)
        i = (i + 1) & (m->n_slots - 1);
    return &m->slot[i];
}

static void grow(struct map *m)
{
    m->n_slots = m->n_slots ? 2 * m->n_slots : 16;
    free(m->slot);
    m->slot = xcalloc(m->n_slots, sizeof *m->slot);
    for (size_t i = 0; i < m->n; i++)
        *slot_of(m, m->entry[i].key) = i + 1;
}

struct map_entry *map_find(const struct map *m, const char *key)
{
    size_t i = m->n_slots ? *slot_of(m, key) : 0;

    return i ? &m->entry[i - 1] : NULL;
}

void *map_get(const struct map *m, const char *key)
{
    const struct map_entry *e = map_find(m, key);

    return e ? e->value : NULL;
}

void *map_set(struct map *m, const char *key, void *value)
{
    struct map_entry *e = map_find(m, key);

    if (e) {
        void *former = e->value;

        e->value = value;
        return former;
    }
    if (4 * (m->n + 1) > 3 * m->n_slots)
        grow(m);
    GROW(m->entry, m->n + 1, m->cap);
    m->entry[m->n] = (struct map_entry){ .key = xstrdup(key), .value = value };
    *slot_of(m, key) = m->n + 1;
    m->n++;
    return NULL;
}

void map_release(struct map *m)
{
    for (size_t i = 0; i < m->n; i++)
        free(m->entry[i].key);
    free(m->entry);
    free(m->slot);
    *m = (struct map){ 0 };
}

enum { NAME_LONGEST = 63 };

/* Edit distance with insertions, deletions, substitutions and swaps of neighbours. */
static size_t distance(const char *a, const char *b)
{
    size_t row[3][NAME_LONGEST + 1], n = strlen(a), m = strlen(b);
    size_t *before = row[0], *above = row[1], *here = row[2];

    for (size_t j = 0; j <= m; j++)
        above[j] = j;
    for (size_t i = 1; i <= n; i++) {
        here[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);

            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (here[j - 1] + 1 < best)
                best = here[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            here[j] = best;
        }
        size_t *oldest = before;

        before = above;
        above = here;
        here = oldest;
    }
    return above[m];
}

const char *nearest_name(const char *word, const char *const *names, size_t n)
{
    size_t length = strlen(word);
    size_t most = length < 5 ? 1 : length < 9 ? 2 : length / 3, best = most + 1;
    const char *found = NULL;

    if (length > NAME_LONGEST)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t d;

        if (!names[i] || strlen(names[i]) > NAME_LONGEST)
            continue;
        d = distance(word, names[i]);
        if (d < best && d < length) {
            best = d;
            found = names[i];
        }
    }
    return found;
}
