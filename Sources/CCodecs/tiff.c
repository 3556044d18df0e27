#include "codec.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>

#include <tiffio.h>

typedef struct {
    const uint8_t *bytes;
    size_t count;
    size_t at;
    int ended;  // more was asked for than is there
    cc_report *report;
} tiff_source;

// MARK: The file in memory

static tmsize_t tiff_take(thandle_t handle, void *into, tmsize_t count) {
    tiff_source *source = handle;
    size_t left = source->at < source->count ? source->count - source->at : 0;
    size_t given = (size_t)count < left ? (size_t)count : left;
    if (given < (size_t)count) source->ended = 1;
    memcpy(into, source->bytes + (left ? source->at : 0), given);
    source->at += given;
    return (tmsize_t)given;
}

static tmsize_t tiff_refuse(thandle_t handle, void *from, tmsize_t count) {
    (void)handle, (void)from, (void)count;
    return 0;
}

static toff_t tiff_seek(thandle_t handle, toff_t offset, int whence) {
    tiff_source *source = handle;
    uint64_t base = whence == SEEK_CUR ? source->at : whence == SEEK_END ? source->count : 0;
    uint64_t place = base + offset;
    if (place > SIZE_MAX / 2) return (toff_t)-1;
    source->at = (size_t)place;
    return place;
}

static int tiff_close(thandle_t handle) { return (void)handle, 0; }
static toff_t tiff_size(thandle_t handle) { return ((tiff_source *)handle)->count; }

// MARK: Errors

#if TIFFLIB_VERSION >= 20221213  // libtiff 4.5
static int tiff_note(
    TIFF *tiff, void *user, const char *module, const char *format, va_list arguments) {
    cc_report *report = user;
    (void)tiff, (void)module;
    if (!report->message[0])
        vsnprintf(report->message, sizeof report->message, format, arguments);
    return 1;
}

static int tiff_ignore(TIFF *t, void *user, const char *module, const char *format, va_list list) {
    return (void)t, (void)user, (void)module, (void)format, (void)list, 1;
}

static TIFF *tiff_client(tiff_source *source, const cc_options *options) {
    TIFFOpenOptions *settings = TIFFOpenOptionsAlloc();
    if (!settings) return NULL;
    TIFFOpenOptionsSetMaxSingleMemAlloc(settings, (tmsize_t)options->max_memory);
    TIFFOpenOptionsSetErrorHandlerExtR(settings, tiff_note, source->report);
    TIFFOpenOptionsSetWarningHandlerExtR(settings, tiff_ignore, NULL);
    TIFF *tiff = TIFFClientOpenExt(
        "picture", "rm", source, tiff_take, tiff_refuse, tiff_seek, tiff_close, tiff_size, NULL,
        NULL, settings);
    TIFFOpenOptionsFree(settings);
    return tiff;
}
#else  // without messages, whose handlers are the whole program's
static TIFF *tiff_client(tiff_source *source, const cc_options *options) {
    (void)options;
    TIFFSetErrorHandler(NULL);
    TIFFSetWarningHandler(NULL);
    return TIFFClientOpen(
        "picture", "rm", source, tiff_take, tiff_refuse, tiff_seek, tiff_close, tiff_size, NULL,
        NULL);
}
#endif

static int32_t tiff_fail(const tiff_source *source) {
    cc_report *report = source->report;
    if (source->ended) return finish(report, CC_TRUNCATED, "the data end before the picture does");
    if (!report->message[0]) return finish(report, CC_CORRUPT, "damaged TIFF data");
    report->status = CC_CORRUPT;
    return CC_CORRUPT;
}

// MARK: The layout

typedef struct {
    uint32_t width, height;
    uint16_t bits, samples, format, photometric, compression;
    int planar;      // every channel has strips or tiles of its own
    int by_library;  // libtiff turns it into RGBA
    uint32_t chunk_width, chunk_height;  // of a strip or tile
    tmsize_t chunk_bytes, row_bytes;
    uint16_t *red, *green, *blue;
    int palette_shift;
} tiff_layout;

static int32_t tiff_refuse_layout(cc_report *report, const char *what, int value) {
    snprintf(report->message, sizeof report->message, "TIFF with %s %d", what, value);
    return report->status = CC_UNSUPPORTED;
}

static int32_t tiff_palette(TIFF *tiff, tiff_layout *layout, cc_report *report) {
    if (layout->bits > 8) return tiff_refuse_layout(report, "a palette of bits", layout->bits);
    if (!TIFFGetField(tiff, TIFFTAG_COLORMAP, &layout->red, &layout->green, &layout->blue))
        return finish(report, CC_CORRUPT, "the palette is missing");
    // Colours have 16 bits, but some programs wrote 8.
    for (int i = 0; i < 1 << layout->bits; i++)
        if (layout->red[i] > 255 || layout->green[i] > 255 || layout->blue[i] > 255)
            layout->palette_shift = 8;
    return CC_OK;
}

/// Whether samples are 8 bits or fewer, or 16 bits of which the upper half is shown, or have a range.
static int32_t tiff_check_samples(
    const tiff_layout *layout, const cc_options *options, cc_report *report) {
    int bits = layout->bits, format = layout->format;
    int whole = format == SAMPLEFORMAT_UINT || format == SAMPLEFORMAT_VOID;
    if (whole && (bits == 1 || bits == 2 || bits == 4 || bits == 8 || bits == 16)) return CC_OK;
    int known = (whole && bits == 32) ||
        (format == SAMPLEFORMAT_INT && (bits == 8 || bits == 16 || bits == 32)) ||
        (format == SAMPLEFORMAT_IEEEFP && (bits == 32 || bits == 64));
    if (!known) return tiff_refuse_layout(report, "samples of an unknown kind; bits:", bits);
    if (options->has_range) return CC_OK;
    snprintf(
        report->message, sizeof report->message,
        "%d-bit %s samples need a range that says what is black and what is white", bits,
        format == SAMPLEFORMAT_IEEEFP ? "float" : "integer");
    return report->status = CC_UNSUPPORTED;
}

static int32_t tiff_chunks(TIFF *tiff, tiff_layout *layout, int64_t most, cc_report *report) {
    layout->chunk_width = layout->width;
    if (TIFFIsTiled(tiff)) {
        TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &layout->chunk_width);
        TIFFGetField(tiff, TIFFTAG_TILELENGTH, &layout->chunk_height);
        // A tile may be larger than the picture, but not without measure.
        uint64_t pixels = (uint64_t)layout->chunk_width * layout->chunk_height;
        if (pixels > 4 * (uint64_t)layout->width * layout->height + (1 << 22))
            return finish(report, CC_LIMIT, "the tiles are far larger than the picture");
        layout->chunk_bytes = TIFFTileSize(tiff);
        layout->row_bytes = TIFFTileRowSize(tiff);
    } else {
        TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &layout->chunk_height);
        if (layout->chunk_height > layout->height) layout->chunk_height = layout->height;
        layout->chunk_bytes = TIFFStripSize(tiff);
        layout->row_bytes = TIFFScanlineSize(tiff);
    }
    uint64_t row_bits =
        (uint64_t)layout->chunk_width * (layout->planar ? 1 : layout->samples) * layout->bits;
    if (layout->chunk_height == 0 || layout->chunk_width == 0 ||
        layout->row_bytes < (tmsize_t)((row_bits + 7) / 8) ||
        layout->chunk_bytes / layout->row_bytes < (tmsize_t)layout->chunk_height)
        return finish(report, CC_CORRUPT, "impossible sizes of strips or tiles");
    if (layout->chunk_bytes > most / (layout->planar ? layout->samples : 1))
        return finish(report, CC_LIMIT, "a strip or tile needs more memory than the limit");
    return CC_OK;
}

static int32_t tiff_layout_of(
    TIFF *tiff, const cc_options *options, tiff_layout *layout, cc_report *report) {
    uint16_t planar = PLANARCONFIG_CONTIG;
    memset(layout, 0, sizeof *layout);
    if (!TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &layout->width) ||
        !TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &layout->height) ||
        !TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &layout->photometric))
        return finish(report, CC_CORRUPT, "the size or the colour space is missing");
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &layout->bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &layout->samples);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &layout->format);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &layout->compression);
    layout->planar = planar == PLANARCONFIG_SEPARATE && layout->samples > 1;
    if (layout->width == 0 || layout->height == 0 || layout->width > INT_MAX ||
        layout->height > INT_MAX || layout->samples == 0)
        return finish(report, CC_CORRUPT, "the size is impossible");
    // Old-style JPEG is ill-defined. JBIG is in the system's libtiff but not in our own archives,
    // because its library is under the GPL, and a picture is to be one in every build or in none.
    if (layout->compression == COMPRESSION_OJPEG || layout->compression == COMPRESSION_JBIG ||
        !TIFFIsCODECConfigured(layout->compression))
        return tiff_refuse_layout(report, "compression", layout->compression);
    // Bounds what damaged or hostile files can make us compute, too.
    uint64_t sample_bytes = layout->bits > 8 ? layout->bits / 8 : 1;
    if ((uint64_t)layout->width * layout->height >
        (uint64_t)options->max_memory / sample_bytes / layout->samples)
        return finish(report, CC_LIMIT, "the samples need more memory than the limit");
    int32_t status = tiff_check_samples(layout, options, report);
    if (status != CC_OK) return status;
    int least = 1;
    switch (layout->photometric) {
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_MINISWHITE: break;
    case PHOTOMETRIC_RGB: least = 3; break;
    case PHOTOMETRIC_SEPARATED: least = 4; break;
    case PHOTOMETRIC_PALETTE: status = tiff_palette(tiff, layout, report); break;
    case PHOTOMETRIC_YCBCR:
        least = 3;
        if (layout->bits != 8) return tiff_refuse_layout(report, "YCbCr of bits", layout->bits);
        if (layout->compression == COMPRESSION_JPEG && !layout->planar) {
            TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
            layout->photometric = PHOTOMETRIC_RGB;
        } else {
            layout->by_library = 1;
        }
        break;
    default: return tiff_refuse_layout(report, "the colour space", layout->photometric);
    }
    if (status != CC_OK) return status;
    if (layout->samples < least) return finish(report, CC_CORRUPT, "too few channels");
    return layout->by_library ? CC_OK : tiff_chunks(tiff, layout, options->max_memory, report);
}

static int tiff_channels(const tiff_layout *layout, const cc_options *options) {
    switch (layout->photometric) {
    case PHOTOMETRIC_PALETTE:
    case PHOTOMETRIC_YCBCR: return 3;
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_MINISWHITE: return options->stored ? layout->samples : 1;
    default: return options->stored ? layout->samples : 3;
    }
}

int32_t cc_tiff_header(
    const uint8_t *bytes, size_t count, const cc_options *options, cc_header *header,
    cc_report *report) {
    tiff_source source = {bytes, count, 0, 0, report};
    tiff_layout layout;
    uint16_t orientation = 1, extras = 0, *kinds = NULL;
    start(report);
    TIFF *tiff = tiff_client(&source, options);
    if (!tiff) return tiff_fail(&source);
    int32_t status = tiff_layout_of(tiff, options, &layout, report);
    if (status == CC_OK) {
        static const int models[] = {CC_GREY, CC_GREY, CC_RGB, CC_PALETTE, CC_OTHER, CC_CMYK, CC_RGB};
        header->width = layout.width;
        header->height = layout.height;
        header->channels = tiff_channels(&layout, options);
        header->bit_depth = layout.bits;
        header->model = models[layout.photometric];
        TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &orientation);
        header->orientation = orientation >= 1 && orientation <= 8 ? orientation : 1;
        TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &extras, &kinds);
        header->has_alpha = 0;
        for (int i = 0; i < extras; i++)
            if (kinds[i] != EXTRASAMPLE_UNSPECIFIED) header->has_alpha = 1;
        header->has_more = !TIFFLastDirectory(tiff);
        start(report);  // libtiff reports also what does not matter
    }
    TIFFClose(tiff);
    return status;
}

// MARK: Pixels

/// Sample number `i` of a row.
static double tiff_number(const uint8_t *row, size_t i, const tiff_layout *layout) {
    union { uint8_t b[8]; int8_t i8; int16_t i16; uint16_t u16; int32_t i32; uint32_t u32; float f; double d; } v;
    size_t size = layout->bits / 8;
    memcpy(v.b, row + i * size, size);
    if (layout->format == SAMPLEFORMAT_IEEEFP) return size == 4 ? (double)v.f : v.d;
    if (layout->format == SAMPLEFORMAT_INT) return size == 1 ? v.i8 : size == 2 ? v.i16 : v.i32;
    return size == 2 ? v.u16 : v.u32;
}

static uint8_t tiff_sample(
    const uint8_t *row, size_t i, const tiff_layout *layout, const cc_options *options) {
    int bits = layout->bits;
    if (bits == 8 && layout->format != SAMPLEFORMAT_INT) return row[i];
    if (bits < 8) {
        int value = row[i * (size_t)bits / 8] >> (8 - bits - (int)(i * (size_t)bits % 8));
        value &= (1 << bits) - 1;
        int is_index = layout->photometric == PHOTOMETRIC_PALETTE;
        return (uint8_t)(is_index ? value : value * 255 / ((1 << bits) - 1));
    }
    if (options->has_range) return ranged(tiff_number(row, i, layout), options);
    uint16_t value;
    memcpy(&value, row + 2 * i, 2);
    return (uint8_t)(value >> 8);
}

/// One pixel of `samples` bytes to `channels` bytes.
static void tiff_pixel(
    const uint8_t *samples, int channels, const tiff_layout *layout, const cc_options *options,
    uint8_t *out) {
    if (layout->photometric == PHOTOMETRIC_PALETTE) {
        out[0] = (uint8_t)(layout->red[samples[0]] >> layout->palette_shift);
        out[1] = (uint8_t)(layout->green[samples[0]] >> layout->palette_shift);
        out[2] = (uint8_t)(layout->blue[samples[0]] >> layout->palette_shift);
    } else if (layout->photometric == PHOTOMETRIC_SEPARATED && !options->stored) {
        int light = 255 - samples[3];
        for (int c = 0; c < 3; c++) out[c] = (uint8_t)(light - scaled(samples[c], light));
    } else {
        memcpy(out, samples, (size_t)channels);
        if (layout->photometric == PHOTOMETRIC_MINISWHITE) out[0] = (uint8_t)~out[0];
    }
}

/// The part of a strip or tile that lies in the picture.
static void tiff_place(
    const uint8_t *chunk, uint32_t left, uint32_t top, int channels, const tiff_layout *layout,
    const cc_options *options, uint8_t *pixel, uint8_t *out) {
    uint32_t right = layout->width - left, bottom = layout->height - top;
    if (right > layout->chunk_width) right = layout->chunk_width;
    if (bottom > layout->chunk_height) bottom = layout->chunk_height;
    size_t step = layout->planar ? 1 : layout->samples;
    int plain = layout->bits == 8 && layout->format != SAMPLEFORMAT_INT && !layout->planar &&
        (int)layout->samples == channels &&
        (layout->photometric == PHOTOMETRIC_RGB || layout->photometric == PHOTOMETRIC_MINISBLACK);
    for (uint32_t y = 0; y < bottom; y++) {
        const uint8_t *row = chunk + (size_t)layout->row_bytes * y;
        uint8_t *to = out + ((size_t)(top + y) * layout->width + left) * (size_t)channels;
        if (plain) {
            memcpy(to, row, (size_t)right * (size_t)channels);
            continue;
        }
        for (size_t x = 0; x < right; x++, to += channels) {
            for (size_t s = 0; s < layout->samples; s++)
                pixel[s] = layout->planar
                    ? tiff_sample(row + (size_t)layout->chunk_bytes * s, x, layout, options)
                    : tiff_sample(row, x * step + s, layout, options);
            tiff_pixel(pixel, channels, layout, options, to);
        }
    }
}

/// Reads one strip or tile, of every plane; 0 if it cannot be read whole.
static int tiff_chunk(
    TIFF *tiff, const tiff_layout *layout, uint32_t left, uint32_t top, uint8_t *chunk) {
    uint32_t rows = layout->height - top;
    if (rows > layout->chunk_height || TIFFIsTiled(tiff)) rows = layout->chunk_height;
    tmsize_t wanted = layout->row_bytes * (tmsize_t)rows;
    for (uint16_t plane = 0; plane < (layout->planar ? layout->samples : 1); plane++) {
        uint8_t *into = chunk + (size_t)layout->chunk_bytes * plane;
        tmsize_t got = TIFFIsTiled(tiff)
            ? TIFFReadEncodedTile(
                  tiff, TIFFComputeTile(tiff, left, top, 0, plane), into, layout->chunk_bytes)
            : TIFFReadEncodedStrip(tiff, TIFFComputeStrip(tiff, top, plane), into, wanted);
        if (got < wanted) return 0;
    }
    return 1;
}

static int32_t tiff_chunks_to_pixels(
    TIFF *tiff, const tiff_layout *layout, const tiff_source *source, const cc_options *options,
    uint8_t *out) {
    int channels = tiff_channels(layout, options);
    uint8_t *chunk = calloc(layout->planar ? layout->samples : 1, (size_t)layout->chunk_bytes);
    uint8_t *pixel = malloc((size_t)layout->samples + 4);
    int32_t status = chunk && pixel ? CC_OK : finish(source->report, CC_MEMORY, "out of memory");
    for (uint64_t top = 0; top < layout->height && status == CC_OK; top += layout->chunk_height)
        for (uint64_t left = 0; left < layout->width && status == CC_OK;
             left += layout->chunk_width) {
            uint32_t x = (uint32_t)left, y = (uint32_t)top;
            if (tiff_chunk(tiff, layout, x, y, chunk))
                tiff_place(chunk, x, y, channels, layout, options, pixel, out);
            else if (!source->ended || !options->accepts_truncated)
                status = tiff_fail(source);
        }
    free(chunk);
    free(pixel);
    return status == CC_OK && source->ended ? tiff_fail(source) : status;
}

static int32_t tiff_rgba_to_pixels(
    TIFF *tiff, const tiff_layout *layout, const tiff_source *source, const cc_options *options,
    uint8_t *out) {
    size_t pixels = (size_t)layout->width * layout->height;
    cc_report *report = source->report;
    if (pixels > (size_t)options->max_memory / 4)
        return finish(report, CC_LIMIT, "the picture needs more memory than the limit");
    uint32_t *raster = calloc(pixels, 4);
    if (!raster) return finish(report, CC_MEMORY, "out of memory");
    TIFFSetField(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);  // rows as they are stored
    int whole = TIFFReadRGBAImageOriented(
        tiff, layout->width, layout->height, raster, ORIENTATION_TOPLEFT,
        !options->accepts_truncated);
    for (size_t i = 0; i < pixels; i++, out += 3) {
        out[0] = (uint8_t)TIFFGetR(raster[i]);
        out[1] = (uint8_t)TIFFGetG(raster[i]);
        out[2] = (uint8_t)TIFFGetB(raster[i]);
    }
    free(raster);
    return whole && !source->ended ? CC_OK : tiff_fail(source);
}

int32_t cc_tiff_decode(
    const uint8_t *bytes, size_t count, const cc_options *options, uint8_t *out, size_t capacity,
    cc_report *report) {
    tiff_source source = {bytes, count, 0, 0, report};
    tiff_layout layout;
    start(report);
    TIFF *tiff = tiff_client(&source, options);
    if (!tiff) return tiff_fail(&source);
    source.ended = 0;
    int32_t status = tiff_layout_of(tiff, options, &layout, report);
    cc_header header = {.width = layout.width, .height = layout.height};
    if (status == CC_OK) {
        header.channels = tiff_channels(&layout, options);
        if (!fits(&header, capacity))
            status = finish(report, CC_LIMIT, "the header changed between two readings");
    }
    if (status == CC_OK && options->accepts_truncated) memset(out, 0, capacity);
    if (status == CC_OK)
        status = layout.by_library ? tiff_rgba_to_pixels(tiff, &layout, &source, options, out)
                                   : tiff_chunks_to_pixels(tiff, &layout, &source, options, out);
    TIFFClose(tiff);
    if (status == CC_OK) start(report);
    return status;
}
