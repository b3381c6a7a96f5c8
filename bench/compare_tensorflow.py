#!/usr/bin/env python3
"""Training steps on the CPU in genrewise, in TensorFlow and in PyTorch, in turn, each in a process of its own.

    GENREWISE_WEIGHTS=FOLDER bench/compare_tensorflow.py build/release/bin/bench_neural_training \
        [--networks cnn1d mobilenetv2_frozen mobilenetv2 efficientat] [--threads 2] [--rounds 3] [--steps 8]

A step is a forward and a backward pass of a batch of 32 examples and one step of Adam; loss and hits are computed. In
genrewise it is the trainer's step, with its input. mobilenetv2_frozen: the body stays as it is, and every step augments
its clips, so that the body runs. The peers have the same layers (mobilenetv2: batch normalisation
folded into biases; efficientat: MobileNetV3-Large of width 0.4 with batch normalisation, from compare_pytorch.py) and
random weights, and their batch is in memory. TensorFlow runs Keras' compiled train_on_batch, with XLA (jit_compile) and
without; PyTorch runs eagerly with its default and its fused Adam, channels first and last. The fastest variant counts.
Printed are the fastest step of all rounds in seconds, and the processor time of that process' steps, in seconds. Where
other work disturbs the measurement, `--by cpu` compares processor time instead.
"""
import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time

from compare_pytorch import BATCH, CLASSES, BLOCKS, NETWORKS, ours


def measured(step, steps):
    """Wall time of the fastest of some steps, and processor time per step, after two that are not counted."""
    for _ in range(2):
        step()
    times, before = [], resource.getrusage(resource.RUSAGE_SELF)
    for _ in range(steps):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    after = resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": min(times), "cpu": used / steps}


def keras_cnn1d(layers):
    return [layers.Conv1D(128, 3, activation="relu"), layers.MaxPooling1D(2), layers.Conv1D(64, 3, activation="relu"),
            layers.MaxPooling1D(2), layers.Flatten(), layers.Dense(100, activation="relu"), layers.Dropout(0.5),
            layers.Dense(20, activation="relu"), layers.Dropout(0.5), layers.Dense(CLASSES)]


def keras_mobilenetv2(keras, x):
    layers = keras.layers

    def relu6(y):
        return layers.ReLU(max_value=6)(y)
    x = relu6(layers.Conv2D(32, 3, 2, padding="same")(x))
    before = 32
    for expand, out, count, stride in BLOCKS:
        for k in range(count):
            y, step = x, stride if k == 0 else 1
            if expand > 1:
                y = relu6(layers.Conv2D(before * expand, 1)(y))
            y = relu6(layers.DepthwiseConv2D(3, step, padding="same")(y))
            y = layers.Conv2D(out, 1)(y)
            x = layers.Add()([x, y]) if step == 1 and before == out else y
            before = out
    return layers.GlobalAveragePooling2D()(relu6(layers.Conv2D(1280, 1)(x)))


def keras_head(layers, x):
    return layers.Dense(CLASSES)(layers.Dropout(0.3)(layers.Dense(128, activation="relu")(x)))


# Of efficientat's blocks: expanded and output channels, kernel, stride, squeezed channels, hard-swish.
EFFICIENTAT = [(8, 8, 3, 1, 0, 0), (24, 16, 3, 2, 0, 0), (32, 16, 3, 1, 0, 0), (32, 16, 5, 2, 8, 0),
               (48, 16, 5, 1, 16, 0), (48, 16, 5, 1, 16, 0), (96, 32, 3, 2, 0, 1), (80, 32, 3, 1, 0, 1),
               (72, 32, 3, 1, 0, 1), (72, 32, 3, 1, 0, 1), (192, 48, 3, 1, 48, 1), (272, 48, 3, 1, 72, 1),
               (272, 64, 5, 2, 72, 1), (384, 64, 5, 1, 96, 1), (384, 64, 5, 1, 96, 1)]


def keras_efficientat(keras, x):
    layers = keras.layers

    def normed(y, activation=None):
        y = layers.BatchNormalization(epsilon=1e-3, momentum=0.99)(y)
        return layers.Activation(activation)(y) if activation else y
    x = normed(layers.Conv2D(8, 3, 2, padding="same", use_bias=False)(x), "hard_swish")
    before = 8
    for wide, out, kernel, stride, squeezed, swish in EFFICIENTAT:
        activation, y = "hard_swish" if swish else "relu", x
        if wide != before:
            y = normed(layers.Conv2D(wide, 1, use_bias=False)(y), activation)
        y = normed(layers.DepthwiseConv2D(kernel, stride, padding="same", use_bias=False)(y), activation)
        if squeezed:
            gate = layers.GlobalAveragePooling2D(keepdims=True)(y)
            gate = layers.Conv2D(wide, 1, activation="sigmoid")(layers.Conv2D(squeezed, 1, activation="relu")(gate))
            y = layers.Multiply()([y, gate])
        y = normed(layers.Conv2D(out, 1, use_bias=False)(y))
        x = layers.Add()([x, y]) if stride == 1 and before == out else y
        before = out
    x = layers.GlobalAveragePooling2D()(normed(layers.Conv2D(384, 1, use_bias=False)(x), "hard_swish"))
    return layers.Dense(CLASSES)(layers.Dropout(0.3)(x))


def tensorflow(network, threads, steps, variant):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import numpy as np
    import tensorflow as tf
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    keras = tf.keras
    shape = {"cnn1d": (10000, 1), "efficientat": (128, 1000, 1)}.get(network, (224, 224, 1))
    x = keras.Input(shape)
    if network == "cnn1d":
        net = keras.Sequential([x, *keras_cnn1d(keras.layers)])
    elif network == "efficientat":
        net = keras.Model(x, keras_efficientat(keras, x))
    else:
        body = keras.Model(x, keras_mobilenetv2(keras, x))
        body.trainable = network == "mobilenetv2"
        net = keras.Model(x, keras_head(keras.layers, body(x, training=False)))
    net.compile(keras.optimizers.Adam(), keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                metrics=["accuracy"], jit_compile=variant == "xla")
    rng = np.random.default_rng(1)
    x = tf.constant(rng.normal(size=(BATCH, *shape)).astype("float32"))
    y = tf.constant(np.arange(BATCH) % CLASSES)
    return {"version": "TensorFlow " + tf.__version__, **measured(lambda: net.train_on_batch(x, y), steps)}


def pytorch(network, threads, steps, variant):
    import torch
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    make, shape, optimiser = NETWORKS[network]
    net = make(torch.nn).train()
    x, y = torch.randn(BATCH, *shape), torch.arange(BATCH) % CLASSES
    if "last" in variant:
        net, x = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    trainable = [parameter for parameter in net.parameters() if parameter.requires_grad]
    adam = getattr(torch.optim, optimiser)(trainable, fused="fused" in variant)
    loss_of = torch.nn.CrossEntropyLoss()

    def step():
        adam.zero_grad()
        logits = net(x)
        loss = loss_of(logits, y)
        loss.backward()
        adam.step()
        return loss.item(), (logits.argmax(1) == y).sum().item()
    return {"version": "PyTorch " + torch.__version__, **measured(step, steps)}


def variants(network):
    yield from (("tensorflow", v) for v in ("plain", "xla"))
    yield from (("pytorch", v) for v in ("plain", "fused"))
    if network != "cnn1d":
        yield from (("pytorch", v) for v in ("last", "last fused"))


def child(args, library, variant, network):
    """The measurement in a process of its own: the libraries' threads do not disturb each other."""
    command = [sys.executable, __file__, args.program, "--threads", str(args.threads), "--steps", str(args.steps),
               "--child", library, variant, network]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        print(f"{library} {variant} on {network}: {(done.stderr.strip().splitlines() or ['no message'])[-1]}", flush=True)
        return None
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--networks", nargs="+", default=["cnn1d", "mobilenetv2_frozen", "mobilenetv2", "efficientat"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--by", choices=["wall", "cpu"], default="wall")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        library, variant, network = args.child
        print(json.dumps(globals()[library](network, args.threads, args.steps, variant)))
        return
    print(f"{platform.processor() or platform.machine()}, threads {args.threads}, batch {BATCH}: seconds of a step")
    print(f"{'network':18} {'genrewise':>16} {'peer':>16} {'ratio':>6}   (in brackets: processor time; peers: the best first)")
    for network in args.networks:
        mine, best, failed = {}, {}, set()
        for _ in range(args.rounds):
            found = ours(args.program, network, args.threads, "cpu")
            found = {"wall": found["best_s"], "cpu": found["cpu_s"]}
            mine = min(mine or found, found, key=lambda one: one[args.by])
            for library, variant in variants(network):
                if (library, variant) in failed:
                    continue
                found = child(args, library, variant, network)
                if found is None:
                    failed.add((library, variant))
                    continue
                name = f"{found['version']}, {variant}"
                best[name] = min(best.get(name, found), found, key=lambda one: one[args.by])
        show = lambda one: f"{one['wall']:.3f} ({one['cpu']:.3f})"
        print(f"{network:18} {show(mine):>16}", flush=True)
        for name, one in sorted(best.items(), key=lambda item: item[1][args.by]):
            print(f"{'':18} {'':16} {show(one):>16} {one[args.by] / mine[args.by]:6.2f}   {name}", flush=True)


if __name__ == "__main__":
    main()
