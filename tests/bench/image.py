#!/usr/bin/python3 -B
"""The other side of group-image.

    image.py make FOLDER N               makes N pictures in FOLDER/in, their middles of 224 pixels
                                         in FOLDER/squares and frost pictures in FOLDER/frost
    image.py bare FOLDER N               the same where the originals cannot run
    image.py corrupt FOLDER SEVERITY...  for each type CPU seconds a picture, the mean of these
                                         severities, of the first two pictures
    image.py check FOLDER BENCH_IMAGE    the types whose pixels differ from those that BENCH_IMAGE
                                         shows, given the same draws
    image.py export SET FOLDER N         the first N pictures of an image set as PNG

Exit status 77: something of what is compared with is not installed.
"""
import os
import random
import subprocess
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here + "/../golden", here + "/../twin"]
try:
    from PIL import Image

    if sys.argv[1] == "export":
        from imageset import read_set
    elif sys.argv[1] != "bare":
        import numpy as np

        import corruptions
        from corruptions import TYPES
        from make_corruption_vectors import Random, salt_and_pepper
except ImportError as e:
    print("image.py:", e, file=sys.stderr)
    sys.exit(77)

SIDE = 224
MEASURED = 2  # pictures: the originals take seconds
CHECKED = 2   # severity
# As large as the frost pictures of the original.
FROSTS = [("1.png", 900, 600), ("2.png", 560, 315), ("3.png", 560, 315), ("4.jpg", 527, 350),
          ("5.jpg", 660, 495)]


def make(folder, n):
    subprocess.run([sys.executable, "-B", here + "/pictures.py", "make", folder + "/in", str(n)],
                   check=True)
    draw = random.Random(8)
    os.makedirs(folder + "/frost")
    for name, width, height in FROSTS:
        coarse = Image.frombytes("RGB", (width // 8, height // 8), draw.randbytes(width // 8 * (height // 8) * 3))
        im = coarse.resize((width, height), Image.BICUBIC)
        im.convert("RGBA" if name.endswith("png") else "RGB").save(folder + "/frost/" + name)
    with open(folder + "/squares", "wb") as f:
        for path in sorted(os.path.join(at, name) for at, _, names in os.walk(folder + "/in")
                           for name in names):
            im = Image.open(path)
            f.write(im.resize((341, 256), Image.BILINEAR).crop((58, 16, 58 + SIDE, 16 + SIDE)).tobytes())


def export(path, folder, n):
    os.mkdir(folder)
    s = read_set(path)
    for i in range(n):
        Image.fromarray(s.pixels[i]).save("%s/%02d.png" % (folder, i))


def squares(folder, n):
    with open(folder + "/squares", "rb") as f:
        return [Image.frombytes("RGB", (SIDE, SIDE), f.read(SIDE * SIDE * 3)) for _ in range(n)]


def corrupt(folder, severities):
    pictures = squares(folder, MEASURED)
    for name in TYPES:
        distort = getattr(corruptions, name)
        if name != "glass_blur":  # which is slow enough to need no warming up
            distort(pictures[0], 0, corruptions.Free)
        begin = time.process_time()
        for severity in severities:
            for im in pictures:
                distort(im, severity - 1, corruptions.Free)
        print("%s\t%.9f" % (name, (time.process_time() - begin) / MEASURED / len(severities)), flush=True)


def fed(name):
    """The draws of docs/corruptions.md."""
    random = Random(name, CHECKED, SIDE, "0")
    random.salt_and_pepper = lambda x, amount: salt_and_pepper(random, x, amount)
    return random


def check(folder, shown):
    im = squares(folder, 1)[0]
    for name in TYPES:
        bytes_of_ours = subprocess.run([shown, "show", folder + "/squares", folder + "/frost",
                                        str(CHECKED), name], stdout=subprocess.PIPE, check=True).stdout
        ours = np.frombuffer(bytes_of_ours, np.uint8).reshape(SIDE, SIDE, 3).astype(int)
        gap = np.abs(getattr(corruptions, name)(im, CHECKED - 1, fed(name)) - ours)
        if gap.max() > 1 or (gap > 0).sum() > SIDE:
            print(name)


folder = sys.argv[2]
if sys.argv[1] in ("make", "bare"):
    make(folder, int(sys.argv[3]))
    sys.exit()
if sys.argv[1] == "export":
    export(folder, sys.argv[3], int(sys.argv[4]))
    sys.exit()
corruptions.frosts[:] = ["%s/frost/%s" % (folder, name) for name, _, _ in FROSTS]
if sys.argv[1] == "corrupt":
    corrupt(folder, [int(s) for s in sys.argv[3:]])
else:
    check(folder, sys.argv[3])
