"""The fake's own tests are data of its build."""

collect_ignore = ["tree"]
