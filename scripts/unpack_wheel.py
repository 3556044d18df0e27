"""Unpacks from a Python wheel what a C++ program needs: libraries, headers, licences.

usage: unpack_wheel.py {cpu|cuda} WHEEL FOLDER

The layout of the wheel is kept, because the libraries find each other by relative paths.
"""

import fnmatch
import sys
import zipfile

WANTED = [
    "torch/lib/*.so*", "torch/include/*", "torch/share/*", "torch/version.py",
    "nvidia/*/lib/*.so*", "*.dist-info/METADATA", "*.dist-info/licenses/*",
]
UNWANTED = {
    "cuda": ["*/libtorch_python.so"],
    # libtorch_cpu.so names libcudart and libcupti even where there is no GPU; libtorch.so is
    # an empty library that would ask for libtorch_cuda.so.
    "cpu": [
        "*/libtorch_python.so", "*/libtorch.so", "*/libshm.so", "torch/lib/*_cuda*",
        "torch/lib/*nvrtc*", "torch/lib/*nvshmem*", "nvidia/*/lib/libnv*",
        "nvidia/*/lib/libcheckpoint*", "nvidia/*/lib/libpcsampling*",
    ],
}


def matches(name, patterns):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def main():
    kind, wheel, folder = sys.argv[1:]
    with zipfile.ZipFile(wheel) as archive:
        wanted = [
            item for item in archive.infolist()
            if matches(item.filename, WANTED) and not matches(item.filename, UNWANTED[kind])
        ]
        for item in wanted:
            archive.extract(item, folder)  # checks the CRC and refuses paths outside `folder`
    size = sum(item.file_size for item in wanted)
    print(f"    {len(wanted)} files, {size / 1e6:.0f} MB", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except (OSError, zipfile.BadZipFile) as error:
        sys.exit(f"cannot unpack {sys.argv[2]}: {error}")
