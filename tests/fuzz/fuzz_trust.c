/* larder.trust: what is read can be added to and taken from, and is read again so. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "larder/trust.h"
#include "place.h"

static struct trust *opened(const char *path)
{
    struct error err = { 0 };
    struct trust *t = NULL;

    if (trust_open(&t, path, "larder.trust", &err) < 0 && !err.text[0])
        abort();
    return t;
}

static void look_at(const struct trust *t)
{
    for (size_t i = 0; i < trust_count(t); i++) {
        const struct trusted *who = trust_at(t, i);

        if (who->own || who->line < 1 || !trust_find(t, who->id.text))
            abort();
        trust_allows(t, &who->key, "train");
    }
    trust_forbids(t, "train");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const struct public_key key = { { 1, 2, 3 } };
    const char *path = place_file("larder.trust", bytes, n);
    struct trust *t = opened(path);
    struct error err = { 0 };
    size_t n_before;

    if (t) {
        n_before = trust_count(t);
        look_at(t);
        if (trust_add(t, &key, "somebody-else", "train-*", &err) == 0) {
            trust_close(t);
            t = opened(path);
            if (!t || trust_count(t) < n_before || !trust_allows(t, &key, "train-a"))
                abort();
            if (trust_remove(t, "somebody-else", &err) < 0)
                abort();
            trust_close(t);
            t = opened(path);
            if (!t || trust_count(t) > n_before)
                abort();
        }
    }
    trust_close(t);
    return 0;
}
