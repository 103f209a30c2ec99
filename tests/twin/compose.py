"""compose - the mini world a second time, from docs/mini-world.md alone.

    compose.py PROGRAM TEXTURES [N] [SEED]

Runs PROGRAM (Larder's compose) for N pictures of each split, paints the same pictures here
with numpy, and compares. TEXTURES is recipes/textures.tsv. Exit status 77: something that is
needed is not installed.
"""
import csv
import glob
import gzip
import math
import os
import struct
import subprocess
import sys
import tempfile

try:
    import lmdb
    import numpy as np
except ImportError as e:
    print("skipped: %s; install python3-numpy and python3-lmdb" % e)
    sys.exit(77)

from draws import Draws, philox

TEXTURES = [
    ("leopard", 1.6), ("wood3", 1.3), ("parque3", 1.2), ("leaves", 1.4), ("bark", 1.0),
    ("pool", 1.0), ("terra", 1.7), ("leather", 1.0), ("recessed", 1.5), ("pink_marble", 2.4),
]
CLUTTER = [
    ("slate", 1.0), ("sky", 1.7), ("walnut", 1.5), ("Craters", 1.8), ("paper", 1.0),
    ("wood1", 1.0),
]
STYLES = [
    ("ground1", 1.1), ("fibers", 1.0), ("ice", 1.0), ("java", 1.0), ("burlwood", 1.4),
    ("blueweb", 1.0),
]
GARMENTS = "/usr/share/datasets/fashion-mnist"
FINE, SHADING = 1.2, 0.12
POSE, TEXTURE, BEHIND, TONES = range(4)


def read_pattern(path):
    data = open(path, "rb").read()
    header, _, width, height, depth, _ = struct.unpack(">6I", data[:24])
    pixels = np.frombuffer(data, np.uint8, offset=header).reshape(height, width, depth)
    return (pixels @ [0.299, 0.587, 0.114] if depth == 3 else pixels[:, :, 0]) / 255


def gaussian(a, sigma):
    """Circular, by adding shifted copies."""
    radius = int(4 * sigma + 0.5)
    k = np.arange(-radius, radius + 1)
    w = np.exp(-0.5 / sigma**2 * k**2)
    w /= w.sum()
    for axis in (0, 1):
        a = sum(w[i] * np.roll(a, k[i], axis) for i in range(len(k)))
    return a


def prepare(a, shrink):
    h = gaussian(a, 0.4 * shrink) - gaussian(a, 4 * shrink)
    h = np.clip(h / h.std(), -2.5, 2.5)
    return h / h.std()


def bilinear(a, x, y, wrap):
    """Samples of a at arrays of places; outside of it 0, or the other end."""
    height, width = a.shape
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    total = 0
    for dy in (0, 1):
        for dx in (0, 1):
            weight = (1 - abs(x - x0 - dx)) * (1 - abs(y - y0 - dy))
            value = a[(y0 + dy) % height, (x0 + dx) % width]
            if not wrap:
                inside = (x0 + dx >= 0) & (x0 + dx < width) & (y0 + dy >= 0) & (y0 + dy < height)
                value = np.where(inside, value, 0)
            total = total + weight * value
    return total


ROWS, COLUMNS = np.mgrid[0:32, 0:32].astype(float)


def view(degrees, step, mirror, x0, y0):
    t = math.radians(degrees)
    dx, dy = COLUMNS - 15.5, ROWS - 15.5
    across = (math.cos(t) * dx + math.sin(t) * dy) * step
    down = (math.cos(t) * dy - math.sin(t) * dx) * step
    return x0 + (-across if mirror else across), y0 + down


def material(d, stream, prepared, shrink):
    height, width = prepared.shape
    scale = math.exp(d.uniform(stream, 3, math.log(0.8), math.log(1.25)))
    x, y = view(
        d.uniform(stream, 2, -20, 20),
        shrink * FINE * scale,
        d.ua(stream, 4) < 0.5,
        d.uniform(stream, 0, 0, width),
        d.uniform(stream, 1, 0, height),
    )
    return bilinear(prepared, x, y, wrap=True)


def paint(d, garment, texture, patterns):
    x, y = view(
        d.uniform(POSE, 0, -75, 75),
        1 / d.uniform(POSE, 1, 0.95, 1.25),
        d.ua(POSE, 2) < 0.5,
        13.5 + 14 * d.uniform(POSE, 3, -0.1, 0.1),
        13.5 + 14 * d.uniform(POSE, 4, -0.1, 0.1),
    )
    grey = bilinear(garment / 255, x, y, wrap=False)
    m = np.clip(2 * bilinear((garment > 8) * 1.0, x, y, wrap=False) - 0.5, 0, 1)
    shade = grey - (m * grey).sum() / m.sum()

    front = material(d, TEXTURE, *patterns[TEXTURES[texture][0]])
    back = material(d, BEHIND, *patterns[CLUTTER[int(d.below(BEHIND, 5, 6))][0]])
    contrast = d.uniform(TONES, 0, 0.05, 0.35) * (1 if d.ua(TONES, 1) < 0.5 else -1)
    middle = 0.5 + d.uniform(TONES, 2, -0.06, 0.06)
    on_object = d.uniform(TONES, np.arange(3, 6), -0.08, 0.08)
    on_ground = d.uniform(TONES, np.arange(6, 9), -0.08, 0.08)
    relief = d.uniform(TONES, 9, 0.07, 0.12) * d.uniform(TONES, np.arange(10, 13), 0.8, 1.2)
    ramp, phi = d.uniform(TONES, 13, 0, 0.08), d.uniform(TONES, 14, 0, 2 * math.pi)
    slope = ramp * (math.cos(phi) * (COLUMNS - 15.5) + math.sin(phi) * (ROWS - 15.5)) / 16
    behind = slope + d.uniform(TONES, 15, 0.02, 0.05) * back

    m3 = m[:, :, None]
    obj = middle + contrast / 2 + on_object + relief * front[:, :, None] + SHADING * shade[:, :, None]
    ground = middle - contrast / 2 + on_ground + behind[:, :, None]
    return to_bytes(m3 * obj + (1 - m3) * ground), to_bytes(m)


def to_bytes(x):
    return np.floor(255 * np.clip(x, 0, 1) + 0.5).astype(int)


def read_idx(name, offset):
    with gzip.open(os.path.join(GARMENTS, name)) as f:
        return np.frombuffer(f.read(), np.uint8, offset=offset)


def load_garments(which):
    images = read_idx(which + "-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
    labels = read_idx(which + "-labels-idx1-ubyte.gz", 8)
    return [images[labels == c] for c in range(10)]


def find_inputs(textures):
    """{pattern: path}; ends the program when a package is missing."""
    folders = glob.glob("/usr/share/gimp/*/patterns")
    if not folders or not os.path.isdir(GARMENTS):
        print("skipped: install gimp-data and dataset-fashion-mnist")
        sys.exit(77)
    with open(textures, newline="") as f:
        rows = list(csv.DictReader(f, delimiter="\t"))
    return {r["pattern"]: os.path.join(folders[0], r["file"]) for r in rows}


def run_program(program, split, which, count, seed, listing, folder):
    args = ["set=" + folder + "/set", "masks=" + folder + "/masks", "textures=" + listing]
    args += ["images=%s/%s-images-idx3-ubyte.gz" % (GARMENTS, which)]
    args += ["labels=%s/%s-labels-idx1-ubyte.gz" % (GARMENTS, which)]
    args += ["--split=" + split, "--count=%d" % count]
    subprocess.run([program] + args, check=True, env={"LARDER_SEED": "%x" % seed})


def read_set(path):
    """{name: (label, texture, pixels)} of an image set (docs/image-set.md)."""
    found = {}
    with lmdb.open(path, readonly=True, lock=False) as env, env.begin() as txn:
        for name, value in txn.cursor():
            assert value[:3] == b"LI\x01"
            channels, width, height, label, texture = struct.unpack("<xxxBHHii", value[:16])
            pixels = np.frombuffer(value, np.uint8, offset=16).reshape(height, width, channels)
            found[name.decode()] = (label, texture, pixels.astype(int))
    return found


def compare(split, count, seed, garments, patterns, folder):
    """The largest difference, and the share of values that differ at all."""
    pictures, masks = read_set(folder + "/set"), read_set(folder + "/masks")
    assert sorted(pictures) == sorted(masks) == ["%s-%06d" % (split, i) for i in range(count)]
    largest = differing = values = 0
    for i in range(count):
        c, turn = i % 10, i // 10
        texture = (c + 1 + turn % 9) % 10 if split == "conflict" else c
        label = (c, texture if split == "conflict" else -1)
        d = Draws("compose", "", "%s/%d" % (split, i), seed)
        expected = paint(d, garments[c][turn].astype(float), texture, patterns)
        for got, wanted in zip((pictures, masks), expected):
            entry = got["%s-%06d" % (split, i)]
            assert entry[:2] == label, (split, i, entry[:2], label)
            gap = abs(entry[2] - wanted.reshape(32, 32, -1))
            largest = max(largest, gap.max())
            differing += (gap > 0).sum()
            values += gap.size
    return largest, differing / values


def soften(v):
    """The five weights 1 4 6 4 1 along rows, then columns, edges repeated."""
    for axis in (1, 0):
        padded = np.pad(v, [(2, 2) if k == axis else (0, 0) for k in range(2)], mode="edge")
        v = sum(w * np.take(padded, np.arange(k, k + v.shape[axis]), axis)
                for k, w in enumerate((1, 4, 6, 4, 1))) / 16
    return v


def swap(d, pixels, patterns):
    """A picture in another style."""
    relief = d.uniform(1, 0, .10, .16) * material(d, 0, *patterns[STYLES[int(d.below(0, 5, 6))][0]])
    tint = d.uniform(1, np.arange(1, 4), -.10, .10)
    low = np.stack([soften(soften(pixels[:, :, c] / 255)) for c in range(3)], 2)
    return to_bytes(low + relief[:, :, None] + tint)


def compare_styles(program, seed, patterns, listing, folder):
    """As compare(), of the pictures there in their third style."""
    subprocess.run([os.path.join(os.path.dirname(program), "band-swap"), "set=" + folder + "/set",
                    "swapped=" + folder + "/swapped", "textures=" + listing, "--version=3"],
                   check=True, env={"LARDER_SEED": "%x" % seed})
    before, after = read_set(folder + "/set"), read_set(folder + "/swapped")
    assert sorted(before) == sorted(after)
    gaps = []
    for name, (label, texture, pixels) in before.items():
        assert after[name][:2] == (label, texture), name
        wanted = swap(Draws("band-swap", "version=3", name, seed), pixels, patterns)
        gaps.append(abs(after[name][2] - wanted))
    return np.max(gaps), np.mean(np.array(gaps) > 0)


def check_draws():
    """The vectors of docs/draws.md."""
    known = [
        ((0, 0, 0, 0), (0, 0), "6627e8d5e169c58dbc57ac4c9b00dbd8"),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, "408f276d41c83b0ea20bc7c66d5451fd"),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            "d16cfe0994fdcceb5001e42024126ea1",
        ),
    ]
    for counter, key, words in known:
        assert "".join("%08x" % int(w) for w in philox(counter, key)) == words
    d = Draws("imagenet_c", "severity=3,type=gaussian_noise", "TEST")
    assert np.allclose(d.ua(0, np.arange(3)), [0.59004664, 0.93230470, 0.19599329], atol=1e-8)
    assert np.allclose(d.normal(0, np.arange(2)), [-1.12338266, 1.99855957], atol=1e-8)


def main(program, textures, count=60, seed=0x6B86B273FF34FCE1):
    check_draws()
    paths = find_inputs(textures)
    patterns = {n: (prepare(read_pattern(paths[n]), k), k) for n, k in TEXTURES + CLUTTER + STYLES}
    failed = False
    for split, which in (("train", "train"), ("test", "t10k"), ("conflict", "t10k")):
        with tempfile.TemporaryDirectory() as folder:
            listing = os.path.join(folder, "textures.tsv")
            with open(listing, "w") as f:
                f.write("pattern\tpath\n")
                f.writelines("%s\t%s\n" % p for p in paths.items())
            run_program(program, split, which, count, seed, listing, folder)
            garments = load_garments(which)
            largest, share = compare(split, count, seed, garments, patterns, folder)
            styles = compare_styles(program, seed, patterns, listing, folder)
            largest, share = max(largest, styles[0]), max(share, styles[1])
        print("%-8s %d pictures: largest difference %d, share of values that differ %.2e"
              % (split, count, largest, share))
        failed |= largest > 1 or share > 0.001
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2], *(int(a, 0) for a in sys.argv[3:])))
