"""A certificate authority for one test, and server certificates that it, or nobody, has signed."""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from broker.mosquitto.render import Tls

LIFE = timedelta(days=1)


class Authority:
    """Signs certificates for servers; `ca_file` is what its clients trust."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Test authority")
        self.ca_file = folder / "ca.crt"
        certificate = _certificate(self._name, self._name, self._key.public_key(), ca=True).sign(
            self._key, hashes.SHA256()
        )
        self.ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def certify(self, host: str) -> Tls:
        """A certificate for this address, signed by the authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        unsigned = _certificate(_name(host), self._name, key.public_key(), host=host)
        return self._write(host, key, unsigned.sign(self._key, hashes.SHA256()))

    def self_signed(self, host: str) -> Tls:
        """A certificate for this address that nobody vouches for."""
        key = ec.generate_private_key(ec.SECP256R1())
        unsigned = _certificate(_name(host), _name(host), key.public_key(), host=host)
        return self._write(f"self-{host}", key, unsigned.sign(key, hashes.SHA256()))

    def _write(self, stem: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> Tls:
        tls = Tls(self._folder / f"{stem}.crt", self._folder / f"{stem}.key")
        tls.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        tls.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return tls


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, host: str | None = None, ca: bool = False
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIFE)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
    if host is None:
        return built
    try:
        known_as: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        known_as = x509.DNSName(host)
    return built.add_extension(x509.SubjectAlternativeName([known_as]), critical=False)
