#!/usr/bin/env python3
"""Makes the exports of a hospital that does not exist.

`curie` is a French breast-cancer clinic. About five thousand patients, diagnosed 2006 to 2017 and
followed until the end of 2019, in three files as its three successive programs wrote them:

    dossiers_2006_2009.csv   dossiers_2010_2013.csv   dossiers_2014_2017.csv   planted.csv

windows-1252, semicolons, CRLF, decimal commas, dd/mm/yyyy, words for codes, sizes in centimetres;
nothing for "missing" in one program, `ND` or `NR` in another. About one row in twenty is spoilt,
each in exactly one way, and `planted.csv` says which, how and where: a quarantine that finds these
rows and no others is right.

Standard library only. The same seed gives the same bytes on every machine:

    python3 sample_data/curie/make_curie.py [FOLDER]
"""

import csv
import math
import random
import sys
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

SEED = 1867                                   # the year Marie Skłodowska was born
EXPORT_DAY = date(2019, 12, 31)               # nobody is followed beyond it

# ---------------------------------------------------------------------------------------------------
# The three files: years of diagnosis, patients, word for "missing", share of Ki67 measured, columns.

BASE = ["NIP", "Sexe", "Né(e) le", "Date diagnostic", "Latéralité", "Ménopause", "Taille (cm)", "Grade SBR",
        "Ganglions envahis", "Ganglions examinés", "RE (%)", "RP (%)", "HER2", "Ki67 (%)", "Chirurgie",
        "Chimiothérapie", "Hormonothérapie", "Radiothérapie", "Date récidive", "Date dernières nouvelles",
        "État", "Commentaire"]

COST = "Coût séjour (€)"                      # in one file only; nobody maps it

FILES = [
    dict(name="dossiers_2006_2009.csv", years=(2006, 2009), patients=1380, missing=["", "", "ND"], ki67=0.04,
         columns=BASE),
    # The second program writes the follow-up first, and what the stay has cost.
    dict(name="dossiers_2010_2013.csv", years=(2010, 2013), patients=1700, missing=["", "ND", "NR"], ki67=0.68,
         columns=["NIP", "État", "Date dernières nouvelles", "Date récidive", "Né(e) le", "Sexe", "Date diagnostic",
                  "Commentaire", "Latéralité", "Ménopause", "Grade SBR", "Taille (cm)", "Ganglions examinés",
                  "Ganglions envahis", "HER2", "RE (%)", "RP (%)", "Ki67 (%)", COST, "Chirurgie", "Radiothérapie",
                  "Chimiothérapie", "Hormonothérapie"]),
    # The third one goes by theme: person, treatment, tumour, follow-up.
    dict(name="dossiers_2014_2017.csv", years=(2014, 2017), patients=1920, missing=["", "NR"], ki67=0.95,
         columns=["NIP", "Né(e) le", "Sexe", "Ménopause", "Chirurgie", "Chimiothérapie", "Radiothérapie",
                  "Hormonothérapie", "Date diagnostic", "Latéralité", "Taille (cm)", "Grade SBR", "Ganglions examinés",
                  "Ganglions envahis", "RE (%)", "RP (%)", "HER2", "Ki67 (%)", "Date récidive",
                  "Date dernières nouvelles", "État", "Commentaire"]),
]

# ---------------------------------------------------------------------------------------------------
# A patient


def chance(rng, probability):
    return rng.random() < probability


def logistic(x):
    return 1 / (1 + math.exp(-x))


def fr(day):
    return day.strftime("%d/%m/%Y")


def comma(number, digits=1):
    """2.0 -> "2", 1.8 -> "1,8": as a French spreadsheet shows it."""
    text = f"{number:.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace(".", ",")


def poisson(rng, mean):
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count


def percent_stained(rng, positive):
    """Share of stained nuclei: near 0 or near 100, seldom between; pathologists write multiples of 5."""
    if not positive:
        return rng.choices([0, 1, 2, 5], [70, 12, 6, 12])[0]
    return min(100, max(10, 5 * round(100 * rng.betavariate(4.5, 1.1) / 5)))


def patient(rng, years):
    """One clean patient: a dict of what a clinician knows, dates as dates, numbers as numbers, None as unknown."""
    first, last = date(years[0], 1, 1), date(years[1], 12, 31)
    diagnosis = first + timedelta(days=rng.randrange((last - first).days + 1))
    if diagnosis.weekday() >= 5:              # no consultation at the weekend
        diagnosis -= timedelta(days=diagnosis.weekday() - 4)
        diagnosis = max(diagnosis, first)
    male = chance(rng, 0.008)
    age = min(94.9, max(24.5, rng.gauss(66 if male else 59.5, 13)))
    birth = diagnosis - timedelta(days=round(age * 365.25))

    # Tumour: large ones are of higher grade and have more nodes; receptors follow the grade.
    size_cm = min(12.0, max(0.2, rng.lognormvariate(math.log(1.9), 0.58)))
    g = rng.gauss(0, 1) + 0.45 * math.log(size_cm / 1.9) - 0.012 * (age - 60)
    grade = 1 if g < -0.85 else 2 if g < 0.50 else 3
    er_positive = chance(rng, {1: 0.97, 2: 0.90, 3: 0.58}[grade])
    pr_positive = chance(rng, 0.80 if er_positive else 0.04)
    er, pr = percent_stained(rng, er_positive), percent_stained(rng, pr_positive)
    h = rng.random()
    her2 = "positif" if h < {1: 0.04, 2: 0.11, 3: 0.23}[grade] else "équivoque" if h > 0.965 else "négatif"
    ki67 = min(95.0, max(1.0, rng.lognormvariate(math.log({1: 8, 2: 15, 3: 34}[grade]), 0.45)))
    ki67 = round(ki67) if chance(rng, 0.9) else round(ki67 * 2) / 2
    if male:
        menopause = None
    else:
        m = logistic((age - 51) / 1.9)
        menopause = "oui" if chance(rng, m) else "périménopause" if 44 < age < 56 and chance(rng, 0.22) else "non"
        if chance(rng, 0.015):
            menopause = "inconnu"

    # Surgery and nodes: without an operation no node is counted.
    s = rng.random()
    if s < 0.01 + 0.09 * (age > 82):
        surgery = "non opérée"
    else:
        surgery = "mastectomie" if chance(rng, 0.14 + logistic((size_cm - 3.4) * 1.5) * 0.62) else "tumorectomie"
    if surgery == "non opérée":
        positive = examined = None
    else:
        involved = chance(rng, logistic(-1.35 + 0.95 * math.log(size_cm / 1.6) + 0.22 * (grade - 2)))
        if involved:
            examined = max(4, poisson(rng, 13))
            positive = min(examined, 1 + int(rng.expovariate(1 / (1.1 + 0.75 * size_cm))))
        else:
            examined = rng.choice([1, 1, 2, 2, 2, 3, 3, 4]) if chance(rng, 0.68) else max(5, poisson(rng, 12))
            positive = 0

    # Treatment as the guidelines of those years would have it, and not always.
    risk = (positive or 0) > 0 or grade == 3 or her2 == "positif" or size_cm > 3 or not er_positive
    chemo = chance(rng, (0.82 if risk else 0.10) * (1 if age < 70 else 0.33 if age < 78 else 0.04))
    hormone = chance(rng, 0.90 if er_positive or pr_positive else 0.015)
    if surgery == "tumorectomie":
        radio = chance(rng, 0.96 if age < 80 else 0.72)
    else:
        radio = chance(rng, 0.84 if (positive or 0) > 0 or size_cm > 5 else 0.14)

    # Relapse: a Weibull time whose hazard follows grade, nodes, size, HER2 and treatment.
    log_hazard = (0.55 * (grade - 2) + 0.42 * math.log1p(positive or 0) + 0.33 * math.log(size_cm / 1.9)
                  + (0.30 if her2 == "positif" else 0) + (0.25 if er < 10 else 0)
                  - (0.55 if hormone else 0) - (0.30 if chemo else 0) - (0.25 if radio else 0)
                  + (0.9 if surgery == "non opérée" else 0) - 0.008 * (age - 60))
    shape, scale = 1.15, 26.0
    years_to_relapse = scale * (-math.log(1 - rng.random()) / math.exp(log_hazard)) ** (1 / shape)
    relapse = diagnosis + timedelta(days=max(45, round(years_to_relapse * 365.25))) if years_to_relapse < 60 else None

    # Death: of the disease after a relapse, of something else by Gompertz's law.
    gompertz_a, gompertz_b = (0.000019 if not male else 0.000030), 0.097
    other = math.log1p(-math.log(1 - rng.random()) * gompertz_b / (gompertz_a * math.exp(gompertz_b * age))) / gompertz_b
    death = diagnosis + timedelta(days=max(20, round(other * 365.25)))
    if relapse is not None:
        survival = rng.expovariate(1 / (1.6 if er < 10 else 4.2))
        death = min(death, relapse + timedelta(days=max(10, round(survival * 365.25))))

    # Follow-up: yearly visits, so a living patient was last seen up to a year or so before the export.
    if chance(rng, 0.07):                     # lost to follow-up
        seen = diagnosis + timedelta(days=rng.randrange(120, max(121, (EXPORT_DAY - diagnosis).days)))
    else:
        seen = EXPORT_DAY - timedelta(days=min(int(rng.expovariate(1 / 150)), 600))
    seen = max(seen, diagnosis + timedelta(days=30))
    dead = death <= seen
    last = min(death, seen)
    if relapse is not None and relapse > last:
        relapse = None

    return dict(male=male, birth=birth, diagnosis=diagnosis, size_cm=size_cm, grade=grade, er=er, pr=pr, her2=her2,
                ki67=ki67, menopause=menopause, surgery=surgery, positive=positive, examined=examined, chemo=chemo,
                hormone=hormone, radio=radio, relapse=relapse, last=last, dead=dead, age=age)


# ---------------------------------------------------------------------------------------------------
# What the secretary typed

COMMENTS = [
    "RAS", "Suivi annuel en ville", "Sœur atteinte à 47 ans ; mère indemne", "Antécédent cardiaque : avis du cœur demandé",
    "Revue en RCP", "Patiente suivie aussi à l'hôpital de Melun", "Essai proposé, refusé", "Taxi remboursé (38,50 €)",
    'Dit "se sentir bien"', "Scanner du 12/03 normal ; à revoir dans 6 mois", 'Lame dite "limite" ; relue',
    "Œdème du bras, kinésithérapie", "Adressée par le Dr Lefèvre\r\nCourrier joint", "Vue en urgence\nle week-end",
    "Consultation d'oncogénétique :\r\n- BRCA1 non muté\r\n- BRCA2 non muté", "Tolérance moyenne ; \"bouffées\"\r\nDose maintenue",
]


def cells(rng, p, file, nip):
    """The row as typed: a dict column -> text. Missing values are written as this program writes them."""
    def missing():
        return rng.choice(file["missing"])

    def known(text, share):
        return text if chance(rng, share) else missing()

    def yes(flag):
        return "oui" if flag else "non"

    side = rng.choices(["gauche", "droite", "bilatérale"], [50, 48, 2])[0]
    if chance(rng, 0.03):
        side = side.upper() if chance(rng, 0.5) else side.capitalize()      # Caps Lock is no error
    nodes_known = p["positive"] is not None and chance(rng, 0.975)
    return {
        "NIP": nip,
        "Sexe": "Masculin" if p["male"] else "Féminin",
        "Né(e) le": fr(p["birth"]),
        "Date diagnostic": fr(p["diagnosis"]),
        "Latéralité": known(side, 0.985),
        "Ménopause": p["menopause"] if p["menopause"] else missing(),
        "Taille (cm)": known(comma(p["size_cm"]), 0.965),
        "Grade SBR": known("I" * p["grade"], 0.955),
        "Ganglions envahis": str(p["positive"]) if nodes_known else missing(),
        "Ganglions examinés": str(p["examined"]) if nodes_known else missing(),
        "RE (%)": known(str(p["er"]), 0.975),
        "RP (%)": known(str(p["pr"]), 0.965),
        "HER2": known(p["her2"], 0.90 if file["years"][0] == 2006 else 0.985),
        "Ki67 (%)": known(comma(p["ki67"]), file["ki67"]),
        "Chirurgie": p["surgery"],
        "Chimiothérapie": known(yes(p["chemo"]), 0.985),
        "Hormonothérapie": known(yes(p["hormone"]), 0.985),
        "Radiothérapie": known(yes(p["radio"]), 0.98),
        "Date récidive": fr(p["relapse"]) if p["relapse"] else "",
        "Date dernières nouvelles": fr(p["last"]),
        "État": ("décédé" if p["male"] else "décédée") if p["dead"] else ("vivant" if p["male"] else "vivante"),
        "Commentaire": rng.choice(COMMENTS) if chance(rng, 0.22) else "",
        COST: comma(rng.uniform(900, 9800), 2),
    }


# ---------------------------------------------------------------------------------------------------
# The dirt. Each kind takes a clean row and spoils it once; it says which column it spoilt, or None where
# this row does not lend itself to it. A few kinds act on the written line: SHAPE below.


def put(column, *texts):
    def spoil(rng, row, p):
        row[column] = rng.choice(texts)
        return column
    return spoil


def nodes_over_examined(rng, row, p):
    if not row["Ganglions examinés"].isdigit():
        return None
    row["Ganglions envahis"] = str(int(row["Ganglions examinés"]) + rng.randint(1, 6))
    return "Ganglions envahis"


def negative_nodes(rng, row, p):
    if not row["Ganglions envahis"].isdigit():
        return None
    row["Ganglions envahis"] = rng.choice(["-1", "-2", "-9"])
    return "Ganglions envahis"


def over_100(rng, row, p):
    column = rng.choice(["RE (%)", "RP (%)"])
    row[column] = rng.choice(["110", "900", "850", "105"])
    return column


def born_after_diagnosis(rng, row, p):
    row["Né(e) le"] = fr(p["diagnosis"] + timedelta(days=rng.randint(40, 900)))
    return "Né(e) le"


def a_child(rng, row, p):
    row["Né(e) le"] = fr(p["diagnosis"] - timedelta(days=round(365.25 * rng.uniform(3, 17))))
    return "Né(e) le"


def relapse_first(rng, row, p):
    row["Date récidive"] = fr(p["diagnosis"] - timedelta(days=rng.randint(30, 1500)))
    return "Date récidive"


def last_seen_first(rng, row, p):
    if p["relapse"]:
        return None
    row["Date dernières nouvelles"] = fr(p["diagnosis"] - timedelta(days=rng.randint(30, 700)))
    return "Date dernières nouvelles"


def relapse_after_last(rng, row, p):
    row["Date récidive"] = fr(p["last"] + timedelta(days=rng.randint(30, 400)))
    return "Date récidive"


def reorder(column, form):
    def spoil(rng, row, p):
        day = p[column[1]]
        if day is None or day.day <= 12:      # 03/04 could be read either way: take a day that cannot
            return None
        row[column[0]] = day.strftime(form)
        return column[0]
    return spoil


def serial(rng, row, p):
    row["Date diagnostic"] = str((p["diagnosis"] - date(1899, 12, 30)).days)
    return "Date diagnostic"


def inject(what):
    def spoil(rng, row, p):
        column = rng.choice(["Latéralité", "Chirurgie", "HER2", "NIP"])
        text = row[column] if len(row[column]) > 2 else "gauche"
        row[column] = text[:3] + what + text[3:]
        return column
    return spoil


CELL = {   # kind: (how many, how)
    "impossible_date":             (8, put("Né(e) le", "31/02/1960", "30/02/1948", "31/04/1955", "29/02/1961", "31/11/1952")),
    "zero_date":                   (8, put("Date diagnostic", "00/00/0000")),
    "iso_date":                    (9, reorder(("Date diagnostic", "diagnosis"), "%Y-%m-%d")),
    "us_date":                     (7, reorder(("Date dernières nouvelles", "last"), "%m/%d/%Y")),
    "two_digit_year":              (6, reorder(("Date diagnostic", "diagnosis"), "%d/%m/%y")),
    "spreadsheet_serial_date":     (5, serial),
    "unknown_sex":                 (6, put("Sexe", "Indéterminé", "X")),
    "unknown_grade":               (7, put("Grade SBR", "IV")),
    "unknown_laterality":          (31, put("Latéralité", "G")),                # one secretary, one habit
    "unknown_surgery":             (26, put("Chirurgie", "quadrantectomie")),   # a real operation that nobody mapped
    "unknown_her2":                (5, put("HER2", "2+ FISH en cours")),
    "unknown_yes_no":              (6, put("Chimiothérapie", "prévue", "en attente")),
    "text_in_size":                (8, put("Taille (cm)", "env. 2", "< 1", "2 à 3", "infiltrant")),
    "broken_number":               (6, put("Taille (cm)", "1,2,3", "2,,5", "1.234,5")),
    "size_out_of_range":           (6, put("Taille (cm)", "45", "38", "120")),  # millimetres, typed as centimetres
    "percent_over_100":            (6, over_100),
    "negative_nodes":              (5, negative_nodes),
    "nodes_over_examined":         (9, nodes_over_examined),
    "diagnosis_before_birth":      (5, born_after_diagnosis),
    "under_18":                    (5, a_child),
    "relapse_before_diagnosis":    (7, relapse_first),
    "relapse_after_last_contact":  (5, relapse_after_last),
    "last_contact_before_diagnosis": (6, last_seen_first),
    "missing_nip":                 (7, put("NIP", "", "ND")),
    "invalid_byte":                (6, inject("\x81")),     # 0x81 stands for nothing in windows-1252
    "nul_byte":                    (5, inject("\0")),
}
SHAPE = {"too_few_cells": 6, "too_many_cells": 7}           # an interrupted line; an unquoted semicolon
TWICE_IN_FILE, TWICE_ACROSS = 4, 1                          # pairs of rows with one NIP

# ---------------------------------------------------------------------------------------------------
# Writing


def cell_text(text):
    if any(c in text for c in ';"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def encode(line):
    """windows-1252, but for the byte 0x81, which that encoding leaves undefined: written as it is."""
    return b"\x81".join(part.encode("cp1252") for part in line.split("\x81"))


def make(folder):
    rng = random.Random(SEED)
    number = 104_000                          # NIPs rise with time, with gaps
    tables = []
    for file in FILES:
        people = sorted((patient(rng, file["years"]) for _ in range(file["patients"])), key=lambda p: p["diagnosis"])
        rows = []
        for p in people:
            number += rng.choice([1, 1, 1, 2, 3, 7])
            rows.append([cells(rng, p, file, f"{number:07d}"), p, None, None])     # row, patient, kind, column
        tables.append(rows)

    # Which rows are spoilt: drawn without replacement over all files, so that no row is spoilt twice.
    clean = [(f, i) for f, rows in enumerate(tables) for i in range(len(rows))]
    rng.shuffle(clean)
    for kind, (count, spoil) in CELL.items():
        skipped = []
        while count:
            f, i = clean.pop()
            entry = tables[f][i]
            column = spoil(rng, entry[0], entry[1])
            if column is None:
                skipped.append((f, i))
                continue
            entry[2], entry[3] = kind, column
            count -= 1
        clean = skipped + clean
    for kind, count in SHAPE.items():
        for _ in range(count):
            f, i = clean.pop()
            tables[f][i][2:] = [kind, ""]

    # A patient entered twice: the rows differ in the comment alone.
    def enter_twice(f, i, g, at):
        entry = tables[f][i]
        again = dict(entry[0], Commentaire="Dossier ressaisi")
        entry[2:] = ["duplicate_nip", "NIP"]
        return g, at, [again, entry[1], "duplicate_nip", "NIP"]

    added = []
    for _ in range(TWICE_IN_FILE):
        f, i = clean.pop()
        added.append(enter_twice(f, i, f, min(len(tables[f]), i + rng.randint(1, 60))))
    f, i = next(place for place in clean if place[0] == 0)
    clean.remove((f, i))
    added.append(enter_twice(f, i, 1, 12))    # diagnosed under the old program, entered again under the new one
    for g, at, entry in sorted(added, key=lambda a: -a[1]):
        tables[g].insert(at, entry)

    planted = []
    for file, rows in zip(FILES, tables):
        lines = [";".join(file["columns"])]
        for number, (row, _, kind, column) in enumerate(rows, start=2):
            texts = [cell_text(row[name]) for name in file["columns"]]
            if kind == "too_few_cells":
                texts = texts[:len(texts) - rng.choice([3, 5, 9])]
            elif kind == "too_many_cells":
                at = file["columns"].index("Commentaire")
                texts[at] = rng.choice(["Sœur atteinte ; mère indemne", "Revue en RCP ; suivi en ville"])
            lines.append(";".join(texts))
            if kind:
                planted.append((file["name"], number, kind, column))
        (folder / file["name"]).write_bytes(b"".join(encode(line) + b"\r\n" for line in lines))

    with open(folder / "planted.csv", "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["file", "row", "kind", "column"])
        writer.writerows(planted)

    counts = Counter(kind for _, _, kind, _ in planted)
    total = sum(len(rows) for rows in tables)
    for kind, count in sorted(counts.items()):
        print(f"{kind:<32}{count:>4}")
    print(f"{total} rows, {len(planted)} spoilt ({100 * len(planted) / total:.1f} %), {len(counts)} kinds")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent)
