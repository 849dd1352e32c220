//! As much of the documents as the writer of delimited text names.

pub struct Spanned<T> {
    pub value: T,
    pub span: crate::diagnostic::Span,
}

impl<T> Spanned<T> {
    pub fn new(value: T, span: crate::diagnostic::Span) -> Self {
        Spanned { value, span }
    }
}

pub mod mapping {
    use super::Spanned;

    #[derive(Default)]
    pub struct Dialect {
        pub encoding: Option<Spanned<String>>,
        pub delimiter: Option<Spanned<u8>>,
        pub quote: Option<Option<u8>>,
        pub header: Option<bool>,
        pub line_end: Option<LineEnd>,
    }

    pub enum LineEnd {
        Lf,
        Cr,
    }
}
