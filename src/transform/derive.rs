//! The state while one field's derivation is lowered, and what every transform may ask of it.
//!
//! Expressions are named as they are made ([`Definitions`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::StringViewArray;
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::{Expr, ScalarUDF, expr::ScalarFunction};

pub use super::names::{Named, Names};
use super::{Definitions, REGISTRY, Role, number};
use crate::config::endpoint::Endpoint;
use crate::config::mapping::{Locale, OnError, null_tokens};
use crate::config::schema::{Field, FieldType};
use crate::config::yaml::{Node, Value};
use crate::config::{Name, Spanned};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Span, code};

/// What a value is while it is derived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    Number,
    Boolean,
    Date,
    Datetime,
}

impl Kind {
    /// The Arrow type that carries it.
    pub fn data_type(self) -> DataType {
        match self {
            Kind::Text => DataType::Utf8View,
            Kind::Integer => DataType::Int64,
            Kind::Number => DataType::Float64,
            Kind::Boolean => DataType::Boolean,
            Kind::Date => DataType::Date32,
            Kind::Datetime => DataType::Timestamp(TimeUnit::Microsecond, None),
        }
    }

    /// The kind of an Arrow type, where it has one.
    pub fn of(data_type: &DataType) -> Option<Kind> {
        Some(match data_type {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Kind::Text,
            t if t.is_integer() => Kind::Integer,
            DataType::Float16 | DataType::Float32 | DataType::Float64 => Kind::Number,
            DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => Kind::Number,
            DataType::Boolean => Kind::Boolean,
            DataType::Date32 | DataType::Date64 => Kind::Date,
            DataType::Timestamp(..) => Kind::Datetime,
            _ => return None,
        })
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Kind::Text => "a text",
            Kind::Integer => "a whole number",
            Kind::Number => "a number",
            Kind::Boolean => "true or false",
            Kind::Date => "a date",
            Kind::Datetime => "a date with time",
        }
    }
}

impl Field {
    /// How the field is stored; a code whose values are all whole numbers is a whole number.
    pub fn storage(&self) -> Kind {
        match self.kind.value {
            FieldType::Integer => Kind::Integer,
            FieldType::Decimal => Kind::Number,
            FieldType::Boolean => Kind::Boolean,
            FieldType::Date => Kind::Date,
            FieldType::Datetime => Kind::Datetime,
            FieldType::Text | FieldType::Pseudonym => Kind::Text,
            FieldType::Code if !self.values.is_empty() && self.values.iter().all(|v| is_whole(&v.value.value)) => Kind::Integer,
            FieldType::Code => Kind::Text,
        }
    }
}

/// A whole number as it is written without ornament: `01` is a code and stays one.
fn is_whole(text: &str) -> bool {
    text == "0" || (!text.trim_start_matches('-').starts_with(['0', '+']) && text.parse::<i64>().is_ok())
}

/// An expression and what it gives.
#[derive(Debug, Clone)]
pub struct Typed {
    pub expr: Expr,
    pub kind: Kind,
}

/// A way in which a present input can come out missing.
#[derive(Debug, Clone)]
pub struct Failure {
    /// True: failed; false: fine; null: there was no input.
    pub violated: Expr,
    pub code: Code,
    /// `parse`, `unmapped`, `bins`, `expression`.
    pub rule: &'static str,
    /// The source column it is about, as the site names it.
    pub column: Option<String>,
    /// The text whose values are worth listing (codes), as a definition's name.
    pub raw: Option<String>,
    pub policy: OnError,
    /// The field is the column itself, not something derived from several.
    pub direct: bool,
    /// Equal for failures that are one finding: the same cell read in the same way.
    pub same: String,
}

/// A column of the plan, by its exact name.
pub fn column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

/// What the plan's columns of raw source columns begin with.
pub const RAW: &str = "c:";
/// What the plan's columns of derived fields begin with.
pub const FIELD: &str = "f:";

/// The plan's column of a raw source column.
pub fn raw_column(name: &str) -> String {
    [RAW, name].concat()
}

/// The plan's column of a derived field.
pub fn field_column(name: &str) -> String {
    [FIELD, name].concat()
}

/// A text literal.
pub fn text(value: impl Into<String>) -> Expr {
    Expr::Literal(ScalarValue::Utf8View(Some(value.into())), None)
}

/// A text literal or null.
pub fn optional_text(value: Option<String>) -> Expr {
    Expr::Literal(ScalarValue::Utf8View(value), None)
}

/// From so many texts on they travel as one literal, a list, which is made ready once a run.
pub const SEVERAL: usize = 64;

/// A list of texts as one literal.
pub fn text_list<'t>(texts: impl IntoIterator<Item = Option<&'t str>>) -> Expr {
    let texts: StringViewArray = texts.into_iter().collect();
    Expr::Literal(SingleRowListArrayBuilder::new(Arc::new(texts)).build_list_scalar(), None)
}

/// A number literal or null.
pub fn number(value: Option<f64>) -> Expr {
    Expr::Literal(ScalarValue::Float64(value), None)
}

/// A boolean literal.
pub fn flag(value: bool) -> Expr {
    Expr::Literal(ScalarValue::Boolean(Some(value)), None)
}

/// The functions an expression may call, by name.
pub type Functions = BTreeMap<String, Arc<ScalarUDF>>;

/// One field's derivation while it is lowered.
pub struct Derive<'a> {
    pub field: &'a Field,
    pub locale: &'a Locale,
    pub names: &'a Names<'a>,
    pub site: &'a str,
    /// The table's `on_error`, if it has one.
    pub table_policy: Option<OnError>,
    pub functions: &'a Functions,
    pub scope: &'a super::SqlScope,
    /// Time-to-event derivations of the table.
    pub endpoints: &'a [Endpoint],
    pub found: &'a mut Diagnostics,
    pub definitions: &'a mut Definitions,
    args: Vec<(&'a Node, &'a Node)>,
    /// Place of the derivation, for findings about all of it.
    pub span: Span,
    pub value: Option<Typed>,
    /// The source column behind the value, where there is one.
    pub column: Option<String>,
    /// Declared impossible or undetermined, with the reason.
    pub absent: Option<(bool, String)>,
    pub failures: Vec<Failure>,
    policy_missing: bool,
}

/// A field's derivation, lowered.
pub struct Derived {
    pub expr: Expr,
    pub failures: Vec<Failure>,
}

/// What the derivation of a field comes to.
pub enum Outcome {
    Derived(Derived),
    Impossible(String),
    Undetermined(String),
}

/// What lowering needs besides the derivation itself.
pub struct Context<'a> {
    pub locale: &'a Locale,
    pub names: &'a Names<'a>,
    pub site: &'a str,
    pub table_policy: Option<OnError>,
    pub functions: &'a Functions,
    pub scope: &'a super::SqlScope,
    /// Time-to-event derivations of the table.
    pub endpoints: &'a [Endpoint],
}

/// Lowers one derivation; `None` after findings.
pub fn lower<'a>(
    context: &Context<'a>,
    field: &'a Field,
    name: &Name,
    node: &'a Node,
    definitions: &'a mut Definitions,
    found: &'a mut Diagnostics,
) -> Option<Outcome> {
    let Value::Map(items) = &node.value else {
        found.push(
            Diagnostic::error(code::WRONG_KIND, node.span, format!("the derivation of `{}` should be a map", name.value))
                .label(format!("found {}", node.kind()))
                .help("for example `{from: COLUMN}`"),
        );
        return None;
    };
    let known: Vec<&str> = REGISTRY.iter().map(|t| t.key).collect();
    let mut sound = true;
    for (key, _) in items {
        let word = key.text().unwrap_or_default();
        if !known.contains(&word) {
            found.push(
                Diagnostic::error(code::UNKNOWN_TRANSFORM, key.span, format!("there is no transform `{word}`"))
                    .label("not a transform")
                    .suggest(word, known.iter().copied()),
            );
            sound = false;
        }
    }
    let args: Vec<(&Node, &Node)> = items.iter().map(|(k, v)| (k, v)).collect();
    let mut derive = Derive {
        field,
        locale: context.locale,
        names: context.names,
        site: context.site,
        table_policy: context.table_policy,
        functions: context.functions,
        scope: context.scope,
        endpoints: context.endpoints,
        found,
        definitions,
        args,
        span: name.span,
        value: None,
        column: None,
        absent: None,
        failures: vec![],
        policy_missing: false,
    };
    let origins: Vec<(&super::Transform, &Node, &Node)> = derive.words(Role::Origin);
    match origins.as_slice() {
        [] => {
            if sound {
                derive.found.push(
                    Diagnostic::error(code::NO_ORIGIN, node.span, format!("the derivation of `{}` does not say where its value comes from", name.value))
                        .label("no origin")
                        .help("write one of `from`, `coalesce`, `value`, `sql`, `age_at`, `precision_of`, `comparator_of`, `endpoint`, `impossible`, `undetermined`"),
                );
            }
            return None;
        }
        [_] => {}
        [first, second, ..] => {
            derive.found.push(
                Diagnostic::error(code::TWO_ORIGINS, second.1.span, format!("`{}` and `{}` both say where the value comes from", first.0.key, second.0.key))
                    .label("the second origin")
                    .related(first.1.span, "the first"),
            );
            return None;
        }
    }
    let (origin, _, argument) = origins[0];
    (origin.lower)(&mut derive, argument)?;
    if let (Some(_), Some((word, key, _))) = (&derive.absent, derive.words(Role::Step).first()) {
        derive.clash(key.span, format!("`{}` has nothing to work on: the field is declared absent", word.key));
        return None;
    }
    if let Some((impossible, reason)) = derive.absent {
        return Some(if impossible { Outcome::Impossible(reason) } else { Outcome::Undetermined(reason) });
    }
    for (step, _, argument) in derive.words(Role::Step) {
        (step.lower)(&mut derive, argument)?;
    }
    for (companion, _, argument) in derive.words(Role::Companion) {
        (companion.lower)(&mut derive, argument)?;
    }
    derive.finish()?;
    let failed = derive.policy_missing || !sound;
    let value = derive.value?;
    (!failed).then_some(Outcome::Derived(Derived { expr: value.expr, failures: derive.failures }))
}

impl<'a> Derive<'a> {
    fn words(&self, role: Role) -> Vec<(&'static super::Transform, &'a Node, &'a Node)> {
        REGISTRY
            .iter()
            .filter(|t| t.role == role)
            .filter_map(|t| self.entry(t.key).map(|(k, v)| (*t, k, v)))
            .collect()
    }

    /// Key and argument of another word of this derivation.
    pub fn entry(&self, key: &str) -> Option<(&'a Node, &'a Node)> {
        self.args.iter().find(|(k, _)| k.text() == Some(key)).map(|(k, v)| (*k, *v))
    }

    /// The argument of another word of this derivation.
    pub fn argument(&self, key: &str) -> Option<&'a Node> {
        self.entry(key).map(|(_, v)| v)
    }

    /// A call of one of our functions.
    pub fn call(&self, function: &str, args: Vec<Expr>) -> Expr {
        call(self.functions, function, args)
    }

    /// The cleaned text of a source column: blanks trimmed, missing codes null.
    pub fn cell(&mut self, name: &str) -> Expr {
        // Shapes bring the columns of several sources together, each written in its own way.
        if let Some(locale) = self.names.locale(name) {
            self.locale = locale;
        }
        let mut cell = column(&raw_column(name));
        if self.names.kind(name) != Kind::Text {
            cell = datafusion::logical_expr::cast(cell, Kind::Text.data_type());
        }
        let mut nulls = self.locale.null.clone();
        if let Some(node) = self.argument("null") {
            nulls.extend(null_tokens(node, self.found));
        }
        let cell = cell_of(self.functions, cell, self.locale.trim, nulls);
        self.definitions.define(&format!("t:{name}"), Kind::Text, cell)
    }

    /// What a name stands for, as a value; a finding when it stands for nothing.
    pub fn reference(&mut self, name: &Name) -> Option<Typed> {
        match self.names.find(&name.value) {
            Some(Named::Column(column)) => {
                self.column.get_or_insert(column.clone());
                match self.names.kind(&column) {
                    Kind::Text => Some(Typed { expr: self.cell(&column), kind: Kind::Text }),
                    kind => Some(Typed { expr: self::column(&raw_column(&column)), kind }),
                }
            }
            Some(Named::Field(field)) => Some(Typed { expr: column(&field_column(&field.name.value)), kind: field.storage() }),
            None => {
                let columns = self.names.columns.unwrap_or_default();
                let shaped = self.names.in_shape || !self.names.shaped.is_empty();
                let message = if shaped { format!("there is no column `{}`", name.value) } else { format!("the source has no column `{}`", name.value) };
                self.found.push(
                    Diagnostic::error(code::UNKNOWN_COLUMN, name.span, message)
                        .label(if shaped { "not a column of these rows" } else { "not in the header" })
                        .suggest(&name.value, columns.iter().map(String::as_str)),
                );
                None
            }
        }
    }

    /// The policy for a value that cannot be read; a finding when there is none.
    pub fn policy(&mut self) -> OnError {
        let own = self.argument("on_error").and_then(|n| OnError::WORDS.iter().find(|(w, _)| n.text() == Some(*w)).map(|(_, p)| *p));
        match own.or(self.table_policy) {
            Some(policy) => policy,
            None => {
                self.no_policy();
                OnError::Quarantine
            }
        }
    }

    fn no_policy(&mut self) {
        if !std::mem::replace(&mut self.policy_missing, true) {
            self.found.push(
                Diagnostic::error(code::NO_POLICY, self.span, format!("a value of `{}` may be unreadable, and nothing says what happens then", self.field.name.value))
                    .label("this derivation can fail")
                    .help(format!("write `on_error: quarantine` (or `null`, or `fail`) for the {}", if self.names.in_shape { "shape or for this column" } else { "table or for this field" })),
            );
        }
    }

    /// Replaces the value by `output` and notes that it fails where `input` is present and
    /// `output` is not.
    pub fn fallible(&mut self, hint: &str, output: Expr, kind: Kind, input: Expr, code: Code, rule: &'static str) {
        let policy = self.policy();
        let same = same_reading(&output);
        let output = self.definitions.define(hint, kind, output);
        let violated = self.call("failed", vec![input, output.clone()]);
        self.failures.push(Failure { violated, code, rule, column: self.column.clone(), raw: None, policy, direct: self.entry("from").is_some(), same });
        self.value = Some(Typed { expr: output, kind });
    }

    /// A missing value of the field's own kind.
    pub fn nothing_of_the_type(&self) -> Typed {
        let kind = self.field.storage();
        Typed { expr: Expr::Literal(ScalarValue::try_from(&kind.data_type()).unwrap_or(ScalarValue::Null), None), kind }
    }

    /// The value as text, or a finding that `word` needs a text.
    pub fn text_value(&mut self, word: &str, span: Span) -> Option<Expr> {
        match &self.value {
            Some(Typed { expr, kind: Kind::Text }) => Some(expr.clone()),
            Some(Typed { kind, .. }) => {
                let kind = kind.words();
                self.clash(span, format!("`{word}` reads a text, but the value is {kind} already"));
                None
            }
            None => None,
        }
    }

    /// Reports that a word does not fit where it stands.
    pub fn clash(&mut self, span: Span, message: String) {
        self.found.push(Diagnostic::error(code::TRANSFORM_CLASH, span, message).label("does not fit here"));
    }

    /// Reports that a word does not fit the field's type.
    pub fn wrong_type(&mut self, word: &str, span: Span, wants: &str) {
        self.found.push(
            Diagnostic::error(code::TRANSFORM_TYPE, span, format!("`{word}` does not fit the field `{}`", self.field.name.value))
                .label(format!("`{word}` is for {wants}"))
                .related(self.field.kind.span, format!("the field is of type `{}`", self.field.kind.value.word())),
        );
    }

    /// Reads what is left as the field's type wants it.
    fn finish(&mut self) -> Option<()> {
        let value = self.value.clone()?;
        let storage = self.field.storage();
        match (value.kind, self.field.kind.value) {
            (Kind::Text, FieldType::Integer | FieldType::Decimal) => number::read(self, None),
            (Kind::Text, FieldType::Date | FieldType::Datetime) => super::date::read(self, None),
            (Kind::Text, FieldType::Boolean) => super::boolean::read(self, None),
            // A map's targets were compared with the field's values already.
            (Kind::Text, FieldType::Code) if self.entry("map").is_some() || self.entry("match").is_some() => Some(()),
            (Kind::Text, FieldType::Code) => super::map::identity(self),
            (Kind::Text, FieldType::Text) => {
                super::origin::free_text(self, &value.expr);
                Some(())
            }
            // Only `pseudonym` itself makes one; a plain text must be keyed first.
            (Kind::Text, FieldType::Pseudonym) => super::pseudonym::read(self),
            (kind, _) if kind == storage && self.field.kind.value != FieldType::Pseudonym => Some(()),
            (Kind::Integer, FieldType::Decimal) => self.cast(&value, Kind::Number),
            (Kind::Number, FieldType::Integer | FieldType::Code) if storage == Kind::Integer => number::whole(self, &value),
            (Kind::Date, FieldType::Datetime) => self.cast(&value, Kind::Datetime),
            (kind, wanted) => {
                self.found.push(
                    Diagnostic::error(code::FIELD_TYPE, self.span, format!("the value of `{}` is {}, but the field is of type `{}`", self.field.name.value, kind.words(), wanted.word()))
                        .label(format!("gives {}", kind.words()))
                        .related(self.field.kind.span, "the field's type"),
                );
                None
            }
        }
    }

    fn cast(&mut self, value: &Typed, kind: Kind) -> Option<()> {
        let expr = datafusion::logical_expr::cast(value.expr.clone(), kind.data_type());
        self.value = Some(Typed { expr, kind });
        Some(())
    }
}

/// Equal for calls that can read the same cells: the factor of a unit does not change what is a number, nor the day
/// that a partial date counts as what is a date.
pub fn same_reading(output: &Expr) -> String {
    let joined = |args: &mut dyn Iterator<Item = &Expr>| args.map(ToString::to_string).collect::<Vec<_>>().join(",");
    let counts_as_a_day = |arg: &&Expr| matches!(arg, Expr::Literal(ScalarValue::Utf8View(Some(text)), _) if text.starts_with("partial: ") && text != "partial: refuse");
    match output {
        Expr::ScalarFunction(f) if f.name() == "parse_number" => joined(&mut f.args.iter().take(3)),
        Expr::ScalarFunction(f) if matches!(f.name(), "parse_date" | "date_precision") => joined(&mut f.args.iter().filter(|arg| !counts_as_a_day(arg))),
        other => other.to_string(),
    }
}

/// A cell's cleaned text: null where it is one of the texts that count as missing, or empty.
pub fn cell_of(functions: &Functions, cell: Expr, trim: bool, mut nulls: Vec<String>) -> Expr {
    // An empty cell is missing whatever the mapping lists.
    if !nulls.iter().any(String::is_empty) {
        nulls.push(String::new());
    }
    let mut args = vec![cell, flag(trim)];
    args.extend(nulls.into_iter().map(text));
    call(functions, "cell", args)
}

/// A call of one of our functions.
pub fn call(functions: &Functions, function: &str, args: Vec<Expr>) -> Expr {
    match functions.get(function) {
        Some(udf) => Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(udf), args)),
        // Not reachable with the registry of `crate::function`; a null fails every row loudly.
        None => Expr::Literal(ScalarValue::Null, None),
    }
}

/// Texts of a node that is one name or a list of them.
pub fn names_of(node: &Node, what: &str, found: &mut Diagnostics) -> Option<Vec<Name>> {
    let one = |n: &Node| n.text().filter(|_| !n.is_null()).map(|t| Spanned::new(t.to_owned(), n.span));
    let names: Option<Vec<Name>> = match &node.value {
        Value::List(items) if !items.is_empty() => items.iter().map(one).collect(),
        Value::Scalar { .. } => one(node).map(|n| vec![n]),
        _ => None,
    };
    if names.is_none() {
        found.push(
            Diagnostic::error(code::WRONG_KIND, node.span, format!("`{what}` takes names"))
                .label(format!("expected a name or a list of names, found {}", node.kind())),
        );
    }
    names
}
