//! The words of a derivation as sentences.

use crate::config::mapping::Locale;
use crate::config::schema::{Field, FieldType};
use crate::config::yaml::{Node, Value};
use super::language::{Language, say};
use crate::diagnostic::Code;
use crate::transform::{REGISTRY, Role};

/// A node as it would be written on one line.
pub fn flow(node: &Node) -> String {
    match &node.value {
        Value::Scalar { .. } if node.is_null() => "null".into(),
        Value::Scalar { text, quoted: true } => format!("\"{text}\""),
        Value::Scalar { text, .. } => text.clone(),
        Value::List(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Map(items) => format!("{{{}}}", items.iter().map(|(k, v)| format!("{}: {}", flow(k), flow(v))).collect::<Vec<_>>().join(", ")),
    }
}

/// What a derivation does, a sentence a step, in the order in which the steps run.
pub fn steps(node: &Node, field: &Field, locale: &Locale, is_column: &dyn Fn(&str) -> bool, l: Language) -> Vec<String> {
    let Value::Map(items) = &node.value else { return vec![] };
    let get = |key: &str| items.iter().find(|(k, _)| k.text() == Some(key)).map(|(_, v)| v);
    let mut out = vec![];
    let mut read = reading(field, locale, &get, l);
    // A word without a sentence of its own: the reference explains it, in English.
    let other = |key: &str, argument: &Node, summary: &str| {
        let argument = flow(argument);
        say!(l, "{key}: {argument} ({summary})", "{key} : {argument}")
    };
    for transform in REGISTRY.iter().filter(|t| t.role != Role::Companion) {
        let Some(argument) = get(transform.key) else { continue };
        // A number is read before it is converted.
        if matches!(transform.key, "number" | "unit" | "bins" | "pseudonym") {
            out.extend(read.take());
        }
        if transform.key == "number" {
            continue;
        }
        out.push(sentence(transform.key, argument, field, &get, is_column, l).unwrap_or_else(|| other(transform.key, argument, transform.summary)));
    }
    out.extend(read);
    // Words that no sentence above takes up.
    let told = ["use", "null", "born", "unmapped", "ignore_case", "closed", "on_error", "give"];
    for transform in REGISTRY.iter().filter(|t| t.role == Role::Companion && !told.contains(&t.key)) {
        if let Some(argument) = get(transform.key) {
            out.push(other(transform.key, argument, transform.summary));
        }
    }
    out
}

type Get<'a> = dyn Fn(&str) -> Option<&'a Node> + 'a;

fn named(node: &Node, is_column: &dyn Fn(&str) -> bool, l: Language) -> String {
    let one = |n: &Node| {
        let name = n.text().unwrap_or_default();
        if is_column(name) { say!(l, "the column `{name}`", "la colonne `{name}`") } else { say!(l, "the field `{name}`", "le champ `{name}`") }
    };
    match &node.value {
        Value::List(items) => items.iter().map(one).collect::<Vec<_>>().join(", "),
        _ => one(node),
    }
}

fn texts(node: &Node) -> String {
    let one = |n: &Node| format!("`{}`", n.text().unwrap_or_default());
    match &node.value {
        Value::List(items) => items.iter().map(one).collect::<Vec<_>>().join(", "),
        _ => one(node),
    }
}

fn sentence(key: &str, argument: &Node, field: &Field, get: &Get<'_>, is_column: &dyn Fn(&str) -> bool, l: Language) -> Option<String> {
    let plain = argument.text().unwrap_or_default();
    let named = |node: &Node| named(node, is_column, l);
    Some(match key {
        "from" if argument.text().is_some() => say!(l, "takes {}", "prend {}", named(argument)),
        "coalesce" => say!(l, "takes the first that is not missing of {}", "prend la première valeur présente de {}", named(argument)),
        "value" => say!(l, "is `{plain}` in every row", "vaut `{plain}` dans chaque ligne"),
        "sql" => say!(l, "computes {plain}", "calcule {plain}"),
        "precision_of" => say!(l, "tells how precise the date in {} is: day, month or year", "dit la précision de la date dans {} : jour, mois ou année", named(argument)),
        "comparator_of" => say!(l, "tells the comparator of the number in {}", "dit le comparateur du nombre dans {}", named(argument)),
        "concept_map" => say!(l, "recodes it by the ConceptMap `{plain}`", "la recode par la ConceptMap `{plain}`"),
        "age_at" => {
            let born = get("born").map_or_else(|| l.pick("the date of birth", "la date de naissance").to_owned(), &named);
            say!(l, "counts the completed years from {born} to {}", "compte les années révolues de {born} à {}", named(argument))
        }
        "endpoint" => match get("give").and_then(Node::text) {
            Some("kind") => say!(l, "tells which event of the endpoint `{plain}` came first", "dit quel événement du critère `{plain}` est survenu en premier"),
            give if give == Some("time") || (give.is_none() && field.kind.value.is_number()) => say!(l, "takes the time of the endpoint `{plain}`", "prend le délai du critère `{plain}`"),
            _ => say!(l, "tells whether the event of the endpoint `{plain}` happened", "dit si l'événement du critère `{plain}` est survenu"),
        },
        "impossible" => say!(l, "can never be delivered by this site: {plain}", "ne pourra jamais être livré par ce centre : {plain}"),
        "undetermined" => say!(l, "may one day be delivered by this site: {plain}", "sera peut-être livré un jour par ce centre : {plain}"),
        "clean" => say!(l, "cleans the text: {}", "nettoie le texte : {}", texts(argument)),
        "map" => {
            let Value::Map(pairs) = &argument.value else { return None };
            let pairs: Vec<String> = pairs
                .iter()
                .map(|(from, to)| {
                    let to = if to.is_null() { l.pick("missing", "manquant").to_owned() } else { format!("`{}`", to.text().unwrap_or_default()) };
                    say!(l, "`{}` becomes {to}", "`{}` devient {to}", from.text().unwrap_or_default())
                })
                .collect();
            let case = if get("ignore_case").and_then(Node::text) == Some("true") { l.pick(", in any case", ", sans égard à la casse") } else { "" };
            let other = match get("unmapped").and_then(Node::text) {
                Some("keep") => l.pick("; any other text is kept as it is", " ; tout autre texte reste tel quel"),
                Some("null") => l.pick("; any other code is missing, and the row flagged", " ; tout autre code vaut manquant, et la ligne est signalée"),
                Some("fail") => l.pick("; any other code ends the run", " ; tout autre code arrête l'exécution"),
                Some("quarantine") => l.pick("; any other code sends the row to quarantine", " ; tout autre code envoie la ligne en quarantaine"),
                _ => "",
            };
            say!(l, "recodes it{case}: {}{other}", "la recode{case} : {}{other}", pairs.join(", "))
        }
        "boolean" => {
            let Value::Map(sides) = &argument.value else { return None };
            let side = |word: &str, shown: &str| sides.iter().find(|(k, _)| k.text() == Some(word)).map(|(_, v)| say!(l, "{shown} is {}", "{shown} s'écrit {}", texts(v)));
            let sides = [side("true", l.pick("true", "vrai")), side("false", l.pick("false", "faux"))].into_iter().flatten().collect::<Vec<_>>().join(", ");
            say!(l, "reads true or false: {sides}", "lit vrai ou faux : {sides}")
        }
        "date" if !matches!(argument.value, Value::Map(_)) => say!(l, "reads a date: {}", "lit une date : {}", texts(argument)),
        "interval" if argument.text().is_some() => {
            let bound = match plain {
                "lower" => l.pick("lower", "la borne inférieure"),
                "upper" => l.pick("upper", "la borne supérieure"),
                "midpoint" => l.pick("midpoint", "le milieu"),
                other => other,
            };
            say!(l, "takes the {bound} bound of an interval such as `20-50`", "prend {bound} d'un intervalle tel que `20-50`")
        },
        "unit" if argument.text().is_some() => match &field.unit {
            Some(unit) if unit.value == plain => say!(l, "is in `{plain}` already", "est déjà en `{plain}`"),
            Some(unit) => say!(l, "converts it from `{plain}` to `{}`", "la convertit de `{plain}` en `{}`", unit.value),
            None => say!(l, "is in `{plain}`", "est en `{plain}`"),
        },
        "bins" => {
            let Value::Map(bins) = &argument.value else { return None };
            let left = get("closed").and_then(Node::text) == Some("left");
            let bin = |(label, ends): &(Node, Node)| {
                let Value::List(ends) = &ends.value else { return flow(label) };
                let end = |at: usize| ends.get(at).filter(|n| !n.is_null()).and_then(Node::text);
                let words = match (end(0), end(1), left) {
                    (Some(low), Some(high), false) => say!(l, "over {low} up to {high}", "de plus de {low} à {high}"),
                    (Some(low), Some(high), true) => say!(l, "from {low} to below {high}", "de {low} à moins de {high}"),
                    (None, Some(high), false) => say!(l, "up to {high}", "{high} au plus"),
                    (None, Some(high), true) => say!(l, "below {high}", "moins de {high}"),
                    (Some(low), None, false) => say!(l, "over {low}", "plus de {low}"),
                    (Some(low), None, true) => say!(l, "from {low}", "{low} au moins"),
                    (None, None, _) => l.pick("any number", "tout nombre").to_owned(),
                };
                say!(l, "{words} is `{}`", "{words} donne `{}`", label.text().unwrap_or_default())
            };
            let bins = bins.iter().map(bin).collect::<Vec<_>>().join(", ");
            say!(l, "puts the number into a class: {bins}", "range le nombre dans une classe : {bins}")
        }
        "pseudonym" => {
            pseudonym(flow(argument).contains("shared"), l)
        }
        _ => return None,
    })
}

fn pseudonym(shared: bool, l: Language) -> String {
    let scope = if shared { l.pick("equal at all sites", "égale dans tous les centres") } else { l.pick("different at each site", "différente dans chaque centre") };
    say!(l, "replaces the number by its keyed hash, {scope}", "remplace le numéro par son empreinte à clé, {scope}")
}

/// What a finding about a cell says.
pub fn finding(code: Code, l: Language) -> &'static str {
    const FRENCH: [(&str, &str); 15] = [
        ("D610", "la ligne a trop peu de cellules"),
        ("D611", "la ligne a trop de cellules"),
        ("D612", "des octets que l'encodage ne connaît pas"),
        ("D613", "un octet nul dans la ligne"),
        ("D614", "un guillemet jamais fermé"),
        ("D615", "du texte après un guillemet fermant"),
        ("D616", "l'enregistrement est illisible"),
        ("D617", "la cellule contient une erreur"),
        ("D620", "illisible pour le type du champ"),
        ("D621", "absent de la table de codes"),
        ("D622", "l'expression n'a pas de résultat"),
        ("D623", "dans aucune des classes"),
        ("D624", "l'unité de la ligne n'est pas prévue"),
        ("D630", "un jour du critère précède son origine"),
        ("D631", "un événement sans son jour"),
    ];
    l.pick(code.title, FRENCH.iter().find(|(id, _)| *id == code.id).map_or(code.title, |(_, french)| french))
}

/// How what is left is read as the field's type, where no step has done it.
fn reading(field: &Field, locale: &Locale, get: &Get<'_>, l: Language) -> Option<String> {
    if get("from").is_none() && get("coalesce").is_none() {
        return None;
    }
    let has = |keys: &[&str]| keys.iter().any(|k| get(k).is_some());
    let kind = field.kind.value;
    Some(match kind {
        FieldType::Integer | FieldType::Decimal if !has(&["map", "match", "concept_map", "interval"]) => {
            let own = |key: &str| match get("number").map(|n| &n.value) {
                Some(Value::Map(marks)) => marks.iter().find(|(k, _)| k.text() == Some(key)).map(|(_, v)| v.text().unwrap_or_default().to_owned()),
                _ => None,
            };
            let decimal = own("decimal").unwrap_or_else(|| locale.decimal.to_string());
            let group = own("group").or(locale.group.map(String::from));
            let group = group.filter(|g| !g.is_empty() && g != "null").map_or(String::new(), |g| say!(l, ", thousands mark `{g}`", ", séparateur de milliers `{g}`"));
            let number = if kind == FieldType::Integer { l.pick("whole number", "nombre entier") } else { l.pick("number", "nombre") };
            say!(l, "reads a {number} (decimal mark `{decimal}`{group})", "lit un {number} (marque décimale `{decimal}`{group})")
        }
        FieldType::Date | FieldType::Datetime if !has(&["date"]) => {
            let formats: Vec<String> = locale.dates.iter().map(|d| format!("`{}`", d.value)).collect();
            let formats = if formats.is_empty() { "`%Y-%m-%d`".to_owned() } else { formats.join(", ") };
            say!(l, "reads a date: {formats}", "lit une date : {formats}")
        }
        FieldType::Boolean if !has(&["boolean", "map", "match", "concept_map"]) => {
            let words = |list: &[String]| list.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ");
            let (yes, no) = (words(&locale.true_words), words(&locale.false_words));
            say!(l, "reads true ({yes}) or false ({no})", "lit vrai ({yes}) ou faux ({no})")
        }
        FieldType::Code if !has(&["map", "bins", "match", "concept_map"]) => l.pick("must be one of the field's values as it is", "doit être telle quelle l'une des valeurs du champ").to_owned(),
        FieldType::Pseudonym if !has(&["pseudonym"]) => pseudonym(false, l),
        _ => return None,
    })
}
