#include "peer.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "body.h"
#include "larder/buf.h"
#include "larder/formats.h"
#include "larder/mem.h"
#include "larder/remotes.h"

#include "larder/banned.h"

enum { FAILURES_MAX = 3, SHUT_S = 60, INFO_MAX = 1 << 16 };

static const struct remote_kind *const kind[] = { &remote_folder, &remote_http,
                                                  &remote_https, &remote_s3,
                                                  &remote_oci };
static const char info_name[] = "larder-cache-info";
static const char info_text[] = FORMAT_REMOTE "\n";
static const char info_packs[] = "small in packs\n";

static const struct remote_kind *kind_of(const char *place)
{
    for (size_t i = 0; i < sizeof kind / sizeof kind[0]; i++) {
        size_t n = strlen(kind[i]->scheme);

        if (strncmp(place, kind[i]->scheme, n) == 0 && place[n] == '/')
            return kind[i];
    }
    return NULL;
}

int remote_place_check(const char *place, struct error *err)
{
    const struct remote_kind *k = kind_of(place);

    if (!k)
        return error_set(err, E_USAGE, "'%s' is no remote; one is " REMOTE_PLACES, place);
    return k->check ? k->check(place + strlen(k->scheme), err) : 0;
}

int peer_init(struct peer *p, const char *name, const char *place, struct error *err)
{
    *p = (struct peer){ .kind = kind_of(place) };
    if (!p->kind)
        return remote_place_check(place, err);
    p->name = xstrdup(name);
    p->place = xstrdup(place + strlen(p->kind->scheme));
    return 0;
}

void peer_of(struct peer *p, const char *name, struct remote *remote)
{
    *p = (struct peer){ .kind = remote->kind, .remote = remote, .name = xstrdup(name) };
}

void peer_release(struct peer *p)
{
    if (p->remote)
        p->kind->close(p->remote);
    free(p->name);
    free(p->place);
    *p = (struct peer){ 0 };
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What a failure comes to. */
static int note_failure(struct peer *p, struct error *err)
{
    if (++p->n_failures >= FAILURES_MAX)
        p->shut_until = now() + SHUT_S;
    if (p->required)
        return error_context(err, "remote %s", p->name);
    if (!p->warned && p->warn) {
        struct buf line = { 0 };

        buf_printf(&line, "remote %s fails, and what it has counts as absent: %s",
                   p->name, err->text);
        p->warn(p->self, line.s);
        buf_release(&line);
    }
    p->warned = true;
    return REMOTE_ABSENT;
}

/* What a call of the remote comes to. */
static int note(struct peer *p, int rc, struct error *err)
{
    if (rc == E_REMOTE)
        return note_failure(p, err);
    if (rc >= 0)
        p->n_failures = 0;
    return rc;
}

/* Whether its format is ours; REMOTE_ABSENT when it has none yet. */
static int check_format(struct peer *p, struct error *err)
{
    struct sink_text info = { .max = INFO_MAX };
    const struct remote_sink to = sink_to_text(&info);
    int rc = p->kind->get(p->remote, info_name, NULL, &to, err);

    if (info.too_long || (rc == REMOTE_DONE && strncmp(buf_str(&info.text), info_text,
                                                       strlen(info_text)) != 0))
        rc = error_set(err, E_REMOTE,
                       "its %s does not begin with `larder-cache 1`: a "
                       "remote of another format",
                       info_name);
    p->packed = rc == REMOTE_DONE && strstr(buf_str(&info.text), info_packs) != NULL;
    buf_release(&info.text);
    return rc;
}

/* REMOTE_DONE when it can be asked, REMOTE_ABSENT when it is let alone, or E_REMOTE. */
static int approach(struct peer *p, struct error *err)
{
    int rc;

    if (p->n_failures >= FAILURES_MAX && now() < p->shut_until)
        return p->required ? error_set(err, E_REMOTE, "remote %s is away", p->name)
                           : REMOTE_ABSENT;
    if (p->remote)
        return REMOTE_DONE;
    rc = p->kind->open(&p->remote, p->place, err);
    if (rc == 0)
        rc = check_format(p, err);
    if (rc >= 0)
        return REMOTE_DONE;
    if (p->remote)
        p->kind->close(p->remote);
    p->remote = NULL;
    return note(p, rc, err);
}

int peer_is_packed(struct peer *p, struct error *err)
{
    int rc = approach(p, err);

    return rc == REMOTE_DONE ? p->packed : rc == REMOTE_ABSENT ? 0 : rc;
}

/* A sink or body whose bytes are told on their way. */
struct told {
    const struct moved *moved;
    const struct remote_sink *to;
    const struct remote_body *body;
};

static int take_told(void *self, const void *bytes, size_t n, struct error *err)
{
    struct told *t = self;

    moved_tell(t->moved, n);
    return t->to->take(t->to->self, bytes, n, err);
}

static int give_told(void *self, void *bytes, size_t n, size_t *got, struct error *err)
{
    struct told *t = self;
    int rc = t->body->give(t->body->self, bytes, n, got, err);

    if (rc == 0)
        moved_tell(t->moved, *got);
    return rc;
}

static void again_told(void *self)
{
    struct told *t = self;

    t->body->again(t->body->self);
}

int peer_get(struct peer *p, const char *name, const struct remote_part *part,
             const struct remote_sink *to, struct error *err)
{
    struct told told = { &p->moved, to, NULL };
    struct remote_sink sink = { take_told, &told };
    int rc = approach(p, err);

    if (rc)
        return rc;
    return note(p, p->kind->get(p->remote, name, part, p->moved.tell ? &sink : to, err),
                err);
}

int peer_has(struct peer *p, const char *name, long long *size, struct error *err)
{
    int rc = approach(p, err);

    return rc ? rc : note(p, p->kind->has(p->remote, name, size, err), err);
}

int peer_put(struct peer *p, const char *name, const struct remote_body *body,
             enum remote_put how, struct error *err)
{
    struct told told = { &p->moved, NULL, body };
    struct remote_body all = { give_told, again_told, &told, body->size };
    int rc = approach(p, err);

    if (rc)
        return rc;
    return note(p, p->kind->put(p->remote, name, p->moved.tell ? &all : body, how, err),
                err);
}

int peer_list(struct peer *p, const char *folder,
              void (*tell)(void *self, const char *name), void *self, struct error *err)
{
    int rc = approach(p, err);

    if (rc == 0 && !p->kind->list)
        rc = REMOTE_ABSENT;
    return rc ? rc : note(p, p->kind->list(p->remote, folder, tell, self, err), err);
}

int peer_found(struct peer *p, struct error *err)
{
    struct buf text = { 0 };
    long long size;
    int rc = peer_has(p, info_name, &size, err);

    if (rc == REMOTE_ABSENT) {
        struct body_text info;
        struct remote_body body;

        buf_adds(&text, info_text);
        if (p->kind->packs)
            buf_adds(&text, info_packs);
        info = (struct body_text){ text.s, text.len, 0 };
        body = body_of_text(&info);
        rc = peer_put(p, info_name, &body, PUT_NEW, err);
        p->packed = p->kind->packs;
        buf_release(&text);
    }
    return rc < 0 ? rc : 0;
}
