#include "library.h"

#include <dlfcn.h>
#include <string.h>

#include "larder/banned.h"

bool library_open(const char *file, const struct library_call *wanted, size_t n)
{
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);

    for (size_t i = 0; library && i < n; i++) {
        void *call = dlsym(library, wanted[i].name);

        memcpy(wanted[i].call, &call, sizeof call);
        if (!call)
            library = NULL;
    }
    return library != NULL;
}
