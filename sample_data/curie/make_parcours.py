#!/usr/bin/env python3
"""Makes what else the hospital that does not exist has of its patients: the exports of four other programs.

    laboratoire.csv   long laboratory results     traitements.csv   lines of treatment
    imagerie.csv      breast imaging              suivi.csv         visits, with the sites of metastases
    parcours_expected.csv                         what a right run makes of them

They are read off the dossiers (make_curie.py), so persons and dates hang together. Some rows are spoilt
on purpose: results without a number, persons that no dossier knows, a visit before the diagnosis.
`parcours_expected.csv` is counted here, row by row and without any tool, from what was written and from the
rows of the dossiers that `planted.csv` lists as spoilt: those patients are not in the cohort, so nothing
that belongs to them is.

Standard library only. The same seed gives the same bytes on every machine:

    python3 sample_data/curie/make_parcours.py [FOLDER]
"""

import csv
import random
import sys
from collections import Counter, defaultdict
from datetime import date, timedelta
from pathlib import Path

SEED = 1898                                   # the year of polonium and radium
# Examination → spellings, unit, highest value.
EXAMS = {
    "ca15_3": (["CA 15-3", "CA15.3"], "kU/L", 120.0),
    "cea": (["ACE"], "µg/L", 30.0),
    "haemoglobin": (["Hémoglobine"], "g/dL", 17.0),
    "creatinine": (["Créatinine"], "µmol/L", 140.0),
}
UNMAPPED_EXAM = "Vitamine D"
TREATMENTS = ["chirurgie", "chimiothérapie", "radiothérapie", "hormonothérapie", "trastuzumab"]
SITES = ["os", "foie", "poumon", "cerveau"]


def fr(day):
    return day.strftime("%d/%m/%Y")


def comma(number):
    return f"{number:.1f}".replace(".", ",")


def read_date(text):
    try:
        day, month, year = text.split("/")
        return date(int(year), int(month), int(day)) if len(year) == 4 else None
    except ValueError:
        return None


def dossiers(folder):
    """Rows of the dossiers: number, diagnosis, relapse, last news, state, and whether the row is sound."""
    with open(folder / "planted.csv", encoding="utf-8") as listed:
        planted = {(row["file"], int(row["row"])) for row in csv.DictReader(listed)}
    for path in sorted(folder.glob("dossiers_*.csv")):
        with open(path, encoding="windows-1252", errors="replace", newline="") as export:
            for number, row in enumerate(csv.DictReader(export, delimiter=";"), start=2):
                yield {
                    "nip": (row["NIP"] or "").strip(),
                    "diagnosis": read_date((row["Date diagnostic"] or "").strip()),
                    "relapse": read_date((row["Date récidive"] or "").strip()),
                    "last": read_date((row["Date dernières nouvelles"] or "").strip()),
                    "dead": (row["État"] or "").strip().startswith("décédé"),
                    "sound": (path.name, number) not in planted,
                }


def make(folder):
    rng = random.Random(SEED)
    expected = Counter()
    people = list(dossiers(folder))
    sound = {p["nip"]: p for p in people if p["sound"]}
    seen = set()
    labs, treatments, imaging, visits = [], [], [], []
    for p in people:
        if not p["nip"] or p["nip"] in seen or p["diagnosis"] is None or p["last"] is None or rng.random() > 0.3:
            continue
        seen.add(p["nip"])
        at = p["diagnosis"]
        for exam, (names, unit, high) in EXAMS.items():
            for _ in range(rng.choice([0, 1, 1, 2, 3])):
                drawn = at + timedelta(days=rng.randint(-60, 200))
                value = comma(rng.uniform(0.1, high))
                written, row_unit = value, unit
                if exam == "creatinine" and rng.random() < 0.3:
                    written, row_unit = comma(rng.uniform(4.0, 15.0)), "mg/L"
                if rng.random() < 0.02:
                    written = "illisible"
                elif rng.random() < 0.02:
                    written = "<" + written
                labs.append([p["nip"], fr(drawn), rng.choice(names), written, row_unit])
        if rng.random() < 0.1:
            labs.append([p["nip"], fr(at), UNMAPPED_EXAM, "31,0", "µg/L"])
        begun = at + timedelta(days=rng.randint(5, 40))
        for number in range(1, rng.randint(1, 4) + 1):
            ended = begun + timedelta(days=rng.randint(0, 180))
            treatments.append([p["nip"], str(number), rng.choice(TREATMENTS), fr(begun), fr(ended)])
            begun = ended + timedelta(days=rng.randint(1, 30))
        for kind in rng.sample(["mammographie", "échographie", "IRM"], rng.randint(1, 3)):
            imaging.append([p["nip"], fr(at - timedelta(days=rng.randint(0, 30))), kind, str(rng.choice([3, 4, 4, 5, 5])), str(rng.randint(4, 60))])
        if p["last"] > at:
            for day in sorted(rng.sample(range(1, (p["last"] - at).days + 1), min(2, (p["last"] - at).days))):
                when = at + timedelta(days=day)
                sites = rng.sample(SITES, rng.randint(1, 3)) if p["relapse"] and when > p["relapse"] else []
                visits.append([p["nip"], fr(when), "vivante", "|".join(sites)])
    # Persons that no dossier knows; a visit before the diagnosis; a treatment that ends before it begins.
    for n in range(12):
        labs.append([f"99{n:05}", "01/06/2015", "ACE", "2,0", "µg/L"])
    for n in range(7):
        treatments.append([f"99{n:05}", "1", "chirurgie", "01/06/2015", "01/06/2015"])
    for row in rng.sample([t for t in treatments if t[0] in sound], 5):
        row[3], row[4] = "02/01/2019", "01/01/2019"
    for row in rng.sample([i for i in imaging if i[0] in sound], 4):
        row[3] = "8"
    write(folder / "laboratoire.csv", ["NIP", "Date prélèvement", "Examen", "Valeur", "Unité"], labs)
    write(folder / "traitements.csv", ["NIP", "Ligne", "Traitement", "Début", "Fin"], treatments)
    write(folder / "imagerie.csv", ["NIP", "Date", "Modalité", "ACR", "Taille (mm)"], imaging)
    write(folder / "suivi.csv", ["NIP", "Date", "État", "Métastases"], visits)

    # What a right run makes of it.
    expected["tumour accepted"] = len(sound)
    expected["tumour quarantined"] = len(people) - len(sound)
    best = defaultdict(dict)
    fates = Counter()
    # A damaged row of a dossier, or one whose number comes twice, is no row that a value could go to.
    for nip, drawn, name, value, unit in labs:
        exam = next((e for e, (names, _, _) in EXAMS.items() if name in names), None)
        if exam is None or value == "illisible" or nip not in sound:
            continue
        number = float(value.lstrip("<").replace(",", "."))
        if exam == "creatinine" and unit == "mg/L":
            number *= 8.84
        when = read_date(drawn)
        distance = abs((when - sound[nip]["diagnosis"]).days)
        if distance <= 90:
            candidate = (distance, when, number)
            if exam not in best[nip] or candidate < best[nip][exam]:
                best[nip][exam] = candidate
    for exam in EXAMS:
        picked = [cells[exam][2] for cells in best.values() if exam in cells]
        expected[f"biomarker {exam} values"] = len(picked)
        expected[f"biomarker {exam} sum"] = round(sum(picked), 3)
    expected["biomarker accepted"] = len(sound)
    sound_end = [t for t in treatments if read_date(t[4]) >= read_date(t[3])]
    expected["treatment accepted"] = sum(t[0] in sound for t in sound_end)
    expected["treatment quarantined"] = len(treatments) - expected["treatment accepted"]
    expected["imaging accepted"] = sum(i[0] in sound and i[3] != "8" for i in imaging)
    expected["imaging quarantined"] = len(imaging) - expected["imaging accepted"]
    lines = [(v[0], site) for v in visits for site in (v[3].split("|") if v[3] else [""])]
    expected["follow_up accepted"] = sum(nip in sound for nip, _ in lines)
    expected["follow_up quarantined"] = len(lines) - expected["follow_up accepted"]
    expected["follow_up bone"] = sum(nip in sound and site == "os" for nip, site in lines)
    with open(folder / "parcours_expected.csv", "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["what", "number"])
        writer.writerows(sorted(expected.items()))


def write(path, header, rows):
    with open(path, "w", encoding="windows-1252", newline="") as out:
        writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent)
