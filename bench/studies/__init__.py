"""Validation: how often this project's verdicts, and those of its peers, are right. Pure.

`peers` asks the other tools. `recorded` and `simulated` (with `play`, `rates` and `pace`) are the
studies that need no measuring, `real` reads what `patchbench study real` measured. `page` writes
docs/validation.md.
"""
