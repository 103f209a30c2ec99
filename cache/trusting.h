/*
 * trusting - the list of trusted keys as trust.c reads it and trustfile.c changes it.
 */
#ifndef LARDER_TRUSTING_H
#define LARDER_TRUSTING_H

#include "larder/buf.h"
#include "larder/mem.h"
#include "larder/trust.h"

/* A line that says that a key counts no more. */
struct revoked {
    struct key_id id;
    const char *name; /* or NULL */
    int line;
};

struct trust {
    struct arena arena;
    const char *path, *shown;
    struct buf text; /* of the file as it was read */
    bool has_head;   /* it has more than remarks, so its first line is there */
    struct trusted *key;
    size_t n, cap;
    const char **never; /* globs of stages that stay at home */
    size_t n_never, cap_never;
    struct trust_rule *rule; /* of `k` and `audit` lines */
    size_t n_rules, cap_rules;
    struct revoked *revoked;
    size_t n_revoked, cap_revoked;
};

#endif
