"""The settings that the door needs, and no others."""

from dataclasses import dataclass, field
from typing import Self

from kernel.provider.table import entry_of, traits_of
from kernel.settings.settings import CallAnswer, ProviderName, Settings, require


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """See docs/contract.md §2. Keys are 32 bytes; secrets never show in a ``repr``.

    Attributes:
        has_inbox: what is received can be read from the provider as well.
    """

    listen: str
    public_url: str
    own_number: str = field(repr=False)
    pseudonym_key: bytes = field(repr=False)
    sending_public_key: bytes = field(repr=False)
    evidence_public_key: bytes = field(repr=False)
    call_answer: CallAnswer = CallAnswer.REJECT
    auth_token: bytes = field(default=b"", repr=False)
    auth_token_older: bytes = field(default=b"", repr=False)
    provider: ProviderName = ProviderName.PLIVO
    signing_key: bytes = field(default=b"", repr=False)
    has_inbox: bool = True

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Take them out of all settings.

        Raises:
            Fatal: ``settings``: which are missing.
        """
        require(
            settings,
            "number",
            *entry_of(settings).door,
            "pseudonym_key",
            "sending_public_key",
            "evidence_public_key",
        )
        return cls(
            listen=settings.listen,
            public_url=settings.public_url,
            own_number=settings.number or "",
            auth_token=settings.plivo_auth_token.get_secret_value().encode(),
            pseudonym_key=bytes.fromhex(settings.pseudonym_key.get_secret_value()),
            sending_public_key=bytes.fromhex(settings.sending_public_key.get_secret_value()),
            evidence_public_key=bytes.fromhex(settings.evidence_public_key.get_secret_value()),
            call_answer=settings.call_answer,
            auth_token_older=settings.plivo_auth_token_older.get_secret_value().encode(),
            provider=settings.provider,
            signing_key=settings.smsgate_signing_key.get_secret_value().encode(),
            has_inbox=traits_of(settings).has_inbox,
        )
