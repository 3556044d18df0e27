// The two inner loops of resampling. They are in C because one build must use AVX2 or AVX-512
// where the machine has it, and Swift has no per-function choice of instructions.
#include "ccodecs.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__)
#define FOR_EVERY_MACHINE __attribute__((target_clones("default", "avx2", "arch=x86-64-v4")))
#else
#define FOR_EVERY_MACHINE
#endif

enum { BITS = CC_WEIGHT_BITS, HALF = 1 << (BITS - 1), BLOCK = 32 };

typedef uint8_t bytes8 __attribute__((vector_size(8)));
typedef int32_t ints8 __attribute__((vector_size(32)));
typedef uint8_t block_u8 __attribute__((vector_size(BLOCK)));
typedef int32_t block_i32 __attribute__((vector_size(BLOCK * 4)));

#if defined(__x86_64__)
/// Where four rows from `y` on start; the last row again where there are fewer.
static inline void take_four_rows(
    const uint8_t *src, size_t src_stride, uint8_t *dst, size_t dst_stride, int32_t y,
    int32_t rows, const uint8_t **from, uint8_t **to) {
    for (int32_t r = 0; r < 4; r++) {
        size_t row = (size_t)(y + r < rows ? y + r : rows - 1);
        from[r] = src + row * src_stride;
        to[r] = dst + row * dst_stride;
    }
}
#endif

static inline uint8_t clip(int32_t sum) {
    int32_t value = sum >> BITS;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

#if defined(__x86_64__)
/// Four rows of three channels, four taps at a time.
///
/// 16-bit multiply-adds take two taps at once, so a weight w is split into w >> 11 and its lowest
/// 11 bits; the two sums are put together exactly: 2¹¹ · high + low.
__attribute__((target("avx2")))
static void rgb_four_rows_avx2(const uint8_t *const *rows, uint8_t *const *out, cc_axis axis) {
    // Of 16 bytes from a pixel on, pixels 0 and 1 (lower half) or 2 and 3 (upper half) as 16-bit
    // pairs of each channel; 0x80 gives 0.
    const __m256i spread = _mm256_setr_epi8(
        0, -128, 3, -128, 1, -128, 4, -128, 2, -128, 5, -128, -128, -128, -128, -128,
        6, -128, 9, -128, 7, -128, 10, -128, 8, -128, 11, -128, -128, -128, -128, -128);
    // Of four 32-bit weights, the lower 16 bits of 0 and 1 or of 2 and 3, four times.
    const __m256i pairs = _mm256_setr_epi8(
        0, 1, 4, 5, 0, 1, 4, 5, 0, 1, 4, 5, 0, 1, 4, 5,
        8, 9, 12, 13, 8, 9, 12, 13, 8, 9, 12, 13, 8, 9, 12, 13);
    const __m256i low_bits = _mm256_set1_epi32(2047);
    const __m256i start = _mm256_setr_epi32(HALF, HALF, HALF, 0, 0, 0, 0, 0);
    for (int32_t x = 0; x < axis.outputs; x++) {
        const int32_t *weights = axis.weights + (size_t)x * (size_t)axis.taps;
        size_t offset = (size_t)axis.starts[x] * 3;
        __m256i high[4], low[4];
        for (int r = 0; r < 4; r++) high[r] = _mm256_setzero_si256(), low[r] = start;
        for (int32_t t = 0; t < axis.counts[x]; t += 4, offset += 12) {
            __m256i w = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(weights + t)));
            __m256i w_high = _mm256_shuffle_epi8(_mm256_srai_epi32(w, 11), pairs);
            __m256i w_low = _mm256_shuffle_epi8(_mm256_and_si256(w, low_bits), pairs);
            for (int r = 0; r < 4; r++) {
                __m256i pixels = _mm256_shuffle_epi8(
                    _mm256_broadcastsi128_si256(
                        _mm_loadu_si128((const __m128i *)(rows[r] + offset))), spread);
                high[r] = _mm256_add_epi32(high[r], _mm256_madd_epi16(pixels, w_high));
                low[r] = _mm256_add_epi32(low[r], _mm256_madd_epi16(pixels, w_low));
            }
        }
        // Both halves of two rows at once: the sums of rows 0 | 1 and of rows 2 | 3.
        __m256i sums[4], halves[2];
        for (int r = 0; r < 4; r++)
            sums[r] = _mm256_add_epi32(_mm256_slli_epi32(high[r], 11), low[r]);
        for (int h = 0; h < 2; h++) {
            __m256i a = _mm256_permute2x128_si256(sums[2 * h], sums[2 * h + 1], 0x20);
            __m256i b = _mm256_permute2x128_si256(sums[2 * h], sums[2 * h + 1], 0x31);
            halves[h] = _mm256_srai_epi32(_mm256_add_epi32(a, b), BITS);
        }
        // The packing keeps halves apart: rows 0 and 2 in the lower, 1 and 3 in the upper one.
        __m256i clipped = _mm256_packs_epi32(halves[0], halves[1]);
        clipped = _mm256_packus_epi16(clipped, clipped);
        const int32_t pixels[4] = {
            _mm256_extract_epi32(clipped, 0), _mm256_extract_epi32(clipped, 4),
            _mm256_extract_epi32(clipped, 1), _mm256_extract_epi32(clipped, 5),
        };
        // A fourth byte is overwritten by the next pixel; behind the last one it is not ours.
        if (x + 1 < axis.outputs)
            for (int r = 0; r < 4; r++) memcpy(out[r] + (size_t)x * 3, &pixels[r], 4);
        else
            for (int r = 0; r < 4; r++) memcpy(out[r] + (size_t)x * 3, &pixels[r], 3);
    }
}
#endif

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
    int32_t channels, cc_axis axis, int32_t is_portable) {
    int32_t y = 0;
#if defined(__x86_64__)
    if (channels == 3 && !is_portable && __builtin_cpu_supports("avx2"))
        for (; y < rows; y += 4) {
            const uint8_t *from[4];
            uint8_t *to[4];
            take_four_rows(src, src_stride, dst, dst_stride, y, rows, from, to);
            rgb_four_rows_avx2(from, to, axis);
        }
#endif
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
