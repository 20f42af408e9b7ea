"""Byte craft that probes share: messages of protocols and families of protocols, read and made."""
