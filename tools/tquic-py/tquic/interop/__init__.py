# SPDX-License-Identifier: GPL-2.0
"""The QUIC interop runner's cases against other implementations, in a machine of their own.

Modules, lowest first: ``capture`` (packets on the wire), ``hello`` and ``opened`` (what is in
them), ``trouble`` (what is done to them), ``network`` (namespaces and a forwarder), ``neighbour``
(a TCP flow beside a case), ``cases`` (what is asked), ``checks`` (what the packets must show),
``peers`` (who plays), ``guest`` (runs it), ``pcap`` and ``decoder`` (captures, as tshark reads
them) and ``run`` (boots it, keeps the report).
"""
