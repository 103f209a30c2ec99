#include "libcurl.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>

#include "larder/thread.h"
#include "library.h"

#include "larder/banned.h"

static struct libcurl calls;

static const struct library_call wanted[] = {
    { "curl_global_init", &calls.global_init },
    { "curl_easy_init", &calls.init },
    { "curl_easy_setopt", &calls.setopt },
    { "curl_easy_perform", &calls.perform },
    { "curl_easy_getinfo", &calls.getinfo },
    { "curl_easy_cleanup", &calls.cleanup },
    { "curl_easy_strerror", &calls.strerror },
    { "curl_multi_init", &calls.multi_init },
    { "curl_multi_add_handle", &calls.multi_add_handle },
    { "curl_multi_remove_handle", &calls.multi_remove_handle },
    { "curl_multi_perform", &calls.multi_perform },
    { "curl_multi_poll", &calls.multi_poll },
    { "curl_multi_info_read", &calls.multi_info_read },
    { "curl_multi_cleanup", &calls.multi_cleanup },
    { "curl_slist_append", &calls.slist_append },
    { "curl_slist_free_all", &calls.slist_free_all },
};

#define LIBRARY "libcurl.so.4"

static bool expected; /* a thread reads it, or has done so */
static pthread_t reader;

static void *read_library(void *unused)
{
    (void)unused;
    return dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
}

void libcurl_expect(void)
{
    if (!expected)
        expected = thread_start(&reader, read_library, NULL);
}

int libcurl_open(const struct libcurl **lib, struct error *err)
{
    static bool opened;

    *lib = &calls;
    if (opened)
        return 0;
    if (expected)
        pthread_join(reader, NULL);
    expected = false;
    opened = library_open(LIBRARY, wanted, sizeof wanted / sizeof *wanted) &&
             calls.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    if (opened)
        return 0;
    return error_set(err, E_SYSTEM,
                     "fetching needs libcurl, and libcurl.so.4 cannot be opened; install "
                     "it (Debian: libcurl4)");
}

void libcurl_set_authorities(const struct libcurl *lib, CURL *curl)
{
    const char *file = getenv("CURL_CA_BUNDLE");

    if (!file || !*file)
        file = getenv("SSL_CERT_FILE");
    if (file && *file)
        lib->setopt(curl, CURLOPT_CAINFO, file);
}
