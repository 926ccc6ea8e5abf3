"""Phone numbers at rest: a keyed hash finds one, a sealed copy shows it to its owner, the clear one is never stored."""

import hashlib
import hmac
import ipaddress
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


def derive_key(pepper: str, purpose: str) -> bytes:
    """A key of its own for each purpose (HMAC-SHA-256 as the pseudorandom function)."""
    return hmac.digest(pepper.encode(), b"smartcart/" + purpose.encode(), hashlib.sha256)


def canonical_number(written: str) -> str:
    """The digits alone: `+49…` and `49…` are one number."""
    return written.removeprefix("+")


class PhoneVault:
    """Hashes, seals and opens phone numbers with keys derived from one pepper."""

    def __init__(self, pepper: str) -> None:
        self._hash_key = derive_key(pepper, "phone-hash")
        self._address_key = derive_key(pepper, "address-hash")
        self._browser_key = derive_key(pepper, "operator-browser")
        self._seal = AESGCM(derive_key(pepper, "phone-seal"))

    def hash_number(self, number: str) -> bytes:
        """The same 32 bytes for the same number."""
        return hmac.digest(self._hash_key, canonical_number(number).encode(), hashlib.sha256)

    def hash_address(self, address: str) -> bytes:
        """The same 32 bytes for one IPv4 address, or for one IPv6 network of 64 bits (one customer's)."""
        try:
            parsed = ipaddress.ip_address(address)
            network = ipaddress.ip_network((parsed, 64 if parsed.version == 6 else 32), strict=False)
            address = str(network.network_address)
        except ValueError:
            pass  # a Unix socket or a test client has no address; whatever it is called stands for itself
        return hmac.digest(self._address_key, address.encode(), hashlib.sha256)

    def hash_browser(self, operator: str, browser: str) -> bytes:
        """32 bytes that only we can make, for a browser in which this operator has logged in."""
        return hmac.digest(self._browser_key, f"{operator}\0{browser}".encode("utf-8", "surrogatepass"), hashlib.sha256)

    def seal_number(self, number: str) -> bytes:
        """The number encrypted (AES-256-GCM), different each time."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._seal.encrypt(nonce, canonical_number(number).encode(), None)

    def open_number(self, sealed: bytes) -> str | None:
        """The number again, or None when the pepper was changed since."""
        try:
            return self._seal.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None).decode()
        except InvalidTag:
            return None
