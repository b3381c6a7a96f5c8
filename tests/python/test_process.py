"""The extension in a process: start, interrupts, threads, fork and spawn, memory."""

import concurrent.futures
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from conftest import SR, tune, write_wav

import genrewise


def run(code, *arguments, **options):
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)], **options)


def test_the_import_loads_neither_the_extension_nor_numpy():
    code = """
        import sys
        import genrewise
        genrewise.Error
        print([name for name in ("numpy", "pandas", "genrewise._core", "torch") if name in sys.modules])
    """
    assert run(code, stdout=subprocess.PIPE, text=True).communicate()[0] == "[]\n"


def test_the_extension_does_not_load_libtorch():
    code = """
        import genrewise._core
        print([line for line in open("/proc/self/maps") if "torch" in line or "gloo" in line])
    """
    assert run(code, stdout=subprocess.PIPE, text=True).communicate()[0] == "[]\n"


def test_ctrl_c_interrupts_within_ten_seconds(tmp_path):
    path = write_wav(tmp_path / "long.wav", np.tile(tune(1), 60))
    code = """
        import signal, sys, time, genrewise
        signal.signal(signal.SIGINT, signal.default_int_handler)  # is ignored in jobs that a shell started in the background
        genrewise.features.fma518(genrewise.load(sys.argv[1], duration=1), 22050)  # loads everything
        print("ready", flush=True)
        try:
            genrewise.extract([sys.argv[1]] * 100_000, duration=2, offset=0, n_jobs=2)
        except KeyboardInterrupt:
            print(time.time(), flush=True)
            raise
    """
    process = run(code, path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)
    sent = time.time()
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert float(output) - sent < 10
    assert process.returncode in (-signal.SIGINT, 130) and "KeyboardInterrupt" in errors


def test_an_exception_of_a_signal_handler_is_raised(music):
    def handler(*_):
        raise ZeroDivisionError

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(ZeroDivisionError):
            genrewise.extract([music / "sine/00.wav"] * 100_000, n_jobs=1)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert len(genrewise.extract(music / "sine/00.wav")) == 1  # works again


def test_the_gil_is_released(music):
    paths = [music / "sine/00.wav"] * 40
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        work = pool.submit(genrewise.extract, paths, n_jobs=1)
        turns = 0
        while not work.done():
            turns += 1
            time.sleep(0.001)
    assert turns > 3


def test_threads_compute_the_same(music):
    paths = sorted(music.rglob("*.wav"))
    expected = [genrewise.load(path) for path in paths]
    rows = [genrewise.features.fma518(y, SR) for y in expected]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for y, other in zip(expected, pool.map(genrewise.load, paths)):
            np.testing.assert_array_equal(y, other)
        for row, other in zip(rows, pool.map(genrewise.features.fma518, expected, [SR] * len(expected))):
            np.testing.assert_array_equal(row, other)


def row_of(path):
    return genrewise.extract(path, n_jobs=2).to_numpy()


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_compute_the_same(music, method):
    paths = sorted((music / "sine").iterdir())[:4]
    expected = [row_of(path) for path in paths]  # before the fork, so that the extension is loaded and was used
    with multiprocessing.get_context(method).Pool(2) as pool:
        for row, other in zip(expected, pool.map(row_of, paths)):
            np.testing.assert_array_equal(row, other)


def test_many_calls_need_no_more_memory(music, tmp_path):
    (tmp_path / "bad.wav").write_text("no audio")
    path, y = str(music / "sine/00.wav"), tune(0)

    def calls(count):
        for _ in range(count):
            genrewise.load(path)
            genrewise.features.melspectrogram(y=y)
            genrewise.features.stft(y)
            with pytest.raises(genrewise.Error):
                genrewise.load(tmp_path / "bad.wav")
            with pytest.raises(genrewise.UsageError):
                genrewise.features.stft(y, window="no")

    def resident_kib():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize() // 1024

    calls(20)
    before = resident_kib()
    calls(100)
    # A spectrogram has 700 KiB, so keeping one of a hundred calls would show.
    assert resident_kib() - before < 20_000


def test_arrays_outlive_what_made_them(music):
    y = genrewise.load(music / "sine/00.wav")
    view = genrewise.features.stft(y)[:, 3]
    expected = view.copy()
    for _ in range(20):
        genrewise.features.stft(np.roll(y, 100))
    np.testing.assert_array_equal(view, expected)


def test_training_a_network_without_the_program_says_what_is_missing(music, tmp_path):
    code = """
        import sys, genrewise
        result = genrewise.study(sys.argv[1], sys.argv[2], models=["raw10k/cnn1d:epochs=1", "gnb"])
        print(result.models["error"].iloc[0])
    """
    environment = {**os.environ, "PATH": "/nowhere"}
    environment.pop("GENREWISE_NEURAL_PROGRAM", None)
    process = run(code, music, tmp_path / "run", env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    output, errors = process.communicate()
    assert "genrewise-neural" in output + errors
