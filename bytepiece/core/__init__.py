"""Kernels: they know bytes, arrays and automata, no files and no models."""
