"""A time-stamping authority of one's own (RFC 3161), and its root certificate."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aiohttp import web
from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kernel.http.server import listening

YEAR = timedelta(days=365)


@dataclass
class Authority:
    """Stamps what it is asked to.

    Attributes:
        at: the time it says.
        away: while True it answers 503.
        asked: how often it was asked.
    """

    at: datetime
    root: x509.Certificate
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    url: str = ""
    away: bool = False
    asked: int = 0

    @property
    def root_pem(self) -> bytes:
        """The root, for whoever checks."""
        return self.root.public_bytes(serialization.Encoding.PEM)

    def answer(self, request: bytes) -> bytes:
        """A granted response, DER."""
        asked = tsp.TimeStampReq.load(request)
        told = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": "1.2.3.4.1",
                "message_imprint": asked["message_imprint"],
                "serial_number": self.asked,
                "gen_time": self.at.replace(microsecond=0),
                "nonce": asked["nonce"],
            }
        )
        content = told.dump()
        response = tsp.TimeStampResp(
            {
                "status": {"status": "granted"},
                "time_stamp_token": {"content_type": "signed_data", "content": self._sign(content)},
            }
        )
        answer: bytes = response.dump()
        return answer

    def _sign(self, content: bytes) -> cms.SignedData:
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        certificate = asn1_x509.Certificate.load(der)
        sha256 = algos.DigestAlgorithm({"algorithm": "sha256"})
        attributes = cms.CMSAttributes(
            [
                {"type": "content_type", "values": ["tst_info"]},
                {"type": "message_digest", "values": [hashlib.sha256(content).digest()]},
                {
                    "type": "signing_certificate_v2",
                    "values": [
                        {"certs": [{"hash_algorithm": sha256,
                                    "cert_hash": hashlib.sha256(der).digest()}]}
                    ],
                },
            ]
        )  # fmt: skip
        signature = self.key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256()))
        signer = cms.SignerInfo(
            {
                "version": "v1",
                "sid": cms.IssuerAndSerialNumber(
                    {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
                ),
                "digest_algorithm": sha256,
                "signed_attrs": attributes,
                "signature_algorithm": {"algorithm": "sha256_ecdsa"},
                "signature": signature,
            }
        )
        return cms.SignedData(
            {
                "version": "v3",
                "digest_algorithms": [sha256],
                "encap_content_info": {
                    "content_type": "tst_info",
                    "content": core.ParsableOctetString(content),
                },
                "certificates": [certificate],
                "signer_infos": [signer],
            }
        )


def make_authority(at: datetime) -> Authority:
    """An authority under a root of its own."""
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = _certify("Racine d'essai", root_key, "Racine d'essai", root_key, at, root=True)
    certificate = _certify("Horodatage d'essai", key, "Racine d'essai", root_key, at, root=False)
    return Authority(at, root, certificate, key)


def _certify(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    at: datetime,
    *,
    root: bool,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(1 if root else 2)
        # Whoever checks does so at the present, and the tests' clock stands in 2017.
        .not_valid_before(min(at, datetime(2017, 1, 1, tzinfo=UTC)) - YEAR)
        .not_valid_after(at + 40 * YEAR)
        .add_extension(x509.BasicConstraints(ca=root, path_length=None), critical=True)
    )
    if not root:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(issuer_key, hashes.SHA256())


@asynccontextmanager
async def open_authority(at: datetime) -> AsyncIterator[Authority]:
    """Serve one."""
    authority = make_authority(at)

    async def stamp(request: web.Request) -> web.Response:
        authority.asked += 1
        if authority.away:
            return web.Response(status=503)
        assert request.content_type == "application/timestamp-query"
        body = authority.answer(await request.read())
        return web.Response(body=body, content_type="application/timestamp-reply")

    app = web.Application()
    app.router.add_post("/", stamp)
    async with listening(app, "127.0.0.1:0", name="LISTEN") as url:
        authority.url = url
        yield authority
