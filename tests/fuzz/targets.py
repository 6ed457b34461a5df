"""All targets of fuzzing, by name: functions of bytes that raise where something is wrong."""

from fuzz import calls, kernels, readers

TARGETS = kernels.TARGETS | readers.TARGETS | calls.TARGETS
