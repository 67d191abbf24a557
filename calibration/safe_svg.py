"""SVG drawings made fit to be shown: without scripts, without handlers, without links out."""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree as ET

SVG: Final = "http://www.w3.org/2000/svg"
_XLINK: Final = "http://www.w3.org/1999/xlink"

_DRAWN: Final = frozenset(
    {
        "circle", "clipPath", "defs", "desc", "ellipse", "g", "image", "line", "linearGradient",
        "marker", "mask", "path", "pattern", "polygon", "polyline", "radialGradient", "rect",
        "stop", "style", "svg", "switch", "symbol", "text", "textPath", "title", "tspan", "use",
    }
)  # fmt: skip
"""Elements of SVG 1.1 that draw. All others go: script, foreignObject, animations, links."""

_OUTWARD = re.compile(
    r"url\s*\(\s*['\"]?\s*(?!#)|@import|expression\s*\(|\\|javascript:", re.IGNORECASE
)
"""What in a style could ask a network, run something, or hide either behind an escape."""

_INLINE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*")
_LENGTH = re.compile(r"\s*([0-9.]+(?:e[+-]?[0-9]+)?)\s*(px|pt|pc|mm|cm|in)?\s*", re.IGNORECASE)
_UNITS: Final = {"px": 1.0, "pt": 4 / 3, "pc": 16.0, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0}


class SvgError(ValueError):
    """A file that is no SVG drawing; the message says why."""


def safe_svg(data: bytes) -> bytes:
    """The drawing with only what draws left of it.

    Elements and attributes are kept by a list of what is known to draw; references lead to parts
    of the same drawing or to pictures within it.

    Raises:
        SvgError: it is no SVG, or declares entities.
    """
    root = _parsed(data)
    _strip(root)
    ET.register_namespace("", SVG)
    ET.register_namespace("xlink", _XLINK)
    text: bytes = ET.tostring(root, encoding="utf-8")
    return text


def svg_size(data: bytes) -> tuple[float, float]:
    """Width and height of the drawing, in units of its view box where it has one, else in pixels.

    Raises:
        SvgError: it is no SVG, or tells no size.
    """
    root = _parsed(data)
    box = root.get("viewBox", "").replace(",", " ").split()
    if box:
        try:
            _, _, width, height = (float(part) for part in box)
        except ValueError as error:
            raise SvgError(f"viewBox: {root.get('viewBox')!r} is not four numbers") from error
    else:
        width, height = (_length(root, key) for key in ("width", "height"))
    if not (0 < width < 1e7 and 0 < height < 1e7):  # noqa: PLR2004 - no drawing is larger
        raise SvgError(f"has the size {width:g} x {height:g}; it must be positive")
    return width, height


def _length(root: ET.Element, key: str) -> float:
    found = _LENGTH.fullmatch(root.get(key, ""))
    if found is None:
        raise SvgError(f"tells no {key}; give it a viewBox, or {key} in px, mm, cm, in, pt or pc")
    return float(found[1]) * _UNITS[(found[2] or "px").lower()]


def _parsed(data: bytes) -> ET.Element:
    """The root of the drawing. Entities, which can grow without bound, are refused unread."""
    if b"<!ENTITY" in data or b"<!ENTITY".decode().encode("utf-16-le") in data:
        raise SvgError("declares entities; save it as plain SVG")
    parser = ET.XMLParser()  # noqa: S314 - entities are refused, none are external
    try:
        root = ET.fromstring(data, parser)  # noqa: S314
    except ET.ParseError as error:
        raise SvgError(f"is not valid XML: {error}") from error
    if root.tag != f"{{{SVG}}}svg":
        raise SvgError(f"its outermost element is {root.tag!r}; it must be svg")
    return root


def _strip(element: ET.Element) -> None:
    for key, value in list(element.attrib.items()):
        if not _is_safe(key, value):
            del element.attrib[key]
    if element.tag == f"{{{SVG}}}style" and _OUTWARD.search("".join(element.itertext())):
        element.text = ""
    for child in list(element):
        name = child.tag.removeprefix(f"{{{SVG}}}") if isinstance(child.tag, str) else ""
        if name in _DRAWN:
            _strip(child)
        else:
            element.remove(child)


def _is_safe(key: str, value: str) -> bool:
    name = key.rpartition("}")[2].lower()
    if name.startswith("on"):
        return False
    if name == "href":
        return value.strip().startswith("#") or _INLINE.fullmatch(value.strip()) is not None
    if key.startswith("{") and not key.startswith((f"{{{_XLINK}}}", "{http://www.w3.org/XML/")):
        return False
    return _OUTWARD.search(value) is None
