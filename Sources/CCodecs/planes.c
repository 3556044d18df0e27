// From interleaved pixels to a plane a channel, as networks take them. It is in C for the same
// reason as resampling: one build must use wide instructions where the machine has them.
#include "ccodecs.h"

#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__)
#define FOR_EVERY_MACHINE __attribute__((target_clones("default", "avx2", "arch=x86-64-v4")))
#else
#define FOR_EVERY_MACHINE
#endif
#define INLINE static inline __attribute__((always_inline))

/// One channel of a row. Two divisions, as it is defined: a product with 1 / std differs in the
/// last bit. With a stride that the compiler knows this is a loop of vector instructions.
INLINE void normalize(
    const uint8_t *src, int32_t stride, int32_t width, float mean, float std, float *out) {
    for (int32_t x = 0; x < width; x++) out[x] = ((float)src[x * stride] / 255 - mean) / std;
}

INLINE void copy(const uint8_t *src, int32_t stride, int32_t width, uint8_t *out) {
    for (int32_t x = 0; x < width; x++) out[x] = src[x * stride];
}

#define REVERSE(values, count)                                    \
    for (int32_t left = 0, right = (count)-1; left < right; left++, right--) { \
        __typeof__(*(values)) value = (values)[left];             \
        (values)[left] = (values)[right];                         \
        (values)[right] = value;                                  \
    }

/// Where channel `c` of row `y` starts; the last stored channel stands for those that are missing.
INLINE const uint8_t *row_start(cc_pixels from, int32_t y, int32_t c) {
    int32_t channel = c < from.channels ? c : from.channels - 1;
    return from.start + (size_t)y * (size_t)from.width * (size_t)from.channels + channel;
}

FOR_EVERY_MACHINE
void cc_normalized_planes(
    cc_pixels from, int32_t is_flipped, int32_t channels, const float *mean, const float *std,
    float *out) {
    for (int32_t y = 0; y < from.height; y++)
        for (int32_t c = 0; c < channels; c++) {
            const uint8_t *row = row_start(from, y, c);
            float *to = out + ((size_t)c * (size_t)from.height + (size_t)y) * (size_t)from.width;
            switch (from.channels) {
            case 1: normalize(row, 1, from.width, mean[c], std[c], to); break;
            case 3: normalize(row, 3, from.width, mean[c], std[c], to); break;
            default: normalize(row, from.channels, from.width, mean[c], std[c], to);
            }
            if (is_flipped) REVERSE(to, from.width)
        }
}

FOR_EVERY_MACHINE
void cc_byte_planes(cc_pixels from, int32_t is_flipped, int32_t channels, uint8_t *out) {
    for (int32_t y = 0; y < from.height; y++)
        for (int32_t c = 0; c < channels; c++) {
            const uint8_t *row = row_start(from, y, c);
            uint8_t *to = out + ((size_t)c * (size_t)from.height + (size_t)y) * (size_t)from.width;
            switch (from.channels) {
            case 1: copy(row, 1, from.width, to); break;
            case 3: copy(row, 3, from.width, to); break;
            default: copy(row, from.channels, from.width, to);
            }
            if (is_flipped) REVERSE(to, from.width)
        }
}
