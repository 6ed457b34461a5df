"""Kernels of discovery."""
