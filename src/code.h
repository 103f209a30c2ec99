/*
 * code - `code:` of a stage: the files and folders of the user's beside a command.
 */
#ifndef LARDER_CODE_H
#define LARDER_CODE_H

#include "stage.h"

int code_read(struct builder *b, struct stage *s, struct error *err);
/* Whether a path of `code:` is the other, or a folder that holds it. */
bool code_holds(const char *path, const char *other);

#endif
