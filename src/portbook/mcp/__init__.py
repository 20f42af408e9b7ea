"""The answers of portbook for coding agents, by the Model Context Protocol.

Needs the official SDK (`portbook[mcp]`), so nothing of it is imported before it is asked for. The
tools themselves (`asking`, `promising`, `checking_files`) know nothing of the protocol.
"""
