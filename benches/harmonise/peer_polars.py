"""The benchmark job in Polars' streaming engine, as one writes it by hand: peer_polars.py EXPORT.csv FOLDER.

Polars has no keyed hash, so the pseudonym is a plain 64-bit one, in its favour.
"""
import shutil
import sys
from pathlib import Path

import polars as pl

CODES = {
    "sex": ("SEXE", {"F": "female", "M": "male", "H": "male"}),
    "laterality": ("COTE", {"G": "left", "D": "right", "B": "bilateral"}),
    "grade": ("GRADE_SBR", {"1": 1, "I": 1, "2": 2, "II": 2, "3": 3, "III": 3}),
    "her2": ("HER2", {"0": "negative", "1+": "negative", "2+": "equivocal", "3+": "positive"}),
    "menopausal_status": ("MENOPAUSE", {"oui": "post", "non": "pre"}),
    "surgery": ("CHIRURGIE", {"mastectomie": "mastectomy", "tumorectomie": "lumpectomy", "non opérée": "none"}),
    "chemotherapy": ("CHIMIO", {"O": True, "N": False}),
    "hormone_therapy": ("HORMONO", {"O": True, "N": False}),
    "radiotherapy": ("RADIO", {"O": True, "N": False}),
    "deceased": ("STATUT", {"D": True, "V": False}),
}
DATES = {"dob": "DDN", "diagnosis_date": "DATE_DIAG", "relapse_date": "DATE_RECIDIVE", "last_contact_date": "DATE_DN"}
NUMBERS = {
    "nodes_positive": ("GG_POS", pl.Int32), "nodes_examined": ("GG_EXAM", pl.Int32), "er_percent": ("RE_PCT", pl.Float64),
    "pr_percent": ("RP_PCT", pl.Float64), "ki67_percent": ("KI67", pl.Float64), "size_mm": ("TAILLE_CM", pl.Float64),
}
TYPES = {str: pl.String, int: pl.Int8, bool: pl.Boolean}


def main():
    export, folder = sys.argv[1], Path(sys.argv[2])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    c = pl.col
    typed = {"patient_id": (pl.lit("s3cret-site-key") + c("NIP")).hash()}
    for name, (column, codes) in CODES.items():
        typed[name] = c(column).replace_strict(codes, default=None, return_dtype=TYPES[type(next(iter(codes.values())))])
    typed |= {name: c(column).str.to_date("%d/%m/%Y", strict=False) for name, column in DATES.items()}
    typed |= {name: c(column).str.replace(",", ".", literal=True).cast(kind, strict=False) for name, (column, kind) in NUMBERS.items()}
    typed["size_mm"] = typed["size_mm"] * 10
    day = lambda name: c(name).dt.strftime("%m%d")
    derived = {
        "age_at_diagnosis": c("diagnosis_date").dt.year() - c("dob").dt.year() - (day("diagnosis_date") < day("dob")).cast(pl.Int32),
        "rfs_days": (pl.coalesce("relapse_date", "last_contact_date") - c("diagnosis_date")).dt.total_days(),
        "rfs_event": c("relapse_date").is_not_null() | c("deceased"),
    }
    lost = lambda name, column: c(name).is_null() & c(column).is_not_null()
    outside = lambda name, low, high: ~c(name).is_between(low, high)
    findings = {
        "sex:unmapped": lost("sex", "SEXE"), "dob:parse": lost("dob", "DDN"), "diagnosis_date:parse": c("diagnosis_date").is_null(),
        "grade:unmapped": lost("grade", "GRADE_SBR"), "size:parse": lost("size_mm", "TAILLE_CM"), "size:range": outside("size_mm", 0, 200),
        "er:range": outside("er_percent", 0, 100), "pr:range": outside("pr_percent", 0, 100), "ki67:range": outside("ki67_percent", 0, 100),
        "nodes:order": c("nodes_positive") > c("nodes_examined"), "age:range": outside("age_at_diagnosis", 18, 110),
        "relapse:order": c("relapse_date") < c("diagnosis_date"), "contact:order": c("last_contact_date") < c("diagnosis_date"),
    }
    issues = pl.concat_list([pl.when(condition).then(pl.lit(name)) for name, condition in findings.items()]).list.drop_nulls()
    table = pl.scan_csv(export, separator=";", infer_schema=False).with_columns(**typed).with_columns(**derived).with_columns(issues=issues)
    fields = [name for name in [*typed, *derived] if name != "dob"]
    sink = lambda frame, name: frame.sink_parquet(folder / f"{name}.parquet", compression="zstd", lazy=True)
    accepted = table.filter(c("issues").list.len() == 0).select(fields)
    refused = table.filter(c("issues").list.len() > 0).select([*fields, "issues"])
    pl.collect_all([sink(accepted, "cohort"), sink(refused, "quarantine")], engine="streaming")
    cohort = pl.scan_parquet(folder / "cohort.parquet")
    print(cohort.select(pl.len(), c("patient_id").n_unique().alias("keys")).collect(), cohort.describe().shape)
    print(pl.scan_parquet(folder / "quarantine.parquet").select(c("issues").explode().value_counts()).collect())


if __name__ == "__main__":
    main()
