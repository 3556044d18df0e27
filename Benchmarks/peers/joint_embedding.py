"""A pre-training step of I-JEPA made of timm's parts: two encoders, a predictor, AdamW, an average.

Assran et al., "Self-Supervised Learning from Images with a Joint-Embedding Predictive Architecture"
(2023): the context's tokens alone are encoded, each target block is a sequence of its own in the
predictor, and the target encoder sees the whole picture.
"""

import copy

import torch
import torch.nn.functional as F
from timm.models.vision_transformer import PatchEmbed
from torch import nn

from masked_autoencoder import PATCH, blocks, pick
from vision_transformer import precision

SHAPES = {"small": (384, 12, 6), "base": (768, 12, 12), "large": (1024, 24, 16)}
SIDE = 224 // PATCH


class Encoder(nn.Module):
    def __init__(self, width, depth, heads):
        super().__init__()
        self.embed = PatchEmbed(224, PATCH, 3, width)
        self.register_buffer("positions", torch.randn(1, SIDE * SIDE, width))
        self.blocks = blocks(width, heads, depth)
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, images, seen=None):
        x = self.embed(images) + self.positions
        if seen is not None:
            x = pick(x, seen)
        return self.norm(self.blocks(x))


class Predictor(nn.Module):
    def __init__(self, width, heads, inner=384, depth=6):
        super().__init__()
        self.into = nn.Linear(width, inner)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, inner))
        self.register_buffer("positions", torch.randn(1, SIDE * SIDE, inner))
        self.blocks = blocks(inner, heads, depth)
        self.norm = nn.LayerNorm(inner, eps=1e-6)
        self.out = nn.Linear(inner, width)

    def forward(self, context, seen, targets):
        batch = context.shape[0]
        positions = self.positions.expand(batch, -1, -1)
        known = self.into(context) + pick(positions, seen)
        asked = torch.cat([self.mask_token + pick(positions, target) for target in targets])
        x = torch.cat([known.repeat(len(targets), 1, 1), asked], 1)
        return self.out(self.norm(self.blocks(x))[:, seen.shape[1] :])


def block(top, left, height, width, batch, device):
    rows = torch.arange(top, top + height)[:, None] * SIDE
    patches = (rows + torch.arange(left, left + width)).flatten()
    return patches.expand(batch, -1).contiguous().to(device)


def step(settings, device):
    width, depth, heads = SHAPES[settings["size"]]
    encoder = Encoder(width, depth, heads).to(device)
    predictor = Predictor(width, heads).to(device)
    teacher = copy.deepcopy(encoder).requires_grad_(False)
    optimizer = torch.optim.AdamW(
        [*encoder.parameters(), *predictor.parameters()], lr=1e-4, weight_decay=0.05
    )
    batch = settings["batch"]
    images = torch.randn(batch, 3, 224, 224, device=device)
    seen = block(8, 0, 5, 12, batch, device)
    targets = [
        block(top, left, 5, 7, batch, device) for top, left in [(0, 0), (0, 6), (2, 3), (3, 5)]
    ]

    def run():
        for _ in range(settings["repetitions"]):
            with precision(settings, device):
                with torch.no_grad():
                    tokens = teacher(images)
                    tokens = F.layer_norm(tokens, tokens.shape[-1:])
                    wanted = torch.cat([pick(tokens, target) for target in targets])
                predicted = predictor(encoder(images, seen), seen, targets)
                loss = F.smooth_l1_loss(predicted, wanted)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                for average, trained in zip(teacher.parameters(), encoder.parameters()):
                    average.mul_(0.996).add_(trained, alpha=0.004)

    return run
