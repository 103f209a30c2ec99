/*
 * sharing - whom a session trusts, which remotes it asks, and with what key it signs.
 */
#ifndef LARDER_SHARING_H
#define LARDER_SHARING_H

#include <stdbool.h>

#include "larder/error.h"
#include "larder/remotes.h"
#include "larder/sign.h"
#include "session.h"

/* The file of a project that says whom it trusts. */
#define TRUST_FILE "larder.trust"

/* E_USAGE: there is no remote, and how one is named. */
int sharing_none(struct error *err);
/* Adds our own keys to those that are trusted. */
int sharing_own_keys(struct trust *t, struct error *err);
/* s->trust: the file of the project and our own keys. Read when first asked for. */
int sharing_trust(struct session *s, struct error *err);
/* s->remotes, as the settings or --remote name them, if they name any; from then on
 * look-up asks them. E_REMOTE when there is none and one is required. */
int sharing_open(struct session *s, struct error *err);
/* After the work: what was ignored is told. */
void sharing_tell(struct session *s);
/* The first of the remotes that the settings name, or the one of --remote; borrowed until
 * session_close(). E_USAGE when there is none. */
int sharing_first(struct session *s, const char **name, const char **place,
                  struct error *err);
/* Our key to sign with, made and told if there is none. *signer is new. */
int sharing_signer(struct session *s, struct signer **signer, struct error *err);

/* 1 when the record was made here, or signed by somebody who is trusted with the stage;
 * 0 when not. */
int sharing_believes(struct session *s, const struct record *rec, const char *stage,
                     struct error *err);
/* The name of who signed a record, for the user; NULL where it was made here. Borrowed.
 */
const char *sharing_maker(struct session *s, const struct record *rec);

/* A public key as the user gives it: "ed25519:…", or a file that begins with one, as
 * `larder key show` prints it. *name, which may stand behind it there, is new, or NULL.
 */
int sharing_read_key(const char *word, struct public_key *key, char **name,
                     struct error *err);
/* Appends the folder of our own keys. */
int sharing_keys(struct buf *path, struct error *err);

#endif
