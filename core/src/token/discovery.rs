//! The metadata document (RFC 8414): exactly what is implemented, and nothing that is not.

use serde_json::{Value, json};

use crate::config::Config;
use crate::state::{ClientAuthMethod, Grant};

/// Served as `oauth-authorization-server` and as `openid-configuration`: the same on every node of a cluster.
///
/// `response_types_supported` is required (RFC 8414, section 2) and empty: there is no authorization endpoint.
pub fn discovery(config: &Config) -> Value {
    let base = config.issuer.trim_end_matches('/');
    let secrets = [ClientAuthMethod::SecretBasic, ClientAuthMethod::SecretPost].map(ClientAuthMethod::name);
    let any = [ClientAuthMethod::SecretBasic, ClientAuthMethod::SecretPost, ClientAuthMethod::None]
        .map(ClientAuthMethod::name);
    json!({
        "issuer": config.issuer,
        "token_endpoint": format!("{base}/token"),
        "token_endpoint_auth_methods_supported": secrets,
        "introspection_endpoint": format!("{base}/introspect"),
        "introspection_endpoint_auth_methods_supported": secrets,
        "revocation_endpoint": format!("{base}/revoke"),
        "revocation_endpoint_auth_methods_supported": any,
        "jwks_uri": format!("{base}/jwks"),
        "grant_types_supported": [Grant::ClientCredentials.name()],
        "response_types_supported": [],
    })
}
