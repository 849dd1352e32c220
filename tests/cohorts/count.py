"""Counts the public cohorts without cohorte: `python3 tests/cohorts/count.py ../shared/data/cohorts`.

Nothing but Python's csv module and arithmetic. tests/it/public_cohorts.rs has the numbers that this prints; the
counts that the papers and the data's own documentation give (198/51, 198/47, 286/85, 2509/1980) are among them.
A month is 30.4375 days.
"""

import csv
import io
import math
import sys
from collections import Counter
from pathlib import Path

MONTH = 30.4375
MISSING = {"", "NA", "null", "nan", "unkown"}
FOLDER = Path(sys.argv[1])


def table(path, comment=None, delimiter=",", quote='"', header=None):
    """Rows of a file as dicts; universal newlines read CR, LF and CR LF alike."""
    lines = [l for l in (FOLDER / path).read_text(encoding="ascii").splitlines() if l and not (comment and l.startswith(comment))]
    quoting = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
    return list(csv.DictReader(io.StringIO("\n".join(lines)), fieldnames=header, delimiter=delimiter, **quoting))


def known(rows, column):
    return [r[column] for r in rows if r[column] not in MISSING]


def show(name, rows, numbers=(), codes=()):
    print(name, "rows", len(rows))
    for column, factor in numbers:
        values = [float(v) * factor for v in known(rows, column)]
        print(f"  {column} × {factor}: {len(values)} known, sum {math.fsum(values):.6f}, {min(values):.6f} to {max(values):.6f}")
    for column in codes:
        print(f"  {column}:", dict(sorted(Counter(r[column] for r in rows).items())))


def arff(path):
    head, _, data = (FOLDER / path).read_text(encoding="ascii").partition("@data\n")
    names = [line.split()[1] for line in head.splitlines() if line.startswith("@attribute")]
    return list(csv.DictReader(io.StringIO(data), fieldnames=names))


def ends(rows, column):
    """Sums of the lower and of the upper ends of classes such as 10-14."""
    pairs = [v.split("-") for v in known(rows, column)]
    print(f"  {column}: {len(pairs)} classes, ends sum to {sum(int(a) for a, _ in pairs)} and {sum(int(b) for _, b in pairs)}, above none: {sum(int(a) > 0 for a, _ in pairs)}")


show("TRANSBIG", arff("transbig_desmedt_sksurv/breast_cancer_GSE7390-metastasis.arff"), [("age", 1), ("size", 10), ("t.tdm", 1)], ["grade", "er", "e.tdm"])

wpbc = table("wpbc_thdata/wpbc.csv")
show("WPBC", wpbc, [("time", MONTH), ("tsize", 10), ("pnodes", 1)], ["status"])
print("  with positive nodes:", sum(int(v) > 0 for v in known(wpbc, "pnodes")))

names = ["age", "menopause", "tumor-size", "inv-nodes", "node-caps", "deg-malig", "breast", "breast-quad", "irradiat", "class"]
ljubljana = table("ljubljana_uci/breast-cancer.csv", quote="'", header=names)
show("LJUBLJANA", ljubljana, [], ["menopause", "node-caps", "deg-malig", "breast", "breast-quad", "irradiat", "class"])
for column in ["age", "tumor-size", "inv-nodes"]:
    ends(ljubljana, column)

study = "metabric_cbioportal/study_files_2018/"
patients = table(study + "data_clinical_patient.txt", comment="#", delimiter="\t", quote=None)
samples = table(study + "data_clinical_sample.txt", comment="#", delimiter="\t", quote=None)
export = table("metabric_cbioportal/web_export_2017/brca_metabric_clinical_data.tsv", delimiter="\t", quote=None)
show(
    "METABRIC 2018, patients",
    patients,
    [("AGE_AT_DIAGNOSIS", 1), ("OS_MONTHS", MONTH)],
    ["OS_STATUS", "VITAL_STATUS", "LATERALITY", "ER_IHC", "INFERRED_MENOPAUSAL_STATE", "BREAST_SURGERY", "CHEMOTHERAPY", "HORMONE_THERAPY", "RADIO_THERAPY"],
)
show("METABRIC 2018, samples", samples, [("TUMOR_SIZE", 1)], ["GRADE", "TUMOR_STAGE", "ER_STATUS", "PR_STATUS", "HER2_STATUS", "ONCOTREE_CODE"])

# The two exports, cell by cell as they are written.
PAIRS = {
    "OS_MONTHS": "Overall Survival (Months)", "OS_STATUS": "Overall Survival Status", "VITAL_STATUS": "Patient's Vital Status",
    "INTCLUST": "Integrative Cluster", "COHORT": "Cohort", "AGE_AT_DIAGNOSIS": "Age at Diagnosis", "LATERALITY": "Primary Tumor Laterality",
    "NPI": "Nottingham prognostic index", "ER_IHC": "ER status measured by IHC", "INFERRED_MENOPAUSAL_STATE": "Inferred Menopausal State",
    "BREAST_SURGERY": "Type of Breast Surgery", "CELLULARITY": "Cellularity", "HER2_SNP6": "HER2 status measured by SNP6",
    "THREEGENE": "3-Gene classifier subtype", "CLAUDIN_SUBTYPE": "Pam50 + Claudin-low subtype", "CHEMOTHERAPY": "Chemotherapy",
    "HORMONE_THERAPY": "Hormone Therapy", "RADIO_THERAPY": "Radio Therapy", "HISTOLOGICAL_SUBTYPE": "Tumor Other Histologic Subtype",
    "GRADE": "Neoplasm Histologic Grade", "TUMOR_SIZE": "Tumor Size", "TUMOR_STAGE": "Tumor Stage", "ER_STATUS": "ER Status",
    "HER2_STATUS": "HER2 Status", "PR_STATUS": "PR Status", "ONCOTREE_CODE": "Oncotree Code", "SAMPLE_TYPE": "Sample Type",
}
by_patient = {r["Patient ID"]: r for r in export}
study_rows = {r["PATIENT_ID"]: r for r in samples}
for row in patients:
    study_rows[row["PATIENT_ID"]].update(row)
print("METABRIC 2018 and 2017: the same patients:", by_patient.keys() == study_rows.keys())
for ours, theirs in PAIRS.items():
    pairs = Counter((row[ours], by_patient[key][theirs]) for key, row in study_rows.items() if row[ours] != by_patient[key][theirs])
    print(f"  {ours}: {sum(pairs.values())}", dict(pairs) if pairs else "")
