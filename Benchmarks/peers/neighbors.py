"""Weighted nearest-neighbour classification of features, as is customary in 100 parts and for one
k after another."""

import torch
import torch.nn.functional as F

TEMPERATURE = 0.07
CLASSES = 100


def classify(settings, device):
    train = F.normalize(torch.randn(settings["trainCount"], 384, device=device))
    labels = torch.arange(settings["trainCount"], device=device) % CLASSES
    queries = F.normalize(torch.randn(settings["queryCount"], 384, device=device))
    targets = torch.arange(settings["queryCount"], device=device) % CLASSES
    transposed = train.t()

    def accuracy(count):
        correct = 0
        for part, expected in zip(queries.chunk(100), targets.chunk(100)):
            similarity, nearest = (part @ transposed).topk(count, sorted=True)
            votes = torch.zeros(len(part), CLASSES, device=device)
            votes.scatter_add_(1, labels[nearest], (similarity / TEMPERATURE).exp())
            ranked = votes.sort(1, descending=True).indices
            correct += (ranked[:, :5] == expected[:, None]).sum().item()
        return correct / len(queries)

    @torch.no_grad()
    def run():
        return [accuracy(count) for count in settings["neighbors"]]

    return run
