//! Bodies, content types and query strings, each read once, within bounds and in bounded time.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::HeaderMap;
use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use symbolon_core::replica::WriteConcern;
use zeroize::Zeroizing;

use super::ApiError;

/// A body may take this long to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of a JSON body.
const MAX_JSON_BYTES: usize = 64 << 10;
/// A write concern waits at most this long.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// And this long when it does not say.
const DEFAULT_WAIT: Duration = Duration::from_secs(2);

/// Why a body was not read.
pub(super) enum Unread {
    TooLarge,
    TooSlow,
    Broken,
}

/// The whole body.
pub(super) async fn body(body: Body, limit: usize) -> Result<Bytes, Unread> {
    match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, limit).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Unread::TooLarge),
        Ok(Err(_)) => Err(Unread::Broken),
        Err(_) => Err(Unread::TooSlow),
    }
}

impl Unread {
    pub(super) fn status_and_sentence(&self) -> (u16, &'static str) {
        match self {
            Unread::TooLarge => (413, "the body is too large"),
            Unread::TooSlow => (408, "the body did not arrive in time"),
            Unread::Broken => (400, "the body broke off"),
        }
    }
}

impl From<Unread> for ApiError {
    fn from(unread: Unread) -> ApiError {
        let (status, sentence) = unread.status_and_sentence();
        let name = match unread {
            Unread::TooLarge => "too_large",
            Unread::TooSlow => "timeout",
            Unread::Broken => "invalid",
        };
        ApiError::new(status, name, sentence)
    }
}

/// Whether the content type, parameters aside, is this one.
pub(super) fn is_type(headers: &HeaderMap, wanted: &str) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(wanted)
}

/// A JSON body. What does not fit names the field.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Json<T>, ApiError> {
        if !is_type(request.headers(), "application/json") {
            return Err(ApiError::new(415, "unsupported_media_type", "send application/json"));
        }
        let bytes = body(request.into_body(), MAX_JSON_BYTES).await?;
        let invalid = |problem: String| ApiError::new(400, "invalid", problem);
        // Serde would read an array into a struct, by position.
        if bytes.trim_ascii_start().first() != Some(&b'{') {
            return Err(invalid("send a JSON object".to_owned()));
        }
        let mut text = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut text).map_err(|e| invalid(e.to_string()))?;
        text.end().map_err(|e| invalid(e.to_string()))?;
        Ok(Json(value))
    }
}

/// The one name in the path.
pub(super) struct Named(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Named, ApiError> {
        let Path(name) =
            Path::from_request_parts(parts, state).await.map_err(|e| ApiError::new(400, "invalid", e.body_text()))?;
        Ok(Named(name))
    }
}

/// Reads a text that is wiped when dropped.
pub(super) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

/// Parameters of the query string.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Params<T>, ApiError> {
        let Query(value) =
            Query::try_from_uri(&parts.uri).map_err(|e| ApiError::new(400, "invalid", e.body_text()))?;
        Ok(Params(value))
    }
}

/// `?wait=k&timeout_ms=t`: how many peers shall hold the change before the answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wait {
    wait: Option<usize>,
    timeout_ms: Option<u64>,
}

impl Wait {
    pub(super) fn concern(&self) -> Option<WriteConcern> {
        let within = self.timeout_ms.map_or(DEFAULT_WAIT, Duration::from_millis).min(MAX_WAIT);
        self.wait.map(|peers| WriteConcern { peers, within })
    }
}
