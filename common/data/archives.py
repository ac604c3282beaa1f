"""Unpack a .tgz or .tar of unknown origin: in its folder, within limits, whole or not at all."""

import errno
import gzip
import io
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from common.data.locking import locked
from common.data.progress import progress
from common.data.staging import staged_folder

_GZIP_MAGIC = b"\x1f\x8b"
_END_BYTES = tarfile.BLOCKSIZE  # of zeros, at least, end every tar file


class ArchiveError(ValueError):
    """An archive is damaged or holds what no honest copy does; nothing of it was kept."""


@dataclass(frozen=True)
class Limits:
    """What an archive may hold at most. LFW: 19,000 members, 0.2 to 0.25 GB."""

    members: int = 50_000
    member_bytes: int = 16 << 20
    total_bytes: int = 1 << 30
    """Of the archive once decompressed, headers and all."""


def unpack(
    archive: Path,
    target: Path,
    *,
    limits: Limits | None = None,
    finish: Callable[[Path], None] | None = None,
) -> Path:
    """Unpack an archive, unless its target is there already.

    A folder that alone stands at the archive's top becomes the target itself.

    Args:
      archive: a tar file, plain or gzipped.
      target: the folder that shall be; its parent exists.
      limits: that the archive must keep.
      finish: called with the unpacked folder before it takes its place.

    Returns:
      The target.

    Raises:
      ArchiveError: an absolute path, a `..`, a link or device, a limit passed, or damaged.
      CacheError: the disk is full or cannot be written.
    """
    if target.is_dir():
        return target
    with locked(target):
        if not target.is_dir():
            with staged_folder(target) as folder:
                _unpack_into(archive, folder, limits or Limits())
                _lift_single_folder(folder)
                if finish:
                    finish(folder)
    return target


class _Counted(io.RawIOBase):
    """A stream that refuses to become longer than allowed, and knows where its last content is."""

    def __init__(self, stream: io.BufferedIOBase, limit: int, name: str) -> None:
        self.stream, self.limit, self.name = stream, limit, name
        self.length = self.content_end = 0

    def read(self, size: int = -1) -> bytes:
        block = self.stream.read(size)
        if content := block.rstrip(b"\0"):
            self.content_end = self.length + len(content)
        self.length += len(block)
        if self.length > self.limit:
            raise ArchiveError(f"{self.name} unpacks to more than {self.limit:,} bytes")
        return block


def _unpack_into(archive: Path, folder: Path, limits: Limits) -> None:
    size, count = archive.stat().st_size, 0
    with (
        open(archive, "rb") as file,
        progress(f"Unpacking {archive.name}", size, bytes=True) as advance,
    ):
        packed = file.read(2) == _GZIP_MAGIC
        file.seek(0)
        stream = _Counted(gzip.open(file) if packed else file, limits.total_bytes, archive.name)
        try:
            with tarfile.open(fileobj=stream, mode="r|") as tar:
                done = 0
                for member in tar:
                    count += 1
                    if count > limits.members:
                        raise ArchiveError(f"{archive.name} has over {limits.members:,} members")
                    _unpack_member(tar, member, folder, limits, archive.name)
                    advance(file.tell() - done)
                    done = file.tell()
                _check_end(stream, tar.offset, archive.name)
        except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ArchiveError(
                f"{archive.name} is damaged or not a tar file ({error}); download it again"
            ) from None


def _check_end(stream: _Counted, read_to: int, name: str) -> None:
    """Assert that the tar file ended where reading did; tarfile itself stops at damage silently."""
    while stream.read(1 << 16):
        pass
    if stream.content_end > read_to or stream.length < read_to + _END_BYTES:
        raise ArchiveError(f"{name} is damaged: its end is missing; download it again")


def _unpack_member(
    tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, limits: Limits, archive: str
) -> None:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or "\\" in member.name or "\0" in member.name:
        raise ArchiveError(f"{archive}: {member.name!r} points outside the folder")
    if member.issparse() or not (member.isdir() or member.isreg()):
        raise ArchiveError(f"{archive}: {member.name!r} is not a plain file or folder")
    if member.size > limits.member_bytes:
        raise ArchiveError(
            f"{archive}: {member.name!r} has {member.size:,} bytes, at most "
            f"{limits.member_bytes:,} are allowed"
        )
    place = folder.joinpath(*path.parts)
    try:
        if member.isdir():
            place.mkdir(parents=True, exist_ok=True)
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        with open(place, "xb") as out:
            content = tar.extractfile(member)
            assert content is not None, "a regular file has content"
            shutil.copyfileobj(content, out)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise ArchiveError(f"{archive}: {member.name!r} is there twice") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise ArchiveError(f"{archive}: the name {member.name[:40]!r}... is too long") from None
        raise


def _lift_single_folder(folder: Path) -> None:
    """Put the content of a folder that stands alone at the top in the place of that folder."""
    entries = list(folder.iterdir())
    if len(entries) == 1 and entries[0].is_dir():
        inner = Path(tempfile.mkdtemp(dir=folder))
        entries[0].rename(inner)  # to a new name, which nothing inside it can have
        for entry in inner.iterdir():
            entry.rename(folder / entry.name)
        inner.rmdir()
