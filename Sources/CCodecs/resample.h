// What the two files of resampling share.
#pragma once
#include "ccodecs.h"

/// Fractional bits of a weight.
enum { RESAMPLE_BITS = 22 };

/// The horizontal pass over RGB rows by products of bytes; 0 where the machine has none or a weight
/// is too large for them, and then nothing is written.
int resample_rgb_by_bytes(
    const uint8_t *src, size_t src_stride, uint8_t *dst, size_t dst_stride, int32_t rows,
    cc_axis axis);
