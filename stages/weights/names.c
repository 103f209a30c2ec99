#include "weights/names.h"

#include <string.h>

#include "larder/banned.h"

static const struct {
    const char *module, *name;
    enum name is;
} known[] = {
    { "collections", "OrderedDict", NAME_ORDERED_DICT },
    { "torch._utils", "_rebuild_tensor", NAME_REBUILD_TENSOR },
    { "torch._utils", "_rebuild_tensor_v2", NAME_REBUILD_TENSOR },
    { "torch._utils", "_rebuild_parameter", NAME_REBUILD_PARAMETER },
    { "torch.nn.parameter", "Parameter", NAME_PARAMETER },
    /* Seen beside the weights of checkpoints: sizes, devices and element types; ... */
    { "torch", "Size", NAME_INERT },
    { "torch", "device", NAME_INERT },
    { "torch", "float32", NAME_INERT },
    { "torch", "float16", NAME_INERT },
    /* ... settings and numbers; ... */
    { "argparse", "Namespace", NAME_INERT },
    { "collections", "Counter", NAME_INERT },
    { "collections", "defaultdict", NAME_INERT },
    { "cox.utils", "Parameters", NAME_INERT },
    { "numpy", "dtype", NAME_INERT },
    { "numpy", "ndarray", NAME_INERT },
    { "numpy.core.multiarray", "_reconstruct", NAME_INERT },
    { "numpy.core.multiarray", "scalar", NAME_INERT },
    /* ... and functions and classes as dill writes them, which are code. */
    { "_codecs", "encode", NAME_INERT },
    { "__builtin__", "__main__", NAME_INERT },
    { "__builtin__", "getattr", NAME_INERT },
    { "__builtin__", "object", NAME_INERT },
    { "__builtin__", "set", NAME_INERT },
    { "__builtin__", "setattr", NAME_INERT },
    { "__builtin__", "type", NAME_INERT },
    { "dill", "_dill", NAME_INERT },
    { "dill._dill", "_create_cell", NAME_INERT },
    { "dill._dill", "_create_code", NAME_INERT },
    { "dill._dill", "_create_function", NAME_INERT },
    { "dill._dill", "_create_type", NAME_INERT },
    { "dill._dill", "_get_attr", NAME_INERT },
    { "dill._dill", "_import_module", NAME_INERT },
    { "dill._dill", "_load_type", NAME_INERT },
};

/* "FloatStorage" has the stem "Float" before "Storage": its element type. */
static enum dtype before(const char *name, const char *end)
{
    char stem[16];
    size_t n = strlen(name), m = strlen(end);

    if (n <= m || n - m >= sizeof stem || strcmp(name + n - m, end) != 0)
        return DTYPE_NONE;
    memcpy(stem, name, n - m);
    stem[n - m] = '\0';
    return dtype_of_class(stem);
}

enum name names_find(const char *module, const char *name, enum dtype *dtype)
{
    *dtype = DTYPE_NONE;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].module, module) == 0 && strcmp(known[i].name, name) == 0)
            return known[i].is;
    if (strcmp(module, "torch") != 0 && strcmp(module, "torch.cuda") != 0)
        return NAME_FOREIGN;
    *dtype = before(name, "Storage");
    if (*dtype != DTYPE_NONE)
        return NAME_STORAGE;
    return before(name, "Tensor") != DTYPE_NONE ? NAME_TENSOR_CLASS : NAME_FOREIGN;
}
