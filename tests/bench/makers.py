#!/usr/bin/python3
"""The peer of bench_makers: the same pictures by the same networks in PyTorch.

    makers.py adain|gatys|segment RUNS nchw|channels_last

prints what bench_makers prints. Exit status 77: there is no PyTorch.
"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../golden"))
sys.dont_write_bytecode = True
import make_transfer_vectors as vectors  # ends with 77 without
from make_network_vectors import fill
from networks import VGG19, DeepLab, adain_decoder, adain_encoder

torch, F = vectors.torch, vectors.F
case, runs, layout = sys.argv[1], int(sys.argv[2]), sys.argv[3]
form = torch.channels_last if layout == "channels_last" else torch.contiguous_format
torch.set_num_threads(1)


def ready(v):
    return v.float().to(memory_format=form)


def in_place(net):
    for m in net.modules():
        if isinstance(m, torch.nn.ReLU):
            m.inplace = True
    return ready(net)


def adain():
    encoder, decoder = in_place(fill(adain_encoder())), in_place(fill(adain_decoder()))
    content, style = (ready(vectors.noise(1, 224, 224, k, 1.)) for k in (31, 32))

    def run():
        with torch.no_grad():
            s, c = encoder(style), encoder(content)
            (mc, sc), (ms, ss) = (vectors.statistics(v.contiguous()) for v in (c, s))
            return decoder(((c - mc) / sc * ss + ms).to(memory_format=form)).std(unbiased=False)
    return run


def gatys():
    mean = torch.tensor([.40760392, .45795686, .48501961]).view(1, 3, 1, 1) * 255
    net = ready(fill(VGG19()))
    # LBFGS flattens what it moves, which must lie as it is indexed.
    content, style = (vectors.noise(1, 64, 64, k, 1.).flip(1).float() * 255 - mean
                      for k in (33, 34))

    def run():
        g = vectors.Gatys(net, ["relu%d_1" % i for i in range(1, 6)], "relu4_2", content, style)
        g.run(19)
        return g.losses[-1]
    for p in net.parameters():
        p.requires_grad_(False)
    vectors.gram = lambda f: (lambda v: v @ v.t() / v.shape[1])(f.reshape(f.shape[1], -1))
    return run


def segment():
    net, x = ready(fill(DeepLab(True, 182))), ready(vectors.noise(1, 193, 257, 41))

    def run():
        with torch.no_grad():
            y = net.several(x)
            F.interpolate(y, size=(193, 257), mode="bilinear", align_corners=False).argmax(1)
            return y.std(unbiased=False)
    return run


# The functions of the networks, in place as well.
F.relu = lambda x, inplace=True: torch.relu_(x)
run = {"adain": adain, "gatys": gatys, "segment": segment}[case]()
if case == "gatys":
    F.relu = torch.relu
for i in range(runs + 1):
    start = time.process_time()
    number = float(run())
    if i > 0:
        print("%.6f\t%.6g" % (time.process_time() - start, number), flush=True)
