//! Keyed pseudonyms.
//!
//! A patient number must not leave the hospital, but the rows of one patient must stay together, in
//! every run and in every file of a site. HMAC-SHA-256 (RFC 2104, RFC 4231) does that: without the
//! key a pseudonym can neither be undone nor be found by trying all numbers, which a plain hash of a
//! ten-digit number allows. The scope (a site, or `shared`) goes into the hash before the number, so
//! equal numbers of two sites give two pseudonyms.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::Array;
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_datafusion_err, internal_datafusion_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature};
use hmac::{Hmac, KeyInit, Mac};
use sha2::block_api::compress256;
use sha2::{Digest, Sha256};

use super::column::{Arguments, Store, any_arguments, cells, text_array};

/// Stands between scope and text; a scope may not contain it.
const SEPARATOR: u8 = 0x1f;

/// A pseudonym's key. Clones share one copy, which is overwritten when the last of them goes.
/// Two keys are equal where their ids are, so that plans can be compared without the key.
#[derive(Clone)]
pub struct Key {
    secret: Arc<Secret>,
    id: Arc<str>,
}

struct Secret(Vec<u8>);

impl Key {
    /// A key of any length; 32 random bytes are a good one. Takes the bytes over: the caller
    /// should keep no copy of them.
    pub fn new(secret: Vec<u8>) -> Self {
        let digest = Sha256::new()
            .chain_update(b"cohorte key id")
            .chain_update(&secret)
            .finalize();
        let id: String = digest
            .iter()
            .take(4)
            .flat_map(|byte| hexadecimal(*byte))
            .map(char::from)
            .collect();
        Self {
            secret: Arc::new(Secret(secret)),
            id: id.into(),
        }
    }

    /// Names the key in a manifest without giving it away: the first 8 hexadecimal digits of
    /// SHA-256("cohorte key id" ‖ key).
    pub fn id(&self) -> &str {
        &self.id
    }

    fn mac(&self) -> Result<Hmac<Sha256>> {
        Hmac::new_from_slice(&self.secret.0)
            .map_err(|_| internal_datafusion_err!("pseudonym: HMAC takes keys of any length"))
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        for byte in &mut self.0 {
            // SAFETY: `byte` is a valid reference. A plain write before the memory is freed may be
            // left out by the compiler, a volatile one may not.
            unsafe { std::ptr::write_volatile(byte, 0) };
        }
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(redacted)")
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

/// `pseudonym(text, scope)` → Utf8View: 64 lower-case hexadecimal digits,
/// HMAC-SHA-256(key, scope ‖ 0x1f ‖ text). Null where the text is null.
///
/// Without a key each call is an Execution error. The key's inner and outer states are made once
/// per batch; a row whose scope and text have at most 54 bytes costs two compressions. (Those
/// states live on the stack for the time of a call and are not overwritten; the key itself is.)
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pseudonym {
    key: Option<Key>,
}

impl Pseudonym {
    pub fn new(key: Option<Key>) -> Self {
        Self { key }
    }
}

impl ScalarUDFImpl for Pseudonym {
    fn name(&self) -> &str {
        "pseudonym"
    }

    fn signature(&self) -> &Signature {
        any_arguments()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let args = Arguments::new(self.name(), &args);
        args.exactly(2)?;
        let text = args.text_column(0)?;
        let scope = args.text(1)?;
        if scope.as_bytes().contains(&SEPARATOR) {
            return plan_err!("pseudonym: a scope may not contain U+001F");
        }
        let key = self.key.as_ref().ok_or_else(|| {
            exec_datafusion_err!("pseudonym: there is no key; name its variable or file under `pseudonym` in the pipeline")
        })?;
        let scoped = key
            .mac()?
            .chain_update(scope.as_bytes())
            .chain_update([SEPARATOR]);
        let short = Short::new(key, scope);

        let mut store = Store::default();
        store.reserve((text.len() - text.null_count()) * 64);
        let views = cells(&text)
            .enumerate()
            .map(|(row, cell)| match text.is_null(row) {
                true => 0,
                false => {
                    let code = short.code(cell.bytes).unwrap_or_else(|| digits(scoped.clone().chain_update(cell.bytes)));
                    store.keep(&code)
                }
            });
        let views = views.collect();
        // SAFETY: a view is the store's, of hexadecimal digits, or zero, the empty text.
        let pseudonyms = unsafe { text_array(views, store.finish(&[]), text.nulls().cloned()) };
        args.answer(0, pseudonyms)
    }
}

/// Codes of messages that fit one block, which are nearly all: two compressions on ready states, without
/// the buffers of a message of any length.
struct Short {
    /// States after the key's block (RFC 2104: K ⊕ ipad, K ⊕ opad).
    inner: [u32; 8],
    outer: [u32; 8],
    /// Scope and separator.
    head: Vec<u8>,
}

/// Bytes of a block, and of the mark and the length at a message's end (FIPS 180-4, section 5.1.1).
const BLOCK: usize = 64;
const ENDING: usize = 9;

impl Short {
    fn new(key: &Key, scope: &str) -> Self {
        let mut block = [0; BLOCK];
        if key.secret.0.len() > BLOCK {
            block.iter_mut().zip(Sha256::digest(&key.secret.0)).for_each(|(to, from)| *to = from);
        } else {
            block.iter_mut().zip(&key.secret.0).for_each(|(to, from)| *to = *from);
        }
        let state = |pad: u8| {
            let mut state = INITIAL;
            compress256(&mut state, &[block.map(|byte| byte ^ pad)]);
            state
        };
        Self { inner: state(0x36), outer: state(0x5c), head: [scope.as_bytes(), &[SEPARATOR]].concat() }
    }

    /// The code of head and text; `None` where they are too long for one block.
    fn code(&self, text: &[u8]) -> Option<[u8; 64]> {
        let head = self.head.len();
        let length = head + text.len();
        if length > BLOCK - ENDING {
            return None;
        }
        let mut block = [0; BLOCK];
        block.get_mut(..head)?.copy_from_slice(&self.head);
        block.get_mut(head..length)?.copy_from_slice(text);
        let inner = last(self.inner, block, length);
        let mut block = [0; BLOCK];
        let (words, _) = block.as_chunks_mut::<4>();
        words.iter_mut().zip(inner).for_each(|(to, word)| *to = word.to_be_bytes());
        let mut digits = [0; 64];
        let (pairs, _) = digits.as_chunks_mut::<2>();
        let code = last(self.outer, block, 32).map(u32::to_be_bytes);
        pairs.iter_mut().zip(code.as_flattened()).for_each(|(pair, byte)| *pair = hexadecimal(*byte));
        Some(digits)
    }
}

/// The state after a last block of `length` bytes, which follows one block.
fn last(mut state: [u32; 8], mut block: [u8; BLOCK], length: usize) -> [u32; 8] {
    let bits = ((BLOCK + length) * 8) as u64;
    if let Some(end) = block.get_mut(length) {
        *end = 0x80;
    }
    block[BLOCK - 8..].copy_from_slice(&bits.to_be_bytes());
    compress256(&mut state, &[block]);
    state
}

/// FIPS 180-4, section 5.3.3.
const INITIAL: [u32; 8] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
];

/// The code of a message of any length, as hexadecimal digits.
fn digits(mac: Hmac<Sha256>) -> [u8; 64] {
    let mut digits = [0; 64];
    let (pairs, _) = digits.as_chunks_mut::<2>();
    for (pair, byte) in pairs.iter_mut().zip(mac.finalize().into_bytes()) {
        *pair = hexadecimal(byte);
    }
    digits
}

fn hexadecimal(byte: u8) -> [u8; 2] {
    let digit = |value: u8| value + if value < 10 { b'0' } else { b'a' - 10 };
    [digit(byte >> 4), digit(byte & 15)]
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
    use datafusion::common::DataFusionError;
    use hmac::Mac;
    use sha2::{Digest, Sha256};

    use super::super::column::testing::{on_text, texts};
    use super::{Key, Pseudonym, Short, digits};

    /// The code of a message without a scope.
    fn code(key: &[u8], message: &[u8]) -> String {
        let digits = digits(Key::new(key.to_vec()).mac().unwrap().chain_update(message));
        digits.iter().map(|digit| char::from(*digit)).collect()
    }

    /// RFC 4231, test cases 1–4, 6 and 7 (case 5 is truncated).
    #[test]
    fn published_vectors() {
        let counting: Vec<u8> = (1..=25).collect();
        let cases: [(&[u8], &[u8], &str); 6] = [
            (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (&[0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
            (&counting, &[0xcd; 50], "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
            (&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First", "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
            (
                &[0xaa; 131],
                b"This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.",
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            ),
        ];
        for (key, message, expected) in cases {
            assert_eq!(code(key, message), expected);
        }
    }

    fn key() -> Option<Key> {
        Some(Key::new(b"0123456789abcdef0123456789abcdef".to_vec()))
    }

    /// Python 3: `hmac.new(b"0123456789abcdef0123456789abcdef", b"FR-75-CURIE\x1f" + b"1234567", "sha256").hexdigest()`,
    /// and the same with `b"shared\x1f" + "2840575056012É".encode()`.
    #[test]
    fn as_python_computes_them() {
        let site = on_text(
            Pseudonym::new(key()),
            &[Some("1234567"), None, Some("1234567")],
            &texts(["FR-75-CURIE"]),
        )
        .unwrap();
        let site = site.as_string_view();
        assert_eq!(
            site.value(0),
            "a2ff515bf451b0a50358d0fcbb10844008780633fc49a14f3e90b34668518e8e"
        );
        assert!(site.is_null(1));
        assert_eq!(site.value(2), site.value(0));
        let shared = on_text(
            Pseudonym::new(key()),
            &[Some("2840575056012É")],
            &texts(["shared"]),
        )
        .unwrap();
        assert_eq!(
            shared.as_string_view().value(0),
            "8938cbedb247f18842f9810fd38b1c232f14a312a188216f3ace6df8d44396e4"
        );
    }

    /// The definition of RFC 2104 spelled out: H(K ⊕ opad ‖ H(K ⊕ ipad ‖ message)).
    #[test]
    fn as_the_definition_says() {
        for length in 0..150 {
            let message: Vec<u8> = (0..length).collect();
            let key: Vec<u8> = (0..length % 65).collect();
            let padded = |pad: u8| {
                (0..64)
                    .map(|at| key.get(at).copied().unwrap_or(0) ^ pad)
                    .collect::<Vec<_>>()
            };
            let inner = Sha256::new()
                .chain_update(padded(0x36))
                .chain_update(&message)
                .finalize();
            let outer = Sha256::new()
                .chain_update(padded(0x5c))
                .chain_update(inner)
                .finalize();
            let expected: String = outer.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(code(&key, &message), expected);
        }
    }

    /// The two ways agree where both go, and the short one ends where a block is full: 55 bytes.
    #[test]
    fn short_messages_have_the_same_code() {
        for key in [vec![], vec![7; 32], vec![9; 64], vec![11; 65], (0..200).collect()] {
            let key = Key::new(key);
            for length in 0..70_usize {
                let text = "é1".repeat(30).into_bytes()[..length].to_vec();
                let message = ["Site".as_bytes(), &[0x1f], &text].concat();
                let expected = (message.len() <= 55).then(|| digits(key.mac().unwrap().chain_update(&message)));
                assert_eq!(Short::new(&key, "Site").code(&text), expected, "{length}");
            }
        }
    }

    #[test]
    fn keys_are_named_and_never_shown() {
        let key = key().unwrap();
        assert_eq!(key.id(), "ef33b466");
        assert_eq!(
            format!("{:?}", Pseudonym::new(Some(key.clone()))),
            "Pseudonym { key: Some(Key(redacted)) }"
        );
        assert_eq!(key, key.clone());
        assert_ne!(key, Key::new(b"another".to_vec()));
    }

    #[test]
    fn without_a_key_or_with_a_wrong_scope() {
        let error = on_text(Pseudonym::new(None), &[Some("a")], &texts(["site"])).unwrap_err();
        assert!(matches!(error, DataFusionError::Execution(message) if message.contains("no key")));
        assert!(on_text(Pseudonym::new(key()), &[Some("a")], &texts(["si\u{1f}te"])).is_err());
        assert!(on_text(Pseudonym::new(key()), &[Some("a")], &[]).is_err());
    }
}
