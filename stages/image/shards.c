#include "image/shards.h"

#include <stdio.h>

#include "larder/fs.h"

#include "larder/banned.h"

static long first_of(const struct shards *s, int shard)
{
    return (long)((long long)s->pictures * shard / (s->n > 0 ? s->n : 1));
}

static int begin(struct shards *s, struct error *err)
{
    long pictures = first_of(s, s->shard + 1) - first_of(s, s->shard);
    struct buf path = { 0 };
    int digits = snprintf(NULL, 0, "%d", s->n - 1), rc;

    if (s->n == 0)
        buf_adds(&path, s->path);
    else
        buf_printf(&path, "%s/%0*d", s->path, digits < 2 ? 2 : digits, s->shard);
    rc = fs_mkdirs(buf_str(&path), err);
    if (rc == 0)
        rc = imageset_create(&s->set, buf_str(&path), pictures * s->each, err);
    buf_release(&path);
    return rc;
}

static int end(struct shards *s, struct error *err)
{
    int rc = imageset_commit(s->set, err);

    imageset_close(s->set);
    s->set = NULL;
    return rc;
}

int shards_open(struct shards *s, const char *path, int n, long pictures, long long each,
                struct error *err)
{
    *s = (struct shards){ .path = path, .n = n, .pictures = pictures, .each = each };
    if (pictures < n)
        return error_set(err, E_INPUT, "%ld pictures are fewer than %d shards", pictures,
                         n);
    return begin(s, err);
}

int shards_add(struct shards *s, const struct image *im, struct error *err)
{
    int rc = 0;

    while (rc == 0 && s->at >= first_of(s, s->shard + 1)) {
        rc = end(s, err);
        s->shard++;
        if (rc == 0)
            rc = begin(s, err);
    }
    s->at++;
    return rc < 0 || im == NULL ? rc : imageset_append(s->set, im, err);
}

int shards_commit(struct shards *s, struct error *err)
{
    int rc = 0;

    while (rc == 0) { /* a shard may have been left empty at the end */
        rc = end(s, err);
        if (++s->shard >= s->n)
            break;
        if (rc == 0)
            rc = begin(s, err);
    }
    return rc;
}

void shards_close(struct shards *s)
{
    imageset_close(s->set);
    *s = (struct shards){ 0 };
}
