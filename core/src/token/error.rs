//! The error response of OAuth 2.0 (RFC 6749, section 5.2). It never carries what a caller presented as a secret.

use serde::ser::{Serialize, SerializeStruct, Serializer};

/// Seconds after which a client may try again when this node cannot issue.
const RETRY_AFTER_S: u32 = 2;

/// An error response. It serialises to `{"error", "error_description"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthError {
    /// `error`.
    pub error: &'static str,
    /// `error_description`, in the characters that RFC 6749 allows there.
    pub description: String,
    /// The HTTP status.
    pub status: u16,
    /// Whether a `WWW-Authenticate` header goes with it, see [`OAuthError::www_authenticate`]. True for every 401 of
    /// `invalid_client`, whatever the client tried: RFC 9110, section 15.5.2 knows no 401 without a challenge.
    pub challenge: bool,
    /// Seconds for a `Retry-After` header.
    pub retry_after_s: Option<u32>,
}

impl OAuthError {
    fn new(error: &'static str, status: u16, description: &str) -> OAuthError {
        let description = description.chars().map(|c| if is_allowed(c) { c } else { '?' }).collect();
        OAuthError { error, description, status, challenge: false, retry_after_s: None }
    }

    /// A parameter is missing, malformed, or there twice; or more than one way to authenticate was used.
    pub fn invalid_request(description: &str) -> OAuthError {
        OAuthError::new("invalid_request", 400, description)
    }

    /// Client authentication failed.
    pub fn invalid_client(description: &str) -> OAuthError {
        OAuthError { challenge: true, ..OAuthError::new("invalid_client", 401, description) }
    }

    /// A grant or token was issued to another client, or is no good any more.
    pub fn invalid_grant(description: &str) -> OAuthError {
        OAuthError::new("invalid_grant", 400, description)
    }

    /// This client may not use this grant.
    pub fn unauthorized_client(description: &str) -> OAuthError {
        OAuthError::new("unauthorized_client", 400, description)
    }

    /// Nobody here may use this grant.
    pub fn unsupported_grant_type(description: &str) -> OAuthError {
        OAuthError::new("unsupported_grant_type", 400, description)
    }

    /// A scope is malformed, unknown, or not this client's.
    pub fn invalid_scope(description: &str) -> OAuthError {
        OAuthError::new("invalid_scope", 400, description)
    }

    /// A `resource` (RFC 8707, section 2) or `audience` is not this client's.
    pub fn invalid_target(description: &str) -> OAuthError {
        OAuthError::new("invalid_target", 400, description)
    }

    /// This node cannot issue now; another one may.
    pub fn temporarily_unavailable(description: &str) -> OAuthError {
        OAuthError {
            retry_after_s: Some(RETRY_AFTER_S),
            ..OAuthError::new("temporarily_unavailable", 503, description)
        }
    }

    /// A session cookie is no good. Ours, not of OAuth: browsers see it, clients never do.
    pub fn invalid_session(description: &str) -> OAuthError {
        OAuthError::new("invalid_session", 401, description)
    }

    /// The value of `WWW-Authenticate`, if the error comes with a challenge (RFC 7617, section 2).
    pub fn www_authenticate(&self, realm: &str) -> Option<String> {
        let quotable = |c: &char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
        let realm = realm.chars().filter(quotable).collect::<String>();
        self.challenge.then(|| format!("Basic realm=\"{realm}\", charset=\"UTF-8\""))
    }
}

/// `%x20-21 / %x23-5B / %x5D-7E` (RFC 6749, appendix A.8).
fn is_allowed(c: char) -> bool {
    matches!(c, ' '..='~') && c != '"' && c != '\\'
}

impl std::fmt::Display for OAuthError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.error, self.description)
    }
}

impl std::error::Error for OAuthError {}

impl Serialize for OAuthError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("OAuthError", 2)?;
        object.serialize_field("error", self.error)?;
        object.serialize_field("error_description", &self.description)?;
        object.end()
    }
}
