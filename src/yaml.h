/*
 * yaml - the part of YAML 1.2 that recipes are written in, as a tree of nodes.
 *
 * Maps, lists and scalars in block or flow style. Refused, each with its position:
 * anchors, aliases, tags, merge keys, several documents, duplicate keys, keys that are
 * not words, bytes that are not UTF-8, control characters, tabs that indent, more than 32
 * levels, more than 16 MiB. libfyaml's events are read, never its documents, so time is
 * linear in the text.
 */
#ifndef LARDER_YAML_H
#define LARDER_YAML_H

#include "larder/error.h"
#include "larder/mem.h"
#include "recipe.h"

enum { YAML_DEPTH = 32, YAML_SIZE = 16 << 20 };

/* *root is in arena memory; text is borrowed as long as that. */
int yaml_parse(struct arena *arena, const struct recipe_text *text, struct node **root,
               struct error *err);

#endif
