#include "codec.h"

static uint32_t number(const uint8_t *bytes, int size, int big) {
    uint32_t value = 0;
    for (int i = 0; i < size; i++)
        value |= (uint32_t)bytes[i] << 8 * (big ? size - 1 - i : i);
    return value;
}

int32_t exif_orientation(const uint8_t *bytes, size_t count) {
    if (count >= 6 && memcmp(bytes, "Exif\0", 6) == 0) {  // as in a JPEG's APP1
        bytes += 6;
        count -= 6;
    }
    if (count < 8 || (memcmp(bytes, "II*", 4) != 0 && memcmp(bytes, "MM\0*", 4) != 0)) return 1;
    int big = bytes[0] == 'M';
    size_t at = number(bytes + 4, 4, big);
    if (at > count - 2) return 1;
    size_t tags = number(bytes + at, 2, big);
    for (at += 2; tags > 0 && count - at >= 12; tags--, at += 12) {
        if (number(bytes + at, 2, big) != 0x0112) continue;
        uint32_t value = number(bytes + at + 8, 2, big);  // a SHORT
        return number(bytes + at + 2, 2, big) == 3 && value >= 1 && value <= 8 ? (int32_t)value : 1;
    }
    return 1;
}
