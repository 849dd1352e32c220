//! Every diagnostic code there is. A code is never reused for another meaning.
//!
//! Ranges: C1xx configuration, S2xx schema, M3xx mapping, T4xx transform arguments, R5xx rules
//! and constraints, D6xx data. R5xx and D6xx also appear as the `code` of a Reason on a row.
//! A test fails when a code that `check` gives has no golden case in `tests/diagnostics`.

/// A code with its title and, in a sentence or two, why it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Code {
    pub id: &'static str,
    pub title: &'static str,
    pub why: &'static str,
}

macro_rules! codes {
    ($($name:ident = $id:literal, $title:literal, $why:literal;)*) => {
        /// The codes by name.
        pub mod code {
            use super::Code;
            $(#[doc = concat!($id, ": ", $title, ". ", $why)]
            pub const $name: Code = Code { id: $id, title: $title, why: $why };)*
        }
        /// All codes, in the order of their ids.
        pub const ALL: &[Code] = &[$(code::$name),*];
    };
}

codes! {
    SYNTAX = "C101", "not valid YAML", "The document cannot be read any further.";
    UNKNOWN_KEY = "C102", "unknown key", "A misspelt key would otherwise be ignored in silence.";
    MISSING_KEY = "C103", "missing key", "The document says nothing of something that cannot be guessed.";
    WRONG_KIND = "C104", "another kind of value was expected", "For example a list where one text belongs.";
    DUPLICATE_KEY = "C105", "the same key twice", "Only one of the two could count, and YAML does not say which.";
    UNKNOWN_CHOICE = "C106", "not one of the choices", "The key takes one of a few words.";
    UNREADABLE_DOCUMENT = "C107", "a document cannot be read", "The file is absent, not readable or not UTF-8.";
    NOT_A_DOCUMENT = "C108", "not the kind of document expected here", "A schema begins with `schema:`, a mapping with `mapping:`, a pipeline with `pipeline:`.";
    NO_MAPPING = "C109", "no mapping found", "A run without a mapping would make an empty cohort.";
    DUPLICATE_MAPPING = "C110", "two mappings for the same thing", "Names of mappings are unique, and a site fills a table from one mapping.";
    OTHER_SCHEMA = "C111", "the mapping is for another schema", "A pipeline has one target schema.";
    ALIAS_DEPTH = "C112", "YAML aliases expand too far", "Documents are written by people; a million nodes is an attack or a slip.";
    BAD_THRESHOLD = "C113", "not a threshold", "A threshold is a share such as `90 %` or a number of rows.";
    BAD_NAME = "C114", "not usable as a name", "Sites, tables, fields and sources name folders and columns.";
    SEVERAL_DOCUMENTS = "C115", "several YAML documents in one file", "Only one would be read.";
    CODES_FILE = "C121", "not a usable table of codes", "A ConceptMap needs the columns `code` and `target`, a codelist `code`; a broken row could hide others.";
    UNKNOWN_CODES_COLUMN = "C122", "a column that means nothing", "A misspelt column of a table of codes would otherwise be ignored in silence.";
    EXTENDS_CYCLE = "C131", "files that lead back to themselves", "A base cannot extend, include or use what is built on it.";
    NOTHING_TO_REMOVE = "C132", "`null` takes nothing away", "The base has nothing of this name, so the name is probably misspelt.";
    UNKNOWN_PARAMETER = "C133", "unknown parameter", "The text would hold the parameter's name in place of its value.";
    UNUSED_PARAMETER = "C134", "a parameter that nothing uses", "A misspelt parameter leaves the base's value in force.";
    UNKNOWN_SHARED = "C135", "unknown shared derivation", "The field would lose half of its derivation.";
    CASE_FAILED = "C151", "a case of the tests fails", "The mapping gives something else than its tests say.";
    CASE_VALUE = "C152", "the expected value does not fit the field's type", "No row could ever give it.";
    CASE_REASON = "C153", "no such Reason", "Reasons are named by their code, field or rule; this word is none of them.";
    CASE_MAPPING = "C154", "tests without their mapping", "`tests.yaml` stands beside the mapping that it names.";

    UNKNOWN_TYPE = "S201", "unknown field type", "The type decides how a cell's text is read and stored.";
    KEY_FIELD = "S202", "the key names a field that is not there", "Uniqueness could not be tested.";
    BAD_RANGE = "S203", "not a range", "A range is `[lowest, highest]`, in the field's type, lowest first.";
    CONSTRAINT_TYPE = "S204", "the constraint does not fit the type", "It could never be tested.";
    UNKNOWN_UNIT = "S205", "not a UCUM unit", "Units are written in UCUM, so that they can be converted.";
    BAD_PATTERN = "S206", "not a regular expression", "The pattern could not be matched.";
    RULE_SYNTAX = "S207", "the rule's condition does not parse", "Conditions are DataFusion SQL expressions.";
    RULE_FIELD = "S208", "the rule names a field that is not there", "Rules speak of the table's own fields.";
    RULE_TYPE = "S209", "the rule is not a condition", "A condition is true, false, or null where it does not apply.";
    DUPLICATE_RULE = "S210", "two rules of the same id", "The id is what a coordinator refers to.";
    RULE_CATEGORY = "S211", "the rule has not exactly one category", "Kahn 2016: conformance, completeness or plausibility.";
    RULE_THRESHOLD = "S212", "the threshold does not fit the rule", "Completeness takes `at_least`, the other categories `at_most`.";
    BAD_VALUES = "S213", "the values of the code are not usable", "A code needs at least one value, and each once.";
    FOREIGN_KEY = "S214", "the foreign key leads nowhere", "Whether the other table has the row could not be told.";
    RULE_KIND = "S215", "unknown kind of rule", "The rule would ask nothing.";
    RULE_ARGUMENT = "S216", "the rule is told something that it cannot use", "What it asks is not clear.";
    RULE_QUERY = "S217", "the rule's condition over several tables cannot be judged", "Its names or types do not fit the tables.";
    UNKNOWN_CODELIST = "S221", "unknown codelist", "The field would have no values.";
    WITHIN = "S222", "no code lies within", "Every value would violate the constraint.";
    CODE_PARENT = "S223", "the codelist's parents are not a tree", "Who descends from whom could not be told.";

    UNKNOWN_FIELD = "M301", "the schema has no such field", "The derivation would go nowhere.";
    UNKNOWN_COLUMN = "M302", "the source has no such column", "The header of the file does not name it.";
    UNKNOWN_SOURCE = "M303", "the mapping has no such source", "A table is filled from a source of the same mapping.";
    UNKNOWN_TABLE = "M304", "the schema has no such table", "The rows would go nowhere.";
    REQUIRED_FIELD = "M305", "a required field has no derivation", "Every row would go to quarantine.";
    NO_ORIGIN = "M306", "the derivation does not say where its value comes from", "It needs `from`, `coalesce`, `value`, `sql`, `age_at`, or `impossible` / `undetermined`.";
    TWO_ORIGINS = "M307", "the derivation says twice where its value comes from", "Only one could count.";
    NO_POLICY = "M308", "a step can fail and nothing says what happens then", "Nothing is dropped in silence: `on_error` says what a value that cannot be read does to its row.";
    MAP_TARGET = "M309", "the map's target is not a value of the field", "The rows would fail the schema.";
    FIELD_TYPE = "M310", "the value does not have the field's type", "It would be lost or rounded.";
    DERIVATION_UNIT = "M311", "not a UCUM unit", "Units are written in UCUM, so that they can be converted.";
    NOT_CONVERTIBLE = "M312", "the units do not convert", "They measure different things.";
    NO_SCHEMA_UNIT = "M313", "the schema gives the field no unit", "There is nothing to convert to.";
    SQL_SYNTAX = "M314", "the SQL does not parse", "Expressions are DataFusion SQL.";
    SQL_NAME = "M315", "the SQL names something that is not there", "Names are the source's columns and the table's fields, in their exact spelling.";
    SQL_FUNCTION = "M316", "not a function that can be used here", "Only functions that cannot fail on a row are open to expressions.";
    SQL_TYPE = "M317", "the SQL does not type", "Its parts or its result do not fit.";
    CYCLE = "M318", "fields that need each other", "None of them could be computed first.";
    NO_FILE = "M319", "no file matches the path", "The source cannot be read.";
    BAD_HEADER = "M320", "the file has no usable header", "Columns are found by the names in the header.";
    DUPLICATE_COLUMN = "M321", "the header names the column twice", "Which of the two is meant cannot be known.";
    DIFFERENT_HEADERS = "M322", "a file of the source lacks a column", "All files of a source must have the columns that are used.";
    NOT_MAPPED = "M323", "a field of the schema is not mentioned", "Say `impossible` or `undetermined` with a reason, so that the report need not show it as forgotten.";
    REQUIRED_IMPOSSIBLE = "M324", "a required field is declared impossible", "Every row would go to quarantine.";
    NO_KEY = "M325", "a pseudonym, but no key is named", "Person numbers are never stored: the pipeline must say where the key is.";
    SQL_FORM = "M326", "not an expression over one row", "Aggregates, windows, subqueries and volatile functions have no place in a derivation.";
    UNUSED_SOURCE = "M327", "the source is not used", "No table is filled from it.";
    CONSTANT = "M328", "the constant does not fit the field", "Every row would fail the schema.";
    SAME_MAP_KEY = "M329", "the map has the same key twice", "The entries differ only in case, which is ignored here.";
    FORMAT_OPTION = "M330", "an option of the format is not usable", "The source could not be read as it is meant.";
    FREE_TEXT = "M341", "free text passes into the cohort", "What people type can name a person; a field says so by `free_text: true`, or says which texts there are.";
    UNKNOWN_CONCEPT_MAP = "M361", "unknown ConceptMap", "The codes could not be looked up.";
    TWO_TARGETS = "M362", "a code with two targets", "Which of them is meant is a choice that people make, not a program.";
    UNFILLED = "M363", "codes without a target", "They are unmapped until somebody fills in the file.";

    UNUSED_SHAPE = "M371", "the shape is not used", "No table is filled from it.";
    SHAPE_NAME = "M372", "a shape with the name of a source", "Which of the two is meant cannot be known.";
    SHAPE_CYCLE = "M373", "shapes that need each other", "None of them could be made first.";
    TWO_OPERATIONS = "M374", "two operations in one shape", "Which of them comes first is not to be guessed.";
    JOIN_KINDS = "M375", "keys of different kinds", "A text is never equal to a number: every row would miss its partner.";
    SHAPE_ARGUMENT = "M376", "the shape's argument is not usable", "The rows could not be made.";
    UNFILLED_PARENT = "M377", "nobody fills the table that rows belong to", "The foreign key cannot be tested.";

    UNKNOWN_ENDPOINT = "M350", "the table has no such endpoint", "A field that is part of an endpoint names one of the table's `endpoints`.";
    ENDPOINT_DEFINITION = "M351", "not a published definition", "The name would promise something that nobody can look up.";
    ENDPOINT_EVENTS = "M352", "the events are not those of the definition", "Two sites that call different things by one name cannot be compared.";
    ENDPOINT_UNIT = "M353", "a time without a unit of time", "A number may be days or months, and the two differ by a factor of thirty.";
    ENDPOINT_MOMENT = "M354", "neither a day nor a time", "An endpoint is made of dates, or of times since an origin.";
    UNUSED_ENDPOINT = "M355", "the endpoint is not used", "No field is derived from it.";

    UNKNOWN_TRANSFORM = "T401", "unknown transform", "It would be ignored in silence.";
    DATE_FORMAT = "T402", "not a date format", "The format's specifiers are strptime's: `%d/%m/%Y`.";
    NUMBER_MARKS = "T403", "the number's marks are not usable", "Decimal and group mark are single, different characters.";
    BIN_OVERLAP = "T404", "the bins are not usable", "Each is `[low, high]`, and a number must belong to one at most.";
    BIN_CLASS = "T405", "the class is not a value of the field", "The rows would fail the schema.";
    CLEAN_STEP = "T406", "unknown clean-up step", "It would be ignored in silence.";
    WORD_OVERLAP = "T407", "the same word means true and false", "One of them must go.";
    TRANSFORM_TYPE = "T408", "the transform does not fit the field's type", "Its result could not be stored.";
    TRANSFORM_CLASH = "T409", "two transforms that exclude each other", "Each reads the cell in its own way.";
    AGE_PARTNER = "T410", "`age_at` and `born` belong together", "An age needs both dates.";
    UNMAPPED_ALONE = "T411", "`unmapped` without a map", "There is nothing that could be unmapped.";
    UNKNOWN_ENCODING = "T412", "unknown encoding", "The bytes could not be read.";
    BAD_MARK = "T413", "not a single character", "Delimiter, quote, escape and comment are one ASCII character each.";
    PIVOT = "T431", "not a pivot", "The first year of the hundred that `%y` means: `1930` reads 30 as 1930 and 29 as 2029.";
    PARTIAL_DATE = "T432", "a partial date without a policy", "Arithmetic needs a day; which one stands for a month or a year is not to be guessed.";
    TIME_ZONE = "T433", "the time zone is not usable", "Times of several clocks do not compare.";
    PRECISION_OF = "T434", "`precision_of` reads a column", "A derived date is a whole day; only the cell tells how precise it was.";
    ROW_UNIT = "T435", "the units of the rows are not usable", "Each row's unit must be one that the mapping lists, or its number means nothing.";
    ANALYTE = "T436", "the analyte is not usable", "A mass becomes an amount of substance by a molar mass, and only a named substance has one.";
    SEARCH = "T437", "not a regular expression", "The pattern could not be looked for.";

    REQUIRED = "R501", "required, but missing", "The schema wants a value in every row.";
    RANGE = "R502", "outside the range", "The schema's range, both ends included.";
    VALUES = "R503", "not one of the values", "The schema lists what the code may be.";
    PATTERN = "R504", "does not match the pattern", "The schema's pattern must match the whole text.";
    LENGTH = "R505", "too short or too long", "The schema's least and most characters.";
    KEY = "R506", "the key is not unique", "Another row of the table has the same key.";
    RULE = "R507", "violates a rule", "A condition of the schema over several fields.";
    COMPLETENESS = "R508", "not complete enough", "The share of rows with a value is below the threshold.";
    ORPHAN = "R509", "no such row in the other table", "The row belongs to another, which is not in the cohort.";
    NOT_WITHIN = "R521", "outside the branch", "The schema's `within`: the code itself or one that descends from it.";

    UNREADABLE = "D601", "the source cannot be read", "The run stops; nothing is written.";
    EMPTY_FILE = "D602", "the file is empty", "Not even a header is there.";
    NOT_TEXT = "D603", "the file is of another kind", "Its first bytes are those of another format.";
    CHANGED = "D604", "the file changed while it was read", "What was counted and what was read would not be the same.";
    POLICY_FAIL = "D605", "a value cannot be read, and the mapping says `fail`", "The run stops; nothing is written.";
    TOO_FEW_CELLS = "D610", "the row has too few cells", "Cells are missing at its end.";
    TOO_MANY_CELLS = "D611", "the row has too many cells", "Often an unquoted delimiter in a text.";
    INVALID_BYTES = "D612", "bytes that the encoding does not have", "The file is in another encoding, or damaged.";
    NUL_BYTE = "D613", "a NUL byte in the row", "The file is damaged or binary.";
    UNTERMINATED_QUOTE = "D614", "a quote that is never closed", "The row ends at the end of its line.";
    MALFORMED_QUOTE = "D615", "text after a closing quote", "The quote inside the text is not doubled.";
    UNREADABLE_RECORD = "D616", "the record cannot be read", "The file has it, but damaged.";
    ERROR_CELL = "D617", "the cell holds an error", "A formula of the workbook has failed, so there is no value.";
    PARSE = "D620", "cannot be read as the field's type", "For example a date that does not exist.";
    UNMAPPED = "D621", "not in the map", "The mapping does not know this code.";
    EXPRESSION = "D622", "the expression has no result", "For example a division by zero.";
    BINS = "D623", "in none of the bins", "The mapping's bins do not cover this number.";
    UNLISTED_UNIT = "D624", "the row's unit is not listed", "The mapping does not say how to convert it.";
    FILTERED = "D625", "left out by a filter", "The mapping says that such rows do not belong to the table.";
    DEDUPLICATED = "D626", "another row of the key stays", "The mapping says which of several rows of a key counts.";
    BEFORE_ORIGIN = "D630", "a day of an endpoint lies before its origin", "An event or the last news before the clock starts is a wrong date.";
    NO_DAY = "D631", "an event without its day", "That it happened is known, when is not, so there is no time to it.";
    NO_PARTNER = "D640", "no partner in a join", "The other source has no row with this key.";
    SEVERAL_PARTNERS = "D641", "several partners in a join", "The row would come several times, and nothing says which partner is meant.";
    SEVERAL_VALUES = "D642", "several values for one cell", "A pivot without `pick` takes the only value there is; here there are two.";
}

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn codes_are_unique_and_sorted_within_their_ranges() {
        let mut ids: Vec<_> = ALL.iter().map(|c| c.id).collect();
        let n = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), n);
        assert!(ids.iter().all(|id| id.len() == 4 && "CSMTRD".contains(&id[..1])));
    }
}
