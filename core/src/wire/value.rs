//! Values of cells: maps with integer keys. A value that this build cannot read stays as its author wrote it.

use std::collections::BTreeSet;
use std::sync::Arc;

use minicbor::Decoder;

use super::cbor::{Enc, Step, WireFault, decoded, encoded, fields, fixed, list, text, tuple};
use crate::config::MAX_VALUE_BYTES;
use crate::state::{
    Body, Client, ClientAuthMethod, ClientSecret, Collection, Grant, RingKeyMeta, Scope, Standing, Value,
};
use crate::time::Wall;

/// Scopes, redirect URIs or audiences of one client.
const MAX_LIST: usize = 1024;

/// The value with this meaning.
///
/// # Panics
/// For [`Body::Unknown`]: nobody here can write what he cannot read.
pub fn encode(body: Body) -> Value {
    let raw = encoded(|e| match &body {
        Body::Client(client) => write_client(e, client),
        Body::ClientSecret(secret) => write_secret(e, secret),
        Body::Standing(Standing::Denied) => Ok(e.u8(0)?.ok()?),
        Body::Standing(Standing::Reinstated) => Ok(e.u8(1)?.ok()?),
        Body::Scope(scope) => Ok(e.map(1)?.u8(0)?.str(&scope.description)?.ok()?),
        Body::RingKey(meta) => Ok(e.map(1)?.u8(0)?.u64(meta.created.0)?.ok()?),
        Body::Cutoff(instant) => Ok(e.u64(instant.0)?.ok()?),
        Body::Unknown => panic!("an unknown value is never written, only passed on"),
    });
    assert!(raw.len() <= MAX_VALUE_BYTES, "requests are bounded well below the bound of a value");
    Value::new(raw, body)
}

/// The value in these bytes; of a collection or form that this build does not know, [`Body::Unknown`].
pub fn decode(collection: Collection, raw: &[u8]) -> Value {
    let body = match collection {
        Collection::CLIENT => decoded(raw, read_client).map(|client| Body::Client(Arc::new(client))),
        Collection::CLIENT_SECRET => decoded(raw, read_secret).map(|secret| Body::ClientSecret(Arc::new(secret))),
        // What a newer version says about a standing is taken for a denial: closed is the safe side.
        Collection::CLIENT_STANDING | Collection::KEY_STANDING => {
            Ok(Body::Standing(decoded(raw, read_standing).unwrap_or(Standing::Denied)))
        }
        Collection::SCOPE => decoded(raw, read_scope).map(|scope| Body::Scope(Arc::new(scope))),
        Collection::RING_KEY => decoded(raw, read_ring_key).map(Body::RingKey),
        Collection::SESSION_CUTOFF => decoded(raw, |d| Ok(Body::Cutoff(Wall(d.u64()?)))),
        Collection(_) => Ok(Body::Unknown),
    };
    Value::new(raw, body.unwrap_or(Body::Unknown))
}

fn write_client(e: &mut Enc<'_>, client: &Client) -> Step {
    let Client { name, auth_method, grants, scopes, redirect_uris, audience, access_token_ttl_s, created } = client;
    e.map(7 + u64::from(access_token_ttl_s.is_some()))?;
    e.u8(0)?.str(name)?;
    e.u8(1)?.str(auth_method.name())?;
    e.u8(2)?.array(grants.len() as u64)?;
    grants.iter().try_for_each(|grant| e.str(grant.name())?.ok())?;
    for (key, texts) in [
        (3, &scopes.iter().collect::<Vec<_>>()),
        (4, &redirect_uris.iter().collect()),
        (5, &audience.iter().collect()),
    ] {
        e.u8(key)?.array(texts.len() as u64)?;
        texts.iter().try_for_each(|text| e.str(text)?.ok())?;
    }
    e.u8(6)?.u64(created.0)?;
    if let Some(ttl) = access_token_ttl_s {
        e.u8(7)?.u32(*ttl)?;
    }
    Ok(())
}

fn read_client(d: &mut Decoder<'_>) -> Result<Client, WireFault> {
    let mut client = Client {
        name: String::new(),
        auth_method: ClientAuthMethod::None,
        grants: BTreeSet::new(),
        scopes: BTreeSet::new(),
        redirect_uris: Vec::new(),
        audience: Vec::new(),
        access_token_ttl_s: None,
        created: Wall(0),
    };
    let mut method = None;
    fields(d, |key, d| {
        match key {
            0 => client.name = text(d, MAX_VALUE_BYTES)?.into(),
            1 => method = ClientAuthMethod::parse(text(d, 64)?),
            2 => client.grants = list(d, 64, |d| Ok(Grant::parse(text(d, 128)?)))?.into_iter().flatten().collect(),
            3 => client.scopes = texts(d)?.into_iter().collect(),
            4 => client.redirect_uris = texts(d)?,
            5 => client.audience = texts(d)?,
            6 => client.created = Wall(d.u64()?),
            7 => client.access_token_ttl_s = Some(d.u32()?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    // A client whose method this build does not know must not be taken for a public one.
    client.auth_method = method.ok_or(WireFault("an authentication method that this build does not know"))?;
    Ok(client)
}

fn texts(d: &mut Decoder<'_>) -> Result<Vec<String>, WireFault> {
    list(d, MAX_LIST, |d| Ok(text(d, MAX_VALUE_BYTES)?.to_owned()))
}

fn write_secret(e: &mut Enc<'_>, secret: &ClientSecret) -> Step {
    let ClientSecret { current, former } = secret;
    e.map(1 + u64::from(former.is_some()))?.u8(0)?.bytes(current)?;
    if let Some((hash, until)) = former {
        e.u8(1)?.array(2)?.bytes(hash)?.u64(until.0)?;
    }
    Ok(())
}

fn read_secret(d: &mut Decoder<'_>) -> Result<ClientSecret, WireFault> {
    let (mut current, mut former) = (None, None);
    fields(d, |key, d| {
        match key {
            0 => current = Some(fixed(d)?),
            1 => {
                tuple(d, 2)?;
                former = Some((fixed(d)?, Wall(d.u64()?)));
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(ClientSecret { current: current.ok_or(WireFault("a secret without a hash"))?, former })
}

fn read_standing(d: &mut Decoder<'_>) -> Result<Standing, WireFault> {
    match d.u8()? {
        0 => Ok(Standing::Denied),
        1 => Ok(Standing::Reinstated),
        _ => Err(WireFault("an unknown standing")),
    }
}

fn read_scope(d: &mut Decoder<'_>) -> Result<Scope, WireFault> {
    let mut description = String::new();
    fields(d, |key, d| match key {
        0 => {
            description = text(d, MAX_VALUE_BYTES)?.to_owned();
            Ok(true)
        }
        _ => Ok(false),
    })?;
    Ok(Scope { description })
}

fn read_ring_key(d: &mut Decoder<'_>) -> Result<RingKeyMeta, WireFault> {
    let mut created = None;
    fields(d, |key, d| match key {
        0 => {
            created = Some(Wall(d.u64()?));
            Ok(true)
        }
        _ => Ok(false),
    })?;
    Ok(RingKeyMeta { created: created.ok_or(WireFault("a wrapping key without an age"))? })
}
