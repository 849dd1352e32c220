//! Branching logic: under which values of other fields REDCap shows a field.
//!
//! Understood are comparisons (`=`, `<>`, `!=`, `<`, `<=`, `>`, `>=`) of fields, `[field(code)]` of checkboxes, texts and
//! numbers, joined by `and` and `or` (`and` binds closer) and parentheses, and `[event][field]`. A condition is true, false or
//! undecided: what one row does not show (another event; on the row of a repeating instrument, the fields of others) is
//! undecided, and so is an order with a blank side or between texts that are no dates.

use std::cmp::Ordering;

/// Parentheses within each other.
const DEEPEST: usize = 64;

/// A condition whose fields are of type `F`.
#[derive(Debug, Clone, PartialEq)]
pub enum Logic<F> {
    All(Vec<Logic<F>>),
    Any(Vec<Logic<F>>),
    Compare(Operand<F>, Comparison, Operand<F>),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Operand<F> {
    Field(F),
    Text(String),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A field as the logic names it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    pub event: Option<String>,
    pub name: String,
    /// The code of a checkbox.
    pub code: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Open,
    Close,
    And,
    Or,
    Comparison(Comparison),
    Bracket(String),
    Text(String),
}

/// The tokens of a text; nothing when it has others.
fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut found = vec![];
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..)?;
        let (token, behind) = match first {
            '(' => (Token::Open, after),
            ')' => (Token::Close, after),
            '[' => after.split_once(']').map(|(inner, behind)| (Token::Bracket(inner.trim().into()), behind))?,
            '\'' | '"' => after.split_once(first).map(|(inner, behind)| (Token::Text(inner.into()), behind))?,
            '=' | '<' | '>' | '!' => comparison(rest)?,
            _ => word(rest)?,
        };
        found.push(token);
        rest = behind.trim_start();
    }
    Some(found)
}

fn comparison(rest: &str) -> Option<(Token, &str)> {
    use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, Unequal};
    let known = [("<>", Unequal), ("!=", Unequal), ("<=", LessOrEqual), (">=", GreaterOrEqual), ("==", Equal), ("=", Equal), ("<", Less), (">", Greater)];
    known.into_iter().find_map(|(sign, c)| rest.strip_prefix(sign).map(|behind| (Token::Comparison(c), behind)))
}

/// `and`, `or` or a number.
fn word(rest: &str) -> Option<(Token, &str)> {
    let end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '+' | '_'))).unwrap_or(rest.len());
    let (word, behind) = rest.split_at_checked(end)?;
    match word.to_ascii_lowercase().as_str() {
        "and" => Some((Token::And, behind)),
        "or" => Some((Token::Or, behind)),
        _ => number(word).map(|_| (Token::Text(word.into()), behind)),
    }
}

impl Logic<Reference> {
    /// Reads a condition; nothing when it is more than the module understands.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parser = Parser { tokens: tokens(text)?, at: 0 };
        let logic = parser.any(0)?;
        (parser.at == parser.tokens.len()).then_some(logic)
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at = self.at.saturating_add(1);
        token
    }

    fn takes(&mut self, token: &Token) -> bool {
        let is = self.peek() == Some(token);
        self.at = self.at.saturating_add(usize::from(is));
        is
    }

    fn any(&mut self, depth: usize) -> Option<Logic<Reference>> {
        let mut parts = vec![self.all(depth)?];
        while self.takes(&Token::Or) {
            parts.push(self.all(depth)?);
        }
        Some(if parts.len() == 1 { parts.pop()? } else { Logic::Any(parts) })
    }

    fn all(&mut self, depth: usize) -> Option<Logic<Reference>> {
        let mut parts = vec![self.one(depth)?];
        while self.takes(&Token::And) {
            parts.push(self.one(depth)?);
        }
        Some(if parts.len() == 1 { parts.pop()? } else { Logic::All(parts) })
    }

    fn one(&mut self, depth: usize) -> Option<Logic<Reference>> {
        if depth >= DEEPEST {
            return None;
        }
        if self.takes(&Token::Open) {
            let inner = self.any(depth.saturating_add(1))?;
            return self.takes(&Token::Close).then_some(inner);
        }
        let left = self.operand()?;
        let Some(Token::Comparison(comparison)) = self.take() else { return None };
        Some(Logic::Compare(left, comparison, self.operand()?))
    }

    fn operand(&mut self) -> Option<Operand<Reference>> {
        let first = match self.take()? {
            Token::Text(text) => return Some(Operand::Text(text)),
            Token::Bracket(first) => first,
            _ => return None,
        };
        let Some(Token::Bracket(_)) = self.peek() else { return reference(None, &first).map(Operand::Field) };
        let Some(Token::Bracket(second)) = self.take() else { return None };
        let plain = !first.is_empty() && first.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        // A third bracket is the number of an instance.
        if !plain || matches!(self.peek(), Some(Token::Bracket(_))) {
            return None;
        }
        reference(Some(first), &second).map(Operand::Field)
    }
}

/// `field` or `field(code)`; smart variables (`record-name`) and `field:value` are none.
fn reference(event: Option<String>, text: &str) -> Option<Reference> {
    let (name, code) = match text.split_once('(') {
        Some((name, rest)) => (name.trim(), Some(rest.strip_suffix(')')?.trim().to_owned())),
        None => (text, None),
    };
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    plain.then(|| Reference { event, name: name.to_ascii_lowercase(), code })
}

impl<F> Logic<F> {
    /// The condition with other fields; nothing where one of them has no counterpart.
    pub fn with<G>(self, find: &mut impl FnMut(F) -> Option<G>) -> Option<Logic<G>> {
        let mut operand = |operand: Operand<F>| match operand {
            Operand::Field(field) => find(field).map(Operand::Field),
            Operand::Text(text) => Some(Operand::Text(text)),
        };
        match self {
            Logic::Compare(left, comparison, right) => Some(Logic::Compare(operand(left)?, comparison, operand(right)?)),
            Logic::All(parts) => parts.into_iter().map(|part| part.with(find)).collect::<Option<_>>().map(Logic::All),
            Logic::Any(parts) => parts.into_iter().map(|part| part.with(find)).collect::<Option<_>>().map(Logic::Any),
        }
    }

    /// Whether it holds, or nothing when that is undecided. `value` gives a field's text, empty for a blank one, or nothing.
    pub fn holds<'a>(&'a self, value: &impl Fn(&'a F) -> Option<&'a str>) -> Option<bool> {
        match self {
            Logic::All(parts) => joined(parts.iter().map(|part| part.holds(value)), false),
            Logic::Any(parts) => joined(parts.iter().map(|part| part.holds(value)), true),
            Logic::Compare(left, comparison, right) => {
                let text = |operand: &'a Operand<F>| match operand {
                    Operand::Field(field) => value(field),
                    Operand::Text(text) => Some(text.as_str()),
                };
                compare(text(left)?.trim(), *comparison, text(right)?.trim())
            }
        }
    }
}

/// One `decisive` part decides; else one that is undecided leaves all undecided.
fn joined(parts: impl Iterator<Item = Option<bool>>, decisive: bool) -> Option<bool> {
    let mut undecided = false;
    for part in parts {
        match part {
            Some(holds) if holds == decisive => return Some(decisive),
            Some(_) => {}
            None => undecided = true,
        }
    }
    (!undecided).then_some(!decisive)
}

/// A number in plain digits.
fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+'));
    text.parse().ok().filter(|n: &f64| plain && n.is_finite())
}

/// `2011-12-31`, with or without a time.
fn is_date(text: &str) -> bool {
    let digits = |range: std::ops::Range<usize>| text.get(range).is_some_and(|t| t.bytes().all(|b| b.is_ascii_digit()));
    digits(0..4) && digits(5..7) && digits(8..10) && text.get(4..5) == Some("-") && text.get(7..8) == Some("-")
}

fn compare(left: &str, comparison: Comparison, right: &str) -> Option<bool> {
    let order = match (number(left), number(right)) {
        (Some(a), Some(b)) => a.partial_cmp(&b),
        _ if is_date(left) && is_date(right) => Some(left.cmp(right)),
        _ => None,
    };
    let equal = order.map_or(left == right, |o| o == Ordering::Equal);
    match comparison {
        Comparison::Equal => Some(equal),
        Comparison::Unequal => Some(!equal),
        Comparison::Less => order.map(|o| o == Ordering::Less),
        Comparison::LessOrEqual => order.map(|o| o != Ordering::Greater),
        Comparison::Greater => order.map(|o| o == Ordering::Greater),
        Comparison::GreaterOrEqual => order.map(|o| o != Ordering::Less),
    }
}
