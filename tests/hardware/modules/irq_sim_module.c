// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's irq_sim.c is made for being built in; this lets it be a module. */
#include <linux/module.h>

MODULE_DESCRIPTION("Simulated interrupts, for gpio-sim");
MODULE_LICENSE("GPL");
