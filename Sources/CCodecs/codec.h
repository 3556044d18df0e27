// What the codecs of this folder share.
#pragma once
#include "ccodecs.h"

#include <stdio.h>
#include <string.h>

static inline void start(cc_report *report) { memset(report, 0, sizeof *report); }

static inline int32_t finish(cc_report *report, int32_t status, const char *message) {
    report->status = status;
    snprintf(report->message, sizeof report->message, "%s", message);
    return status;
}

/// A sample deeper than 8 bits as a byte: `low` or less is 0, `high` or more is 255.
static inline uint8_t ranged(double value, const cc_options *options) {
    double scaled = (value - options->low) * 255 / (options->high - options->low) + 0.5;
    if (!(scaled >= 1)) return 0;  // not-a-number, too
    return scaled >= 255 ? 255 : (uint8_t)scaled;
}

static inline uint8_t narrowed(uint16_t value, const cc_options *options) {
    return options->has_range ? ranged(value, options) : (uint8_t)(value >> 8);
}

/// round(a * b / 255)
static inline int scaled(int a, int b) {
    int t = a * b + 128;
    return ((t >> 8) + t) >> 8;
}

/// Whether rows fit what the caller offers; sizes were read from a file.
static inline int fits(const cc_header *header, size_t capacity) {
    size_t row = (size_t)header->width * (size_t)header->channels;
    return header->width > 0 && header->height > 0 && row <= capacity / (size_t)header->height;
}

/// The orientation, 1...8, that an EXIF block (a TIFF file of tags) gives; 1 if it gives none.
int32_t exif_orientation(const uint8_t *bytes, size_t count);
