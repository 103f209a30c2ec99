/*
 * node - a word, list or map of a recipe that knows where it stands.
 *
 * Nodes live in their recipe's arena. Values of a map keep the order of the text.
 */
#ifndef LARDER_NODE_H
#define LARDER_NODE_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/error.h"
#include "larder/mem.h"
#include "pos.h"

enum node_kind { NODE_NULL, NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
    enum node_kind kind;
    struct pos pos;
    const char *text;   /* of a scalar */
    bool plain;         /* of a scalar: not quoted, so it may be a number or true/false */
    struct node **item; /* of a list: items; of a map: values */
    struct node **key;  /* of a map: scalars, in the order of the text */
    size_t n;
};

/* The value of a key of a map, or NULL; also NULL when map is NULL or no map. Borrowed.
 */
struct node *node_get(const struct node *map, const char *key);
/* The key itself, for its position, or NULL. */
struct node *node_key(const struct node *map, const char *key);
/* Sets the value of a key, adding it at the end where it is new. */
void node_set(struct arena *arena, struct node *map, struct node *key,
              struct node *value);

/* The place of byte `at` of a scalar's text. Exact where the text stands in the file as
 * it is (on one line, without escapes), else the place of the scalar. */
struct pos node_pos_inside(const struct node *node, size_t at);

/* "a list", "a map", "one value", "nothing": for messages. */
const char *node_what(const struct node *node);

/* Refuses a node that is not of the kind: "WHAT is a list, not a map". */
int node_expect(const struct node *node, enum node_kind kind, const char *what,
                struct error *err);
/* Refuses keys that are not known and do not begin with x-, naming the nearest one. */
int node_check_keys(const struct node *map, const char *what, const char *const *known,
                    size_t n_known, struct error *err);
/* A name of a stage, output, axis, ...: letters, digits, _ and -, no digit or - first. */
int node_check_name(const struct node *key, const char *what, struct error *err);
bool name_is_word(const char *s);

/* pos_error() with "; did you mean NAME?" added where a name is near to word, else with
 * the names there are, when they are few. */
int suggest_error(const struct pos *pos, struct error *err, const char *word,
                  const char *const *names, size_t n, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
/* The same, with the keys of a map as names; map may be NULL. */
int suggest_key_error(const struct pos *pos, struct error *err, const char *word,
                      const struct node *map, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* The same text for messages without a position. b is appended to. */
struct buf;
void suggest_name(struct buf *b, const char *word, const char *const *names, size_t n);

#endif
