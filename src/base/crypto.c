#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "larder/crypto.h"

#include "larder/banned.h"

static const char library[] = "libcrypto.so.3";
static struct crypto calls;
static pthread_once_t opened = PTHREAD_ONCE_INIT;

static void give_up(const char *what)
{
    fprintf(stderr,
            "larder: %s cannot be used (%s); install OpenSSL 3 (Debian: libssl3)\n",
            library, what);
    _Exit(70);
}

static void find(void *handle, const char *name, void *call, size_t size)
{
    void *at = dlsym(handle, name);

    if (!at)
        give_up(name);
    memcpy(call, &at, size);
}

static void open_library(void)
{
    void *handle = dlopen(library, RTLD_LAZY | RTLD_LOCAL);

    if (!handle)
        give_up(dlerror());
#define FIND(result, name, arguments) \
    find(handle, #name, &calls.call_##name, sizeof calls.call_##name);
    CRYPTO_CALLS(FIND)
#undef FIND
}

const struct crypto *crypto(void)
{
    pthread_once(&opened, open_library);
    return &calls;
}
