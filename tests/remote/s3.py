"""An object store on the loopback that believes nobody: it checks each signature (AWS Signature
Version 4), the hash of each body, conditions and the rules of uploads in parts, and fails on demand.

`python3 s3.py` checks the signatures that Amazon has published with the documentation of S3
("Authenticating Requests: Using the Authorization Header")."""
import hashlib
import hmac
import http.server
import re
import threading
import time
import urllib.parse
from xml.sax.saxutils import escape

EMPTY = hashlib.sha256(b"").hexdigest()


def quote(s, safe="-._~"):
    return urllib.parse.quote(s, safe=safe)


def signature(secret, method, path, query, headers, signed, date, region, payload):
    """As the documentation has it. path and query as they were sent; headers with names in lower case."""
    pairs = sorted(x.partition("=")[::2] for x in query.split("&")) if query else []
    canonical = "\n".join([
        method, path, "&".join(quote(urllib.parse.unquote(k)) + "=" + quote(urllib.parse.unquote(v)) for k, v in pairs),
        *["%s:%s" % (h, " ".join(headers[h].split())) for h in signed], "", ";".join(signed), payload])
    scope = "%s/%s/s3/aws4_request" % (date[:8], region)
    text = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for step in (date[:8], region, "s3", "aws4_request"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def check_vectors():
    host = {"host": "examplebucket.s3.amazonaws.com", "x-amz-date": "20130524T000000Z"}
    welcome = hashlib.sha256(b"Welcome to Amazon S3.").hexdigest()
    vectors = [
        ("GET", "/test.txt", "", {"range": "bytes=0-9", "x-amz-content-sha256": EMPTY}, EMPTY,
         "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        ("PUT", "/test%24file.text", "", {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-content-sha256": welcome,
                                          "x-amz-storage-class": "REDUCED_REDUNDANCY"}, welcome,
         "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
        ("GET", "/", "lifecycle", {"x-amz-content-sha256": EMPTY}, EMPTY,
         "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("GET", "/", "max-keys=2&prefix=J", {"x-amz-content-sha256": EMPTY}, EMPTY,
         "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ]
    for method, path, query, more, payload, wanted in vectors:
        headers = {**host, **more}
        have = signature("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", method, path, query, headers, sorted(headers),
                         "20130524T000000Z", "us-east-1", payload)
        assert have == wanted, (method, path, query, have)


class S3:
    """One bucket, `lab`, with the key `ID` and `SECRET`."""
    ID, SECRET, REGION = "AKID:EXAMPLE", "not/so+secret", "eu-test-1"

    def __init__(self, public=False, conditions=True, page=1000):
        self.objects, self.uploads, self.log, self.refused = {}, {}, [], []
        self.public, self.conditions, self.page = public, conditions, page
        self.fault = None  # called with the handler; what it returns is the answer, None: the usual one
        self.lock = threading.Lock()
        store = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do(self):
                store.answer(self)
            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def env(self, **more):
        return {"AWS_ENDPOINT_URL_S3": self.url, "AWS_REGION": self.REGION, "AWS_ACCESS_KEY_ID": self.ID,
                "AWS_SECRET_ACCESS_KEY": self.SECRET, **more}

    def requests(self, method=None):
        with self.lock:
            log, self.log = self.log, []
        return [x for x in log if not method or x.startswith(method + " ")]

    # ---- one request

    def answer(self, h):
        body = h.rfile.read(int(h.headers.get("Content-Length", 0)))
        path, _, query = h.path.partition("?")
        code, headers, text = (self.fault and self.fault(h)) or self.check(h, path, query, body) or \
            self.serve(h, path, dict(urllib.parse.parse_qsl(query, keep_blank_values=True)), body)
        with self.lock:
            self.log.append("%s %s %d" % (h.command, h.path, code))
        h.send_response(code)
        for name, value in headers.items():
            h.send_header(name, value)
        if "Content-Length" not in headers:
            h.send_header("Content-Length", str(len(text)))
        h.end_headers()
        if h.command != "HEAD":
            h.wfile.write(text)

    @staticmethod
    def error(code, name, **headers):
        return code, headers, ("<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>no</Message></Error>" % name).encode()

    def refuse(self, code, name):
        self.refused.append(name)
        return self.error(code, name)

    def check(self, h, path, query, body):
        """None when it is signed as it should be, by who may do this."""
        said = h.headers.get("Authorization")
        if not said:
            return None if self.public and h.command in ("GET", "HEAD") else self.refuse(403, "AccessDenied")
        m = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, ?"
                         r"SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})", said)
        if not m:
            return self.refuse(400, "AuthorizationHeaderMalformed")
        ident, day, region, signed, given = m.groups()
        signed, headers = signed.split(";"), {k.lower(): v for k, v in h.headers.items()}
        payload = headers.get("x-amz-content-sha256", "")
        if ident != self.ID:
            return self.refuse(403, "InvalidAccessKeyId")
        if region != self.REGION:
            return self.error(400, "AuthorizationHeaderMalformed", **{"x-amz-bucket-region": self.REGION})
        must = {"host"} | {x for x in headers if x.startswith("x-amz-")}
        if not must <= set(signed) or signed != sorted(signed) or any(x not in headers for x in signed):
            return self.refuse(403, "SignatureDoesNotMatch")
        if headers["x-amz-date"][:8] != day or abs(
                time.mktime(time.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ")) - time.timezone - time.time()) > 900:
            return self.refuse(403, "RequestTimeTooSkewed")
        if payload != hashlib.sha256(body).hexdigest():
            return self.refuse(400, "XAmzContentSHA256Mismatch")
        if given != signature(self.SECRET, h.command, path, query, headers, signed, headers["x-amz-date"], region, payload):
            return self.refuse(403, "SignatureDoesNotMatch")
        return None

    def serve(self, h, path, query, body):
        bucket, _, key = path[1:].partition("/")
        if bucket != "lab":
            return self.error(404, "NoSuchBucket")
        with self.lock:
            if "uploads" in query:
                return self.list_uploads(query) if h.command == "GET" else self.begin(key)
            if "uploadId" in query:
                return self.of_upload(h, key, query, body)
            return self.of_object(h, key, body)

    def taken(self, h, key):
        """The answer where a condition does not hold."""
        if h.headers.get("If-None-Match") is None:
            return None
        if not self.conditions:
            return self.error(501, "NotImplemented")
        return self.error(412, "PreconditionFailed") if key in self.objects else None

    def of_object(self, h, key, body):
        if h.command == "PUT":
            no = self.taken(h, key)
            if no:
                return no
            self.objects[key] = body
            return 200, {"ETag": '"%s"' % hashlib.md5(body).hexdigest()}, b""
        if key not in self.objects:
            return self.error(404, "NoSuchKey")
        data = self.objects[key]
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", h.headers.get("Range", ""))
        if not asked:
            return 200, {"Content-Length": str(len(data))}, data
        first, last = int(asked[1]), min(int(asked[2] or len(data)), len(data) - 1)
        if first > last:
            return self.error(416, "InvalidRange")
        return 206, {"Content-Range": "bytes %d-%d/%d" % (first, last, len(data))}, data[first:last + 1]

    # ---- uploads in parts

    def begin(self, key):
        # a name with what must be escaped in a query
        name = "up/%d+=%d" % (len(self.uploads), time.time_ns())
        self.uploads[name] = (key, {})
        return 200, {}, ("<InitiateMultipartUploadResult><Bucket>lab</Bucket><Key>%s</Key><UploadId>%s</UploadId>"
                         "</InitiateMultipartUploadResult>" % (escape(key), name)).encode()

    def list_uploads(self, query):
        found = ["<Upload><Key>%s</Key><UploadId>%s</UploadId></Upload>" % (escape(key), name)
                 for name, (key, _) in self.uploads.items() if key.startswith(query.get("prefix", ""))]
        return 200, {}, ("<ListMultipartUploadsResult><Prefix>%s</Prefix>%s</ListMultipartUploadsResult>" %
                         (query.get("prefix", ""), "".join(found))).encode()

    def of_upload(self, h, key, query, body):
        name = query["uploadId"]
        if name not in self.uploads or self.uploads[name][0] != key:
            return self.error(404, "NoSuchUpload")
        parts = self.uploads[name][1]
        if h.command == "DELETE":
            del self.uploads[name]
            return 204, {}, b""
        if h.command == "GET":
            after = int(query.get("part-number-marker", 0))
            numbers = sorted(n for n in parts if n > after)
            page = numbers[:self.page]
            return 200, {}, ("<ListPartsResult><IsTruncated>%s</IsTruncated><NextPartNumberMarker>%d</NextPartNumberMarker>%s"
                             "</ListPartsResult>" % (
                                 "true" if len(page) < len(numbers) else "false", page[-1] if page else 0,
                                 "".join("<Part><PartNumber>%d</PartNumber><ETag>&quot;%s&quot;</ETag></Part>" %
                                         (n, hashlib.md5(parts[n]).hexdigest()) for n in page))).encode()
        if h.command == "PUT":
            parts[int(query["partNumber"])] = body
            return 200, {"ETag": '"%s"' % hashlib.md5(body).hexdigest()}, b""
        no = self.taken(h, key)
        if no:
            return no
        listed = re.findall(r"<Part><PartNumber>(\d+)</PartNumber><ETag>\"([0-9a-f]{32})\"</ETag></Part>", body.decode())
        right = [int(n) in parts and hashlib.md5(parts[int(n)]).hexdigest() == tag for n, tag in listed]
        short = [n for n, _ in listed[:-1] if len(parts[int(n)]) < 5 << 20]
        if not all(right) or not right or short or [int(n) for n, _ in listed] != list(range(1, len(listed) + 1)):
            return 200, {}, b"<Error><Code>InvalidPart</Code></Error>"
        self.objects[key] = b"".join(parts[int(n)] for n, _ in listed)
        del self.uploads[name]
        return 200, {}, b"<CompleteMultipartUploadResult></CompleteMultipartUploadResult>"


if __name__ == "__main__":
    check_vectors()
    print("the published signatures are those that we compute")
