// From interleaved pixels to a plane a channel, as networks take them. It is in C because Swift's
// generic form of these loops calls a closure for every pixel.
#include "ccodecs.h"

/// Where channel `c` of row `y` starts; the last stored channel stands for those that are missing.
static const uint8_t *row_start(cc_pixels from, int32_t y, int32_t c) {
    int32_t channel = c < from.channels ? c : from.channels - 1;
    return from.start + (size_t)y * (size_t)from.width * (size_t)from.channels + channel;
}

// A table rather than arithmetic: it holds the two divisions of its definition, rounded as they are.
void cc_float_planes(
    cc_pixels from, int32_t is_flipped, int32_t channels, const float *tables, float *out) {
    ptrdiff_t step = is_flipped ? -1 : 1;
    for (int32_t c = 0; c < channels; c++) {
        const float *table = tables + (size_t)c * 256;
        for (int32_t y = 0; y < from.height; y++, out += from.width) {
            const uint8_t *value = row_start(from, y, c);
            float *to = is_flipped ? out + from.width - 1 : out;
            for (int32_t x = 0; x < from.width; x++, value += from.channels, to += step)
                *to = table[*value];
        }
    }
}

void cc_byte_planes(cc_pixels from, int32_t is_flipped, int32_t channels, uint8_t *out) {
    ptrdiff_t step = is_flipped ? -1 : 1;
    for (int32_t c = 0; c < channels; c++)
        for (int32_t y = 0; y < from.height; y++, out += from.width) {
            const uint8_t *value = row_start(from, y, c);
            uint8_t *to = is_flipped ? out + from.width - 1 : out;
            for (int32_t x = 0; x < from.width; x++, value += from.channels, to += step) *to = *value;
        }
}
