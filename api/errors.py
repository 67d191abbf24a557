"""What can go wrong in `api`, one tree.

```
ApiError
├── DrillError         a drill folder is not what it should be
├── TargetError        a path on the command line is no site or drill folder
├── StateError         the state folder (token, audit) cannot be read or written
├── AgreementError     an agreement or a table of requests is not what it should be
├── AuditError         an audit entry could not be made durable; nothing may be opened
├── StoreError         the database cannot be opened, read or written
├── SealError          what lies encrypted does not open: another key, or it was changed
├── AccountError       an account cannot be made or changed as asked
├── NotPermittedError  the gate says no
├── ForbiddenError     the role of whoever asks does not go that far
├── RunError           feeds and workers of an incident cannot be started
├── RayError           a Ray cluster, or a worker in it, cannot be used
├── ServeError         the server cannot listen where it was told to
├── TruthError         a truth file of a drill is malformed or contradicts the site
├── RunRecordError     a recorded run cannot be read back or written
├── JournalError       a part of an incident's journal is not what was written
├── DeltaError         a change was applied to another message than it was made for
├── ReportError        a report cannot be written (disk full, no permission)
├── CompareError       two runs of a drill cannot be compared as asked
├── SiteWriteError     a site folder, an archive of it or a file in it cannot be written
├── UploadError        a file that somebody brings to the floor-plan page cannot be used
├── CalibrateError     a survey cannot be read, or a camera has none
├── DrillImportError   a public data set cannot be turned into a drill folder
└── ProblemError       a request answered with a problem document (RFC 9457)
```

Daily trouble (a camera is down, nobody is in view) is a value, never an exception.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class ApiError(Exception):
    """Root of the tree; its text is one line, fit to be shown to a user."""


class DrillError(ApiError):
    """A drill folder is not what it should be; the message lists all problems, one a line."""


class TargetError(ApiError):
    """A path on the command line is no site or drill folder; the message says what is missing."""


class StateError(ApiError):
    """The state folder cannot be read or written; the message names the file and the fix."""


class AgreementError(ApiError):
    """An agreement or a table of requests is not what it should be; lists all problems."""


class AuditError(ApiError):
    """An audit entry could not be made durable, so what it records must not happen."""


class StoreError(ApiError):
    """The database cannot be opened, read or written; the message names it without a password."""


class SealError(ApiError):
    """What lies encrypted does not open: another key, or it was changed."""


class AccountError(ApiError):
    """An account cannot be made or changed as asked; the message says what would be right."""


class NotPermittedError(ApiError):
    """The gate says no; the message says which rule."""


class ForbiddenError(ApiError):
    """The role of whoever asks does not go that far; the message says whose does."""


class RunError(ApiError):
    """Feeds and workers of an incident cannot be started; the message says which and why."""


class RayError(ApiError):
    """A Ray cluster, or a worker in it, cannot be used; the message says what would help."""


class ServeError(ApiError):
    """The server cannot listen where it was told to; the message says what would work."""


class TruthError(ApiError, ValueError):
    """A truth file is malformed or contradicts the site; the message names file, line, field."""


class RunRecordError(ApiError, ValueError):
    """A recorded run cannot be read back or written; the message names the file and line."""


class JournalError(ApiError):
    """A part of an incident's journal is not what was written, or its site cannot be read."""


class DeltaError(ApiError, ValueError):
    """A change was applied to another message than it was made for; ask for a snapshot."""


class ReportError(ApiError):
    """A report cannot be written; the message names the file and the cause, no half file stays."""


class CompareError(ApiError):
    """Two runs cannot be compared as asked; the message says what differs and what would work."""


class SiteWriteError(ApiError):
    """A site folder, an archive of it or a file in it cannot be written; the message says why."""


class UploadError(ApiError, ValueError):
    """A file that was brought is not used; the message says what it is and what would do."""


class CalibrateError(ApiError):
    """A camera cannot be calibrated as asked; the message says what would be right."""


class DrillImportError(ApiError, ValueError):
    """A data set cannot become a drill folder; the message says what was looked for and where."""


class ProblemError(ApiError):
    """A request answered with a problem document.

    Attributes:
        status: HTTP status.
        slug: stable name of the kind of problem, e.g. "incident-not-found".
        title: the kind in words, the same for every occurrence.
        detail: this occurrence in words: what was wrong and what would be right.
        headers: extra response headers.
    """

    def __init__(
        self,
        status: int,
        slug: str,
        title: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.slug = slug
        self.title = title
        self.detail = detail
        self.headers = dict(headers or {})
