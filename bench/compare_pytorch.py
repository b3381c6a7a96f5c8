#!/usr/bin/env python3
"""The study's network: a training step here and in PyTorch, in turn, with the same threads.

    python3 bench/compare_pytorch.py build/release/bin/bench_neural_training [--threads 2] [--rounds 3]

A step is a batch of 32 examples of 10,000 samples forward, back, and one step of Adam. PyTorch runs its default Adam and
its fused one; the better counts. The arithmetic of a step is 27.1 thousand million operations (counted below); its share
of what OpenBLAS reaches on 1,024 x 1,024 matrices with as many threads is printed.
"""
import argparse
import json
import subprocess
import time


def operations(batch=32):
    conv1 = 2 * 128 * 3 * 9998
    conv2 = 2 * 64 * 128 * 3 * 4997
    dense = 2 * (159872 * 100 + 100 * 20 + 20 * 8)
    # The first layer's input needs no gradient; all else is done three times over.
    return batch * (2 * conv1 + 3 * conv2 + 3 * dense)


def ours(program, name, threads):
    out = subprocess.run([program, f"--benchmark_filter=^{name}/{threads}/", "--benchmark_format=json",
                          "--benchmark_min_time=0.01"], check=True, capture_output=True, text=True).stdout
    return json.loads(out)["benchmarks"][0]


def pytorch(threads, fused, steps=6):
    import torch
    from torch import nn
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    net = nn.Sequential(nn.Conv1d(1, 128, 3), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(128, 64, 3), nn.ReLU(),
                        nn.MaxPool1d(2), nn.Flatten(), nn.Linear(64 * 2498, 100), nn.ReLU(), nn.Dropout(0.5),
                        nn.Linear(100, 20), nn.ReLU(), nn.Dropout(0.5), nn.Linear(20, 8))
    adam = torch.optim.Adam(net.parameters(), fused=fused)
    loss = nn.CrossEntropyLoss()
    x, y = torch.randn(32, 1, 10000), torch.arange(32) % 8
    times = []
    for _ in range(steps):
        start = time.perf_counter()
        adam.zero_grad()
        loss(net(x), y).backward()
        adam.step()
        times.append(time.perf_counter() - start)
    return min(times[1:])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    import torch
    mine, theirs, peak = [], [], []
    for _ in range(args.rounds):
        peak.append(ours(args.program, "sgemm", args.threads)["GFLOPS"] / 1e9)
        mine.append(ours(args.program, "cnn1d", args.threads)["real_time"] / 1e3)
        theirs.append(min(pytorch(args.threads, False), pytorch(args.threads, True)))
    gflops = operations() / 1e9
    print(f"threads {args.threads}; seconds of a step, one per round")
    print("genrewise      ", " ".join(f"{t:.3f}" for t in mine))
    print(f"PyTorch {torch.__version__}", " ".join(f"{t:.3f}" for t in theirs))
    print("ratio          ", " ".join(f"{b / a:.2f}" for a, b in zip(mine, theirs)))
    print("SGEMM GFLOP/s  ", " ".join(f"{p:.1f}" for p in peak))
    print("share of it    ", " ".join(f"{gflops / t / p:.0%}" for t, p in zip(mine, peak)))


if __name__ == "__main__":
    main()
