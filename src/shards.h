/*
 * shards - how many folders a set has, which is known before anything runs.
 *
 * A stage with `map:` has a step for each shard of the sets that it maps over, and what
 * those steps make is a sharded set again. Other stages say `shards: N` of an output.
 */
#ifndef LARDER_SHARDS_H
#define LARDER_SHARDS_H

#include "stage.h"

/* Reads `map:` and the `shards:` of the outputs. */
int shards_read(struct builder *b, struct stage *s, struct error *err);
/* Sets s->n_parts, once all stages are read. What an input cannot be is left to
 * inputs_fill() to tell. */
int shards_count(struct builder *b, struct stage *s, struct error *err);
/* The shards of an output as other stages see it; 0: it is no sharded set. */
size_t shards_of_output(const struct stage *s, int output);
/* The object of a step of s that is a shard of one of its outputs. */
int shards_object(const struct stage *s, int output, size_t shard);

#endif
