//! A node as any outsider sees it, in whichever world: its endpoints, and an HTTP client under them. It decides nothing.

pub mod api;
pub mod http;
