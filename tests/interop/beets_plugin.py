#!/usr/bin/env python3
"""The plugin for beets in the real beets: `beet import` and `beet genrewise` on a library of copied music.

    PYTHONPATH=build/dev/python:python beets_plugin.py build/dev/bin/genrewise build/test_music

Exit code 77: no beets, no numpy, or no Python package of genrewise for this Python. At least two files of music.
"""
import importlib
import pathlib
import shutil
import subprocess
import sys
import tempfile

for module in ("beets", "numpy", "genrewise._core"):
    try:
        importlib.import_module(module)
    except ImportError as error:
        print(f"skipped: {sys.executable} has no {module} ({error})")
        sys.exit(77)

CONFIG = """
directory: {folder}/music
library: {folder}/library.db
plugins: genrewise
import: {{copy: no, write: yes, autotag: no, quiet: yes, log: {folder}/import.log}}
genrewise:
  model: {folder}/model.gwm
  {options}
"""
SHOWN = "$title|$genres|$genrewise_genre|$genrewise_confidence"


def expect(what, seen, due):
    if seen != due:
        sys.exit(f"FAILED: {what}: {seen!r} instead of {due!r}")


class Library:
    def __init__(self, folder, music, options="auto: no"):
        self.folder = folder
        shutil.rmtree(folder / "music", ignore_errors=True)
        (folder / "library.db").unlink(missing_ok=True)
        (folder / "music").mkdir()
        for i, file in enumerate(music):
            shutil.copy(file, folder / "music")
            self.tag(file.name, title=f"track{i}", genres=[])
        self.configure(options)

    def configure(self, options):
        (self.folder / "config.yaml").write_text(CONFIG.format(folder=self.folder, options=options))

    def tag(self, name, **values):
        from mediafile import MediaFile

        file = MediaFile(self.folder / "music" / name)
        file.update(values)
        file.save()

    def genres_in_files(self):
        from mediafile import MediaFile

        return [MediaFile(file).genres or [] for file in sorted((self.folder / "music").iterdir())]

    def beet(self, *arguments, code=0):
        command = [sys.executable, "-m", "beets", "-c", str(self.folder / "config.yaml"), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode != code:
            sys.exit(f"FAILED: beet {' '.join(map(str, arguments))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def rows(self, *query):
        return [line.split("|") for line in self.beet("ls", "-f", SHOWN, "title+", *query).splitlines()]


def make_model(genrewise, folder, music):
    """A model that knows the files by heart: three copies of each, as if by three artists."""
    lines = ["path,genre,artist"]
    for copy in range(3):
        (folder / f"copy{copy}").mkdir()
        for i, file in enumerate(music):
            shutil.copy(file, folder / f"copy{copy}")
            lines.append(f"copy{copy}/{file.name},{['Hip Hop', 'Rock'][i % 2]},artist {i} {copy}")
    (folder / "clips.csv").write_text("\n".join(lines) + "\n")
    subprocess.run([genrewise, "-q", "train", folder / "clips.csv", "--model", "knn:n_neighbors=1", "--features", "fma518",
                    "--on", "all", "-o", folder / "model.gwm"], check=True)


def test_an_import_sets_genres(folder, music):
    library = Library(folder, music, "auto: yes")
    library.beet("import", "-A", folder / "music")
    rows = library.rows()
    expect("tracks", len(rows), len(music))
    for i, (_, genres, genre, confidence) in enumerate(rows):
        expect("genre", genres, genre)
        expect("genre of the model's own training clip", genre, ["Hip Hop", "Rock"][i % 2])
        expect("a confidence", 0.5 < float(confidence) <= 1, True)
    library.beet("write")  # as beets' own importer, which does not write what is imported as it is (-A)
    expect("genres in the files", library.genres_in_files(), [[row[1]] for row in rows])
    expect("query by confidence", len(library.rows("genrewise_confidence:0.5..1")), len(music))
    expect("query by confidence", library.rows("genrewise_confidence:..0.1"), [])


def test_nothing_happens_on_import_without_auto(folder, music):
    library = Library(folder, music)
    library.beet("import", "-A", folder / "music")
    expect("genres", {row[1] for row in library.rows()}, {""})


def test_pretending_shows_and_keeps(folder, music):
    library = Library(folder, music)
    library.beet("import", "-A", folder / "music")
    before = library.rows()
    shown = library.beet("genrewise", "--pretend")
    expect("shown change", "genres:" in shown and "Rock" in shown, True)
    expect("library", library.rows(), before)
    expect("files", library.genres_in_files(), [[]] * len(music))


def test_a_query_selects_and_force_replaces(folder, music):
    library = Library(folder, music)
    library.tag(music[0].name, genres=["Polka"])
    library.beet("import", "-A", folder / "music")
    library.beet("genrewise", "title:track0")
    expect("genre that was there", library.rows("title:track0")[0][:3], ["track0", "Polka", "Hip Hop"])
    expect("tracks outside of the query", {row[2][:2] for row in library.rows("^title:track0")}, {"$g"})
    library.beet("genrewise", "--force", "title:track0")
    expect("genre after --force", library.rows("title:track0")[0][1], "Hip Hop")
    expect("genre in the file", library.genres_in_files()[0], ["Hip Hop"])


def test_the_threshold_and_canonical_names(folder, music):
    library = Library(folder, music, "auto: no\n  canonical: yes\n  threshold: 1.1")
    library.beet("import", "-A", folder / "music")
    library.beet("genrewise")
    expect("below the threshold", [row[1:3] for row in library.rows()][:2], [["", "Hip-Hop"], ["", "Rock"]])
    # What is known is not analysed again; the files could not be.
    for file in (folder / "music").iterdir():
        file.rename(file.with_suffix(".away"))
    library.beet("genrewise", "--threshold", "0.5")
    expect("above another", [row[1] for row in library.rows()][:2], ["Hip-Hop", "Rock"])
    (folder / "map.yaml").write_text("Rap: [Hip-Hop, hip hop]\n")
    library = Library(folder, music, f"auto: yes\n  canonical: {folder}/map.yaml")
    library.beet("import", "-A", folder / "music")
    expect("names of an own map", [row[1] for row in library.rows()][:2], ["Rap", "Rock"])


def test_bad_files_and_models_are_reported(folder, music):
    library = Library(folder, music)
    library.beet("import", "-A", folder / "music")
    (folder / "music" / music[0].name).write_bytes(b"no music")
    told = library.beet("genrewise")
    expect("message", music[0].name in told, True)
    expect("the others", [bool(row[1]) for row in library.rows()], [False] + [True] * (len(music) - 1))
    told = library.beet("genrewise", "-f", "-m", folder / "missing.gwm", code=1)
    expect("message", "missing.gwm" in told and "Traceback" not in told, True)
    library = Library(folder, music, f"auto: yes\n  model: {folder}/missing.gwm")
    told = library.beet("import", "-A", folder / "music")
    expect("import with a message", "missing.gwm" in told and len(library.rows()) == len(music), True)


def main():
    genrewise, source = map(pathlib.Path, sys.argv[1:])
    music = sorted(file.resolve() for file in source.iterdir() if file.suffix in (".ogg", ".mp3", ".flac"))
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        make_model(genrewise.resolve(), folder, music)
        tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
        for name, test in tests:
            test(folder, music)
            print("passed:", name.removeprefix("test_").replace("_", " "), flush=True)


main()
