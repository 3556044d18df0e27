"""A supervised training step of timm's vision transformer: forward, backward, AdamW."""

import contextlib

import timm
import torch
import torch.nn.functional as F

NAMES = {
    "small": "vit_small_patch16_224",
    "base": "vit_base_patch16_224",
    "large": "vit_large_patch16_224",
}


def precision(settings, device):
    """Automatic mixed precision where the settings ask for it."""
    if settings["precision"] == "fp32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


def step(settings, device):
    model = timm.create_model(NAMES[settings["size"]], num_classes=1000).to(device)
    model.set_grad_checkpointing(settings["checkpointing"])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.05)
    images = torch.randn(settings["batch"], 3, 224, 224, device=device)
    labels = torch.arange(settings["batch"], device=device) % 1000

    def run():
        for _ in range(settings["repetitions"]):
            with precision(settings, device):
                loss = F.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return run
