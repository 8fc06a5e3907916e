"""The files of the public page: HTML in two languages, JSON, a QR code and a card to print.

Nothing in them is asked for elsewhere, and nothing runs.
"""

from collections.abc import Mapping
from datetime import timedelta
from io import BytesIO
from zoneinfo import ZoneInfo

import jinja2
import msgspec
import segno

from antirelou.page.core import GROUPS, MONEY, Published
from kernel.settings.settings import Settings
from kernel.values.phone import write_national
from kernel.words.gloss import Language, Voice

PAGES = {Language.FR: "index.html", Language.EN: "index.en.html"}
FACTS, CARD, QR = "transparence.json", "card.html", "number.svg"


def render_files(published: Published, settings: Settings) -> Mapping[str, bytes]:
    """Every file by its name; card and QR code only where there is a number."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("antirelou.page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    number = settings.number or ""
    shared = {
        "number": number,
        "shown": write_national(number) if number else "",
        "publisher": settings.publisher,
        "provider": settings.provider.value,
        "text_days": _days(settings.retain_text * settings.clock_speed),
        "evidence_days": _days(settings.retain_evidence * settings.clock_speed),
        "published": published,
        "figures": published.figures,
        "groups": GROUPS,
        "money": MONEY,
        "pages": {language.value: name for language, name in PAGES.items()},
        "facts": FACTS,
    }
    files = {FACTS: msgspec.json.format(msgspec.json.encode(published), indent=1) + b"\n"}
    for language, name in PAGES.items():
        voice = Voice(language, ZoneInfo(settings.timezone))
        files[name] = _render(environment, "page.html", voice, shared)
    if number:
        code = segno.make(f"tel:{number}", error="m", micro=False)
        drawn = BytesIO()
        code.save(drawn, kind="svg", scale=8, light="#fff", xmldecl=False)
        files[QR] = drawn.getvalue()
        inline = code.svg_inline(scale=5, light="#fff")
        voice = Voice(Language.FR, ZoneInfo(settings.timezone))
        english = Voice(Language.EN, ZoneInfo(settings.timezone))
        values = {**shared, "qr": inline, "in_english": english.word}
        files[CARD] = _render(environment, "card.html", voice, values)
    return files


def _days(kept: timedelta) -> int:
    """Whole days, rounded up: what is kept is kept no longer."""
    return -(-kept // timedelta(days=1))


def _render(
    environment: jinja2.Environment, template: str, voice: Voice, values: Mapping[str, object]
) -> bytes:
    def word(code: str, **given: object) -> str:
        return voice.word("public", code, **given)

    made = environment.get_template(template).render(
        w=word, figure=voice.figure, at=voice.time, language=voice.language.value, **values
    )
    return made.encode()
