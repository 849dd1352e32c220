"""Runs the join and pivot job by cohorte and by DuckDB in turn, and prints medians and ratios.

    python3 benches/labs/bench.py [--patients 500000] [--runs 5] [--binary target/release/cohorte]

For each patient the value of four laboratory examinations nearest to the diagnosis, within 90 days, in
one unit: long rows, four a patient, pivoted beside the patients. Both programs may use 512 MB; where DuckDB
cannot do it within that, this is said and it is measured with as much as it needs. What comes out is compared before any ratio is printed: rows, values of each examination, sum of creatinine.
The job and its peer are those of ../shared/bench; where that folder is absent nothing is measured.
"""
import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from measure import BUILD, SHARED, key, measure, python_with_peers, release_binary

HERE = Path(__file__).resolve().parent
OUT = BUILD / "out-labs"
MEMORY = "512MB"
MORE = ["1GB", "2GB", "4GB", "8GB"]
# What the job gives at seed 0, by whichever program.
EXPECTED = {500_000: "[(500000, 293863, 303511, 303090, 303585, 109851132.092)]"}
COUNTED = "SELECT count(*), count(ca15_3), count(cea), count(hb), count(creatinine), round(sum(creatinine),3) FROM '{}'"


def generate(python, patients):
    """Patients and their laboratory rows; made once for a number of patients."""
    folder = BUILD / f"labs-{patients}"
    folder.mkdir(parents=True, exist_ok=True)
    for name, script in (("patients.csv", "generate.py"), ("labs.csv", "generate_labs.py")):
        if not (folder / name).exists():
            print(f"generating {name} of {patients:,} patients", flush=True)
            part = folder / f"{name}.part"
            subprocess.run([python, SHARED / script, str(patients), part], check=True)
            part.rename(folder / name)
    link = BUILD / "labs"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name)
    key()
    return folder


def main():
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--patients", type=int, default=500_000)
    ask.add_argument("--runs", type=int, default=5)
    ask.add_argument("--binary", type=Path, help="the shipped one where none is named")
    args = ask.parse_args()
    if not SHARED.exists():
        print("skipped: the laboratory job needs ../shared/bench")
        return
    BUILD.mkdir(parents=True, exist_ok=True)
    OUT.mkdir(exist_ok=True)
    python = python_with_peers()
    folder = generate(python, args.patients)
    programs = {
        "cohorte": [args.binary or release_binary(), "run", HERE / "pipeline.yaml", "--out", OUT / "cohorte", "--force", "--quiet", "--memory", MEMORY],
        "duckdb": [python, SHARED / "peer_duckdb_labs.py", folder / "patients.csv", folder / "labs.csv", OUT / "duckdb", MEMORY],
    }
    seen = {name: [] for name in programs}
    said = {}
    peer_memory = MEMORY
    for turn in range(args.runs):
        for name, command in programs.items():
            result = measure(command, may_fail=name == "duckdb")
            while result is None:
                if not MORE:
                    sys.exit("DuckDB cannot do the job")
                print(f"DuckDB cannot do the job within {peer_memory}; it is given {MORE[0]}", flush=True)
                command[-1] = peer_memory = MORE.pop(0)
                seen[name] = []
                result = measure(command, may_fail=True)
            figures, said[name] = result
            seen[name].append(figures)
            print(f"{turn + 1}/{args.runs} {name:8} {figures['cpu']:6.1f} s CPU  {figures['wall']:6.1f} s  {figures['peak_mb']:6.0f} MB", flush=True)
    counted = f"import duckdb; print(duckdb.sql(\"{COUNTED.format(OUT / 'cohorte' / 'cohort' / 'biomarker' / '*' / '*.parquet')}\").fetchall())"
    ours = subprocess.run([python, "-c", counted], stdout=subprocess.PIPE, check=True).stdout.decode().strip()
    theirs = said["duckdb"].strip()
    if ours != theirs or EXPECTED.get(args.patients, ours) != ours:
        sys.exit(f"the counts differ\n  cohorte {ours}\n  DuckDB  {theirs}\n  the job {EXPECTED.get(args.patients)}")
    median = {name: {k: statistics.median(f[k] for f in figures) for k in figures[0]} for name, figures in seen.items()}
    summary = {"patients": args.patients, "counts": ours, "memory": MEMORY, "memory_duckdb": peer_memory} | {f"{k}_vs_duckdb": round(median["cohorte"][k] / median["duckdb"][k], 4) for k in ("cpu", "wall")}
    summary |= {"peak_mb": round(median["cohorte"]["peak_mb"], 1), "peak_mb_duckdb": round(median["duckdb"]["peak_mb"], 1)}
    (BUILD / f"summary-labs-{args.patients}.json").write_text(json.dumps(summary, indent=2) + "\n")
    print(f"\n{args.patients:,} patients, {4 * args.patients:,} laboratory rows, median of {args.runs}; both give {ours}")
    for name, figures in median.items():
        print(f"  {name:8} {figures['cpu']:6.2f} s CPU  {figures['wall']:6.2f} s wall  {figures['peak_mb']:6.0f} MB")
    print(f"  cohorte / duckdb: CPU {summary['cpu_vs_duckdb']:.3f}, wall {summary['wall_vs_duckdb']:.3f}")


if __name__ == "__main__":
    main()
