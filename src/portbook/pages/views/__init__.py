"""One file per kind of page: each answers one request."""
