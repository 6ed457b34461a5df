"""Kernels of pruning."""
