"""Servers that remotes are on, started on the loopback and stopped."""
import base64
import http.client
import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse

NGINX = """
{module}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/tmp;
  proxy_temp_path {folder}/tmp; fastcgi_temp_path {folder}/tmp; uwsgi_temp_path {folder}/tmp; scgi_temp_path {folder}/tmp;
  client_max_body_size 0;
  keepalive_requests 100000;
  server {{
    listen 127.0.0.1:{port};
    root {folder}/www;
    location / {{ {dav} }}
  }}
}}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port, process, log):
    end = time.time() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.time() < end and process.poll() is None, open(log).read()
            time.sleep(.02)


def skip_without(*programs):
    skip_lacking([x for x in programs if not shutil.which(x, path=PATH)])


def skip_lacking(lacking):
    """A skip is a failure where CI is true."""
    if not lacking:
        return
    why = "there is no " + ", ".join(lacking)
    if os.environ.get("CI") == "true":
        sys.exit("%s, and CI is true" % why)
    print("skipped: " + why)
    sys.exit(77)


PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"


class Nginx:
    """Static files that may be put, as an institute's web space with WebDAV."""

    def __init__(self, folder, writable=True, listing=False):
        self.listing = listing  # PROPFIND, which rclone wants and Larder does not
        self.folder, self.port, self.process = folder, free_port(), None
        self.url = "http://127.0.0.1:%d/lab" % self.port
        os.makedirs(folder + "/www/lab")
        os.makedirs(folder + "/tmp")
        os.chmod(folder, 0o755)
        if os.getuid() == 0:  # its worker is another user
            subprocess.run(["chown", "-R", "www-data", folder + "/www", folder + "/tmp"], check=True)
        self.allow(writable)

    def allow(self, writable):
        with open(self.folder + "/nginx.conf", "w") as f:
            f.write(NGINX.format(folder=self.folder, port=self.port, 
                                 module=("user www-data;" if os.getuid() == 0 else "") +
                                 ("load_module /usr/lib/nginx/modules/ngx_http_dav_ext_module.so;" if self.listing else ""),
                                 dav="dav_methods PUT DELETE MKCOL COPY MOVE; create_full_put_path on;" +
                                     ("dav_ext_methods PROPFIND OPTIONS;" if self.listing else "") if writable else ""))
        self.stop()
        self.start()

    def start(self):
        self.process = subprocess.Popen(["nginx", "-c", self.folder + "/nginx.conf", "-p", self.folder],
                                        env={**os.environ, "PATH": PATH}, start_new_session=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(self.port, self.process, self.folder + "/error.log")

    def stop(self, how=signal.SIGTERM):
        if self.process:
            os.killpg(self.process.pid, how)  # its workers too
            self.process.wait()
            self.process = None

    def requests(self, method=None):
        """What it was asked since it was asked that last: "GET /lab/… 200"."""
        with open(self.folder + "/access.log") as f:
            lines = [x.split('"')[1].rsplit(" ", 1)[0] + " " + x.split('"')[2].split()[0] for x in f]
        open(self.folder + "/access.log", "w").close()
        return [x for x in lines if not method or x.startswith(method + " ")]


REGISTRY = """
version: 0.1
log: {{level: error}}
storage:
  filesystem: {{rootdirectory: {folder}/data}}
  maintenance: {{uploadpurging: {{enabled: false}}, readonly: {{enabled: {read_only}}}}}
http: {{addr: "127.0.0.1:{port}"{http}}}
{auth}
"""


class Registry:
    """Debian's docker-registry, with an own folder. auth and tls: how it wants to be asked; to what is encrypted, this
    machine has to be a host as others."""

    def __init__(self, folder, auth="", tls=None):
        self.folder, self.port, self.process, self.auth = folder, free_port(), None, auth
        self.http = ""
        if tls:  # like one behind what decrypts for it, it calls itself http
            self.http = ', host: "http://0.0.0.0:%d", tls: {certificate: %s/cert, key: %s/key}' % (self.port, tls, tls)
        self.host = "127.0.0.1:%d" % self.port
        self.url = "oci://%s/lab/results" % ("0.0.0.0:%d" % self.port if tls else self.host)
        self.base = "http://%s/v2/lab/results" % self.host
        os.makedirs(folder + "/data")
        self.allow(True)

    def allow(self, writable):
        with open(self.folder + "/config.yml", "w") as f:
            f.write(REGISTRY.format(folder=self.folder, port=self.port, auth=self.auth, http=self.http,
                                    read_only="false" if writable else "true"))
        self.stop()
        self.start()

    def start(self):
        with open(self.folder + "/access.log", "a") as log:
            self.process = subprocess.Popen(["docker-registry", "serve", self.folder + "/config.yml"],
                                            start_new_session=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for_port(self.port, self.process, self.folder + "/access.log")

    def stop(self, how=signal.SIGTERM):
        if self.process:
            os.killpg(self.process.pid, how)
            self.process.wait()
            self.process = None

    def collect(self):
        """Removes what no manifest names, while it is stopped."""
        self.stop()
        subprocess.run(["docker-registry", "garbage-collect", "--delete-untagged", self.folder + "/config.yml"],
                       check=True, timeout=60, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.start()

    def data(self, hex_digits):
        """Where it keeps bytes of that digest."""
        return "%s/data/docker/registry/v2/blobs/sha256/%s/%s/data" % (self.folder, hex_digits[:2], hex_digits)

    def requests(self):
        """What it was asked since it was asked that last: "GET /v2/… 200"."""
        with open(self.folder + "/access.log") as f:
            lines = [x.split('"') for x in f if '"' in x and not x.startswith("time=")]
        open(self.folder + "/access.log", "w").close()
        return [x[1].rsplit(" ", 1)[0] + " " + x[2].split()[0] for x in lines]


class HttpServer(http.server.ThreadingHTTPServer):
    """Answers in a thread of the test."""
    daemon_threads = True

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.host = "127.0.0.1:%d" % self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Odd(HttpServer):
    """A server that says what a function makes of a request: code, headers, text."""

    def __init__(self, answer):
        self.asked = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.asked.append("%s %s" % (self.command, self.path))
                code, headers, text = answer(outer, self)
                self.send_response(code)
                for name, value in {"Content-Length": str(len(text)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text.encode())
            do_HEAD = do_PUT = do_POST = do_GET

        super().__init__(Handler)
        self.url = "oci://%s/lab/results" % self.host


def make_certificate(folder, *more):
    os.makedirs(folder)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-days", "2", *more,
                    "-keyout", folder + "/key", "-out", folder + "/cert"], check=True, stderr=subprocess.DEVNULL)


class TokenServer:
    """Gives tokens that a docker-registry believes: for reading to everybody, for writing to lab:secret and to who has
    the identity token."""
    identity = "long+lived/identity=="

    def __init__(self, folder):
        self.folder, self.asked = folder, []
        make_certificate(folder)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
                who = self.headers.get("Authorization")
                known = who == "Basic " + base64.b64encode(b"lab:secret").decode()
                outer.asked.append((query, known))
                if known or not who:
                    self.answer(200, {"token": outer.token(query["scope"][0], known)})
                else:
                    self.answer(401, {"details": "incorrect username or password"})

            def do_POST(self):
                form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                known = (form["grant_type"] == ["refresh_token"] and form["refresh_token"] == [outer.identity] and
                         form["service"] == ["registry"] and form["client_id"] == ["larder"] and
                         self.headers["Content-Type"] == "application/x-www-form-urlencoded" and
                         "Authorization" not in self.headers)
                outer.asked.append((form, known))
                if known:
                    self.answer(200, {"access_token": outer.token(form["scope"][0], known)})
                else:
                    self.answer(400, {"error": "invalid_grant"})

            def answer(self, code, what):
                text = json.dumps(what).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        self.server = HttpServer(Handler)
        self.realm = "http://%s/token" % self.server.host
        self.auth = ("auth: {token: {realm: \"%s\", service: registry, issuer: tokens, rootcertbundle: %s/cert}}"
                     % (self.realm, folder))

    def token(self, scope, known):
        kind, name, actions = scope.rsplit(":", 2)
        with open(self.folder + "/cert") as f:
            cert = "".join(x.strip() for x in f if not x.startswith("-"))
        actions = [x for x in actions.split(",") if known or x == "pull"]
        now = int(time.time())

        def part(x):
            return base64.urlsafe_b64encode(x).rstrip(b"=")
        text = part(json.dumps({"typ": "JWT", "alg": "RS256", "x5c": [cert]}).encode()) + b"." + part(json.dumps({
            "iss": "tokens", "sub": "lab", "aud": "registry", "exp": now + 300, "nbf": now - 10, "iat": now, "jti": "1",
            "access": [{"type": kind, "name": name, "actions": actions}]}).encode())
        signed = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.folder + "/key"], input=text, check=True,
                                stdout=subprocess.PIPE).stdout
        return (text + b"." + part(signed)).decode()


class Front:
    """Stands before a registry as large ones do: bytes are had from another server, and brought to it, which must not
    learn who asks."""

    def __init__(self, registry):
        self.led, self.told, self.login = 0, 0, None
        outer = self

        class Storage(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                outer.told += "Authorization" in self.headers
                outer.pass_on(self, registry, {"Authorization": outer.login})
            do_PUT = do_GET

        self.storage = HttpServer(Storage)

        class Handler(Storage):
            def do_GET(self):
                if "/blobs/sha256:" in self.path and "Authorization" in self.headers:
                    outer.led += 1
                    outer.login = self.headers["Authorization"]
                    self.send_response(307)
                    self.send_header("Location", "http://%s%s?expires=5" % (outer.storage.host, self.path))
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                else:
                    outer.pass_on(self, registry)

            def do_POST(self):
                outer.login = self.headers.get("Authorization")
                outer.pass_on(self, registry, location="http://" + outer.storage.host)

            def do_PUT(self):
                outer.pass_on(self, registry)
            do_HEAD = do_PUT

        self.server = HttpServer(Handler)
        self.url = "oci://%s/lab/results" % self.server.host

    def pass_on(self, request, registry, more=None, location=None):
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        headers = {k: v for k, v in request.headers.items() if k in ("Authorization", "Accept", "Range", "Content-Type")}
        headers.update({k: v for k, v in (more or {}).items() if v})
        server = http.client.HTTPConnection("127.0.0.1", registry.port, timeout=20)
        server.request(request.command, request.path, body or None, headers)
        answer = server.getresponse()
        text = answer.read()
        request.send_response(answer.status)
        for name, value in answer.getheaders():
            if name == "Location" and location:
                where = urllib.parse.urlparse(value)
                request.send_header(name, "%s%s?%s" % (location, where.path, where.query))
            elif name != "Date":
                request.send_header(name, value)
        if request.command != "HEAD" and not answer.getheader("Content-Length"):
            request.send_header("Content-Length", str(len(text)))
        request.end_headers()
        request.wfile.write(text)
        server.close()


class Larder:
    """`larder serve` with these words, in the folder of a lab. env: of that lab."""

    def __init__(self, lab, *words, port=0, **env):
        self.said = lab.home + "/serve.said"
        with open(self.said, "w") as to:
            self.process = subprocess.Popen(["timeout", "-k", "5", "250", lab.larder, "serve", "-v",
                                             "--listen=127.0.0.1:%d" % port, *words], cwd=lab.work,
                                            env={**lab.env, **env}, start_new_session=True, stdin=subprocess.DEVNULL,
                                            stdout=to, stderr=to)
        end = time.time() + 30
        while True:
            found = re.search(r"^(https?://\S+:(\d+)) gives", self.heard(), re.M)
            if found or self.process.poll() is not None or time.time() > end:
                break
            time.sleep(.01)
        assert found, self.heard()
        self.url, self.port = found.group(1), int(found.group(2))

    def heard(self):
        with open(self.said) as f:
            return f.read()

    def stop(self, how=signal.SIGTERM):
        """Its exit status."""
        if self.process.poll() is None and how == signal.SIGTERM:
            self.process.terminate()  # timeout passes it on
        elif self.process.poll() is None:
            os.killpg(self.process.pid, how)
        return self.process.wait(30)
