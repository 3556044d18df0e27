#include "codec.h"

#include <stdlib.h>

#include <gif_lib.h>

typedef struct {
    const uint8_t *bytes;
    size_t left;
    int ended;  // more was asked for than is there
} gif_source;

static int gif_take(GifFileType *gif, GifByteType *into, int count) {
    gif_source *source = gif->UserData;
    if (count < 0) return 0;
    if ((size_t)count > source->left) {
        source->ended = 1;
        count = (int)source->left;
    }
    memcpy(into, source->bytes, (size_t)count);
    source->bytes += count;
    source->left -= (size_t)count;
    return count;
}

static int32_t gif_fail(int code, const gif_source *source, cc_report *report) {
    if (source->ended) return finish(report, CC_TRUNCATED, "the data end before the picture does");
    const char *message = GifErrorString(code);
    int32_t status = code == D_GIF_ERR_NOT_ENOUGH_MEM ? CC_MEMORY : CC_CORRUPT;
    return finish(report, status, message ? message : "damaged GIF data");
}

/// Reads up to the pixels of the first picture; `transparent` is its invisible colour, or -1.
static int gif_seek(GifFileType *gif, int *transparent) {
    GifRecordType type;
    *transparent = -1;
    while (DGifGetRecordType(gif, &type) == GIF_OK) {
        if (type == IMAGE_DESC_RECORD_TYPE) return DGifGetImageDesc(gif) == GIF_OK;
        if (type == TERMINATE_RECORD_TYPE) {
            gif->Error = D_GIF_ERR_NO_IMAG_DSCR;
            return 0;
        }
        if (type != EXTENSION_RECORD_TYPE) continue;
        int code;
        GifByteType *block;
        GraphicsControlBlock control;
        if (DGifGetExtension(gif, &code, &block) != GIF_OK) return 0;
        if (block && code == GRAPHICS_EXT_FUNC_CODE &&
            DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
            *transparent = control.TransparentColor;
        while (block)
            if (DGifGetExtensionNext(gif, &block) != GIF_OK) return 0;
    }
    return 0;
}

/// Whether another picture follows the one whose pixels come next.
static int gif_has_more(GifFileType *gif) {
    GifByteType *block;
    GifRecordType type;
    int size;
    if (DGifGetCode(gif, &size, &block) != GIF_OK) return 0;
    while (block)
        if (DGifGetCodeNext(gif, &block) != GIF_OK) return 0;
    while (DGifGetRecordType(gif, &type) == GIF_OK && type == EXTENSION_RECORD_TYPE) {
        if (DGifGetExtension(gif, &size, &block) != GIF_OK) return 0;
        while (block)
            if (DGifGetExtensionNext(gif, &block) != GIF_OK) return 0;
    }
    return type == IMAGE_DESC_RECORD_TYPE;
}

static void gif_close(GifFileType *gif) { DGifCloseFile(gif, NULL); }

int32_t cc_gif_header(
    const uint8_t *bytes, size_t count, const cc_options *options, cc_header *header,
    cc_report *report) {
    (void)options;
    gif_source source = {bytes, count, 0};
    int code, transparent;
    start(report);
    GifFileType *gif = DGifOpen(&source, gif_take, &code);
    if (!gif) return gif_fail(code, &source, report);
    header->width = gif->SWidth;
    header->height = gif->SHeight;
    header->channels = 3;
    header->bit_depth = 8;
    header->model = CC_PALETTE;
    header->orientation = 1;
    if (!gif_seek(gif, &transparent)) {
        int32_t status = gif_fail(gif->Error, &source, report);
        gif_close(gif);
        return status;
    }
    header->has_alpha = transparent >= 0;
    header->has_more = gif_has_more(gif);
    gif_close(gif);
    return CC_OK;
}

/// The picture lies on a canvas of the screen's size; what reaches beyond it is dropped.
static int gif_rows(GifFileType *gif, const ColorMapObject *map, GifPixelType *line, uint8_t *out) {
    static const int firsts[] = {0, 4, 2, 1}, steps[] = {8, 8, 4, 2};
    const GifImageDesc *image = &gif->Image;
    int interlaced = image->Interlace != 0;
    for (int pass = 0; pass < (interlaced ? 4 : 1); pass++)
        for (int y = interlaced ? firsts[pass] : 0; y < image->Height;
             y += interlaced ? steps[pass] : 1) {
            if (DGifGetLine(gif, line, image->Width) != GIF_OK) return 0;
            if (image->Top + y >= gif->SHeight) continue;
            uint8_t *row = out + ((size_t)(image->Top + y) * (size_t)gif->SWidth) * 3;
            for (int x = 0; x < image->Width && image->Left + x < gif->SWidth; x++) {
                static const GifColorType black;
                const GifColorType *c = line[x] < map->ColorCount ? &map->Colors[line[x]] : &black;
                uint8_t *pixel = row + (size_t)(image->Left + x) * 3;
                pixel[0] = c->Red;
                pixel[1] = c->Green;
                pixel[2] = c->Blue;
            }
        }
    return 1;
}

int32_t cc_gif_decode(
    const uint8_t *bytes, size_t count, const cc_options *options, uint8_t *out, size_t capacity,
    cc_report *report) {
    (void)options;
    gif_source source = {bytes, count, 0};
    int code, transparent;
    start(report);
    GifFileType *gif = DGifOpen(&source, gif_take, &code);
    if (!gif) return gif_fail(code, &source, report);
    cc_header header = {.width = gif->SWidth, .height = gif->SHeight, .channels = 3};
    if (!fits(&header, capacity)) {
        gif_close(gif);
        return finish(report, CC_LIMIT, "the header changed between two readings");
    }
    int32_t status = CC_OK;
    if (!gif_seek(gif, &transparent)) {
        status = gif_fail(gif->Error, &source, report);
        gif_close(gif);
        return status;
    }
    const GifImageDesc *image = &gif->Image;
    const ColorMapObject *map = image->ColorMap ? image->ColorMap : gif->SColorMap;
    GifPixelType *line = malloc((size_t)image->Width + 1);
    if (!line) status = finish(report, CC_MEMORY, "out of memory");
    else if (!map) status = finish(report, CC_CORRUPT, "the picture has no palette");
    else {
        if (image->Left > 0 || image->Top > 0 || image->Left + image->Width < gif->SWidth ||
            image->Top + image->Height < gif->SHeight || options->accepts_truncated)
            memset(out, 0, capacity);
        if (!gif_rows(gif, map, line, out)) status = gif_fail(gif->Error, &source, report);
    }
    free(line);
    gif_close(gif);
    return status;
}
