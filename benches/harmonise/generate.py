"""The export of the benchmark job: a made breast-cancer registry in French conventions.

    python3 generate.py ROWS FILE.csv [SEED]

Every cell is a function of row number, column and seed, so a file is the same wherever it is
made. One cell in 200 of seven columns is spoilt: 3.5 % of the rows.
"""
import sys

import duckdb


def draw(tag, sides, seed):
    """A whole number from 0 to sides - 1 that depends on the row, a tag and the seed."""
    return f"(hash(row, '{tag}{seed}') % {sides})"


def columns(seed):
    """Name and SQL expression of each column; `row`, `born`, `diagnosed`, `days`, `event` are given."""
    d = lambda tag, sides: draw(tag, sides, seed)
    pick = lambda tag, *words: f"CASE {d(tag, len(words))} " + " ".join(f"WHEN {i} THEN '{w}'" for i, w in enumerate(words)) + " END"
    day = lambda date: f"strftime({date}, '%d/%m/%Y')"
    decimal = lambda tag, sides, by: f"replace(CAST(CAST({d(tag, sides)} AS DOUBLE) / {by} AS VARCHAR), '.', ',')"
    spoilt = lambda tag, bad, good: f"CASE WHEN {d('d' + tag, 200)} = 0 THEN {bad} ELSE {good} END"
    return {
        "NIP": "printf('%010d', row * 7 + 13)",
        "SEXE": spoilt("sx", "'X'", f"CASE WHEN {d('s', 100)} = 0 THEN 'H' ELSE 'F' END"),
        "DDN": spoilt("dob", "'31/02/1960'", day("born")),
        "DATE_DIAG": spoilt("dx", "'00/00/0000'", day("diagnosed")),
        "COTE": f"CASE {d('c', 20)} WHEN 0 THEN 'B' WHEN 1 THEN NULL ELSE CASE WHEN {d('c2', 2)} = 0 THEN 'G' ELSE 'D' END END",
        "GRADE_SBR": spoilt("gr", "'IV'", pick("g", "1", "2", "3", "I", "II", "III")),
        "TAILLE_CM": spoilt("sz", "'env. 2'", decimal("sz", 800, 100)),
        "GG_POS": f"CAST({d('n', 12)} AS VARCHAR)",
        "GG_EXAM": f"CAST({d('n', 12)} + {d('ne', 20)} AS VARCHAR)",
        "RE_PCT": spoilt("re", "'140'", f"CAST({d('re', 101)} AS VARCHAR)"),
        "RP_PCT": f"CAST({d('rp', 101)} AS VARCHAR)",
        "HER2": pick("h2", "0", "1+", "2+", "3+", "ND"),
        "KI67": decimal("ki", 1000, 10),
        "MENOPAUSE": pick("m", "oui", "non", "inconnu"),
        "CHIRURGIE": pick("ch", "mastectomie", "tumorectomie", "non opérée"),
        "CHIMIO": pick("ct", "O", "N"),
        "HORMONO": pick("ht", "O", "N"),
        "RADIO": pick("rt", "O", "N"),
        "DATE_RECIDIVE": f"CASE WHEN event < 25 THEN {day('diagnosed + CAST(days // 2 AS INT)')} END",
        "DATE_DN": spoilt("fu", day("diagnosed - 400"), day("diagnosed + CAST(days AS INT)")),
        "STATUT": "CASE WHEN event % 7 = 0 THEN 'D' ELSE 'V' END",
    }


def main():
    rows, path = int(sys.argv[1]), sys.argv[2]
    seed = sys.argv[3] if len(sys.argv) > 3 else "0"
    d = lambda tag, sides: draw(tag, sides, seed)
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    cells = ", ".join(f"{sql} AS {name}" for name, sql in columns(seed).items())
    persons = f"""
        SELECT row, DATE '1930-01-01' + CAST({d('b', 20000)} AS INT) AS born,
               DATE '2005-01-01' + CAST({d('x', 5500)} AS INT) AS diagnosed,
               {d('fu', 4000)} + 30 AS days, {d('ev', 100)} AS event
        FROM range({rows}) AS t(row)"""
    connection.execute(f"COPY (SELECT {cells} FROM ({persons})) TO '{path}' (FORMAT csv, DELIMITER ';', HEADER)")


if __name__ == "__main__":
    main()
