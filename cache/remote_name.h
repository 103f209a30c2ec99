/*
 * remote_name - the names that a remote has (docs/remote.md), and what must be behind
 * each: for whoever gives and takes files under them for others.
 */
#ifndef LARDER_REMOTE_NAME_H
#define LARDER_REMOTE_NAME_H

#include <stdbool.h>

#include "larder/buf.h"
#include "larder/digest.h"
#include "larder/sign.h"

enum remote_name_kind {
    NAME_INFO,        /* larder-cache-info */
    NAME_OBJECT,      /* cas/9f/9f86… */
    NAME_PACK,        /* pack/9f/9f86… */
    NAME_INDEX,       /* index/9f/9f86… */
    NAME_RECORD,      /* ac/9f/9f86…/dbc9512734dc9181 */
    NAME_ROOT,        /* root/dbc9512734dc9181/7 */
    NAME_ATTESTATION, /* ac/9f/9f86…/dbc9512734dc9181.6b1f…, 32 digits of the record */
};

struct remote_name {
    enum remote_name_kind kind;
    struct digest id; /* of the object, pack or index; the key of the record */
    struct key_id by; /* who signed the record, root or attestation */
    char record[33];  /* of the attestation: the first digits of what it is about */
    long long number; /* of the root */
};

/* False for all other texts: there is one spelling of each name. */
bool remote_name_parse(struct remote_name *n, const char *text);
/* True when it is the digest of what is behind it. */
bool remote_name_is_digest(const struct remote_name *n);
/* How many bytes there can be behind it. */
long long remote_name_max(const struct remote_name *n);
/* Of a name that is no digest: true when the text may stand behind it. Of what is signed,
 * by that key, and true; whether anybody trusts the key is not asked. */
bool remote_name_fits(const struct remote_name *n, const struct buf *text);

#endif
