#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "challenge.h"
#include "login.h"
#include "oci.h"
#include "url.h"

#define HEX "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

/* ---- places ------------------------------------------------------------------------ */

Test(oci, places_are_read)
{
    static const struct {
        const char *place, *base;
    } good[] = {
        { "//ghcr.io/lab/results", "https://ghcr.io/v2/lab/results" },
        { "//registry.example.org:5050/a/b/c/",
          "https://registry.example.org:5050/v2/a/b/c" },
        { "//r/a.b_c__d---e", "https://r/v2/a.b_c__d---e" },
        { "//localhost/a", "http://localhost/v2/a" },
        { "//127.0.0.1:5000/a", "http://127.0.0.1:5000/v2/a" },
        { "//127.9.9.9/a", "http://127.9.9.9/v2/a" },
        { "//[::1]:5000/a", "http://[::1]:5000/v2/a" },
        { "//[::2]:5000/a", "https://[::2]:5000/v2/a" },
        { "//localhost.example.org/a", "https://localhost.example.org/v2/a" },
        { "//127.0.0.1.example.org/a", "https://127.0.0.1.example.org/v2/a" },
    };

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct error err = { 0 };
        struct oci_place p;

        cr_assert_eq(oci_place_read(&p, good[i].place, &err), 0, "%s", err.text);
        cr_assert_str_eq(p.base, good[i].base);
        oci_place_release(&p);
    }
}

Test(oci, places_that_are_none_are_refused)
{
    static const char *const bad[] = {
        "//",           "//host",       "//host/",     "///a",        "/host/a",
        "//host/A",     "//host/a_",    "//host/_a",   "//host/a/-b", "//host/a..b",
        "//host/a___b", "//host//a",    "//host/a//b", "//host/a b",  "//u:p@host/a",
        "//host/a?b",   "//host/a:tag",
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct error err = { 0 };
        struct oci_place p;

        cr_assert_eq(oci_place_read(&p, bad[i], &err), E_USAGE, "%s", bad[i]);
        cr_assert(strstr(err.text, "write oci://HOST/NAME"), "%s", err.text);
        oci_place_release(&p);
    }
}

Test(url, this_machine_is_told_from_others)
{
    static const char *const local[] = { "localhost", "LocalHost:5", "127.0.0.1/x",
                                         "[::1]:5/", "127.1" };
    static const char *const other[] = { "localhost.org",
                                         "127.0.0.1.org",
                                         "[::2]",
                                         "::1",
                                         "localhost:x@example.org",
                                         "127.0.0.1:1@example.org/",
                                         "128.0.0.1",
                                         "",
                                         "example.org/localhost" };

    for (size_t i = 0; i < sizeof local / sizeof *local; i++)
        cr_assert(url_host_is_local(local[i]), "%s", local[i]);
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        cr_assert(!url_host_is_local(other[i]), "%s", other[i]);
}

/* ---- names ------------------------------------------------------------------------- */

Test(oci, every_name_of_the_layout_has_a_tag_of_its_own)
{
    static const struct {
        const char *name, *tag;
    } names[] = {
        { "larder-cache-info", "larder-cache-info" },
        { "cas/9f/" HEX, "cas-" HEX },
        { "pack/9f/" HEX, "pack-" HEX },
        { "index/9f/" HEX, "index-" HEX },
        { "root/0123456789abcdef/12", "root-0123456789abcdef-12" },
        { "root/0123456789abcdef/9223372036854775807",
          "root-0123456789abcdef-9223372036854775807" },
        { "ac/9f/" HEX "/0123456789abcdef", "ac-" HEX "-0123456789abcdef" },
        { "ac/9f/" HEX "/0123456789abcdef.0123456789abcdef0123456789abcdef",
          "ac-" HEX "-0123456789abcdef.0123456789abcdef0123456789abcdef" },
        { "x/9f/8f", "x-9f-8f" }, /* that is no folder for the sake of file systems */
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct buf tag = { 0 };

        buf_adds(&tag, "before/");
        cr_assert(oci_tag(names[i].name, &tag), "%s", names[i].name);
        cr_assert_str_eq(tag.s + 7, names[i].tag);
        buf_release(&tag);
    }
}

Test(oci, names_that_make_no_tag_are_refused)
{
    char longest[OCI_TAG_MAX + 2] = { 0 };
    struct buf tag = { 0 };

    cr_assert(!oci_tag("", &tag));
    cr_assert(!oci_tag("a//b", &tag));
    cr_assert(!oci_tag("a/", &tag));
    cr_assert(!oci_tag("../a", &tag));
    cr_assert(!oci_tag("a b", &tag));
    cr_assert(!oci_tag("a\"b", &tag));
    memset(longest, 'a', OCI_TAG_MAX);
    buf_reset(&tag);
    cr_assert(oci_tag(longest, &tag));
    longest[OCI_TAG_MAX] = 'a';
    buf_reset(&tag);
    cr_assert(!oci_tag(longest, &tag));
    buf_release(&tag);
}

Test(oci, names_of_content_are_told_from_others)
{
    struct digest d;
    char hex[DIGEST_HEX + 1];

    cr_assert(oci_name_is_digest("pack/9f/" HEX, &d));
    cr_assert_str_eq(digest_hex(&d, hex), HEX);
    cr_assert(!oci_name_is_digest("larder-cache-info", &d));
    cr_assert(!oci_name_is_digest("root/0123456789abcdef/1", &d));
    cr_assert(!oci_name_is_digest("ac/9f/" HEX "/0123456789abcdef", &d));
}

/* ---- manifests --------------------------------------------------------------------- */

Test(oci, a_manifest_is_read_as_it_was_written)
{
    struct buf text = { 0 }, again = { 0 };
    struct digest id, read;
    struct error err = { 0 };
    long long size;

    cr_assert(digest_parse(&id, HEX));
    oci_manifest_write("pack/9f/" HEX, &id, 1234567890123, &text);
    oci_manifest_write("pack/9f/" HEX, &id, 1234567890123, &again);
    cr_assert_str_eq(text.s, again.s);
    cr_assert(strstr(text.s, "\"artifactType\":\"application/vnd.larder.pack.v1\""));
    /* the digest of {} that the specification tells */
    cr_assert(strstr(text.s,
                     "\"digest\":\"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc2"
                     "1fe77e8310c060f61caaff8a\",\"size\":2"));
    cr_assert_eq(oci_manifest_read(text.s, text.len, &read, &size, &err), 0, "%s",
                 err.text);
    cr_assert(digest_equal(&read, &id) && size == 1234567890123);
    for (size_t n = 0; n < text.len; n++) /* nothing less is one */
        cr_assert_eq(oci_manifest_read(text.s, n, &read, &size, &err), E_REMOTE, "%zu",
                     n);
    buf_release(&text);
    buf_release(&again);
}

Test(oci, a_manifest_of_something_else_is_refused)
{
    static const char *const bad[] = {
        "[]",
        "{}",
        "{\"layers\":[]}",
        "{\"layers\":{}}",
        "{\"layers\":[7]}",
        "{\"layers\":[{\"digest\":\"sha256:" HEX "\"}]}",
        "{\"layers\":[{\"digest\":\"sha256:" HEX "\",\"size\":-1}]}",
        "{\"layers\":[{\"digest\":\"sha256:" HEX "\",\"size\":\"1\"}]}",
        "{\"layers\":[{\"digest\":\"" HEX "\",\"size\":1}]}",
        "{\"layers\":[{\"digest\":\"sha512:" HEX "\",\"size\":1}]}",
        "{\"layers\":[{\"digest\":\"sha256:" HEX "\",\"size\":1},"
        "{\"digest\":\"sha256:" HEX "\",\"size\":1}]}",
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct error err = { 0 };
        struct digest id;
        long long size;

        cr_assert_eq(oci_manifest_read(bad[i], strlen(bad[i]), &id, &size, &err),
                     E_REMOTE, "%s", bad[i]);
    }
}

/* ---- uploads ----------------------------------------------------------------------- */

Test(oci, a_location_is_followed_however_it_is_written)
{
#define DIGEST "digest=sha256%3A" HEX
    static const char asked[] = "https://host:5/v2/a/blobs/uploads/";
    static const struct {
        const char *location, *url;
    } cases[] = {
        { "https://host:5/v2/a/blobs/uploads/7?_state=x%3D",
          "https://host:5/v2/a/blobs/uploads/7?_state=x%3D&" DIGEST },
        { "/v2/a/blobs/uploads/7", "https://host:5/v2/a/blobs/uploads/7?" DIGEST },
        { "/up?x=1", "https://host:5/up?x=1&" DIGEST },
        { "7?x=1", "https://host:5/v2/a/blobs/uploads/7?x=1&" DIGEST },
        { "?x=1", "https://host:5/v2/a/blobs/uploads/?x=1&" DIGEST },
        { "//other/up", "https://other/up?" DIGEST },
        { "https://other/up#part", "https://other/up?" DIGEST },
        { "http://other/up", "http://other/up?" DIGEST }, /* which is not followed */
        { "http://HOST:5/up", "https://host:5/up?" DIGEST },
        { "http://host/up", "http://host/up?" DIGEST },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf url = { 0 };
        struct digest id;

        cr_assert(digest_parse(&id, HEX));
        oci_upload_url(asked, cases[i].location, &id, &url);
        cr_assert_str_eq(url.s, cases[i].url);
        buf_release(&url);
    }
}

/* ---- challenges -------------------------------------------------------------------- */

struct challenge_case {
    const char *headers;
    bool basic, bearer;
    const char *url;
};

Test(challenge, is_read_however_it_is_written)
{
    static const struct challenge_case cases[] = {
        { "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer "
          "realm=\"https://ghcr.io/token\",service=\"ghcr.io\",scope=\"repository:lab/"
          "results:pull\"\r\n\r\n",
          false, true,
          "https://ghcr.io/token?service=ghcr.io&scope=repository:lab/results:pull" },
        { "www-authenticate:bearer Realm = \"https://h/t?a=b\" , scope = "
          "\"repository:a:pull,push repository:b:pull\"\n",
          false, true,
          "https://h/t?a=b&scope=repository:a:pull,push%20repository:b:pull" },
        { "WWW-Authenticate: Basic realm=\"Bearer realm=x\"\r\n", true, false, "" },
        { "WWW-Authenticate: Basic realm=\"a, b\", Bearer realm=\"https://h/t\"\r\n",
          true, true, "https://h/t" },
        { "WWW-Authenticate: Basic\r\nWWW-Authenticate: Bearer realm=\"https://h/t\"\r\n",
          true, true, "https://h/t" },
        { "WWW-Authenticate: Bearer "
          "error=\"invalid_token\",realm=\"https://h/\\\"t\\\"\"",
          false, true, "https://h/\"t\"" },
        { "WWW-Authenticate: Bearer realm=\"https://h/t\",service=\"R & D\"\n", false,
          true, "https://h/t?service=R%20%26%20D" },
        { "WWW-Authenticate: Bearer service=\"x\"\r\n", false, false, "?service=x" },
        { "WWW-Authenticate: Negotiate abc==, Basic realm=x\r\n", true, false, "" },
        { "WWW-Authenticate: Bearer realm=\"https://h", false, true, "https://h" },
        { "WWW-Authenticate: ((((", false, false, "" },
        { "WWW-Authenticate:", false, false, "" },
        { "X-WWW-Authenticate: Basic\r\nWWW-Authenticate-Info: Basic\r\n", false, false,
          "" },
        { "", false, false, "" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct challenge c;
        struct buf url = { 0 };

        challenge_read(&c, cases[i].headers);
        cr_assert(c.basic == cases[i].basic && c.bearer == cases[i].bearer, "%s",
                  cases[i].headers);
        challenge_token_url(&c, &url);
        cr_assert_str_eq(buf_str(&url), cases[i].url);
        buf_release(&url);
        challenge_release(&c);
    }
}

Test(challenge, an_identity_token_is_sent_in_a_form)
{
    struct challenge c;
    struct buf form = { 0 };

    challenge_read(&c,
                   "WWW-Authenticate: Bearer realm=\"https://h/t?a=b\",service=\"R&D\","
                   "scope=\"repository:lab/results:pull,push\"\r\n");
    challenge_token_form(&c, "a+b=&c d", &form);
    cr_assert_str_eq(form.s,
                     "grant_type=refresh_token&client_id=larder&service=R%26D&scope="
                     "repository:lab/results:pull,push&"
                     "refresh_token=a%2Bb%3D%26c%20d");
    buf_release(&form);
    challenge_release(&c);
}

/* ---- files of logins --------------------------------------------------------------- */

struct login_case {
    const char *text, *basic, *token, *helper;
};

/* Its text has ' for ", to be read. */
static void finds(const struct login_case *c, const char *host)
{
    struct login_found to = { 0 };
    struct error err = { 0 };
    char text[512];
    size_t n = strlen(c->text);

    for (size_t i = 0; i < n; i++)
        text[i] = c->text[i] == '\'' ? '"' : c->text[i];
    cr_assert_eq(login_find(text, n, host, "lab/results", &to, &err), 0, "%s", err.text);
    cr_assert_str_eq(buf_str(&to.own.basic), c->basic, "%s", c->text);
    cr_assert_str_eq(buf_str(&to.own.token), c->token, "%s", c->text);
    cr_assert_str_eq(buf_str(&to.helper), c->helper, "%s", c->text);
    login_found_release(&to);
}

Test(login, is_found_under_the_names_that_tools_write)
{
    static const struct login_case cases[] = {
        { "{'auths':{'host:5':{'auth':'YTpi'}}}", "YTpi", "", "" },
        { "{'auths':{'https://host:5/v1/':{'auth':'YTpi'}}}", "YTpi", "", "" },
        { "{'auths':{'host:5/lab':{'auth':'b25l'},'host:5':{'auth':'YTpi'}}}", "b25l", "",
          "" },
        { "{'auths':{'host:5/lab/results':{'auth':'b25l'}}}", "b25l", "", "" },
        { "{'auths':{'host:5/lab/results/x':{'auth':'b25l'}}}", "", "", "" },
        { "{'auths':{'host:5/la':{'auth':'b25l'}}}", "", "", "" },
        { "{'auths':{'host':{'auth':'YTpi'}}}", "", "", "" },
        { "{'auths':{'host:50':{'auth':'YTpi'}}}", "", "", "" },
        { "{'auths':{'host:5':{}}}", "", "", "" },
        { "{'auths':{'host:5':{'auth':''}}}", "", "", "" },
        { "{'auths':{'host:5':{'identitytoken':'eyJ'}}}", "", "eyJ", "" },
        { "{'auths':{'host:5':{'auth':'YTo=','identitytoken':'eyJ'}}}", "YTo=", "eyJ",
          "" },
        { "{'auths':{'host:5/lab':{'auth':'YTpi'},'host:5':{'identitytoken':'eyJ'}}}",
          "YTpi", "", "" },
        { "{'auths':{'host:5':{'identitytoken':['eyJ']}}}", "", "", "" },
        { "{}", "", "", "" },
        { "[]", "", "", "" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        finds(&cases[i], "host:5");
}

/* As docker chooses it. */
Test(login, may_be_with_a_program)
{
    static const struct login_case cases[] = {
        { "{'auths':{'host:5':{}},'credsStore':'desktop'}", "", "", "desktop" },
        { "{'credHelpers':{'host:5':'pass'},'credsStore':'desktop'}", "", "", "pass" },
        { "{'credHelpers':{'host:5':''},'credsStore':'desktop'}", "", "", "" },
        { "{'credHelpers':{'host:5':5},'credsStore':'desktop'}", "", "", "" },
        { "{'credHelpers':{'other':'pass'}}", "", "", "" },
        { "{'auths':{'host:5':{'auth':'YTpi'}},'credsStore':'desktop'}", "YTpi", "",
          "desktop" },
    };
    static const struct login_case hub = {
        "{'auths':{'https://index.docker.io/v1/':{'auth':'YTpi'}},"
        "'credHelpers':{'https://index.docker.io/v1/':'pass'}}",
        "YTpi", "", "pass"
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        finds(&cases[i], "host:5");
    finds(&hub, "index.docker.io");
    finds(&hub, "registry-1.docker.io");
}

Test(login, a_file_that_cannot_be_read_is_told_with_its_place)
{
    struct error err = { 0 };
    struct login_found to = { 0 };

    cr_assert_eq(login_find("{\n\"auths\" 1", 11, "h", "r", &to, &err), E_REMOTE);
    cr_assert(strncmp(err.text, "2:", 2) == 0 && strstr(err.text, "log in again"), "%s",
              err.text);
}
