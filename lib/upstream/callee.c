/* Options of an RPC service from a config, whose words have been checked against the tables of options. */
#include "upstream/callee.h"

#include <stddef.h>
#include <string.h>

/* `old` unless that is 0; else the place of the configured word among "a|b|c", counted from 1, or 0 if none is
 * configured. */
static uint8_t choose(uint8_t old, const struct gw_option *group, const char *key, const char *words)
{
    const char *word = gw_option_string(group, key);
    if (old || !word)
        return old;
    for (uint8_t place = 1;; place++) {
        size_t size = strcspn(words, "|");
        if (strlen(word) == size && memcmp(words, word, size) == 0)
            return place;
        if (!words[size])
            return 0;
        words += size + 1;
    }
}

void gw__rpc_options_fill(struct gw__rpc_options *options, const struct gw_option *group)
{
    options->encoding = choose(options->encoding, group, "encoding", GW__ENCODING_WORDS);
    options->transport = choose(options->transport, group, "transport", GW__TRANSPORT_WORDS);
    options->json = choose(options->json, group, "json", GW__JSON_WORDS);
    options->int64 = choose(options->int64, group, "int64", GW__INT64_WORDS);
    options->nan = choose(options->nan, group, "nan", GW__NAN_WORDS);
    options->binary = choose(options->binary, group, "binary", GW__BINARY_WORDS);
}
