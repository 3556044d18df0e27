#include "codec.h"

#include <stdlib.h>

#include <webp/decode.h>
#include <webp/demux.h>

static int32_t webp_status(VP8StatusCode code, cc_report *report) {
    switch (code) {
    case VP8_STATUS_OK: return CC_OK;
    case VP8_STATUS_OUT_OF_MEMORY: return finish(report, CC_MEMORY, "out of memory");
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA:
        return finish(report, CC_TRUNCATED, "the data end before the picture does");
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return finish(report, CC_UNSUPPORTED, "an unknown feature of WebP");
    default: return finish(report, CC_CORRUPT, "damaged WebP data");
    }
}

/// The orientation of the EXIF chunk, which lies behind the pixels.
static int32_t webp_orientation(const uint8_t *bytes, size_t count) {
    WebPData data = {bytes, count};
    WebPDemuxState state;
    WebPDemuxer *demuxer = WebPDemuxPartial(&data, &state);
    WebPChunkIterator chunk;
    int32_t orientation = 1;
    if (!demuxer) return orientation;
    if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk)) {
        orientation = exif_orientation(chunk.chunk.bytes, chunk.chunk.size);
        WebPDemuxReleaseChunkIterator(&chunk);
    }
    WebPDemuxDelete(demuxer);
    return orientation;
}

int32_t cc_webp_header(
    const uint8_t *bytes, size_t count, const cc_options *options, cc_header *header,
    cc_report *report) {
    WebPBitstreamFeatures features;
    start(report);
    VP8StatusCode code = WebPGetFeatures(bytes, count, &features);
    if (code != VP8_STATUS_OK) return webp_status(code, report);
    header->width = features.width;
    header->height = features.height;
    header->channels = options->stored && features.has_alpha ? 4 : 3;
    header->bit_depth = 8;
    header->model = CC_RGB;
    header->has_alpha = features.has_alpha;
    header->has_more = features.has_animation;
    header->orientation = webp_orientation(bytes, count);
    return CC_OK;
}

/// What is there of a picture whose data end early.
static VP8StatusCode webp_decode_part(
    const uint8_t *bytes, size_t count, const cc_header *header, uint8_t *out, size_t capacity) {
    int stride = (int)(header->width * header->channels);
    WEBP_CSP_MODE mode = header->channels == 4 ? MODE_RGBA : MODE_RGB;
    WebPIDecoder *decoder = WebPINewRGB(mode, out, capacity, stride);
    if (!decoder) return VP8_STATUS_OUT_OF_MEMORY;
    VP8StatusCode code = WebPIUpdate(decoder, bytes, count);
    WebPIDelete(decoder);
    return code;
}

/// The first picture of an animation, on the whole canvas.
static int32_t webp_decode_first(
    const uint8_t *bytes, size_t count, const cc_header *header, const cc_options *options,
    uint8_t *out, cc_report *report) {
    WebPData data = {bytes, count};
    WebPAnimDecoderOptions settings;
    uint8_t *canvas;
    int time;
    size_t pixels = (size_t)header->width * (size_t)header->height;
    // The library keeps two canvases of four channels.
    if (pixels > (size_t)options->max_memory / 8)
        return finish(report, CC_LIMIT, "the animation needs more memory than the limit");
    if (!WebPAnimDecoderOptionsInit(&settings)) return finish(report, CC_UNSUPPORTED, "libwebp");
    WebPAnimDecoder *decoder = WebPAnimDecoderNew(&data, &settings);
    if (!decoder || !WebPAnimDecoderGetNext(decoder, &canvas, &time)) {
        WebPAnimDecoderDelete(decoder);
        WebPDemuxState state;
        WebPDemuxDelete(WebPDemuxPartial(&data, &state));
        return state == WEBP_DEMUX_PARSING_HEADER || state == WEBP_DEMUX_PARSED_HEADER
            ? finish(report, CC_TRUNCATED, "the data end before the first picture does")
            : finish(report, CC_CORRUPT, "damaged WebP animation");
    }
    for (size_t i = 0; i < pixels; i++, canvas += 4, out += header->channels)
        memcpy(out, canvas, (size_t)header->channels);
    WebPAnimDecoderDelete(decoder);
    return CC_OK;
}

int32_t cc_webp_decode(
    const uint8_t *bytes, size_t count, const cc_options *options, uint8_t *out, size_t capacity,
    cc_report *report) {
    cc_header header;
    if (cc_webp_header(bytes, count, options, &header, report) != CC_OK) return report->status;
    if (!fits(&header, capacity))
        return finish(report, CC_LIMIT, "the header changed between two readings");
    // Lossless pictures and alpha are kept whole while they are decoded, a word a pixel.
    WebPBitstreamFeatures features;
    int is_lossy = WebPGetFeatures(bytes, count, &features) == VP8_STATUS_OK && features.format == 1;
    if ((!is_lossy || header.has_alpha) &&
        (size_t)header.width * (size_t)header.height > (size_t)options->max_memory / 4)
        return finish(report, CC_LIMIT, "the picture needs more memory than the limit");
    if (header.has_more)
        return webp_decode_first(bytes, count, &header, options, out, report);
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config)) return finish(report, CC_UNSUPPORTED, "libwebp");
    config.output.colorspace = header.channels == 4 ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = out;
    config.output.u.RGBA.stride = (int)(header.width * header.channels);
    config.output.u.RGBA.size = capacity;
    VP8StatusCode code = WebPDecode(bytes, count, &config);
    if (options->accepts_truncated &&
        (code == VP8_STATUS_NOT_ENOUGH_DATA || code == VP8_STATUS_SUSPENDED)) {
        memset(out, 0, capacity);
        code = webp_decode_part(bytes, count, &header, out, capacity);
    }
    return webp_status(code, report);
}
