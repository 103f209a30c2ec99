"""Reads an image set (docs/image-set.md) with Debian's python3-lmdb."""
import os
import struct

import lmdb
import numpy as np


class ImageSet:
    def __init__(self):
        self.names, self.pixels, self.labels, self.textures = [], [], [], []


def read_set(path):
    s = ImageSet()
    with lmdb.open(path, readonly=True, lock=False) as env, env.begin() as txn:
        for name, value in txn.cursor():
            magic, version, channels, width, height, label, texture = struct.unpack(
                "<2sBBHHii", value[:16])
            assert (magic, version) == (b"LI", 1), name
            pixels = np.frombuffer(value, np.uint8, width * height * channels, 16)
            s.names.append(name.decode())
            s.pixels.append(pixels.reshape(height, width, channels))
            s.labels.append(label)
            s.textures.append(texture)
    s.labels = np.array(s.labels, dtype=np.int64)
    s.textures = np.array(s.textures, dtype=np.int64)
    return s


def read_files(path):
    """Of a set of files: their names and bytes."""
    with lmdb.open(path, readonly=True, lock=False) as env, env.begin() as txn:
        files = {name.decode(): bytes(value) for name, value in txn.cursor()}
    assert all(value[:3] == b"LI\2" for value in files.values())
    return {name: value[16:] for name, value in files.items()}


def write_set(path, pictures):
    """pictures: name -> (height x width x channels, label), or with a texture besides."""
    os.makedirs(path)
    with lmdb.open(path, lock=False, map_size=1 << 28) as env, env.begin(write=True) as txn:
        for name, (v, label, *texture) in sorted(pictures.items()):
            head = struct.pack("<2sBBHHii", b"LI", 1, v.shape[2], v.shape[1], v.shape[0], label,
                               texture[0] if texture else -1)
            txn.put(name.encode(), head + v.tobytes())
