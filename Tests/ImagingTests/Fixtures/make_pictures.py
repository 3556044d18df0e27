#!/usr/bin/env python3
"""Writes pictures.jsonl: small pictures of every kind that Tessera reads, with their pixels.

A line is a picture: a name, the file in base64, how it is decoded, what its header says, and the
pixels that other programs read of it: Pillow, and tifffile for kinds of TIFF that Pillow lacks.

    python3 -m venv /tmp/venv
    /tmp/venv/bin/pip install pillow==13.0.0 numpy==2.4.6 tifffile==2026.3.3 imagecodecs==2026.3.6
    /tmp/venv/bin/python make_pictures.py > pictures.jsonl
"""
import base64
import io
import json
import struct
import sys
import zlib

import numpy as np
import tifffile
from PIL import Image, ImageOps

H, W = 5, 7
random = np.random.default_rng(7)


def soft(height, width, channels):
    """Colours that change slowly, with a little noise: lossy codecs keep them about right."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(channels), indexing="ij")
    values = 128 + 100 * np.sin(0.4 * x + 0.9 * c) * np.cos(0.5 * y + 0.3 * c)
    return (values + random.integers(0, 20, values.shape)).clip(0, 255).astype(np.uint8)


RGB, RGBA, GREY = soft(H, W, 3), soft(H, W, 4), soft(H, W, 1)[..., 0]
RGBA[..., 3] = random.integers(0, 256, (H, W))
DEEP = random.integers(0, 65536, (H, W, 3), dtype=np.uint16)
INDEXED = random.integers(0, 16, (H, W)).astype(np.uint8)
COLOURS = random.integers(0, 256, (16, 3), dtype=np.uint8)

lines = []


def emit(name, data, pixels, **facts):
    """facts: stored, upright (settings), range, what the header says, and `within` which difference."""
    pixels = np.ascontiguousarray(pixels)
    assert pixels.dtype == np.uint8, name
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    lines.append({
        "name": name, "file": base64.b64encode(data).decode(), "shape": list(pixels.shape),
        "pixels": base64.b64encode(pixels.tobytes()).decode(), **facts,
    })


def saved(image, format, **options):
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def read(data, mode="RGB"):
    return np.asarray(Image.open(io.BytesIO(data)).convert(mode))


def palette_image(values, colours=COLOURS):
    image = Image.fromarray(values, "P")
    image.putpalette(colours.tobytes())
    return image


# --- WebP ----------------------------------------------------------------------------------------

def webp():
    for name, array, options, stored in [
        ("lossy", RGB, {"quality": 60}, False),
        ("lossless", RGB, {"lossless": True}, False),
        ("lossy alpha dropped", RGBA, {"quality": 60, "exact": True}, False),
        ("lossy alpha", RGBA, {"quality": 60, "exact": True}, True),
        ("lossless alpha", RGBA, {"lossless": True, "exact": True}, True),
    ]:
        data = saved(Image.fromarray(array), "WEBP", **options)
        mode = "RGBA" if stored else "RGB"
        emit(f"webp {name}", data, read(data, mode), stored=stored, hasAlpha=array is RGBA)
    frames = [Image.fromarray(soft(H, W, 3)) for _ in range(2)]
    data = saved(
        frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True, duration=50)
    emit("webp animated", data, read(data), isAnimated=True)


# --- TIFF ----------------------------------------------------------------------------------------

def tiff_of(array, **options):
    out = io.BytesIO()
    options.setdefault("metadata", None)
    options.setdefault("software", False)
    tifffile.imwrite(out, array, **options)
    return out.getvalue()


def plain_tiff(height, width, bits, photometric, pixels, *more, table=b""):
    """One strip behind the header, then `table`, then the tags."""
    place = 8 + len(pixels) + len(table)
    tags = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, 1, bits), (259, 3, 1, 1),
            (262, 3, 1, photometric), (273, 4, 1, 8), (278, 3, 1, height),
            (279, 4, 1, len(pixels)), *more]
    return (b"II*\0" + struct.pack("<I", place) + pixels + table
            + struct.pack("<H", len(tags))
            + b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags)) + bytes(4))


def palette_tiff():
    """4 bits a pixel, which neither program writes."""
    pixels = rows(INDEXED[::-1], 4, fill=1)
    table = (COLOURS.T.astype("<u2") * 257).tobytes()
    return plain_tiff(H, W, 4, 3, pixels, (320, 3, 48, 8 + len(pixels)), table=table)


def cmyk_to_rgb(cmyk):
    return np.asarray(Image.fromarray(cmyk, "CMYK").convert("RGB"))


def ranged(values, low, high):
    """A range's ends become 0 and 255, those between are rounded half up."""
    scaled = (values.astype(np.float64) - low) * 255 / (high - low) + 0.5
    return np.nan_to_num(scaled, nan=0).clip(0, 255).astype(np.uint8)


def tiff():
    for name, options in [
        ("strips", {"rowsperstrip": 2}),
        ("one strip", {}),
        ("LZW", {"compression": "lzw", "rowsperstrip": 3}),
        ("LZW predictor", {"compression": "lzw", "predictor": 2}),
        ("deflate", {"compression": "zlib", "rowsperstrip": 4}),
        ("deflate predictor", {"compression": "zlib", "predictor": 2}),
        ("packbits", {"compression": "packbits"}),
        ("tiles", {"tile": (16, 16), "compression": "zlib"}),
        ("planar", {"planarconfig": "separate", "rowsperstrip": 2}),
        ("planar tiles", {"planarconfig": "separate", "tile": (16, 16), "compression": "zlib"}),
        ("big-endian", {"byteorder": ">"}),
        ("BigTIFF", {"bigtiff": True}),
    ]:
        array = np.moveaxis(RGB, -1, 0) if "planarconfig" in options else RGB
        data = tiff_of(array, photometric="rgb", **options)
        assert (tifffile.imread(io.BytesIO(data)) == array).all(), name
        emit(f"tiff {name}", data, RGB)
    data = tiff_of(GREY, photometric="minisblack")
    emit("tiff grey", data, read(data, "L"))
    data = tiff_of(GREY, photometric="miniswhite")
    emit("tiff white is 0", data, 255 - GREY)
    data = saved(Image.fromarray(GREY > 128), "TIFF", compression="group4")
    emit("tiff 1 bit, fax", data, read(data, "L"), bitDepth=1)
    data = palette_tiff()
    assert (read(data) == COLOURS[INDEXED]).all()
    emit("tiff palette of 4 bits", data, COLOURS[INDEXED], bitDepth=4)
    # Alpha: dropped, or kept with all samples.
    data = tiff_of(RGBA, photometric="rgb", extrasamples=["unassalpha"])
    emit("tiff alpha dropped", data, RGBA[..., :3], hasAlpha=True)
    emit("tiff alpha", data, RGBA, hasAlpha=True, stored=True)
    five = soft(H, W, 5)
    data = tiff_of(five, photometric="minisblack", planarconfig="contig")
    emit("tiff 5 channels", data, five, stored=True)
    data = tiff_of(
        np.moveaxis(five, -1, 0), photometric="minisblack", planarconfig="separate",
        compression="lzw")
    emit("tiff 5 planes", data, five, stored=True)
    cmyk = soft(H, W, 4)
    data = tiff_of(cmyk, photometric="separated")
    assert (read(data) == cmyk_to_rgb(cmyk)).all()
    emit("tiff CMYK", data, cmyk_to_rgb(cmyk))
    data = saved(Image.fromarray(soft(8, 16, 3)), "TIFF", compression="jpeg", quality=90)
    emit("tiff JPEG", data, read(data))
    # Deep samples.
    data = tiff_of(DEEP, photometric="rgb")
    emit("tiff 16 bits", data, (DEEP >> 8).astype(np.uint8), bitDepth=16)
    emit("tiff 16 bits in a range", data, ranged(DEEP, 1000, 50000), range=[1000, 50000],
         bitDepth=16)
    deep = DEEP[..., 0]
    data = tiff_of(deep, photometric="minisblack", byteorder=">", compression="zlib")
    emit("tiff 16 bits big-endian", data, (deep >> 8).astype(np.uint8), bitDepth=16)
    floats = (random.standard_normal((H, W)) * 2).astype(np.float32)
    floats[0, :3] = np.nan, np.inf, -np.inf
    for name, array, options in [
        ("float32", floats, {}), ("float32 big-endian", floats, {"byteorder": ">"}),
        ("float32 predictor", floats, {"compression": "zlib", "predictor": 3}),
        ("float64", floats.astype(np.float64)[:2], {}),
        ("int16", (np.nan_to_num(floats, posinf=9, neginf=-9) * 1).astype(np.int16), {}),
        ("int8", (np.nan_to_num(floats, posinf=9, neginf=-9) * 1).astype(np.int8), {}),
        ("uint32", np.nan_to_num(floats, posinf=9, neginf=0).clip(0, 9).astype(np.uint32),
         {"compression": "packbits"}),
    ]:
        data = tiff_of(array, photometric="minisblack", **options)
        emit(f"tiff {name}", data, ranged(array, -2.5, 3), range=[-2.5, 3],
             bitDepth=array.dtype.itemsize * 8)
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        for page in (GREY, RGB):
            kind = "rgb" if page is RGB else "minisblack"
            writer.write(page, photometric=kind, metadata=None, software=False)
    emit("tiff two pages", out.getvalue(), GREY, isAnimated=True)


# --- GIF -----------------------------------------------------------------------------------------

def gif():
    values = random.integers(0, 16, (20, 18)).astype(np.uint8)
    image = palette_image(values)
    data = saved(image, "GIF", interlace=0)
    emit("gif", data, read(data))
    data = saved(image, "GIF", interlace=1)
    assert data != saved(image, "GIF", interlace=0)
    emit("gif interlaced", data, read(data))
    data = saved(image, "GIF", transparency=3, interlace=0)
    # Pillow's colours under what is transparent are those of the palette, too.
    emit("gif transparent", data, read(data), hasAlpha=True)
    frames = [palette_image(random.integers(0, 16, (6, 8)).astype(np.uint8)) for _ in range(3)]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)
    emit("gif animated", data, read(data), isAnimated=True)
    # A first picture smaller than the screen: 3 x 2 at (2, 1); around it is black.
    screen = Image.new("RGB", (8, 6))
    part = palette_image(random.integers(0, 4, (2, 3)).astype(np.uint8), COLOURS[:4])
    data = bytearray(saved(part, "GIF", interlace=0))
    struct.pack_into("<HH", data, 6, 8, 6)
    place = data.rindex(b"\x2c\0\0\0\0\x03\0\x02\0")
    struct.pack_into("<HH", data, place + 1, 2, 1)
    screen.paste(part.convert("RGB"), (2, 1))
    emit("gif smaller than the screen", bytes(data), np.asarray(screen))


# --- BMP -----------------------------------------------------------------------------------------

def bmp_file(header, pixels, extra=b""):
    start = 14 + len(header) + len(extra)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + header + extra + pixels


def info(width, height, bits, compression=0, size=40, colours=0, masks=b""):
    """The header of `size` bytes."""
    head = struct.pack(
        "<IiiHHIIiiII", size, width, height, 1, bits, compression, 0, 0, 0, colours, 0)
    return head + masks + bytes(size - 40 - len(masks))


def rows(array, bits, fill=4):
    """Packed rows, the lowest first, each ending on `fill` bytes."""
    packed = []
    for row in array[::-1]:
        if bits < 8:
            text = "".join(format(v, f"0{bits}b") for v in row)
            data = bytes(int(text[i:i + 8].ljust(8, "0"), 2) for i in range(0, len(text), 8))
        else:
            data = np.ascontiguousarray(row).tobytes()
        packed.append(data + bytes(-len(data) % fill))
    return b"".join(packed)


def bmp_palette(colours):
    return b"".join(bytes([b, g, r, 0]) for r, g, b in colours)


def bmp():
    def check(name, data, mode="RGB", **facts):
        emit(f"bmp {name}", data, read(data, mode), **facts)

    check("24 bits", saved(Image.fromarray(RGB), "BMP"))
    check("1 bit", saved(Image.fromarray(GREY > 128), "BMP"), bitDepth=1)
    for bits in (1, 4, 8):
        values, colours = INDEXED & ((1 << bits) - 1), COLOURS[:1 << bits]
        data = bmp_file(
            info(W, H, bits, colours=len(colours)), rows(values, bits), bmp_palette(colours))
        check(f"palette of {bits} bits", data, bitDepth=bits)
        check(f"palette of {bits} bits from the top", bmp_file(
            info(W, -H, bits, colours=len(colours)), rows(values[::-1], bits),
            bmp_palette(colours)), bitDepth=bits)
    oldest = struct.pack("<IHHHH", 12, W, H, 1, 4)
    data = bmp_file(oldest, rows(INDEXED, 4), b"".join(bytes(c[::-1]) for c in COLOURS))
    check("OS/2", data, bitDepth=4)
    check("from the top", bmp_file(info(W, -H, 24), rows(RGB[::-1, :, ::-1], 8)))
    words = random.integers(0, 65536, (H, W), dtype=np.uint16)
    # Five bits become eight by repetition in our library, by a rounded product in Pillow.
    check("16 bits, 5 5 5", bmp_file(info(W, H, 16), rows(words, 16)), within=1)
    masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F)
    check("16 bits, 5 6 5", bmp_file(info(W, H, 16, 3), rows(words, 16), masks), within=1)
    bgrx = np.dstack([RGB[..., ::-1], np.full((H, W), 9, np.uint8)])
    check("32 bits", bmp_file(info(W, H, 32), rows(bgrx, 8)))
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    bgra = RGBA[..., [2, 1, 0, 3]]
    data = bmp_file(info(W, H, 32, 3, size=108, masks=masks), rows(bgra, 8))
    check("32 bits, alpha dropped", data, hasAlpha=True)
    check("32 bits, alpha", data, "RGBA", stored=True, hasAlpha=True)


# --- PNG -----------------------------------------------------------------------------------------

def png_file(width, height, depth, colour, passes, extra=b""):
    """`passes`: arrays of bytes, a row each."""
    def chunk(kind, content):
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))
    raw = b"".join(b"\0" + bytes(row) for rows in passes for row in rows)
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(len(passes) > 1))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra
            + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b""))


def adam7(array):
    """Seven smaller pictures; each row as bytes."""
    steps = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
             (1, 0, 2, 1)]
    result = []
    for top, left, down, across in steps:
        part = array[top::down, left::across]
        result.append([np.ascontiguousarray(row).tobytes() for row in part] if part.size else [])
    return result


def png():
    data = saved(Image.fromarray(RGB), "PNG")
    emit("png", data, RGB)
    data = saved(palette_image(INDEXED), "PNG")
    emit("png palette", data, read(data), bitDepth=4)
    data = saved(palette_image(INDEXED), "PNG", transparency=bytes([0, 100, 200]))
    emit("png palette with alpha dropped", data, read(data), hasAlpha=True, bitDepth=4)
    emit("png palette with alpha", data, read(data, "RGBA"), hasAlpha=True, stored=True,
         bitDepth=4)
    grey_alpha = np.dstack([GREY, RGBA[..., 3]])
    data = saved(Image.fromarray(grey_alpha, "LA"), "PNG")
    emit("png grey with alpha dropped", data, GREY, hasAlpha=True)
    emit("png grey with alpha", data, read(data, "LA"), hasAlpha=True, stored=True)
    data = saved(Image.fromarray(RGBA), "PNG")
    emit("png alpha", data, RGBA, hasAlpha=True, stored=True)
    data = saved(Image.fromarray(GREY > 128), "PNG")
    emit("png 1 bit", data, read(data, "L"), bitDepth=1)
    data = saved(Image.fromarray(DEEP[..., 0]), "PNG")
    deep = np.asarray(Image.open(io.BytesIO(data))).astype(np.uint16)
    emit("png 16 bits grey", data, (deep >> 8).astype(np.uint8), bitDepth=16)
    emit("png 16 bits in a range", data, ranged(deep, 1000, 50000), range=[1000, 50000],
         bitDepth=16)
    rows16 = [[row.astype(">u2").tobytes() for row in DEEP]]
    emit("png 16 bits", png_file(W, H, 16, 2, rows16), (DEEP >> 8).astype(np.uint8), bitDepth=16)
    data = png_file(W, H, 8, 2, adam7(RGB))
    assert (read(data) == RGB).all()
    emit("png interlaced", data, RGB)
    data = png_file(W, H, 16, 0, adam7(DEEP[..., 0].astype(">u2")))
    assert (np.asarray(Image.open(io.BytesIO(data))) == DEEP[..., 0]).all()
    emit("png interlaced, 16 bits in a range", data, ranged(DEEP[..., 0], 1000, 50000),
         range=[1000, 50000], bitDepth=16)


# --- JPEG and orientation -------------------------------------------------------------------------

def jpeg():
    for name, options in [
        ("4:4:4", {"subsampling": 0}), ("4:2:0", {"subsampling": 2}),
        ("progressive", {"progressive": True}),
    ]:
        data = saved(Image.fromarray(RGB), "JPEG", quality=85, optimize=True, **options)
        emit(f"jpeg {name}", data, read(data))


def orientations():
    small = soft(2, 3, 1)[..., 0] // 3 + np.arange(6, dtype=np.uint8).reshape(2, 3) * 30
    image = Image.fromarray(small)
    for number in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = number
        for format, options in [
            ("JPEG", {"quality": 90, "optimize": True}), ("PNG", {}),
            ("WEBP", {"lossless": True}),
        ]:
            data = saved(image, format, exif=exif.tobytes(), **options)
            turned = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
            mode = "RGB" if format == "WEBP" else "L"
            emit(f"{format.lower()} orientation {number}", data, turned.convert(mode),
                 upright=True, orientation=number)
        data = plain_tiff(2, 3, 8, 1, small.tobytes(), (274, 3, 1, number))
        exif_of = Image.open(io.BytesIO(saved(image, "PNG", exif=exif.tobytes())))
        emit(f"tiff orientation {number}", data, ImageOps.exif_transpose(exif_of),
             upright=True, orientation=number)


for make in (jpeg, png, webp, tiff, gif, bmp, orientations):
    make()
seen = {}
for line in lines:
    # What an earlier line holds is named, not repeated.
    for key in ("file", "pixels"):
        first = seen.setdefault(line[key], line["name"])
        if first != line["name"]:
            line[key] = first
    json.dump(line, sys.stdout, separators=(",", ":"))
    print()
print(f"{len(lines)} pictures", file=sys.stderr)
