"""docs/python.md: its generated parts and its examples. `python3 test_documentation.py` writes the generated parts."""

import doctest
import inspect
import re
import textwrap

from conftest import ROOT, tune, write_wav
from test_features import tolerance

import genrewise
from genrewise import features, ray, records

PAGE = ROOT / "docs/python.md"
LIBROSA_CORE = {"stft", "power_to_db", "amplitude_to_db", "estimate_tuning", "resample"}
NOT_LIBROSAS = {"columns", "extract", "fma518", "names"}


def replacements():
    """The table of functions that replace librosa's."""
    lines = ["| `genrewise.features.` | replaces | difference | fixed |", "|---|---|---|---|"]
    for name in sorted(set(features.__all__) - NOT_LIBROSAS):
        module = "" if name in LIBROSA_CORE else "onset." if name == "onset_strength" else "feature."
        replaced = "np.abs(librosa.cqt())" if name == "cqt_magnitude" else f"librosa.{module}{name}()"
        fixed = re.findall(r"\b(\w+)=\(\1, ([^()]+)\)", inspect.getsource(getattr(features, name)))
        arguments = ", ".join(f"`{argument}={value}`" for argument, value in fixed)
        difference = tolerance("chroma_cqt" if name == "cqt_magnitude" else name)
        lines.append(f"| `{name}()` | `{replaced}` | {difference:.0e} | {arguments} |")
    return lines


def entry(name, function):
    full = inspect.signature(function)
    plain = [parameter.replace(annotation=parameter.empty) for parameter in full.parameters.values()]
    signature = str(full.replace(parameters=plain, return_annotation=full.empty))
    signature = signature.replace("<class 'numpy.float32'>", "np.float32").replace("=inf", "=np.inf")
    signature = signature.replace("(self, ", "(").replace("(self)", "()").replace("(cls, ", "(").replace("(cls)", "()")
    text = inspect.getdoc(function).split("\n\n>>>")[0].split(">>>")[0]
    paragraphs = " ".join(text.split())
    return textwrap.wrap(f"- `{name}{signature}`: {paragraphs}", 118, subsequent_indent="  ", break_on_hyphens=False)


def functions():
    """Every public function with its documentation."""
    lines = []
    for title, module, names in (
        ("genrewise", genrewise, ["load", "info", "isolate_decoding", "extract", "study"]),
        ("genrewise.Model", genrewise.Model, ["load", "zero_shot", "predict", "predict_proba"]),
        ("genrewise.StudyResult", genrewise.StudyResult, ["load", "genres", "confusion"]),
        ("genrewise.features", features, features.__all__),
        ("genrewise.ray", ray, ["extract"]),
        ("genrewise.records", records, ["open", "write"]),
        ("genrewise.records.Pack", records.Pack, ["batches", "torch", "tf"]),
    ):
        lines += ["", f"### {title}"]
        for name in names:
            lines += entry(name, getattr(module, name))
    return lines[1:]


def page_with_generated_parts():
    text = PAGE.read_text()
    for marker, lines in (("librosa", replacements()), ("functions", functions())):
        replacement = "\n".join([f"<!-- {marker} -->", *lines, "<!-- end -->"])
        text = re.sub(rf"<!-- {marker} -->.*?<!-- end -->", lambda _: replacement, text, count=1, flags=re.DOTALL)
    return text


def test_the_page_has_every_function_as_it_is():
    assert PAGE.read_text() == page_with_generated_parts(), "run python3 tests/python/test_documentation.py"


def test_the_examples_of_the_page_give_what_it_says(music, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "music").symlink_to(music)
    write_wav(tmp_path / "song.wav", tune(100))
    failures, tried = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    assert failures == 0 and tried > 10


def test_the_examples_of_the_functions_give_what_they_say():
    failures, tried = doctest.testmod(features)
    assert failures == 0 and tried > 5


if __name__ == "__main__":
    PAGE.write_text(page_with_generated_parts())
