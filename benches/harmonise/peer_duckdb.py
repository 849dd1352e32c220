"""The benchmark job in SQL, as one writes it by hand in DuckDB: peer_duckdb.py EXPORT.csv FOLDER."""
import shutil
import sys
from pathlib import Path

import duckdb

CODES = {
    "sex": ("SEXE", {"F": "'female'", "M": "'male'", "H": "'male'"}),
    "laterality": ("COTE", {"G": "'left'", "D": "'right'", "B": "'bilateral'"}),
    "grade": ("GRADE_SBR", {"1": 1, "I": 1, "2": 2, "II": 2, "3": 3, "III": 3}),
    "her2": ("HER2", {"0": "'negative'", "1+": "'negative'", "2+": "'equivocal'", "3+": "'positive'"}),
    "menopausal_status": ("MENOPAUSE", {"oui": "'post'", "non": "'pre'"}),
    "surgery": ("CHIRURGIE", {"mastectomie": "'mastectomy'", "tumorectomie": "'lumpectomy'", "non opérée": "'none'"}),
    "chemotherapy": ("CHIMIO", {"O": "true", "N": "false"}),
    "hormone_therapy": ("HORMONO", {"O": "true", "N": "false"}),
    "radiotherapy": ("RADIO", {"O": "true", "N": "false"}),
    "deceased": ("STATUT", {"D": "true", "V": "false"}),
}
DATES = {"dob": "DDN", "diagnosis_date": "DATE_DIAG", "relapse_date": "DATE_RECIDIVE", "last_contact_date": "DATE_DN"}
NUMBERS = {
    "size_mm": ("TAILLE_CM", "DOUBLE", "* 10"), "nodes_positive": ("GG_POS", "INT", ""), "nodes_examined": ("GG_EXAM", "INT", ""),
    "er_percent": ("RE_PCT", "DOUBLE", ""), "pr_percent": ("RP_PCT", "DOUBLE", ""), "ki67_percent": ("KI67", "DOUBLE", ""),
}
FINDINGS = {
    "sex:unmapped": "sex IS NULL AND SEXE IS NOT NULL",
    "dob:parse": "dob IS NULL AND DDN IS NOT NULL",
    "diagnosis_date:parse": "diagnosis_date IS NULL",
    "grade:unmapped": "grade IS NULL AND GRADE_SBR IS NOT NULL",
    "size:parse": "size_mm IS NULL AND TAILLE_CM IS NOT NULL",
    "size:range": "size_mm NOT BETWEEN 0 AND 200",
    "er:range": "er_percent NOT BETWEEN 0 AND 100",
    "pr:range": "pr_percent NOT BETWEEN 0 AND 100",
    "ki67:range": "ki67_percent NOT BETWEEN 0 AND 100",
    "nodes:order": "nodes_positive > nodes_examined",
    "age:range": "age_at_diagnosis NOT BETWEEN 18 AND 110",
    "relapse:order": "relapse_date < diagnosis_date",
    "contact:order": "last_contact_date < diagnosis_date",
}


def main():
    export, folder = sys.argv[1], Path(sys.argv[2])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    connection.execute("SET preserve_insertion_order = false")
    cells = ["sha256('s3cret-site-key' || NIP) AS patient_id"]
    for name, (column, codes) in CODES.items():
        cells.append(f"CASE {column} " + " ".join(f"WHEN '{c}' THEN {v}" for c, v in codes.items()) + f" END AS {name}")
    cells += [f"try_strptime({column}, '%d/%m/%Y')::DATE AS {name}" for name, column in DATES.items()]
    cells += [f"TRY_CAST(replace({c}, ',', '.') AS {t}) {by} AS {name}" for name, (c, t, by) in NUMBERS.items()]
    findings = ", ".join(f"CASE WHEN {condition} THEN '{name}' END" for name, condition in FINDINGS.items())
    raw = ["SEXE", "DDN", "GRADE_SBR", "TAILLE_CM"]
    connection.execute(f"""
        CREATE TEMP TABLE job AS
        WITH typed AS (
            SELECT {', '.join(cells)}, {', '.join(raw)}
            FROM read_csv('{export}', delim = ';', header = true, all_varchar = true, quote = '"')),
        derived AS (
            SELECT *,
                date_diff('year', dob, diagnosis_date) - CASE WHEN strftime(diagnosis_date, '%m%d') < strftime(dob, '%m%d') THEN 1 ELSE 0 END AS age_at_diagnosis,
                coalesce(relapse_date, last_contact_date) - diagnosis_date AS rfs_days,
                relapse_date IS NOT NULL OR deceased AS rfs_event
            FROM typed)
        SELECT * EXCLUDE ({', '.join(raw)}, dob), list_filter([{findings}], lambda x: x IS NOT NULL) AS issues FROM derived""")
    for name, condition, fields in (("cohort", "len(issues) = 0", "* EXCLUDE issues"), ("quarantine", "len(issues) > 0", "*")):
        connection.execute(f"COPY (SELECT {fields} FROM job WHERE {condition}) TO '{folder}/{name}.parquet' (FORMAT parquet, COMPRESSION zstd)")
    twice = connection.execute("SELECT count(*) FROM (SELECT patient_id FROM job GROUP BY 1 HAVING count(*) > 1)").fetchone()[0]
    counted = connection.execute("SELECT unnest(issues) AS finding, count(*) FROM job WHERE len(issues) > 0 GROUP BY 1 ORDER BY 1").fetchall()
    connection.execute("SUMMARIZE SELECT * EXCLUDE issues FROM job WHERE len(issues) = 0").fetchall()
    print(twice, counted)


if __name__ == "__main__":
    main()
