/* Powers of ten in 128 bits, for reading and writing doubles. */
#ifndef GW_JSON_POWERS_H
#define GW_JSON_POWERS_H

#include <stdint.h>

enum {
    GW__POWER_FIRST = -342,
    GW__POWER_LAST = 324,
    GW__POWER_FIRST_UP = -27, /* from here to -1 rounded up */
    GW__POWER_LAST_EXACT = 55,
};

struct gw__power {
    uint64_t high, low;
};

/* [k - GW__POWER_FIRST] is 10^k, times a power of two, cut to 128 bits. */
extern const struct gw__power gw__powers[GW__POWER_LAST - GW__POWER_FIRST + 1];

#endif
