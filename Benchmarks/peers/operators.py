"""What a call of an operator costs apart from its arithmetic."""

import torch
from timm.layers import Attention

from vision_transformer import precision


def add(settings, device):
    x = torch.ones(4, 4, device=device)
    y = torch.ones(4, 4, device=device)

    def run():
        for _ in range(settings["repetitions"]):
            torch.add(x, y)

    return run


def recorded_multiply(settings, device):
    x = torch.ones(4, 4, device=device, requires_grad=True)
    y = torch.ones(4, 4, device=device)

    def run():
        for _ in range(settings["repetitions"]):
            torch.mul(x, y)

    return run


def matrix_product(settings, device):
    x, y = (torch.randn(8192, 8192, device=device, dtype=torch.bfloat16) for _ in range(2))

    def run():
        for _ in range(settings["repetitions"]):
            torch.matmul(x, y)

    return run


def linear(settings, device):
    layer = torch.nn.Linear(384, 1536, device=device)
    return differentiated(settings, device, layer, (16 * 197, 384))


def attention(settings, device):
    layer = Attention(384, num_heads=6, qkv_bias=True).to(device)
    return differentiated(settings, device, layer, (settings["batch"], settings["tokens"], 384))


def differentiated(settings, device, layer, shape):
    """A layer on random numbers, forward and backward."""
    x = torch.randn(shape, device=device, requires_grad=True)
    slope = torch.randn_like(layer(x))

    def run():
        for _ in range(settings["repetitions"]):
            with precision(settings, device):
                y = layer(x)
            y.backward(slope.to(y.dtype))

    return run
