"""Servers that remotes are on, started on the loopback and stopped."""
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

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


def skip_without(*programs):
    """A skip is a failure where CI is true."""
    lacking = [x for x in programs if not shutil.which(x, path=PATH)]
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
        end = time.time() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert time.time() < end and self.process.poll() is None, open(self.folder + "/error.log").read()
                time.sleep(.02)

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
