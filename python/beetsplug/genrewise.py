"""Genres from the sound itself: `beet genrewise [QUERY]`, and on import (docs/beets.md)."""

import warnings
from functools import cached_property

from beets import ui
from beets.dbcore import types
from beets.library import Item
from beets.plugins import BeetsPlugin

import genrewise
from genrewise._core import fold_genres

_BATCH = 32  # tracks that are analysed between two writes to the library
_GENRES = "genres" if "genres" in Item._fields else "genre"  # older versions have one


class GenrewisePlugin(BeetsPlugin):
    item_types = {"genrewise_genre": types.STRING, "genrewise_confidence": types.Float(2)}

    def __init__(self):
        super().__init__()
        self.config.add(
            {
                "auto": True,
                "force": False,
                "pretend": False,
                "model": None,
                "genres": [],
                "threshold": None,
                "canonical": False,
            }
        )
        if self.config["auto"].get(bool):
            self.import_stages = [self._imported]

    def commands(self):
        command = ui.Subcommand("genrewise", help="set genres from the sound of the tracks")
        option = command.parser.add_option
        option("-f", "--force", action="store_true", help="analyse again, and replace genres that are there")
        option("-p", "--pretend", action="store_true", help="show the changes and make none")
        option("-m", "--model", help="a model of `genrewise train` (*.gwm)")
        option("-t", "--threshold", type="float", help="the least confidence (0 to 1) of a genre that is set")

        def run(library, options, arguments):
            self.config.set_args(options)
            try:
                self._update(list(library.items(arguments)), write=ui.should_write())
            except genrewise.Error as error:
                raise ui.UserError(f"genrewise: {error}") from None

        command.func = run
        return [command]

    def _imported(self, _session, task):
        try:
            self._update(task.imported_items(), write=False)  # the importer writes the tags
        except genrewise.Error as error:  # the import goes on
            self._log.warning("{}", error)

    def _update(self, items, write):
        force = self.config["force"].get(bool)
        for first in range(0, len(items), _BATCH):
            batch = items[first : first + _BATCH]
            known = self._analyse([item for item in batch if force or "genrewise_genre" not in item])
            for item in batch:
                if "genrewise_genre" in item and (force or not item.get(_GENRES, with_album=False)):
                    self._set_genre(item, known)
                if ui.show_model_changes(item) and not self.config["pretend"].get(bool):
                    item.try_sync(write=write, move=False)

    def _analyse(self, items):
        """Sets the attributes genrewise_*; returns the ids of items whose genre the model does not mark as unknown."""
        if not items:
            return set()
        known, of_path = set(), {str(item.filepath): item for item in items}
        for path, genre, confidence, is_unknown in self._predictions(list(of_path)):
            item = of_path[path]
            item.genrewise_genre, item.genrewise_confidence = self._canonical(genre), round(confidence, 4)
            if not is_unknown:
                known.add(item.id)
        return known

    def _predictions(self, paths):
        """(path, genre, confidence, whether it is unknown) of each file that can be used; the others are logged."""
        model = self._model
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", genrewise.SkippedWarning)
            try:
                found = model.predict(paths, progress=False)
            except genrewise.Error as error:  # no file can be used
                self._log.warning("{}", error)
                return []
        for one in found.attrs["skipped"]:
            self._log.warning("{}: {}", one["where"], one["reason"])
        return list(found[["genre", "confidence", "unknown"]].itertuples())

    @cached_property
    def _model(self):
        if self.config["model"].get():
            return genrewise.Model.load(self.config["model"].as_filename())
        return genrewise.Model.zero_shot(self.config["genres"].as_str_seq())

    def _canonical(self, genre):
        names = self.config["canonical"].get()
        if not names:
            return genre
        own_map = None if names is True else self.config["canonical"].as_filename()
        return next(iter(fold_genres([genre], own_map, False)), genre)

    def _set_genre(self, item, known):
        threshold = self.config["threshold"].get()
        sure = item.id in known if threshold is None else item.genrewise_confidence >= float(threshold)
        if sure:
            item[_GENRES] = [item.genrewise_genre] if _GENRES == "genres" else item.genrewise_genre
