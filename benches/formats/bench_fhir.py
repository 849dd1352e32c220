"""Runs one view of SQL on FHIR by cohorte and by the public runners that are installed, and prints medians.

    python3 benches/formats/bench_fhir.py [--copies 130] [--runs 3] [--folder build/bench/fhir] [--binary target/release/cohorte]

Synthea's Observations of ../shared, copied with ids of their own, become three columns. What comes out is compared (a hash of all cells) before any
figure is printed. CPU is of the reading call and, in brackets, of the process with its start. A runner that is not there is skipped: in the folder
are looked for `venv` (pip install pysof fhir4ds-v2), `node_modules` (npm install @medplum/core) and `bin` (cargo install octofhir-sof-cli --root).
"""
import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from measure import BUILD, ROOT, python_with_peers, release_binary

SAMPLE = ROOT.parent / "shared" / "data" / "fhir" / "ndjson_small" / "Observation.ndjson"
PATHS = [("id", "getResourceKey()"), ("patient", "subject.getReferenceKey(Patient)"), ("value", "value.ofType(Quantity).value")]
COLUMNS = [{"name": name, "path": path} for name, path in PATHS]
VIEW = {"resourceType": "ViewDefinition", "name": "observed", "status": "active", "resource": "Observation", "select": [{"column": COLUMNS}]}
SCHEMA = "schema: s\nversion: 1.0.0\ntables: {t: {fields: {id: &t {type: text, free_text: true}, patient: *t, value: {type: decimal}}}}\n"
MAPPING = """{mapping: m, schema: s, site: x,
sources: {e: {path: SOURCE, format: fhir, view: view.json}},
tables: {t: {from: e, on_error: quarantine, fields: {id: {from: id}, patient: {from: patient}, value: {from: value}}}}}"""
TIMED = "import json, sys; from time import process_time as now; view, source, out = sys.argv[1:]\n{}\nbegun = now()\n{}\nprint('cpu', now() - begun)"
PYSOF = TIMED.format("import pysof", "pysof.process_ndjson_to_file(open(view).read(), source, out, 'csv')")
FHIR4DS = TIMED.format("import fhir4ds; con = fhir4ds.create_connection(threads=1); view = json.load(open(view)); del view['resourceType']",
    "con.execute(f\"CREATE VIEW resources AS SELECT json AS resource FROM read_ndjson_objects('{source}')\")\n"
    "con.execute(f\"COPY ({fhir4ds.generate_view_sql(json.dumps(view))}) TO '{out}' (HEADER)\")")
DUCKDB = TIMED.format("import duckdb; duckdb.execute('SET threads = 1')", """duckdb.execute(f'''COPY (
    SELECT id, regexp_extract(subject.reference, '^(?:.*/)?Patient/([^/]+)', 1) AS patient, valueQuantity.value AS value FROM read_json('{source}',
        columns = {{resourceType: 'VARCHAR', id: 'VARCHAR', subject: 'STRUCT(reference VARCHAR)', valueQuantity: 'STRUCT("value" VARCHAR)'}})
    WHERE resourceType = 'Observation') TO '{out}' (HEADER)''')""")
MEDPLUM = """import { createReadStream, createWriteStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { evalSqlOnFhir } from '@medplum/core';
const view = JSON.parse(readFileSync(process.argv[1])), source = process.argv[2], out = createWriteStream(process.argv[3]), begun = process.cpuUsage();
out.write('id,patient,value\\n');
for await (const line of createInterface({ input: createReadStream(source) }))
  for (const row of evalSqlOnFhir(view, [JSON.parse(line)])) out.write(`${row.id},${row.patient ?? ''},${row.value ?? ''}\\n`);
out.end(() => { const used = process.cpuUsage(begun); console.log('cpu', (used.user + used.system) / 1e6); });"""
CHECK = """import duckdb, sys; print(duckdb.sql(f'''SELECT count(*), count(value), count(DISTINCT patient), round(sum(value::DOUBLE), 3),
    bit_xor(hash(regexp_replace(id::VARCHAR, '^Observation/', ''), regexp_replace(patient::VARCHAR, '^Patient/', ''), round(value::DOUBLE, 6)))
    FROM '{sys.argv[1]}' ''').fetchall())"""


def measure(command, folder):
    """CPU seconds of the call and of the process, peak MB, and what it said. By GNU time: a child of Python would count Python's own peak."""
    told = subprocess.run(["/usr/bin/time", "-o", folder / "time", "-f", "%U %S %M", *command], cwd=folder, stdout=subprocess.PIPE, text=True)
    told.check_returncode()
    user, system, peak = map(float, (folder / "time").read_text().split())
    call, cpu = re.search(r"^cpu (.*)$", told.stdout, re.M), max(user + system, 0.01)
    return (float(call[1]) if call else cpu, cpu, peak / 1024), told.stdout


def prepare(folder, copies):
    """The resources, the view and cohorte's three documents."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / f"Observation-{copies}.ndjson"
    if not source.exists():
        rows = [json.loads(line) for line in SAMPLE.read_text().splitlines()]
        own = lambda row, n: row | {"id": f"{row['id'][:-4]}{n:04x}", "subject": {"reference": f"{row['subject']['reference'][:-4]}{n:04x}"}}
        with open(folder / "part", "w") as file:
            file.writelines(json.dumps(own(row, n), separators=(",", ":"), ensure_ascii=False) + "\n" for n in range(copies) for row in rows)
        (folder / "part").rename(source)
    (folder / "view.json").write_text(json.dumps(VIEW))
    (folder / "schema.yaml").write_text(SCHEMA)
    (folder / "mapping.yaml").write_text(MAPPING.replace("SOURCE", source.name))
    (folder / "pipeline.yaml").write_text("pipeline: p\nschema: schema.yaml\nmappings: [mapping.yaml]\n")
    return source


def main():
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--copies", type=int, default=130)
    ask.add_argument("--runs", type=int, default=3)
    ask.add_argument("--folder", type=Path, default=BUILD / "fhir")
    ask.add_argument("--binary", type=Path, help="the shipped one where none is named")
    args = ask.parse_args()
    if not SAMPLE.exists() or not Path("/usr/bin/time").exists():
        print("skipped: the view needs ../shared/data/fhir and GNU time")
        return
    folder = args.folder.resolve()
    source = prepare(folder, args.copies)
    ours, peers, node, job = python_with_peers(), folder / "venv" / "bin" / "python", ["node", "--input-type=module", "-e"], ["view.json", source]
    programs = {  # name: a command that tells whether it is installed, its own, what it writes
        "cohorte, reader": (["true"], [ROOT / "benches/formats/target/release/formats", "fhir", source, json.dumps({"view": VIEW})], None),
        "cohorte run": (["true"], [args.binary or release_binary(), "run", "pipeline.yaml", "--out", "out", "--force", "--quiet", "--partitions", "1"], "out/cohort/t/*/*.parquet"),
        "pysof": ([peers, "-c", "import pysof._pysof"], [peers, "-c", PYSOF, *job, "pysof.csv"], "pysof.csv"),
        "fhir4ds": ([peers, "-c", "import fhir4ds"], [peers, "-c", FHIR4DS, *job, "fhir4ds.csv"], "fhir4ds.csv"),
        "medplum": ([*node, "import '@medplum/core'"], [*node, MEDPLUM, *job, "medplum.csv"], "medplum.csv"),
        "octofhir-sof": (["true"], [folder / "bin/octofhir-sof", "run", job[0], "--input", source, "--output", "ndjson", "--out", "octofhir.ndjson"], "octofhir.ndjson"),
        "DuckDB, by hand": (["true"], [ours, "-c", DUCKDB, *job, "duckdb.csv"], "duckdb.csv"),
    }
    for name, (probe, command, _) in list(programs.items()):
        if not shutil.which(command[0]) or subprocess.run(probe, cwd=folder, stderr=subprocess.DEVNULL).returncode != 0:
            print(f"skipped: {name} is not there")
            del programs[name]
    seen = {name: [] for name in programs}
    for _ in range(args.runs):
        for name, (_, command, written) in programs.items():
            figures, said = measure(command, folder)
            seen[name].append(figures)
            assert written or f" {args.copies * 1502} records, 0 damaged" in said, said
    results = {name: subprocess.check_output([ours, "-c", CHECK, folder / written], text=True).strip() for name, (_, _, written) in programs.items() if written}
    if len(set(results.values())) > 1:
        sys.exit(f"the rows differ: {results}")
    megabytes = source.stat().st_size / 1e6
    print(f"{megabytes:.0f} MB, median of {args.runs}; all give {results['cohorte run']}")
    for name, figures in seen.items():
        call, process, peak = (statistics.median(column) for column in zip(*figures))
        print(f"  {name:16} {call:6.2f} s CPU ({process:6.2f})  {megabytes / call:6.1f} MB/s  {peak:5.0f} MB")


if __name__ == "__main__":
    main()
