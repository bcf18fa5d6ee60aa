# SPDX-License-Identifier: GPL-2.0
"""Control, watch, test and measure the TQUIC kernel transport."""

__version__ = "0.1.0"
