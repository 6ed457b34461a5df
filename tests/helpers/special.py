"""Names of special tokens, some of which are parts of others, and texts with and without them."""

START, END = "<|im_start|>", "<|im_end|>"
NAMES = ["<|im_start|>", "<|im_end|>", "<|im", "im_end", "好", "\U0001f642", "a\x00b", " ", "<", "e\u0301", "\n"]

TEXTS = [f"{START}he said{END}\nhello", "", END, "plain", f"x{START}{START}y\n\n", "你好 好\n" * 50, b"\xff<\xfe"]
