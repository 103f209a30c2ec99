/* The file of a private key: there is one spelling of each seed, and no other is read. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "larder/keyring.h"
#include "place.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char head[] = "larder-private-key 1\nseed ";
    struct signer *s = NULL, *other = NULL;
    struct error err = { 0 };
    struct buf folder = { 0 };
    unsigned char seed[SEED_SIZE];
    char hex[2 * SEED_SIZE + 1] = "";

    if (chmod(place_file("keys/own", bytes, n), 0600) < 0)
        abort();
    buf_printf(&folder, "%s/keys", place_folder());
    if (keyring_open(folder.s, "own", &s, NULL, &err) == 0) {
        if (n != sizeof head - 1 + 2 * SEED_SIZE + 1 || bytes[n - 1] != '\n' ||
            memcmp(bytes, head, sizeof head - 1) != 0)
            abort();
        memcpy(hex, bytes + sizeof head - 1, 2 * SEED_SIZE);
        if (!hex_parse(seed, sizeof seed, hex) || signer_new(&other, seed, &err) < 0 ||
            !public_key_equal(signer_key(s), signer_key(other)))
            abort();
    } else if (!err.text[0]) {
        abort();
    }
    signer_free(other);
    signer_free(s);
    buf_release(&folder);
    return 0;
}
