/* main() of every unit test. Forking, verbosity, a single case and the TAP log are chosen by check's
 * own environment variables (CK_FORK, CK_VERBOSITY, CK_RUN_CASE, CK_TAP_LOG_FILE_NAME). */
#include "unit.h"

#include <stdlib.h>

int main(void)
{
    SRunner *runner = srunner_create(make_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    int run = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed || !run ? EXIT_FAILURE : EXIT_SUCCESS;
}
