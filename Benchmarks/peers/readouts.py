"""An epoch of the AbMILP probe on tokens that were kept: pooling, batch norm, linear classifier, SGD."""

import torch
import torch.nn.functional as F
from torch import nn

CLASSES, TOKENS, WIDTH = 1000, 197, 384


class AbMILP(nn.Module):
    """Attention-based pooling of patch tokens: one score a token, softmax, weighted sum."""

    def __init__(self):
        super().__init__()
        self.score = nn.Linear(WIDTH, 1)

    def forward(self, tokens):
        patches = tokens[:, 1:]
        weights = self.score(patches).softmax(dim=1)
        return (weights * patches).sum(dim=1)


def epoch(settings, device):
    if settings["encodes"] or settings["readOuts"] != ["abmilp"]:
        raise SystemExit("this side trains AbMILP on kept tokens alone")
    count, batch = settings["trainCount"], settings["batch"]
    tokens = torch.randn(count, TOKENS, WIDTH, device=device)
    labels = torch.arange(count, device=device) % CLASSES

    def run():
        head = nn.Sequential(
            AbMILP(), nn.BatchNorm1d(WIDTH, affine=False, eps=1e-6), nn.Linear(WIDTH, CLASSES)
        ).to(device)
        optimizer = torch.optim.SGD(head.parameters(), lr=0.1, momentum=0.9)
        order = torch.randperm(count, device=device)
        for start in range(0, count - batch + 1, batch):
            rows = order[start : start + batch]
            loss = F.cross_entropy(head(tokens[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return run
