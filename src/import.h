/*
 * import - data that the recipe takes from outside, by place and usually by digest.
 */
#ifndef LARDER_IMPORT_H
#define LARDER_IMPORT_H

#include "build.h"

/* Reads `imports:` into b->imports. */
int imports_read(struct builder *b, struct error *err);

const struct matrix *import_matrix(const struct import *import);
/* The source of one member, made when it is first asked for. */
int import_source(struct builder *b, struct import *import, size_t member,
                  struct source **source, struct error *err);

#endif
