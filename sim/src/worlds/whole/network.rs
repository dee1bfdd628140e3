//! The network of a node: the production HTTP client and server over turmoil's streams, and the weather around each exchange.
//! What is sent arrives late, twice, altered, or not at all, as drawn; a partition is turmoil's own.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use symbolon_node::dial::{Dial, Stream};
use symbolon_node::net::HttpNet;
use symbolon_node::ports::{Net, NetFault, Outgoing, Payload, Pending};
use symbolon_node::server::Listen;
use symbolon_node::tls;
use turmoil::net::{TcpListener, TcpStream};

use super::clock::true_ms;
use super::place::Place;
use super::record::Seen;
use super::weather::{Fate, Weather, bytes_of};

/// Where every node listens.
pub(super) const PORT: u16 = 80;

/// Streams of the simulation.
pub(super) struct SimDial;

impl Dial for SimDial {
    fn dial(&self, host: String, port: u16) -> Pending<io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            let stream = TcpStream::connect((host.as_str(), port)).await?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}

/// Callers of the simulation.
pub(super) struct SimListener(TcpListener);

impl SimListener {
    pub(super) async fn bind() -> io::Result<SimListener> {
        TcpListener::bind(("0.0.0.0", PORT)).await.map(SimListener)
    }

    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Listen for SimListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.0.accept().await
    }
}

/// Exchanges of one node with its peers, through the weather.
pub(super) struct WeatheredNet {
    place: Arc<Place>,
    weather: Arc<Weather>,
    http: Arc<HttpNet>,
}

impl WeatheredNet {
    pub(super) fn new(place: Arc<Place>, weather: Arc<Weather>) -> WeatheredNet {
        let trust = tls::client(None).expect("to trust nobody takes no file");
        WeatheredNet { place, weather, http: Arc::new(HttpNet::new(Arc::new(SimDial), trust)) }
    }
}

impl Net for WeatheredNet {
    fn exchange(&self, request: Outgoing) -> Pending<Result<Vec<u8>, NetFault>> {
        let (place, weather, http) = (self.place.clone(), self.weather.clone(), self.http.clone());
        Box::pin(async move {
            let at_ms = true_ms();
            place.record.add(at_ms, place.index, Seen::Sent(bytes_of(&request).to_vec()));
            weather.hear(bytes_of(&request));
            let fate = weather.fate(place.index, &request, at_ms);
            let patience = request.timeout;
            let outcome = tokio::time::timeout(patience, through(fate, &weather, &http, request)).await;
            let outcome = outcome.unwrap_or_else(|_| Err(fault("it vanished")));
            match &outcome {
                Ok(reply) => place.record.add(true_ms(), place.index, Seen::Returned(reply.clone())),
                Err(NetFault { status: Some(_), .. }) => place.record.add(true_ms(), place.index, Seen::Refused),
                Err(_) => {}
            }
            outcome
        })
    }
}

async fn through(
    fate: Fate,
    weather: &Weather,
    http: &Arc<HttpNet>,
    mut request: Outgoing,
) -> Result<Vec<u8>, NetFault> {
    let (from, to) = fate.link;
    if fate.twice {
        let (http, again) = (http.clone(), request.clone());
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(fate.late_ms)).await;
            http.exchange(again).await
        });
    }
    if fate.slow_ms > 0 {
        tokio::time::sleep(Duration::from_millis(fate.slow_ms)).await;
    }
    unclogged(weather, (from, to)).await;
    if fate.request_lost {
        return vanish(fate.silent).await;
    }
    let (Payload::Body(frame) | Payload::Header(frame)) = &mut request.payload;
    fate.damage_request.apply(frame);
    let mut reply = http.exchange(request).await?;
    unclogged(weather, (to, from)).await;
    if fate.reply_lost {
        return vanish(fate.silent).await;
    }
    fate.damage_reply.apply(&mut reply);
    Ok(reply)
}

/// Waits while what goes this way is held.
pub(super) async fn unclogged(weather: &Weather, link: (usize, usize)) {
    while weather.is_clogged(link) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn vanish(silently: bool) -> Result<Vec<u8>, NetFault> {
    if silently {
        std::future::pending::<()>().await;
    }
    Err(fault("it was lost"))
}

fn fault(problem: &str) -> NetFault {
    NetFault { status: None, reason: None, problem: problem.into() }
}
