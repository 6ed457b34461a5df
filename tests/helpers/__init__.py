"""What several test files need; pyproject.toml puts the folder ``tests`` on the path."""
