"""Each check of tidy.py finds the fault that it is for, and the tree has none."""

import pathlib
import subprocess

import pytest
import tidy

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAYERS = "base :\nplat : base\ncodec : base\nstore : base plat\n"


@pytest.fixture
def tree(tmp_path):
    """Makes a small tree of the files given, and gives what a check says about it."""
    def faults(check, **files):
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
        (tmp_path / "LAYERS").write_text(LAYERS)
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return list(check(tidy.Tree(tmp_path)))
    return faults


GOOD = {
    "src/base/a.h": "int base_a(void);\n",
    "src/base/a_test.c": '#include "base/a.h"\n',
    "src/store/b.h": '#include "base/a.h"\nint store_b(void);\n',
    "src/store/b.c": '#include "store/b.h"\n#include <rocksdb/c.h>\n// Says why: a sentence.\n'
                     'int store_b(void)\n{\n    return malloc(1) == NULL; // "atoi("\n}\n',
    "src/store/b_test.c": '#include "store/b.h"\n#include <unistd.h>\n',
    "README.md": "[code](src/store/b.c), [a place](https://example.org)\n",
    "tests/package-lock.json": '{"packages": {"x": {"version": "1"}}}\n',
}


@pytest.mark.parametrize("check", tidy.CHECKS, ids=lambda check: check.__name__)
def test_a_good_tree_has_no_faults(tree, check):
    assert tree(check, **GOOD) == []


def c(text):
    return {"src/codec/x.c": text, "src/codec/x_test.c": ""}


FAULTS = [
    (tidy.check_layers, c('#include "store/b.h"\n'), "src/codec/x.c:1: codec does not see store"),
    (tidy.check_layers, c('#include "x.h"\n'), "src/codec/x.c:1: x.h is not included by its path"),
    (tidy.check_layers, {"src/new/x.c": ""}, "src/new/x.c:1: the folder new is not in LAYERS"),
    (tidy.check_layers, {"LAYERS": "a : b\nb : a\n"}, "LAYERS: a sees b"),
    (tidy.check_include_circles,
     {"src/base/x.h": '#include "base/y.h"\n', "src/base/y.h": '#include "base/x.h"\n'},
     "included in a circle: base/x.h -> base/y.h -> base/x.h"),
    (tidy.check_vendors, c("#include <sqlite3.h>\n"), "x.c:1: <sqlite3.h> belongs to store"),
    (tidy.check_kernel, c("\n#include <sys/socket.h>\n"), "src/codec/x.c:2: <sys/socket.h>"),
    (tidy.check_banned_words, c("int f(void)\n{\n    return atoi(p);\n}\n"), "x.c:3: atoi"),
    (tidy.check_banned_words, c("    p = malloc(5);\n"), "src/codec/x.c:1: malloc"),
    (tidy.check_sizes, c("int f(void)\n{\n" + "    f();\n" * 70 + "}\n"),
     "src/codec/x.c:1: a function of more than 70 lines"),
    (tidy.check_sizes, c("\n" * 801), "more than 800 lines"),
    (tidy.check_sizes, {"src/base/x.h": "\n" * 251}, "more than 250 lines"),
    (tidy.check_sizes, c("x" * 101), "src/codec/x.c:1: more than 100 columns"),
    (tidy.check_sizes, {"a.md": "x" * 111}, "a.md:1: more than 110 columns"),
    (tidy.check_words, c("// TO" + "DO: later\n"), "src/codec/x.c:1: unfinished"),
    (tidy.check_words, c('char *p = "/home/' + 'me";\n'), "x.c:1: a path of some machine"),
    (tidy.check_words, c("// free(p);\n"), "src/codec/x.c:1: code in a comment"),
    (tidy.check_words, c("// if (a == b) {\n"), "src/codec/x.c:1: code in a comment"),
    (tidy.check_words, c("#if 0\n"), "src/codec/x.c:1: code in a comment"),
    (tidy.check_tests, {"src/codec/x.c": ""}, "src/codec/x.c:1: the folder has no test at all"),
    (tidy.check_symbols, {"src/store/x.h": "MUST_USE enum err open_it(void);\n"},
     "src/store/x.h:1: open_it does not begin with store_"),
    (tidy.check_links, {"a.md": "see [it](nowhere.md)\n"}, "a.md:1: nowhere.md is not there"),
    (tidy.check_lock_files,
     {"package-lock.json": '{"packages": {"x": {"resolved": "https://example.org/x"}}}'},
     "package-lock.json:1: x is resolved"),
]


@pytest.mark.parametrize("check, files, fault", FAULTS,
                         ids=[f"{row[0].__name__}-{n}" for n, row in enumerate(FAULTS)])
def test_a_fault_is_found(tree, check, files, fault):
    found = tree(check, **files)
    assert any(fault in line for line in found), found


def test_the_tree_is_tidy():
    assert tidy.faults(ROOT) == []
