//! The schema by itself: types, units, ranges, patterns, keys, rules.

use std::collections::HashMap;

use datafusion::logical_expr::{Expr, not};

use crate::config::Name;
use crate::config::rule::{Condition, Rule, RuleCategory};
use crate::config::schema::{Field, FieldType, Schema, Table};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, code};
use crate::rule::kind::{self, Asks};
use crate::rule::{any_missing, plausibility};
use crate::transform::derive::{column, field_column};
use crate::transform::{Kind, SqlScope, condition, is_unit, unknown_unit};

/// A rule as it is judged.
#[derive(Debug, Clone)]
pub enum Lowered {
    /// By each row itself.
    Row {
        violated: Expr,
        expression: String,
        field: Option<String>,
        /// Whether it is a property of what was accepted, and refuses no row.
        of_accepted: bool,
    },
    /// When the rows have been accepted.
    Later(Asks),
}

/// Checks a schema and lowers its rules, per table.
pub fn check(schema: &Schema, scope: &SqlScope, found: &mut Diagnostics) -> Vec<Vec<Option<Lowered>>> {
    foreign_keys_are_sound(schema, found);
    schema.tables.iter().map(|table| {
        for field in &table.fields {
            field_is_sound(field, found);
        }
        key_is_sound(table, found);
        follow_up_is_sound(table, found);
        rules(table, schema, scope, found)
    }).collect()
}

fn field_is_sound(field: &Field, found: &mut Diagnostics) {
    let kind = field.kind.value;
    let misfit = |what: &str, span, wants: &str| {
        Diagnostic::error(code::CONSTRAINT_TYPE, span, format!("`{what}` does not fit a field of type `{}`", kind.word()))
            .label(format!("`{what}` is for {wants}"))
            .related(field.kind.span, "the field's type")
    };
    if let Some(unit) = &field.unit {
        if !kind.is_number() {
            found.push(misfit("unit", unit.span, "numbers"));
        } else if let Err(error) = is_unit(&unit.value) {
            found.push(unknown_unit(&unit.value, unit.span, code::UNKNOWN_UNIT, &error));
        }
    }
    if let Some(range) = &field.range {
        if !kind.is_number() && !matches!(kind, FieldType::Date | FieldType::Datetime) {
            found.push(misfit("range", range.span, "numbers and dates"));
        } else if plausibility::bounds(field).is_none() {
            found.push(
                Diagnostic::error(code::BAD_RANGE, range.span, format!("the range of `{}` does not fit its type", field.name.value))
                    .label(match kind {
                        FieldType::Integer => "expected whole numbers",
                        FieldType::Decimal => "expected numbers",
                        _ => "expected dates such as `1990-01-01`, or `today`",
                    })
                    .related(field.kind.span, "the field's type"),
            );
        } else if let [Some(low), Some(high)] = &range.value {
            let above = match (low.value.parse::<f64>(), high.value.parse::<f64>()) {
                (Ok(l), Ok(h)) => l > h,
                _ => plausibility::day(&low.value) > plausibility::day(&high.value),
            };
            if above {
                found.push(Diagnostic::error(code::BAD_RANGE, range.span, "the lowest value is above the highest").label("write `[lowest, highest]`"));
            }
        }
    }
    match (kind, field.values_span) {
        (FieldType::Code, None) => found.push(
            Diagnostic::error(code::BAD_VALUES, field.kind.span, format!("the code `{}` has no values", field.name.value))
                .label("a code lists its values")
                .help("add `values: [a, b]`, or make it a `text`"),
        ),
        (FieldType::Code, Some(span)) => {
            let mut seen = HashMap::new();
            for value in &field.values {
                if let Some(first) = seen.insert(value.value.value.as_str(), value.value.span) {
                    found.push(
                        Diagnostic::error(code::BAD_VALUES, value.value.span, format!("the value `{}` is listed twice", value.value.value))
                            .label("again")
                            .related(first, "the first"),
                    );
                }
            }
            if field.values.is_empty() && field.codelist_name.is_none() {
                found.push(Diagnostic::error(code::BAD_VALUES, span, format!("the code `{}` has no values", field.name.value)).label("nothing is listed"));
            }
        }
        (_, Some(span)) => found.push(misfit("values", span, "codes")),
        (_, None) => {}
    }
    within_is_sound(field, &misfit, found);
    if let Some(pattern) = &field.pattern {
        if !matches!(kind, FieldType::Text) {
            found.push(misfit("pattern", pattern.span, "texts"));
        } else if let Err(why) = crate::function::check_pattern(&pattern.value) {
            found.push(
                Diagnostic::error(code::BAD_PATTERN, pattern.span, "this is not a regular expression").label(why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()),
            );
        }
    }
    if let Some(length) = &field.length {
        if !matches!(kind, FieldType::Text) {
            found.push(misfit("length", length.span, "texts"));
        } else if matches!(length.value, [Some(least), Some(most)] if least > most) {
            found.push(Diagnostic::error(code::BAD_RANGE, length.span, "the least length is above the most").label("write `[least, most]`"));
        }
    }
}

/// Each code of `within` has something below it, as far as the field's values are known.
fn within_is_sound(field: &Field, misfit: &dyn Fn(&str, Span, &str) -> Diagnostic, found: &mut Diagnostics) {
    let Some(first) = field.within.first() else { return };
    if !matches!(field.kind.value, FieldType::Code | FieldType::Text) || field.storage() != Kind::Text {
        found.push(misfit("within", first.span, "codes and texts"));
        return;
    }
    let parents = field.codelist.as_ref().filter(|list| list.has_parents);
    for root in &field.within {
        let any = match parents {
            Some(list) => list.has(&root.value),
            None => crate::function::check_branch(&root.value).is_ok() && (field.values.is_empty() || field.values.iter().any(|v| crate::function::is_within(&v.value.value, &root.value))),
        };
        if !any {
            found.push(
                Diagnostic::error(code::WITHIN, root.span, format!("no value of the field `{}` lies within `{}`", field.name.value, root.value))
                    .label(match (parents, crate::function::check_branch(&root.value)) {
                        (Some(_), _) => "not a code of the codelist",
                        (None, Ok(())) => "no value begins so",
                        (None, Err(why)) => why,
                    })
                    .suggest(&root.value, field.similar(&root.value)),
            );
        }
    }
}

fn key_is_sound(table: &Table, found: &mut Diagnostics) {
    for key in &table.key {
        if !table.fields.iter().any(|f| f.name.value == key.value) {
            found.push(
                Diagnostic::error(code::KEY_FIELD, key.span, format!("the key names `{}`, which is no field of `{}`", key.value, table.name.value))
                    .label("no such field")
                    .suggest(&key.value, table.fields.iter().map(|f| f.name.value.as_str())),
            );
        }
    }
}

/// A time is a number, its event yes or no.
fn follow_up_is_sound(table: &Table, found: &mut Diagnostics) {
    for follow_up in &table.follow_up {
        for (name, kinds, wants) in [(&follow_up.time, &[FieldType::Integer, FieldType::Decimal][..], "a number"), (&follow_up.event, &[FieldType::Boolean][..], "true or false")] {
            match table.fields.iter().find(|f| f.name.value == name.value) {
                Some(field) if kinds.contains(&field.kind.value) => {}
                Some(field) => found.push(Diagnostic::error(code::CONSTRAINT_TYPE, name.span, format!("`{}` is not {wants}", name.value)).label("not usable here").related(field.kind.span, "the field's type")),
                None => found.push(
                    Diagnostic::error(code::KEY_FIELD, name.span, format!("the follow-up names `{}`, which is no field of `{}`", name.value, table.name.value))
                        .label("no such field")
                        .suggest(&name.value, table.fields.iter().map(|f| f.name.value.as_str())),
                ),
            }
        }
    }
}

/// A foreign key names fields of its table, as many and of the same types as the key of the other.
fn foreign_keys_are_sound(schema: &Schema, found: &mut Diagnostics) {
    let table_of = |name: &str| schema.tables.iter().find(|t| t.name.value == name);
    for table in &schema.tables {
        for key in &table.foreign_keys {
            for name in key.fields.iter().filter(|n| !table.fields.iter().any(|f| f.name.value == n.value)) {
                found.push(
                    Diagnostic::error(code::KEY_FIELD, name.span, format!("the foreign key names `{}`, which is no field of `{}`", name.value, table.name.value))
                        .label("no such field")
                        .suggest(&name.value, table.fields.iter().map(|f| f.name.value.as_str())),
                );
            }
            let Some(other) = table_of(&key.references.value) else {
                found.push(
                    Diagnostic::error(code::FOREIGN_KEY, key.references.span, format!("the schema has no table `{}`", key.references.value))
                        .label("no such table")
                        .suggest(&key.references.value, schema.tables.iter().map(|t| t.name.value.as_str())),
                );
                continue;
            };
            let kinds = |table: &Table, names: &[crate::config::Name]| -> Option<Vec<FieldType>> {
                names.iter().map(|n| table.fields.iter().find(|f| f.name.value == n.value).map(|f| f.kind.value)).collect()
            };
            let (Some(mine), Some(theirs)) = (kinds(table, &key.fields), kinds(other, &other.key)) else { continue };
            let listed = |names: &[crate::config::Name]| names.iter().map(|n| format!("`{}`", n.value)).collect::<Vec<_>>().join(", ");
            if other.key.is_empty() || mine != theirs {
                let message = match other.key.is_empty() {
                    true => format!("the table `{}` has no key", other.name.value),
                    false => format!("{} cannot name a row of `{}`, whose key is {}", listed(&key.fields), other.name.value, listed(&other.key)),
                };
                found.push(Diagnostic::error(code::FOREIGN_KEY, key.references.span, message).label("its rows could not be found").related(other.name.span, "the other table").help("a foreign key has as many fields as the key, of the same types"));
            }
            // From table to table, until one of them is this one again.
            let (mut todo, mut seen) = (vec![other], vec![]);
            while let Some(next) = todo.pop() {
                if next.name.value == table.name.value {
                    found.push(Diagnostic::error(code::FOREIGN_KEY, key.references.span, format!("`{}` and `{}` need each other's rows", table.name.value, other.name.value)).label("none of them could come first"));
                    break;
                }
                if !seen.contains(&next.name.value) {
                    seen.push(next.name.value.clone());
                    todo.extend(next.foreign_keys.iter().filter_map(|k| table_of(&k.references.value)));
                }
            }
        }
    }
}

fn rules(table: &Table, schema: &Schema, scope: &SqlScope, found: &mut Diagnostics) -> Vec<Option<Lowered>> {
    let mut seen = HashMap::new();
    table
        .rules
        .iter()
        .map(|rule| {
            if let Some(first) = seen.insert(rule.id.value.as_str(), rule.id.span) {
                found.push(
                    Diagnostic::error(code::DUPLICATE_RULE, rule.id.span, format!("two rules are called `{}`", rule.id.value)).label("the second").related(first, "the first"),
                );
            }
            years_are_sound(rule, table, found);
            lowered(rule, table, schema, scope, found)
        })
        .collect()
}

fn lowered(rule: &Rule, table: &Table, schema: &Schema, scope: &SqlScope, found: &mut Diagnostics) -> Option<Lowered> {
    match &rule.condition {
        Condition::Sql(sql) => Some(Lowered::Row { violated: not(condition(scope, &table.fields, &table.name.value, sql, found)?), expression: sql.value.clone(), field: None, of_accepted: false }),
        Condition::Complete(fields) => {
            let mut values = vec![];
            for field in fields {
                if !table.fields.iter().any(|f| f.name.value == field.value) {
                    found.push(
                        Diagnostic::error(code::RULE_FIELD, field.span, format!("the table has no field `{}`", field.value))
                            .label("unknown name")
                            .suggest(&field.value, table.fields.iter().map(|f| f.name.value.as_str())),
                    );
                }
                values.push(column(&field_column(&field.value)));
            }
            let names: Vec<&str> = fields.iter().map(|f| f.value.as_str()).collect();
            Some(Lowered::Row { violated: any_missing(values), expression: names.join(", "), field: (names.len() == 1).then(|| names.concat()), of_accepted: true })
        }
        Condition::Named(word, node) => match kind::read(rule, word, node, table, schema, found)? {
            Asks::Row { holds, field } => {
                let sql = Name { value: holds, span: node.span };
                let violated = not(condition(scope, &table.fields, &table.name.value, &sql, found)?);
                Some(Lowered::Row { violated, expression: sql.value, field, of_accepted: rule.category == RuleCategory::Completeness })
            }
            asks => super::later::is_sound(&asks, rule, table, schema, found).then_some(Lowered::Later(asks)),
        },
    }
}

/// Years of a threshold are those of a date, or a number that is one.
fn years_are_sound(rule: &Rule, table: &Table, found: &mut Diagnostics) {
    let Some(by) = rule.threshold.as_ref().and_then(|t| t.per_year.as_ref()) else { return };
    match table.fields.iter().find(|f| f.name.value == by.value) {
        Some(field) if matches!(field.kind.value, FieldType::Date | FieldType::Datetime | FieldType::Integer) => {}
        Some(field) => found.push(
            Diagnostic::error(code::RULE_THRESHOLD, by.span, format!("`{}` has no years", by.value)).label("expected a date, or a whole number that is a year").related(field.kind.span, "the field's type"),
        ),
        None => found.push(
            Diagnostic::error(code::RULE_FIELD, by.span, format!("the table has no field `{}`", by.value)).label("unknown name").suggest(&by.value, table.fields.iter().map(|f| f.name.value.as_str())),
        ),
    }
    if let Condition::Named(word, _) = &rule.condition
        && kind::kind_of(rule.category, &word.value).is_some_and(|k| k.later)
    {
        found.push(Diagnostic::error(code::RULE_THRESHOLD, by.span, format!("`{}` is judged over all years", word.value)).label("not per year"));
    }
}
