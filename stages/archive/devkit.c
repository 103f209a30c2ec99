#include "archive/devkit.h"

#include <stdlib.h>
#include <string.h>

#include "archive/mat5.h"
#include "archive/members.h"
#include "kit/number.h"
#include "larder/mem.h"

#include "larder/banned.h"

#define META "meta.mat"
#define TRUTH "ILSVRC2012_validation_ground_truth.txt"

enum { LARGEST = 64 << 20 };

static int by_wnid(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* A class of meta.mat. */
struct synset {
    long id;
    char wnid[WNID_LENGTH + 1];
};

/* -1 for what is no id. */
static long id_of(double number)
{
    return number >= 1 && number <= 1e6 ? (long)number : -1;
}

/* Fills d->wnid, and s with the classes in the file's order. */
static int read_meta(struct devkit *d, struct synset **s, const struct buf *meta,
                     struct error *err)
{
    struct mat5 m;
    int rc = mat5_read(&m, buf_str(meta), meta->len, "synsets", err), id, wnid, children;

    if (rc < 0)
        return error_context(err, META);
    id = mat5_field(&m, "ILSVRC2012_ID");
    wnid = mat5_field(&m, "WNID");
    children = mat5_field(&m, "num_children");
    if (id < 0 || wnid < 0 || children < 0)
        rc = error_set(err, E_INPUT, META ": synsets lacks a field");
    *s = xcalloc(m.n + 1, sizeof **s);
    d->wnid = xcalloc(m.n + 1, sizeof *d->wnid);
    for (size_t i = 0; i < m.n && rc == 0; i++) {
        const char *name = mat5_get(&m, i, wnid)->text;
        if (mat5_get(&m, i, children)->number != 0) /* no class, but several */
            continue;
        if (strlen(name) != WNID_LENGTH) {
            rc = error_set(err, E_INPUT, META ": \"%s\" is no WordNet id", name);
            break;
        }
        (*s)[d->classes].id = id_of(mat5_get(&m, i, id)->number);
        memcpy((*s)[d->classes].wnid, name, WNID_LENGTH + 1);
        memcpy(d->wnid[d->classes], name, WNID_LENGTH + 1);
        d->classes++;
    }
    if (rc == 0 && d->classes == 0)
        rc = error_set(err, E_INPUT, META ": there is no class in it");
    mat5_release(&m);
    return rc;
}

/* The class of an ILSVRC2012_ID, or -1. */
static int class_of(const struct devkit *d, const struct synset *s, long id)
{
    for (int i = 0; i < d->classes; i++) {
        const char(*found)[WNID_LENGTH + 1];
        if (s[i].id != id)
            continue;
        found = bsearch(s[i].wnid, d->wnid, (size_t)d->classes, sizeof *d->wnid, by_wnid);
        return found != NULL ? (int)(found - (const char(*)[WNID_LENGTH + 1]) d->wnid)
                             : -1;
    }
    return -1;
}

static int read_truth(struct devkit *d, const struct synset *s, struct buf *truth,
                      struct error *err)
{
    char *line = (char *)(size_t)buf_str(truth), *end;
    size_t cap = 0;
    long id;

    for (; *line != '\0'; line = end) {
        end = line + strcspn(line, "\r\n");
        if (*end != '\0')
            *end++ = '\0';
        if (*line == '\0')
            continue;
        GROW(d->label, d->pictures + 1, cap);
        if (number_long(line, &id) != NUMBER_OK ||
            (d->label[d->pictures] = class_of(d, s, id)) < 0)
            return error_set(err, E_INPUT, TRUTH ": picture %zu: \"%.20s\" is no class",
                             d->pictures + 1, line);
        d->pictures++;
    }
    return 0;
}

int devkit_read(struct devkit *d, const char *path, struct error *err)
{
    static const char *const name[] = { META, TRUTH };
    struct buf file[2] = { 0 };
    struct synset *s = NULL;
    int rc;

    *d = (struct devkit){ 0 };
    rc = members_read(path, name, 2, LARGEST, file, err);
    if (rc == 0)
        rc = read_meta(d, &s, &file[0], err);
    if (rc == 0) {
        qsort(d->wnid, (size_t)d->classes, sizeof *d->wnid, by_wnid);
        rc = read_truth(d, s, &file[1], err);
    }
    if (rc < 0) {
        devkit_release(d);
        error_context(err, "%s", path);
    }
    free(s);
    buf_release(&file[0]);
    buf_release(&file[1]);
    return rc;
}

void devkit_release(struct devkit *d)
{
    free(d->wnid);
    free(d->label);
    *d = (struct devkit){ 0 };
}
