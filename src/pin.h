/*
 * pin - what the content of an import must be.
 *
 * Best is its SHA-256. Where a publisher gives only the first digits of it, an MD5 or a
 * size, these are checked when the content is first seen; from then on larder.lock
 * (lock.h) has the digest.
 */
#ifndef LARDER_PIN_H
#define LARDER_PIN_H

#include <stdbool.h>

#include "larder/buf.h"
#include "larder/digest.h"
#include "larder/error.h"
#include "larder/record.h"

enum { PIN_FITS = 0, PIN_DIFFERS = 1 };
enum { PIN_PREFIX_MIN = 8 };

/* All-zero but size -1: any content. */
struct pin {
    bool full;            /* the digest is known: then md5 and prefix say nothing more */
    struct digest digest; /* of a folder: of its tree */
    long long size;       /* in bytes, or -1 */
    const char *prefix;   /* first digits of the digest, or NULL; lower case like md5 */
    const char *md5;      /* or NULL */
};

/* Whether it says something, but not the digest. */
bool pin_is_weak(const struct pin *p);
/* Appends what a weak one says, in the one spelling: "md5=...,sha256-prefix=...,size=3".
 */
void pin_write(const struct pin *p, struct buf *to);

/* Each sets what a text of the recipe says; false when it is no such thing. The text is
 * borrowed for as long as the pin, and hex digits are made lower case in it. */
bool pin_set_sha256(struct pin *p, char *text);
bool pin_set_prefix(struct pin *p, char *text);
bool pin_set_md5(struct pin *p, char *text);
bool pin_set_size(struct pin *p, char *text);

/* Whether the content at path, whose object is o, is what the pin says: PIN_FITS, or
 * PIN_DIFFERS with what it is instead appended to story, or an error. */
int pin_check(const struct pin *p, const struct object *o, const char *path,
              struct buf *story, struct error *err);

#endif
