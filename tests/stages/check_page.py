"""check_page.py INDEX.HTML - tags are balanced, ids are distinct, links inside the page
lead somewhere, nothing is fetched and nothing is run."""

import html.parser
import sys

VOID = {"meta", "link", "img", "br", "hr", "input", "wbr", "col"}


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.targets, self.wrong = [], set(), [], []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        line = self.getpos()[0]
        if attrs.get("id") in self.ids:
            self.wrong.append(f"{line}: id {attrs['id']} stands there twice")
        if "id" in attrs:
            self.ids.add(attrs["id"])
        if tag in ("script", "link", "iframe", "object", "embed", "base"):
            self.wrong.append(f"{line}: <{tag}>")
        for attr, value in attrs.items():
            if attr.startswith("on"):
                self.wrong.append(f"{line}: {attr}=")
            if attr == "src" and not value.startswith("data:image/"):
                self.wrong.append(f"{line}: fetches {value[:60]}")
        if tag == "a":
            self.targets.append(attrs["href"])
        if tag == "img" and "alt" not in attrs:
            self.wrong.append(f"{line}: a picture without a description")
        if tag not in VOID:
            self.open.append((tag, line))

    def handle_endtag(self, tag):
        if not self.open or self.open[-1][0] != tag:
            self.wrong.append(f"{self.getpos()[0]}: </{tag}> where {self.open[-1:]} is open")
        else:
            self.open.pop()


page = Page()
with open(sys.argv[1], encoding="utf-8") as f:
    page.feed(f.read())
page.close()
page.wrong += [f"<{tag}> of line {line} stays open" for tag, line in page.open]
for target in page.targets:
    if target.startswith("#") and target[1:] not in page.ids:
        page.wrong.append(f"a link leads to {target}, which is nowhere")
    if not target.startswith(("#", "run.html", "tables/", "figures/", "data/", "https://")):
        page.wrong.append(f"a link leads to {target}")
if len(page.targets) < 100:
    page.wrong.append(f"only {len(page.targets)} links: the cards are missing")
print("\n".join(page.wrong))
sys.exit(bool(page.wrong))
