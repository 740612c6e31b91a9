/* Schema and rules that the targets of the transcoder share, beside those of idl/. */
#ifndef GW_FUZZ_VALUES_H
#define GW_FUZZ_VALUES_H

#include "../unit/wire_types.h"

/* What idl/ has not: sets and keys of any type, i64 as text, values in a struct of themselves. */
static inline struct gw__schema *fuzz_values(void)
{
    static const struct idl_text text = {
        "struct Key { 1: i32 x, 2: string y }\n"
        "union Either { 1: double left, 2: list<Values> right }\n"
        "struct Values {\n"
        "    1: set<i32> numbers, 2: set<string> words, 3: set<Key> keys, 4: set<set<bool>> bags\n"
        "    5: map<Key, i32> by_key, 6: map<list<i8>, Values> by_row, 7: map<double, string> by_ratio\n"
        "    8: i64 large (api.js_conv), 9: list<i64> larges, 10: double ratio, 11: binary bytes, 12: Either either\n"
        "    13: map<map<string, i8>, set<binary>> deep, 14: required i16 needed = 3\n"
        "}\n"
        "service S { Values Put(1: Values v) set<i64> Set(1: set<i64> v) Either Choose(1: Either v) }\n", NULL};
    return idl_schema("values.thrift", &text);
}

/* Of two bits. */
static inline struct gw__json_rules fuzz_rules(unsigned bits)
{
    uint8_t rule = bits & 3;
    return (struct gw__json_rules){.int64 = rule, .nan = rule, .binary = rule % 3};
}

#endif
