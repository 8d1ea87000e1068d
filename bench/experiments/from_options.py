"""From a command line to the experiment that it asks for."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.experiments.experiment import Experiment
from bench.experiments.reading import Document, read, understand
from builder.errors import UsageError

# Options that say what the arms are, as a file does.
_ARMS = ("base", "patch", "series", "candidate", "variant", "runtime", "source", "pgo", "lto")


def from_options(options: Namespace) -> Experiment:
    """The experiment that a command line asks for: a file, or options, or both."""
    given = [name for name in _ARMS if getattr(options, name)]
    if options.file is not None and given:
        raise UsageError(
            f"--{given[0]} goes without a FILE: the file says what the arms are.",
            hint="Change the file, or leave it out.",
        )
    if options.file is None and not given:
        raise UsageError(
            "There is no experiment.",
            hint="Name a file (experiments/quickstart.toml), or --base with --patch, --series, "
            "--candidate, --variant or --runtime.",
        )
    document = read(options.file) if options.file else _composed(options)
    document = replace(document, content=_overridden(document.content, options))
    experiment = understand(document)
    if options.candidate and not options.base:
        experiment = replace(experiment, base=replace(experiment.base, revision=""))
    return experiment


def _composed(options: Namespace) -> Document:
    candidate = _candidate(options)
    if not options.base and not options.candidate:
        raise UsageError("--base is missing.", hint="For example: --base 3.13")
    if not candidate and not options.runtime:
        raise UsageError(
            "There is nothing to compare the base with.",
            hint="Give it a --patch, a --series, a --candidate, a --variant or a --runtime.",
        )
    content: dict[str, Any] = {
        # Without --base the candidate's own history decides; see from_options.
        "base": options.base or "HEAD",
        "candidate": [candidate, *_runtime(options)] if candidate else _runtime(options),
        "flavor": {"pgo": options.pgo, "lto": options.lto},
    }
    if options.source:
        content["source"] = options.source
    return Document(content=content, file="the command line", folder=Path.cwd(), name="adhoc")


def _candidate(options: Namespace) -> dict[str, Any]:
    """The arm that is built."""
    given = {
        "series": list(options.series),
        "patch": list(options.patch),
        "revision": options.candidate,
        "variant": options.variant,
    }
    return {key: value for key, value in given.items() if value}


def _runtime(options: Namespace) -> list[dict[str, Any]]:
    """The arm that is there already, if one is named."""
    return [{"runtime": options.runtime}] if options.runtime else []


def _overridden(content: Mapping[str, Any], options: Namespace) -> dict[str, Any]:
    changed = dict(content)
    if options.suite:
        changed["suite"] = list(options.suite)
    for name in ("gate", "wheels"):
        value = getattr(options, name)
        if value:
            changed[name] = str(Path(value).absolute()) if name == "wheels" else value
    session = changed.get("session", {})
    own = {
        name: getattr(options, name)
        for name in ("budget", "blocks", "protocol", "seed", "replicas", "until", "aa", "placebos")
        if getattr(options, name) is not None
    }
    if own and isinstance(session, dict):
        changed["session"] = {**session, **own}
    return changed
