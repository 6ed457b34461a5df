"""How a vocabulary is learned from text; `trainer` tells it in order."""
