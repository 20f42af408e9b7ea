"""Shadowsocks: silent to whoever has not the key, by design; only the process tells it."""

from portbook.identify.probe import Probe

PROBE = Probe(
    name="shadowsocks",
    title="Shadowsocks",
    source="shadowsocks.org, AEAD ciphers",
    ports=(8388,),
    programs=(
        *("ss-server", "ssserver", "shadowsocks-libev", "shadowsocks-rust", "outline-ss-server"),
    ),
)
