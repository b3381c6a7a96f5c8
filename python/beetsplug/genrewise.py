"""Genres from the sound itself: `beet genrewise [QUERY]`, and on import (docs/beets.md)."""

from beets import config, ui
from beets.dbcore import types
from beets.library import Item
from beets.plugins import BeetsPlugin
from beets.util import displayable_path, syspath

import genrewise

_BATCH = 32  # files between two writes to the library


class GenrewisePlugin(BeetsPlugin):
    item_types = {"genrewise_genre": types.STRING, "genrewise_confidence": types.FLOAT}

    def __init__(self):
        super().__init__()
        self.config.add(
            {
                "auto": True,
                "force": False,
                "pretend": False,
                "model": None,  # a .gwm file; without: zero-shot
                "genres": [],  # zero-shot: those to choose from; empty: all
                "threshold": None,  # least confidence of a genre that is written; None: the model's own
                "canonical": False,  # names as in genrewise's map of genres, or in a file like it
                "windows": 3,
            }
        )
        self._model = None
        if self.config["auto"].get(bool):
            self.import_stages = [self._imported]

    def commands(self):
        command = ui.Subcommand("genrewise", help="genres from the sound of the tracks")
        option = command.parser.add_option
        option("-f", "--force", action="store_true", help="analyse again, and replace genres that are there")
        option("-p", "--pretend", action="store_true", help="show changes and make none")
        option("-m", "--model", help="a model of `genrewise train` (*.gwm)")
        option("-t", "--threshold", type="float", help="least confidence (0 to 1) of a genre that is written")

        def run(library, options, arguments):
            self.config.set_args(options)
            self._update(list(library.items(arguments)), ui.should_write())

        command.func = run
        return [command]

    def _imported(self, _session, task):
        self._update(task.imported_items(), write=False)  # the importer writes the tags itself

    def _update(self, items, write):
        pretend, force = self.config["pretend"].get(bool), self.config["force"].get(bool)
        for first in range(0, len(items), _BATCH):
            part = items[first : first + _BATCH]
            self._analyse([item for item in part if force or "genrewise_genre" not in item])
            for item in part:
                self._choose(item, force)
                changed = ui.show_model_changes(item)
                if changed and not pretend:
                    item.try_sync(write=write, move=False)
