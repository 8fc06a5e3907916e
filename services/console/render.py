"""Pages from templates: everything that is put in is escaped, and must be there."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from importlib import resources
from typing import Any

import jinja2

from kernel.words.gloss import Voice

STATIC_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def read_static() -> Mapping[str, tuple[bytes, str]]:
    """The files that pages ask for: bytes and type by name."""
    folder = resources.files("services.console") / "static"
    found = {}
    for file in folder.iterdir():
        suffix = file.name[file.name.rfind(".") :]
        if suffix in STATIC_TYPES:
            found[file.name] = (file.read_bytes(), STATIC_TYPES[suffix])
    return found


class Renderer:
    """Makes pages. The templates are compiled once."""

    def __init__(self) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.PackageLoader("services.console"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.static = read_static()
        self._marks = {
            name: hashlib.sha256(content).hexdigest()[:16]
            for name, (content, _) in self.static.items()
        }
        self._environment.globals["static"] = self._static_url

    def _static_url(self, name: str) -> str:
        return f"/static/{name}?{self._marks[name]}"

    def page(self, template: str, voice: Voice, **values: Any) -> str:
        """A page, or a part of one, in the visitor's language."""

        def at(moment: datetime | str | None) -> str:
            return voice.time(moment)

        return self._environment.get_template(template).render(
            w=voice.word, euros=voice.euros, figure=voice.figure, at=at,
            language=voice.language.value, **values,
        )  # fmt: skip
