"""Who is calling: packets become flows, flows contacts, contacts a verdict for each source.

Needs numpy (`portbook[watch]`), so nothing of it is imported before it is asked for.
"""
