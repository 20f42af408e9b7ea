"""What the pages tell, from the registry alone: no web framework, no template, no machine."""
