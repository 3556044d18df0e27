// Inner loops of picture operations. They are in C because one build must use AVX2 or AVX-512
// where the machine has it, and Swift has no per-function choice of instructions.
#include "photometric.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__)
#define FOR_EVERY_MACHINE __attribute__((target_clones("default", "avx2", "arch=x86-64-v4")))
#else
#define FOR_EVERY_MACHINE
#endif

// A fused multiply-add rounds once where Pillow rounds twice.
#pragma STDC FP_CONTRACT OFF

#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum { BLOCK = 64 };

#if defined(__x86_64__)
/// As many whole vectors as there are, by one table; returns the bytes that are done.
__attribute__((target("avx512f,avx512bw,avx512vbmi")))
static size_t lookup_vectors(uint8_t *bytes, size_t count, const uint8_t *table) {
    __m512i quarter[4];
    for (int i = 0; i < 4; i++) quarter[i] = _mm512_loadu_si512(table + 64 * i);
    size_t done = 0;
    for (; done + 64 <= count; done += 64) {
        // A permutation of two quarters sees seven bits; the eighth says which two.
        __m512i at = _mm512_loadu_si512(bytes + done);
        __m512i found = _mm512_mask_blend_epi8(
            _mm512_movepi8_mask(at), _mm512_permutex2var_epi8(quarter[0], at, quarter[1]),
            _mm512_permutex2var_epi8(quarter[2], at, quarter[3]));
        _mm512_storeu_si512(bytes + done, found);
    }
    return done;
}

static int has_equal_tables(const uint8_t *tables, int32_t channels) {
    for (int32_t c = 1; c < channels; c++)
        if (memcmp(tables, tables + c * 256, 256)) return 0;
    return 1;
}
#endif

void cc_lookup(uint8_t *pixels, size_t count, int32_t channels, const uint8_t *tables) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512bw") &&
        has_equal_tables(tables, channels)) {
        size_t bytes = count * (size_t)channels, done = lookup_vectors(pixels, bytes, tables);
        for (; done < bytes; done++) pixels[done] = tables[pixels[done]];
        return;
    }
#endif
    if (channels == 3) {
        const uint8_t *red = tables, *green = tables + 256, *blue = tables + 512;
        for (size_t i = 0; i < count; i++, pixels += 3) {
            pixels[0] = red[pixels[0]];
            pixels[1] = green[pixels[1]];
            pixels[2] = blue[pixels[2]];
        }
        return;
    }
    for (size_t i = 0; i < count; i++)
        for (int32_t c = 0; c < channels; c++, pixels++) *pixels = tables[c * 256 + *pixels];
}

void cc_histograms(const uint8_t *pixels, size_t count, int32_t channels, uint32_t *counts) {
    for (size_t i = 0; i < count; i++)
        for (int32_t c = 0; c < channels; c++, pixels++) counts[c * 256 + *pixels]++;
}

// MARK: Luma

ALWAYS_INLINE uint32_t luma(uint32_t r, uint32_t g, uint32_t b) {
    return (19595 * r + 38470 * g + 7471 * b + 0x8000) >> 16;
}

FOR_EVERY_MACHINE
uint64_t cc_luma_sum(const uint8_t *rgb, size_t count) {
    uint64_t sum = 0;
    while (count > 0) {
        // A part whose sum fits 32 bits.
        size_t part = count < 1 << 20 ? count : 1 << 20;
        uint32_t part_sum = 0;
        for (size_t i = 0; i < part; i++)
            part_sum += luma(rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]);
        sum += part_sum;
        rgb += 3 * part;
        count -= part;
    }
    return sum;
}

/// from + factor (to - from), cut to 0...255.
ALWAYS_INLINE uint8_t blend(int32_t from, int32_t to, float factor) {
    float value = (float)from + factor * (float)(to - from);
    value = value < 0 ? 0 : value > 255 ? 255 : value;
    return (uint8_t)(int32_t)value;
}

FOR_EVERY_MACHINE
void cc_blend_luma(uint8_t *rgb, size_t count, float factor) {
    for (size_t i = 0; i < count; i++) {
        int32_t r = rgb[3 * i], g = rgb[3 * i + 1], b = rgb[3 * i + 2];
        int32_t grey = (int32_t)luma((uint32_t)r, (uint32_t)g, (uint32_t)b);
        rgb[3 * i] = blend(grey, r, factor);
        rgb[3 * i + 1] = blend(grey, g, factor);
        rgb[3 * i + 2] = blend(grey, b, factor);
    }
}

// MARK: Hue

ALWAYS_INLINE int32_t min32(int32_t a, int32_t b) { return a < b ? a : b; }
ALWAYS_INLINE int32_t max32(int32_t a, int32_t b) { return a > b ? a : b; }

/// Without branches, so that a block is done in vector registers.
ALWAYS_INLINE void hue_of_pixel(int32_t *red, int32_t *green, int32_t *blue, int32_t shift) {
    int32_t r = *red, g = *green, b = *blue;
    int32_t high = max32(r, max32(g, b)), low = min32(r, min32(g, b));
    int32_t chroma = max32(high - low, 1);

    // The sector's end plus or minus a ratio: of the three differences from the maximum one is 0
    // and one is the chroma.
    int32_t is_red = high == r, is_green = !is_red & (high == g);
    int32_t second = is_red ? (low == b) : is_green ? (low == r) : (low == g);
    int32_t middle = is_red ? (second ? g : b) : is_green ? (second ? b : r) : (second ? r : g);
    float ratio = (float)(high - middle) / (float)chroma;
    float base = is_red ? (second ? 1.0f : -1.0f) : is_green ? (second ? 3.0f : 1.0f)
                                                             : (second ? 5.0f : 3.0f);
    float sextant = second ? base - ratio : base + ratio;
    // Pillow computes this in doubles; for all bytes floats give the same.
    float turn = sextant / 6.0f;
    turn = turn < 0 ? turn + 1.0f : turn;
    int32_t hue = (int32_t)(turn * 255.0f);
    int32_t saturation = (int32_t)((float)chroma / (float)max32(high, 1) * 255.0f);

    hue = (hue + shift) & 255;
    float sector = (float)hue * 6.0f / 255.0f;
    int32_t whole = (int32_t)sector;
    float part = sector - (float)whole, v = (float)high;
    float s = (float)saturation / 255.0f;
    int32_t p = (int32_t)(v * (1.0f - s) + 0.5f);
    int32_t q = (int32_t)(v * (1.0f - s * part) + 0.5f);
    int32_t t = (int32_t)(v * (1.0f - s * (1.0f - part)) + 0.5f);
    int32_t new_red = whole == 1 ? q : whole == 2 || whole == 3 ? p : whole == 4 ? t : high;
    int32_t new_green = whole == 0 || whole == 6 ? t : whole < 3 ? high : whole == 3 ? q : p;
    int32_t new_blue = whole < 2 || whole == 6 ? p : whole == 2 ? t : whole == 5 ? q : high;
    // Hue 255 starts the circle again: sector 6 is sector 0.
    int32_t is_grey = high == low || saturation == 0;
    *red = is_grey ? high : new_red;
    *green = is_grey ? high : new_green;
    *blue = is_grey ? high : new_blue;
}

FOR_EVERY_MACHINE
void cc_shift_hue(uint8_t *rgb, size_t count, int32_t shift) {
    for (size_t start = 0; start < count; start += BLOCK, rgb += 3 * BLOCK) {
        size_t size = count - start < BLOCK ? count - start : BLOCK;
        int32_t red[BLOCK] = {0}, green[BLOCK] = {0}, blue[BLOCK] = {0};
        for (size_t i = 0; i < size; i++) {
            red[i] = rgb[3 * i];
            green[i] = rgb[3 * i + 1];
            blue[i] = rgb[3 * i + 2];
        }
        for (size_t i = 0; i < BLOCK; i++) hue_of_pixel(&red[i], &green[i], &blue[i], shift);
        for (size_t i = 0; i < size; i++) {
            rgb[3 * i] = (uint8_t)red[i];
            rgb[3 * i + 1] = (uint8_t)green[i];
            rgb[3 * i + 2] = (uint8_t)blue[i];
        }
    }
}

// MARK: Blur

typedef uint8_t block_u8 __attribute__((vector_size(BLOCK)));
typedef uint16_t block_u16 __attribute__((vector_size(BLOCK * 2)));
typedef uint32_t block_u32 __attribute__((vector_size(BLOCK * 4)));

// Vectors go through pointers: to return one would depend on the machine's registers.
ALWAYS_INLINE void add_block(block_u16 *sum, const uint8_t *from) {
    block_u8 bytes;
    memcpy(&bytes, from, BLOCK);
    *sum += __builtin_convertvector(bytes, block_u16);
}

/// One pass over values whose neighbours are `step` apart. Reads (radius + 1) * step bytes on either
/// side; reads and writes up to a block behind the last value.
FOR_EVERY_MACHINE
static void box_pass(
    const uint8_t *src, uint8_t *dst, ptrdiff_t count, ptrdiff_t step, cc_blur_box box) {
    ptrdiff_t reach = box.radius * step;
    for (ptrdiff_t i = 0; i < count; i += BLOCK) {
        block_u16 sum = {0}, edges = {0};
        for (ptrdiff_t offset = -reach; offset <= reach; offset += step)
            add_block(&sum, src + i + offset);
        add_block(&edges, src + i - reach - step);
        add_block(&edges, src + i + reach + step);
        block_u32 value = __builtin_convertvector(sum, block_u32) * box.whole
            + __builtin_convertvector(edges, block_u32) * box.edge + (1u << 23);
        value >>= 24;
        block_u8 bytes = __builtin_convertvector(value, block_u8);
        memcpy(dst + i, &bytes, BLOCK);
    }
}

/// `passes` passes between two buffers, each with room of (radius + 1) * step bytes on either side.
///
/// Returns the buffer that holds the result, at the first value.
static uint8_t *box_passes(
    uint8_t *from, uint8_t *to, size_t count, size_t step, cc_blur_box box, int32_t passes) {
    size_t pad = (size_t)(box.radius + 1) * step;
    for (int32_t pass = 0; pass < passes; pass++) {
        uint8_t *end = from + pad + count;
        for (size_t offset = 0; offset < pad; offset += step) {
            memcpy(from + offset, from + pad, step);
            memcpy(end + offset, end - step, step);
        }
        box_pass(from + pad, to + pad, (ptrdiff_t)count, (ptrdiff_t)step, box);
        uint8_t *swap = from;
        from = to;
        to = swap;
    }
    return from + pad;
}

/// Size of one of the two buffers: a row, or a strip of columns one block wide.
static size_t buffer_size(int32_t width, int32_t height, int32_t channels, cc_blur_box box) {
    size_t margin = 2 * ((size_t)box.radius + 1);
    size_t row = ((size_t)width + margin) * (size_t)channels;
    size_t strip = ((size_t)height + margin) * BLOCK;
    return (row > strip ? row : strip) + BLOCK;
}

size_t cc_box_blur_scratch(int32_t width, int32_t height, int32_t channels, cc_blur_box box) {
    return 2 * buffer_size(width, height, channels, box);
}

void cc_box_blur(
    uint8_t *pixels, int32_t width, int32_t height, int32_t channels, cc_blur_box box, int32_t passes,
    uint8_t *scratch) {
    size_t row_bytes = (size_t)width * (size_t)channels, pad = (size_t)(box.radius + 1);
    uint8_t *first = scratch;
    uint8_t *second = scratch + buffer_size(width, height, channels, box);
    for (int32_t y = 0; y < height; y++) {
        uint8_t *row = pixels + (size_t)y * row_bytes;
        memcpy(first + pad * (size_t)channels, row, row_bytes);
        memcpy(
            row, box_passes(first, second, row_bytes, (size_t)channels, box, passes), row_bytes);
    }
    for (size_t x = 0; x < row_bytes; x += BLOCK) {
        size_t size = row_bytes - x < BLOCK ? row_bytes - x : BLOCK;
        for (size_t y = 0; y < (size_t)height; y++)
            memcpy(first + (pad + y) * BLOCK, pixels + y * row_bytes + x, size);
        const uint8_t *result =
            box_passes(first, second, (size_t)height * BLOCK, BLOCK, box, passes);
        for (size_t y = 0; y < (size_t)height; y++)
            memcpy(pixels + y * row_bytes + x, result + y * BLOCK, size);
    }
}

// MARK: Sharpness

FOR_EVERY_MACHINE
static void sharpen_row(
    const uint8_t *above, const uint8_t *row, const uint8_t *below, uint8_t *dst, ptrdiff_t count,
    ptrdiff_t step, float factor) {
    for (ptrdiff_t i = 0; i < count; i++) {
        int32_t sum = above[i - step] + above[i] + above[i + step] + row[i - step] + 5 * row[i]
            + row[i + step] + below[i - step] + below[i] + below[i + step];
        dst[i] = blend((2 * sum + 13) / 26, row[i], factor);
    }
}

void cc_sharpen(
    const uint8_t *src, uint8_t *dst, int32_t width, int32_t height, int32_t channels,
    float factor) {
    size_t stride = (size_t)width * (size_t)channels, step = (size_t)channels;
    memcpy(dst, src, stride * (size_t)height);
    if (width < 3) return;
    for (size_t y = 1; y + 1 < (size_t)height; y++) {
        const uint8_t *row = src + y * stride + step;
        sharpen_row(
            row - stride, row, row + stride, dst + y * stride + step,
            (ptrdiff_t)(stride - 2 * step), (ptrdiff_t)step, factor);
    }
}

// MARK: Affine maps

typedef double pixel __attribute__((vector_size(32)));
typedef int32_t pixel_i32 __attribute__((vector_size(16)));
typedef uint8_t pixel_u8 __attribute__((vector_size(4)));

ALWAYS_INLINE int32_t clamp(int32_t value, int32_t count) {
    return max32(0, min32(value, count - 1));
}

ALWAYS_INLINE void load_pixel(pixel *value, const uint8_t *from) {
    pixel_u8 bytes;
    memcpy(&bytes, from, 4);
    *value = __builtin_convertvector(bytes, pixel);
}

/// The whole part, cut to 0...255.
ALWAYS_INLINE void store_pixel(uint8_t *to, const pixel *value, const int32_t channels) {
    pixel_i32 whole = __builtin_convertvector(*value, pixel_i32);
    whole &= ~(whole < 0);
    pixel_i32 high = whole > 255;
    whole = (whole & ~high) | (high & 255);
    pixel_u8 bytes = __builtin_convertvector(whole, pixel_u8);
    memcpy(to, &bytes, (size_t)channels);
}

ALWAYS_INLINE void cubic_between(pixel *value, const pixel v[4], double d) {
    pixel p2 = -v[0] + v[2];
    pixel p3 = 2 * (v[0] - v[1]) + v[2] - v[3];
    pixel p4 = -v[0] + v[1] - v[2] + v[3];
    *value = v[1] + d * (p2 + d * (p3 + d * p4));
}

ALWAYS_INLINE int32_t floor_of(double value) {
    int32_t whole = (int32_t)value;
    return (double)whole > value ? whole - 1 : whole;
}

ALWAYS_INLINE void affine(
    const uint8_t *src, int32_t width, int32_t height, const int32_t channels, uint8_t *dst,
    const double *matrix, const int32_t cubic) {
    size_t stride = (size_t)width * (size_t)channels;
    for (int32_t row = 0; row < height; row++)
        for (int32_t column = 0; column < width; column++, dst += channels) {
            double cx = (double)column + 0.5, cy = (double)row + 0.5;
            double sx = matrix[0] * cx + matrix[1] * cy + matrix[2];
            double sy = matrix[3] * cx + matrix[4] * cy + matrix[5];
            // Written so that NaN lies outside.
            if (!(sx >= 0 && sx < width && sy >= 0 && sy < height)) continue;
            sx -= 0.5;
            sy -= 0.5;
            int32_t x = floor_of(sx), y = floor_of(sy);
            double dx = sx - x, dy = sy - y;
            pixel value, lines[4], line[4];
            const int32_t taps = cubic ? 4 : 2;
            size_t offsets[4];
            x -= cubic ? 1 : 0;
            y -= cubic ? 1 : 0;
            for (int32_t i = 0; i < taps; i++)
                offsets[i] = (size_t)clamp(x + i, width) * (size_t)channels;
            for (int32_t i = 0; i < taps; i++) {
                const uint8_t *from = src + (size_t)clamp(y + i, height) * stride;
                for (int32_t t = 0; t < taps; t++) load_pixel(&line[t], from + offsets[t]);
                if (cubic) cubic_between(&lines[i], line, dx);
                else lines[i] = line[0] + (line[1] - line[0]) * dx;
            }
            if (cubic) cubic_between(&value, lines, dy);
            else value = lines[0] + (lines[1] - lines[0]) * dy;
            store_pixel(dst, &value, channels);
        }
}

FOR_EVERY_MACHINE
void cc_affine(
    const uint8_t *src, int32_t width, int32_t height, int32_t channels, uint8_t *dst,
    const double *matrix, int32_t cubic) {
    // Constants, so that each case gets loops of its own.
    if (channels == 3 && cubic) affine(src, width, height, 3, dst, matrix, 1);
    else if (channels == 3) affine(src, width, height, 3, dst, matrix, 0);
    else if (cubic) affine(src, width, height, channels, dst, matrix, 1);
    else affine(src, width, height, channels, dst, matrix, 0);
}
