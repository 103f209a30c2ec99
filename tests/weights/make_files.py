#!/usr/bin/python3 -B
"""Small weight files of every kind that PyTorch has written, and what is in them.

    make_files.py FOLDER

writes, with PyTorch (the tar archive, which no PyTorch of today writes, by hand):

    zip.pth stream.pth tar.pth   one state dict in each of the three containers
    wrapped.pth                  the same of DataParallel: every name begins with `module.`
    robust.pth                   a checkpoint as MadryLab/robustness writes it, by dill, with
                                 a function and a class of its own beside the weights
    robust-zip.pth               the same as a zip file
    expected.tsv                 file, name, shape, and the values as float32 in hexadecimal

Exit status 77: there is no PyTorch. Without dill no robust file is written. The files are
not the same bytes each time: they hold addresses and times.
"""
import collections
import copyreg
import io
import os
import pickle
import struct
import sys
import tarfile

try:
    import numpy as np
    import torch
except ImportError:
    print("skipped: this needs Debian's python3-torch and python3-numpy")
    sys.exit(77)
try:
    import dill
except ImportError:
    dill = None


def values(n, seed):
    """n numbers that are the same everywhere, none of them round."""
    j = np.arange(n, dtype=np.uint64) * np.uint64(2654435761) + np.uint64(seed * 97)
    return torch.from_numpy(((j % np.uint64(1000003)) / 1000003.0 - .5).astype("float32"))


def example():
    """A state dict with everything that a reader has to get right."""
    base = values(24, 1)
    d = collections.OrderedDict()
    d["conv.weight"] = values(2 * 3 * 2 * 2, 2).view(2, 3, 2, 2)
    d["conv.bias"] = values(2, 3)
    d["transposed"] = values(12, 4).view(3, 4).t()
    d["inner"] = base.view(4, 6)[1:3, 2:5]
    d["column"] = base.view(4, 6)[:, 5]
    d["whole"] = base
    d["tied"] = d["conv.weight"]
    d["half"] = torch.cat([values(5, 5) * 1000, torch.tensor([6e-8, 65504., float("inf"), -0.])
                           ]).half()
    d["double"] = values(4, 6).double() / 3
    d["bn.num_batches_tracked"] = torch.tensor(12345678)
    d["int"] = torch.tensor([-7, 16777216], dtype=torch.int32)
    d["short"] = torch.tensor([-32768, 5], dtype=torch.int16)
    d["char"] = torch.tensor([-128, 127], dtype=torch.int8)
    d["byte"] = torch.tensor([0, 255], dtype=torch.uint8)
    d["empty"] = torch.zeros(0, 3)
    d["parameter"] = torch.nn.Parameter(values(3, 7))
    return d


def later(d):
    """What the first versions did not have."""
    d["bfloat"] = values(5, 8).bfloat16()
    d["bool"] = torch.tensor([True, False, True])
    d["scalar"] = torch.tensor(.1)
    return d


class Tar:
    """The container of PyTorch before 0.1.9, as torch/serialization.py legacy_load() reads it."""

    def __init__(self):
        self.storages, self.tensors, self.kept = {}, {}, []

    def storage(self, t):
        s = t.storage()
        self.kept.append(s)
        key = s.data_ptr() if len(s) else id(s)
        if key not in self.storages:
            self.storages[key] = s
        return key

    def tensor(self, t):
        self.kept.append(t)
        self.tensors[id(t)] = (self.storage(t), t)
        return str(id(t))

    def pickled(self, obj):
        tar = self

        class Pickler(pickle.Pickler):
            def persistent_id(self, x):
                if isinstance(x, torch.Tensor) and not isinstance(x, torch.nn.Parameter):
                    return tar.tensor(x)
                return None

            def reducer_override(self, x):
                if isinstance(x, torch.nn.Parameter):
                    state = (x.data, None, collections.OrderedDict(), True, False)
                    return copyreg.__newobj__, (torch.nn.Parameter,), state
                return NotImplemented

        out = io.BytesIO()
        Pickler(out, 2).dump(obj)
        return out.getvalue()

    @staticmethod
    def name_of(t, kind):
        names = {torch.float32: "Float", torch.float64: "Double", torch.float16: "Half",
                 torch.int64: "Long", torch.int32: "Int", torch.int16: "Short",
                 torch.int8: "Char", torch.uint8: "Byte"}
        return getattr(torch, names[t.dtype] + kind)

    def storages_file(self):
        out = pickle.dumps(len(self.storages), 2)
        for key, s in self.storages.items():
            flat = torch.tensor([], dtype=s.dtype).set_(s)
            out += pickle.dumps((key, "cpu", self.name_of(flat, "Storage")), 2)
            out += struct.pack("<q", len(s)) + flat.numpy().tobytes()
        return out + pickle.dumps([], 2)

    def tensors_file(self):
        out = pickle.dumps(len(self.tensors), 2)
        for key, (storage, t) in self.tensors.items():
            out += pickle.dumps((key, storage, self.name_of(t, "Tensor")), 2)
            out += struct.pack("<i", t.dim()) + b"\xa5\x5a\xa5\x5a"
            out += struct.pack("<%dq" % t.dim(), *t.size())
            out += struct.pack("<%dq" % t.dim(), *t.stride())
            out += struct.pack("<q", t.storage_offset())
        return out

    def write(self, obj, path):
        object_file = self.pickled(obj)  # first: it finds the tensors
        system = {"protocol_version": 1000, "little_endian": True,
                  "type_sizes": {"short": 2, "int": 4, "long": 8}}
        with tarfile.open(path, "w:", format=tarfile.GNU_FORMAT) as tar:
            for name, data in (("sys_info", pickle.dumps(system, 2)), ("pickle", object_file),
                               ("tensors", self.tensors_file()),
                               ("storages", self.storages_file())):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))


# Of __main__: dill writes the class itself, code and all. Compiled here, so that no path of
# this machine is in the code.
exec(compile("""
class Schedule:
    def __init__(self):
        self.rate = lambda epoch: .1 ** (epoch // 30)
""", "schedule.py", "exec"))


def checkpoint(weights):
    """torch.save({...}) of robustness/train.py; AttackerModel has the network twice."""
    model = collections.OrderedDict()
    for at in ("normalizer.", "attacker.normalize."):
        model["module." + at + "new_mean"] = torch.tensor([.485, .456, .406]).view(3, 1, 1)
        model["module." + at + "new_std"] = torch.tensor([.229, .224, .225]).view(3, 1, 1)
    for at in ("model.", "attacker.model."):
        for name, t in weights.items():
            model["module." + at + name] = t
    momentum = {i: {"momentum_buffer": values(4, i)} for i in (0, 140218461872320)}
    return {"model": model, "epoch": 91, "schedule": {"last_epoch": 90, "lr_lambdas": [Schedule()]},
            "optimizer": {"state": momentum, "param_groups": [{"lr": .1, "params": list(momentum)}]},
            "amp": None, "adv_prec1": torch.tensor(36.11), "nat_prec1": 57.9,
            "adjust": Schedule().rate}


def expect(table, file, weights, prefix=""):
    for name, t in weights.items():
        t = t.detach()
        shape = "x".join(str(n) for n in t.shape) if t.dim() else "scalar"
        data = t.float().contiguous().numpy().astype("<f4").tobytes().hex()
        table.write("\t".join((file, prefix + name, shape, data)) + "\n")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: make_files.py FOLDER")
    os.makedirs(sys.argv[1], exist_ok=True)
    os.chdir(sys.argv[1])
    weights = later(example())
    torch.save(weights, "zip.pth")
    torch.save(weights, "stream.pth", _use_new_zipfile_serialization=False)
    Tar().write(example(), "tar.pth")
    wrapped = {"state_dict": {"module." + name: t for name, t in weights.items()}}
    torch.save(wrapped, "wrapped.pth", _use_new_zipfile_serialization=False)
    with open("expected.tsv", "w") as table:
        table.write("file\tname\tshape\tvalues\n")
        expect(table, "zip.pth", weights)
        expect(table, "stream.pth", weights)
        expect(table, "tar.pth", example())
        expect(table, "wrapped.pth", weights)
        if not dill:
            return
        for file, new in (("robust.pth", False), ("robust-zip.pth", True)):
            torch.save(checkpoint(weights), file, pickle_module=dill,
                       _use_new_zipfile_serialization=new)
            expect(table, file, weights)


main()
