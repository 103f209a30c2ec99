"""fetch.py LARDER [TEST...] - imports from servers that cut, lie, are away or are busy.

Each test has a project of its own and a server on the loopback that counts what it is
asked and what it sends. A test is a function whose name begins with test_.
"""
import hashlib
import http.server
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time

LARDER = os.path.realpath(sys.argv[1])
DATA = bytes(range(256)) * 4096  # 1 MiB
SHA256 = hashlib.sha256(DATA).hexdigest()
MD5 = hashlib.md5(DATA).hexdigest()
OTHER = bytes(255 - b for b in DATA)


class Server(http.server.ThreadingHTTPServer):
    """Answers with what `answer` does with the request, and counts."""

    daemon_threads = True

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer, self.requests, self.ranges, self.sent = answer, [], [], 0
        self.headers_seen = []
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # a client that goes away is part of the tests

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.requests.append(self.path)
        self.server.ranges.append(self.headers.get("Range"))
        self.server.headers_seen.append(dict(self.headers))
        self.server.answer(self, len(self.server.requests))

    def log_message(self, *_):
        pass

    def head(self, status, length=None, **headers):
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def body(self, data):
        self.wfile.write(data)
        self.wfile.flush()
        self.server.sent += len(data)

    def whole(self, data, **headers):
        self.head(200, len(data), **headers)
        self.body(data)

    def cut(self, data, at, **headers):
        """Promises all of it, sends the beginning and hangs up."""
        self.head(200, len(data), **headers)
        self.body(data[:at])
        self.close_connection = True

    def range(self, data, **headers):
        """What a server that knows Range does."""
        asked = self.headers.get("Range")
        if not asked:
            return self.whole(data, **headers)
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
        if start >= len(data):
            return self.head(416, 0, Content_Range=f"bytes */{len(data)}")
        self.head(206, len(data) - start, **headers,
                  Content_Range=f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.body(data[start:])


class Project:
    folders = []

    def __init__(self, imports, more="", step="i"):
        self.dir = tempfile.mkdtemp()
        Project.folders.append(self.dir)
        self.cache = os.path.join(self.dir, "cache")
        self.own = os.path.join(self.dir, "project")
        os.mkdir(self.own)
        self.recipe(imports, more, step)

    def recipe(self, imports, more="", step="i"):
        self.write("larder.yaml", f"""larder: 1
imports:
  i: {imports}
{more}
stages:
  {step}: {{run: [cp, "${{in.a}}", "${{out.o}}"], in: {{a: import.i}}, out: {{o: o}}}}
targets: {{all: {{get: {{{step}.o: out}}}}}}
default: {{target: all}}
""")

    def write(self, name, text):
        with open(os.path.join(self.own, name), "w") as f:
            f.write(text)

    def read(self, name):
        with open(os.path.join(self.own, name), "rb") as f:
            return f.read()

    def has(self, name):
        return os.path.exists(os.path.join(self.own, name))

    def start(self, *words, **env):
        env = {"PATH": os.environ["PATH"], "HOME": self.dir, "LANG": "C.UTF-8",
               "LARDER_CACHE": self.cache, **env}
        for name in ("LSAN_OPTIONS", "ASAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        return subprocess.Popen([LARDER, *words], cwd=self.own, env=env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def larder(self, *words, status=0, **env):
        p = self.start(*words, **env)
        out, err = p.communicate(timeout=120)
        assert p.returncode == status, f"exits with {p.returncode}: {out}{err}"
        return out + err

    def run(self, **how):
        return self.larder("run", **how)

    def kept(self):
        """Every file, but those that only say that there was a run."""
        found = []
        for top in (self.cache, os.path.join(self.own, ".larder"), self.own):
            for path, _, files in os.walk(top):
                found += [os.path.join(path, f) for f in files if f != "locks"
                          and not path.endswith(("/runs", "/uses"))]
        return sorted(set(os.path.relpath(f, self.dir) for f in found))

    def forget(self, cache=True):
        subprocess.run(["chmod", "-R", "u+w", self.dir])
        shutil.rmtree(os.path.join(self.own, ".larder"))
        if cache:
            shutil.rmtree(self.cache)


def expect(text, *parts):
    for part in parts:
        assert part in text, f"{part!r} is not in: {text}"


def test_a_cut_transfer_goes_on():
    half = len(DATA) // 2

    def answer(h, n):
        h.cut(DATA, half) if n == 1 else h.range(DATA)

    with Server(answer) as s:
        p = Project(f'{{from: "{s.url}/a", sha256: {SHA256}}}')
        out = p.run()
        expect(out, f"fetching import.i from {s.url}/a\n")
        assert out.count("fetching") == 1, out
        assert p.read("out") == DATA
        assert s.ranges == [None, f"bytes={half}-"], s.ranges
        assert s.sent == len(DATA), s.sent
        assert not p.has("larder.lock")


def test_a_killed_run_goes_on():
    third, held = len(DATA) // 3, threading.Event()

    def answer(h, n):
        if n > 1:
            return h.range(DATA)
        h.head(200, len(DATA))
        h.body(DATA[:third])
        held.wait(30)

    with Server(answer) as s:
        p = Project(f'{{from: "{s.url}/a", sha256: {SHA256}, size: {len(DATA)}}}')
        running = p.start("run")
        deadline = time.time() + 30
        part = os.path.join(p.cache, "checkpoints", SHA256, "bytes")
        while time.time() < deadline:
            if os.path.exists(part) and os.path.getsize(part) == third:
                break
            time.sleep(0.02)
        running.send_signal(signal.SIGKILL)
        running.communicate()
        held.set()
        expect(p.run(), "of which 341.3 KiB are here")
        assert p.read("out") == DATA
        assert s.ranges == [None, f"bytes={third}-"], s.ranges
        assert s.sent == len(DATA), s.sent
        assert not any("checkpoints" in f for f in p.kept())


def test_another_mirror_goes_on():
    half = len(DATA) // 2

    def cuts(h, n):
        h.cut(DATA, half) if n == 1 else h.head(404, 0)

    with Server(cuts) as a, Server(lambda h, n: h.range(DATA)) as b:
        p = Project(f'{{from: ["{a.url}/a", "{b.url}/b"], sha256: {SHA256}}}')
        p.run()
        assert p.read("out") == DATA
        assert b.ranges == [f"bytes={half}-"] and a.sent + b.sent == len(DATA)


def test_without_ranges_all_of_it_comes_again():
    def answer(h, n):
        h.cut(DATA, 1000) if n == 1 else h.whole(DATA)

    with Server(answer) as s:
        p = Project(f'{{from: "{s.url}/a", sha256: {SHA256}}}')
        p.run()
        assert p.read("out") == DATA and s.ranges[1] == "bytes=1000-"


def test_a_part_of_something_else_is_dropped():
    def answer(h, n):
        h.cut(OTHER, 1000) if n == 1 else h.range(DATA)

    with Server(answer) as s:
        p = Project(f'{{from: "{s.url}/a", sha256: {SHA256}}}')
        p.run()
        assert p.read("out") == DATA
        assert s.ranges == [None, "bytes=1000-", None], s.ranges


def test_without_a_digest_a_part_is_continued_by_its_name_only():
    def answer(h, n):
        if n == 1:
            return h.cut(DATA, 1000, ETag='"one"')
        assert h.headers["If-Range"] == '"one"'
        h.range(DATA, ETag='"one"')

    def changed(h, n):
        if n == 1:
            return h.cut(OTHER, 1000, ETag='"one"')
        assert h.headers["If-Range"] == '"one"'
        h.whole(DATA, ETag='"two"')

    def nameless(h, n):
        h.cut(DATA, 1000) if n == 1 else h.range(DATA)

    for how, second in ((answer, "bytes=1000-"), (changed, "bytes=1000-"), (nameless, None)):
        with Server(how) as s:
            p = Project(f'{{from: "{s.url}/a", size: {len(DATA)}}}')
            p.run()
            assert p.read("out") == DATA and s.ranges == [None, second], s.ranges


def test_a_wrong_digest_leaves_nothing():
    with Server(lambda h, n: h.range(OTHER)) as s:
        p = Project(f'{{from: "{s.url}/a", sha256: {SHA256}}}')
        p.larder("status")
        before = p.kept()
        out = p.run(status=3)
        expect(out, "larder.yaml:3:3: import.i: no file with sha256:" + SHA256,
               f"{s.url}/a: sha256:{hashlib.sha256(OTHER).hexdigest()}")
        assert p.kept() == before, set(p.kept()) ^ set(before)
        assert len(s.requests) == 1


def test_each_weaker_pin_refuses_too():
    with Server(lambda h, n: h.range(OTHER)) as s:
        for pin, found in ((f"sha256-prefix: {SHA256[:8]}", "sha256:"),
                           (f"md5: {MD5}", "md5:" + hashlib.md5(OTHER).hexdigest()),
                           (f"size: {len(DATA) + 1}", f"{len(DATA)} bytes")):
            p = Project(f'{{from: "{s.url}/a", {pin}}}')
            p.larder("status")
            before = p.kept()
            expect(p.run(status=3), f"{s.url}/a: {found}")
            assert p.kept() == before, set(p.kept()) ^ set(before)


def test_a_wrong_size_is_not_even_fetched():
    def endless(h, n):
        h.send_response(200)
        h.send_header("Transfer-Encoding", "chunked")
        h.end_headers()
        for _ in range(1000):
            h.wfile.write(b"10000\r\n" + DATA[:65536] + b"\r\n")
            h.server.sent += 65536

    with Server(lambda h, n: h.range(DATA)) as s:
        p = Project(f'{{from: "{s.url}/a", sha256: {SHA256}, size: 7}}')
        before = p.kept()
        expect(p.run(status=3), f"{len(DATA)} bytes, not 7")
        assert not any("checkpoints" in f for f in p.kept()), before
    with Server(endless) as s:
        p = Project(f'{{from: "{s.url}/a", sha256: {SHA256}, size: {len(DATA)}}}')
        expect(p.run(status=3), f"more than the {len(DATA)} bytes that it must have")
        assert not any("checkpoints" in f for f in p.kept())
        assert s.sent < 16 * len(DATA), s.sent


def test_mirrors_in_order():
    with Server(lambda h, n: h.head(404, 0)) as none, \
         Server(lambda h, n: h.whole(OTHER)) as lies, Server(lambda h, n: h.range(DATA)) as good:
        gone = Server(None)
        gone.__exit__()
        all_of = [f"{gone.url}/g", f"{none.url}/n?key=secret", f"{lies.url}/l"]
        p = Project(f'{{from: {[*all_of, good.url + "/d"]}, sha256: {SHA256}}}')
        p.run()
        assert p.read("out") == DATA
        asked = [len(x.requests) for x in (none, lies, good)]
        assert asked == [1, 1, 1], asked
        p = Project(f'{{from: {all_of}, sha256: {SHA256}}}')
        out = p.run(status=7)
        expect(out, f"{gone.url}/g: ", f"{none.url}/n?...: HTTP 404",
               f"{lies.url}/l: sha256:{hashlib.sha256(OTHER).hexdigest()}")
        assert "secret" not in out.split("looked at")[1].split("\n")[0]
        assert not any("checkpoints" in f for f in p.kept()), p.kept()


def test_a_local_copy_is_taken_first():
    with Server(lambda h, n: h.range(DATA)) as s:
        p = Project(f'{{from: ["{s.url}/a", ./copy], sha256: {SHA256}}}')
        with open(os.path.join(p.own, "copy"), "wb") as f:
            f.write(DATA)
        p.run()
        assert s.requests == []


def test_busy_servers_are_asked_again():
    def answer(h, n):
        if n == 1:
            h.head(503, 5, Retry_After="1")
            return h.body(b"later")
        if n == 2:
            when = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 1))
            return h.head(429, 0, Retry_After=when)
        return h.range(DATA)

    with Server(answer) as s:
        p = Project(f'{{from: "{s.url}/a", sha256: {SHA256}}}')
        start = time.time()
        p.run()
        assert len(s.requests) == 3 and time.time() - start >= 1
    with Server(lambda h, n: h.head(503, 0, Retry_After="3600")) as s:
        p = Project(f'{{from: "{s.url}/a", sha256: {SHA256}}}')
        expect(p.run(status=7), "HTTP 503; it asks to come again in 3600 s")
        assert len(s.requests) == 1
    with Server(lambda h, n: h.head(500, 0, Retry_After="0")) as s:
        p = Project(f'{{from: "{s.url}/a", sha256: {SHA256}}}')
        expect(p.run(status=7), "HTTP 500")
        assert len(s.requests) == 5, s.requests
    with Server(lambda h, n: h.head(403, 0)) as s:
        p = Project(f'{{from: "{s.url}/a", sha256: {SHA256}}}')
        expect(p.run(status=3), "HTTP 403")
        assert len(s.requests) == 1


def test_a_server_that_is_away_is_no_fault_of_the_recipe():
    gone = Server(None)
    gone.__exit__()
    for pin in (f"sha256: {SHA256}", f"size: {len(DATA)}"):
        p = Project(f'{{from: "{gone.url}/a", {pin}}}')
        expect(p.run(status=7), "larder.yaml:3:3: import.i: no file with ",
               f"{gone.url}/a: ", "try again")


def test_what_is_away_is_asked_for_once_in_a_run():
    with Server(lambda h, n: h.head(500, 0, Retry_After="0")) as s:
        for pin in (f"sha256: {SHA256}", f"size: {len(DATA)}"):
            asked = len(s.requests)
            p = Project(f'{{from: "{s.url}/a", {pin}}}')
            p.write("larder.yaml", f"""larder: 1
imports: {{i: {{from: "{s.url}/a", {pin}}}}}
stages:
  i:
    matrix: {{n: [1, 2, 3]}}
    run: [sh, -c, 'cat $0 > $1; echo $2 >> $1', "${{in.a}}", "${{out.o}}", "${{m.n}}"]
    in: {{a: import.i}}
    out: {{o: o}}
""")
            expect(p.larder("run", "-k", status=1), "3 steps: 0 ran, 0 reused, 3 failed")
            assert len(s.requests) - asked == 5, s.requests


def test_redirects():
    def steps(h, n):
        left = int(h.path.strip("/"))
        if left:
            h.head(302, 2, Location=f"/{left - 1}")
            return h.body(b"go")
        h.range(DATA)

    with Server(steps) as s:
        p = Project(f'{{from: "{s.url}/5", sha256: {SHA256}}}')
        p.run()
        assert p.read("out") == DATA and len(s.requests) == 6
        p = Project(f'{{from: "{s.url}/6", sha256: {SHA256}}}')
        expect(p.run(status=3), "it leads on and on")
    for to in ("ftp://127.0.0.1/a", "file:///etc/passwd"):
        with Server(lambda h, n: h.head(301, 0, Location=to)) as s:
            p = Project(f'{{from: "{s.url}/a", sha256: {SHA256}}}')
            expect(p.run(status=3), f"it leads to {to}")


def test_certificates_are_checked():
    if not shutil.which("openssl"):
        return
    with Server(lambda h, n: h.range(DATA)) as s:
        p = Project(f'{{from: "https://127.0.0.1:{s.server_port}/a", sha256: {SHA256}}}')
        key, cert = os.path.join(p.dir, "key.pem"), os.path.join(p.dir, "cert.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
                        "/CN=127.0.0.1", "-keyout", key, "-out", cert], check=True,
                       stderr=subprocess.DEVNULL)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        s.socket = context.wrap_socket(s.socket, server_side=True)
        expect(p.run(status=3).lower(), "certificate")
        assert s.requests == []


def test_the_proxy_of_the_environment():
    with Server(lambda h, n: h.range(DATA)) as s:
        p = Project(f'{{from: "http://example.invalid/a", sha256: {SHA256}}}')
        p.run(http_proxy=s.url)
        assert s.requests == ["http://example.invalid/a"], s.requests


def test_names_and_passwords_of_netrc():
    with Server(lambda h, n: h.range(DATA)) as s:
        p = Project(f'{{from: "{s.url}/a", sha256: {SHA256}}}')
        with open(os.path.join(p.dir, ".netrc"), "w") as f:
            f.write("machine 127.0.0.1 login me password secret\n")
        p.run()
        assert s.headers_seen[0]["Authorization"].startswith("Basic ")


def test_nothing_is_asked_again():
    with Server(lambda h, n: h.range(DATA)) as s:
        p = Project(f'{{from: "{s.url}/a", sha256: {SHA256}}}')
        p.run()
        n = len(s.requests)
        p.run()
        p.larder("status")
        assert len(s.requests) == n == 1
    p.recipe(f'{{from: "{s.url}/a", sha256: {SHA256}}}', step="j")
    p.write("larder.yaml", p.read("larder.yaml").decode().replace("[cp", "[cp, -f"))
    out = p.run()  # another step, and the server is away
    assert "fetching" not in out, out
    shutil.rmtree(os.path.join(p.own, ".larder"))
    p.run()


def test_what_is_pinned_by_less_is_locked():
    served = [DATA]
    with Server(lambda h, n: h.range(served[0])) as s:
        p = Project(f'{{from: "{s.url}/a", size: {len(DATA)}, license: MIT}}')
        for words in (("status",), ("plan",), ("why", "i"), ("check",)):
            out = p.larder(*words)
            assert s.requests == [] and not p.has("larder.lock")
        expect(p.larder("plan"), "i runs: import.i is to be fetched")
        expect(p.larder("why", "i"), "import.i is to be fetched")
        p.run()
        line = f"import.i size={len(DATA)} file sha256:{SHA256} {len(DATA)}\n"
        assert p.read("larder.lock").decode() == "larder-lock 1\n" + line
        state = os.stat(os.path.join(p.own, "larder.lock"))
        p.run()
        assert os.stat(os.path.join(p.own, "larder.lock")) == state
        assert len(s.requests) == 1

        served[0] = OTHER  # the publisher has changed it; nobody here notices, and then
        p.run()
        assert len(s.requests) == 1
        p.forget()
        os.remove(os.path.join(p.own, "out"))
        out = p.run(status=3)
        expect(out, f"no file with sha256:{SHA256}, which larder.lock:2 says",
               hashlib.sha256(OTHER).hexdigest(), "delete that line to accept")
        assert p.read("larder.lock").decode() == "larder-lock 1\n" + line
        p.write("larder.lock", "larder-lock 1\n")
        p.run()
        assert p.read("out") == OTHER
        expect(p.read("larder.lock").decode(), hashlib.sha256(OTHER).hexdigest())


def test_other_pins_are_another_line():
    with Server(lambda h, n: h.range(DATA)) as s:
        p = Project(f'{{from: "{s.url}/a", md5: {MD5}}}')
        p.run()
        p.recipe(f'{{from: "{s.url}/a", sha256-prefix: {SHA256[:10].upper()}, md5: {MD5.upper()}}}')
        p.run()
        lines = p.read("larder.lock").decode().splitlines()
        assert lines[1].startswith(f"import.i md5={MD5} file "), lines
        assert lines[2].startswith(f"import.i md5={MD5},sha256-prefix={SHA256[:10]} "), lines
        p.recipe(f'{{from: "{s.url}/a", md5: {"0" * 32}}}')
        expect(p.run(status=3), f"md5:{MD5}")
        assert p.read("larder.lock").decode().splitlines() == lines


def test_a_table_of_members():
    def answer(h, n):
        h.range({"/a": DATA, "/b": OTHER}[h.path])

    with Server(answer) as s:
        p = Project("{matrix: {m: [a, b]}, table: ./t.tsv, license: MIT}")
        p.write("t.tsv", "m\tsha256\tsha256-prefix\tmd5\tsize\tfrom\n"
                f"a\t{SHA256}\t\t\t{len(DATA)}\t{s.url}/a\n"
                f"b\t\t\t{hashlib.md5(OTHER).hexdigest()}\t\t{s.url}/b\n")
        p.write("larder.yaml", p.read("larder.yaml").decode().replace(
            "import.i", "'import.i[m=b]'"))
        p.run()
        assert s.requests == ["/b"], "only what a step needs is fetched"
        assert p.read("out") == OTHER
        assert p.read("larder.lock").count(b"import.i[m=b] md5=") == 1


def test_two_at_once_fetch_once():
    def answer(h, n):
        time.sleep(1)
        h.range(DATA)

    with Server(answer) as s:
        p = Project(f'{{from: "{s.url}/a", sha256: {SHA256}}}')
        both = [p.start("run"), p.start("run")]
        for one in both:
            out = "".join(one.communicate(timeout=60))
            assert one.returncode == 0, out
        assert len(s.requests) == 1, s.requests


def test_members_fetched_at_once_are_all_locked():
    with Server(lambda h, n: h.range(DATA)) as s:
        p = Project(f'{{from: "{s.url}/a", md5: {MD5}}}',
                    more=f'  j: {{from: "{s.url}/b", md5: {MD5}}}')
        q = p.read("larder.yaml").decode().replace("import.i", "import.j")
        p.write("other.yaml", q.replace("all: {get: {i.o: out}}", "all: [i]"))
        both = [p.start("run"), p.start("-f", "other.yaml", "run")]
        for one in both:
            out = "".join(one.communicate(timeout=60))
            assert one.returncode == 0, out
        text = p.read("larder.lock").decode()
        expect(text, "import.i md5=", "import.j md5=")


def test_killed_at_any_change_of_the_disk():
    with Server(lambda h, n: h.range(DATA, ETag='"one"')) as s:
        p = Project(f'{{from: "{s.url}/a", md5: {MD5}, size: {len(DATA)}}}')
        for n in range(1, 130, 6):
            p.start("run", LARDER_FS_FAULT=f"{n}:kill").communicate(timeout=60)
            p.run()
            assert p.read("out") == DATA
            expect(p.read("larder.lock").decode(), SHA256)
            p.larder("fsck")
            assert not any("checkpoints" in f for f in p.kept()), p.kept()
            p.forget()
            os.remove(os.path.join(p.own, "larder.lock"))


def test_a_full_disk_keeps_what_came():
    for fault in range(40, 200, 8):  # until it falls into the transfer
        with Server(lambda h, n: h.range(DATA)) as s:
            p = Project(f'{{from: "{s.url}/a", sha256: {SHA256}}}')
            expect(p.run(status=8, LARDER_FS_FAULT=f"{fault}:enospc"), "No space left on device")
            sent = s.sent
            p.run()
            assert p.read("out") == DATA
            if s.ranges[-1] is not None and s.sent - sent < len(DATA):
                return
    assert False, "what came is never gone on with"


def test_no_room_is_told_before():
    def answer(h, n):
        h.head(200, 1 << 60)
        h.body(b"x")

    with Server(answer) as s:
        p = Project(f'{{from: "{s.url}/a", sha256: {SHA256}}}')
        expect(p.run(status=8), f"{1 << 60} bytes are to come")
        assert len(s.requests) == 1
        assert not any("checkpoints" in f for f in p.kept()), p.kept()


def test_an_interrupt_ends_it():
    held = threading.Event()

    def answer(h, n):
        h.head(200, len(DATA))
        h.body(DATA[:1000])
        held.wait(30)

    with Server(answer) as s:
        p = Project(f'{{from: "{s.url}/a", sha256: {SHA256}}}')
        running = p.start("run")
        deadline = time.time() + 30
        while not s.sent and time.time() < deadline:
            time.sleep(0.02)
        start = time.time()
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=30)
        held.set()
        assert running.returncode in (130, -signal.SIGINT), running.returncode
        assert time.time() - start < 5


PART = """stages:
  part: {run: [cp, "${in.a}", "${out.o}"], in: {a: import.a}, out: {o: o}}
imports: {a: {from: %s}}
"""


def including(*places, part=PART, sha256=None):
    """A project that includes a part by its digest, and that digest."""
    sha256 = sha256 or hashlib.sha256(part.encode()).hexdigest()
    p = Project("/nowhere")
    p.write("larder.yaml", f"""larder: 1
include:
  - {{from: {json.dumps(places)}, sha256: {sha256}}}
targets: {{all: {{get: {{part.o: out}}}}}}
default: {{target: all}}
""")
    return p, sha256


def file_of(data):
    name = os.path.join(tempfile.mkdtemp(), "data")
    Project.folders.append(os.path.dirname(name))
    with open(name, "wb") as f:
        f.write(data)
    return name


def test_an_included_file_is_fetched_once():
    part = PART % file_of(b"some bytes")
    with Server(lambda h, n: h.range(part.encode())) as s:
        p, sha256 = including(f"{s.url}/sets.yaml?token=12", part=part)
        for command in ("check", "status", "plan", "why"):
            words = (command, "part") if command == "why" else (command,)
            expect(p.larder(*words, status=3),
                   f"larder.yaml:3:5: {s.url}/sets.yaml?... is not in the cache yet; "
                   "`larder run` fetches it")
        assert not s.requests
        expect(p.run(), f"fetching include from {s.url}/sets.yaml?...\n")
        assert p.read("out") == b"some bytes"
        p.run()
        assert len(s.requests) == 1, s.requests
        expect(p.larder("check"), "1 steps")
        expect(p.larder("status"), "1 done")
    p.forget(cache=False)  # the server is away, and the file is in the cache
    expect(p.larder("check"), "1 steps")
    expect(p.run(), "1 reused")


def test_a_kept_plan_needs_no_included_file():
    part = PART % file_of(b"some bytes")
    with Server(lambda h, n: h.range(part.encode())) as s:
        p, sha256 = including(f"{s.url}/sets.yaml", part=part)
        time.sleep(2.2)  # so that the plan is kept
        p.run()
        os.remove(os.path.join(p.cache, "cas", sha256[:2], sha256))
        expect(p.run(), "1 reused")
        expect(p.larder("check"), "1 steps")
        assert len(s.requests) == 1, s.requests
        p.write("larder.yaml", p.read("larder.yaml").decode() + "# changed\n")
        expect(p.run(), "fetching", "1 reused")
        assert len(s.requests) == 2, s.requests


def test_a_damaged_included_file_is_fetched_again():
    part = PART % file_of(b"some bytes")
    with Server(lambda h, n: h.whole(part.encode())) as s:
        p, sha256 = including(f"{s.url}/sets.yaml", part=part)
        p.run()
        at = os.path.join(p.cache, "cas", sha256[:2], sha256)
        os.chmod(at, 0o644)
        with open(at, "w") as f:
            f.write(part.replace("cp", "mv"))
        p.forget(cache=False)
        expect(p.larder("status", status=3), "is not in the cache yet")
        expect(p.run(), "fetching", "1 reused")
        assert len(s.requests) == 2, s.requests


def test_a_wrong_included_file_leaves_nothing():
    with Server(lambda h, n: h.range(OTHER)) as s:
        p, sha256 = including(f"{s.url}/sets.yaml")
        p.larder("status", status=3)
        before = p.kept()
        expect(p.run(status=3),
               f"larder.yaml:3:5: include: no file with sha256:{sha256}",
               f"{s.url}/sets.yaml: sha256:{hashlib.sha256(OTHER).hexdigest()}")
        assert p.kept() == before, set(p.kept()) ^ set(before)


def test_an_included_file_that_is_away_is_no_fault_of_the_recipe():
    with Server(lambda h, n: h.head(503, 0, Retry_After="0")) as s:
        p, _ = including(f"{s.url}/sets.yaml")
        expect(p.run(status=7), "503", "try again later")


def test_mirrors_of_an_included_file():
    part = PART % file_of(b"some bytes")
    with Server(lambda h, n: h.head(404, 0) if n == 1 else h.range(part.encode())) as s:
        p, sha256 = including(f"{s.url}/old.yaml", f"{s.url}/sets.yaml", part=part)
        p.run()
        assert s.requests == ["/old.yaml", "/sets.yaml"], s.requests
        p.forget()
        copy = file_of(part.encode())
        q, _ = including(f"{s.url}/sets.yaml", f"file://{copy}", part=part)
        expect(q.larder("check"), "1 steps")  # a copy here is taken first
        os.remove(copy)
        q.run()
        assert len(s.requests) == 2, s.requests


def test_messages_name_the_url_of_an_included_file():
    part = "stages:\n  part: {runs: [cp], out: {o: o}}\n"
    with Server(lambda h, n: h.range(part.encode())) as s:
        p, _ = including(f"{s.url}/sets.yaml", part=part)
        expect(p.run(status=3), f"{s.url}/sets.yaml:2:10: ", "unknown key runs",
               "      part: {runs: [cp], out: {o: o}}\n             ^")
        expect(p.larder("check", status=3), f"{s.url}/sets.yaml:2:10: ")


def test_an_included_file_names_none_beside_itself():
    for line, column, text in (
            ("stages: {part: {run: [cat, x], in: {a: ./a}, out: {o: o}}}", 40, "./a"),
            ("stages: {part: {run: [./a], code: [./a], out: {o: o}}}", 36, "./a"),
            ("stages: {part: {run: [./a], code: [./*.py], out: {o: o}}}", 36, "./*.py"),
            ("imports: {a: {from: ../a}}", 21, "../a"),
            ("tools: {a: {lock: ./a}}", 19, "./a"),
            ("include: [a.yaml]", 11, "a.yaml"),
            (f"include: [{{from: ./a.yaml, sha256: {SHA256}}}]", 18, "./a.yaml"),
            ("imports: {a: {matrix: {x: [k]}, table: ./t.tsv}}", 40, "./t.tsv")):
        if "part" not in line:
            line += "\nstages: {part: {run: [cat, '${in.a}'], in: {a: import.a}, out: {o: o}}}"
        with Server(lambda h, n: h.range(line.encode())) as s:
            p, _ = including(f"{s.url}/sets.yaml", part=line)
            expect(p.run(status=3), f"{s.url}/sets.yaml:1:{column}: {text}: a file that is "
                   "included by its digest has no files beside it")


def test_included_files_include_others():
    part = PART % file_of(b"some bytes")
    with Server(lambda h, n: h.range(part.encode())) as s:
        sha256 = hashlib.sha256(part.encode()).hexdigest()
        outer = f'include: {{from: "{s.url}/sets.yaml", sha256: {sha256}}}\n'
        p, _ = including(file_of(outer.encode()), part=outer)
        p.run()
        assert p.read("out") == b"some bytes"
        p.write("larder.yaml", p.read("larder.yaml").decode().replace(
            "targets:", f"  - {{from: {s.url}/b, sha256: {sha256}}}\ntargets:"))
        expect(p.larder("check", status=3), "larder.yaml:4:5: ", "a second time")


def main():
    wanted = sys.argv[2:]
    failed = 0
    for name, test in sorted(globals().items()):
        if not name.startswith("test_") or (wanted and name not in wanted):
            continue
        try:
            start = time.time()
            test()
            print(f"{time.time() - start:6.2f} s {name}")
        except Exception as e:  # all are run, and each failure is told
            print(f"FAILED {name}: {type(e).__name__}: {e}")
            failed += 1
    for folder in Project.folders:
        subprocess.run(["chmod", "-R", "u+w", folder])
        shutil.rmtree(folder)
    sys.exit(failed > 0)


main()
