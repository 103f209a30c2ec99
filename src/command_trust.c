#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/fs.h"
#include "larder/trust.h"

#include "lookup.h"
#include "rests.h"
#include "say.h"
#include "session.h"
#include "sharing.h"

static int add(const struct cli *cli, struct trust *t, struct error *err)
{
    struct public_key key;
    char hex[DIGEST_HEX + 1], *name = NULL;
    struct digest d;
    struct say say;
    int rc = sharing_read_key(cli->arg[1], &key, &name, err);
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

/* Whose key it is, for what rests on it; nothing is written yet. */
static bool find_id(const struct trust *t, const char *word, struct key_id *id)
{
    for (size_t i = 0; i < trust_count(t); i++)
        if (!strcmp(trust_at(t, i)->name, word)) {
            *id = trust_at(t, i)->id;
            return true;
        }
    return key_id_parse(id, word);
}

/* All of the recipe, whatever its default target is. */
static int look_at_all(struct session *s, const struct cli *cli, struct error *err)
{
    int rc = session_open(s, cli, err);

    if (rc == 0)
        rc = session_choose(s, NULL, 0, err);
    if (rc != 0)
        return rc;
    memset(s->wanted, true, s->plan->n_steps);
    rc = session_connect(s, err);
    return rc == 0 ? lookup_all(s, false, err) : rc;
}

/* Whatever keeps us from listing what rested on the key, it is revoked. */
static int revoke_key(const struct cli *cli, struct trust *t, struct error *err)
{
    const struct cli all = { .command = cli->command,
                             .recipe = cli->recipe,
                             .profile = cli->profile,
                             .setting = cli->setting,
                             .n_settings = cli->n_settings,
                             .quiet = cli->quiet,
                             .color = cli->color };
    struct error why = { 0 };
    struct session s = { 0 };
    struct buf text = { 0 };
    struct key_id id;
    struct say say;
    int rc, looked = EXIT_NO_PROJECT;

    if (find_id(t, cli->arg[1], &id)) {
        looked = look_at_all(&s, &all, &why);
        if (looked == 0)
            looked = rests_tell(&s, &id, &text, &why);
    }
    rc = trust_revoke(t, cli->arg[1], &id, err);
    say_init(&say, cli, stderr);
    if (rc == 0)
        say_line(&say, SAY_NORMAL, TONE_PLAIN,
                 "%s: the key %s is revoked; nothing that it signed counts any more",
                 TRUST_FILE, id.text);
    if (rc == 0 && looked == 0)
        fputs(buf_str(&text), stdout);
    if (rc == 0 && looked < 0) {
        *err = why;
        rc = error_context(err, "the key is revoked; what rested on it is not known");
    }
    buf_release(&text);
    session_close(&s);
    return rc;
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
    if (cli->n_args == 2 && !strcmp(verb, "revoke"))
        return revoke_key(cli, t, err);
    return error_set(err, E_USAGE,
                     "`larder trust` takes add FILE|PUBLICKEY [NAME], list, "
                     "remove NAME|ID, or revoke NAME|ID");
}

int command_trust(const struct cli *cli, struct error *err)
{
    struct trust *t = NULL;
    int rc;

    if (session_go(cli, err) != 0)
        return EXIT_NO_PROJECT;
    rc = trust_open(&t, TRUST_FILE, TRUST_FILE, err);
    if (rc == 0 && (!strcmp(cli->arg[0], "list") || !strcmp(cli->arg[0], "revoke")))
        rc = sharing_own_keys(t, err);
    if (rc == 0)
        rc = act(cli, t, err);
    trust_close(t);
    return rc;
}
