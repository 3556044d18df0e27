"""A ViT-L/16 from a file into timm's model: safetensors, or torch.load of weights only.

    python checkpoints.py in.safetensors out.pth

writes the tensors of the first file to the second by torch.save.
"""

import sys

import safetensors.torch
import timm
import torch


def create():
    return timm.create_model("vit_large_patch16_224", num_classes=0)


def load(settings, device):
    path = settings["file"]
    kept = {}
    # With a ready model only the reading and load_state_dict are measured.
    ready = create() if settings["ready"] else None

    def run():
        kept.clear()
        model = ready if ready is not None else create()
        if path.endswith(".safetensors"):
            state = safetensors.torch.load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
        model.load_state_dict(state)
        kept["model"] = model.eval()

    return run


if __name__ == "__main__":
    torch.save(safetensors.torch.load_file(sys.argv[1]), sys.argv[2])
