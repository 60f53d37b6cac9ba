"""The dialog that adds a model by name, file or import path; shows what would be loaded and what needs trust.

Nothing is loaded or imported here: a separate process inspects a file, and an import path is checked by its source.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button

from latency_tui.catalog.import_paths import describe
from latency_tui.catalog.model_files import SUFFIXES, TITLES, find_model_file, kind_of
from latency_tui.catalog.named_models import known_models, named_model, resolve_model, spec_of_file
from latency_tui.catalog.trust_store import remember
from latency_tui.catalog.validate import check_settings, check_task
from latency_tui.engine.inspection import Inspection, inspect
from latency_tui.errors import UsageError
from latency_tui.plan import Candidate, Dataset, ModelSpec, Trust, make_slugs_unique, parse, slugify
from latency_tui.plan.datasets import task_of
from latency_tui.plan.trust import EVERYTHING
from latency_tui.tui.background import run_in_background
from latency_tui.tui.completion import Match, expand_home, files_like, is_path, names_like, size_of
from latency_tui.tui.screens.picker import Picker
from latency_tui.tui.styles import MUTED
from latency_tui.tui.text import sanitize_line

_MODEL_SUFFIXES = frozenset(SUFFIXES) - {".json", ".txt"}  # files with these two suffixes are rarely models


@dataclass(frozen=True)
class AddedModel:
    """The result of the dialog.

    Attributes:
        candidate: The candidate to add to the list.
        trust: The trusted files and types, including those that the user has just trusted.
    """

    candidate: Candidate
    trust: Trust


class AddModelScreen(Picker[AddedModel]):
    """Asks for a model; a model that runs code or contains unknown types is added only with the key that trusts it.

    Args:
        models: Models that have names, in addition to the built-in ones.
        listed: The candidates in the list.
        dataset: The dataset that is measured.
        trust: The files and types that are trusted already.
        folder: Folder of the configuration, in which modules are searched in addition to Python's path.
    """

    HEADING = "Add a model"
    PLACEHOLDER = "decision tree · model.skops · package.module:name"
    HINT = "A name, a file, or package.module:name; with settings, name[n_jobs=1]."
    KEYS = "tab completes · enter adds · esc closes"
    ASKS: ClassVar[str] = "ctrl+t trusts and adds it · esc cancels"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+t", "trust", "Trust and add", show=False)]

    def __init__(
        self,
        models: Iterable[ModelSpec],
        listed: Iterable[Candidate],
        dataset: Dataset,
        trust: Trust,
        folder: Path | None = None,
    ) -> None:
        super().__init__()
        self._own = tuple(models)
        self._known: tuple[ModelSpec, ...] = ()
        self._listed = {candidate.slug: candidate for candidate in listed}
        self._dataset = dataset
        self._trust = trust
        self._folder = folder
        self._seen: tuple[str, Inspection] | None = None

    def extra_widgets(self) -> ComposeResult:
        """Yield the buttons that trust the file or cancel."""
        with Horizontal(id="consent"):
            yield Button("Trust and add", id="trust", variant="warning", compact=True, action="screen.trust")
            yield Button("Cancel", compact=True, action="screen.dismiss")

    def completions(self, text: str) -> list[Match]:
        """Return the models with this name that are not in the list yet, and matching files."""
        if not self._known:
            self._known = known_models(self._own)
        if is_path(text):
            return files_like(text, _model_in)
        task = task_of(self._dataset)
        free = (
            model
            for model in self._known
            if slugify(model.name) not in self._listed and not (task and model.task and model.task != task)
        )
        return [*(m for m in files_like(text, _model_in) if m.kind == "file"), *names_like(text, free)]

    def is_complete(self, text: str) -> bool:
        """Return whether a text is the whole name of a model, including one that cannot be added."""
        slug = slugify(text)
        return any(slug in (slugify(model.name), model.key) for model in self._known) or super().is_complete(text)

    def show_description(self, known: Content | None) -> None:
        """Show what is known of the model; the buttons only if it needs trust."""
        super().show_description(known)
        asked = known is not None and bool(self._asked(self.text))
        self.query_one("#consent").display = asked
        box = self.query_one("#box")
        box.set_class(asked, "-asks")
        box.border_subtitle = self.ASKS if asked else self.KEYS

    async def describe(self, text: str) -> Content | None:
        """Return a description of a file or an import path."""
        path = _file_of(text) or self._file_named(text)
        if path is None:
            if is_path(text) or ":" not in text:
                return None
            return Content.assemble(
                ("refers to  ", MUTED), sanitize_line(await asyncio.to_thread(describe, parse(text)[0], self._folder))
            )
        if self._seen is None or self._seen[0] != text:
            self.show_hint("Inspecting the file in a separate process …")
            self._seen = (text, await inspect(str(path)))
            self.show_hint("")
        inspection = self._seen[1]
        asked = self._asked(text)
        self.show_hint("" if asked else "Enter adds it.")
        return known_of_file(path, inspection, asked)

    def _file_named(self, text: str) -> Path | None:
        """Return the file of a model of the configuration, given its name; None if it has no file."""
        with suppress(UsageError):
            model = named_model(parse(text)[0], self._known)
            return Path(model.file) if model and model.file else None
        return None

    async def accept(self, text: str) -> None:
        """Close with the typed model, unless it needs trust first."""
        candidate = await asyncio.to_thread(self._resolve, text)
        listed = candidate.slug in self._listed
        if candidate.model.file:
            self.show_description(await self.describe(text))
            if self._asked(text):
                yet = "It is listed but not trusted yet" if listed else "Nothing is added yet"
                self.show_hint(f"{yet}: ctrl+t trusts it, esc cancels.", "$text-warning")
                return
            assert self._seen is not None
            self._trust = self._trust.extended(self._seen[1].sha256, self._seen[1].remembered)
        if listed:
            raise UsageError(f"{candidate.name} is already in the list.")
        self.dismiss(AddedModel(candidate, self._trust))

    def action_trust(self) -> None:
        """Trust the file with its current content, and add the model if it is not in the list yet."""
        if self.query_one("#consent").display:
            run_in_background(self, partial(self._trust_and_accept, self.text), group="accept")

    async def _trust_and_accept(self, text: str) -> None:
        asked = self._asked(text)
        if self._seen is None or not asked:
            return
        trust = self._trust.extended(self._seen[1].sha256, asked)
        try:
            candidate = await asyncio.to_thread(self._resolve, text)
            await asyncio.to_thread(remember, (candidate,), trust)
        except UsageError as error:
            self.show_hint(str(error), "$text-error")
            return
        self.dismiss(AddedModel(candidate, trust))

    def _asked(self, text: str) -> tuple[str, ...]:
        """Return the types in the inspected file that are not trusted yet; `*` if loading it runs code."""
        if self._seen is None or self._seen[0] != text:
            return ()
        inspection = self._seen[1]
        if self._trust.trusts_all(inspection.sha256) or EVERYTHING in inspection.remembered:
            return ()
        if inspection.runs_code:
            return (EVERYTHING,)
        trusted = {*inspection.remembered, *self._trust.types_in(inspection.sha256)}
        return tuple(name for name in inspection.untrusted_types if name not in trusted)

    def _resolve(self, text: str) -> Candidate:
        """Return the candidate that a text names, with an unused name; if it is in the list already, that candidate.

        Raises:
            UsageError: It cannot be measured, or there is no unused name for it.
        """
        path = _file_of(text)
        if path is not None and path == expand_home(text):
            candidate = Candidate(model=spec_of_file(str(path)))  # the name of a file may contain brackets
        else:
            candidate = resolve_model(_expanded(text), self._known or known_models(self._own), self._folder)
        check_task(candidate.model, self._dataset)
        check_settings(candidate)
        for other in self._listed.values():
            if other.settings == candidate.settings and _same_origin(candidate.model, other.model):
                return other
        names, called = {other.name for other in self._listed.values()}, candidate.name
        if called in names:
            origin = candidate.model.file or candidate.model.factory
            candidate = msgspec.structs.replace(candidate, model=msgspec.structs.replace(candidate.model, name=origin))
        if candidate.name in names:
            raise UsageError(f"Another model named {called} is already in the list.")
        return make_slugs_unique([candidate], taken=self._listed.values())[0]


def known_of_file(path: Path, inspection: Inspection, asked: tuple[str, ...]) -> Content:
    """Return a description of a file and, if it needs trust, of what the user would trust and what that means."""
    lines = [
        Content.assemble((sanitize_line(path.name), "bold")),
        Content.assemble(
            ("is ", MUTED), inspection.title, (" of ", MUTED), size_of(path),
            ("  sha-256 ", MUTED), inspection.sha256[:16], ("…", MUTED),
        ),
    ]  # fmt: skip
    if EVERYTHING in asked:
        lines += [
            Content(""),
            Content.styled("Loading it runs its author's code as you, with your permissions.", "$text-warning"),
            Content("Trust it only if you know where it comes from. It has not been loaded."),
        ]
    elif asked:
        types, these = ("a type", "this type") if len(asked) == 1 else (f"{len(asked)} types", "these types")
        lines += [
            Content(""),
            Content.styled(f"It names {types} that skops does not trust by default:", "$text-warning"),
            *(Content.assemble("  ", (sanitize_line(name), "bold")) for name in asked),
            Content(f"Trust it only if you expect {these} in it. It has not been loaded."),
        ]
    elif inspection.runs_code:
        lines.append(Content.styled("It runs its author's code, and you have trusted it.", MUTED))
    elif inspection.untrusted_types:
        lines.append(
            Content.styled(f"You have trusted: {sanitize_line(', '.join(inspection.untrusted_types))}.", MUTED)
        )
    else:
        lines.append(Content.styled("It can be loaded without trusting anything.", MUTED))
    return Content("\n").join(lines)


def _model_in(path: Path) -> str:
    """Return the kind of a model file in one word, by its name; empty if it is not a model."""
    suffix = path.suffix.lower()
    kinds = SUFFIXES.get(suffix, ())
    if kinds and suffix not in _MODEL_SUFFIXES:
        try:
            return TITLES[kind_of(path)]
        except UsageError:
            return ""
    return TITLES[kinds[0]] if kinds else ""


def _expanded(text: str) -> str:
    return str(expand_home(text)) if text.startswith("~") else text


def _file_of(text: str) -> Path | None:
    """Return the model file that a text names, with or without settings in brackets; None if there is none.

    For an MLflow folder it is the file inside.
    """
    for name in (text, text.rpartition("[")[0].strip()):
        try:
            path = find_model_file(Path(_expanded(name)))
            if name and path.is_file():
                return path
        except (OSError, ValueError, UsageError):  # longer than a path can be, or a folder without a model
            continue
    return None


def _same_origin(one: ModelSpec, other: ModelSpec) -> bool:
    if one.file and other.file:
        return Path(one.file).resolve() == Path(other.file).resolve()
    return (one.factory, one.parameters) == (other.factory, other.parameters) and not (one.file or other.file)
