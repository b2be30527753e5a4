"""An encoded document that many callers get alike: its digest is taken and it is compressed once, when asked for."""

import gzip
import hashlib
from functools import cached_property
from threading import Lock

WORTHWHILE = 1024  # bytes; what is shorter is not compressed
FAST_LEVEL = 1
GOOD_LEVEL = 6


class Encoded:
    """`level` is how hard to compress: what lives for a version only is compressed fast."""

    def __init__(self, body: bytes, level: int = GOOD_LEVEL) -> None:
        self.body = body
        self._level = level
        self._compressing = Lock()
        self.compressed: bytes | None = None
        """In gzip, once `compress` was called."""

    @cached_property
    def digest(self) -> str:
        return hashlib.blake2b(self.body, digest_size=12).hexdigest()

    @property
    def compressible(self) -> bool:
        return len(self.body) >= WORTHWHILE

    def compress(self) -> bytes:
        """Takes a while for a long body. Of threads that call it at once, one does the work."""
        with self._compressing:
            if self.compressed is None:
                self.compressed = gzip.compress(self.body, self._level, mtime=0)
            return self.compressed
