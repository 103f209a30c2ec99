#include "command.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/keyring.h"
#include "larder/serve.h"

#include "interrupt.h"
#include "lookup.h"
#include "pushing.h"
#include "session.h"
#include "sharing.h"

enum { GRACE_S = 5 }; /* for transfers that run when we are to end */

/* What is served, and what is told of it. */
struct serving {
    const struct cli *cli;
    struct say say;
    struct session session; /* until all is known of what is served */
    struct offer *offer;    /* or */
    struct buf folder;      /* of a remote */
    struct buf sum;         /* "41 results (120 objects, 3.2 MiB)" */
    struct buf key;         /* our public key */
    struct buf certificate, tls_key;
    bool damaged;
};

static void release(struct serving *v)
{
    offer_free(v->offer);
    buf_release(&v->folder);
    buf_release(&v->sum);
    buf_release(&v->key);
    buf_release(&v->certificate);
    buf_release(&v->tls_key);
}

/* ---- what is served -----------------------------------------------------------------
 */

static int sum_up(struct serving *v, const struct pushing *all, struct error *err)
{
    struct push_totals sum;

    push_count_up(all->p, &sum);
    buf_printf(&v->sum, "%zu result%s (%zu object%s, ", sum.n_records,
               sum.n_records == 1 ? "" : "s", sum.n_objects,
               sum.n_objects == 1 ? "" : "s");
    say_bytes(sum.bytes, &v->sum);
    buf_adds(&v->sum, ")");
    pushing_tell_rest(all, &v->sum);
    if (sum.n_records)
        return 0;
    buf_reset(&v->sum);
    pushing_tell_rest(all, &v->sum);
    return error_set(err, E_USAGE, "nothing can be given%s; `larder run` makes results",
                     buf_str(&v->sum));
}

static int fill(struct serving *v, const struct signer *signer, struct error *err)
{
    struct pushing all = { .s = &v->session };
    int rc = offer_new(&v->offer, v->session.store, err);

    if (rc == 0)
        rc = push_open_offer(&all.p, v->session.store, v->offer, signer, err);
    if (rc == 0)
        rc = pushing_all(&all, err);
    if (rc == 0) {
        public_key_write(signer_key(signer), &v->key);
        rc = sum_up(v, &all, err);
        v->damaged = all.damaged > 0;
    }
    push_close(all.p);
    return rc;
}

/* Of the project: as push, without a remote. */
static int offer_results(struct serving *v, struct error *err)
{
    const struct cli *cli = v->cli;
    struct session *s = &v->session;
    struct signer *signer = NULL;
    int rc = session_begin(s, cli, cli->arg, cli->n_args, err);

    if (rc == 0)
        rc = sharing_trust(s, err);
    if (rc == 0)
        rc = lookup_all(s, false, err);
    if (rc == 0)
        rc = sharing_signer(s, &signer, err);
    if (rc == 0)
        rc = fill(v, signer, err);
    signer_free(signer);
    return rc;
}

/* A place as it stands, or the name of a remote in the settings of the project. */
static int find_place(struct serving *v, const char **place, struct error *err)
{
    const char *name;
    int rc;

    *place = v->cli->remote;
    if (strncmp(*place, "file:", 5) == 0)
        return session_go(v->cli, err);
    rc = session_enter(&v->session, v->cli, err);
    if (rc == 0)
        rc = config_read(&v->session.config, v->session.project, v->cli, err);
    return rc ? rc : sharing_first(&v->session, &name, place, err);
}

static int choose_folder(struct serving *v, struct error *err)
{
    const char *place;
    int rc;

    if (v->cli->n_args)
        return error_set(err, E_USAGE,
                         "`larder serve --remote` gives all that the remote has: leave "
                         "'%s' out",
                         v->cli->arg[0]);
    rc = find_place(v, &place, err);
    if (rc == 0 && strncmp(place, "file:/", 6) != 0)
        rc = error_set(
            err, E_USAGE,
            "only a remote that is a folder can be served, --remote=file:/path, "
            "not %s",
            place);
    if (rc == 0)
        buf_adds(&v->folder, place + 5);
    return rc;
}

static int split_tls(struct serving *v, struct error *err)
{
    const char *tls = v->cli->tls, *comma = tls ? strchr(tls, ',') : NULL;

    if (!tls)
        return 0;
    if (!comma || comma == tls || !comma[1])
        return error_set(err, E_USAGE,
                         "--tls takes the files of a certificate and of its key, "
                         "--tls=CERT,KEY, not '%s'",
                         tls);
    buf_add(&v->certificate, tls, (size_t)(comma - tls));
    buf_adds(&v->tls_key, comma + 1);
    return 0;
}

/* What can be said before anything is looked at. */
static int prepare(struct serving *v, struct error *err)
{
    int rc = split_tls(v, err);

    if (rc < 0)
        return rc;
    if (v->cli->remote)
        return choose_folder(v, err);
    if (v->cli->writable)
        return error_set(err, E_USAGE,
                         "our own cache takes nothing of others: with --writable say "
                         "which remote they push to, --remote=file:/path");
    return session_enter(&v->session, v->cli, err);
}

/* ---- while it is served -------------------------------------------------------------
 */

static void tell_request(void *self, const char *line)
{
    const struct serving *v = self;

    say_line(&v->say, SAY_VERBOSE, TONE_FAINT, "%s", line);
}

/* How we are to be called in their larder.trust. */
static const char *own_name(void)
{
    const char *name = getenv("LOGNAME");

    return name && key_name_is_valid(name) ? name : "NAME";
}

/* What others type: on standard output, for it is to be handed on. */
static int tell_others(const struct serving *v, const struct server *s, struct error *err)
{
    const char *url = serve_url(s), *host = strstr(url, "//") + 2;

    if (v->offer)
        printf("%s gives %s\n", url, buf_str(&v->sum));
    else
        printf("%s gives %s%s\n", url, buf_str(&v->folder),
               v->cli->writable ? ", and takes what is pushed" : "");
    if (serve_is_local(s))
        printf("only this machine reaches it; --listen=0.0.0.0:%d lets others in\n",
               SERVE_PORT);
    printf("others type in their project:\n");
    if (v->offer)
        printf("  larder trust add %s %s\n", buf_str(&v->key), own_name());
    printf("  LARDER_REMOTE=%s larder run\n", url);
    if (v->cli->writable)
        printf("  larder push --remote=%s\n", url);
    if (v->cli->token)
        printf("and, once, into ~/.netrc, with what is in %s:\n"
               "  machine %.*s login larder password TOKEN\n",
               v->cli->token, (int)(strrchr(host, ':') - host), host);
    return fflush(stdout) == 0 ? 0 : error_system(err, "standard output");
}

static void warn_of_strangers(const struct serving *v, const struct server *s)
{
    if (serve_is_local(s))
        return;
    if (!v->cli->token)
        say_line(&v->say, SAY_NORMAL, TONE_PLAIN,
                 "everybody who reaches %s may read it; --token=FILE asks for a password",
                 serve_url(s));
    else if (!v->cli->tls)
        say_line(&v->say, SAY_NORMAL, TONE_PLAIN,
                 "the token crosses the network as it is; --tls=CERT,KEY hides it");
}

static void wait_for_end(struct interrupts *signals)
{
    struct pollfd fd = { .fd = signals->fd, .events = POLLIN };

    while (!signals->n) {
        poll(&fd, 1, -1);
        while (interrupts_next(signals))
            ;
    }
}

static int serve(struct serving *v, struct server *s, struct error *err)
{
    struct serve_totals sum;
    struct interrupts signals;
    int rc = interrupts_open(&signals, err);

    if (rc < 0)
        return rc;
    rc = serve_start(s, v->offer, err);
    if (rc == 0) {
        rc = tell_others(v, s, err);
        if (rc == 0) {
            warn_of_strangers(v, s);
            wait_for_end(&signals);
        }
        serve_stop(s, GRACE_S, &sum);
    }
    if (rc == 0)
        say_line(&v->say, SAY_NORMAL, TONE_PLAIN,
                 "ended; %zu request%s answered with a file, %zu file%s taken, %zu not",
                 sum.n_given, sum.n_given == 1 ? "" : "s", sum.n_taken,
                 sum.n_taken == 1 ? "" : "s", sum.n_refused);
    while (interrupts_next(&signals))
        ; /* who asked more than once has been heard */
    interrupts_close(&signals);
    return rc;
}

int command_serve(const struct cli *cli, struct error *err)
{
    struct serving v = { .cli = cli };
    struct serve_order order = {
        .address = cli->listen ? cli->listen : "127.0.0.1",
        .token = cli->token,
        .writable = cli->writable,
        .tell = cli->verbose ? tell_request : NULL,
        .self = &v,
    };
    struct server *s = NULL;
    int rc;

    say_init(&v.say, cli, stderr);
    rc = prepare(&v, err);
    order.folder = cli->remote ? buf_str(&v.folder) : NULL;
    order.certificate = cli->tls ? buf_str(&v.certificate) : NULL;
    order.key = cli->tls ? buf_str(&v.tls_key) : NULL;
    if (rc == 0)
        rc = serve_open(&s, &order, err);
    if (rc == 0 && !cli->remote)
        rc = offer_results(&v, err);
    session_close(&v.session);
    if (rc == 0)
        rc = serve(&v, s, err);
    serve_close(s);
    release(&v);
    return rc == 0 && v.damaged ? EXIT_MISMATCH : rc;
}
