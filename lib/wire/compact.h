/* Types of Thrift's compact protocol: four bits of a header. As the type of a field the first two are its value. */
#ifndef GW_WIRE_COMPACT_H
#define GW_WIRE_COMPACT_H

enum gw__compact_type {
    GW__COMPACT_TRUE = 1,
    GW__COMPACT_FALSE = 2,
    GW__COMPACT_I8 = 3,
    GW__COMPACT_I16 = 4,
    GW__COMPACT_I32 = 5,
    GW__COMPACT_I64 = 6,
    GW__COMPACT_DOUBLE = 7,
    GW__COMPACT_STRING = 8,
    GW__COMPACT_LIST = 9,
    GW__COMPACT_SET = 10,
    GW__COMPACT_MAP = 11,
    GW__COMPACT_STRUCT = 12,
    GW__COMPACT_UUID = 13,
};

#endif
