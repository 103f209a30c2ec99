#!/usr/bin/python3 -B
"""Pictures for group-pictures, and Pillow's side of it.

    pictures.py make FOLDER N      N JPEG files of 500 x 375 in class folders
    pictures.py loop FILE...       Pillow: decode, resize, crop; the CRC-32 of all squares

Exit status 77: there is no Pillow.
"""
import os
import random
import sys
import zlib

try:
    from PIL import Image, ImageChops
except ImportError:
    sys.exit(77)


def make(folder, n):
    draw = random.Random(7)
    grain = Image.frombytes("RGB", (500, 375), draw.randbytes(500 * 375 * 3))
    for i in range(n):
        im = Image.frombytes("RGB", (40, 30), draw.randbytes(3600)).resize((500, 375), Image.BICUBIC)
        im = Image.blend(im, ImageChops.offset(grain, i), .1)  # as many bytes as a photograph
        os.makedirs("%s/%d" % (folder, i % 4), exist_ok=True)
        im.save("%s/%d/%04d.jpg" % (folder, i % 4, i), quality=90)


def square(path):
    im = Image.open(path).convert("RGB")
    side = (256, 256 * im.height // im.width) if im.width < im.height \
        else (256 * im.width // im.height, 256)
    im = im.resize(side, Image.BILINEAR)
    left, top = (round((n - 224) / 2) for n in im.size)
    return im.crop((left, top, left + 224, top + 224)).tobytes()


if sys.argv[1] == "make":
    make(sys.argv[2], int(sys.argv[3]))
else:
    crc = 0
    for path in sys.argv[2:]:
        crc = zlib.crc32(square(path), crc)
    print("%08x" % crc)
