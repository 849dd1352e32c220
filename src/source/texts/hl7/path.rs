//! Paths into a message: `PID-3`, `PID-3(2).1`, `PID-5.1.1`.

/// A place in a segment.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    pub segment: [u8; 3],
    pub field: usize,
    pub repetition: Option<usize>,
    pub component: Option<usize>,
    pub subcomponent: Option<usize>,
}

/// What gives a record each.
#[derive(Debug, Clone, PartialEq)]
pub enum Each {
    Message,
    Segment([u8; 3]),
    /// A repetition of a field.
    Field([u8; 3], usize),
}

/// Whether these are the three letters of a segment: `PID`, `OBX`, `ZX1`.
pub fn is_name(bytes: &[u8]) -> bool {
    matches!(bytes, [first, rest @ ..] if first.is_ascii_uppercase() && rest.len() == 2 && rest.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()))
}

fn name(text: &str) -> Option<[u8; 3]> {
    text.as_bytes().try_into().ok().filter(|name: &[u8; 3]| is_name(name))
}

/// A number from 1 on, without sign.
fn place(text: &str) -> Option<usize> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|n| digits && (1..=9999).contains(n))
}

impl Path {
    pub fn parse(text: &str) -> Option<Self> {
        let (segment, rest) = text.trim().split_once('-')?;
        let mut parts = rest.split('.');
        let first = parts.next()?;
        let (field, repetition) = match first.split_once('(') {
            Some((field, repetition)) => (field, Some(place(repetition.strip_suffix(')')?)?)),
            None => (first, None),
        };
        let mut next = || parts.next().map(place);
        let (component, subcomponent) = (next(), next());
        if component == Some(None) || subcomponent == Some(None) || parts.next().is_some() {
            return None;
        }
        Some(Path { segment: name(segment)?, field: place(field)?, repetition, component: component.flatten(), subcomponent: subcomponent.flatten() })
    }
}

impl Each {
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(segment) = name(text.trim()) {
            return Some(Each::Segment(segment));
        }
        match Path::parse(text)? {
            Path { segment, field, repetition: None, component: None, .. } => Some(Each::Field(segment, field)),
            _ => None,
        }
    }
}
