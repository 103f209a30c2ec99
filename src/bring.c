#include "bring.h"

#include "larder/use.h"

#include "larder/banned.h"

/* The object of a file that lies elsewhere: there it might change. */
static int keep(struct session *s, const struct source *source, struct located *at,
                struct error *err)
{
    int rc;

    if (!at->path)
        return 0;
    rc = store_import(s->store, at->path, OBJECT_FILE, true, &at->object, err);
    if (rc == 0 && !digest_equal(&at->object.id, &source->pin.digest))
        rc = error_set(err, E_INPUT, "%s changed while it was read; run again", at->path);
    return rc;
}

static int locate(struct session *s, struct source *source, struct located *at,
                  struct error *err)
{
    struct plan plan = { .source = &source, .n_sources = 1 };
    struct facts *facts;
    const struct located *found;
    int rc;

    facts_new(&facts, &plan, s->state, s->store);
    if (s->fetches)
        facts_allow_fetch(facts, &s->say);
    source->name = "include"; /* and the place is told anyhow */
    rc = facts_find(facts, source, &found, err);
    if (rc == 0)
        *at = *found;
    facts_free(facts);
    return rc;
}

int bring_included(struct session *s, const struct source *source, struct buf *path,
                   struct error *err)
{
    struct source own = *source; /* the only one of its plan */
    struct located at;
    int rc = session_use(s, err);

    if (rc == 0)
        rc = locate(s, &own, &at, err);
    if (rc == FACTS_ABROAD)
        rc = pos_error(&source->pos, err,
                       "%s is not in the cache yet; `larder run` fetches it",
                       source->name);
    if (rc == 0)
        rc = keep(s, source, &at, err);
    if (rc == 0) {
        use_note(s->store, USE_FILE, &at.object.id);
        store_object_path(s->store, &at.object.id, path);
    }
    return rc;
}
