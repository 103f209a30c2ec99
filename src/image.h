/*
 * image - a plan as it stands in memory, kept in a file.
 *
 * The file is mapped at the very address for which it was written, so that nothing of the
 * recipe is read and nothing is unpacked; pages that nobody asks for are never touched.
 * An image is of one larder executable, one recipe, profile and settings (the question),
 * and it holds as long as its witness does. Losing it costs time and no result.
 */
#ifndef LARDER_IMAGE_H
#define LARDER_IMAGE_H

#include <stdint.h>

#include "larder/error.h"
#include "plan.h"
#include "witness.h"

struct image;

enum { IMAGE_FOUND = 0, IMAGE_ABSENT = 1 };

/* The head of the image at path: IMAGE_FOUND when it is whole, answers the question and
 * its witness holds; *i is then new: image_close(). Anything else is IMAGE_ABSENT. */
int image_open(struct image **i, const char *path, const char *question);
/* The state of its file. */
const struct fs_state *image_state(const struct image *i);
/* The plan itself, mapped: IMAGE_FOUND with *plan borrowed until image_close(), or
 * IMAGE_ABSENT where it is damaged or the address is taken. known: the state of a file
 * that was whole, which need not be read to be believed again; or NULL. */
int image_plan(struct image *i, const struct fs_state *known, const struct plan **plan);
/* A number that no other image has, so that something else can belong to this one. */
uint64_t image_id(const struct image *i);
void image_close(struct image *i); /* NULL is fine */

/* Writes the image of a plan; *id as image_id() will give it. Where a plan cannot be kept
 * (the address is taken; a pointer leads out of it) that is E_SYSTEM. */
int image_write(const char *path, const char *question, const struct plan *plan,
                const struct witness *witness, uint64_t *id, struct error *err);

#endif
