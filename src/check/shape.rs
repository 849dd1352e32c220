//! The shapes behind one table → its [`Stage`]s, in the order in which they run.
//!
//! A source or shape that is read is a [`Relation`]. Its rows are stored where an operation needs them
//! by key, where what is done to rows must be judged before they become more or fewer, and where two
//! steps read the same ones; else the next step takes them as they come.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::headers::{Delivered, different_headers};
use super::mapping::{Context, From, Work, push};
use super::{Input, Kept, ResolvedSource, Stage};
use crate::config::mapping::{Mapping, TableMapping};
use crate::config::schema::{Duplicates, Field, Table};
use crate::config::shape::Shape;
use crate::config::yaml::{Node, Value};
use crate::config::{Name, Spanned, mapping::Locale};
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::rule::Check;
use crate::shape::{KEY, Lower, PLACE, REGISTRY, Side, cleaned};
use crate::source;
use crate::transform::derive::{self, column, field_column, raw_column};
use crate::transform::{Column, Definitions, Kind, Role};

/// Rows with named columns: a source's, or a shape's.
pub struct Relation {
    input: Input,
    /// Derivations and filters of a shape.
    step: Option<(Definitions, Vec<Check>)>,
    /// What it gives, and the plan's column of each.
    outputs: Vec<(Column, String)>,
    /// Whether the next step can take the input's rows as they come.
    plain: bool,
    pub locale: Arc<Locale>,
}

/// What the shapes of one table come to.
pub struct Shapes<'a> {
    context: &'a Context<'a>,
    mapping: &'a Mapping,
    delivered: &'a HashMap<&'a str, Delivered>,
    /// How often a source or shape is read on the way to the table.
    uses: HashMap<String, usize>,
    pub inputs: Vec<ResolvedSource>,
    pub stages: Vec<Stage>,
    relations: HashMap<String, Option<Rc<Relation>>>,
    open: Vec<String>,
    stored: HashMap<String, usize>,
    sound: bool,
}

impl<'a> Shapes<'a> {
    pub fn new(context: &'a Context<'a>, mapping: &'a Mapping, delivered: &'a HashMap<&'a str, Delivered>, table: &TableMapping) -> Self {
        let mut uses = HashMap::new();
        let mut todo = vec![table.from.value.clone()];
        while let Some(name) = todo.pop() {
            let count = uses.entry(name.clone()).or_insert(0);
            *count += 1;
            if *count == 1
                && let Some(shape) = mapping.shapes.iter().find(|s| s.name.value == name)
            {
                todo.extend(references(shape).map(|n| n.value));
            }
        }
        Shapes { context, mapping, delivered, uses, inputs: vec![], stages: vec![], relations: HashMap::new(), open: vec![], stored: HashMap::new(), sound: true }
    }

    /// What a table, or a shape without an operation, is filled from.
    pub fn from(&mut self, name: &Name, found: &mut Diagnostics) -> Option<From> {
        let relation = self.relation(name, found)?;
        let (input, columns) = self.rows(name, &relation);
        Some(self.shaped(input, columns, &relation))
    }

    fn shaped(&self, input: Input, columns: Vec<Column>, relation: &Relation) -> From {
        let files = self.inputs.iter().map(|i| i.files.clone()).collect();
        From { input, columns: Some(crate::shape::names(&columns)), shaped: columns, locale: Arc::clone(&relation.locale), files, formats: self.formats(), replaces: false }
    }

    fn formats(&self) -> Vec<String> {
        self.inputs.iter().map(|i| i.format.clone()).collect()
    }

    /// The rows as the next step takes them.
    fn rows(&mut self, name: &Name, relation: &Relation) -> (Input, Vec<Column>) {
        let columns: Vec<Column> = relation.outputs.iter().map(|(c, _)| c.clone()).collect();
        let shared = self.uses.get(&name.value).copied().unwrap_or(1) > 1;
        if relation.plain && !shared {
            return (relation.input.clone(), columns);
        }
        let stage = self.stored(name, relation);
        (passed_on(vec![vec![stage]], columns.clone()), columns)
    }

    /// The step that stores all rows in their order.
    fn stored(&mut self, name: &Name, relation: &Relation) -> usize {
        let side = Side { of: None, key: vec![], carried: relation.outputs.iter().map(|(c, _)| c.name.clone()).collect(), cleaned: vec![] };
        self.stage(name, relation, &side, false)
    }

    /// The step that stores the rows as one side of an operation needs them.
    fn stage_for(&mut self, name: &Name, side: &Side, relation: &Relation) -> usize {
        if self.uses.get(&name.value).copied().unwrap_or(1) < 2 {
            return self.stage(name, relation, side, true);
        }
        let (input, columns) = self.rows(name, relation);
        let outputs = columns.into_iter().map(|c| (c.clone(), raw_column(&c.name))).collect();
        let again = Relation { input, step: None, outputs, plain: true, locale: Arc::clone(&relation.locale) };
        self.stage(name, &again, side, true)
    }

    fn stage(&mut self, name: &Name, relation: &Relation, side: &Side, for_side: bool) -> usize {
        let id = format!("{}|{for_side}|{side:?}", name.value);
        if let Some(at) = self.stored.get(&id) {
            return *at;
        }
        let functions = self.context.functions;
        let (mut definitions, checks) = match &relation.step {
            Some((definitions, checks)) => (definitions.clone(), checks.clone()),
            None => {
                let (mut definitions, mut checks) = (Definitions::default(), vec![]);
                for check in base_checks(&relation.input, &self.formats()) {
                    push(&mut checks, &mut definitions, check);
                }
                (definitions, checks)
            }
        };
        let output = |wanted: &String| relation.outputs.iter().find(|(c, _)| c.name == *wanted);
        let mut kept = vec![];
        for (c, plan) in side.carried.iter().filter_map(output) {
            kept.push(Kept { column: plan.clone(), name: raw_column(&c.name), kind: Some(c.kind) });
        }
        let mut clean = |c: &Column, plan: &str| match (&c.locale, c.kind) {
            (Some(locale), Kind::Text) => {
                let cell = derive::cell_of(functions, column(plan), locale.trim, locale.null.clone());
                definitions.define(&format!("t:{}", c.name), Kind::Text, cell)
            }
            _ => column(plan),
        };
        let mut clean_columns = vec![];
        for (c, plan) in side.cleaned.iter().filter_map(output) {
            clean_columns.push((cleaned(&c.name), clean(c, plan), c.kind));
        }
        let key: Vec<_> = side.key.iter().filter_map(output).map(|(c, plan)| clean(c, plan)).collect();
        for (n, (name, expr, kind)) in clean_columns.into_iter().enumerate() {
            let plan = match expr {
                datafusion::logical_expr::Expr::Column(c) => c.name,
                other => {
                    let plan = format!("s:{n}");
                    definitions.insert(plan.clone(), kind, other);
                    plan
                }
            };
            kept.push(Kept { column: plan, name, kind: Some(kind) });
        }
        kept.extend(PLACE.map(|p| Kept { column: p.into(), name: p.into(), kind: Some(Kind::Integer) }));
        if !key.is_empty() {
            definitions.insert(KEY.into(), Kind::Integer, derive::call(functions, "row_key", key));
            kept.push(Kept { column: KEY.into(), name: KEY.into(), kind: None });
        }
        self.stages.push(Stage { name: name.value.clone(), input: relation.input.clone(), columns: input_columns(&relation.input, &self.inputs), definitions, checks, kept });
        let at = self.stages.len() - 1;
        self.stored.insert(id, at);
        at
    }

    fn relation(&mut self, name: &Name, found: &mut Diagnostics) -> Option<Rc<Relation>> {
        if let Some(known) = self.relations.get(&name.value) {
            return known.clone();
        }
        let made = match self.mapping.shapes.iter().find(|s| s.name.value == name.value) {
            Some(shape) => {
                if self.open.contains(&name.value) {
                    let names: Vec<String> = self.open.iter().skip_while(|n| **n != name.value).map(|n| format!("`{n}`")).collect();
                    found.push(Diagnostic::error(code::SHAPE_CYCLE, name.span, format!("these shapes need each other: {}", names.join(", "))).label("none of them can be made first"));
                    return None;
                }
                self.open.push(name.value.clone());
                let made = self.shape(shape, found);
                self.open.pop();
                made
            }
            None => self.source(name, found),
        };
        let made = made.map(Rc::new);
        self.relations.insert(name.value.clone(), made.clone());
        made
    }

    fn source(&mut self, name: &Name, found: &mut Diagnostics) -> Option<Relation> {
        let Some(source) = self.mapping.sources.iter().find(|s| s.name.value == name.value) else {
            let known = self.mapping.sources.iter().map(|s| &s.name).chain(self.mapping.shapes.iter().map(|s| &s.name));
            found.push(
                Diagnostic::error(code::UNKNOWN_SOURCE, name.span, format!("the mapping has no source or shape `{}`", name.value))
                    .label("no such source or shape")
                    .suggest(&name.value, known.map(|n| n.value.as_str())),
            );
            return None;
        };
        let delivered = self.delivered.get(source.name.value.as_str())?;
        let columns = delivered.columns.clone()?;
        let place = self.inputs.len();
        self.inputs.push(ResolvedSource::new(source, &delivered.files, columns.clone()));
        let locale = super::mapping::locale_of(source);
        let column = |c: &String| Column { name: c.clone(), kind: Kind::Text, locale: Some(Arc::clone(&locale)), origin: Some((place, c.clone())) };
        let outputs = columns.iter().map(|c| (column(c), raw_column(c))).collect();
        Some(Relation { input: Input::Source(place), step: None, outputs, plain: true, locale })
    }

    fn shape(&mut self, shape: &'a Shape, found: &mut Diagnostics) -> Option<Relation> {
        let mut from = vec![];
        for name in &shape.from {
            from.push(self.relation(name, found));
        }
        let from: Vec<Rc<Relation>> = from.into_iter().collect::<Option<_>>()?;
        let first = from.first()?;
        let together = union(shape, &from, found)?;
        let operation = self.operation(shape, found)?;
        let (input, columns) = match operation {
            None if from.len() == 1 => self.rows(shape.from.first()?, first),
            None => {
                let stages = shape.from.iter().zip(&from).map(|(name, relation)| self.stored(name, relation)).collect();
                (passed_on(vec![stages], together.clone()), together)
            }
            Some((operation, node)) => {
                let key_span = shape.operations.first().map_or(shape.span(), |(k, _)| k.span);
                let mut lower = Lower { shape: &shape.name, span: key_span, from: &together, on_error: shape.on_error.as_ref().map(|p| p.value), other: &mut |name, found| Some(self.relation(name, found)?.outputs.iter().map(|(c, _)| c.clone()).collect()), found };
                let lowered = (operation.lower)(&mut lower, node)?;
                let mut sides = vec![];
                for side in &lowered.sides {
                    let names = side.of.as_ref().map_or(shape.from.clone(), |of| vec![of.clone()]);
                    let mut stages = vec![];
                    for name in &names {
                        let relation = self.relation(name, found)?;
                        self.headers(name, &relation, side, found);
                        stages.push(self.stage_for(name, side, &relation));
                    }
                    sides.push(stages);
                }
                let columns = lowered.columns.clone();
                (Input::Shaped { sides, operator: Some(lowered.operator), meets: operation.meets, columns: lowered.columns, marks: lowered.marks }, columns)
            }
        };
        let mut outputs: Vec<(Column, String)> = columns.iter().map(|c| (c.clone(), raw_column(&c.name))).collect();
        let mut step = None;
        if !shape.is_plain() {
            let (fields, nodes) = derived_in(shape, &|name| columns.iter().any(|c| c.name == name), found)?;
            for field in &fields {
                let made = (Column::made(&field.name.value, field.storage()), field_column(&field.name.value));
                match outputs.iter_mut().find(|(c, _)| c.name == field.name.value) {
                    // What is derived takes the place of what it is derived from.
                    Some(same) => *same = made,
                    None => outputs.push(made),
                }
            }
            let target = Table { name: shape.name.clone(), description: Default::default(), key: vec![], duplicates: Duplicates::None, foreign_keys: vec![], quarantine: None, fields, rules: vec![], follow_up: vec![] };
            let on_error = shape.on_error.clone();
            let table = TableMapping { table: shape.name.clone(), from: shape.name.clone(), on_error, filters: shape.filters.clone(), fields: nodes, endpoints: vec![], span: shape.span() };
            let from = From { replaces: true, ..self.shaped(input.clone(), columns, first) };
            let resolved = Work { context: self.context, mapping: self.mapping, table: &table, from: &from, target: &target }.step(&[], found);
            match resolved {
                Some(done) => step = Some(done),
                // Either wrong, or nobody wants more than the findings.
                None => self.sound = false,
            }
        }
        let renamed = shape.take.is_some();
        if let Some(take) = &shape.take {
            let known: Vec<Column> = outputs.iter().map(|(c, _)| c.clone()).collect();
            let mut taken = vec![];
            for one in take {
                match outputs.iter().find(|(c, _)| c.name == one.column.value) {
                    Some((c, plan)) => taken.push((c.called(&one.called.value), plan.clone())),
                    None => found.push(
                        Diagnostic::error(code::UNKNOWN_COLUMN, one.column.span, format!("there is no column `{}`", one.column.value))
                            .label("not a column of these rows")
                            .suggest(&one.column.value, known.iter().map(|c| c.name.as_str())),
                    ),
                }
            }
            outputs = taken;
            if let Some(twice) = take.iter().enumerate().find(|(at, t)| take.iter().take(*at).any(|other| other.called.value == t.called.value)).map(|(_, t)| t) {
                found.push(Diagnostic::error(code::SHAPE_ARGUMENT, twice.called.span, format!("two columns would be called `{}`", twice.called.value)).label("give it another name").help("`take: {new_name: COLUMN}`"));
                return None;
            }
        }
        let plain = shape.is_plain() && !renamed;
        Some(Relation { input, step, outputs, plain, locale: Arc::clone(&first.locale) })
    }

    /// Whether everything can be run.
    pub fn is_sound(&self) -> bool {
        self.sound
    }

    fn operation(&self, shape: &'a Shape, found: &mut Diagnostics) -> Option<Option<(&'static crate::shape::Operation, &'a Node)>> {
        let mut known = vec![];
        for (key, node) in &shape.operations {
            match REGISTRY.iter().find(|o| o.key == key.value) {
                Some(operation) => known.push((*operation, key, node)),
                None => {
                    let words = REGISTRY.iter().map(|o| o.key).chain(["derive", "filter", "take", "from", "on_error"]);
                    found.push(Diagnostic::error(code::UNKNOWN_KEY, key.span, format!("the shape `{}` has no key `{}`", shape.name.value, key.value)).label("not known here").suggest(&key.value, words));
                    return None;
                }
            }
        }
        match known.as_slice() {
            [] => Some(None),
            [(operation, _, node)] => Some(Some((operation, node))),
            [(_, first, _), (_, second, _), ..] => {
                found.push(
                    Diagnostic::error(code::TWO_OPERATIONS, second.span, format!("a shape does one operation, and this one has `{}` and `{}`", first.value, second.value))
                        .label("the second")
                        .related(first.span, "the first")
                        .help("make a shape of each, the second `from` the first"),
                );
                None
            }
        }
    }

    /// Columns by which rows meet are in every file.
    fn headers(&self, name: &Name, relation: &Relation, side: &Side, found: &mut Diagnostics) {
        for wanted in side.key.iter().chain(&side.cleaned) {
            let Some((c, _)) = relation.outputs.iter().find(|(c, _)| c.name == *wanted) else { continue };
            if let Some((source, own)) = &c.origin
                && let Some(input) = self.inputs.get(*source)
            {
                different_headers(&input.files, own, name.span, found);
            }
        }
    }
}

/// What a step must judge first: damaged rows of a source, or what an operation has marked.
pub fn base_checks(input: &Input, formats: &[String]) -> Vec<Check> {
    match input {
        Input::Source(place) => source::row_checks(formats.get(*place).map_or("", String::as_str)),
        Input::Shaped { marks, .. } => marks
            .iter()
            .map(|mark| {
                let mut check = Check::filter(&mark.rule, &mark.condition, column(&mark.column));
                (check.code, check.effect) = (mark.code, mark.effect);
                check
            })
            .collect(),
    }
}

/// The columns of an input, in its order.
fn input_columns(input: &Input, inputs: &[ResolvedSource]) -> Vec<String> {
    match input {
        Input::Source(place) => inputs.get(*place).map_or(vec![], |i| i.columns.clone()),
        Input::Shaped { columns, .. } => crate::shape::names(columns),
    }
}

fn passed_on(sides: Vec<Vec<usize>>, columns: Vec<Column>) -> Input {
    Input::Shaped { sides, operator: None, meets: false, columns, marks: vec![] }
}

/// The columns of several relations together; a finding where one name stands for two kinds.
fn union(shape: &Shape, from: &[Rc<Relation>], found: &mut Diagnostics) -> Option<Vec<Column>> {
    let mut all: Vec<Column> = vec![];
    for (name, relation) in shape.from.iter().zip(from) {
        for (c, _) in &relation.outputs {
            match all.iter().find(|known| known.name == c.name) {
                Some(known) if known.kind != c.kind => {
                    let message = format!("`{}` is {}, and in `{}` {}", c.name, known.kind.words(), name.value, c.kind.words());
                    found.push(Diagnostic::error(code::SHAPE_ARGUMENT, name.span, message).label("rows of one shape have columns of one kind").help("derive it in a shape of its own first"));
                    return None;
                }
                Some(known) if !known.reads_like(c) => {
                    let message = format!("`{}` is read in one way in `{}`, and in another in `{}`", c.name, shape.from.first().map_or("", |n| n.value.as_str()), name.value);
                    let help = format!("give it its type before: `derive: {{{}: {{type: …}}}}` in a shape of each", c.name);
                    found.push(Diagnostic::error(code::SHAPE_ARGUMENT, name.span, message).label("decimal marks, dates, words or missing codes differ").help(help));
                    return None;
                }
                Some(_) => {}
                None => all.push(c.clone()),
            }
        }
    }
    Some(all)
}

/// The sources and shapes that a shape reads.
pub fn references(shape: &Shape) -> impl Iterator<Item = Name> {
    let others = shape.operations.iter().flat_map(|(_, node)| match &node.value {
        Value::Map(items) => items.iter().filter(|(k, _)| matches!(k.text(), Some("with" | "onto"))).filter_map(|(_, v)| Some(Spanned::new(v.text()?.to_owned(), v.span))).collect(),
        _ => vec![],
    });
    shape.from.iter().cloned().chain(others)
}

/// Fields, and how each is derived.
pub type Derived = (Vec<Field>, Vec<(Name, Node)>);

/// The derived columns of a shape as fields of a table, and their derivations.
pub fn derived_in(shape: &Shape, is_column: &dyn Fn(&str) -> bool, found: &mut Diagnostics) -> Option<Derived> {
    let (mut fields, mut nodes) = (vec![], vec![]);
    for (name, node) in &shape.derive {
        let Value::Map(items) = &node.value else {
            found.push(Diagnostic::error(code::WRONG_KIND, node.span, format!("the column `{}` should be a map", name.value)).label(format!("found {}", node.kind())).help("for example `{type: date, from: COLUMN}`"));
            return None;
        };
        // A transform's key and a field's key are told apart by their names; `unit` is the unit that is wanted.
        let of_field = |k: &Node| matches!(k.text(), Some("type" | "into" | "values" | "free_text"));
        let (field, mut derivation): (Vec<_>, Vec<_>) = items.iter().cloned().partition(|(k, _)| of_field(k));
        let field = field.into_iter().map(|(k, v)| match k.text() {
            Some("into") => (Node { value: Value::Scalar { text: "unit".into(), quoted: false }, span: k.span }, v),
            _ => (k, v),
        });
        let field = Node { value: Value::Map(field.collect()), span: node.span };
        let has_origin = derivation.iter().any(|(k, _)| crate::transform::REGISTRY.iter().any(|t| t.role == Role::Origin && k.text() == Some(t.key)));
        if !has_origin && is_column(&name.value) {
            let word = |text: &str| Node { value: Value::Scalar { text: text.into(), quoted: true }, span: name.span };
            derivation.push((word("from"), word(&name.value)));
        }
        fields.push(crate::config::schema::field(name.clone(), &field, found)?);
        nodes.push((name.clone(), Node { value: Value::Map(derivation), span: node.span }));
    }
    Some((fields, nodes))
}
