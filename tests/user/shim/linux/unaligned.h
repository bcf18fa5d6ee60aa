/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/unaligned.h>: unaligned access. */
#ifndef TQUIC_SHIM_LINUX_UNALIGNED_H
#define TQUIC_SHIM_LINUX_UNALIGNED_H

#include <string.h>

#include <asm/byteorder.h>
#include <linux/types.h>

#define __TQUIC_SHIM_UNALIGNED(bits, order, to_cpu, from_cpu)		\
static inline u##bits get_unaligned_##order##bits(const void *p)	\
{									\
	u##bits v;							\
									\
	memcpy(&v, p, sizeof(v));					\
	return to_cpu(v);						\
}									\
									\
static inline void put_unaligned_##order##bits(u##bits v, void *p)	\
{									\
	v = from_cpu(v);						\
	memcpy(p, &v, sizeof(v));					\
}

__TQUIC_SHIM_UNALIGNED(16, be, be16_to_cpu, cpu_to_be16)
__TQUIC_SHIM_UNALIGNED(32, be, be32_to_cpu, cpu_to_be32)
__TQUIC_SHIM_UNALIGNED(64, be, be64_to_cpu, cpu_to_be64)
__TQUIC_SHIM_UNALIGNED(16, le, le16_to_cpu, cpu_to_le16)
__TQUIC_SHIM_UNALIGNED(32, le, le32_to_cpu, cpu_to_le32)
__TQUIC_SHIM_UNALIGNED(64, le, le64_to_cpu, cpu_to_le64)

#define get_unaligned(p) ({						\
	typeof(*(p)) __gu;						\
	memcpy(&__gu, (p), sizeof(__gu));				\
	__gu;								\
})
#define put_unaligned(v, p) do {					\
	typeof(*(p)) __pu = (v);					\
	memcpy((p), &__pu, sizeof(__pu));				\
} while (0)

#endif /* TQUIC_SHIM_LINUX_UNALIGNED_H */
