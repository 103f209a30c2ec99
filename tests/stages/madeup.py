"""Made-up data in the true layouts of ILSVRC2012's and CIFAR-10's archives."""
import gzip
import io
import struct
import tarfile
import zlib

import numpy as np


def tar_of(files):
    """Names and bytes, in the order given."""
    f = io.BytesIO()
    with tarfile.open(fileobj=f, mode="w", format=tarfile.USTAR_FORMAT) as t:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    return f.getvalue()


def element(kind, data):
    if len(data) <= 4:
        return struct.pack("<HH4s", kind, len(data), data)
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def matrix(kind, dims, name, *parts):
    return element(14, element(6, struct.pack("<II", kind, 0)) +
                   element(5, struct.pack("<%di" % len(dims), *dims)) +
                   element(1, name.encode()) + b"".join(parts))


def number(v):
    """As MATLAB does: in the narrowest type that holds it."""
    return matrix(6, (1, 1), "", element(2 if v < 256 else 4,
                                         struct.pack("<B" if v < 256 else "<H", v)))


def text(s):
    return matrix(4, (1, len(s)), "", element(4, s.encode("utf-16-le")))


def meta(wnids, order):
    """meta.mat: synsets, some of which are no classes; order: the class of each id."""
    names = ["ILSVRC2012_ID", "WNID", "words", "gloss", "num_children", "children"]
    cells = []
    for i, k in enumerate(order):
        cells += [number(i + 1), text(wnids[k]), text("a thing"), text("it is one"), number(0),
                  matrix(6, (0, 0), "", element(9, b""))]
    cells += [number(len(order) + 1), text("n00001740"), text("entity"), text("all"), number(5),
              matrix(6, (1, 5), "", element(2, bytes([1, 2, 3, 4, 5])))]
    body = matrix(2, (len(order) + 1, 1), "synsets", element(5, struct.pack("<i", 32)),
                  element(1, b"".join(n.encode().ljust(32, b"\0") for n in names)), *cells)
    head = b"MATLAB 5.0 MAT-file, made up".ljust(124) + struct.pack("<H", 0x100) + b"IM"
    packed = zlib.compress(body)
    return head + struct.pack("<II", 15, len(packed)) + packed


def devkit(wnids, order, labels):
    """ILSVRC2012_devkit_t12.tar.gz; labels: the class of each validation picture."""
    ids = {k: i + 1 for i, k in enumerate(order)}
    truth = "".join("%d\n" % ids[k] for k in labels)
    return gzip.compress(tar_of([
        ("ILSVRC2012_devkit_t12/readme.txt", b"made up"),
        ("ILSVRC2012_devkit_t12/data/meta.mat", meta(wnids, order)),
        ("ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt", truth.encode())]))


CIFAR_NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def cifar_archive(path, batches, names=CIFAR_NAMES, cut=None):
    """batches: of (labels, pixels, count x 32 x 32 x 3), five and one for the test."""
    files = [("batches.meta.txt", "\n".join(names + [""]).encode() + b"\n"), ("readme.html", b"<html>")]
    for i, (labels, pixels) in enumerate(batches):
        data = b"".join(bytes([label]) + p.transpose(2, 0, 1).tobytes()
                        for label, p in zip(labels, pixels))
        files.append(("test_batch.bin" if i == 5 else "data_batch_%d.bin" % (i + 1), data))
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as t:
        for name, data in files:
            info = tarfile.TarInfo("cifar-10-batches-bin/" + name)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    with open(path, "wb") as f:
        f.write(out.getvalue()[:cut])
    return path


def cifar_batches(count, seed=1):
    """Pictures whose class is their brightness, with some noise."""
    rng = np.random.default_rng(seed)
    for _ in range(6):
        labels = rng.integers(0, 10, count)
        pixels = rng.integers(0, 40, (count, 32, 32, 3)) + 20 * labels[:, None, None, None]
        yield labels, pixels.astype(np.uint8)
