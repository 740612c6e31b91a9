/* 64 bytes of a head to three bitmaps: where its lines end, where colons are, and where something is odd
 * (control bytes, DEL, bytes over 0x7f), which is looked at one by one. With SSE2 and, for the test and for other
 * machines, without. */
#ifndef GW_HTTP_SCAN_H
#define GW_HTTP_SCAN_H

#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

struct gw__bits {
    uint64_t lf, colon;
    uint64_t odd; /* bytes below 0x20 and above 0x7e */
};

/* Bitmaps of data[base…], of at most 64 bytes and none beyond size. base < size. */
static inline void gw__scan_scalar(const char *data, size_t base, size_t size, struct gw__bits *out)
{
    size_t count = size - base < 64 ? size - base : 64;
    *out = (struct gw__bits){0};
    for (size_t i = 0; i < count; i++) {
        unsigned char c = (unsigned char)data[base + i];
        out->lf |= (uint64_t)(c == '\n') << i;
        out->colon |= (uint64_t)(c == ':') << i;
        out->odd |= (uint64_t)(c < 0x20 || c > 0x7e) << i;
    }
}

#ifdef __SSE2__
struct gw__bits16 {
    unsigned lf, colon, even; /* even: not odd */
};

static inline struct gw__bits16 gw__scan16(__m128i bytes)
{
    /* One more than the byte, signed: DEL and all above it wrap to negative, 0xff to 0. */
    __m128i next = _mm_add_epi8(bytes, _mm_set1_epi8(1));
    return (struct gw__bits16){
        .lf = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n'))),
        .colon = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(':'))),
        .even = (unsigned)_mm_movemask_epi8(_mm_cmpgt_epi8(next, _mm_set1_epi8(0x20))),
    };
}

static inline __m128i gw__scan_load(const char *from)
{
    return _mm_loadu_si128((const __m128i *)(const void *)from);
}

/* The last bytes, fewer than 16 of them: by a load that ends where the input does and so overlaps what has
 * been seen (the same bytes give the same bits). */
static inline void gw__scan_tail(const char *data, size_t base, size_t size, struct gw__bits *out)
{
    char copy[16] = {' '};
    const char *from = data + size - 16;
    int at = (int)(size - base) - 16;
    if (size < 16) {
        memcpy(memset(copy, ' ', sizeof copy), data + base, size - base);
        from = copy;
        at = 0;
    }
    struct gw__bits16 bits = gw__scan16(gw__scan_load(from));
    if (at >= 0) {
        out->lf |= (uint64_t)bits.lf << at;
        out->colon |= (uint64_t)bits.colon << at;
        out->odd |= (uint64_t)(bits.even ^ 0xffff) << at;
    } else {
        out->lf |= bits.lf >> -at;
        out->colon |= bits.colon >> -at;
        out->odd |= (bits.even ^ 0xffff) >> -at;
    }
}

static inline void gw__scan_sse2(const char *data, size_t base, size_t size, struct gw__bits *out)
{
    const char *from = data + base;
    if (size - base >= 64) {
        struct gw__bits16 a = gw__scan16(gw__scan_load(from)), b = gw__scan16(gw__scan_load(from + 16));
        struct gw__bits16 c = gw__scan16(gw__scan_load(from + 32)), d = gw__scan16(gw__scan_load(from + 48));
        out->lf = (a.lf | b.lf << 16) | (uint64_t)(c.lf | d.lf << 16) << 32;
        out->colon = (a.colon | b.colon << 16) | (uint64_t)(c.colon | d.colon << 16) << 32;
        out->odd = ~((a.even | b.even << 16) | (uint64_t)(c.even | d.even << 16) << 32);
        return;
    }
    *out = (struct gw__bits){0};
    size_t count = size - base;
    for (size_t i = 0; i + 16 <= count; i += 16) {
        struct gw__bits16 bits = gw__scan16(gw__scan_load(from + i));
        out->lf |= (uint64_t)bits.lf << i;
        out->colon |= (uint64_t)bits.colon << i;
        out->odd |= (uint64_t)(bits.even ^ 0xffff) << i;
    }
    if (count & 15)
        gw__scan_tail(data, base, size, out);
}
#else
#define gw__scan_sse2 gw__scan_scalar
#endif

#endif
