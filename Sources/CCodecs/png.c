#include "codec.h"

#include <setjmp.h>
#include <stdlib.h>

#include <png.h>

typedef struct {
    jmp_buf escape;
    cc_report *report;
    const uint8_t *bytes;  // reading: what is left
    size_t left;
    uint8_t *written;  // writing
    size_t count;
    size_t capacity;
} png_state;

static void png_fail(png_structp png, png_const_charp message) {
    png_state *state = png_get_error_ptr(png);
    if (state->report->status == CC_OK) state->report->status = CC_CORRUPT;
    finish(state->report, state->report->status, message);
    longjmp(state->escape, 1);
}

static void png_warn(png_structp png, png_const_charp message) {
    png_state *state = png_get_error_ptr(png);
    if (state->report->warnings++ == 0)
        snprintf(state->report->message, sizeof state->report->message, "%s", message);
}

static void png_take(png_structp png, png_bytep into, size_t count) {
    png_state *state = png_get_io_ptr(png);
    if (count > state->left) {
        state->report->status = CC_TRUNCATED;
        png_error(png, "the data end before the picture does");
    }
    memcpy(into, state->bytes, count);
    state->bytes += count;
    state->left -= count;
}

/// Reads up to the pixels and asks for the channels of the header, of 8 bits or, for a range, 16.
static void png_start(
    png_structp png, png_infop info, png_state *state, const cc_options *options,
    cc_header *header) {
    png_set_read_fn(png, state, png_take);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff);  // the caller limits the pixels
    png_set_chunk_malloc_max(png, 16 << 20);
    png_set_chunk_cache_max(png, 128);
    png_read_info(png, info);
    int type = png_get_color_type(png, info);
    int grey = !(type & PNG_COLOR_MASK_COLOR), alpha = (type & PNG_COLOR_MASK_ALPHA) != 0;
    header->has_alpha = alpha || png_get_valid(png, info, PNG_INFO_tRNS);
    header->width = png_get_image_width(png, info);
    header->height = png_get_image_height(png, info);
    header->bit_depth = png_get_bit_depth(png, info);
    header->model = type == PNG_COLOR_TYPE_PALETTE ? CC_PALETTE : grey ? CC_GREY : CC_RGB;
    header->channels = grey ? 1 : 3;
    if (options->stored && header->has_alpha) {
        header->channels++;
        if (!alpha) png_set_tRNS_to_alpha(png);
    } else {
        png_set_strip_alpha(png);
    }
    if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
    if (grey) png_set_expand_gray_1_2_4_to_8(png);
    if (!options->has_range) png_set_strip_16(png);
    header->orientation = 1;
#ifdef PNG_eXIf_SUPPORTED
    png_bytep exif;
    png_uint_32 count;
    if (png_get_eXIf_1(png, info, &count, &exif) == PNG_INFO_eXIf && exif)
        header->orientation = exif_orientation(exif, count);
#endif
}

static png_structp png_open(png_state *state, cc_report *report) {
    start(report);
    memset(state, 0, sizeof *state);
    state->report = report;
    return png_create_read_struct(PNG_LIBPNG_VER_STRING, state, png_fail, png_warn);
}

int32_t cc_png_header(
    const uint8_t *bytes, size_t count, const cc_options *options, cc_header *header,
    cc_report *report) {
    png_state state;
    png_structp png = png_open(&state, report);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        png_destroy_read_struct(&png, NULL, NULL);
        return finish(report, CC_MEMORY, "out of memory");
    }
    state.bytes = bytes;
    state.left = count;
    if (setjmp(state.escape)) {
        png_destroy_read_struct(&png, &info, NULL);
        return report->status;
    }
    header->has_more = 0;  // an animation's first picture is what every PNG reader shows
    png_start(png, info, &state, options, header);
    png_destroy_read_struct(&png, &info, NULL);
    return CC_OK;
}

/// Reads the rows; those of 16 bits through `wide`, which then holds a row, or the whole picture of an
/// interlaced file.
static void png_rows(
    png_structp png, const cc_header *header, int passes, uint8_t *wide, uint8_t *out,
    const cc_options *options) {
    size_t samples = (size_t)header->width * (size_t)header->channels;
    size_t height = (size_t)header->height;
    for (int pass = 0; pass < passes; pass++)
        for (size_t y = 0; y < height; y++) {
            uint8_t *row = out + y * samples;
            if (!wide) {
                png_read_row(png, row, NULL);
                continue;
            }
            uint8_t *from = wide + (passes > 1 ? y * samples * 2 : 0);
            png_read_row(png, from, NULL);
            if (pass < passes - 1) continue;
            for (size_t i = 0; i < samples; i++)
                row[i] = ranged(from[2 * i] << 8 | from[2 * i + 1], options);
        }
}

int32_t cc_png_decode(
    const uint8_t *bytes, size_t count, const cc_options *options, uint8_t *out, size_t capacity,
    cc_report *report) {
    png_state state;
    cc_header header;
    png_structp png = png_open(&state, report);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        png_destroy_read_struct(&png, NULL, NULL);
        return finish(report, CC_MEMORY, "out of memory");
    }
    state.bytes = bytes;
    state.left = count;
    if (setjmp(state.escape)) {
        png_destroy_read_struct(&png, &info, NULL);
        free(state.written);
        return report->status;
    }
    png_start(png, info, &state, options, &header);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    size_t row_bytes = (size_t)header.width * (size_t)header.channels;
    size_t wide_bytes = png_get_rowbytes(png, info) == 2 * row_bytes ? 2 * row_bytes : 0;
    if ((!wide_bytes && png_get_rowbytes(png, info) != row_bytes) || !fits(&header, capacity)) {
        png_destroy_read_struct(&png, &info, NULL);
        return finish(report, CC_LIMIT, "the header changed between two readings");
    }
    if (options->accepts_truncated) memset(out, 0, capacity);
    if (wide_bytes) {
        if (passes > 1) wide_bytes *= (size_t)header.height;
        if (wide_bytes > (size_t)options->max_memory) {
            png_destroy_read_struct(&png, &info, NULL);
            return finish(report, CC_LIMIT, "the picture needs more memory than the limit");
        }
        state.written = calloc(1, wide_bytes);
        if (!state.written) {
            png_destroy_read_struct(&png, &info, NULL);
            return finish(report, CC_MEMORY, "out of memory");
        }
    }
    png_rows(png, &header, passes, state.written, out, options);
    png_destroy_read_struct(&png, &info, NULL);
    free(state.written);
    return CC_OK;
}

static void png_give(png_structp png, png_bytep from, size_t count) {
    png_state *state = png_get_io_ptr(png);
    if (state->count + count > state->capacity) {
        size_t capacity = (state->count + count) * 2;
        uint8_t *grown = realloc(state->written, capacity);
        if (!grown) {
            state->report->status = CC_MEMORY;
            png_error(png, "out of memory");
        }
        state->written = grown;
        state->capacity = capacity;
    }
    memcpy(state->written + state->count, from, count);
    state->count += count;
}

static void png_flush_nothing(png_structp png) { (void)png; }

int32_t cc_png_encode(
    const uint8_t *pixels, int32_t width, int32_t height, int32_t channels, uint8_t **out,
    size_t *count, cc_report *report) {
    static const int types[] = {
        PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGBA,
    };
    png_state state;
    *out = NULL;
    *count = 0;
    start(report);
    memset(&state, 0, sizeof state);
    state.report = report;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &state, png_fail, png_warn);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        png_destroy_write_struct(&png, NULL);
        return finish(report, CC_MEMORY, "out of memory");
    }
    if (setjmp(state.escape)) {
        png_destroy_write_struct(&png, &info);
        free(state.written);
        return report->status;
    }
    png_set_write_fn(png, &state, png_give, png_flush_nothing);
    png_set_IHDR(
        png, info, (png_uint_32)width, (png_uint_32)height, 8, types[channels - 1],
        PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int32_t y = 0; y < height; y++)
        png_write_row(png, pixels + (size_t)y * (size_t)width * (size_t)channels);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    *out = state.written;
    *count = state.count;
    return CC_OK;
}
