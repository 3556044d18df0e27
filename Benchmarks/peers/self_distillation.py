"""A pre-training step of iBOT on timm's vision transformer: student, teacher, heads, losses, AdamW.

Zhou et al., "iBOT: Image BERT Pre-Training with Online Tokenizer" (2022), as usually written: every
token of a large view goes through the head, the patches' loss is made of all patches and masked
afterwards, views of one size go through the encoder together, the head runs once.
"""

import copy

import timm
import torch
import torch.nn.functional as F
from torch import nn

from vision_transformer import precision

WIDTH, PATCH, PROTOTYPES, LARGE, SMALL = 384, 16, 8192, 2, 10


class Head(nn.Module):
    """An MLP to 256 numbers of unit length and their products with prototypes, of tokens [B, T, D]."""

    def __init__(self):
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(WIDTH, 2048), nn.GELU(), nn.Linear(2048, 2048), nn.GELU(), nn.Linear(2048, 256)
        )
        self.last = nn.utils.parametrizations.weight_norm(nn.Linear(256, PROTOTYPES, bias=False))

    def forward(self, x):
        return self.last(F.normalize(self.mlp(x), dim=-1))


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = timm.create_model(
            "vit_small_patch16_224", num_classes=0, global_pool="", dynamic_img_size=True
        )
        self.gap = nn.Parameter(torch.zeros(WIDTH))
        self.head = Head()

    def tokens(self, images, mask=None):
        encoder = self.encoder
        x = encoder.patch_embed(images)  # [B, rows, columns, D]
        if mask is not None:
            x = torch.where(mask.unsqueeze(-1), self.gap.to(x.dtype), x)
        return encoder.norm(encoder.blocks(encoder.norm_pre(encoder._pos_embed(x))))

    def forward(self, images, mask=None):
        logits = self.head(self.tokens(images, mask))
        return logits[:, 0], logits[:, 1:]


def parameters(network):
    return [p for p in network.parameters() if p.requires_grad]


def step(settings, device):
    batch = settings["batch"]
    student = Network().to(device)
    teacher = copy.deepcopy(student).requires_grad_(False)
    optimizer = torch.optim.AdamW(parameters(student), lr=1e-4, weight_decay=0.05)
    large = [torch.randn(batch, 3, 224, 224, device=device) for _ in range(LARGE)]
    small = [torch.randn(batch, 3, 96, 96, device=device) for _ in range(SMALL)]
    side = 224 // PATCH
    masks = torch.rand(LARGE * batch, side, side, device=device) < 0.3
    masks[torch.rand(LARGE * batch, device=device) < 0.5] = False
    centre = torch.zeros(1, PROTOTYPES, device=device)
    patch_centre = torch.zeros(1, 1, PROTOTYPES, device=device)

    def run():
        nonlocal centre, patch_centre
        for _ in range(settings["repetitions"]):
            with precision(settings, device):
                with torch.no_grad():
                    seen, seen_patches = teacher(torch.cat(large))
                answer, answer_patches = student(torch.cat(large), masks)
                answer_small = student.head(student.tokens(torch.cat(small))[:, 0])
            targets = ((seen.float() - centre) / 0.04).softmax(-1).chunk(LARGE)
            patch_targets = ((seen_patches.float() - patch_centre) / 0.04).softmax(-1)
            answers = (torch.cat([answer, answer_small]).float() / 0.1).chunk(LARGE + SMALL)
            loss, pairs = 0, 0
            for view, target in enumerate(targets):
                for other, logits in enumerate(answers):
                    if other == view:
                        continue
                    loss = loss - (target * logits.log_softmax(-1)).sum(-1).mean()
                    pairs += 1
            each = -(patch_targets * (answer_patches.float() / 0.1).log_softmax(-1)).sum(-1)
            hidden = masks.flatten(1).float()
            patches = (each * hidden).sum(1) / hidden.sum(1).clamp(min=1)
            loss = loss / pairs + patches.mean()
            optimizer.zero_grad()
            loss.backward()
            for parameter in parameters(student):
                if parameter.grad is not None:
                    torch.nn.utils.clip_grad_norm_(parameter, 3.0)
            optimizer.step()
            with torch.no_grad():
                for average, trained in zip(teacher.parameters(), student.parameters()):
                    average.mul_(0.996).add_(trained, alpha=0.004)
                centre = centre * 0.9 + seen.float().mean(0, keepdim=True) * 0.1
                patch_mean = seen_patches.float().mean(1).mean(0, keepdim=True)
                patch_centre = patch_centre * 0.9 + patch_mean * 0.1

    return run
