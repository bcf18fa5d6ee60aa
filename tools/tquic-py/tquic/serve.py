# SPDX-License-Identifier: GPL-2.0
"""A directory served over TQUIC as HTTP/0.9 (ALPN hq-interop): the logic of `tquic serve`."""

from __future__ import annotations

from typing import BinaryIO

from .http09 import (
    MAX_REQUEST_BYTES,
    NotServedError,
    RequestError,
    ServedDirectory,
    parse_request,
)
from .mux import Exchange, StreamRefusedError

__all__ = ["FileExchange"]

#: Codes of refused streams.
BAD_REQUEST = 0x100
NOT_SERVED = 0x101


class FileExchange(Exchange):
    """One request and its answer. The stream is reset when there is nothing to answer with."""

    def __init__(self, directory: ServedDirectory) -> None:
        self._directory = directory
        self._request = bytearray()
        self._file: BinaryIO | None = None
        self._left_bytes = 0

    def on_data(self, data: bytes, fin: bool) -> None:
        """Take part of the request line; open the file once it is whole."""
        if self._file is not None:
            if data:
                raise StreamRefusedError(BAD_REQUEST)
            return
        self._request += data[: MAX_REQUEST_BYTES + 1]
        try:
            target = parse_request(bytes(self._request), ended=fin)
            if target is not None:
                self._file, self._left_bytes = self._directory.open(target)
        except RequestError as error:
            raise StreamRefusedError(BAD_REQUEST) from error
        except NotServedError as error:
            raise StreamRefusedError(NOT_SERVED) from error

    def pull(self, limit: int) -> tuple[bytes, bool] | None:
        """The next bytes of the file; a file that shrank meanwhile ends in a reset, not a FIN."""
        if self._file is None:
            return None
        try:
            data = self._file.read(min(limit, self._left_bytes)) if self._left_bytes else b""
        except OSError as error:
            raise StreamRefusedError(NOT_SERVED) from error
        if not data and self._left_bytes:
            raise StreamRefusedError(NOT_SERVED)
        self._left_bytes -= len(data)
        return data, self._left_bytes == 0

    def on_end(self, code: int | None) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
