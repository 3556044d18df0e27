#include "codec.h"

// A BMP file: 14 bytes that say where the pixels begin, a header whose length tells its kind, masks
// of the channels or a palette, and rows of whole 32-bit words, the lowest row of the picture first.

enum { BMP_PLAIN = 0, BMP_RLE8 = 1, BMP_RLE4 = 2, BMP_MASKS = 3, BMP_MASKS_ALPHA = 6 };
enum { BMP_FILE_HEADER = 14, BMP_OLDEST = 12, BMP_OS2 = 64 };

typedef struct {
    uint32_t mask;
    int shift;
    uint32_t most;  // the greatest value; 0 for a channel that is not there
} bmp_channel;

typedef struct {
    int64_t width, height;
    int top_down;
    uint32_t bits, compression;
    size_t pixels;  // where they begin
    size_t row_bytes;
    uint8_t palette[256][3];  // what the file does not give is black
    bmp_channel channels[4];  // red, green, blue, alpha: of 16 and 32 bits
} bmp_layout;

static uint32_t little(const uint8_t *bytes, int size) {
    uint32_t value = 0;
    for (int i = 0; i < size; i++) value |= (uint32_t)bytes[i] << 8 * i;
    return value;
}

static int32_t bmp_refuse(cc_report *report, const char *what, uint32_t value) {
    snprintf(report->message, sizeof report->message, "BMP with %s %u", what, value);
    return report->status = CC_UNSUPPORTED;
}

/// A channel's bits must lie side by side.
static int bmp_set_channel(bmp_channel *channel, uint32_t mask) {
    memset(channel, 0, sizeof *channel);
    if (mask == 0) return 1;
    while (!(mask >> channel->shift & 1)) channel->shift++;
    channel->mask = mask;
    channel->most = mask >> channel->shift;
    return (channel->most & (channel->most + 1)) == 0;
}

static uint8_t bmp_value(const bmp_channel *channel, uint32_t pixel) {
    if (channel->most == 0) return 0;
    return (uint8_t)((uint64_t)((pixel & channel->mask) >> channel->shift) * 255 / channel->most);
}

/// `at` is where masks lie that the header does not hold; it is moved behind them.
static int32_t bmp_masks(
    const uint8_t *bytes, size_t count, size_t head, size_t *at, bmp_layout *layout,
    cc_report *report) {
    uint32_t masks[4] = {0xFF0000, 0xFF00, 0xFF, 0};
    if (layout->bits == 16) masks[0] = 0x7C00, masks[1] = 0x3E0, masks[2] = 0x1F;
    if (layout->compression != BMP_PLAIN) {
        int in_header = head >= 52 && head != BMP_OS2;
        size_t from = in_header ? BMP_FILE_HEADER + 40 : *at;
        int given = in_header ? (head >= 56 ? 4 : 3)
            : layout->compression == BMP_MASKS_ALPHA ? 4
                                                     : 3;
        if (from + (size_t)given * 4 > count)
            return finish(report, CC_TRUNCATED, "the data end within the header");
        for (int i = 0; i < given; i++) masks[i] = little(bytes + from + 4 * i, 4);
        if (!in_header) *at += (size_t)given * 4;
    }
    for (int i = 0; i < 4; i++)
        if (!bmp_set_channel(&layout->channels[i], masks[i]))
            return finish(report, CC_CORRUPT, "the bits of a channel are scattered");
    if (layout->bits == 16)
        for (int i = 0; i < 4; i++)
            if (masks[i] > 0xFFFF)
                return finish(report, CC_CORRUPT, "a channel lies outside its pixel");
    return CC_OK;
}

static int32_t bmp_layout_of(
    const uint8_t *bytes, size_t count, bmp_layout *layout, cc_report *report) {
    start(report);
    memset(layout, 0, sizeof *layout);
    if (count < 30) return finish(report, CC_TRUNCATED, "the data end within the header");
    size_t head = little(bytes + 14, 4), at = BMP_FILE_HEADER + head;
    if (at > count) return finish(report, CC_TRUNCATED, "the data end within the header");
    layout->pixels = little(bytes + 10, 4);
    uint32_t colours = 0;
    if (head == BMP_OLDEST) {
        layout->width = little(bytes + 18, 2);
        layout->height = little(bytes + 20, 2);
        layout->bits = little(bytes + 24, 2);
    } else {
        layout->width = (int32_t)little(bytes + 18, 4);
        layout->height = (int32_t)little(bytes + 22, 4);
        layout->bits = little(bytes + 28, 2);
        layout->compression = little(bytes + 30, 4);
        colours = little(bytes + 46, 4);
    }
    layout->top_down = layout->height < 0;
    if (layout->top_down) layout->height = -layout->height;
    if (layout->width <= 0 || layout->height == 0)
        return finish(report, CC_CORRUPT, "the size is impossible");
    uint32_t bits = layout->bits, compression = layout->compression;
    if (bits != 1 && bits != 2 && bits != 4 && bits != 8 && bits != 16 && bits != 24 && bits != 32)
        return bmp_refuse(report, "bits a pixel:", bits);
    int masked = compression == BMP_MASKS || compression == BMP_MASKS_ALPHA;
    // In the header of OS/2 the numbers from 3 on are other compressions.
    if (!(compression == BMP_PLAIN || (compression == BMP_RLE8 && bits == 8) ||
          (compression == BMP_RLE4 && bits == 4) ||
          (masked && (bits == 16 || bits == 32) && head != BMP_OS2)))
        return bmp_refuse(report, "compression", compression);
    layout->row_bytes = ((size_t)layout->width * bits + 31) / 32 * 4;
    if (bits == 16 || bits == 32) {
        int32_t status = bmp_masks(bytes, count, head, &at, layout, report);
        if (status != CC_OK) return status;
    }
    if (layout->pixels < at)
        return finish(report, CC_CORRUPT, "the pixels begin within the header");
    if (bits > 8) return CC_OK;
    size_t size = head == BMP_OLDEST ? 3 : 4, most = (size_t)1 << bits;
    if (colours > 0 && colours < most) most = colours;
    for (size_t i = 0; i < most && at + size <= layout->pixels && at + size <= count; i++, at += size)
        for (int c = 0; c < 3; c++) layout->palette[i][c] = bytes[at + 2 - (size_t)c];
    return CC_OK;
}

static int bmp_channels(const bmp_layout *layout, const cc_options *options) {
    return options->stored && layout->channels[3].most > 0 ? 4 : 3;
}

int32_t cc_bmp_header(
    const uint8_t *bytes, size_t count, const cc_options *options, cc_header *header,
    cc_report *report) {
    bmp_layout layout;
    if (bmp_layout_of(bytes, count, &layout, report) != CC_OK) return report->status;
    header->width = layout.width;
    header->height = layout.height;
    header->channels = bmp_channels(&layout, options);
    header->bit_depth = layout.bits < 8 ? (int32_t)layout.bits : 8;
    header->model = layout.bits <= 8 ? CC_PALETTE : CC_RGB;
    header->has_alpha = layout.channels[3].most > 0;
    header->orientation = 1;
    header->has_more = 0;
    return CC_OK;
}

// MARK: Pixels

/// The row that is number `y` of the file.
static uint8_t *bmp_row(const bmp_layout *layout, int64_t y, int channels, uint8_t *out) {
    int64_t row = layout->top_down ? y : layout->height - 1 - y;
    return out + (size_t)row * (size_t)layout->width * (size_t)channels;
}

static void bmp_convert(const bmp_layout *layout, const uint8_t *row, int channels, uint8_t *out) {
    size_t width = (size_t)layout->width, bits = layout->bits;
    if (bits <= 8) {
        uint32_t most = (1u << bits) - 1;
        for (size_t x = 0; x < width; x++, out += 3) {
            size_t place = x * bits;
            uint32_t index = (uint32_t)row[place / 8] >> (8 - bits - place % 8) & most;
            memcpy(out, layout->palette[index], 3);
        }
    } else if (bits == 24) {
        for (size_t x = 0; x < width; x++, out += 3, row += 3)
            out[0] = row[2], out[1] = row[1], out[2] = row[0];
    } else {
        for (size_t x = 0; x < width; x++, row += bits / 8) {
            uint32_t pixel = little(row, (int)bits / 8);
            for (int c = 0; c < channels; c++) *out++ = bmp_value(&layout->channels[c], pixel);
        }
    }
}

/// Whole rows; 0 if the last are missing.
static int bmp_rows(
    const bmp_layout *layout, const uint8_t *bytes, size_t count, int channels, uint8_t *out) {
    size_t at = layout->pixels;
    for (int64_t y = 0; y < layout->height; y++, at += layout->row_bytes) {
        if (at > count || count - at < layout->row_bytes) {
            // The last row may lack what fills its word.
            size_t needed = ((size_t)layout->width * layout->bits + 7) / 8;
            if (at > count || count - at < needed) return 0;
        }
        bmp_convert(layout, bytes + at, channels, bmp_row(layout, y, channels, out));
    }
    return 1;
}

/// Runs of pixels: (count, colour), or 0 and 0 for the next row, 1 for the end, 2 for a step of
/// (right, up), 3...255 for as many colours, which end on a whole 16-bit word. Of 4 bits a colour is
/// two that take turns. What no run reaches has colour 0. Returns 0 if the data end before that.
static int bmp_runs(const bmp_layout *layout, const uint8_t *bytes, size_t count, uint8_t *out) {
    int64_t x = 0, y = 0, width = layout->width;
    size_t at = layout->pixels, pixels = (size_t)width * (size_t)layout->height;
    int is_half = layout->bits == 4;
    for (size_t i = 0; i < pixels; i++) memcpy(out + 3 * i, layout->palette[0], 3);
    while (y < layout->height) {
        if (at > count || count - at < 2) return 0;
        int run = bytes[at], value = bytes[at + 1];
        at += 2;
        const uint8_t *colours = bytes + at - 1;
        size_t stored = 0;
        if (run == 0 && value == 0) {
            x = 0;
            y++;
            continue;
        }
        if (run == 0 && value == 1) return 1;
        if (run == 0 && value == 2) {
            if (count - at < 2) return 0;
            x += bytes[at];
            y += bytes[at + 1];
            at += 2;
            continue;
        }
        int is_plain = run == 0;
        if (is_plain) {
            run = value;
            stored = is_half ? ((size_t)run + 1) / 2 : (size_t)run;
            colours = bytes + at;
            if (count - at < stored) return 0;
            at += stored + (stored & 1);
        }
        uint8_t *row = bmp_row(layout, y, 3, out);
        for (int i = 0; i < run && x < width; i++, x++) {
            int byte = is_plain ? colours[is_half ? i / 2 : i] : colours[0];
            int index = is_half ? (i & 1 ? byte & 15 : byte >> 4) : byte;
            memcpy(row + 3 * x, layout->palette[index], 3);
        }
    }
    return 1;
}

int32_t cc_bmp_decode(
    const uint8_t *bytes, size_t count, const cc_options *options, uint8_t *out, size_t capacity,
    cc_report *report) {
    bmp_layout layout;
    if (bmp_layout_of(bytes, count, &layout, report) != CC_OK) return report->status;
    int channels = bmp_channels(&layout, options);
    cc_header header = {.width = layout.width, .height = layout.height, .channels = channels};
    if (!fits(&header, capacity))
        return finish(report, CC_LIMIT, "the header changed between two readings");
    if (options->accepts_truncated) memset(out, 0, capacity);
    int whole = layout.compression == BMP_RLE8 || layout.compression == BMP_RLE4
        ? bmp_runs(&layout, bytes, count, out)
        : bmp_rows(&layout, bytes, count, channels, out);
    return whole ? CC_OK
                 : finish(report, CC_TRUNCATED, "the data end before the picture does");
}
