//! How a function gets at its arguments and hands back a column.
//!
//! Every function of this folder has the same shape: one or two columns, then literals. This
//! module reads both with one set of error messages, walks over the cells of a `Utf8View` column
//! without copying them, and packs results with their null bitmap. It is the only place that
//! builds a text column from raw views, so the reasoning about that stays in one spot.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, ListArray, PrimitiveArray,
    StringViewArray,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Float64Type};
use datafusion::common::{
    Result, ScalarValue, internal_datafusion_err, plan_datafusion_err, plan_err,
};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, Signature, Volatility};

/// The signature of all functions here: any arguments, the same answer for the same input.
/// Which types fit is decided in [`Arguments`], because literals and columns differ.
pub(super) fn any_arguments() -> &'static Signature {
    static ANY: LazyLock<Signature> =
        LazyLock::new(|| Signature::variadic_any(Volatility::Immutable));
    &ANY
}

/// The arguments of one call. Positions count from 0; messages count from 1.
pub(super) struct Arguments<'a> {
    function: &'a str,
    args: &'a [ColumnarValue],
    rows: usize,
}

impl<'a> Arguments<'a> {
    pub(super) fn new(function: &'a str, args: &'a ScalarFunctionArgs) -> Self {
        Self {
            function,
            args: &args.args,
            rows: args.number_rows,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.args.len()
    }

    /// Refuses a call with more or fewer than `count` arguments.
    pub(super) fn exactly(&self, count: usize) -> Result<()> {
        match self.len() == count {
            true => Ok(()),
            false => plan_err!(
                "{} takes {count} arguments, not {}",
                self.function,
                self.len()
            ),
        }
    }

    fn get(&self, at: usize) -> Result<&'a ColumnarValue> {
        self.args.get(at).ok_or_else(|| {
            plan_datafusion_err!("{}: argument {} is missing", self.function, at + 1)
        })
    }

    fn literal(&self, at: usize) -> Result<&'a ScalarValue> {
        match self.get(at)? {
            ColumnarValue::Scalar(value) => Ok(value),
            ColumnarValue::Array(_) => {
                plan_err!("{}: argument {} must be a literal", self.function, at + 1)
            }
        }
    }

    /// A text literal, or `None` for NULL.
    pub(super) fn text_or_null(&self, at: usize) -> Result<Option<&'a str>> {
        let value = self.literal(at)?;
        match value.try_as_str() {
            Some(text) => Ok(text),
            None if value.is_null() => Ok(None),
            None => plan_err!(
                "{}: argument {} must be a text, not {}",
                self.function,
                at + 1,
                value.data_type()
            ),
        }
    }

    /// A text literal.
    pub(super) fn text(&self, at: usize) -> Result<&'a str> {
        let text = self.text_or_null(at)?;
        text.ok_or_else(|| {
            plan_datafusion_err!("{}: argument {} must not be NULL", self.function, at + 1)
        })
    }

    /// The text literals from position `from` on.
    pub(super) fn texts(&self, from: usize) -> Result<Vec<&'a str>> {
        (from..self.len()).map(|at| self.text(at)).collect()
    }

    /// A literal that is a list of texts.
    pub(super) fn list(&self, at: usize) -> Option<&'a Arc<ListArray>> {
        match self.args.get(at) {
            Some(ColumnarValue::Scalar(ScalarValue::List(list))) => Some(list),
            _ => None,
        }
    }

    /// A boolean literal.
    pub(super) fn boolean(&self, at: usize) -> Result<bool> {
        match self.literal(at)? {
            ScalarValue::Boolean(Some(value)) => Ok(*value),
            _ => plan_err!(
                "{}: argument {} must be true or false",
                self.function,
                at + 1
            ),
        }
    }

    /// A number literal of any numeric type, or `None` for NULL.
    pub(super) fn number_or_null(&self, at: usize) -> Result<Option<f64>> {
        let value = self.literal(at)?;
        if value.is_null() {
            return Ok(None);
        }
        if value.data_type().is_numeric()
            && let ScalarValue::Float64(Some(number)) = value.cast_to(&DataType::Float64)?
        {
            return Ok(Some(number));
        }
        plan_err!("{}: argument {} must be a number", self.function, at + 1)
    }

    /// A number literal of any numeric type.
    pub(super) fn number(&self, at: usize) -> Result<f64> {
        let number = self.number_or_null(at)?;
        number.ok_or_else(|| {
            plan_datafusion_err!("{}: argument {} must not be NULL", self.function, at + 1)
        })
    }

    /// An argument as an array: of one row where it is a constant.
    fn array(&self, at: usize) -> Result<ArrayRef> {
        match self.get(at)? {
            ColumnarValue::Array(array) => Ok(Arc::clone(array)),
            ColumnarValue::Scalar(value) => value.to_array(),
        }
    }

    /// A text column (of one row where the argument is a constant).
    pub(super) fn text_column(&self, at: usize) -> Result<StringViewArray> {
        let array = self.array(at)?;
        let array = match array.data_type() {
            DataType::Utf8View => array,
            DataType::Utf8 | DataType::LargeUtf8 => cast(&array, &DataType::Utf8View)?,
            DataType::Dictionary(_, values) if values.is_string() => {
                cast(&array, &DataType::Utf8View)?
            }
            DataType::Null => return Ok(StringViewArray::new_null(array.len())),
            other => {
                return plan_err!(
                    "{}: argument {} must be a text, not {other}",
                    self.function,
                    at + 1
                );
            }
        };
        let text = array.as_string_view_opt().cloned();
        text.ok_or_else(|| {
            internal_datafusion_err!("{}: a cast to Utf8View gave another type", self.function)
        })
    }

    /// A text column with a row for each of the call's, where the argument is a constant too.
    pub(super) fn text_column_of(&self, at: usize) -> Result<StringViewArray> {
        let text = self.text_column(at)?;
        match self.get(at)? {
            ColumnarValue::Array(_) => Ok(text),
            ColumnarValue::Scalar(_) => Ok(std::iter::repeat_n(text.iter().next().flatten(), self.rows).collect()),
        }
    }

    /// A number column (of one row where the argument is a constant), as `Float64`.
    pub(super) fn number_column(&self, at: usize) -> Result<PrimitiveArray<Float64Type>> {
        let array = self.array(at)?;
        if !(array.data_type().is_numeric() || array.data_type().is_null()) {
            return plan_err!(
                "{}: argument {} must be a number, not {}",
                self.function,
                at + 1,
                array.data_type()
            );
        }
        let array = cast(&array, &DataType::Float64)?;
        let numbers = array.as_primitive_opt().cloned();
        numbers.ok_or_else(|| {
            internal_datafusion_err!("{}: a cast to Float64 gave another type", self.function)
        })
    }

    /// A date column: a date, or a timestamp whose time of day is dropped. Of one row where the
    /// argument is a constant and `expand` is false.
    pub(super) fn date_column(
        &self,
        at: usize,
        expand: bool,
    ) -> Result<PrimitiveArray<Date32Type>> {
        let array = match self.get(at)? {
            ColumnarValue::Scalar(value) if expand => value.to_array_of_size(self.rows)?,
            _ => self.array(at)?,
        };
        let array = match array.data_type() {
            DataType::Date32 => array,
            DataType::Date64 | DataType::Timestamp(_, _) | DataType::Null => {
                cast(&array, &DataType::Date32)?
            }
            other => {
                return plan_err!(
                    "{}: argument {} must be a date, not {other}",
                    self.function,
                    at + 1
                );
            }
        };
        let dates = array.as_primitive_opt().cloned();
        dates.ok_or_else(|| {
            internal_datafusion_err!("{}: a cast to Date32 gave another type", self.function)
        })
    }

    /// Which rows of any argument are valid; `None` where all are.
    pub(super) fn validity(&self, at: usize) -> Result<Option<NullBuffer>> {
        Ok(match self.get(at)? {
            ColumnarValue::Array(array) => array.logical_nulls(),
            ColumnarValue::Scalar(value) if value.is_null() => {
                Some(NullBuffer::new_null(self.rows))
            }
            ColumnarValue::Scalar(_) => None,
        })
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// True where each of the arguments at these positions is a constant.
    pub(super) fn constant(&self, positions: &[usize]) -> bool {
        positions
            .iter()
            .all(|at| matches!(self.args.get(*at), Some(ColumnarValue::Scalar(_))))
    }

    /// The answer: a constant where the only column was one.
    pub(super) fn answer(
        &self,
        column: usize,
        array: impl Array + 'static,
    ) -> Result<ColumnarValue> {
        answer(self.constant(&[column]), array)
    }
}

/// Wraps `array`, or its only row where the answer is a constant.
pub(super) fn answer(constant: bool, array: impl Array + 'static) -> Result<ColumnarValue> {
    match constant && array.len() == 1 {
        true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
            &array, 0,
        )?)),
        false => Ok(ColumnarValue::Array(Arc::new(array))),
    }
}

/// Longest text, in bytes, that a view holds itself (Arrow columnar format, variable-size binary
/// view layout).
pub(super) const INLINE: usize = 12;

/// Bits of a `u128` view: length 0–31, first four bytes 32–63, buffer 64–95, offset 96–127. A
/// text of up to [`INLINE`] bytes fills bits 32–127 instead, padded with zeros, so that two short
/// texts are equal exactly where their views are.
#[derive(Clone, Copy)]
pub(super) struct Cell<'a> {
    pub(super) view: u128,
    pub(super) bytes: &'a [u8],
}

/// The cells of a text column in order, null ones included (their bytes are arbitrary).
pub(super) fn cells(column: &StringViewArray) -> impl Iterator<Item = Cell<'_>> {
    let buffers = column.data_buffers();
    let (views, _) = column.views().inner().as_slice().as_chunks::<16>();
    views.iter().map(move |raw| {
        let view = u128::from_le_bytes(*raw);
        let length = view as u32 as usize;
        let bytes = if length <= INLINE {
            raw.get(4..4 + length)
        } else {
            let start = (view >> 96) as u32 as usize;
            buffers
                .get((view >> 64) as u32 as usize)
                .and_then(|buffer| buffer.get(start..start.saturating_add(length)))
        };
        Cell {
            view,
            bytes: bytes.unwrap_or_default(),
        }
    })
}

/// The view of a text; `buffer` and `offset` say where it lies, and are not looked at where the
/// text is short enough to be held by the view itself.
#[inline]
pub(super) fn view(text: &[u8], buffer: u32, offset: u32) -> u128 {
    let length = text.len();
    if length <= INLINE {
        let mut raw = [0; 16];
        raw[..4].copy_from_slice(&(length as u32).to_le_bytes());
        for (to, from) in raw[4..].iter_mut().zip(text) {
            *to = *from;
        }
        return u128::from_le_bytes(raw);
    }
    let prefix = text
        .first_chunk()
        .map_or(0, |first| u32::from_le_bytes(*first));
    length as u32 as u128 | (prefix as u128) << 32 | (buffer as u128) << 64 | (offset as u128) << 96
}

/// A text column of ready-made views. Debug builds check every view.
///
/// # Safety
/// Each view holds UTF-8, or points to UTF-8 inside one of `buffers`; `nulls` is as long as `views`.
pub(super) unsafe fn text_array(
    views: Vec<u128>,
    buffers: Arc<[Buffer]>,
    nulls: Option<NullBuffer>,
) -> StringViewArray {
    let views = ScalarBuffer::from(views);
    debug_assert!(
        StringViewArray::try_new(views.clone(), Arc::clone(&buffers), nulls.clone()).is_ok()
    );
    // SAFETY: the caller's promise is what this function asks for.
    unsafe { StringViewArray::new_unchecked(views, buffers, nulls) }
}

/// The data buffers of a column, shared.
pub(super) fn buffers(column: &StringViewArray) -> Arc<[Buffer]> {
    column.clone().into_parts().1
}

/// Texts too long for their views, kept in buffers of at most 1 GiB so that offsets fit a view.
#[derive(Default)]
pub(super) struct Store {
    /// Number of the first of these buffers in the finished column.
    first: u32,
    full: Vec<Buffer>,
    open: Vec<u8>,
}

impl Store {
    /// A store whose buffers follow `first` others.
    pub(super) fn after(first: usize) -> Self {
        Self {
            first: first as u32,
            ..Self::default()
        }
    }

    /// Makes room for `bytes` more.
    pub(super) fn reserve(&mut self, bytes: usize) {
        self.open.reserve(bytes.min(1 << 30));
    }

    /// Keeps a text where its view cannot, and returns its view.
    pub(super) fn keep(&mut self, text: &[u8]) -> u128 {
        if text.len() <= INLINE {
            return view(text, 0, 0);
        }
        if self.open.len() + text.len() > 1 << 30 && !self.open.is_empty() {
            self.full
                .push(Buffer::from_vec(std::mem::take(&mut self.open)));
        }
        let offset = self.open.len() as u32;
        self.open.extend_from_slice(text);
        view(text, self.first + self.full.len() as u32, offset)
    }

    /// The buffers `before` and then its own.
    pub(super) fn finish(mut self, before: &[Buffer]) -> Arc<[Buffer]> {
        if !self.open.is_empty() {
            self.full.push(Buffer::from_vec(self.open));
        }
        before.iter().cloned().chain(self.full).collect()
    }
}

/// Nulls of the input and of the answer together; `None` where there are none.
pub(super) fn nulls(input: Option<&NullBuffer>, valid: BooleanBuffer) -> Option<NullBuffer> {
    NullBuffer::union(input, Some(&NullBuffer::new(valid))).filter(|nulls| nulls.null_count() > 0)
}

/// Reads each cell of a text column as a number or date; null where `read` gives none.
pub(super) fn primitive_column<T: ArrowPrimitiveType>(
    text: &StringViewArray,
    mut read: impl FnMut(Cell<'_>) -> Option<T::Native>,
) -> PrimitiveArray<T> {
    let mut values = Vec::with_capacity(text.len());
    let mut cells = cells(text);
    let valid = BooleanBuffer::collect_bool(text.len(), |_| {
        let value = cells.next().and_then(&mut read);
        values.push(value.unwrap_or_default());
        value.is_some()
    });
    PrimitiveArray::new(values.into(), nulls(text.nulls(), valid))
}

/// Reads each cell of a text column as true, false or null.
pub(super) fn boolean_column(
    text: &StringViewArray,
    mut read: impl FnMut(Cell<'_>) -> Option<bool>,
) -> BooleanArray {
    let words = text.len().div_ceil(64);
    let (mut truths, mut valids) = (
        Vec::<u64>::with_capacity(words),
        Vec::<u64>::with_capacity(words),
    );
    let mut cells = cells(text);
    for _ in 0..words {
        let (mut truth, mut valid) = (0, 0);
        for (bit, cell) in cells.by_ref().take(64).enumerate() {
            let value = read(cell);
            truth |= u64::from(value == Some(true)) << bit;
            valid |= u64::from(value.is_some()) << bit;
        }
        truths.push(truth);
        valids.push(valid);
    }
    let buffer = |words: Vec<u64>| BooleanBuffer::new(Buffer::from_vec(words), 0, text.len());
    BooleanArray::new(buffer(truths), nulls(text.nulls(), buffer(valids)))
}

/// Calls of a function as the engine makes them, for the tests of this folder.
#[cfg(test)]
pub(super) mod testing {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, StringArray, StringViewArray};
    use arrow::datatypes::Field;
    use datafusion::common::{Result, ScalarValue, config::ConfigOptions};
    use datafusion::logical_expr::{
        ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    };

    /// Text literals.
    pub(in super::super) fn texts<const N: usize>(values: [&str; N]) -> Vec<ScalarValue> {
        values.into_iter().map(ScalarValue::from).collect()
    }

    /// One call, with the checks that the engine itself makes.
    pub(in super::super) fn call(
        function: impl ScalarUDFImpl + 'static,
        args: Vec<ColumnarValue>,
        rows: usize,
    ) -> Result<ColumnarValue> {
        let function = ScalarUDF::from(function);
        let arg_fields: Vec<_> = args
            .iter()
            .map(|arg| Arc::new(Field::new("a", arg.data_type(), true)))
            .collect();
        let scalars: Vec<_> = args
            .iter()
            .map(|arg| match arg {
                ColumnarValue::Scalar(value) => Some(value),
                ColumnarValue::Array(_) => None,
            })
            .collect();
        let return_field = function.return_field_from_args(ReturnFieldArgs {
            arg_fields: &arg_fields,
            scalar_arguments: &scalars,
        })?;
        let config_options = Arc::new(ConfigOptions::default());
        function.invoke_with_args(ScalarFunctionArgs {
            args,
            arg_fields,
            number_rows: rows,
            return_field,
            config_options,
        })
    }

    /// Runs a function over a text column and literals: as views, as a slice of a longer column,
    /// as plain strings and cell by cell as constants. All four must agree.
    pub(in super::super) fn on_text<F: ScalarUDFImpl + Clone + 'static>(
        function: F,
        cells: &[Option<&str>],
        literals: &[ScalarValue],
    ) -> Result<ArrayRef> {
        let run = |column: ColumnarValue, rows: usize| {
            let args = std::iter::once(column)
                .chain(literals.iter().cloned().map(ColumnarValue::Scalar))
                .collect();
            call(function.clone(), args, rows)
        };
        let array = |column: ArrayRef| {
            run(ColumnarValue::Array(column), cells.len())?.into_array(cells.len())
        };
        let answer = array(Arc::new(StringViewArray::from_iter(cells.iter().copied())))?;
        let around = [Some("something longer than a view"), None, Some("1")];
        let longer: StringViewArray = around.iter().chain(cells).chain(&around).copied().collect();
        assert_eq!(
            &answer,
            &array(Arc::new(longer.slice(3, cells.len())))?,
            "a slice"
        );
        assert_eq!(
            &answer,
            &array(Arc::new(StringArray::from_iter(cells.iter().copied())))?,
            "Utf8"
        );
        for (at, cell) in cells.iter().enumerate() {
            let constant = run(
                ColumnarValue::Scalar(ScalarValue::Utf8View(cell.map(String::from))),
                3,
            )?;
            let ColumnarValue::Scalar(constant) = constant else {
                panic!("a constant gave a column")
            };
            assert_eq!(
                constant,
                ScalarValue::try_from_array(&answer, at)?,
                "constant {cell:?}"
            );
        }
        let null = run(ColumnarValue::Scalar(ScalarValue::Null), 2)?;
        assert!(
            matches!(null, ColumnarValue::Scalar(value) if value.is_null()),
            "an untyped NULL"
        );
        Ok(answer)
    }
}
