"""Pages of one file: style, script, data and pictures inside, nothing fetched, nothing sent.

The page's policy allows exactly its own style and script, by their hashes; what a site or a run
calls itself is text in it, never markup.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import jinja2
from markupsafe import Markup

from .report_terms import in_words

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER: Final = "report_templates"
_INLINE: Final = re.compile(r"<(style|script)>(.*?)</\1>", re.DOTALL)


def page_of(template: str, data: Mapping[str, Any], **values: Any) -> str:  # noqa: ANN401 - jinja's
    """Return a page of `report_templates`.

    Args:
        template: file name.
        data: what its script draws, as JSON's own values.
        values: what the template names.
    """
    style, script = _file("report.css"), _file("report.js")
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(_file),
    )
    environment.filters["in_words"] = in_words
    return environment.get_template(template).render(
        style=Markup(style),  # noqa: S704 - files of this package
        script=Markup(script),  # noqa: S704 - files of this package
        policy=Markup(_policy(style, script)),  # noqa: S704 - hashes and fixed words
        data=_embedded(data),
        **values,
    )


def policy_of(page: str) -> str:
    """Return the policy that a page of one file is served with: its own style and script only.

    It is put into a sandbox besides: whatever is in the file has another origin than the server,
    so that it can neither ask the server for anything nor see a cookie.
    """
    hashes: dict[str, list[str]] = {"style": [], "script": []}
    for kind, text in _INLINE.findall(page):
        hashes[kind].append(_hash(text))
    style = " ".join(hashes["style"]) or "'none'"
    script = " ".join(hashes["script"]) or "'none'"
    return (
        f"sandbox allow-scripts allow-modals; default-src 'none'; style-src {style}; "
        f"script-src {script}; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


def _policy(style: str, script: str) -> str:
    # What is between the tags is hashed, and a template may put nothing else there.
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _embedded(data: Mapping[str, Any]) -> Markup:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=True)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e"))  # noqa: S704 - escaped


def _file(name: str) -> str:
    folder = files(__name__.rpartition(".")[0]).joinpath(_FOLDER)
    return folder.joinpath(name).read_text(encoding="utf-8")
