"""TLS as a means to see what is inside: nothing is verified, and everything old is accepted."""

import ssl
from functools import cache

from portbook.model.speaks import Tls
from portbook.model.unknown import Unknown

_MOST_NAMES = 32
_MOST_TEXT = 255
_PADDING = 0x10
"""SSL_OP_TLSEXT_PADDING (openssl/ssl.h); the module ssl sets it and gives it no name."""

_CIPHERS = (
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA:"
    "AES128-GCM-SHA256:AES128-SHA:AES256-SHA:"
    "ADH-AES256-GCM-SHA384:ADH-AES128-SHA256:ADH-AES128-SHA"
)
_LEAN = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA:ADH-AES128-SHA256"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cryptography import x509

HTTP_1 = ("http/1.1",)
"""What is offered first (RFC 7301): HTTP/1.1 tells the product in the clear, HTTP/2 would not."""


@cache
def context(alpn: tuple[str, ...], *, lean: bool = False) -> ssl.SSLContext:
    """A client that accepts every version and certificate, and a cipher of every common kind.

    What is sent to a listener is bounded, so ciphers are few and OpenSSL's padding to 512 bytes
    (for a load balancer of 2014) is off: a handshake takes 360 bytes. With `lean` it takes 260:
    TLS 1.2 and no more than one cipher of each kind, for further connections to the same listener.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    # Old and weak is worth knowing, not worth refusing: no secret of ours goes through it.
    made.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    if lean:
        made.maximum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers(f"{_LEAN if lean else _CIPHERS}:@SECLEVEL=0")
    if alpn:
        made.set_alpn_protocols(list(alpn))
    made.options |= ssl.OP_NO_TICKET
    made.options &= ~_PADDING
    return made


def facts(talk: ssl.SSLObject, *, upgraded: bool) -> Tls:
    """What the finished handshake told."""
    certificate = talk.getpeercert(binary_form=True)
    names, issuer, expires = _certificate(certificate)
    return Tls(talk.version(), talk.selected_alpn_protocol(), names, issuer, expires, upgraded)


_Text = str | None | Unknown


def _certificate(der: bytes | None) -> tuple[tuple[str, ...] | Unknown, _Text, _Text]:
    """Names, issuer and end of a certificate; nothing where the server has none (anonymous DH)."""
    if not der:
        return (), None, None
    try:
        from cryptography import x509
    except ImportError:
        missing = Unknown("unsupported", "pip install 'portbook[identify]' to read certificates")
        return missing, missing, missing
    try:
        read = x509.load_der_x509_certificate(der)
        issuer = read.issuer.rfc4514_string()[:_MOST_TEXT] or None
        expires = read.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ")
        return _names(read), issuer, expires
    except Exception:  # noqa: BLE001 - RFC 5280 is broken in many ways, and so many are the errors
        broken = Unknown("unreadable", "the certificate is malformed")
        return broken, broken, broken


def _names(read: "x509.Certificate") -> tuple[str, ...]:
    """The subject's alternative names, else its common names; 32 at most."""
    from cryptography import x509

    try:
        found = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        common = read.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return tuple(str(each.value)[:_MOST_TEXT] for each in common[:_MOST_NAMES])
    names = [str(each.value) for each in found if isinstance(each, (x509.DNSName, x509.IPAddress))]
    return tuple(name[:_MOST_TEXT] for name in names[:_MOST_NAMES])
