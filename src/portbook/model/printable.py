"""Text from outside, made safe for whoever reads it: a terminal, a log, a language model."""

LONGEST = 4096
"""Characters of one piece of outside text that are printed."""


def safe(text: str, longest: int = LONGEST) -> str:
    """Outside text with every character that could steer a terminal written as an escape.

    Controls, line separators, bidirectional overrides ("Trojan Source"), tags, lone surrogates;
    what is longer than `longest` is cut.
    """
    if len(text) > longest:
        text = text[:longest] + "..."
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else _escape(ord(sign)) for sign in text)


def _escape(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
