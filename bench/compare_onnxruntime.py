#!/usr/bin/env python3
"""Pretrained networks: genrewise's engine beside onnxruntime, same weights, same run.

usage: compare_onnxruntime.py WEIGHTS_FOLDER [--bench build/release/bin/bench_neural] [--rounds 5] [--target AVX2]

Builds ONNX graphs from the safetensors files in the folder (explicit padding, batch normalisations folded into
convolutions where they follow one directly), checks them against the golden files beside the weights, and measures
inputs per second at batches of 1 and 8 with 1 and 2 threads: a 224 x 224 image (MobileNetV2), 10 s of audio
(EfficientAT), 3 s (musicnn). Rounds of both take turns; the result of each is its best round. --target limits
genrewise's instruction set; onnxruntime always uses the processor's best. Needs onnx, onnxruntime and numpy.
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


class Graph:
    """Nodes and constants of an ONNX graph; every method returns the name of its result."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, value, dtype=numpy.float32):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(numpy.ascontiguousarray(value, dtype), name))
        return name

    def add(self, kind, *inputs, **attributes):
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def convolution(self, data, weight, bias, pads=(0, 0, 0, 0), stride=1, groups=1):
        return self.add("Conv", data, self.constant(weight), self.constant(bias), group=groups,
                        kernel_shape=weight.shape[2:], strides=[stride, stride], pads=pads)

    def activate(self, data, kind):
        if kind == "relu6":
            return self.add("Clip", data, self.constant(0), self.constant(6))
        return self.add({"relu": "Relu", "hard_swish": "HardSwish"}[kind], data) if kind else data

    def serialise(self, inputs, outputs):
        for name, result in outputs.items():
            self.nodes.append(helper.make_node("Identity", [result], [name]))
        value = lambda name, shape: helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        graph = helper.make_graph(self.nodes, "network", [value(*item) for item in inputs.items()],
                                  [value(name, ["batch", name]) for name in outputs], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        return model.SerializeToString()


def mobilenet_v2(weights):
    graph = Graph()

    def convolution(data, name, stride=1, groups=1, activation="relu6"):
        weight = weights[name + ".weight"]
        kernel = weight.shape[2]
        before = (kernel - stride) // 2 if stride == 1 else 0  # SAME on even sides: stride 2 pads bottom and right
        after = kernel - stride - before if kernel > 1 else 0
        made = graph.convolution(data, weight, weights[name + ".bias"], (before, before, after, after), stride, groups)
        return graph.activate(made, activation)

    data, channels, index = convolution("input", "stem", stride=2), 32, 0
    for expansion, out, count, first_stride in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
                                                (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]:
        for repeat in range(count):
            stride, block, entry = first_stride if repeat == 0 else 1, f"blocks.{index}", data
            if expansion > 1:
                data = convolution(data, block + ".expand")
            data = convolution(data, block + ".depthwise", stride, channels * expansion)
            data = convolution(data, block + ".project", activation=None)
            if stride == 1 and channels == out:
                data = graph.add("Add", entry, data)
            channels, index = out, index + 1
    pooled = graph.add("GlobalAveragePool", convolution(data, "head"))
    return graph.serialise({"input": ["batch", 3, 224, 224]}, {"embedding": graph.add("Flatten", pooled)})


# EfficientAT mn04: in, expanded, out, kernel, stride, channels of the squeeze-and-excitation, activation
EFFICIENTAT = [(8, 8, 8, 3, 1, 0, "relu"), (8, 24, 16, 3, 2, 0, "relu"), (16, 32, 16, 3, 1, 0, "relu"),
               (16, 32, 16, 5, 2, 8, "relu"), (16, 48, 16, 5, 1, 16, "relu"), (16, 48, 16, 5, 1, 16, "relu"),
               (16, 96, 32, 3, 2, 0, "hard_swish"), (32, 80, 32, 3, 1, 0, "hard_swish"),
               (32, 72, 32, 3, 1, 0, "hard_swish"), (32, 72, 32, 3, 1, 0, "hard_swish"),
               (32, 192, 48, 3, 1, 48, "hard_swish"), (48, 272, 48, 3, 1, 72, "hard_swish"),
               (48, 272, 64, 5, 2, 72, "hard_swish"), (64, 384, 64, 5, 1, 96, "hard_swish"),
               (64, 384, 64, 5, 1, 96, "hard_swish")]


def efficientat(weights):
    graph = Graph()

    def convolution(data, name, activation, stride=1, groups=1):
        weight, statistic = weights[name + ".0.weight"], lambda part: weights[f"{name}.1.{part}"]
        factor = statistic("weight") / numpy.sqrt(statistic("running_var") + 1e-3)
        bias = statistic("bias") - factor * statistic("running_mean")
        pad = (weight.shape[2] - 1) // 2
        made = graph.convolution(data, weight * factor[:, None, None, None], bias, [pad] * 4, stride, groups)
        return graph.activate(made, activation)

    def dense(data, name):  # as a 1 x 1 convolution
        return graph.convolution(data, weights[name + ".weight"][:, :, None, None], weights[name + ".bias"])

    data = convolution("input", "features.0", "hard_swish", 2)
    for i, (channels, wide, out, _, stride, squeezed, activation) in enumerate(EFFICIENTAT, 1):
        entry, part = data, iter(range(9))
        name = lambda: f"features.{i}.block.{next(part)}"
        if wide != channels:
            data = convolution(data, name(), activation)
        data = convolution(data, name(), activation, stride, wide)
        if squeezed:
            layers = name() + ".conc_se_layers.0.fc"
            gate = graph.activate(dense(graph.add("GlobalAveragePool", data), layers + "1"), "relu")
            data = graph.add("Mul", data, graph.add("Sigmoid", dense(gate, layers + "2")))
        data = convolution(data, name(), None)
        if stride == 1 and channels == out:
            data = graph.add("Add", entry, data)
    pooled = graph.add("GlobalAveragePool", convolution(data, f"features.{len(EFFICIENTAT) + 1}", "hard_swish"))
    return graph.serialise({"input": ["batch", 1, 128, 1000]}, {"embedding": graph.add("Flatten", pooled)})


def musicnn(weights):
    graph = Graph()

    def normalise(data, name, ending=""):
        get = lambda part: graph.constant(weights[f"{name}.{part}{ending}"])
        return graph.add("BatchNormalization", data, get("gamma"), get("beta"), get("moving_mean"), get("moving_variance"),
                         epsilon=1e-3)

    def convolution(data, name, order, ending=""):  # padded over time
        kernel = weights[f"{name}.kernel{ending}"].transpose(order)
        frames = kernel.shape[2]
        pads = ((frames - 1) // 2, 0, frames // 2, 0)
        return graph.activate(graph.convolution(data, kernel, weights[f"{name}.bias{ending}"], pads), "relu")

    patch = normalise("input", "batch_normalization", "_1")
    front = []
    for i in range(5):
        made = convolution(patch, "conv2d" + (f"_{i}" if i else ""), (3, 2, 0, 1), "_1")  # frames x bands x 1 x filters
        front.append(graph.add("ReduceMax", normalise(made, f"batch_normalization_{i + 1}", "_1"), axes=[3], keepdims=1))
    parts = [graph.add("Concat", *front, axis=1)]
    for i in (1, 2, 3):  # frames x channels x 1 x filters
        made = normalise(convolution(parts[-1], f"midend_conv{i}", (3, 1, 0, 2)), f"bn_midend_conv{i}")
        parts.append(graph.add("Add", made, parts[-1]) if i > 1 else made)
    channels = graph.add("Concat", *parts, axis=1)  # batch x 753 x 187 x 1
    most = graph.add("ReduceMax", channels, axes=[2, 3], keepdims=0)
    mean = graph.add("ReduceMean", channels, axes=[2, 3], keepdims=0)
    axis = graph.constant([2], numpy.int64)
    both = graph.add("Concat", graph.add("Unsqueeze", most, axis), graph.add("Unsqueeze", mean, axis), axis=2)
    pooled = normalise(graph.add("Flatten", both), "bn_flatpool")
    hidden = graph.add("Gemm", pooled, graph.constant(weights["dense.kernel_1"]), graph.constant(weights["dense.bias_1"]))
    penultimate = normalise(graph.activate(hidden, "relu"), "bn_dense")
    return graph.serialise({"input": ["batch", 1, 187, 96]},
                           {"penultimate": penultimate, "max_pool": most, "mean_pool": mean})


def wave(shape):
    return numpy.sin(0.001 * numpy.arange(numpy.prod(shape), dtype=numpy.float64)).reshape(shape).astype(numpy.float32)


# name: builder, weights file, shape of an input, its golden input and outputs
NETWORKS = {
    "MobileNetV2": (mobilenet_v2, "mobilenet_v2_imagenet", (3, 224, 224), None, {"embedding": "sine_input_embedding"}),
    "EfficientAT": (efficientat, "efficientat_mn04_audioset", (1, 128, 1000), "mel", {"embedding": "embedding"}),
    "musicnn": (musicnn, "msd_musicnn", (1, 187, 96), "log_mel_patches",
                {"penultimate": "penultimate", "max_pool": "max_pool", "mean_pool": "mean_pool"}),
}


class Onnxruntime:
    def __init__(self, model, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def check(self, golden, shape, source, expected):
        """The largest difference from the golden outputs, relative to their largest value."""
        batch = golden[source].reshape((-1, *shape)) if source else wave((1, *shape))
        results = self.session.run(list(expected), {"input": batch})
        return max(numpy.abs(result - golden[name].reshape(result.shape)).max() / numpy.abs(golden[name]).max()
                   for result, name in zip(results, expected.values()))

    def rate(self, batch, seconds):
        self.session.run(None, {"input": batch})
        best, end = 0.0, time.perf_counter() + seconds
        while time.perf_counter() < end:
            start = time.perf_counter()
            self.session.run(None, {"input": batch})
            best = max(best, len(batch) / (time.perf_counter() - start))
        return best


def our_rate(arguments, name, count, threads):
    """Inputs per second of bench_neural's own loop, in a separate process: its best call, as above."""
    environment = {**os.environ, "GENREWISE_WEIGHTS": arguments.weights, "BENCH_TARGET": arguments.target}
    text = subprocess.run([arguments.bench, f"--benchmark_filter=^{name}/batch:{count}/threads:{threads}/",
                           f"--benchmark_min_time={arguments.seconds}", "--benchmark_format=json"], check=True,
                          capture_output=True, text=True, env=environment).stdout
    return json.loads(text)["benchmarks"][0]["best_per_second"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights")
    parser.add_argument("--bench", default="build/release/bin/bench_neural")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each measurement")
    parser.add_argument("--target", default="", help="limit genrewise to AVX2 or SSE4")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    arguments = parser.parse_args()

    print(f"onnxruntime {onnxruntime.__version__}; best call of {arguments.rounds} rounds, inputs per second")
    for name in arguments.networks:
        build, file, shape, source, expected = NETWORKS[name]
        path = os.path.join(arguments.weights, file)
        model, golden = build(read_safetensors(path + ".safetensors")), read_safetensors(path + ".golden.safetensors")
        difference = Onnxruntime(model, 1).check(golden, shape, source, expected)
        print(f"\n{name}; onnxruntime's largest difference from the golden file: {difference:.1e}")
        print(f"{'batch':>5} {'threads':>7} {'onnxruntime':>11} {'genrewise':>9} {'ratio':>6}")
        for threads in (1, 2):
            session = Onnxruntime(model, threads)
            for count in (1, 8):
                batch, peer, ours = wave((1, *shape)).repeat(count, axis=0), [], []
                for _ in range(arguments.rounds):
                    peer.append(session.rate(batch, arguments.seconds))
                    ours.append(our_rate(arguments, name, count, threads))
                print(f"{count:>5} {threads:>7} {max(peer):>11.1f} {max(ours):>9.1f} {max(ours) / max(peer):>6.2f}",
                      flush=True)


if __name__ == "__main__":
    main()
