"""Pictures from JPEG files to normalised tensors: torchvision, Pillow and a DataLoader."""

import pathlib
import random

import torch
from PIL import Image, ImageFilter, ImageOps
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.transforms import InterpolationMode

NORMALIZE = transforms.Compose(
    [
        transforms.ToTensor(),
        transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ]
)


def crop(size, low, high):
    return transforms.RandomResizedCrop(
        size, scale=(low, high), interpolation=InterpolationMode.BICUBIC
    )


def masked_autoencoder():
    return [transforms.Compose([crop(224, 0.2, 1), transforms.RandomHorizontalFlip(), NORMALIZE])]


class Blur:
    def __init__(self, probability):
        self.probability = probability

    def __call__(self, image):
        if random.random() > self.probability:
            return image
        return image.filter(ImageFilter.GaussianBlur(radius=random.uniform(0.1, 2)))


class Solarize:
    def __call__(self, image):
        return ImageOps.solarize(image) if random.random() < 0.2 else image


def multi_crop():
    """Two large and ten small views, as self-distillation with masks takes them."""
    color = transforms.Compose(
        [
            transforms.RandomHorizontalFlip(),
            transforms.RandomApply([transforms.ColorJitter(0.4, 0.4, 0.2, 0.1)], p=0.8),
            transforms.RandomGrayscale(p=0.2),
        ]
    )
    first = transforms.Compose([crop(224, 0.25, 1), color, Blur(1.0), NORMALIZE])
    second = transforms.Compose([crop(224, 0.25, 1), color, Blur(0.1), Solarize(), NORMALIZE])
    small = transforms.Compose([crop(96, 0.05, 0.25), color, Blur(0.5), NORMALIZE])
    return [first, second] + [small] * 10


VIEWS = {"mae": masked_autoencoder, "multiCrop": multi_crop}


class Pictures(Dataset):
    def __init__(self, folder, views, length):
        self.files = sorted(pathlib.Path(folder).glob("*.jpg"))
        self.views = views
        self.length = length

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        with open(self.files[index % len(self.files)], "rb") as file:
            image = Image.open(file).convert("RGB")
        return [view(image) for view in self.views]


def load(settings, device):
    # Operators of one thread: the processes of the loader are what is compared.
    torch.set_num_threads(1)
    workers = settings["workers"]
    data = Pictures(settings["folder"], VIEWS[settings["views"]](), 1 << 24)
    loader = DataLoader(
        data,
        batch_size=settings["batch"],
        # One worker is this process itself: no copies between processes.
        num_workers=workers if workers > 1 else 0,
    )
    batches = iter(loader)

    def take(count):
        for _ in range(count):
            next(batches)

    # What was made ahead while nobody measured does not count.
    return (lambda: take(2 * workers + 2)), (lambda: take(settings["repetitions"]))
