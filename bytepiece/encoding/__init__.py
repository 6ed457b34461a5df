"""From a call to the work of kernels: texts to ids, offsets and streams, and ids back to text."""
