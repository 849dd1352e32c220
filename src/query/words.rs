//! Every fixed wording of a file of queries, English beside French.

use super::answers::Reply;
use super::{Language, Severity, State};

/// Names of the columns, in their order. [`VALUE`] is left out where values are.
pub const COLUMNS: [(&str, &str); 12] = [
    ("No", "N°"),
    ("File", "Fichier"),
    ("Row", "Ligne"),
    ("Column", "Colonne"),
    ("Field", "Champ"),
    ("Rule", "Règle"),
    ("What is expected", "Ce qui est attendu"),
    ("Value", "Valeur"),
    ("Severity", "Gravité"),
    ("Status", "Statut"),
    ("Answer", "Réponse"),
    ("id", "id"),
];
pub const VALUE: usize = 7;
pub const ANSWER: usize = 10;

/// Columns that a site may add, by the names that it may give them.
pub const BY: &[&str] = &["by", "answered by", "name", "par", "répondu par", "nom"];
pub const DATE: &[&str] = &["date", "answered on", "date of answer", "répondu le", "date de réponse", "date de la réponse"];

/// Names of the columns in a language, with or without that of values.
pub fn columns(language: Language, with_values: bool) -> impl Iterator<Item = (usize, &'static str)> {
    COLUMNS.iter().enumerate().filter(move |(at, _)| with_values || *at != VALUE).map(move |(at, (en, fr))| (at, language.pick(*en, *fr)))
}

pub fn severity(language: Language, severity: Severity) -> &'static str {
    match severity {
        Severity::Error => language.pick("error", "erreur"),
        Severity::Warning => language.pick("warning", "avertissement"),
    }
}

pub fn state(language: Language, state: State) -> &'static str {
    match state {
        State::New => language.pick("new", "nouvelle"),
        State::Open => language.pick("asked before", "déjà posée"),
        State::Answered => language.pick("answered", "déjà répondue"),
    }
}

/// The answers that are offered.
pub const REPLIES: [(Reply, &str, &str); 4] = [
    (Reply::Corrected, "corrected in the source", "corrigé dans la source"),
    (Reply::Right, "the value is right", "la valeur est juste"),
    (Reply::Unknown, "unknown", "inconnu"),
    (Reply::Other, "other", "autre"),
];

pub fn sheet(language: Language, part: usize) -> String {
    let name = language.pick("Queries", "Questions");
    if part == 0 { name.to_owned() } else { format!("{name} {}", part + 1) }
}

pub fn cover_name(language: Language) -> &'static str {
    language.pick("Read me", "À lire")
}

pub fn cover_title(language: Language, site: &str) -> String {
    language.pick(format!("Queries to {site}"), format!("Questions au centre {site}"))
}

/// What to do, in six lines.
pub fn cover(language: Language, with_values: bool) -> [&'static str; 6] {
    let values = if with_values {
        language.pick(
            "Save the file and send it back by the agreed secure way: it holds values of patients. Answer here or in queries.csv, not in both.",
            "Enregistrez le fichier et renvoyez-le par la voie sécurisée convenue : il contient des valeurs de patients. Répondez ici ou dans queries.csv, pas dans les deux.",
        )
    } else {
        language.pick(
            "Save the file and send it back the way it came. The file queries.csv asks the same: answer here or there, not in both.",
            "Enregistrez le fichier et renvoyez-le par la même voie. Le fichier queries.csv pose les mêmes questions : répondez ici ou là, pas dans les deux.",
        )
    };
    [
        language.pick(
            "Each row of the next sheet asks about one row of one of your files: File, Row and Column say where to look.",
            "Chaque ligne de la feuille suivante porte sur une ligne d’un de vos fichiers : Fichier, Ligne et Colonne disent où regarder.",
        ),
        language.pick(
            "Please look it up in your own records, and correct what is wrong there: your next export then brings the right value.",
            "Vérifiez dans vos dossiers et corrigez-y ce qui est faux : votre prochain export apportera la bonne valeur.",
        ),
        language.pick(
            "Then choose an answer from the list in the yellow column, or write your own words there.",
            "Choisissez ensuite une réponse dans la liste de la colonne jaune, ou écrivez-y vos propres mots.",
        ),
        language.pick(
            "Please write nothing that names a patient: no name, no date of birth, no number of a record.",
            "N’écrivez rien qui désigne un patient : ni nom, ni date de naissance, ni numéro de dossier.",
        ),
        language.pick(
            "You may sort, filter and add columns. Please leave the last column, id, as it is: it ties your answer to the question.",
            "Vous pouvez trier, filtrer et ajouter des colonnes. Laissez la dernière colonne, id, telle quelle : elle relie votre réponse à la question.",
        ),
        values,
    ]
}
