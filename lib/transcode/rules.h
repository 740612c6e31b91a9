/* Rules of JSON values that a config chooses, the same both ways. 0 is the first word of each. */
#ifndef GW_TRANSCODE_RULES_H
#define GW_TRANSCODE_RULES_H

#include <stdint.h>

/* In the order of the config's words, from 1. */
enum gw__int64_rule { GW__INT64_NUMBER = 1, GW__INT64_STRING, GW__INT64_AUTO /* string above 2^53 - 1 */ };
enum gw__nan_rule { GW__NAN_NULL = 1, GW__NAN_STRING, GW__NAN_REFUSE };
enum gw__binary_rule { GW__BINARY_BASE64 = 1, GW__BINARY_BASE64URL };

struct gw__json_rules {
    uint8_t int64, nan, binary; /* of the enums above */
};

enum { GW__SAFE_BITS = 53 }; /* of an integer that a double holds with all between it and 0 */

#endif
