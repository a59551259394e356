/* SPDX-License-Identifier: MIT
 *
 * Comparing what two decoders made of the same bytes.  For the tests.
 */
#pragma once

#include "intake/report.h"

/*
 * report_difference - what two reports do not have in common, in a word, or
 * NULL.  found, wanted: the verdicts that go with them.  Of a stream that is
 * closed the place of the fault is not compared.
 */
const char *report_difference(enum decode found, const struct report *report,
    enum decode wanted, const struct report *expected);
