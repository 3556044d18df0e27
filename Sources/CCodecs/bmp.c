#include "codec.h"

#include <stdlib.h>

// One header holds the library; of its formats only BMP is compiled.
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_NO_SIMD
#define STBI_ASSERT(condition) ((void)(condition))
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunused-function"
#include <stb/stb_image.h>
#pragma clang diagnostic pop

/// The file as stb_image reads it. It takes the number of colours from where the pixels begin, and
/// colours that are missing from memory it never filled: so the palette is given its full length.
typedef struct {
    uint8_t head[14];    // with another offset of the pixels
    const uint8_t *bytes;
    size_t count;
    size_t palette_end;  // here zeros begin, as long as
    size_t pixels;       // the pixels are to begin here,
    size_t offset;       // which lie here in the file
    size_t at;
    int ended;
} bmp_source;

static uint32_t little(const uint8_t *bytes, int size) {
    uint32_t value = 0;
    for (int i = 0; i < size; i++) value |= (uint32_t)bytes[i] << 8 * i;
    return value;
}

static int bmp_take(void *user, char *into, int count) {
    bmp_source *source = user;
    int done = 0;
    for (; done < count; done++, source->at++) {
        size_t at = source->at;
        uint8_t byte = 0;
        if (at < sizeof source->head) byte = source->head[at];
        else if (at < source->palette_end || at >= source->pixels) {
            if (at >= source->pixels) at = at - source->pixels + source->offset;
            if (at >= source->count) break;
            byte = source->bytes[at];
        }
        into[done] = (char)byte;
    }
    if (count > 0 && done == 0) source->ended = 1;
    return done;
}

static void bmp_skip(void *user, int count) {
    bmp_source *source = user;
    if (count > 0) source->at += (size_t)count;
}

static int bmp_is_over(void *user) {
    bmp_source *source = user;
    return source->at >= source->pixels &&
        source->at - source->pixels + source->offset >= source->count;
}

static const stbi_io_callbacks callbacks = {bmp_take, bmp_skip, bmp_is_over};

static int32_t bmp_open(const uint8_t *bytes, size_t count, bmp_source *source, cc_report *report) {
    start(report);
    if (count < 30) return finish(report, CC_TRUNCATED, "the data end within the header");
    memset(source, 0, sizeof *source);
    memcpy(source->head, bytes, sizeof source->head);
    source->bytes = bytes;
    source->count = count;
    source->offset = source->pixels = source->palette_end = little(bytes + 10, 4);
    size_t head = little(bytes + 14, 4), bits = little(bytes + (head == 12 ? 24 : 28), 2);
    if (bits > 8 || head > 124) return CC_OK;
    size_t colours = (size_t)1 << bits, end = 14 + head + colours * (head == 12 ? 3 : 4);
    if (source->offset < 14 + head)
        return finish(report, CC_CORRUPT, "the pixels begin within the header");
    source->palette_end = end < source->offset ? end : source->offset;
    // stb_image counts 12 bytes too few for the palette of the oldest header.
    source->pixels = end + (head == 12 ? 12 : 0);
    for (int i = 0; i < 4; i++) source->head[10 + i] = (uint8_t)(source->pixels >> 8 * i);
    return CC_OK;
}

static int32_t bmp_fail(const bmp_source *source, cc_report *report) {
    const char *reason = stbi_failure_reason();
    if (!reason) reason = "damaged BMP data";
    if (source->ended) return finish(report, CC_TRUNCATED, "the data end before the picture does");
    if (strstr(reason, "RLE") || strstr(reason, "JPEG/PNG") || strstr(reason, "unknown"))
        return finish(report, CC_UNSUPPORTED, "a kind of BMP that is not read (compressed, or rare)");
    if (strcmp(reason, "outofmem") == 0) return finish(report, CC_MEMORY, "out of memory");
    return finish(report, strcmp(reason, "too large") == 0 ? CC_LIMIT : CC_CORRUPT, reason);
}

int32_t cc_bmp_header(
    const uint8_t *bytes, size_t count, const cc_options *options, cc_header *header,
    cc_report *report) {
    bmp_source source;
    int width, height, channels;
    if (bmp_open(bytes, count, &source, report) != CC_OK) return report->status;
    if (!stbi_info_from_callbacks(&callbacks, &source, &width, &height, &channels))
        return bmp_fail(&source, report);
    size_t head = little(bytes + 14, 4);
    header->width = width;
    header->height = height < 0 ? -(int64_t)height : height;  // rows from top to bottom
    int bits = (int)little(bytes + (head == 12 ? 24 : 28), 2);
    // A fourth byte is alpha where a mask says so; else it is nothing, whatever it holds.
    header->has_alpha = bits == 32 && head >= 56 && count >= 70 && little(bytes + 30, 4) >= 3 &&
        little(bytes + 66, 4) != 0;
    header->channels = options->stored && header->has_alpha ? 4 : 3;
    header->bit_depth = bits < 8 ? bits : 8;
    header->model = bits <= 8 ? CC_PALETTE : CC_RGB;
    header->orientation = 1;
    header->has_more = 0;
    return CC_OK;
}

int32_t cc_bmp_decode(
    const uint8_t *bytes, size_t count, const cc_options *options, uint8_t *out, size_t capacity,
    cc_report *report) {
    bmp_source source;
    cc_header header;
    int width, height, channels;
    if (cc_bmp_header(bytes, count, options, &header, report) != CC_OK) return report->status;
    if (!fits(&header, capacity))
        return finish(report, CC_LIMIT, "the header changed between two readings");
    if (bmp_open(bytes, count, &source, report) != CC_OK) return report->status;
    stbi_uc *pixels = stbi_load_from_callbacks(
        &callbacks, &source, &width, &height, &channels, header.channels);
    if (!pixels) return bmp_fail(&source, report);
    if (width != header.width || height != header.height) {
        stbi_image_free(pixels);
        return finish(report, CC_LIMIT, "the header changed between two readings");
    }
    memcpy(out, pixels, (size_t)width * (size_t)height * (size_t)header.channels);
    stbi_image_free(pixels);
    if (source.ended) return finish(report, CC_TRUNCATED, "the data end before the picture does");
    return CC_OK;
}
