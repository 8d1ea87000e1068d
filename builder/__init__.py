"""How a CPython comes to be: sources, git, series, recipes, compiling, the gate and the store."""
