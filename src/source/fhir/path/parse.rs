//! From the text of an expression to an [`Expr`] that is at most [`HEIGHT`] high.

use rust_decimal::Decimal;

use super::lexer::{Token, tokens};
use super::{Expr, Function, Literal, Operator, Variable, Wrong};

/// What is evaluated recursively is not higher than this.
const HEIGHT: usize = 150;
/// Above the precedence of each operator between two operands.
const TIGHTEST: u8 = 11;

/// Operators and their precedence; `is` and `as` lie at 8.
const OPERATORS: [(&str, Operator, u8); 22] = [
    ("implies", Operator::Implies, 1),
    ("or", Operator::Or, 2),
    ("xor", Operator::Xor, 2),
    ("and", Operator::And, 3),
    ("in", Operator::In, 4),
    ("contains", Operator::Contains, 4),
    ("=", Operator::Equal, 5),
    ("!=", Operator::Unequal, 5),
    ("~", Operator::Equivalent, 5),
    ("!~", Operator::NotEquivalent, 5),
    ("<", Operator::Less, 6),
    ("<=", Operator::LessEqual, 6),
    (">", Operator::Greater, 6),
    (">=", Operator::GreaterEqual, 6),
    ("|", Operator::Union, 7),
    ("+", Operator::Add, 9),
    ("-", Operator::Subtract, 9),
    ("&", Operator::Concatenate, 9),
    ("*", Operator::Multiply, 10),
    ("/", Operator::Divide, 10),
    ("div", Operator::Div, 10),
    ("mod", Operator::Mod, 10),
];
const TYPE_OPERATOR: u8 = 8;
const TIMES: [&str; 16] = [
    "year", "years", "month", "months", "week", "weeks", "day", "days", "hour", "hours", "minute", "minutes", "second", "seconds", "millisecond",
    "milliseconds",
];

/// `constants` are the values of `%name`.
pub(in super::super) fn parse(source: &str, constants: &[(String, Literal)]) -> Result<Expr, Wrong> {
    let mut parser = Parser { tokens: tokens(source)?, at: 0, constants };
    let (expr, _) = parser.expression(0, 0)?;
    match parser.peek() {
        Token::End => Ok(expr),
        _ => parser.wrong("the expression should end here"),
    }
}

/// An expression and its height.
type High = (Expr, usize);

struct Parser<'c> {
    tokens: Vec<(Token, usize)>,
    at: usize,
    constants: &'c [(String, Literal)],
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |(token, _)| token)
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn wrong<T>(&self, message: impl Into<String>) -> Result<T, Wrong> {
        let place = self.tokens.get(self.at).or(self.tokens.last()).map_or(0, |(_, place)| *place);
        Err(Wrong { message: message.into(), place })
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(self.peek(), Token::Symbol(found) if *found == symbol)
    }

    fn accept(&mut self, symbol: &str) -> bool {
        let found = self.is(symbol);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), Wrong> {
        if self.accept(symbol) { Ok(()) } else { self.wrong(format!("`{symbol}` is missing here")) }
    }

    fn higher(&self, height: usize) -> Result<usize, Wrong> {
        if height < HEIGHT { Ok(height + 1) } else { self.wrong("the expression is nested too deep") }
    }

    /// An expression of operators that bind at least as tight as `least`.
    fn expression(&mut self, least: u8, depth: usize) -> Result<High, Wrong> {
        let depth = self.higher(depth)?;
        let (mut left, mut height) = self.unary(depth)?;
        loop {
            let word = match self.peek() {
                Token::Symbol(symbol) => *symbol,
                Token::Name(name) => name.as_str(),
                _ => break,
            };
            if let Some(function) = [("is", Function::Is), ("as", Function::As)].iter().find(|(name, _)| *name == word).map(|(_, function)| *function) {
                if TYPE_OPERATOR < least {
                    break;
                }
                self.at += 1;
                let kind = self.type_name()?;
                left = Expr::Typed(Box::new(left), function, kind);
                height = self.higher(height)?;
                continue;
            }
            let Some((_, operator, tight)) = OPERATORS.iter().find(|(text, ..)| *text == word) else { break };
            if *tight < least {
                break;
            }
            self.at += 1;
            let (right, other) = self.expression(tight + 1, depth)?;
            left = Expr::Binary(*operator, Box::new(left), Box::new(right));
            height = self.higher(height.max(other))?;
        }
        Ok((left, height))
    }

    fn unary(&mut self, depth: usize) -> Result<High, Wrong> {
        if self.accept("-") {
            let (inner, height) = self.expression(TIGHTEST, depth)?;
            let height = self.higher(height)?;
            return Ok((Expr::Negative(Box::new(inner)), height));
        }
        if self.accept("+") {
            return self.expression(TIGHTEST, depth);
        }
        self.postfix(depth)
    }

    fn postfix(&mut self, depth: usize) -> Result<High, Wrong> {
        let (mut expr, mut height) = self.term(depth)?;
        loop {
            if self.accept(".") {
                (expr, height) = self.invocation(expr, height, depth)?;
            } else if self.accept("[") {
                let (index, other) = self.expression(0, depth)?;
                self.expect("]")?;
                expr = Expr::At(Box::new(expr), Box::new(index));
                height = self.higher(height.max(other))?;
            } else {
                return Ok((expr, height));
            }
        }
    }

    fn term(&mut self, depth: usize) -> Result<High, Wrong> {
        let expr = match self.peek().clone() {
            Token::Symbol("(") => {
                self.at += 1;
                let inner = self.expression(0, depth)?;
                self.expect(")")?;
                return Ok(inner);
            }
            Token::Symbol("{") => {
                self.at += 1;
                self.expect("}")?;
                return Ok((Expr::Empty, 1));
            }
            Token::Name(word) if matches!(word.as_str(), "true" | "false") => Expr::Literal(Literal::Bool(word == "true")),
            Token::Name(_) | Token::Quoted(_) => return self.invocation(Expr::Focus, 1, depth),
            Token::Text(text) => Expr::Literal(Literal::Text(text)),
            Token::Moment(kind, text) => Expr::Literal(Literal::Moment(kind, text)),
            Token::Number(text) => {
                let Ok(number) = Decimal::from_str_exact(&text) else { return self.wrong("a number of too many digits") };
                self.at += 1;
                return Ok((Expr::Literal(self.quantity(number)), 1));
            }
            Token::Variable(name) => self.variable(&name)?,
            Token::Special(name) if name == "this" => Expr::Focus,
            Token::Special(name) if name == "index" => Expr::Index,
            Token::Special(name) => return self.wrong(format!("`${name}` is not known here")),
            Token::End => return self.wrong("the expression ends early"),
            Token::Symbol(symbol) => return self.wrong(format!("`{symbol}` should not be here")),
        };
        self.at += 1;
        Ok((expr, 1))
    }

    /// A number and, if one follows, its unit.
    fn quantity(&mut self, number: Decimal) -> Literal {
        match self.peek().clone() {
            Token::Text(unit) => {
                self.at += 1;
                Literal::Quantity(number, unit)
            }
            Token::Name(unit) if TIMES.contains(&unit.as_str()) => {
                self.at += 1;
                Literal::Quantity(number, unit)
            }
            _ => Literal::Number(number),
        }
    }

    fn variable(&self, name: &str) -> Result<Expr, Wrong> {
        if let Some((_, value)) = self.constants.iter().find(|(known, _)| known == name) {
            return Ok(Expr::Literal(value.clone()));
        }
        Ok(match name {
            "rowIndex" => Expr::Variable(Variable::RowIndex),
            "resource" | "rootResource" | "context" => Expr::Variable(Variable::Resource),
            "ucum" => Expr::Literal(Literal::Text("http://unitsofmeasure.org".into())),
            "sct" => Expr::Literal(Literal::Text("http://snomed.info/sct".into())),
            "loinc" => Expr::Literal(Literal::Text("http://loinc.org".into())),
            _ => return self.wrong(format!("the constant `%{name}` is not defined")),
        })
    }

    /// A name or a function behind `base`.
    fn invocation(&mut self, base: Expr, height: usize, depth: usize) -> Result<High, Wrong> {
        let name = match self.next() {
            Token::Name(name) | Token::Quoted(name) => name,
            Token::Special(special) if special == "this" => return Ok((base, height)),
            _ => {
                self.at -= 1;
                return self.wrong("a name is missing here");
            }
        };
        if !self.is("(") {
            return Ok(match base {
                Expr::Path(inner, mut names) => {
                    names.push(name);
                    (Expr::Path(inner, names), height)
                }
                base => (Expr::Path(Box::new(base), vec![name]), self.higher(height)?),
            });
        }
        let Some(function) = Function::named(&name) else {
            self.at -= 1;
            return self.wrong(format!("the function `{name}` is not known"));
        };
        self.at += 1;
        if function.takes_type() && !self.is(")") {
            let kind = self.type_argument()?;
            self.expect(")")?;
            return Ok((Expr::Typed(Box::new(base), function, kind), self.higher(height)?));
        }
        let mut arguments = vec![];
        let mut highest = height;
        while !self.is(")") {
            let (argument, other) = self.expression(0, depth)?;
            arguments.push(argument);
            highest = highest.max(other);
            if !self.accept(",") {
                break;
            }
        }
        let (least, most) = function.arguments();
        if !(least..=most).contains(&arguments.len()) {
            return self.wrong(format!("`{name}` takes {}", if least == most { least.to_string() } else { format!("{least} to {most}") } + " arguments"));
        }
        self.expect(")")?;
        Ok((Expr::Call(Box::new(base), function, arguments), self.higher(highest)?))
    }

    /// `Patient`, `FHIR.Patient`, `'Patient'`.
    fn type_argument(&mut self) -> Result<String, Wrong> {
        match self.peek().clone() {
            Token::Text(name) => {
                self.at += 1;
                Ok(name)
            }
            _ => self.type_name(),
        }
    }

    fn type_name(&mut self) -> Result<String, Wrong> {
        let mut name = self.type_part()?;
        if matches!(name.as_str(), "FHIR" | "System") && self.accept(".") {
            name = self.type_part()?;
        }
        Ok(name)
    }

    fn type_part(&mut self) -> Result<String, Wrong> {
        match self.peek().clone() {
            Token::Name(name) | Token::Quoted(name) => {
                self.at += 1;
                Ok(name)
            }
            _ => self.wrong("a type is missing here"),
        }
    }
}
