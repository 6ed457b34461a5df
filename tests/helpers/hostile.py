"""Pieces and texts that would break a page that takes them for markup, or a display that takes them as they are."""

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "<!--<script>",
    "</style></textarea></title><svg onload=alert(1)>",
    "&lt;b&gt; &amp;amp; &#60;",
    "\"'`><b>x</b>",
    "javascript:alert(1)",
    "${alert(1)} {{x}} %3Cscript%3E",
    "https://example.invalid/a.png",
    "nul \0 bell \x07 escape \x1b[31m delete \x7f",
    "a\u202eb\u2066c\u200f\u061c d",
    "zero\u200bwidth\u200djoiner\ufeff",
    "\u0301\u0302 e\u0301\u0327 \u20dd",
    "Z" + "\u0351\u033f\u0309" * 20,
    "\u2028\u2029\x85\t\v\r\n\n",
    "\U000e0041\ue000\uffff\ufdd0\U0010ffff",
    "🏳️\u200d🌈👨\u200d👩\u200d👧",
    "مرحبا שלום",
    " " * 30 + "\n" * 5,
]
SURROGATES = ["\ud800", "a\udfff\ud800e\u0301", "e\ud800\u0301", "🙂\udc00", "\udc80\udcff"]
HOSTILE_BYTES = [b"\xff\xfe\x00", b"\xe4\xbd", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf", bytes(range(256))]
