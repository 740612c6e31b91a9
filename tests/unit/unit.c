/* main() of every unit test. Forking, verbosity, a single case and the TAP log are chosen by check's
 * own environment variables (CK_FORK, CK_VERBOSITY, CK_RUN_CASE, CK_TAP_LOG_FILE_NAME). */
#include "unit.h"

#include <gateway/error.h>
#include <stdlib.h>

static int countdown;

static void *failing_malloc(size_t size)
{
    return countdown-- == 0 ? NULL : malloc(size);
}

static void *failing_realloc(void *memory, size_t size)
{
    return countdown-- == 0 ? NULL : realloc(memory, size);
}

void fail_allocation(int index)
{
    countdown = index;
    gw_set_allocator(failing_malloc, failing_realloc, free);
}

bool allocation_failed(void)
{
    return countdown < 0;
}

void allocate_normally(void)
{
    gw_set_allocator(NULL, NULL, NULL);
}

int times_here(int count)
{
    const char *sanitizer = getenv("GW_SANITIZE");
    return sanitizer && *sanitizer ? count / 10 : count;
}

int main(void)
{
    SRunner *runner = srunner_create(make_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    int run = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed || !run ? EXIT_FAILURE : EXIT_SUCCESS;
}
