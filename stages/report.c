/*
 * report - a page of text, tables and figures, with the origin of every number.
 *
 * in   text        the text (Markdown with references, docs/report.md)
 *      tables      tables (TSV of `tabulate`)
 *      figures     figures (PNG or SVG)
 *      data        TSV files to show as they are
 *      provenance  plan.provenance: the steps behind the page
 * out  page        a folder: index.html, and what it shows in tables/, figures/, data/
 */
#include "kit/stage.h"
#include "page/page.h"

#include "larder/banned.h"

struct options {
    struct page_inputs in;
    const char *page;
};

static int report(const void *options, struct error *err)
{
    const struct options *o = options;
    struct page page = { 0 };
    int rc;

    rc = page_read(&page, &o->in, err);
    if (rc < 0)
        return rc;
    rc = page_write(&page, o->in.text, o->page, err);
    page_release(&page);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { 0 };
    const struct stage_arg args[] = {
        STAGE_ABOUT(
            "Makes a page of text, tables and figures, with every number's origin"),
        STAGE_IN("text", &o.in.text, "the text (Markdown, docs/report.md)"),
        STAGE_MAY_IN_LIST("tables", &o.in.tables, "tables (TSV of tabulate)"),
        STAGE_MAY_IN_LIST("figures", &o.in.figures, "figures (PNG or SVG)"),
        STAGE_MAY_IN_LIST("data", &o.in.data, "TSV files to show as they are"),
        STAGE_MAY_IN("provenance", &o.in.provenance, "plan.provenance"),
        STAGE_OUT_TREE("page", &o.page, "folder with index.html"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, report, &o);
}
