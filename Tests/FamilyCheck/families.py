"""Random encoders of timm and Hugging Face's transformers, with what they make of random pictures.

Usage: families.py write FOLDER [NAME...]     one folder a case: checkpoint, input.safetensors, expected.safetensors
       families.py compare FOLDER LINES       compares tokens.safetensors of each case and prints a table
       families.py reload FOLDER LINES        loads what Tessera exported of each case, and prints a table
       families.py fixtures FOLDER [NAME...]  the cases in the smallest sizes, a file each, for `make test`
"""

import json
import pathlib
import sys
import tempfile

import numpy
import torch
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save_file as save_arrays
from safetensors import safe_open
from safetensors.torch import load_file, save_file

LIMIT = 1e-5
# Whether the cases are the smallest, for files that are kept.
TINY = False


def randomize(model):
    """Every tensor gets numbers that a mistake would show: zeros and ones hide it."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        # What is not saved follows from the architecture.
        for name, tensor in model.state_dict().items():
            if not tensor.is_floating_point():
                continue
            noise = torch.randn(tensor.shape, generator=generator)
            if name.endswith("running_var"):
                tensor.copy_(1 + 0.2 * noise.abs())
            elif "norm" in name and name.endswith("weight") or "bn" in name and name.endswith("weight"):
                tensor.copy_(1 + 0.2 * noise)
            elif name.endswith("table"):
                tensor.copy_(noise)
            elif "gamma" in name or "lambda" in name:
                tensor.copy_(0.5 + 0.2 * noise)
            elif tensor.dim() < 2:
                tensor.copy_(0.2 * noise)
            elif tensor.dim() == 2 or tensor.dim() == 4:
                tensor.copy_(noise / (tensor[0].numel() ** 0.5))
            else:
                tensor.copy_(0.3 * noise)
    return model.eval()


def timm_case(name, size=64, save="hub", **arguments):
    """An architecture of timm in a small size, saved as its hub files are."""
    import timm

    if TINY:
        size = 16 if "swin" not in name else 32

    def write(folder):
        model = randomize(timm.create_model(name, img_size=size, num_classes=3, **arguments))
        if save == "hub":
            from timm.models import save_for_hf

            save_for_hf(model, folder, safe_serialization=True, model_args=arguments)
        elif save == "bare":
            save_file(model.state_dict(), f"{folder}/model.safetensors")
        else:
            torch.save({"state_dict": model.state_dict(), "arch": name}, f"{folder}/checkpoint.pth.tar")
        images = pictures(size)
        tokens = model.forward_features(images)
        outputs = {"tokens": tokens, "pooled": model.forward_head(tokens, pre_logits=True)}
        if "distilled" in name:
            # timm averages two classifiers; the feature is the class token.
            outputs["pooled"] = tokens[:, 0]
        outputs["logits"] = model.forward_head(tokens)
        if tokens.dim() == 4:
            outputs["tokens"] = tokens.flatten(1, 2)
        extra = {"timm": json.dumps([name, {"img_size": size, **arguments}])}
        if save != "hub" and "num_heads" in arguments:
            extra["heads"] = str(arguments["num_heads"])
        if save == "pth":
            extra["checkpoint"] = "checkpoint.pth.tar"
        return model, images, outputs, extra

    return write


def hf_case(
    model_class, config_class, tokens=None, pooled=None, shards=None, size=32, bin=False, timm=None, **settings
):
    """A class of transformers in a small size, saved as `save_pretrained` does.

    `timm` is the architecture of timm that its encoder is exported for, and what it is made with beside the sizes.
    """
    import transformers

    if TINY:
        size = {32: 16, 48: 24, 56: 28}[size]
        settings = {k: v // 2 if k == "image_size" and v > 16 else v for k, v in settings.items()}

    def write(folder):
        config = getattr(transformers, config_class)(**settings)
        model = randomize(getattr(transformers, model_class)(config))
        options = {"max_shard_size": shards} if shards else {}
        model.save_pretrained(folder, safe_serialization=not bin, **options)
        images = pictures(size)
        if model_class.endswith("Classification"):
            tokens_of = lambda m, x: m.base_model(x).last_hidden_state
        else:
            tokens_of = lambda m, x: m(x).last_hidden_state
        outputs = {"tokens": (tokens or tokens_of)(model, images)}
        outputs["pooled"] = (pooled or (lambda m, t, x: t[:, 0]))(model, outputs["tokens"], images)
        if "Classification" in model_class:
            outputs["logits"] = model(images).logits
        extra = {"imageSize": str(size)} if size != config.image_size else {}
        if timm:
            arguments = {
                "img_size": config.image_size,
                "patch_size": config.patch_size,
                "embed_dim": config.hidden_size,
                "depth": config.num_hidden_layers,
                "num_heads": config.num_attention_heads,
            }
            if hasattr(config, "intermediate_size"):
                arguments["mlp_ratio"] = config.intermediate_size / config.hidden_size
            extra["timm"] = json.dumps([timm[0], {**arguments, **timm[1]}])
        return model, images, outputs, extra

    return write


def pictures(size):
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))


SMALL = dict(embed_dim=48, depth=2, num_heads=4)
HF = dict(
    hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96, image_size=32, patch_size=8
)
DINO = dict(hidden_size=48, num_hidden_layers=2, num_attention_heads=4, mlp_ratio=2, image_size=32, patch_size=8)
MEAN = lambda m, t, x: t.mean(1)


def normed_clip(model, images):
    tower = getattr(model, "vision_model", model)
    return tower.post_layernorm(tower(images).last_hidden_state)


def unmasked_mae(model, images):
    """ViTMAE always shuffles; with nothing masked and the noise sorted it keeps the order."""
    model.config.mask_ratio = 0.0
    count = (images.shape[-1] // model.config.patch_size) ** 2
    noise = torch.arange(count, dtype=torch.float32).repeat(len(images), 1) / count
    return model(images, noise=noise).last_hidden_state


def cases():
    # Swin's grid is a multiple of its window here; timm makes the window smaller where it is not.
    WIDTH, WINDOW = (8, {"window_size": 4}) if TINY else (24, {})
    VIT = ("vit_base_patch16_224", {})
    return {
        "timm/vit_base_patch16_224": timm_case("vit_base_patch16_224", **SMALL),
        "timm/vit_small_patch32_224 (bare)": timm_case("vit_small_patch32_224", save="bare", **SMALL),
        "timm/vit_tiny_patch16_224 (.pth.tar)": timm_case("vit_tiny_patch16_224", save="pth", **SMALL),
        "timm/vit_base_patch16_224 (mean)": timm_case("vit_base_patch16_224", global_pool="avg", **SMALL),
        "timm/vit_base_patch16_224 (qk_norm)": timm_case("vit_base_patch16_224", qk_norm=True, **SMALL),
        "timm/vit_base_patch16_clip_224": timm_case("vit_base_patch16_clip_224", **SMALL),
        "timm/vit_base_patch16_clip_quickgelu_224": timm_case("vit_base_patch16_clip_quickgelu_224", **SMALL),
        "timm/vit_small_patch14_dinov2": timm_case("vit_small_patch14_dinov2", size=56, **SMALL),
        "timm/vit_small_patch14_reg4_dinov2": timm_case("vit_small_patch14_reg4_dinov2", size=56, **SMALL),
        "timm/vit_giant_patch14_reg4_dinov2": timm_case("vit_giant_patch14_reg4_dinov2", size=56, **SMALL),
        "timm/vit_medium_patch16_reg4_gap_256": timm_case("vit_medium_patch16_reg4_gap_256", **SMALL),
        "timm/vit_huge_patch14_gap_224": timm_case("vit_huge_patch14_gap_224", size=56, **SMALL),
        "timm/vit_base_patch16_siglip_gap_224": timm_case("vit_base_patch16_siglip_gap_224", **SMALL),
        "timm/deit_base_distilled_patch16_224": timm_case("deit_base_distilled_patch16_224", **SMALL),
        "timm/deit3_base_patch16_224": timm_case("deit3_base_patch16_224", **SMALL),
        "timm/beit_base_patch16_224": timm_case("beit_base_patch16_224", **SMALL),
        "timm/beitv2_base_patch16_224": timm_case("beitv2_base_patch16_224", **SMALL),
        "timm/eva_giant_patch14_224": timm_case("eva_giant_patch14_224", size=56, **SMALL),
        "timm/eva02_tiny_patch14_224": timm_case("eva02_tiny_patch14_224", size=56, **SMALL),
        "timm/eva02_base_patch14_448": timm_case("eva02_base_patch14_448", size=56, **SMALL),
        "timm/vit_small_patch16_dinov3": timm_case("vit_small_patch16_dinov3", global_pool="token", **SMALL),
        "timm/vit_small_plus_patch16_dinov3": timm_case(
            "vit_small_plus_patch16_dinov3", global_pool="token", **SMALL
        ),
        "timm/swin_tiny_patch4_window7_224": timm_case(
            "swin_tiny_patch4_window7_224", size=56, embed_dim=WIDTH, depths=(2, 2), num_heads=(2, 4), **WINDOW
        ),
        "timm/swin_small_patch4_window7_224 (window 4)": timm_case(
            "swin_small_patch4_window7_224", size=64, embed_dim=WIDTH, depths=(2, 2), num_heads=(2, 4), window_size=4
        ),
        "hf/ViTModel": hf_case("ViTModel", "ViTConfig", timm=VIT, **HF),
        "hf/ViTForImageClassification (.bin)": hf_case(
            "ViTForImageClassification",
            "ViTConfig",
            bin=True,
            **HF,
        ),
        "hf/DeiTModel": hf_case("DeiTModel", "DeiTConfig", timm=("deit_base_distilled_patch16_224", {}), **HF),
        "hf/DeiTForImageClassification": hf_case("DeiTForImageClassification", "DeiTConfig", num_labels=3, **HF),
        "hf/DeiTForImageClassificationWithTeacher": hf_case(
            "DeiTForImageClassificationWithTeacher",
            "DeiTConfig",
            tokens=lambda m, x: m.deit(x).last_hidden_state,
            num_labels=3,
            **HF,
        ),
        "hf/IJepaForImageClassification": hf_case(
            "IJepaForImageClassification", "IJepaConfig", pooled=MEAN, num_labels=3, **HF
        ),
        "hf/BeitForImageClassification": hf_case(
            "BeitForImageClassification",
            "BeitConfig",
            use_relative_position_bias=True,
            pooled=lambda m, t, x: m.beit(x).pooler_output,
            num_labels=3,
            **HF,
        ),
        "hf/Dinov2ForImageClassification": hf_case(
            "Dinov2ForImageClassification", "Dinov2Config", num_labels=3, **DINO
        ),
        "hf/Dinov2WithRegistersForImageClassification": hf_case(
            "Dinov2WithRegistersForImageClassification", "Dinov2WithRegistersConfig", num_labels=3, **DINO
        ),
        "hf/SwinForImageClassification": hf_case(
            "SwinForImageClassification",
            "SwinConfig",
            pooled=MEAN,
            size=56,
            image_size=56,
            patch_size=2 if TINY else 4,
            embed_dim=WIDTH,
            depths=[2, 1] if TINY else [2, 2],
            num_heads=[2, 4],
            window_size=7,
            num_labels=3,
        ),
        "hf/ViTMAEModel": hf_case("ViTMAEModel", "ViTMAEConfig", tokens=unmasked_mae, timm=VIT, **HF),
        "hf/ViTMAEForPreTraining": hf_case(
            "ViTMAEForPreTraining",
            "ViTMAEConfig",
            tokens=lambda m, x: unmasked_mae(m.vit, x),
            decoder_hidden_size=24,
            decoder_num_hidden_layers=1,
            decoder_num_attention_heads=2,
            decoder_intermediate_size=48,
            **HF,
        ),
        "hf/IJepaModel": hf_case(
            "IJepaModel",
            "IJepaConfig",
            pooled=MEAN,
            timm=("vit_base_patch16_224", {"class_token": False, "global_pool": "avg", "fc_norm": False}),
            **HF,
        ),
        "hf/Dinov2Model": hf_case(
            "Dinov2Model", "Dinov2Config", timm=("vit_small_patch14_dinov2", {"mlp_ratio": 2}), **DINO
        ),
        "hf/Dinov2Model (at 48²)": hf_case("Dinov2Model", "Dinov2Config", size=48, **DINO),
        "hf/ViTModel (at 48²)": hf_case(
            "ViTModel",
            "ViTConfig",
            tokens=lambda m, x: m(x, interpolate_pos_encoding=True).last_hidden_state,
            size=48,
            **HF,
        ),
        "timm/vit_base_patch16_rope_reg1_gap_256": timm_case("vit_base_patch16_rope_reg1_gap_256", **SMALL),
        "hf/Dinov2Model (SwiGLU)": hf_case("Dinov2Model", "Dinov2Config", use_swiglu_ffn=True, **DINO),
        "hf/Dinov2WithRegistersModel": hf_case(
            "Dinov2WithRegistersModel",
            "Dinov2WithRegistersConfig",
            timm=("vit_small_patch14_reg4_dinov2", {"mlp_ratio": 2}),
            **DINO,
        ),
        "hf/DINOv3ViTModel": hf_case(
            "DINOv3ViTModel",
            "DINOv3ViTConfig",
            num_register_tokens=4,
            timm=("vit_small_patch16_dinov3_qkvb", {"global_pool": "token"}),
            **HF,
        ),
        "hf/DINOv3ViTModel (gated)": hf_case(
            "DINOv3ViTModel", "DINOv3ViTConfig", use_gated_mlp=True, hidden_act="silu", **HF
        ),
        "hf/BeitModel": hf_case(
            "BeitModel",
            "BeitConfig",
            use_relative_position_bias=True,
            pooled=lambda m, t, x: m(x).pooler_output,
            timm=("beit_base_patch16_224", {}),
            **HF,
        ),
        "hf/BeitForMaskedImageModeling": hf_case(
            "BeitForMaskedImageModeling",
            "BeitConfig",
            tokens=lambda m, x: m.layernorm(m.beit(x).last_hidden_state),
            use_shared_relative_position_bias=True,
            use_absolute_position_embeddings=True,
            use_mask_token=True,
            vocab_size=20,
            **HF,
        ),
        "hf/Data2VecVisionForImageClassification": hf_case(
            "Data2VecVisionForImageClassification",
            "Data2VecVisionConfig",
            use_relative_position_bias=True,
            tokens=lambda m, x: m.data2vec_vision(x).last_hidden_state,
            pooled=lambda m, t, x: m.data2vec_vision(x).pooler_output,
            **HF,
        ),
        "hf/CLIPVisionModel": hf_case(
            "CLIPVisionModel",
            "CLIPVisionConfig",
            tokens=normed_clip,
            timm=("vit_base_patch16_clip_quickgelu_224", {}),
            **HF,
        ),
        "hf/CLIPVisionModelWithProjection (shards)": hf_case(
            "CLIPVisionModelWithProjection",
            "CLIPVisionConfig",
            tokens=normed_clip,
            shards="40KB",
            projection_dim=16,
            **HF,
        ),
        "hf/SwinModel": hf_case(
            "SwinModel",
            "SwinConfig",
            pooled=MEAN,
            size=56,
            image_size=56,
            patch_size=2 if TINY else 4,
            embed_dim=WIDTH,
            depths=[2, 1] if TINY else [2, 2],
            num_heads=[2, 4],
            window_size=7,
        ),
    }


def plain(name):
    return "".join(c if c.isalnum() or c in "_-" else "_" for c in name).strip("_")


def write(root, wanted):
    for name, case in cases().items():
        if wanted and not any(word in name for word in wanted):
            continue
        folder = pathlib.Path(root) / plain(name)
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(0)
        with torch.no_grad():
            model, images, outputs, extra = case(str(folder))
        save_file({"images": images}, folder / "input.safetensors", metadata=extra or None)
        save_file({k: v.contiguous() for k, v in outputs.items()}, folder / "expected.safetensors")
        count = sum(p.numel() for p in model.parameters())
        (folder / "case.json").write_text(json.dumps({"name": name, "parameters": count}))
        print(f"wrote {name}", file=sys.stderr)


def difference(found, expected):
    """The largest difference, in units of the largest number where that is above 1."""
    if found.shape != expected.shape:
        return f"shape {list(found.shape)}, expected {list(expected.shape)}"
    return float(numpy.abs(found - expected).max() / max(1.0, numpy.abs(expected).max()))


def compare(root, lines):
    """Prints the table; the status is 1 if a case is not equal."""
    results = {pathlib.Path(line["folder"]).name: line for line in map(json.loads, open(lines))}
    failures = 0
    families = set()
    print(
        f"{'architecture':48} {'family':13} {'loaded':>7} {'largest':>8} {'tokens':>9} {'pooled':>9} {'logits':>9}"
    )
    for folder in sorted(pathlib.Path(root).iterdir()):
        if not (folder / "case.json").exists():
            continue
        name = json.loads((folder / "case.json").read_text())["name"]
        result = results.get(folder.name)
        if result is None or result.get("error"):
            failures += 1
            first = "not run" if result is None else result["error"].strip()
            print(f"{name:48} FAILED: {first}")
            continue
        expected = load_arrays(folder / "expected.safetensors")
        found = load_arrays(folder / "tokens.safetensors")
        families.add(result["family"])
        shown, good = [], result["coverage"] == 1
        for output in ("tokens", "pooled", "logits"):
            if output not in expected:
                shown.append("-")
                continue
            value = difference(found[output], expected[output]) if output in found else "missing"
            good = good and isinstance(value, float) and value <= LIMIT
            shown.append(f"{value:.1e}" if isinstance(value, float) else value)
        failures += not good
        largest = numpy.abs(expected["tokens"]).max()
        print(
            f"{name:48} {result['family']:13} {result['coverage']:7.0%} {largest:8.1f} "
            f"{shown[0]:>9} {shown[1]:>9} {shown[2]:>9}{'' if good else '  NOT EQUAL'}"
        )
    total = len(results)
    print(
        f"{total - failures} of {total} architectures equal within {LIMIT} of the largest number (of 1 where that is "
        f"smaller), {len(families)} families"
    )
    return 1 if failures else 0


def by_timm(folder, metadata, images):
    """The tokens of what was exported for timm, loaded strictly into a fresh model."""
    import timm

    name, arguments = json.loads(metadata["timm"])
    model = timm.create_model(name, num_classes=0, **arguments).eval()
    model.load_state_dict(load_file(f"{folder}/to-timm.safetensors"), strict=True)
    return model.forward_features(images)


def by_transformers(folder, metadata, images):
    """The tokens of what was exported for transformers, every tensor of file and model used."""
    import transformers

    place = f"{folder}/to-huggingface"
    kind = json.loads(pathlib.Path(place, "config.json").read_text())["architectures"][0]
    model, info = getattr(transformers, kind).from_pretrained(place, output_loading_info=True)
    for what in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        # The poolers of some models are no part of the encoder.
        names = [n for n in info[what] if not str(n).startswith("pooler.dense")]
        if names:
            raise ValueError(f"{what}: {names}")
    model.eval()
    return normed_clip(model, images) if kind == "CLIPVisionModel" else model(images).last_hidden_state


def reload(root, lines):
    """Prints a table of what the libraries make of Tessera's exports; the status is 1 if one is not equal."""
    results = {pathlib.Path(line["folder"]).name: line for line in map(json.loads, open(lines))}
    equal = total = 0
    print(f"{'architecture':48} {'timm':>9} {'transformers':>12}")
    for folder in sorted(pathlib.Path(root).iterdir()):
        if not (folder / "case.json").exists() or folder.name not in results:
            continue
        name = json.loads((folder / "case.json").read_text())["name"]
        with safe_open(folder / "input.safetensors", "pt") as file:
            metadata, images = file.metadata() or {}, file.get_tensor("images")
        if "imageSize" in metadata:
            continue
        expected = load_arrays(folder / "expected.safetensors")["tokens"]
        exports = results[folder.name].get("exports") or {}
        shown, notes = [], []
        for target, load in (("timm", by_timm), ("huggingface", by_transformers)):
            reason = exports.get(target, "not exported")
            if reason != "written" or target == "timm" and "timm" not in metadata:
                shown.append("-")
                if reason != "written":
                    notes.append(reason)
                continue
            total += 1
            try:
                with torch.no_grad():
                    found = load(folder, metadata, images)
                value = difference(found.numpy(), expected)
            except Exception as error:
                value = f"{type(error).__name__}: {error}"
            good = isinstance(value, float) and value <= LIMIT
            equal += good
            shown.append(f"{value:.1e}" if isinstance(value, float) else "FAILED")
            if not good:
                notes.append(f"{target} NOT EQUAL: {value}")
        print(f"{name:48} {shown[0]:>9} {shown[1]:>12}  {'; '.join(notes)}".rstrip())
    print(f"{equal} of {total} exports are equal within {LIMIT} in the program that they are written for")
    return 0 if equal == total else 1


def fixtures(target, *wanted):
    """A file a case: the checkpoint's tensors, its config.json, the pictures, the results."""
    global SMALL, HF, DINO, TINY
    TINY = True
    SMALL = dict(embed_dim=24, depth=2, num_heads=2, patch_size=4)
    HF = dict(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=16, patch_size=4
    )
    DINO = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, mlp_ratio=2, image_size=16, patch_size=4)
    with tempfile.TemporaryDirectory() as root:
        write(root, wanted)
        for folder in sorted(pathlib.Path(root).iterdir()):
            shards = sorted(folder.glob("*.safetensors")) + sorted(folder.glob("*.bin"))
            checkpoint = [f for f in shards if f.name not in ("input.safetensors", "expected.safetensors")]
            if not checkpoint or checkpoint[0].suffix != ".safetensors":
                # Pickles of other programs are read by other tests.
                continue
            tensors, metadata = {}, {}
            for file in checkpoint:
                for key, value in load_file(file).items():
                    tensors["w/" + key] = value
            tensors["in/images"] = load_file(folder / "input.safetensors")["images"]
            for key, value in load_file(folder / "expected.safetensors").items():
                tensors["out/" + key] = value
            with safe_open(folder / "input.safetensors", "np") as file:
                metadata.update(file.metadata() or {})
            metadata.pop("timm", None)
            config = folder / "config.json"
            if config.exists():
                metadata["config.json"] = json.dumps(json.loads(config.read_text()))
            metadata["name"] = json.loads((folder / "case.json").read_text())["name"]
            save_file(tensors, f"{target}/{folder.name}.safetensors", metadata=metadata)
    print(f"wrote {len(list(pathlib.Path(target).glob('*.safetensors')))} cases", file=sys.stderr)


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "write":
        write(arguments[0], arguments[1:])
    elif command == "compare":
        sys.exit(compare(*arguments))
    elif command == "reload":
        sys.exit(reload(*arguments))
    elif command == "fixtures":
        fixtures(*arguments)
    else:
        sys.exit(__doc__)
