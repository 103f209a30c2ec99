/*
 * xml - what an object store writes. It is not parsed: an element is looked for by its
 * name, and none that is asked for has others in it.
 */
#ifndef CACHE_XML_H
#define CACHE_XML_H

#include <stdbool.h>

#include "larder/buf.h"

/* The text of the next element of that name behind *at, in `to`; *at moves behind it. */
bool xml_next(const char **at, const char *name, struct buf *to);

#endif
