//! One field's derivation in words, through the fields that it needs, down to the columns of the export.

use std::collections::HashSet;
use std::fmt::Write;

use super::language::{Language, say};
use super::shapes::Way;
use super::words::{finding, flow, steps};
use crate::check::{FieldState, Later, Resolved, ResolvedTable, references};
use crate::config::mapping::{Source, TableMapping};
use crate::config::project::Project;
use crate::config::schema::{Field, FieldType};
use crate::config::shape::Shape;
use crate::config::yaml::{Node, Value};
use crate::diagnostic::{closest, code};
use crate::rule::{Check, Effect};
use crate::source::FileHead;
use crate::transform::derive::field_column;

/// The derivation of `table.field` (or `field`, where one table has it) at each site, or at one. What is wrong with the
/// question is told in English, as all errors are.
///
/// # Errors
/// What is not there, with the nearest name.
pub fn field(project: &Project, resolved: &Resolved, asked: &str, site: Option<&str>, l: Language) -> Result<String, String> {
    let tables = &resolved.schema.tables;
    let all: Vec<(usize, usize, String)> = tables
        .iter()
        .enumerate()
        .flat_map(|(t, table)| table.fields.iter().enumerate().map(move |(f, field)| (t, f, format!("{}.{}", table.name.value, field.name.value))))
        .collect();
    let fits: Vec<&(usize, usize, String)> = all.iter().filter(|(.., name)| name == asked || name.split_once('.').is_some_and(|(_, field)| field == asked)).collect();
    let (table, place, name) = match fits.as_slice() {
        [one] => *one,
        [] => return Err(unknown("field", asked, all.iter().flat_map(|(.., name)| [name.as_str(), name.split_once('.').map_or(name, |(_, f)| f)]))),
        several => return Err(format!("`{asked}` is a field of several tables: {}", several.iter().map(|(.., n)| n.as_str()).collect::<Vec<_>>().join(", "))),
    };
    let target = &tables[*table].fields[*place];
    let filled: Vec<&ResolvedTable> = resolved.tables.iter().filter(|t| t.table == *table && site.is_none_or(|s| t.site == s)).collect();
    if let (Some(site), true) = (site, filled.is_empty()) {
        return Err(unknown("site", site, resolved.tables.iter().filter(|t| t.table == *table).map(|t| t.site.as_str())));
    }
    let mut out = format!("{name}{}\n", about(target, l));
    for table in filled {
        let Some((path, mapping)) = project.mappings.iter().find(|(_, m)| m.name.value == table.mapping) else { continue };
        let read = table.inputs.first().map_or(&table.source, |input| &input.name);
        let Some(source) = mapping.sources.iter().find(|s| s.name.value == *read) else { continue };
        let Some(written) = mapping.tables.iter().find(|t| t.table.value == tables[table.table].name.value) else { continue };
        let _ = writeln!(out, "\n{} {} ({})", l.pick("At", "Centre"), table.site, path.display());
        let site = At { resolved, table, source, shapes: &mapping.shapes, written, l };
        site.tell(&mut out, target, 1, &mut HashSet::new());
        for (id, condition) in &written.filters {
            let _ = writeln!(out, "  {}", say!(l, "a row is left out of the table unless `{}` holds: {}", "une ligne n'entre pas dans la table sauf si `{}` est vrai : {}", id.value, flow(condition)));
        }
    }
    Ok(out)
}

fn unknown<'a>(what: &str, asked: &str, known: impl Iterator<Item = &'a str>) -> String {
    let mut known: Vec<&str> = known.collect();
    known.dedup();
    match closest(asked, &known) {
        Some(near) => format!("there is no {what} `{asked}`; did you mean `{near}`?"),
        None => {
            let shown: Vec<&str> = known.iter().filter(|k| what != "field" || k.contains('.')).take(12).copied().collect();
            format!("there is no {what} `{asked}`; there is {}{}", shown.join(", "), if known.len() > 12 { " …" } else { "" })
        }
    }
}

/// `: Age at diagnosis (integer, in a, required)`.
fn about(field: &Field, l: Language) -> String {
    let mut parts = vec![field.kind.value.word().to_owned()];
    parts.extend(field.unit.as_ref().map(|u| format!("{} {}", l.pick("in", "en"), u.value)));
    if field.required {
        parts.push(l.pick("required", "obligatoire").into());
    }
    parts.extend(field.concept.iter().map(|(system, code)| format!("{system} {code}")));
    let words = l.of(&field.description).map_or(String::new(), |d| say!(l, ": {d}", " : {d}"));
    format!("{words} ({})", parts.join(", "))
}

/// One site's mapping of one table.
struct At<'a> {
    resolved: &'a Resolved,
    table: &'a ResolvedTable,
    source: &'a Source,
    shapes: &'a [Shape],
    written: &'a TableMapping,
    l: Language,
}

impl At<'_> {
    fn tell(&self, out: &mut String, field: &Field, depth: usize, told: &mut HashSet<String>) {
        let l = self.l;
        let pad = "  ".repeat(depth);
        let name = &field.name.value;
        told.insert(name.clone());
        let node = self.written.fields.iter().find(|(n, _)| n.value == *name).map(|(_, node)| node);
        let place = self.resolved.schema.tables[self.table.table].fields.iter().position(|f| f.name.value == *name);
        match place.and_then(|at| self.table.fields.get(at)) {
            Some(FieldState::Derived) => {}
            Some(FieldState::Impossible(why)) => {
                let _ = writeln!(out, "{pad}{}", say!(l, "can never be delivered by this site: {why}", "ne pourra jamais être livré par ce centre : {why}"));
                return;
            }
            Some(FieldState::Undetermined(why)) => {
                let _ = writeln!(out, "{pad}{}", say!(l, "may one day be delivered by this site: {why}", "sera peut-être livré un jour par ce centre : {why}"));
                return;
            }
            _ => {
                let _ = writeln!(out, "{pad}{}", l.pick("is not mentioned by the mapping: missing in every row", "la correspondance n'en parle pas : absent de toutes les lignes"));
                return;
            }
        }
        let is_column = |name: &str| self.table.columns.iter().any(|c| c == name);
        if let Some(node) = node {
            let _ = writeln!(out, "{pad}{} {}", l.pick("written as", "s'écrit"), flow(node));
            for (n, step) in steps(node, field, &self.source.locale, &is_column, l).iter().enumerate() {
                let _ = writeln!(out, "{pad}{}. {step}", n + 1);
            }
            if let Some(endpoint) = argument(node, "endpoint").and_then(|name| self.table.endpoints.iter().find(|e| e.name == name)) {
                let (name, words) = (&endpoint.name, l.of(&endpoint.described.words).unwrap_or_default());
                let _ = writeln!(out, "{pad}{}", say!(l, "the endpoint `{name}`: {words}", "le critère `{name}` : {words}"));
            }
        }
        let (columns, fields) = self.needs(name);
        if !columns.is_empty() {
            let told = self.columns(&columns, node);
            let _ = writeln!(out, "{pad}{}", say!(l, "from the export: {told}", "de l'export : {told}"));
            if !self.table.stages.is_empty() {
                let way = Way { shapes: self.shapes, inputs: &self.table.inputs, locale: &self.source.locale, l };
                way.tell(out, &self.table.source, &columns, &format!("{pad}  "));
            }
        }
        self.findings(out, name, &pad);
        if depth == 1 {
            self.constraints(out, field, &pad);
        }
        for needed in fields {
            let Some(needed) = self.resolved.schema.tables[self.table.table].fields.iter().find(|f| f.name.value == needed) else { continue };
            let name = &needed.name.value;
            if told.contains(name) {
                let _ = writeln!(out, "{pad}{}", say!(l, "the field `{name}`: as above", "le champ `{name}` : comme ci-dessus"));
                continue;
            }
            let _ = writeln!(out, "{pad}{} `{name}`{}", l.pick("the field", "le champ"), about(needed, l));
            self.tell(out, needed, depth + 1, told);
        }
    }

    /// Columns and fields that a field is derived from, by name.
    fn needs(&self, field: &str) -> (Vec<String>, Vec<String>) {
        let (mut columns, mut fields, mut seen) = (vec![], vec![], HashSet::new());
        let mut todo = vec![field_column(field)];
        while let Some(name) = todo.pop() {
            let Some(definition) = self.table.definitions.get(&name) else { continue };
            let mut refs: Vec<String> = definition.expr.column_refs().into_iter().map(|c| c.name.clone()).collect();
            refs.sort();
            for name in refs {
                if !seen.insert(name.clone()) {
                    continue;
                }
                match (name.strip_prefix("c:"), name.strip_prefix("f:")) {
                    (Some(column), _) => columns.push(column.to_owned()),
                    (_, Some(field)) => fields.push(field.to_owned()),
                    _ => todo.push(name),
                }
            }
        }
        columns.sort();
        fields.sort();
        (columns, fields)
    }

    fn columns(&self, columns: &[String], node: Option<&Node>) -> String {
        let l = self.l;
        let named = columns.iter().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", ");
        let format = self.table.inputs.first().map_or("", |i| i.format.as_str());
        let one = |f: &FileHead| match f.evidence.iter().find(|e| e.starts_with("sheet: ")) {
            _ if f.is_delimited() => format!("{}, {}, {} `{}`", f.shown, f.encoding(), l.pick("separated by", "séparateur"), f.delimiter()),
            Some(sheet) => format!("{}, {format}, {sheet}", f.shown),
            None => format!("{}, {format}", f.shown),
        };
        if !self.table.stages.is_empty() {
            let word = if columns.len() == 1 { l.pick("column", "colonne") } else { l.pick("columns", "colonnes") };
            return format!("{word} {named} {}", say!(l, "of the shape `{}`", "de la forme `{}`", self.table.source));
        }
        let file = match self.table.inputs.first().map_or(&[][..], |i| &i.files) {
            [single] => one(single),
            several => {
                let first = several.first().map_or(String::new(), |f| format!(" {} {}", l.pick("such as", "tels que"), one(f)));
                format!("{} {}{first}", several.len(), l.pick("files", "fichiers"))
            }
        };
        let locale = &self.source.locale;
        let mut missing: Vec<String> = locale.null.iter().filter(|n| !n.is_empty()).map(|n| format!("`{n}`")).collect();
        let own = node.and_then(|n| match &n.value {
            Value::Map(items) => items.iter().find(|(k, _)| k.text() == Some("null")).map(|(_, v)| v),
            _ => None,
        });
        match own.map(|n| &n.value) {
            Some(Value::List(items)) => missing.extend(items.iter().filter_map(Node::text).map(|t| format!("`{t}`"))),
            Some(Value::Scalar { text, .. }) => missing.push(format!("`{text}`")),
            _ => {}
        }
        missing.insert(0, l.pick("an empty cell", "une cellule vide").to_owned());
        let missing = missing.join(", ");
        let word = if columns.len() == 1 { l.pick("column", "colonne") } else { l.pick("columns", "colonnes") };
        let trim = if locale.trim { l.pick("blanks around a cell do not count; ", "les blancs autour d'une cellule ne comptent pas ; ") } else { "" };
        let source = &self.source.name.value;
        say!(l, "{word} {named} of the source `{source}` ({file}); {trim}missing is {missing}", "{word} {named} de la source `{source}` ({file}) ; {trim}vaut manquant : {missing}")
    }

    /// What a row is refused or flagged for while the field is read.
    fn findings(&self, out: &mut String, field: &str, pad: &str) {
        for check in self.table.checks.iter().filter(|c| c.field.as_deref() == Some(field) && c.code.id.starts_with('D')) {
            let column = check.column.as_ref().map_or(String::new(), |c| format!(" ({} `{c}`)", self.l.pick("column", "colonne")));
            let (id, what, then) = (check.code.id, finding(check.code, self.l), effect(check.effect, self.l));
            let _ = writeln!(out, "{pad}{}", say!(self.l, "{id}, {what}{column}: {then}", "{id}, {what}{column} : {then}"));
        }
    }

    fn constraints(&self, out: &mut String, field: &Field, pad: &str) {
        let l = self.l;
        let name = field.name.value.as_str();
        for check in self.table.checks.iter().filter(|c| c.field.as_deref() == Some(name) && c.code.id.starts_with('R') && c.code != code::COMPLETENESS) {
            let what = match (check.rule.as_str(), &check.expression) {
                ("required", _) => l.pick("it must be there", "il doit être présent").to_owned(),
                ("range", Some(range)) => {
                    let unit = field.unit.as_ref().map_or(String::new(), |u| format!(" {}", u.value));
                    let range = range.replace("today", l.pick("the day of the run", "le jour du traitement")).replace(" to ", l.pick(" to ", " à "));
                    say!(l, "it must lie in {range}{unit}", "il doit être compris dans {range}{unit}")
                }
                ("values", _) => {
                    let values = field.values.iter().map(|v| v.value.value.as_str()).collect::<Vec<_>>().join(", ");
                    say!(l, "it must be one of {values}", "il doit être l'une de ces valeurs : {values}")
                }
                ("pattern", Some(pattern)) => say!(l, "it must match {pattern}", "il doit correspondre à {pattern}"),
                ("length", _) => match field.length.as_ref().map(|l| l.value) {
                    Some([Some(least), Some(most)]) => say!(l, "it must have {least} to {most} characters", "il doit avoir de {least} à {most} caractères"),
                    Some([Some(least), None]) => say!(l, "it must have at least {least} characters", "il doit avoir au moins {least} caractères"),
                    Some([None, Some(most)]) => say!(l, "it must have at most {most} characters", "il doit avoir au plus {most} caractères"),
                    _ => l.pick("its length is limited", "sa longueur est limitée").to_owned(),
                },
                (rule, _) => rule.to_owned(),
            };
            let (then, id) = (effect(check.effect, l), check.code.id);
            let _ = writeln!(out, "{pad}{}", say!(l, "{what}; else {then} [{id}]", "{what} ; sinon {then} [{id}]"));
        }
        let column = field_column(name);
        let looks = |c: &Check| (c.code == code::RULE || c.code == code::COMPLETENESS) && c.violated.column_refs().iter().any(|r| r.name == column);
        for check in self.table.checks.iter().filter(|c| looks(c)) {
            let words = l.of(&check.description).map_or(String::new(), |d| format!(" ({d})"));
            let asks = check.expression.as_deref().unwrap_or_default();
            let effect = effect(check.effect, l);
            let then = match (check.threshold.as_ref().map(|t| share(&t.text, l)), check.threshold.as_ref().is_some_and(|t| t.least)) {
                (Some(share), true) => say!(l, "{asks} is there in {share}", "{asks} présent dans {share}"),
                (Some(share), false) => say!(l, "{asks}; else {effect}, {share} may", "{asks} ; sinon {effect}, {share} le peuvent"),
                (None, _) => say!(l, "{asks}; else {effect}", "{asks} ; sinon {effect}"),
            };
            let (rule, id) = (&check.rule, check.code.id);
            let _ = writeln!(out, "{pad}{}", say!(l, "rule `{rule}`{words}: {then} [{id}]", "règle `{rule}`{words} : {then} [{id}]"));
        }
        let target = &self.resolved.schema.tables[self.table.table];
        let asked = |later: &&Later| later.table == self.table.table && later.asks.needs().is_some_and(|n| n.get(&target.name.value).is_some_and(|fields| fields.iter().any(|f| f == name)));
        for rule in self.resolved.later.iter().filter(asked).filter_map(|later| target.rules.get(later.rule)) {
            let words = l.of(&rule.description).map_or(String::new(), |d| format!(" ({d})"));
            let (id, rule) = (code::RULE.id, &rule.id.value);
            let _ = writeln!(out, "{pad}{}", say!(l, "rule `{rule}`{words}: judged over all rows when they have been accepted [{id}]", "règle `{rule}`{words} : jugée sur toutes les lignes, une fois acceptées [{id}]"));
        }
        let key = &target.key;
        if key.iter().any(|k| k.value == name) {
            let (names, id) = (key.iter().map(|k| k.value.as_str()).collect::<Vec<_>>().join(", "), code::KEY.id);
            let _ = writeln!(out, "{pad}{}", say!(l, "part of the key ({names}), which is unique over all sites [{id}]", "partie de la clé ({names}), unique sur tous les centres [{id}]"));
        }
        if field.kind.value == FieldType::Pseudonym {
            let _ = writeln!(out, "{pad}{}", l.pick("the number itself is stored nowhere but in quarantine", "le numéro lui-même n'est gardé nulle part, sauf en quarantaine"));
        }
    }
}

fn argument<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    match &node.value {
        Value::Map(items) => items.iter().find(|(k, _)| k.text() == Some(key)).and_then(|(_, v)| v.text()),
        _ => None,
    }
}

fn effect(effect: Effect, l: Language) -> &'static str {
    match effect {
        Effect::Filter => l.pick("the row is left out", "la ligne est laissée de côté"),
        Effect::Warn => l.pick("the row stays, flagged", "la ligne reste, signalée"),
        Effect::Quarantine => l.pick("the row goes to quarantine", "la ligne va en quarantaine"),
        Effect::Fail => l.pick("the run ends", "l'exécution s'arrête"),
    }
}

/// `at most 1 % per site`, as thresholds are worded.
fn share(text: &str, l: Language) -> String {
    const FRENCH: [(&str, &str); 5] = [("at least", "au moins"), ("at most", "au plus"), ("per site and year", "par centre et par an"), ("per site", "par centre"), ("per year", "par an")];
    FRENCH.iter().fold(text.to_owned(), |text, (english, french)| text.replace(english, l.pick(english, french)))
}

/// The documents as read: what is there, before anything is compared.
pub fn project(project: &Project) -> String {
    let mut out = format!("pipeline {} ({})\n", project.pipeline.name.value, project.path.display());
    let _ = writeln!(out, "schema {} {}", project.schema.name.value, project.schema.version);
    for table in &project.schema.tables {
        let key: Vec<&str> = table.key.iter().map(|k| k.value.as_str()).collect();
        let _ = writeln!(out, "  table {}: {} fields, {} rules{}", table.name.value, table.fields.len(), table.rules.len(), if key.is_empty() { String::new() } else { format!(", key {}", key.join(", ")) });
    }
    for (path, mapping) in &project.mappings {
        let _ = writeln!(out, "\nmapping {} of the site {} ({})", mapping.name.value, mapping.site.value, path.display());
        for source in &mapping.sources {
            let paths: Vec<&str> = source.paths.iter().map(|p| p.value.as_str()).collect();
            let _ = writeln!(out, "  source {}: {} {}", source.name.value, source.format.as_ref().map_or("csv", |f| f.value.as_str()), paths.join(", "));
        }
        for shape in &mapping.shapes {
            let read: Vec<String> = references(shape).map(|n| n.value).collect();
            let what = shape.operations.first().map_or("rows", |(key, _)| key.value.as_str());
            let _ = writeln!(out, "  shape {}: {what} of {}", shape.name.value, read.join(", "));
        }
        for table in &mapping.tables {
            let _ = writeln!(out, "  table {} from {}", table.table.value, table.from.value);
            for endpoint in &table.endpoints {
                let _ = writeln!(out, "    endpoint {}", endpoint.name.value);
            }
            for (name, node) in &table.fields {
                let _ = writeln!(out, "    {}: {}", name.value, flow(node));
            }
        }
    }
    out
}
