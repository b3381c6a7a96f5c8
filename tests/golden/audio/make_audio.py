#!/usr/bin/env python3
"""Makes the small audio files of this folder: one synthetic signal in many formats.

Made with Debian 12's ffmpeg 5.1.9 (libmp3lame 3.100, libvorbis 1.3.7, libopus 1.3.1) and lame 3.100, numpy 2.x:
    python3 make_audio.py
Other versions of the encoders produce other bytes; the tests' tolerances allow for any good encoder.

sweep   1 s, stereo, 44.1 kHz: left rises from 200 Hz to 5 kHz, right falls, different levels.
long   8 s, mono, 16 kHz: a sweep with varying level, so that every position is identifiable (clip windows).
"""
import pathlib
import subprocess
import wave

import numpy as np

HERE = pathlib.Path(__file__).parent


def sweep(seconds, rate, low_hz, high_hz):
    t = np.arange(round(seconds * rate)) / rate
    ratio = np.log(high_hz / low_hz)
    return np.sin(2 * np.pi * low_hz * seconds / ratio * (np.exp(t / seconds * ratio) - 1))


def write_wav(name, channels, rate):
    samples = np.round(np.stack(channels, 1) * 32767).astype("<i2")
    with wave.open(str(HERE / name), "wb") as out:
        out.setnchannels(samples.shape[1])
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples.tobytes())


def ffmpeg(source, target, *options):
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", HERE / source, "-map_metadata", "-1", "-fflags", "+bitexact",
                    "-flags:a", "+bitexact", *options, HERE / target], check=True)


write_wav("sweep.wav", [0.6 * sweep(1, 44100, 200, 5000), 0.3 * sweep(1, 44100, 200, 5000)[::-1]], 44100)
t = np.arange(8 * 16000) / 16000
write_wav("long.wav", [sweep(8, 16000, 300, 3000) * (0.4 + 0.2 * np.sin(2 * np.pi * 0.37 * t))], 16000)

# Lossless.
ffmpeg("sweep.wav", "sweep.flac")
ffmpeg("sweep.wav", "sweep.aiff")
ffmpeg("sweep.wav", "sweep.wv")
ffmpeg("sweep.wav", "sweep_alac.m4a", "-c:a", "alac")
ffmpeg("long.wav", "long.flac")
# Lossy.
ffmpeg("sweep.wav", "sweep_vorbis.ogg", "-c:a", "libvorbis", "-q:a", "5")
ffmpeg("sweep.wav", "sweep.opus", "-c:a", "libopus", "-b:a", "96k")
ffmpeg("sweep.wav", "sweep_aac.m4a", "-c:a", "aac", "-b:a", "128k")
ffmpeg("sweep.wav", "sweep.aac", "-c:a", "aac", "-b:a", "128k")
ffmpeg("sweep.wav", "sweep.wma", "-c:a", "wmav2", "-b:a", "128k")
ffmpeg("sweep.wav", "sweep_vorbis.mka", "-c:a", "libvorbis", "-q:a", "5")
ffmpeg("sweep.wav", "sweep_mp2.mp2", "-c:a", "mp2", "-b:a", "192k")
ffmpeg("sweep.wav", "sweep_cbr.mp3", "-c:a", "libmp3lame", "-b:a", "192k")
ffmpeg("sweep.wav", "sweep_vbr.mp3", "-c:a", "libmp3lame", "-q:a", "2")
ffmpeg("sweep.wav", "sweep_48k_mono.mp3", "-c:a", "libmp3lame", "-b:a", "96k", "-ar", "48000", "-ac", "1")
ffmpeg("sweep.wav", "sweep_22k.mp3", "-c:a", "libmp3lame", "-b:a", "64k", "-ar", "22050")
ffmpeg("sweep.wav", "sweep_no_xing.mp3", "-c:a", "libmp3lame", "-b:a", "128k", "-write_xing", "0", "-id3v2_version", "0")
subprocess.run(["lame", "--quiet", "--freeformat", "-b", "200", HERE / "sweep.wav", HERE / "sweep_free.mp3"], check=True)
ffmpeg("long.wav", "long.ogg", "-c:a", "libvorbis", "-q:a", "2")
ffmpeg("long.wav", "long.opus", "-c:a", "libopus", "-b:a", "24k")
ffmpeg("long.wav", "long.m4a", "-c:a", "aac", "-b:a", "32k")
ffmpeg("long.wav", "long.mp3", "-c:a", "libmp3lame", "-b:a", "24k")
ffmpeg("long.wav", "long_no_xing.mp3", "-c:a", "libmp3lame", "-b:a", "8k", "-write_xing", "0", "-id3v2_version", "0")
# Output of FFmpeg's own MP3 decoder, as a second reference for mpg123.
ffmpeg("sweep_cbr.mp3", "sweep_cbr_by_ffmpeg.flac", "-sample_fmt", "s16")
(HERE / "long.wav").unlink()
