// The two inner loops of resampling. They are in C because one build must use AVX2 or AVX-512
// where the machine has it, and Swift has no per-function choice of instructions.
#include "ccodecs.h"

#include <string.h>

#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__)
#define FOR_EVERY_MACHINE __attribute__((target_clones("default", "avx2", "arch=x86-64-v4")))
#else
#define FOR_EVERY_MACHINE
#endif

enum { BITS = 22, HALF = 1 << (BITS - 1), BLOCK = 32 };

typedef uint8_t bytes8 __attribute__((vector_size(8)));
typedef int32_t ints8 __attribute__((vector_size(32)));
typedef uint8_t block_u8 __attribute__((vector_size(BLOCK)));
typedef int32_t block_i32 __attribute__((vector_size(BLOCK * 4)));

static inline uint8_t clip(int32_t sum) {
    int32_t value = sum >> BITS;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/// Two rows of three channels: lanes 0-2 are a pixel of the first, 4-6 one of the second.
FOR_EVERY_MACHINE
static void rgb_row_pair(
    const uint8_t *a, const uint8_t *b, uint8_t *out_a, uint8_t *out_b, cc_axis axis) {
    for (int32_t x = 0; x < axis.outputs; x++) {
        const int32_t *weights = axis.weights + (size_t)x * (size_t)axis.taps;
        size_t offset = (size_t)axis.starts[x] * 3;
        const uint8_t *pa = a + offset, *pb = b + offset;
        ints8 sum = {HALF, HALF, HALF, 0, HALF, HALF, HALF, 0};
        for (int32_t t = 0; t < axis.counts[x]; t++, pa += 3, pb += 3) {
            bytes8 pixels;
            memcpy(&pixels, pa, 4);
            memcpy((char *)&pixels + 4, pb, 4);
            sum += __builtin_convertvector(pixels, ints8) * weights[t];
        }
        for (int c = 0; c < 3; c++) {
            out_a[x * 3 + c] = clip(sum[c]);
            out_b[x * 3 + c] = clip(sum[c + 4]);
        }
    }
}

static void any_row(const uint8_t *row, uint8_t *out, int32_t channels, cc_axis axis) {
    for (int32_t x = 0; x < axis.outputs; x++) {
        const int32_t *weights = axis.weights + (size_t)x * (size_t)axis.taps;
        const uint8_t *first = row + (size_t)axis.starts[x] * (size_t)channels;
        for (int32_t c = 0; c < channels; c++) {
            int32_t sum = HALF;
            for (int32_t t = 0; t < axis.counts[x]; t++) sum += first[t * channels + c] * weights[t];
            out[x * channels + c] = clip(sum);
        }
    }
}

void cc_resample_horizontal(
    const uint8_t *src, size_t src_stride, uint8_t *dst, size_t dst_stride, int32_t rows,
    int32_t channels, cc_axis axis) {
    int32_t y = 0;
    if (channels == 3)
        for (; y + 1 < rows; y += 2)
            rgb_row_pair(
                src + (size_t)y * src_stride, src + (size_t)(y + 1) * src_stride,
                dst + (size_t)y * dst_stride, dst + (size_t)(y + 1) * dst_stride, axis);
    for (; y < rows; y++)
        any_row(src + (size_t)y * src_stride, dst + (size_t)y * dst_stride, channels, axis);
}

FOR_EVERY_MACHINE
static void column_sums(
    const uint8_t *first, size_t stride, uint8_t *out, size_t row_bytes, const int32_t *weights,
    int32_t count) {
    size_t x = 0;
    for (; x + BLOCK <= row_bytes; x += BLOCK) {
        block_i32 sum;
        for (int i = 0; i < BLOCK; i++) sum[i] = HALF;
        for (int32_t t = 0; t < count; t++) {
            block_u8 pixels;
            memcpy(&pixels, first + (size_t)t * stride + x, BLOCK);
            sum += __builtin_convertvector(pixels, block_i32) * weights[t];
        }
        sum >>= BITS;
        sum &= ~(sum < 0);
        block_i32 high = sum > 255;
        sum = (sum & ~high) | (high & 255);
        block_u8 result = __builtin_convertvector(sum, block_u8);
        memcpy(out + x, &result, BLOCK);
    }
    for (; x < row_bytes; x++) {
        int32_t sum = HALF;
        for (int32_t t = 0; t < count; t++) sum += first[(size_t)t * stride + x] * weights[t];
        out[x] = clip(sum);
    }
}

void cc_resample_vertical(
    const uint8_t *src, size_t src_stride, uint8_t *dst, size_t dst_stride, size_t row_bytes,
    cc_axis axis) {
    for (int32_t y = 0; y < axis.outputs; y++)
        column_sums(
            src + (size_t)axis.starts[y] * src_stride, src_stride, dst + (size_t)y * dst_stride,
            row_bytes, axis.weights + (size_t)y * (size_t)axis.taps, axis.counts[y]);
}
