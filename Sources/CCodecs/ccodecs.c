#include "ccodecs.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>
#include <png.h>

static int32_t finish(cc_report *report, int32_t status, const char *message) {
    report->status = status;
    snprintf(report->message, sizeof report->message, "%s", message);
    return status;
}

static void start(cc_report *report) { memset(report, 0, sizeof *report); }

void cc_free(void *memory) { free(memory); }

// MARK: JPEG

typedef struct {
    struct jpeg_error_mgr base;  // first: libjpeg hands back a pointer to it
    jmp_buf escape;
    cc_report *report;
    int out_of_data;
} jpeg_errors;

typedef struct {
    struct jpeg_progress_mgr base;
    int max_scans;
} jpeg_progress;

static void jpeg_fail(j_common_ptr info) {
    jpeg_errors *errors = (jpeg_errors *)info->err;
    char message[JMSG_LENGTH_MAX];
    errors->base.format_message(info, message);
    int code = errors->base.msg_code;
    int32_t status = CC_CORRUPT;
    if (code == JERR_OUT_OF_MEMORY) status = CC_MEMORY;
    else if (errors->out_of_data || code == JERR_INPUT_EMPTY || code == JERR_INPUT_EOF)
        status = CC_TRUNCATED;
    finish(errors->report, status, message);
    longjmp(errors->escape, 1);
}

static void jpeg_message(j_common_ptr info, int level) {
    if (level >= 0) return;  // a trace, not a warning
    jpeg_errors *errors = (jpeg_errors *)info->err;
    if (errors->base.msg_code == JWRN_JPEG_EOF) errors->out_of_data = 1;
    if (errors->report->warnings++ == 0) {
        char message[JMSG_LENGTH_MAX];
        errors->base.format_message(info, message);
        snprintf(errors->report->message, sizeof errors->report->message, "%s", message);
    }
}

static void jpeg_watch(j_common_ptr info) {
    jpeg_progress *progress = (jpeg_progress *)info->progress;
    if (((j_decompress_ptr)info)->input_scan_number <= progress->max_scans) return;
    jpeg_errors *errors = (jpeg_errors *)info->err;
    char message[100];
    snprintf(message, sizeof message, "more than %d scans", progress->max_scans);
    finish(errors->report, CC_LIMIT, message);
    longjmp(errors->escape, 1);
}

static void jpeg_prepare(jpeg_errors *errors, cc_report *report) {
    start(report);
    memset(errors, 0, sizeof *errors);
    jpeg_std_error(&errors->base);
    errors->base.error_exit = jpeg_fail;
    errors->base.emit_message = jpeg_message;
    errors->report = report;
}

/// Chooses grey or RGB (CMYK is converted by us); 0 if the colour space is none we know.
static int jpeg_choose_channels(j_decompress_ptr info) {
    switch (info->jpeg_color_space) {
    case JCS_GRAYSCALE: info->out_color_space = JCS_GRAYSCALE; return 1;
    case JCS_YCbCr:
    case JCS_RGB: info->out_color_space = JCS_RGB; return 3;
    case JCS_CMYK:
    case JCS_YCCK: info->out_color_space = JCS_CMYK; return 3;
    default: return 0;
    }
}

int32_t cc_jpeg_header(const uint8_t *bytes, size_t count, cc_header *header, cc_report *report) {
    struct jpeg_decompress_struct info;
    jpeg_errors errors;
    jpeg_prepare(&errors, report);
    info.err = &errors.base;
    if (setjmp(errors.escape)) {
        jpeg_destroy_decompress(&info);
        return report->status;
    }
    jpeg_create_decompress(&info);
    jpeg_mem_src(&info, bytes, count);
    jpeg_read_header(&info, TRUE);
    header->width = info.image_width;
    header->height = info.image_height;
    header->channels = jpeg_choose_channels(&info);
    jpeg_destroy_decompress(&info);
    if (header->channels == 0) return finish(report, CC_UNSUPPORTED, "unknown colour space");
    return CC_OK;
}

static int scaled(int a, int b) {
    int t = a * b + 128;
    return ((t >> 8) + t) >> 8;  // round(a * b / 255)
}

/// CMYK as Adobe's programs store it, inverted, to RGB.
static void cmyk_to_rgb(const uint8_t *cmyk, uint8_t *rgb, size_t width) {
    for (size_t x = 0; x < width; x++, cmyk += 4, rgb += 3)
        for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)(cmyk[3] - scaled(255 - cmyk[c], cmyk[3]));
}

/// Where decoding of a part begins: libjpeg decodes whole blocks of columns, and at the edges of a
/// part, unlike those of the picture, it lacks the neighbours by which colour is smoothed. So a few
/// columns and rows more are decoded.
static void jpeg_choose_columns(j_decompress_ptr info, cc_box *part) {
    JDIMENSION margin = 2 * (JDIMENSION)info->max_h_samp_factor;
    JDIMENSION left = (JDIMENSION)part->left, right = left + (JDIMENSION)part->width;
    left = left > margin ? left - margin : 0;
    right = info->output_width - right > margin ? right + margin : info->output_width;
    JDIMENSION width = right - left;
    if (width < info->output_width) jpeg_crop_scanline(info, &left, &width);
    part->left = left;
    part->width = width;
}

int32_t cc_jpeg_decode(
    const uint8_t *bytes, size_t count, int32_t max_scans, cc_box *part, uint8_t *out,
    size_t capacity, cc_report *report) {
    struct jpeg_decompress_struct info;
    jpeg_errors errors;
    jpeg_progress progress;
    jpeg_prepare(&errors, report);
    info.err = &errors.base;
    if (setjmp(errors.escape)) {
        jpeg_destroy_decompress(&info);
        return report->status;
    }
    jpeg_create_decompress(&info);
    memset(&progress, 0, sizeof progress);
    progress.base.progress_monitor = jpeg_watch;
    progress.max_scans = max_scans;
    info.progress = &progress.base;
    jpeg_mem_src(&info, bytes, count);
    jpeg_read_header(&info, TRUE);
    int channels = jpeg_choose_channels(&info);
    int fits = part->left >= 0 && part->top >= 0 && part->width > 0 && part->height > 0 &&
        part->left + part->width <= info.image_width &&
        part->top + part->height <= info.image_height;
    if (channels == 0 || !fits) {
        jpeg_destroy_decompress(&info);
        return finish(report, CC_LIMIT, "the header changed between two readings");
    }
    jpeg_start_decompress(&info);
    jpeg_choose_columns(&info, part);
    size_t row_bytes = (size_t)part->width * (size_t)channels;
    if (row_bytes * (size_t)part->height > capacity) {
        jpeg_destroy_decompress(&info);
        return finish(report, CC_LIMIT, "the header changed between two readings");
    }
    JSAMPARRAY cmyk = NULL;
    if (info.out_color_space == JCS_CMYK)
        cmyk = info.mem->alloc_sarray((j_common_ptr)&info, JPOOL_IMAGE, info.output_width * 4, 1);
    JDIMENSION top = (JDIMENSION)part->top, margin = 2 * (JDIMENSION)info.max_v_samp_factor;
    if (top > margin) jpeg_skip_scanlines(&info, top - margin);
    while (info.output_scanline < top) {
        JSAMPROW row = out;  // overwritten by the first row
        if (cmyk) jpeg_read_scanlines(&info, cmyk, 1);
        else jpeg_read_scanlines(&info, &row, 1);
    }
    JDIMENSION bottom = top + (JDIMENSION)part->height;
    while (info.output_scanline < bottom) {
        JSAMPROW row = out + row_bytes * (info.output_scanline - top);
        if (cmyk) {
            if (jpeg_read_scanlines(&info, cmyk, 1) == 1)
                cmyk_to_rgb(cmyk[0], row, info.output_width);
        } else {
            JSAMPROW rows[4];
            JDIMENSION left = bottom - info.output_scanline, n = left < 4 ? left : 4;
            for (JDIMENSION i = 0; i < n; i++) rows[i] = row + row_bytes * i;
            jpeg_read_scanlines(&info, rows, n);
        }
    }
    // Not jpeg_finish_decompress: what follows the last row is no part of the picture.
    jpeg_destroy_decompress(&info);
    if (errors.out_of_data) report->status = CC_TRUNCATED;
    return report->status;
}

int32_t cc_jpeg_encode(
    const uint8_t *pixels, int32_t width, int32_t height, int32_t channels,
    const cc_jpeg_options *options, uint8_t **out, size_t *count, cc_report *report) {
    struct jpeg_compress_struct info;
    jpeg_errors errors;
    // On the heap: libjpeg writes here before it may jump, which would lose changed locals.
    struct { unsigned char *bytes; unsigned long count; } *target = calloc(1, sizeof *target);
    *out = NULL;
    *count = 0;
    jpeg_prepare(&errors, report);
    if (!target) return finish(report, CC_MEMORY, "out of memory");
    info.err = &errors.base;
    if (setjmp(errors.escape)) {
        jpeg_destroy_compress(&info);
        free(target->bytes);
        free(target);
        return report->status;
    }
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &target->bytes, &target->count);
    info.image_width = (JDIMENSION)width;
    info.image_height = (JDIMENSION)height;
    info.input_components = channels;
    info.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, options->quality, TRUE);
    info.restart_interval = (unsigned)options->restart_interval;
    if (channels == 3) {
        info.comp_info[0].h_samp_factor = options->horizontal_sampling;
        info.comp_info[0].v_samp_factor = options->vertical_sampling;
    }
    if (options->progressive) jpeg_simple_progression(&info);
    jpeg_start_compress(&info, TRUE);
    while (info.next_scanline < info.image_height) {
        JSAMPROW row = (JSAMPROW)pixels + (size_t)info.next_scanline * (size_t)width * (size_t)channels;
        jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    *out = target->bytes;
    *count = target->count;
    free(target);
    return CC_OK;
}

// MARK: PNG

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

/// Reads up to the pixels and asks for 8-bit grey or RGB; 0 if the layout is none we know.
static int png_start(png_structp png, png_infop info, png_state *state) {
    png_set_read_fn(png, state, png_take);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff);  // the caller limits the pixels
    png_set_chunk_malloc_max(png, 16 << 20);
    png_set_chunk_cache_max(png, 128);
    png_read_info(png, info);
    int grey = !(png_get_color_type(png, info) & PNG_COLOR_MASK_COLOR);
    if (png_get_color_type(png, info) == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
    if (grey) png_set_expand_gray_1_2_4_to_8(png);
    png_set_strip_16(png);
    png_set_strip_alpha(png);
    return grey ? 1 : 3;
}

static png_structp png_open(png_state *state, cc_report *report) {
    start(report);
    memset(state, 0, sizeof *state);
    state->report = report;
    return png_create_read_struct(PNG_LIBPNG_VER_STRING, state, png_fail, png_warn);
}

int32_t cc_png_header(const uint8_t *bytes, size_t count, cc_header *header, cc_report *report) {
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
    header->channels = png_start(png, info, &state);
    header->width = png_get_image_width(png, info);
    header->height = png_get_image_height(png, info);
    png_destroy_read_struct(&png, &info, NULL);
    return CC_OK;
}

int32_t cc_png_decode(
    const uint8_t *bytes, size_t count, uint8_t *out, size_t capacity, cc_report *report) {
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
    size_t channels = (size_t)png_start(png, info, &state);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    size_t height = png_get_image_height(png, info);
    size_t row_bytes = png_get_image_width(png, info) * channels;
    if (png_get_rowbytes(png, info) != row_bytes || row_bytes * height > capacity) {
        png_destroy_read_struct(&png, &info, NULL);
        return finish(report, CC_LIMIT, "the header changed between two readings");
    }
    for (int pass = 0; pass < passes; pass++)
        for (size_t y = 0; y < height; y++) png_read_row(png, out + y * row_bytes, NULL);
    png_destroy_read_struct(&png, &info, NULL);
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
