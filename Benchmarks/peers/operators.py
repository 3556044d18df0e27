"""What a call of an operator costs apart from its arithmetic."""

import torch


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
