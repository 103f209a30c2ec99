"""browse.py PAGE.HTML... - each page in headless Chromium, driven by WebDriver over HTTP.

Nothing is written to the console, nothing is asked for but files beside the page, links
lead somewhere and open the card they name, no window is too narrow, text stands out from
its ground in light and dark, and on paper every card is there. Ends with 1 and a line for
each fault."""

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

WIDTHS = [360, 800, 1400]
CONTRAST = 4.5  # WCAG 2.1, 1.4.3, level AA
QUIET = {"DEBUG", "INFO"}

# What the page says of itself, each a function body.
LINKS = """return [...document.querySelectorAll('a[href]')].map(a => [a.getAttribute('href'),
    new URL(a.getAttribute('href'), document.baseURI).href])"""
MISSING = """return [...document.querySelectorAll('a[href^="#"]')].map(a => a.getAttribute('href'))
    .filter(h => h.length > 1 && !document.getElementById(decodeURIComponent(h.slice(1))))"""
CLICK = """
const wrong = [];
for (const a of document.querySelectorAll('td a[href^="#"]')) {
    const name = decodeURIComponent(a.getAttribute('href').slice(1));
    const card = document.getElementById(name);
    for (let d = a.closest('details'); d; d = d.parentElement.closest('details')) d.open = true;
    a.click();
    const box = card && card.getBoundingClientRect();
    if (!box || box.height === 0 || box.bottom <= 0 || box.top >= innerHeight ||
        getComputedStyle(card).visibility !== 'visible')
        wrong.push(name);
}
return [document.querySelectorAll('td a[href^="#"]').length, wrong]"""
OVERFLOW = """const inside = e => { for (let p = e.parentElement; p; p = p.parentElement)
    if (/auto|scroll|hidden/.test(getComputedStyle(p).overflowX)) return true; return false; };
const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
return [wide, wide > 0 ? [...document.body.querySelectorAll('*')].filter(e =>
    e.getBoundingClientRect().right > innerWidth + 1 && !inside(e)).slice(0, 3).map(e => e.tagName + ' ' +
    e.className + ' ' + e.textContent.trim().slice(0, 40)) : []]"""
CARDS = """return [...document.querySelectorAll('section[id]')].filter(e =>
    e.getBoundingClientRect().height === 0 || getComputedStyle(e).visibility !== 'visible')
    .map(e => e.id)"""
# Texts with their colour and the first ground below that is not transparent; what has a
# part of its own in a picture is no text of the page.
TEXTS = """
const solid = c => !/^rgba\\(.*, 0\\)$/.test(c) && c !== 'transparent';
const seen = new Map();
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || e.closest('svg, script, style')) continue;
    let ground = e;
    while (ground && !solid(getComputedStyle(ground).backgroundColor)) ground = ground.parentElement;
    const back = ground ? getComputedStyle(ground).backgroundColor : 'canvas';
    const key = getComputedStyle(e).color + ' | ' + back;
    if (!seen.has(key)) seen.set(key, [getComputedStyle(e).color, back, e.tagName + '.' +
        e.className + ' "' + walk.currentNode.data.trim().slice(0, 30) + '"']);
}
return [...seen.values()]"""


class Browser:
    """A session of chromedriver; use as a context."""

    def __init__(self, chromium, driver):
        self.chromium, self.driver = chromium, driver

    def __enter__(self):
        self.home = tempfile.mkdtemp()
        self.child = subprocess.Popen([self.driver, "--port=0"], stdout=subprocess.PIPE, text=True,
                                      stderr=subprocess.DEVNULL, start_new_session=True,
                                      env={**os.environ, "HOME": self.home, "TMPDIR": self.home})
        for line in self.child.stdout:
            found = re.search(r"started successfully on port (\d+)", line)
            if found:
                break
        self.at = f"http://127.0.0.1:{found[1]}"
        self.session = ""
        options = {"binary": self.chromium, "args": ["--headless", "--no-sandbox", "--disable-gpu",
                   "--disable-dev-shm-usage", "--disable-ipc-flooding-protection",
                   f"--user-data-dir={self.home}/profile"]}
        answer = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}}})
        self.session = "/session/" + answer["sessionId"]
        return self

    def __exit__(self, *_):
        try:
            if self.session:
                self.call("DELETE", "", None)
        finally:
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()
            shutil.rmtree(self.home, ignore_errors=True)

    def call(self, method, path, body):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.at + self.session + path, data, method=method,
                                         headers={"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def open(self, url):
        self.call("POST", "/url", {"url": url})

    def ask(self, script):
        return self.call("POST", "/execute/sync", {"script": script, "args": []})

    def cdp(self, command, **params):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    def log(self, kind):
        return self.call("POST", "/se/log", {"type": kind})

    def media(self, kind="", **features):
        self.cdp("Emulation.setEmulatedMedia", media=kind, features=[
            {"name": "prefers-color-scheme", "value": v} for v in features.values()])

    def width(self, pixels):
        self.cdp("Emulation.setDeviceMetricsOverride", width=pixels, height=900,
                 deviceScaleFactor=1, mobile=False)


def rgb(color):
    """Red, green, blue from 0 to 1, and how opaque."""
    parts = [float(x) for x in re.findall(r"[\d.]+", color)]
    return [x / 255 for x in parts[:3]], parts[3] if len(parts) > 3 else 1


def luminance(color):
    """Relative luminance, WCAG 2.1."""
    linear = [x / 12.92 if x <= .04045 else ((x + .055) / 1.055) ** 2.4 for x in color]
    return .2126 * linear[0] + .7152 * linear[1] + .0722 * linear[2]


def contrast(text, ground):
    (t, opaque), (g, _) = rgb(text), rgb(ground)
    t = [a * opaque + b * (1 - opaque) for a, b in zip(t, g)]
    light, dark = sorted([luminance(t), luminance(g)], reverse=True)
    return (light + .05) / (dark + .05)


def check_requests(browser, folder, wrong):
    for entry in browser.log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] != "Network.requestWillBeSent":
            continue
        url = message["params"]["request"]["url"]
        if not url.startswith(("data:", "file://" + folder + "/")):
            wrong.append(f"it asks for {url[:100]}")


@functools.cache
def ids(path):
    with open(path, encoding="utf-8") as f:
        return set(re.findall(r'\bid="([^"]*)"', f.read()))


def check_links(browser, folder, wrong):
    for target in browser.ask(MISSING):
        wrong.append(f"a link leads to {target}, which is nowhere")
    for written, url in browser.ask(LINKS):
        path = urllib.request.unquote(url.split("#")[0].removeprefix("file://"))
        if url.startswith("file:") and not (path.startswith(folder + "/") and os.path.isfile(path)):
            wrong.append(f"a link leads to {written}, which does not open")
        elif url.startswith("file:") and path.endswith(".html") and "#" in url:
            if urllib.request.unquote(url.split("#")[1]) not in ids(path):
                wrong.append(f"a link leads to {written}, which is nowhere in that file")
    n, hidden = browser.ask(CLICK)
    wrong += [f"a click in a table does not show the card {name}" for name in hidden]
    return n


def check_looks(browser, wrong):
    for width in WIDTHS:
        browser.width(width)
        wide, why = browser.ask(OVERFLOW)
        if wide > 0:
            wrong.append(f"a window of {width} pixels is {wide} too narrow: {why}")
    for scheme in ["light", "dark"]:
        browser.media(scheme=scheme)
        canvas = "rgb(255, 255, 255)" if scheme == "light" else "rgb(18, 18, 18)"
        for text, ground, where in browser.ask(TEXTS):
            ratio = contrast(text, canvas if ground == "canvas" else ground)
            if ratio < CONTRAST:
                wrong.append(f"{scheme}: contrast {ratio:.2f} of {where}")
    browser.media("print")
    wrong += [f"the printed page lacks the card {name}" for name in browser.ask(CARDS)]
    browser.media()


def check(browser, page):
    wrong, folder = [], os.path.dirname(page)
    browser.width(1400)
    browser.log("performance")
    browser.open("file://" + page)
    n = check_links(browser, folder, wrong)
    check_looks(browser, wrong)
    check_requests(browser, folder, wrong)
    wrong += [f"the console says: {e['message'][:200]}" for e in browser.log("browser")
              if e["level"] not in QUIET]
    cards = browser.ask("return document.querySelectorAll('section[id]').length")
    if not cards:
        wrong.append("it has no cards")
    print(f"{os.path.basename(page)}: {n} links in tables, {cards} cards, {len(wrong)} faults")
    return [f"{os.path.basename(page)}: {w}" for w in wrong]


def main():
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        print("no Chromium here: install chromium and chromium-driver")
        sys.exit(1 if os.environ.get("CI") == "true" else 77)
    begun = time.monotonic()
    with Browser(chromium, driver) as browser:
        wrong = [w for page in sys.argv[1:] for w in check(browser, os.path.realpath(page))]
    print("\n".join(wrong) if wrong else f"fine, {time.monotonic() - begun:.1f} s")
    sys.exit(bool(wrong))


main()
