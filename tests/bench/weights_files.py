#!/usr/bin/python3 -B
"""AlexNet's 61 million weights as PyTorch saves them, for bench_weights.

    weights_files.py FOLDER     writes zip.pth, stream.pth (244 MB each)

Exit status 77: there is no PyTorch.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../golden"))
from make_alexnet_vectors import build, torch  # ends with 77 without

state = build(True, torch.float32).state_dict()
torch.save(state, sys.argv[1] + "/zip.pth")
torch.save(state, sys.argv[1] + "/stream.pth", _use_new_zipfile_serialization=False)
