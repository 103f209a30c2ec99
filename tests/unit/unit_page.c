#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <unistd.h>

#include "larder/fs.h"
#include "page/cards.h"
#include "page/data.h"
#include "page/graph.h"
#include "page/latex.h"
#include "page/markdown.h"
#include "page/page.h"

#include "own_folder.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HEX_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

TestSuite(page, .init = enter_folder, .fini = leave_folder);

static bool has(const struct buf *b, const char *what)
{
    return strstr(buf_str(b), what) != NULL;
}

static const char table_head[] = "row\tcolumn\tn\tk\tvalue\tlow\thigh\tunit\tfrom\n";

/* A page with a table, two items of data and their origin. */
static void put_inputs(const char *text)
{
    struct buf b = { 0 };
    struct digest d;
    char hex[DIGEST_HEX + 1];

    buf_adds(&b, table_head);
    buf_adds(&b, "Clean\tS\t1500\t1316\t87.73\t85.98\t89.30\tpercent\t" HEX_A "\n");
    buf_adds(&b, "Clean\tR\t1500\t1074\t71.60\t69.27\t73.82\tpercent\t" HEX_C "\n");
    put("table.tsv", buf_str(&b));
    digest_bytes(&d, b.s, b.len);
    digest_hex(&d, hex);
    put("curve-s.tsv", "epoch\tloss\n1\t2.3\n2\t1.1\n");
    put("curve-r.tsv", "epoch\tloss\n1\t2.4\n");
    put("tried.tsv", "world\tshare\nA\t0.1\nA\t0.2\nB\t-\n");
    put("tables", "stage\tpath\ntable-1\ttable.tsv\n");
    put("data", "stage\tkind\tpath\ntrain\tS\tcurve-s.tsv\ntrain\tR\tcurve-r.tsv\n"
                "./tried.tsv\t\ttried.tsv\n");
    buf_reset(&b);
    buf_adds(&b, "step\tfield\tname\tvalue\n"
                 "train@kind=S\tkey\tkey\tsha256:" HEX_B "\n"
                 "train@kind=S\tprogram\ttrain\tsha256:" HEX_C "\n"
                 "train@kind=S\toption\tlr\t0.04\n"
                 "train@kind=S\tinput\tset\tsha256:" HEX_C " import.pictures\n"
                 "train@kind=S\toutput\trecord\tsha256:" HEX_A " file\n"
                 "table-1\tkey\tkey\tsha256:" HEX_A "\n"
                 "table-1\tinput\trecords\tsha256:" HEX_A " train@kind=S.record\n");
    buf_printf(&b, "table-1\toutput\ttable\tsha256:%s file\n", hex);
    put("provenance", buf_str(&b));
    put("page.md", text);
    buf_release(&b);
}

/* Writes the page into the folder and reads it back. */
static int write_page(const char *folder, struct buf *html, struct error *err)
{
    const struct page_inputs in = { "page.md", "tables", NULL, "data", "provenance" };
    struct page p = { 0 };
    struct buf path = { 0 };
    int rc;

    rc = page_read(&p, &in, err);
    if (rc == 0)
        rc = page_write(&p, in.text, folder, err);
    page_release(&p);
    fs_join(&path, folder, "index.html");
    if (rc == 0)
        rc = fs_read(buf_str(&path), html, err);
    buf_release(&path);
    return rc;
}

Test(page, a_table_is_pivoted_and_each_value_links_to_its_card)
{
    struct buf html = { 0 };
    struct error err = { 0 };

    put_inputs("# A title\n\n![**Table 1.** Accuracy](table:table-1)\n");
    cr_assert(eq(int, write_page("out", &html, &err), 0), "%s", err.text);
    cr_assert(has(&html, "<title>A title</title>"));
    cr_assert(has(&html, "<figcaption><strong>Table 1.</strong> Accuracy</figcaption>"));
    cr_assert(has(&html, "<th scope=\"col\">S</th><th scope=\"col\">R</th>"));
    cr_assert(has(&html, "<td><a class=\"value\" href=\"#c-table-1-1-2\">71.60</a>"
                         "<small>1074 of 1500<br>69.27–73.82</small></td>"));
    cr_assert(has(&html, "id=\"c-table-1-1-2\""));
    cr_assert(fs_exists("out/tables/table-1.tsv"));
    cr_assert(fs_exists("out/data/train-kind-S.tsv"));
    buf_release(&html);
}

Test(page, a_card_leads_from_the_value_to_the_sources)
{
    struct buf html = { 0 };

    put_inputs("![T](table:table-1)\n");
    cr_assert(eq(int, write_page("out", &html, NULL), 0));
    cr_assert(has(&html, "Computed by <a href=\"#k-aaaaaaaaaaaaaaaa\">table-1</a>"));
    cr_assert(has(
        &html, "The record comes from <a href=\"#k-bbbbbbbbbbbbbbbb\">train@kind=S</a>"));
    cr_assert(has(&html, "<a href=\"run.html#k-bbbbbbbbbbbbbbbb\">"));
    cr_assert(has(&html, "lr=0.04"));
    cr_assert(has(&html, "<section class=\"step\" id=\"k-bbbbbbbbbbbbbbbb\">"));
    cr_assert(has(&html, "set ← <a href=\"#s-cccccccccccccccc\">import.pictures</a>"));
    cr_assert(has(&html, "<li id=\"s-cccccccccccccccc\">import.pictures"));
    cr_assert(has(&html, "no step of this page made it")); /* the record of R */
    buf_release(&html);
}

Test(page, a_page_is_the_same_bytes_each_time)
{
    struct buf a = { 0 }, b = { 0 };

    put_inputs("# T\n\n![T](table:table-1)\n\n![C](data:train@kind=S)\n");
    cr_assert(eq(int, write_page("a", &a, NULL), 0));
    cr_assert(eq(int, write_page("b", &b, NULL), 0));
    cr_assert(eq(sz, a.len, b.len));
    cr_assert(eq(int, memcmp(a.s, b.s, a.len), 0));
    buf_release(&a);
    buf_release(&b);
}

Test(page, numbers_in_the_text_come_from_tables_and_data)
{
    struct buf html = { 0 };
    struct error err = { 0 };

    put_inputs("S is right on ![](value:table-1/Clean/S), after ![](count:tried) runs in "
               "![](count:tried/world) worlds.\n\n![T](table:table-1)\n");
    cr_assert(eq(int, write_page("out", &html, &err), 0), "%s", err.text);
    cr_assert(has(&html, "S is right on <a class=\"value\" href=\"#c-table-1-1-1\">"
                         "87.73&nbsp;%</a>, after 3 runs in 2 worlds."));
    buf_release(&html);
}

struct refusal {
    char text[96], message[96];
};

ParameterizedTestParameters(page, a_wrong_reference_names_line_and_nearest)
{
    static struct refusal r[] = {
        { "# T\n\ntext\n\n![x](table:tabel-1)\n",
          "page.md:5: there is no table \"tabel-1\"; "
          "did you mean \"table-1\"?" },
        { "![x](tabel:table-1)\n", "did you mean \"table:\"?" },
        { "![x](data:train)\n", "may be train@kind=S and train@kind=R: say which" },
        { "![x](data:train@kind=Q)\n", "page.md:1: there is no data" },
        { "![x](picture.png)\n", "page.md:1: an image must be KIND:NAME" },
        { "a\nb ![x](table:table-1)\n", "must be alone in its paragraph" },
        { "![](value:table-1/Claen/S)\n", "no row \"Claen\"; did you mean \"Clean\"?" },
        { "![](value:table-1/Clean/Q)\n", "no column \"Q\"" },
        { "![](value:table-1)\n", "is not value:TABLE/ROW/COLUMN" },
        { "![](value:table-1/Clean/S)\n", "does not show that table" },
        { "![](count:tried/wolrd)\n", "no column \"wolrd\"" },
        { "![x](figure:figure-2)\n", "there is no figure \"figure-2\"; there are 0" },
    };

    return cr_make_param_array(struct refusal, r, sizeof r / sizeof *r);
}

ParameterizedTest(struct refusal *r, page, a_wrong_reference_names_line_and_nearest)
{
    struct buf html = { 0 };
    struct error err = { 0 };

    put_inputs(r->text);
    cr_assert(eq(int, write_page("out", &html, &err), E_INPUT));
    cr_assert(ne(ptr, strstr(err.text, r->message), NULL), "%s", err.text);
    cr_assert(not(fs_exists("out")));
}

Test(page, hostile_names_are_only_text)
{
    struct buf html = { 0 };
    struct table t = { 0 };
    struct provenance p = { 0 };
    char slug[] = "x", name[] = "<script>\"&'";
    struct page_item item = { .name = name, .slug = slug };

    put("t.tsv", "row\tcolumn\tn\tk\tvalue\tlow\thigh\tunit\tfrom\n"
                 "<script>alert(1)</script>\t\" onclick=\"x\t1\t1\t<b>\t<\t>\t'\t<i>\n");
    cr_assert(eq(int, table_read(&t, "t.tsv", NULL), 0));
    cards_add_table(&html, &t, &item, "caption", &p);
    cards_add_cells(&html, &t, &item, &p);
    cr_assert(not(has(&html, "<script>")));
    cr_assert(not(has(&html, "<b></a>")));
    cr_assert(not(has(&html, "<i>")));
    cr_assert(not(has(&html, "\" onclick")));
    cr_assert(has(&html, "&lt;script&gt;alert(1)&lt;/script&gt;"));
    buf_release(&html);
    table_release(&t);
}

Test(page, raw_html_and_running_links_of_the_text_are_left_out)
{
    struct buf html = { 0 };

    put_inputs("# T\n\n<script>alert(1)</script>\n\na <b onclick=x>b</b>\n\n"
               "[c](javascript:alert)\n");
    cr_assert(eq(int, write_page("out", &html, NULL), 0));
    cr_assert(not(has(&html, "<script>alert")));
    cr_assert(not(has(&html, "onclick")));
    cr_assert(not(has(&html, "javascript:")));
    buf_release(&html);
}

Test(page, comparisons_are_counted)
{
    struct buf html = { 0 };
    struct error err = { 0 };

    put_inputs("![pairs](data:pairs)\n");
    put("pairs.tsv", "row\ta\tb\tn\tboth\tonly_a\tonly_b\tneither\tp\tfrom\n"
                     "Clean\tR\tS\t9\t1\t2\t3\t3\t0.5\t" HEX_A "," HEX_C "\n"
                     "Dirty\tR\tS\t9\t1\t2\t3\t3\t0.5\t" HEX_A "," HEX_C "\n");
    put("data", "stage\tpath\npairs\tpairs.tsv\n");
    cr_assert(eq(int, write_page("out", &html, &err), 0), "%s", err.text);
    cr_assert(has(&html, "The page shows 2 such comparisons"));
    cr_assert(has(&html, "about 0.1 would"));
    cr_assert(has(&html, "No interval on this page covers training a network again"));
    cr_assert(has(&html, "title=\"train@kind=S\">1</a>"));
    buf_release(&html);
}

Test(page, a_value_of_the_paper_stands_beside_the_own_one)
{
    struct buf html = { 0 };
    struct table t = { 0 };
    struct provenance p = { 0 };
    char slug[] = "x", name[] = "x";
    struct page_item item = { .name = name, .slug = slug };

    put("t.tsv", "row\tcolumn\tn\tk\tvalue\tlow\thigh\tunit\tfrom\tpaper\n"
                 "a\tb\t2\t1\t50.00\t\t\t\t\t56.52\na\tc\t2\t1\t50.00\t\t\t\t\t\n");
    cr_assert(eq(int, table_read(&t, "t.tsv", NULL), 0));
    cr_assert(t.has_paper);
    cards_add_table(&html, &t, &item, "caption", &p);
    cr_assert(has(&html, "1 of 2<br>paper 56.52 (-6.52), apart</small>"));
    cr_assert(has(&html, "1 of 2</small>"));
    buf_release(&html);
    table_release(&t);
}

/* As near as is asked; else in the interval, or without one within 5 %. */
Test(page, a_published_number_agrees_or_stands_apart)
{
    static const struct {
        const char *value, *low, *high, *paper, *within, *verdict;
    } cases[] = {
        { "50", "45", "55", "55", "", "agrees" },
        { "50", "45", "55", "55.1", "", "apart" },
        { "50", "", "", "52.5", "", "agrees" },
        { "50", "", "", "52.6", NULL, "apart" },
        { "-50", "", "", "-52.5", NULL, "agrees" },
        { "50", "45", "55", "", "1", "" },
        { "", "", "", "50", "1", "" },
        { "50", "45", "55", "55", "4", "apart" },
        { "50", "49", "51", "55", "5", "agrees" },
        { "57", "", "", "50", "10%", "apart" },
        { "45", "", "", "50", "10%", "agrees" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct table_cell c = { .value = cases[i].value,
                                .low = cases[i].low,
                                .high = cases[i].high,
                                .paper = cases[i].paper,
                                .within = cases[i].within };

        cr_assert(eq(str, (char *)table_verdict(&c), (char *)cases[i].verdict),
                  "case %zu", i);
    }
}

Test(page, a_table_is_written_as_latex_too)
{
    struct table t = { 0 };
    struct buf tex = { 0 };

    put("t.tsv", "row\tcolumn\tn\tk\tvalue\tlow\thigh\tunit\tfrom\tpaper\n"
                 "B&W_1\tS\t2\t1\t50.00\t9.45\t90.55\t\t\t56.52\n"
                 "B&W_1\tR\t2\t1\t\t\t\t\t\t\n"
                 "other\tR\t2\t1\t7\t\t\t\t\t\n");
    cr_assert(eq(int, table_read(&t, "t.tsv", NULL), 0));
    latex_add_table(&tex, &t, "table-1");
    cr_assert(eq(str, (char *)buf_str(&tex),
                 "% table-1; needs \\usepackage{booktabs}\n"
                 "\\begin{tabular}{lrr}\n\\toprule\n & S & R \\\\\n\\midrule\n"
                 "B\\&W\\_1 & 50.00 & -- \\\\\n"
                 " & {\\scriptsize 9.45--90.55} &  \\\\\n"
                 " & {\\scriptsize paper 56.52} &  \\\\\n"
                 "other &  & 7 \\\\\n\\bottomrule\n\\end{tabular}\n"));
    buf_release(&tex);
    table_release(&t);
}

static size_t count_of(const struct buf *b, const char *what)
{
    size_t n = 0;

    for (const char *at = buf_str(b); (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

/* Three stages, one of two steps: the last reads both others, the middle the first, so
 * that the line from the first to the last is left out. */
Test(page, the_graph_has_a_box_a_stage_and_no_line_twice)
{
    struct provenance p = { 0 };
    struct buf html = { 0 };
    struct error err = { 0 };

    put("provenance", "step\tfield\tname\tvalue\n"
                      "make@k=1\tkey\tkey\tsha256:" HEX_A "\n"
                      "make@k=2\tkey\tkey\tsha256:" HEX_B "\n"
                      "use\tkey\tkey\tsha256:" HEX_C "\n"
                      "use\tinput\tx\tsha256:" HEX_A " make@k=1.x\n"
                      "use\tinput\tx\tsha256:" HEX_A " make@k=2.x\n"
                      "show\tkey\tkey\tsha256:" HEX_C "\n"
                      "show\tinput\tx\tsha256:" HEX_A " make@k=1.x\n"
                      "show\tinput\ty\tsha256:" HEX_A " use.y\n");
    cr_assert(eq(int, provenance_read(&p, "provenance", &err), 0), "%s", err.text);
    graph_add(&html, &p, "caption");
    cr_assert(eq(sz, count_of(&html, "<rect"), 3));
    cr_assert(has(&html, ">make (2)</text>"));
    cr_assert(has(&html, ">use</text>"));
    cr_assert(eq(sz, count_of(&html, "<path"), 2), "%s", buf_str(&html));
    cr_assert(eq(sz, count_of(&html, "href=\"#k-"), 3));
    buf_release(&html);
    provenance_release(&p);
}

Test(page, columns_without_words_are_left_out_and_sources_are_linked)
{
    struct buf html = { 0 };
    struct error err = { 0 };

    put_inputs("![claims](data:claims)\n\n![](<count:claims/verdict=fails>) fail\n");
    put("claims.tsv", "id\tempty\tverdict\tfrom\na\t\tholds\t" HEX_C "\n"
                      "b\t\tfails\t\nc\t\tfails\t\n");
    put("data", "stage\tpath\nclaims\tclaims.tsv\n");
    cr_assert(eq(int, write_page("out", &html, &err), 0), "%s", err.text);
    cr_assert(not(has(&html, ">empty</th>")));
    cr_assert(has(&html, "<td class=\"verdict fails\">fails</td>"));
    cr_assert(has(&html, "title=\"import.pictures\">1</a>"));
    cr_assert(has(&html, "2 fail"));
    buf_release(&html);
}

Test(page, items_of_one_stage_are_named_by_their_origin)
{
    struct items l = { 0 };
    struct provenance p = { 0 };
    struct error err = { 0 };
    size_t i;

    put_inputs("");
    put("tables", "path\ntable.tsv\n");
    cr_assert(eq(int, provenance_read(&p, "provenance", &err), 0), "%s", err.text);
    cr_assert(eq(int, items_read(&l, "table", "tables", &p, &err), 0), "%s", err.text);
    cr_assert(eq(int, items_find(&l, "table-1", &i, NULL), 0));
    items_release(&l);
    put("tables", "path\ncurve-s.tsv\n");
    cr_assert(eq(int, items_read(&l, "table", "tables", &p, &err), E_INPUT));
    cr_assert(ne(ptr, strstr(err.text, "no step is known"), NULL), "%s", err.text);
    provenance_release(&p);
}

Test(page, names_that_look_alike_get_files_of_their_own)
{
    struct items l = { 0 };
    struct provenance p = { 0 };

    put("a.tsv", "x\n");
    put("list", "stage\tk\tpath\na\tb c\ta.tsv\na\tb/c\ta.tsv\na\t../x\ta.tsv\n");
    cr_assert(eq(int, items_read(&l, "data", "list", &p, NULL), 0));
    cr_assert(eq(str, l.item[0].slug, "a-k-b-c"));
    cr_assert(eq(str, l.item[1].slug, "a-k-b-c-2"));
    cr_assert(eq(str, l.item[2].slug, "a-k----x"));
    items_release(&l);
}

Test(page, provenance_without_digests_or_keys_is_refused)
{
    struct provenance p = { 0 };
    struct error err = { 0 };

    put("p", "step\tfield\tname\tvalue\na\tkey\tkey\tsha256:12\n");
    cr_assert(eq(int, provenance_read(&p, "p", &err), E_INPUT));
    cr_assert(ne(ptr, strstr(err.text, "p:2:"), NULL), "%s", err.text);
    put("p", "step\tfield\tname\tvalue\na\toption\tx\t1\n");
    cr_assert(eq(int, provenance_read(&p, "p", &err), E_INPUT));
    cr_assert(ne(ptr, strstr(err.text, "step a has no key"), NULL), "%s", err.text);
}

Test(page, pictures_beyond_the_room_lie_beside_the_page)
{
    const struct page_inputs in = { "page.md", NULL, "figures", NULL, NULL };
    struct page p = { 0 };
    struct buf html = { 0 };

    put("a.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>");
    put("figures", "stage\tpath\nfig\ta.svg\n");
    put("page.md", "![A figure](figure:fig)\n");
    cr_assert(eq(int, page_read(&p, &in, NULL), 0));
    cr_assert(eq(int, page_write(&p, in.text, "inside", NULL), 0));
    page_release(&p);
    cr_assert(eq(int, page_read(&p, &in, NULL), 0));
    p.most = 10;
    cr_assert(eq(int, page_write(&p, in.text, "beside", NULL), 0));
    page_release(&p);
    cr_assert(eq(int, fs_read("inside/index.html", &html, NULL), 0));
    cr_assert(has(&html, "<img src=\"data:image/svg+xml;base64,PHN2ZyB4bWxucz0i"));
    cr_assert(has(&html, "alt=\"A figure\""));
    buf_reset(&html);
    cr_assert(eq(int, fs_read("beside/index.html", &html, NULL), 0));
    cr_assert(has(&html, "<img src=\"figures/fig.svg\""));
    cr_assert(fs_exists("beside/figures/fig.svg"));
    buf_release(&html);
}
