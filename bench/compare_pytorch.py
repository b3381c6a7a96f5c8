#!/usr/bin/env python3
"""Training steps in genrewise and in PyTorch on a GPU, in turn. (On processors: compare_tensorflow.py.)

    GENREWISE_WEIGHTS=FOLDER python3 bench/compare_pytorch.py build/release/bin/bench_neural_training [--device cuda]
        [--rounds 3] [--networks cnn1d mobilenetv2]

A step is a forward and a backward pass of a batch of 32 examples and one step of Adam or AdamW. In genrewise it is the
trainer's step: the batch comes from host memory, and loss and hits are read back. PyTorch does the same: the batch is
copied (from pinned memory, without waiting), and the loss is read. Its optimiser runs with its defaults and fused; the
faster one counts. Every network is compared in single precision and in bfloat16; PyTorch's have the same architecture
(mobilenetv2: folded, as here; efficientat: torchvision's MobileNetV3 with width 0.4) with random weights.
"""
import argparse
import json
import os
import subprocess
import time

CLASSES, BATCH = 8, 32
BLOCKS = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]


def ours(program, name, threads, device):
    out = subprocess.run([program, f"--benchmark_filter=^{name}/{threads}/", "--benchmark_format=json",
                          "--benchmark_min_time=0.01"], check=True, capture_output=True, text=True,
                         env=os.environ | {"GENREWISE_BENCH_DEVICE": device}).stdout
    return json.loads(out)["benchmarks"][0]


def cnn1d(nn):
    return nn.Sequential(nn.Conv1d(1, 128, 3), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(128, 64, 3), nn.ReLU(),
                         nn.MaxPool1d(2), nn.Flatten(), nn.Linear(64 * 2498, 100), nn.ReLU(), nn.Dropout(0.5),
                         nn.Linear(100, 20), nn.ReLU(), nn.Dropout(0.5), nn.Linear(20, CLASSES))


def cnn1d_strided(nn):
    import torch
    layers, before = [], 1
    for width, kernel, stride in [(32, 64, 4), (64, 16, 4), (64, 8, 4), (128, 8, 2), (128, 3, 1)]:
        layers += [nn.Conv1d(before, width, kernel, stride), nn.BatchNorm1d(width), nn.ReLU()]
        before = width

    class Pooled(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head = nn.Sequential(*layers), nn.Sequential(nn.Dropout(0.5), nn.Linear(2 * before, CLASSES))

        def forward(self, x):
            x = self.body(x)
            return self.head(torch.cat([x.mean(2), x.amax(2)], 1))
    return Pooled()


def mobilenetv2(nn):
    """MobileNetV2 1.0 with its batch normalisations folded into biases."""
    def conv(into, out, kernel=1, stride=1, groups=1):
        return nn.Conv2d(into, out, kernel, stride, kernel // 2, groups=groups)

    class Residual(nn.Module):
        def __init__(self, body, adds):
            super().__init__()
            self.body, self.adds = body, adds

        def forward(self, x):
            return x + self.body(x) if self.adds else self.body(x)

    layers, before = [conv(1, 32, 3, 2), nn.ReLU6()], 32
    for expand, out, count, stride in BLOCKS:
        for k in range(count):
            wide, step = before * expand, stride if k == 0 else 1
            body = [conv(before, wide), nn.ReLU6()] if expand > 1 else []
            body += [conv(wide, wide, 3, step, wide), nn.ReLU6(), conv(wide, out)]
            layers.append(Residual(nn.Sequential(*body), step == 1 and before == out))
            before = out
    layers += [conv(320, 1280), nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(nn.Sequential(*layers),
                         nn.Sequential(nn.Linear(1280, 128), nn.ReLU(), nn.Dropout(0.3), nn.Linear(128, CLASSES)))


def mobilenetv2_frozen(nn):
    net = mobilenetv2(nn)
    net[0].requires_grad_(False)
    return net


def efficientat(nn):
    import torchvision
    net = torchvision.models.mobilenet_v3_large(width_mult=0.4, num_classes=CLASSES)
    net.features[0][0] = nn.Conv2d(1, net.features[0][0].out_channels, 3, 2, 1, bias=False)
    net.classifier = nn.Sequential(nn.Dropout(0.3), nn.Linear(net.classifier[0].in_features, CLASSES))
    return net


NETWORKS = {"cnn1d": (cnn1d, (1, 10000), "Adam"), "cnn1d_strided": (cnn1d_strided, (1, 10000), "AdamW"),
            "mobilenetv2_frozen": (mobilenetv2_frozen, (1, 224, 224), "Adam"),
            "mobilenetv2": (mobilenetv2, (1, 224, 224), "Adam"), "efficientat": (efficientat, (1, 128, 1000), "AdamW")}


def pytorch(network, threads, device, fused, mixed=False, channels_last=False):
    import torch
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    make, shape, optimiser = NETWORKS[network]
    net = make(torch.nn).to(device).train()
    if channels_last:
        net = net.to(memory_format=torch.channels_last)
    trainable = [p for p in net.parameters() if p.requires_grad]
    adam = getattr(torch.optim, optimiser)(trainable, fused=fused)
    loss_of = torch.nn.CrossEntropyLoss()
    x, y = torch.randn(BATCH, *shape), torch.arange(BATCH) % CLASSES
    x, y = x.pin_memory(), y.pin_memory()
    times = []
    for _ in range(60):
        start = time.perf_counter()
        adam.zero_grad()
        there, labels = x.to(device, non_blocking=True), y.to(device, non_blocking=True)
        if channels_last:
            there = there.to(memory_format=torch.channels_last)
        with torch.autocast("cuda", torch.bfloat16, enabled=mixed):
            loss = loss_of(net(there), labels)
        loss.backward()
        adam.step()
        loss.item()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return sorted(times[10:])[25]


def best_pytorch(network, threads, device, mixed=False):
    layouts = [False] if network.startswith("cnn1d") else [False, True]
    return min(pytorch(network, threads, device, fused, mixed, last) for fused in (False, True) for last in layouts)


def compare(args):
    import torch
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}; batch {BATCH}, best of {args.rounds} rounds")
    print(f"{'network':26} {'genrewise':>14} {'PyTorch':>14} {'ratio':>6}   (clips a second)")
    for network in args.networks:
        for mixed in (False, True):
            name = network + ("_bf16" if mixed else "")
            mine, theirs = [], []
            for _ in range(args.rounds):
                mine.append(ours(args.program, name, args.threads, args.device)["real_time"] / 1e3)
                theirs.append(best_pytorch(network, args.threads, args.device, mixed))
            a, b = BATCH / min(mine), BATCH / min(theirs)
            print(f"{name:26} {a:14,.0f} {b:14,.0f} {a / b:6.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS))
    args = parser.parse_args()
    compare(args)


if __name__ == "__main__":
    main()
