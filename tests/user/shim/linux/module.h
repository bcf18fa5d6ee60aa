/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/module.h>: a module that is always there. */
#ifndef TQUIC_SHIM_LINUX_MODULE_H
#define TQUIC_SHIM_LINUX_MODULE_H

#include <linux/export.h>
#include <linux/init.h>
#include <linux/types.h>

struct module {
	int refs;
};

#define THIS_MODULE	((struct module *)NULL)
#define MODULE_LICENSE(s)
#define MODULE_DESCRIPTION(s)
#define MODULE_AUTHOR(s)
#define MODULE_ALIAS(s)
#define MODULE_IMPORT_NS(s)

static inline bool try_module_get(struct module *m)
{
	if (m)
		m->refs++;
	return true;
}

static inline void __module_get(struct module *m)
{
	if (m)
		m->refs++;
}

static inline void module_put(struct module *m)
{
	if (m)
		m->refs--;
}

#endif /* TQUIC_SHIM_LINUX_MODULE_H */
