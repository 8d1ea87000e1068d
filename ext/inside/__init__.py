"""Scripts that run inside the target interpreter: standard library and setuptools, 2.7 and 3.x."""
