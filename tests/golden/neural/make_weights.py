#!/usr/bin/env python3
"""Small weight files as PyTorch and Keras write them, for tests/neural/weights_test.cpp. Written with torch 2.15.0 and
tensorflow 2.21.0 (keras 3); run each part with a Python that has its library:

    python3 make_weights.py torch|keras
"""
import pathlib
import sys

FOLDER = pathlib.Path(__file__).parent


class Caller:
    """Calls a function when it is unpickled."""

    def __reduce__(self):
        import os
        return os.getenv, ("HOME",)


def write_torch():
    import torch

    counting = torch.arange(24, dtype=torch.float32)
    state = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2)).state_dict()  # an OrderedDict
    for name, tensor in state.items():
        if tensor.is_floating_point():
            tensor.copy_(torch.arange(tensor.numel()).reshape(tensor.shape) / 8 + len(name))
    state["transposed"] = counting.reshape(4, 6).t()[1:, ::2]
    state["shared"] = counting[5:8]
    state["inner"] = {"parameter": torch.nn.Parameter(counting[:2].clone())}
    torch.save(state, FOLDER / "state.pt")
    torch.save({"weights": counting, "surprise": Caller()}, FOLDER / "caller.pt")
    torch.save([counting], FOLDER / "list.pt")


def write_keras():
    import keras
    import numpy

    layers = keras.layers
    model = keras.Sequential([
        keras.Input((4, 4, 1)),
        layers.Conv2D(2, 3, use_bias=False, name="first"),
        layers.BatchNormalization(name="first_bn"),
        layers.DepthwiseConv2D(2, use_bias=False, name="second"),
        layers.Flatten(name="flat"),
        layers.Dense(3, name="dense"),
    ])
    for layer in model.layers:
        layer.set_weights([numpy.arange(w.size, dtype="float32").reshape(w.shape) / 4 for w in layer.get_weights()])
    model.save(FOLDER / "model.h5", include_optimizer=False)


if __name__ == "__main__":
    {"torch": write_torch, "keras": write_keras}[sys.argv[1]]()
