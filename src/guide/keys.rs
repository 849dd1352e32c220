//! The keys of the three documents, each with its form and a sentence: what the JSON Schemas and the
//! reference are made of. A test finds every key that the readers of [`crate::config`] take in here.

use crate::config::rule::RuleCategory;

/// A map of the documents.
pub struct Object {
    /// What it is called where another refers to it.
    pub name: &'static str,
    pub about: &'static str,
    pub keys: &'static [Key],
}

/// One key of a map.
pub struct Key {
    pub name: &'static str,
    pub required: bool,
    pub about: &'static str,
    pub form: Form,
}

/// What stands behind a key.
pub enum Form {
    /// A text or number, as it is written.
    Text,
    /// A text or nothing.
    TextOrNull,
    /// One text or a list of texts.
    Texts,
    /// One text, or one for each language.
    Words,
    Flag,
    Whole,
    /// One of the words.
    OneOf(fn() -> Vec<&'static str>),
    /// A text, most often one of the words.
    Often(fn() -> Vec<&'static str>),
    /// `[lowest, highest]`, either may be null.
    Pair,
    /// Name of the author's choice → text.
    Names,
    /// Value → its label, or a list of values.
    Values,
    A(&'static Object),
    /// Name of the author's choice → such a map.
    Many(&'static Object),
    List(&'static Object),
    /// A text, or such a map.
    TextOr(&'static Object),
    /// Name of the author's choice → a text or such a map.
    ManyTextOr(&'static Object),
    /// A text or such a map, or a list of them.
    SeveralTextOr(&'static Object),
    /// SQL or fields, or a map with the word of a kind of rule in a category.
    Rule(RuleCategory),
    /// Anything: its form is told in words.
    Any,
    /// Field → derivation, whose words are those of [`crate::transform::REGISTRY`].
    Derivations,
}

use Form::*;

const fn must(name: &'static str, form: Form, about: &'static str) -> Key {
    Key { name, required: true, about, form }
}

const fn may(name: &'static str, form: Form, about: &'static str) -> Key {
    Key { name, required: false, about, form }
}

/// The documents, by the word that each begins with.
pub static DOCUMENTS: [&Object; 5] = [&SCHEMA, &MAPPING, &PIPELINE, &TESTS, &PACK];

pub static SCHEMA: Object = Object {
    name: "schema",
    about: "What the cohort must look like.",
    keys: &[
        must("schema", Text, "The name that mappings and pipelines refer to."),
        must("version", Text, "The schema's version, such as 1.0.0."),
        may("description", Words, "For people: one text, or one for each language."),
        may("packs", SeveralTextOr(&PACK_USED), "Files of rules that several schemas share: a path, or a map with what the pack calls otherwise."),
        may("codelists", ManyTextOr(&CODES), "Files of values that fields share, by a name of your choice."),
        must("tables", Many(&TABLE), "The tables of the cohort, by name."),
    ],
};

static TABLE: Object = Object {
    name: "table",
    about: "A set of rows of one kind.",
    keys: &[
        may("description", Words, "For people: one text, or one for each language."),
        may("key", Texts, "The fields that together identify a row, over all files and sites of the table."),
        may("duplicates", OneOf(|| vec!["first", "last", "none"]), "Which row of a repeated key stays; the others go to quarantine. Default: none."),
        may("foreign_keys", List(&FOREIGN_KEY), "Rows of other tables that a row belongs to; without it the row goes to quarantine."),
        may("quarantine", A(&THRESHOLD), "How many rows may go to quarantine; above it the run ends with exit code 1."),
        must("fields", Many(&FIELD), "The fields, in the order in which they are stored."),
        may("rules", List(&RULE), "What is asked of rows, tables and values, in Kahn's three categories."),
        may("follow_up", List(&FOLLOW_UP), "Times to an event, which the report draws as curves."),
    ],
};

static PACK_USED: Object = Object {
    name: "pack_used",
    about: "A pack of rules, and what this schema calls otherwise.",
    keys: &[
        must("pack", Text, "Its path, relative to the schema."),
        may("with", Names, "Its parameters: the names of the schema's own fields."),
        may("tables", Names, "Its name of a table → the schema's."),
    ],
};

pub static PACK: Object = Object {
    name: "pack",
    about: "Rules that several schemas share.",
    keys: &[
        must("pack", Text, "The pack's name."),
        may("version", Text, "The version of its rules."),
        may("description", Words, "For people: one text, or one for each language."),
        may("parameters", Names, "Names that a schema may put others for; used as `${name}`."),
        must("tables", Many(&PACK_TABLE), "The tables that it has rules for."),
    ],
};

static PACK_TABLE: Object = Object { name: "pack_table", about: "The rules for one table.", keys: &[must("rules", List(&RULE), "As a schema's `rules`.")] };

static FOLLOW_UP: Object = Object {
    name: "follow_up",
    about: "A time, and whether the event happened at its end.",
    keys: &[
        must("time", Text, "The field of the time: a number."),
        must("event", Text, "The field of the event: true or false."),
        may("description", Words, "For people: one text, or one for each language."),
    ],
};

static FOREIGN_KEY: Object = Object {
    name: "foreign_key",
    about: "Fields that name a row of another table.",
    keys: &[
        must("fields", Texts, "The fields, in the order of the other table's key. A row where one is missing belongs to none, and stays."),
        must("references", Text, "The other table."),
    ],
};

static THRESHOLD: Object = Object {
    name: "threshold",
    about: "A share or a number of rows.",
    keys: &[
        may("at_most", Text, "The most rows: a share of those judged such as `10 %`, or a number."),
        may("at_least", Text, "The fewest rows: a share of those judged such as `90 %`, or a number."),
        may("per", OneOf(pers), "What is held to it: the table (default), each site, each year of a field, or each year of each site."),
        may("by", Text, "The field of the years."),
    ],
};

static FIELD: Object = Object {
    name: "field",
    about: "A column of a table with its type and constraints.",
    keys: &[
        must("type", OneOf(types), "How a cell's text is read, and how it is stored."),
        may("unit", Text, "The UCUM unit of a number: `mm`, `d`, `a`, `%`, `{nodes}`."),
        may("range", Pair, "`[lowest, highest]`, both included, either may be null; for numbers and dates. Without it a date lies between 1900-01-01 and `today`, the day of the run."),
        may("values", Values, "What a code may be: a list, a map from value to its label, or `{codelist: name}`."),
        may("within", Texts, "Codes of which the value is one or a descendant: `C50`, `C00-C97`."),
        may("free_text", Flag, "Whether a text may hold what people typed."),
        may("ordered", Flag, "Whether the order of `values` has a meaning."),
        may("required", Flag, "A row without a value goes to quarantine."),
        may("pattern", Text, "A regular expression that the whole text must match."),
        may("length", Pair, "`[least, most]` characters."),
        may("severity", A(&SEVERITY), "Constraints whose violation only flags the row."),
        may("description", Words, "For people: one text, or one for each language."),
        may("concept", Names, "Code system (`osiris`, `loinc`, `snomed`, `ncit`) to the field's code in it."),
    ],
};

fn types() -> Vec<&'static str> {
    crate::config::schema::FieldType::ALL.iter().map(|(word, _)| *word).collect()
}

fn pers() -> Vec<&'static str> {
    vec!["table", "site", "year", "site and year"]
}

fn severities() -> Vec<&'static str> {
    vec!["error", "warning"]
}

static SEVERITY: Object = Object {
    name: "severity",
    about: "Constraint to severity: `warning` only flags the row, `error` (the default) sends it to quarantine.",
    keys: &[
        may("required", OneOf(severities), "A missing value."),
        may("range", OneOf(severities), "A value outside the range."),
        may("values", OneOf(severities), "A value that is not listed."),
        may("pattern", OneOf(severities), "A text that does not match."),
        may("length", OneOf(severities), "A text too short or too long."),
    ],
};

static RULE: Object = Object {
    name: "rule",
    about: "A condition in exactly one of Kahn's categories.",
    keys: &[
        must("id", Text, "What the report and the quarantine call it."),
        may("conformance", Form::Rule(RuleCategory::Conformance), "SQL over the table's fields: true conforms, false violates, null does not apply. Does it have the agreed form?"),
        may("completeness", Form::Rule(RuleCategory::Completeness), "Fields of which none may be missing; rejects no row, `at_least` decides."),
        may("plausibility", Form::Rule(RuleCategory::Plausibility), "SQL over the table's fields: true conforms, false violates, null does not apply. Can it be true?"),
        must("severity", OneOf(severities), "`error`: the row goes to quarantine; `warning`: it stays, flagged."),
        may("at_most", Text, "The most rows that may violate it: `1 %` or a number."),
        may("at_least", Text, "The fewest rows that must conform: `90 %` or a number."),
        may("per", OneOf(pers), "What is held to the threshold: the table (default), each site, each year of a field, or each year of each site."),
        may("by", Text, "The field whose calendar years are held to the threshold: a date, or a whole number that is a year."),
        may("name", Words, "What the rule is called: one text, or one for each language."),
        may("description", Words, "What it asks, for people: one text, or one for each language."),
        may("reference", Text, "Where it comes from: a paper, a standard, a protocol."),
    ],
};

pub static MAPPING: Object = Object {
    name: "mapping",
    about: "What one site's export means. What a base says need not be said again.",
    keys: &[
        must("mapping", Text, "The mapping's own, unique name."),
        may("schema", Text, "The name of the schema that it fills."),
        may("site", Text, "The site's id: it names folders and the report's rows."),
        may("language", Text, "The language in which the site is asked about its rows: `fr` or `en`."),
        may("description", Words, "For people: one text, or one for each language."),
        may("extends", Text, "Path of a base, whose words hold where this mapping has none of its own."),
        may("parameters", Names, "Names to the texts for which `${name}` stands."),
        may("derivations", Any, "Shared derivations by name, which fields take by `use: NAME`."),
        may("concept_maps", ManyTextOr(&CODES), "Files of code and target, which fields take by `concept_map: NAME`."),
        may("sources", Many(&SOURCE), "The exports, by a name of your choice."),
        may("shapes", Many(&SHAPE), "Rows made of the rows of sources and of other shapes, by a name of your choice; tables are filled from them like from sources."),
        may("tables", Many(&FILLED), "The schema's tables that this site fills."),
    ],
};

static CODES: Object = Object {
    name: "codes",
    about: "A file of codes.",
    keys: &[
        must("path", Text, "Relative to this file."),
        may("version", Text, "Of the file; it goes into the manifest."),
        may("columns", Names, "What the file calls its columns, by our name for them."),
    ],
};

static REFUSED: Object = Object {
    name: "refused",
    about: "A row that is refused.",
    keys: &[
        may("source", Text, "The source, where there are several."),
        may("row", Whole, "The case's row of the source, from 1."),
        must("reasons", Any, "A Reason, or a list of Reasons."),
    ],
};

/// Cases beside a mapping.
pub static TESTS: Object = Object {
    name: "tests",
    about: "What a mapping promises: rows in, rows or Reasons out.",
    keys: &[
        must("tests", Text, "The mapping's name."),
        may("description", Words, "For people: one text, or one for each language."),
        may("defaults", Any, "Cells of all rows that do not name them; by source where there are several."),
        must("cases", List(&CASE), "The cases."),
    ],
};

static CASE: Object = Object {
    name: "case",
    about: "Rows of the export and what becomes of them.",
    keys: &[
        must("case", Text, "What the case shows."),
        must("rows", Any, "A list of rows, or `{columns: […], rows: [[…], …]}`; by source where there are several."),
        may("accepted", Any, "The accepted rows, in the same forms; by table where there are several."),
        may("quarantined", SeveralTextOr(&REFUSED), "The refused rows: a Reason, a list of Reasons, or `{source: …, row: 2, reasons: […]}`."),
        may("warnings", Any, "The Reasons that flag rows."),
        may("fails", Any, "The Reason that ends the run."),
    ],
};

static SOURCE: Object = Object {
    name: "source",
    about: "One export as delivered.",
    keys: &[
        may("path", Texts, "Relative to this file; a glob or a list. `.gz` and `.zst` are read as they are."),
        may("format", OneOf(formats), "How the export is written down."),
        may("encoding", Often(encodings), "`utf-8`, `windows-1252`, `iso-8859-1` …; absent: detected, with the evidence."),
        may("delimiter", Text, "The character between cells, or `tab`; absent: detected."),
        may("quote", TextOrNull, "The character around cells; null: no quoting."),
        may("escape", TextOrNull, "The character before a quote within a cell; null: quotes are doubled."),
        may("comment", TextOrNull, "Lines that begin with it are no rows."),
        may("header", Flag, "Whether the first line names the columns; if not, `columns` does."),
        may("columns", Texts, "The columns of a file without a header."),
        may("skip_lines", Whole, "Lines before the header."),
        may("line_end", OneOf(|| vec!["auto", "lf", "cr"]), "The character that ends a row."),
        may("trim", Flag, "Whether blanks around a cell do not count; default true."),
        may("decimal", Text, "The decimal mark; default `.`."),
        may("group", TextOrNull, "The thousands mark; default none."),
        may("dates", Texts, "One or several date formats; default `%Y-%m-%d`."),
        may("pivot", Text, "The first year of the hundred that `%y` means."),
        may("partial", OneOf(|| vec!["first", "middle", "last", "refuse"]), "The day that a date without one counts as."),
        may("zone", Text, "Where the clocks are: `Europe/Paris`, or `+01:00`."),
        may("true", Texts, "The words for true."),
        may("false", Texts, "The words for false."),
        may("null", Texts, "What counts as missing; an empty cell always does."),
    ],
};

fn encodings() -> Vec<&'static str> {
    vec!["utf-8", "utf-16le", "utf-16be", "windows-1252", "iso-8859-1", "iso-8859-15", "macintosh"]
}

fn formats() -> Vec<&'static str> {
    crate::source::FORMATS.iter().flat_map(|f| f.names.iter().copied()).collect()
}

fn policies() -> Vec<&'static str> {
    crate::config::mapping::OnError::WORDS.iter().map(|(word, _)| *word).collect()
}

static SHAPE: Object = Object {
    name: "shape",
    about: "Rows made of rows. What is written is done in this order: `from`, the one operation, `derive`, `filter`, `take`.",
    keys: &[
        must("from", Texts, "A source or shape; of several, the rows one after the other."),
        may("on_error", OneOf(policies), "What a value that cannot be read does to its row, in `derive`, `filter` and `explode`."),
        may("join", A(&JOIN), "Columns of another source or shape, looked up by key."),
        may("pivot", A(&PIVOT), "Long rows become columns."),
        may("unpivot", A(&UNPIVOT), "Columns become long rows."),
        may("explode", A(&EXPLODE), "A cell that holds a list becomes rows."),
        may("group", A(&GROUP), "One row for each key, with its aggregates."),
        may("deduplicate", A(&DEDUPLICATE), "Of the rows of a key one stays."),
        may("derive", Any, "Column to its derivation, with the column's `type` (and `into`, the unit wanted; `values`; `free_text`). Without an origin the column of that name is read."),
        may("filter", Names, "Which rows stay: a name of your choice, and a condition in SQL over the columns."),
        may("take", Any, "The columns that go on: a list, or new name to column; absent: all."),
    ],
};

static JOIN: Object = Object {
    name: "join",
    about: "Columns of another source or shape.",
    keys: &[
        must("with", Text, "The other source or shape."),
        must("on", Any, "The columns that are equal: a name, a list, or `{mine: theirs}`."),
        may("take", Any, "Its columns that come along: a list, or new name to column; absent: all but the key."),
        must("missing", OneOf(|| vec!["quarantine", "null", "fail", "filter"]), "What happens to a row without a partner: refused, kept with missing values, the run ends, left out; it is counted in any case."),
        may("several", OneOf(|| vec!["quarantine", "fail", "first", "last", "expand"]), "What happens to a row with several partners; default: refused."),
    ],
};

static PIVOT: Object = Object {
    name: "pivot",
    about: "Long rows, of a name and a value each, become columns.",
    keys: &[
        may("onto", Text, "The source or shape whose rows they are added to, all of which stay; absent: each key gives a row."),
        must("key", Any, "The columns by which they belong together: a name, a list, or `{long: onto}`."),
        must("names", Text, "The column of the names."),
        must("values", Text, "The column of the values."),
        must("into", Names, "Name to the column that takes its value; several names may have one column."),
        may("pick", OneOf(|| vec!["first", "last", "min", "max", "nearest"]), "Which of several values counts; absent: there is one, or the row is refused."),
        may("at", Text, "The date of a value."),
        may("to", Text, "The date, of the rows of `onto`, that a value is compared with."),
        may("within", Text, "Most days between the two, such as `90 d`."),
    ],
};

static UNPIVOT: Object = Object {
    name: "unpivot",
    about: "Columns become long rows.",
    keys: &[
        must("columns", Any, "The columns: a list, or column to the name it goes by."),
        must("names", Text, "The new column of the names."),
        must("values", Text, "The new column of the values."),
        may("missing", OneOf(|| vec!["drop", "keep"]), "Whether a missing value gives a row; default: none."),
    ],
};

static EXPLODE: Object = Object {
    name: "explode",
    about: "A cell that holds a list becomes rows.",
    keys: &[
        must("column", Text, "The column, which then holds an item."),
        may("delimiter", Text, "What stands between the items."),
        may("json", Flag, "The cell is a JSON array."),
    ],
};

static GROUP: Object = Object {
    name: "group",
    about: "One row for each key.",
    keys: &[
        must("by", Texts, "The columns of the key."),
        must("into", Any, "New column to `count`, or to one of `count`, `sum`, `mean`, `min`, `max`, `first`, `last` of a column: `{sum: DOSE}`."),
    ],
};

static DEDUPLICATE: Object = Object {
    name: "deduplicate",
    about: "Of the rows of a key one stays.",
    keys: &[
        must("by", Texts, "The columns of the key."),
        may("order", Texts, "The columns that decide, the smallest first; absent: the order of the rows."),
        may("keep", OneOf(|| vec!["first", "last"]), "Which of them stays; default: the first."),
    ],
};

static FILLED: Object = Object {
    name: "filled",
    about: "How a table is filled from a source or shape.",
    keys: &[
        may("include", Text, "Path of a file with the keys of this table; those beside it go over them."),
        may("from", Text, "The source or shape."),
        may("on_error", OneOf(policies), "What a value that cannot be read does to its row: `quarantine` refuses it, `null` keeps it flagged with the value missing, `fail` ends the run."),
        may("filter", Names, "Which rows belong to the table: a name of your choice, and a condition in SQL over the source's columns and the table's fields. A row stays where all are true."),
        may("endpoints", Many(&ENDPOINT), "Times to an event, which fields take by `endpoint: NAME`."),
        may("fields", Derivations, "Each field of the schema's table with its derivation."),
    ],
};

fn lates() -> Vec<&'static str> {
    crate::config::endpoint::Late::WORDS.iter().map(|(word, _)| *word).collect()
}

fn definitions() -> Vec<&'static str> {
    crate::transform::endpoint::definition::DEFINITIONS.iter().map(|d| d.name).collect()
}

fn units() -> Vec<&'static str> {
    crate::config::endpoint::UNITS.to_vec()
}

static ENDPOINT: Object = Object {
    name: "endpoint",
    about: "A time to an event: where the clock starts, what stops it, and until when nothing had happened.",
    keys: &[
        may("definition", Often(definitions), "A published definition (STEEP 2.0), with which the events are compared."),
        may("description", Words, "For people: one text, or one for each language."),
        may("origin", Text, "The date at which the clock starts; absent where columns hold times."),
        must("events", ManyTextOr(&EVENT), "Kind of event to the date or time at which it happened; the first counts."),
        may("competing", ManyTextOr(&EVENT), "Events that make the event impossible."),
        must("censored", TextOr(&MOMENT), "The last day on which it is known that no event had happened."),
        may("unit", OneOf(units), "The unit of columns that hold times."),
        may("late", OneOf(lates), "What an event after the day of `censored` counts for; default: counted."),
        may("cap", Text, "The longest time, such as `84 mo`; what lasts longer is censored there."),
        may("month", Text, "The length of a month; default `30.4375 d`."),
        may("year", Text, "The length of a year; default `365.25 d`."),
        may("without", Names, "Kinds of events that the definition counts and this site does not have, with the reason."),
    ],
};

static EVENT: Object = Object {
    name: "event",
    about: "When an event happened, and whether.",
    keys: &[
        must("at", Text, "Column or field with its date or time."),
        may("if", Text, "Column or field that says whether it happened."),
        may("unit", OneOf(units), "The unit of a time."),
        may("true", Texts, "The words of `if` for yes."),
        may("false", Texts, "The words of `if` for no."),
    ],
};

static MOMENT: Object = Object {
    name: "moment",
    about: "A date or time with its unit.",
    keys: &[must("at", Text, "Column or field with the date or time."), may("unit", OneOf(units), "The unit of a time.")],
};

pub static PIPELINE: Object = Object {
    name: "pipeline",
    about: "One run.",
    keys: &[
        must("pipeline", Text, "The pipeline's name."),
        must("schema", Text, "Path of the schema, relative to this file."),
        must("mappings", Texts, "Paths of the mappings, relative to this file; globs are allowed."),
        may("pseudonym", A(&KEY), "Where the key of the pseudonyms is; never the key itself."),
        may("small_cells", Whole, "Counts of patients below this are not told in the report; 5 unless said."),
    ],
};

static KEY: Object = Object {
    name: "key",
    about: "Where the key of the pseudonyms is.",
    keys: &[may("key_env", Text, "The environment variable that holds it."), may("key_file", Text, "The file that holds it, of mode 0600, where the variable is not set.")],
};
