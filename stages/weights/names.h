/*
 * names - the closed list of Python names that a pickle of weights may mention.
 *
 * A pickle names classes and functions to be imported and called. Here a name is a word
 * that is on this list or not; nothing is imported or called.
 */
#ifndef WEIGHTS_NAMES_H
#define WEIGHTS_NAMES_H

#include "weights/dtype.h"

enum name {
    NAME_FOREIGN, /* not on the list */
    NAME_INERT,   /* on it, and what is made of it has no meaning here: functions and
                     settings that lie beside the weights */
    NAME_ORDERED_DICT,
    NAME_REBUILD_TENSOR, /* torch._utils _rebuild_tensor and _rebuild_tensor_v2 */
    NAME_REBUILD_PARAMETER,
    NAME_PARAMETER,
    NAME_STORAGE,      /* torch FloatStorage and its like, of a dtype */
    NAME_TENSOR_CLASS, /* torch FloatTensor and its like */
};

/* dtype: of NAME_STORAGE, else DTYPE_NONE. */
enum name names_find(const char *module, const char *name, enum dtype *dtype);

#endif
