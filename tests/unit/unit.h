/* What every unit test shares: test_NAME.c defines make_suite(), unit.c has main(). */
#ifndef GW_TEST_UNIT_H
#define GW_TEST_UNIT_H

#include <check.h>

Suite *make_suite(void);

#endif
