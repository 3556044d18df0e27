"""An epoch of linear classifiers at many learning rates on stored features, one after another in every step."""

import torch
import torch.nn.functional as F


def train(settings, device):
    count, classes, batch = settings["trainCount"], settings["classes"], settings["batch"]
    width = 4 * 384
    values = torch.randn(count, width, device=device)
    labels = torch.arange(count, device=device) % classes
    rates = [digit * 10.0**power for power in range(-4, 1) for digit in range(1, 10)]
    probes = []
    for rate in rates[: settings["probes"]]:
        head = torch.nn.Linear(width, classes).to(device)
        head.weight.data.normal_(0, 0.01)
        head.bias.data.zero_()
        optimizer = torch.optim.SGD(head.parameters(), rate / 100 * batch / 256, momentum=0.9)
        probes.append((head, optimizer))

    def run():
        for start in range(0, count, batch):
            features, expected = values[start : start + batch], labels[start : start + batch]
            for head, optimizer in probes:
                loss = F.cross_entropy(head(features), expected)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    return run
