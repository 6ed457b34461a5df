"""A page that shows what a tokenizer does, and its pieces in notebooks."""
