#!/usr/bin/env python3
"""Compares genrewise's decoder with ffmpeg and, where there is one, a third program for the format: lengths and samples
of intact files (formats x sample rates x channels x sample formats), and of files that are cut or damaged.

Usage: decoders.py INTEROP_DECODE [--places N] [--only FORMAT] [--markdown] [--jobs N] [--log FILE]
--places: cuts and damages of each format (default 3), whose outcomes are printed. --log: a line of JSON for each format;
those that are in it already are not run again. Exit code 1 if an intact file is decoded differently than FORMATS allows;
77 without ffmpeg or numpy. Nothing is random."""
import argparse
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("skipped: numpy is not installed")
    sys.exit(77)
if not shutil.which("ffmpeg"):
    print("skipped: ffmpeg is not installed")
    sys.exit(77)

RATES, DURATION_S = [8000, 22050, 44100, 48000, 96000], 2.0
LEVEL, EXACT = 2**-15, 1e-7  # EXACT: the rounding of the mean of several channels to float32
TAGS = ["-metadata", "title=A title", "-metadata", "artist=An artist", "-metadata", "genre=Rock"]
# Extension, options of ffmpeg, rates, channels, third decoder, largest difference of a sample, of the length in samples.
FORMATS = {
    "wav": ("wav", ["-c:a", "pcm_s16le"], RATES, [1, 2, 6], "sox", EXACT, 0),
    "wav u8": ("wav", ["-c:a", "pcm_u8"], [44100], [1, 2], "sox", EXACT, 0),
    "wav s24": ("wav", ["-c:a", "pcm_s24le"], [44100], [1, 2], "sox", EXACT, 0),
    "wav s32": ("wav", ["-c:a", "pcm_s32le"], [44100], [1, 2], "sox", EXACT, 0),
    "wav f32": ("wav", ["-c:a", "pcm_f32le"], [44100], [1, 2], "sox", EXACT, 0),
    "wav f64": ("wav", ["-c:a", "pcm_f64le"], [44100], [1, 2], "sox", EXACT, 0),
    "wav A-law": ("wav", ["-c:a", "pcm_alaw"], [8000], [1, 2], "sox", EXACT, 0),
    "wav IMA": ("wav", ["-c:a", "adpcm_ima_wav"], [44100], [1, 2], "sox", EXACT, 0),
    "wav MS": ("wav", ["-c:a", "adpcm_ms"], [44100], [1, 2], "sox", EXACT, 0),
    "rf64": ("wav", ["-c:a", "pcm_s16le", "-rf64", "always"], [44100], [2], None, EXACT, 0),
    "w64": ("w64", ["-c:a", "pcm_s16le"], [44100], [2], "sox", EXACT, 0),
    "aiff": ("aiff", ["-c:a", "pcm_s16be"], RATES, [1, 2], "sox", EXACT, 0),
    "au": ("au", ["-c:a", "pcm_s16be"], [44100], [1, 2], "sox", EXACT, 0),
    "caf": ("caf", ["-c:a", "pcm_s16le"], [44100], [1, 2], "sox", EXACT, 0),
    "voc": ("voc", ["-c:a", "pcm_u8"], [8000], [1], "sox", EXACT, 0),
    "flac": ("flac", ["-c:a", "flac"], RATES, [1, 2, 6], "flac", EXACT, 0),
    "flac s24": ("flac", ["-c:a", "flac", "-sample_fmt", "s32"], [44100], [2], "flac", EXACT, 0),
    "flac in ogg": ("oga", ["-c:a", "flac"], [44100], [2], "flac", EXACT, 0),
    "alac": ("m4a", ["-c:a", "alac"], [44100, 96000], [1, 2], None, EXACT, 0),
    "wavpack": ("wv", ["-c:a", "wavpack"], [44100, 96000], [1, 2], "wvunpack", EXACT, 0),
    "tta": ("tta", ["-c:a", "tta"], [44100], [1, 2], None, EXACT, 0),
    "mp3": ("mp3", ["-c:a", "libmp3lame", "-b:a", "128k"], [22050, 44100, 48000], [1, 2], "mpg123", LEVEL, 0),
    "mp3 VBR": ("mp3", ["-c:a", "libmp3lame", "-q:a", "4"], [44100], [2], "mpg123", LEVEL, 0),
    "mp3 no Xing": ("mp3", ["-c:a", "libmp3lame", "-write_xing", "0"], [44100], [2], "mpg123", LEVEL, 1105 + 1152),
    "mp2": ("mp2", ["-c:a", "mp2"], [44100, 48000], [1, 2], "mpg123", LEVEL, 0),
    "vorbis": ("ogg", ["-c:a", "libvorbis"], [22050, 44100, 48000], [1, 2], "oggdec", LEVEL, 0),
    "opus": ("opus", ["-c:a", "libopus"], [48000], [1, 2], "opusdec", LEVEL, 0),
    "speex": ("spx", ["-c:a", "libspeex"], [8000, 16000], [1], None, LEVEL, 0),
    "aac": ("m4a", ["-c:a", "aac", "-aac_pns", "0"], [22050, 44100, 48000], [1, 2], "faad", LEVEL, 1024),  # ffmpeg: the last frame whole
    "aac raw": ("aac", ["-c:a", "aac"], [44100], [1, 2], None, LEVEL, 0),
    "aac fragments": ("mp4", ["-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"], [44100], [2], None, LEVEL, 1024),
    "ac3": ("ac3", ["-c:a", "ac3"], [44100, 48000], [1, 2, 6], None, LEVEL, 0),
    "eac3": ("eac3", ["-c:a", "eac3"], [48000], [2], None, LEVEL, 0),
    "wma": ("wma", ["-c:a", "wmav2"], [44100], [1, 2], None, LEVEL, 0),
    "matroska": ("mka", ["-c:a", "libvorbis"], [44100], [2], None, LEVEL, 0),
    "webm": ("webm", ["-c:a", "libopus"], [48000], [2], None, LEVEL, 0),
    "mpeg-ts": ("ts", ["-c:a", "mp2", "-f", "mpegts"], [44100], [2], None, LEVEL, 0),
    "avi": ("avi", ["-c:a", "pcm_s16le"], [44100], [2], None, EXACT, 0),
}
THIRD = {
    "mpg123": ["mpg123", "-q", "-e", "f32", "-w", "{out}", "{in}"],
    "flac": ["flac", "-s", "-d", "-f", "-o", "{out}", "{in}"],
    "opusdec": ["opusdec", "--quiet", "--float", "--rate", "48000", "{in}", "{out}"],
    "faad": ["faad", "-q", "-b", "4", "-o", "{out}", "{in}"],
    "wvunpack": ["wvunpack", "-q", "-y", "{in}", "-o", "{out}"],
    "oggdec": ["oggdec", "-Q", "-b", "16", "-o", "{out}", "{in}"],
    "sox": ["sox", "-D", "{in}", "-e", "floating-point", "-b", "32", "{out}"],
}


def quiet(command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)


def mono(raw, channels):
    samples = np.frombuffer(raw[:len(raw) // (4 * channels) * 4 * channels], "<f4").reshape(-1, channels)
    return samples.astype(np.float64).mean(axis=1)


def by_ffmpeg(path, channels):
    done = quiet(["ffmpeg", "-v", "quiet", "-nostdin", "-i", path, "-map", "0:a:0", "-f", "f32le", "-"])
    return mono(done.stdout, channels)


def by_third(program, path, folder):
    out = os.path.join(folder, "third.wav")
    if program is None or not shutil.which(program):
        return None
    if os.path.exists(out):
        os.remove(out)
    quiet([part.format(**{"in": path, "out": out}) for part in THIRD[program]])
    if not os.path.exists(out):
        return np.zeros(0)
    with open(out, "rb") as file:
        header = file.read(200)
    at = header.find(b"fmt ") + 10
    return by_ffmpeg(out, int.from_bytes(header[at:at + 2], "little") or 1)  # faad makes two channels of one


def by_genrewise(program, paths, folder):
    """A fault, or the samples, of each file."""
    arguments, outs = [], []
    for i, path in enumerate(paths):
        outs.append(os.path.join(folder, f"{i}.f32"))
        arguments += [path, outs[-1]]
    done = quiet([program, *arguments])
    if done.returncode != 0:
        sys.exit(f"{program} ended with {done.returncode}")
    results = []
    for line, out in zip(done.stdout.decode().splitlines(), outs):
        facts = json.loads(line)
        results.append(facts["fault"] if "fault" in facts else np.fromfile(out, "<f4").astype(np.float64))
        if os.path.exists(out):
            os.remove(out)
    return results


def difference(a, b):
    """Largest difference of the common samples, and of the lengths."""
    common = min(len(a), len(b))
    return (float(np.abs(a[:common] - b[:common]).max()) if common else 0.0), len(a) - len(b)


def worse(found):
    return found[0], abs(found[1])


def make(path, options, rate, channels):
    # Two tones and a sweep, different in each channel, below full scale.
    expressions = "|".join(f"0.3*sin(2*PI*{220 * (c + 1)}*t)+0.2*sin(2*PI*t*(200+{300 + 100 * c}*t))"
                           for c in range(channels))
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
    made = quiet(["ffmpeg", "-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i",
                  f"aevalsrc={expressions}:s={rate}:d={DURATION_S}:c={layout}", *options, path])
    return made.returncode == 0 and os.path.getsize(path) > 0


def broken_files(path, places):
    """Copies that are cut, or in which 16 bytes are changed, at evenly spaced places."""
    with open(path, "rb") as file:
        whole = file.read()
    stem, extension = os.path.splitext(path)
    for i in range(places):
        at = len(whole) * (i + 1) // (places + 1)
        for kind, content in (("cut", whole[:at]),
                              ("damaged", whole[:at] + bytes(b ^ 0xA5 for b in whole[at:at + 16]) + whole[at + 16:])):
            copy = f"{stem}-{kind}-{i}{extension}"
            with open(copy, "wb") as file:
                file.write(content)
            yield kind, copy


def describe(difference_of):
    if difference_of is None:
        return "-"
    value, length = difference_of
    text = "equal" if value == 0 else f"{value:.1e}"
    return text if length == 0 else f"{text}, {length:+d}"


def outcome_of(ours, theirs, other, third, most):
    """How a broken file was decoded, in words; and details for the log."""
    if isinstance(ours, str):
        return f"refused ({ours})", f"ffmpeg returns {len(theirs)} samples"
    value, length = difference(ours, theirs)
    if value <= most and length == 0:
        return "as ffmpeg", ""
    if other is not None:
        other_value, other_length = difference(ours, other)
        if other_value <= most and other_length == 0:
            return f"as {third}, not as ffmpeg", f"{describe((value, length))} from ffmpeg"
    common = min(len(ours), len(theirs))
    apart = np.flatnonzero(np.abs(ours[:common] - theirs[:common]) > most)
    where = f"{len(apart)} of {common} samples differ from {apart[0]} on" if len(apart) else "all common samples agree"
    return ("other length than ffmpeg" if value <= most else "other samples than ffmpeg",
            f"{describe((value, length))} from ffmpeg; {where}")


def compare_format(program, name, places):
    extension, options, rates, channel_counts, third, most, most_length = FORMATS[name]
    result = {"name": name, "files": 0, "worst": (0.0, 0), "third": None, "counts": {}, "details": [], "failures": []}
    combinations = [(rate, channels, tags) for rate in rates for channels in channel_counts for tags in (False, True)]
    first = None
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, f"file.{extension}")
        for rate, channels, tags in combinations:
            if not make(path, options + (TAGS if tags else []), rate, channels):
                continue
            case = f"{name}, {rate} Hz, {channels} channels{', tags' if tags else ''}"
            ours = by_genrewise(program, [path], folder)[0]
            if isinstance(ours, str):
                result["failures"].append(f"{case}: {ours}")
                continue
            result["files"] += 1
            found = difference(ours, by_ffmpeg(path, channels))
            result["worst"] = max(result["worst"], found, key=worse)
            if (other := by_third(third, path, folder)) is not None:
                from_third = difference(ours, other)
                result["third"] = max(result["third"] or from_third, from_third, key=worse)
            if found[0] > most or abs(found[1]) > most_length:
                result["failures"].append(f"{case}: {describe(found)} from ffmpeg")
            if first is None or rate == 44100:
                first = (rate, channels)
        if first and places and make(path, options + TAGS, *first):
            broken = list(broken_files(path, places))
            for (kind, copy), ours in zip(broken, by_genrewise(program, [copy for _, copy in broken], folder)):
                outcome, details = outcome_of(ours, by_ffmpeg(copy, first[1]), by_third(third, copy, folder),
                                              third, most)
                counts = result["counts"].setdefault(kind, {})
                counts[outcome] = counts.get(outcome, 0) + 1
                if details:
                    result["details"].append(f"{os.path.basename(copy)}: {outcome}: {details}")
                os.remove(copy)
    return result


def line_of(result, markdown):
    third = f"{FORMATS[result['name']][4]}: {describe(result['third'])}" if result["third"] else "-"
    outcomes = ["; ".join(f"{n} {what}" for what, n in sorted(result["counts"].get(kind, {}).items()))
                for kind in ("cut", "damaged")]
    cells = [result["name"], str(result["files"]), describe(result["worst"]), third, *outcomes]
    return "| " + " | ".join(cells) + " |" if markdown else "  ".join(cells)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--places", type=int, default=3)
    parser.add_argument("--only")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--log")
    arguments = parser.parse_args()
    done = {}
    if arguments.log and os.path.exists(arguments.log):
        with open(arguments.log) as log:
            done = {result["name"]: result for result in map(json.loads, log)}
    names = [name for name in FORMATS if arguments.only in (None, name)]
    missing = [name for name in names if name not in done]
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for result in pool.map(lambda name: compare_format(arguments.program, name, arguments.places), missing):
            done[result["name"]] = result
            print(line_of(result, False), flush=True)
            if arguments.log:
                with open(arguments.log, "a") as log:
                    log.write(json.dumps(result) + "\n")
    results = [done[name] for name in names]
    if arguments.markdown:
        print("| format | files | from ffmpeg | from a third | cut | damaged |\n|---|---|---|---|---|---|")
        print("\n".join(line_of(result, True) for result in results))
    broken = sum(sum(counts.values()) for result in results for counts in result["counts"].values())
    print(f"{sum(result['files'] for result in results)} intact and {broken} broken files", file=sys.stderr)
    failures = [failure for result in results for failure in result["failures"]]
    for failure in failures:
        print("differs: " + failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
