//! Forms as OAuth endpoints take them (`application/x-www-form-urlencoded`): bounded, strict, and never shown, since they
//! carry secrets.

use std::fmt;

use zeroize::Zeroizing;

use super::OAuthError;

/// Bytes of a form.
pub const MAX_FORM_BYTES: usize = 16 << 10;
/// Parameters of a form.
pub const MAX_PARAMETERS: usize = 32;

/// Parameters that may be there several times (RFC 8707, section 2; RFC 8693, section 2.1).
const REPEATABLE: [&str; 2] = ["resource", "audience"];

/// A parsed form. All names and values lie decoded in one buffer, which is wiped when the form is dropped.
pub struct Form {
    text: Zeroizing<String>,
    spans: [Span; MAX_PARAMETERS],
    len: usize,
}

/// A name from `start` to `middle`, its value from there to `end`.
#[derive(Clone, Copy, Default)]
struct Span {
    start: u16,
    middle: u16,
    end: u16,
}

impl Form {
    /// Reads a form. Refused: more than [`MAX_FORM_BYTES`] or [`MAX_PARAMETERS`], a parameter twice (RFC 6749, section 3.2),
    /// a broken percent-encoding, and what is not UTF-8.
    pub fn parse(body: &[u8]) -> Result<Form, OAuthError> {
        if body.len() > MAX_FORM_BYTES {
            return Err(OAuthError::invalid_request("the form is longer than 16384 bytes"));
        }
        let mut decoded = Zeroizing::new(Vec::with_capacity(body.len()));
        let mut spans = [Span::default(); MAX_PARAMETERS];
        let mut len = 0;
        for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let span = spans
                .get_mut(len)
                .ok_or_else(|| OAuthError::invalid_request("the form has more than 32 parameters"))?;
            *span = read_pair(pair, &mut decoded)
                .ok_or_else(|| OAuthError::invalid_request("the form has a broken percent-encoding"))?;
            len += 1;
        }
        let form = Form { text: into_utf8(decoded)?, spans, len };
        form.check()?;
        Ok(form)
    }

    /// The value of a parameter. One without a value counts as left out (RFC 6749, section 3.2).
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs().find(|(n, value)| *n == name && !value.is_empty()).map(|(_, value)| value)
    }

    /// All values of a parameter that may be there several times, in their order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs().filter(move |(n, value)| *n == name && !value.is_empty()).map(|(_, value)| value)
    }

    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.spans[..self.len].iter().map(|span| self.pair(*span))
    }

    fn pair(&self, span: Span) -> (&str, &str) {
        let (start, middle, end) = (span.start as usize, span.middle as usize, span.end as usize);
        (&self.text[start..middle], &self.text[middle..end])
    }

    fn check(&self) -> Result<(), OAuthError> {
        let spans = &self.spans[..self.len];
        // The buffer as a whole is UTF-8, but two halves of a character may have met across a border of names and values.
        let is_whole = |at: u16| self.text.is_char_boundary(at as usize);
        if !spans.iter().all(|span| is_whole(span.start) && is_whole(span.middle)) {
            return Err(not_utf8());
        }
        for (i, span) in spans.iter().enumerate() {
            let (name, _) = self.pair(*span);
            let is_repeated = || spans[..i].iter().any(|earlier| self.pair(*earlier).0 == name);
            if !REPEATABLE.contains(&name) && is_repeated() {
                return Err(OAuthError::invalid_request("the form has a parameter twice"));
            }
        }
        Ok(())
    }
}

/// Undoes the form encoding of `encoded` onto the end of `out`; `None` for a broken percent-encoding.
pub(super) fn decode(encoded: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut rest = encoded;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let [high, low, tail @ ..] = rest else { return None };
                rest = tail;
                hex(*high)? << 4 | hex(*low)?
            }
            byte => *byte,
        });
    }
    Some(())
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn read_pair(pair: &[u8], decoded: &mut Vec<u8>) -> Option<Span> {
    let equals = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
    let start = offset(decoded);
    decode(&pair[..equals], decoded)?;
    let middle = offset(decoded);
    decode(pair.get(equals + 1..).unwrap_or_default(), decoded)?;
    Some(Span { start, middle, end: offset(decoded) })
}

fn offset(decoded: &[u8]) -> u16 {
    u16::try_from(decoded.len()).expect("decoding never lengthens, and a form has at most 16384 bytes")
}

fn into_utf8(mut bytes: Zeroizing<Vec<u8>>) -> Result<Zeroizing<String>, OAuthError> {
    String::from_utf8(std::mem::take(&mut *bytes)).map(Zeroizing::new).map_err(|error| {
        drop(Zeroizing::new(error.into_bytes()));
        not_utf8()
    })
}

fn not_utf8() -> OAuthError {
    OAuthError::invalid_request("the form is not UTF-8")
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.pairs().map(|(name, _)| name)).finish()
    }
}
