"""Texts that people and trackers write, and that must stay texts wherever they are shown."""

LONG = "A title that goes on and on, as titles of tickets do, " * 6
CORPUS = {
    "long": LONG[:300],
    "unbroken": "x" * 300,
    "right-to-left": "עברית and العربية, mixed",
    "override": "report\u202efdp.exe",
    "isolates": "a \u2067b\u2069 c",
    "emoji": "🧪 👩‍💻 🏳️‍🌈 done",
    "combining": "Z\u0351\u0329\u033f\u0300\u0301a\u0315\u031b\u0340l\u0334g\u0335o\u0336",
    "script": "<script>alert(1)</script>",
    "image": "<img src=x onerror=alert(1)>",
    "end": "</script></svg></main></body><h1>gone</h1>",
    "comment": "<!--chart.1--><!--",
    "template": "{{ 7*7 }}{% include 'base/null.j2' %}",
    "maths": "$x^2$ and $$\\frac{1}{2}$$",
    "markdown": "**b** [a](javascript:alert(1)) ![c](//example.invalid/x)",
    "formula": "=1+1",
    "at": "@SUM(1+1)*cmd|' /C calc'!A0",
    "quotes": "\"a\" 'b' `c` \\d",
    "entities": "&lt;b&gt; &amp; &#x3c;i>",
    "newlines": "one\ntwo\r\nthree\tfour",
    "nul": "before\0after\x07",
    "datum": "datum.team' + alert(1) + '",
}
