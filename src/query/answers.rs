//! Reads answers back from what a site returns.
//!
//! A file of queries comes home changed: saved by LibreOffice, as xls or ods, as a CSV in windows-1252 with the other separator,
//! with rows sorted and columns added. So a file is known by what it is and not by its name, and its columns by theirs, in either
//! language and in any order. What cannot be read for certain is an error that says where, and never an answer less: an answer
//! that got lost would be asked for again. No message holds what somebody wrote.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use calamine::{Data, Reader, Xlsx, open_workbook_auto_from_rs};
use encoding_rs::{Encoding, MACINTOSH, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::{is_id, words, write};
use crate::source::guard::guarded;
use crate::source::record::Failure;

/// Rows that are looked at for the names of the columns: a site may write a line above them.
const HEAD: u64 = 20;
/// Names of files in a folder that are read.
const ENDINGS: &[&str] = &["xlsx", "xlsm", "xlsb", "xls", "ods", "csv", "txt", "tsv"];

/// What a site answered to one query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The query's id.
    pub id: String,
    /// As it was written, without blanks around it.
    pub answer: String,
    /// Who answered and when, as written, where the site added such a column.
    pub by: Option<String>,
    pub date: Option<String>,
    /// Where it stands: the file, and the row from 1 (of a CSV: the line).
    pub file: PathBuf,
    pub row: u64,
}

/// An answer from the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// The site changed its source; the next export will tell.
    Corrected,
    /// The value stands although the rule does not like it.
    Right,
    Unknown,
    Other,
}

impl Answer {
    /// Which of the offered answers it is; `None` for words of the site's own.
    pub fn reply(&self) -> Option<Reply> {
        let text = self.answer.trim_end_matches('.').to_lowercase();
        words::REPLIES.iter().find(|(_, en, fr)| text == *en || text == *fr).map(|(reply, ..)| *reply)
    }
}

/// Why answers cannot be taken from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerError {
    /// The file or folder cannot be opened, or is damaged, or encrypted.
    Unreadable { file: PathBuf, why: String },
    /// The folder holds no file of queries.
    Nothing { folder: PathBuf },
    /// The file is not one of queries.
    Columns { file: PathBuf },
    /// A row has an answer but no id.
    Id { file: PathBuf, row: u64 },
    /// Two answers to the same query say different things.
    Contradiction { id: String, first: (PathBuf, u64), second: (PathBuf, u64) },
}

impl fmt::Display for AnswerError {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            AnswerError::Unreadable { file, why } => write!(out, "{} cannot be read: {why}", file.display()),
            AnswerError::Nothing { folder } => write!(out, "{} holds no workbook and no CSV", folder.display()),
            AnswerError::Columns { file } => {
                write!(out, "{} has no row with the column names `Answer` (or `Réponse`) and `id`: is it the file of queries?", file.display())
            }
            AnswerError::Id { file, row } => {
                write!(out, "{}, row {row}: an answer without the id of its query; copy the id back from the file that was sent", file.display())
            }
            AnswerError::Contradiction { id, first, second } => write!(
                out,
                "two different answers to the query {id}: {}, row {}, and {}, row {}; delete the one that does not hold",
                first.0.display(),
                first.1,
                second.0.display(),
                second.1
            ),
        }
    }
}

impl std::error::Error for AnswerError {}

/// The answers in a workbook or a CSV of queries, or in all those of a folder, in the order of names and rows. A query whose answer
/// is empty is left out, and one that is answered alike twice is there once.
///
/// # Errors
/// When a file cannot be read for certain; see [`AnswerError`].
pub fn answers(path: &Path) -> Result<Vec<Answer>, AnswerError> {
    let files = if path.is_dir() { files(path)? } else { vec![path.to_owned()] };
    let mut found: Vec<Answer> = vec![];
    let mut known: HashMap<String, usize> = HashMap::new();
    for file in files {
        for answer in of_file(&file)? {
            match known.entry(answer.id.clone()) {
                Entry::Vacant(place) => {
                    place.insert(found.len());
                    found.push(answer);
                }
                Entry::Occupied(place) => {
                    let first = &found[*place.get()];
                    if first.answer != answer.answer {
                        let (first, second) = ((first.file.clone(), first.row), (answer.file, answer.row));
                        return Err(AnswerError::Contradiction { id: answer.id, first, second });
                    }
                }
            }
        }
    }
    Ok(found)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, AnswerError> {
    let failed = |e: std::io::Error| AnswerError::Unreadable { file: folder.to_owned(), why: e.to_string() };
    let mut files = vec![];
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        // Office keeps `~$queries.xlsx` beside an open workbook, LibreOffice `.~lock.queries.xlsx#`.
        let own = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with(['~', '.']));
        if path.is_file() && !own && ending.is_some_and(|e| ENDINGS.contains(&e.as_str())) {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() { Err(AnswerError::Nothing { folder: folder.to_owned() }) } else { Ok(files) }
}

fn of_file(path: &Path) -> Result<Vec<Answer>, AnswerError> {
    let unreadable = |why: String| AnswerError::Unreadable { file: path.to_owned(), why };
    let mut file = File::open(path).map_err(|e| unreadable(e.to_string()))?;
    let mut begin = [0; 4];
    let got = file.read(&mut begin).map_err(|e| unreadable(e.to_string()))?;
    file.seek(SeekFrom::Start(0)).map_err(|e| unreadable(e.to_string()))?;
    match begin.get(..got).unwrap_or_default() {
        [] => Err(unreadable("it is empty".into())),
        [b'P', b'K', ..] | [0xD0, 0xCF, 0x11, 0xE0] => {
            let mut table = Table::new(path);
            guarded("the workbook", || of_workbook(file, &mut table)).map_err(|failure| match failure {
                Failure::Unreadable(why) => unreadable(why),
                _ => unreadable("the workbook is damaged".into()),
            })?;
            table.answers()
        }
        _ => {
            let mut bytes = vec![];
            file.read_to_end(&mut bytes).map_err(|e| unreadable(e.to_string()))?;
            of_text(path, &bytes)
        }
    }
}

fn of_workbook(file: File, table: &mut Table) -> Result<(), Failure> {
    fn damaged<E>(_: E) -> Failure {
        Failure::Unreadable("the workbook is damaged or has a password; ask the site to save it again, without one".into())
    }
    let mut again = file.try_clone().map_err(damaged)?;
    if let Ok(mut book) = Xlsx::new(BufReader::new(file)) {
        for sheet in book.sheet_names() {
            table.begin();
            let mut cells = match book.worksheet_cells_reader(&sheet) {
                Ok(cells) => cells,
                // A sheet of a chart.
                Err(calamine::XlsxError::WorksheetNotFound(_) | calamine::XlsxError::NotAWorksheet(_)) => continue,
                Err(e) => return Err(damaged(e)),
            };
            let (mut row, mut texts) = (0, vec![]);
            while let Some(cell) = cells.next_cell().map_err(damaged)? {
                let (at, column) = cell.get_position();
                if at != row && !texts.is_empty() {
                    table.take(u64::from(row) + 1, &texts);
                    texts.clear();
                }
                row = at;
                put(&mut texts, column as usize, text(&Data::from(cell.get_value().clone())));
            }
            table.take(u64::from(row) + 1, &texts);
        }
        return Ok(());
    }
    let mut bytes = vec![];
    again.seek(SeekFrom::Start(0)).and_then(|_| again.read_to_end(&mut bytes)).map_err(damaged)?;
    let mut book = open_workbook_auto_from_rs(Cursor::new(bytes.as_slice())).map_err(damaged)?;
    for sheet in book.sheet_names() {
        table.begin();
        let range = book.worksheet_range(&sheet).map_err(damaged)?;
        let (top, left) = range.start().unwrap_or_default();
        for (row, cells) in (u64::from(top) + 1..).zip(range.rows()) {
            let mut texts = vec![];
            for (column, cell) in (left as usize..).zip(cells) {
                put(&mut texts, column, text(cell));
            }
            table.take(row, &texts);
        }
    }
    Ok(())
}

fn put(texts: &mut Vec<String>, column: usize, text: String) {
    if !text.is_empty() && column < 16_384 {
        if texts.len() <= column {
            texts.resize(column + 1, String::new());
        }
        texts[column] = text;
    }
}

/// A cell as text.
fn text(cell: &Data) -> String {
    match cell {
        Data::DateTime(when) if when.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = when.to_ymd_hms_milli();
            let date = format!("{year:04}-{month:02}-{day:02}");
            if (hour, minute, second) == (0, 0, 0) { date } else { format!("{date} {hour:02}:{minute:02}:{second:02}") }
        }
        other => other.to_string(),
    }
}

fn of_text(path: &Path, bytes: &[u8]) -> Result<Vec<Answer>, AnswerError> {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        let (text, _) = encoding.decode_with_bom_removal(bytes);
        return of_csv(path, &lines(&text)).unwrap_or_else(|| Err(AnswerError::Columns { file: path.to_owned() }));
    }
    // What Excel for Windows and for the Mac write when asked for a CSV. The accent in `Réponse` tells which.
    let encodings = [UTF_8, WINDOWS_1252, MACINTOSH, UTF_16LE, UTF_16BE];
    let found = encodings.into_iter().find_map(|encoding| {
        let (text, wrong) = encoding.decode_without_bom_handling(bytes);
        if wrong { None } else { of_csv(path, &lines(&text)) }
    });
    found.unwrap_or_else(|| Err(AnswerError::Columns { file: path.to_owned() }))
}

/// With one kind of line end, so that lines are counted as an editor counts them.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// `None` if no separator gives the names of the columns.
fn of_csv(path: &Path, text: &str) -> Option<Result<Vec<Answer>, AnswerError>> {
    b";,\t".iter().find_map(|delimiter| {
        let mut table = Table::new(path);
        table.apostrophes = true;
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(*delimiter).from_reader(text.as_bytes());
        let mut record = csv::StringRecord::new();
        let mut number = 0;
        while reader.read_record(&mut record).ok()? {
            let line = record.position().map_or(0, csv::Position::line);
            let cells: Vec<String> = record.iter().map(str::to_owned).collect();
            table.take(line, &cells);
            number += 1;
            if number > HEAD && table.columns.is_none() {
                return None;
            }
        }
        table.known.then(|| table.answers())
    })
}

/// Where the columns are.
struct Columns {
    id: usize,
    answer: usize,
    by: Option<usize>,
    date: Option<usize>,
}

impl Columns {
    fn of(cells: &[String]) -> Option<Columns> {
        let names: Vec<String> = cells.iter().map(|c| c.trim().trim_end_matches(':').trim_end().to_lowercase()).collect();
        let place = |wanted: &[&str]| names.iter().position(|name| wanted.contains(&name.as_str()));
        let (en, fr) = words::COLUMNS[words::ANSWER];
        let answer = place(&[&en.to_lowercase(), &fr.to_lowercase(), "reponse"])?;
        Some(Columns { id: place(&["id"])?, answer, by: place(words::BY), date: place(words::DATE) })
    }
}

/// Takes the rows of a file.
struct Table<'a> {
    file: &'a Path,
    /// Whether texts carry the apostrophe of [`write::inert`].
    apostrophes: bool,
    columns: Option<Columns>,
    /// Rows of the sheet so far.
    seen: u64,
    /// Whether any sheet had the columns.
    known: bool,
    answers: Vec<Answer>,
    /// The first row with an answer and no id.
    without_id: Option<u64>,
}

impl<'a> Table<'a> {
    fn new(file: &'a Path) -> Table<'a> {
        Table { file, apostrophes: false, columns: None, seen: 0, known: false, answers: vec![], without_id: None }
    }

    /// Begins a sheet.
    fn begin(&mut self) {
        (self.columns, self.seen) = (None, 0);
    }

    fn take(&mut self, row: u64, cells: &[String]) {
        self.seen += 1;
        let Some(columns) = &self.columns else {
            if self.seen <= HEAD {
                self.columns = Columns::of(cells);
                self.known |= self.columns.is_some();
            }
            return;
        };
        let cell = |at: usize| {
            let text = cells.get(at).map_or("", String::as_str).trim();
            if self.apostrophes { write::revived(text).trim() } else { text }
        };
        let answer = cell(columns.answer);
        if answer.is_empty() {
            return;
        }
        let id = cell(columns.id).trim_start_matches('\'').to_lowercase();
        if !is_id(&id) {
            self.without_id.get_or_insert(row);
            return;
        }
        let optional = |at: Option<usize>| at.map(cell).filter(|text| !text.is_empty()).map(str::to_owned);
        self.answers.push(Answer { id, answer: answer.to_owned(), by: optional(columns.by), date: optional(columns.date), file: self.file.to_owned(), row });
    }

    fn answers(self) -> Result<Vec<Answer>, AnswerError> {
        match self.without_id {
            _ if !self.known => Err(AnswerError::Columns { file: self.file.to_owned() }),
            Some(row) => Err(AnswerError::Id { file: self.file.to_owned(), row }),
            None => Ok(self.answers),
        }
    }
}
