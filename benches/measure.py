"""What the benchmark jobs have in common: the shipped binary, the peers, a throw-away key, one measured run."""
import json
import os
import secrets
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "bench"
BUILD = ROOT / "build" / "bench"


def release_binary():
    """Where cargo puts the shipped binary: the folder may be set by a variable or a file."""
    told = subprocess.run(["cargo", "metadata", "--no-deps", "--format-version", "1"], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return Path(json.loads(told.stdout)["target_directory"]) / "release" / "cohorte"


def python_with_peers():
    """A virtual environment with DuckDB and Polars."""
    python = BUILD / "venv" / "bin" / "python"
    if not python.exists():
        print("installing duckdb, polars and pyarrow into build/bench/venv", flush=True)
        venv.create(BUILD / "venv", with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "duckdb", "polars", "pyarrow"], check=True)
    return python


def key():
    """A key of the pseudonyms that only its owner can read; made once."""
    path = BUILD / "key"
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(secrets.token_hex(32))


def measure(command, may_fail=False):
    """CPU seconds, wall seconds, peak MB, and standard output of a command; `None` where it may fail and does."""
    begun = time.monotonic()
    child = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL if may_fail else None, cwd=ROOT)
    said = child.stdout.read().decode()
    _, status, used = os.wait4(child.pid, 0)
    wall = time.monotonic() - begun
    if status != 0 and may_fail:
        return None
    if status != 0:
        sys.exit(f"{command[0]} failed with status {status}\n{said}")
    return {"cpu": used.ru_utime + used.ru_stime, "wall": wall, "peak_mb": used.ru_maxrss / 1024}, said
