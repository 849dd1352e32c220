//! Every fixed wording of the page, English beside French.
//!
//! One table, so that a translator reads it from top to bottom and so that the tone stays one: plain
//! sentences to a study coordinator. `{0}`, `{1}` are filled by the section that uses the wording; a
//! test proves that both languages have the same places.

use super::text::Wording;

macro_rules! words {
    ($($name:ident = $en:literal, $fr:literal;)*) => {
        $(pub const $name: Wording = Wording { en: $en, fr: $fr };)*
        /// All of them, for the tests.
        #[cfg(test)]
        const ALL: &[(&str, Wording)] = &[$((stringify!($name), $name)),*];
    };
}

words! {
    // The frame
    TITLE = "{0}: data quality report", "{0} : rapport de qualité des données";
    REPORT = "Data quality report", "Rapport de qualité des données";
    SKIP = "Skip to the report", "Aller au rapport";
    SECTIONS = "Sections", "Sections";
    LANGUAGE = "Language", "Langue";
    FOOT = "Made by {0} from the run of {1}. This page holds counts and texts of the schema, no patient’s data; what fewer than {2} rows have is left out.",
        "Produit par {0} à partir de l’exécution du {1}. Cette page contient des effectifs et des textes du schéma, aucune donnée de patient ; ce que moins de {2} lignes portent est omis.";
    NAV_VERDICT = "Verdict", "Verdict";
    NAV_ROWS = "Rows", "Lignes";
    NAV_VARIABLES = "Variables", "Variables";
    NAV_RULES = "Rules", "Règles";
    NAV_UNMAPPED = "Unknown codes", "Codes inconnus";
    NAV_FOLLOW_UP = "Follow-up", "Suivi";
    NAV_ASKS = "To ask", "À demander";
    NAV_DISTRIBUTIONS = "Distributions", "Distributions";
    SITE = "Site", "Centre";
    TABLE = "Table", "Table";
    SOURCE = "Source", "Source";
    ALL_SITES = "all sites", "tous les centres";
    TOTAL = "Total", "Total";

    // Verdict
    USABLE = "This delivery can be used.", "Cette livraison est utilisable.";
    NOT_USABLE = "This delivery is not ready to use.", "Cette livraison n’est pas encore utilisable.";
    NOTHING_READ = "Nothing was read: no row arrived from any site.", "Rien n’a été lu : aucune ligne n’est arrivée d’aucun centre.";
    LEAD = "Of {0} read from {1}, {2} ({3}) are in the cohort.", "Sur {0} lues dans {1}, {2} ({3}) sont dans la cohorte.";
    LEAD_QUARANTINE = "{0} ({1}) went to quarantine, each with every reason why.", "En quarantaine : {0} ({1}), chaque ligne avec tous ses motifs.";
    LEAD_NO_QUARANTINE = "No row had to be put in quarantine.", "Aucune ligne n’a dû être mise en quarantaine.";
    LEAD_OTHER = "{0} left out on purpose: {1} by a filter of the mapping, {2} as duplicates.", "{0} laissées de côté à dessein : {1} par un filtre de la correspondance, {2} comme doublons.";
    LEAD_FLAGGED = "Within the cohort, a warning flags {0}.", "Dans la cohorte, un avertissement signale {0}.";
    MISSED = "Agreed limits that are missed", "Seuils convenus non tenus";
    MISSED_NONE = "Every limit set by the schema is met.", "Tous les seuils fixés par le schéma sont tenus.";
    MISSED_SOFT = "Missed, without consequence for the verdict", "Non tenus, sans conséquence pour le verdict";
    ASK = "Worth asking the sites first", "À demander d’abord aux centres";
    ASK_NONE = "Nothing to ask: no row carries a reason.", "Rien à demander : aucune ligne ne porte de motif.";
    ASK_QUARANTINE = "in quarantine, not in the cohort", "en quarantaine, hors de la cohorte";
    ASK_WARNING = "kept in the cohort, flagged", "gardées dans la cohorte, signalées";
    ASK_MORE = "Further reasons, under To ask: {0}.", "Autres motifs, sous À demander : {0}.";
    MOST_OFTEN = "most often {0} ({1})", "le plus souvent {0} ({1})";
    LIMITS_MORE = "Further limits missed, under Rules: {0}.", "Autres seuils non tenus, sous Règles : {0}.";
    UNJUDGED = "Rules that could not be judged", "Règles qui n’ont pu être évaluées";
    UNJUDGED_DECIDES = "– without it the delivery has not passed", "– sans elle, le lot n’est pas accepté";
    UNJUDGED_MORE = "Further rules not judged, under Rules: {0}.", "Autres règles non évaluées, sous Règles : {0}.";
    PUBLIC = "Version for everybody.", "Version publique.";
    PUBLIC_MEANS = "What may not be shown to everybody is left out, and so are counts of fewer than {0} rows; sections without anything left are not here.",
        "Ce qui ne peut être montré à tous est omis, de même que les effectifs de moins de {0} lignes ; les parties vides n’y figurent pas.";
    SITES_OK = "{0} sites meet their limits", "{0} centres tiennent leurs seuils";
    SITES_MORE_MISS = "{0} further sites miss limits", "{0} autres centres ne tiennent pas leurs seuils";

    // Since the last run
    SINCE = "What changed since the run of {0}", "Ce qui a changé depuis l’exécution du {0}";
    LAST_USABLE = "That delivery could be used.", "Cette livraison-là était utilisable.";
    LAST_NOT_USABLE = "That delivery was not ready to use.", "Cette livraison-là n’était pas utilisable.";
    ROWS_CHANGED = "Rows read: {0}, now {1}; accepted: {2}, now {3}.", "Lignes lues : {0}, soit {1} ; acceptées : {2}, soit {3}.";
    SITES_NEW = "New: {0}.", "Nouveau : {0}.";
    SITES_GONE = "No longer here: {0}.", "Absent désormais : {0}.";
    NEWLY_FAILING = "Newly failed:", "Non satisfaites désormais :";
    NEWLY_PASSING = "Failed then, no longer:", "Non satisfaites alors, plus maintenant :";
    FINDINGS_MOVED = "More findings in {0}, fewer in {1}.", "Davantage de constats pour {0}, moins pour {1}.";
    FILL_CHANGED = "Filled differently by 10 points or more:", "Remplissage changé de 10 points ou plus :";
    FROM_TO = "{0} → {1}", "{0} → {1}";
    AND_MORE = "and {0} more", "et {0} de plus";
    NOTHING_ELSE = "Otherwise nothing worth a look has changed.", "Rien d’autre de notable n’a changé.";

    BY_SITE = "Site by site", "Centre par centre";
    SITE_OK = "meets its limits", "tient ses seuils";
    SITE_MISSED_ONE = "{0} limit missed", "{0} seuil non tenu";
    SITE_MISSED = "{0} limits missed", "{0} seuils non tenus";
    SITE_WARNED = "{0} missed, warning only", "non tenus : {0}, simple avertissement";
    RUN_ON = "Run on", "Exécuté le";
    PIPELINE = "Pipeline", "Chaîne";
    SCHEMA = "Schema", "Schéma";
    VERSION = "{0}, version {1}", "{0}, version {1}";
    TOOK = "Took", "Durée";
    TOOL = "Tool", "Outil";

    // Thresholds
    AT_MOST = "the agreed limit is at most {0}", "le seuil convenu est de {0} au plus";
    AT_LEAST = "at least {0} was agreed", "le seuil convenu est d’au moins {0}";
    THRESHOLD_OTHER = "agreed: {0}", "convenu : {0}";
    AT_MOST_SHORT = "at most {0}", "{0} au plus";
    AT_LEAST_SHORT = "at least {0}", "au moins {0}";
    FILLED_ONLY = "{0} is filled in only {1} of {2}", "{0} n’est renseigné que dans {1} de {2}";
    THAT_IS = "{0} That is {1} of {2}; {3}.", "{0} Soit {1} de {2} ; {3}.";
    MEASURED_AT = "{0}: {1} {2}", "{0} : {1} {2}";
    CLAUSES = "{0}; {1}.", "{0} ; {1}.";

    // Accounting
    ROWS_TITLE = "Where every row went", "Ce qu’est devenue chaque ligne";
    ROWS_LEAD = "Each row of each export ends in exactly one place. The counts add up, site by site.",
        "Chaque ligne de chaque export aboutit à un endroit et un seul. Les effectifs s’additionnent, centre par centre.";
    ROWS_BROKEN = "The counts of {0} do not add up. Do not use this delivery; report it to the makers of the tool.",
        "Les effectifs de {0} ne s’additionnent pas. N’utilisez pas cette livraison et signalez-le aux auteurs de l’outil.";
    ROWS_FIGURE = "From each site to what became of its rows, drawn to one scale", "De chaque centre au devenir de ses lignes, à une même échelle";
    FLOW_SAID = "Of {0} read, {1} accepted, {2} quarantined, {3} filtered, {4} deduplicated. The table below says it site by site.",
        "Sur {0} lues : {1} acceptées, {2} en quarantaine, {3} filtrées, {4} doublons. Le tableau ci-dessous le dit centre par centre.";
    OTHER_SITES = "{0} other sites", "{0} autres centres";
    ROWS_TABLE = "Row accounting: read = accepted + quarantined + filtered + deduplicated", "Bilan des lignes : lues = acceptées + quarantaine + filtrées + doublons";
    READ = "Read", "Lues";
    ACCEPTED = "Accepted", "Acceptées";
    QUARANTINED = "Quarantined", "Quarantaine";
    FILTERED = "Filtered", "Filtrées";
    DEDUPLICATED = "Deduplicated", "Doublons";
    FLAGGED = "Accepted with a warning", "Acceptées avec avertissement";
    ADDS_UP = "Adds up", "Bilan juste";
    YES = "yes", "oui";
    NO = "no", "non";
    MEANING_ACCEPTED = "in the cohort", "dans la cohorte";
    MEANING_QUARANTINED = "kept aside as read, with every reason", "gardées à part telles que lues, avec chaque motif";
    MEANING_FILTERED = "left out by a filter the mapping declares", "laissées de côté par un filtre déclaré";
    MEANING_DEDUPLICATED = "another row with the same key was kept", "une autre ligne de même clé a été gardée";
    STEPS_TITLE = "On the way to the tables", "En chemin vers les tables";
    STEPS_LEAD = "Some tables are made of the rows of several exports. What became of each row is counted here; the numbers of each step add up to the rows it was handed.", "Certaines tables réunissent les lignes de plusieurs exports. Le sort de chaque ligne est compté ici ; à chaque étape, les nombres font la somme des lignes reçues.";
    STEPS_TABLE = "Every step between the exports and a table: of which rows it was made, and what became of them", "Chaque étape entre les exports et une table : de quelles lignes elle est faite, et ce qu'elles sont devenues";
    STEP = "Step", "Étape";
    ROWS_OF = "Rows of", "Lignes de";
    FATE = "What became of them", "Leur sort";
    FILTERED_BY = "left out by the filter {0}", "laissées de côté par le filtre {0}";
    REFUSED = "refused, to quarantine", "refusées, en quarantaine";
    FILTERS_TITLE = "Rows left out on purpose", "Lignes laissées de côté à dessein";
    FILTERS_TABLE = "Every filter that a mapping declares: a row stays where its condition is true, and is counted under the first filter that it does not meet",
        "Chaque filtre déclaré par un mapping : une ligne reste si la condition est vraie, et compte pour le premier filtre qui ne l’admet pas";
    FILTER = "Filter", "Filtre";
    FILTER_CONDITION = "Kept where", "Gardées si";
    LEFT_OUT = "Left out", "Laissées de côté";
    FILES_TITLE = "Files as delivered", "Fichiers tels que livrés";
    FILES_TABLE = "Every file that was read, with its fingerprint", "Chaque fichier lu, avec son empreinte";
    FILE = "File", "Fichier";
    SIZE = "Size", "Taille";
    ROWS = "Rows", "Lignes";
    FORMAT = "How it was read", "Comment il a été lu";
    BLANK = "Blank lines", "Lignes vides";
    COMMENT = "Comment lines", "Commentaires";
    SHA = "SHA-256", "SHA-256";
    DELIMITED_BY = "{0}, {1}, separated by {2}", "{0}, {1}, séparateur {2}";
    TAB = "tab", "tabulation";
    SEMICOLON = "semicolon", "point-virgule";
    COMMA = "comma", "virgule";
    PIPE = "vertical bar", "barre verticale";
    MAPPING = "mapping {0}", "correspondance {0}";

    // Matrix
    MATRIX_TITLE = "What each site delivers", "Ce que livre chaque centre";
    MATRIX_LEAD = "How many of the accepted rows have a value. A gap is not always a fault: a mark tells what a site can never deliver from what it may deliver one day.",
        "Part des lignes acceptées qui ont une valeur. Une lacune n’est pas toujours un défaut : un signe distingue ce qu’un centre ne pourra jamais livrer de ce qu’il livrera peut-être un jour.";
    MATRIX_TABLE = "Share of accepted rows with a value, by variable and site", "Part des lignes acceptées renseignées, par variable et par centre";
    VARIABLE = "Variable", "Variable";
    IMPOSSIBLE = "impossible", "impossible";
    UNDETERMINED = "undetermined", "indéterminé";
    NOT_MAPPED = "not mapped", "non relié";
    NO_DATA = "no data", "sans donnée";
    MEANING_FILLED = "filled, from 0% to 100%", "renseigné, de 0\u{202f}% à 100\u{202f}%";
    MEANING_IMPOSSIBLE = "the site can never deliver it", "le centre ne pourra jamais le livrer";
    MEANING_UNDETERMINED = "not yet known; may come one day", "pas encore connu ; viendra peut-être";
    MEANING_NOT_MAPPED = "the mapping does not mention it", "la correspondance n’en parle pas";
    MEANING_REQUIRED = "required: a row without it goes to quarantine", "obligatoire : une ligne sans elle va en quarantaine";
    LEGEND = "Legend", "Légende";
    PANEL = "Details", "Détails";
    PANEL_HINT = "Choose a cell or a variable to see what is behind it. The arrow keys move from cell to cell.",
        "Choisissez une case ou une variable pour voir ce qu’il y a derrière. Les flèches mènent de case en case.";
    CLOSE = "Close", "Fermer";
    FILLED_OF = "{0} of {1} accepted rows have a value ({2}).", "{0} sur {1} lignes acceptées ont une valeur ({2}).";
    NO_ROWS = "The site has no accepted row.", "Le centre n’a aucune ligne acceptée.";
    CELL_IMPOSSIBLE = "This site can never deliver it.", "Ce centre ne pourra jamais le livrer.";
    CELL_UNDETERMINED = "Whether this site can deliver it is not decided yet.", "On ne sait pas encore si ce centre pourra le livrer.";
    CELL_NOT_MAPPED = "The site’s mapping does not mention it, so it is empty in the cohort.", "La correspondance du centre n’en parle pas : la variable est vide dans la cohorte.";
    CELL_RULES = "Rules about it here", "Règles qui la concernent ici";
    CELL_NO_RULES = "No rule is about it at this site.", "Aucune règle ne la concerne dans ce centre.";
    CELL_UNMAPPED = "Unknown codes", "Codes inconnus";
    FIND_VARIABLE = "Find a variable", "Trouver une variable";
    DISTRIBUTION = "Distribution", "Distribution";
    SEE_DISTRIBUTION = "See its distribution", "Voir sa distribution";
    GAPS_TITLE = "Why variables are absent", "Pourquoi des variables manquent";
    GAPS_TABLE = "Variables a site does not deliver, with the reason it gave", "Variables qu’un centre ne livre pas, avec le motif donné";
    GAPS_NONE = "Every site delivers every variable.", "Chaque centre livre chaque variable.";
    REASON = "Reason", "Motif";
    STATE = "State", "État";
    REQUIRED = "required", "obligatoire";
    ALLOWED = "Allowed: {0}", "Admis : {0}";
    VALUES = "Values: {0}", "Valeurs : {0}";
    UNIT = "Unit: {0}", "Unité : {0}";
    CONCEPT = "Concept: {0}", "Concept : {0}";
    KIND = "Type: {0}", "Type : {0}";

    // Follow-up
    FOLLOW_UP_TITLE = "Follow-up and events", "Suivi et événements";
    FOLLOW_UP_LEAD = "How long patients were followed at each site and when they had the event. The share still without it is estimated by Kaplan and Meier’s method; a curve ends where too few are left.",
        "Durée de suivi des patients de chaque centre et survenue de l’événement. La part encore indemne est estimée par la méthode de Kaplan et Meier ; une courbe s’arrête quand il reste trop peu de patients.";
    FOLLOW_UP_TABLE = "Follow-up and events, by site", "Suivi et événements, par centre";
    PATIENTS = "Rows", "Lignes";
    EVENTS = "With the event", "Avec l’événement";
    MEDIAN_FOLLOW_UP = "Median follow-up ({0})", "Suivi médian ({0})";
    MEDIAN_TIME = "Half had the event by ({0})", "La moitié l’a eu avant ({0})";
    NOT_REACHED = "not reached", "non atteint";
    ALL_TOGETHER = "All sites", "Tous les centres";
    FEWER_THAN = "<{0}", "<{0}";
    AT_RISK = "Still followed", "Encore suivis";
    AT_RISK_N = "{0} followed", "{0} suivis";
    CURVE_CAPTION = "Share without the event. The thick line is all sites together, the band its 95% confidence interval.",
        "Part indemne de l’événement. Le trait épais réunit tous les centres, la bande est son intervalle de confiance à 95 %.";
    CURVE_OTHERS = "The sites with most rows have a name; {0} others are grey.", "Les centres aux lignes les plus nombreuses sont nommés ; {0} autres sont en gris.";
    CURVE_NONE = "Too few are followed for a curve.", "Trop peu de patients suivis pour une courbe.";
    CURVE_NUMBERS = "The curves in numbers", "Les courbes en chiffres";
    CURVE_TABLE = "Share without the event after a time, its 95% confidence interval, and how many are still followed",
        "Part indemne après un délai, son intervalle de confiance à 95 %, et nombre encore suivi";

    // Endpoints
    ENDPOINTS_TITLE = "How times to an event were derived", "Comment les délais ont été calculés";
    ENDPOINTS_LEAD = "The same name can count different events. This is what each site’s times count, and when the clock stops.",
        "Un même nom peut compter des événements différents. Voici ce que comptent les délais de chaque centre, et quand le suivi s’arrête.";
    ENDPOINTS_TABLE = "Endpoints, by site", "Critères de jugement, par centre";
    ENDPOINT = "Endpoint", "Critère";
    DERIVED_AS = "What counts", "Ce qui compte";

    // Rules
    RULES_TITLE = "Rules, and what they found", "Les règles et leurs constats";
    RULES_LEAD = "Three questions of Kahn and colleagues (2016): does the data have the agreed form, is it there, can it be true? A rule that applies to no row is not counted as passed.",
        "Trois questions de Kahn et collègues (2016) : la donnée a-t-elle la forme convenue, est-elle présente, peut-elle être vraie ? Une règle qui ne concerne aucune ligne ne compte pas comme satisfaite.";
    CONFORMANCE = "Conformance", "Conformité";
    COMPLETENESS = "Completeness", "Complétude";
    PLAUSIBILITY = "Plausibility", "Plausibilité";
    ASKS_CONFORMANCE = "Does it have the agreed form?", "A-t-elle la forme convenue ?";
    ASKS_COMPLETENESS = "Is it there?", "Est-elle présente ?";
    ASKS_PLAUSIBILITY = "Can it be true?", "Peut-elle être vraie ?";
    PASSED = "Passed", "Satisfaite";
    WITH_FINDINGS = "Passed, with findings", "Satisfaite, avec constats";
    FAILED = "Failed", "Non satisfaite";
    NOT_APPLICABLE = "Not applicable", "Sans objet";
    NOT_JUDGED = "Could not be judged", "Non évaluée";
    TALLY_ERROR = "{0} could not be judged", "non évaluées : {0}";
    FILTER_RULES = "Search and filter the rules", "Chercher et filtrer les règles";
    SEARCH = "Search", "Chercher";
    ANY = "any", "indifférent";
    ALL_SITES_OPTION = "all sites", "tous les centres";
    CATEGORY = "Category", "Catégorie";
    SEVERITY = "Severity", "Gravité";
    SEVERITY_ERROR = "error", "erreur";
    SEVERITY_WARNING = "warning", "avertissement";
    CLEAR = "Clear", "Effacer";
    RULES_SHOWN = "{0} of {1} rules", "{0} règles sur {1}";
    REFERENCE = "From", "D’après";
    DQD = "OHDSI DQD: {0}", "OHDSI DQD : {0}";
    MEASURED = "Measured", "Mesuré";
    WITH_LIMIT = "{0} ({1})", "{0} ({1})";
    NAME_VALUE = "{0}: {1}", "{0} : {1}";
    BY_YEAR = "By year", "Par année";
    YEAR = "Year", "Année";
    TREND = "Over the runs", "Au fil des exécutions";
    TREND_SAID = "Share violating it, earlier runs: {0}; now {1}", "Part en infraction, exécutions précédentes : {0} ; maintenant {1}";
    RUN = "Run", "Exécution";
    THIS_RUN = "{0} (this run)", "{0} (celle-ci)";
    IN_TABLE = "Table {0}: {1}", "Table {0} : {1}";
    ORPHANS = "{0} of the table {1} belong to nobody in the table {2}.", "{0} de la table {1} ne se rattachent à personne dans la table {2}.";
    TALLY_FAILED = "{0} failed", "non satisfaites : {0}";
    TALLY_FINDINGS = "{0} with findings", "avec constats : {0}";
    TALLY_PASSED = "{0} passed", "satisfaites : {0}";
    TALLY_NA = "{0} not applicable", "sans objet : {0}";
    FOLD_PASSED_ONE = "1 rule passed: no row violates it", "1 règle satisfaite : aucune ligne ne l’enfreint";
    FOLD_PASSED = "{0} rules passed: no row violates them", "{0} règles satisfaites : aucune ligne ne les enfreint";
    FOLD_NA_ONE = "1 rule not applicable: there is no row to judge by", "1 règle sans objet : aucune ligne à juger";
    FOLD_NA = "{0} rules not applicable: there is no row to judge by", "{0} règles sans objet : aucune ligne à juger";
    NO_RULES = "No rule of this kind.", "Aucune règle de ce type.";
    OF = "{0} of {1}", "{0} sur {1}";
    EFFECT_QUARANTINE = "A row that violates it goes to quarantine.", "Une ligne qui l’enfreint va en quarantaine.";
    EFFECT_FLAG = "A row that violates it stays in the cohort and is flagged.", "Une ligne qui l’enfreint reste dans la cohorte et est signalée.";
    EFFECT_VERDICT = "It rejects no row. If its limit is missed, the delivery is not ready to use.", "Elle ne rejette aucune ligne. Si son seuil n’est pas tenu, la livraison n’est pas utilisable.";
    EFFECT_REPORT = "It rejects no row. A missed limit is reported and does not change the verdict.", "Elle ne rejette aucune ligne. Un seuil non tenu est signalé sans changer le verdict.";
    CONDITION = "Condition", "Condition";
    FIELD = "Variable", "Variable";
    RULE = "Rule", "Règle";
    LIMIT = "Limit", "Seuil";
    NO_LIMIT = "no limit set", "aucun seuil fixé";
    EFFECT = "Effect", "Effet";
    VIOLATED = "Violating", "En infraction";
    SHARE = "Share", "Part";
    STATUS = "Status", "Statut";
    PASSED_TABLE = "Rules that no row violates", "Règles qu’aucune ligne n’enfreint";
    NA_TABLE = "Rules without a row to judge by", "Règles sans ligne à juger";
    JUDGED = "Rows judged", "Lignes jugées";
    WHERE = "Where", "Où";
    NO_VIOLATION = "No violation among the rows judged at", "Aucune infraction parmi les lignes jugées à";
    NO_VIOLATION_AT = "No violation at {0} other sites.", "Aucune infraction dans {0} autres centres.";
    NOTHING_TO_JUDGE = "No row to judge by at", "Aucune ligne à juger à";
    BY_SITE_TABLE = "{0}, by site", "{0}, par centre";

    // What to ask
    ASKS_TITLE = "What to ask each site", "Que demander à chaque centre";
    ASKS_LEAD = "Everything a site can mend, as it can be written to the site. The workbook of a site names file and row of each question; it holds values of patients and goes to that site only.",
        "Tout ce qu’un centre peut corriger, tel qu’on peut le lui écrire. Le classeur d’un centre donne le fichier et la ligne de chaque question ; il contient des valeurs de patients et ne va qu’à ce centre.";
    ASKS_MORE = "Further kinds of findings, in the workbook: {0}.", "Autres types de constats, dans le classeur : {0}.";
    ASK_UNKNOWN = "Not known yet whether the site can deliver: {0}.", "On ne sait pas encore si le centre peut livrer : {0}.";
    NOTHING_TO_ASK = "nothing to ask", "rien à demander";
    TALLY_QUARANTINE = "{0} in quarantine", "en quarantaine : {0}";
    TALLY_FLAGGED = "{0} flagged", "signalées : {0}";
    TALLY_UNKNOWN = "{0} undetermined", "indéterminées : {0}";
    QUERIES_TABLE = "Questions to the sites", "Questions aux centres";
    QUERIES_NEW = "New", "Nouvelles";
    QUERIES_OPEN = "Open", "Ouvertes";
    QUERIES_ANSWERED = "of these, answered", "dont avec réponse";
    QUERIES_CLOSED = "Closed", "Closes";
    QUERIES_MEAN = "A question is one finding of one rule in one row. New: asked for the first time. Open: asked before, and found again. Closed: asked before, and found no more.",
        "Une question est un constat d’une règle sur une ligne. Nouvelle : posée pour la première fois. Ouverte : déjà posée, et retrouvée. Close : déjà posée, et plus retrouvée.";
    QUERIES_SEND = "To send to the site, in the folder of this run:", "À envoyer au centre, dans le dossier de cette exécution :";

    // Unmapped
    UNMAPPED_TITLE = "Codes that no map knows", "Codes absents des correspondances";
    UNMAPPED_LEAD = "Values found in the exports that the mapping does not translate. Each needs one line in the mapping, or a question to the site.",
        "Valeurs trouvées dans les exports que la correspondance ne traduit pas. Chacune demande une ligne de plus dans la correspondance, ou une question au centre.";
    UNMAPPED_TABLE = "Unknown codes, most rows first", "Codes inconnus, les plus fréquents d’abord";
    UNMAPPED_NONE = "Every code of every site is known.", "Tous les codes de tous les centres sont connus.";
    UNMAPPED_HIDDEN = "A further {0} carry codes that are not shown: each is seen in fewer than {1} rows and could point to a person (or is beyond the number of codes kept). Whoever may see the quarantine finds them there.",
        "S’y ajoutent {0} aux codes non affichés, chacun vu dans moins de {1} lignes et donc susceptible de désigner une personne (ou au-delà du nombre de codes gardés). Qui a accès à la quarantaine les y trouve.";
    UNMAPPED_SOME = "Hidden here: {0}", "Non affichés ici : {0}";
    COLUMN = "Column of the export", "Colonne de l’export";
    RAW_CODE = "Code as delivered", "Code tel que livré";
    EMPTY_CODE = "(empty)", "(vide)";
    ROWS_AFFECTED = "Rows affected", "Lignes touchées";

    // Distributions
    DISTRIBUTIONS_TITLE = "How the values are distributed", "Comment se répartissent les valeurs";
    DISTRIBUTIONS_LEAD = "Accepted rows only, site beside site on the same axes: heights are shares of a site’s own rows, so that large and small sites can be compared. The dotted line marks the median.",
        "Lignes acceptées seulement, centre à côté de centre sur les mêmes axes : les hauteurs sont des parts des lignes du centre, pour que grands et petits centres se comparent. Le trait pointillé marque la médiane.";
    DISTRIBUTIONS_NONE = "There is nothing to draw.", "Il n’y a rien à dessiner.";
    NOT_DRAWN = "Not drawn (identifiers, free text, or nothing delivered): {0}.", "Non dessinées (identifiants, texte libre ou rien de livré) : {0}.";
    DISTRIBUTIONS_LEAD_MANY = "Accepted rows only. Each variable opens to its sites beneath each other, on one axis; heights and shares are of a site’s own rows. On paper, only the variables that are open.",
        "Lignes acceptées seulement. Chaque variable s’ouvre sur ses centres, l’un sous l’autre, sur un même axe ; hauteurs et parts se rapportent aux lignes du centre. Sur papier, seules les variables ouvertes.";
    VEILED = "hidden", "masqué";
    VEILED_MEANS = "Hatched: rows are there, but fewer than {0}, or so that another such count would come out.", "Hachuré : il y a des lignes, mais moins de {0}, ou de quoi déduire un autre effectif de ce genre.";
    OTHER_KIND = "values of another kind", "valeurs d’une autre nature";
    MEDIAN_HEAD = "Median", "Médiane";
    MEAN_HEAD = "Mean", "Moyenne";
    MEAN = "mean {0}", "moyenne {0}";
    MEAN_SD = "mean {0} (SD {1})", "moyenne {0} (ET {1})";
    MEDIAN = "median {0}", "médiane {0}";
    OTHERS = "{0} others", "{0} autres";
    NOTHING_FILLED = "no value", "aucune valeur";
    TO = "{0} to {1}", "de {0} à {1}";
    FROM = "{0} or more", "{0} ou plus";
    UP_TO = "{0} or less", "{0} ou moins";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<&str> {
        let mut found: Vec<&str> = text.match_indices('{').map(|(i, _)| &text[i..i + 3]).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn both_languages_have_the_same_places() {
        for (name, wording) in ALL {
            assert_eq!(places(wording.en), places(wording.fr), "{name}");
            assert!(!wording.en.is_empty() && !wording.fr.is_empty(), "{name}");
        }
    }
}
