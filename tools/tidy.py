#!/usr/bin/python3
"""Checks the rules of the tree that a compiler does not know: layers, sizes, words, links.

Usage: tidy.py [DIRECTORY]

Prints one line `file:line: what` for each fault and exits with 1 if there is any. Each check is a
function over the tree that yields faults; tidy_test.py shows that each finds what it looks for.
"""

import functools
import json
import pathlib
import re
import subprocess
import sys

FUNCTION_LINES_MAX = 70
SOURCE_LINES_MAX = 800
TEST_LINES_MAX = 1000  # a table of cases may be long
HEADER_LINES_MAX = 250
COLUMNS_MAX = 100
DOCUMENT_COLUMNS_MAX = 110

# A vendor library is seen by one folder only.
VENDORS = {
    "rocksdb/": "store", "sqlite3.h": "store", "yyjson.h": "codec", "libwebsockets.h": "http",
    "openssl/": "crypto", "crypt.h": "crypto", "yaml.h": "conf", "xxhash.h": "base",
}
# The kernel is called by plat only. libwebsockets brings its own way to it.
KERNEL = ("arpa/", "dirent.h", "fcntl.h", "ftw.h", "linux/", "netinet/", "poll.h", "pthread.h",
          "sched.h", "signal.h", "sys/", "time.h", "unistd.h")
KERNEL_ALLOWED = {"src/base/address.c": "arpa/inet.h"}  # text to address and back, no call
# Words that have a safer sister in base, or no place on a worker.
BANNED = {
    "alloca": "a buffer with a bound", "asctime": "wall_format", "atoi": "slice_to_int64",
    "atol": "slice_to_int64", "gets": "nothing", "rand": "base/random", "sprintf": "snprintf",
    "strcat": "base/buf", "strcpy": "base/buf", "strtok": "slice_cut", "system": "nothing",
    "usleep": "plat_thread_sleep", "vsprintf": "vsnprintf",
}
# Nothing here takes memory after start.
WITHOUT_HEAP = ("api", "codec", "coap")
HEAP = ("malloc", "calloc", "realloc", "free", "strdup")

# Sources without a test file of their own, and the test or program that runs them.
TESTED_BY = {
    "src/api/attributes.c": "tests/test_attributes.py",
    "src/api/payload.c": "src/api/api_test.c",
    "src/api/refusals.c": "src/api/api_test.c",
    "src/api/status.c": "src/api/api_test.c",
    "src/api/telemetry.c": "src/api/api_test.c",
    "src/base/err.c": "src/base/err_test.c",
    "src/server/main.c": "tests/test_modes.py",
}


class Tree:
    """The files under version control, read once."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=self.root, capture_output=True, text=True, check=True)
        self.files = sorted(name for name in listed.stdout.split("\0")
                            if name and (self.root / name).is_file())

    @functools.cache
    def lines(self, name):
        return (self.root / name).read_text(errors="replace").split("\n")

    def named(self, *suffixes, under=""):
        return [name for name in self.files if name.endswith(suffixes) and name.startswith(under)]

    def sources(self):
        return self.named(".c", ".h")


def is_test(name):
    stem = name.rsplit("/", 1)[-1]
    return "_test." in stem or "_fixture." in stem or stem == "blocks_memory.c" or \
        stem.startswith(("conformance", "fixture", "walk."))


def folder_of(name):
    """The module of a file in src/, or None."""
    parts = name.split("/")
    return parts[1] if parts[0] == "src" and len(parts) > 2 else None


def includes(tree, name, pattern):
    for number, line in enumerate(tree.lines(name), 1):
        if found := re.match(pattern, line):
            yield number, found.group(1)


OWN = r'#include "([^"]+)"'
SYSTEM = r"#include <([^>]+)>"


def layers(tree):
    """LAYERS as {folder: what it may see}, in its order."""
    allowed = {}
    for line in tree.lines("LAYERS"):
        if line.strip() and not line.startswith("#"):
            folder, _, rest = line.partition(":")
            allowed[folder.strip()] = rest.split()
    return allowed


def check_layers(tree):
    """A folder includes only what its line in LAYERS allows; LAYERS names lower folders first."""
    allowed = layers(tree)
    known = []
    for folder, lower in allowed.items():
        for name in lower:
            if name not in known:
                yield f"LAYERS: {folder} sees {name}, which does not stand above it"
        known.append(folder)
    for name in tree.sources():
        folder = folder_of(name)
        if folder is None:
            continue
        if folder not in allowed:
            yield f"{name}:1: the folder {folder} is not in LAYERS"
            continue
        for number, path in includes(tree, name, OWN):
            target = path.split("/")[0]
            if "/" not in path:
                yield f"{name}:{number}: {path} is not included by its path"
            elif target not in (folder, *allowed[folder]) and not is_test(name):
                yield f"{name}:{number}: {folder} does not see {target} (LAYERS)"


def check_include_circles(tree):
    """Headers do not include each other in a circle."""
    graph = {name[4:]: [path for _, path in includes(tree, name, OWN)]
             for name in tree.named(".h", under="src/")}
    done = set()

    def walk(name, path):
        if name in path:
            yield f"src/{name}:1: included in a circle: {' -> '.join([*path, name])}"
        elif name not in done:
            for target in graph.get(name, []):
                yield from walk(target, [*path, name])
            done.add(name)

    for name in graph:
        yield from walk(name, [])


def check_vendors(tree):
    """A vendor library is seen by one folder."""
    for name in tree.named(".c", ".h", under="src/"):
        for number, path in includes(tree, name, SYSTEM):
            for vendor, folder in VENDORS.items():
                if path.startswith(vendor) and folder_of(name) != folder and not is_test(name):
                    yield f"{name}:{number}: <{path}> belongs to {folder}"


def check_kernel(tree):
    """The kernel is called by plat."""
    for name in tree.named(".c", ".h", under="src/"):
        if folder_of(name) == "plat" or is_test(name) or name.endswith("_test.h"):
            continue
        for number, path in includes(tree, name, SYSTEM):
            if path.startswith(KERNEL) and KERNEL_ALLOWED.get(name) != path:
                yield f"{name}:{number}: <{path}> belongs to plat"


def code_of(line):
    """A line without texts and comments, as far as one line can tell."""
    return re.sub(r'"(\\.|[^"\\])*"', '""', line).split("//")[0]


def check_banned_words(tree):
    """Some functions are not used, and none that take memory where nothing may."""
    for name in tree.sources():
        without_heap = folder_of(name) in WITHOUT_HEAP and not is_test(name)
        for number, line in enumerate(tree.lines(name), 1):
            for word in re.findall(r"(?<![\w.>])(\w+)\(", code_of(line)):
                if word in BANNED and not is_test(name) and name.startswith("src/"):
                    yield f"{name}:{number}: {word}: use {BANNED[word]}"
                if without_heap and word in HEAP:
                    yield f"{name}:{number}: {word}: {folder_of(name)} takes no memory"


def functions(lines):
    """(first line, length) of each function: from the line before its `{` at column 0."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number - 1
        elif line.startswith("}") and start is not None:
            yield start, number - start + 1
            start = None


def check_sizes(tree):
    """Functions, files and lines have a bound."""
    for name in tree.sources():
        lines = tree.lines(name)
        most = HEADER_LINES_MAX if name.endswith(".h") else \
            TEST_LINES_MAX if is_test(name) else SOURCE_LINES_MAX
        if len(lines) - 1 > most:
            yield f"{name}:{len(lines)}: more than {most} lines"
        for start, length in functions(lines):
            if length > FUNCTION_LINES_MAX:
                yield f"{name}:{start}: a function of more than {FUNCTION_LINES_MAX} lines"
    for name in tree.named(".c", ".h", ".py", ".md"):
        for number, line in enumerate(tree.lines(name), 1):
            most = DOCUMENT_COLUMNS_MAX if name.endswith(".md") else COLUMNS_MAX
            if len(line) > most and not line.startswith("|"):  # a row of a table is one line
                yield f"{name}:{number}: more than {most} columns"


MARKS = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b")
MACHINE = re.compile(r"(?<![\w.])/(home|root|work|farm|Users)/\w")
DEAD = re.compile(r"^\s*//\s*(?:[\w.>\[\]*-]+(?:\(.*\)| [-+|&]?= .*);"
                  r"|(?:if|for|while|switch) \(.*[;{]|return\b.*;|#include .*)\s*$"
                  r"|^\s*#\s*if 0\b")


def check_words(tree):
    """No unfinished marks, no paths of a machine, no code in comments."""
    for name in tree.named(".c", ".h", ".py", ".md", ".build", "Makefile", ".def", ".json"):
        for number, line in enumerate(tree.lines(name), 1):
            if MARKS.search(line):
                yield f"{name}:{number}: unfinished"
            if MACHINE.search(line):
                yield f"{name}:{number}: a path of some machine"
            if name.endswith((".c", ".h")) and DEAD.match(line):
                yield f"{name}:{number}: code in a comment"


def check_tests(tree):
    """Every source has its test beside it, or names in TESTED_BY what runs it."""
    tests = {name for name in tree.named("_test.c", under="src/")}
    for name in tree.named(".c", under="src/"):
        if is_test(name) or name[:-2] + "_test.c" in tests:
            continue
        folder = name.rsplit("/", 1)[0]
        stem = name.rsplit("/", 1)[1][:-2]
        # entities_user.c is shown by entities_test.c or any entities_*_test.c, and so on.
        family = stem.split("_")[0]
        if any(test.startswith(f"{folder}/{family}") for test in tests) or name in TESTED_BY:
            continue
        if not any(test.startswith(f"{folder}/") for test in tests) and folder != "src/server":
            yield f"{name}:1: the folder has no test at all"


def check_symbols(tree):
    """What a header declares begins with the name of its folder; base words stand bare."""
    declared = re.compile(r"^(?!typedef|static|struct \w+ \{|#|extern \"C\")[\w *]*?\b(\w+)\(")
    for name in tree.named(".h", under="src/"):
        folder = folder_of(name)
        if folder == "base" or is_test(name) or name.endswith("_test.h"):
            continue
        for number, line in enumerate(tree.lines(name), 1):
            found = declared.match(re.sub(r"MUST_USE |__attribute__.*", "", line))
            if found and not line.startswith((" ", "//")):
                word = found.group(1)
                if not word.startswith((folder + "_", "rest_fixture")) and folder != "model" and \
                        not word.isupper():
                    yield f"{name}:{number}: {word} does not begin with {folder}_"


def check_links(tree):
    """Links of documents to files of the tree lead somewhere."""
    for name in tree.named(".md"):
        here = (tree.root / name).parent
        for number, line in enumerate(tree.lines(name), 1):
            for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", line):
                if not re.match(r"\w+:", target) and not (here / target).exists():
                    yield f"{name}:{number}: {target} is not there"


def check_lock_files(tree):
    """Lock files name no server to load from."""
    for name in tree.named("package-lock.json"):
        packages = json.loads("\n".join(tree.lines(name))).get("packages", {})
        for package, entry in packages.items():
            if "resolved" in entry:
                yield f"{name}:1: {package} is resolved to an address"


CHECKS = [check_layers, check_include_circles, check_vendors, check_kernel, check_banned_words,
          check_sizes, check_words, check_tests, check_symbols, check_links, check_lock_files]


def faults(root):
    tree = Tree(root)
    return [fault for check in CHECKS for fault in check(tree)]


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent
    found = faults(root)
    print("\n".join(found) if found else "the tree is tidy")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
