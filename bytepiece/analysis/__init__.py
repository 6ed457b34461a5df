"""What a vocabulary is like, and how well it does."""
