# SPDX-License-Identifier: GPL-2.0
# What the kernel being built against offers, read from its headers: distributions backport,
# so the version number does not tell.

# $(call tquic-has,header,basic regular expression,NAME)
tquic-has = $(shell grep -qs -e '$(2)' $(srctree)/include/$(1) && echo -DTQUIC_HAVE_$(3))

ccflags-y += $(call tquic-has,linux/hrtimer.h,void hrtimer_setup\>,HRTIMER_SETUP)
ccflags-y += $(call tquic-has,linux/socket.h,^struct sockaddr_unsized,SOCKADDR_UNSIZED)
ccflags-y += $(call tquic-has,net/flow.h,flowi4_dscp,FLOWI4_DSCP)
ccflags-y += $(call tquic-has,crypto/chacha.h,^struct chacha_state,CHACHA_STATE)
ccflags-y += $(call tquic-has,linux/inet_diag.h,inet_diag_bc_sk.*inet_diag_dump_data,DIAG_BC_DATA)
ccflags-y += $(call tquic-has,net/sock.h,^void __sk_charge,SK_CHARGE)
ccflags-y += $(call tquic-has,linux/btf.h,define KF_TRUSTED_ARGS,KF_TRUSTED_ARGS)
ccflags-y += $(call tquic-has,linux/module.h,define MODULE_IMPORT_NS.*import_ns. ns,NS_STRING)
