"""Passkeys: what an authenticator is asked, and whether it signed that.

An authenticator that is not asked for its owner's finger or code is none: a passkey is the only
factor there is.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from services.console.core.access import passkey_domain
from services.console.store import Operator, Passkey

VERIFIED = UserVerificationRequirement.REQUIRED


class Refused(Exception):
    """What an authenticator gave is not what it was asked for."""


class Passkeys:
    """What to ask, and what was signed.

    Args:
        origin: how browsers reach the console; at a bare address there are no passkeys.
    """

    def __init__(self, origin: str) -> None:
        self.domain = passkey_domain(origin)
        entity = PublicKeyCredentialRpEntity(name="antirelou", id=self.domain or "invalid")
        self._server = Fido2Server(entity, verify_origin=lambda given: given == origin)

    def ask_new(
        self, operator: Operator, known: Sequence[bytes]
    ) -> tuple[dict[str, Any], Mapping[str, Any]]:
        """For a new passkey: what the browser is told, and what is kept of it."""
        user = PublicKeyCredentialUserEntity(
            name=operator.name, id=operator.handle, display_name=operator.name
        )
        descriptors = [
            PublicKeyCredentialDescriptor(type=PublicKeyCredentialType.PUBLIC_KEY, id=one)
            for one in known
        ]
        options, state = self._server.register_begin(
            user,
            descriptors,
            resident_key_requirement=ResidentKeyRequirement.REQUIRED,
            user_verification=VERIFIED,
        )
        return dict(options)["publicKey"], state

    def read_new(self, state: Mapping[str, Any], credential: str) -> tuple[bytes, bytes, int]:
        """Of a new passkey its id, its public half, its counter.

        Raises:
            Refused: it was not made for this.
        """
        try:
            data = self._server.register_complete(
                state, RegistrationResponse.from_dict(_read(credential))
            )
        except Exception as error:  # noqa: BLE001 - a stranger's bytes, many readers
            raise Refused(type(error).__name__) from None
        made = data.credential_data
        if made is None:
            raise Refused("no key")
        return made.credential_id, bytes(made), data.counter

    def ask(self) -> tuple[dict[str, Any], Mapping[str, Any]]:
        """To sign in: what the browser is told, and what is kept of it."""
        options, state = self._server.authenticate_begin(user_verification=VERIFIED)
        return dict(options)["publicKey"], state

    @staticmethod
    def id_of(credential: str) -> bytes:
        """Which passkey somebody says he has. Raises ``Refused``."""
        try:
            return AuthenticationResponse.from_dict(_read(credential)).raw_id
        except Exception as error:  # noqa: BLE001 - as above
            raise Refused(type(error).__name__) from None

    def check(self, state: Mapping[str, Any], passkey: Passkey, credential: str) -> int:
        """Check what was signed. Returns the authenticator's counter.

        Raises:
            Refused: another passkey signed it, or another challenge, origin or operator was meant.
        """
        try:
            response = AuthenticationResponse.from_dict(_read(credential))
            known = AttestedCredentialData(passkey.public)
            self._server.authenticate_complete(state, [known], response)
        except Exception as error:  # noqa: BLE001 - as above
            raise Refused(type(error).__name__) from None
        handle = response.response.user_handle
        if handle is not None and handle != passkey.handle:
            raise Refused("another operator")
        return response.response.authenticator_data.counter


def _read(credential: str) -> Mapping[str, Any]:
    found = json.loads(credential)
    if not isinstance(found, Mapping):
        raise TypeError("no object")
    return found
