//! What the dotted store costs: a delta of 100 changed cells among many, a write while views are held, memory per entry.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use symbolon_core::crdt::{DottedStore, Fingerprint, Hlc, Incarnation, NodeId, ReplicaId, Unit, VersionVector};

const SIZES: [u64; 3] = [10_000, 100_000, 1_000_000];
const CHANGED: u64 = 100;

/// An identifier of 24 bytes; neighbours in number lie far apart in order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key([u8; 24]);

#[derive(Clone)]
struct Value([u8; 16]);

type Store = DottedStore<Key, Value>;

impl Fingerprint for Key {
    fn fingerprint(&self, sink: &mut dyn FnMut(&[u8])) {
        sink(&self.0);
    }
}

impl Fingerprint for Value {
    fn fingerprint(&self, sink: &mut dyn FnMut(&[u8])) {
        sink(&self.0);
    }
}

fn key(number: u64) -> Key {
    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    bytes[16..].copy_from_slice(&number.to_be_bytes());
    Key(bytes)
}

fn replica(node: u8) -> ReplicaId {
    ReplicaId { node: NodeId([node; 16]), incarnation: Incarnation(1) }
}

fn filled(entries: u64) -> Store {
    let mut store = Store::new();
    for number in 0..entries {
        store.write(replica((number % 3) as u8), key(number), Value([7; 16]), Hlc(number));
    }
    store
}

fn changed(store: &Store, entries: u64) -> Store {
    let mut ahead = store.clone();
    for number in 0..CHANGED {
        ahead.write(replica(0), key(number * (entries / CHANGED)), Value([8; 16]), Hlc(entries + number));
    }
    ahead
}

fn gather(store: &Store, peer: &VersionVector) -> Unit<Key, Value> {
    let mut cut = store.cut(peer);
    let mut cells = Vec::new();
    while let Some(part) = cut.next_part(64, |_, _| 100, 65_536) {
        cells.extend(part.cells);
    }
    Unit { cells, vector: cut.vector().clone(), floor: cut.floor().clone(), deep: cut.is_deep() }
}

fn deltas(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("delta of 100 cells");
    for entries in SIZES {
        let before = resident_kib();
        let behind = filled(entries);
        let grown = resident_kib().saturating_sub(before);
        println!("{entries} entries of 24 + 16 bytes: {} bytes each", grown * 1024 / entries);
        let ahead = changed(&behind, entries);
        group.bench_function(BenchmarkId::new("cut and parts", entries), |bencher| {
            bencher.iter(|| black_box(gather(&ahead, behind.vector())));
        });
        let unit = gather(&ahead, behind.vector());
        assert_eq!(unit.cells.len() as u64, CHANGED);
        group.bench_function(BenchmarkId::new("merge", entries), |bencher| {
            let fresh = || (behind.clone(), unit.clone());
            bencher.iter_batched(
                fresh,
                |(mut store, unit)| {
                    store.merge(unit).expect("an honest unit");
                    store
                },
                BatchSize::SmallInput,
            );
        });
        drop((behind, ahead));
    }
    group.finish();
}

fn writes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("write and take a view");
    for entries in SIZES {
        let mut store = filled(entries);
        let mut view = store.clone();
        let mut number = 0;
        group.bench_function(BenchmarkId::from_parameter(entries), |bencher| {
            bencher.iter(|| {
                number += 1;
                store.write(replica(1), key(number % entries), Value([9; 16]), Hlc(entries + number));
                view = store.clone();
            });
        });
        black_box(&view);
    }
    group.finish();
}

/// The resident set, as the kernel counts it: a counting allocator would need unsafe code.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a resident set");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = deltas, writes
}
criterion_main!(benches);
