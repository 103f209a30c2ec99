/*
 * overlay - values laid over those of a recipe: profiles, then -S settings.
 *
 * An overlay changes values and adds none: a name that the recipe does not have is
 * refused with the nearest one it has. (An import may get any key that imports know.)
 */
#ifndef LARDER_OVERLAY_H
#define LARDER_OVERLAY_H

#include "recipe.h"

/* Checks every profile of root and lays the named one over it; NULL: only checks. */
int overlay_profiles(struct arena *arena, struct node *root, const char *profile,
                     struct error *err);
/* Sets one value below params. E_USAGE with the nearest name when there is none. */
int overlay_setting(struct recipe *r, const struct setting *setting, struct error *err);

#endif
