#include "offer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "landing.h"
#include "larder/buf.h"
#include "larder/io.h"
#include "larder/map.h"
#include "larder/mem.h"

#include "larder/banned.h"

enum { CHUNK = 1 << 17 };

struct offer {
    struct remote remote;
    int store;       /* its folder */
    struct map name; /* → struct buf, or object_there for one of the store */
};

static struct buf object_there;

static bool is_object(const char *name)
{
    return strncmp(name, "cas/", 4) == 0;
}

int offer_find(const struct offer *o, const char *name, struct offered *found)
{
    const struct buf *text = map_get(&o->name, name);

    *found = (struct offered){ .fd = -1 };
    if (!text)
        return REMOTE_ABSENT;
    if (text != &object_there) {
        found->text = buf_str(text);
        found->size = (long long)text->len;
        return REMOTE_DONE;
    }
    found->fd = landing_read(o->store, name, &found->size);
    return found->fd < 0 ? REMOTE_ABSENT : REMOTE_DONE;
}

/* All of it, since whoever gives hashes it on the way. */
static int drain(const struct remote_body *body, struct buf *to, struct error *err)
{
    char *chunk = xmalloc(CHUNK);
    size_t n = 1;
    int rc = 0;

    while (rc == 0 && n) {
        rc = body->give(body->self, chunk, CHUNK, &n, err);
        if (rc == 0 && to)
            buf_add(to, chunk, n);
    }
    free(chunk);
    return rc;
}

static int put(struct remote *r, const char *name, const struct remote_body *body,
               enum remote_put how, struct error *err)
{
    struct offer *o = (struct offer *)r;
    struct buf *text = is_object(name) ? &object_there : xcalloc(1, sizeof *text);
    int rc;

    if (how == PUT_NEW && map_get(&o->name, name))
        rc = REMOTE_THERE;
    else
        rc = drain(body, text == &object_there ? NULL : text, err);
    if (rc == REMOTE_DONE)
        text = map_set(&o->name, name, text);
    if (text && text != &object_there) {
        buf_release(text);
        free(text);
    }
    return rc;
}

static int get(struct remote *r, const char *name, const struct remote_part *part,
               const struct remote_sink *to, struct error *err)
{
    const struct buf *text = map_get(&((struct offer *)r)->name, name);

    (void)part; /* only the whole text that says what it is is ever asked for */
    if (!text || text == &object_there)
        return REMOTE_ABSENT;
    return to->take(to->self, buf_str(text), text->len, err);
}

static int has(struct remote *r, const char *name, long long *size, struct error *err)
{
    (void)err;
    *size = -1;
    return map_get(&((struct offer *)r)->name, name) ? REMOTE_THERE : REMOTE_ABSENT;
}

static void stay(struct remote *r)
{
    (void)r;
}

static const struct remote_kind kind = {
    .scheme = "offer:", .close = stay, .get = get, .put = put, .has = has
};

struct remote *offer_remote(struct offer *o)
{
    return &o->remote;
}

int offer_new(struct offer **to, const struct store *st, struct error *err)
{
    struct offer *o = xcalloc(1, sizeof *o);

    o->remote.kind = &kind;
    o->store = io_open(store_path(st), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    *to = o;
    if (o->store >= 0)
        return 0;
    error_system(err, "cannot read %s", store_path(st));
    offer_free(o);
    *to = NULL;
    return E_SYSTEM;
}

void offer_free(struct offer *o)
{
    if (!o)
        return;
    for (size_t i = 0; i < o->name.n; i++) {
        struct buf *text = o->name.entry[i].value;

        if (text == &object_there)
            continue;
        buf_release(text);
        free(text);
    }
    map_release(&o->name);
    if (o->store >= 0)
        io_close(o->store);
    free(o);
}
