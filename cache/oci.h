/*
 * oci - what a registry of the Open Container Initiative calls things.
 *
 * A file of a remote is the one layer of an image manifest, and its name is the tag of
 * that (docs/remote.md). Nothing here asks a server anything.
 */
#ifndef CACHE_OCI_H
#define CACHE_OCI_H

#include <stdbool.h>

#include "larder/buf.h"
#include "larder/digest.h"
#include "larder/error.h"

#define OCI_MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"

enum { OCI_TAG_MAX = 128, OCI_MANIFEST_MAX = 64 << 10 };

/* A repository; all-zero is none. */
struct oci_place {
    char *host;       /* with its port, where it has one */
    char *repository; /* "lab/results" */
    char *base;       /* "https://host/v2/lab/results" */
    bool local;       /* on this machine, and asked without encryption */
};

/* place: "//host[:port]/repository". E_USAGE when it is none. p is to be released in any
 * case. */
int oci_place_read(struct oci_place *p, const char *place, struct error *err);
void oci_place_release(struct oci_place *p);
/* Appends the tag of a file: "pack/9f/9f86…" has the tag "pack-9f86…". False where it
 * cannot have one. */
bool oci_tag(const char *name, struct buf *tag);
/* Whether the name of a file is the digest of its bytes. */
bool oci_name_is_digest(const char *name, struct digest *id);

/* The bytes that stand as the configuration of every manifest. */
extern const char oci_config[];
/* Appends the manifest of a file; equal files have equal ones. */
void oci_manifest_write(const char *name, const struct digest *id, long long size,
                        struct buf *to);
/* What is the file: the layer of a manifest, which has one. E_REMOTE when it is none of
 * ours. */
int oci_manifest_read(const char *text, size_t n, struct digest *id, long long *size,
                      struct error *err);

/* Where a Location of an answer to a request for url leads, appended; with the digest
 * that ends an upload. Registries behind something that decrypts call themselves http:
 * the same host is asked as before. */
void oci_upload_url(const char *url, const char *location, const struct digest *id,
                    struct buf *to);
#endif
