# SPDX-License-Identifier: MIT
"""tools/check-abi on copies of the headers that differ from them: what passes, what does not."""
import shutil
import subprocess

import pytest

from gateway import ROOT


class Copy:
    """As much of the tree as the check looks at."""

    def __init__(self, directory):
        self.root = directory
        for name in ("include", "drivers", "tools", "tests/abi"):
            shutil.copytree(ROOT / name, directory / name)
        self.git("init", "-q")

    def git(self, *arguments):
        subprocess.run(["git", "-c", "user.name=test", "-c", "user.email=test@localhost",
                        *arguments], cwd=self.root, check=True, capture_output=True)

    def change(self, header, old, new):
        path = self.root / "include/weir" / header
        text = path.read_text(encoding="utf8")
        assert old in text, f"{header} has no {old}"
        path.write_text(text.replace(old, new, 1), encoding="utf8")

    def check(self, *arguments):
        return subprocess.run(["tools/check-abi", *arguments], cwd=self.root, text=True,
                              capture_output=True, check=False)


@pytest.fixture
def copy(tmp_path):
    copy = Copy(tmp_path / "copy")
    assert copy.check("--renew").returncode == 0  # whatever the tree has just now
    return copy


@pytest.mark.parametrize("header, old, new", [
    ("error.h", "#ifdef __cplusplus\n}", "WEIR_EXPORT int weir_added(void);\n#ifdef __cplusplus\n}"),
    ("error.h", "#define WEIR_ERROR_KEY_MAX", "struct weir_new {\n    int a;\n};\n"
     "#define WEIR_ERROR_KEY_MAX"),
    ("error.h", '"stored, but not as safely as was asked for")',
     '"stored, but not as safely as was asked for") X(ENEW, -99, NONE, "new")'),
    ("registry.h", "weir_registry_work(struct weir_registry *registry)",
     "weir_registry_work(struct weir_registry *other_name)")],
    ids=["function", "type", "status", "argument's name"])
def test_additions_pass(copy, header, old, new):
    copy.change(header, old, new)
    done = copy.check()
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("header, old, new, named", [
    ("registry.h", "WEIR_EXPORT int64_t weir_now(void);", "", "weir_now"),
    ("registry.h", "weir_now(void)", "weir_now(int clock)", "weir_now"),
    ("registry.h", "    uint32_t version; ", "    uint64_t version; ", "weir_lease"),
    ("observe.h", "    unsigned idle;", "    unsigned more, idle;", "weir_counts"),
    ("driver.h", "    size_t conn_size;", "    size_t more, conn_size;", "weir_driver"),
    ("sink.h", "    int64_t receivers;", "    int64_t more, receivers;", "weir_item"),
    ("async.h", "typedef void weir_acquired(void *context,", "typedef int weir_acquired(void *context,",
     "weir_acquired"),
    ("error.h", "X(ETIMEOUT, -10,", "X(ETIMEOUT, -98,", "WEIR_ETIMEOUT")],
    ids=["function gone", "prototype", "member wider", "member new", "driver's contract",
         "sink's contract", "callback", "status renumbered"])
def test_what_breaks_programs_fails_until_it_is_renewed(copy, header, old, new, named):
    copy.change(header, old, new)
    done = copy.check()
    assert done.returncode == 1 and named in done.stdout, done.stdout + done.stderr
    assert "tools/check-abi --renew" in done.stdout
    assert copy.check("--renew").returncode == 0
    done = copy.check()
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_release_is_what_counts(copy):
    """Renewed after a tag, the files of the tree do not hide what the release had."""
    copy.git("add", ".")
    copy.git("commit", "-qm", "a release")
    copy.git("tag", "v9.9.9")
    assert "v9.9.9" in copy.check().stdout
    copy.change("registry.h", "WEIR_EXPORT int64_t weir_now(void);", "")
    assert copy.check("--renew").returncode == 0
    done = copy.check()
    assert done.returncode == 1 and "weir_now" in done.stdout, done.stdout + done.stderr


def test_a_baseline_that_is_missing_is_told(copy):
    (copy.root / "tests/abi/libweir.so.0.abi").unlink()
    done = copy.check()
    assert done.returncode != 0 and "libweir.so.0.abi" in done.stderr
