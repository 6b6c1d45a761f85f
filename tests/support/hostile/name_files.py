"""An honest picture under names that mean something to a shell, a disk, a header or an eye."""

from tests.support.hostile.case import Case, Verdict, plain
from tests.support.hostile.raw_tiff import plain_fields, plain_pixels, tiff

GROUP = "names"
NAMES = {
    "parents": b"../../../../tmp/evil.tif",
    "parents of Windows": b"..\\..\\evil.tif",
    "absolute": b"/etc/cron.d/evil.tif",
    "drive": b"C:\\Windows\\evil.tif",
    "parent alone": b"..",
    "null byte": b"a\0.tif",
    "line end": b"a\r\nX-Evil: 1\r\n.tif",
    "quote": b'a"; filename="b.tif',
    "right to left": "town\u202efit.exe".encode(),
    "zero width": "to\u200bwn\ufeff.tif".encode(),
    "4 KB": b"x" * 4096 + b".tif",
    "reserved": b"CON.tif",
    "emoji": "\U0001f3da\ufe0f\U0001f468\u200d\U0001f469\u200d\U0001f467.tif".encode(),
    "address": b"/vsicurl/http://127.0.0.1:9/a.tif",
    "archive": b"/vsizip/a.zip/b.tif",
    "option": b"-rf.tif",
    "shell": b"$(touch evil);`id`.tif",
    "formula": b"=cmd|' /C calc'!A0.tif",
    "markup": b"<img src=x onerror=alert(1)>.tif",
    "template": b"{0.__class__}{name}%s%n.tif",
    "no text": b"\xff\xfe\xc3\x28.tif",
    "spaces": b"   .tif   ",
}


def name_cases() -> list[Case]:
    """Return all of them."""
    picture = tiff(plain_fields(), plain_pixels())
    return [
        Case(GROUP, name, plain(picture), verdict=Verdict.EITHER, sent_as=sent_as) for name, sent_as in NAMES.items()
    ]
