"""Kernels of counting."""
