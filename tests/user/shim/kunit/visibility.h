/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <kunit/visibility.h>: what a suite tests is visible. */
#ifndef TQUIC_SHIM_KUNIT_VISIBILITY_H
#define TQUIC_SHIM_KUNIT_VISIBILITY_H

#define VISIBLE_IF_KUNIT
#define EXPORT_SYMBOL_IF_KUNIT(symbol)

#endif /* TQUIC_SHIM_KUNIT_VISIBILITY_H */
