"""Models: a vocabulary and its settings, its rules (`validation`), and the formats of its files (`formats`)."""
