#include <criterion/criterion.h>
#include <string.h>

#include "jsonld.h"

Test(jsonld, has_each_entity_once_and_one_value_plain)
{
    struct jsonld *g = jsonld_new();
    struct json_t *a = jsonld_entity(g, "#a", "File HowTo", NULL);
    struct buf text = { 0 };
    bool added;

    cr_assert_eq(jsonld_entity(g, "#a", "Other", &added), a);
    cr_assert_not(added);
    jsonld_refer(a, "one", "#b");
    jsonld_refer(a, "one", "#b");
    jsonld_refer(a, "two", "#b");
    jsonld_refer(a, "two", "#c");
    jsonld_refer(a, "two", "#c");
    jsonld_add(a, "name", "x");
    jsonld_add(a, "name", "y");
    cr_assert(jsonld_has(a, "two") && !jsonld_has(a, "three"));
    jsonld_entity(g, "#b", "Other", &added);
    cr_assert(added);
    jsonld_write(g, "http://c/ http://d/", &text);
    for (char *s = text.s, *to = text.s;; s++) /* without blanks */
        if (*s != ' ' && *s != '\n' && !(*to++ = *s))
            break;
    cr_assert_str_eq(
        text.s, "{\"@context\":[\"http://c/\",\"http://d/\"],\"@graph\":["
                "{\"@id\":\"#a\",\"@type\":[\"File\",\"HowTo\"],"
                "\"one\":{\"@id\":\"#b\"},\"two\":[{\"@id\":\"#b\"},{\"@id\":\"#c\"}],"
                "\"name\":[\"x\",\"y\"]},{\"@id\":\"#b\",\"@type\":\"Other\"}]}");
    buf_release(&text);
    jsonld_free(g);
}

Test(jsonld, writes_what_is_no_text_escaped)
{
    struct jsonld *g = jsonld_new();
    struct json_t *a = jsonld_entity(g, "#a", "File", NULL);

    jsonld_set(a, "name", "a\xff/b");
    cr_assert(jsonld_is(a, "name", "a%FF/b"));
    jsonld_free(g);
}

Test(jsonld, encodes_what_a_uri_cannot_hold)
{
    struct buf b = { 0 };

    jsonld_add_encoded(&b, "a b/c#d:e%f[k=1,l]~ü");
    cr_assert_str_eq(buf_str(&b), "a%20b/c%23d%3Ae%25f%5Bk=1,l%5D~%C3%BC");
    buf_release(&b);
}
