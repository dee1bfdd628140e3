//! The replica: one pure state machine, driven by events and clock ticks. It dispatches; the work is done in the rooms below.

mod effect;
mod event;
mod fact;
mod request;

pub use effect::{Door, Effect, Row, Table, Work};
pub use event::{Actor, CallId, Destination, Event, ExchangeId, Worked, WriteConcern, WriteId};
pub use fact::Fact;
pub use request::{Receipt, Refusal, Reply, Request, Seed};

pub use crate::state::Wanted;
