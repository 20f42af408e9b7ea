"""The book: the answers of portbook as pages, served on this machine or written as files."""
