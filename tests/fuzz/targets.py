"""All targets of fuzzing, by name: functions of bytes that raise where something is wrong."""

from fuzz import calls, readers

TARGETS = readers.TARGETS | calls.TARGETS
