# SPDX-License-Identifier: MIT
"""Backends from shared objects: built against what is installed, checked, loaded, reloaded."""
import os
import pathlib
import shutil
import subprocess

import pytest

from gateway import BUILD, ROOT, Load

WEBHOOKS = {"webhooks": [{"path": "/webhook/example",
                          "modules": [{"type": "lines", "connection": "log"}]}]}


def tool(name):
    return shutil.which(name, path="/usr/bin") or name


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """weir as `make install` leaves it, below a directory."""
    directory = tmp_path_factory.mktemp("installed")
    subprocess.run([tool("meson"), "install", "-C", str(BUILD), "--no-rebuild", "--quiet",
                    "--destdir", str(directory)], check=True, capture_output=True)
    return directory


def build(installed, source, name):
    """A copy of the example, changed maybe, as a project of its own."""
    directory = installed / name
    shutil.copytree(ROOT / "examples" / "plugin", directory)
    (directory / "lines.c").write_text(source)
    (pc,) = installed.rglob("weir.pc")
    environment = {**os.environ, "PKG_CONFIG_PATH": str(pc.parent),
                   "PKG_CONFIG_SYSROOT_DIR": str(installed)}
    for command in ([tool("meson"), "setup", "build"], [tool("ninja"), "-C", "build"]):
        done = subprocess.run(command, cwd=directory, env=environment, capture_output=True,
                              text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return directory / "build" / "lines.so"


def source():
    return (ROOT / "examples" / "plugin" / "lines.c").read_text()


@pytest.fixture(scope="module")
def plugin(installed):
    return build(installed, source(), "lines")


def connections(tmp_path):
    return {"log": {"type": "lines", "path": str(tmp_path / "events")}}


def test_a_plugin_stores(start, plugin, tmp_path):
    weir = start(connections(tmp_path), WEBHOOKS, {"plugins": [str(plugin)]})
    load = Load(weir, clients=16, count=500).join()
    assert load.failed == [] and len(load.stored) == 500
    assert len((tmp_path / "events").read_text().splitlines()) == 500
    assert weir.post(b'{"a":\n 1}')[0] == 200
    assert (tmp_path / "events").read_text().splitlines()[-1] == '{"a":  1}'


def test_on_the_command_line(start, plugin, tmp_path):
    weir = start(connections(tmp_path), WEBHOOKS, start=False)
    assert weir.command("check", "--config", str(weir.config)).returncode == 3
    assert weir.command("check", "--config", str(weir.config), "--connect",
                        "--plugin", str(plugin)).returncode == 0
    weir.start(["--config", str(weir.config), "--plugin", str(plugin)])
    assert weir.post({"a": 1})[0] == 200


def test_a_reload_brings_one(start, plugin, tmp_path):
    weir = start({}, {"webhooks": []})
    code, answer = weir.change(connections(tmp_path), WEBHOOKS)
    assert code == 422 and answer["errors"][0]["pointer"] == "/log/type"
    weir.server = {**weir.server, "plugins": [str(plugin)]}
    code, answer = weir.change(connections(tmp_path), WEBHOOKS)
    assert code == 200, answer
    assert weir.post({"a": 1})[0] == 200


def test_a_file_that_is_full_acknowledges_nothing(start, plugin):
    weir = start({"log": {"type": "lines", "path": "/dev/full"}}, WEBHOOKS,
                 {"plugins": [str(plugin)], "request_timeout": 1})
    assert weir.post({"a": 1})[0] == 503
    assert "No space left" in weir.log()


@pytest.mark.parametrize("old, new, said", [
    (".abi = WEIR_PLUGIN_ABI", ".abi = 99", "plugin ABI 99"),
    (".abi = WEIR_DRIVER_ABI", ".abi = 98", "ABI 98"),
    (".abi = WEIR_SINK_ABI", ".abi = 97", "ABI 97"),
    ('.name = "lines"', '.name = "sqlite"', "sqlite already"),
    (".open = lines_open", ".open = NULL", "lacks one of"),
    (".write = write_batch", ".write = NULL", "lacks one of"),
    ("struct weir_plugin weir_plugin", "struct weir_plugin something_else", "no symbol")])
def test_a_plugin_that_does_not_fit_is_refused(start, installed, old, new, said):
    text = source().replace(old, new)
    text = text.replace("static int lines_open(", "__attribute__((unused)) static int lines_open(")
    text = text.replace("static int write_batch(", "__attribute__((unused)) static int write_batch(")
    file = build(installed, text, f"bad{abs(hash((old, new)))}")
    weir = start({}, {"webhooks": []}, start=False)
    done = weir.command("check", "--config", str(weir.config), "--plugin", str(file))
    assert done.returncode == 3 and said in done.stderr, done.stderr
    weir.write({}, {"webhooks": []}, {**weir.server, "plugins": [str(file)]})
    done = weir.command("check", "--config", str(weir.config))
    assert done.returncode == 3 and said in done.stderr, done.stderr


def test_a_plugin_that_is_not_there(start, tmp_path):
    weir = start({}, {"webhooks": []}, {"plugins": ["relative.so", "/no/such.so"]}, start=False)
    done = weir.command("check", "--config", str(weir.config))
    assert done.returncode == 3
    assert "/plugins/0" in done.stderr and "absolute" in done.stderr
    assert "/plugins/1" in done.stderr
    done = weir.command("serve", "--plugin", str(pathlib.Path("/no/such.so")))
    assert done.returncode == 1 and "/no/such.so" in done.stderr
