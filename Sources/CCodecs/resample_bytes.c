// The horizontal pass over RGB rows where the machine multiplies bytes, four at a time and with the
// sum (AVX-512 VNNI): half as many instructions as products of 16 bits take.
#include "resample.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

/// A weight w is 2¹⁶ · d2 + 2⁸ · d1 + d0 with digits from -128 to 127. Of each 8 taps of an output
/// first the digits d0 lie one behind the other, then d1, then d2. NULL where a weight has no such
/// digits, or memory is short.
static int8_t *digits_of(cc_axis axis, size_t taps) {
    int8_t *all = calloc((size_t)axis.outputs * taps, 3);
    if (!all) return NULL;
    for (int32_t x = 0; x < axis.outputs; x++)
        for (int32_t t = 0; t < axis.counts[x]; t++) {
            int8_t *digits = all + ((size_t)x * taps + (size_t)(t & ~7)) * 3 + (t & 7);
            int32_t weight = axis.weights[(size_t)x * (size_t)axis.taps + (size_t)t];
            digits[0] = (int8_t)weight;
            weight = (weight - digits[0]) >> 8;
            digits[8] = (int8_t)weight;
            weight = (weight - digits[8]) >> 8;
            digits[16] = (int8_t)weight;
            if (weight != digits[16]) return free(all), NULL;
        }
    return all;
}

#define WIDE __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")))

WIDE static void four_rows(
    const uint8_t *const *rows, uint8_t *const *out, cc_axis axis, const int8_t *digits,
    size_t taps) {
    // Of two rows' 32 bytes each, 8 pixels: the channels of pixels 0-3 in the lower half of a row's
    // half, those of 4-7 in the upper one, four bytes of a channel side by side.
    uint8_t places[64];
    for (int i = 0; i < 64; i++) {
        int channel = i / 4 % 4, pixel = i / 16 % 2 * 4 + i % 4;
        places[i] = (uint8_t)(i / 32 * 32 + pixel * 3 + (channel < 3 ? channel : 0));
    }
    const __m512i arrange = _mm512_loadu_si512(places);
    const __m512i spread = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1);
    const int32_t half = 1 << (RESAMPLE_BITS - 1);
    const __m512i start =
        _mm512_setr_epi32(half, half, half, 0, 0, 0, 0, 0, half, half, half, 0, 0, 0, 0, 0);
    for (int32_t x = 0; x < axis.outputs; x++, digits += taps * 3) {
        const int8_t *group = digits;
        size_t offset = (size_t)axis.starts[x] * 3;
        __m512i sums[2][3];
        for (int p = 0; p < 2; p++)
            sums[p][0] = start, sums[p][1] = sums[p][2] = _mm512_setzero_si512();
        for (int32_t t = 0; t < axis.counts[x]; t += 8, offset += 24, group += 24) {
            __m512i pixels[2];
            for (int p = 0; p < 2; p++) {
                __m256i a = _mm256_loadu_si256((const __m256i *)(rows[2 * p] + offset));
                __m256i b = _mm256_loadu_si256((const __m256i *)(rows[2 * p + 1] + offset));
                pixels[p] = _mm512_permutexvar_epi8(
                    arrange, _mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1));
            }
            for (int d = 0; d < 3; d++) {
                __m128i eight = _mm_loadl_epi64((const __m128i *)(group + 8 * d));
                __m512i digit = _mm512_permutexvar_epi32(spread, _mm512_castsi128_si512(eight));
                for (int p = 0; p < 2; p++)
                    sums[p][d] = _mm512_dpbusd_epi32(sums[p][d], pixels[p], digit);
            }
        }
        __m512i pair[2];
        for (int p = 0; p < 2; p++)
            pair[p] = _mm512_add_epi32(
                sums[p][0],
                _mm512_add_epi32(
                    _mm512_slli_epi32(sums[p][1], 8), _mm512_slli_epi32(sums[p][2], 16)));
        // Pixels 0-3 and 4-7 of each row.
        __m512i sum = _mm512_add_epi32(
            _mm512_shuffle_i32x4(pair[0], pair[1], 0x88),
            _mm512_shuffle_i32x4(pair[0], pair[1], 0xDD));
        __m128i values = _mm512_cvtusepi32_epi8(
            _mm512_max_epi32(_mm512_srai_epi32(sum, RESAMPLE_BITS), _mm512_setzero_si512()));
        uint8_t bytes[16];
        _mm_storeu_si128((__m128i *)bytes, values);
        // A fourth byte is overwritten by the next pixel; behind the last one it is not ours.
        for (int r = 0; r < 4; r++)
            if (x + 1 < axis.outputs) memcpy(out[r] + (size_t)x * 3, bytes + 4 * r, 4);
            else memcpy(out[r] + (size_t)x * 3, bytes + 4 * r, 3);
    }
}

int resample_rgb_by_bytes(
    const uint8_t *src, size_t src_stride, uint8_t *dst, size_t dst_stride, int32_t rows,
    cc_axis axis) {
    if (!__builtin_cpu_supports("avx512vnni") || !__builtin_cpu_supports("avx512vbmi") ||
        !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512bw"))
        return 0;
    size_t taps = ((size_t)axis.taps + 7) & ~(size_t)7;
    int8_t *digits = digits_of(axis, taps);
    if (!digits) return 0;
    for (int32_t y = 0; y < rows; y += 4) {
        const uint8_t *from[4];
        uint8_t *to[4];
        take_four_rows(src, src_stride, dst, dst_stride, y, rows, from, to);
        four_rows(from, to, axis, digits, taps);
    }
    free(digits);
    return 1;
}

#else
int resample_rgb_by_bytes(
    const uint8_t *src, size_t src_stride, uint8_t *dst, size_t dst_stride, int32_t rows,
    cc_axis axis) {
    return (void)src, (void)src_stride, (void)dst, (void)dst_stride, (void)rows, (void)axis, 0;
}
#endif
