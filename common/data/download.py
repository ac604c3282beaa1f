"""Download a file: whole and right, or not at all; a broken transfer goes on where it was."""

import http.client
import os
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import BinaryIO

from common.data.cache import clear_disk_errors
from common.data.content import sha256_of_file
from common.data.locking import locked
from common.data.progress import note, progress

ATTEMPTS = 4
_BLOCK = 1 << 18


class DownloadError(OSError):
    """A file could not be downloaded; the message says why and what to do."""


class UnreachableError(DownloadError):
    """The server cannot be reached, or does not have the file: there is nothing to go on with."""


class _BrokenError(DownloadError):
    """The transfer broke off; what came is kept."""


def download(url: str, target: Path, sha256: str, *, timeout: float = 10.0) -> Path:
    """Download a file, unless it is there already with the right content.

    Bytes go to `<target>.part`, which takes the target's place once its checksum is right. A
    transfer that breaks off is resumed at once, a few times, and by the next call. Processes that
    want the same file take turns.

    Args:
      url: http or https.
      target: where the file shall be; its folder exists.
      sha256: that the file must have, in hexadecimal.
      timeout: seconds in which the server must answer, and the longest it may then be silent.

    Returns:
      The target.

    Raises:
      UnreachableError: no answer in time, or an answer that is not the file (404, a login page).
      DownloadError: the transfer broke off again and again, or the checksum is wrong.
      CacheError: the disk is full or cannot be written.
    """
    with locked(target):
        if target.is_file() and sha256_of_file(target) == sha256:
            return target
        part = target.with_name(target.name + ".part")
        _transfer_in_attempts(url, part, timeout)
        found = sha256_of_file(part)
        if found != sha256:
            part.unlink()
            raise DownloadError(
                f"{url} has sha256 {found}, wanted {sha256}; it was removed, try again or fetch "
                f"{target.name} by other means"
            )
        os.replace(part, target)
    return target


def _transfer_in_attempts(url: str, part: Path, timeout: float) -> None:
    broken: _BrokenError | None = None
    for _ in range(ATTEMPTS):
        had = _size(part)
        try:
            return _transfer(url, part, timeout)
        except _BrokenError as error:
            broken = error
            if _size(part) <= had:
                break  # nothing came: to ask again would be to hope
            note(f"{error}; going on")
        except UnreachableError:
            if broken is None:
                raise
            break  # it was reached before: how the transfer broke off says more
    raise broken or AssertionError("an attempt returns or raises")


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _transfer(url: str, part: Path, timeout: float) -> None:
    """Fetch what the part file lacks, once."""
    had = _size(part)
    response = _open(url, had, timeout)
    if response is None:
        return  # nothing lies beyond what we have: the checksum will tell whether it is right
    with response, clear_disk_errors(part), open(part, "ab") as file:
        if response.status == http.client.OK:
            file.truncate(0)  # all of it comes, whether asked for or not
            had = 0
        _receive(response, file, had, part.name.removesuffix(".part"))


def _receive(response: http.client.HTTPResponse, file: BinaryIO, had: int, name: str) -> None:
    length = response.length
    total = None if length is None else had + length
    received = had
    with progress(f"Downloading {name}", total, bytes=True) as advance:
        advance(had)
        while True:
            try:
                block = response.read1(_BLOCK)
            except (OSError, http.client.HTTPException) as error:
                raise _BrokenError(_broken_text(name, received, total, str(error))) from error
            if not block:
                break
            file.write(block)
            received += len(block)
            advance(len(block))
    if total is not None and received != total:
        raise _BrokenError(_broken_text(name, received, total, "the connection was closed"))


def _broken_text(name: str, received: int, total: int | None, reason: str) -> str:
    of_total = "" if total is None else f" of {total:,}"
    return (
        f"the download of {name} broke off after {received:,}{of_total} bytes ({reason}); what "
        "came is kept, the next start goes on from there"
    )


def _open(url: str, start: int, timeout: float) -> http.client.HTTPResponse | None:
    """The server's answer, with the file from `start` on or all of it; None if it ends there.

    A name server, a proxy and every redirection may each take its time, which no socket's timeout
    limits as a whole. So the answer is waited for in a thread that can be left behind.
    """
    request = urllib.request.Request(url, headers={"User-Agent": "classic-faces"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    answers: list[http.client.HTTPResponse | Exception] = []
    given_up = threading.Event()

    def ask() -> None:
        try:
            response = urllib.request.urlopen(request, timeout=timeout)
        except (OSError, http.client.HTTPException) as error:
            answers.append(error)
        else:
            answers.append(response)
            if given_up.is_set():
                response.close()

    thread = threading.Thread(target=ask, daemon=True, name="download")
    thread.start()
    thread.join(timeout + 1)
    if not answers:
        given_up.set()
        raise UnreachableError(f"{url} did not answer within {timeout:g} seconds")
    answer = answers[0]
    if isinstance(answer, urllib.error.HTTPError):
        answer.close()
        if start and answer.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            return None
        raise UnreachableError(f"{url} answers {answer.code} {answer.reason}")
    if isinstance(answer, Exception):
        reason = getattr(answer, "reason", None) or answer
        raise UnreachableError(f"{url} cannot be reached ({reason})") from answer
    if (unfit := _unfit(answer, start)) is not None:
        answer.close()
        raise UnreachableError(f"{url} answers {unfit}, not the file")
    return answer


def _unfit(response: http.client.HTTPResponse, start: int) -> str | None:
    """What came instead of the file, or None when it is the file."""
    if response.headers.get_content_type() == "text/html":
        return "with a web page"  # of a network that wants a login, for instance
    if response.status == http.client.PARTIAL_CONTENT:
        content_range = response.headers.get("Content-Range", "")
        return None if content_range.startswith(f"bytes {start}-") else f"range {content_range!r}"
    return None if response.status == http.client.OK else f"{response.status} {response.reason}"
