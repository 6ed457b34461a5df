"""Kernels of refinement."""
