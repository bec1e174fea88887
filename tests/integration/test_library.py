# SPDX-License-Identifier: MIT
"""libweir as a C programmer meets it: installed, found by pkg-config, used outside the tree."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading

import pytest

import certificates
from backends import MySQL, Rabbit, RedisStream
from gateway import BUILD, ROOT
from mariadb import MariaDB

MESON = "/usr/bin/meson"
PROGRAMS = ROOT / "tests" / "library"
WARNINGS = ["-Wall", "-Wextra", "-Werror"]
SECONDS = 60  # no program takes that long unless it hangs
LIBRARIES = ("weir", "weir-mysql", "weir-postgresql", "weir-rabbitmq", "weir-redis", "weir-sqlite")


def make(*arguments):
    done = subprocess.run(["make", "-C", str(ROOT), f"BUILD={BUILD}", *arguments], text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done


class House:
    """What `make install` leaves below a directory, as pkg-config and compilers see it."""

    def __init__(self, directory):
        self.root = directory / "root"
        self.work = directory / "work"
        self.work.mkdir()
        make("install", f"DESTDIR={self.root}")
        # Where the client libraries are, as in any root.
        for name in ("include", "lib"):
            (self.root / "usr" / name).symlink_to(f"/usr/{name}")
        (pc,) = self.root.rglob("weir.pc")
        self.libraries = pc.parents[1]
        self.environment = {**os.environ, "PKG_CONFIG_PATH": str(pc.parent),
                            "PKG_CONFIG_SYSROOT_DIR": str(self.root),
                            "LD_LIBRARY_PATH": str(self.libraries)}

    def pkg_config(self, *arguments):
        done = subprocess.run(["pkg-config", *arguments], env=self.environment, text=True,
                              capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    def compile(self, source, library="weir", compiler="gcc", standard="-std=c11", static=False):
        """Nothing but the source, the compiler and what pkg-config says."""
        output = self.work / f"program{len(list(self.work.iterdir()))}"
        words = self.pkg_config("--cflags", "--libs", library)
        if static:  # weir's own; Debian's client libraries are not all to be had so
            words = [f"-l:lib{word[2:]}.a" if word.startswith("-lweir") else word for word in words]
        language = ["-x", "c++"] if "++" in compiler else ["-x", "c"]
        done = subprocess.run(
            [compiler, standard, "-D_GNU_SOURCE", *WARNINGS, "-o", str(output), *language,
             str(source), "-x", "none", *words, "-pthread"],
            cwd=self.work, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return output

    def needs(self, program):
        out = subprocess.run(["readelf", "-d", str(program)], capture_output=True, text=True,
                             check=True).stdout
        return [line for line in out.splitlines() if "NEEDED" in line and "weir" in line]

    def start(self, program, *arguments):
        return subprocess.Popen([str(program), *map(str, arguments)], cwd=self.work,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                env=self.environment)

    def run(self, program, *arguments, **environment):
        return subprocess.run([str(program), *map(str, arguments)], cwd=self.work, text=True,
                              capture_output=True, timeout=SECONDS, check=False,
                              env={**self.environment, **environment})


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    return House(tmp_path_factory.mktemp("library"))


# ---- Compilers and linkers -----------------------------------------------------------------------

@pytest.mark.parametrize("compiler, standard", [
    ("gcc", "-std=c11"), ("clang-14", "-std=c11"), ("g++", "-std=c++17"),
    ("clang++-14", "-std=c++17")])
@pytest.mark.parametrize("static", [False, True], ids=["shared", "static"])
def test_a_program_outside_the_tree(house, compiler, standard, static):
    program = house.compile(PROGRAMS / "ordinary.c", compiler=compiler, standard=standard,
                            static=static)
    done = house.run(program)
    assert done.returncode == 0 and done.stdout == "WEIR_EUNKNOWN\n", done.stdout + done.stderr
    assert bool(house.needs(program)) is not static


def test_a_prefix_of_ones_own(tmp_path):
    """What is installed there finds its library there, and so does who links as the page says."""
    prefix, program = tmp_path / "weir", tmp_path / "program"
    plain = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
    try:
        make("install", f"PREFIX={prefix}")
    finally:
        subprocess.run([MESON, "configure", str(BUILD), "-Dprefix=/usr/local"], check=True,
                       capture_output=True)
    assert subprocess.run([str(prefix / "bin" / "weir"), "version"], env=plain, check=False,
                          capture_output=True).returncode == 0
    (pc,) = prefix.rglob("weir.pc")
    done = subprocess.run(
        "gcc -o %s %s $(pkg-config --cflags --libs weir) -Wl,-rpath,$(pkg-config --variable=libdir weir)"
        % (program, PROGRAMS / "ordinary.c"), shell=True, check=False, capture_output=True,
        env={**plain, "PKG_CONFIG_PATH": str(pc.parent)})
    assert done.returncode == 0, done.stderr
    assert subprocess.run([str(program)], env=plain, check=True, text=True,
                          capture_output=True).stdout == "WEIR_EUNKNOWN\n"


def test_a_program_that_is_all_static(house):
    words = house.pkg_config("--static", "--cflags", "--libs", "weir")
    subprocess.run(["gcc", "-static", "-o", "all-static", str(PROGRAMS / "ordinary.c"), *words],
                   cwd=house.work, check=True)
    assert subprocess.run([str(house.work / "all-static")], check=True, text=True,
                          capture_output=True).stdout == "WEIR_EUNKNOWN\n"


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_names_inside_are_the_programs_to_use(house, library):
    """Whatever is not in a list of exports may be defined by the program as well."""
    program = house.compile(PROGRAMS / "clash.c", library, static=True)
    done = house.run(program)
    assert done.returncode == 0 and done.stdout == "31\n", done.stdout + done.stderr


def test_installed_headers_compile_alone(house):
    (header,) = house.root.rglob("weir.h")
    subprocess.run([str(ROOT / "tools/check-headers"), str(header.parents[1])], check=True)


@pytest.mark.parametrize("library", LIBRARIES)
def test_pkg_config_knows(house, library):
    version = house.pkg_config("--modversion", library)
    assert version == house.pkg_config("--modversion", "weir") and version[0][0].isdigit()
    assert f"-l{library}" in house.pkg_config("--libs", library)
    assert (house.libraries / f"lib{library}.so.0").is_file()
    assert (house.libraries / f"lib{library}.a").is_file()


def test_every_function_has_a_page(house):
    """Installed under its own name, and something that man can show."""
    names = [name for path in ROOT.glob("**/*.exports") for name in path.read_text().split()]
    (overview,) = house.root.rglob("man7/weir.7")
    pages = overview.parents[1] / "man3"
    missing = [name for name in names if not (pages / f"{name}.3").is_file()]
    assert len(names) > 70 and not missing
    for name in names:
        text = subprocess.run(["mandoc", "-Tascii", "-Owidth=200", str(pages / f"{name}.3")],
                              check=True, capture_output=True, text=True).stdout
        assert f"{name}(" in re.sub(".\b", "", text)


def test_documents_are_installed(house):
    """All but the decisions, which are for those who have the tree."""
    (readme,) = house.root.rglob("share/doc/weir/README.md")
    names = [path.relative_to(ROOT) for pattern in ("docs/*.md", "drivers/*/README.md", "LICENSE")
             for path in ROOT.glob(pattern)]
    assert len(names) > 15
    assert [name for name in names if not (readme.parent / name).is_file()] == []


# ---- Examples ------------------------------------------------------------------------------------

EXAMPLES = {"01-borrow": "borrowed of version 1, wrote: success",
            "02-threads": "16 threads, 32000 acquires, 0 failed, at most",
            "03-reconfigure": "of the second, 0 failed",
            "04-event-loop": "100 jobs done in",
            "05-driver": "journal.txt has one line more"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example(house, name):
    """As installed, with weir.pc alone, no server and no arguments; short."""
    (source,) = house.root.rglob(f"{name}.c")
    assert len(source.read_text().splitlines()) < 80
    done = house.run(house.compile(source))
    assert done.returncode == 0 and EXAMPLES[name] in done.stdout, done.stdout + done.stderr


def test_every_example_is_tried():
    assert sorted(path.stem for path in (ROOT / "examples").glob("*.c")) == sorted(EXAMPLES)


# ---- Drivers without the gateway -----------------------------------------------------------------

@pytest.mark.parametrize("static", [False, True], ids=["shared", "static"])
def test_libpq_pooled_in_ten_lines(house, server, static):
    program = house.compile(PROGRAMS / "ten.c", "weir-postgresql", static=static)
    done = house.run(program, server.directory, server.port, "SELECT 6 * 7",
                     PGUSER="postgres", PGDATABASE="postgres")
    assert done.returncode == 0 and done.stdout == "42\n", done.stdout + done.stderr


def settings(backend):
    """One connection's, as key=value."""
    return [f"{key}={value}" for key, value in backend.connection().items()
            if not key.startswith("pool_") and key != "type"]


def see_it_through(process, meanwhile=lambda: None, afterwards=lambda: None):
    """Until the program waits; then it is told to go on, and everything holds to its end."""
    lines = []
    deadline = threading.Timer(SECONDS, process.kill)
    deadline.start()
    try:
        for line in process.stdout:
            lines.append(line)
            if line.startswith("waiting"):
                meanwhile()
                process.stdin.write("go\n")
                process.stdin.flush()
        code = process.wait(SECONDS)
    finally:
        deadline.cancel()
        process.kill()
        afterwards()
    print("".join(lines))
    assert code == 0 and lines and not any(line.startswith("not ok") for line in lines)
    assert any(line.startswith("waiting") for line in lines)


def test_postgresql_handles(house, database):
    program = house.compile(PROGRAMS / "postgresql.c", "weir-postgresql")
    see_it_through(house.start(program, "left", *settings(database)))
    assert database.backends() == []


def test_postgresql_does_not_answer(house, server, database):
    program = house.compile(PROGRAMS / "postgresql.c", "weir-postgresql")
    see_it_through(house.start(program, "frozen", *settings(database)), server.freeze, server.thaw)


@pytest.fixture(params=[("mysql", MySQL), ("redis", RedisStream), ("rabbitmq", Rabbit)],
                ids=lambda param: param[0])
def other(request):
    name, kind = request.param
    backend = kind(kind.make_server())
    yield name, backend
    backend.drop()
    backend.server.remove()


def test_handles_of_the_others(house, other):
    name, backend = other
    program = house.compile(PROGRAMS / f"{name}.c", f"weir-{name}")
    keys, more = settings(backend), []
    if name == "redis":  # whose accounts may use some keys only
        keys = ["host=127.0.0.1", f"port={backend.server.port}", "password=pass-root"]
    if name == "rabbitmq":
        connection = backend.server.connect()
        connection.channel().queue_declare("left", durable=True)
        connection.close()
        more = ["left"]
    see_it_through(house.start(program, "left", *more, *keys))
    server = backend.server
    see_it_through(house.start(program, "frozen", *more, *keys), server.freeze, server.thaw)


def test_mysql_handles_with_tls(house):
    """A borrower's calls block, the driver's own do not, on one and the same socket."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="weir-ca-", dir="/tmp"))
    certificates.make(directory)
    server = MariaDB(f"--ssl-cert={directory / 'server.pem'}",
                     f"--ssl-key={directory / 'server.key'}", "--require-secure-transport=ON")
    try:
        program = house.compile(PROGRAMS / "mysql.c", "weir-mysql")
        keys = [*settings(MySQL(server)), "ssl_mode=required"]
        see_it_through(house.start(program, "left", *keys))
        see_it_through(house.start(program, "frozen", *keys), server.freeze, server.thaw)
    finally:
        server.remove()
        shutil.rmtree(directory)


def test_sqlite_handles(house, tmp_path):
    program = house.compile(PROGRAMS / "sqlite.c", "weir-sqlite")
    see_it_through(house.start(program, "left", tmp_path / "file.db"))


# ---- Installing and uninstalling -----------------------------------------------------------------

def tree(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


def test_uninstall_leaves_nothing(tmp_path):
    make("install", f"DESTDIR={tmp_path}")
    first = tree(tmp_path)
    assert any(name.endswith("bin/weir") for name in first) and len(first) > 60
    make("install", f"DESTDIR={tmp_path}")
    assert tree(tmp_path) == first
    make("uninstall", f"DESTDIR={tmp_path}")
    assert tree(tmp_path) == []


def test_uninstall_leaves_what_is_not_its_own(tmp_path):
    include = tmp_path / "usr/local/include"
    include.mkdir(parents=True)
    (tmp_path / "usr/local/bin").mkdir()
    make("install", f"DESTDIR={tmp_path}")
    (include / "weir/mine.h").write_text("mine")
    (include / "other.h").write_text("another's")
    make("uninstall", f"DESTDIR={tmp_path}")
    assert tree(tmp_path) == ["usr", "usr/local", "usr/local/bin", "usr/local/include",
                              "usr/local/include/other.h", "usr/local/include/weir",
                              "usr/local/include/weir/mine.h"]


def test_a_file_of_an_earlier_version_goes(tmp_path):
    make("install", f"DESTDIR={tmp_path}")
    (record,) = tmp_path.rglob("share/weir/installed")
    old = tmp_path / "usr/local/include/weir/old.h"
    old.write_text("of a version that had it")
    record.write_text(record.read_text() + "file /usr/local/include/weir/old.h\n")
    make("install", f"DESTDIR={tmp_path}")
    assert not old.exists()
    make("uninstall", f"DESTDIR={tmp_path}")
    assert tree(tmp_path) == []


def test_nothing_to_uninstall(tmp_path):
    done = subprocess.run(["make", "-C", str(ROOT), "uninstall", f"DESTDIR={tmp_path}"],
                          capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "not installed" in done.stderr
