/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/export.h>: symbols need no export. */
#ifndef TQUIC_SHIM_LINUX_EXPORT_H
#define TQUIC_SHIM_LINUX_EXPORT_H

#define EXPORT_SYMBOL(s)
#define EXPORT_SYMBOL_GPL(s)
#define EXPORT_SYMBOL_NS(s, ns)
#define EXPORT_SYMBOL_NS_GPL(s, ns)

#endif /* TQUIC_SHIM_LINUX_EXPORT_H */
