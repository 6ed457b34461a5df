"""From a vocabulary to a better one of the same size."""
