"""From the start of Python to the first training step on Fashion-MNIST: python first_step.py FOLDER."""

import gzip
import sys

import numpy
import timm
import torch
from torch.utils.data import DataLoader, TensorDataset
from torchvision.transforms import v2

folder = sys.argv[1]
with gzip.open(f"{folder}/train-images-idx3-ubyte.gz") as file:
    pixels = numpy.frombuffer(file.read(), numpy.uint8, offset=16).reshape(-1, 1, 28, 28)
augment = v2.Compose(
    [
        v2.RandomResizedCrop(28, (0.2, 1.0), interpolation=v2.InterpolationMode.BICUBIC),
        v2.RandomHorizontalFlip(),
        v2.ToDtype(torch.float32, scale=True),
    ]
)
data = TensorDataset(torch.from_numpy(pixels.copy()))
collate = lambda rows: torch.stack([augment(picture) for (picture,) in rows])
loader = DataLoader(data, batch_size=256, shuffle=True, num_workers=2, collate_fn=collate)
model = timm.models.VisionTransformer(
    img_size=28, patch_size=4, in_chans=1, num_classes=10, embed_dim=128, depth=4, num_heads=4
)
optimizer = torch.optim.AdamW(model.parameters())
images = next(iter(loader))
model(images).square().mean().backward()
optimizer.step()
print("step", flush=True)
