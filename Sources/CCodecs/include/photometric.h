// The inner loops of picture operations on 8-bit channels, interleaved, rows without gaps.
//
// Every function may be called on any thread and keeps no state. Arithmetic is Pillow's, with its
// choice of float and double, so results are equal to the bit.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Replaces each value by its entry in its channel's table of 256.
void cc_lookup(uint8_t *pixels, size_t count, int32_t channels, const uint8_t *tables);

/// Counts of each value, 256 a channel, added to `counts`.
void cc_histograms(const uint8_t *pixels, size_t count, int32_t channels, uint32_t *counts);

/// Sum of the luma (19595 R + 38470 G + 7471 B + 2^15) >> 16 of RGB pixels.
uint64_t cc_luma_sum(const uint8_t *rgb, size_t count);

/// Each RGB pixel towards (factor < 1) or away from (factor > 1) its luma.
void cc_blend_luma(uint8_t *rgb, size_t count, float factor);

/// Turns the hue of RGB pixels by shift / 256 of the circle, by way of 8-bit HSV.
void cc_shift_hue(uint8_t *rgb, size_t count, int32_t shift);

/// A box of real width: weights, with 24 fractional bits, of the 2 radius + 1 pixels around the
/// centre and of the next one on either side. `radius` is at most 127.
typedef struct {
    int32_t radius;
    uint32_t whole;
    uint32_t edge;
} cc_blur_box;

/// Bytes of scratch memory that cc_box_blur takes.
size_t cc_box_blur_scratch(int32_t width, int32_t height, int32_t channels, cc_blur_box box);

/// Blurs rows, then columns, `passes` times each, rounded to 8 bits every time; edges are repeated.
void cc_box_blur(
    uint8_t *pixels, int32_t width, int32_t height, int32_t channels, cc_blur_box box, int32_t passes,
    uint8_t *scratch);

/// Towards or away from the mean of 3 x 3 pixels in which the centre counts 5 times; the outermost
/// pixels stay.
void cc_sharpen(
    const uint8_t *src, uint8_t *dst, int32_t width, int32_t height, int32_t channels,
    float factor);

/// Samples the source of each pixel's centre, matrix[0...2] for x and [3...5] for y; pixels whose
/// source lies outside keep what `dst` holds. At most 4 channels; `src` must be readable for 4
/// bytes behind its last pixel. `cubic` = 0 is bilinear.
void cc_affine(
    const uint8_t *src, int32_t width, int32_t height, int32_t channels, uint8_t *dst,
    const double *matrix, int32_t cubic);
