//! The JSON Schema (draft 2020-12) of `report.json`, for those who read it with programs.
//!
//! It is made from one table: each object of the summary, its keys, and a sentence for each. A test holds the table against
//! the summary as it is written, in both directions.

use serde_json::{Map, Value, json};

use self::Form::*;

/// What a key holds.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Texts,
    /// A text by language code.
    Words,
    /// A code by code system.
    Codes,
    Flag,
    Number,
    /// A whole number that may be negative.
    Whole,
    /// A whole number of things.
    Count,
    /// Counts, of which some are not told.
    Cells,
    /// Two texts, either of which may be open.
    Pair,
    OneOf(&'static [&'static str]),
    One(&'static str),
    Many(&'static str),
    Any,
}

struct Key {
    name: &'static str,
    form: Form,
    about: &'static str,
    null: bool,
    always: bool,
}

const fn key(name: &'static str, form: Form, about: &'static str) -> Key {
    Key { name, form, about, null: false, always: true }
}

impl Key {
    /// May be null.
    const fn or_null(mut self) -> Key {
        self.null = true;
        self
    }

    /// Absent where there is nothing to say.
    const fn at_times(mut self) -> Key {
        self.always = false;
        self
    }
}

struct Object {
    name: &'static str,
    about: &'static str,
    keys: &'static [Key],
}

/// Kinds of a distribution, told apart by `kind`.
const DISTRIBUTIONS: [&str; 3] = ["number", "year", "category"];

/// The first is the report itself.
static OBJECTS: &[Object] = &[
    Object { name: "report", about: "One execution of a pipeline, in numbers.", keys: &[
        key("format", Whole, "Version of this structure: 1."),
        key("tool", Text, "`cohorte` and its version."),
        key("pipeline", Text, "The pipeline's name."),
        key("schema", One("schema"), "The target schema as far as people need it."),
        key("started_at", Text, "Start of the run, RFC 3339 in UTC."),
        key("seconds", Number, "Wall time of the run, in seconds."),
        key("sites", Texts, "Ids of the sites, in the pipeline's order."),
        key("sources", Many("source"), "The exports as delivered, in the pipeline's order."),
        key("accounts", Many("account"), "What became of the rows of each site, source and table."),
        key("steps", Many("step"), "What was done to rows on their way from the sources to the tables.").at_times(),
        key("variables", Many("variable"), "What each site delivers for each field, sites outermost, fields in schema order."),
        key("rules", Many("rule"), "Every rule over all sites and at each site it applies to."),
        key("unmapped", Many("unmapped"), "Raw codes that no map knows, most frequent first."),
        key("reasons", Many("reason"), "How often each reason was given at a site, most frequent first."),
        key("endpoints", Many("endpoint"), "How times to an event were derived, site by site."),
        key("survival", Many("survival"), "How long patients were followed and how many had the event, over all sites and at each."),
        key("history", Many("past_run"), "Earlier runs of the pipeline, oldest first."),
        key("queries", Many("queries"), "What each site is asked, and what it has answered."),
        key("small_cell", Count, "Counts of patients' values below this number are not told."),
        key("public", Flag, "Whether everything was left out that may not be shown to everybody."),
        key("status", OneOf(&["passed", "failed"]), "Whether the delivery meets the schema's thresholds."),
    ] },
    Object { name: "schema", about: "The target schema as far as people need it.", keys: &[
        key("name", Text, "The schema's name."),
        key("version", Text, "The schema's version."),
        key("description", Words, "What the schema is for."),
        key("tables", Many("table"), "The tables, in the schema's order."),
    ] },
    Object { name: "table", about: "One table of the schema.", keys: &[
        key("name", Text, "The table's name."),
        key("description", Words, "What a row of the table stands for."),
        key("key", Texts, "The fields that tell rows apart."),
        key("fields", Many("field"), "The fields, in the schema's order."),
    ] },
    Object { name: "field", about: "One field of a table, in words.", keys: &[
        key("name", Text, "The field's name."),
        key("type", OneOf(&["integer", "decimal", "boolean", "date", "datetime", "text", "code", "pseudonym"]), "The type of the field's values."),
        key("unit", Text, "The unit of the field's values, in UCUM.").or_null(),
        key("required", Flag, "Whether an accepted row has a value."),
        key("description", Words, "What the field means."),
        key("concept", Codes, "Codes for the field's meaning, by code system."),
        key("values", Many("value"), "The values of a code field, in schema order; of a large codelist those that occur."),
        key("ordered", Flag, "Whether the order of the values has a meaning."),
        key("range", Pair, "Lowest and highest value as written in the schema; null where an end is open.").or_null(),
    ] },
    Object { name: "value", about: "A value of a code field with its label.", keys: &[
        key("value", Text, "The value as it stands in the data."),
        key("label", Words, "What people call it."),
    ] },
    Object { name: "source", about: "One export of one site.", keys: &[
        key("site", Text, "The site's id."),
        key("name", Text, "The source's name in the mapping."),
        key("mapping", Text, "The mapping's name."),
        key("format", Text, "The format that its files are read as."),
        key("files", Many("file"), "The files, in the order of their reading."),
    ] },
    Object { name: "file", about: "One file of a source.", keys: &[
        key("path", Text, "Path as found, relative to the pipeline where possible."),
        key("bytes", Count, "Size of the file, in bytes."),
        key("sha256", Text, "SHA-256 of the file, in hexadecimal digits."),
        key("rows", Count, "Data rows in the file."),
        key("blank_lines", Count, "Blank lines, which are no rows."),
        key("comment_lines", Count, "Lines of comment, which are no rows."),
        key("encoding", Text, "The encoding that the file was read in."),
        key("delimiter", Text, "What separates the cells of a row."),
        key("evidence", Texts, "What was guessed of the file, and why."),
    ] },
    Object { name: "account", about: "What became of the rows of a source for a table: read = accepted + quarantined + filtered + deduplicated.", keys: &[
        key("table", Text, "The table's name."),
        key("site", Text, "The site's id."),
        key("source", Text, "The source or shape that the rows are of."),
        key("rows_read", Count, "Rows that were read."),
        key("rows_accepted", Count, "Rows that went into the cohort."),
        key("rows_quarantined", Count, "Rows that were refused, with their reasons."),
        key("rows_filtered", Count, "Rows that a filter left out."),
        key("rows_deduplicated", Count, "Rows that repeat another one."),
        key("rows_flagged", Count, "Accepted rows with at least one finding, of whatever rule."),
        key("filters", Many("filtered"), "The filtered rows by the filter that left them out.").at_times(),
    ] },
    Object { name: "filtered", about: "The rows that one filter left out.", keys: &[
        key("filter", Text, "The filter's name."),
        key("condition", Text, "What a row must meet, as the mapping says it."),
        key("rows", Count, "Rows that it left out."),
    ] },
    Object { name: "step", about: "What became of the rows of one step of a shape: read = kept + quarantined + filtered + deduplicated.", keys: &[
        key("table", Text, "The table that the step is for."),
        key("site", Text, "The site's id."),
        key("name", Text, "The source or shape whose rows they are."),
        key("sides", Many("side"), "What the operation made of the rows of each side; none where there is no operation."),
        key("rows_read", Count, "Rows that came into the step."),
        key("rows_kept", Count, "Rows that left it for the next one."),
        key("rows_quarantined", Count, "Rows that were refused."),
        key("rows_filtered", Count, "Rows that a filter left out."),
        key("rows_deduplicated", Count, "Rows that repeat another one."),
        key("filters", Many("filtered"), "The filtered rows by the filter that left them out."),
    ] },
    Object { name: "side", about: "What became of the rows of one side of an operation.", keys: &[
        key("of", Texts, "The sources or shapes that the rows are of."),
        key("rows", Count, "Rows of this side."),
        key("fates", Many("fate"), "What became of them."),
    ] },
    Object { name: "fate", about: "What became of some rows.", keys: &[
        key("fate", Text, "The fate, as the operation calls it."),
        key("rows", Count, "Rows that shared it."),
    ] },
    Object { name: "variable", about: "One field at one site: state, fill and distribution over the accepted rows.", keys: &[
        key("table", Text, "The table's name."),
        key("site", Text, "The site's id."),
        key("field", Text, "The field's name."),
        key("state", OneOf(&["derived", "impossible", "undetermined", "not_mapped"]), "What the site's mapping says of the field."),
        key("reason", Text, "Why, where the field is impossible or undetermined.").or_null(),
        key("rows", Count, "Accepted rows."),
        key("filled", Count, "Accepted rows with a value."),
        key("distribution", One("distribution"), "The accepted values, summarised; null where there are none or too few to be told.").or_null(),
    ] },
    Object { name: "number", about: "The distribution of a number.", keys: &[
        key("kind", OneOf(&["number"]), "Says that this is the distribution of a number."),
        key("mean", Number, "The mean; coarser where exact digits would tell a hidden count, null where it is not told.").or_null(),
        key("sd", Number, "The standard deviation of the sample, told as finely as the mean.").or_null(),
        key("median", Number, "The median; null where it is not told.").or_null(),
        key("low", Number, "The lower edge of the first bin, in the field's unit; a round number and no value."),
        key("high", Number, "The upper edge of the last bin, in the field's unit."),
        key("bins", Cells, "Rows in bins of equal width; a value on an edge is in the upper bin; null where not told."),
    ] },
    Object { name: "year", about: "The distribution of a date.", keys: &[
        key("kind", OneOf(&["year"]), "Says that this is the distribution of a date."),
        key("first", Whole, "The calendar year of the first count."),
        key("counts", Cells, "Rows per calendar year, ascending and without gaps; null where not told."),
    ] },
    Object { name: "category", about: "The distribution of a code or boolean.", keys: &[
        key("kind", OneOf(&["category"]), "Says that this is the distribution of a code or boolean."),
        key("counts", Many("category_count"), "Rows per value, in schema order."),
    ] },
    Object { name: "category_count", about: "Rows with one value of a code.", keys: &[
        key("value", Text, "The value; `…` stands for all that are not listed."),
        key("rows", Count, "Rows with the value; null where they are not told.").or_null(),
    ] },
    Object { name: "rule", about: "A rule's outcome at one site or over all.", keys: &[
        key("table", Text, "The table's name."),
        key("site", Text, "The site's id; null over all sites.").or_null(),
        key("rule", Text, "The rule's id, or for a field's own constraint its name."),
        key("field", Text, "The field, where the rule is about one.").or_null(),
        key("code", Text, "The diagnostic code of a violation."),
        key("category", OneOf(&["conformance", "completeness", "plausibility"]), "The category of data quality (Kahn et al. 2016)."),
        key("severity", OneOf(&["warning", "error"]), "Whether a violating row is flagged (warning) or refused (error)."),
        key("description", Words, "What the rule asks."),
        key("expression", Text, "The condition as written, where there is one.").or_null(),
        key("violated", Count, "Rows that violate the rule."),
        key("denominator", Count, "Rows to which the rule applies."),
        key("threshold", Text, "How many may violate it, as written: `at most 1 %`.").or_null(),
        key("status", OneOf(&["passed", "passed_with_findings", "failed", "not_applicable", "error"]), "How the rule was judged."),
        key("name", Words, "What the rule is called, where it has a name.").at_times(),
        key("reference", Text, "Where the rule comes from: a paper, a standard, a protocol.").at_times(),
        key("dqd", Text, "The check of the OHDSI Data Quality Dashboard that asks the same.").at_times(),
        key("years", Many("rule_year"), "Counts by calendar year, where the threshold is one of years.").at_times(),
        key("measure", One("measure"), "What was measured, of a rule about values together.").at_times(),
        key("error", Text, "Why the rule could not be judged.").at_times(),
    ] },
    Object { name: "rule_year", about: "A rule's outcome in one calendar year.", keys: &[
        key("year", Whole, "The calendar year."),
        key("violated", Count, "Rows of the year that violate the rule."),
        key("denominator", Count, "Rows of the year to which the rule applies."),
        key("status", OneOf(&["passed", "passed_with_findings", "failed", "not_applicable", "error"]), "How the year was judged."),
    ] },
    Object { name: "measure", about: "A number that a rule about values together was judged by.", keys: &[
        key("name", Words, "What was measured."),
        key("value", Number, "The number."),
        key("limit", Number, "What it may not exceed.").or_null(),
    ] },
    Object { name: "unmapped", about: "Raw codes of one column that no map knows.", keys: &[
        key("table", Text, "The table or shape that the code was met in."),
        key("site", Text, "The site's id."),
        key("field", Text, "The field that the code was meant for."),
        key("column", Text, "The source column, as the site names it."),
        key("value", Text, "The raw code; null for all codes of too few rows to be told.").or_null(),
        key("rows", Count, "Rows affected."),
    ] },
    Object { name: "reason", about: "How often a reason was given at a site.", keys: &[
        key("site", Text, "The site's id."),
        key("source", Text, "The source or shape whose rows were given it."),
        key("table", Text, "The table's name."),
        key("code", Text, "The diagnostic code."),
        key("field", Text, "The field, where the reason is about one.").or_null(),
        key("rule", Text, "The rule's id, or the name of a field's own constraint."),
        key("severity", OneOf(&["warning", "error"]), "Whether the rows were flagged (warning) or refused (error)."),
        key("rows", Count, "Rows that were given the reason."),
    ] },
    Object { name: "endpoint", about: "A time-to-event derivation of a site.", keys: &[
        key("table", Text, "The table's name."),
        key("site", Text, "The site's id."),
        key("name", Text, "The endpoint's name."),
        key("fields", Texts, "The fields that are taken from it."),
        key("definition", Text, "The published definition that it follows.").or_null(),
        key("words", Words, "The derivation in words."),
        key("derivation", Any, "The derivation for programs, lengths of time in days; null in a public report."),
    ] },
    Object { name: "survival", about: "How long the patients of a site were followed for an event (Kaplan and Meier 1958).", keys: &[
        key("table", Text, "The table's name."),
        key("site", Text, "The site's id; null over all sites.").or_null(),
        key("time", Text, "The field of the time."),
        key("event", Text, "The field of the event."),
        key("unit", Text, "The unit of times, in UCUM.").or_null(),
        key("description", Words, "What the event is."),
        key("rows", Count, "Rows with a time and an event; null where not told.").or_null(),
        key("events", Count, "Rows with the event; null where not told.").or_null(),
        key("median_follow_up", Number, "Median time to the end of follow-up, by reverse Kaplan-Meier.").or_null(),
        key("median", Number, "Median time to the event; null where less than half had it, or where it is not told.").or_null(),
        key("points", Many("survival_point"), "The curve at round times, ascending, as long as enough rows are at risk."),
    ] },
    Object { name: "survival_point", about: "The curve at a time.", keys: &[
        key("time", Number, "The time, in the unit of the curve."),
        key("at_risk", Count, "Rows that were followed at least so long."),
        key("survival", Number, "Share without the event, 0 to 1."),
        key("lower", Number, "Lower end of its 95 % confidence interval."),
        key("upper", Number, "Upper end of its 95 % confidence interval."),
    ] },
    Object { name: "past_run", about: "An earlier run, in the numbers that are compared.", keys: &[
        key("started_at", Text, "Start of the run, RFC 3339 in UTC."),
        key("status", OneOf(&["passed", "failed"]), "Whether the delivery met the schema's thresholds."),
        key("sites", Many("past_site"), "Row accounts by site and table."),
        key("rules", Many("past_rule"), "What was found by each rule."),
        key("variables", Many("past_variable"), "How full each field was."),
    ] },
    Object { name: "past_site", about: "What an earlier run read of a site's table.", keys: &[
        key("site", Text, "The site's id."),
        key("table", Text, "The table's name."),
        key("rows_read", Count, "Rows that were read."),
        key("rows_accepted", Count, "Rows that went into the cohort."),
        key("rows_quarantined", Count, "Rows that were refused."),
    ] },
    Object { name: "past_rule", about: "What an earlier run found by a rule.", keys: &[
        key("table", Text, "The table's name."),
        key("site", Text, "The site's id; null over all sites.").or_null(),
        key("rule", Text, "The rule's id, or the name of a field's own constraint."),
        key("field", Text, "The field, where the rule is about one.").or_null(),
        key("violated", Count, "Rows that violated the rule."),
        key("denominator", Count, "Rows to which the rule applied."),
        key("status", OneOf(&["passed", "passed_with_findings", "failed", "not_applicable", "error"]), "How the rule was judged."),
    ] },
    Object { name: "past_variable", about: "How full a field was in an earlier run.", keys: &[
        key("table", Text, "The table's name."),
        key("site", Text, "The site's id."),
        key("field", Text, "The field's name."),
        key("rows", Count, "Accepted rows."),
        key("filled", Count, "Accepted rows with a value."),
    ] },
    Object { name: "queries", about: "The questions to one site; each is a finding of one rule about one row of one file.", keys: &[
        key("site", Text, "The site's id."),
        key("new", Count, "Questions asked for the first time."),
        key("open", Count, "Questions asked before, and found again."),
        key("answered", Count, "Open questions that the site has answered."),
        key("closed", Count, "Questions asked before, and found no more."),
    ] },
];

/// The JSON Schema of `report.json`.
pub fn of() -> Value {
    let mut definitions: Map<String, Value> = OBJECTS.iter().skip(1).map(|o| (o.name.to_owned(), object(o))).collect();
    let kinds: Vec<Value> = DISTRIBUTIONS.iter().map(|name| reference(name)).collect();
    definitions.insert("distribution".into(), json!({"description": "The accepted values of a field, summarised by their kind.", "oneOf": kinds}));
    let mut out = Map::new();
    out.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    out.insert("title".into(), json!("cohorte: report"));
    if let Some(Value::Object(body)) = OBJECTS.first().map(object) {
        out.extend(body);
    }
    out.insert("$defs".into(), Value::Object(definitions));
    Value::Object(out)
}

fn object(o: &Object) -> Value {
    let properties: Map<String, Value> = o.keys.iter().map(|k| (k.name.to_owned(), property(k))).collect();
    let required: Vec<&str> = o.keys.iter().filter(|k| k.always).map(|k| k.name).collect();
    json!({"type": "object", "description": o.about, "properties": properties, "required": required, "additionalProperties": false})
}

fn property(key: &Key) -> Value {
    let mut value = form(key.form);
    if key.null {
        value = match value.get("type").and_then(Value::as_str).map(str::to_owned) {
            Some(kind) => {
                value["type"] = json!([kind, "null"]);
                value
            }
            None => json!({"anyOf": [value, {"type": "null"}]}),
        };
    }
    // A description beside `$ref` is allowed since draft 2019-09.
    value["description"] = json!(key.about);
    value
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}")})
}

fn form(form: Form) -> Value {
    let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
    match form {
        Text => json!({"type": "string"}),
        Texts => json!({"type": "array", "items": {"type": "string"}}),
        Words | Codes => texts,
        Flag => json!({"type": "boolean"}),
        Number => json!({"type": "number"}),
        Whole => json!({"type": "integer"}),
        Count => json!({"type": "integer", "minimum": 0}),
        Cells => json!({"type": "array", "items": {"type": ["integer", "null"], "minimum": 0}}),
        Pair => json!({"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": ["string", "null"]}}),
        OneOf(words) => json!({"enum": words}),
        One(name) => reference(name),
        Many(name) => json!({"type": "array", "items": reference(name)}),
        Any => json!({}),
    }
}
