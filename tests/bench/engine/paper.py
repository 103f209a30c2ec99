"""A recipe of the paper's shape at the size of `full`: about 10,000 steps, made-up outputs."""

import json
import os

from plan import write

SHARDS = 84
ARCHS = ["alexnet", "googlenet", "resnet50"]
TYPES = ("gaussian_noise shot_noise impulse_noise defocus_blur glass_blur motion_blur "
         "zoom_blur snow frost fog brightness contrast elastic pixelate jpeg").split()
LOOKS = ["plain", "stylized", "black_white", "silhouettes", "scrambled", "patches"]
LAYERS = ["conv%d" % i for i in range(1, 6)]

# name -> inputs, outputs, options; an input or output is (name, shape)
PROGRAMS = {
    "images": ([("archive", "file")], [("set", "set")],
               [("shard", "string", ""), ("side", "int", "256")]),
    "corrupt": ([("set", "set")], [("set", "set")],
                [("type", "string", ""), ("severity", "int", "1")]),
    "look": ([("set", "set")], [("set", "set")], [("look", "string", "")]),
    "train": ([("data", "list")], [("model", "file"), ("curve", "file")],
              [("arch", "string", ""), ("eps", "float", "0"), ("epochs", "int", "90"),
               ("lr", "float", "0.1")]),
    "classify": ([("model", "file"), ("set", "list")], [("record", "file")], []),
    "dissect": ([("model", "file"), ("set", "set")], [("units", "file")],
                [("layer", "string", "")]),
    "tabulate": ([("rows", "list")], [("table", "file")], [("digits", "int", "2")]),
    "draw": ([("table", "file")], [("figure", "file")], [("width", "int", "640")]),
}

RECIPE = """larder: 1
name: shape-and-simplicity-biases
params: {seed: 20210401, side: 224, train: {epochs: 90, lr: 0.1}, eps: 3.0}
axes:
  shard: [%(shards)s]
  arch: [%(archs)s]
  kind: [S, R]
  type: [%(types)s]
  severity: [1, 2, 3, 4, 5]
  look: [%(looks)s]
  layer: [%(layers)s]
imports:
  archive: {from: ./archive.tar}
stages:
  images:
    program: images
    matrix: [shard]
    in: {archive: import.archive}
    params: {shard: "${m.shard}", side: "${params.side}"}
  corrupt:
    program: corrupt
    matrix: [type, severity, shard]
    in: {set: "images[@].set"}
    params: {type: "${m.type}", severity: "${m.severity}"}
  look:
    program: look
    matrix: [look, shard]
    in: {set: "images[@].set"}
    params: {look: "${m.look}"}
  train:
    program: train
    matrix: [arch, kind]
    in: {data: "images[*].set"}
    params:
      arch: "${m.arch}"
      eps: {case: "${m.kind}", S: 0.0, R: "${params.eps}"}
      epochs: "${params.train.epochs}"
      lr: "${params.train.lr}"
    resources: {gpu: 1, cpu: 2, memory: 16GiB, time: 96h}
    checkpoint: false
  classify-looks:
    program: classify
    matrix: [arch, kind, look]
    in: {model: "train[@].model", set: "look[@].set"}
  classify:
    program: classify
    matrix: [arch, kind, type, severity]
    in: {model: "train[@].model", set: "corrupt[@].set"}
  dissect:
    program: dissect
    matrix: [arch, kind, layer, shard]
    in: {model: "train[@].model", set: "images[@].set"}
    params: {layer: "${m.layer}"}
  units:
    program: tabulate
    matrix: [arch, kind]
    in: {rows: "dissect[@].units"}
  table-corruptions:
    program: tabulate
    in: {rows: "classify[*].record"}
  table-looks:
    program: tabulate
    in: {rows: "classify-looks[*].record"}
  table-units:
    program: tabulate
    in: {rows: "units[*].table"}
  figure-corruptions: {program: draw, in: {table: table-corruptions.table}}
  figure-looks: {program: draw, in: {table: table-looks.table}}
  figure-units: {program: draw, in: {table: table-units.table}}
"""

N_STEPS = (SHARDS * (1 + len(TYPES) * 5 + len(LOOKS)) + 6 * (1 + len(LOOKS)) +
           6 * len(TYPES) * 5 + 6 * len(LAYERS) * SHARDS + 6 + 6)


def described(name, inputs, outputs, options):
    return json.dumps({
        "larder-program": 1, "name": name, "about": "makes outputs up",
        "identity": "sha256:" + ("%02x" % len(name)) * 32, "seed": False,
        "inputs": [{"name": n, "shape": s, "help": n} for n, s in inputs],
        "outputs": [{"name": n, "shape": s, "help": n} for n, s in outputs],
        "options": [{"name": n, "type": t, "default": d, "help": n}
                    for n, t, d in options]})


def write_project(root, stub):
    """The recipe, a source, and programs/: links to stub beside what they say."""
    programs = os.path.join(root, "programs")
    os.makedirs(programs, exist_ok=True)
    for name, parts in PROGRAMS.items():
        write(os.path.join(programs, name + ".json"), described(name, *parts).encode())
        os.link(stub, os.path.join(programs, name))
    write(os.path.join(root, "archive.tar"), b"made up\n")
    write(os.path.join(root, "larder.yaml"), (RECIPE % {
        "shards": ", ".join("s%02d" % i for i in range(SHARDS)),
        "archs": ", ".join(ARCHS), "types": ", ".join(TYPES),
        "looks": ", ".join(LOOKS), "layers": ", ".join(LAYERS)}).encode())
