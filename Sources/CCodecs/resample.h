// What the two files of resampling share.
#pragma once
#include "ccodecs.h"

/// Fractional bits of a weight.
enum { RESAMPLE_BITS = 22 };

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

/// The horizontal pass over RGB rows by products of bytes; 0 where the machine has none or a weight
/// is too large for them, and then nothing is written.
int resample_rgb_by_bytes(
    const uint8_t *src, size_t src_stride, uint8_t *dst, size_t dst_stride, int32_t rows,
    cc_axis axis);
