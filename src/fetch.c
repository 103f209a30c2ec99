#include "fetch.h"

#include <string.h>
#include <time.h>

#include "larder/checkpoint.h"
#include "larder/fs.h"
#include "larder/lease.h"
#include "larder/transfer.h"
#include "larder/use.h"

#include "from.h"

#include "larder/banned.h"

enum { BEAT_S = 60 };
enum { FETCH_WRONG = 2 }; /* what came is not what it must be */

struct fetching {
    struct store *st;
    const struct say *say;
    const struct source *source;
    const char *url;
    struct digest id; /* under which what has come is kept */
    struct buf path;  /* of the file */
    bool joined;      /* from parts that came at different times */
    time_t next_beat;
    struct buf *story;
    struct error *err;
};

static void tell_beginning(struct fetching *f, long long had)
{
    struct buf line = { 0 };

    buf_printf(&line, "fetching %s from ", f->source->name);
    from_show(f->url, &line);
    if (had > 0) {
        buf_adds(&line, ", of which ");
        say_bytes(had, &line);
        buf_adds(&line, " are here");
    }
    say_line(f->say, SAY_NORMAL, TONE_PLAIN, "%s", line.s);
    buf_release(&line);
    f->next_beat = time(NULL) + BEAT_S;
}

static void tell_progress(void *self, long long done, long long total)
{
    struct fetching *f = self;
    struct buf line = { 0 };

    if (time(NULL) < f->next_beat)
        return;
    f->next_beat = time(NULL) + BEAT_S;
    buf_printf(&line, "fetching %s: ", f->source->name);
    say_bytes(done, &line);
    if (total > 0) {
        buf_adds(&line, " of ");
        say_bytes(total, &line);
    }
    say_line(f->say, SAY_NORMAL, TONE_FAINT, "%s", line.s);
    buf_release(&line);
}

/* Known by its content where that is known, so that another mirror can continue it. */
static void name_part(struct fetching *f)
{
    struct buf text = { 0 };

    f->id = f->source->pin.digest;
    if (f->source->pin.full)
        return;
    buf_printf(&text, "larder-fetch\n%s\n%s\n", f->url, f->source->pins);
    digest_bytes(&f->id, text.s, text.len);
    buf_release(&text);
}

static long long size_of(const char *path)
{
    struct fs_state st;

    return fs_stat(path, &st, NULL) == FS_FOUND ? (long long)st.size : 0;
}

/* FETCH_DONE when what has come is what it must be, and is an object now. */
static int take_in(struct fetching *f, struct object *o)
{
    int rc = store_name(f->path.s, OBJECT_FILE, o, f->err);

    if (rc == 0)
        rc = pin_check(&f->source->pin, o, f->path.s, f->story, f->err);
    if (rc == PIN_DIFFERS)
        return FETCH_WRONG;
    return rc < 0 ? rc : store_add(f->st, f->path.s, OBJECT_FILE, true, o, f->err);
}

/* One transfer, of the rest or of all. */
static int bring(struct fetching *f, struct object *o)
{
    struct transfer t = {
        .url = f->url,
        .path = f->path.s,
        .size = f->source->pin.size,
        .blind = f->source->pin.full,
        .tell = tell_progress,
        .self = f,
        .joined = &f->joined,
        .story = f->story,
    };
    int rc = transfer_get(&t, f->err);

    if (rc == TRANSFER_DONE)
        return take_in(f, o);
    if (rc == TRANSFER_WRONG)
        return FETCH_WRONG;
    return rc < 0 ? rc : rc == TRANSFER_AWAY ? FETCH_AWAY : FETCH_FAILED;
}

/* Fetches it, going on where an earlier run has ended. */
static int go_on(struct fetching *f, struct object *o)
{
    int rc = checkpoint_open(f->st, &f->id, &f->path, NULL, f->err), cleared;

    if (rc < 0)
        return rc;
    buf_adds(&f->path, "/bytes");
    tell_beginning(f, size_of(f->path.s));
    rc = bring(f, o);
    if (rc != FETCH_DONE && rc != FETCH_WRONG && size_of(f->path.s) > 0)
        return rc; /* to be continued */
    cleared = checkpoint_clear(f->st, &f->id, rc < 0 ? NULL : f->err);
    return cleared < 0 && rc >= 0 ? cleared : rc;
}

/* With the lease of f->id held. Parts that do not fit together are no reason to refuse
 * the whole, which is fetched once more then. */
static int fetch(struct fetching *f, struct object *o)
{
    size_t start = f->story->len;
    int rc = go_on(f, o);

    if (rc == FETCH_WRONG && f->joined) {
        buf_cut(f->story, start);
        buf_reset(&f->path);
        rc = go_on(f, o);
    }
    return rc == FETCH_WRONG ? FETCH_FAILED : rc;
}

int fetch_find(struct store *st, const struct source *s, struct object *o,
               struct error *err)
{
    struct buf path = { 0 };
    struct fs_state state;
    int rc;

    *o = (struct object){ s->kind, s->pin.digest, s->pin.size };
    if (s->pin.full)
        use_note_object(st, o); /* before it is looked for */
    store_object_path(st, &o->id, &path);
    rc = s->pin.full ? fs_stat(path.s, &state, err) : FS_ABSENT;
    if (rc == FS_FOUND && s->kind == OBJECT_FILE)
        o->size = (long long)state.size;
    if (rc == FS_FOUND)
        rc = store_check(st, o, false, NULL, err);
    buf_release(&path);
    return rc < 0 ? rc : rc == OBJECT_FINE ? FETCH_DONE : FETCH_FAILED;
}

int fetch_source(struct store *st, const struct say *say, const struct source *s,
                 const char *url, struct object *o, struct buf *story, struct error *err)
{
    struct fetching f = {
        .st = st, .say = say, .source = s, .url = url, .story = story, .err = err
    };
    struct lease *lease = NULL;
    int rc;

    name_part(&f);
    rc = lease_try(&lease, st, &f.id, err);
    if (rc == LEASE_BUSY) {
        say_line(say, SAY_NORMAL, TONE_PLAIN, "another larder is fetching %s", s->name);
        rc = lease_wait(&lease, st, &f.id, NULL, err);
    }
    if (rc == 0)
        rc = fetch_find(st, s, o, err); /* by another process, while we waited */
    if (rc == FETCH_FAILED)
        rc = fetch(&f, o);
    lease_release(lease);
    buf_release(&f.path);
    return rc < 0 ? error_context(err, "fetching %s", s->name) : rc;
}
