// Both passes over an RGB picture where the machine multiplies bytes, four at a time and with the sum
// (AVX-512 VNNI). The picture is laid out so that every product counts: first a vector holds four
// neighbouring pixels of one channel in each of 16 rows, and a weight is the same for all of it; the
// sums lie as columns of 16 rows, of which the second pass takes four at a time.
#include "ccodecs.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#define WIDE __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")))

enum { ROWS = 16, PIXELS = 4, VECTOR = 64, DIGITS = 3 };

// MARK: Weights

/// The weights of an axis in bytes. A weight w is 2¹⁶ · d2 + 2⁸ · d1 + d0 with digits from -128 to
/// 127; a group of inputs, which starts at a multiple of its size, has its digits d0, then d1, then
/// d2. The groups of an output follow those of the one before.
typedef struct {
    int8_t *digits;
    int32_t group;  // inputs of a group
    int32_t first;  // the first group of all
    int32_t count;  // from there to the last
} byte_weights;

static inline int32_t groups_of(cc_axis axis, int32_t output, int32_t group) {
    return (axis.starts[output] % group + axis.counts[output] + group - 1) / group;
}

/// 0 where a weight has no such digits or memory is short.
static int split_weights(cc_axis axis, int32_t group, byte_weights *out) {
    size_t groups = 0;
    int32_t first = INT32_MAX, end = 0;
    for (int32_t i = 0; i < axis.outputs; i++) {
        int32_t start = axis.starts[i] / group, count = groups_of(axis, i, group);
        groups += (size_t)count;
        if (start < first) first = start;
        if (start + count > end) end = start + count;
    }
    int8_t *digits = calloc(groups, (size_t)(DIGITS * group));
    *out = (byte_weights){digits, group, first, end - first};
    if (!digits) return 0;
    int32_t rest = 0;  // what has no digits
    for (int32_t i = 0; i < axis.outputs; i++) {
        const int32_t *weights = axis.weights + (size_t)i * (size_t)axis.taps;
        int32_t place = axis.starts[i] % group;
        int8_t *digit = digits + place;
        for (int32_t t = 0; t < axis.counts[i]; t++, digit++, place++) {
            if (place == group) place = 0, digit += (DIGITS - 1) * group;
            int32_t weight = weights[t];
            for (int d = 0; d < DIGITS; d++) {
                digit[d * group] = (int8_t)weight;
                weight = (weight - (int8_t)weight) >> 8;
            }
            rest |= weight;
        }
        digits += groups_of(axis, i, group) * DIGITS * group;
    }
    if (rest) free(out->digits);
    return !rest;
}

/// 2¹⁶ · sums[2] + 2⁸ · sums[1] + sums[0].
WIDE static inline __m512i joined(const __m512i *sums) {
    return _mm512_add_epi32(
        _mm512_add_epi32(sums[0], _mm512_slli_epi32(sums[1], 8)), _mm512_slli_epi32(sums[2], 16));
}

/// Rounded sums that began with a half, cut to 0...255.
WIDE static inline __m128i bytes_of(__m512i sum) {
    return _mm512_cvtusepi32_epi8(
        _mm512_max_epi32(_mm512_srai_epi32(sum, CC_WEIGHT_BITS), _mm512_setzero_si512()));
}

// MARK: The horizontal pass

/// Lays out groups of pixels of 16 rows: a vector a channel, 4 pixels of row 0 first.
WIDE static void lay_out(const uint8_t *const *rows, size_t groups, uint8_t *out) {
    const __m512i by_channel = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11, 0, 0, 0, 0));
    for (size_t at = 0; at < groups * 3 * PIXELS; at += 3 * PIXELS, out += 3 * VECTOR) {
        // Rows r, r + 4, r + 8 and r + 12.
        __m512i four[4];
        for (int r = 0; r < 4; r++) {
            __m128i quarter[4];
            for (int q = 0; q < 4; q++)
                quarter[q] = _mm_loadu_si128((const __m128i *)(rows[r + 4 * q] + at));
            __m512i v = _mm512_castsi128_si512(quarter[0]);
            v = _mm512_mask_broadcast_i32x4(v, 0x00F0, quarter[1]);
            v = _mm512_mask_broadcast_i32x4(v, 0x0F00, quarter[2]);
            v = _mm512_mask_broadcast_i32x4(v, 0xF000, quarter[3]);
            four[r] = _mm512_shuffle_epi8(v, by_channel);
        }
        __m512i a = _mm512_unpacklo_epi32(four[0], four[1]);
        __m512i b = _mm512_unpacklo_epi32(four[2], four[3]);
        _mm512_store_si512(out, _mm512_unpacklo_epi64(a, b));
        _mm512_store_si512(out + VECTOR, _mm512_unpackhi_epi64(a, b));
        a = _mm512_unpackhi_epi32(four[0], four[1]);
        b = _mm512_unpackhi_epi32(four[2], four[3]);
        _mm512_store_si512(out + 2 * VECTOR, _mm512_unpacklo_epi64(a, b));
    }
}

/// All outputs of 16 rows: a column of 16 bytes for each channel of each output.
WIDE static void sum_rows(
    const uint8_t *pixels, cc_axis axis, byte_weights weights, uint8_t *out) {
    const __m512i half = _mm512_set1_epi32(1 << (CC_WEIGHT_BITS - 1));
    const int8_t *digits = weights.digits;
    for (int32_t x = 0; x < axis.outputs; x++, out += 3 * ROWS) {
        const uint8_t *from =
            pixels + (size_t)(axis.starts[x] / PIXELS - weights.first) * 3 * VECTOR;
        __m512i sums[3][DIGITS];
        for (int c = 0; c < 3; c++)
            sums[c][0] = half, sums[c][1] = sums[c][2] = _mm512_setzero_si512();
        for (int32_t g = groups_of(axis, x, PIXELS); g > 0; g--, from += 3 * VECTOR)
            for (int d = 0; d < DIGITS; d++, digits += PIXELS) {
                int32_t four;
                memcpy(&four, digits, sizeof four);
                __m512i digit = _mm512_set1_epi32(four);
                for (int c = 0; c < 3; c++)
                    sums[c][d] = _mm512_dpbusd_epi32(
                        sums[c][d], _mm512_load_si512(from + c * VECTOR), digit);
            }
        for (int c = 0; c < 3; c++)
            _mm_store_si128((__m128i *)(out + c * ROWS), bytes_of(joined(sums[c])));
    }
}

// MARK: The vertical pass

/// One output of 16 columns, of which each vector holds four: four rows side by side are one
/// product, and the four products of a column are added at the end.
WIDE static __m128i sum_columns(
    const uint8_t *columns, size_t stride, const int8_t *digits, int32_t groups) {
    __m512i sums[4][DIGITS];
    for (int i = 0; i < 4; i++)
        for (int d = 0; d < DIGITS; d++) sums[i][d] = _mm512_setzero_si512();
    for (; groups > 0; groups--, columns += stride)
        for (int d = 0; d < DIGITS; d++, digits += ROWS) {
            __m512i digit =
                _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)digits));
            for (int i = 0; i < 4; i++)
                sums[i][d] = _mm512_dpbusd_epi32(
                    sums[i][d], _mm512_load_si512(columns + i * VECTOR), digit);
        }
    __m512i pairs[2];
    for (int p = 0; p < 2; p++) {
        __m512i a = joined(sums[2 * p]), b = joined(sums[2 * p + 1]);
        pairs[p] = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    }
    __m512i sum = _mm512_add_epi32(
        _mm512_unpacklo_epi64(pairs[0], pairs[1]), _mm512_unpackhi_epi64(pairs[0], pairs[1]));
    // Quarter k has the columns k, 4 + k, 8 + k and 12 + k.
    const __m128i in_order =
        _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    sum = _mm512_add_epi32(sum, _mm512_set1_epi32(1 << (CC_WEIGHT_BITS - 1)));
    return _mm_shuffle_epi8(bytes_of(sum), in_order);
}

/// All outputs from groups of 16 rows that are `stride` bytes apart.
WIDE static void sum_all_columns(
    const uint8_t *between, size_t stride, size_t count, cc_axis axis, byte_weights weights,
    uint8_t *dst, size_t dst_stride) {
    const int8_t *digits = weights.digits;
    for (int32_t y = 0; y < axis.outputs; y++, dst += dst_stride) {
        int32_t groups = groups_of(axis, y, ROWS);
        const uint8_t *from = between + (size_t)(axis.starts[y] / ROWS - weights.first) * stride;
        for (size_t x = 0; x < count; x += 16) {
            __m128i bytes = sum_columns(from + x * ROWS, stride, digits, groups);
            if (count - x >= 16) _mm_storeu_si128((__m128i *)(dst + x), bytes);
            else _mm_mask_storeu_epi8(dst + x, (__mmask16)((1u << (count - x)) - 1), bytes);
        }
        digits += groups * DIGITS * ROWS;
    }
}

// MARK: Both

static int has_byte_products(void) {
    return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vbmi") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
}

static void resample(
    const uint8_t *src, size_t src_stride, int32_t rows, cc_axis across, byte_weights columns,
    cc_axis down, byte_weights lines, uint8_t *memory, size_t stride, uint8_t *dst,
    size_t dst_stride) {
    uint8_t *pixels = memory, *between = memory + (size_t)columns.count * 3 * VECTOR;
    for (int32_t group = 0; group < lines.count; group++) {
        const uint8_t *from[ROWS];
        // The last row again where there are fewer: it has no weight.
        for (int32_t r = 0; r < ROWS; r++) {
            int32_t row = (lines.first + group) * ROWS + r;
            from[r] = src + (size_t)(row < rows ? row : rows - 1) * src_stride +
                      (size_t)columns.first * 3 * PIXELS;
        }
        lay_out(from, (size_t)columns.count, pixels);
        sum_rows(pixels, across, columns, between + (size_t)group * stride);
    }
    sum_all_columns(
        between, stride, (size_t)across.outputs * 3, down, lines, dst, dst_stride);
}

int cc_resample_rgb(
    const uint8_t *src, size_t src_stride, int32_t rows, cc_axis across, cc_axis down, uint8_t *dst,
    size_t dst_stride) {
    byte_weights columns = {0}, lines = {0};
    uint8_t *memory = NULL;
    if (has_byte_products() && split_weights(across, PIXELS, &columns)) {
        if (split_weights(down, ROWS, &lines)) {
            // Whole vectors of columns: four are read at a time.
            size_t stride = ((size_t)across.outputs * 3 + 15) / 16 * 16 * ROWS;
            memory = aligned_alloc(
                VECTOR, (size_t)columns.count * 3 * VECTOR + (size_t)lines.count * stride);
            if (memory)
                resample(
                    src, src_stride, rows, across, columns, down, lines, memory, stride, dst,
                    dst_stride);
            free(lines.digits);
        }
        free(columns.digits);
    }
    free(memory);
    return memory != NULL;
}

#else
int cc_resample_rgb(
    const uint8_t *src, size_t src_stride, int32_t rows, cc_axis across, cc_axis down, uint8_t *dst,
    size_t dst_stride) {
    (void)src, (void)src_stride, (void)rows, (void)across, (void)down, (void)dst, (void)dst_stride;
    return 0;
}
#endif
