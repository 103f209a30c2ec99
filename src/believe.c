#include "believe.h"

#include <stdlib.h>
#include <string.h>

#include "larder/attestation.h"
#include "larder/banned.h"
#include "larder/remotes.h"

#include "agree.h"
#include "sharing.h"

/* Those who stand for something, each once. */
struct voices {
    struct key_id *id;
    size_t n, cap;
};

struct believing {
    struct session *s;
    struct work *w;
    struct record **rec;
    size_t n;              /* of those that were made here, or are of trusted keys */
    struct voices *voices; /* [n]; empty where nobody needs to know */
};

static void add_voice(struct voices *v, const struct key_id *id)
{
    for (size_t i = 0; i < v->n; i++)
        if (!strcmp(v->id[i].text, id->text))
            return;
    GROW(v->id, v->n + 1, v->cap);
    v->id[v->n++] = *id;
}

/* What others say of one record. */
static int add_attestations(struct believing *b, const struct record *rec,
                            struct voices *v, struct error *err)
{
    const char *stage = b->w->step->stage;
    struct attestation **a = NULL;
    size_t n = 0;
    int rc = store_attestations(b->s->store, &rec->key, &rec->id, &a, &n, err);

    for (size_t i = 0; rc == 0 && i < n; i++)
        if (trust_allows(b->s->trust, &a[i]->signer, stage))
            add_voice(v, &a[i]->id);
    attestations_free(a, n);
    return rc;
}

/* All that stand for the outputs of record i. */
static int hear(struct believing *b, size_t i, struct error *err)
{
    struct voices *v = &b->voices[i];
    int rc = sharing_trust(b->s, err);

    for (size_t k = 0; k < b->n && rc == 0; k++) {
        if (k != i && !agree_bitwise(b->rec[i], b->rec[k]))
            continue;
        if (b->rec[k]->by)
            add_voice(v, &b->rec[k]->by->id);
        rc = add_attestations(b, b->rec[k], v, err);
    }
    return rc;
}

/* Asks the remotes what is said of a record. */
static int ask(struct believing *b, const struct record *rec, struct error *err)
{
    if (!b->s->remotes)
        return 0;
    return remotes_find_attestations(b->s->remotes, &rec->key, &rec->id,
                                     b->w->step->stage, ASK_ALL, err);
}

static const char *name_of(struct believing *b, const char *id)
{
    const struct trusted *who = trust_find(b->s->trust, id);

    return who ? who->name : id;
}

static void swap(struct believing *b, size_t i, size_t k)
{
    struct record *rec = b->rec[i];
    struct voices v = b->voices[i];

    b->rec[i] = b->rec[k];
    b->voices[i] = b->voices[k];
    b->rec[k] = rec;
    b->voices[k] = v;
}

/* ---- who counts ---------------------------------------------------------------------
 */

/* Those of whom we know nothing go behind. */
static int drop_strangers(struct believing *b, struct error *err)
{
    size_t n = 0;

    for (size_t i = 0; i < b->n; i++) {
        int rc = sharing_believes(b->s, b->rec[i], b->w->step->stage, err);

        if (rc < 0)
            return rc;
        if (rc > 0)
            swap(b, n++, i);
    }
    b->n = n;
    return 0;
}

/* "2 keys must stand for it, and only lab-a does" */
static void note_doubt(struct believing *b, const struct voices *v, long k)
{
    struct buf text = { 0 };

    buf_printf(&text, "%s%s%ld keys must stand for it, and only ",
               b->w->doubt ? b->w->doubt : "", b->w->doubt ? "; for another result " : "",
               k);
    for (size_t i = 0; i < v->n; i++)
        buf_printf(&text, "%s%s",
                   i == 0         ? ""
                   : i + 1 < v->n ? ", "
                                  : " and ",
                   name_of(b, v->id[i].text));
    buf_adds(&text, v->n == 1 ? " does" : " do");
    b->w->doubt = arena_strdup(&b->s->arena, buf_str(&text));
    buf_release(&text);
}

/* Whether enough keys stand for record i: 1, 0, or an error. */
static int is_enough(struct believing *b, size_t i, long k, struct error *err)
{
    struct voices *v = &b->voices[i];
    int rc = hear(b, i, err);

    for (size_t m = 0; m < b->n && rc == 0 && v->n < (size_t)k; m++)
        if (m == i || agree_bitwise(b->rec[i], b->rec[m]))
            rc = ask(b, b->rec[m], err);
    if (rc == 0 && v->n < (size_t)k)
        rc = hear(b, i, err);
    return rc < 0 ? rc : v->n >= (size_t)k;
}

/* Whether a record before i says the same, of which all was said. */
static bool is_told(const struct believing *b, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (agree_bitwise(b->rec[i], b->rec[k]))
            return true;
    return false;
}

static int drop_lonely(struct believing *b, struct error *err)
{
    long k = b->s->trust ? trust_k(b->s->trust, b->w->step->stage) : 1;
    bool *good;
    size_t n = 0;
    int rc = 0;

    b->w->doubt = NULL;
    if (k < 2)
        return 0;
    good = xcalloc(b->n + 1, sizeof *good);
    for (size_t i = 0; i < b->n && rc == 0; i++) {
        int enough = b->rec[i]->by ? is_enough(b, i, k, err) : 1;

        rc = enough < 0 ? enough : 0;
        good[i] = enough > 0;
        if (enough == 0 && !is_told(b, i))
            note_doubt(b, &b->voices[i], k);
    }
    for (size_t i = 0; i < b->n && rc == 0; i++)
        if (good[i])
            swap(b, n++, i);
    free(good);
    b->n = rc == 0 ? n : b->n;
    return rc;
}

/* ---- which one ----------------------------------------------------------------------
 */

/* Moves the record that this project used last to the front. */
static bool take_last(struct believing *b)
{
    struct step_memory m;

    if (!state_step(b->s->state, b->w->step->name, &m) || !m.has_record ||
        !digest_equal(&m.key, &b->w->key))
        return false;
    for (size_t i = 0; i < b->n; i++)
        if (digest_equal(&b->rec[i]->id, &m.record)) {
            swap(b, 0, i);
            return true;
        }
    return false;
}

static bool comes_before(const struct believing *b, size_t i, size_t k)
{
    bool own_i = !b->rec[i]->by, own_k = !b->rec[k]->by;

    if (own_i != own_k)
        return own_i;
    if (b->voices[i].n != b->voices[k].n)
        return b->voices[i].n > b->voices[k].n;
    return digest_compare(&b->rec[i]->id, &b->rec[k]->id) < 0;
}

/* From `from` on; they are few. */
static void sort(struct believing *b, size_t from)
{
    for (size_t i = from + 1; i < b->n; i++)
        for (size_t k = i; k > from && comes_before(b, k, k - 1); k--)
            swap(b, k, k - 1);
}

/* All that stand for each, which may decide. */
static int hear_all(struct believing *b, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < b->n && rc == 0; i++) {
        rc = ask(b, b->rec[i], err);
        if (rc == 0)
            rc = hear(b, i, err);
    }
    return rc;
}

static void add_record(struct believing *b, size_t i, struct buf *to)
{
    char hex[DIGEST_HEX + 1];

    buf_printf(to, "record sha256:%s by %s", digest_hex(&b->rec[i]->id, hex),
               name_of(b, b->rec[i]->by->id.text));
}

static int dissent(struct believing *b, size_t i, const struct agreed *agreed,
                   struct error *err)
{
    const char *name = b->w->step->name;
    struct buf text = { 0 }, story = { 0 };

    add_record(b, 0, &text);
    buf_adds(&text, " and ");
    add_record(b, i, &text);
    agreed_tell(agreed, "  ", &story);
    if (story.len)
        buf_cut(&story, story.len - 1); /* its last newline */
    error_set(err, E_CORRUPT,
              "%s: trusted keys disagree: %s; revoke one of them, limit it to other "
              "stages, or make it here: larder run -B '%s'\n%s",
              name, buf_str(&text), name, buf_str(&story));
    buf_release(&text);
    buf_release(&story);
    return BELIEVE_DISSENT;
}

static void tell_within(struct believing *b, size_t i, const struct agreed *agreed)
{
    struct buf story = { 0 };

    agreed_tell(agreed, "  ", &story);
    if (story.len)
        buf_cut(&story, story.len - 1);
    say_line(
        &b->s->say, SAY_NORMAL, TONE_PLAIN,
        "%s: %s and %s have different results, which agree within tolerance; that of "
        "%s is used\n%s",
        b->w->step->name, name_of(b, b->rec[0]->by->id.text),
        name_of(b, b->rec[i]->by->id.text), name_of(b, b->rec[0]->by->id.text),
        buf_str(&story));
    buf_release(&story);
}

/* The first of them would be used: each other one must agree with it. */
static int weigh(struct believing *b, struct error *err)
{
    bool look = b->s->would_fetch.only_counted;
    int rc = BELIEVED;

    for (size_t i = 1; i < b->n && rc == BELIEVED; i++) {
        struct agreed agreed;

        if (agree_bitwise(b->rec[0], b->rec[i]) || is_told(b, i))
            continue;
        rc = agree(b->s, b->w->step, b->rec[0], b->rec[i], !look, &agreed, err);
        if (rc == 0 && agreed.verdict == VERDICT_OTHER && !(look && agreed.absent))
            rc = dissent(b, i, &agreed, err);
        else if (rc == 0 && !look)
            tell_within(b, i, &agreed);
        agreed_release(&agreed);
    }
    return rc;
}

static bool has_outputs_of(const struct believing *b)
{
    for (size_t i = 0; i < b->n; i++)
        for (size_t k = 0; k < b->w->step->n_outputs; k++)
            if (!work_recorded(b->w->step, b->rec[i], k))
                return false;
    return true;
}

static int choose(struct believing *b, struct error *err)
{
    bool last = take_last(b), same = true;
    int rc = BELIEVED;

    for (size_t i = 1; i < b->n; i++)
        same = same && agree_bitwise(b->rec[0], b->rec[i]);
    if (!last && !same)
        rc = hear_all(b, err);
    sort(b, last);
    if (rc == 0 && !last && !same && b->rec[0]->by && has_outputs_of(b))
        rc = weigh(b, err);
    return rc;
}

int believe(struct session *s, struct work *w, struct record **rec, size_t n,
            size_t *n_good, struct error *err)
{
    struct believing b = { .s = s, .w = w, .rec = rec, .n = n };
    int rc;

    b.voices = xcalloc(n + 1, sizeof *b.voices);
    rc = drop_strangers(&b, err);
    if (rc == 0)
        rc = drop_lonely(&b, err);
    if (rc == 0)
        rc = choose(&b, err);
    *n_good = b.n;
    for (size_t i = 0; i < n; i++)
        free(b.voices[i].id);
    free(b.voices);
    return rc;
}
