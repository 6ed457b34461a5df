"""From candidate pieces to a vocabulary of the requested size."""
