/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/init.h>: no sections. */
#ifndef TQUIC_SHIM_LINUX_INIT_H
#define TQUIC_SHIM_LINUX_INIT_H

#define __init
#define __exit
#define __initdata
#define __initconst

#endif /* TQUIC_SHIM_LINUX_INIT_H */
