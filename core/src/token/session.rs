//! Browser sessions: everything of one lies in its cookie, sealed under the ring. No table of sessions exists anywhere, only
//! what was revoked.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use minicbor::{Decoder, Encoder};
use zeroize::Zeroizing;

use super::{OAuthError, Verdict};
use crate::config::Config;
use crate::crypto::Crypto;
use crate::state::{RevokedId, RingKeyId, View, Wanted};
use crate::time::Wall;

/// The cookie's name over plain HTTP.
pub const COOKIE: &str = "symbolon_session";
/// The cookie's name over TLS: browsers then hold it to `Secure`, `Path=/` and this host.
pub const COOKIE_OVER_TLS: &str = "__Host-symbolon_session";
/// Characters of a cookie value, within what browsers keep.
pub const MAX_COOKIE_CHARS: usize = 3800;
/// Groups in a session.
pub const MAX_GROUPS: usize = 256;

const VERSION: u8 = 1;
const RING_ID_END: usize = 17;
const NONCE_END: usize = 29;

/// Who is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// By which it can be revoked.
    pub sid: [u8; 16],
    /// The login name.
    pub user: String,
    /// The groups at log-in.
    pub groups: Vec<String>,
    /// When the user authenticated.
    pub authenticated: Wall,
    /// When it ends.
    pub expires: Wall,
}

/// The cookie's name.
pub fn cookie_name(over_tls: bool) -> &'static str {
    if over_tls { COOKIE_OVER_TLS } else { COOKIE }
}

/// Opens a session for a user who authenticated just now. `None` while there is no wrapping key to seal with, or if name and
/// groups make the cookie longer than [`MAX_COOKIE_CHARS`].
///
/// The cookie is base64url of: version, ring key id, nonce, AES-256-GCM of the session; the first two and the cluster's
/// name are authenticated with it.
pub fn seal(
    view: &View,
    crypto: &Crypto,
    user: &str,
    groups: &[String],
    now: Wall,
) -> Option<(Zeroizing<String>, Session)> {
    let key = view.ring.sealing()?;
    let session = Session {
        sid: *crypto.bytes(),
        user: user.to_owned(),
        groups: groups.to_vec(),
        // Beyond the cutoff of this user's sessions, which lies ahead of our clock for as long as other clocks may.
        authenticated: view
            .session_cutoff(user)
            .map_or(now, |cutoff| now.max(cutoff.after(Duration::from_millis(1)))),
        expires: now.after(view.config.tokens.session_ttl),
    };
    let nonce = *crypto.bytes::<12>();
    let mut sealed = Vec::from([VERSION]);
    sealed.extend_from_slice(&key.id.0);
    let plaintext = Zeroizing::new(encode(&session));
    let aad = aad(&sealed, &view.config.cluster);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(&crypto.aead.seal(key.session(), &nonce, &aad, &plaintext));
    let cookie = Zeroizing::new(URL_SAFE_NO_PAD.encode(sealed));
    (cookie.len() <= MAX_COOKIE_CHARS && groups.len() <= MAX_GROUPS).then_some((cookie, session))
}

/// Opens a cookie. `Missing` if it names a wrapping key of the ring that is not held here; one under a key that the cluster
/// does not know is refused, so that garbage asks no peer.
///
/// A session is void when it was revoked, when it expired, and when its user's sessions were voided at or after its
/// authentication. At the very instant counts as before: better one log-in too many than a session too long.
pub fn open(view: &View, crypto: &Crypto, cookie: &str, now: Wall) -> Verdict<Session> {
    let Some(sealed) = Sealed::parse(cookie) else { return refused("the session cookie is malformed") };
    let Some(key) = view.ring.get(sealed.ring_key) else {
        let error = invalid("the session was sealed under a key that is not here");
        return if view.ring_keys().any(|(id, _)| id == sealed.ring_key) {
            Verdict::Missing(Wanted::RingKey(sealed.ring_key), Err(error))
        } else {
            Verdict::Refused(error)
        };
    };
    let aad = aad(&sealed.bytes[..RING_ID_END], &view.config.cluster);
    let session = crypto
        .aead
        .open(key.session(), &sealed.nonce, &aad, &sealed.bytes[NONCE_END..])
        .and_then(|plaintext| decode(&plaintext));
    let Some(session) = session else { return refused("the session cookie is not genuine") };
    match flaw(view, &session, now) {
        Some(flaw) => refused(flaw),
        None => Verdict::Done(session),
    }
}

impl Session {
    /// Whether the user belongs to the administrators.
    pub fn is_admin(&self, config: &Config) -> bool {
        self.groups.contains(&config.admin_group)
    }
}

struct Sealed {
    bytes: Vec<u8>,
    ring_key: RingKeyId,
    nonce: [u8; 12],
}

impl Sealed {
    fn parse(cookie: &str) -> Option<Sealed> {
        if cookie.len() > MAX_COOKIE_CHARS {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(cookie).ok()?;
        if *bytes.first()? != VERSION {
            return None;
        }
        let ring_key = RingKeyId(bytes.get(1..RING_ID_END)?.try_into().ok()?);
        let nonce = bytes.get(RING_ID_END..NONCE_END)?.try_into().ok()?;
        Some(Sealed { bytes, ring_key, nonce })
    }
}

fn flaw(view: &View, session: &Session, now: Wall) -> Option<&'static str> {
    if view.has_expired(session.expires, now) {
        return Some("the session has expired");
    }
    let cutoff = view.session_cutoff(&session.user);
    let earliest = cutoff.map(|cutoff| cutoff.after(Duration::from_millis(1)));
    if session.authenticated > now.after(view.config.gossip.max_clock_drift).max(earliest.unwrap_or_default()) {
        return Some("the session begins in the future");
    }
    if view.revoked.contains(&RevokedId::Session(session.sid))
        || cutoff.is_some_and(|cutoff| session.authenticated <= cutoff)
    {
        return Some("the session was revoked");
    }
    None
}

fn refused(description: &str) -> Verdict<Session> {
    Verdict::Refused(invalid(description))
}

fn invalid(description: &str) -> OAuthError {
    OAuthError::invalid_session(description)
}

fn aad(version_and_ring_key: &[u8], cluster: &str) -> Vec<u8> {
    [version_and_ring_key, cluster.as_bytes()].concat()
}

fn encode(session: &Session) -> Vec<u8> {
    let Session { sid, user, groups, authenticated, expires } = session;
    let mut out = Encoder::new(Vec::new());
    let encoded = (|| {
        out.array(5)?.bytes(sid)?.str(user)?.u64(authenticated.0)?.u64(expires.0)?.array(groups.len() as u64)?;
        groups.iter().try_for_each(|group| out.str(group).map(drop))
    })();
    encoded.expect("writing to memory does not fail");
    out.into_writer()
}

fn decode(plaintext: &[u8]) -> Option<Session> {
    let mut from = Decoder::new(plaintext);
    if from.array().ok()? != Some(5) {
        return None;
    }
    let sid = from.bytes().ok()?.try_into().ok()?;
    let user = from.str().ok()?.to_owned();
    let (authenticated, expires) = (Wall(from.u64().ok()?), Wall(from.u64().ok()?));
    let len = usize::try_from(from.array().ok()??).ok().filter(|len| *len <= MAX_GROUPS)?;
    let groups = (0..len).map(|_| from.str().ok().map(str::to_owned)).collect::<Option<Vec<_>>>()?;
    (from.position() == plaintext.len()).then_some(Session { sid, user, groups, authenticated, expires })
}
