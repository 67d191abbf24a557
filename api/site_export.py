"""Writes a site as an archive of IMDF."""

from __future__ import annotations

import io
import zipfile
from importlib import metadata
from typing import TYPE_CHECKING, Final

from calibration.export_imdf import PostalAddress, imdf_files
from calibration.site import load_site

from .errors import SiteWriteError
from .whole_files import write_whole

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

_FIRST_ZIP_YEAR: Final = 1980


def export_site(folder: Path, target: Path, postal: PostalAddress, now: datetime) -> int:
    """Write the site of `folder` as an IMDF archive; returns the number of its files.

    Args:
        folder: the site folder.
        target: the .zip to write; replaced as a whole where it exists.
        postal: what the archive says of the site's address beyond `site.toml`.
        now: when the archive is made, with a time zone.

    Raises:
        calibration.errors.SiteError: the folder is no sound site.
        SiteWriteError: the archive cannot be written.
    """
    if target.suffix.lower() != ".zip":
        raise SiteWriteError(f"{target}: an IMDF archive ends in .zip")
    files = imdf_files(load_site(folder), postal, now, f"lastseen {metadata.version('lastseen')}")
    packed = io.BytesIO()
    stamp = (max(now.year, _FIRST_ZIP_YEAR), now.month, now.day, now.hour, now.minute, now.second)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, stamp)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, packed.getvalue())
    except OSError as error:
        raise SiteWriteError(f"{target}: cannot be written: {error.strerror or error}") from error
    return len(files)
