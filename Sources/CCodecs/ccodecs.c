#include "codec.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

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
    else if (code == JERR_NO_BACKING_STORE) {
        status = CC_LIMIT;
        snprintf(message, sizeof message, "decoding needs more memory than the limit");
    }
    else if (errors->out_of_data || code == JERR_INPUT_EMPTY || code == JERR_INPUT_EOF)
        status = CC_TRUNCATED;
    // Sound files of kinds that libjpeg does not decode: 12 bits, hierarchical, odd colour spaces.
    else if (code == JERR_BAD_PRECISION || code == JERR_SOF_UNSUPPORTED
             || code == JERR_CONVERSION_NOTIMPL || code == JERR_COMPONENT_COUNT
             || code == JERR_NOT_COMPILED || code == JERR_NOTIMPL || code == JERR_ARITH_NOTIMPL
             || code == JERR_CCIR601_NOTIMPL || code == JERR_FRACT_SAMPLE_NOTIMPL)
        status = CC_UNSUPPORTED;
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
    jpeg_save_markers(&info, JPEG_APP0 + 1, 0xFFFF);  // EXIF
    jpeg_read_header(&info, TRUE);
    header->width = info.image_width;
    header->height = info.image_height;
    header->channels = jpeg_choose_channels(&info);
    header->bit_depth = info.data_precision;
    header->model = info.jpeg_color_space == JCS_CMYK ? CC_CMYK
        : info.jpeg_color_space == JCS_YCCK           ? CC_YCCK
        : header->channels == 1                       ? CC_GREY
                                                      : CC_RGB;
    header->has_alpha = header->has_more = 0;
    header->orientation = 1;
    jpeg_saved_marker_ptr marker = info.marker_list;
    while (marker && header->orientation == 1) {
        header->orientation = exif_orientation(marker->data, marker->data_length);
        marker = marker->next;
    }
    jpeg_destroy_decompress(&info);
    if (header->channels == 0) return finish(report, CC_UNSUPPORTED, "unknown colour space");
    return CC_OK;
}

/// CMYK as Adobe's programs store it, inverted, to RGB.
static void cmyk_to_rgb(const uint8_t *cmyk, uint8_t *rgb, size_t width) {
    for (size_t x = 0; x < width; x++, cmyk += 4, rgb += 3)
        for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)(cmyk[3] - scaled(255 - cmyk[c], cmyk[3]));
}

/// Whether libjpeg's rows can be cut to a part of their columns.
///
/// It miscounts the columns of colour where those are enlarged twice: first by the transform, as they
/// are in a smaller picture, and then once more, as with 4 columns and 2 rows a sample.
static int jpeg_can_cut(j_decompress_ptr info) {
#if JPEG_LIB_VERSION >= 70
#define DCT_SIZE(of) (of).DCT_h_scaled_size
#define LEAST_DCT_SIZE(of) (of).min_DCT_h_scaled_size
#else
#define DCT_SIZE(of) (of).DCT_scaled_size
#define LEAST_DCT_SIZE(of) (of).min_DCT_scaled_size
#endif
    int least = LEAST_DCT_SIZE(*info);
    for (int c = 0; c < info->num_components; c++) {
        jpeg_component_info *component = &info->comp_info[c];
        int size = DCT_SIZE(*component);
        if (size != least && component->h_samp_factor * size != info->max_h_samp_factor * least)
            return 0;
    }
    return 1;
}

/// Where decoding of a part begins: libjpeg decodes whole blocks of columns, and at the edges of a
/// part, unlike those of the picture, it lacks the neighbours by which colour is smoothed. So a few
/// columns and rows more are decoded.
static void jpeg_choose_columns(j_decompress_ptr info, cc_part *part) {
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
    const uint8_t *bytes, size_t count, const cc_options *options, int32_t eighths, cc_part *part,
    uint8_t *out, size_t capacity, cc_report *report) {
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
    progress.max_scans = options->max_scans;
    info.mem->max_memory_to_use = (long)options->max_memory;
    info.progress = &progress.base;
    jpeg_mem_src(&info, bytes, count);
    jpeg_read_header(&info, TRUE);
    int channels = jpeg_choose_channels(&info);
    info.scale_num = (unsigned)eighths;
    info.scale_denom = 8;
    jpeg_calc_output_dimensions(&info);
    int fits = part->left >= 0 && part->top >= 0 && part->width > 0 && part->height > 0 &&
        part->left + part->width <= info.output_width &&
        part->top + part->height <= info.output_height;
    if (channels == 0 || !fits) {
        jpeg_destroy_decompress(&info);
        return finish(report, CC_LIMIT, "the header changed between two readings");
    }
    jpeg_start_decompress(&info);
    int is_cut = jpeg_can_cut(&info);
    if (is_cut) jpeg_choose_columns(&info, part);
    size_t row_bytes = (size_t)part->width * (size_t)channels;
    if (row_bytes * (size_t)part->height > capacity) {
        jpeg_destroy_decompress(&info);
        return finish(report, CC_LIMIT, "the header changed between two readings");
    }
    // A row that is not yet what is wanted.
    JSAMPARRAY raw = NULL;
    int is_cmyk = info.out_color_space == JCS_CMYK;
    JDIMENSION raw_bytes = info.output_width * (JDIMENSION)(is_cmyk ? 4 : channels);
    if (is_cmyk || info.output_width != part->width)
        raw = info.mem->alloc_sarray((j_common_ptr)&info, JPOOL_IMAGE, raw_bytes, 1);
    size_t first = is_cut ? 0 : (size_t)part->left;
    JDIMENSION top = (JDIMENSION)part->top, margin = 2 * (JDIMENSION)info.max_v_samp_factor;
    if (top > margin) jpeg_skip_scanlines(&info, top - margin);
    while (info.output_scanline < top) {
        JSAMPROW row = out;  // overwritten by the first row
        if (raw) jpeg_read_scanlines(&info, raw, 1);
        else jpeg_read_scanlines(&info, &row, 1);
    }
    JDIMENSION bottom = top + (JDIMENSION)part->height;
    while (info.output_scanline < bottom) {
        JSAMPROW row = out + row_bytes * (info.output_scanline - top);
        if (raw) {
            if (jpeg_read_scanlines(&info, raw, 1) != 1) continue;
            if (is_cmyk) cmyk_to_rgb(raw[0] + 4 * first, row, (size_t)part->width);
            else memcpy(row, raw[0] + first * (size_t)channels, row_bytes);
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
