/*
 * template - the files of recipes/template/, which are compiled in: what `larder init`
 * writes.
 */
#ifndef LARDER_TEMPLATE_H
#define LARDER_TEMPLATE_H

#include <stddef.h>

struct template_file {
    const char *name;
    const unsigned char *bytes;
    size_t n;
};

extern const struct template_file template_file[]; /* ends with an all-zero entry */

#endif
