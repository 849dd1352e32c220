"""Runs the benchmark job by cohorte, DuckDB and Polars in turn, and prints medians and ratios.

    python3 benches/harmonise/bench.py [--rows 5000000] [--runs 5] [--binary target/release/cohorte]

Each program is a child process of its own; CPU time and peak memory are what the kernel reports
when it ends. The programs take turns, so that a busy machine is busy for all of them. Counts are
compared with the job's own numbers before any ratio is printed. The peers are the hand-written
scripts of ../shared/bench, or where that folder is absent the ones beside this file.
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

# What the job gives at 5 million rows and seed 0, by whichever program.
EXPECTED = {
    5_000_000: (
        4_826_062,
        173_938,
        {
            "contact:order": 24794, "diagnosis_date:parse": 25132, "dob:parse": 25328, "er:range": 25188,
            "grade:unmapped": 25030, "sex:unmapped": 25284, "size:parse": 25214,
        },
    )
}
# Findings by our names.
NAMES = {
    ("contact_order", None): "contact:order", ("parse", "diagnosis_date"): "diagnosis_date:parse",
    ("parse", "age_at_diagnosis"): "dob:parse", ("range", "er_percent"): "er:range",
    ("unmapped", "grade"): "grade:unmapped", ("unmapped", "sex"): "sex:unmapped", ("parse", "size_mm"): "size:parse",
}


def generate(python, rows):
    """The export; made once for a number of rows."""
    export = BUILD / f"export-{rows}.csv"
    if not export.exists():
        script = SHARED / "generate.py"
        script = script if script.exists() else HERE / "generate.py"
        print(f"generating {rows:,} rows", flush=True)
        subprocess.run([python, script, str(rows), export.with_suffix(".part")], check=True)
        export.with_suffix(".part").rename(export)
    link = BUILD / "export.csv"
    link.unlink(missing_ok=True)
    link.symlink_to(export.name)
    key()
    return export


def check_counts(rows, run):
    """Our counts against the job's."""
    report = json.loads((run / "report.json").read_text())
    manifest = json.loads((run / "manifest.json").read_text())
    accepted = sum(t["rows_accepted"] for t in manifest["tables"])
    quarantined = sum(t["rows_quarantined"] for t in manifest["tables"])
    found = {}
    for rule in report["rules"]:
        if rule["site"] and rule["violated"]:
            found[NAMES.get((rule["rule"], rule["field"]), f"{rule['field']}:{rule['rule']}")] = rule["violated"]
    if accepted + quarantined != rows:
        sys.exit(f"{accepted} + {quarantined} is not {rows}")
    if rows in EXPECTED and (accepted, quarantined, found) != EXPECTED[rows]:
        sys.exit(f"the counts differ from the job's\n  {(accepted, quarantined, found)}\n  {EXPECTED[rows]}")
    return {"accepted": accepted, "quarantined": quarantined, "findings": found}


def main():
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--rows", type=int, default=5_000_000)
    ask.add_argument("--runs", type=int, default=5)
    ask.add_argument("--binary", type=Path, help="the shipped one where none is named")
    ask.add_argument("--alone", action="store_true", help="without the peers")
    ask.add_argument("--summary", type=Path, default=BUILD / "summary.json")
    args = ask.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    python = python_with_peers()
    export = generate(python, args.rows)
    peers = SHARED if SHARED.exists() else HERE
    out = BUILD / "out"
    programs = {"cohorte": [args.binary or release_binary(), "run", HERE / "pipeline.yaml", "--out", out / "cohorte", "--force", "--quiet"]}
    if not args.alone:
        for peer in ("duckdb", "polars"):
            programs[peer] = [python, peers / f"peer_{peer}.py", export, out / peer]
    out.mkdir(exist_ok=True)
    seen = {name: [] for name in programs}
    for turn in range(args.runs):
        for name, command in programs.items():
            figures, said = measure(command)
            seen[name].append(figures)
            print(f"{turn + 1}/{args.runs} {name:8} {figures['cpu']:6.1f} s CPU  {figures['wall']:6.1f} s  {figures['peak_mb']:6.0f} MB", flush=True)
            if name == "duckdb" and args.rows in EXPECTED and str(sorted(EXPECTED[args.rows][2].items())) not in said:
                sys.exit(f"DuckDB counts otherwise:\n{said}")
    counts = check_counts(args.rows, out / "cohorte")
    median = {name: {k: statistics.median(f[k] for f in figures) for k in figures[0]} for name, figures in seen.items()}
    ours = median["cohorte"]
    summary = {"rows": args.rows, **counts, "cpu": ours["cpu"], "wall": ours["wall"], "peak_mb": round(ours["peak_mb"], 1)}
    for peer in programs:
        if peer != "cohorte":
            summary |= {f"{k}_vs_{peer}": round(ours[k] / median[peer][k], 4) for k in ("cpu", "wall")}
            summary[f"peak_mb_{peer}"] = round(median[peer]["peak_mb"], 1)
    args.summary.write_text(json.dumps(summary, indent=2) + "\n")
    print(f"\n{args.rows:,} rows, median of {args.runs}")
    for name, figures in median.items():
        print(f"  {name:8} {figures['cpu']:6.2f} s CPU  {figures['wall']:6.2f} s wall  {figures['peak_mb']:6.0f} MB")
    for peer in programs:
        if peer != "cohorte":
            print(f"  cohorte / {peer}: CPU {summary[f'cpu_vs_{peer}']:.3f}, wall {summary[f'wall_vs_{peer}']:.3f}")


if __name__ == "__main__":
    main()
