//! The queries of a run: every finding of every row, from quarantine and findings, written site by site.
//!
//! What was asked before is known by the files of the run before, which hold the ids; what was answered, by the files that the
//! sites sent back. A finding that was asked before and is found no more is closed.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{Language, Query, Row, Severity, State, Writer, answers, id};
use crate::diagnostic::code;
use crate::error::Error;
use crate::execute::summary::{RunSummary, SiteQueries};
use crate::report::questions::Words;

/// What a run wrote of one source of a site, below its folder.
#[derive(Debug, Clone, Default)]
pub struct Written {
    pub table: String,
    pub site: String,
    pub source: String,
    pub quarantine: Vec<String>,
    pub findings: Vec<String>,
    /// Field → the source column that it is read from.
    pub columns: HashMap<String, String>,
}

/// How queries are written.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub with_values: bool,
    /// Files or folders that sites have sent back.
    pub answers: Vec<PathBuf>,
    /// The folder of the run before.
    pub previous: Option<PathBuf>,
    /// Site → its language.
    pub languages: BTreeMap<String, String>,
}

/// What was asked before, and answered.
#[derive(Default)]
struct Before {
    /// Id → whether it was found again.
    asked: BTreeMap<String, HashMap<String, bool>>,
    answers: HashMap<String, String>,
}

/// Writes `queries/<site>/queries.xlsx` and `.csv` below the run's folder, and says what was asked of each site.
///
/// # Errors
/// When the run or what was sent back cannot be read, or a file cannot be written.
pub fn write(folder: &Path, summary: &RunSummary, written: &[Written], options: &Options) -> Result<Vec<SiteQueries>, Error> {
    let mut before = Before::read(options, &summary.sites)?;
    let words = Words::new(summary);
    let mut out = vec![];
    for site in &summary.sites {
        let mine: Vec<&Written> = written.iter().filter(|w| w.site == *site).collect();
        let mut counts = SiteQueries { site: site.clone(), ..SiteQueries::default() };
        let language = Language::of(options.languages.get(site).map_or("en", String::as_str));
        let mut writer: Option<Writer> = None;
        let place = folder.join("queries").join(site);
        for one in mine {
            let mut ask = |query: Query<'_>| -> Result<(), Error> {
                if writer.is_none() {
                    std::fs::create_dir_all(&place).map_err(|e| Error::environment("creating the folder of queries", e))?;
                    writer = Some(Writer::new(&place, site, language, options.with_values).map_err(|e| Error::environment("writing queries", e))?);
                }
                match query.state {
                    State::New => counts.new += 1,
                    State::Open => counts.open += 1,
                    State::Answered => (counts.open, counts.answered) = (counts.open + 1, counts.answered + 1),
                }
                writer.as_mut().map_or(Ok(()), |w| w.add(&query)).map_err(|e| Error::environment("writing queries", e))
            };
            let mut asker = Asker { one, words: &words, language, before: &mut before, values: options.with_values, said: HashMap::new() };
            for file in &one.quarantine {
                asker.quarantine(&folder.join(file), &mut ask)?;
            }
            for file in &one.findings {
                asker.findings(&folder.join(file), &mut ask)?;
            }
        }
        if let Some(writer) = writer {
            writer.finish().map_err(|e| Error::environment("writing queries", e))?;
        }
        counts.closed = before.asked.get(site).map_or(0, |ids| ids.values().filter(|again| !**again).count() as u64);
        out.push(counts);
    }
    Ok(out)
}

impl Before {
    fn read(options: &Options, sites: &[String]) -> Result<Before, Error> {
        let mut before = Before::default();
        let wrong = |e: super::AnswerError| Error::command_line(e.to_string(), "mend the file, or leave it out of `--answers`");
        if let Some(previous) = &options.previous {
            for site in sites {
                let file = previous.join("queries").join(site).join("queries.csv");
                if file.is_file() {
                    let ids = asked(&file).map_err(wrong)?;
                    before.asked.insert(site.clone(), ids.into_iter().map(|(id, answer)| {
                        // What was answered before stays with the question.
                        if let Some(answer) = answer {
                            before.answers.entry(id.clone()).or_insert(answer);
                        }
                        (id, false)
                    }).collect());
                }
            }
        }
        for path in &options.answers {
            for answer in answers(path).map_err(wrong)? {
                before.answers.insert(answer.id, answer.answer);
            }
        }
        Ok(before)
    }
}

/// Reads the findings of one source of a site.
struct Asker<'a, 'b> {
    one: &'a Written,
    words: &'a Words<'a>,
    language: Language,
    before: &'b mut Before,
    values: bool,
    /// What a rule asks and a field is called, by rule and field: said for many rows.
    said: HashMap<(String, Option<String>), (String, Option<String>)>,
}

/// Takes queries.
type Ask<'a> = dyn FnMut(Query<'_>) -> Result<(), Error> + 'a;

impl Asker<'_, '_> {
    /// Every reason of every refused row.
    fn quarantine(&mut self, path: &Path, ask: &mut Ask<'_>) -> Result<(), Error> {
        for batch in batches(path)? {
            let batch = batch?;
            let place = Place::of(&batch, path)?;
            let reasons = batch.column_by_name("_reasons").and_then(|c| c.as_list_opt::<i32>()).ok_or_else(|| not_ours(path))?;
            for row in 0..batch.num_rows() {
                let all = reasons.value(row);
                let Some(all) = all.as_struct_opt() else { return Err(not_ours(path)) };
                let cells: Vec<ArrayRef> = all.columns().iter().map(|c| cast(c, &DataType::Utf8)).collect::<Result<_, _>>().map_err(|_| not_ours(path))?;
                for at in 0..all.len() {
                    let text = |column: usize| cells.get(column).map(|c| c.as_string::<i32>()).filter(|c| c.is_valid(at)).map(|c| c.value(at));
                    let field = text(1);
                    let column = field.and_then(|f| self.one.columns.get(f)).cloned();
                    let value = self.values.then_some(()).and(column.as_ref()).and_then(|c| cell(&batch, c, row));
                    self.ask(&place, row, [text(0), field, text(2), text(3)], column.as_deref(), value.as_deref(), ask)?;
                }
            }
        }
        Ok(())
    }

    /// Every finding about rows that stayed.
    fn findings(&mut self, path: &Path, ask: &mut Ask<'_>) -> Result<(), Error> {
        for batch in batches(path)? {
            let batch = batch?;
            let place = Place::of(&batch, path)?;
            let cells: Vec<ArrayRef> = ["code", "field", "rule", "severity"].iter().map(|name| texts(&batch, name)).collect::<Option<_>>().ok_or_else(|| not_ours(path))?;
            for row in 0..batch.num_rows() {
                let text = |column: usize| cells.get(column).map(|c| c.as_string::<i32>()).filter(|c| c.is_valid(row)).map(|c| c.value(row));
                let column = text(1).and_then(|f| self.one.columns.get(f)).cloned();
                self.ask(&place, row, [text(0), text(1), text(2), text(3)], column.as_deref(), None, ask)?;
            }
        }
        Ok(())
    }

    fn ask(&mut self, place: &Place, row: usize, [code, field, rule, severity]: [Option<&str>; 4], column: Option<&str>, value: Option<&str>, ask: &mut Ask<'_>) -> Result<(), Error> {
        let (code, rule) = (code.unwrap_or_default(), rule.unwrap_or_default());
        let (file, number) = (place.file(row), place.row(row));
        let key = place.id(row).map(|id| format!("{id:x}"));
        let id = match &key {
            // The row is found by its key whatever the next file is called.
            Some(key) => id(&self.one.site, &self.one.source, "", Row::Key(key), code, field, rule),
            None => id(&self.one.site, &self.one.source, file, Row::Number(number), code, field, rule),
        };
        let pick = |both: [String; 2]| {
            let [en, fr] = both;
            self.language.pick(en, fr)
        };
        let known = (rule.to_owned(), field.map(str::to_owned));
        if !self.said.contains_key(&known) {
            let (table, words) = (&self.one.table, self.words);
            self.said.insert(known.clone(), (pick(words.asks(table, rule, field)), field.map(|f| pick(words.field(table, f)))));
        }
        let (asks, label) = self.said.get(&known).cloned().unwrap_or_default();
        let asked = self.before.asked.get_mut(&self.one.site).and_then(|ids| ids.get_mut(&id));
        let answer = self.before.answers.get(&id).cloned();
        let state = match (asked, &answer) {
            (None, None) => State::New,
            (again, answer) => {
                if let Some(again) = again {
                    *again = true;
                }
                if answer.is_some() { State::Answered } else { State::Open }
            }
        };
        ask(Query {
            id,
            table: &self.one.table,
            source: &self.one.source,
            file,
            row: number,
            key: None,
            field: label.as_deref(),
            column,
            rule,
            code,
            severity: if severity == Some("error") { Severity::Error } else { Severity::Warning },
            asks: &asks,
            value,
            state,
            answer: answer.as_deref(),
        })
    }
}

/// Where the rows of a batch are.
struct Place {
    files: ArrayRef,
    rows: ArrayRef,
    ids: ArrayRef,
}

impl Place {
    fn of(batch: &RecordBatch, path: &Path) -> Result<Place, Error> {
        let whole = |name: &str| batch.column_by_name(name).and_then(|c| cast(c, &DataType::Int64).ok());
        match (texts(batch, "_file"), whole("_row"), whole("_id")) {
            (Some(files), Some(rows), Some(ids)) => Ok(Place { files, rows, ids }),
            _ => Err(not_ours(path)),
        }
    }

    fn file(&self, row: usize) -> &str {
        let files = self.files.as_string::<i32>();
        if files.is_valid(row) { files.value(row) } else { "" }
    }

    fn row(&self, row: usize) -> u64 {
        self.rows.as_primitive::<Int64Type>().value(row).unsigned_abs()
    }

    fn id(&self, row: usize) -> Option<i64> {
        let ids = self.ids.as_primitive::<Int64Type>();
        ids.is_valid(row).then(|| ids.value(row))
    }
}

fn texts(batch: &RecordBatch, name: &str) -> Option<ArrayRef> {
    cast(batch.column_by_name(name)?, &DataType::Utf8).ok()
}

/// A cell as it was delivered.
fn cell(batch: &RecordBatch, column: &str, row: usize) -> Option<String> {
    let cells = cast(&batch.column_by_name(column)?.slice(row, 1), &DataType::Utf8).ok()?;
    let cells = cells.as_string::<i32>();
    cells.is_valid(0).then(|| cells.value(0).to_owned())
}

fn batches(path: &Path) -> Result<impl Iterator<Item = Result<RecordBatch, Error>> + '_, Error> {
    let unreadable = |e: &dyn std::fmt::Display| Error::source(code::UNREADABLE, format!("{} cannot be read: {e}", path.display()));
    let file = File::open(path).map_err(|e| unreadable(&e))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(|b| b.with_batch_size(4096).build()).map_err(|e| unreadable(&e))?;
    Ok(reader.map(move |batch| batch.map_err(|e| unreadable(&e))))
}

fn not_ours(path: &Path) -> Error {
    Error::source(code::UNREADABLE, format!("{} is not what this version writes", path.display()))
}

/// The ids of a run's own file of queries, with the answers that it carried.
fn asked(path: &Path) -> Result<Vec<(String, Option<String>)>, super::AnswerError> {
    let unreadable = |why: String| super::AnswerError::Unreadable { file: path.to_owned(), why };
    let text = std::fs::read_to_string(path).map_err(|e| unreadable(e.to_string()))?;
    let text = text.trim_start_matches('\u{FEFF}');
    let head = text.lines().next().unwrap_or_default();
    let delimiter = if head.contains(';') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
    let columns = reader.headers().map_err(|e| unreadable(e.to_string()))?.clone();
    let place = |names: [&str; 2]| columns.iter().position(|c| names.contains(&c));
    let (Some(id), Some(answer)) = (place(["id", "id"]), place(["Answer", "Réponse"])) else { return Err(super::AnswerError::Columns { file: path.to_owned() }) };
    let mut out = vec![];
    for record in reader.records() {
        let record = record.map_err(|e| unreadable(e.to_string()))?;
        let answer = record.get(answer).map(super::write::revived).filter(|a| !a.is_empty()).map(str::to_owned);
        out.push((record.get(id).unwrap_or_default().to_owned(), answer));
    }
    Ok(out)
}
