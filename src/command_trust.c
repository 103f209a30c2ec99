#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/fs.h"
#include "larder/trust.h"

#include "say.h"
#include "session.h"
#include "sharing.h"

enum { KEY_FILE_MAX = 4096 };

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

/* From the command line, or from the file that it names. */
static int read_key(const char *word, struct public_key *key, char **name,
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

static int add(const struct cli *cli, struct trust *t, struct error *err)
{
    struct public_key key;
    char hex[DIGEST_HEX + 1], *name = NULL;
    struct digest d;
    struct say say;
    int rc = read_key(cli->arg[1], &key, &name, err);
    const char *called = cli->n_args > 2 ? cli->arg[2] : name;

    say_init(&say, cli, stderr);
    if (rc == 0 && !called)
        rc = error_set(err, E_USAGE,
                       "how is the key to be called? larder trust add %s "
                       "NAME",
                       cli->arg[1]);
    if (rc == 0)
        rc = trust_add(t, &key, called, cli->stages, err);
    if (rc == 0) {
        public_key_digest(&key, &d);
        say_line(&say, SAY_NORMAL, TONE_PLAIN,
                 "%s: trusts %s, id %s, with %s%s\nIts fingerprint is sha256:%s: compare "
                 "it with what its owner tells you.",
                 TRUST_FILE, called, key_id_of(&key).text,
                 cli->stages ? "stages " : "every stage", cli->stages ? cli->stages : "",
                 digest_hex(&d, hex));
    }
    free(name);
    return rc;
}

static int list(const struct trust *t)
{
    for (size_t i = 0; i < trust_count(t); i++) {
        const struct trusted *who = trust_at(t, i);
        struct buf key = { 0 };

        public_key_write(&who->key, &key);
        printf("%s %s %s %s%s\n", who->id.text, buf_str(&key), who->name, who->stages,
               who->own ? " (our own)" : "");
        buf_release(&key);
    }
    return 0;
}

static int act(const struct cli *cli, struct trust *t, struct error *err)
{
    const char *verb = cli->arg[0];

    if (!strcmp(verb, "list") && cli->n_args == 1)
        return list(t);
    if (cli->n_args > 1 && !strcmp(verb, "add"))
        return add(cli, t, err);
    if (cli->n_args == 2 && !strcmp(verb, "remove"))
        return trust_remove(t, cli->arg[1], err);
    return error_set(err, E_USAGE,
                     "`larder trust` takes add FILE|PUBLICKEY [NAME], list, "
                     "or remove NAME|ID");
}

int command_trust(const struct cli *cli, struct error *err)
{
    struct trust *t = NULL;
    int rc;

    if (session_go(cli, err) != 0)
        return EXIT_NO_PROJECT;
    rc = trust_open(&t, TRUST_FILE, TRUST_FILE, err);
    if (rc == 0 && !strcmp(cli->arg[0], "list"))
        rc = sharing_own_keys(t, err);
    if (rc == 0)
        rc = act(cli, t, err);
    trust_close(t);
    return rc;
}
