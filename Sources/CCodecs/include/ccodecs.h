// What Imaging needs from C: the codecs, whose errors arrive by longjmp, which must not cross
// Swift frames, and the inner loops of resampling, which choose their instructions at run time.
//
// Nothing here keeps state; every function may be called on any thread. Nothing is allocated
// for pixels: the caller reads the header, applies its limits, then passes memory to fill.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum {
    CC_OK = 0,
    CC_CORRUPT = 1,
    CC_TRUNCATED = 2,
    CC_UNSUPPORTED = 3,
    CC_LIMIT = 4,
    CC_MEMORY = 5,
};

/// How a call went. `message` is that of the error, else of the first warning, else empty.
typedef struct {
    int32_t status;
    int32_t warnings;
    char message[200];
} cc_report;

enum { CC_GREY = 0, CC_RGB = 1, CC_PALETTE = 2, CC_CMYK = 3, CC_YCCK = 4, CC_OTHER = 5 };

/// What a file says of its picture.
typedef struct {
    int64_t width;
    int64_t height;
    int32_t channels;     // after decoding
    int32_t bit_depth;    // of a stored sample
    int32_t model;        // CC_GREY ...
    int32_t has_alpha;
    int32_t orientation;  // EXIF's, 1...8
    int32_t has_more;     // other pictures follow the first
} cc_header;

/// How a picture is decoded.
typedef struct {
    int32_t stored;             // the channels of the file rather than 1 (grey) or 3 (RGB)
    int32_t accepts_truncated;  // what is missing is to be black
    int32_t has_range;          // samples deeper than 8 bits: `low` becomes 0, `high` 255
    double low;
    double high;
    int64_t max_memory;         // bytes that a library may take beside the pixels; more is CC_LIMIT
    int32_t max_scans;          // of a progressive JPEG; more are CC_LIMIT
} cc_options;

int32_t cc_jpeg_header(const uint8_t *bytes, size_t count, cc_header *header, cc_report *report);

/// Header and pixels of the other formats. `out` is filled with interleaved rows; capacity must be
/// width*height*channels at least, else CC_LIMIT. CC_TRUNCATED leaves a picture of use only where
/// `accepts_truncated` asks for it. A PNG's, a WebP's or a GIF's animation is its first picture.
#define CC_FORMAT(name)                                                                          \
    int32_t cc_##name##_header(                                                                  \
        const uint8_t *bytes, size_t count, const cc_options *options, cc_header *header,        \
        cc_report *report);                                                                      \
    int32_t cc_##name##_decode(                                                                  \
        const uint8_t *bytes, size_t count, const cc_options *options, uint8_t *out,             \
        size_t capacity, cc_report *report)
CC_FORMAT(png);
CC_FORMAT(webp);
CC_FORMAT(tiff);
CC_FORMAT(gif);
CC_FORMAT(bmp);

/// A rectangle of whole pixels.
typedef struct {
    int64_t left;
    int64_t top;
    int64_t width;
    int64_t height;
} cc_part;

/// Columns beside a part of a JPEG that may be decoded along with it, at most.
enum { CC_JPEG_MARGIN = 64 };

/// Fills `out` (capacity >= width*height*channels, else CC_LIMIT) with interleaved rows.
///
/// Decodes the rows of `part`, and of them the columns of `part` and a few beside it: `part` is then
/// what was decoded, and capacity must leave room for CC_JPEG_MARGIN columns more. The columns that
/// were added may differ from those of the whole picture, the others never do. Rows below the part
/// are not read.
///
/// `eighths`, 1...8, is the size at which the picture is decoded, sides rounded up: pixel x of a smaller
/// one covers the pixels from 8 x / eighths on. `part` then counts pixels of the smaller picture.
int32_t cc_jpeg_decode(
    const uint8_t *bytes, size_t count, const cc_options *options, int32_t eighths, cc_part *part,
    uint8_t *out, size_t capacity, cc_report *report);

/// How a JPEG is written: quality 1...100; how many columns and rows of an RGB picture share a sample
/// of colour; blocks between restart markers, 0 for none.
typedef struct {
    int32_t quality;
    int32_t progressive;
    int32_t horizontal_sampling;
    int32_t vertical_sampling;
    int32_t restart_interval;
} cc_jpeg_options;

/// Encodes rows of 1 (grey), 3 (RGB) or 4 (JPEG: CMYK, PNG: RGBA) channels; PNG also 2 (grey with
/// alpha). `*out` is released by cc_free.
int32_t cc_jpeg_encode(
    const uint8_t *pixels, int32_t width, int32_t height, int32_t channels,
    const cc_jpeg_options *options, uint8_t **out, size_t *count, cc_report *report);
int32_t cc_png_encode(
    const uint8_t *pixels, int32_t width, int32_t height, int32_t channels, uint8_t **out,
    size_t *count, cc_report *report);
void cc_free(void *memory);

/// Fractional bits of a weight.
enum { CC_WEIGHT_BITS = 22 };

/// Weights of one axis: output i sums inputs starts[i] ..< starts[i] + counts[i] times
/// weights[i * taps ...]. `taps` is a multiple of 4; weights from
/// counts[i] on are 0.
typedef struct {
    const int32_t *starts;
    const int32_t *counts;
    const int32_t *weights;
    int32_t outputs;
    int32_t taps;
} cc_axis;

/// Resamples each row. `src` must be readable for 32 bytes behind its last pixel. If portable, without
/// instructions that only some machines have; the result is the same.
void cc_resample_horizontal(
    const uint8_t *src, size_t src_stride, uint8_t *dst, size_t dst_stride, int32_t rows,
    int32_t channels, cc_axis axis, int32_t is_portable);
/// Resamples each column of rows of `row_bytes` bytes.
void cc_resample_vertical(
    const uint8_t *src, size_t src_stride, uint8_t *dst, size_t dst_stride, size_t row_bytes,
    cc_axis axis);

/// Both passes over `rows` RGB rows, the horizontal one first, by products of bytes. `src` must be
/// readable for 32 bytes behind its last pixel. 0 where the machine has no such products, a weight is
/// too large for them or memory is short; then nothing is written.
int cc_resample_rgb(
    const uint8_t *src, size_t src_stride, int32_t rows, cc_axis across, cc_axis down, uint8_t *dst,
    size_t dst_stride);

/// Interleaved rows of a picture.
typedef struct {
    const uint8_t *start;
    int32_t width;
    int32_t height;
    int32_t channels;
} cc_pixels;

/// Writes a plane a channel, rows from the right if flipped: of each byte the float that a table of
/// 256 a channel has for it, or the byte itself. The last stored channel is repeated where more are
/// wanted.
void cc_float_planes(
    cc_pixels from, int32_t is_flipped, int32_t channels, const float *tables, float *out);
void cc_byte_planes(cc_pixels from, int32_t is_flipped, int32_t channels, uint8_t *out);

/// The sum and the sum of squares of each of 1 or 3 interleaved channels over `count` bytes.
void cc_channel_sums(
    const uint8_t *pixels, size_t count, int32_t channels, uint64_t *sums, uint64_t *squares);
