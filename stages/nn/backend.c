#include "nn/backend.h"

#include <string.h>

#include "larder/banned.h"
#include "nn/cudnn/load.h"
#include "nn/onednn/onednn.h"
#include "nn/plain/plain.h"

int backend_find(const struct nn_backend **b, const char *name, struct error *err)
{
    static const struct nn_backend *const known[] = { &backend_plain, &backend_onednn };

    if (strcmp(name, "auto") == 0 && cudnn_load(b, "cuda:0", NULL) == 0)
        return 0;
    if (strcmp(name, "auto") == 0)
        name = "onednn";
    if (strncmp(name, "cuda", 4) == 0)
        return cudnn_load(b, name, err);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i]->name, name) == 0) {
            *b = known[i];
            return 0;
        }
    }
    return error_set(err, E_DEVICE,
                     "backend %s is not supported by this version; it has plain, onednn, "
                     "cuda:N and auto",
                     name);
}
