"""Made-up data in the true layouts of ILSVRC2012's and CIFAR-10's archives."""
import gzip
import io
import json
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


def write_tensors(path, shapes, rng):
    """A safetensors file of drawn weights, 1 and 0 for what a batch norm has."""
    header, data = {}, []
    for name, shape in shapes.items():
        n, integer = int(np.prod(shape)), len(shape) == 0
        if integer:
            v = np.zeros(1, "<i8")
        elif len(shape) > 1:
            v = rng.normal(0, np.sqrt(2 / (n // shape[0])), n).astype("<f4")
        else:
            v = np.full(n, name.endswith(("bn.weight", "running_var")), "<f4")
        at = sum(map(len, data))
        data.append(v.tobytes())
        header[name] = {"dtype": "I64" if integer else "F32", "shape": list(shape), "data_offsets": [at, at + len(data[-1])]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(data))


def style_shapes(modules):
    shapes = {}
    for number, (i, o, k) in modules.items():
        shapes["%d.weight" % number], shapes["%d.bias" % number] = (o, i, k, k), (o,)
    return shapes


def segmenter_shapes(labels):
    """The small DeepLab's."""
    shapes = {}

    def step(name, i, o, k):
        shapes[name + ".conv.weight"] = (o, i, k, k)
        for what in ("weight", "bias", "running_mean", "running_var"):
            shapes["%s.bn.%s" % (name, what)] = (o,)
        shapes[name + ".bn.num_batches_tracked"] = ()

    step("base.layer1.conv1", 3, 16, 5)
    i = 16
    for layer, (w, blocks) in enumerate([(8, 1), (16, 1), (16, 2), (24, 1)]):
        for b in range(blocks):
            name = "base.layer%d.block%d" % (layer + 2, b + 1)
            step(name + ".reduce", i, w, 1)
            step(name + ".conv3x3", w, w, 3)
            step(name + ".increase", w, 4 * w, 1)
            if b == 0:
                step(name + ".shortcut", i, 4 * w, 1)
            i = 4 * w
    for k in range(4):
        shapes["base.aspp.c%d.weight" % k] = (labels, i, 3, 3)
        shapes["base.aspp.c%d.bias" % k] = (labels,)
    return shapes


# Of style transfer; the encoder's file has modules behind what is used.
ENCODER = style_shapes({0: (3, 3, 1), 2: (3, 64, 3), 5: (64, 64, 3), 9: (64, 128, 3), 12: (128, 128, 3),
           16: (128, 256, 3), 19: (256, 256, 3), 22: (256, 256, 3), 25: (256, 256, 3),
           29: (256, 512, 3), 32: (512, 8, 3)})
DECODER = style_shapes({1: (512, 256, 3), 5: (256, 256, 3), 8: (256, 256, 3), 11: (256, 256, 3),
           14: (256, 128, 3), 18: (128, 128, 3), 21: (128, 64, 3), 25: (64, 64, 3), 28: (64, 3, 3)})
