"""The port space as a picture: where a port is, what its colour stands for, and the drawings.

`portbook map` and the book's pages share it, so it needs nothing but the standard library; Pillow
is asked for by `png` alone.
"""
