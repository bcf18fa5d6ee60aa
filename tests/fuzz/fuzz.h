/* SPDX-License-Identifier: GPL-2.0 */
/* What the fuzz targets share: the entry point, and checks that stop the run. */
#ifndef TQUIC_TESTS_FUZZ_H
#define TQUIC_TESTS_FUZZ_H

#include <linux/bug.h>
#include <linux/string.h>
#include <linux/types.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t len);

/* Reads every byte, so that a view beyond the input trips the sanitizer. */
static inline void fuzz_touch(const u8 *p, size_t n)
{
	const volatile u8 *v = p;

	while (n--)
		(void)*v++;
}

#endif /* TQUIC_TESTS_FUZZ_H */
