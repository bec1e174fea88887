# SPDX-License-Identifier: MIT
"""The pools that are measured: how each harness is built, and how one is run."""
import json
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ROOT / "bench" / "pool"
BUILD = pathlib.Path(os.environ.get("WEIR_BUILD", ROOT / "build"))
TARGET = BUILD / "bench-pool"  # what is built here, and what npm brings
RUN_SECONDS = 60  # longer than any mode may take

# In which order waiters are served, by design; what is measured is in the tables.
ORDER = {"weir": "in order, overtaken for 1 ms", "apr_reslist": "none", "libzdb": "none: callers poll",
         "HikariCP": "none", "database/sql": "none", "puddle": "in order, overtaken",
         "r2d2": "none", "generic-pool": "in order"}
SINGLE = {"generic-pool"}  # one thread: takes part where the others have one
ABSENT = {"deadpool": "Debian 12 has no package of it"}


class Missing(Exception):
    """Why a peer cannot be had on this machine."""


def run(command, **options):
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=300, **options)
    except FileNotFoundError as error:
        raise Missing(f"there is no {error.filename}") from error
    except subprocess.TimeoutExpired as error:
        raise Missing(f"{command[0]} did not end") from error
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout or "").strip().splitlines()
        raise Missing(f"{command[0]}: {said[-1] if said else error.returncode}") from error


def build_weir():
    return [str(BUILD / "bench" / "bench-pool-weir")]


def build_c(name, *packages, extra=()):
    try:
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", *packages], check=True,
                               capture_output=True, text=True).stdout.split()
    except (OSError, subprocess.CalledProcessError) as error:
        raise Missing(f"pkg-config does not know {' '.join(packages)}") from error
    program = TARGET / name
    run(["gcc", "-O2", "-g", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
         *(str(SOURCES / f"{part}.c")
           for part in ("frame", "backend", "scenes", "bugs", "replace", name)),
         *flags, *extra, "-pthread", "-o", str(program)])
    return [str(program)]


def build_java():
    jars = [pathlib.Path("/usr/share/java") / f"{jar}.jar"
            for jar in ("HikariCP", "slf4j-api", "slf4j-nop")]
    for jar in jars:
        if not jar.exists():
            raise Missing(f"there is no {jar}")
    path = ":".join(map(str, jars))
    classes = TARGET / "java"
    run(["javac", "-cp", path, "-d", str(classes), *map(str, sorted(SOURCES.glob("java/*.java")))])
    return ["java", "-cp", f"{path}:{classes}", "Frame"]


def build_go(name):
    program = TARGET / "go"
    run(["go", "build", "-o", str(program), "."], cwd=SOURCES / "go",
        env={**os.environ, "GOPATH": "/usr/share/gocode", "GO111MODULE": "off",
             "GOCACHE": str(TARGET / "go-cache"), "GOFLAGS": "-p=2"})
    return [str(program), name]


def build_rust():
    """With Debian's compiler and crates: whatever else is on the PATH is not asked."""
    folder = TARGET / "rust"
    shutil.copytree(SOURCES / "rust", folder, dirs_exist_ok=True)
    (folder / ".cargo").mkdir(exist_ok=True)
    (folder / ".cargo" / "config.toml").write_text(
        '[source.crates-io]\nreplace-with = "debian"\n'
        '[source.debian]\ndirectory = "/usr/share/cargo/registry"\n', encoding="utf8")
    run(["/usr/bin/cargo", "build", "--release", "--offline", "--quiet", "-j2"], cwd=folder,
        env={"PATH": "/usr/bin:/bin", "CARGO_HOME": str(TARGET / "cargo"),
             "RUSTC": "/usr/bin/rustc"})
    return [str(folder / "target" / "release" / "peer")]


def build_node():
    folder = TARGET / "node"
    shutil.copytree(SOURCES / "node", folder, dirs_exist_ok=True)
    wanted = json.loads((folder / "package.json").read_text(encoding="utf8"))
    have = folder / "node_modules" / "generic-pool" / "package.json"
    if not have.exists() or (json.loads(have.read_text(encoding="utf8"))["version"] !=
                             wanted["dependencies"]["generic-pool"]):
        run(["npm", "install", "--silent", "--no-audit", "--no-fund"], cwd=folder)
    return ["node", str(folder / "generic.js")]


BUILDERS = {
    "weir": build_weir,
    "apr_reslist": lambda: build_c("apr", "apr-util-1", "apr-1"),
    "libzdb": lambda: build_c("zdb", "zdb", "sqlite3", extra=("-ldl",)),
    "HikariCP": build_java,
    "database/sql": lambda: build_go("database/sql"),
    "puddle": lambda: build_go("puddle"),
    "r2d2": build_rust,
    "generic-pool": build_node,
}


def build_all(say, wanted=None):
    """
    Commands by name, of weir and all that are wanted (None: everybody); whoever is missing is in
    the second answer, with the reason.
    """
    TARGET.mkdir(parents=True, exist_ok=True)
    commands, missing = {}, dict(ABSENT)
    for name, build in BUILDERS.items():
        if wanted is not None and name not in ("weir", *wanted):
            missing[name] = "not asked for"
            continue
        say(f"building the harness of {name}")
        try:
            commands[name] = build()
        except Missing as reason:
            missing[name] = str(reason)
            say(f"{name} is absent: {reason}")
    if "weir" in missing or not pathlib.Path(commands["weir"][0]).exists():
        raise SystemExit("weir's own harness is not built; run ninja first")
    return commands, missing


def measure(command, *arguments):
    """What it printed; {"broken": why} if it did not do as it should."""
    try:
        done = subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True,
                              timeout=RUN_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return {"broken": f"no end after {RUN_SECONDS} s"}
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        return {"broken": said[-1] if said else f"exit code {done.returncode}"}
    try:
        return json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        return {"broken": f"it printed {done.stdout[-80:]!r}"}
