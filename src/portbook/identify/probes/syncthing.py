"""Syncthing: inside TLS it talks only to devices with a certificate; the process tells it."""

from portbook.identify.probe import Probe

PROBE = Probe(
    name="syncthing",
    title="Syncthing (BEP)",
    source="Block Exchange Protocol v1, docs.syncthing.net/specs/bep-v1.html",
    ports=(22000,),
    programs=("syncthing", "syncthing-relaysrv", "strelaysrv"),
)
