"""What runs inside the target interpreter: standard library and setuptools only, 2.7 and 3.x."""
