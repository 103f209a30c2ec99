/* What a registry says: an answer's headers, a manifest, where to send bytes; and the
 * file or the program that has the logins for it. The first byte says which. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "challenge.h"
#include "login.h"
#include "oci.h"
#include "url.h"

static void ask(const char *headers)
{
    struct challenge c;
    struct buf url = { 0 }, form = { 0 };

    challenge_read(&c, headers);
    challenge_token_form(&c, headers, &form);
    if (strpbrk(buf_str(&form), " \r\n\"+"))
        abort(); /* nothing may end a field of it */
    challenge_token_url(&c, &url);
    if (url.len && strpbrk(buf_str(&url) + c.realm.len, " \r\n\""))
        abort(); /* what follows on the address that it named is ours */
    url_host_is_local(url_host(buf_str(&url)));
    challenge_release(&c);
    buf_release(&form);
    buf_release(&url);
}

static void read_manifest(const char *text, size_t n)
{
    struct buf again = { 0 };
    struct digest id, same;
    long long size, as_much;

    if (oci_manifest_read(text, n, &id, &size, NULL) < 0)
        return;
    oci_manifest_write("pack/9f/9f", &id, size, &again);
    if (oci_manifest_read(again.s, again.len, &same, &as_much, NULL) < 0 ||
        !digest_equal(&same, &id) || as_much != size)
        abort();
    buf_release(&again);
}

static void find_login(const char *text, size_t n)
{
    struct login_found to = { 0 };

    login_find(text, n, "registry.example.org:5000", "lab/results", &to, NULL);
    login_found_release(&to);
}

static void read_credential(const char *text, size_t n)
{
    struct credential c = { 0 };
    int rc = credential_read(text, n, &c, NULL);

    if ((rc == 0) != (c.basic.len > 0 || c.token.len > 0) ||
        strpbrk(buf_str(&c.basic), " \r\n\""))
        abort();
    credential_release(&c);
}

static void send(const char *location)
{
    static const char asked[] = "https://registry.example.org/v2/lab/blobs/uploads/";
    struct digest id = { 0 };
    struct buf url = { 0 };

    oci_upload_url(asked, location, &id, &url);
    url_origin(url.s);
    buf_release(&url);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char *text = malloc(n + 1);

    memcpy(text, bytes, n);
    text[n] = '\0';
    if (n > 0 && text[0] == 'm')
        read_manifest(text + 1, n - 1);
    else if (n > 0 && text[0] == 'l')
        find_login(text + 1, n - 1);
    else if (n > 0 && text[0] == 'p')
        read_credential(text + 1, n - 1);
    else if (n > 0 && text[0] == 'u')
        send(text + 1);
    else
        ask(text);
    free(text);
    return 0;
}
