//! What callers hand in as text: names, scopes, clients, redirect URIs. Each is taken or refused with what would be right; nothing
//! is changed here.

use super::Refusal;
use crate::config::MAX_ID_BYTES;
use crate::state::{Client, ClientAuthMethod, Grant};

/// Entries of each list in a client's profile.
const MAX_ENTRIES: usize = 128;
/// Bytes of a redirect URI, and of an audience.
const MAX_URI_BYTES: usize = 1024;

pub(super) fn check_text(field: &'static str, text: &str, max: usize) -> Result<(), Refusal> {
    if text.len() <= max && !text.chars().any(char::is_control) {
        return Ok(());
    }
    invalid(field, format!("at most {max} bytes without control characters"))
}

/// A scope token (RFC 6749, section 3.3).
pub(super) fn check_scope_name(name: &str) -> Result<(), Refusal> {
    let token = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    if !name.is_empty() && name.len() <= MAX_ID_BYTES && name.bytes().all(token) {
        return Ok(());
    }
    invalid("scope", format!("a scope is 1 to {MAX_ID_BYTES} printable ASCII characters other than space, \" and \\"))
}

pub(super) fn check_client(client: &Client) -> Result<(), Refusal> {
    check_text("client_name", &client.name, 256)?;
    if client.name.trim().is_empty() {
        return invalid("client_name", "a name that people can read is needed");
    }
    client.scopes.iter().try_for_each(|scope| check_scope_name(scope))?;
    client.redirect_uris.iter().try_for_each(|uri| check_redirect_uri(uri))?;
    for audience in &client.audience {
        check_text("audience", audience, MAX_URI_BYTES)?;
        if audience.trim().is_empty() {
            return invalid("audience", "an audience is not empty");
        }
    }
    let sizes = [
        ("scope", client.scopes.len()),
        ("redirect_uris", client.redirect_uris.len()),
        ("audience", client.audience.len()),
    ];
    if let Some((field, _)) = sizes.into_iter().find(|(_, len)| *len > MAX_ENTRIES) {
        return invalid(field, format!("at most {MAX_ENTRIES} entries"));
    }
    let longest = crate::token::MAX_ACCESS_TTL.as_secs();
    if client.access_token_ttl_s.is_some_and(|ttl| ttl == 0 || u64::from(ttl) > longest) {
        return invalid("access_token_ttl_s", format!("1 to {longest} seconds"));
    }
    if client.auth_method == ClientAuthMethod::None && client.grants.contains(&Grant::ClientCredentials) {
        return invalid("grant_types", "a public client cannot use client_credentials (RFC 6749, section 4.4)");
    }
    Ok(())
}

/// Where a browser may be sent: a web address, or an app's own scheme with a dot in it (RFC 8252, section 7.1). So none that runs
/// as script or opens a file, and never a fragment (RFC 6749, section 3.1.2).
fn check_redirect_uri(uri: &str) -> Result<(), Refusal> {
    let refuse = |problem: &str| invalid("redirect_uris", format!("{uri:?}: {problem}"));
    if uri.len() > MAX_URI_BYTES {
        return invalid("redirect_uris", format!("at most {MAX_URI_BYTES} bytes each"));
    }
    let is_of_uri = |byte: u8| byte.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&byte);
    if !uri.bytes().all(is_of_uri) {
        return refuse("a URI is printable ASCII without spaces; the rest is percent-encoded");
    }
    if uri.contains('#') {
        return refuse("a redirect URI has no fragment (RFC 6749, section 3.1.2)");
    }
    let Some((scheme, rest)) = uri.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else {
        return refuse("an absolute URI is needed, such as https://app.example/callback");
    };
    if scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http") {
        let authority = rest.strip_prefix("//").and_then(|rest| rest.split(['/', '?']).next()).unwrap_or("");
        return match authority {
            "" => refuse("a host is needed, as in https://app.example/callback"),
            named if named.starts_with(':') || named.contains('@') => refuse("a host is needed, without a user name"),
            _ => Ok(()),
        };
    }
    if !scheme.contains('.') {
        return refuse(
            "http, https, or a scheme of the app's own with a dot in it, such as com.example.app (RFC 8252)",
        );
    }
    if rest.is_empty() { refuse("nothing follows the scheme") } else { Ok(()) }
}

/// RFC 3986, section 3.1.
fn is_scheme(scheme: &str) -> bool {
    let mut bytes = scheme.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

fn invalid<T>(field: &'static str, problem: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Invalid { field, problem: problem.into() })
}
