#!/usr/bin/env python3
"""mutagen, mediafile and ffprobe read the tags that we write, and we read those of mutagen, mediafile and ffmpeg.

    tags_interop.py build/dev/bin/interop_tags     (exit code 77: no mutagen or no ffmpeg)
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

GENRES = ["Rock", "Jazz & Blues", "Électronique 日本"]
# Ending: options of ffmpeg.
FORMATS = {"mp3": "", "flac": "", "ogg": "-c:a libvorbis", "opus": "", "spx": "-ar 16000", "m4a": "", "wma": "",
           "wav": "", "aiff": "-write_id3v2 1", "wv": "", "tta": ""}


def fail(message):
    sys.exit(f"FAILED: {message}")


def ours(program, *arguments):
    ran = subprocess.run([program, *arguments], capture_output=True, text=True)
    if ran.returncode:
        fail(f"interop_tags {' '.join(arguments)}: {ran.stderr.strip()}")
    return json.loads(ran.stdout) if arguments[0] == "read" else None


def expect(what, seen, due):
    if seen != due:
        fail(f"{what}: {seen!r} instead of {due!r}")


def genres_of_mutagen(mutagen, file):
    tags = mutagen.File(file).tags
    for key in ("TCON", "genre", "GENRE", "Genre", "\xa9gen", "WM/Genre"):
        try:
            value = tags[key]
        except (KeyError, ValueError):
            continue
        if hasattr(value, "genres"):
            return list(value.genres)
        return [str(one) for one in value]
    return []


def other_tags_of_mutagen(mutagen, file):
    """All tags but the genre, as text that can be compared."""
    tags = mutagen.File(file).tags
    return sorted(f"{key}={value!r}" for key, value in tags.items()
                  if str(key).lower() not in ("tcon", "genre", "\xa9gen", "wm/genre"))


def genres_of_ffprobe(file):
    shown = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "format_tags:stream_tags", "-of", "json", file],
                           capture_output=True, text=True, check=True)
    shown = json.loads(shown.stdout)
    for tags in [shown.get("format", {})] + shown.get("streams", []):
        for key, value in tags.get("tags", {}).items():
            if key.lower() == "genre":
                return value
    return ""


def write_with_mutagen(mutagen, file):
    audio = mutagen.File(file)
    if audio.tags is None:
        audio.add_tags()
    kind = type(audio.tags).__name__
    if "ID3" in kind:
        from mutagen.id3 import APIC, TCON, TIT2, TPE1, TXXX
        for frame in (TCON(encoding=3, text=GENRES), TIT2(encoding=1, text="Títle 日"),
                      TPE1(encoding=3, text=["A", "B"]), TXXX(encoding=3, desc="x", text="y"),
                      APIC(encoding=0, mime="image/png", data=b"p" * 5000)):
            audio.tags.add(frame)
    elif "MP4" in kind:
        from mutagen.mp4 import MP4Cover
        audio["\xa9gen"], audio["\xa9nam"], audio["\xa9ART"] = GENRES, ["Títle 日"], ["A", "B"]
        audio["covr"], audio["trkn"], audio["cpil"] = [MP4Cover(b"p" * 5000)], [(3, 9)], True
        audio["----:com.example:odd"] = [b"\xff\xfe"]
    elif "ASF" in kind:
        audio["WM/Genre"], audio["Title"], audio["Author"] = GENRES, "Títle 日", ["A", "B"]
        audio["WM/Picture"] = b"p" * 70000
    else:
        ape = "APE" in kind
        audio["Genre" if ape else "GENRE"], audio["Title"], audio["Artist"] = GENRES, "Títle 日", ["A", "B"]
    audio.save()


def check_format(program, mutagen, folder, ending, options):
    plain, copy = f"{folder}/a.{ending}", f"{folder}/b.{ending}"
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", "sine=d=1:r=48000", *options.split(),
               "-metadata", "genre=Röck", "-metadata", "title=Títle", plain]
    subprocess.run(command, check=True)
    read = ours(program, "read", plain)
    expect(f"{ending} of ffmpeg", (read["genres"], read["title"]), (["Röck"], "Títle"))

    ours(program, "write", plain, copy, "genre", *GENRES)
    if ending != "tta":  # ffmpeg gives TTA an APE tag, which mutagen does not read there
        expect(f"{ending} of ours in mutagen", genres_of_mutagen(mutagen, copy), GENRES)
    shown = genres_of_ffprobe(copy)
    if shown not in (";".join(GENRES), GENRES[0], GENRES[-1], "; ".join(GENRES), "/".join(GENRES)):
        fail(f"{ending} of ours in ffprobe: {shown!r}")
    seen_by = f"ffprobe: {shown!r}"

    write_with_mutagen(mutagen, plain)
    read = ours(program, "read", plain)
    expect(f"{ending} of mutagen", (read["genres"], read["title"], read["artist"]), (GENRES, "Títle 日", "A; B"))
    os.remove(copy)
    ours(program, "write", plain, copy, "genre", "New", "Other")
    expect(f"{ending} of mutagen, changed", genres_of_mutagen(mutagen, copy), ["New", "Other"])
    expect(f"{ending}: other tags in mutagen", other_tags_of_mutagen(mutagen, copy),
           other_tags_of_mutagen(mutagen, plain))
    mutagen.File(copy).save()  # mutagen can rewrite it
    expect(f"{ending} rewritten by mutagen", ours(program, "read", copy)["genres"], ["New", "Other"])
    os.remove(copy)
    ours(program, "write", plain, copy, "genre")
    expect(f"{ending} without genre in mutagen", genres_of_mutagen(mutagen, copy), [])
    return seen_by


def check_mediafile(program, mediafile, folder, ending):
    plain, copy = f"{folder}/a.{ending}", f"{folder}/c.{ending}"
    fields = {"genre": "genres", "artist": "artist", "albumartist": "albumartist", "album": "album", "title": "title",
              "grouping": "grouping", "comment": "comments"}
    file = mediafile.MediaFile(plain)
    file.genres, file.album, file.albumartist, file.grouping, file.year = GENRES, "Älbum", "AA", "Gr", 2003
    file.save()
    read = ours(program, "read", plain)
    expect(f"{ending} of mediafile",
           (read["genres"], read["album"], read["album_artist"], read["fields"]["grouping"], read["year"]),
           (GENRES, "Älbum", "AA", ["Gr"], 2003))
    for ours_name, name in fields.items():
        ours(program, "write", plain, copy, ours_name, "Wért")
        seen = getattr(mediafile.MediaFile(copy), name)
        expect(f"{ending}: {ours_name} of ours in mediafile", seen, ["Wért"] if name == "genres" else "Wért")
        os.remove(copy)


def main():
    try:
        import mutagen
    except ImportError:
        print("skipped: Python has no mutagen (PyPI: mutagen, mediafile); name one with GENREWISE_MUTAGEN_PYTHON")
        sys.exit(77)
    if not shutil.which("ffmpeg") or not shutil.which("ffprobe"):
        print("skipped: no ffmpeg")
        sys.exit(77)
    try:
        import mediafile
    except ImportError:
        mediafile = None
    for ending, options in FORMATS.items():
        with tempfile.TemporaryDirectory() as folder:
            seen_by = check_format(sys.argv[1], mutagen, folder, ending, options)
            if mediafile and ending not in ("spx", "tta"):  # which mediafile does not know
                check_mediafile(sys.argv[1], mediafile, folder, ending)
        print(f"{ending}: mutagen{', mediafile' if mediafile and ending not in ('spx', 'tta') else ''}, {seen_by}")
    print("tags are the same in all programs")


main()
