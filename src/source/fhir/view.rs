//! A SQL-on-FHIR v2 ViewDefinition: read and checked once, then applied to one resource after the other
//! (<https://sql-on-fhir.org/ig/StructureDefinition-ViewDefinition.html>).
//!
//! Columns are in the order in which the view names them: those of a select, of the selects inside it, of its `unionAll`.

use serde_json::{Map, Value};

use super::json::Keep;
use super::path::{Expr, Kind, Literal, Variable, parse};

/// Selects inside selects.
const DEPTH: usize = 32;

#[derive(Debug)]
pub(super) struct View {
    /// The type of resource it is of.
    pub resource: String,
    pub columns: Vec<String>,
    pub selects: Vec<Select>,
    pub wheres: Vec<Expr>,
    /// What its paths may look at.
    pub keep: Keep,
}

#[derive(Debug)]
pub(super) struct Select {
    pub each: Each,
    pub columns: Vec<Column>,
    pub selects: Vec<Select>,
    pub union: Vec<Select>,
    /// How many columns all of this gives.
    pub width: usize,
}

/// What a select goes over.
#[derive(Debug)]
pub(super) enum Each {
    Once,
    Of(Expr),
    OfOrNull(Expr),
    Repeat(Vec<Expr>),
}

#[derive(Debug)]
pub(super) struct Column {
    pub path: Expr,
    pub collection: bool,
    /// Mentions `%rowIndex`, which has a value even where there is no element.
    pub counts: bool,
}

impl View {
    /// Messages are without the name of the option.
    pub fn load(definition: &Value) -> Result<View, String> {
        let map = object(definition, "the view")?;
        if let Some(kind) = map.get("resourceType").and_then(Value::as_str)
            && !kind.ends_with("ViewDefinition")
        {
            return Err(format!("this is a `{kind}`, no `ViewDefinition`"));
        }
        known(map, "the view", &VIEW_KEYS)?;
        let resource = required(map, "resource", "the view")?;
        let mut loader = Loader { constants: constants(map)?, keep: Keep::default(), names: vec![] };
        let selects = loader.selects(map, "", 0)?;
        if loader.names.is_empty() {
            return Err("the view has no column".into());
        }
        let mut wheres = vec![];
        for (index, item) in list(map, "where", "")?.iter().enumerate() {
            let place = format!("where[{index}]");
            let item = object(item, &place)?;
            known(item, &format!("`{place}`"), &["path", "description"])?;
            wheres.push(loader.path(&required(item, "path", &place)?, &format!("{place}.path"))?);
        }
        ["resourceType", "id", "resource"].iter().for_each(|name| loader.keep.add(name));
        Ok(View { resource, columns: loader.names, selects, wheres, keep: loader.keep })
    }
}

/// Keys of a ViewDefinition: what it does, and what a registry keeps of it (SQL on FHIR v2, StructureDefinition-ViewDefinition).
const VIEW_KEYS: [&str; 33] = [
    "resourceType", "resource", "select", "where", "constant", "fhirVersion", "profile", "url", "identifier", "name", "title", "meta", "status", "experimental", "publisher", "contact", "description", "useContext",
    "copyright", "id", "version", "date", "text", "language", "extension", "implicitRules", "contained", "modifierExtension", "purpose", "jurisdiction", "copyrightLabel", "versionAlgorithmString", "versionAlgorithmCoding",
];

/// A misspelt key would otherwise be ignored without a word.
fn known(map: &Map<String, Value>, place: &str, keys: &[&str]) -> Result<(), String> {
    match map.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(format!("{place} has no key `{key}`")),
        None => Ok(()),
    }
}

struct Loader {
    constants: Vec<(String, Literal)>,
    keep: Keep,
    /// Columns so far.
    names: Vec<String>,
}

impl Loader {
    fn selects(&mut self, map: &Map<String, Value>, place: &str, depth: usize) -> Result<Vec<Select>, String> {
        if depth > DEPTH {
            return Err(format!("`{place}`: selects are nested too deep"));
        }
        let place = if place.is_empty() { String::new() } else { format!("{place}.") };
        let items = list(map, "select", &place)?;
        items.iter().enumerate().map(|(index, item)| self.select(item, &format!("{place}select[{index}]"), depth)).collect()
    }

    fn select(&mut self, item: &Value, place: &str, depth: usize) -> Result<Select, String> {
        let map = object(item, place)?;
        known(map, &format!("`{place}`"), &["column", "select", "forEach", "forEachOrNull", "unionAll", "repeat", "id", "extension"])?;
        let before = self.names.len();
        let each = self.each(map, place)?;
        let mut columns = vec![];
        for (index, item) in list(map, "column", &format!("{place}."))?.iter().enumerate() {
            columns.push(self.column(item, &format!("{place}.column[{index}]"))?);
        }
        let selects = self.selects(map, place, depth + 1)?;
        let union = self.union(map, place, depth + 1)?;
        Ok(Select { each, columns, selects, union, width: self.names.len() - before })
    }

    fn each(&mut self, map: &Map<String, Value>, place: &str) -> Result<Each, String> {
        let mut given = ["forEach", "forEachOrNull", "repeat"].into_iter().filter(|key| map.contains_key(*key));
        let Some(key) = given.next() else { return Ok(Each::Once) };
        if let Some(other) = given.next() {
            return Err(format!("`{place}` has both `{key}` and `{other}`"));
        }
        if key == "repeat" {
            let mut paths = vec![];
            for (index, path) in list(map, "repeat", &format!("{place}."))?.iter().enumerate() {
                let place = format!("{place}.repeat[{index}]");
                let path = path.as_str().ok_or_else(|| format!("`{place}` is no text"))?;
                paths.push(self.path(path, &place)?);
            }
            return if paths.is_empty() { Err(format!("`{place}.repeat` is empty")) } else { Ok(Each::Repeat(paths)) };
        }
        let path = self.path(&required(map, key, place)?, &format!("{place}.{key}"))?;
        Ok(if key == "forEach" { Each::Of(path) } else { Each::OfOrNull(path) })
    }

    fn column(&mut self, item: &Value, place: &str) -> Result<Column, String> {
        let map = object(item, place)?;
        known(map, &format!("`{place}`"), &["name", "path", "collection", "type", "description", "tag", "id", "extension"])?;
        let name = required(map, "name", place)?;
        named(&name, place)?;
        if self.names.contains(&name) {
            return Err(format!("the view has the column `{name}` twice"));
        }
        let path = self.path(&required(map, "path", place)?, &format!("{place}.path"))?;
        let collection = match map.get("collection") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(collection)) => *collection,
            Some(_) => return Err(format!("`{place}.collection` is neither true nor false")),
        };
        self.names.push(name);
        Ok(Column { counts: path.mentions(Variable::RowIndex), path, collection })
    }

    /// The branches, which have the same columns.
    fn union(&mut self, map: &Map<String, Value>, place: &str, depth: usize) -> Result<Vec<Select>, String> {
        if depth > DEPTH {
            return Err(format!("`{place}`: selects are nested too deep"));
        }
        let before = self.names.len();
        let mut branches = vec![];
        let mut columns: Vec<String> = vec![];
        for (index, item) in list(map, "unionAll", &format!("{place}."))?.iter().enumerate() {
            let place = format!("{place}.unionAll[{index}]");
            self.names.truncate(before);
            branches.push(self.select(item, &place, depth)?);
            let of_branch = self.names.get(before..).unwrap_or_default();
            if index == 0 {
                columns = of_branch.to_vec();
            } else if columns != of_branch {
                return Err(format!("`{place}` has other columns than the branch before it, or in another order"));
            }
        }
        Ok(branches)
    }

    fn path(&mut self, source: &str, place: &str) -> Result<Expr, String> {
        let expr = parse(source, &self.constants).map_err(|wrong| {
            let before = source.get(..wrong.place).map_or(0, |before| before.chars().count());
            format!("`{place}`: {} (character {})", wrong.message, before + 1)
        })?;
        expr.note(&mut self.keep);
        Ok(expr)
    }
}

fn constants(map: &Map<String, Value>) -> Result<Vec<(String, Literal)>, String> {
    let mut found = vec![];
    for (index, item) in list(map, "constant", "")?.iter().enumerate() {
        let place = format!("constant[{index}]");
        let item = object(item, &place)?;
        let name = required(item, "name", &place)?;
        named(&name, &place)?;
        let mut values = item.iter().filter_map(|(key, value)| key.strip_prefix("value").map(|kind| (kind, value)));
        let (Some((kind, value)), None) = (values.next(), values.next()) else { return Err(format!("the constant `{name}` needs one value")) };
        let literal = constant(kind, value).ok_or_else(|| format!("the value of the constant `{name}` is no `value{kind}`"))?;
        found.push((name, literal));
    }
    Ok(found)
}

/// `valueString: official` becomes a text, `valueDate` a date, and so on.
fn constant(kind: &str, value: &Value) -> Option<Literal> {
    let text = || value.as_str().map(str::to_owned);
    Some(match kind {
        "Boolean" => Literal::Bool(value.as_bool()?),
        "Decimal" | "Integer" | "Integer64" | "PositiveInt" | "UnsignedInt" => {
            let digits = value.as_number().map(ToString::to_string).or_else(text)?;
            Literal::Number(digits.parse().ok()?)
        }
        "Date" => Literal::Moment(Kind::Date, text()?),
        "DateTime" | "Instant" => Literal::Moment(Kind::DateTime, text()?),
        "Time" => Literal::Moment(Kind::Time, text()?),
        "Base64Binary" | "Canonical" | "Code" | "Id" | "Markdown" | "Oid" | "String" | "Uri" | "Url" | "Uuid" => Literal::Text(text()?),
        _ => return None,
    })
}

fn object<'v>(value: &'v Value, place: &str) -> Result<&'v Map<String, Value>, String> {
    value.as_object().ok_or_else(|| format!("`{place}` is no object"))
}

/// The items of a list that may be missing.
fn list<'v>(map: &'v Map<String, Value>, key: &str, place: &str) -> Result<&'v [Value], String> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(format!("`{place}{key}` is no list")),
    }
}

fn required(map: &Map<String, Value>, key: &str, place: &str) -> Result<String, String> {
    match map.get(key) {
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(text.clone()),
        Some(Value::String(_)) => Err(format!("`{key}` of `{place}` is empty")),
        Some(_) => Err(format!("`{key}` of `{place}` is no text")),
        None => Err(format!("`{key}` is missing in `{place}`")),
    }
}

/// The constraint `sql-name`.
fn named(name: &str, place: &str) -> Result<(), String> {
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if first && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        Ok(())
    } else {
        Err(format!("`{place}`: the name `{name}` is not made of letters, digits and `_`, beginning with a letter"))
    }
}
