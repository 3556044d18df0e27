"""A pre-training step of a masked autoencoder made of timm's parts: forward, backward, AdamW.

He et al., "Masked Autoencoders Are Scalable Vision Learners" (2022): 75 % of the patches are
dropped, a decoder of 8 blocks of width 512 fills them in, and the loss compares normalised patches.
"""

import functools

import torch
from timm.models.vision_transformer import Block, PatchEmbed
from torch import nn

from vision_transformer import precision

SHAPES = {"base": (768, 12, 12), "large": (1024, 24, 16)}
PATCH = 16


def blocks(width, heads, depth):
    norm = functools.partial(nn.LayerNorm, eps=1e-6)
    return nn.Sequential(
        *[Block(width, heads, 4.0, qkv_bias=True, norm_layer=norm) for _ in range(depth)]
    )


def pick(tokens, indices):
    """Of tokens [B, N, D] those that indices [B, K] name."""
    return tokens.gather(1, indices.unsqueeze(-1).expand(-1, -1, tokens.shape[-1]))


class Autoencoder(nn.Module):
    def __init__(self, size, decoder_width=512, decoder_depth=8, decoder_heads=16):
        super().__init__()
        width, depth, heads = SHAPES[size]
        self.embed = PatchEmbed(224, PATCH, 3, width)
        count = self.embed.num_patches
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.register_buffer("positions", torch.randn(1, 1 + count, width) * 0.02)
        self.encoder = blocks(width, heads, depth)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.to_decoder = nn.Linear(width, decoder_width)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, decoder_width))
        self.register_buffer("decoder_positions", torch.randn(1, 1 + count, decoder_width) * 0.02)
        self.decoder = blocks(decoder_width, decoder_heads, decoder_depth)
        self.decoder_norm = nn.LayerNorm(decoder_width, eps=1e-6)
        self.to_pixels = nn.Linear(decoder_width, PATCH * PATCH * 3)

    def forward(self, images, keep=0.25):
        x = self.embed(images) + self.positions[:, 1:]
        batch, count, width = x.shape
        kept = int(count * keep)
        shuffle = torch.rand(batch, count, device=x.device).argsort(1)
        restore = shuffle.argsort(1)
        dropped = (restore >= kept).float()

        first = (self.class_token + self.positions[:, :1]).expand(batch, -1, -1)
        x = torch.cat([first, pick(x, shuffle[:, :kept])], 1)
        x = self.to_decoder(self.norm(self.encoder(x)))

        gaps = self.mask_token.expand(batch, count - kept, -1).to(x.dtype)
        whole = pick(torch.cat([x[:, 1:], gaps], 1), restore)
        x = torch.cat([x[:, :1], whole], 1) + self.decoder_positions
        predicted = self.to_pixels(self.decoder_norm(self.decoder(x)))[:, 1:]

        side = images.shape[-1] // PATCH
        target = images.reshape(batch, 3, side, PATCH, side, PATCH)
        target = target.permute(0, 2, 4, 3, 5, 1).reshape(batch, count, -1)
        mean, variance = target.mean(-1, keepdim=True), target.var(-1, keepdim=True)
        target = (target - mean) / (variance + 1e-6).sqrt()
        error = (predicted - target).square().mean(-1)
        return (error * dropped).sum() / dropped.sum()


def step(settings, device):
    model = Autoencoder(settings["size"]).to(device)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=1e-4, betas=(0.9, 0.95), weight_decay=0.05
    )
    images = torch.randn(settings["batch"], 3, 224, 224, device=device)

    def run():
        for _ in range(settings["repetitions"]):
            with precision(settings, device):
                loss = model(images)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return run
