"""Turns texts and queries into words, in every language of the catalogue.

Chinese, Japanese and Korean are written without spaces, or with particles attached to words. Here each of their
characters is a word, and consecutive ones in a query match as a phrase. Everything else is left to SQLite's
``unicode61`` tokeniser: words of letters and digits, regardless of case and diacritics. For names with symbols, such as
C++, C#, .NET and A+, a spelled-out word is added. The last word of a query may be unfinished, unless a character
follows it.
"""

from __future__ import annotations

import re
import unicodedata

# Kana, CJK ideographs and Hangul, with their extensions and compatibility forms.
_UNSPACED = (
    "\u1100-\u11ff\u3005-\u3007\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_ROW = re.compile(f"[{_UNSPACED}]+")
_APART = re.compile(f"[{_UNSPACED}]|[^{_UNSPACED}]+")
_PIECES = re.compile(rf"[{_UNSPACED}]+|[^\W_]+")
_LETTER = rf"[^\W_{_UNSPACED}]"
# Anchored at the start of a word and possessive, so that each letter of a long text is visited only once.
_SYMBOLIC = re.compile(rf"(?<!{_LETTER})(?P<name>{_LETTER}++)(?P<symbol>\+\+|#|\+(?!{_LETTER}))|\.net(?!{_LETTER})")
_SYMBOLS = ("+", "#", ".net")
"""Every name with a symbol contains one of these. Few texts do, so checking for them first saves much time."""
# A query may end after the first of two pluses, so a single one has no space after it.
_SPELLED = {"++": "plusplus ", "+": "plus", "#": "sharp "}
MOST_PIECES = 32


def indexed(text: str) -> str:
    """Return a text for the index: unspaced characters separated, and names with symbols also spelled out."""
    text = folded(text)
    if any(symbol in text for symbol in _SYMBOLS):
        text = _SYMBOLIC.sub(lambda name: f"{name[0]} {_spelled(name)} ", text)
    return text if text.isascii() else " ".join(_APART.findall(text))


def match_expression(query: str) -> str | None:
    """Return the FTS5 expression for a user's query, or ``None`` if it has no words.

    All words must match. The last one may be a prefix, but ranks higher as a whole word. A single letter is a prefix of
    words in titles only: nearly every description has a word that begins with it, and ranking them all takes up to
    twice the time.
    """
    text = _SYMBOLIC.sub(_spelled, folded(query))
    pieces = list(_PIECES.finditer(text))[:MOST_PIECES]
    if not pieces:
        return None
    *first, last = [_phrase(piece[0]) for piece in pieces]
    if pieces[-1].end() == len(text) and not _ROW.match(pieces[-1][0]):
        where = "{title} : " if len(pieces[-1][0]) == 1 else ""
        last = f"({last} OR {where}{last} *)"
    return " AND ".join([*first, last])


def folded(text: str) -> str:
    """Return a text for comparing and sorting, case-folded and normalised (NFKC)."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()


def _spelled(name: re.Match[str]) -> str:
    return name["name"] + _SPELLED[name["symbol"]] if name["name"] else " dotnet "


def _phrase(piece: str) -> str:
    words = list(piece) if _ROW.match(piece) else [piece]
    return f'"{" ".join(words)}"'
