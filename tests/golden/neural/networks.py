#!/usr/bin/env python3
"""Golden outputs of the pretrained networks' architectures and of their input, for tests/pretrained/golden_test.cpp.

    python3 networks.py torch [WEIGHTS]      networks.json: torch 1.13.1, torchvision 0.14.1, torchaudio 0.13.1 of
                                             Debian 12
    python3 networks.py librosa              musicnn_mel.json: librosa 0.11.0, numpy 2.4.6

The weights are not the published ones but made by a rule, the same as that of seeded_weights() in
tests/support/neural_test_support.hpp, so that everybody can run the tests. With WEIGHTS, a folder with
msd_musicnn.safetensors and mtt_musicnn.safetensors (musicnn_keras' values, with Keras' layer names), the outputs of
musicnn's published weights are computed too. Every third value is stored. Written after the papers and the public code: MobileNetV2 with TensorFlow's SAME padding (Sandler et al. 2018),
EfficientAT mn04 as torchvision's MobileNetV3-Large of width 0.4 with sigmoid squeeze-and-excitation (Schmid et al.
2023), musicnn (Pons and Serra 2019).
"""
import json
import math
import pathlib
import re
import struct
import sys

import numpy as np

FOLDER = pathlib.Path(__file__).parent
STEP = 3


def seeded(name, shape):
    """The tensor of that name: Knuth's MMIX generator, started with the name's FNV-1a hash."""
    state = 0xCBF29CE484222325
    for byte in name.encode():
        state = (state ^ byte) * 0x100000001B3 % 2**64
    count = math.prod(shape)
    values = np.empty(count, np.float32)
    for i in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        values[i] = (state >> 40) / 2**23 - 1
    dense = len(shape) > 1
    spread = np.float32(2) / np.sqrt(np.float32(count // shape[0])) if dense else np.float32(0.3)
    values *= spread
    if "var" in name or "gamma" in name or (not dense and name.endswith("weight")):
        values += np.float32(1)
    return values.reshape(shape)


def wave_like(count):
    """Input of the networks: sin(0.37 i) + 0.5 sin(0.0123 i)."""
    i = np.arange(count, dtype=np.float64)
    return (np.sin(0.37 * i) + 0.5 * np.sin(0.0123 * i)).astype(np.float32)


def test_wave(seconds, rate_hz):
    """The same as in tests/pretrained/embedding_test.cpp."""
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    wave = 0.3 * np.sin(2 * np.pi * 220 * t) + 0.2 * np.sin(2 * np.pi * (440 + 30 * np.sin(2 * np.pi * 2 * t)) * t)
    return (wave + np.where(np.sin(2 * np.pi * 4 * t) > 0, 0.1 * np.sin(2 * np.pi * 3520 * t), 0)).astype(np.float32)


def stored(values):
    return [float(f"{v:.7g}") for v in np.asarray(values, np.float64).ravel()[::STEP]]


def torch_part(real_weights):
    import torch
    import torchaudio
    from torch import nn
    from torch.nn import functional as F
    from torchvision.models import mobilenetv3

    def tensor(name, *shape):
        return torch.from_numpy(seeded(name, shape))

    def mobilenetv2(image):
        def convolution(x, name, out, kernel=1, stride=1, groups=1, relu=True):
            weight = tensor(name + ".weight", out, x.shape[1] // groups, kernel, kernel)
            total = max((-(-x.shape[2] // stride) - 1) * stride + kernel - x.shape[2], 0)
            x = F.pad(x, (total // 2, total - total // 2) * 2)
            x = F.conv2d(x, weight, tensor(name + ".bias", out), stride, groups=groups)
            return F.relu6(x) if relu else x

        x = convolution(image, "stem", 32, 3, 2)
        number = 0
        for t, c, n, s in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
                           (6, 320, 1, 1)):
            for i in range(n):
                name, channels, stride = f"blocks.{number}.", x.shape[1], s if i == 0 else 1
                y = x if t == 1 else convolution(x, name + "expand", channels * t)
                y = convolution(y, name + "depthwise", channels * t, 3, stride, channels * t)
                y = convolution(y, name + "project", c, relu=False)
                x = x + y if stride == 1 and channels == c else y
                number += 1
        return convolution(x, "head", 1280).mean((2, 3))

    class SqueezeExcitation(nn.Module):
        def __init__(self, channels, squeezed):
            super().__init__()
            layers = nn.Module()
            layers.fc1, layers.fc2 = nn.Linear(channels, squeezed), nn.Linear(squeezed, channels)
            self.conc_se_layers = nn.ModuleList([layers])

        def forward(self, x):
            layers = self.conc_se_layers[0]
            scale = torch.sigmoid(layers.fc2(F.relu(layers.fc1(x.mean((2, 3))))))
            return x * scale[:, :, None, None]

    def efficientat(mel):
        rows = [(16, 3, 16, 16, False, "RE", 1), (16, 3, 64, 24, False, "RE", 2), (24, 3, 72, 24, False, "RE", 1),
                (24, 5, 72, 40, True, "RE", 2), (40, 5, 120, 40, True, "RE", 1), (40, 5, 120, 40, True, "RE", 1),
                (40, 3, 240, 80, False, "HS", 2), (80, 3, 200, 80, False, "HS", 1), (80, 3, 184, 80, False, "HS", 1),
                (80, 3, 184, 80, False, "HS", 1), (80, 3, 480, 112, True, "HS", 1), (112, 3, 672, 112, True, "HS", 1),
                (112, 5, 672, 160, True, "HS", 2), (160, 5, 960, 160, True, "HS", 1), (160, 5, 960, 160, True, "HS", 1)]
        network = mobilenetv3.MobileNetV3([mobilenetv3.InvertedResidualConfig(*row, 1, 0.4) for row in rows], 512, 527,
                                          norm_layer=lambda channels: nn.BatchNorm2d(channels, eps=0.001))
        network.features[0][0] = nn.Conv2d(1, 8, 3, 2, 1, bias=False)
        network.classifier = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(384, 512), nn.Hardswish(),
                                           nn.Dropout(), nn.Linear(512, 527))
        for block in network.features:
            for i, part in enumerate(getattr(block, "block", [])):
                if hasattr(part, "fc1"):
                    block.block[i] = SqueezeExcitation(part.fc1.in_channels, part.fc1.out_channels)
        network.load_state_dict({name: tensor(name, *value.shape) for name, value in network.state_dict().items()
                                 if not name.endswith("num_batches_tracked")}, strict=False)
        network.eval()
        means, deviations, x = [], [], network.features[0](mel)
        for block in network.features[1:-1]:
            x = block(x)
            means.append(x.mean((2, 3)).ravel())
            deviations.append(x.double().std((2, 3), unbiased=False).ravel())
        x = network.features[-1](x)
        return {"embedding": stored(x.mean((2, 3))), "block_means": stored(torch.cat(means)),
                "block_deviations": stored(torch.cat(deviations)), "logits": stored(network.classifier(x))}

    def musicnn(patch, tensor):
        def numbered(name, i):
            return name if i == 0 else f"{name}_{i}"

        def normalised(x, name, ending=""):  # channels last
            gamma, beta, mean, variance = (tensor(f"{name}.{part}{ending}", x.shape[-1]) for part in (
                "gamma", "beta", "moving_mean", "moving_variance"))
            return (x - mean) / torch.sqrt(variance + 0.001) * gamma + beta

        def convolution(x, name, frames, bands, filters, ending=""):  # time x bands -> time x positions x filters
            kernel = tensor(f"{name}.kernel{ending}", frames, bands, 1, filters).permute(3, 2, 0, 1)
            x = F.pad(x[None, None], (0, 0, (frames - 1) // 2, frames // 2))
            return F.relu(F.conv2d(x, kernel, tensor(f"{name}.bias{ending}", filters)))[0].permute(1, 2, 0)

        x = normalised(patch[..., None], "batch_normalization", "_1")[..., 0]
        ends = []
        for i, shape in enumerate(((7, 38, 204), (7, 67, 204), (128, 1, 51), (64, 1, 51), (32, 1, 51))):
            end = convolution(x, numbered("conv2d", i), *shape, "_1")
            ends.append(normalised(end, numbered("batch_normalization", i + 1), "_1").amax(1))
        layers = [torch.cat(ends, 1)]
        for i in (1, 2, 3):
            previous = layers[-1]
            y = convolution(previous, f"midend_conv{i}", 7, previous.shape[1], 64)[:, 0]
            y = normalised(y, f"bn_midend_conv{i}")
            layers.append(y + previous if i > 1 else y)
        channels = torch.cat(layers, 1)
        most, mean = channels.amax(0), channels.mean(0)
        flat = normalised(torch.stack((most, mean), 1).ravel(), "bn_flatpool")
        dense = normalised(F.relu(flat @ tensor("dense.kernel_1", 1506, 200) + tensor("dense.bias_1", 200)), "bn_dense")
        tags = torch.sigmoid(dense @ tensor("dense_1.kernel_1", 200, 50) + tensor("dense_1.bias_1", 50))
        return {"max_pool": stored(most), "mean_pool": stored(mean), "penultimate": stored(dense), "tags": stored(tags)}

    def read_safetensors(path):
        data = path.read_bytes()
        length = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8:8 + length])
        start = 8 + length
        return {name: np.frombuffer(data[start + one["data_offsets"][0]:start + one["data_offsets"][1]], "<f4")
                for name, one in header.items() if name != "__metadata__"}

    def efficientat_mel():
        wave = torch.from_numpy(test_wave(10, 32000)).double()
        wave = wave[1:] - 0.97 * wave[:-1]
        spectrum = torch.stft(wave, 1024, 320, 800, torch.hann_window(800, periodic=False, dtype=torch.double),
                              center=True, return_complex=True).abs() ** 2
        bands, _ = torchaudio.compliance.kaldi.get_mel_banks(128, 1024, 32000, 0.0, 15000.0, 100.0, -500.0, 1.0)
        mel = (torch.log(F.pad(bands.double(), (0, 1)) @ spectrum + 1e-5) + 4.5) / 5
        return {str(frame): stored(mel[:, frame]) for frame in (0, 1, 400, 703, 999)}

    def image(channels):
        return torch.from_numpy(wave_like(channels * 224 * 224)).reshape(1, channels, 224, 224)

    patch = torch.from_numpy(wave_like(187 * 96)).reshape(187, 96) + 1
    with torch.no_grad():
        result = {
            "versions": {"torch": torch.__version__, "torchaudio": torchaudio.__version__},
            "step": STEP,
            "mobilenetv2": {"embedding": stored(mobilenetv2(image(3)))},
            "mobilenetv2_grey": {"embedding": stored(mobilenetv2(image(1).expand(1, 3, 224, 224)))},
            "efficientat": efficientat(torch.from_numpy(wave_like(128 * 201)).reshape(1, 1, 128, 201)),
            "musicnn": musicnn(patch, tensor),
            "efficientat_mel": efficientat_mel(),
        }
        for name in ("msd", "mtt") if real_weights else ():
            published = read_safetensors(pathlib.Path(real_weights) / f"{name}_musicnn.safetensors")
            result[f"published_{name}"] = musicnn(
                patch, lambda name, *shape: torch.from_numpy(published[name].reshape(shape).copy()))
    write(result, "networks.json")


def librosa_part():
    import librosa

    wave = test_wave(9, 16000)
    mel = librosa.feature.melspectrogram(y=wave, sr=16000, n_fft=512, hop_length=256, n_mels=96, pad_mode="reflect")
    mel = np.log10(10000 * mel + 1)
    write({"versions": {"librosa": librosa.__version__}, "step": STEP,
           "musicnn_mel": {str(frame): stored(mel[:, frame]) for frame in (0, 1, 200, 399, 561)}}, "musicnn_mel.json")


def write(result, name):
    text = json.dumps(result, indent=1)
    text = re.sub(r",\n\s+(?=[-\d])", ", ", text)
    (FOLDER / name).write_text(text + "\n")
    print(name, len(text), "bytes")


if __name__ == "__main__":
    if sys.argv[1:2] == ["torch"]:
        torch_part(sys.argv[2] if len(sys.argv) > 2 else None)
    elif sys.argv[1:] == ["librosa"]:
        librosa_part()
    else:
        sys.exit(__doc__)
