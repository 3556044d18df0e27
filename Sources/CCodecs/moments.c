// Sums and sums of squares of channels: over all pixels of a data set, so they have to be quick.
#include "ccodecs.h"

#include <string.h>

#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__)
#define FOR_EVERY_MACHINE __attribute__((target_clones("default", "avx2", "arch=x86-64-v4")))
#else
#define FOR_EVERY_MACHINE
#endif

typedef uint8_t bytes8 __attribute__((vector_size(8)));
typedef uint32_t words8 __attribute__((vector_size(32)));

/// Blocks of 48 bytes: 16 pixels of three channels, 48 of one; lane i holds channel i mod 3.
/// At most 65536 blocks, as 65025 · 65536 is below 2³².
FOR_EVERY_MACHINE
static void sum_blocks(const uint8_t *pixels, size_t blocks, uint32_t *sum, uint32_t *square) {
    words8 s[6], q[6];
    memset(s, 0, sizeof s);
    memset(q, 0, sizeof q);
    for (size_t block = 0; block < blocks; block++, pixels += 48) {
#pragma clang loop unroll(full)
        for (int part = 0; part < 6; part++) {
            bytes8 raw;
            memcpy(&raw, pixels + 8 * part, 8);
            words8 value = __builtin_convertvector(raw, words8);
            s[part] += value;
            q[part] += value * value;
        }
    }
    memcpy(sum, s, sizeof s);
    memcpy(square, q, sizeof q);
}

void cc_channel_sums(
    const uint8_t *pixels, size_t count, int32_t channels, uint64_t *sums, uint64_t *squares) {
    size_t done = 0;
    for (int c = 0; c < channels; c++) sums[c] = squares[c] = 0;
    while (count - done >= 48) {
        uint32_t sum[48], square[48];
        size_t blocks = (count - done) / 48;
        if (blocks > 65536) blocks = 65536;
        sum_blocks(pixels + done, blocks, sum, square);
        for (int lane = 0; lane < 48; lane++) {
            sums[lane % channels] += sum[lane];
            squares[lane % channels] += square[lane];
        }
        done += blocks * 48;
    }
    // 48 is a multiple of 1 and of 3, so the rest begins with the first channel.
    for (size_t i = done; i < count; i++) {
        sums[(i - done) % channels] += pixels[i];
        squares[(i - done) % channels] += (uint64_t)pixels[i] * pixels[i];
    }
}
