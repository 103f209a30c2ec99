#include "sharing.h"

#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/fs.h"
#include "larder/keyring.h"

#include "interrupt.h"

enum { KEY_FILE_MAX = 4096 };

static const char first_key[] = "default"; /* the name of one that is made on the way */

int sharing_keys(struct buf *path, struct error *err)
{
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

    if (xdg && xdg[0] == '/')
        fs_join(path, xdg, "larder/keys");
    else if (home && home[0] == '/')
        fs_join(path, home, ".config/larder/keys");
    else
        return error_set(err, E_USAGE,
                         "where are your keys? set HOME or "
                         "XDG_CONFIG_HOME");
    return 0;
}

/* A key that cannot be used is told when something is to be signed with it. */
int sharing_own_keys(struct trust *t, struct error *err)
{
    struct buf folder = { 0 };
    char **name = NULL;
    size_t n = 0;
    int rc = 0;

    if (sharing_keys(&folder, NULL) == 0)
        rc = keyring_list(buf_str(&folder), &name, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct signer *own;

        if (keyring_open(buf_str(&folder), name[i], &own, NULL, NULL) == 0)
            trust_own(t, signer_key(own), name[i]);
        signer_free(own);
    }
    free(name);
    buf_release(&folder);
    return rc;
}

int sharing_trust(struct session *s, struct error *err)
{
    struct buf path = { 0 };
    int rc;

    if (s->trust)
        return 0;
    fs_join(&path, s->project, TRUST_FILE);
    rc = trust_open(&s->trust, buf_str(&path), TRUST_FILE, err);
    if (rc == 0)
        rc = sharing_own_keys(s->trust, err);
    buf_release(&path);
    return rc;
}

int sharing_none(struct error *err)
{
    return error_set(err, E_USAGE,
                     "no remote is named: set LARDER_REMOTE=file:/path, or write "
                     "`remote.NAME = https://host/path` into larder.conf");
}

static void warn(void *self, const char *line)
{
    struct session *s = self;

    say_line(&s->say, SAY_NORMAL, TONE_PLAIN, "%s", line);
}

static bool stops(void *self)
{
    (void)self;
    return interrupts_pending();
}

/* The one that --remote means: of the settings by its name, or a place. */
static int chosen_remote(const struct session *s, struct config_remote *chosen,
                         struct error *err)
{
    const char *word = s->cli->remote;
    const struct config *c = &s->config;

    for (size_t i = 0; i < c->n_remotes; i++)
        if (!strcmp(c->remote[i].name, word)) {
            *chosen = c->remote[i];
            return 0;
        }
    if (remote_place_check(word, err) < 0)
        return error_context(
            err, "--remote takes a place, or the name of a remote in the settings");
    *chosen = (struct config_remote){ .name = word, .place = word };
    return 0;
}

int sharing_open(struct session *s, struct error *err)
{
    struct remotes_order order = { .store = s->store,
                                   .required = s->cli->require_remote,
                                   .warn = warn,
                                   .stops = stops,
                                   .self = s };
    struct config_remote chosen = { 0 };
    int rc = 0;

    if (!s->config.n_remotes && !s->cli->remote) {
        if (!s->cli->require_remote)
            return 0;
        sharing_none(err);
        return err->code = E_REMOTE;
    }
    rc = sharing_trust(s, err);
    if (rc < 0)
        return rc;
    order.trust = s->trust;
    remotes_open(&s->remotes, &order);
    if (s->cli->remote) {
        rc = chosen_remote(s, &chosen, err);
        return rc == 0 ? remotes_add(s->remotes, chosen.name, chosen.place, err) : rc;
    }
    for (size_t i = 0; i < s->config.n_remotes && rc == 0; i++)
        rc = remotes_add(s->remotes, s->config.remote[i].name, s->config.remote[i].place,
                         err);
    return rc;
}

void sharing_tell(struct session *s)
{
    if (s->remotes)
        remotes_tell_ignored(s->remotes);
}

int sharing_first(struct session *s, const char **name, const char **place,
                  struct error *err)
{
    struct config_remote chosen = { 0 };
    int rc = 0;

    if (s->cli->remote)
        rc = chosen_remote(s, &chosen, err);
    else if (s->config.n_remotes)
        chosen = s->config.remote[0];
    else
        rc = sharing_none(err);
    *name = chosen.name;
    *place = chosen.place;
    return rc;
}

/* The first push makes a key, so that nobody has to know of keys before. */
static int make_signer(struct session *s, const char *folder, struct signer **signer,
                       struct error *err)
{
    struct buf text = { 0 };
    int rc = keyring_make(folder, first_key, signer, err);

    if (rc == 0) {
        public_key_write(signer_key(*signer), &text);
        say_line(&s->say, SAY_NORMAL, TONE_PLAIN,
                 "made a key to sign with, %s/%s; others trust it with: larder trust add "
                 "%s NAME",
                 folder, first_key, buf_str(&text));
    }
    buf_release(&text);
    return rc;
}

/* What it would sign counts nowhere where this project's file is. */
static int refuse_revoked(struct session *s, const struct signer *signer,
                          struct error *err)
{
    struct key_id id = key_id_of(signer_key(signer));
    int rc = sharing_trust(s, err), line = rc == 0 ? trust_revoked(s->trust, &id) : 0;

    return line ? error_set(err, E_TRUST,
                            "our key %s is revoked: %s:%d says so; make another with "
                            "`larder key new NAME` and name it: LARDER_KEY=NAME",
                            id.text, TRUST_FILE, line)
                : rc;
}

int sharing_signer(struct session *s, struct signer **signer, struct error *err)
{
    struct buf folder = { 0 };
    int rc = sharing_keys(&folder, err);

    *signer = NULL;
    if (rc == 0)
        rc = keyring_open(buf_str(&folder), config_key(&s->config), signer, NULL, err);
    if (rc == KEYRING_EMPTY)
        rc = make_signer(s, buf_str(&folder), signer, err);
    if (rc == 0)
        rc = refuse_revoked(s, *signer, err);
    buf_release(&folder);
    return rc;
}

/* "ed25519:… [NAME]", as `larder key show` prints it; name is new, NULL when not given.
 */
static int parse_key(const char *text, const char *shown, struct public_key *key,
                     char **name, struct error *err)
{
    size_t n = strcspn(text, " \t\r\n");
    char *word = xstrndup(text, n);
    bool good = public_key_parse(key, word);

    free(word);
    if (!good)
        return error_set(
            err, E_USAGE,
            "%s is no public key, which is `ed25519:` and 64 hex digits, and "
            "no file that begins with one",
            shown);
    text += n;
    text += strspn(text, " \t");
    n = strcspn(text, " \t\r\n");
    *name = n ? xstrndup(text, n) : NULL;
    return 0;
}

int sharing_read_key(const char *word, struct public_key *key, char **name,
                     struct error *err)
{
    struct buf text = { 0 };
    struct fs_state st;
    int rc;

    *name = NULL;
    if (public_key_parse(key, word))
        return 0;
    rc = fs_stat(word, &st, err);
    if (rc == FS_FOUND && st.size <= KEY_FILE_MAX)
        rc = fs_read(word, &text, err);
    if (rc >= 0)
        rc = parse_key(buf_str(&text), word, key, name, err);
    buf_release(&text);
    return rc;
}

int sharing_believes(struct session *s, const struct record *rec, const char *stage,
                     struct error *err)
{
    int rc = rec->by ? sharing_trust(s, err) : 0;

    if (rc < 0 || !rec->by)
        return rc < 0 ? rc : 1;
    return trust_allows(s->trust, &rec->by->key, stage);
}

const char *sharing_maker(struct session *s, const struct record *rec)
{
    const struct trusted *who;

    if (!rec->by || sharing_trust(s, NULL) < 0)
        return NULL;
    who = trust_find(s->trust, rec->by->id.text);
    return who ? who->name : rec->by->id.text;
}
