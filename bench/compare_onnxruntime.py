#!/usr/bin/env python3
"""MobileNetV2 embeddings: genrewise's engine beside onnxruntime, same weights, same images, same run.

usage: compare_onnxruntime.py WEIGHTS.safetensors [--bench build/release/bin/bench_neural] [--rounds 5]

Builds the ONNX graph from the safetensors file (NCHW, TensorFlow's SAME padding as explicit pads, Clip for ReLU6, global
average pooling), uses onnxruntime's default optimisation, and measures images per second at batch 1 (with 1 thread) and
8 (with 1 and 2 threads). Rounds of both alternate; the result of each is its best round. Needs onnx, onnxruntime and numpy.
"""
import argparse
import json
import os
import struct
import subprocess
import time

import numpy
import onnx
import onnxruntime
from onnx import helper, numpy_helper

BLOCKS = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
SIDE = 224


def read_safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = numpy.frombuffer(data[8 + size + begin:8 + size + end], "<f4").reshape(entry["shape"])
    return tensors


def build_model(weights):
    nodes = []
    constants = [numpy_helper.from_array(numpy.float32(value), name) for name, value in (("zero", 0), ("six", 6))]

    def convolution(data, name, stride=1, groups=1, clip=True):
        weight = weights[name + ".weight"]
        constants.extend(numpy_helper.from_array(weights[name + part].copy(), name + part) for part in (".weight", ".bias"))
        kernel = weight.shape[2]
        before = (kernel - stride) // 2 if stride == 1 else 0  # SAME on even sides: stride 2 pads bottom and right
        after = kernel - stride - before if kernel > 1 else 0
        nodes.append(helper.make_node("Conv", [data, name + ".weight", name + ".bias"], [name], group=groups,
                                      kernel_shape=[kernel, kernel], strides=[stride, stride],
                                      pads=[before, before, after, after]))
        if not clip:
            return name
        nodes.append(helper.make_node("Clip", [name, "zero", "six"], [name + ".clip"]))
        return name + ".clip"

    data = convolution("image", "stem", stride=2)
    channels, index = 32, 0
    for expansion, out, count, first_stride in BLOCKS:
        for repeat in range(count):
            stride = first_stride if repeat == 0 else 1
            block = f"blocks.{index}"
            entry, wide = data, channels * expansion
            if expansion > 1:
                data = convolution(data, block + ".expand")
            data = convolution(data, block + ".depthwise", stride=stride, groups=wide)
            data = convolution(data, block + ".project", clip=False)
            if stride == 1 and channels == out:
                nodes.append(helper.make_node("Add", [entry, data], [block + ".sum"]))
                data = block + ".sum"
            channels, index = out, index + 1
    data = convolution(data, "head")
    nodes.append(helper.make_node("GlobalAveragePool", [data], ["pool"]))
    nodes.append(helper.make_node("Flatten", ["pool"], ["embedding"]))
    graph = helper.make_graph(
        nodes, "mobilenet_v2",
        [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("embedding", onnx.TensorProto.FLOAT, ["batch", 1280])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def images(count):
    """The image whose embedding is in the golden file of the weights, `count` times."""
    at = numpy.arange(3 * SIDE * SIDE, dtype=numpy.float64).reshape(1, 3, SIDE, SIDE)
    return numpy.repeat(numpy.sin(0.001 * at).astype(numpy.float32), count, axis=0)


class Onnxruntime:
    def __init__(self, model, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def embed(self, batch):
        return self.session.run(None, {"image": batch})[0]

    def rate(self, count, seconds):
        batch = images(count)
        self.embed(batch)
        runs, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            self.embed(batch)
            runs += 1
        return runs * count / (time.perf_counter() - start)


def our_rate(bench, weights, count, threads, seconds):
    """Images per second of bench_neural's own loop, in a separate process."""
    text = subprocess.run([bench, f"--benchmark_filter=^MobileNetV2/batch:{count}/threads:{threads}/real_time$",
                           f"--benchmark_min_time={seconds}", "--benchmark_format=json"], check=True, capture_output=True,
                          text=True, env={**os.environ, "GENREWISE_WEIGHTS": weights}).stdout
    return json.loads(text)["benchmarks"][0]["items_per_second"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights")
    parser.add_argument("--bench", default="build/release/bin/bench_neural")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--peer-only", action="store_true", help="measure onnxruntime alone")
    parser.add_argument("--save", help="also write the ONNX file there")
    arguments = parser.parse_args()

    model = build_model(read_safetensors(arguments.weights))
    if arguments.save:
        with open(arguments.save, "wb") as file:
            file.write(model)
    print(f"onnxruntime {onnxruntime.__version__}; best of {arguments.rounds} rounds, images/s")
    print(f"{'batch':>5} {'threads':>7} {'onnxruntime':>11} {'genrewise':>9} {'ratio':>6}")
    for threads in (1, 2):
        session = Onnxruntime(model, threads)
        for count in (1, 8) if threads == 1 else (8,):  # genrewise runs an image on one thread
            peer, ours = [], []
            for _ in range(arguments.rounds):
                peer.append(session.rate(count, arguments.seconds))
                if not arguments.peer_only:
                    ours.append(our_rate(arguments.bench, arguments.weights, count, threads, arguments.seconds))
            best = max(ours, default=float("nan"))
            print(f"{count:>5} {threads:>7} {max(peer):>11.1f} {best:>9.1f} {best / max(peer):>6.2f}", flush=True)


if __name__ == "__main__":
    main()
