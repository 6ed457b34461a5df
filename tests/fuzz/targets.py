"""All targets of fuzzing, by name: functions of bytes that raise where something is wrong."""

from fuzz import calls, kernels, readers, shards

TARGETS = kernels.TARGETS | readers.TARGETS | shards.TARGETS | calls.TARGETS
