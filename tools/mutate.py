#!/usr/bin/env python3
"""Mutation tests: changes one operator, constant or statement of src/ at a time and runs the module's tests.

    tools/mutate.py SEED [COUNT] [MODULE...]         COUNT mutants (default 20) of each module (default: the quick ones)
    tools/mutate.py --again LOG                      the survivors of an earlier run
    tools/mutate.py --list SEED [COUNT] [MODULE...]  prints the mutants and runs nothing

Everything happens in a copy of the working tree in build/mutate/ (or $GENREWISE_MUTATE_FOLDER); the tree itself is
only read. The mutants are chosen at random by SEED: the same seed and sources give the same ones. A mutant is killed if
a test fails, crashes or runs out of time, and has survived if all tests of its module and of some modules that use it
pass. Comments, strings, assertions, preprocessor lines, reserve() (speed only) and lines with ::kill() (another number
ends other programs) are left alone, and so are the mutants of tools/mutate_equivalent.txt, which lists each with the
reason why no test can kill it. A survivor of which the compiler makes the very same code (a changed value is never
read) is equivalent and does not count. The mutant's file checks the indices of vectors, spans and strings. Prints one
line per mutant and the difference of each survivor; build/mutate/SEED.jsonl is the log.
The exit status is 1 if less than 90 % of the mutants were killed.

Where namespaces are allowed (unshare, as root), the tests of mutants can write only there and see no other process.
"""
import argparse
import hashlib
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
# A folder beside the working tree shares ccache's results with it, whose paths are relative.
WORK = pathlib.Path(os.environ.get("GENREWISE_MUTATE_FOLDER", ROOT / "build" / "mutate")).resolve()
TREE = WORK / "tree"
BUILD = TREE / "build" / "dev"
EQUIVALENT = ROOT / "tools" / "mutate_equivalent.txt"
REQUIRED_SHARE = 0.9
# Modules and the test programs that state what they do; those after "models" take longer.
QUICK = ["base", "storage", "dsp", "audio", "records", "dataset", "features", "packs", "evaluation", "study",
         "data_source", "models"]
TESTS = {module: [module] for module in QUICK + ["pretrained", "report", "predict", "library", "jobs"]}
# Programs whose tests use a module too: they are asked where its own tests find nothing.
ALSO = {"base": ["storage", "records", "dataset", "data_source"], "storage": ["dataset", "data_source", "packs"],
        "dsp": ["features"], "audio": ["features", "library"], "records": ["packs", "data_source"],
        "dataset": ["data_source", "study", "library"], "features": ["data_source", "predict"],
        "packs": ["data_source"], "evaluation": ["study", "report"], "study": ["report"], "data_source": ["study", "report"],
        "models": ["study", "predict", "report"]}
ALSO_LIMIT_S = 900
TESTS["models/networks"] = ["network_client", "models"]
TESTS["models/neural"] = ["neural"]
TESTS["jobs"] = ["jobs", "cli"]
NEEDED_PROGRAMS = {"cli": ["genrewise", "genrewise-neural"], "neural": ["genrewise-neural"],
                   "jobs": ["genrewise-neural"]}
# The mutant's file checks indices (a wrong one would read what happens to lie there); its text keeps its line numbers.
CHECKED = "#undef _GLIBCXX_ASSERTIONS\n#define _GLIBCXX_ASSERTIONS 1\n"
OUTCOMES = ("killed", "survived", "equivalent", "not compiled")
OUT_OF_RANGE = ", by an index out of range"
# A mutant may be compiled although it leaves a variable unused or a comparison always true.
QUIET = "".join(f'#pragma GCC diagnostic ignored "-W{name}"\n' for name in (
    "unused-parameter", "unused-variable", "unused-function", "unused-but-set-variable", "unused-but-set-parameter",
    "unused-const-variable", "unused-value", "parentheses", "sign-compare", "type-limits", "conversion",
    "sign-conversion", "float-conversion", "return-type", "maybe-uninitialized", "uninitialized", "array-bounds",
    "stringop-overflow", "stringop-overread", "overflow", "div-by-zero", "logical-op", "duplicated-cond",
    "duplicated-branches", "bool-compare", "empty-body", "tautological-compare", "shadow", "null-dereference",
    "implicit-fallthrough", "restrict", "dangling-pointer", "free-nonheap-object", "shift-count-overflow"))

SWAPS = {
    " < ": [" <= ", " >= "], " <= ": [" < ", " > "], " > ": [" >= ", " < "], " >= ": [" > ", " <= "],
    " == ": [" != "], " != ": [" == "], " && ": [" || "], " || ": [" && "], " + ": [" - "], " - ": [" + "],
    " * ": [" / "], " / ": [" * "], " % ": [" * "], " += ": [" -= "], " -= ": [" += "], " *= ": [" /= "],
    " /= ": [" *= "], " |= ": [" &= "], " &= ": [" |= "], " << ": [" >> "], " >> ": [" << "], " & ": [" | "],
    " | ": [" & "], "std::min(": ["std::max("], "std::max(": ["std::min("], ".size()": [".size() - 1", ".size() + 1"],
    "++": ["--"],
}
SWAP = re.compile("|".join(re.escape(text) for text in sorted(SWAPS, key=len, reverse=True)) + r"|\btrue\b|\bfalse\b")
NUMBER = re.compile(r"(?<![\w.'])(?:0[xX][0-9a-fA-F']+|\d[\d']*(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+)(?:[uUlLzZ]+|[fF])?"
                    r"(?![\w.'])")
CONDITION = re.compile(r"\b(?:if|while) \(")
KEYWORDS = ("return using const constexpr auto static throw case default typedef struct class template namespace "
            "friend public private extern if else for while switch do inline explicit virtual enum goto")
STATEMENT = re.compile(r"^(\s*(?:if \([^;{}]*\) |else )?)((?!(?:" + KEYWORDS.replace(" ", "|") + r")\b)"
                       r"(?:break|continue|[A-Za-z_(*+][\w:.\[\]>()*+\-]*(?:\(.*\)|\s*[-+*/|&%^]?=\s.*|\)|\w)));$",
                       re.M)
LEFT_ALONE = re.compile(r"\b(?:assert|static_assert|reserve|shrink_to_fit|HWY_\w+) ?\(|\boperator\S{1,2}")
PURE = re.compile(r"(\bvirtual\b(?:[^;{}]|\{\})*)= 0;")
VOID = re.compile(r"^[^\S\n]*(?:static |inline )?void [\w:~]+\((?:[^;{}]|\{\})*\)[ \w]*\{", re.M)


def blank(text):
    """The source with comments, strings, characters, preprocessor lines and assertions replaced by spaces."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|'
                         r"(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'|^[^\S\n]*#(?:[^\n\\]|\\.|\\\n)*", re.S | re.M)
    spaces = lambda found: re.sub(r"[^\n]", " ", found.group())
    text = PURE.sub(r"\1   ;", pattern.sub(spaces, text))
    for start in list(LEFT_ALONE.finditer(text)):
        end = closing(text, start.end() - 1) if start.group().endswith("(") else start.end()
        text = text[:start.start()] + re.sub(r"[^\n]", " ", text[start.start():end]) + text[end:]
    return text


def closing(text, at):
    """The position behind the parenthesis that closes the one at `at`."""
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] in "([{") - (text[i] in ")]}")
        if depth == 0:
            return i + 1
    return len(text)


def sites(text):
    """All places where the source can be changed: (start, end, replacements)."""
    code = blank(text)
    found = []
    for match in SWAP.finditer(code):
        if match.group() in ("true", "false"):
            found.append((match.start(), match.end(), ["false" if match.group() == "true" else "true"]))
        elif match.group() != "++" or "for (" not in code[code.rfind("\n", 0, match.start()):match.start()]:
            found.append((match.start(), match.end(), SWAPS[match.group()]))
    for match in NUMBER.finditer(code):
        number = match.group()
        found.append((match.start(), match.end(), [f"({number} + 1)", f"({number} - 1)"]))
    for match in CONDITION.finditer(code):
        end = closing(code, match.end() - 1)
        condition = text[match.end():end - 1]
        begin = condition.rfind(";") + 1 if ";" in code[match.end():end - 1] else 0
        if not re.search(r"[^=!<>+\-*/|&]=[^=]", code[match.end() + begin:end - 1]):
            start = match.end() + begin + (len(condition[begin:]) - len(condition[begin:].lstrip()))
            found.append((start, end - 1, [f"!({text[start:end - 1]})"]))
    for match in STATEMENT.finditer(code):
        words = match.group(2)
        before = code[:match.start(1)].rstrip()[-1:]
        declares = re.match(r"[\w:<>,*&]+[*&]* [A-Za-z_]\w*(?:\(|\{| =|$)", words)
        if before in ";{}):" and words.count("(") == words.count(")") and not declares:
            found.append((match.start(2), match.end() - 1, [""]))
    for match in VOID.finditer(code):
        found.append((match.end(), match.end(), [" return;"]))
    return found


def lines_around(text, start, end):
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", end)
    return first, len(text) if last < 0 else last


def excluded(relative, text, code):
    """The listed equivalent mutants of a file: {(line before, line after or *)} and the ranges of whole blocks."""
    keys, blocks = set(), []
    starts = {}
    for match in re.finditer(r"[^\n]+", text):
        starts.setdefault(one_line(match.group()), match.end())
    for line in EQUIVALENT.read_text(encoding="utf-8").splitlines() if EQUIVALENT.exists() else []:
        parts = [part.strip() for part in line.split(" ||| ")]
        if line.startswith("#") or not line.strip():
            continue
        if len(parts) != 4:
            sys.exit(f"{EQUIVALENT}: expected FILE ||| LINE ||| MUTANT, * or *{{}} ||| REASON, found: {line}")
        if parts[0] != relative:
            continue
        if parts[1] not in starts:
            print(f"{EQUIVALENT}: {relative} has no line: {parts[1]}", file=sys.stderr)
        elif parts[2] == "*{}":
            end = starts[parts[1]]
            blocks.append((end - len(parts[1]), closing(code, code.rindex("{", 0, end))))
        else:
            keys.add(tuple(parts[1:3]))
    return keys, blocks


def one_line(text):
    return " ".join(text.split())


def all_mutants(module):
    """Every mutant of the module: (file, new text, line before, line after, line number), in a fixed order."""
    inner = {other for other in TESTS if other.startswith(module + "/")}
    for path in sorted((TREE / "src" / "genrewise" / module).rglob("*.[ch]pp")):
        relative = path.relative_to(TREE / "src" / "genrewise").as_posix()
        if any(relative.startswith(other + "/") for other in inner):
            continue
        text = path.read_text(encoding="utf-8")
        listed, blocks = excluded(relative, text, blank(text))
        for start, end, replacements in sites(text):
            if any(first <= start < last for first, last in blocks):
                continue
            first, last = lines_around(text, start, end)
            before = one_line(text[first:last])
            for replacement in replacements:
                after = one_line(text[first:start] + replacement + text[end:last])
                if (before, after) not in listed and (before, "*") not in listed and "::kill(" not in before:
                    line = text.count("\n", 0, start) + 1
                    yield relative, text[:start] + replacement + text[end:], before, after, line


def choose(module, seed, count):
    mutants = list(all_mutants(module))
    return random.Random(f"{seed} {module}").sample(mutants, min(count, len(mutants)))


def copy_tree():
    """Makes TREE equal to the tracked and new files of the working tree; unchanged files keep their time."""
    command = ["git", "-C", ROOT, "ls-files", "-coz", "--exclude-standard"]
    listed = subprocess.run(command, check=True, capture_output=True)
    names = {name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()}
    for name in names:
        source, target = ROOT / name, TREE / name
        content = source.read_bytes()
        if not target.is_file() or target.read_bytes() != content:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            shutil.copymode(source, target)
    for path in TREE.rglob("*"):
        if path.is_file() and BUILD.parent not in path.parents and path.relative_to(TREE).as_posix() not in names:
            path.unlink()


def confined():
    """A command prefix that makes everything but WORK read-only, /tmp empty and other processes unreachable (a mutant
    may call kill(-1)); nothing where that is not allowed."""
    protect = (f"mount --make-rprivate / && mount --bind '{WORK}' /mnt && mount -t tmpfs tmpfs /tmp && "
               f"mkdir -p '{WORK}' && mount --move /mnt '{WORK}' && mount -o remount,ro,bind /")
    prefix = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c",
              protect + ' && cd "$PWD" && "$@"', "sh"]
    if subprocess.run([*prefix, "true"], capture_output=True).returncode != 0:
        print("namespaces are not available: the mutants run unconfined", file=sys.stderr)
        return []
    return prefix


def limits():
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (8 << 30, 8 << 30))


def run(command, limit_s, **options):
    """(status, output); status None where the time limit was reached. Ends the whole process group."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                               preexec_fn=limits, **options)
    output, status = b"", None
    try:
        output, _ = process.communicate(timeout=limit_s)
        status = process.returncode
    except subprocess.TimeoutExpired:
        pass
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
    return status, output.decode(errors="replace")


def targets_of(programs):
    needed = {needed for program in programs for needed in NEEDED_PROGRAMS.get(program, [])}
    return [f"test_{program}" for program in programs] + sorted(needed)


def build(programs, jobs):
    return run(["ninja", "-C", BUILD, f"-j{jobs}", *targets_of(programs)], 3600)


def digest(programs):
    """Of the modules' libraries too: a function that no test calls is in none of the test programs."""
    files = sorted((BUILD / "src").rglob("*.a")) + [BUILD / "bin" / target for target in targets_of(programs)]
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]


def test(programs, prefix, limits_s):
    """None if all tests pass, else the failed test or what else went wrong; also the seconds of each program."""
    scratch = WORK / "scratch"
    seconds = {}
    for program in programs:
        shutil.rmtree(scratch, ignore_errors=True)
        (scratch / "home").mkdir(parents=True)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("GENREWISE_")}
        # Memory that is not initialised, or freed, has no plausible content.
        environment.update(TMPDIR=str(scratch), HOME=str(scratch / "home"), XDG_DATA_HOME=str(scratch / "home"),
                           MALLOC_PERTURB_="165")
        began = time.monotonic()
        status, output = run([*prefix, BUILD / "bin" / f"test_{program}", "--gtest_fail_fast", "--gtest_brief=1"],
                             limits_s.get(program, 1800), cwd=scratch, env=environment)
        seconds[program] = time.monotonic() - began
        if status is None:
            return f"test_{program}: no end within {limits_s.get(program, 1800):.0f} s", seconds
        if status != 0:
            failed = re.findall(r"\[  FAILED  \] ([\w/.]+)", output)
            index = OUT_OF_RANGE if re.search(r"Assertion '\S.*' failed", output) else ""
            return (failed[0] if failed else f"test_{program}: exit status {status}") + index, seconds
    return None, seconds


def outcome_of(path, marks, text, module, jobs, prefix, limits_s):
    """(outcome, what killed it) of the tests with this text of the file behind `marks`; the file is restored."""
    original = path.read_text(encoding="utf-8")
    programs = TESTS[module]
    try:
        path.write_text(marks + text, encoding="utf-8")
        if build(programs, jobs)[0] != 0:
            return "not compiled", None
        by, _ = test(programs, prefix, limits_s)
        if by or text == original:
            return "killed" if by else "survived", by
        mutated = digest(programs)
        path.write_text(marks + original, encoding="utf-8")
        build(programs, jobs)
        if digest(programs) == mutated:
            return "equivalent", None
        also = ALSO.get(module)
        path.write_text(marks + text, encoding="utf-8")
        if also and build(also, jobs)[0] == 0:
            by, _ = test(also, prefix, dict.fromkeys(also, ALSO_LIMIT_S))
        return "killed" if by else "survived", by
    finally:
        path.write_text(original, encoding="utf-8")


def try_mutants(module, mutants, log, jobs, prefix):
    programs = TESTS[module]
    sound = {}  # files whose unchanged text passes the tests when its indices are checked
    status, output = build(programs, jobs)
    if status != 0:
        sys.exit(f"the unchanged tree does not build:\n{output[-3000:]}")
    failed, seconds = test(programs, prefix, {})
    if failed:
        sys.exit(f"{module}: the tests of the unchanged tree fail: {failed}")
    limits_s = {program: 60 + 6 * taken for program, taken in seconds.items()}
    print(f"{module}: {len(mutants)} mutants; its own tests take {sum(seconds.values()):.0f} s", flush=True)
    counts = dict.fromkeys(OUTCOMES, 0)
    for number, (file, text, before, after, line) in enumerate(mutants, 1):
        path = TREE / "src" / "genrewise" / file
        quiet = QUIET + "#line 1\n"
        outcome, by = outcome_of(path, CHECKED + quiet, text, module, jobs, prefix, limits_s)
        if by and by.endswith(OUT_OF_RANGE):
            if file not in sound:
                unchanged = path.read_text(encoding="utf-8")
                sound[file] = outcome_of(path, CHECKED, unchanged, module, jobs, prefix, limits_s)[0] == "survived"
            if not sound[file]:
                outcome, by = outcome_of(path, quiet, text, module, jobs, prefix, limits_s)
        counts[outcome] += 1
        print(f"{module} {number}/{len(mutants)} {outcome:12} {file}:{line}" + (f"  ({by})" if by else ""), flush=True)
        if outcome == "survived":
            print(f"    - {before}\n    + {after}", flush=True)
        entry = {"module": module, "outcome": outcome, "file": file, "line": line, "before": before, "after": after,
                 "by": by}
        log.write(json.dumps(entry) + "\n")
        log.flush()
    return counts


def survivors_of(path):
    entries = [json.loads(line) for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines()]
    wanted = {(e["file"], e["before"], e["after"]): e["module"] for e in entries if e["outcome"] == "survived"}
    chosen = {}
    for module in dict.fromkeys(wanted.values()):
        chosen[module] = [m for m in all_mutants(module) if (m[0], m[2], m[3]) in wanted]
    return chosen


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seed", nargs="?")
    parser.add_argument("count", nargs="?", type=int, default=20)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=", ".join(TESTS))
    parser.add_argument("--again", metavar="LOG")
    parser.add_argument("--list", action="store_true", help="print the mutants and run nothing")
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    modules = arguments.modules or QUICK
    if (arguments.seed is None) == (arguments.again is None) or set(modules) - set(TESTS):
        parser.error("SEED or --again LOG is needed; modules are " + ", ".join(TESTS))

    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    TREE.mkdir(parents=True, exist_ok=True)
    copy_tree()
    if arguments.list:
        for module in modules:
            for file, _, before, after, line in choose(module, arguments.seed, arguments.count):
                print(f"{file}:{line}\n    - {before}\n    + {after}")
        return 0
    configured = subprocess.run(["cmake", "--preset", "dev", "-DGENREWISE_BENCH=OFF"], cwd=TREE,
                                capture_output=True, text=True)
    if configured.returncode != 0:
        sys.exit(configured.stdout + configured.stderr)
    prefix = confined()
    chosen = survivors_of(arguments.again) if arguments.again else {
        module: choose(module, arguments.seed, arguments.count) for module in modules}
    name = pathlib.Path(arguments.again).stem + "-again" if arguments.again else arguments.seed
    total = dict.fromkeys(OUTCOMES, 0)
    rows = []
    with open(WORK / f"{name}.jsonl", "w", encoding="utf-8") as log:
        for module, mutants in chosen.items():
            counts = try_mutants(module, mutants, log, arguments.jobs, prefix)
            rows.append((module, counts))
            total = {key: total[key] + counts[key] for key in total}
    print("\nmodule        " + "".join(f"{outcome:>13}" for outcome in OUTCOMES))
    for module, counts in [*rows, ("all", total)]:
        print(f"{module:14}" + "".join(f"{counts[outcome]:13}" for outcome in OUTCOMES))
    ran = total["killed"] + total["survived"]
    share = total["killed"] / ran if ran else 1
    print(f"{100 * share:.1f} % of {ran} mutants killed")
    return 0 if share >= REQUIRED_SHARE else 1


if __name__ == "__main__":
    sys.exit(main())
