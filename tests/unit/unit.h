/* What every unit test shares: test_NAME.c defines make_suite(), unit.c has main(). */
#ifndef GW_TEST_UNIT_H
#define GW_TEST_UNIT_H

#include <check.h>

#include <stdbool.h>

Suite *make_suite(void);

/* So many times, a tenth of it under a sanitizer. */
int times_here(int count);

/* From now on the index-th allocation of the library fails, that one alone. */
void fail_allocation(int index);
/* Whether it has. */
bool allocation_failed(void);
void allocate_normally(void);

#endif
