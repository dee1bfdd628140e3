//! `symbolon init`: a directory that serves at once. It makes secrets, shows one password once, and replaces nothing.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use symbolon_core::crypto::Crypto;
use symbolon_core::replica::IdentityKeys;
use zeroize::Zeroizing;

use super::{Failure, print};
use crate::identity::{self, write_new};
use crate::{crypto, password};

/// Letters of a generated password: none that look alike.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Of 5 bits each.
const PASSWORD_LETTERS: usize = 20;

#[derive(clap::Args)]
pub(super) struct Args {
    /// The directory to make; it must be empty, or not there yet.
    dir: PathBuf,
    /// The node's name for people.
    #[arg(long, default_value = "n1")]
    name: String,
    /// The IP address and port to listen on.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The origin at which others reach this node, if it is not the address that it listens on.
    #[arg(long)]
    address: Option<String>,
    /// The cluster's name, the same on every node.
    #[arg(long, default_value = "symbolon", conflicts_with = "like")]
    cluster: String,
    /// The issuer identifier, the same on every node; by default the node's own origin.
    #[arg(long, conflicts_with = "like")]
    issuer: Option<String>,
    /// Make it fit to join this other node's cluster: take cluster, issuer, users and development CA from its directory.
    #[arg(long, value_name = "DIR")]
    like: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let dir = &args.dir;
    let failed = |what: &Path| {
        let what = what.display().to_string();
        move |e: std::io::Error| Failure::Failed(format!("{what}: {e}"))
    };
    if fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::Usage(format!(
            "{} is not empty: init makes a new directory and replaces nothing",
            dir.display()
        )));
    }
    if args.listen.ip().is_unspecified() && args.address.is_none() {
        return Err(Failure::Usage(format!(
            "nobody can dial {}: say with --address where others reach it",
            args.listen
        )));
    }
    let shared = Shared::of(args)?;
    fs::create_dir_all(dir.join("tls")).map_err(failed(dir))?;
    let crypto = crypto::production();
    let write = |name: &str, text: &str, mode: u32| {
        let path = dir.join(name);
        write_new(&path, text.as_bytes(), mode).map_err(failed(&path))
    };

    let keys = IdentityKeys::generate(&crypto);
    identity::create(&dir.join("identity.key"), &keys).map_err(|e| Failure::Failed(e.to_string()))?;
    let tls = certificates(args)?;
    write("tls/ca.pem", &tls.ca_cert, 0o644)?;
    write("tls/ca.key", &tls.ca_key, 0o600)?;
    write("tls/server.pem", &tls.cert, 0o644)?;
    write("tls/server.key", &tls.key, 0o600)?;
    let users = match &shared.users {
        Some(users) => {
            write("users.toml", users, 0o600)?;
            format!("Its users are those of {}.", shared.dir)
        }
        None => {
            let password = generate_password(&crypto);
            let hash = password::hash(&password, &crypto).map_err(Failure::Failed)?;
            write("users.toml", &users_toml(&hash), 0o600)?;
            format!("User admin has the password {} (shown this once; users.toml holds its hash).", &*password)
        }
    };
    write("symbolon.toml", &symbolon_toml(args, &shared), 0o644)?;

    let (name, id, dir) = (&args.name, keys.node(), dir.display());
    print(&format!("Node {name} ({id}) lies in {dir}.\n{users}\nNext: symbolon serve --config {dir}/symbolon.toml\n"))
}

/// What all nodes of a cluster have in common.
struct Shared {
    /// Where it was taken from.
    dir: String,
    cluster: String,
    issuer: Option<String>,
    /// The users file.
    users: Option<Zeroizing<String>>,
}

impl Shared {
    fn of(args: &Args) -> Result<Shared, Failure> {
        let Some(dir) = &args.like else {
            let (cluster, issuer) = (args.cluster.clone(), args.issuer.clone());
            return Ok(Shared { dir: String::new(), cluster, issuer, users: None });
        };
        let settings = super::settings(&dir.join("symbolon.toml"))?;
        let file = settings.users_file.unwrap_or_else(|| dir.join("users.toml"));
        let users =
            fs::read_to_string(&file).map_err(|e| Failure::Usage(format!("--like: {}: {e}", file.display())))?;
        Ok(Shared {
            dir: dir.display().to_string(),
            cluster: settings.cluster_name,
            issuer: Some(settings.issuer),
            users: Some(users.into()),
        })
    }
}

struct Pems {
    ca_cert: String,
    ca_key: Zeroizing<String>,
    cert: String,
    key: Zeroizing<String>,
}

/// A CA and a server certificate for development: P-256, valid for twenty years.
fn certificates(args: &Args) -> Result<Pems, Failure> {
    let failed = |e: rcgen::Error| Failure::Failed(format!("the certificate could not be made: {e}"));
    let (ca_pair, shared) = match &args.like {
        None => (KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?, None),
        Some(other) => {
            let read = |name: &str| {
                let path = other.join("tls").join(name);
                fs::read_to_string(&path).map_err(|e| Failure::Usage(format!("--like: {}: {e}", path.display())))
            };
            let key = Zeroizing::new(read("ca.key")?);
            let pair = KeyPair::from_pem(&key).map_err(|e| Failure::Usage(format!("--like: tls/ca.key: {e}")))?;
            (pair, Some(read("ca.pem")?))
        }
    };
    let ca_params = ca_params().map_err(failed)?;
    let ca_cert = match shared {
        Some(pem) => pem,
        None => ca_params.self_signed(&ca_pair).map_err(failed)?.pem(),
    };
    let ca_key = Zeroizing::new(ca_pair.serialize_pem());
    let issuer = Issuer::new(ca_params, ca_pair);

    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let ip = Some(args.listen.ip()).filter(|ip| !ip.is_unspecified()).map(|ip| ip.to_string());
    names.extend(
        ip.into_iter()
            .chain(args.address.as_deref().and_then(host))
            .filter(|name| !["localhost", "127.0.0.1"].contains(&name.as_str())),
    );
    let mut params = CertificateParams::new(names).map_err(failed)?;
    params.distinguished_name = common_name(&args.name);
    limit_validity(&mut params);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
    let cert = params.signed_by(&pair, &issuer).map_err(failed)?.pem();
    Ok(Pems { ca_cert, ca_key, cert, key: Zeroizing::new(pair.serialize_pem()) })
}

/// The host of an origin.
fn host(origin: &str) -> Option<String> {
    let uri: hyper::Uri = origin.parse().ok()?;
    Some(uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned())
}

/// The same for every development CA but for its key, so that a CA can be used again from its key alone.
fn ca_params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = common_name("Symbolon development CA");
    limit_validity(&mut params);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn common_name(name: &str) -> DistinguishedName {
    let mut full = DistinguishedName::new();
    full.push(DnType::CommonName, name);
    full
}

/// Fixed dates: certificates for development do not look at the clock.
fn limit_validity(params: &mut CertificateParams) {
    (params.not_before, params.not_after) = (date_time_ymd(2025, 1, 1), date_time_ymd(2045, 1, 1));
}

fn generate_password(crypto: &Crypto) -> Zeroizing<String> {
    let random = crypto.bytes::<PASSWORD_LETTERS>();
    Zeroizing::new(random.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}

fn users_toml(hash: &str) -> String {
    format!(
        "# Users who may log in. A hash comes from `symbolon user hash`. Restart the node after a change.\n\n\
         [[user]]\nname = \"admin\"\npassword_hash = \"{hash}\"\ngroups = [\"admins\"]\n"
    )
}

fn symbolon_toml(args: &Args, shared: &Shared) -> String {
    let text = |value: &str| toml::Value::String(value.to_owned()).to_string();
    let issuer = match &shared.issuer {
        Some(issuer) => format!("issuer = {}", text(issuer)),
        None => format!(
            "# The same on every node; by default this node's own origin.\n# issuer = \"https://{}\"",
            args.listen
        ),
    };
    let address = match &args.address {
        Some(address) => format!("# Where peers and browsers reach this node.\naddress = {}\n", text(address)),
        None => String::new(),
    };
    format!(
        "# One node of a Symbolon cluster. docs/CONFIGURATION.md, or `symbolon config docs`, has every option.\n\
         # Paths are relative to this file. Environment variables such as SYMBOLON_HTTP__LISTEN win.\n\n\
         [cluster]\n# The same on every node: frames of another cluster are refused.\nname = {cluster}\n{issuer}\n\n\
         [node]\n# For people, in logs and statistics.\nname = {name}\n# The database; identity_file is who this node is. Back up both.\n\
         data_dir = \"data\"\nidentity_file = \"identity.key\"\n\n\
         [http]\nlisten = {listen}\n{address}\n\
         [tls]\n# For development. Put a certificate of your own here.\ncert = \"tls/server.pem\"\nkey = \"tls/server.key\"\n\n\
         [gossip]\n# Signs the certificates of peers.\nca = \"tls/ca.pem\"\n\n\
         [users]\nfile = \"users.toml\"\nadmin_group = \"admins\"\n",
        cluster = text(&shared.cluster),
        name = text(&args.name),
        listen = text(&args.listen.to_string()),
    )
}
