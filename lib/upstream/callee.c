/* Options of an RPC service from a config, whose words have been checked against the tables of options. */
#include "upstream/callee.h"

#include <stddef.h>
#include <string.h>

/* `old` unless that is 0; else the index of the configured word, counted from 1, or 0 if none is configured. */
static uint8_t choose(uint8_t old, const struct gw_option *group, const char *key, const char *const *words)
{
    const char *word = gw_option_string(group, key);
    for (uint8_t i = 0; !old && word && words[i]; i++)
        if (strcmp(words[i], word) == 0)
            return (uint8_t)(i + 1);
    return old;
}

void gw__rpc_options_fill(struct gw__rpc_options *options, const struct gw_option *group)
{
    static const char *const encodings[] = {"binary", NULL};
    static const char *const transports[] = {"unframed", "framed", NULL};
    static const char *const forms[] = {"strict", "kitex", NULL};
    options->encoding = choose(options->encoding, group, "encoding", encodings);
    options->transport = choose(options->transport, group, "transport", transports);
    options->json = choose(options->json, group, "json", forms);
}
