//! What an xls file would ask of memory, found out before `calamine` opens it.
//!
//! The file is a container of sectors in chains ([MS-CFB]) with a stream of records ([MS-XLS]). `calamine` follows a chain that leads
//! back into itself without end, sets memory aside for the size that a sheet claims, and keeps the whole rectangle around the cells that
//! it finds; where memory is refused, a program ends. What is odd in another way is left to it.

use super::super::record::Failure;
use super::sheet::damaged;

/// A sheet of this format has 65,536 rows and 256 columns.
const ROWS: u64 = 1 << 16;
const COLUMNS: u64 = 1 << 8;
/// Cells of all rectangles that are kept whatever is in them: about a gigabyte.
const MOST: u64 = 1 << 25;
/// Above that, a cell that is there for each so many that are kept.
const THINNEST: u64 = 16;

/// Ends a chain; numbers from `RESERVED` are no sectors.
const LAST: u32 = 0xFFFF_FFFE;
const RESERVED: u32 = 0xFFFF_FFFA;
/// A stream that is shorter stands in small sectors.
const SMALL: u64 = 4096;

/// # Errors
/// Where the file would not be opened in the memory of a common machine.
pub fn check(bytes: &[u8]) -> Result<(), Failure> {
    match stream(bytes)? {
        Some(stream) => records(&stream),
        None => Ok(()),
    }
}

/// Sectors, and which one follows which.
struct Chains<'b> {
    sectors: &'b [u8],
    size: usize,
    next: Vec<u32>,
}

/// The stream of records; `None` where nothing leads to one.
fn stream(bytes: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
    let size = match bytes.get(30) {
        Some(9) => 512,
        Some(12) => 4096,
        _ => return Ok(None),
    };
    let at = |place: usize| number(bytes, place).unwrap_or(LAST);
    let Some(sectors) = bytes.get(size..) else { return Ok(None) };
    let mut file = Chains { sectors, size, next: vec![] };
    let mut tables: Vec<u32> = (76..512).step_by(4).map(at).collect();
    let (mut more, mut steps) = (at(68), 0);
    while more < RESERVED {
        steps += 1;
        if steps > file.count() {
            return Err(loops());
        }
        let Some(sector) = file.sector(more) else { return Ok(None) };
        tables.extend(numbers(sector));
        more = tables.pop().unwrap_or(LAST);
    }
    for table in tables.into_iter().filter(|t| *t < RESERVED) {
        // A table for each sector of a file would be more than there are.
        if file.next.len() > file.count().saturating_add(2 * size) {
            return Err(loops());
        }
        file.next.extend(file.sector(table).map(numbers).into_iter().flatten());
    }
    let Some(directory) = file.chain(at(48), u64::MAX)? else { return Ok(None) };
    let entries: Vec<&[u8]> = directory.chunks_exact(128).collect();
    let entry = |name: &str| {
        let wanted: Vec<u8> = name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        entries.iter().find(|e| e.get(..wanted.len()).is_some_and(|have| have.eq_ignore_ascii_case(&wanted)))
    };
    let first = |entry: &[u8]| number(entry, 116).unwrap_or(LAST);
    let length = |entry: &[u8]| u64::from(number(entry, 120).unwrap_or(0)) | if size == 512 { 0 } else { u64::from(number(entry, 124).unwrap_or(0)) << 32 };
    let (mut inner, mut next) = (vec![], vec![]);
    if let (Some(root), 1..) = (entries.first(), at(64)) {
        inner = file.chain(first(root), length(root))?.unwrap_or_default();
        let table = file.chain(at(60), u64::from(at(64)).saturating_mul(size as u64))?.unwrap_or_default();
        next = numbers(&table).collect();
    }
    let Some(wanted) = entry("Workbook").or_else(|| entry("Book")) else { return Ok(None) };
    let small = Chains { sectors: &inner, size: 64, next };
    let holder = if length(wanted) < SMALL { small } else { file };
    holder.chain(first(wanted), length(wanted))
}

impl<'b> Chains<'b> {
    /// Sectors, one that is cut off among them.
    fn count(&self) -> usize {
        self.sectors.len().div_ceil(self.size)
    }

    fn sector(&self, at: u32) -> Option<&'b [u8]> {
        let from = (at as usize).checked_mul(self.size)?;
        self.sectors.get(from..from.saturating_add(self.size).min(self.sectors.len()))
    }

    /// The bytes of a chain, `length` of them at most; `None` where it leads nowhere.
    fn chain(&self, first: u32, length: u64) -> Result<Option<Vec<u8>>, Failure> {
        let (mut bytes, mut at, mut steps) = (vec![], first, 0);
        while at != LAST && (bytes.len() as u64) < length {
            steps += 1;
            if steps > self.count().saturating_add(1) {
                return Err(loops());
            }
            let (Some(sector), Some(next)) = (self.sector(at), self.next.get(at as usize)) else { return Ok(None) };
            bytes.extend_from_slice(sector);
            at = *next;
        }
        bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        Ok(Some(bytes))
    }
}

fn loops() -> Failure {
    damaged("the parts of its container lead back to themselves")
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

fn numbers(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.chunks_exact(4).filter_map(|four| number(four, 0))
}

fn short(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at.checked_add(2)?)?.try_into().ok().map(|two| u64::from(u16::from_le_bytes(two)))
}

/// The kind of the record at a place, what is in it, and where the next one is.
fn record(stream: &[u8], at: usize) -> Option<(u64, &[u8], usize)> {
    let (kind, length) = (short(stream, at)?, usize::try_from(short(stream, at.checked_add(2)?)?).ok()?);
    let end = at.checked_add(4)?.checked_add(length)?;
    Some((kind, stream.get(at.checked_add(4)?..end)?, end))
}

const BEGIN: u64 = 0x0809;
const END: u64 = 0x000A;

/// Adds up what the sheets would take.
fn records(stream: &[u8]) -> Result<(), Failure> {
    let (mut at, mut asked, mut held) = (0, 0u64, 0u64);
    while let Some((kind, data, next)) = record(stream, at) {
        at = next;
        match kind {
            0x0085 => {
                let (values, formulas) = sheet(stream, number(data, 0).map_or(usize::MAX, |place| place as usize))?;
                asked = asked.saturating_add(values.area()).saturating_add(formulas.area());
                held = held.saturating_add(values.cells);
            }
            END => break,
            _ => {}
        }
    }
    if asked > MOST && asked / THINNEST > held {
        return Err(Failure::Unreadable(format!("its few cells lie so far apart that a table around them has {} million; save it as xlsx, which is read cell by cell", asked / 1_000_000)));
    }
    Ok(())
}

/// The rectangle around cells.
#[derive(Default)]
struct Around {
    cells: u64,
    rows: Option<(u64, u64)>,
    columns: Option<(u64, u64)>,
}

impl Around {
    fn take(&mut self, row: u64, column: u64) {
        let wider = |of: Option<(u64, u64)>, at: u64| Some(of.map_or((at, at), |(from, to)| (from.min(at), to.max(at))));
        (self.cells, self.rows, self.columns) = (self.cells.saturating_add(1), wider(self.rows, row), wider(self.columns, column));
    }

    fn area(&self) -> u64 {
        let wide = |of: Option<(u64, u64)>| of.map_or(0, |(from, to)| to.saturating_sub(from).saturating_add(1));
        wide(self.rows).saturating_mul(wide(self.columns))
    }
}

/// The cells of a sheet whose records begin at a place: all of them, and those with a formula.
fn sheet(stream: &[u8], mut at: usize) -> Result<(Around, Around), Failure> {
    let (mut values, mut formulas) = (Around::default(), Around::default());
    let (mut begun, mut inner) = (false, 0usize);
    while let Some((kind, data, next)) = record(stream, at) {
        at = next;
        match kind {
            // Charts within the sheet have cells of their own, which are none of it.
            BEGIN if begun => inner = inner.saturating_add(1),
            BEGIN => begun = true,
            END if inner > 0 => inner = inner.saturating_sub(1),
            END => break,
            _ if inner > 0 => {}
            0x0200 => {
                let (rows, columns) = claimed(data);
                if rows.saturating_mul(columns) > ROWS.saturating_mul(COLUMNS) {
                    return Err(damaged(&format!("a sheet claims more than {ROWS} rows and {COLUMNS} columns")));
                }
            }
            // Numbers, texts, truth values and errors, formulas; a row of numbers.
            0x0203 | 0x0204 | 0x00D6 | 0x0205 | 0x027E | 0x00FD | 0x0006 | 0x00BD => {
                let (Some(row), Some(column)) = (short(data, 0), short(data, 2)) else { continue };
                let last = if kind == 0x00BD { column.saturating_add((data.len() as u64).saturating_sub(6) / 6).saturating_sub(1).max(column) } else { column };
                if last >= COLUMNS {
                    return Err(damaged(&format!("a cell of row {} lies beyond {COLUMNS} columns", row.saturating_add(1))));
                }
                values.take(row, column);
                values.take(row, last);
                if kind == 0x0006 {
                    formulas.take(row, column);
                }
            }
            _ => {}
        }
    }
    Ok((values, formulas))
}

/// Rows and columns that a sheet claims ([MS-XLS] 2.4.90), as `calamine` counts them.
fn claimed(data: &[u8]) -> (u64, u64) {
    let wide = |at: usize| number(data, at).map_or(0, u64::from);
    let narrow = |at: usize| short(data, at).unwrap_or(0);
    let (rows, columns) = if data.len() < 14 { ((narrow(0), narrow(2)), (narrow(4), narrow(6))) } else { ((wide(0), wide(4)), (narrow(8), narrow(10))) };
    (rows.1.saturating_sub(rows.0).max(1), columns.1.saturating_sub(if columns.0 > 0xFF { 0 } else { columns.0 }).max(1))
}
