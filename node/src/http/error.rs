//! Errors of our own API and of OAuth, rendered. They carry what the caller may know, and nothing else.

use axum::Json;
use axum::response::{IntoResponse, Response};
use hyper::header::{CACHE_CONTROL, HeaderValue, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{HeaderMap, StatusCode};
use symbolon_core::fault::Reject;
use symbolon_core::replica::Refusal;
use symbolon_core::token::OAuthError;

/// Seconds after which it makes sense to try again.
const RETRY_S: u32 = 1;

/// An error of our own API: `{"error": "stable_name", "message": "…"}`.
#[derive(Debug)]
pub struct ApiError {
    status: u16,
    error: &'static str,
    message: String,
    retry: bool,
}

impl ApiError {
    /// With this status, stable name and sentence.
    pub fn new(status: u16, error: &'static str, message: impl Into<String>) -> ApiError {
        ApiError { status, error, message: message.into(), retry: false }
    }

    pub(super) fn retry(self) -> ApiError {
        ApiError { retry: true, ..self }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> ApiError {
        let message = refusal.to_string();
        match refusal {
            Refusal::NotFound { .. } => ApiError::new(404, "not_found", message),
            Refusal::Invalid { .. } => ApiError::new(400, "invalid", message),
            Refusal::BadCredentials => ApiError::new(401, "bad_credentials", message),
            Refusal::Busy => ApiError::new(503, "busy", message).retry(),
            Refusal::Unavailable(_) => ApiError::new(503, "unavailable", message).retry(),
        }
    }
}

impl From<Reject> for ApiError {
    fn from(reject: Reject) -> ApiError {
        ApiError::new(reject.status(), reject.name(), "the frame was refused")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = Json(serde_json::json!({ "error": self.error, "message": self.message })).into_response();
        *response.status_mut() = status(self.status);
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.retry {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(RETRY_S));
        }
        response
    }
}

/// What an OAuth endpoint answers when it does not answer what was asked.
pub(super) struct OAuthFailure {
    pub(super) error: OAuthError,
    pub(super) realm: String,
}

impl IntoResponse for OAuthFailure {
    fn into_response(self) -> Response {
        let OAuthFailure { error, realm } = self;
        let mut response = Json(&error).into_response();
        *response.status_mut() = status(error.status);
        let headers = response.headers_mut();
        no_store(headers);
        if let Some(challenge) = error.www_authenticate(&realm).and_then(|text| HeaderValue::try_from(text).ok()) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = error.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// What RFC 6749, section 5.1 asks of every answer with a token or a secret.
pub(super) fn no_store(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
