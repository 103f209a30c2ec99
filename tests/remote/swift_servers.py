"""OpenStack Swift on the loopback, with its S3 interface: an object store that others have written, and that checks
signatures by itself. One account, container, object and proxy server each, with one replica in an own folder.

`python3 swift_servers.py FOLDER KIND` is one of the servers, from the modules of Debian's python3-swift alone: the
packages of the servers would add services to this machine."""
import datetime
import hashlib
import http.client
import importlib.util
import logging
import os
import pwd
import signal
import subprocess
import sys
import tempfile
import urllib.parse
from time import time as now

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from s3 import signature  # noqa: E402
from servers import free_port, skip_lacking, wait_for_port  # noqa: E402

STORES = ("account", "container", "object")
KINDS = STORES + ("proxy",)
LIFE = 900  # seconds, after which a server ends by itself, where its test was killed

STORE = """
[DEFAULT]
{common}
devices = {folder}
mount_check = false
disable_fallocate = true
fallocate_reserve = 0
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""
PROXY = """
[DEFAULT]
{common}
[pipeline:main]
pipeline = catch_errors proxy-logging cache s3api tempauth copy slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
error_suppression_interval = 0
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:proxy-logging]
use = egg:swift#proxy_logging
[filter:cache]
paste.filter_factory = swift_servers:make_cache
[filter:s3api]
use = egg:swift#s3api
location = {region}
[filter:tempauth]
use = egg:swift#tempauth
user_lab_anna = {secret} .admin
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
"""


def skip_without_swift():
    lacking = [] if importlib.util.find_spec("swift") else ["python3-swift"]
    with tempfile.NamedTemporaryFile() as f:
        try:
            os.setxattr(f.name, "user.swift", b"")
        except OSError:
            lacking.append("folder for temporary files that keeps attributes")
    skip_lacking(lacking)


class Swift:
    """One user, whose bucket is `lab`."""
    ID, SECRET, REGION = "lab:anna", "not/so+secret", "eu-test-1"

    def __init__(self, folder):
        self.folder, self.running = folder, {}
        self.ports = {kind: free_port() for kind in KINDS}
        self.host = "127.0.0.1:%d" % self.ports["proxy"]
        self.url = "http://" + self.host
        os.makedirs(folder + "/disk")
        with open(folder + "/swift.conf", "w") as f:
            f.write("[swift-hash]\nswift_hash_path_suffix = test\n")
        for kind, port in self.ports.items():
            common = "bind_ip = 127.0.0.1\nbind_port = %d\nworkers = 0\nuser = %s\nswift_dir = %s" % (
                port, pwd.getpwuid(os.getuid()).pw_name, folder)
            with open("%s/%s.conf" % (folder, kind), "w") as f:
                f.write((STORE if kind in STORES else PROXY).format(
                    common=common, kind=kind, folder=folder, region=self.REGION, secret=self.SECRET))
        with open(folder + "/rings.said", "w") as said:
            subprocess.run(self.program("rings", *(str(self.ports[kind]) for kind in STORES)), check=True,
                           stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            self.start()
            said = self.ask("PUT", "/lab")
            assert said[0] == 200, said
        except BaseException:
            self.stop()
            raise

    def program(self, *words):
        return ["/usr/bin/python3", "-B", os.path.realpath(__file__), self.folder, *words]

    def start(self):
        for kind in KINDS:
            if kind not in self.running:
                with open("%s/%s.said" % (self.folder, kind), "a") as said:
                    self.running[kind] = subprocess.Popen(self.program(kind), start_new_session=True,
                                                          stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        for kind in KINDS:
            wait_for_port(self.ports[kind], self.running[kind], "%s/%s.said" % (self.folder, kind))

    def stop(self, *kinds, how=signal.SIGTERM):
        """Some servers, or all."""
        for kind in kinds or list(self.running):
            process = self.running.pop(kind)
            os.killpg(process.pid, how)
            process.wait()

    def env(self, **more):
        return {"AWS_ENDPOINT_URL_S3": self.url, "AWS_REGION": self.REGION, "AWS_ACCESS_KEY_ID": self.ID,
                "AWS_SECRET_ACCESS_KEY": self.SECRET, **more}

    def ask(self, method, path, query="", body=b""):
        """The status and the text of an answer."""
        date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        hashed = hashlib.sha256(body).hexdigest()
        headers = {"host": self.host, "x-amz-content-sha256": hashed, "x-amz-date": date}
        signed = sorted(headers)
        scope = "%s/%s/s3/aws4_request" % (date[:8], self.REGION)
        headers["Authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=%s,Signature=%s" % (
            self.ID, scope, ";".join(signed),
            signature(self.SECRET, method, path, query, headers, signed, date, self.REGION, hashed))
        server = http.client.HTTPConnection(self.host, timeout=60)
        server.request(method, path + ("?" + query if query else ""), body or None, headers)
        answer = server.getresponse()
        text = answer.read()
        server.close()
        return answer.status, text

    def requests(self, *methods, forget=True):
        """What it was asked since it was asked that last: "GET /lab/… 200"."""
        name = self.folder + "/proxy.log"
        with open(name) as f:
            lines = [x.split() for x in f if " HTTP/1." in x]
        if forget:
            open(name, "w").close()
        return ["%s %s %s" % (x[4], urllib.parse.unquote(x[5]), x[7]) for x in lines if not methods or x[4] in methods]


def make_rings(folder, ports):
    from swift.common.ring import RingBuilder
    for kind, port in zip(STORES, ports):
        builder = RingBuilder(1, 1, 0)
        builder.add_dev({"id": 0, "region": 1, "zone": 1, "weight": 1, "ip": "127.0.0.1", "port": int(port),
                         "device": "disk", "meta": ""})
        builder.rebalance()
        builder.get_ring().save("%s/%s.ring.gz" % (folder, kind))


class Cache:
    """What Swift wants a memcached for, where there is one proxy only."""

    def __init__(self):
        self.values = {}

    def get(self, key, **_):
        value, end = self.values.get(key, (None, 0))
        return value if end > now() else None

    def set(self, key, value, time=0, **_):
        self.values[key] = value, now() + time if time else float("inf")

    def delete(self, key, **_):
        self.values.pop(key, None)


def make_cache(*_, **__):
    """As the settings of a proxy name it."""
    cache = Cache()

    def around(app):
        def answer(env, start_response):
            env["swift.cache"] = cache
            return app(env, start_response)
        return answer
    return around


def serve(folder, kind):
    from swift.common import utils, wsgi

    class Log(logging.FileHandler):
        """In its own folder, not in that of this machine."""
        createLock = utils.ThreadSafeSysLogHandler.createLock

        def __init__(self, **_):
            super().__init__("%s/%s.log" % (folder, kind))

    utils.ThreadSafeSysLogHandler = Log
    signal.alarm(LIFE)
    return wsgi.run_wsgi("%s/%s.conf" % (folder, kind), kind + "-server")


if __name__ == "__main__":
    from swift.common.utils import set_swift_dir
    set_swift_dir(sys.argv[1])
    sys.exit(make_rings(sys.argv[1], sys.argv[3:]) if sys.argv[2] == "rings" else serve(sys.argv[1], sys.argv[2]))
