//! What is known of the type of an element without a model of FHIR.

use super::eval::{Context, Item};
use super::moment::{Kind, Moment};
use super::super::json::Value;

/// The types that a choice (`value[x]`) can have in R4 and R5, as they end the name of the member.
const CHOICES: [&str; 56] = [
    "Address", "Age", "Annotation", "Attachment", "Availability", "Base64Binary", "Boolean", "Canonical", "Code", "CodeableConcept", "CodeableReference",
    "Coding", "ContactDetail", "ContactPoint", "Contributor", "Count", "DataRequirement", "Date", "DateTime", "Decimal", "Distance", "Dosage", "Duration",
    "Expression", "ExtendedContactDetail", "HumanName", "Id", "Identifier", "Instant", "Integer", "Integer64", "Markdown", "Meta", "Money", "MonetaryComponent",
    "Oid", "ParameterDefinition", "Period", "PositiveInt", "Quantity", "Range", "Ratio", "RatioRange", "Reference", "RelatedArtifact", "SampledData",
    "Signature", "String", "Time", "Timing", "TriggerDefinition", "UnsignedInt", "Uri", "Url", "UsageContext", "Uuid",
];

/// Elements of R4 that are a `date`; others that look like one are a `dateTime`.
const DATES: [&str; 6] = ["birthDate", "approvalDate", "lastReviewDate", "expirationDate", "statusDate", "paymentDate"];

/// Whether a member is the choice `name[x]`.
pub(super) fn is_choice(key: &str, name: &str) -> bool {
    key.strip_prefix(name).is_some_and(|kind| CHOICES.contains(&kind))
}

impl<'t> Context<'t> {
    /// The type that the name of a choice tells: `Quantity` of `valueQuantity`.
    pub(super) fn choice(&self, item: &Item<'t>) -> Option<&'t str> {
        match item {
            Item::Node { at, choice } if *choice > 0 => self.tree.node(*at).and_then(|node| node.key.get(usize::from(*choice)..)),
            _ => None,
        }
    }

    /// Whether an item is of the type `kind`.
    pub(super) fn is_of(&self, item: &Item<'t>, kind: &str) -> bool {
        if let Some(choice) = self.choice(item) {
            return same_type(choice, kind);
        }
        let node = match item {
            Item::Bool(_) => return same_type("Boolean", kind),
            Item::Number(number) if number.scale() == 0 => return same_type("Integer", kind),
            Item::Number(_) => return same_type("Decimal", kind),
            Item::Text(_) => return same_type("String", kind),
            Item::Moment(Kind::Date, _) => return same_type("Date", kind),
            Item::Moment(Kind::DateTime, _) => return same_type("DateTime", kind),
            Item::Moment(Kind::Time, _) => return same_type("Time", kind),
            Item::Quantity(..) => return kind == "Quantity",
            Item::Node { at, .. } => *at,
        };
        let Some(value) = self.tree.node(node).map(|node| &node.value) else { return false };
        let lower = kind.starts_with(|c: char| c.is_ascii_lowercase());
        match value {
            Value::Object => match self.tree.member(node, "resourceType") {
                Some(named) => matches!(kind, "Resource" | "DomainResource") || self.tree.text(named) == Some(kind),
                // Which of the complex types it is cannot be told.
                None => !lower && !matches!(kind, "Boolean" | "String" | "Integer" | "Decimal" | "Date" | "DateTime" | "Time"),
            },
            Value::Bool(_) => same_type("Boolean", kind),
            Value::Number(text) => match text.contains(['.', 'e', 'E']) {
                true => same_type("Decimal", kind),
                false => ["Integer", "Decimal", "PositiveInt", "UnsignedInt", "Integer64"].iter().any(|known| same_type(known, kind)),
            },
            Value::Text(text) => match kind {
                "date" | "dateTime" | "instant" | "time" | "Date" | "DateTime" | "Time" => Moment::parse(text).is_some_and(|moment| match kind {
                    "time" | "Time" => moment.kind == Kind::Time,
                    "date" | "Date" => moment.kind == Kind::Date,
                    _ => moment.kind != Kind::Time,
                }),
                "boolean" | "Boolean" | "integer" | "Integer" | "decimal" | "Decimal" => false,
                _ => lower || kind == "String",
            },
            Value::Null | Value::Array => false,
        }
    }

    /// Which kind of moment a text is, by the choice it was made of, its name or its form.
    pub(super) fn kind_of(&self, item: &Item<'t>, moment: &Moment) -> Kind {
        let key = match item {
            Item::Moment(kind, _) => return *kind,
            Item::Node { at, .. } => self.tree.node(*at).map_or("", |node| &*node.key),
            _ => "",
        };
        match (moment.kind, self.choice(item)) {
            (Kind::Date, Some("Date")) => Kind::Date,
            (Kind::Date, None) if DATES.contains(&key) => Kind::Date,
            (Kind::Date, _) => Kind::DateTime,
            (kind, _) => kind,
        }
    }
}

/// `dateTime` is `DateTime`: a primitive of FHIR and the end of the name of a choice differ in the first letter.
fn same_type(choice: &str, kind: &str) -> bool {
    let first = |text: &str| text.bytes().next().map(|byte| byte.to_ascii_lowercase());
    first(choice) == first(kind) && choice.get(1..) == kind.get(1..)
}
