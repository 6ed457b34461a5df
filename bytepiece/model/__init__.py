"""Models: a vocabulary and its settings, and the formats of its files."""
