"""The book as files, for any static server or none: `portbook export-site DIR`."""
