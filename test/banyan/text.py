"""Makes what a guest printed fit to be shown: on a terminal, in a browser, in XML."""
import re

UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def plain(text, limit):
    """The text with escapes in place of all that a terminal would act on, and at most about
    `limit` characters of it, from both ends."""
    if len(text) > limit:
        half = limit // 2
        text = f"{text[:half]}\n[... {len(text) - 2 * half} characters ...]\n{text[-half:]}"
    text = text.replace("\r\n", "\n")
    return UNPRINTABLE.sub(lambda match: f"\\x{ord(match.group()):02x}", text)


def plain_line(text, limit=400):
    """The same for one line; what is too long is cut off."""
    rest = f" [... {len(text) - limit} more]" if len(text) > limit else ""
    return UNPRINTABLE.sub(lambda match: f"\\x{ord(match.group()):02x}",
                           text[:limit].replace("\n", "\\n")) + rest
