/* A config text through reader, store and check. Nothing is read from disk: texts that include are left out. */
#include "base/alloc.h"
#include "base/report.h"
#include "config/file.h"
#include "server/check.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig loses strings it has read when a syntax error follows. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig.so\n";
}

static int includes(const uint8_t *data, size_t size)
{
    const char *end = (const char *)data + size, *at = (const char *)data;
    while ((at = memmem(at, (size_t)(end - at), "include", 7))) {
        if (at == (const char *)data || at[-1] != '@')
            return 1;
        at += 7;
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (includes(data, size))
        return 0;
    struct gw_config *config = gw_config_create();
    int result = gw__config_read_text(config, (const char *)data, size, "/nowhere/fuzz.cfg");
    struct gw__report report = {0};
    struct gw__checked checked;
    gw__config_check(&checked, config, &report);
    char *text = gw__report_text(&report);
    if (!text || (result && !*text))
        __builtin_trap(); /* refused without a reason */
    gw__free(text);
    gw__checked_finish(&checked);
    gw__report_finish(&report);
    gw_config_destroy(config);
    return 0;
}
