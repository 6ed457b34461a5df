"""From the call of a method to the work of kernels, and from ids back to text. Begin with `encoder`."""
