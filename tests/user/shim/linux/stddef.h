/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/stddef.h>: structure layout. */
#ifndef TQUIC_SHIM_LINUX_STDDEF_H
#define TQUIC_SHIM_LINUX_STDDEF_H

#include <stddef.h>

#include <linux/compiler.h>

#define sizeof_field(type, member)	sizeof(((type *)0)->member)
#define offsetofend(type, member) \
	(offsetof(type, member) + sizeof_field(type, member))
#define struct_group(name, ...) \
	union { struct { __VA_ARGS__ }; struct { __VA_ARGS__ } name; }
#define DECLARE_FLEX_ARRAY(type, name) \
	struct { struct { } __empty_ ## name; type name[]; }
#ifndef __struct_group
#define __struct_group(tag, name, attrs, ...) \
	union { struct { __VA_ARGS__ } attrs; struct tag { __VA_ARGS__ } attrs name; } attrs
#endif
#ifndef __DECLARE_FLEX_ARRAY
#define __DECLARE_FLEX_ARRAY(type, name)	DECLARE_FLEX_ARRAY(type, name)
#endif

#endif /* TQUIC_SHIM_LINUX_STDDEF_H */
