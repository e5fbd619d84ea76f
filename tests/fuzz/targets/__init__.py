"""What atheris gives its inputs to: a module for each parser, with a `Target`.

A target is made once, called with each input, and raises what it finds: an AssertionError or any other exception.
"""
