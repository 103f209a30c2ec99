#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/fs.h"
#include "larder/keyring.h"
#include "larder/sign.h"

#include "say.h"
#include "sharing.h"

/* The line that others give to `larder trust add`. */
static void print_key(const struct signer *s, const char *name)
{
    struct buf text = { 0 };

    public_key_write(signer_key(s), &text);
    printf("%s %s\n", buf_str(&text), name);
    buf_release(&text);
}

static int make(const struct cli *cli, const char *folder, const char *name,
                struct error *err)
{
    struct signer *s;
    struct say say;
    int rc = keyring_make(folder, name, &s, err);

    say_init(&say, cli, stderr);
    if (rc == 0) {
        say_line(&say, SAY_NORMAL, TONE_PLAIN, "made %s/%s, id %s", folder, name,
                 key_id_of(signer_key(s)).text);
        print_key(s, name);
    }
    signer_free(s);
    return rc;
}

static int show(const char *folder, const char *name, struct error *err)
{
    struct signer *s = NULL;
    char **all = NULL;
    size_t n = 0;
    int rc = 0;

    if (!name)
        rc = keyring_list(folder, &all, &n, err);
    if (rc == 0 && !name && n == 0)
        rc = error_set(err, E_USAGE, "there is no key yet: `larder key new NAME`");
    for (size_t i = 0; rc == 0 && i < (name ? 1 : n); i++) {
        rc = keyring_open(folder, name ? name : all[i], &s, NULL, err);
        if (rc == 0)
            print_key(s, name ? name : all[i]);
        signer_free(s);
    }
    free(all);
    return rc;
}

/* What print_key() prints, into a file that is not there yet, to be sent to others. */
static int export_to(const struct cli *cli, const struct signer *s, const char *name,
                     const char *file, struct error *err)
{
    struct buf text = { 0 };
    struct say say;
    int rc;

    public_key_write(signer_key(s), &text);
    buf_printf(&text, " %s\n", name);
    rc = fs_exists(file) ? error_set(err, E_USAGE,
                                     "%s is there already: name a file that is not", file)
                         : fs_write(file, buf_str(&text), text.len, false, err);
    buf_release(&text);
    say_init(&say, cli, stderr);
    if (rc == 0)
        say_line(&say, SAY_NORMAL, TONE_PLAIN,
                 "%s: the public half of %s, id %s; others trust it with: larder trust "
                 "add %s",
                 file, name, key_id_of(signer_key(s)).text, fs_basename(file));
    return rc;
}

/* `key export NAME [FILE]` */
static int export(const struct cli *cli, const char *folder, struct error *err)
{
    const char *name = cli->n_args > 1 ? cli->arg[1] : NULL;
    struct signer *s = NULL;
    struct buf path = { 0 };
    int rc;

    if (!name)
        return error_set(err, E_USAGE,
                         "which key? larder key export NAME [FILE]; `larder key show` "
                         "lists them");
    fs_join(&path, folder, name);
    rc = key_name_is_valid(name) && fs_exists(path.s)
             ? keyring_open(folder, name, &s, NULL, err)
             : error_set(err, E_USAGE,
                         "there is no key named %s: `larder key show` lists them", name);
    buf_release(&path);
    if (rc == 0 && cli->n_args > 2)
        rc = export_to(cli, s, name, cli->arg[2], err);
    else if (rc == 0)
        print_key(s, name);
    signer_free(s);
    return rc;
}

int command_key(const struct cli *cli, struct error *err)
{
    const char *verb = cli->arg[0], *name = cli->n_args > 1 ? cli->arg[1] : NULL;
    struct buf folder = { 0 };
    int rc = sharing_keys(&folder, err);

    if (rc == 0 && cli->n_args > 2 && strcmp(verb, "export") != 0)
        rc = error_set(err, E_USAGE, "`larder key %s` takes no further '%s'", verb,
                       cli->arg[2]);
    else if (rc == 0 && !strcmp(verb, "new"))
        rc = make(cli, buf_str(&folder), name ? name : "default", err);
    else if (rc == 0 && !strcmp(verb, "show"))
        rc = show(buf_str(&folder), name, err);
    else if (rc == 0 && !strcmp(verb, "export"))
        rc = export(cli, buf_str(&folder), err);
    else if (rc == 0)
        rc = error_set(err, E_USAGE, "`larder key` takes new, show or export, not '%s'",
                       verb);
    buf_release(&folder);
    return rc;
}
