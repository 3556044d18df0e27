# Debian packages for scripts/setup, which sources this file: system-wide where the caller may
# install, else unpacked into the cache.
# shellcheck shell=bash
# shellcheck disable=SC2154 # root, cache, codecs and dataset are set by scripts/setup

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

can_install() {
    command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}

apt_install() { # PACKAGE...: system-wide
    say "installing $*"
    local install=(env DEBIAN_FRONTEND=noninteractive apt-get install --yes -qq
        --no-install-recommends -o Dpkg::Use-Pty=0)
    as_root "${install[@]}" "$@" >/dev/null 2>&1 && return
    as_root apt-get update -qq >&2 || true # old or no lists; one dead source is no reason to stop
    as_root "${install[@]}" "$@" >&2
}

apt_unpack() { # PACKAGE FOLDER: without root; returns 1 where the distribution lacks it
    local work status=0
    if ! { command -v apt-get && command -v dpkg; } >/dev/null; then
        fail "$1 comes from a Debian package, and this system has no apt-get" \
            "docs/dependencies.md says how to provide it by hand."
    fi
    mkdir -p "$cache"
    work=$(mktemp -d "$cache/.apt-XXXXXX")
    chmod 755 "$work"
    (cd "$work" && fetch_package "$1") || status=1
    if [ $status = 0 ]; then
        mkdir -p "$2"
        dpkg -x "$work"/*.deb "$2" || status=1
    fi
    rm -rf "$work"
    return $status
}

fetch_package() { # PACKAGE: its .deb, here
    apt-get download -qq "$1" >/dev/null 2>&1 && return
    if [ "$(id -u)" = 0 ]; then
        apt-get update -qq >&2
        apt-get download -qq "$1" >&2
    else # lists of our own, where the system has none or old ones
        local lists=$cache/.apt-lists
        local own=(-o Dir::State::Lists="$lists" -o Dir::Cache="$lists-cache" -o Debug::NoLocking=1)
        if [ ! -d "$lists" ]; then
            mkdir -p "$lists/partial" "$lists-cache/archives/partial"
            apt-get update -qq "${own[@]}" >&2
        fi
        apt-get download -qq "${own[@]}" "$1" >&2
    fi
}

install_codecs() {
    local missing=() pair
    has_headers vector jpeglib.h png.h webp/demux.h tiffio.h gif_lib.h stb/stb_image.h zlib.h && return
    for pair in g++:vector libjpeg-dev:jpeglib.h libpng-dev:png.h libwebp-dev:webp/demux.h \
        libtiff-dev:tiffio.h libgif-dev:gif_lib.h libstb-dev:stb/stb_image.h \
        zlib1g-dev:zlib.h; do
        has_headers "${pair#*:}" || missing+=("${pair%%:*}")
    done
    if can_install; then
        command -v pkg-config >/dev/null || missing+=(pkg-config)
        apt_install "${missing[@]}" && return
        fail "apt-get could not install ${missing[*]} (its message is above)"
    fi
    case " ${missing[*]} " in *" g++ "*) fail "the C++ standard library's headers are missing" \
        "Install g++ with your package manager." ;; esac
    unpack_codecs
}

unpack_codecs() { # without root: the archives and headers of the codecs into the cache
    local package libraries
    # Named after what it holds: an older set-up's knew fewer codecs.
    [ ! -e "$codecs/complete-6" ] || return 0
    say "fetching the codec libraries into $codecs (no root here)"
    rm -rf "$codecs"
    for package in "$(jpeg_package)" libpng-dev libwebp-dev libtiff-dev libgif-dev \
        libstb-dev zlib1g-dev; do
        apt_unpack "$package" "$codecs" || fail "apt-get could not fetch $package" \
            "Ask your administrator to install libjpeg-dev, libpng-dev, libwebp-dev, libtiff-dev," \
            "libgif-dev, libstb-dev and zlib1g-dev."
    done
    # What a static libtiff and libwebp need in turn; not every release has and needs each.
    for package in libdeflate-dev libzstd-dev liblzma-dev liblerc-dev libsharpyuv-dev; do
        apt_unpack "$package" "$codecs" 2>/dev/null || true
    done
    libraries=$(dirname "$(find "$codecs/usr/lib" -name libz.a -print -quit)")
    "$root/scripts/static-codecs" "$codecs/usr/include" "$libraries" "$codecs"
    touch "$codecs/complete-6"
}

jpeg_package() { # libjpeg-dev is a name for one of these
    if grep -qi ubuntu /etc/os-release; then echo libjpeg-turbo8-dev; else echo libjpeg62-turbo-dev; fi
}

has_headers() { # HEADER...: does the toolchain's C++ compiler see them?
    { echo '#include <cstdio>'; printf '#include <%s>\n' "$@"; } |
        clang++ -fsyntax-only -x c++ - >/dev/null 2>&1
}

install_dataset() {
    [ ! -d "$dataset" ] || return 0
    local work=$cache/datasets/.fashion-mnist
    say "Fashion-MNIST (70,000 pictures, 31 MB), into $dataset"
    rm -rf "$work"
    apt_unpack dataset-fashion-mnist "$work" ||
        fail "apt-get could not fetch the package dataset-fashion-mnist (its message is above)" \
            "Debian 11+ and Ubuntu 20.04+ (universe) have it. Without it, put its four files" \
            "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz," \
            "t10k-labels-idx1-ubyte.gz into $dataset"
    (cd "$work/usr/share/datasets/fashion-mnist" && for file in *.gz; do
        echo "$(zcat "$file" | sha256sum | cut -d' ' -f1)  ${file%.gz}"
    done) | LC_ALL=C sort -k2 | diff - "$root/scripts/fashion-mnist.sha256" >&2 ||
        fail "the pictures in dataset-fashion-mnist are not the published ones"
    mv -T "$work/usr/share/datasets/fashion-mnist" "$dataset"
    rm -rf "$work"
}
