#!/usr/bin/python3 -B
"""import-weights and export-weights beside PyTorch, bit for bit.

    with_pytorch.py PROGRAMS

Files of every kind are made anew; a network goes out of PyTorch, in, out and back into
PyTorch; a zip file may be laid otherwise; a file that would run a command is read, and the command is not run. Exit status
77: there is no PyTorch.
"""
import csv
import json
import os
import subprocess
import sys
import tempfile
import zipfile

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "../golden"))
from make_alexnet_vectors import build, torch  # ends with 77 without

try:
    from safetensors.torch import load_file
except ImportError:
    load_file = None


def read(path):
    """A file of float32 safetensors as a state dict."""
    with open(path, "rb") as f:
        size = int.from_bytes(f.read(8), "little")
        header = json.loads(f.read(size))
        data = bytearray(f.read())
    tensors = {}
    for name, t in header.items():
        if name == "__metadata__":
            continue
        begin, end = t["data_offsets"]
        assert t["dtype"] == "F32"
        tensors[name] = torch.tensor([]) if begin == end else torch.frombuffer(
            data, dtype=torch.float32, offset=begin, count=(end - begin) // 4)
        tensors[name] = tensors[name].reshape(t["shape"])
    return tensors


def bits(t):
    return t.detach().float().contiguous().numpy().tobytes()


def program(name, *arguments):
    return subprocess.run([os.path.join(sys.argv[1], name), *arguments], capture_output=True,
                          text=True, env={})


def import_file(path, *options):
    r = program("import-weights", "file=" + path, "model=model", "taken=taken", *options)
    assert r.returncode == 0, (path, r.stderr)
    return read("model")


def check_files():
    """What make_files.py writes, against its table."""
    subprocess.run([os.path.join(here, "make_files.py"), "files"], check=True)
    with open("files/expected.tsv") as f:
        rows = list(csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE))
    files = sorted({r["file"] for r in rows})
    for file in files:
        model = import_file("files/" + file)
        want = {r["name"]: r for r in rows if r["file"] == file}
        assert set(model) == set(want), file
        for name, r in want.items():
            shape = "x".join(map(str, model[name].shape)) or "scalar"
            assert (shape, bits(model[name]).hex()) == (r["shape"], r["values"]), (file, name)
    return files


def check_network():
    """The small AlexNet, out of PyTorch and back."""
    net = build(False, torch.float32)
    state = net.state_dict()
    robust = {"module." + at + name: t for at in ("model.", "attacker.model.")
              for name, t in state.items()}
    for name in ("weight", "bias"):  # as the robustness library calls them
        robust["module.model.last_layer." + name] = robust.pop("module.model.classifier.6." + name)
    torch.save(state, "zip.pth")
    torch.save(state, "stream.pth", _use_new_zipfile_serialization=False)
    torch.save({"model": robust, "epoch": 3}, "robust.pth")
    for file in ("zip.pth", "stream.pth", "robust.pth"):
        import_file(file, "--arch=alexnet", "--size=mini", "--classes=10")
        r = program("export-weights", "model=model", "weights=out.safetensors")
        assert r.returncode == 0, r.stderr
        back = load_file("out.safetensors") if load_file else read("out.safetensors")
        other = build(False, torch.float32)
        for p in other.parameters():
            torch.nn.init.zeros_(p)
        other.load_state_dict(back, strict=True)
        for name, t in other.state_dict().items():
            assert bits(t) == bits(state[name]), (file, name)
    state["features.0.weight"] = state["features.0.weight"].contiguous(
        memory_format=torch.channels_last)  # other strides, the same tensor
    torch.save(state, "strides.pth")
    assert bits(import_file("strides.pth")["features.0.weight"]) == bits(
        net.state_dict()["features.0.weight"])


def repacked(path, extra):
    """files/zip.pth as another writer lays it, with the entries that PyTorch 2 adds."""
    with zipfile.ZipFile("files/zip.pth") as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            with new.open(zipfile.ZipInfo(name), "w", force_zip64=True) as entry:
                entry.write(old.read(name))
        for name, text in extra.items():
            new.writestr(name, text)


def check_repacked():
    later = {"zip/.format_version": "1", "zip/.storage_alignment": "64",
             "zip/.data/serialization_id": "0" * 40}
    import_file("files/zip.pth")
    with open("model", "rb") as f:
        want = f.read()
    repacked("again.pth", {**later, "zip/byteorder": "little"})
    import_file("again.pth")
    with open("model", "rb") as f:
        assert f.read() == want
    for extra, says in (({"zip/byteorder": "big"}, "not little-endian"),
                        ({"other/data.pkl": "."}, "two entries are a data.pkl")):
        repacked("again.pth", {**later, **extra})
        r = program("import-weights", "file=again.pth", "model=never", "taken=never")
        assert r.returncode == 1 and says in r.stderr, r.stderr


class Evil:
    def __reduce__(self):
        return os.system, ("touch did-run",)


def check_evil():
    for new in (True, False):
        torch.save({"a": torch.ones(2), "b": Evil()}, "evil.pth",
                   _use_new_zipfile_serialization=new)
        for option, says in (("refuse", "posix system, which is not on the list"),
                             ("ignore", "a call of posix system, not a tensor")):
            r = program("import-weights", "file=evil.pth", "model=never", "taken=never",
                        "--foreign=" + option)
            assert r.returncode == 1 and says in r.stderr, r.stderr
        torch.save({"model": {"a": torch.ones(2)}, "b": Evil()}, "evil.pth",
                   _use_new_zipfile_serialization=new)
        assert list(import_file("evil.pth", "--foreign=ignore")) == ["a"]
        torch.save({"net.a": torch.ones(2), "b": Evil()}, "evil.pth",
                   _use_new_zipfile_serialization=new)
        assert list(import_file("evil.pth", "--foreign=ignore", "--prefix=net.")) == ["a"]
        with open("taken") as f:
            assert f.read() == "name\tfrom\tdtype\tshape\na\tnet.a\tF32\t2\n\tb\t\t\n"
    assert not os.path.exists("did-run") and not os.path.exists("never")


sys.argv[1] = os.path.abspath(sys.argv[1])
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    files = check_files()
    check_repacked()
    check_network()
    check_evil()
    os.chdir("/")
print("the same bits: %s; %s" % (" ".join(files), "safetensors' own reader" if load_file
                                 else "read without the package safetensors"))
